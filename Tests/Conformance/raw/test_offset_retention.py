"""C71: committed offsets of a group that nobody is in any more expire."""

from __future__ import annotations

import time

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode
from raw.client import Client, wait_for
from raw.member import Member, commit_offsets, describe, fetch_offset, form

RETENTION = 1.0
#: The broker's clock counts in milliseconds.
GRAIN = 0.002
pytestmark = [
    pytest.mark.quick,
    pytest.mark.settings("broker.offsets_retention=1s", "broker.retention_check_interval=50ms"),
]


@pytest.fixture
def topic(own: Client) -> str:
    return own.create_topic("read", 2)


def commit(client: Client, group: str, topic: str, partition: int = 0) -> None:
    codes = commit_offsets(client, group, {(topic, partition): (5, "note")})
    assert codes == {(topic, partition): ErrorCode.NONE}


def committed(client: Client, group: str, topic: str, partition: int = 0) -> int:
    offset: int = fetch_offset(client, group, topic, partition).committedOffset
    return offset


def wait_until_gone(client: Client, group: str, topic: str) -> None:
    wait_for(lambda: committed(client, group, topic) == -1, f"the offset of {group} expires")


def let_retention_pass(client: Client, topic: str) -> None:
    """Returns when an offset that is committed now has expired, so that all older ones may have."""
    commit(client, "probe", topic)
    wait_until_gone(client, "probe", topic)


def lasts_for_the_retention(client: Client, topic: str, group: str, since: float) -> None:
    wait_until_gone(client, group, topic)
    assert time.monotonic() - since >= RETENTION - GRAIN


def groups(client: Client) -> set[str]:
    return {each.groupId for each in client.ask("ListGroups").groups}


def test_c71_offsets_without_a_group_expire_after_the_commit_and_the_group_with_them(
    own: Client, topic: str
) -> None:
    begun = time.monotonic()
    commit(own, "simple", topic)
    assert groups(own) == {"simple"}
    lasts_for_the_retention(own, topic, "simple", begun)
    wait_for(lambda: groups(own) == set(), "the group is forgotten")
    assert describe(own, "simple").groupState == "Dead"


def test_c71_a_partition_that_is_committed_again_and_again_keeps_its_offset(
    own: Client, topic: str
) -> None:
    commit(own, "simple", topic, partition=0)

    def is_gone_while_the_other_is_renewed() -> bool:
        commit(own, "simple", topic, partition=1)
        return committed(own, "simple", topic, 0) == -1

    wait_for(is_gone_while_the_other_is_renewed, "the offset that is not renewed expires")
    assert committed(own, "simple", topic, 1) == 5


def test_c71_offsets_of_a_group_with_members_stay_until_it_was_empty_for_the_retention(
    own: Client, topic: str, broker_process: BrokerProcess
) -> None:
    with Client(broker_process.bootstrap) as connection:
        member = Member(connection, "busy")
        form([member])
        assert member.commit(topic, 5) == ErrorCode.NONE
        let_retention_pass(own, topic)
        assert committed(own, "busy", topic) == 5
        left_at = time.monotonic()
        assert member.leave() == ErrorCode.NONE
    lasts_for_the_retention(own, topic, "busy", left_at)


@pytest.mark.parametrize("kill", [False, True], ids=["stop", "kill"])
def test_c71_the_time_goes_on_over_a_restart(
    own: Client, topic: str, broker_process: BrokerProcess, kill: bool
) -> None:
    with Client(broker_process.bootstrap) as connection:
        member = Member(connection, "left")
        form([member])
        assert member.commit(topic, 5) == ErrorCode.NONE
        begun = time.monotonic()
        assert member.leave() == ErrorCode.NONE
    commit(own, "simple", topic)
    broker_process.restart(kill=kill)
    with Client(broker_process.bootstrap) as client:
        lasts_for_the_retention(client, topic, "left", begun)
        wait_until_gone(client, "simple", topic)
        wait_for(lambda: groups(client) == set(), "both groups are forgotten")


def test_c71_what_has_expired_does_not_come_back(
    own: Client, topic: str, broker_process: BrokerProcess
) -> None:
    commit(own, "simple", topic)
    wait_until_gone(own, "simple", topic)
    broker_process.settings.clear()
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert committed(client, "simple", topic) == -1


def test_c71_a_group_that_comes_back_in_time_goes_on(
    topic: str, own: Client, broker_process: BrokerProcess
) -> None:
    with Client(broker_process.bootstrap) as connection:
        first = Member(connection, "returning")
        form([first])
        assert first.commit(topic, 5) == ErrorCode.NONE
        assert first.leave() == ErrorCode.NONE
        second = Member(connection, "returning")
        form([second])
        let_retention_pass(own, topic)
        assert committed(own, "returning", topic) == 5
        assert second.commit(topic, 6) == ErrorCode.NONE
