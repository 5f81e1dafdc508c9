#!/usr/bin/env python3
"""Prints recommendations as scorers give them, with confluent-kafka.

Usage: confluent_consumer.py [--bootstrap HOST:PORT] [--count N] [--timeout SECONDS]

Ends after N answers with exit status 0, or after SECONDS without them with 1.
"""
import argparse
import json
import sys
import time
import uuid

from confluent_kafka import Consumer

parser = argparse.ArgumentParser()
parser.add_argument("--bootstrap", default="127.0.0.1:9092")
parser.add_argument("--count", type=int, default=0, help="0: until interrupted")
parser.add_argument("--timeout", type=float, default=0, help="0: as long as it takes")
arguments = parser.parse_args()

consumer = Consumer({
    "bootstrap.servers": arguments.bootstrap,
    # A group of its own: this program sees every answer. Programs that share the work share a name.
    "group.id": f"example-{uuid.uuid4()}",
    "auto.offset.reset": "latest",
    "enable.auto.commit": False,
})
consumer.subscribe(
    ["recommendations"],
    on_assign=lambda consumer, partitions: print(f"reading {len(partitions)} partitions",
                                                 file=sys.stderr, flush=True))

printed = 0
start = time.monotonic()
try:
    while not arguments.count or printed < arguments.count:
        if arguments.timeout and time.monotonic() - start > arguments.timeout:
            sys.exit(f"{printed} answers within {arguments.timeout} s, expected {arguments.count}")
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            print(message.error(), file=sys.stderr)
            continue
        answer = json.loads(message.value())
        items = ", ".join(item["item"] for item in answer.get("items", []))
        print(f"{answer['request']}: {answer.get('user')}: {answer.get('error') or items}"
              f"  [version {answer.get('version')}]", flush=True)
        printed += 1
except KeyboardInterrupt:
    pass
finally:
    consumer.close()
