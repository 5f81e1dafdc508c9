"""What consumers get under limits and load, and what a compacted topic refuses: C22, C26 to C32."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients.driving import Client, Remote, Worker
from clients.proxy import FETCH, Proxy
from clients.values import Record

INVALID_RECORD = 87


def told_of_null_keys(client: Client) -> tuple[int | None, int | None]:
    """The codes that a client gives for a bad record, and for another in the same batch."""
    if client.is_librdkafka and client.at_least(2, 1):
        return INVALID_RECORD, -138
    if client.library == "kafka-python" and client.at_least(3):
        return INVALID_RECORD, None
    # Before Produce v8 nobody is told which records were bad; some do not know the code either.
    knows = client.is_librdkafka or (client.library == "kafka-python" and client.at_least(2, 1))
    return (INVALID_RECORD, INVALID_RECORD) if knows else (-1, -1)


def one_batch_of(count: int, client: Client) -> dict[str, int]:
    """Settings by which so many records go as one batch, however slow the machine is."""
    if client.is_librdkafka:
        return {"linger_ms": 30_000, "batch_num_messages": count}
    # kafka-python is told to send when it has all; aiokafka's sender gets no turn before.
    return {"linger_ms": 30_000} if client.library == "kafka-python" else {}


@pytest.mark.quick
def test_c22_a_null_key_on_a_compacted_topic_is_refused_by_its_index(
    client: Client, worker: Worker, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("compacted", cleanup_policy="compact")
    keys = (b"a", None, b"b", None, b"c")
    producer = worker.producer(**one_batch_of(len(keys), client))
    batch = [Record(b"value", key, partition=0) for key in keys]
    errors = [sent.error for sent in producer.send(topic=topic, records=batch)]
    assert None not in errors
    bad, other = told_of_null_keys(client)
    assert [error.code for error in errors if error] == [other, bad, other, bad, other]
    assert worker.reader().read(topic=topic) == []
    # Another producer, since one of kafka-python 3 that was idempotent gives up after this.
    after = worker.producer().send(topic=topic, records=[Record(b"value", b"key", partition=0)])
    assert [(sent.offset, sent.error) for sent in after] == [(0, None)]


@pytest.mark.quick
def test_c26_batches_larger_than_every_limit_are_read(
    client: Client, worker: Worker, newest: Worker, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("large", partitions=3)
    large = [Record(b"x" * 50_000, partition=number % 3) for number in range(12)]
    producer = newest.producer()
    for record in large:
        (sent,) = producer.send(topic=topic, records=[record])
        assert sent.error is None
    # librdkafka does not let fetch.max.bytes be below the largest message.
    limits = {} if client.is_librdkafka else {"fetch_max_bytes": 1_000}
    reader = worker.reader(max_partition_fetch_bytes=1_000, **limits)
    received = reader.read(topic=topic)
    assert sorted((r.partition, r.offset) for r in received) == [
        (partition, offset) for partition in range(3) for offset in range(4)
    ]
    assert {len(record.value or b"") for record in received} == {50_000}


@pytest.mark.quick
def test_c27_answers_stay_within_fetch_max_bytes(
    client: Client,
    worker: Worker,
    newest: Worker,
    bootstrap: str,
    new_topic: Callable[..., str],
) -> None:
    topic = new_topic("wide", partitions=100)
    producer = newest.producer()
    batch = [Record(b"x" * 20_000, partition=number) for number in range(100)]
    assert [sent.error for sent in producer.send(topic=topic, records=batch)] == [None] * 100
    smallest = {"message_max_bytes": 50_000} if client.is_librdkafka else {}
    with Proxy(bootstrap) as proxy:
        reader = worker.reader(
            bootstrap=proxy.bootstrap, fetch_max_bytes=100_000, fetch_min_bytes=1, **smallest
        )
        received = reader.read(topic=topic)
        assert sorted(record.partition or 0 for record in received) == list(range(100))
        # Several batches in one answer, but never more; each partition costs some bytes besides.
        assert 40_000 < proxy.largest[FETCH] < 100_000 + 100 * 100


@pytest.mark.quick
@pytest.mark.timeout(120)
def test_c28_a_consumer_goes_on_for_many_fetches(
    worker: Worker,
    newest: Worker,
    bootstrap: str,
    new_topic: Callable[..., str],
    scaled: Callable[[int, int], int],
) -> None:
    topic = new_topic("rounds")
    rounds = scaled(50, 1000)
    producer = newest.producer(linger_ms=0, acks=1)
    with Proxy(bootstrap) as proxy:
        reader = worker.reader(bootstrap=proxy.bootstrap)
        reader.follow(topic=topic, start={0: 0})
        for number in range(rounds):
            value = str(number).encode()
            assert producer.send(topic=topic, records=[Record(value)])[0].error is None
            assert [record.value for record in reader.take(count=1)] == [value]
        assert proxy.answers[FETCH] >= rounds


@pytest.mark.quick
@pytest.mark.timeout(300)
def test_c32_records_of_four_producers_are_read_once_and_in_order(
    client: Client,
    worker: Worker,
    worker_of: Callable[[Client], Worker],
    newest: Worker,
    new_topic: Callable[..., str],
    scaled: Callable[[int, int], int],
) -> None:
    topic = new_topic("load", partitions=3)
    total = scaled(20_000, 1_000_000 if client.environment == "new" else 100_000)
    producers = [worker_of(newest.client).producer() for _ in range(4)]
    reader = worker.reader()

    def send(numbered: tuple[int, Remote]) -> list[str]:
        number, producer = numbered
        return producer.send_numbered(
            topic=topic,
            label=f"producer {number}",
            partitions=3,
            count=total // 4,
            step=20_000,
            patience=280,
        )

    with ThreadPoolExecutor(5) as pool:
        counting = pool.submit(
            reader.count_numbered, topic=topic, expected=total, timeout=250, patience=280
        )
        assert list(pool.map(send, enumerate(producers))) == [[]] * 4
        counted = counting.result()
    assert counted["disorder"] is None
    assert counted["labels"] == {f"producer {number}": total // 4 for number in range(4)}
    everything = [(topic, partition) for partition in range(3)]
    assert sum(reader.end(places=everything).values()) == total
