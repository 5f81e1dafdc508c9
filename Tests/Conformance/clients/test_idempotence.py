"""Idempotent producers write once what they send more than once: C37, C41."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from clients.driving import Client, Remote, Worker, wait_until
from clients.proxy import PRODUCE, Proxy
from clients.values import Record


def assert_written_once(
    reader: Remote, topic: str, label: str, partitions: int, count: int
) -> None:
    """Each partition holds its numbers of `send_numbered` in order, none missing, none twice."""
    values = [(record.partition, record.value) for record in reader.read(topic=topic)]
    for partition in range(partitions):
        written = [value for number, value in values if number == partition]
        wanted = [f"{label}:{n}:".encode() for n in range(partition, count, partitions)]
        assert written == wanted, f"partition {partition}"


@pytest.mark.quick
@pytest.mark.timeout(600)
def test_c41_cut_connections_neither_lose_nor_repeat_records(
    client: Client,
    worker: Worker,
    newest: Worker,
    bootstrap: str,
    new_topic: Callable[..., str],
    scaled: Callable[[int, int], int],
) -> None:
    topic = new_topic("cut", partitions=2)
    wanted = scaled(20, 1000 if client.is_librdkafka else 200)
    # Every second answer is dropped: retries are cut too, some of them several times.
    with Proxy(bootstrap, lambda api, number: api == PRODUCE and number % 2 == 1) as proxy:
        # No long pauses, so that all goes into cutting; aiokafka has no setting for reconnects.
        pauses = {"retry_backoff_ms": 10}
        if client.library != "aiokafka":
            pauses |= {"reconnect_backoff_ms": 10, "reconnect_backoff_max_ms": 20}
        producer = worker.producer(bootstrap=proxy.bootstrap, enable_idempotence=True, **pauses)
        # Batches of one record for each partition, so that there are many requests to cut.
        count = wanted * 4
        assert (
            producer.send_numbered(
                topic=topic, label="cut", partitions=2, count=count, step=4, patience=500
            )
            == []
        )
        assert proxy.cuts >= wanted
    assert_written_once(newest.reader(), topic, "cut", 2, count)


@pytest.mark.quick
@pytest.mark.timeout(300)
def test_c37_idempotent_producers_go_on_when_the_broker_is_killed(
    client: Client,
    worker: Worker,
    newest: Worker,
    broker_process: BrokerProcess,
    scaled: Callable[[int, int], int],
) -> None:
    bootstrap = broker_process.bootstrap
    newest.admin(bootstrap=bootstrap).create_topic(topic="killed", partitions=2)
    producer = worker.producer(bootstrap=bootstrap, enable_idempotence=True)
    reader = newest.reader(bootstrap=bootstrap)
    count = scaled(3_000, 20_000)
    errors: list[str] = []

    def send() -> None:
        arguments = {"topic": "killed", "label": "n", "partitions": 2, "count": count}
        errors.extend(producer.send_numbered(**arguments, step=20, patience=250))

    sending = threading.Thread(target=send)
    sending.start()
    for part in range(1, 4):
        places = [("killed", 0), ("killed", 1)]
        wait_until(
            lambda: sum(reader.end(places=places).values()) >= part * count // 5,
            120,
            f"{part} fifths of the records written",
        )
        assert sending.is_alive(), "the producer was done before the broker was killed"
        broker_process.restart(kill=True)
    sending.join()
    assert errors == []
    assert_written_once(reader, "killed", "n", 2, count)


@pytest.mark.quick
def test_c33_a_retry_after_a_lost_answer_returns_the_first_offset(
    client: Client, worker: Worker, bootstrap: str, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("lost")
    with Proxy(bootstrap, lambda api, number: api == PRODUCE and number == 1) as proxy:
        producer = worker.producer(bootstrap=proxy.bootstrap, enable_idempotence=True)
        for expected in range(3):
            (sent,) = producer.send(topic=topic, records=[Record(b"once", partition=0)])
            assert (sent.offset, sent.error) == (expected, None)
        assert proxy.cuts == 1
