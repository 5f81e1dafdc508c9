"""C66 to C70: committed offsets, their metadata, and groups as administrators see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Struct
from raw.client import Client
from raw.member import (
    Connect,
    Member,
    assignment_of,
    commit_offsets,
    describe,
    fetch_offset,
    form,
    subscription,
)

pytestmark = pytest.mark.quick
MAXIMUM_METADATA = 4096


@pytest.fixture
def group(unique: Callable[[str], str]) -> str:
    return unique("group")


def fetch(
    client: Client, version: int, group: str, topic: str | None, *partitions: int
) -> list[Struct]:
    """The partitions of one topic in any version; of all topics if `topic` is None."""
    topics = None if topic is None else [{"name": topic, "partitionIndexes": list(partitions)}]
    if version >= 8:
        groups = [{"groupId": group, "topics": topics}]
        answer = client.call("OffsetFetch", version, groups=groups).groups[0]
    else:
        answer = client.call("OffsetFetch", version, groupId=group, topics=topics)
    assert answer.get("errorCode", 0) == ErrorCode.NONE
    return [each for found in answer.topics for each in found.partitions]


@pytest.mark.parametrize("version", range(2, 10))
def test_c66_offset_and_metadata_come_back_in_every_version(
    client: Client, topic: str, group: str, version: int
) -> None:
    metadata = "größe 7"
    codes = commit_offsets(client, group, {(topic, 0): (42, metadata)}, version)
    assert codes == {(topic, 0): ErrorCode.NONE}
    for fetched in range(1, 10):
        (found,) = fetch(client, fetched, group, topic, 0)
        assert (found.errorCode, found.committedOffset) == (ErrorCode.NONE, 42)
        assert found.metadata == metadata
        assert found.get("committedLeaderEpoch", -1) == -1


def test_c66_the_leader_epoch_comes_back_as_it_was_committed(
    client: Client, topic: str, group: str
) -> None:
    partition = {
        "partitionIndex": 0,
        "committedOffset": 5,
        "committedLeaderEpoch": 3,
        "committedMetadata": None,
    }
    for version in range(6, 10):
        client.call(
            "OffsetCommit",
            version,
            groupId=group,
            topics=[{"name": topic, "partitions": [partition]}],
        )
        assert fetch_offset(client, group, topic).committedLeaderEpoch == 3


def test_c66_metadata_has_a_limit_and_null_becomes_empty(
    client: Client, new_topic: Callable[..., str], group: str
) -> None:
    topic = new_topic(3)
    codes = commit_offsets(
        client,
        group,
        {
            (topic, 0): (1, "x" * MAXIMUM_METADATA),
            (topic, 1): (2, "x" * (MAXIMUM_METADATA + 1)),
            (topic, 2): (3, None),
        },
    )
    assert list(codes.values()) == [0, ErrorCode.OFFSET_METADATA_TOO_LARGE, 0]
    assert fetch_offset(client, group, topic, 0).metadata == "x" * MAXIMUM_METADATA
    assert fetch_offset(client, group, topic, 1).committedOffset == -1
    assert fetch_offset(client, group, topic, 2).metadata == ""


def test_c66_an_unknown_partition_is_refused_and_the_others_are_kept(
    client: Client, topic: str, group: str, unique: Callable[[str], str]
) -> None:
    missing = unique("missing")
    codes = commit_offsets(
        client, group, {(topic, 0): (1, ""), (topic, 7): (2, ""), (missing, 0): (3, "")}
    )
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert codes == {(topic, 0): ErrorCode.NONE, (topic, 7): unknown, (missing, 0): unknown}
    assert fetch_offset(client, group, topic).committedOffset == 1


def test_c67_a_simple_consumer_commits_without_a_group_and_is_refused_while_there_are_members(
    connect: Connect, topic: str, group: str
) -> None:
    client = connect()
    assert commit_offsets(client, group, {(topic, 0): (1, "")}) == {(topic, 0): ErrorCode.NONE}
    described = describe(client, group)
    assert (described.groupState, described.protocolType) == ("Empty", "")
    member = Member(connect(), group)
    form([member])
    refused = commit_offsets(client, group, {(topic, 0): (2, "")})
    assert refused == {(topic, 0): ErrorCode.UNKNOWN_MEMBER_ID}
    assert fetch_offset(client, group, topic).committedOffset == 1
    assert member.leave() == ErrorCode.NONE
    assert commit_offsets(client, group, {(topic, 0): (3, "")}) == {(topic, 0): ErrorCode.NONE}
    assert fetch_offset(client, group, topic).committedOffset == 3


def test_c67_a_group_without_a_name_may_have_offsets(client: Client, topic: str) -> None:
    assert commit_offsets(client, "", {(topic, 0): (1, "")}) == {(topic, 0): ErrorCode.NONE}
    assert fetch_offset(client, "", topic).committedOffset == 1


def test_c67_members_commit_in_their_generation_only(
    connect: Connect, topic: str, group: str
) -> None:
    member = Member(connect(), group)
    member.join()
    assert member.commit(topic, 1) == ErrorCode.REBALANCE_IN_PROGRESS, "CompletingRebalance"
    member.sync({member.id: b""})
    assert member.commit(topic, 1) == ErrorCode.NONE
    member.generation += 1
    assert member.commit(topic, 2) == ErrorCode.ILLEGAL_GENERATION
    member.generation -= 1
    known, member.id = member.id, "stranger"
    assert member.commit(topic, 2) == ErrorCode.UNKNOWN_MEMBER_ID
    member.id = known
    assert fetch_offset(member.client, group, topic).committedOffset == 1


def test_c68_offsets_generation_and_members_survive_kill_9(broker_process: BrokerProcess) -> None:
    address, topic, group = broker_process.bootstrap, "kept", "kept"
    with Client(address) as one, Client(address) as two:
        one.create_topic(topic, 3)
        leader, follower = Member(one, group), Member(two, group, instance="static")
        form([leader, follower])
        for offset in range(50):
            assert leader.commit(topic, offset, f"at {offset}", partition=offset % 3) == 0
        commit_offsets(one, "simple", {(topic, 0): (7, "simple")})
    broker_process.restart(kill=True)
    with Client(address) as one, Client(address) as two:
        for partition, offset in ((0, 48), (1, 49), (2, 47)):
            found = fetch_offset(one, group, topic, partition)
            assert (found.committedOffset, found.metadata) == (offset, f"at {offset}")
        assert fetch_offset(one, "simple", topic).committedOffset == 7
        leader.client, follower.client = one, two
        for member in (leader, follower):
            assert member.heartbeat() == ErrorCode.NONE, "no rebalance after a quick restart"
            assert member.sync().assignment == assignment_of(member)
        assert leader.commit(topic, 100) == ErrorCode.NONE
        described = describe(one, group)
        assert described.groupState == "Stable" and len(described.members) == 2


@pytest.mark.parametrize("version", range(2, 10))
def test_c69_null_topics_ask_for_all_that_was_committed(
    client: Client, new_topic: Callable[..., str], group: str, version: int
) -> None:
    topic = new_topic(3)
    commit_offsets(client, group, {(topic, index): (index + 10, "") for index in (0, 2)})
    found = {each.partitionIndex: each for each in fetch(client, version, group, None)}
    assert {index: each.committedOffset for index, each in found.items()} == {0: 10, 2: 12}
    assert fetch(client, version, group + "-unknown", None) == []


@pytest.mark.parametrize("version", range(1, 10))
def test_c69_what_was_not_committed_is_minus_1_without_error(
    client: Client, topic: str, group: str, version: int
) -> None:
    for name in (topic, "no-such-topic"):
        (found,) = fetch(client, version, group, name, 0)
        assert (found.committedOffset, found.errorCode) == (-1, ErrorCode.NONE)
        assert found.metadata == "" and found.get("committedLeaderEpoch", -1) == -1


@pytest.mark.parametrize("version", [8, 9])
def test_c69_several_groups_in_one_request(
    client: Client, topic: str, group: str, version: int
) -> None:
    names = [f"{group}-{number}" for number in range(3)]
    for number, name in enumerate(names):
        commit_offsets(client, name, {(topic, 0): (number, "")})
    wanted = [{"name": topic, "partitionIndexes": [0]}]
    groups = [{"groupId": name, "topics": wanted} for name in reversed(names)]
    groups.append({"groupId": names[0], "topics": None})  # type: ignore[dict-item]
    answer = client.call("OffsetFetch", version, groups=groups[:3])
    found = {each.groupId: each.topics[0].partitions[0].committedOffset for each in answer.groups}
    assert found == {name: number for number, name in enumerate(names)}
    assert [each.groupId for each in answer.groups] == list(reversed(names))


def test_c70_only_empty_groups_are_deleted(connect: Connect, topic: str, group: str) -> None:
    client = connect()
    member = Member(connect(), group)
    form([member])
    member.commit(topic, 5)
    names = [group, group + "-unknown"]
    answer = client.ask("DeleteGroups", groupsNames=names)
    codes = {each.groupId: each.errorCode for each in answer.results}
    assert codes == {names[0]: ErrorCode.NON_EMPTY_GROUP, names[1]: ErrorCode.GROUP_ID_NOT_FOUND}
    member.leave()
    answer = client.ask("DeleteGroups", groupsNames=[group])
    assert answer.results[0].errorCode == ErrorCode.NONE
    assert fetch_offset(client, group, topic).committedOffset == -1
    assert describe(client, group).groupState == "Dead"


@pytest.mark.parametrize("version", range(6))
def test_c70_an_unknown_group_is_described_as_dead(
    client: Client, group: str, version: int
) -> None:
    (described,) = client.call("DescribeGroups", version, groups=[group]).groups
    assert (described.errorCode, described.groupState) == (ErrorCode.NONE, "Dead")
    assert (described.groupId, described.members) == (group, [])


def test_c70_offsets_of_subscribed_topics_are_not_deleted(
    connect: Connect, new_topic: Callable[..., str], group: str
) -> None:
    used, unused = new_topic(), new_topic()
    protocols = (("range", subscription(used)),)
    member = Member(connect(), group, protocols=protocols)
    form([member])
    for topic in (used, unused):
        assert member.commit(topic, 3) == ErrorCode.NONE

    def delete(name: str) -> Struct:
        topics = [{"name": each, "partitions": [{"partitionIndex": 0}]} for each in (used, unused)]
        return member.client.ask("OffsetDelete", groupId=name, topics=topics)

    answer = delete(group)
    assert answer.errorCode == ErrorCode.NONE
    codes = {each.name: each.partitions[0].errorCode for each in answer.topics}
    assert codes == {used: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, unused: ErrorCode.NONE}
    assert fetch_offset(member.client, group, used).committedOffset == 3
    assert fetch_offset(member.client, group, unused).committedOffset == -1
    assert delete(group + "-unknown").errorCode == ErrorCode.GROUP_ID_NOT_FOUND
    member.leave()
    assert {each.partitions[0].errorCode for each in delete(group).topics} == {ErrorCode.NONE}


def test_c70_offsets_of_other_kinds_of_groups_with_members_are_not_deleted(
    connect: Connect, topic: str, group: str
) -> None:
    member = Member(connect(), group, protocol_type="connect")
    form([member])
    member.commit(topic, 3)
    topics = [{"name": topic, "partitions": [{"partitionIndex": 0}]}]
    answer = member.client.ask("OffsetDelete", groupId=group, topics=topics)
    assert answer.errorCode == ErrorCode.NON_EMPTY_GROUP


def test_c70_groups_are_listed_by_state_and_type(connect: Connect, topic: str, group: str) -> None:
    client = connect()
    empty = group + "-empty"
    commit_offsets(client, empty, {(topic, 0): (1, "")})
    form([Member(connect(), group)])

    def listed(**filters: list[str]) -> dict[str, tuple[str, str]]:
        answer = client.ask("ListGroups", **filters)
        assert answer.errorCode == ErrorCode.NONE
        return {
            each.groupId: (each.groupState, each.groupType)
            for each in answer.groups
            if each.groupId.startswith(group)
        }

    everything = {group: ("Stable", "classic"), empty: ("Empty", "classic")}
    assert listed() == listed(typesFilter=["Classic"]) == everything
    assert set(listed(statesFilter=["stable"])) == {group}
    assert set(listed(statesFilter=["Empty", "Dead"])) == {empty}
    assert listed(typesFilter=["consumer"]) == {}


def test_c70_a_deleted_topic_takes_its_offsets_with_it(
    client: Client, group: str, unique: Callable[[str], str]
) -> None:
    topic = client.create_topic(unique("deleted"))
    commit_offsets(client, group, {(topic, 0): (1, "")})
    client.delete_topics([topic])
    client.create_topic(topic)
    assert fetch_offset(client, group, topic).committedOffset == -1
    client.delete_topics([topic])
