"""C01 to C03: how versions are agreed on."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from kafka_codec import API_KEYS, ErrorCode, Kind, decode
from kafka_codec.connection import request_header
from raw.client import Client
from raw.ranges import ADVERTISED

pytestmark = pytest.mark.quick
UNKNOWN_KEY = 999


@pytest.mark.parametrize("version", range(5))
def test_c01_api_versions_is_answered_with_header_v0(client: Client, version: int) -> None:
    answer = client.call("ApiVersions", version)
    assert answer.errorCode == ErrorCode.NONE
    keys = [each.apiKey for each in answer.apiKeys]
    assert len(keys) == len(set(keys))
    assert answer.get("throttleTimeMs", 0) == 0


def test_c01_no_features_are_named(client: Client, shared_process: BrokerProcess | None) -> None:
    if shared_process is None:
        pytest.skip("another broker may have features")
    answer = client.call("ApiVersions", 4)
    assert answer.supportedFeatures == [] and answer.finalizedFeatures == []
    assert answer.finalizedFeaturesEpoch == -1 and not answer.zkMigrationReady


def test_c01_the_promised_versions_are_advertised(
    client: Client, shared_process: BrokerProcess | None
) -> None:
    answer = client.call("ApiVersions", 4)
    offered = {each.apiKey: (each.minVersion, each.maxVersion) for each in answer.apiKeys}
    promised = {API_KEYS[api]: versions for api, versions in ADVERTISED.items()}
    if shared_process is not None:
        assert offered == promised
    for key, (low, high) in promised.items():
        assert offered[key][0] <= low and offered[key][1] >= high, key


def test_c02_an_unknown_version_of_api_versions_gets_error_35_in_v0(client: Client) -> None:
    client.send_frame(request_header(API_KEYS["ApiVersions"], 99, 7) + b"\x00 not to be parsed")
    frame = client.receive_frame()
    assert struct.unpack_from(">i", frame) == (7,)
    answer = decode("ApiVersions", Kind.RESPONSE, 0, frame[4:])
    assert answer.errorCode == ErrorCode.UNSUPPORTED_VERSION
    assert API_KEYS["ApiVersions"] in [each.apiKey for each in answer.apiKeys]
    assert client.call("ApiVersions", 3).errorCode == ErrorCode.NONE


@pytest.mark.parametrize(
    "key, version",
    [
        (UNKNOWN_KEY, 0),
        (-1, 0),
        (API_KEYS["Fetch"], 99),
        (API_KEYS["Fetch"], 3),
        (API_KEYS["Produce"], 2),
        (API_KEYS["Produce"], 0),
        (API_KEYS["EndTxn"], 32767),
        (API_KEYS["Metadata"], -1),
    ],
)
def test_c03_what_is_not_implemented_closes_only_its_connection(
    connect: Callable[[], Client], key: int, version: int
) -> None:
    other, closed = connect(), connect()
    assert other.call("ApiVersions", 0).errorCode == ErrorCode.NONE
    closed.send_frame(request_header(key, version, 1) + bytes(64))
    assert closed.is_closed_by_broker()
    assert other.call("ApiVersions", 0).errorCode == ErrorCode.NONE
    assert connect().call("ApiVersions", 0).errorCode == ErrorCode.NONE
