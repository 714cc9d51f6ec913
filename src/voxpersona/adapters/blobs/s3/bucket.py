"""One bucket of a store that speaks S3, as its keeper sees it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from voxpersona.adapters.blobs.keys import OWN
from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.adapters.blobs.s3.edge import answer_of, s3_errors
from voxpersona.adapters.blobs.s3.leftovers import Leftovers
from voxpersona.adapters.blobs.s3.lifecycle import Lifecycle, has_no_such_thing
from voxpersona.adapters.blobs.s3.probe import probe, versioning
from voxpersona.adapters.blobs.s3.tls import speaks_tls_after_all
from voxpersona.errors import Code, Configuration, Unavailable, VoxPersonaError
from voxpersona.model import Abilities, Rule, Unfinished

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketRequestTypeDef

_NAMELESS_REGION = "us-east-1"
"""The one region that a new bucket must not name."""

_PERHAPS_THERE = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists", "OperationAborted"})
"""What a store says to those who lose the race to make a bucket. The second may also mean somebody else's."""


class S3Bucket:
    """The port `Bucket`. Safe for threads.

    Where the store has object lock, it is the store that keeps a locked version from being removed, by a lifecycle rule
    as by anybody's delete: a delete then only hides it behind a marker, and to remove the version itself is refused
    (seen on SeaweedFS and MinIO). Nothing here tries to get round that. In a bucket with versioning a rule that expires
    blobs hides them in the same way; when old versions go for good is for the store's administrator to say.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        create: bool = True,
        versioning: bool = False,
        rules_below: str = "recordings/",
    ) -> None:
        """No call is made yet.

        `create`: make the bucket where it is missing. `versioning`: switch it on, where the store has it.
        `rules_below`: where keys begin that a rule for all kinds is for; never all of the bucket, since adapters keep
        things of their own there.
        """
        self._connection = connection
        self._name = name
        self._create = create
        self._wants_versions = versioning
        self._client = connection.client
        self._leftovers = Leftovers(self._client, name)
        self._lifecycle = Lifecycle(connection, name, below=rules_below)

    @property
    def name(self) -> str:
        """See the port."""
        return self._name

    def prepare(self) -> None:
        """See the port. It asks with GET, since the answer to a HEAD has no words that tell what is wrong."""
        try:
            if not self._stands():
                self._make()
        except VoxPersonaError as error:
            raise self._explained(error) from error
        if self._wants_versions:
            self._keep_versions()

    def abilities(self) -> Abilities:
        """See the port. Also Configuration and Unavailable as `prepare`, where a plain put, get or delete fails."""
        with self._errors("put, read and delete a blob"):
            return probe(self._client, self._name)

    def object_lock(self) -> bool | None:
        """Whether the bucket has object lock; None where this key may not ask. Only told: it cannot be had later."""
        with self._errors("see whether the bucket has object lock"):
            try:
                found = self._client.get_object_lock_configuration(Bucket=self._name)
            except ClientError as error:
                answer = answer_of(error)
                if answer is not None and answer.status == 403:
                    return None
                if has_no_such_thing(error) or (answer is not None and answer.code.startswith("ObjectLockConfig")):
                    return False
                raise
        return found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled"

    def unfinished(self) -> Sequence[Unfinished]:
        """See the port. Uploads in parts, their resume markers without an upload, and what a killed probe left."""
        with self._errors("list unfinished uploads"):
            return [left.told() for left in self._leftovers.find()]

    def abandon(self, older_than_seconds: float) -> int:
        """See the port. An upload is as old as its last part: one that goes on is not taken away from its writer."""
        with self._errors("abandon unfinished uploads"):
            return self._leftovers.remove(older_than_seconds)

    def rules(self) -> Sequence[Rule]:
        """See the port."""
        with self._errors("read the lifecycle rules"):
            return self._lifecycle.rules()

    def apply(self, rules: Sequence[Rule]) -> None:
        """See the port. All or none: where one rule cannot be had, what stood before stands, and the error names it."""
        with self._errors("set the lifecycle rules"):
            self._lifecycle.apply(rules)

    def free_bytes(self) -> int | None:
        """None: S3 has no such question, and what MinIO's administration tells is not for the application's key."""
        return None

    # Set-up

    def _stands(self) -> bool:
        with self._errors("list the bucket"):
            try:
                self._client.list_objects_v2(Bucket=self._name, Prefix=OWN, MaxKeys=1)
            except ClientError as error:
                if _code(error) == "NoSuchBucket":
                    return False
                raise
            except ParamValidationError as error:
                raise self._unusable("its name is not allowed") from error
        return True

    def _make(self) -> None:
        if not self._create:
            raise self._unusable("it does not exist")
        with self._errors("create the bucket"):
            try:
                self._client.create_bucket(**self._wanted())
            except ClientError as error:
                if _code(error) not in _PERHAPS_THERE:
                    raise
        # Looked at once more: MinIO makes a bucket also for those who sign for the wrong region, and then refuses them.
        if not self._stands():
            reason = "the new bucket cannot be seen yet"
            raise Unavailable(Code.STORE_UNAVAILABLE, reason, reason=reason)

    def _explained(self, error: VoxPersonaError) -> VoxPersonaError:
        """A better error, where one more question finds it."""
        if error.code is Code.STORE_PERMISSION and self._create and self._is_somebody_elses():
            return self._unusable("somebody else has a bucket of that name")
        if error.code is Code.STORE_UNAVAILABLE and speaks_tls_after_all(self._connection):
            reason = "it speaks TLS only"
            return Configuration(Code.STORE_CERTIFICATE, reason, endpoint=self._connection.endpoint, reason=reason)
        return error

    def _is_somebody_elses(self) -> bool:
        """A bucket that may not be listed may be anybody's; only to make it again tells whose it is."""
        with self._errors("create the bucket"):
            try:
                self._client.create_bucket(**self._wanted())
            except ClientError as error:
                return _code(error) == "BucketAlreadyExists"
        return False

    def _wanted(self) -> "CreateBucketRequestTypeDef":
        wanted: CreateBucketRequestTypeDef = {"Bucket": self._name}
        if self._connection.region not in ("", _NAMELESS_REGION):
            # Any region is allowed here, also those that the stubs do not list.
            place: Any = {"LocationConstraint": self._connection.region}
            wanted["CreateBucketConfiguration"] = place
        return wanted

    def _keep_versions(self) -> None:
        with self._errors("switch versioning on"):
            if versioning(self._client, self._name):
                return
            try:
                self._client.put_bucket_versioning(Bucket=self._name, VersioningConfiguration={"Status": "Enabled"})
            except ClientError as error:
                if not has_no_such_thing(error):
                    raise

    # Errors

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return s3_errors(self._connection, self._name, doing=doing)

    def _unusable(self, reason: str) -> Configuration:
        return Configuration(Code.STORE_BUCKET, reason, bucket=self._name, reason=reason)


def _code(error: ClientError) -> str:
    answer = answer_of(error)
    return "" if answer is None else answer.code
