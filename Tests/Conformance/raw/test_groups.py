"""C56 to C60, C62 and C63: joining, syncing, leaving, and being too slow."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kafka_codec import ErrorCode
from raw.client import wait_for
from raw.member import (
    RANGE,
    Connect,
    Member,
    assign,
    assignment_of,
    describe,
    form,
    rejoin,
)

quick = pytest.mark.quick
MINIMUM_SESSION = 6_000


@pytest.fixture
def group(unique: Callable[[str], str]) -> str:
    return unique("group")


def members(connect: Connect, group: str, count: int, **options: int) -> list[Member]:
    return [Member(connect(), group, **options) for _ in range(count)]  # type: ignore[arg-type]


@quick
@pytest.mark.parametrize("version", range(4, 10))
def test_c56_from_version_4_on_a_member_needs_an_id(
    connect: Connect, group: str, version: int
) -> None:
    member = Member(connect(), group)
    first = member.ask_join(version)
    assert first.errorCode == ErrorCode.MEMBER_ID_REQUIRED
    assert member.id.startswith("conformance-") and first.generationId == -1
    given = member.id
    joined = member.ask_join(version)
    assert (joined.errorCode, joined.generationId) == (ErrorCode.NONE, 1)
    assert joined.memberId == joined.leader == given
    assert [each.memberId for each in joined.members] == [given]
    assert joined.members[0].metadata == RANGE[0][1]
    assert joined.get("protocolType", "consumer") == "consumer"
    assert joined.protocolName == "range" and not joined.get("skipAssignment", False)


@quick
@pytest.mark.parametrize("version", range(4))
def test_c56_before_version_4_a_member_joins_at_once(
    connect: Connect, group: str, version: int
) -> None:
    member = Member(connect(), group)
    joined = member.ask_join(version)
    assert joined.errorCode == ErrorCode.NONE and member.id
    assert member.sync({member.id: b"all"}, version=min(version, 2)).assignment == b"all"


@quick
def test_c56_an_id_that_the_group_did_not_give_gets_error_25(connect: Connect, group: str) -> None:
    member = Member(connect(), group)
    member.id = "made-up"
    assert member.ask_join().errorCode == ErrorCode.UNKNOWN_MEMBER_ID
    assert describe(member.client, group).groupState == "Dead", "the group was not created"
    form([Member(connect(), group)])
    assert member.ask_join().errorCode == ErrorCode.UNKNOWN_MEMBER_ID


@quick
def test_c56_only_the_leader_is_told_of_the_members(connect: Connect, group: str) -> None:
    everyone = members(connect, group, 3)
    form(everyone)
    leaders = [each for each in everyone if each.is_leader]
    assert leaders == everyone[:1]
    for member in everyone:
        assert member.joined is not None and member.joined.generationId == 2
        told = {each.memberId for each in member.joined.members}
        assert told == ({each.id for each in everyone} if member.is_leader else set())
    described = describe(everyone[0].client, group)
    assert (described.groupState, described.protocolType) == ("Stable", "consumer")
    assert described.protocolData == "range"
    for entry in described.members:
        assert entry.memberAssignment == b"for " + entry.memberId.encode()
        assert entry.memberMetadata == RANGE[0][1]
        assert entry.clientId == "conformance" and entry.clientHost.startswith("/")


@quick
def test_c57_after_a_leave_the_others_rebalance_at_once(
    connect: Connect, group: str
) -> None:
    stays, leaves = members(connect, group, 2, session=30_000)
    form([stays, leaves])
    started = time.monotonic()
    assert leaves.leave() == ErrorCode.NONE
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: stays.heartbeat() == rebalancing, "the rebalance")
    rejoin([stays])
    assert time.monotonic() - started < 20, "not by the end of the session"
    assert stays.is_leader and stays.generation == 3
    assert leaves.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID


def test_c57_a_silent_member_is_dropped_after_its_session_and_not_before(
    connect: Connect, group: str
) -> None:
    stays = Member(connect(), group, session=30_000)
    silent = Member(connect(), group, session=MINIMUM_SESSION)
    form([stays, silent])
    # Any time from here on counts: the last sign of life lies before it.
    started = time.monotonic()
    assert silent.heartbeat() == ErrorCode.NONE
    silent.client.close()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: stays.heartbeat() == rebalancing, "the session ends")
    assert MINIMUM_SESSION / 1000 <= time.monotonic() - started < 20
    rejoin([stays])
    assert stays.joined is not None and len(stays.joined.members) == 1


@quick
def test_c58_heartbeats_of_every_kind(connect: Connect, group: str) -> None:
    first, second = members(connect, group, 2)
    form([first])
    for version in range(5):
        assert first.heartbeat(version) == ErrorCode.NONE
    first.generation -= 1
    assert first.heartbeat() == ErrorCode.ILLEGAL_GENERATION
    first.generation += 2
    assert first.heartbeat() == ErrorCode.ILLEGAL_GENERATION
    first.generation -= 1
    stranger = Member(connect(), group)
    stranger.id, stranger.generation = "stranger", first.generation
    assert stranger.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID
    stranger.group = group + "-none"
    assert stranger.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID
    second.obtain_id()
    second.send_join()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: first.heartbeat() == rebalancing, "the rebalance")
    rejoin_with(first, second)
    assert first.heartbeat() == ErrorCode.NONE


def rejoin_with(first: Member, waiting: Member) -> None:
    """Lets the first member join again, so that the one that waits gets its answer."""
    first.send_join()
    for member in (first, waiting):
        assert member.receive_join().errorCode == ErrorCode.NONE
    # CompletingRebalance until the leader has synced: that is no reason to join again.
    assert first.heartbeat() == ErrorCode.NONE
    assign([first, waiting])


@quick
def test_c58_syncs_of_every_kind(connect: Connect, group: str) -> None:
    member = Member(connect(), group)
    member.join()
    member.generation += 1
    assert member.sync().errorCode == ErrorCode.ILLEGAL_GENERATION
    member.generation -= 1
    member.protocol_type = "connect"
    assert member.sync().errorCode == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    member.protocol_type = "consumer"
    stranger = Member(connect(), group)
    stranger.id, stranger.generation = "stranger", 1
    assert stranger.sync().errorCode == ErrorCode.UNKNOWN_MEMBER_ID
    for _ in range(2):
        answer = member.sync({member.id: b"mine"})
        assert (answer.errorCode, answer.assignment) == (ErrorCode.NONE, b"mine")
        assert (answer.protocolType, answer.protocolName) == ("consumer", "range")
    assert member.sync({member.id: b"later"}).assignment == b"mine", "Stable keeps what it has"


@quick
def test_c58_a_rebalance_answers_syncs_that_wait(connect: Connect, group: str) -> None:
    leader, follower, late = members(connect, group, 3)
    form([leader, follower])
    late.obtain_id()
    late.send_join()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: leader.heartbeat() == rebalancing, "the rebalance")
    for member in (leader, follower):
        member.send_join()
    for member in (leader, follower, late):
        assert member.receive_join().errorCode == ErrorCode.NONE
    follower.send_sync()
    # The leader goes away instead of assigning: the follower must hear of it.
    assert leader.leave() == ErrorCode.NONE
    assert follower.client.receive().errorCode == rebalancing
    rejoin([follower, late])


@quick
def test_c59_a_member_that_does_not_rejoin_is_dropped_at_the_rebalance_timeout(
    connect: Connect, group: str
) -> None:
    quick_one, slow, new = members(connect, group, 3, rebalance=1000, session=30_000)
    form([quick_one, slow])
    new.obtain_id()
    started = time.monotonic()
    new.send_join()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: quick_one.heartbeat() == rebalancing, "the rebalance")
    quick_one.send_join()
    for member in (quick_one, new):
        assert member.receive_join().errorCode == ErrorCode.NONE
    assert 0.9 <= time.monotonic() - started < 20, "not by the end of the session"
    assign([quick_one, new])
    assert slow.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID
    assert slow.commit("any", 1) in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION)


@quick
def test_c59_a_member_that_does_not_sync_is_dropped_at_the_rebalance_timeout(
    connect: Connect, group: str
) -> None:
    leader, silent = members(connect, group, 2, rebalance=1000, session=30_000)
    form([leader, silent])
    silent.send_join()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    # The follower's own join changes nothing: it gets the current generation at once.
    assert silent.receive_join().generationId == 2
    leader.send_join()
    wait_for(lambda: silent.heartbeat() == rebalancing, "the leader's join rebalances")
    silent.send_join()
    for member in (leader, silent):
        assert member.receive_join().generationId == 3
    assert leader.sync({leader.id: b"x"}).errorCode == ErrorCode.NONE
    wait_for(lambda: leader.heartbeat() == rebalancing, "the silent one is dropped", timeout=10)
    rejoin([leader])
    assert silent.heartbeat() == ErrorCode.UNKNOWN_MEMBER_ID


@quick
def test_c60_without_a_protocol_in_common_a_member_gets_error_23(
    connect: Connect, group: str
) -> None:
    wrong = ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    nothing = Member(connect(), group, protocols=())
    assert nothing.ask_join(version=3).errorCode == wrong
    untyped = Member(connect(), group, protocol_type="")
    assert untyped.ask_join(version=3).errorCode == wrong
    form([Member(connect(), group)])
    other = Member(connect(), group, protocols=(("roundrobin", b""),))
    assert other.ask_join(version=3).errorCode == wrong
    other_type = Member(connect(), group, protocol_type="connect")
    assert other_type.ask_join(version=3).errorCode == wrong


@quick
def test_c60_the_protocol_with_most_votes_wins(connect: Connect, group: str) -> None:
    preferences = ("a", "b"), ("c", "b", "a"), ("b", "a")
    everyone = [
        Member(connect(), group, protocols=tuple((name, name.encode()) for name in names))
        for names in preferences
    ]
    form(everyone)
    leader = everyone[0].joined
    assert leader is not None and leader.protocolName == "b"
    assert {each.metadata for each in leader.members} == {b"b"}


@quick
@pytest.mark.parametrize("timeout", [1, MINIMUM_SESSION - 1, 1_800_001, 0, -1])
def test_c60_session_timeouts_outside_the_limits_get_error_26(
    connect: Connect, group: str, timeout: int
) -> None:
    member = Member(connect(), group, session=timeout)
    for version in (0, 5, 9):
        assert member.ask_join(version).errorCode == ErrorCode.INVALID_SESSION_TIMEOUT
    member.session = MINIMUM_SESSION
    member.join()


@quick
def test_c60_a_group_without_a_name_gets_error_24(connect: Connect) -> None:
    member = Member(connect(), "")
    invalid = ErrorCode.INVALID_GROUP_ID
    assert member.ask_join().errorCode == invalid
    member.id, member.generation = "x", 1
    assert member.sync().errorCode == invalid
    assert member.heartbeat() == invalid
    answer = member.client.call("LeaveGroup", 0, groupId="", memberId="x")
    assert answer.errorCode == invalid


@quick
def test_c62_a_join_whose_answer_was_lost_is_answered_again_with_the_same(
    connect: Connect, group: str
) -> None:
    member = Member(connect(), group)
    first = member.join()
    member.client = connect()
    again = member.ask_join()
    assert (again.errorCode, again.generationId) == (ErrorCode.NONE, first.generationId)
    assert (again.leader, again.memberId) == (first.leader, first.memberId)
    assert again.members == first.members
    assert member.sync({member.id: b"mine"}).assignment == b"mine"


@quick
def test_c62_a_sync_whose_answer_was_lost_is_answered_again_with_the_same(
    connect: Connect, group: str
) -> None:
    leader, follower = members(connect, group, 2)
    form([leader, follower])
    for member in (leader, follower):
        member.client = connect()
        assert member.sync().assignment == assignment_of(member)
    follower.client = connect()
    assert follower.ask_join().generationId == leader.generation, "unchanged: no rebalance"
    assert leader.heartbeat() == ErrorCode.NONE


@quick
def test_c62_a_client_that_goes_while_it_joins_stays_a_member(connect: Connect, group: str) -> None:
    stays, gone = members(connect, group, 2)
    form([stays])
    gone.obtain_id()
    gone.send_join()
    gone.client.close()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: stays.heartbeat() == rebalancing, "the rebalance")
    gone.client = connect()
    gone.client.waiting.clear()
    gone.send_join()
    stays.send_join()
    for member in (stays, gone):
        assert member.receive_join().errorCode == ErrorCode.NONE
    assign([stays, gone])


def test_c63_an_id_that_never_joins_expires_and_does_not_block_the_group(
    connect: Connect, group: str
) -> None:
    stays, never, new = members(connect, group, 3, session=MINIMUM_SESSION, rebalance=60_000)
    form([stays])
    started = time.monotonic()
    never.obtain_id()
    new.obtain_id()
    new.send_join()
    rebalancing = ErrorCode.REBALANCE_IN_PROGRESS
    wait_for(lambda: stays.heartbeat() == rebalancing, "the rebalance")
    stays.send_join()
    for member in (stays, new):
        assert member.receive_join().errorCode == ErrorCode.NONE
    assert time.monotonic() - started < 30, "not by the end of the rebalance"
    assert stays.joined is not None and len(stays.joined.members) == 2
    assign([stays, new])
    assert never.ask_join().errorCode == ErrorCode.UNKNOWN_MEMBER_ID


@quick
def test_c63_a_pending_id_may_leave(connect: Connect, group: str) -> None:
    member = Member(connect(), group)
    member.obtain_id()
    assert member.leave() == ErrorCode.NONE
    assert member.ask_join().errorCode == ErrorCode.UNKNOWN_MEMBER_ID
