"""What one client produces, every other consumes: C14, C16, C17."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from clients.driving import CLIENTS, Client, Worker
from clients.kcat import Kcat
from clients.values import Record
from kafka_codec import decode_batches

# In the order of their numbers in a batch's attributes.
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

#: A key and value that are null or empty are told apart wherever they are read.
RECORDS = [
    Record(b"plain", b"key", (("trace", b"1"),)),
    Record(b"", b""),
    Record(None, b"tombstone"),
    Record(b"no key"),
    Record("Straße 日本".encode(), bytes(range(256)), (("a", b""), ("a", b"again"))),
    Record(b"compressible " * 500, b"long"),
]


@pytest.mark.quick
def test_c16_every_codec_of_a_client_is_read_by_all_clients(
    client: Client,
    worker: Worker,
    worker_of: Callable[[Client], Worker],
    new_topic: Callable[..., str],
    kcat: Kcat,
) -> None:
    topic = new_topic("exchange")
    # Only librdkafka sends null headers, and records that have neither key nor value.
    nothing = [Record(None, None, (("null", None),))] if client.is_librdkafka else []
    records = RECORDS + nothing
    expected: list[Record] = []
    for codec in CODECS:
        sent = worker.producer(compression_type=codec).send(topic=topic, records=records)
        assert [result.error for result in sent] == [None] * len(records), codec
        offsets = range(len(expected), len(expected) + len(records))
        assert [result.offset for result in sent] == list(offsets)
        expected += records
    for other in CLIENTS:
        received = worker_of(other).reader().read(topic=topic)
        assert [record.content() for record in received] == expected, f"read by {other}"
        assert [record.offset for record in received] == list(range(len(expected))), str(other)
    plain = [Record(record.value, record.key) for record in expected]
    received = [record.content() for record in kcat.consume(topic)]
    assert received == plain, "read by kcat"


@pytest.mark.quick
@pytest.mark.parametrize("codec", CODECS[1:])
def test_c17_what_kcat_compresses_is_compressed_on_the_disk(
    broker_process: BrokerProcess, codec: str
) -> None:
    kcat = Kcat(broker_process.bootstrap)
    values = [b"0123456789" * 20 for _ in range(500)]
    kcat.produce("compressed", values, "-z", codec)
    assert [record.value for record in kcat.consume("compressed")] == values
    (segment,) = broker_process.data.rglob("*.log")
    batches = decode_batches(segment.read_bytes())
    assert {batch.codec for batch in batches} == {CODECS.index(codec)}
    assert segment.stat().st_size < len(values) * len(values[0]) / 5


@pytest.mark.quick
def test_c14_kcat_lists_the_broker_and_topics(
    kcat: Kcat, bootstrap: str, new_topic: Callable[..., str], unique: Callable[[str], str]
) -> None:
    topic = new_topic("listed", partitions=3)
    everything = kcat.metadata()
    assert [broker["name"] for broker in everything["brokers"]] == [bootstrap]
    node = everything["brokers"][0]["id"]
    (listed,) = [entry for entry in everything["topics"] if entry["topic"] == topic]
    replicas = {"leader": node, "replicas": [{"id": node}], "isrs": [{"id": node}]}
    assert listed["partitions"] == [{"partition": number} | replicas for number in range(3)]
    (alone,) = kcat.metadata("-t", topic)["topics"]
    assert alone == listed


@pytest.mark.quick
def test_c14_clients_list_topics_and_partitions(
    client: Client, worker: Worker, new_topic: Callable[..., str]
) -> None:
    topics = {new_topic("one"): 1, new_topic("seven", partitions=7): 7}
    listed = worker.admin().topics()
    assert {name: listed.get(name) for name in topics} == topics
    reader = worker.reader()
    for name, count in topics.items():
        assert reader.partitions(topic=name) == list(range(count))
