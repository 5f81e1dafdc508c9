"""C04 and C05: every promised version of every API answers a valid request, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kafka_codec import ErrorCode, Kind, decode, encode
from kafka_codec.messages import is_flexible
from raw.client import Client
from raw.minimal_requests import Furniture, minimal_request
from raw.ranges import EVERY_VERSION

pytestmark = pytest.mark.quick
FLEXIBLE = [each for each in EVERY_VERSION if is_flexible(each[0], Kind.REQUEST, each[1])]


@pytest.fixture(scope="module")
def furniture(bootstrap: str, unique: Callable[[str], str]) -> Iterator[Furniture]:
    name = unique("furniture")
    with Client(bootstrap) as client:
        yield Furniture.make(client, name)
        client.delete_topics([name])


def error_codes(answer: Any) -> Iterator[int]:
    """Every error code that stands anywhere in an answer."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name.lower().endswith("errorcode"):
                yield value
            yield from error_codes(value)
    elif isinstance(answer, list):
        for element in answer:
            yield from error_codes(element)


def label(api: object) -> str:
    return str(api)


@pytest.mark.parametrize("api, version", EVERY_VERSION, ids=label)
def test_c04_every_version_answers_and_encodes_again_to_the_same_bytes(
    client: Client, furniture: Furniture, api: str, version: int
) -> None:
    client.send(api, version, **minimal_request(api, version, furniture))
    _, _, body = client.receive_body()
    answer = decode(api, Kind.RESPONSE, version, body)
    assert encode(api, Kind.RESPONSE, version, answer) == body
    assert answer.get("throttleTimeMs", 0) == 0
    assert ErrorCode.UNKNOWN_SERVER_ERROR not in error_codes(answer)


@pytest.mark.parametrize("api, version", FLEXIBLE, ids=label)
def test_c05_unknown_tagged_fields_are_skipped(
    client: Client, furniture: Furniture, api: str, version: int
) -> None:
    values = minimal_request(api, version, furniture)
    if api == "JoinGroup":
        values["groupId"] += "-tagged"
    client.send_frame(client.request(api, version, values, unknown_tags=True))
    _, _, body = client.receive_body()
    decode(api, Kind.RESPONSE, version, body)
