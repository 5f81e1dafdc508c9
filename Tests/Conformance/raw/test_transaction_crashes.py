"""C52: a broker that dies while it ends a transaction finishes it after its start."""

from __future__ import annotations

import functools

import pytest

from broker_process import BrokerProcess
from kafka_codec import ConnectionEnded, ErrorCode
from raw.client import READ_COMMITTED, Client, wait_for
from raw.member import commit_offsets, fetch_offset
from raw.producer import Producer

pytestmark = pytest.mark.quick
FAULT = "FRESHET_BROKER_FAULT"
PLACES = ("afterPrepare", "betweenMarkers", "beforeComplete")
TOPICS = ("first", "second")
PARTITIONS = (0, 1, 2)
GROUP = "group"


def open_transaction(client: Client) -> Producer:
    """A transaction over two topics with three partitions each, and an offset."""
    for topic in TOPICS:
        client.create_topic(topic, len(PARTITIONS))
    commit_offsets(client, GROUP, {("first", 0): (1, "before")})
    producer = Producer.start(client, "crashing")
    for topic in TOPICS:
        producer.begin(topic, *PARTITIONS)
        for partition in PARTITIONS:
            producer.write(topic, b"inside", partition=partition)
    assert producer.add_offsets(GROUP) == ErrorCode.NONE
    assert producer.commit_offset(GROUP, "first", 42) == ErrorCode.NONE
    for topic in TOPICS:
        for partition in PARTITIONS:
            client.write(topic, b"plain", partition=partition)
    return producer


def is_released(client: Client, topic: str, partition: int) -> bool:
    answer = client.fetch(topic, 0, partition=partition, isolation=READ_COMMITTED)
    released: bool = answer.lastStableOffset == answer.highWatermark
    return released


def check_ended(client: Client, commit: bool) -> None:
    """All partitions and the offset say the same, and nothing is held back."""
    expected = [b"inside", b"plain"] if commit else [b"plain"]
    for topic in TOPICS:
        for partition in PARTITIONS:
            wait_for(functools.partial(is_released, client, topic, partition), "the stable end")
            assert client.committed(topic, partition=partition) == expected
            batches = client.batches(topic, partition=partition)
            markers = [batch.is_commit for batch in batches if batch.is_control]
            assert markers == [commit], "one marker, and that of the decision"
    offset = fetch_offset(client, GROUP, "first", stable=True)
    assert offset.errorCode == ErrorCode.NONE
    assert offset.committedOffset == (42 if commit else 1)


def end_and_die(broker: BrokerProcess, producer: Producer, commit: bool) -> None:
    with pytest.raises(ConnectionEnded):
        producer.end(commit)
    assert broker.wait_for_exit() == -9, "the broker kills itself at the fault point"
    del broker.environment[FAULT]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("commit", [True, False])
def test_c52_after_a_crash_all_partitions_and_offsets_agree(
    broker_process: BrokerProcess, place: str, commit: bool
) -> None:
    broker_process.environment[FAULT] = place
    broker_process.restart()
    with Client(broker_process.bootstrap) as client:
        producer = open_transaction(client)
        end_and_die(broker_process, producer, commit)
    broker_process.start()
    with Client(broker_process.bootstrap) as client:
        check_ended(client, commit)
        producer.client = client
        wait_for(
            lambda: producer.end(commit) != ErrorCode.CONCURRENT_TRANSACTIONS, "the transaction"
        )
        assert producer.end(commit) == ErrorCode.NONE, "the retry of the end that was not answered"
        assert producer.end(not commit) == ErrorCode.INVALID_TXN_STATE
        producer.transact("first", b"next")
        assert client.committed("first")[-1] == b"next"
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert client.committed("first")[-1] == b"next"


@pytest.mark.parametrize("place", PLACES)
def test_c52_a_second_init_after_the_crash_finds_the_transaction_ended(
    broker_process: BrokerProcess, place: str
) -> None:
    broker_process.environment[FAULT] = place
    broker_process.restart()
    with Client(broker_process.bootstrap) as client:
        producer = open_transaction(client)
        end_and_die(broker_process, producer, commit=True)
    broker_process.start()
    with Client(broker_process.bootstrap) as client:
        successor = Producer.start(client, "crashing")
        assert successor.epoch > producer.epoch
        check_ended(client, commit=True)
        successor.transact("second", b"next", partition=1)
        assert client.committed("second", partition=1)[-1] == b"next"


def test_c52_a_transaction_that_was_open_is_open_after_kill_9(
    broker_process: BrokerProcess, own: Client
) -> None:
    producer = open_transaction(own)
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        producer.client = client
        for topic in TOPICS:
            assert not is_released(client, topic, 0)
            assert client.committed(topic) == []
        unstable = fetch_offset(client, GROUP, "first", stable=True)
        assert unstable.errorCode == ErrorCode.UNSTABLE_OFFSET_COMMIT
        producer.write("first", b"after")
        producer.finish(commit=True)
        assert client.committed("first") == [b"inside", b"plain", b"after"]
        assert client.committed("second") == [b"inside", b"plain"]
        assert fetch_offset(client, GROUP, "first", stable=True).committedOffset == 42
