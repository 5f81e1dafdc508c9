#!/usr/bin/env python3
"""Asks for recommendations and waits for the answer, with kafka-python.

Usage: kafka_python_roundtrip.py [USER] [--bootstrap HOST:PORT] [--count N] [--timeout SECONDS]

Prints the answer as JSON; exit status 1 when none came in time or the request was refused.
"""
import argparse
import json
import sys
import time
import uuid

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

parser = argparse.ArgumentParser()
parser.add_argument("user", nargs="?", default="ann")
parser.add_argument("--bootstrap", default="127.0.0.1:9092")
parser.add_argument("--count", type=int, default=5)
parser.add_argument("--timeout", type=float, default=10)
arguments = parser.parse_args()

# Stand at the end of the answers before asking, so that none is missed.
consumer = KafkaConsumer(bootstrap_servers=arguments.bootstrap, group_id=None,
                         enable_auto_commit=False)
partitions = [TopicPartition("recommendations", number)
              for number in sorted(consumer.partitions_for_topic("recommendations") or [])]
if not partitions:
    sys.exit('topic "recommendations" does not exist: run "freshet topics apply"')
consumer.assign(partitions)
consumer.seek_to_end()
for partition in partitions:
    consumer.position(partition)  # the seek is done when this returns

request = {"request": str(uuid.uuid4()), "user": arguments.user, "count": arguments.count}
producer = KafkaProducer(bootstrap_servers=arguments.bootstrap, acks="all")
start = time.monotonic()
producer.send("recommend-requests", key=arguments.user.encode(),
              value=json.dumps(request).encode()).get(timeout=arguments.timeout)

while time.monotonic() - start < arguments.timeout:
    for records in consumer.poll(timeout_ms=100).values():
        for record in records:
            answer = json.loads(record.value)
            if answer["request"] == request["request"]:
                milliseconds = (time.monotonic() - start) * 1000
                print(f"answered in {milliseconds:.0f} ms", file=sys.stderr)
                print(json.dumps(answer))
                sys.exit("refused" if "error" in answer else 0)
sys.exit(f"no answer within {arguments.timeout:g} s: does a scorer run?")
