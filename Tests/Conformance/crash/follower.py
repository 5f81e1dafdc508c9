"""A reader of the crash loop, as a process: follows a topic while the broker dies.

Writes down each record that it was shown with read_committed: partition, offset, checksum of the
value, leader epoch. What a consumer has seen must be what the log has in the end: nothing seen may
vanish or change.
"""
import argparse
import signal
import sys
import zlib

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

import records


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--ledger", required=True)
    options = parser.parse_args()
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    ledger = records.Ledger(options.ledger)
    consumer = Consumer({
        "bootstrap.servers": options.bootstrap, "group.id": "nobody",
        "enable.auto.commit": False, "isolation.level": "read_committed", "check.crcs": True,
        "auto.offset.reset": "error", "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200,
        "queued.max.messages.kbytes": 4096,
    })
    consumer.assign([
        TopicPartition(options.topic, index, OFFSET_BEGINNING)
        for index in range(options.partitions)])
    seen = 0
    while not stopping:
        for message in consumer.consume(1000, 0.1):
            error = message.error()
            if error is None:
                ledger.add(zlib.crc32(message.value()), message.partition(), message.offset(),
                           message.leader_epoch() or 0)
                seen += 1
            elif error.fatal() or error.code() in (
                    KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE,
                    KafkaError._BAD_MSG, KafkaError._LOG_TRUNCATION):
                sys.exit(f"{options.topic}: {error}")
        ledger.flush()
    ledger.close()
    consumer.close()
    print(f"seen {seen}", flush=True)


if __name__ == "__main__":
    main()
