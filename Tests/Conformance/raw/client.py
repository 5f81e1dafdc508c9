"""What a case asks of a broker in one line: topics, records, offsets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from kafka_codec import (
    Batch,
    Connection,
    ErrorCode,
    Record,
    Struct,
    decode_batches,
    encode_batch,
)
from raw.ranges import latest

EARLIEST, LATEST, MAX_TIMESTAMP = -2, -1, -3
READ_UNCOMMITTED, READ_COMMITTED = 0, 1
ALL_BYTES = 0x7FFFFFFF
T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str, timeout: float = 20) -> T:
    """Asks again and again until the answer is true; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.01)
    return answer


def configs(values: dict[str, Any]) -> list[dict[str, Any]]:
    """`max_message_bytes=100` as the entry that CreateTopics takes."""
    return [
        {"name": name.replace("_", "."), "value": None if value is None else str(value)}
        for name, value in values.items()
    ]


def topic_request(name: str, partitions: int = 1, **settings: Any) -> dict[str, Any]:
    return {
        "name": name,
        "numPartitions": partitions,
        "replicationFactor": 1,
        "configs": configs(settings),
    }


class Client(Connection):
    """A connection that knows the usual requests; an API's latest version unless told."""

    def ask(self, api: str, **values: Any) -> Struct:
        return self.call(api, latest(api), **values)

    # Topics

    def create_topic(self, name: str, partitions: int = 1, **settings: Any) -> str:
        request = topic_request(name, partitions, **settings)
        created = self.ask("CreateTopics", topics=[request], timeoutMs=15000).topics[0]
        assert created.errorCode == ErrorCode.NONE, created
        return name

    def delete_topics(self, names: Iterable[str]) -> list[Struct]:
        topics = [{"name": name} for name in names]
        answer = self.ask("DeleteTopics", topics=topics, timeoutMs=15000)
        responses: list[Struct] = answer.responses
        return responses

    def topic_metadata(self, name: str, *, create: bool = False) -> Struct:
        answer = self.ask("Metadata", topics=[{"name": name}], allowAutoTopicCreation=create)
        described: Struct = answer.topics[0]
        return described

    def delete_records(self, topic: str, offset: int, partition: int = 0) -> Struct:
        partitions = [{"partitionIndex": partition, "offset": offset}]
        request = [{"name": topic, "partitions": partitions}]
        answer = self.ask("DeleteRecords", topics=request, timeoutMs=15000)
        deleted: Struct = answer.topics[0].partitions[0]
        return deleted

    # Records

    def send_produce(
        self,
        topic: str,
        records: bytes | None,
        *,
        partition: int = 0,
        acks: int = -1,
        version: int = latest("Produce"),
        transactional_id: str | None = None,
    ) -> None:
        """Sends records without waiting for the answer, which acks=0 does not have."""
        self.send(
            "Produce",
            version,
            transactionalId=transactional_id,
            acks=acks,
            timeoutMs=15000,
            topicData=[
                {"name": topic, "partitionData": [{"index": partition, "records": records}]}
            ],
        )
        if acks == 0:
            self.waiting.pop()

    def receive_produce(self) -> Struct:
        answer: Struct = self.receive().responses[0].partitionResponses[0]
        return answer

    def produce(self, topic: str, records: bytes | None, **options: Any) -> Struct:
        """Produces and returns the partition's part of the answer."""
        self.send_produce(topic, records, **options)
        return self.receive_produce()

    def write(
        self,
        topic: str,
        *records: Record | bytes,
        partition: int = 0,
        acks: int = -1,
        **batch: Any,
    ) -> int:
        """Produces one batch that must be accepted; returns its first offset."""
        encoded = encode_batch(records, **batch)
        answer = self.produce(topic, encoded, partition=partition, acks=acks)
        assert answer.errorCode == ErrorCode.NONE, answer
        offset: int = answer.baseOffset
        return offset

    def send_fetch(
        self,
        partitions: Sequence[dict[str, Any]],
        *,
        version: int = 12,
        max_wait: int = 0,
        min_bytes: int = 1,
        max_bytes: int = ALL_BYTES,
        isolation: int = READ_UNCOMMITTED,
        **values: Any,
    ) -> None:
        """`partitions` as `fetch_partition` gives them, in the order wanted."""
        topics: list[dict[str, Any]] = []
        for each in partitions:
            fields = dict(each)
            name: dict[str, Any] = {
                key: fields.pop(key) for key in ("topic", "topicId") if key in fields
            }
            if topics and all(topics[-1][key] == name[key] for key in name):
                topics[-1]["partitions"].append(fields)
            else:
                topics.append({**name, "partitions": [fields]})
        self.send(
            "Fetch",
            version,
            maxWaitMs=max_wait,
            minBytes=min_bytes,
            maxBytes=max_bytes,
            isolationLevel=isolation,
            topics=topics,
            **values,
        )

    def receive_fetch(self) -> list[Struct]:
        answer = self.receive()
        assert answer.get("errorCode", 0) == ErrorCode.NONE, answer.errorCode
        return [partition for topic in answer.responses for partition in topic.partitions]

    def fetch(
        self, topic: str, offset: int, *, partition: int = 0, limit: int = ALL_BYTES, **options: Any
    ) -> Struct:
        """Fetches one partition and returns its part of the answer."""
        self.send_fetch([fetch_partition(topic, offset, partition, limit)], **options)
        return self.receive_fetch()[0]

    def batches(self, topic: str, *, partition: int = 0, offset: int = 0) -> list[Batch]:
        """Every batch from `offset` to the end, control batches too."""
        found: list[Batch] = []
        while True:
            answer = self.fetch(topic, offset, partition=partition)
            assert answer.errorCode == ErrorCode.NONE, answer
            if not answer.records:
                return found
            found += decode_batches(answer.records)
            offset = found[-1].last_offset + 1

    def values(self, topic: str, *, partition: int = 0, offset: int = 0) -> list[bytes | None]:
        """Values of every record from `offset` on that is not a control record."""
        return [
            record.value
            for batch in self.batches(topic, partition=partition, offset=offset)
            if not batch.is_control
            for record in batch.records
            if record.offset >= offset
        ]

    def committed(self, topic: str, *, partition: int = 0, offset: int = 0) -> list[bytes | None]:
        """Values that a consumer with read_committed gets from `offset` on."""
        found: list[bytes | None] = []
        while True:
            answer = self.fetch(topic, offset, partition=partition, isolation=READ_COMMITTED)
            assert answer.errorCode == ErrorCode.NONE, answer
            if not answer.records:
                return found
            batches = decode_batches(answer.records)
            found += visible(batches, answer.abortedTransactions, offset)
            offset = batches[-1].last_offset + 1

    # Offsets

    def offset_at(
        self,
        topic: str,
        timestamp: int,
        *,
        partition: int = 0,
        isolation: int = READ_UNCOMMITTED,
        version: int = latest("ListOffsets"),
    ) -> Struct:
        partitions = [{"partitionIndex": partition, "timestamp": timestamp}]
        topics = [{"name": topic, "partitions": partitions}]
        values: dict[str, Any] = {"isolationLevel": isolation} if version >= 2 else {}
        answer = self.call("ListOffsets", version, replicaId=-1, topics=topics, **values)
        found: Struct = answer.topics[0].partitions[0]
        return found

    def end_offset(self, topic: str, partition: int = 0) -> int:
        offset: int = self.offset_at(topic, LATEST, partition=partition).offset
        return offset

    def start_offset(self, topic: str, partition: int = 0) -> int:
        offset: int = self.offset_at(topic, EARLIEST, partition=partition).offset
        return offset


def visible(batches: list[Batch], aborted: list[Struct], offset: int) -> list[bytes | None]:
    """What is left of fetched batches when a consumer has left out what was aborted."""
    waiting = sorted(aborted, key=lambda entry: entry.firstOffset)
    ignored: set[int] = set()
    found: list[bytes | None] = []
    for batch in batches:
        while waiting and waiting[0].firstOffset <= batch.last_offset:
            ignored.add(waiting.pop(0).producerId)
        if batch.is_control:
            if not batch.is_commit:
                ignored.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in ignored):
            found += [record.value for record in batch.records if record.offset >= offset]
    return found


def fetch_partition(
    topic: str, offset: int, partition: int = 0, limit: int = ALL_BYTES, **fields: Any
) -> dict[str, Any]:
    """One entry for `send_fetch`."""
    return {
        "topic": topic,
        "partition": partition,
        "fetchOffset": offset,
        "partitionMaxBytes": limit,
        **fields,
    }
