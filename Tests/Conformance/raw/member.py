"""A member of a consumer group that does each step of the protocol when told to."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

from kafka_codec import ErrorCode, Struct
from raw.client import Client, wait_for
from raw.ranges import latest

Protocols = tuple[tuple[str, bytes], ...]
RANGE: Protocols = (("range", b"\x00\x00metadata"),)


def subscription(*topics: str) -> bytes:
    """What a consumer tells its group: version 0, topics, no data of its own."""
    encoded = b"".join(struct.pack(">h", len(name)) + name.encode() for name in topics)
    return struct.pack(">hi", 0, len(topics)) + encoded + struct.pack(">i", -1)


class Member:
    """One connection, one member id; timeouts in milliseconds."""

    def __init__(
        self,
        client: Client,
        group: str,
        *,
        instance: str | None = None,
        session: int = 10_000,
        rebalance: int = 10_000,
        protocols: Protocols = RANGE,
        protocol_type: str = "consumer",
    ) -> None:
        self.client = client
        self.group = group
        self.instance = instance
        self.session = session
        self.rebalance = rebalance
        self.protocols = protocols
        self.protocol_type = protocol_type
        self.id = ""
        self.generation = -1
        self.joined: Struct | None = None

    @property
    def is_leader(self) -> bool:
        return self.joined is not None and self.joined.leader == self.id

    def instance_field(self, since: int, version: int) -> dict[str, Any]:
        return {"groupInstanceId": self.instance} if version >= since else {}

    # Joining

    def send_join(self, version: int = latest("JoinGroup")) -> None:
        timeout = {"rebalanceTimeoutMs": self.rebalance} if version >= 1 else {}
        self.client.send(
            "JoinGroup",
            version,
            groupId=self.group,
            sessionTimeoutMs=self.session,
            memberId=self.id,
            protocolType=self.protocol_type,
            protocols=[{"name": name, "metadata": data} for name, data in self.protocols],
            **timeout,
            **self.instance_field(5, version),
        )

    def receive_join(self) -> Struct:
        answer = self.client.receive()
        if answer.errorCode in (ErrorCode.NONE, ErrorCode.MEMBER_ID_REQUIRED):
            self.id = answer.memberId
        if answer.errorCode == ErrorCode.NONE:
            self.generation = answer.generationId
            self.joined = answer
        return answer

    def ask_join(self, version: int = latest("JoinGroup")) -> Struct:
        """One round: the answer may be an error."""
        self.send_join(version)
        return self.receive_join()

    def obtain_id(self) -> None:
        """Gets the id that a dynamic member joins with from version 4 on."""
        if self.id == "" and self.instance is None:
            assert self.ask_join().errorCode == ErrorCode.MEMBER_ID_REQUIRED

    def join(self) -> Struct:
        """Joins with both rounds; must be accepted."""
        self.obtain_id()
        answer = self.ask_join()
        assert answer.errorCode == ErrorCode.NONE, answer
        return answer

    # Being a member

    def send_sync(
        self, assignments: dict[str, bytes] | None = None, version: int = latest("SyncGroup")
    ) -> None:
        names = {}
        if version >= 5:
            names = {"protocolType": self.protocol_type, "protocolName": self.protocol_name}
        self.client.send(
            "SyncGroup",
            version,
            groupId=self.group,
            generationId=self.generation,
            memberId=self.id,
            assignments=[
                {"memberId": member, "assignment": data}
                for member, data in (assignments or {}).items()
            ],
            **names,
            **self.instance_field(3, version),
        )

    @property
    def protocol_name(self) -> str | None:
        if self.joined is None:
            return self.protocols[0][0]
        name: str | None = self.joined.protocolName
        return name

    def sync(
        self, assignments: dict[str, bytes] | None = None, version: int = latest("SyncGroup")
    ) -> Struct:
        self.send_sync(assignments, version)
        return self.client.receive()

    def heartbeat(self, version: int = latest("Heartbeat")) -> int:
        answer = self.client.call(
            "Heartbeat",
            version,
            groupId=self.group,
            generationId=self.generation,
            memberId=self.id,
            **self.instance_field(3, version),
        )
        code: int = answer.errorCode
        return code

    def leave(self) -> int:
        identity = {"memberId": self.id, "groupInstanceId": self.instance}
        answer = self.client.ask("LeaveGroup", groupId=self.group, members=[identity])
        assert answer.errorCode == ErrorCode.NONE
        code: int = answer.members[0].errorCode
        return code

    def commit(self, topic: str, offset: int, metadata: str | None = "", partition: int = 0) -> int:
        """Commits one offset and returns the partition's error code."""
        codes = commit_offsets(
            self.client,
            self.group,
            {(topic, partition): (offset, metadata)},
            generationIdOrMemberEpoch=self.generation,
            memberId=self.id,
            groupInstanceId=self.instance,
        )
        return codes[topic, partition]


def commit_offsets(
    client: Client,
    group: str,
    offsets: dict[tuple[str, int], tuple[int, str | None]],
    version: int = latest("OffsetCommit"),
    **fields: Any,
) -> dict[tuple[str, int], int]:
    """Commits offsets with their metadata and returns the error code of each partition."""
    topics: dict[str, list[dict[str, Any]]] = {}
    for (topic, index), (offset, metadata) in offsets.items():
        topics.setdefault(topic, []).append(
            {"partitionIndex": index, "committedOffset": offset, "committedMetadata": metadata}
        )
    named = [{"name": topic, "partitions": entries} for topic, entries in topics.items()]
    answer = client.call("OffsetCommit", version, groupId=group, topics=named, **fields)
    return {
        (topic.name, each.partitionIndex): each.errorCode
        for topic in answer.topics
        for each in topic.partitions
    }


def fetch_offset(
    client: Client, group: str, topic: str, partition: int = 0, *, stable: bool = False
) -> Struct:
    """The committed offset of one partition."""
    topics = [{"name": topic, "partitionIndexes": [partition]}]
    groups = [{"groupId": group, "topics": topics}]
    answer = client.ask("OffsetFetch", groups=groups, requireStable=stable)
    assert answer.groups[0].errorCode == ErrorCode.NONE
    found: Struct = answer.groups[0].topics[0].partitions[0]
    return found


def describe(client: Client, group: str) -> Struct:
    answer = client.ask("DescribeGroups", groups=[group])
    described: Struct = answer.groups[0]
    return described


def assignment_of(member: Member) -> bytes:
    """What `form` gives a member."""
    return b"for " + member.id.encode()


def rejoin(members: Iterable[Member]) -> None:
    """Lets all members join the rebalance that is under way, and sync."""
    everyone = list(members)
    for member in everyone:
        member.send_join()
    for member in everyone:
        answer = member.receive_join()
        assert answer.errorCode == ErrorCode.NONE, answer
    assign(everyone)


def assign(members: Iterable[Member]) -> None:
    """Syncs all members; the leader brings everyone's assignment."""
    everyone = list(members)
    for member in everyone:
        brought = {each.id: assignment_of(each) for each in everyone} if member.is_leader else None
        member.send_sync(brought)
    for member in everyone:
        answer = member.client.receive()
        assert answer.errorCode == ErrorCode.NONE, answer
        assert answer.assignment == assignment_of(member)


def form(members: Iterable[Member]) -> None:
    """Makes a stable group of new members; the first one is its leader."""
    first, *others = members
    first.join()
    for member in others:
        member.obtain_id()
        member.send_join()
    if not others:
        assign([first])
        return
    wait_for(
        lambda: len(describe(first.client, first.group).members) == 1 + len(others),
        "the joins have arrived",
    )
    first.send_join()
    for member in (first, *others):
        answer = member.receive_join()
        assert answer.errorCode == ErrorCode.NONE, answer
    assign([first, *others])


Connect = Callable[[], Client]
