"""kafka-python."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import kafka
from kafka.errors import KafkaTimeoutError
from kafka.structs import OffsetAndMetadata, TopicPartition

from clients.values import ClientError, Committed, Place, Record, Sent, Settings, Unsupported
from clients.worker import library
from clients.worker.kafka_python_admin import KafkaPythonAdmin

ASSIGNORS = {
    "range": ("range", "RangePartitionAssignor"),
    "roundrobin": ("roundrobin", "RoundRobinPartitionAssignor"),
    "cooperative-sticky": ("cooperative_sticky", "CooperativeStickyAssignor"),
}


def describe(error: BaseException) -> tuple[int | None, str]:
    return getattr(error, "errno", None), f"{type(error).__name__}: {error}"


def translated(settings: Settings, known: Mapping[str, object]) -> Settings:
    """Settings by this library's names; one that it does not have is a limit of the client."""
    translation = library.underscored(settings)
    unknown = sorted(set(translation) - set(known))
    if unknown:
        raise Unsupported(f"has no setting {', '.join(unknown)}")
    names = translation.get("partition_assignment_strategy")
    if names is not None:
        translation["partition_assignment_strategy"] = [
            assignor(name) for name in str(names).split(",")
        ]
    return translation


def assignor(name: str) -> Any:
    module, kind = ASSIGNORS[name]
    try:
        loaded = __import__(f"kafka.coordinator.assignors.{module}", fromlist=[kind])
    except ImportError:
        raise Unsupported(f"has no assignor {name}") from None
    return getattr(loaded, kind)


class KafkaPythonProducer:
    def __init__(self, bootstrap: str, settings: Settings) -> None:
        config = {"linger_ms": 5, "reconnect_backoff_max_ms": 500}
        config |= translated(settings, kafka.KafkaProducer.DEFAULT_CONFIG)
        self.producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, **config)

    def send(self, topic: str, records: Sequence[Record], timeout: float) -> list[Sent]:
        futures = [
            self.producer.send(
                topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers) or None,
                partition=record.partition,
                timestamp_ms=record.timestamp,
            )
            for record in records
        ]
        deadline = time.monotonic() + timeout
        try:
            self.producer.flush(timeout)  # Nothing lingers once everything is handed in.
        except KafkaTimeoutError:
            pass  # Each record tells what became of it.
        return [self._result(future, deadline) for future in futures]

    @staticmethod
    def _result(future: Any, deadline: float) -> Sent:
        try:
            metadata = future.get(max(0.001, deadline - time.monotonic()))
        except Exception as error:
            return Sent(error=ClientError(*describe(error)))
        return Sent(metadata.partition, metadata.offset)

    def init_transactions(self, timeout: float) -> None:
        self.producer.init_transactions()

    def begin(self) -> None:
        self.producer.begin_transaction()

    def commit(self, timeout: float) -> None:
        self.producer.commit_transaction()

    def abort(self, timeout: float) -> None:
        self.producer.abort_transaction()

    def send_offsets(
        self, offsets: Mapping[Place, Committed], consumer: KafkaPythonConsumer | None, group: str
    ) -> None:
        # Before 3.0 a group's name is all that this library can send.
        member = getattr(consumer and consumer.consumer, "group_metadata", None)
        whose = group if member is None else member()
        self.producer.send_offsets_to_transaction(offsets_of(offsets), whose)

    def close(self) -> None:
        self.producer.close(timeout=0)


class Listener(kafka.ConsumerRebalanceListener):
    def __init__(self, on_assignment: Callable[[], None]) -> None:
        self.on_assignment = on_assignment

    def on_partitions_revoked(self, revoked: object) -> None:
        pass

    def on_partitions_assigned(self, assigned: object) -> None:
        self.on_assignment()


class KafkaPythonConsumer:
    def __init__(self, bootstrap: str, settings: Settings) -> None:
        config = {
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "reconnect_backoff_max_ms": 500,
            "fetch_max_wait_ms": 100,
        }
        config |= translated(settings, kafka.KafkaConsumer.DEFAULT_CONFIG)
        self.shortest_poll = 0.0
        self.forgets_joins = False
        self.consumer = kafka.KafkaConsumer(bootstrap_servers=bootstrap, **config)

    def assign(self, positions: Mapping[Place, int]) -> None:
        self.consumer.assign([TopicPartition(*place) for place in positions])
        for place, offset in positions.items():
            self.consumer.seek(TopicPartition(*place), offset)

    def subscribe(self, topics: Sequence[str], on_assignment: Callable[[], None]) -> None:
        # Seen in the logs of 2.2.21 and 3.0.12: when new topics or partitions have it join again
        # and a poll ends before SyncGroup is answered, nobody takes the answer, since what was new
        # was noted when the join began (`need_rejoin` in kafka/coordinator/consumer.py).
        self.forgets_joins = kafka.__version__ >= "2.1"
        # 3.0 begins a join anew instead of taking up an answer: let it come within one poll.
        self.shortest_poll = 1.0 if kafka.__version__ >= "3" else 0.0
        listener = Listener(on_assignment)
        if topics[0].startswith("^"):
            self.consumer.subscribe(pattern=topics[0], listener=listener)
        else:
            self.consumer.subscribe(topics=list(topics), listener=listener)

    def poll(self, timeout: float) -> list[Record]:
        polled = self.consumer.poll(timeout_ms=int(max(timeout, self.shortest_poll) * 1000))
        if self.forgets_joins and self.consumer._coordinator.rejoining:
            self.consumer._coordinator.request_rejoin()
        return [record_of(message) for messages in polled.values() for message in messages]

    def partitions(self, topic: str) -> list[int]:
        return sorted(self.consumer.partitions_for_topic(topic) or ())

    def beginning(self, places: Sequence[Place]) -> dict[Place, int]:
        return self._offsets(self.consumer.beginning_offsets, places)

    def end(self, places: Sequence[Place]) -> dict[Place, int]:
        return self._offsets(self.consumer.end_offsets, places)

    @staticmethod
    def _offsets(ask: Callable[[Any], Any], places: Sequence[Place]) -> dict[Place, int]:
        answer = ask([TopicPartition(*place) for place in places])
        return {(part.topic, part.partition): offset for part, offset in answer.items()}

    def at_end(self, ends: Mapping[Place, int]) -> bool:
        return all(
            self.consumer.position(TopicPartition(*place)) >= end for place, end in ends.items()
        )

    def assignment(self) -> set[Place]:
        return {(part.topic, part.partition) for part in self.consumer.assignment()}

    def commit(self, offsets: Mapping[Place, Committed] | None) -> None:
        self.consumer.commit(None if offsets is None else offsets_of(offsets))

    def committed(self, places: Sequence[Place]) -> dict[Place, Committed]:
        answers = {}
        for place in places:
            entry = self.consumer.committed(TopicPartition(*place), metadata=True)
            epoch = getattr(entry, "leader_epoch", None)
            none = entry is None or entry.offset < 0
            answers[place] = Committed(-1) if none else Committed(entry[0], entry[1], epoch)
        return answers

    def offsets_for_times(self, times: Mapping[Place, int]) -> dict[Place, int]:
        asked = {TopicPartition(*place): time for place, time in times.items()}
        answers = self.consumer.offsets_for_times(asked)
        return {
            (part.topic, part.partition): -1 if found is None else found.offset
            for part, found in answers.items()
        }

    def close(self) -> None:
        self.consumer.close()


def offsets_of(offsets: Mapping[Place, Committed]) -> dict[TopicPartition, Any]:
    # Since 2.1 an entry has the leader's epoch too.
    rest = (-1,) if len(OffsetAndMetadata._fields) > 2 else ()
    return {
        TopicPartition(*place): OffsetAndMetadata(entry.offset, entry.metadata, *rest)
        for place, entry in offsets.items()
    }


def record_of(message: Any) -> Record:
    return Record(
        value=message.value,
        key=message.key,
        headers=tuple(message.headers),
        partition=message.partition,
        timestamp=message.timestamp,
        offset=message.offset,
        topic=message.topic,
    )


class KafkaPythonLibrary:
    def producer(self, bootstrap: str, settings: Settings) -> library.Producer:
        return KafkaPythonProducer(bootstrap, settings)

    def consumer(self, bootstrap: str, settings: Settings) -> library.Consumer:
        return KafkaPythonConsumer(bootstrap, settings)

    def admin(self, bootstrap: str) -> KafkaPythonAdmin:
        return KafkaPythonAdmin(bootstrap)

    def describe(self, error: BaseException) -> tuple[int | None, str]:
        return describe(error)


LIBRARY = KafkaPythonLibrary()
