"""confluent-kafka's AdminClient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import confluent_kafka as ck
from confluent_kafka import admin as ck_admin

from clients.values import Committed, ConfigEntry, GroupDescription, Place, Unsupported

STATES = {
    "STABLE": "Stable",
    "EMPTY": "Empty",
    "DEAD": "Dead",
    "PREPARING_REBALANCING": "PreparingRebalance",
    "COMPLETING_REBALANCING": "CompletingRebalance",
}


class ConfluentAdmin:
    def __init__(self, bootstrap: str) -> None:
        self.admin = ck_admin.AdminClient({"bootstrap.servers": bootstrap})

    def create_topic(
        self,
        topic: str,
        partitions: int = 1,
        replication: int = 1,
        configs: Mapping[str, str] | None = None,
        validate_only: bool = False,
    ) -> None:
        new = ck_admin.NewTopic(topic, partitions, replication, config=dict(configs or {}))
        only(self.admin.create_topics([new], validate_only=validate_only))

    def delete_topic(self, topic: str) -> None:
        only(self.admin.delete_topics([topic]))

    def topics(self) -> dict[str, int]:
        """The number of partitions of each topic."""
        found = self.admin.list_topics(timeout=10).topics
        return {name: len(topic.partitions) for name, topic in found.items()}

    def create_partitions(self, topic: str, count: int, validate_only: bool = False) -> None:
        new = ck_admin.NewPartitions(topic, count)
        only(self.admin.create_partitions([new], validate_only=validate_only))

    def topic_configs(self, topic: str) -> dict[str, ConfigEntry]:
        found = only(self.admin.describe_configs([self._resource(topic)]))
        return {name: ConfigEntry(entry.value, entry.source) for name, entry in found.items()}

    def alter_configs(self, topic: str, configs: Mapping[str, str]) -> None:
        """Replaces the topic's whole set of settings."""
        resource = self._resource(topic)
        for name, value in configs.items():
            resource.set_config(name, value)
        only(self.admin.alter_configs([resource]))

    def alter_incrementally(
        self, topic: str, changes: Mapping[str, tuple[str, str | None]]
    ) -> None:
        """Changes settings by SET, DELETE, APPEND or SUBTRACT, and leaves the others."""
        self._require("incremental_alter_configs")
        operations = ck_admin.AlterConfigOpType
        entries = [
            ck_admin.ConfigEntry(name, value or "", incremental_operation=operations[operation])
            for name, (operation, value) in changes.items()
        ]
        resource = ck_admin.ConfigResource(
            ck_admin.ResourceType.TOPIC, topic, incremental_configs=entries
        )
        only(self.admin.incremental_alter_configs([resource]))

    def delete_records(self, offsets: Mapping[Place, int]) -> dict[Place, int]:
        """Removes what is before the offsets (-1: everything); returns the new starts."""
        self._require("delete_records")
        parts = [ck.TopicPartition(*place, offset) for place, offset in offsets.items()]
        answers = self.admin.delete_records(parts)
        return {
            (part.topic, part.partition): future.result(30).low_watermark
            for part, future in answers.items()
        }

    def groups(self) -> set[str]:
        found = self.admin.list_consumer_groups().result(30)
        if found.errors:
            raise found.errors[0]
        return {group.group_id for group in found.valid}

    def describe_group(self, group: str) -> GroupDescription:
        found = only(self.admin.describe_consumer_groups([group]))
        return GroupDescription(STATES[found.state.name], len(found.members))

    def delete_group(self, group: str) -> None:
        only(self.admin.delete_consumer_groups([group]))

    def group_offsets(self, group: str) -> dict[Place, Committed]:
        asked = [ck.ConsumerGroupTopicPartitions(group)]
        found = only(self.admin.list_consumer_group_offsets(asked)).topic_partitions
        return {
            (part.topic, part.partition): Committed(part.offset, getattr(part, "metadata", None))
            for part in found
        }

    def delete_group_offsets(self, group: str, places: list[Place]) -> None:
        raise Unsupported("its Python interface has no DeleteConsumerGroupOffsets")

    def close(self) -> None:
        """Has nothing open that must be closed."""

    @staticmethod
    def _resource(topic: str) -> Any:
        return ck_admin.ConfigResource(ck_admin.ResourceType.TOPIC, topic)

    def _require(self, method: str) -> None:
        if not hasattr(self.admin, method):
            raise Unsupported(f"its AdminClient has no {method}")


def only(futures: Mapping[Any, Any]) -> Any:
    """The result of the one future in the answer."""
    (future,) = futures.values()
    return future.result(30)
