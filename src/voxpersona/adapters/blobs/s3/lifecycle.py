"""Reading and writing a bucket's lifecycle rules, word by word.

boto3 makes the calls and signs them; the XML goes round it (see rules.py), by hooks of a client that does nothing else.
"""

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from voxpersona.adapters.blobs.s3.connection import Connection, control
from voxpersona.adapters.blobs.s3.edge import answer_of
from voxpersona.adapters.blobs.s3.rules import missing, name_of, rules_in, with_rules
from voxpersona.errors import Code, Configuration
from voxpersona.model import Action, Rule

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NO_SUCH_THING = frozenset({405, 501})
_NOT_SO = frozenset({"InvalidArgument", "InvalidRequest", "InvalidStorageClass", "MalformedXML"})


def has_no_such_thing(error: ClientError) -> bool:
    """Whether the store says that it cannot do this at all."""
    answer = answer_of(error)
    return answer is not None and answer.status in _NO_SUCH_THING


def _is_refused(error: ClientError) -> bool:
    """Whether the store will not have these rules. Wrong keys, regions and clocks are refused with 400 too."""
    answer = answer_of(error)
    return answer is not None and (answer.status in _NO_SUCH_THING or answer.code in _NOT_SO)


class Lifecycle:
    """The rules of one bucket, ours and others'. Errors of boto3 come out."""

    def __init__(self, connection: Connection, bucket: str, *, below: str) -> None:
        """`below`: where the keys begin that a rule for all kinds is for."""
        self._connection = connection
        self._bucket = bucket
        self._below = below
        self._alone = threading.Lock()
        self._answered = b""
        self._to_send = b""

    def rules(self) -> tuple[Rule, ...]:
        """Ours that stand; none where the store has no such thing."""
        try:
            return rules_in(self._read())
        except ClientError as error:
            if has_no_such_thing(error):
                return ()
            raise

    def apply(self, rules: Sequence[Rule]) -> None:
        """Make these ours, or leave everything as it was: Configuration LIFECYCLE_UNSUPPORTED names the rule that the
        store refuses, or takes and does not keep. Nothing is written where they stand already."""
        try:
            before = self._read()
        except ClientError as error:
            if not has_no_such_thing(error):
                raise
            if rules:
                raise self._unsupported(rules[0], "it has no lifecycle rules") from error
            return
        if set(rules_in(before)) == set(rules):
            return
        try:
            self._replace(before, rules)
        except Configuration:
            self._write(before)
            raise

    def _replace(self, before: bytes | None, rules: Sequence[Rule]) -> None:
        try:
            self._write(with_rules(before, rules, below=self._below))
        except ClientError as error:
            if not _is_refused(error):
                raise
            raise self._unsupported(self._culprit(before, rules), f"it refuses the rule, {answer_of(error)}") from error
        lost = missing(self._read(), rules)
        if lost:
            raise self._unsupported(lost[0], "it took the rule and did not keep it")

    def _culprit(self, before: bytes | None, rules: Sequence[Rule]) -> Rule:
        """The first rule that the store refuses alone; the last one where none of the others is refused."""
        for rule in rules[:-1]:
            try:
                self._write(with_rules(before, [rule], below=self._below))
            except ClientError as error:
                if not _is_refused(error):
                    raise
                return rule
        return rules[-1]

    def _read(self) -> bytes | None:
        """The store's XML; None where no rule stands."""
        with self._alone:
            try:
                self._client.get_bucket_lifecycle_configuration(Bucket=self._bucket)
            except ClientError as error:
                answer = answer_of(error)
                if answer is not None and answer.code == "NoSuchLifecycleConfiguration":
                    return None
                raise
            return self._answered

    def _write(self, document: bytes | None) -> None:
        with self._alone:
            if document is None:
                self._client.delete_bucket_lifecycle(Bucket=self._bucket)
                return
            self._to_send = document
            self._client.put_bucket_lifecycle_configuration(Bucket=self._bucket, LifecycleConfiguration={"Rules": []})

    @cached_property
    def _client(self) -> "S3Client":
        """One of its own, for its hooks; made by whoever is alone here."""
        client = control(self._connection)
        client.meta.events.register("after-call.s3.GetBucketLifecycleConfiguration", self._look)
        client.meta.events.register("before-call.s3.PutBucketLifecycleConfiguration", self._exchange)
        return client

    def _look(self, *, http_response: Any, **_: object) -> None:
        self._answered = http_response.content

    def _exchange(self, *, params: dict[str, Any], **_: object) -> None:
        params["body"] = self._to_send  # before it is hashed and signed

    def _unsupported(self, rule: Rule, reason: str) -> Configuration:
        name, detail = name_of(rule), reason
        if rule.action is Action.ABANDON:
            reason = "it has no rule for unfinished uploads"
        return Configuration(
            Code.LIFECYCLE_UNSUPPORTED, f"rule {name}: {detail}", bucket=self._bucket, rule=name, reason=reason
        )
