"""One shape for every S3 server of the tests: its keeper's keys, users with a policy, buckets.

The keeper (admin) acts through boto3 clients of its own, so that what the product does is judged by another hand.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from voxpersona.adapters.blobs.s3.connection import Connection

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"

Policy = Mapping[str, object]
Enroll = Callable[["S3Server", str, Policy], tuple[str, str]]
"""Makes a user of that name who may do what the policy says; its access key and secret key."""


@dataclass(frozen=True)
class S3Server:
    """A running server, or another way to one (see `behind`). `name` is what the tests call it."""

    name: str
    endpoint: str
    enroll: Enroll = field(repr=False)
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    ca_file: Path | None = None

    def user(self, policy: Policy) -> tuple[str, str]:
        """The access key and the secret key of a new user under the policy. RefusedError where only a keeper may."""
        try:
            return self.enroll(self, f"user-{secrets.token_hex(4)}", policy)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403:
                raise RefusedError from error
            raise
        except MinioAdminException as error:
            if "Status: 403" in str(error):
                raise RefusedError from error
            raise

    def bucket(self) -> str:
        """The name of a new bucket, made by the keeper."""
        name = f"bucket-{secrets.token_hex(4)}"
        self.keeper.create_bucket(Bucket=name)
        return name

    def empty(self, bucket: str) -> None:
        """Remove all objects and unfinished uploads. One call each: not every server knows our bulk delete."""
        uploads = self.keeper.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        for upload in uploads:
            self.keeper.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda key: self.keeper.delete_object(Bucket=bucket, Key=key), self.keys(bucket)))

    def keys(self, bucket: str) -> list[str]:
        """Every key that stands there, ours and the adapters' own."""
        pages = self.keeper.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def connection(self, access_key: str | None = None, secret_key: str | None = None, **changes: Any) -> Connection:
        """For the product: as a user, or as the keeper. `changes` are other fields of the connection."""
        keys = (access_key or self.access_key, secret_key or self.secret_key)
        return replace(Connection(self.endpoint, *keys, region=REGION, ca_file=self.ca_file), **changes)

    def behind(self, endpoint: str, ca_file: Path | None = None) -> "S3Server":
        """The same server reached by another way: a proxy."""
        return replace(self, endpoint=endpoint, ca_file=ca_file)

    def known_as(self, access_key: str, secret_key: str) -> "S3Server":
        """The same server, where somebody else tries to be its keeper."""
        return replace(self, access_key=access_key, secret_key=secret_key)

    @cached_property
    def keeper(self) -> "S3Client":
        """The admin's client."""
        client: S3Client = boto3.client("s3", **self._client_options())
        return client

    def iam(self) -> "IAMClient":
        client: IAMClient = boto3.client("iam", **self._client_options())
        return client

    def answers(self) -> bool:
        """Whether it is up and knows the keeper: a stranger on the same port does not."""
        try:
            self.keeper.list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    def _client_options(self) -> dict[str, Any]:
        return {
            "endpoint_url": self.endpoint,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "region_name": REGION,
            "verify": str(self.ca_file) if self.ca_file else True,
            "config": Config(
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=30,
                max_pool_connections=16,
            ),
        }


class RefusedError(Exception):
    """The server does not let this one make users."""


def new_keys() -> tuple[str, str]:
    """An access key and a secret key that no other server has."""
    return f"keeper{secrets.token_hex(7)}", secrets.token_hex(20)


def by_iam(server: S3Server, name: str, policy: Policy) -> tuple[str, str]:
    """The way of AWS, which SeaweedFS speaks too. The policy is attached by name: put into the user itself, SeaweedFS
    takes only some of the actions."""
    iam = server.iam()
    iam.create_user(UserName=name)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def by_minio_admin(server: S3Server, name: str, policy: Policy) -> tuple[str, str]:
    """MinIO's own way."""
    address = urlsplit(server.endpoint)
    with urllib3.PoolManager(ca_certs=str(server.ca_file) if server.ca_file else None) as http:
        admin = MinioAdmin(
            endpoint=address.netloc,
            credentials=StaticProvider(server.access_key, server.secret_key),
            secure=address.scheme == "https",
            http_client=http,
        )
        secret_key = secrets.token_hex(16)
        admin.user_add(name, secret_key)
        admin.policy_add(name, policy=dict(policy))
        admin.policy_set(name, user=name)
    return name, secret_key
