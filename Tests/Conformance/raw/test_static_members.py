"""C61: members with an instance id keep their place over a restart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kafka_codec import ErrorCode
from raw.client import wait_for
from raw.member import Connect, Member, assignment_of, commit_offsets, describe, form, rejoin

pytestmark = pytest.mark.quick


@pytest.fixture
def group(unique: Callable[[str], str]) -> str:
    return unique("static")


def static_group(connect: Connect, group: str) -> tuple[Member, Member]:
    """A leader "one" and a follower "two"."""
    leader = Member(connect(), group, instance="one")
    follower = Member(connect(), group, instance="two")
    form([leader, follower])
    return leader, follower


def restarted(connect: Connect, member: Member) -> Member:
    """The same instance in a new process: it knows its instance id and nothing else."""
    return Member(connect(), member.group, instance=member.instance, protocols=member.protocols)


def is_fenced(member: Member) -> None:
    fenced = ErrorCode.FENCED_INSTANCE_ID
    assert member.heartbeat() == fenced
    assert member.sync().errorCode == fenced
    assert member.ask_join().errorCode == fenced
    assert member.commit("any", 1) == fenced
    assert member.leave() == fenced


def test_c61_a_new_static_member_joins_without_a_second_round(connect: Connect, group: str) -> None:
    member = Member(connect(), group, instance="one")
    answer = member.ask_join()
    assert answer.errorCode == ErrorCode.NONE
    assert member.id and answer.members[0].groupInstanceId == "one"


def test_c61_a_follower_that_restarts_gets_its_assignment_back_without_a_rebalance(
    connect: Connect, group: str
) -> None:
    leader, old = static_group(connect, group)
    new = restarted(connect, old)
    answer = new.ask_join()
    assert (answer.errorCode, answer.generationId) == (ErrorCode.NONE, old.generation)
    assert new.id != old.id and answer.leader == leader.id and answer.members == []
    assert new.sync().assignment == assignment_of(old)
    assert leader.heartbeat() == new.heartbeat() == ErrorCode.NONE
    is_fenced(old)
    described = {each.memberId for each in describe(leader.client, group).members}
    assert described == {leader.id, new.id}


def test_c61_a_leader_that_restarts_is_told_to_skip_the_assignment(
    connect: Connect, group: str
) -> None:
    old, follower = static_group(connect, group)
    new = restarted(connect, old)
    answer = new.ask_join(version=9)
    assert (answer.errorCode, answer.generationId) == (ErrorCode.NONE, old.generation)
    assert answer.leader == new.id and answer.skipAssignment
    assert {each.memberId for each in answer.members} == {new.id, follower.id}
    assert new.sync().assignment == assignment_of(old)
    assert follower.heartbeat() == ErrorCode.NONE
    is_fenced(old)


@pytest.mark.parametrize("version", range(5, 9))
def test_c61_before_version_9_a_leader_that_restarts_is_told_of_the_old_one(
    connect: Connect, group: str, version: int
) -> None:
    old, follower = static_group(connect, group)
    new = restarted(connect, old)
    answer = new.ask_join(version)
    assert (answer.errorCode, answer.generationId) == (ErrorCode.NONE, old.generation)
    assert answer.leader == old.id != new.id and answer.members == []
    assert new.sync(version=3).assignment == assignment_of(old)
    assert follower.heartbeat() == ErrorCode.NONE


def test_c61_a_replacement_that_changes_the_protocol_rebalances(
    connect: Connect, group: str
) -> None:
    both = (("range", b"r"), ("sticky", b"s"))
    leader = Member(connect(), group, instance="one", protocols=both)
    old = Member(connect(), group, instance="two", protocols=both)
    form([leader, old])
    new = Member(connect(), group, instance="two", protocols=(("sticky", b"s"),))
    new.send_join()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: leader.heartbeat() == rebalancing, "the rebalance")
    leader.send_join()
    for member in (leader, new):
        assert member.receive_join().errorCode == ErrorCode.NONE
    assert leader.joined is not None and leader.joined.protocolName == "sticky"


def test_c61_a_join_that_waits_is_fenced_by_its_replacement(connect: Connect, group: str) -> None:
    leader, old = static_group(connect, group)
    new_member = Member(connect(), group, instance="three")
    new_member.send_join()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: leader.heartbeat() == rebalancing, "the rebalance")
    old.send_join()
    wait_for(lambda: describe(leader.client, group).groupState == "PreparingRebalance", "state")
    new = restarted(connect, old)
    new.send_join()
    assert old.receive_join().errorCode == ErrorCode.FENCED_INSTANCE_ID
    leader.send_join()
    for member in (leader, new, new_member):
        assert member.receive_join().errorCode == ErrorCode.NONE


def test_c61_an_instance_that_is_not_known_gets_error_25(connect: Connect, group: str) -> None:
    leader, follower = static_group(connect, group)
    follower.instance = "nobody"
    unknown = ErrorCode.UNKNOWN_MEMBER_ID
    assert follower.heartbeat() == unknown
    assert follower.ask_join().errorCode == unknown
    assert follower.leave() == unknown
    assert leader.heartbeat() == ErrorCode.NONE


def test_c61_an_administrator_removes_a_static_member_by_its_instance(
    connect: Connect, group: str
) -> None:
    leader, follower = static_group(connect, group)
    answer = connect().ask(
        "LeaveGroup",
        groupId=group,
        members=[
            {"memberId": "", "groupInstanceId": "two"},
            {"memberId": "", "groupInstanceId": "none"},
            {"memberId": "stranger"},
        ],
    )
    assert answer.errorCode == ErrorCode.NONE
    codes = [each.errorCode for each in answer.members]
    unknown = ErrorCode.UNKNOWN_MEMBER_ID
    assert codes == [ErrorCode.NONE, unknown, unknown]
    assert [each.groupInstanceId for each in answer.members] == ["two", "none", None]
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: leader.heartbeat() == rebalancing, "the rebalance")
    rejoin([leader])
    assert follower.heartbeat() in (unknown, ErrorCode.FENCED_INSTANCE_ID)


def test_c61_a_member_with_another_instance_cannot_commit(connect: Connect, group: str) -> None:
    leader, follower = static_group(connect, group)
    codes = commit_offsets(
        leader.client,
        group,
        {("any", 0): (1, "")},
        generationIdOrMemberEpoch=leader.generation,
        memberId=follower.id,
        groupInstanceId="one",
    )
    assert codes == {("any", 0): ErrorCode.FENCED_INSTANCE_ID}
