"""What the policy says; that it suffices is proved on servers."""

import json

import pytest

from voxpersona.adapters.blobs.s3.policy import minio_commands, policy, policy_text, seaweedfs_commands


def statements(*, setup: bool = False) -> list[dict[str, list[str]]]:
    found = json.loads(policy_text(policy(["main", "audio"], setup=setup)))["Statement"]
    assert isinstance(found, list)
    return found


def test_it_names_the_buckets_and_nothing_else() -> None:
    on_buckets, on_objects = statements()
    assert on_buckets["Resource"] == ["arn:aws:s3:::main", "arn:aws:s3:::audio"]
    assert on_objects["Resource"] == ["arn:aws:s3:::main/*", "arn:aws:s3:::audio/*"]


@pytest.mark.parametrize("setup", [False, True])
def test_nothing_is_allowed_by_a_star_and_nothing_that_destroys(setup: bool) -> None:
    actions = [action for each in statements(setup=setup) for action in each["Action"]]
    assert len(actions) == len(set(actions))
    assert not [action for action in actions if "*" in action]
    assert not {"s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketPolicy", "s3:PutObjectAcl"} & set(actions)


def test_setting_up_is_allowed_only_where_it_is_asked_for() -> None:
    more = set(statements(setup=True)[0]["Action"]) - set(statements()[0]["Action"])
    assert more == {"s3:CreateBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"}
    assert statements(setup=True)[1] == statements()[1]


def test_the_text_is_short_enough_for_every_server() -> None:
    longest = policy(["main-" + "x" * 58, "audio-" + "x" * 57], setup=True)
    assert len(policy_text(longest)) <= 2048


def test_without_a_bucket_there_is_no_policy() -> None:
    with pytest.raises(ValueError, match="bucket"):
        policy([])


@pytest.mark.parametrize("commands", [minio_commands, seaweedfs_commands])
def test_the_commands_name_the_user_and_the_file_and_no_secret(commands: object) -> None:
    assert callable(commands)
    text = commands(user="AKEXAMPLE", path="here.json")
    assert "AKEXAMPLE" in text
    assert "here.json" in text
    assert "MINIO_SECRET_KEY" in text or "asks for the secret key" in text
