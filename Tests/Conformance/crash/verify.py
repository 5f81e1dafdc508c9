"""Reading everything back after the crash loop, and comparing it with what was promised."""
import time
import zlib
from collections import defaultdict

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

import records
from broker import Failure


def require(condition, text):
    if not condition:
        raise Failure(text)


def read(bootstrap, topic, partitions, isolation):
    """All records of a topic, one list of (offset, leader epoch, value) for each partition."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "nobody", "enable.auto.commit": False,
        "isolation.level": isolation, "check.crcs": True, "enable.partition.eof": True,
        "auto.offset.reset": "error",
    })
    consumer.assign([
        TopicPartition(topic, index, OFFSET_BEGINNING) for index in range(partitions)])
    found = [[] for _ in range(partitions)]
    ends = set()
    deadline = time.monotonic() + 60
    while len(ends) < partitions:
        messages = consumer.consume(5000, 0.1)
        if messages:
            deadline = time.monotonic() + 60
        require(time.monotonic() < deadline,
                f"{topic}: nothing comes for 60 s, read to the end: {sorted(ends)}")
        for message in messages:
            error = message.error()
            if error is None:
                found[message.partition()].append(
                    (message.offset(), message.leader_epoch(), message.value()))
            elif error.code() == KafkaError._PARTITION_EOF:
                ends.add(message.partition())
            else:
                raise Failure(f"{topic}: {error}")
    consumer.close()
    for index, entries in enumerate(found):
        for before, after in zip(entries, entries[1:]):
            require(before[0] < after[0], f"{topic}-{index}: offset {after[0]} after {before[0]}")
            require(before[1] <= after[1],
                    f"{topic}-{index}: leader epoch {after[1]} after {before[1]} at {after[0]}")
    return found


def require_contiguous(topic, found):
    for index, entries in enumerate(found):
        for place, (offset, _, _) in enumerate(entries):
            require(place == offset, f"{topic}-{index}: offset {place} is missing")


def check_producers(topic, found, ledgers, exactly_once):
    """Each acknowledged record stands at its acknowledged offset, and how often is explained.

    An idempotent producer's records: once, in order. A plain one may have sent a record again when
    its broker died before answering: such a copy was written by an earlier start of the broker,
    before the acknowledged one, and at most one by each start.
    """
    require_contiguous(topic, found)
    copies = defaultdict(list)
    for index, entries in enumerate(found):
        for offset, epoch, value in entries:
            try:
                identity = records.parse(value)
            except ValueError as error:
                raise Failure(f"{topic}-{index} at {offset}: {error}") from None
            copies[identity].append((index, epoch, offset))
    repeated = 0
    for producer, (path, sent) in ledgers.items():
        told = {number: (partition, offset)
                for number, partition, offset, _ in records.Ledger.read(path)}
        require(len(told) == sent, f"{topic}: {len(told)} of {sent} records were answered")
        for number, (partition, offset) in told.items():
            places = copies.pop((producer, number), [])
            what = f"{topic}: record {number} of producer {producer}"
            require(offset >= 0, f"{what} was acknowledged without an offset")
            require(any(place[0] == partition and place[2] == offset for place in places),
                    f"{what}, acknowledged at {partition}/{offset}, is at {places}")
            require(all(place[0] == partition for place in places),
                    f"{what} is in several partitions: {places}")
            if exactly_once:
                require(len(places) == 1, f"{what} is there {len(places)} times: {places}")
            epochs = [epoch for _, epoch, _ in places]
            require(places[-1][2] == offset and len(set(epochs)) == len(epochs),
                    f"{what}, acknowledged at {partition}/{offset}, has copies: {places}")
            repeated += len(places) - 1
    require(not copies, f"{topic}: records that no producer counts: {list(copies)[:5]}")
    if exactly_once:
        for index, entries in enumerate(found):
            last = defaultdict(lambda: -1)
            for offset, _, value in entries:
                producer, number = records.parse(value)
                require(number > last[producer],
                        f"{topic}-{index} at {offset}: record {number} after {last[producer]}")
                last[producer] = number
    return repeated


def check_follower(topic, found, path):
    """What a reader saw while the broker was killed is what is there, in order and complete."""
    seen = [[] for _ in found]
    for checksum, partition, offset, epoch in records.Ledger.read(path):
        seen[partition].append((offset, epoch, checksum))
    for index, entries in enumerate(found):
        there = [(offset, epoch, zlib.crc32(value)) for offset, epoch, value in entries]
        if seen[index] != there:
            pairs = zip(seen[index] + [None], there + [None])
            first = next(pair for pair in pairs if pair[0] != pair[1])
            raise Failure(f"{topic}-{index}: a reader saw {len(seen[index])} records, "
                          f"{len(there)} are there; first difference {first}")


def check_transformed(topic, found, source):
    """The output is f of the input: every record once, in the input's order."""
    for index, entries in enumerate(found):
        expected = [records.derived(index, offset, value) for offset, _, value in source[index]]
        got = [value for _, _, value in entries]
        if got != expected:
            at = next((place for place, pair in enumerate(zip(got, expected))
                       if pair[0] != pair[1]), min(len(got), len(expected)))
            what = [records.DERIVED.unpack(value)[1:3] for value in got[at:at + 3]]
            raise Failure(f"{topic}-{index}: {len(got)} records for {len(expected)}; record {at} "
                          f"and on (partition, offset of the input): {what}")
