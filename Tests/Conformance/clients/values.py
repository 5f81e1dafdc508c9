"""What goes between the cases and the workers, in every environment's Python."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: A topic and one of its partitions.
Place = tuple[str, int]
#: Settings by Apache Kafka's names, such as "compression.type"; each library translates them.
Settings = dict[str, object]


class ClientError(Exception):
    """An error that a library reported: Kafka's code when it has one, else the library's own."""

    def __init__(self, code: int | None, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"error {self.code}: {self.text}"


class Unsupported(Exception):
    """The library, in this version, cannot do what was asked: a limit of the client."""


@dataclass(frozen=True)
class Record:
    """A record to send, or one that was read: then partition, offset and timestamp are set."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None
    timestamp: int | None = None
    offset: int = -1
    topic: str = ""

    def content(self) -> Record:
        """What must be equal wherever the record is read."""
        return replace(self, partition=None, timestamp=None, offset=-1, topic="")


@dataclass(frozen=True)
class Sent:
    """What became of a record: its place, or the error that its producer was told."""

    partition: int = -1
    offset: int = -1
    error: ClientError | None = None


@dataclass(frozen=True)
class Committed:
    """An offset that a group has committed; -1 when there is none."""

    offset: int
    metadata: str | None = ""
    leader_epoch: int | None = None


@dataclass(frozen=True)
class MemberState:
    """What a member of a group has seen so far."""

    assignment: frozenset[Place]
    #: Assignments so far: grows with each rebalance.
    generations: int
    received: int
    errors: tuple[ClientError, ...]


@dataclass(frozen=True)
class ConfigEntry:
    """A setting of a topic: its value and where it is from (1 the topic, 5 the default)."""

    value: str | None
    source: int | None


@dataclass(frozen=True)
class GroupDescription:
    """A group as an AdminClient describes it; the state as Kafka spells it."""

    state: str
    member_count: int
