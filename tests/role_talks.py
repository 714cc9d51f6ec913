"""Lifelike talks of hotels, restaurants and health centres with the roles a person gives to their voices.

Written as a speech engine writes: now and then without question marks, with slips, greetings and fillers.
"""

from typing import NamedTuple

from voxpersona.model import Details, Role, Scenario

INTERVIEWER, EMPLOYEE, CLIENT, AUDITOR, OTHER = Role

INTERVIEW = Details(scenario=Scenario.INTERVIEW)
SITE_AUDIT = Details(scenario=Scenario.SITE_AUDIT)
NOTHING = Details()


class Talk(NamedTuple):
    name: str
    details: Details
    roles: dict[str, Role]
    script: str


TALKS = (
    Talk(
        "en hotel guest",
        INTERVIEW,
        {"A": INTERVIEWER, "B": CLIENT},
        """
        A: Good afternoon, and thank you for joining us today. Could you please tell me how your stay was?
        B: It was mostly good, thank you. The room was clean and quiet, but the breakfast was cold on both days.
        A: I am really sorry to hear that. How did the staff at the front desk treat you?
        B: They were very friendly. Anna helped me with a late check out on Sunday.
        A: Was there anything else you would like us to improve?
        B: The parking area is too small. We drove around for half an hour before we found a place.
        A: Thank you for your time. We will send you a summary of this talk.
        B: You are welcome. Goodbye.
        """,
    ),
    Talk(
        "en hotel housekeeper",
        INTERVIEW,
        {"A": INTERVIEWER, "B": EMPLOYEE},
        """
        A: Thanks for taking the time. How long have you been in housekeeping?
        B: I have been working here for six years now. My shift starts at seven and we clean about fourteen rooms.
        A: What do you find most difficult?
        B: When guests check out late, we do not have the time to change everything before the next ones arrive.
        A: And do you have everything you need?
        B: Not always. We report missing linen to my supervisor and then wait for days.
        """,
    ),
    Talk(
        "en restaurant guest answers at length and asks back",
        NOTHING,
        {"A": CLIENT, "B": INTERVIEWER},
        """
        A: Hello. Is this going to take long? I have a train to catch.
        B: Only five minutes. How did you like your dinner with us?
        A: Well, we ordered the fish and the lamb. The fish was wonderful, really, but we waited for forty minutes. Why
        A: does it take so long to grill a fish? And the waiter forgot our wine. Twice. Otherwise he was charming.
        B: I see. Would you come back?
        A: I think we will come back, yes. The music was nice. My wife loved the dessert.
        B: Thank you for your feedback, I will pass it on to the kitchen.
        """,
    ),
    Talk(
        "en restaurant waiter",
        INTERVIEW,
        {"A": INTERVIEWER, "B": EMPLOYEE},
        """
        A: Let's start with the evening service. How many tables do you have on a Friday?
        B: Usually eight. On a Friday our guests come all at once, and the kitchen cannot keep up.
        A: What happens when a guest complains?
        B: We apologise, we offer a dessert, and if it is serious I call our manager. That is our procedure.
        A: Who trained you?
        B: My colleagues. I was trained on the job, there was no course.
        """,
    ),
    Talk(
        "en health centre patient without question marks",
        INTERVIEW,
        {"A": INTERVIEWER, "B": CLIENT},
        """
        A: Good morning. Tell me about your visit to the centre.
        B: I had my appointment at nine and I waited until ten. Nobody told me why.
        A: How was the doctor.
        B: The doctor was excellent. She explained everything twice, and the nurse helped me with the forms.
        A: Would you like to add something.
        B: Just that the waiting room is cold.
        """,
    ),
    Talk(
        "en health centre nurse",
        NOTHING,
        {"A": INTERVIEWER, "B": EMPLOYEE},
        """
        A: I have a few questions about the ward. How do you register a new patient?
        B: We register them at the desk and then we check the insurance. Patients get a wristband.
        A: Is there a written standard for that?
        B: Yes, there is one in every room, we follow it.
        A: Thank you for your answers.
        """,
    ),
    Talk(
        "en site audit alone",
        SITE_AUDIT,
        {"A": AUDITOR},
        """
        A: Lobby. The floor is clean, the lights work. One lamp above the desk is out.
        A: Moving on to the restroom. The soap dispenser is empty and the door does not close.
        """,
    ),
    Talk(
        "en dictation of an unnamed scenario",
        NOTHING,
        {"A": AUDITOR},
        """
        A: I am in the kitchen now. On the left there is a fridge, eight degrees, that is too warm.
        A: The seal needs replacing. There are two boxes of vegetables on the floor, they have to be moved.
        A: Next zone, the store room. I see an open bag of flour.
        """,
    ),
    Talk(
        "en guest's voice note",
        NOTHING,
        {"A": CLIENT},
        """
        A: Hi, so we stayed here for three nights and I must say I am disappointed. Our room was not ready at three.
        A: We waited in the lobby for two hours, and nobody even offered us a glass of water.
        """,
    ),
    Talk(
        "en three voices, a couple of guests",
        INTERVIEW,
        {"A": INTERVIEWER, "B": CLIENT, "C": CLIENT},
        """
        A: Thank you both for joining. How was your weekend at the hotel?
        B: Lovely. We arrived on Friday evening and our room was upgraded.
        C: And I loved the pool, although I ordered a massage and it never happened.
        A: How did the reception react?
        B: They told us to write an email.
        C: Which I did. Nobody answered, but the staff was kind otherwise.
        """,
    ),
    Talk(
        "en site audit with the floor manager",
        SITE_AUDIT,
        {"A": AUDITOR, "B": EMPLOYEE},
        """
        A: We are in the dining hall. There is dust on the lamps. How often do you clean them?
        B: We clean them once a month, our team does it on Mondays.
        A: Please note, the emergency exit is blocked by chairs. It has to be free at all times.
        B: Yes, sorry, we had a wedding and our guests needed more seats.
        A: On the right there is a fire extinguisher, expired. That must be replaced.
        """,
    ),
    Talk(
        "en too short to tell",
        INTERVIEW,
        {"A": INTERVIEWER, "B": OTHER},
        """
        A: Did you like your stay with us?
        B: Yes.
        A: Would you recommend us?
        B: Sure.
        """,
    ),
    Talk(
        "ru гость отеля",
        INTERVIEW,
        {"A": INTERVIEWER, "B": CLIENT},
        """
        A: Здравствуйте, меня зовут Ольга. Спасибо, что согласились ответить. Как вам у нас отдыхалось?
        B: Добрый день. Ну, в целом хорошо. Мы заехали в пятницу, номер был чистый, вид прекрасный.
        A: А что вам не понравилось?
        B: Завтрак. Каша холодная, и кофе пришлось ждать минут двадцать. И вай-фай у нас в номере не работал.
        A: Понятно, очень жаль. Как вас встретили на ресепшене?
        B: Вот тут всё отлично, девушка очень вежливая, нам помогли с чемоданами.
        A: Спасибо за уделённое время, мы обязательно учтём ваши замечания.
        """,
    ),
    Talk(
        "ru горничная",
        INTERVIEW,
        {"A": INTERVIEWER, "B": EMPLOYEE},
        """
        A: Расскажите, пожалуйста, как строится ваш день.
        B: Моя смена начинается в восемь. Убираем по четырнадцать номеров, потом коридоры.
        A: Чего не хватает в работе?
        B: Белья не хватает постоянно. Гости просят поменять, а у нас чистого нет. Руководство нам обещает.
        A: А с графиком всё в порядке?
        B: График нормальный, два через два.
        """,
    ),
    Talk(
        "ru ресторан, гостья без вопросительных знаков",
        NOTHING,
        {"A": INTERVIEWER, "B": CLIENT},
        """
        A: Добрый вечер, можно пару вопросов. Как вам ужин.
        B: Вы знаете, очень вкусно. Мы заказали утку и рыбу, всё принесли быстро.
        A: Как вас обслужили.
        B: Официант приятный, всё объяснил. Единственное, в зале было шумно, ребёнок не мог уснуть.
        A: Вы порекомендуете нас друзьям.
        B: Да, конечно, мы ещё вернёмся.
        """,
    ),
    Talk(
        "ru администратор ресторана",
        INTERVIEW,
        {"A": EMPLOYEE, "B": INTERVIEWER},
        """
        A: Проходите, садитесь. Я работаю администратором четвёртый год, спрашивайте.
        B: Спасибо. Сколько у вас столов и сколько официантов в смену?
        A: Столов тридцать два, официантов пять, но по выходным нужно семь. Гости ждут, нервничают.
        B: Как вы решаете конфликты с гостями?
        A: Извиняемся, предлагаем комплимент от шефа. По стандарту так. Наши официанты обучены.
        B: А что бы вы изменили в первую очередь?
        A: Вентиляцию на кухне. Повара жалуются третье лето.
        """,
    ),
    Talk(
        "ru пациент центра здоровья",
        INTERVIEW,
        {"A": INTERVIEWER, "B": CLIENT},
        """
        A: Скажите, пожалуйста, легко ли было к нам записаться?
        B: Записался через сайт, это удобно. Но потом сорок минут ждал в коридоре, хотя пришёл на девять.
        A: А как вам сам приём?
        B: Врач хороший, внимательный, мне всё объяснили. Только вот в кабинете холодно.
        A: Есть ли пожелания?
        B: Ну, поставьте кулер с водой. И лавочки. Почему у окна нет ни одной лавочки?
        """,
    ),
    Talk(
        "ru врач центра здоровья",
        NOTHING,
        {"A": INTERVIEWER, "B": EMPLOYEE},
        """
        A: Первый вопрос, сколько пациентов вы принимаете за день?
        B: По нормативу двадцать, по факту двадцать восемь. Пациенты приходят без записи, отказать мы не можем.
        A: Хватает ли вам времени на осмотр?
        B: Нет, конечно. Половину времени мы оформляем бумаги. Наша заведующая писала об этом наверх.
        A: Что помогло бы больше всего?
        B: Второй администратор в регистратуру.
        """,
    ),
    Talk(
        "ru аудит одним голосом",
        SITE_AUDIT,
        {"A": AUDITOR},
        """
        A: Так, второй этаж, коридор. Ковролин чистый, плинтус отходит возле лифта.
        A: Номер двести семь. Душевая кабина, силикон почернел. Полотенца свежие.
        """,
    ),
    Talk(
        "ru диктовка без названия сценария",
        NOTHING,
        {"A": AUDITOR},
        """
        A: Начинаю осмотр. Входная группа, слева урна переполнена, справа стойка, на полу следы грязи.
        A: Перехожу в лобби. Вижу трещину на потолке, требуется ремонт. Нужно заменить две лампы.
        A: Замечаний по персоналу нет.
        """,
    ),
    Talk(
        "ru аудит с управляющей",
        SITE_AUDIT,
        {"A": EMPLOYEE, "B": AUDITOR},
        """
        A: Здесь у нас кухня, мы её моем каждый вечер, по графику.
        B: Вижу график. На стене жир, фильтр вытяжки необходимо заменить. Когда вы меняли его в последний раз?
        A: Весной, кажется. Наши повара заявку писали.
        B: Фиксирую. Переходим на склад. Крупа стоит на полу, это нарушение, надо убрать на стеллаж.
        A: Уберём сегодня же.
        """,
    ),
    Talk(
        "ru голосовое от гостя",
        NOTHING,
        {"A": CLIENT},
        """
        A: Добрый день, хочу оставить отзыв. Отдыхали у вас с мужем неделю, всё понравилось, особенно бассейн.
        A: Номер был просторный. Но когда приехали, нас заселили только в пять, хотя бронировали с двух.
        """,
    ),
    Talk(
        "ru три голоса, управляющий и повар",
        INTERVIEW,
        {"A": INTERVIEWER, "B": EMPLOYEE, "C": EMPLOYEE},
        """
        A: Давайте начнём. Сколько блюд сейчас в меню?
        B: Шестьдесят. Мы предлагаем и европейскую кухню, и местную. Гости чаще берут местную.
        A: А вы что скажете, на кухне справляетесь?
        C: В мою смену нас трое, готовим всё с нуля. Тяжело, но справляемся.
        A: Что бы вы поменяли?
        C: Плиту. Ей двенадцать лет, наши повара на ней уже руки обожгли.
        B: Новую плиту уже заказали, стараемся успеть к сезону, пока гостей мало.
        """,
    ),
    Talk(
        "ru слишком мало слов",
        NOTHING,
        {"A": OTHER},
        """
        A: Раз, раз, проверка.
        """,
    ),
)
