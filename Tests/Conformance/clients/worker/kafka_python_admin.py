"""kafka-python's AdminClient: the one of 2.x, and the one of 3.x with other names and results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import kafka
from kafka import errors
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.structs import TopicPartition

from clients.values import ClientError, Committed, ConfigEntry, GroupDescription, Place, Unsupported


def check(code: int, text: object) -> None:
    if code != 0:
        raise ClientError(code, str(text))


class KafkaPythonAdmin2:
    """Most of its answers are the broker's response, errors included."""

    def __init__(self, bootstrap: str) -> None:
        self.admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)

    def create_topic(
        self,
        topic: str,
        partitions: int = 1,
        replication: int = 1,
        configs: Mapping[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        new = NewTopic(topic, partitions, replication, topic_configs=dict(configs or {}))
        self.admin.create_topics([new], validate_only=validate_only)

    def delete_topic(self, topic: str) -> None:
        self.admin.delete_topics([topic])

    def topics(self) -> dict[str, int]:
        """The number of partitions of each topic."""
        found = self.admin.describe_topics()
        return {entry[name_key(entry)]: len(entry["partitions"]) for entry in found}

    def create_partitions(self, topic: str, count: int, validate_only: bool = False) -> None:
        new = {topic: NewPartitions(count)}
        self.admin.create_partitions(new, validate_only=validate_only)

    def topic_configs(self, topic: str) -> dict[str, ConfigEntry]:
        (answer,) = self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        (resource,) = answer.resources
        check(resource[0], resource[1])
        return {entry[0]: ConfigEntry(entry[1], entry[3]) for entry in resource[4]}

    def alter_configs(self, topic: str, configs: Mapping[str, str]) -> None:
        """Replaces the topic's whole set of settings."""
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(configs))
        for answer in self.admin.alter_configs([resource]).resources:
            check(answer[0], answer[1])

    def alter_incrementally(
        self, topic: str, changes: Mapping[str, tuple[str, str | None]]
    ) -> None:
        raise Unsupported("has no IncrementalAlterConfigs")

    def delete_records(self, offsets: Mapping[Place, int]) -> dict[Place, int]:
        """Removes what is before the offsets (-1: everything); returns the new starts."""
        if not hasattr(self.admin, "delete_records"):
            raise Unsupported("its AdminClient has no delete_records")
        asked = {TopicPartition(*place): offset for place, offset in offsets.items()}
        answers = self.admin.delete_records(asked)
        return {(part.topic, part.partition): a["low_watermark"] for part, a in answers.items()}

    def groups(self) -> set[str]:
        return {name for name, _ in self.admin.list_consumer_groups()}

    def describe_group(self, group: str) -> GroupDescription:
        (found,) = self.admin.describe_consumer_groups([group])
        check(found.error_code, found)
        return GroupDescription(found.state, len(found.members))

    def delete_group(self, group: str) -> None:
        for _, error in self.admin.delete_consumer_groups([group]):
            check(error.errno, error.__name__)

    def group_offsets(self, group: str) -> dict[Place, Committed]:
        return committed_of(self.admin.list_consumer_group_offsets(group))

    def delete_group_offsets(self, group: str, places: list[Place]) -> None:
        raise Unsupported("has no OffsetDelete")

    def close(self) -> None:
        self.admin.close()


class KafkaPythonAdmin3(KafkaPythonAdmin2):
    """What 3.0 does in another way."""

    def topic_configs(self, topic: str) -> dict[str, ConfigEntry]:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self.admin.describe_configs([resource], config_filter="all")["topic"][topic]
        # The answer's error is thrown away on the way here.
        check(0 if found else -1, f"no settings of {topic}")
        sources = {"DYNAMIC_TOPIC_CONFIG": 1, "DEFAULT_CONFIG": 5, "STATIC_BROKER_CONFIG": 4}
        return {
            name: ConfigEntry(entry["value"], sources[entry["config_source"]])
            for name, entry in found.items()
        }

    def alter_configs(self, topic: str, configs: Mapping[str, str]) -> None:
        raise Unsupported("adds the settings that it was not given to those of AlterConfigs")

    def alter_incrementally(
        self, topic: str, changes: Mapping[str, tuple[str, str | None]]
    ) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(changes))
        answers = self.admin.alter_configs([resource], raise_on_unknown=False, incremental=True)
        raise_named([answers["topic"][topic]])

    def delete_records(self, offsets: Mapping[Place, int]) -> dict[Place, int]:
        asked = {TopicPartition(*place): offset for place, offset in offsets.items()}
        answers = self.admin.delete_records(asked)
        return {(part.topic, part.partition): a["low_watermark"] for part, a in answers.items()}

    def groups(self) -> set[str]:
        return {group["group_id"] for group in self.admin.list_groups()}

    def describe_group(self, group: str) -> GroupDescription:
        found = self.admin.describe_groups([group])[group]
        raise_named([found["error"] or "OK"])
        return GroupDescription(found["group_state"], len(found["members"]))

    def delete_group(self, group: str) -> None:
        raise_named(self.admin.delete_groups([group]).values())

    def group_offsets(self, group: str) -> dict[Place, Committed]:
        return committed_of(self.admin.list_group_offsets(group)[group])

    def delete_group_offsets(self, group: str, places: list[Place]) -> None:
        asked = [TopicPartition(*place) for place in places]
        for error in self.admin.delete_group_offsets(group, asked).values():
            check(error.errno, error.__name__)


def name_key(entry: Mapping[str, object]) -> str:
    """2.x says "topic" where later releases say "name"."""
    return "name" if "name" in entry else "topic"


def raise_named(answers: Iterable[str]) -> None:
    """Raises what is not OK: "[Error 40] Name: text", or an error's name alone."""
    for answer in answers:
        if answer != "OK":
            numbered = re.match(r"\[Error (\d+)\]", answer)
            code = int(numbered[1]) if numbered else getattr(errors, answer).errno
            raise ClientError(code, answer)


def committed_of(found: Mapping[Any, Any]) -> dict[Place, Committed]:
    return {
        (part.topic, part.partition): Committed(entry.offset, entry.metadata)
        for part, entry in found.items()
    }


KafkaPythonAdmin = KafkaPythonAdmin3 if kafka.__version__ >= "3" else KafkaPythonAdmin2
