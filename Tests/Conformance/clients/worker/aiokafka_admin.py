"""aiokafka's AdminClient, whose answers are mostly the broker's response, errors included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import admin as aio_admin
from aiokafka.structs import TopicPartition

from clients.values import ClientError, Committed, ConfigEntry, GroupDescription, Place, Unsupported

try:
    from aiokafka.admin import NewPartitions
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
except ImportError:  # before 0.9 kafka-python's are used
    from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions


def check(code: int, text: object) -> None:
    if code != 0:
        raise ClientError(code, str(text))


class AiokafkaAdmin:
    def __init__(self, bootstrap: str, run: Callable[[Any], Any]) -> None:
        self.run = run
        self.admin = run(self._start(bootstrap))

    @staticmethod
    async def _start(bootstrap: str) -> Any:
        admin = aio_admin.AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        return admin

    def create_topic(
        self,
        topic: str,
        partitions: int = 1,
        replication: int = 1,
        configs: Mapping[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        new = aio_admin.NewTopic(topic, partitions, replication, topic_configs=dict(configs or {}))
        answer = self.run(self.admin.create_topics([new], validate_only=validate_only))
        for entry in answer.topic_errors:
            check(entry[1], entry)

    def delete_topic(self, topic: str) -> None:
        for entry in self.run(self.admin.delete_topics([topic])).topic_error_codes:
            check(entry[1], entry)

    def topics(self) -> dict[str, int]:
        """The number of partitions of each topic."""
        found = self.run(self.admin.describe_topics())
        return {entry["topic"]: len(entry["partitions"]) for entry in found}

    def create_partitions(self, topic: str, count: int, validate_only: bool = False) -> None:
        new = {topic: NewPartitions(count)}
        answer = self.run(self.admin.create_partitions(new, validate_only=validate_only))
        for entry in answer.topic_errors:
            check(entry[1], entry)

    def topic_configs(self, topic: str) -> dict[str, ConfigEntry]:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
        (answer,) = self.run(self.admin.describe_configs(asked))
        (resource,) = answer.resources
        check(resource[0], resource[1])
        return {entry[0]: ConfigEntry(entry[1], entry[3]) for entry in resource[4]}

    def alter_configs(self, topic: str, configs: Mapping[str, str]) -> None:
        """Replaces the topic's whole set of settings."""
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(configs))
        answers = self.run(self.admin.alter_configs([resource]))
        for answer in answers if isinstance(answers, list) else [answers]:
            for entry in answer.resources:
                check(entry[0], entry[1])

    def alter_incrementally(
        self, topic: str, changes: Mapping[str, tuple[str, str | None]]
    ) -> None:
        raise Unsupported("has no IncrementalAlterConfigs")

    def delete_records(self, offsets: Mapping[Place, int]) -> dict[Place, int]:
        """Removes what is before the offsets (-1: everything); returns the new starts."""
        if not hasattr(self.admin, "delete_records"):
            raise Unsupported("its AdminClient has no delete_records")
        asked = {
            TopicPartition(*place): aio_admin.RecordsToDelete(before_offset=offset)
            for place, offset in offsets.items()
        }
        answers = self.run(self.admin.delete_records(asked))
        return {(part.topic, part.partition): low for part, low in answers.items()}

    def groups(self) -> set[str]:
        return {entry[0] for entry in self.run(self.admin.list_consumer_groups())}

    def describe_group(self, group: str) -> GroupDescription:
        (answer,) = self.run(self.admin.describe_consumer_groups([group]))
        (found,) = answer.groups
        check(found[0], found)
        return GroupDescription(found[2], len(found[5]))

    def delete_group(self, group: str) -> None:
        raise Unsupported("has no DeleteGroups")

    def group_offsets(self, group: str) -> dict[Place, Committed]:
        found = self.run(self.admin.list_consumer_group_offsets(group))
        return {
            (part.topic, part.partition): Committed(entry.offset, entry.metadata)
            for part, entry in found.items()
        }

    def delete_group_offsets(self, group: str, places: list[Place]) -> None:
        raise Unsupported("has no OffsetDelete")

    def close(self) -> None:
        self.run(self.admin.close())
