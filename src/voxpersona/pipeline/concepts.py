"""Words that say the same thing, in both languages: what lets a Russian question meet an English answer.

One line is one concept. Only words of the places we listen in (hotel, restaurant, health centre) and only where they
can stand for each other in a question; anything else is left to the embedder. Opposites share a line: who asks
whether the room was clean wants to hear that it was dirty. Compared by stem.
"""

from collections.abc import Iterable

from voxpersona.pipeline.stems import stem, stems, words

_CONCEPTS = """
breakfast завтрак завтракать
lunch обед обедать
dinner supper ужин ужинать
food meal dish eat ate eaten еда пища блюдо есть поесть ели кухня
coffee кофе
tea чай
soup суп
borscht борщ
bread хлеб
meat мясо
fish salmon рыба лосось
steak стейк
dessert десерт
wine вино винный
drink beverage напиток
water вода
menu меню
portion порция
dishes plate glass посуда тарелка бокал стакан
table столик стол
tablecloth скатерть
waiter waitress официант официантка
cook cooked overcooked undercooked chef повар готовить
bar бар
restaurant ресторан
hotel гостиница отель
clinic поликлиника клиника
reception front ресепшен ресепшн стойка регистратура
staff personnel employee worker персонал сотрудник работник
administrator receptionist администратор
manager director управляющий директор
owner владелец хозяин
maid housekeeper housekeeping горничная
cleaner уборщица
room номер комната
bed кровать постель
pillow подушка
linen sheet белье простыня
towel полотенце
bathroom ванная
shower душ
toilet restroom туалет уборная
soap мыло
tap faucet кран
window окно
door дверь
curtain штора занавеска
carpet ковер
television tv телевизор
fridge refrigerator холодильник
minibar мини-бар минибар
conditioner conditioning air кондиционер
heating отопление
elevator lift лифт
stairs лестница
ramp пандус
wheelchair коляска инвалид
exit выход
open close closed shut lock locked открыт открытый открыть закрыт закрытый закрыть закрываться запереть заперт
entrance вход
key ключ
safe сейф
wardrobe cloakroom гардероб
internet wifi fi вайфай фай интернет
network сеть
password пароль
phone телефон
pool бассейн
sauna сауна
massage массаж
gym fitness спортзал тренажерный фитнес
beach пляж
terrace терраса веранда
view вид
music музыка
noise noisy noisily loud quiet шум шумный шуметь шумно громкий громко тихий тихо тишина
sleep slept asleep спать спалось уснуть заснуть сон
neighbour neighbor сосед
parking park парковка парковаться припарковаться стоянка
car automobile машина автомобиль
taxi такси
airport аэропорт
transfer shuttle трансфер
price cost expensive pricey steep cheap цена стоимость стоить стоит стоило дорого дорогой дешевый
euro dollar ruble pound money евро доллар рубль деньги
salary wage зарплата
bonus премия
discount скидка
bill receipt счет чек
tip чаевые
pay paid payment платить оплата заплатить
booking booked reservation reserve бронь бронирование забронировать
queue line очередь
wait waiting ждать ожидание подождать дождаться прождать
delay delayed late задержка задержать опоздать
time hour minute время час минута
temperature degree температура градус
doctor physician врач доктор
surgeon surgery хирург
operation операция
dentist dental стоматолог зубной
tooth teeth зуб
cardiologist кардиолог
therapist терапевт
nurse медсестра
patient пациент пациентка
appointment запись записаться записываться прием
test analysis analyses анализ
result результат
blood кровь
medicine drug pill tablet лекарство таблетка
pharmacy drugstore аптека
vaccine vaccination вакцина прививка
x-ray рентген
glove перчатка
hand hands рука руки
wash washed мыть вымыть помыть
clean tidy cleanliness убирать убрать уборка dirty filthy stain чистый чисто чистота грязный грязно грязь пятно
cold chilly hot warm холодный холодно горячий горячо теплый тепло
small tiny large big spacious size маленький тесный большой просторный размер
old outdated старый
broken break damaged chipped сломан сломаться сломанный поврежден повредить сколот
repair fix починить ремонт отремонтировать
friendly polite kind courteous rude impolite вежливый приветливый дружелюбный грубый грубить хамить хамство
apologise apologize sorry извиниться извинение
helpful помочь помогать
child children kid daughter son ребенок дети детский дочь сын
dog pet собака питомец
smoke smoking курить
smell odour запах пахнуть
light lighting свет освещение
uniform apron badge форма фартук бейдж
training train trainee обучение обучать учить научить
shift смена
extinguisher огнетушитель
fire пожар пожарный
emergency аварийный запасной эвакуационный
steal stolen украсть кража
lose lost потерять
forget forgot забыть забывать
recommend рекомендовать посоветовать
complain complaint жалоба жаловаться пожаловаться
"""


def _by_stem(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Every stem with the words of its concept; a stem that stands in two lines belongs to the first."""
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        alike = tuple(line.split())
        for part in (stems(form) for word in alike for form in _forms(word)):
            if len(part) == 1:
                found.setdefault(part[0], alike)
    return found


def _forms(word: str) -> tuple[str, ...]:
    """The word and, of a Russian verb, its past: Snowball gives the two different stems."""
    return (word, f"{word[:-2]}л", f"{word[:-2]}ли") if word.endswith("ть") else (word,)


_CONCEPT_OF = _by_stem(_CONCEPTS.strip().splitlines())


def concept(word: str) -> str:
    """The name of what the word stands for: its concept's first word, or the word's own stem."""
    own = stem(word)
    return _CONCEPT_OF[own][0] if own in _CONCEPT_OF else own


def alike(text: str) -> list[str]:
    """All words that stand for the same things as the words of the text, in both languages."""
    return [other for word in words(text) for other in _CONCEPT_OF.get(stem(word), ())]
