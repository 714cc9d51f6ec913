"""Words that judge, in English and Russian, as people use them about hotels, restaurants and health centres.

Entries are divided by commas and compared by stem, so one form stands for its inflections; several words make a
phrase, and the longest phrase that fits wins. `=word` asks for exactly that form. Both languages are read at once:
their scripts keep them apart. What counts as praise with one topic only (a hot breakfast) stands in the templates.
"""

PRAISE = """
good, great, excellent, wonderful, perfect, perfectly, lovely, nice, nicely, friendly, polite, politely, helpful,
kind, attentive, attentively, clean, tidy, neat, spotless, immaculate, quiet, calm, cosy, cozy, comfortable, comfy,
spacious, tasty, delicious, fresh, fast, quick, quickly, prompt, promptly, pleasant, professional, professionally,
caring, welcoming, beautiful, stylish, modern, convenient, easy, smooth, smoothly, impressed, impressive, happy,
satisfied, pleased, liked, i like, we like, really like, love, loved, enjoy, enjoyed, reasonable, affordable, worth,
generous, helped, fine, ok, okay, thorough, thoroughly, clearly, amazing, super, awesome, fantastic, superb,
brilliant, smiling, respectful, patient, on time, right away, in order, in place, up to date, compliant, in good
condition, well maintained, well kept, well lit, very well, works well, works fine, works properly, working order,
went well, slept well, well done, well trained, properly, intact, legible, visible, complete, five out of five, ten
out of ten, 5 out of 5, 10 out of 10, five stars, best, better than expected, could not be better, couldn't be
better, nothing to complain about, exemplary, hardly any wait, greeted, apologised, apologized, good value, without
a hitch, upgraded, complimentary, short wait, wait was short, =improved,
хороший, хорошо, хорошая, отличный, отлично, прекрасный, прекрасно, замечательный, замечательно, великолепный,
великолепно, чудесный, чудесно, вежливый, вежливо, вежлив, приветливый, приветливо, доброжелательный,
доброжелательно, дружелюбный, дружелюбно, внимательный, внимательно, внимательны, заботливый, чистый, чисто,
чистота, опрятный, опрятно, аккуратный, аккуратно, ухоженный, ухожен, тихий, тихо, спокойный, спокойно, уютный,
уютно, удобный, удобно, просторный, просторно, вкусный, вкусно, вкуснее, свежий, свежо, быстрый, быстро, оперативно,
вовремя, понравился, понравилось, понравятся, нравится, доволен, довольна, довольны, приятный, приятно,
профессионально, профессиональный, профессионал, грамотный, грамотно, подробно, понятно объяснил, понятно объяснили,
все понятно, доходчиво, помог, помогли, помогла, исправен, исправно, исправны, исправна, соответствует, в порядке, в
наличии, на месте, идеально, идеальный, супер, здорово, молодец, молодцы, на высоте, на уровне, порадовал,
порадовало, пять баллов, десять из десяти, пять из пяти, на пятерку, светлый, нормально, нормальный, устраивает,
устроило, комфортно, комфортный, недорого, адекватный, приемлемый, улыбчивый, улыбались, поздоровались, лучше не
бывает, ждать не пришлось, без очереди, сразу приняли, сразу заселили, хорошем состоянии, удовлетворительное,
действующий, читаемый, неплохо, неплохой, красивый, красиво, терпеливо, терпеливый, с улыбкой, тактичный, пошли
навстречу, целый, целые, цела, лучший, отзывчивый, отзывчивы, вежливы, приветливы, исправное
"""

COMPLAINT = """
bad, badly, awful, terrible, horrible, disgusting, rude, rudely, unfriendly, impolite, cold, lukewarm, dirty,
filthy, dust, dusty, stain, stained, noisy, noise, loud, stuffy, smelly, stank, smell, smelled, unpleasant,
expensive, overpriced, pricey, slow, slowly, queue, queued, waited, waiting for ages, long wait, late, delay,
delayed, broken, out of order, out of date, faulty, not working, does not work, doesn't work, did not work, didn't
work, not work, dropping, dropped, disconnected, missing, absent, lacking, lacks, expired, overdue, violation,
problem, issue, complaint, complain, cramped, tiny, scarce, tasteless, bland, overcooked, undercooked, raw, stale,
salty, disappointed, disappointing, annoyed, annoying, indifferent, careless, blocked, obstructed, locked,
cluttered, crack, cracked, chipped, mould, mold, rust, rusty, leak, leaking, leaks, dripping, shabby, worn out,
torn, peeling, dim, dark, slippery, loose, litter, rubbish, uncomfortable, inconvenient, confusing, confused,
incompetent, ignored, mistake, wrong, overcharged, poor, poorly, worse, worst, ugly, hard to find, not enough,
should have been, unsafe, except, apart from, unfortunately, rushed, scratched, damaged, hair, nobody came, no one
came, faded, burnt out, burned out, illegible, soiled, grease, greasy, unlabelled, unlabeled, unattended, weak,
unclear, not a word, unlocked, crowded, not happy,
плохой, плохо, хуже, худший, ужасный, ужасно, ужас, кошмар, отвратительный, отвратительно, грубый, грубо, грубили,
хамство, хамили, нахамили, нагрубил, нагрубили, нагрубила, холодный, холодно, остывший, остыл, остыла, остыли,
грязный, грязно, грязь, пыль, пыльный, пятно, пятна, =пятен, пятнами, пятнах, шумно, шумный, шум, громко, душно, вонь,
воняет, запах, неприятный, неприятно, дорого, дороговато, долго, медленно, медленный, очередь, очереди, ждали,
ждать, ждал, ждала, прождали, прождал, прождала, прождать, опоздал, опоздала, опоздали, задержка, задержек, задержали, сломан,
сломана, сломано, сломанный, сломался, сломалась, неисправен, неисправна, неисправны, неисправный, не работает, не
работал, не работала, не работало, не работают, перебои, отваливался, отваливается, пропадал, пропадает, обрывался,
отсутствует, отсутствуют, отсутствие, просрочен, просрочена, просроченный, истек, истекла, нарушение, замечание,
проблема, проблем, претензия, жалоба, жаловаться, недостаток, минус, тесно, тесный, тесновато, мало, маловато, нехватка, не
хватает, не хватало, не хватило, невкусно, невкусный, пересолен, пересолено, сырой, разочарован, разочаровал,
разочаровало, разочаровала, недоволен, недовольны, раздражает, раздражало, равнодушный, равнодушно, невнимательный,
загроможден, заставлен, заставлена, завален, заблокирован, заблокирована, заперт, заперта, перекрыт, перекрыта,
трещина, треснул, треснута, скол, плесень, ржавчина, ржавый, протекает, течет, подтеки, обшарпан, обшарпанный,
изношен, потертый, потерт, тускло, темно, скользко, расшатан, оторван, оторвана, мусор, неудобно, неудобный,
непонятно, некомпетентный, обман, обманули, завышен, завышенный, не соответствует, ошибка, ошибок, ошиблись, перепутали,
забыли, потеряли, кроме, к сожалению, волос, волосы, выцвел, выцвела, перегорел, перегорела, перегорели, грязноват,
пересушен, жесткий, накричала, отмахнулся, неопрятный, неопрятно, неопрятен, мятая, мятый, не вовремя, поцарапан,
поцарапана, поврежден, повреждена, повреждено, сыро, еле, слабый, слабо, переполнен, переполнены, впритык
"""

SUGGESTION = """
should, would be nice, would be good, would be great, would be better, would be useful, would help, could be better,
i wish, we wish, suggest, suggestion, please add, please fix, if you fix, needs to be, need to be, must be, needs
replacing, needs cleaning, needs repair, to be replaced, to be repaired, you fix, improve, i would like to see, i
would add, i'd add, as long as, provided that, on condition, only if, recommend installing, recommend replacing,
recommend adding, recommend moving,
хотелось бы, хотел бы, хотела бы, хотели бы, было бы хорошо, было бы неплохо, было бы удобно, было бы здорово,
неплохо бы, хорошо бы, бы лучше, лучше бы, нужно бы, надо бы, необходимо, следует, следовало бы, предлагаю,
пожелание, добавьте, =исправьте, почините, улучшить, улучшите, =исправите, наладите, добавить бы, требует, требуется,
требуют, при условии, только если, если только, если исправите, если почините, рекомендую установить, рекомендую
заменить, стоит добавить, стоит сделать, стоит заменить, стоит обновить, стоит подумать, стоило бы, рекомендую
добавить, рекомендую убрать, рекомендую перенести, нужно, надо, прошу
"""

NEUTRAL = """
good morning, good afternoon, good evening, good day, good bye, good night, nice day, nice evening, nice to meet
you, have a nice, have a good, you are welcome, you're welcome, best regards, kind of, what kind, this kind, all
kinds, =fairly, would like to, would like, as well as, in good time for, good question, good luck, not only, of
course, at best, best before, =cleaning, ice cold, cold water, cold drink, cold drinks, cold starters, late evening,
late night, later, late check out, late checkout, late check, late flight, best friend, to be fair, in the dark,
half board, no idea, no opinion, no comment, no matter, no longer, fresh air, great deal, good deal of, love to,
happy to, stain remover, dust bin, =waiter, waiting room, waiting area, smell of coffee, smell of bread, smells
good, smelled good, smells nice, problem solved, complaints book, hair dryer, =issued, =completely, no no, or no,
comments book, book of complaints, queue system,
хорошего дня, хорошего вечера, доброго дня, добрый день, добрый вечер, доброе утро, всего хорошего, всего доброго,
здорово живете, не только, в целом, кроме того, кроме этого, книга жалоб, книга отзывов, электронная очередь, запах
кофе, запах хлеба, вкусно пахло, в первую очередь, в свою очередь, холодная вода, холодной воды, холодные закуски,
не очень давно, надо сказать, нужно сказать, надо признать, стоит отметить, сколько стоит, хорошо что, понятно,
долго думали, =лучше, да нет, или нет, нет нет, нет ли, следует отметить, зал ожидания, зоне ожидания, не надо, не
нужно, не стоит
"""

NEGATION = """
not, n't, never, hardly, barely, without, neither, nor, nobody, no one, none of, nothing, cannot, far
from,
не, ни, без, никто, ничего, никогда, никаких, никакого, вряд ли, едва ли, отнюдь не
"""

ABSENCE = """
=no,
=нет, не очень, не особо, так себе, нету, не было, не обнаружено, не выявлено, не видно, не найдено, не возникло, не нашли, не нашел, не вижу, не
заметил, не заметила, не установлен, не установлена, не предусмотрено
"""
"""Turns a word of judgement near it round like a negation; with none near, something is not there: a complaint."""

EXCESS = "too, слишком, чересчур, too much, too many"
"""A complaint with whatever follows: too small, too far."""

YES = """
yes, yeah, yep, sure, certainly, definitely, absolutely, of course, gladly, with pleasure, probably yes,
да, конечно, обязательно, безусловно, разумеется, несомненно, однозначно, с удовольствием, скорее да, непременно,
ага
"""

NO = """
no, nope, not really, definitely not, probably not, certainly not, of course not, absolutely not, not at all,
unlikely, i doubt it,
нет, вряд ли, скорее нет, конечно нет, точно нет, ни за что, сомневаюсь, не думаю
"""

YES_ALONE = "i would, i will, i do, i did, we would, we did, it was, they were, i think so, всегда, очень, понравилось"
NO_ALONE = """
never, i would not, i wouldn't, i won't, i will not, i didn't, i don't, not yet, it wasn't, they weren't, not
exactly,
никогда, едва ли, не очень, не особо, не понравилось
"""
"""Consent and refusal only where nothing but punctuation follows: "I would not." but not "I would not recommend"."""

FILLER = """
well, hmm, hm, oh, um, uh, so, i think, i guess, probably, maybe, honestly, to be honest, you know, i mean, thank
you,
ну, эм, хм, ой, вот, думаю, наверное, честно говоря, если честно, знаете, пожалуй, в принципе, спасибо
"""

CONTRAST = """
but, however, although, though, whereas, except, apart from, on the other hand, unfortunately,
но, однако, хотя, зато, а, кроме, тем не менее, в то же время, с другой стороны, к сожалению, правда
"""
"""Words before which a sentence is cut in clauses."""

CONDITION = """
as long as, provided that, on condition that, on condition, only if,
при условии что, при условии, только если, если только
"""
"""Words after which a sentence is cut: they qualify what stands before them."""

BACKWARD = """
it, it's, they, they're, he, she, he's, she's, that, this, these, those, there, also, very, really, both, all of it,
он, она, оно, они, это, этот, эта, там, тоже, также, очень, причем, еще и, притом, его, ее, их, у них, у него, у нее
"""
"""A sentence that begins with one of these goes on about what was spoken of before."""
