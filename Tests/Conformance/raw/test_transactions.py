"""C42 to C44: what consumers see of transactions, and where they must wait."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

from kafka_codec import ErrorCode, decode_batches
from raw.client import (
    LATEST,
    READ_COMMITTED,
    READ_UNCOMMITTED,
    Client,
    fetch_partition,
)
from raw.producer import Producer

pytestmark = pytest.mark.quick
Names = Callable[[str], str]


@pytest.fixture
def producer(client: Client, unique: Names) -> Producer:
    return Producer.start(client, unique("transactional"))


def test_c42_commit_is_visible_and_abort_only_to_read_uncommitted(
    client: Client, producer: Producer, topic: str
) -> None:
    assert producer.transact(topic, b"a", b"b") == 0
    assert producer.transact(topic, b"c", b"d", commit=False) == 3
    assert producer.transact(topic, b"e") == 6
    assert client.end_offset(topic) == 8
    assert client.committed(topic) == [b"a", b"b", b"e"]
    assert client.values(topic) == [b"a", b"b", b"c", b"d", b"e"]
    offsets = [each.base_offset for each in client.batches(topic)]
    assert offsets == [0, 2, 3, 5, 6, 7], "every marker takes an offset"


def test_c42_markers_are_batches_as_kafka_writes_them(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.transact(topic, b"a")
    producer.transact(topic, b"b", commit=False)
    markers = [each for each in client.batches(topic) if each.is_control]
    assert [each.is_commit for each in markers] == [True, False]
    for marker in markers:
        assert marker.attributes == 0x30 and marker.base_sequence == -1
        assert (marker.producer_id, marker.producer_epoch) == (producer.producer_id, producer.epoch)
        (record,) = marker.records
        assert record.key in (bytes(4), bytes([0, 0, 0, 1]))
        assert record.value is not None and len(record.value) == 6
        assert record.value[:2] == bytes(2) and record.headers == ()


def test_c42_a_transaction_over_partitions_ends_in_all_of_them(
    client: Client, producer: Producer, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(3)
    producer.begin(topic, 0, 1, 2)
    for partition in (0, 1):
        producer.write(topic, b"x", partition=partition)
    producer.finish(commit=True)
    for partition in (0, 1):
        assert client.committed(topic, partition=partition) == [b"x"]
    (marker,) = client.batches(topic, partition=2)
    assert marker.is_control, "a partition that was added but not written has its marker too"


def test_c42_sequences_run_on_over_transactions(
    client: Client, producer: Producer, topic: str
) -> None:
    for number in range(3):
        producer.transact(topic, b"%d" % number, commit=number != 1)
    assert producer.next_sequence[topic, 0] == 3
    assert client.committed(topic) == [b"0", b"2"]


@pytest.mark.parametrize("commit", [True, False])
def test_c43_an_open_transaction_holds_back_what_comes_after_it(
    client: Client, producer: Producer, topic: str, commit: bool
) -> None:
    client.write(topic, b"before")
    producer.begin(topic)
    producer.write(topic, b"inside")
    client.write(topic, b"after")
    answer = client.fetch(topic, 0, isolation=READ_COMMITTED)
    assert (answer.highWatermark, answer.lastStableOffset) == (3, 1)
    assert client.committed(topic) == [b"before"]
    assert client.values(topic) == [b"before", b"inside", b"after"]
    for isolation, end in ((READ_COMMITTED, 1), (READ_UNCOMMITTED, 3)):
        assert client.offset_at(topic, LATEST, isolation=isolation).offset == end
    producer.finish(commit)
    assert client.committed(topic) == [b"before", *([b"inside"] if commit else []), b"after"]
    assert client.fetch(topic, 0).lastStableOffset == 4


def test_c43_a_time_is_looked_up_below_the_stable_end(
    client: Client, producer: Producer, topic: str
) -> None:
    client.write(topic, b"old", base_timestamp=1000)
    producer.begin(topic)
    producer.send(topic, b"open", base_timestamp=2000)
    assert client.offset_at(topic, 2000, isolation=READ_UNCOMMITTED).offset == 1
    assert client.offset_at(topic, 2000, isolation=READ_COMMITTED).offset == -1
    producer.finish(commit=True)
    assert client.offset_at(topic, 2000, isolation=READ_COMMITTED).offset == 1


def test_c43_a_waiting_consumer_wakes_within_50_ms_of_the_marker(
    connect: Callable[[], Client], topic: str, unique: Names
) -> None:
    consumer = connect()
    producer = Producer.start(connect(), unique("transactional"))
    delays, round_trips, offset = [], [], 0
    for _ in range(11):
        producer.begin(topic)
        producer.write(topic, b"held")
        consumer.send_fetch(
            [fetch_partition(topic, offset)], max_wait=10_000, isolation=READ_COMMITTED
        )
        asked = time.monotonic()
        producer.client.offset_at(topic, LATEST)
        round_trips.append(time.monotonic() - asked)
        producer.finish(commit=True)
        ended = time.monotonic()
        (answer,) = consumer.receive_fetch()
        delays.append(time.monotonic() - ended)
        assert answer.records, "woken without the records"
        offset = decode_batches(answer.records)[-1].last_offset + 1
    # Where even a plain request takes long, the machine is busy.
    assert statistics.median(delays) <= 0.050 + 2 * statistics.median(round_trips)


def aborted(client: Client, topic: str, offset: int, limit: int = 1 << 20) -> list[tuple[int, int]]:
    answer = client.fetch(topic, offset, isolation=READ_COMMITTED, limit=limit)
    assert answer.errorCode == ErrorCode.NONE
    return [(each.producerId, each.firstOffset) for each in answer.abortedTransactions]


def test_c44_the_aborted_list_covers_what_is_returned(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.transact(topic, b"kept")  # 0, marker 1
    producer.begin(topic)
    for value in (b"a", b"b", b"c"):  # 2, 3, 4, marker 5
        producer.write(topic, value)
    producer.finish(commit=False)
    producer.transact(topic, b"kept too")  # 6, marker 7
    entry = (producer.producer_id, 2)
    for offset in (0, 2, 3, 4, 5):
        assert aborted(client, topic, offset) == [entry], offset
    for offset in (6, 7, 8):
        assert aborted(client, topic, offset) == [], offset
    assert aborted(client, topic, 0, limit=1) == [], "the first batch alone lies before it"
    assert client.committed(topic, offset=4) == [b"kept too"]
    assert client.fetch(topic, 0).abortedTransactions is None


def test_c44_three_interleaved_producers_are_told_apart(
    connect: Callable[[], Client], topic: str, unique: Names
) -> None:
    one, two, three = (Producer.start(connect(), unique("interleaved")) for _ in range(3))
    client = connect()
    for producer in (one, two, three):
        producer.begin(topic)
    for number in range(4):
        for name, producer in ((b"1", one), (b"2", two), (b"3", three)):
            producer.write(topic, name + b"%d" % number)
    two.finish(commit=False)  # 12
    client.write(topic, b"plain")  # 13
    assert client.committed(topic) == [], "the other two are open still"
    one.finish(commit=True)  # 14
    three.finish(commit=False)  # 15
    entries = [(two.producer_id, 1), (three.producer_id, 2)]
    assert aborted(client, topic, 0) == entries
    assert aborted(client, topic, 9) == entries
    assert aborted(client, topic, 13) == [entries[1]]
    assert aborted(client, topic, 16) == []
    assert client.committed(topic) == [b"10", b"11", b"12", b"13", b"plain"]


def test_c44_the_same_producer_may_abort_and_commit_in_turns(
    client: Client, producer: Producer, topic: str
) -> None:
    for number in range(6):
        producer.transact(topic, b"%d" % number, commit=number % 2 == 0)
    identifier = producer.producer_id
    assert aborted(client, topic, 0) == [(identifier, 2), (identifier, 6), (identifier, 10)]
    assert client.committed(topic) == [b"0", b"2", b"4"]
