"""Consumers whose log became shorter under them: C89."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from clients.driving import Client, Worker
from clients.values import Record
from kafka_codec import decode_batches


def send_alone(worker: Worker, bootstrap: str, topic: str, values: list[bytes]) -> None:
    """Sends each value as a batch of its own."""
    producer = worker.producer(bootstrap=bootstrap)
    for value in values:
        (sent,) = producer.send(topic=topic, records=[Record(value, partition=0)])
        assert sent.error is None


@pytest.mark.quick
@pytest.mark.clients(lambda client: client.is_librdkafka)
def test_c89_a_consumer_reads_what_was_written_where_records_were_lost(
    client: Client,
    worker_of: Callable[[Client], Worker],
    newest: Worker,
    broker_process: BrokerProcess,
) -> None:
    if not client.at_least(2, 2):
        pytest.skip(f"client limit: {client} does not validate its offset, with Kafka too")
    bootstrap, topic = broker_process.bootstrap, "shorter"
    newest.admin(bootstrap=bootstrap).create_topic(topic=topic)
    old = [b"old %d" % number for number in range(20)]
    send_alone(newest, bootstrap, topic, old)
    reader = worker_of(client).reader(bootstrap=bootstrap)
    reader.follow(topic=topic, start={0: 0})
    assert [record.value for record in reader.take(count=20)] == old
    broker_process.kill()
    # As after a power loss: what was not on the disk is gone.
    (segment,) = broker_process.data.rglob("*.log")
    kept = decode_batches(segment.read_bytes())[:10]
    with segment.open("r+b") as file:
        file.truncate(sum(len(batch.raw) for batch in kept))
    broker_process.start()
    new = [b"new %d" % number for number in range(15)]
    send_alone(worker_of(client), bootstrap, topic, new)
    received: list[bytes | None] = []
    while received[-1:] != new[-1:]:
        taken = reader.take(count=1, timeout=20)
        assert taken, f"nothing after {received}"
        received += [record.value for record in taken]
    # Offsets 10 to 19 have other records now: none of those is passed over. With what it is to
    # do at a lost offset set to "earliest", it reads again what was kept.
    assert [value for value in received if value in new] == new
