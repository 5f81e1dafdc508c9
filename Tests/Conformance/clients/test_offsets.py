"""Committed offsets with their metadata: C66, C70, C71."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from clients.driving import CLIENTS, Client, Worker, wait_until
from clients.values import ClientError, Committed, Record

LONGEST = 4_096


@pytest.mark.quick
def test_c66_offsets_come_back_with_their_metadata(
    client: Client,
    worker: Worker,
    worker_of: Callable[[Client], Worker],
    new_topic: Callable[..., str],
    unique: Callable[[str], str],
) -> None:
    topic, group = new_topic("noted", partitions=2), unique("group")
    # confluent-kafka reads on after the end of metadata: a Python library says what is stored.
    admin = worker_of([other for other in CLIENTS if other.library == "kafka-python"][-1]).admin()
    reader = worker.reader(group_id=group)
    nothing = reader.committed(places=[(topic, 0)])[topic, 0]
    assert nothing.offset == -1
    # confluent-kafka sends a NUL after the metadata.
    longest = LONGEST - 1 if client.is_librdkafka else LONGEST
    for metadata in ("a note ☃", "", "x" * longest):
        if client.is_librdkafka and not client.at_least(2, 1) and metadata:
            continue  # its Python interface has no metadata
        reader.commit(offsets={(topic, 0): Committed(7, metadata)})
        stored = admin.group_offsets(group=group)
        assert {place: entry.offset for place, entry in stored.items()} == {(topic, 0): 7}
        assert (stored[topic, 0].metadata or "").removesuffix("\0") == metadata
        own = reader.committed(places=[(topic, 0), (topic, 1)])
        assert [own[topic, number].offset for number in range(2)] == [7, -1]


@pytest.mark.quick
def test_c66_metadata_that_is_too_long_is_refused(
    client: Client, worker: Worker, new_topic: Callable[..., str], unique: Callable[[str], str]
) -> None:
    if client.is_librdkafka and not client.at_least(2, 1):
        pytest.skip(f"client limit: {client} has no metadata in its Python interface")
    topic = new_topic("long")
    reader = worker.reader(group_id=unique("group"))
    with pytest.raises(ClientError) as raised:
        reader.commit(offsets={(topic, 0): Committed(1, "x" * (LONGEST + 1))})
    assert raised.value.code == 12
    assert reader.committed(places=[(topic, 0)])[topic, 0].offset == -1


@pytest.mark.quick
def test_c68_commits_survive_a_kill_of_the_broker(
    worker: Worker, broker_process: BrokerProcess
) -> None:
    bootstrap = broker_process.bootstrap
    worker.admin(bootstrap=bootstrap).create_topic(topic="kept")
    reader = worker.reader(bootstrap=bootstrap, group_id="kept")
    for offset in range(3):
        reader.commit(offsets={("kept", 0): Committed(offset)})
        broker_process.restart(kill=True)
        fresh = worker.reader(bootstrap=bootstrap, group_id="kept")
        assert fresh.committed(places=[("kept", 0)])["kept", 0].offset == offset


@pytest.mark.quick
def test_c70_groups_are_listed_described_and_deleted(
    client: Client,
    worker: Worker,
    newest: Worker,
    new_topic: Callable[..., str],
    unique: Callable[[str], str],
) -> None:
    topic, group = new_topic("listed"), unique("group")
    admin, member = worker.admin(), newest.member([topic], group_id=group)
    wait_until(lambda: member.state().assignment, 20, "the member has its partition")
    assert group in admin.groups()
    described = admin.describe_group(group=group)
    assert (described.state, described.member_count) == ("Stable", 1)
    assert admin.describe_group(group=unique("never")).state == "Dead"
    with pytest.raises(ClientError) as raised:
        admin.delete_group(group=group)
    assert raised.value.code == 68
    member.commit(offsets={(topic, 0): Committed(3)})
    member.close()
    wait_until(lambda: admin.describe_group(group=group).state == "Empty", 20, "it is empty")
    assert admin.group_offsets(group=group)[topic, 0].offset == 3
    admin.delete_group(group=group)
    assert group not in admin.groups()
    with pytest.raises(ClientError) as raised:
        admin.delete_group(group=group)
    assert raised.value.code == 69


@pytest.mark.quick
def test_c70_offsets_of_a_subscribed_topic_are_not_deleted(
    worker: Worker, newest: Worker, new_topic: Callable[..., str], unique: Callable[[str], str]
) -> None:
    topic, other, group = new_topic("subscribed"), new_topic("other"), unique("group")
    member = newest.member([topic], group_id=group)
    wait_until(lambda: member.state().assignment, 20, "the member has its partition")
    member.commit(offsets={(topic, 0): Committed(1), (other, 0): Committed(2)})
    admin = worker.admin()
    with pytest.raises(ClientError) as raised:
        admin.delete_group_offsets(group=group, places=[(topic, 0)])
    assert raised.value.code == 86
    admin.delete_group_offsets(group=group, places=[(other, 0)])
    left = newest.admin().group_offsets(group=group)
    assert {place: entry.offset for place, entry in left.items()} == {(topic, 0): 1}


@pytest.mark.quick
@pytest.mark.settings("broker.offsets_retention=1s", "broker.retention_check_interval=50ms")
def test_c71_a_group_whose_offsets_have_expired_begins_anew(
    worker: Worker, newest: Worker, broker_process: BrokerProcess
) -> None:
    bootstrap, place = broker_process.bootstrap, ("expiring", 0)
    admin = newest.admin(bootstrap=bootstrap)
    admin.create_topic(topic="expiring")
    sent = newest.producer(bootstrap=bootstrap).send(
        topic="expiring", records=[Record(b"%d" % number, partition=0) for number in range(5)]
    )
    assert [result.offset for result in sent] == list(range(5))
    reader = worker.reader(bootstrap=bootstrap, group_id="group")
    reader.commit(offsets={place: Committed(3)})
    wait_until(lambda: "group" not in admin.groups(), 20, "the group is forgotten")
    assert reader.committed(places=[place])[place].offset == -1
    member = worker.member(["expiring"], bootstrap=bootstrap, group_id="group")
    wait_until(lambda: member.state().received == 5, 30, "every record again")
    # With a member in it, the group keeps what it commits.
    member.commit(offsets={place: Committed(5)})
    probe = newest.reader(bootstrap=bootstrap, group_id="probe")
    probe.commit(offsets={place: Committed(1)})
    wait_until(lambda: "probe" not in admin.groups(), 20, "later offsets have expired")
    assert member.committed(places=[place])[place].offset == 5
    # While its broker lives: without it, the oldest kafka-python needs 30 s to leave.
    member.close()
