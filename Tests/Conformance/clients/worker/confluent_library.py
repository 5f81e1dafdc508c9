"""confluent-kafka, which is librdkafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import confluent_kafka as ck

from clients.values import ClientError, Committed, Place, Record, Sent, Settings
from clients.worker import library
from clients.worker.confluent_admin import ConfluentAdmin

LARGEST_POLL = 500


def describe(error: BaseException) -> tuple[int | None, str]:
    if isinstance(error, ck.KafkaException) and isinstance(error.args[0], ck.KafkaError):
        error = error.args[0]
    if isinstance(error, ck.KafkaError):
        return error.code(), f"{error.name()}: {error.str()}"
    return None, repr(error)


def client_error(error: Any) -> ClientError:
    return ClientError(*describe(error))


class ConfluentProducer:
    def __init__(self, bootstrap: str, settings: Settings) -> None:
        self.fatal: list[ClientError] = []
        config = {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.max.ms": 500,
            # librdkafka's default of 5 ms is for throughput; 0 would send each record alone.
            "linger.ms": 5,
            **settings,
        }
        self.producer = ck.Producer(config)

    def send(self, topic: str, records: Sequence[Record], timeout: float) -> list[Sent]:
        results: dict[int, Sent] = {}
        deadline = time.monotonic() + timeout
        for index, record in enumerate(records):
            optional = {"partition": record.partition, "timestamp": record.timestamp}

            def delivered(error: Any, message: Any, index: int = index) -> None:
                failure = None if error is None else client_error(error)
                results[index] = Sent(message.partition(), message.offset() or 0, failure)

            self._produce(
                deadline,
                topic=topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers) or None,
                on_delivery=delivered,
                **{name: value for name, value in optional.items() if value is not None},
            )
        while len(results) < len(records) and time.monotonic() < deadline:
            self.producer.poll(0.1)
        missing = Sent(error=ClientError(None, f"no delivery report in {timeout} s"))
        return [results.get(index, missing) for index in range(len(records))]

    def _produce(self, deadline: float, **arguments: Any) -> None:
        while True:
            try:
                self.producer.produce(**arguments)
                self.producer.poll(0)
                return
            except BufferError:
                if time.monotonic() > deadline:
                    raise
                self.producer.poll(0.05)

    def init_transactions(self, timeout: float) -> None:
        self._retried(self.producer.init_transactions, timeout)

    def begin(self) -> None:
        self.producer.begin_transaction()

    def commit(self, timeout: float) -> None:
        self._retried(self.producer.commit_transaction, timeout)

    def abort(self, timeout: float) -> None:
        self._retried(self.producer.abort_transaction, timeout)

    def send_offsets(
        self, offsets: Mapping[Place, Committed], consumer: ConfluentConsumer | None, group: str
    ) -> None:
        source = consumer.consumer if consumer is not None else ck.Consumer({"group.id": group})
        metadata = source.consumer_group_metadata()
        self._retried(
            lambda left: self.producer.send_offsets_to_transaction(
                partitions_at(offsets), metadata, left
            ),
            30,
        )
        if consumer is None:
            source.close()

    def close(self) -> None:
        self.producer.purge()

    @staticmethod
    def _retried(call: Callable[[float], None], timeout: float) -> None:
        """Calls again as long as librdkafka says that trying again may help."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                call(max(0.1, deadline - time.monotonic()))
                return
            except ck.KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise


class ConfluentConsumer:
    def __init__(self, bootstrap: str, settings: Settings) -> None:
        config = {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "reconnect.backoff.max.ms": 500,
            # Other requests wait for a fetch that waits on the same connection.
            "fetch.wait.max.ms": 100,
            **settings,
        }
        if "metadata.max.age.ms" in settings:
            # librdkafka's name for how often topics are looked for.
            config["topic.metadata.refresh.interval.ms"] = config.pop("metadata.max.age.ms")
        self.ends: dict[Place, int] = {}
        self.consumer = ck.Consumer(config)

    def assign(self, positions: Mapping[Place, int]) -> None:
        self.ends = {}
        self.consumer.assign(
            [ck.TopicPartition(*place, offset) for place, offset in positions.items()]
        )

    def subscribe(self, topics: Sequence[str], on_assignment: Callable[[], None]) -> None:
        self.consumer.subscribe(list(topics), on_assign=lambda *_: on_assignment())

    def poll(self, timeout: float) -> list[Record]:
        records = []
        # Not consume(): from 2.2 until the newest releases it takes the end of a partition for a
        # record, and a rebalance goes on behind it: confluentinc/librdkafka#4844.
        message = self.consumer.poll(timeout)
        while message is not None:
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif error.code() == ck.KafkaError._PARTITION_EOF:
                self.ends[message.topic(), message.partition()] = message.offset()
            else:
                raise client_error(error)
            message = self.consumer.poll(0) if len(records) < LARGEST_POLL else None
        return records

    def partitions(self, topic: str) -> list[int]:
        metadata = self.consumer.list_topics(topic, 10).topics[topic]
        if metadata.error is not None:
            raise client_error(metadata.error)
        return sorted(metadata.partitions)

    def beginning(self, places: Sequence[Place]) -> dict[Place, int]:
        return {place: low for place, (low, _) in self._watermarks(places).items()}

    def end(self, places: Sequence[Place]) -> dict[Place, int]:
        return {place: high for place, (_, high) in self._watermarks(places).items()}

    def _watermarks(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        for topic in {topic for topic, _ in places}:
            # What librdkafka has not heard of yet is an unknown partition to it.
            self.partitions(topic)
        ask = self.consumer.get_watermark_offsets
        return {place: ask(ck.TopicPartition(*place), 10) for place in places}

    def at_end(self, ends: Mapping[Place, int]) -> bool:
        return all(self.ends.get(place, -1) >= end for place, end in ends.items())

    def assignment(self) -> set[Place]:
        return {(part.topic, part.partition) for part in self.consumer.assignment()}

    def commit(self, offsets: Mapping[Place, Committed] | None) -> None:
        arguments = {} if offsets is None else {"offsets": partitions_at(offsets)}
        for part in self.consumer.commit(asynchronous=False, **arguments):
            if part.error is not None:
                raise client_error(part.error)

    def committed(self, places: Sequence[Place]) -> dict[Place, Committed]:
        parts = self.consumer.committed([ck.TopicPartition(*place) for place in places], 10)
        return committed_of(parts)

    def offsets_for_times(self, times: Mapping[Place, int]) -> dict[Place, int]:
        asked = [ck.TopicPartition(*place, time) for place, time in times.items()]
        parts = self.consumer.offsets_for_times(asked, 10)
        return {(part.topic, part.partition): part.offset for part in parts}

    def close(self) -> None:
        self.consumer.close()


def partitions_at(offsets: Mapping[Place, Committed]) -> list[Any]:
    """Offsets with their metadata; releases before 2.1 have no metadata to give."""
    parts = []
    for place, entry in offsets.items():
        if entry.metadata:
            parts.append(ck.TopicPartition(*place, entry.offset, entry.metadata))
        else:
            parts.append(ck.TopicPartition(*place, entry.offset))
    return parts


def committed_of(parts: Sequence[Any]) -> dict[Place, Committed]:
    committed = {}
    for part in parts:
        if part.error is not None:
            raise client_error(part.error)
        # -1001 is librdkafka's way to say that there is none.
        offset = -1 if part.offset < 0 else part.offset
        epoch = getattr(part, "leader_epoch", None)
        metadata = getattr(part, "metadata", None)
        committed[part.topic, part.partition] = Committed(offset, metadata, epoch)
    return committed


def record_of(message: Any) -> Record:
    kind, timestamp = message.timestamp()
    return Record(
        value=message.value(),
        key=message.key(),
        headers=tuple(message.headers() or ()),
        partition=message.partition(),
        timestamp=None if kind == ck.TIMESTAMP_NOT_AVAILABLE else timestamp,
        offset=message.offset(),
        topic=message.topic(),
    )


class ConfluentLibrary:
    def producer(self, bootstrap: str, settings: Settings) -> library.Producer:
        return ConfluentProducer(bootstrap, settings)

    def consumer(self, bootstrap: str, settings: Settings) -> library.Consumer:
        return ConfluentConsumer(bootstrap, settings)

    def admin(self, bootstrap: str) -> ConfluentAdmin:
        return ConfluentAdmin(bootstrap)

    def describe(self, error: BaseException) -> tuple[int | None, str]:
        return describe(error)


LIBRARY = ConfluentLibrary()
