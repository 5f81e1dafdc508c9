"""C77: settings of topics and brokers, described and altered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Struct, encode_batch
from raw.client import Client

pytestmark = pytest.mark.quick
TOPIC, BROKER, LOGGER = 2, 4, 8
SET_ON_TOPIC, DEFAULT = 1, 5
SET, DELETE, APPEND, SUBTRACT = range(4)
BOOLEAN, STRING, INT, LONG, DOUBLE, LIST = 1, 2, 3, 5, 6, 7

# Kafka's types of the settings that the broker must know.
TYPES = {
    "cleanup.policy": LIST,
    "retention.ms": LONG,
    "retention.bytes": LONG,
    "segment.bytes": INT,
    "segment.ms": LONG,
    "max.message.bytes": INT,
    "message.timestamp.type": STRING,
    "delete.retention.ms": LONG,
    "min.cleanable.dirty.ratio": DOUBLE,
    "min.compaction.lag.ms": LONG,
    "max.compaction.lag.ms": LONG,
    "flush.ms": LONG,
    "flush.messages": LONG,
    "compression.type": STRING,
    "min.insync.replicas": INT,
    "file.delete.delay.ms": LONG,
    "preallocate": BOOLEAN,
}
DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "max.message.bytes": "1048588",
    "message.timestamp.type": "CreateTime",
    "delete.retention.ms": "86400000",
    "min.cleanable.dirty.ratio": "0.5",
    "compression.type": "producer",
    "min.insync.replicas": "1",
}


def describe(
    client: Client,
    name: str,
    kind: int = TOPIC,
    keys: list[str] | None = None,
    version: int = 4,
    **asked: bool,
) -> tuple[Struct, dict[str, Struct]]:
    """The result of one resource, and its settings by name."""
    resource = {"resourceType": kind, "resourceName": name, "configurationKeys": keys}
    answer = client.call("DescribeConfigs", version, resources=[resource], **asked)
    (result,) = answer.results
    assert (result.resourceType, result.resourceName) == (kind, name)
    return result, {each.name: each for each in result.configs}


def value(client: Client, topic: str, name: str) -> tuple[str, int]:
    setting = describe(client, topic)[1][name]
    return setting.value, setting.configSource


def alter(
    client: Client,
    topic: str,
    *operations: tuple[str, int, str | None],
    kind: int = TOPIC,
    validate: bool = False,
) -> int:
    """Alters incrementally and returns the error code."""
    entries = [
        {"name": name, "configOperation": operation, "value": text}
        for name, operation, text in operations
    ]
    resource = {"resourceType": kind, "resourceName": topic, "configs": entries}
    answer = client.ask("IncrementalAlterConfigs", resources=[resource], validateOnly=validate)
    (response,) = answer.responses
    assert (response.resourceType, response.resourceName) == (kind, topic)
    assert bool(response.errorMessage) == (response.errorCode != 0)
    code: int = response.errorCode
    return code


def replace(
    client: Client, topic: str, settings: dict[str, str], *, version: int, validate: bool = False
) -> int:
    """Replaces the whole set of a topic's settings and returns the error code."""
    entries = [{"name": name, "value": text} for name, text in settings.items()]
    resource = {"resourceType": TOPIC, "resourceName": topic, "configs": entries}
    answer = client.call("AlterConfigs", version, resources=[resource], validateOnly=validate)
    code: int = answer.responses[0].errorCode
    return code


@pytest.mark.parametrize("version", range(5))
def test_c77_settings_have_value_source_and_type(
    client: Client, new_topic: Callable[..., str], version: int
) -> None:
    topic = new_topic(retention_ms=1234)
    result, settings = describe(client, topic, version=version)
    assert result.errorCode == ErrorCode.NONE
    assert set(TYPES) <= set(settings)
    for name, text in {**DEFAULTS, "retention.ms": "1234"}.items():
        assert settings[name].value == text, name
        is_set = name == "retention.ms"
        if version == 0:
            assert settings[name].isDefault == (not is_set)
        elif is_set:
            assert settings[name].configSource == SET_ON_TOPIC
        else:
            assert settings[name].configSource == DEFAULT, name
        assert not settings[name].isSensitive
    if version >= 3:
        types = {name: settings[name].configType for name in TYPES}
        assert types == TYPES


def test_c77_synonyms_and_documentation_come_when_asked_for(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(retention_ms=1234)
    _, plain = describe(client, topic)
    assert all(each.synonyms == [] and not each.documentation for each in plain.values())
    _, full = describe(client, topic, includeSynonyms=True, includeDocumentation=True)
    first = full["retention.ms"].synonyms[0]
    assert (first.name, first.value, first.source) == ("retention.ms", "1234", SET_ON_TOPIC)
    assert full["retention.ms"].synonyms[-1].source == DEFAULT
    assert full["retention.ms"].synonyms[-1].value == "604800000"


def test_c77_only_the_named_settings_are_told(client: Client, topic: str) -> None:
    keys = ["retention.ms", "cleanup.policy", "no.such.setting"]
    _, settings = describe(client, topic, keys=keys)
    assert set(settings) == {"retention.ms", "cleanup.policy"}


def test_c77_resources_that_do_not_exist(client: Client, unique: Callable[[str], str]) -> None:
    unknown, _ = describe(client, unique("missing"))
    assert unknown.errorCode == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION and unknown.configs == []
    for kind, name in ((BROKER, "4711"), (BROKER, "x"), (99, "x"), (1, "x")):
        assert describe(client, name, kind)[0].errorCode == ErrorCode.INVALID_REQUEST, (kind, name)


def test_c77_a_broker_is_described_by_its_id_or_none(client: Client) -> None:
    node = client.call("Metadata", 12, topics=[]).brokers[0].nodeId
    result, settings = describe(client, str(node), BROKER)
    assert result.errorCode == ErrorCode.NONE and settings
    assert describe(client, "", BROKER)[0].errorCode == ErrorCode.NONE


def test_c77_incremental_changes_touch_only_what_they_name(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(retention_ms=1234)
    assert alter(client, topic, ("max.message.bytes", SET, "5000")) == ErrorCode.NONE
    assert value(client, topic, "max.message.bytes") == ("5000", SET_ON_TOPIC)
    assert value(client, topic, "retention.ms") == ("1234", SET_ON_TOPIC)
    assert alter(client, topic, ("retention.ms", DELETE, None)) == ErrorCode.NONE
    assert value(client, topic, "retention.ms") == ("604800000", DEFAULT)
    assert alter(client, topic, ("retention.ms", DELETE, None)) == ErrorCode.NONE


def test_c77_lists_are_appended_to_and_subtracted_from(client: Client, topic: str) -> None:
    policy = "cleanup.policy"
    assert alter(client, topic, (policy, APPEND, "compact")) == ErrorCode.NONE
    assert value(client, topic, policy) == ("delete,compact", SET_ON_TOPIC)
    assert alter(client, topic, (policy, APPEND, "compact")) == ErrorCode.NONE
    assert value(client, topic, policy)[0] == "delete,compact"
    assert alter(client, topic, (policy, SUBTRACT, "delete")) == ErrorCode.NONE
    assert value(client, topic, policy)[0] == "compact"
    invalid = (ErrorCode.INVALID_CONFIG, ErrorCode.INVALID_REQUEST)
    assert alter(client, topic, ("retention.ms", APPEND, "5")) in invalid


@pytest.mark.parametrize(
    "operation",
    [
        ("no.such.setting", SET, "1"),
        ("retention.ms", SET, "soon"),
        ("retention.ms", SET, "-2"),
        ("cleanup.policy", SET, "keep"),
        ("cleanup.policy", APPEND, "keep"),
        ("max.message.bytes", SET, "99999999999"),
        ("min.cleanable.dirty.ratio", SET, "1.5"),
    ],
    ids=str,
)
def test_c77_a_wrong_change_gets_error_40_and_changes_nothing(
    client: Client, topic: str, operation: tuple[str, int, str]
) -> None:
    code = alter(client, topic, ("segment.bytes", SET, "2000000"), operation)
    assert code == ErrorCode.INVALID_CONFIG
    assert value(client, topic, "segment.bytes")[1] == DEFAULT


def test_c77_unknown_topics_cannot_be_altered(client: Client, unique: Callable[[str], str]) -> None:
    code = alter(client, unique("missing"), ("retention.ms", SET, "1"))
    assert code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_c77_validate_only_changes_nothing(client: Client, topic: str) -> None:
    for text, error in (("1234", ErrorCode.NONE), ("soon", ErrorCode.INVALID_CONFIG)):
        assert alter(client, topic, ("retention.ms", SET, text), validate=True) == error
        for version in range(3):
            settings = {"retention.ms": text}
            assert replace(client, topic, settings, version=version, validate=True) == error
    assert value(client, topic, "retention.ms")[1] == DEFAULT


@pytest.mark.parametrize("version", range(3))
def test_c77_alter_configs_replaces_the_whole_set(
    client: Client, new_topic: Callable[..., str], version: int
) -> None:
    topic = new_topic(retention_ms=1234, max_message_bytes=5000)
    settings = {"retention.ms": "99", "segment.ms": "60000"}
    assert replace(client, topic, settings, version=version) == ErrorCode.NONE
    assert value(client, topic, "retention.ms") == ("99", SET_ON_TOPIC)
    assert value(client, topic, "segment.ms") == ("60000", SET_ON_TOPIC)
    assert value(client, topic, "max.message.bytes") == ("1048588", DEFAULT)
    wrong = replace(client, topic, {"retention.ms": "x"}, version=version)
    assert wrong == ErrorCode.INVALID_CONFIG
    assert value(client, topic, "retention.ms") == ("99", SET_ON_TOPIC)


def test_c77_settings_of_the_broker_are_read_only(
    client: Client, shared_process: BrokerProcess | None
) -> None:
    if shared_process is None:
        pytest.skip("another broker may have dynamic settings")
    node = str(client.call("Metadata", 12, topics=[]).brokers[0].nodeId)
    code = alter(client, node, ("log.retention.ms", SET, "1"), kind=BROKER)
    assert code == ErrorCode.INVALID_CONFIG
    for setting in describe(client, node, BROKER)[1].values():
        assert setting.readOnly


def test_c77_a_change_holds_at_once_and_after_kill_9(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic = own.create_topic("altered")
    batch = encode_batch([bytes(5000)])
    assert own.produce(topic, batch).errorCode == ErrorCode.NONE
    assert alter(own, topic, ("max.message.bytes", SET, "1000")) == ErrorCode.NONE
    assert own.produce(topic, batch).errorCode == ErrorCode.MESSAGE_TOO_LARGE
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert value(client, topic, "max.message.bytes") == ("1000", SET_ON_TOPIC)
        assert client.produce(topic, batch).errorCode == ErrorCode.MESSAGE_TOO_LARGE


def several(client: Client, resources: list[dict[str, Any]]) -> list[int]:
    answer = client.ask("IncrementalAlterConfigs", resources=resources)
    return [each.errorCode for each in answer.responses]


def test_c77_resources_fail_alone(client: Client, topic: str, unique: Callable[[str], str]) -> None:
    entries = [{"name": "retention.ms", "configOperation": SET, "value": "77"}]
    codes = several(
        client,
        [
            {"resourceType": TOPIC, "resourceName": unique("missing"), "configs": entries},
            {"resourceType": TOPIC, "resourceName": topic, "configs": entries},
        ],
    )
    assert codes == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.NONE]
    assert value(client, topic, "retention.ms") == ("77", SET_ON_TOPIC)
