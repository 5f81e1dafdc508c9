"""Consume, transform, produce: exactly once, with transactions that hold the offsets too."""

from __future__ import annotations

import threading
import time

from clients.values import ClientError, Committed, Place, Record
from clients.worker.library import Consumer, Library, Producer, client_error


class Pipeline:
    """Reads a topic as a member of a group and writes f(value) to another, until closed.

    After any error it begins anew from what is committed, as a program does that restarts.
    """

    def __init__(
        self, library: Library, bootstrap: str, source: str, target: str, identity: str
    ) -> None:
        self.library = library
        self.bootstrap = bootstrap
        self.source = source
        self.target = target
        self.identity = identity
        self.committed = 0
        self.errors: list[ClientError] = []
        self.closing = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def progress(self) -> tuple[int, list[ClientError]]:
        """Records in committed transactions of this process, and the last errors."""
        return self.committed, self.errors[-5:]

    def close(self) -> None:
        self.closing = True
        self.thread.join(30)

    def _run(self) -> None:
        while not self.closing:
            try:
                self._work()
            except Exception as error:
                self.errors.append(client_error(self.library, error))
                del self.errors[:-100]
                time.sleep(0.2)

    def _work(self) -> None:
        producer = self.library.producer(
            self.bootstrap, {"transactional.id": self.identity, "transaction.timeout.ms": 30_000}
        )
        try:
            producer.init_transactions(30)
            settings = {
                "group.id": self.identity,
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 500,
                "isolation.level": "read_committed",
            }
            consumer = self.library.consumer(self.bootstrap, settings)
            try:
                consumer.subscribe([self.source], lambda: None)
                while not self.closing:
                    batch = consumer.poll(0.2)
                    if batch:
                        self._transact(producer, consumer, batch)
            finally:
                consumer.close()
        finally:
            producer.close()

    def _transact(self, producer: Producer, consumer: Consumer, batch: list[Record]) -> None:
        producer.begin()
        results = [
            Record(b"f(" + (record.value or b"") + b")", partition=record.partition)
            for record in batch
        ]
        for sent in producer.send(self.target, results, 20):
            if sent.error is not None:
                raise sent.error
        positions: dict[Place, Committed] = {}
        for record in batch:
            assert record.partition is not None
            positions[record.topic, record.partition] = Committed(record.offset + 1)
        producer.send_offsets(positions, consumer, self.identity)
        producer.commit(20)
        self.committed += len(batch)
