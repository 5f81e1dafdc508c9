"""Kafka's protocol for tests: messages from a table, record batches, a plain connection.

It shares nothing with the broker that it checks: the table comes from Apache Kafka's own message
definitions, and decoding is strict, so that a byte too few or too many is noticed.
"""

from kafka_codec.connection import Connection, ConnectionEnded
from kafka_codec.errors import ErrorCode
from kafka_codec.messages import API_KEYS, Kind, Struct, decode, encode
from kafka_codec.records import Batch, Record, decode_batches, encode_batch

__all__ = [
    "API_KEYS",
    "Batch",
    "Connection",
    "ConnectionEnded",
    "ErrorCode",
    "Kind",
    "Record",
    "Struct",
    "decode",
    "decode_batches",
    "encode",
    "encode_batch",
]
