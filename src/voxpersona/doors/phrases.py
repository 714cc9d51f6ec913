"""Reasons as a person reads them. Adapters give theirs in English, some in a library's or the system's own words.

A reason that is not known here is shown as it came: a store's own code, such as `SlowDown (503)`, is best left alone.
"""

import re

_REASONS = (
    # no connection
    (r"connection refused", "connection refused", "в соединении отказано"),
    (r"its name is not known", "its name is not known", "такое имя неизвестно"),
    (r"no answer in time|timed out", "no answer in time", "нет ответа вовремя"),
    (r"no answer in (\d+) s", r"no answer in \1 s", r"нет ответа за \1 с"),
    (r"no route to it", "no route to it", "к нему нет пути в сети"),
    (r"no connection", "no connection", "нет соединения"),
    (r"the connection broke|hung up", "the connection broke", "соединение оборвалось"),
    (r"an answer that makes no sense", "an answer that makes no sense", "бессмысленный ответ"),
    # TLS
    (r"certificate has expired|Expired", "its certificate has expired", "срок его сертификата истёк"),
    (
        r"unable to get (local )?issuer certificate|unable to verify the first certificate|UnknownIssuer",
        "its certificate is signed by an authority that is not trusted here",
        "его сертификат подписан центром, которому здесь не доверяют",
    ),
    (
        r"self[- ]signed certificate.*|CaUsedAsEndEntity",
        "its certificate is signed by itself, and not trusted here",
        "его сертификат подписан им самим, и доверия к нему здесь нет",
    ),
    (
        r"hostname '(.+)' doesn't match (.+)",
        r"its certificate is for \2, not for \1",
        r"его сертификат выдан для \2, а не для \1",
    ),
    (
        r"(Hostname|IP address) mismatch.*|NotValidForName\w*",
        "its certificate is for another host",
        "его сертификат выдан для другого узла",
    ),
    (r"its certificate is not to be trusted", "its certificate is not to be trusted", "его сертификату нет доверия"),
    (r"not to be trusted", "its certificate is not to be trusted", "его сертификату нет доверия"),
    (
        r"WRONG_VERSION_NUMBER|no TLS there",
        "it speaks plain http there, no https",
        "там говорят по простому http, а не по https",
    ),
    (r"it speaks TLS only", "it speaks https only", "оно говорит только по https"),
    (
        r"NO_CERTIFICATE_OR_CRL_FOUND|the file of authorities cannot be read",
        "the file in MINIO_CA_FILE is missing or holds no certificate",
        "файла из MINIO_CA_FILE нет или в нём нет сертификата",
    ),
    # what was asked of the store
    (r"list the bucket", "list the bucket", "прочесть список бакета"),
    (r"create the bucket", "create the bucket", "создать бакет"),
    (r"put, read and delete a blob", "put, read and delete a blob", "записать, прочесть и удалить объект"),
    (r"write a blob", "write a blob", "записать объект"),
    (r"read a blob", "read a blob", "прочесть объект"),
    (r"read what is known of a blob", "read what is known of a blob", "прочесть сведения об объекте"),
    (r"remove a blob", "remove a blob", "удалить объект"),
    (r"list unfinished uploads", "list unfinished uploads", "прочесть список незавершённых загрузок"),
    (r"read the lifecycle rules", "read the lifecycle rules", "прочесть правила жизненного цикла"),
    (r"set the lifecycle rules", "set the lifecycle rules", "задать правила жизненного цикла"),
    (r"switch versioning on", "switch versioning on", "включить версии"),
    # buckets
    (r"it does not exist", "it does not exist", "его нет"),
    (r"its name is not allowed", "its name is not allowed", "такое имя недопустимо"),
    (r"somebody else has a bucket of that name", "somebody else has a bucket of that name", "это имя занято другими"),
    (r"the new bucket cannot be seen yet", "the new bucket cannot be seen yet", "новый бакет ещё не виден"),
    (
        r"it gives back other bytes than were put",
        "it gives back other bytes than were put",
        "он возвращает не те данные",
    ),
    (r"it does not keep metadata", "it does not keep metadata", "он не хранит метаданные"),
    (r"other bytes came back", "other bytes came back", "вернулись не те данные"),
    # lifecycle rules
    (
        r"it has no rule for unfinished uploads",
        "it has no rule for unfinished uploads (MinIO drops them itself after a day, or when the "
        "MINIO_API_STALE_UPLOADS_EXPIRY of the server says)",
        "у него нет правила для незавершённых загрузок (MinIO удаляет их сам через день или когда велит "
        "MINIO_API_STALE_UPLOADS_EXPIRY сервера)",
    ),
    (r"it has no lifecycle rules", "it has no lifecycle rules", "у него нет правил жизненного цикла"),
    (r"it refuses the rule, (.+)", r"it refuses the rule, \1", r"оно отвергает правило, \1"),
    (r"it took the rule and did not keep it", "it took the rule and did not keep it", "оно приняло и не сохранило его"),
    # known voices
    (
        r"(\w+) speaks too little to be known again",
        r"\1 speaks too little to be known again",
        r"\1 говорит слишком мало, чтобы потом узнать голос",
    ),
    (
        r"a name is one line of at most (\d+) letters",
        r"a name is one line of at most \1 letters",
        r"имя — это одна строка не длиннее \1 букв",
    ),
    (
        r"known voices are switched off",
        "Known voices are switched off: they are biometric. docs/commands.md tells what is kept",
        "Знакомые голоса выключены: это биометрия. Что хранится, сказано в docs/commands.md",
    ),
    (
        r"the archive holds prints of voices, which are kept encrypted only",
        "The archive holds prints of voices, which are kept encrypted only. Name a key file in the settings of the "
        "other store, or erase them with `voxpersona voices forget`",
        "В архиве есть отпечатки голосов, а они хранятся только зашифрованными. Укажите файл ключей в настройках "
        "другого хранилища или сотрите их командой `voxpersona voices forget`",
    ),
    # key files
    (r"there is no file (.+)", r"there is no file \1", r"нет файла \1"),
    (
        r"others may read it; run: (chmod 600 .+)",
        r"others may read it; run: \1",
        r"его могут прочесть другие; выполните: \1",
    ),
    (r"it is damaged, or no key file", "it is damaged, or no key file", "он повреждён или это не файл ключей"),
    (r"it is no file", "it is no file", "это не файл"),
    (
        r"the key (k\d+) is damaged or mistyped",
        r"the key \1 is damaged or mistyped",
        r"ключ \1 повреждён или с опечаткой",
    ),
    (
        r"its keys are not k1, k2 and so on: some are missing",
        "its keys are not k1, k2 and so on: some are missing",
        "в нём не все ключи k1, k2 и так далее",
    ),
    (
        r"the archive was encrypted with another key (k\d+)",
        r"the archive was encrypted with another key \1",
        r"архив зашифрован другим ключом \1",
    ),
    (
        r"the archive is encrypted and no key file is named",
        "the archive is encrypted and VOXPERSONA_KEY_FILE is not set",
        "архив зашифрован, а VOXPERSONA_KEY_FILE не задан",
    ),
    (r"(k\d+) is not in (.+)", r"\1 is not in \2", r"\1 нет в \2"),
    # links
    (
        r"an encrypted blob has no link",
        "the recording is encrypted, and nobody could read what the link gives",
        "запись зашифрована, и полученное по ссылке никто не прочтёт",
    ),
    (
        r"a blob directory has no links",
        "the recordings are kept in a directory, which has no address",
        "записи хранятся в каталоге, а у него нет адреса",
    ),
    # the disk
    (r"this user may not write there", "this user may not write there", "этому пользователю нельзя туда писать"),
    (r"it is on a network file system (\(.+\))", r"it is on a network file system \1", r"он на сетевом диске \1"),
    (r"(.*)Permission denied", r"\1Permission denied", r"\1нет прав доступа"),
    (r"(.*)No space left on device", r"\1No space left on device", r"\1на диске нет места"),
    (r"(.*)Read-only file system", r"\1Read-only file system", r"\1диск доступен только для чтения"),
    (r"(.*)No such file or directory", r"\1No such file or directory", r"\1нет такого файла или каталога"),
    (
        r"File exists",
        "a file stands where a directory of ours should",
        "на месте одного из наших каталогов лежит файл",
    ),
    (r"(.*)Not a directory", r"\1Not a directory", r"\1это не каталог"),
    (
        r"the spool, where at most (\d+) MB may wait for the store",
        r"the spool, where at most \1 MB may wait for the store, which does not answer; see to the store, or raise "
        r"VOXPERSONA_SPOOL_MAX_MB",
        r"буфер приёма: ждать хранилища, которое не отвечает, могут не больше \1 МБ; займитесь хранилищем или "
        r"увеличьте VOXPERSONA_SPOOL_MAX_MB",
    ),
    (
        r"the disk of the spool, which needs (\d+) MB free",
        r"the store does not answer, and the disk of the data directory needs \1 MB free",
        r"хранилище не отвечает, а на диске каталога данных должно оставаться свободно \1 МБ",
    ),
    # the database and the index
    (r"file is not a database", "the file is not a database any more", "файл больше не похож на базу данных"),
    (r"database disk image is malformed", "its pages are damaged", "её страницы повреждены"),
    (r"database is locked", "another program holds it locked", "её держит заблокированной другая программа"),
    (
        r"attempt to write a readonly database",
        "this user may not write to it",
        "этому пользователю нельзя в неё писать",
    ),
    (r"unable to open database file", "this user cannot open it", "этому пользователю её не открыть"),
    (
        r"its database has the schema (.+), of a newer version of this program",
        r"it has the schema \1, of a newer version of this program",
        r"её схема \1 — от более новой версии программы",
    ),
    (
        r"the passage index cannot be read or written",
        "its files are damaged, or cannot be read or written",
        "его файлы повреждены, не читаются или не пишутся",
    ),
    # what a transcription server answered
    (r"(HTTP 429.*)", r"too many requests: \1", r"слишком много запросов: \1"),
    (r"(HTTP 5\d\d.*)", r"it has trouble: \1", r"у него неполадки: \1"),
    (r"no JSON|encoding", "what it answers is no JSON", "его ответ — не JSON"),
    (r"too long", "its answer has no end", "его ответ не кончается"),
    (r"memory", "no memory is left", "не хватает памяти"),
    # settings
    (
        r"it is not set, and no --output is given",
        "it is not set, and no --output is given",
        "она не задана, и --output не указан",
    ),
    (
        r"it is not set; `voxpersona keys generate` makes the first key",
        "it is not set; `voxpersona keys generate` makes the first key",
        "она не задана; первый ключ создаст `voxpersona keys generate`",
    ),
    (
        r"the object store is half configured",
        "The object store is half configured; without any MINIO_ setting everything is kept in a directory",
        "Объектное хранилище настроено наполовину; без единой настройки MINIO_ всё хранится в каталоге",
    ),
    (
        r"a policy is for a user and two buckets",
        "A policy needs the names of the user (MINIO_ACCESS_KEY) and of both buckets (MINIO_AUDIO_BUCKET_NAME, "
        "MINIO_BUCKET_NAME), and nothing more",
        "Для политики нужны имена пользователя (MINIO_ACCESS_KEY) и обоих бакетов (MINIO_AUDIO_BUCKET_NAME, "
        "MINIO_BUCKET_NAME), и больше ничего",
    ),
    (r"must be a whole number", "must be a whole number", "нужно целое число"),
    (r"must be a number", "must be a number", "нужно число"),
    (r"must be true or false", "must be true or false", "нужно true или false"),
    (r"must be more than (\d+)", r"must be more than \1", r"нужно больше \1"),
    (r"must be at least (\d+)", r"must be at least \1", r"нужно не меньше \1"),
    (r"must be at most (\d+)", r"must be at most \1", r"нужно не больше \1"),
    (
        r"must start with http:// or https://",
        "must start with http:// or https://",
        "должно начинаться с http:// или https://",
    ),
    (
        r"says (https?) and MINIO_USE_SSL does not agree",
        r"says \1 and MINIO_USE_SSL does not agree",
        r"говорит \1, а MINIO_USE_SSL — другое",
    ),
    (
        r"must not be the same as (\w+)",
        r"must not be the same as \1",
        r"не может совпадать с \1",
    ),
    (
        r"is no bucket name by S3's rule",
        "S3's rule for bucket names is 3 to 63 small letters, digits, hyphens and single dots, with a letter or digit "
        "at both ends, and no IP address",
        "по правилу S3 имя бакета — от 3 до 63 строчных латинских букв, цифр, дефисов и одиночных точек, по краям "
        "буква или цифра, и не IP-адрес",
    ),
    (
        r"needs (\w+): prints of voices are kept encrypted only",
        r"needs \1: prints of voices are kept encrypted only. Set it to where the key file is or shall be; "
        r"`voxpersona keys generate` then makes one",
        r"требует \1: отпечатки голосов хранятся только зашифрованными. Укажите в ней, где файл ключей лежит или будет "
        r"лежать; тогда его создаст `voxpersona keys generate`",
    ),
    (r"goes together with (\w+)", r"goes together with \1", r"задаётся только вместе с \1"),
    (r"there is no such file", "there is no such file", "такого файла нет"),
    (r"it is no UTF-8 text", "it is no UTF-8 text", "это не текст в UTF-8"),
    (
        r"the transcriber's key has blanks or line breaks in it",
        "the key has blanks or line breaks in it",
        "в ключе пробелы или переводы строк",
    ),
    # an edited export
    (r"is no export of this program", "it is no export of this program", "это не выгрузка этой программы"),
    (r"a text holds what is no letter", "a text holds control characters", "в тексте управляющие символы"),
    (r"it is of another recording", "it is of another recording", "она от другой записи"),
    (
        r"line (\d+) is not what stood there: lines were added, removed or given another time",
        r"line \1 is not what stood there: lines were added, removed or given another time",
        r"строка \1 — не то, что там было: строки добавлены, удалены или у них другое время",
    ),
    (
        r"segment (\d+) is not what stood there: lines were added, removed or given another time",
        r"segment \1 is not what stood there: segments were added, removed or given another time",
        r"фрагмент \1 — не то, что там было: фрагменты добавлены, удалены или у них другое время",
    ),
    (r"line (\d+)", r"line \1", r"строка \1"),
    (r"segment (\d+)", r"segment \1", r"фрагмент \1"),
    # models
    (r"does not exist", "it does not exist", "такого нет"),
    (r"lacks (.+)", r"it lacks \1", r"не хватает \1"),
    (r"downloads are not allowed", "downloads are not allowed", "загрузка не разрешена"),
    (r"no download is known for it", "no download is known for it", "загружать её неоткуда"),
)
_KNOWN = tuple((re.compile(pattern, re.DOTALL), english, russian) for pattern, english, russian in _REASONS)


def spoken(reason: str, *, russian: bool) -> str:
    """The reason in plain words of the language, where it is a known one."""
    for pattern, english, other in _KNOWN:
        found = pattern.fullmatch(reason)
        if found is not None:
            return found.expand(other if russian else english)
    return reason
