#!/bin/sh
# Sends three interactions with kcat and reads them back.
#
# Usage: kcat.sh [BOOTSTRAP]
set -eu
bootstrap=${1:-127.0.0.1:9092}
now=$(date +%s000)

# What is there: brokers, topics, partitions.
kcat -b "$bootstrap" -L -t interactions

# Key and value are separated by "|"; the key is the user. murmur2_random is the partitioner of
# Kafka's Java client: with it all producers put a user into the same partition.
kcat -b "$bootstrap" -P -t interactions -K '|' -X topic.partitioner=murmur2_random <<EVENTS
ann|{"user":"ann","item":"tea","timestamp":$now}
bob|{"user":"bob","item":"tea","timestamp":$now}
bob|{"user":"bob","item":"coffee","timestamp":$now}
EVENTS

# -e ends at the end of the topic; %p and %o are partition and offset.
kcat -b "$bootstrap" -C -t interactions -o beginning -e -q -f '%p %o %k %s\n' |
    grep "\"timestamp\":$now"
