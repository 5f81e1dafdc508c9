"""A consumer outside groups that reads partitions to their end."""

from __future__ import annotations

import time
from collections import Counter

from clients.values import ClientError, Committed, Place, Record
from clients.worker.library import Consumer


class Reader:
    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer

    def read(
        self, topic: str, start: dict[int, int] | None = None, timeout: float = 30
    ) -> list[Record]:
        """Every record from the given offsets (else the first) to what is the end now."""
        received: list[Record] = []
        self._read(topic, start, timeout, received.extend)
        return received

    def count_numbered(self, topic: str, expected: int, timeout: float) -> dict[str, object]:
        """Reads until `expected` records of `send_numbered` came, and checks their order.

        Returns how many came, how many of each label, and the first disorder if there is one.
        """
        partitions = self.consumer.partitions(topic)
        self.consumer.assign({(topic, partition): 0 for partition in partitions})
        last: dict[tuple[str, int], int] = {}
        counts: Counter[str] = Counter()
        deadline = time.monotonic() + timeout
        while counts.total() < expected and time.monotonic() < deadline:
            for record in self.consumer.poll(0.5):
                assert record.value is not None and record.partition is not None
                label, number = record.value.split(b":")[:2]
                stream = label.decode(), record.partition
                # A disorder is a duplicate, a loss or a swap: numbers go up by the partitions.
                expected_number = last.get(stream, record.partition - len(partitions)) + len(
                    partitions
                )
                if int(number) != expected_number:
                    text = f"{stream}: {int(number)} after {last.get(stream)}"
                    return {"count": counts.total(), "labels": dict(counts), "disorder": text}
                last[stream] = int(number)
                counts[stream[0]] += 1
        return {"count": counts.total(), "labels": dict(counts), "disorder": None}

    def follow(self, topic: str, start: dict[int, int]) -> None:
        """Begins to read from these offsets; `take` returns what comes."""
        self.consumer.assign({(topic, partition): at for partition, at in start.items()})

    def take(self, count: int, timeout: float = 30) -> list[Record]:
        """Up to `count` records, as soon as they are there; fewer after the timeout."""
        received: list[Record] = []
        deadline = time.monotonic() + timeout
        while len(received) < count and time.monotonic() < deadline:
            received += self.consumer.poll(min(0.5, max(0.001, deadline - time.monotonic())))
        return received

    def partitions(self, topic: str) -> list[int]:
        return self.consumer.partitions(topic)

    def beginning(self, places: list[Place]) -> dict[Place, int]:
        return self.consumer.beginning(places)

    def end(self, places: list[Place]) -> dict[Place, int]:
        return self.consumer.end(places)

    def commit(self, offsets: dict[Place, Committed]) -> None:
        self.consumer.commit(offsets)

    def committed(self, places: list[Place]) -> dict[Place, Committed]:
        return self.consumer.committed(places)

    def offsets_for_times(self, times: dict[Place, int]) -> dict[Place, int]:
        return self.consumer.offsets_for_times(times)

    def close(self) -> None:
        self.consumer.close()

    def _read(self, topic: str, start: dict[int, int] | None, timeout: float, keep) -> None:
        deadline = time.monotonic() + timeout
        partitions = [(topic, number) for number in self.consumer.partitions(topic)]
        assert partitions, f"no partitions of {topic}"
        if start is None:
            positions = self.consumer.beginning(partitions)
        else:
            positions = {(topic, number): offset for number, offset in start.items()}
        ends = self.consumer.end(list(positions))
        self.consumer.assign(positions)
        waiting = {place: end for place, end in ends.items() if end > positions[place]}
        while waiting and not self.consumer.at_end(waiting):
            if time.monotonic() > deadline:
                raise ClientError(None, f"not at {waiting} in {timeout} s")
            keep(self.consumer.poll(0.2))
