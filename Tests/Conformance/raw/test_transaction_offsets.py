"""C51: offsets that are committed as part of a transaction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kafka_codec import ErrorCode
from raw.client import Client
from raw.member import Connect, Member, commit_offsets, fetch_offset, form
from raw.producer import Producer

pytestmark = pytest.mark.quick
Names = Callable[[str], str]


@pytest.fixture
def producer(client: Client, unique: Names) -> Producer:
    return Producer.start(client, unique("transactional"))


@pytest.fixture
def group(unique: Names) -> str:
    return unique("group")


@pytest.mark.parametrize("commit", [True, False])
def test_c51_offsets_show_after_commit_and_are_gone_after_abort(
    client: Client, producer: Producer, topic: str, group: str, commit: bool
) -> None:
    before = commit_offsets(client, group, {(topic, 0): (5, "plain")}, version=6)
    assert before == {(topic, 0): ErrorCode.NONE}
    assert producer.add_offsets(group) == ErrorCode.NONE
    assert producer.commit_offset(group, topic, 42) == ErrorCode.NONE
    pending = fetch_offset(client, group, topic)
    assert (pending.errorCode, pending.committedOffset) == (ErrorCode.NONE, 5)
    unstable = fetch_offset(client, group, topic, stable=True)
    assert (unstable.errorCode, unstable.committedOffset) == (ErrorCode.UNSTABLE_OFFSET_COMMIT, -1)
    producer.finish(commit)
    for stable in (True, False):
        after = fetch_offset(client, group, topic, stable=stable)
        assert after.errorCode == ErrorCode.NONE
        assert after.committedOffset == (42 if commit else 5)
        assert after.metadata == ("from a transaction" if commit else "plain")


@pytest.mark.parametrize("version", range(5))
def test_c51_every_version_commits(
    client: Client, producer: Producer, topic: str, group: str, version: int
) -> None:
    assert producer.add_offsets(group, version=version) == ErrorCode.NONE
    assert producer.commit_offset(group, topic, 7, version=version) == ErrorCode.NONE
    assert producer.end(True, version=version) == ErrorCode.NONE
    assert fetch_offset(client, group, topic).committedOffset == 7


def test_c51_the_last_offset_of_a_transaction_counts(
    client: Client, producer: Producer, topic: str, group: str
) -> None:
    producer.add_offsets(group)
    for offset in (3, 1, 2):
        assert producer.commit_offset(group, topic, offset) == ErrorCode.NONE
    producer.finish(commit=True)
    assert fetch_offset(client, group, topic).committedOffset == 2


def test_c51_a_plain_commit_between_does_not_end_what_is_pending(
    client: Client, producer: Producer, topic: str, group: str
) -> None:
    producer.add_offsets(group)
    producer.commit_offset(group, topic, 42)
    commit_offsets(client, group, {(topic, 0): (5, "")}, version=6)
    assert fetch_offset(client, group, topic).committedOffset == 5
    unstable = fetch_offset(client, group, topic, stable=True)
    assert unstable.errorCode == ErrorCode.UNSTABLE_OFFSET_COMMIT
    producer.finish(commit=True)
    assert fetch_offset(client, group, topic, stable=True).errorCode == ErrorCode.NONE


def test_c51_a_group_that_was_not_added_gets_error_48(
    client: Client, producer: Producer, topic: str, group: str, unique: Names
) -> None:
    invalid = ErrorCode.INVALID_TXN_STATE
    assert producer.commit_offset(group, topic, 1) == invalid
    producer.add_offsets(unique("other-group"))
    assert producer.commit_offset(group, topic, 1) == invalid
    producer.finish(commit=True)
    assert fetch_offset(client, group, topic).committedOffset == -1


def test_c51_after_the_end_nothing_more_is_taken(
    client: Client, producer: Producer, topic: str, group: str
) -> None:
    producer.add_offsets(group)
    producer.commit_offset(group, topic, 1)
    producer.finish(commit=True)
    assert producer.commit_offset(group, topic, 2) == ErrorCode.INVALID_TXN_STATE
    assert fetch_offset(client, group, topic, stable=True).committedOffset == 1


def test_c51_wrong_ids_epochs_and_partitions(
    client: Client, producer: Producer, topic: str, group: str
) -> None:
    producer.add_offsets(group)
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert producer.commit_offset(group, topic, 1, partition=9) == unknown
    producer.producer_id += 1
    wrong = ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert producer.commit_offset(group, topic, 1) == wrong
    producer.producer_id -= 1
    producer.epoch -= 1
    assert producer.commit_offset(group, topic, 1) == ErrorCode.INVALID_PRODUCER_EPOCH
    producer.epoch += 1
    producer.finish(commit=False)


def test_c51_members_of_other_generations_are_refused(
    connect: Connect, producer: Producer, topic: str, group: str
) -> None:
    member = Member(connect(), group)
    form([member])
    producer.add_offsets(group)

    def commit(generation: int, member_id: str, instance: str | None = None) -> int:
        return producer.commit_offset(
            group,
            topic,
            9,
            generationId=generation,
            memberId=member_id,
            groupInstanceId=instance,
        )

    assert commit(member.generation - 1, member.id) == ErrorCode.ILLEGAL_GENERATION
    assert commit(member.generation + 1, member.id) == ErrorCode.ILLEGAL_GENERATION
    assert commit(member.generation, "nobody") == ErrorCode.UNKNOWN_MEMBER_ID
    assert commit(member.generation, member.id) == ErrorCode.NONE
    assert commit(-1, "") == ErrorCode.NONE, "old clients do not name their member"
    producer.finish(commit=True)
    assert fetch_offset(producer.client, group, topic).committedOffset == 9


def test_c51_a_fenced_instance_gets_error_82(
    connect: Connect, producer: Producer, topic: str, group: str
) -> None:
    first = Member(connect(), group, instance="static")
    form([first])
    second = Member(connect(), group, instance="static")
    second.join()
    producer.add_offsets(group)
    code = producer.commit_offset(
        group,
        topic,
        9,
        generationId=first.generation,
        memberId=first.id,
        groupInstanceId="static",
    )
    assert code == ErrorCode.FENCED_INSTANCE_ID
    producer.finish(commit=False)
