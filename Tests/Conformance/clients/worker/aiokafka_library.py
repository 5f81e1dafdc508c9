"""aiokafka, whose coroutines run on one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import aiokafka
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from clients.values import ClientError, Committed, Place, Record, Sent, Settings, Unsupported
from clients.worker import library
from clients.worker.aiokafka_admin import AiokafkaAdmin

ASSIGNORS = {
    "range": ("range", "RangePartitionAssignor"),
    "roundrobin": ("roundrobin", "RoundRobinPartitionAssignor"),
}

LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def run(coroutine: Coroutine[Any, Any, Any], timeout: float = 60) -> Any:
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result(timeout)


def describe(error: BaseException) -> tuple[int | None, str]:
    return getattr(error, "errno", None), f"{type(error).__name__}: {error}"


def translated(settings: Settings, kind: Callable[..., object]) -> Settings:
    """Settings by this library's names; one that it does not have is a limit of the client."""
    translation = library.underscored(settings)
    unknown = sorted(set(translation) - set(inspect.signature(kind).parameters))
    if unknown:
        raise Unsupported(f"has no setting {', '.join(unknown)}")
    names = translation.get("partition_assignment_strategy")
    if names is not None:
        translation["partition_assignment_strategy"] = [
            assignor(name) for name in str(names).split(",")
        ]
    return translation


def assignor(name: str) -> Any:
    if name not in ASSIGNORS:
        raise Unsupported(f"has no assignor {name}")
    module, kind = ASSIGNORS[name]
    try:
        loaded = __import__(f"aiokafka.coordinator.assignors.{module}", fromlist=[kind])
    except ImportError:  # before 0.9 kafka-python's are used
        loaded = __import__(f"kafka.coordinator.assignors.{module}", fromlist=[kind])
    return getattr(loaded, kind)


class AiokafkaProducer:
    def __init__(self, bootstrap: str, settings: Settings) -> None:
        config = {"linger_ms": 5} | translated(settings, aiokafka.AIOKafkaProducer)
        self.producer = run(self._start(bootstrap, config))

    @staticmethod
    async def _start(bootstrap: str, config: Settings) -> Any:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, **config)
        await producer.start()
        return producer

    def send(self, topic: str, records: Sequence[Record], timeout: float) -> list[Sent]:
        return run(self._send(topic, records, timeout), timeout + 10)

    async def _send(self, topic: str, records: Sequence[Record], timeout: float) -> list[Sent]:
        results: list[Sent | asyncio.Future[Any]] = []
        for record in records:
            try:
                future = await self.producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers) or None,
                    partition=record.partition,
                    timestamp_ms=record.timestamp,
                )
                results.append(future)
            except Exception as error:
                results.append(Sent(error=ClientError(*describe(error))))
        under_way = [result for result in results if not isinstance(result, Sent)]
        if under_way:
            await asyncio.wait(under_way, timeout=timeout)
        return [r if isinstance(r, Sent) else self._result(r) for r in results]

    @staticmethod
    def _result(future: asyncio.Future[Any]) -> Sent:
        if not future.done():
            return Sent(error=ClientError(None, "not sent in time"))
        error = future.exception()
        if error is not None:
            return Sent(error=ClientError(*describe(error)))
        return Sent(future.result().partition, future.result().offset)

    def init_transactions(self, timeout: float) -> None:
        """Was done at the start, which is all that this library offers."""

    def begin(self) -> None:
        run(self.producer.begin_transaction())

    def commit(self, timeout: float) -> None:
        run(self.producer.commit_transaction(), timeout)

    def abort(self, timeout: float) -> None:
        run(self.producer.abort_transaction(), timeout)

    def send_offsets(
        self, offsets: Mapping[Place, Committed], consumer: AiokafkaConsumer | None, group: str
    ) -> None:
        # A group's name is all that this library can send.
        run(self.producer.send_offsets_to_transaction(offsets_of(offsets), group))

    def close(self) -> None:
        run(self._stop())

    async def _stop(self) -> None:
        try:
            await asyncio.wait_for(self.producer.stop(), 2)
        except TimeoutError:
            await self.producer.client.close()


class Listener(aiokafka.ConsumerRebalanceListener):
    def __init__(self, on_assignment: Callable[[], None]) -> None:
        self.on_assignment = on_assignment

    async def on_partitions_revoked(self, revoked: object) -> None:
        pass

    async def on_partitions_assigned(self, assigned: object) -> None:
        self.on_assignment()


class AiokafkaConsumer:
    def __init__(self, bootstrap: str, settings: Settings) -> None:
        config: Settings = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
        config["fetch_max_wait_ms"] = 100
        config |= translated(settings, aiokafka.AIOKafkaConsumer)
        self.consumer = run(self._start(bootstrap, config))

    @staticmethod
    async def _start(bootstrap: str, config: Settings) -> Any:
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, **config)
        await consumer.start()
        return consumer

    def assign(self, positions: Mapping[Place, int]) -> None:
        run(self._assign(positions))

    async def _assign(self, positions: Mapping[Place, int]) -> None:
        self.consumer.assign([TopicPartition(*place) for place in positions])
        for place, offset in positions.items():
            self.consumer.seek(TopicPartition(*place), offset)

    def subscribe(self, topics: Sequence[str], on_assignment: Callable[[], None]) -> None:
        run(self._subscribe(topics, Listener(on_assignment)))

    async def _subscribe(self, topics: Sequence[str], listener: Listener) -> None:
        if topics[0].startswith("^"):
            self.consumer.subscribe(pattern=topics[0], listener=listener)
        else:
            self.consumer.subscribe(topics=list(topics), listener=listener)

    def poll(self, timeout: float) -> list[Record]:
        polled = run(self.consumer.getmany(timeout_ms=int(timeout * 1000), max_records=500))
        return [record_of(message) for messages in polled.values() for message in messages]

    def partitions(self, topic: str) -> list[int]:
        # What the consumer's own partitions_for_topic knows depends on what it reads already.
        metadata = run(self.consumer._client.fetch_all_metadata())
        return sorted(metadata.partitions_for_topic(topic) or ())

    def beginning(self, places: Sequence[Place]) -> dict[Place, int]:
        return self._offsets(self.consumer.beginning_offsets, places)

    def end(self, places: Sequence[Place]) -> dict[Place, int]:
        return self._offsets(self.consumer.end_offsets, places)

    @staticmethod
    def _offsets(ask: Callable[[Any], Any], places: Sequence[Place]) -> dict[Place, int]:
        answer = run(ask([TopicPartition(*place) for place in places]))
        return {(part.topic, part.partition): offset for part, offset in answer.items()}

    def at_end(self, ends: Mapping[Place, int]) -> bool:
        return all(
            run(self.consumer.position(TopicPartition(*place))) >= end
            for place, end in ends.items()
        )

    def assignment(self) -> set[Place]:
        return {(part.topic, part.partition) for part in self.consumer.assignment()}

    def commit(self, offsets: Mapping[Place, Committed] | None) -> None:
        if not self.consumer.assignment() and offsets is not None:
            # It commits only what is assigned to it.
            run(self._assign({place: entry.offset for place, entry in offsets.items()}))
        run(self.consumer.commit(None if offsets is None else offsets_of(offsets)))

    def committed(self, places: Sequence[Place]) -> dict[Place, Committed]:
        answers = {}
        for place in places:
            offset = run(self.consumer.committed(TopicPartition(*place)))
            answers[place] = Committed(-1 if offset is None else offset, None)
        return answers

    def offsets_for_times(self, times: Mapping[Place, int]) -> dict[Place, int]:
        asked = {TopicPartition(*place): time for place, time in times.items()}
        answers = run(self.consumer.offsets_for_times(asked))
        return {
            (part.topic, part.partition): -1 if found is None else found.offset
            for part, found in answers.items()
        }

    def close(self) -> None:
        run(self.consumer.stop())


def offsets_of(offsets: Mapping[Place, Committed]) -> dict[TopicPartition, Any]:
    return {
        TopicPartition(*place): OffsetAndMetadata(entry.offset, entry.metadata or "")
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


class AiokafkaLibrary:
    def producer(self, bootstrap: str, settings: Settings) -> library.Producer:
        return AiokafkaProducer(bootstrap, settings)

    def consumer(self, bootstrap: str, settings: Settings) -> library.Consumer:
        return AiokafkaConsumer(bootstrap, settings)

    def admin(self, bootstrap: str) -> AiokafkaAdmin:
        return AiokafkaAdmin(bootstrap, run)

    def describe(self, error: BaseException) -> tuple[int | None, str]:
        return describe(error)


LIBRARY = AiokafkaLibrary()
