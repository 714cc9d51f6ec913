"""What the doctor says, in English and Russian, where it knows more than the sentence of the error's code.

Keyed by what was looked at and what was found there; the braces are filled as in doors/texts.py.
"""

from collections.abc import Mapping

from voxpersona.doors.texts import Language, explain, fill
from voxpersona.errors import Code, VoxPersonaError

REMEDIES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("room", Code.NO_SPACE): (
        "There is little room left: {where}. Nothing is lost; recordings will be refused when it runs out. Make "
        "room, or move VOXPERSONA_DATA to a larger disk.",
        "Мало места: {where}. Ничего не потеряно; когда оно кончится, записи не будут приниматься. Освободите место "
        "или перенесите VOXPERSONA_DATA на больший диск.",
    ),
    ("disk", Code.NO_SPACE): (
        "The disk is full: {where}. Nothing is lost, but nothing can be taken in or worked on. Make room, or move "
        "VOXPERSONA_DATA to a larger disk.",
        "Диск полон: {where}. Ничего не потеряно, но нельзя ни принимать, ни обрабатывать записи. Освободите место "
        "или перенесите VOXPERSONA_DATA на больший диск.",
    ),
    ("scratch", Code.DATA_DIRECTORY): (
        "Temporary files cannot be written: {path}: {reason}. Without them nothing is taken in. Give the user of "
        "this program the directory (chown), or point VOXPERSONA_DATA at another one.",
        "Временные файлы не пишутся: {path}: {reason}. Без них ничего не принимается. Отдайте каталог пользователю "
        "этой программы (chown) или укажите в VOXPERSONA_DATA другой.",
    ),
    ("store", Code.STORE_UNAVAILABLE): (
        "The object store {endpoint} does not answer as it should: {reason}. Nothing was lost; what is taken in "
        "waits or is refused. Look at the server and its log, then try again.",
        "Объектное хранилище {endpoint} отвечает не так, как должно: {reason}. Ничего не потеряно; приём ждёт или "
        "отказывает. Посмотрите на сервер и его журнал, затем повторите.",
    ),
    ("store", Code.NO_SPACE): (
        "The object store has no room left for bucket {where}. Nothing was lost, but nothing new is kept. Make room "
        "there, or raise its quota.",
        "В объектном хранилище нет места для бакета {where}. Ничего не потеряно, но новое не сохраняется. Освободите "
        "там место или увеличьте квоту.",
    ),
    ("store", "create"): (
        "The bucket {bucket} does not exist, and the access key may not create it. Nothing was lost. Correct its "
        "name, have the administrator create it, or give the key the right to (`voxpersona storage policy --setup`).",
        "Бакета {bucket} нет, а ключу нельзя его создать. Ничего не потеряно. Исправьте имя, попросите "
        "администратора создать бакет или выдайте ключу это право (`voxpersona storage policy --setup`).",
    ),
    ("store", Code.STORE_PERMISSION): (
        "The access key may not do this in bucket {bucket}: {doing}. The store refused {operation}. Nothing was "
        "lost. See that the bucket is the right one; `voxpersona storage policy` prints the permissions the key "
        "needs and how to give them.",
        "У ключа нет права на это в бакете {bucket}: {doing}. Хранилище отказало в {operation}. Ничего не потеряно. "
        "Проверьте, тот ли это бакет; `voxpersona storage policy` печатает нужные права и как их выдать.",
    ),
    ("store", Code.LIFECYCLE_UNSUPPORTED): (
        "Bucket {bucket} does not carry out {count} of the lifecycle rules that the settings ask for, so nothing "
        "expires or moves by them. Run `voxpersona storage lifecycle --apply`, or take the settings out.",
        "Бакет {bucket} не выполняет настроенные правила жизненного цикла (не действует: {count}), по ним ничего не "
        "истекает и не перемещается. Запустите `voxpersona storage lifecycle --apply` или уберите настройки.",
    ),
    ("database", Code.INTERNAL): (
        "The database {path} is damaged: {reason}. Recordings and results stand in the store. Stop the worker, put "
        "the file and its -wal and -shm aside (delete nothing), then run `voxpersona rebuild`, which makes it anew.",
        "База данных {path} повреждена: {reason}. Записи и результаты целы в хранилище. Остановите worker, уберите "
        "этот файл вместе с -wal и -shm в сторону (ничего не удаляя) и запустите `voxpersona rebuild`: он создаст её "
        "заново.",
    ),
    ("database", Code.NO_SPACE): (
        "The disk is full: the database {path} cannot be written. Nothing is lost, but nothing can be taken in or "
        "worked on. Make room, or move VOXPERSONA_DATA to a larger disk.",
        "Диск полон: в базу данных {path} нельзя писать. Ничего не потеряно, но нельзя ни принимать, ни обрабатывать "
        "записи. Освободите место или перенесите VOXPERSONA_DATA на больший диск.",
    ),
    ("database", Code.LIBRARY_UNAVAILABLE): (
        "The database {path} cannot be written: {reason}. Nothing was lost. See who owns it and which program holds "
        "it, then try again.",
        "В базу данных {path} нельзя писать: {reason}. Ничего не потеряно. Посмотрите, кто её владелец и какая "
        "программа её держит, затем повторите.",
    ),
    ("database", Code.DATA_DIRECTORY): (
        "The database {path} cannot be used: {reason}. It was left as it is. Install that newer version again, or go "
        "on with another VOXPERSONA_DATA.",
        "База данных {path} не годится: {reason}. Она осталась как была. Верните ту более новую версию или работайте "
        "с другим VOXPERSONA_DATA.",
    ),
    ("speech", Code.TRANSCRIBER_UNAVAILABLE): (
        "The transcription server {url} does not answer: {reason}. Recordings are kept and wait. See whether it runs "
        "and whether VOXPERSONA_TRANSCRIBER_URL is right.",
        "Сервер распознавания {url} не отвечает: {reason}. Записи хранятся и ждут. Проверьте, работает ли он и верен "
        "ли VOXPERSONA_TRANSCRIBER_URL.",
    ),
    ("speech", Code.TRANSCRIBER_REFUSED): (
        "The transcription server {url} refuses the model {model}: {reason}. Recordings are kept and wait. Check "
        "VOXPERSONA_TRANSCRIBER_MODEL and the path in VOXPERSONA_TRANSCRIBER_URL.",
        "Сервер распознавания {url} не принимает модель {model}: {reason}. Записи хранятся и ждут. Проверьте "
        "VOXPERSONA_TRANSCRIBER_MODEL и путь в VOXPERSONA_TRANSCRIBER_URL.",
    ),
    ("speech", "key"): (
        "The transcription server {url} refuses the key: {reason}. Recordings are kept and wait. Check "
        "VOXPERSONA_TRANSCRIBER_KEY.",
        "Сервер распознавания {url} не принимает ключ: {reason}. Записи хранятся и ждут. Проверьте "
        "VOXPERSONA_TRANSCRIBER_KEY.",
    ),
    ("speech", Code.TRANSCRIBER_ANSWER): (
        "What answers at {url} is no transcription server: {reason}. Recordings are kept and wait. Check "
        "VOXPERSONA_TRANSCRIBER_URL.",
        "По адресу {url} отвечает не сервер распознавания: {reason}. Записи хранятся и ждут. Проверьте "
        "VOXPERSONA_TRANSCRIBER_URL.",
    ),
    ("voices", Code.MODEL_ALTERED): (
        "The speaker model of this program, {path}, is damaged or altered and is not used. Install the program again.",
        "Модель голосов этой программы, {path}, повреждена или изменена и не используется. Установите программу "
        "заново.",
    ),
}

LABELS: Mapping[str, str] = {
    "settings": "настройки",
    "python": "python",
    "data": "каталог данных",
    "disk": "диск",
    "room": "место",
    "scratch": "временные файлы",
    "keys": "файл ключей",
    "store": "хранилище",
    "encryption": "шифрование",
    "bucket": "бакет",
    "round trip": "запись и чтение",
    "lifecycle": "правила",
    "leftovers": "недописанное",
    "audio": "аудио",
    "main": "главный",
    "database": "база данных",
    "engine": "движок",
    "speech": "речь",
    "voices": "голоса",
    "search": "поиск",
    "index": "индекс",
    "templates": "шаблоны",
}
"""What is looked at, as a Russian reads it; --json has the English names."""


def label(name: str, language: Language) -> str:
    """The name of a look as a person reads it: the place, where there is one, is its last word."""
    if language == "en":
        return name
    kind, _, place = name.rpartition(" ")
    return f"{LABELS[kind]} ({LABELS[place]})" if kind in LABELS else LABELS[name]


def remedy(about: str, error: VoxPersonaError, language: Language) -> str:
    """What is wrong with what was looked at, what it means and what to do."""
    sentences = REMEDIES.get((about, _case(about, error)))
    return explain(error, language) if sentences is None else fill(sentences, language, _facts(error))


def _facts(error: VoxPersonaError) -> dict[str, object]:
    return {"reason": error.detail, **error.facts}


def _case(about: str, error: VoxPersonaError) -> str:
    """The code, or a case of it that is mended in another way; none where a sentence would lack its facts."""
    facts = error.facts
    if error.code is Code.STORE_PERMISSION and facts.get("doing") == "create the bucket":
        return "create"
    if error.code is Code.TRANSCRIBER_REFUSED and str(facts.get("reason")).startswith(("HTTP 401", "HTTP 403")):
        return "key"
    if about == "speech" and "url" not in facts:  # an engine of this machine
        return ""
    needed = {Code.STORE_PERMISSION: "operation", Code.STORE_UNAVAILABLE: "endpoint", Code.NO_SPACE: "where"}
    return "" if about == "store" and needed.get(error.code, "reason") not in _facts(error) else error.code
