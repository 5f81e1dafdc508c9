"""Topics, their settings and their records through AdminClients: C72 to C78."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from clients.driving import CLIENTS, Client, Worker, wait_until
from clients.values import ClientError, ConfigEntry, Record

Names = Callable[[str], str]


def code_of(call: Callable[[], object]) -> int | None:
    """The code of the error that a call ends with; it must end with one."""
    with pytest.raises(ClientError) as raised:
        call()
    return raised.value.code


def send(worker: Worker, topic: str, *values: str, **place: object) -> None:
    records = [Record(value.encode(), partition=0) for value in values]
    sent = worker.producer(**place).send(topic=topic, records=records)
    assert [result.error for result in sent] == [None] * len(values)


@pytest.mark.quick
def test_c72_topics_are_created_with_settings(
    client: Client, worker: Worker, newest: Worker, unique: Names
) -> None:
    topic, admin = unique("created"), worker.admin()
    admin.create_topic(topic=topic, partitions=3, configs={"retention.ms": "123456"})
    assert newest.admin().topics()[topic] == 3
    assert newest.admin().topic_configs(topic=topic)["retention.ms"] == ConfigEntry("123456", 1)
    assert code_of(lambda: admin.create_topic(topic=topic)) == 36


@pytest.mark.quick
def test_c72_what_cannot_be_created_is_refused(
    worker: Worker, newest: Worker, unique: Names
) -> None:
    topic, admin = unique("refused"), worker.admin()
    refusals = [
        ({"topic": "no spaces"}, 17),
        ({"topic": "__consumer_offsets"}, 17),
        ({"topic": topic, "replication": 3}, 38),
        ({"topic": topic, "partitions": 0}, 37),
        ({"topic": topic, "configs": {"retention.ms": "soon"}}, 40),
        ({"topic": topic, "configs": {"no.such.setting": "1"}}, 40),
    ]
    for arguments, code in refusals:
        assert code_of(lambda: admin.create_topic(**arguments)) == code, arguments
    admin.create_topic(topic=topic, validate_only=True)
    assert topic not in newest.admin().topics()


@pytest.mark.quick
def test_c73_a_topic_created_again_has_no_old_records(
    worker: Worker, newest: Worker, unique: Names
) -> None:
    topic, admin = unique("again"), worker.admin()
    admin.create_topic(topic=topic)
    send(newest, topic, "old", "old too")
    admin.delete_topic(topic=topic)
    admin.create_topic(topic=topic)
    reader = worker.reader()
    assert reader.read(topic=topic) == []
    send(worker, topic, "new")
    (record,) = reader.read(topic=topic)
    assert (record.offset, record.value) == (0, b"new")
    assert code_of(lambda: admin.delete_topic(topic=unique("never"))) == 3


@pytest.mark.quick
@pytest.mark.clients(lambda client: client.is_librdkafka)
def test_c73_a_running_consumer_notices_that_its_topic_was_created_again(
    client: Client, worker: Worker, newest: Worker, unique: Names
) -> None:
    if not client.at_least(2, 6):
        pytest.skip(f"client limit: {client} goes on at its old offset, with Kafka too")
    topic, admin = unique("under"), newest.admin()
    admin.create_topic(topic=topic)
    send(newest, topic, *(f"old {number}" for number in range(15)))
    reader = worker.reader(topic_metadata_refresh_interval_ms=500, reconnect_backoff_ms=50)
    reader.follow(topic=topic, start={0: 0})
    assert len(reader.take(count=15)) == 15
    admin.delete_topic(topic=topic)
    admin.create_topic(topic=topic)
    wanted = [f"new {number}".encode() for number in range(30)]
    send(newest, topic, *(value.decode() for value in wanted))
    received: list[bytes | None] = []

    def has_all() -> bool:
        try:
            received.extend(record.value for record in reader.take(count=30, timeout=1))
        except ClientError as error:
            # While the topic is away, the consumer is told that it is unknown.
            assert error.code in (3, 100, 1), error
        return len(received) >= 30

    wait_until(has_all, 30, "the records of the new topic")
    assert received == wanted


@pytest.mark.quick
def test_c74_producing_to_an_unknown_topic_creates_it(
    worker: Worker, newest: Worker, unique: Names
) -> None:
    topic = unique("auto")
    send(worker, topic, "first")
    assert newest.admin().topics()[topic] == 1
    assert [record.value for record in newest.reader().read(topic=topic)] == [b"first"]


@pytest.mark.settings("broker.auto_create_topics=false")
def test_c74_no_topic_is_created_when_the_broker_does_not_allow_it(
    broker_process: BrokerProcess, worker_of: Callable[[Client], Worker]
) -> None:
    bootstrap = broker_process.bootstrap
    impatient = {
        "confluent-kafka": {"topic_metadata_propagation_max_ms": 500, "message_timeout_ms": 2_000},
        "kafka-python": {"max_block_ms": 2_000},
        "aiokafka": {"request_timeout_ms": 2_000},
    }
    for client in CLIENTS:
        worker = worker_of(client)
        producer = worker.producer(bootstrap=bootstrap, **impatient[client.library])
        try:
            (sent,) = producer.send(topic="unknown", records=[Record(b"lost")], timeout=10)
            assert sent.error is not None, str(client)
        except ClientError as error:
            assert "unknown" in error.text.lower() or "metadata" in error.text.lower(), str(error)
        assert worker.admin(bootstrap=bootstrap).topics() == {}, str(client)


@pytest.mark.quick
def test_c74_a_consumer_that_does_not_want_it_creates_no_topic(
    worker: Worker, newest: Worker, unique: Names
) -> None:
    topic = unique("unwanted")
    member = worker.member([topic], group_id=topic, allow_auto_create_topics=False)
    admin = newest.admin()
    # librdkafka says that there is no such topic, the others join the group without partitions.
    wait_until(
        lambda: topic in admin.groups() or member.state().errors, 20, "it has asked for the topic"
    )
    assert topic not in admin.topics()
    assert all(error.code == 3 for error in member.state().errors)


@pytest.mark.quick
def test_c75_partitions_are_added_but_never_taken_away(
    worker: Worker, newest: Worker, new_topic: Callable[..., str], unique: Names
) -> None:
    topic, admin = new_topic("more", partitions=2), worker.admin()
    admin.create_partitions(topic=topic, count=5, validate_only=True)
    assert newest.admin().topics()[topic] == 2
    admin.create_partitions(topic=topic, count=5)
    assert newest.admin().topics()[topic] == 5
    records = [Record(b"value", partition=number) for number in range(5)]
    sent = worker.producer().send(topic=topic, records=records)
    assert [(result.partition, result.offset) for result in sent] == [(n, 0) for n in range(5)]
    for count in (5, 2):
        assert code_of(lambda: admin.create_partitions(topic=topic, count=count)) == 37
    assert code_of(lambda: admin.create_partitions(topic=unique("never"), count=3)) == 3


@pytest.mark.quick
def test_c76_deleted_records_are_gone_after_a_restart_too(
    worker: Worker, newest: Worker, broker_process: BrokerProcess
) -> None:
    bootstrap, place = broker_process.bootstrap, ("deleted", 0)
    admin = worker.admin(bootstrap=bootstrap)
    admin.create_topic(topic="deleted")
    send(newest, "deleted", *(str(number) for number in range(10)), bootstrap=bootstrap)
    reader = newest.reader(bootstrap=bootstrap)
    assert admin.delete_records(offsets={place: 4}) == {place: 4}
    assert [record.offset for record in reader.read(topic="deleted")] == list(range(4, 10))
    broker_process.restart(kill=True)
    reader = newest.reader(bootstrap=bootstrap)
    assert reader.beginning(places=[place]) == {place: 4}
    assert [record.offset for record in reader.read(topic="deleted")] == list(range(4, 10))
    admin = newest.admin(bootstrap=bootstrap)
    assert admin.delete_records(offsets={place: -1}) == {place: 10}
    assert reader.read(topic="deleted") == []


@pytest.mark.quick
def test_c76_records_that_must_stay_are_not_deleted(
    worker: Worker, newest: Worker, new_topic: Callable[..., str]
) -> None:
    topic, compacted = new_topic("short"), new_topic("kept", cleanup_policy="compact")
    send(newest, topic, "only")
    admin = worker.admin()
    assert code_of(lambda: admin.delete_records(offsets={(topic, 0): 2})) == 1
    assert code_of(lambda: admin.delete_records(offsets={(compacted, 0): -1})) == 44


@pytest.mark.quick
def test_c77_settings_are_described_with_their_source(
    worker: Worker, new_topic: Callable[..., str], unique: Names
) -> None:
    topic, admin = new_topic("described", retention_ms="1000"), worker.admin()
    configs = admin.topic_configs(topic=topic)
    assert configs["retention.ms"] == ConfigEntry("1000", 1)
    assert configs["cleanup.policy"] == ConfigEntry("delete", 5)
    assert configs["max.message.bytes"].value == "1048588"
    # kafka-python 3 loses the code.
    assert code_of(lambda: admin.topic_configs(topic=unique("never"))) in (3, -1)


@pytest.mark.quick
def test_c77_altering_replaces_the_whole_set(
    worker: Worker, newest: Worker, new_topic: Callable[..., str]
) -> None:
    topic, admin = new_topic("altered", retention_ms="1000"), worker.admin()
    admin.alter_configs(topic=topic, configs={"max.message.bytes": "2000"})
    configs = newest.admin().topic_configs(topic=topic)
    assert configs["max.message.bytes"] == ConfigEntry("2000", 1)
    assert configs["retention.ms"] == ConfigEntry("604800000", 5)
    for bad in ({"no.such.setting": "1"}, {"retention.ms": "soon"}):
        assert code_of(lambda: admin.alter_configs(topic=topic, configs=bad)) == 40
    unchanged = newest.admin().topic_configs(topic=topic)
    assert unchanged == configs


@pytest.mark.quick
def test_c77_incremental_changes_leave_the_others(
    worker: Worker, newest: Worker, new_topic: Callable[..., str]
) -> None:
    topic, admin = new_topic("incremental", retention_ms="1000"), worker.admin()
    admin.alter_incrementally(
        topic=topic,
        changes={"max.message.bytes": ("SET", "2000"), "cleanup.policy": ("APPEND", "compact")},
    )
    configs = newest.admin().topic_configs(topic=topic)
    assert configs["retention.ms"] == ConfigEntry("1000", 1)
    assert configs["max.message.bytes"] == ConfigEntry("2000", 1)
    assert set((configs["cleanup.policy"].value or "").split(",")) == {"delete", "compact"}
    admin.alter_incrementally(
        topic=topic,
        changes={"retention.ms": ("DELETE", None), "cleanup.policy": ("SUBTRACT", "delete")},
    )
    configs = newest.admin().topic_configs(topic=topic)
    assert configs["retention.ms"] == ConfigEntry("604800000", 5)
    assert configs["cleanup.policy"].value == "compact"
    bad = {"no.such.setting": ("SET", "1")}
    assert code_of(lambda: admin.alter_incrementally(topic=topic, changes=bad)) == 40


@pytest.mark.quick
@pytest.mark.settings("broker.retention_check_interval=100ms")
def test_c78_consumers_go_on_after_old_records_were_removed(
    worker_of: Callable[[Client], Worker], newest: Worker, broker_process: BrokerProcess
) -> None:
    bootstrap, place = broker_process.bootstrap, ("aging", 0)
    admin, reader = newest.admin(bootstrap=bootstrap), newest.reader(bootstrap=bootstrap)
    admin.create_topic(topic="aging", configs={"segment.bytes": "20000", "retention.ms": "-1"})
    # One batch each, so that a segment holds three of them.
    for _ in range(20):
        send(newest, "aging", "x" * 5_000, bootstrap=bootstrap)
    followers = {}
    for client in CLIENTS:
        follower = worker_of(client).reader(bootstrap=bootstrap)
        follower.follow(topic="aging", start={0: 0})
        assert len(follower.take(count=1)) >= 1, str(client)
        followers[client] = follower
    # C77 too: a change of a topic's setting takes effect while the broker runs.
    admin.alter_configs(
        topic="aging", configs={"segment.bytes": "20000", "retention.bytes": "40000"}
    )
    start = wait_until(lambda: reader.beginning(places=[place])[place], 20, "removal by size")
    assert 0 < start < 20
    admin.alter_configs(topic="aging", configs={"segment.bytes": "20000", "retention.ms": "1"})
    wait_until(lambda: reader.beginning(places=[place])[place] == 20, 20, "removal by time")
    admin.alter_configs(topic="aging", configs={"retention.ms": "-1"})
    send(newest, "aging", "young", bootstrap=bootstrap)
    for client, follower in followers.items():
        # At an offset that is gone, "earliest" leads to what is there.
        follower.follow(topic="aging", start={0: 3})
        (record,) = follower.take(count=1)
        assert (record.offset, record.value) == (20, b"young"), str(client)
