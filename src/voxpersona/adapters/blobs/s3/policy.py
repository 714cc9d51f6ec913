"""What the application's key must be allowed, and nothing more; and how to give it that.

The actions have AWS's names, which MinIO and SeaweedFS share. Proved on both: with this policy everything `S3Blobs` and
`S3Bucket` do goes through, and what it leaves out is refused (tests/contracts/test_bucket_policy.py).
"""

import json
from collections.abc import Mapping, Sequence

_IN_BUCKET = (
    "s3:GetBucketLocation",  # ours asks nothing of the kind, but the clients people look with (mc, minio-py) begin so
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetLifecycleConfiguration",
)
_IN_SETUP = ("s3:CreateBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration")
_ON_OBJECTS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


def policy(buckets: Sequence[str], *, setup: bool = False) -> dict[str, object]:
    """The least-privilege policy of the application's key, for all servers alike.

    With `setup` the key may also make the buckets, switch their versioning on and set lifecycle rules; without it an
    administrator does that. Neither may remove a bucket or an old version, nor change a policy.
    ValueError without a bucket.
    """
    if not buckets:
        raise ValueError("a policy is for one bucket at least")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [*_IN_BUCKET, *(_IN_SETUP if setup else ())],
                "Resource": [f"arn:aws:s3:::{bucket}" for bucket in buckets],
            },
            {
                "Effect": "Allow",
                "Action": [*_ON_OBJECTS],
                "Resource": [f"arn:aws:s3:::{bucket}/*" for bucket in buckets],
            },
        ],
    }


def policy_text(document: Mapping[str, object]) -> str:
    """The policy as the file that the commands read. MinIO's old documentation bounds it at 2,048 characters."""
    return json.dumps(document, indent=1)


def minio_commands(
    *, url: str = "", user: str = "voxpersona", path: str = "voxpersona-policy.json", alias: str = "archive"
) -> str:
    """The commands that make a user under the policy in `path` on MinIO or Silo; `mc` asks for what is secret.

    `url` is the store's address, where it is known; `user` the access key. Syntax as documented since
    RELEASE.2023-03; `mc` itself could not be had for a try.
    """
    return "\n".join(
        (
            f"mc alias set {alias} {url or 'https://STORE:9000'}  # asks for the administrator's keys",
            f"mc admin policy create {alias} voxpersona {path}",
            f"mc admin user add {alias} {user}  # asks for the secret key",
            f"mc admin policy attach {alias} voxpersona --user {user}",
        )
    )


def seaweedfs_commands(
    *, user: str = "voxpersona", path: str = "voxpersona-policy.json", shell: str = "weed shell"
) -> str:
    """The same on SeaweedFS, by its own shell, where the server runs and in its environment (a server that is locked
    down by WEED_JWT_... and WEED_GRPC_... wants them of the shell too). `user` is also the access key.

    The policy must be attached by name: one put into the user itself is refused, since there SeaweedFS knows only some
    of the actions (not `s3:ListMultipartUploadParts`, not `s3:CreateBucket`) and no `Deny`. Tried with 4.48.
    """
    steps = (
        f"s3.policy -put -name=voxpersona -file={path}",
        f"s3.user.create -name {user} -access_key {user} -secret_key $MINIO_SECRET_KEY",
        f"s3.policy.attach -policy voxpersona -user {user}",
    )
    return "\n".join((f"{shell} <<END", *steps, "END"))
