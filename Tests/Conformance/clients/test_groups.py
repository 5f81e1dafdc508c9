"""Groups as client libraries live in them: C55, C57, C59, C61, C64, C65."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from clients.driving import CLIENTS, Client, Remote, Worker, wait_until
from clients.values import ClientError, Committed, MemberState, Place

#: Members notice a rebalance by their heartbeats: seldom ones would make these cases slow.
LIVELY = {"session_timeout_ms": 20_000, "heartbeat_interval_ms": 300}
Workers = Callable[[Client], Worker]


def places(topic: str, count: int) -> set[Place]:
    return {(topic, partition) for partition in range(count)}


def is_even(states: Sequence[MemberState], wanted: set[Place]) -> bool:
    """Whether each partition has one member, and no member has two more than another."""
    assigned = [place for state in states for place in state.assignment]
    sizes = [len(state.assignment) for state in states]
    is_complete = len(assigned) == len(wanted) and set(assigned) == wanted
    return is_complete and max(sizes) - min(sizes) <= 1


def wait_for_assignment(
    members: Sequence[Remote], wanted: set[Place], timeout: float = 30
) -> list[MemberState]:
    """Waits until the members share the partitions evenly, and returns what they have."""
    states: list[MemberState] = []

    def holds() -> bool:
        states[:] = [member.state() for member in members]
        return is_even(states, wanted)

    try:
        wait_until(holds, timeout, "an even and complete assignment", pause=0.1)
    except AssertionError as error:
        raise AssertionError(f"{error}: {states}") from None
    return states


@pytest.mark.quick
@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_c55_three_members_share_the_partitions(
    client: Client,
    worker_of: Workers,
    newest: Worker,
    new_topic: Callable[..., str],
    strategy: str,
) -> None:
    topic = new_topic("shared", partitions=7)
    workers = [worker_of(client) for _ in range(3)]
    members = [
        worker.member([topic], group_id=topic, partition_assignment_strategy=strategy, **LIVELY)
        for worker in workers
    ]
    states = wait_for_assignment(members, places(topic, 7))
    assert newest.producer().send_numbered(topic=topic, label="n", partitions=7, count=70) == []
    wait_until(lambda: sum(m.state().received for m in members) >= 70, 20, "every record")
    received = [record.value for member in members for record in member.take()]
    assert len(received) == len(set(received)) == 70
    assert all(state.errors == () for state in states)


@pytest.mark.quick
def test_c55_all_libraries_and_versions_form_one_group(
    worker_of: Workers, admin: Remote, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("mixed", partitions=18)
    members = [
        worker_of(client).member(
            [topic], group_id=topic, partition_assignment_strategy="range", **LIVELY
        )
        for client in CLIENTS
    ]
    wait_for_assignment(members, places(topic, 18), timeout=50)
    described = admin.describe_group(group=topic)
    assert (described.state, described.member_count) == ("Stable", len(CLIENTS))


@pytest.mark.quick
def test_c57_what_a_leaving_member_had_goes_to_the_others_at_once(
    client: Client, worker_of: Workers, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("left", partitions=4)
    members = [worker_of(client).member([topic], group_id=topic, **LIVELY) for _ in range(2)]
    wait_for_assignment(members, places(topic, 4))
    members[0].close()
    # Less than the session timeout: the broker knows that the member has left.
    wait_for_assignment(members[1:], places(topic, 4), timeout=15)


@pytest.mark.timeout(90)
def test_c57_what_a_dead_member_had_goes_to_the_others_after_its_session(
    client: Client, worker_of: Workers, new_topic: Callable[..., str]
) -> None:
    topic, session = new_topic("dead", partitions=4), 10
    workers = [worker_of(client) for _ in range(2)]
    settings = {"session_timeout_ms": 1000 * session, "heartbeat_interval_ms": 300}
    members = [worker.member([topic], group_id=topic, **settings) for worker in workers]
    wait_for_assignment(members, places(topic, 4))
    workers[0].kill()
    killed_at = time.monotonic()
    wait_for_assignment(members[1:], places(topic, 4), timeout=session + 20)
    # The last heartbeat was at most an interval before the end; a loaded machine sends it late.
    assert time.monotonic() - killed_at > session - 5


@pytest.mark.timeout(180)
def test_c59_a_rebalance_ends_without_a_member_that_does_not_come(
    client: Client, worker_of: Workers, admin: Remote, new_topic: Callable[..., str]
) -> None:
    if client.is_librdkafka:
        pytest.skip(f"client limit: {client} wants max.poll.interval.ms >= session.timeout.ms")
    topic = new_topic("slow", partitions=4)
    timeout = "rebalance_timeout_ms" if client.library == "aiokafka" else "max_poll_interval_ms"
    # The session is so long that its end is not taken for that of the rebalance.
    settings = {timeout: 6_000, "session_timeout_ms": 60_000, "heartbeat_interval_ms": 300}
    slow_worker = worker_of(client)
    slow = slow_worker.member([topic], group_id=topic, **settings)
    before = wait_for_assignment([slow], places(topic, 4))[0]
    slow_worker.freeze()
    started_at = time.monotonic()
    quick = worker_of(client).member([topic], group_id=topic, **settings)
    wait_for_assignment([quick], places(topic, 4), timeout=40)
    # Not by the end of the session, and not before the rebalance timeout.
    assert 5 < time.monotonic() - started_at < 55
    assert admin.describe_group(group=topic).member_count == 1
    slow_worker.thaw()
    try:
        slow.commit(offsets={(topic, 0): Committed(1)})
        # Refused but as a member again, which it may have become meanwhile.
        assert slow.state().generations > before.generations
    except ClientError as error:
        assert error.code in (22, 25, 27, None), error
    wait_for_assignment([slow, quick], places(topic, 4), timeout=30)


@pytest.mark.quick
@pytest.mark.timeout(180)
def test_c61_a_static_member_restarts_without_a_rebalance(
    client: Client, worker_of: Workers, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("static", partitions=4)
    # A slow machine has the time to start a worker within the session.
    settings = LIVELY | {"group_id": topic, "session_timeout_ms": 45_000}
    workers = [worker_of(client) for _ in range(2)]
    members = [
        worker.member([topic], group_instance_id=f"instance {number}", **settings)
        for number, worker in enumerate(workers)
    ]
    first, second = wait_for_assignment(members, places(topic, 4))
    # Both orders: one of the two is the leader.
    for number, before, other in ((0, first, 1), (1, second, 0)):
        generations = members[other].state().generations
        workers[number].kill()
        workers[number] = worker_of(client)
        members[number] = workers[number].member(
            [topic], group_instance_id=f"instance {number}", **settings
        )
        after = wait_for_assignment(members, places(topic, 4))
        assert after[number].assignment == before.assignment
        assert members[other].state().generations == generations


@pytest.mark.quick
def test_c61_the_older_of_two_with_one_instance_id_is_fenced(
    client: Client, worker_of: Workers, new_topic: Callable[..., str]
) -> None:
    if client.library == "aiokafka":
        # Told 25, since its heartbeats do not say that it is static, it joins anew: the two take
        # turns for ever, with Kafka too.
        pytest.skip(f"client limit: {client} sends Heartbeat v1, which has no instance id")
    topic = new_topic("fenced", partitions=2)
    settings = LIVELY | {"group_id": topic, "group_instance_id": "only one"}
    older = worker_of(client).member([topic], **settings)
    wait_for_assignment([older], places(topic, 2))
    newer = worker_of(client).member([topic], **settings)
    wait_for_assignment([newer], places(topic, 2))
    with pytest.raises(ClientError) as raised:
        older.commit(offsets={(topic, 0): Committed(1)})
    if raised.value.code != 82:
        # librdkafka's heartbeat was told first: any call ends with the fatal error of then.
        assert client.is_librdkafka and raised.value.code == -150, raised.value
        told = wait_until(lambda: older.state().errors, 20, "the older member is told")
        assert "fenced" in str(told).lower(), told
    newer.commit(offsets={(topic, 0): Committed(2)})
    assert newer.state().errors == ()


@pytest.mark.quick
@pytest.mark.timeout(300)
@pytest.mark.clients(lambda client: client.environment == "new")
def test_c64_a_large_group_bears_a_rolling_restart(
    client: Client,
    worker_of: Workers,
    admin: Remote,
    new_topic: Callable[..., str],
    scaled: Callable[[int, int], int],
) -> None:
    size = scaled(6, 50)
    topic = new_topic("rolling", partitions=2 * size)
    workers = [worker_of(client) for _ in range(2)]
    settings = LIVELY | {"group_id": topic, "partition_assignment_strategy": "range"}
    members = [workers[n % 2].member([topic], **settings) for n in range(size)]
    wait_for_assignment(members, places(topic, 2 * size), timeout=90)
    for number in range(0, size, scaled(1, 5)):
        members[number].close()
        members[number] = workers[number % 2].member([topic], **settings)
        wait_for_assignment(members, places(topic, 2 * size), timeout=60)
    described = admin.describe_group(group=topic)
    assert (described.state, described.member_count) == ("Stable", size)


@pytest.mark.quick
def test_c65_a_subscription_by_pattern_sees_new_topics(
    worker: Worker, new_topic: Callable[..., str], unique: Callable[[str], str]
) -> None:
    prefix = unique("pattern")
    first = new_topic(f"{prefix}-first")
    member = worker.member([f"^{prefix}-.*"], group_id=prefix, metadata_max_age_ms=500, **LIVELY)
    wait_for_assignment([member], {(first, 0)})
    second = new_topic(f"{prefix}-second")
    wait_for_assignment([member], {(first, 0), (second, 0)})


@pytest.mark.quick
def test_c65_new_partitions_are_assigned(
    worker: Worker, admin: Remote, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("growing")
    member = worker.member([topic], group_id=topic, metadata_max_age_ms=500, **LIVELY)
    wait_for_assignment([member], places(topic, 1))
    admin.create_partitions(topic=topic, count=3)
    wait_for_assignment([member], places(topic, 3))
