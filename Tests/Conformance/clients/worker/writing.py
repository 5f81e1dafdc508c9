"""A producer that cases drive: records they give, or numbered records that it makes up."""

from __future__ import annotations

from collections.abc import Mapping

from clients.values import Committed, Place, Record, Sent
from clients.worker.library import Producer


class Writer:
    def __init__(self, producer: Producer) -> None:
        self.producer = producer

    def send(self, topic: str, records: list[Record], timeout: float = 30) -> list[Sent]:
        """Sends records and returns what became of each."""
        return self.producer.send(topic, records, timeout)

    def send_numbered(
        self, topic: str, label: str, partitions: int, count: int, size: int = 0, step: int = 500
    ) -> list[str]:
        """Sends `label:0`, `label:1`, … in turn to the partitions; returns errors.

        Partition p gets the numbers n with n % partitions = p, in order.
        """
        errors: list[str] = []
        for start in range(0, count, step):
            numbers = range(start, min(count, start + step))
            records = [
                Record(f"{label}:{n}:".encode().ljust(size, b"."), partition=n % partitions)
                for n in numbers
            ]
            for number, sent in zip(numbers, self.producer.send(topic, records, 60)):
                if sent.error is not None:
                    errors.append(f"{label}:{number}: {sent.error}")
        return errors

    def init_transactions(self, timeout: float = 30) -> None:
        self.producer.init_transactions(timeout)

    def begin(self) -> None:
        self.producer.begin()

    def commit(self, timeout: float = 30) -> None:
        self.producer.commit(timeout)

    def abort(self, timeout: float = 30) -> None:
        self.producer.abort(timeout)

    def send_offsets(self, offsets: Mapping[Place, Committed], group: str) -> None:
        """Adds offsets to the transaction for a group in which this process is no member."""
        self.producer.send_offsets(offsets, None, group)

    def close(self) -> None:
        self.producer.close()
