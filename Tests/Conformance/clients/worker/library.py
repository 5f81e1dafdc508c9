"""What a client library is asked to do: the same for all, so that each case is written once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from clients.values import ClientError, Committed, Place, Record, Sent, Settings


class Producer(Protocol):
    def send(self, topic: str, records: Sequence[Record], timeout: float) -> list[Sent]:
        """Sends records, waits, and returns what became of each."""

    def init_transactions(self, timeout: float) -> None: ...
    def begin(self) -> None: ...
    def commit(self, timeout: float) -> None: ...
    def abort(self, timeout: float) -> None: ...

    def send_offsets(
        self, offsets: Mapping[Place, Committed], consumer: Consumer | None, group: str
    ) -> None:
        """Adds offsets to the transaction: as the consumer, a member, or for a group by name."""

    def close(self) -> None:
        """Gives up at once what is under way."""


class Consumer(Protocol):
    def assign(self, positions: Mapping[Place, int]) -> None:
        """Reads these partitions from these offsets."""

    def subscribe(self, topics: Sequence[str], on_assignment: Callable[[], None]) -> None:
        """Joins the group for topics, or for a pattern that begins with ^."""

    def poll(self, timeout: float) -> list[Record]: ...
    def partitions(self, topic: str) -> list[int]: ...
    def beginning(self, places: Sequence[Place]) -> dict[Place, int]: ...

    def end(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where the readable part of each partition ends now."""

    def at_end(self, ends: Mapping[Place, int]) -> bool:
        """Whether all up to these offsets has been polled, control records included."""

    def assignment(self) -> set[Place]: ...
    def commit(self, offsets: Mapping[Place, Committed] | None) -> None: ...
    def committed(self, places: Sequence[Place]) -> dict[Place, Committed]: ...
    def offsets_for_times(self, times: Mapping[Place, int]) -> dict[Place, int]: ...

    def close(self) -> None:
        """Leaves the group."""


class Library(Protocol):
    def producer(self, bootstrap: str, settings: Settings) -> Producer: ...
    def consumer(self, bootstrap: str, settings: Settings) -> Consumer: ...
    def admin(self, bootstrap: str) -> object: ...

    def describe(self, error: BaseException) -> tuple[int | None, str]:
        """Kafka's code of an exception, if it has one, and its text."""


def underscored(settings: Settings) -> Settings:
    """Settings as the pure Python libraries name them."""
    translation = {name.replace(".", "_"): value for name, value in settings.items()}
    if translation.get("compression_type") == "none":
        del translation["compression_type"]
    return translation


def client_error(library: Library, error: BaseException) -> ClientError:
    """The error as cases know it, whichever library raised it."""
    return error if isinstance(error, ClientError) else ClientError(*library.describe(error))
