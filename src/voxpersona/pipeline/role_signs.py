"""What gives a role away in Russian and English: tables, no code. `roles` reads them.

A sign is a role, a weight, a reason for people and phrases divided by `|`. Phrases are whole words without case and
punctuation; ё is written е; `*` stands for any ending. One sentence counts once for a sign.
"""

from dataclasses import dataclass

from voxpersona.model import Role


@dataclass(frozen=True)
class Sign:
    """`weight`: 2 says it outright, 1 is usual for the role, 0.5 is a hint."""

    role: Role
    weight: float
    reason: str
    phrases: str


QUESTION_STARTS = """
    could you | can you | would you | will you | do you | did you | are you | were you | have you | is there | was there
    | was everything | how was | how were | how is your | how are your | how did | how do you | how would | how often
    | what did | what do you | what would | what was | what is your | what else | which of | where did you
    | why did you | when did you | who helped | anything else | tell me | tell us | please tell
    | как вам | как вас | как вы | как у вас | как прошл* | как часто | что вам | что вы | что бы вы | что у вас
    | чем вам | чем вы | какие у вас | какие ваши | какой у вас | какая у вас | какое у вас | какое впечатление
    | какие впечатления | сколько вы | сколько вам | сколько у вас | почему вы | где вы | когда вы | кто вам | кто вас
    | кто у вас | откуда вы | были ли | был ли | была ли | есть ли | понравился ли | понравилось ли | все ли
    | довольны ли | удобно ли | расскажите | скажите | подскажите | опишите | поделитесь | оцените
"""
"""How a question begins; engines often leave its question mark out."""

SECOND_PERSON = "you | your | yours | вы | вас | вам | вами | ваш* | тебе | тебя | ты"
"""Whom a question is put to: one that names the other is an interviewer's, one without may be rhetorical."""

FIRST_PERSON = """
    i | me | my | we | us | our | ours
    | я | мне | меня | мной | мой | моя | мое | мои | моего | моей | моих | мою | мы | нас | нам | нами | наш* | у нас
    """
"""Whoever tells says these in most sentences, whoever dictates notes hardly ever."""

ASKED = (
    # What the one who leads asks about gives away whom they ask
    Sign(
        Role.CLIENT,
        0.75,
        "is asked as a guest",
        """
        your stay | your room | your visit | your holiday | your dinner | your lunch | your meal | your order
        | your booking | your appointment | your table | your weekend | your trip | did you like | did you enjoy
        | how did you like | how do you like | what did you order | what did you eat | would you come back
        | would you stay | would you recommend | will you recommend | will you come | will you come back
        | how did you sleep | check in | stay with us | staying with us | did you have to wait | how long did you wait
        | как вам | вам у нас | вам понравил* | понравил* | отдыхал* | отдохнули | ваш номер | вашем номере
        | ваш отдых | ваш визит | ваш заказ | ваш прием | вас встретили | вас приняли | вас обслужили | вас заселили
        | заселение | порекомендуете | посоветуете | посоветовали бы | приедете | вернетесь | придете еще
        | вы заказывали | вы заказали | вы останавливались | вы бронировали | вам пришлось ждать | пришлось ли ждать
        | обращались
        """,
    ),
    Sign(
        Role.EMPLOYEE,
        0.75,
        "is asked as one who works here",
        """
        your shift | your job | your work | your duties | your team | your guests | your patients | your colleagues
        | your manager | your department | you been working | do you work | did you start working | who trained you
        | were you trained | do you clean | do you serve | do you check | do you handle | do you deal with
        | do you register | do you train | work here | working here
        | ваша смена | вашей смены | вашу смену | ваша работа | вашей работе | ваш рабочий | ваши обязанности
        | ваша команда | ваши гости | ваших гостей | ваши коллеги | вы работаете | вы убираете | вы обслуживаете
        | вы принимаете | вы проверяете | вас обучали | вас обучают | вы решаете | с гостями | в смену | с графиком
        | в работе | со сменами
        """,
    ),
)

SIGNS = (
    # Who leads the talk
    Sign(
        Role.INTERVIEWER,
        2.0,
        "thanks the other for taking part",
        """
        thank you for joining | thanks for joining | thank you for taking the time | thanks for taking the time
        | thank you for your time | thanks for your time | thank you for coming | thank you for agreeing
        | thank you for your answers | thank you for talking | thank you for the feedback | thank you for your feedback
        | спасибо что согласились | спасибо что нашли время | спасибо что пришли | спасибо что уделили
        | спасибо за уделенное время | спасибо за ваше время | спасибо за ответы | спасибо за беседу
        | спасибо за интервью | спасибо за обратную связь | спасибо за отзыв | благодарю за ответы
        | благодарю за беседу | благодарю за уделенное | благодарю что согласились
        """,
    ),
    Sign(
        Role.INTERVIEWER,
        1.5,
        "leads the conversation",
        """
        next question | last question | first question | one more question | a few questions | a couple of questions
        | some questions | let us start | let s start | let us begin | let s begin | let us talk about
        | let s talk about | let us move on | let s move on | i would like to ask | i d like to ask | i want to ask
        | may i ask | this interview | our interview | our survey
        | следующий вопрос | последний вопрос | первый вопрос | еще вопрос | еще один вопрос | пару вопросов
        | несколько вопросов | хочу спросить | хотел* спросить | хотел* бы спросить | хотел* бы узнать
        | хотел* уточнить | хотел* бы уточнить | давайте начнем | давайте поговорим | давайте перейдем | начнем с
        | позвольте спросить | разрешите спросить | наш опрос | нашего опроса | провожу опрос | проводим опрос
        | провожу интервью
        """,
    ),
    Sign(
        Role.INTERVIEWER,
        1.0,
        "asks to tell or to rate",
        """
        could you tell | can you tell | please tell | tell me about | tell us about | could you describe
        | can you describe | walk me through | on a scale | how would you rate | would you recommend us
        | would you like us to | like us to improve
        | расскажите | поделитесь | опишите | скажите пожалуйста | подскажите пожалуйста | оцените
        | как бы вы оценили | по шкале | по десятибалльной | по пятибалльной | какую оценку | порекомендуете ли
        """,
    ),
    Sign(
        Role.INTERVIEWER,
        2.0,
        "promises to pass the answers on",
        """
        we will send you | we ll send you | i will send you | i ll send you | we will pass this on
        | i will pass this on | pass it on to | we will take this into account | your feedback | your opinion
        | мы отправим вам | мы вам отправим | мы вам пришлем | мы пришлем | пришлем вам | передадим ваш* | передам ваш*
        | мы передадим | обязательно передам* | учтем ваш* | обязательно учтем | ваше мнение | ваш отзыв
        | ваши пожелания | ваши замечания
        """,
    ),
    Sign(
        Role.INTERVIEWER,
        0.5,
        "takes an answer up",
        """
        sorry to hear | glad to hear | that is wonderful | that s wonderful | i understand | i see thank you | got it
        | понимаю вас | понял* вас | понятно спасибо | очень жаль | рад* слышать | рад* это слышать | приятно слышать
        | поняла спасибо | понял спасибо
        """,
    ),
    # Who works here
    Sign(
        Role.EMPLOYEE,
        2.0,
        "speaks of the own work here",
        """
        my shift | our shift | my shifts | i work here | i work at | i work in | i work as | i have worked here
        | i ve worked here | i have been working here | i ve been working here | i have been working as | my duties
        | my colleagues | my colleague | my supervisor | my boss | i was trained | we were trained | our management
        | моя смена | мою смену | моей смены | моей смене | наша смена | нашу смену | нашей смене | своей смены
        | свою смену | смена начинается | за смену | на смене | я работаю | я здесь работаю | я тут работаю
        | работаю здесь | работаю тут | работаю администратор* | работаю горничн* | работаю официант* | моя работа
        | мои обязанности | мои коллеги | мой начальник | наш начальник | наше руководство | руководство нам
        | нас обучают | нас обучали | меня обучали
        """,
    ),
    Sign(
        Role.EMPLOYEE,
        2.0,
        "speaks of guests, patients or colleagues as the house's own",
        """
        our guests | our guest | our patients | our patient | our clients | our customers | our visitors | our team
        | our staff | our kitchen | our chef | our nurses | our doctors | our waiters | our receptionists
        | our housekeepers | our housekeeping
        | наши гости | наших гостей | нашим гостям | нашими гостями | наши пациент* | наших пациент* | нашим пациент*
        | наши клиент* | наших клиент* | нашим клиент* | наши посетител* | наших посетител* | наш персонал
        | нашего персонала | наша команда | нашей команды | наш коллектив | наши сотрудники | наших сотрудников
        | наши администраторы | наши горничные | наши официанты | наши повара | наши врачи | наши медсестры | наш повар
        """,
    ),
    Sign(
        Role.EMPLOYEE,
        1.0,
        "speaks of guests or patients from the other side",
        """
        guests | the guest | a guest | patients | a patient | customers | a customer
        | гости | гостям | гостей | гостями | гостю | гостя | гость | пациент* | посетител* | постояльц* | клиент*
        """,
    ),
    Sign(
        Role.EMPLOYEE,
        1.5,
        "says what is done here day by day",
        """
        we clean | we serve | we check | we wash | we change | we prepare | we offer | we provide | we greet | we open
        | we close | we follow | we keep | we register | we record | we report | we replace | we disinfect | we cook
        | we try to | i clean | i check guests | i serve | i register | our procedure* | our standard* | our menu
        | our restaurant | our hotel | our clinic | our centre | our center | our department
        | убираем | убираю | обслуживаем | обслуживаю | встречаем | встречаю | готовим | предлагаем | проверяем
        | стираем | меняем | моем | записываем | заселяем | оформляем | дезинфицируем | выдаем | следим | стараемся
        | наш ресторан | наш отель | наша гостиница | наша клиника | наш центр | наша кухня | наше меню
        | нашем ресторане | нашем отеле | нашей клинике | нашем центре | нашей гостинице | нашей кухне
        | по стандарту | по регламенту | по инструкции
        """,
    ),
    Sign(Role.EMPLOYEE, 0.5, "says “with us”, as people of the house do", "у нас"),
    # Who was a guest here
    Sign(
        Role.CLIENT,
        2.0,
        "speaks of the own stay, table or appointment",
        """
        my stay | our stay | my room | our room | my visit | our visit | my booking | our booking | my reservation
        | our reservation | my appointment | my table | our table | my order | our order | my bill | our bill
        | my trip | our trip | my holiday | our holiday | my doctor | my treatment
        | наш номер | мой номер | нашем номере | моем номере | нашего номера | моего номера | у нас в номере
        | у меня в номере | наш столик | нашим столиком | наш заказ | мой заказ | моя запись | мой прием | мой отпуск
        | наш отпуск | нашего отдыха | наш отдых | мой визит | мое лечение | мой врач | моего врача | у нас украли
        """,
    ),
    Sign(
        Role.CLIENT,
        2.0,
        "tells of coming here as a guest",
        """
        i stayed | we stayed | i checked in | we checked in | i checked out | we checked out | i arrived | we arrived
        | i booked | we booked | i ordered | we ordered | i reserved | we reserved | i came for | we came for
        | i came with | we came with | we came here | i had dinner | we had dinner | i had lunch | we had lunch | i ate
        | we ate | i slept | we slept | i paid | we paid | i waited | we waited | i had to wait | we had to wait
        | we drove | i made an appointment | i would come back | i will come back | i ll come back | we will come back
        | we ll come back | i would recommend | we would recommend
        | заехал* | заезжали | заселил* | заселялись | поселили | приехал* | прилетел* | останавливал*
        | остановил*ся | остановились | забронировал* | бронировал* | заказал* | заказывал* | записался | записалась
        | записывал*ся | записывалась | отдыхал* | отдыхаем | ужинали | обедали | завтракали | пообедали | поужинали
        | ждали | ждал | ждала | прождал* | пришлось ждать | заплатил* | вернемся | вернусь | приедем еще | приеду еще
        | пришел на | пришла на | пришли на | пришли поужинать | пришли пообедать | посоветую | порекомендую
        """,
    ),
    Sign(
        Role.CLIENT,
        1.5,
        "was served by others",
        """
        helped me | helped us | served us | served me | brought us | brought me | greeted us | greeted me
        | welcomed us | treated me | treated us | gave us | gave me | told me | told us | took care of us
        | the waiter | the waitress | the receptionist | the doctor
        | нас встретил* | меня встретил* | нам принес* | мне принес* | нам помог* | мне помог* | нам дали | мне дали
        | нас накормили | меня принял* | меня осмотрел* | мне объяснил* | нам объяснил* | мне сказал* | нам сказал*
        | официант | официантка | администратор был* | врач был* | врач все
        """,
    ),
    Sign(
        Role.CLIENT,
        1.0,
        "tells how it was and how it was liked",
        """
        i liked | we liked | i loved | we loved | i enjoyed | we enjoyed | i did not like | i didn t like
        | we did not like | we didn t like | the room was | the rooms were | the food was | the breakfast was
        | breakfast was | dinner was | the dinner was | the soup was | the staff was | the staff were | the bed was
        | the service was | the shower was | the queue was | they were very | they were so
        | понравил* | не понравил* | номер был* | номера был* | завтрак был* | завтраки был* | персонал был*
        | еда был* | ужин был* | обслуживание был* | кровать был* | суп был* | в номере был* | было чисто | было шумно
        | было вкусно | было холодно | остались довольны | остался доволен | осталась довольна
        """,
    ),
    # Who walks through and dictates
    Sign(
        Role.AUDITOR,
        2.0,
        "says that this is an inspection",
        """
        starting the audit | starting the inspection | beginning the audit | beginning the inspection | site audit
        | the audit | this audit | the inspection | this inspection | i am inspecting | we are inspecting
        | i m inspecting | end of the audit | end of inspection
        | осмотр | осмотра | осматриваю | осматриваем | обход | обхода | аудит | аудита | фиксирую | фиксируем
        | проверяю | инспекция
        """,
    ),
    Sign(
        Role.AUDITOR,
        1.5,
        "walks from place to place",
        """
        moving on to | moving to the | next zone | next room | next area | now the | now in the | i am in the
        | i m in the | i am standing | i m standing | i am now | i m now | entering the | we are in the
        | on the left | on the right | zone
        | перехожу | переходим | следующая зона | следующее помещение | зона | зоне | зону | захожу | заходим
        | нахожусь | стою | слева | справа | входная группа
        """,
    ),
    Sign(
        Role.AUDITOR,
        1.0,
        "notes what is there",
        """
        there is | there are | there s | i see | i can see | i notice | please note | note that | noted
        | вижу | видно | отмечаю | замечание | замечания | замечаний | присутству* | отсутству* | обнаружен*
        | имеется | имеются | на стене | на потолке | на полу | на входе
        """,
    ),
    Sign(
        Role.AUDITOR,
        1.5,
        "says what has to be done",
        """
        needs to be | need to be | needs replacing | needs cleaning | needs repair* | needs painting | should be
        | must be | has to be | have to be | to be replaced | to be fixed | replace the | fix the | clean the
        | repaint the | repair the
        | требуется | требует | требуют | необходимо | надо заменить | надо починить | надо убрать | надо помыть
        | нужно заменить | нужно починить | нужно убрать | нужно помыть | нужно подкрасить | заменить | устранить
        | исправить | подкрасить | отремонтировать | починить | рекомендую | рекомендация
        """,
    ),
)
