"""C24 to C28 and C31: what a fetch returns, how much of it, and when."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

from kafka_codec import ErrorCode, Struct, decode_batches, encode_batch
from raw.client import (
    ALL_BYTES,
    LATEST,
    READ_COMMITTED,
    READ_UNCOMMITTED,
    Client,
    fetch_partition,
)

pytestmark = pytest.mark.quick
EVERY_VERSION = range(4, 13)
FETCH_MAX_BYTES = 57_671_680


def first_offsets(answer: Struct) -> list[int]:
    return [batch.base_offset for batch in decode_batches(answer.records)]


@pytest.mark.parametrize("version", EVERY_VERSION)
def test_c24_a_fetch_in_the_middle_of_a_batch_returns_the_whole_batch(
    client: Client, topic: str, version: int
) -> None:
    for _ in range(3):
        client.write(topic, b"one", b"two", b"three")
    answer = client.fetch(topic, 4, version=version)
    assert answer.errorCode == ErrorCode.NONE
    assert first_offsets(answer) == [3, 6]
    assert (answer.highWatermark, answer.lastStableOffset) == (9, 9)
    assert answer.get("logStartOffset", 0) == 0


@pytest.mark.parametrize("version", EVERY_VERSION)
def test_c24_a_fetch_at_the_end_waits_and_one_beyond_it_is_an_error(
    client: Client, topic: str, version: int
) -> None:
    client.write(topic, b"one", b"two")
    started = time.monotonic()
    at_end = client.fetch(topic, 2, max_wait=200, version=version)
    assert time.monotonic() - started >= 0.2
    assert (at_end.errorCode, at_end.records, at_end.highWatermark) == (ErrorCode.NONE, b"", 2)
    beyond = client.fetch(topic, 3, max_wait=10_000, version=version)
    assert (beyond.errorCode, beyond.records) == (ErrorCode.OFFSET_OUT_OF_RANGE, b"")
    assert beyond.highWatermark == -1
    negative = client.fetch(topic, -1, max_wait=10_000, version=version)
    assert negative.errorCode == ErrorCode.OFFSET_OUT_OF_RANGE


def test_c24_a_fetch_below_the_start_is_an_error(client: Client, topic: str) -> None:
    for _ in range(3):
        client.write(topic, b"value")
    assert client.delete_records(topic, 2).lowWatermark == 2
    assert client.fetch(topic, 1).errorCode == ErrorCode.OFFSET_OUT_OF_RANGE
    answer = client.fetch(topic, 2)
    assert (answer.errorCode, answer.logStartOffset) == (ErrorCode.NONE, 2)
    assert first_offsets(answer) == [2]


@pytest.mark.parametrize("version", EVERY_VERSION)
def test_c24_an_unknown_topic_or_partition_gets_error_3_at_once(
    client: Client, topic: str, unique: Callable[[str], str], version: int
) -> None:
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert client.fetch(unique("none"), 0, max_wait=10_000, version=version).errorCode == unknown
    answer = client.fetch(topic, 0, partition=1, max_wait=10_000, version=version)
    assert (answer.errorCode, answer.highWatermark, answer.records) == (unknown, -1, b"")


def test_c25_a_waiting_fetch_wakes_within_20_ms_of_an_append(
    connect: Callable[[], Client], topic: str
) -> None:
    consumer, producer = connect(), connect()
    delays, round_trips = [], []
    for offset in range(21):
        consumer.send_fetch([fetch_partition(topic, offset)], max_wait=10_000)
        # The fetch is waiting when a later request on another connection has been answered.
        asked = time.monotonic()
        producer.offset_at(topic, LATEST)
        round_trips.append(time.monotonic() - asked)
        producer.send_produce(topic, encode_batch([b"wake"]), acks=1)
        producer.receive_produce()
        appended = time.monotonic()
        (answer,) = consumer.receive_fetch()
        delays.append(time.monotonic() - appended)
        assert first_offsets(answer) == [offset]
    # Where even a plain request takes long, the machine is busy.
    assert statistics.median(delays) <= 0.020 + 2 * statistics.median(round_trips)


def test_c25_min_bytes_are_waited_for_and_then_all_is_returned(
    connect: Callable[[], Client], topic: str
) -> None:
    consumer, producer = connect(), connect()
    size = len(encode_batch([b"value"]))
    consumer.send_fetch([fetch_partition(topic, 0)], max_wait=10_000, min_bytes=3 * size)
    for _ in range(2):
        producer.write(topic, b"value")
    consumer.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        consumer.receive_exactly(1)
    consumer.socket.settimeout(20)
    producer.write(topic, b"value")
    (answer,) = consumer.receive_fetch()
    assert first_offsets(answer) == [0, 1, 2]


def test_c25_max_wait_ends_with_what_is_there(client: Client, topic: str) -> None:
    client.write(topic, b"value")
    started = time.monotonic()
    answer = client.fetch(topic, 0, max_wait=250, min_bytes=1_000_000)
    waited = time.monotonic() - started
    assert 0.25 <= waited < 5
    assert first_offsets(answer) == [0]
    empty = client.fetch(topic, 1, max_wait=0, min_bytes=1_000_000)
    assert (empty.errorCode, empty.records) == (ErrorCode.NONE, b"")


def test_c25_a_wait_ends_when_the_topic_is_deleted(
    connect: Callable[[], Client], unique: Callable[[str], str]
) -> None:
    consumer, admin = connect(), connect()
    topic = admin.create_topic(unique("doomed"))
    consumer.send_fetch([fetch_partition(topic, 0)], max_wait=10_000)
    admin.offset_at(topic, LATEST)
    admin.delete_topics([topic])
    (answer,) = consumer.receive_fetch()
    assert answer.errorCode == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_c25_a_client_that_goes_while_it_waits_leaves_nothing_behind(
    connect: Callable[[], Client], topic: str
) -> None:
    for _ in range(20):
        gone = connect()
        gone.send_fetch([fetch_partition(topic, 0)], max_wait=60_000)
        gone.close()
    assert connect().write(topic, b"value") == 0


def test_c26_the_first_batch_is_returned_though_larger_than_all_limits(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(3)
    for partition in (1, 2):
        for _ in range(2):
            client.write(topic, bytes(5000), partition=partition)
    order = [fetch_partition(topic, 0, index, 100) for index in (0, 1, 2)]
    client.send_fetch(order, max_bytes=200)
    answers = client.receive_fetch()
    assert [each.partitionIndex for each in answers] == [0, 1, 2]
    assert [first_offsets(each) for each in answers] == [[], [0], []]
    assert [each.errorCode for each in answers] == [0, 0, 0]


def test_c26_a_client_that_rotates_partitions_drains_all(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(2)
    for partition in (0, 1):
        for _ in range(3):
            client.write(topic, bytes(5000), partition=partition)
    offsets, order, rounds = [0, 0], [0, 1], 0
    while offsets != [3, 3]:
        wanted = [fetch_partition(topic, offsets[index], index, 100) for index in order]
        client.send_fetch(wanted, max_bytes=200)
        for answer in client.receive_fetch():
            offsets[answer.partitionIndex] += len(first_offsets(answer))
        order.reverse()
        rounds += 1
        assert rounds <= 6, f"offsets {offsets}"


def test_c27_the_limit_of_bytes_holds_over_100_partitions(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(100)
    batch = encode_batch([bytes(3000)])
    data = [{"index": index, "records": batch} for index in range(100)]
    for _ in range(2):
        client.ask(
            "Produce", acks=1, timeoutMs=9000, topicData=[{"name": topic, "partitionData": data}]
        )
    limit = 100_000
    client.send_fetch(
        [fetch_partition(topic, 0, index, 2 * len(batch)) for index in range(100)],
        max_bytes=limit,
    )
    answers = client.receive_fetch()
    assert [each.partitionIndex for each in answers] == list(range(100))
    sizes = [len(each.records) for each in answers]
    assert limit - len(batch) < sum(sizes) <= limit
    assert max(sizes) <= 2 * len(batch)


def test_c27_a_client_without_a_limit_gets_that_of_the_broker(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(70)
    batch = encode_batch([bytes(1_000_000)])
    for partition in range(70):
        assert client.produce(topic, batch, partition=partition, acks=1).errorCode == 0
    client.send_fetch(
        [fetch_partition(topic, 0, index) for index in range(70)], max_bytes=ALL_BYTES
    )
    total = sum(len(each.records) for each in client.receive_fetch())
    assert FETCH_MAX_BYTES - len(batch) < total <= FETCH_MAX_BYTES


@pytest.mark.parametrize("version", range(7, 17))
def test_c28_a_session_that_does_not_exist_gets_error_70(
    client: Client, topic: str, version: int
) -> None:
    client.send_fetch([], version=version, sessionId=4711, sessionEpoch=3)
    answer = client.receive()
    assert answer.errorCode == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert answer.responses == []


@pytest.mark.parametrize("epoch", [0, -1])
def test_c28_a_thousand_rounds_without_a_session_are_full_fetches(
    client: Client, topic: str, epoch: int
) -> None:
    client.write(topic, b"value")
    for _ in range(1000):
        client.send_fetch([fetch_partition(topic, 0)], sessionId=0, sessionEpoch=epoch)
        answer = client.receive()
        assert (answer.errorCode, answer.sessionId) == (ErrorCode.NONE, 0)
        assert len(answer.responses[0].partitions[0].records) > 0


@pytest.mark.parametrize("version", EVERY_VERSION)
def test_c31_aborted_transactions_are_null_or_empty_and_there_is_no_other_replica(
    client: Client, topic: str, version: int
) -> None:
    client.write(topic, b"value")
    for max_wait, offset in ((0, 0), (1, 1)):
        for isolation, aborted in ((READ_UNCOMMITTED, None), (READ_COMMITTED, [])):
            answer = client.fetch(
                topic, offset, version=version, isolation=isolation, max_wait=max_wait
            )
            assert answer.abortedTransactions == aborted
            assert answer.get("preferredReadReplica", -1) == -1


def test_c31_an_error_has_no_aborted_transactions(client: Client, topic: str) -> None:
    for isolation in (READ_UNCOMMITTED, READ_COMMITTED):
        answer = client.fetch(topic, 5, isolation=isolation)
        assert not answer.abortedTransactions and answer.preferredReadReplica == -1
        assert (answer.lastStableOffset, answer.records) == (-1, b"")


def test_c24_an_epoch_that_is_not_current_is_fenced(client: Client, topic: str) -> None:
    client.write(topic, b"value")
    epoch = client.topic_metadata(topic).partitions[0].leaderEpoch
    wanted = {
        epoch - 1: ErrorCode.FENCED_LEADER_EPOCH,
        epoch: 0,
        epoch + 1: ErrorCode.UNKNOWN_LEADER_EPOCH,
        -1: 0,
    }
    for current, error in wanted.items():
        client.send_fetch([fetch_partition(topic, 0, currentLeaderEpoch=current)], max_wait=0)
        assert client.receive_fetch()[0].errorCode == error
