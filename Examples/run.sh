#!/bin/sh
# Runs every example against a fresh "freshet up" and checks what comes out.
#
# Usage: run.sh [FRESHET], the program's path; .build/release/freshet or .build/debug/freshet if
# there is none.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
freshet=${1:-}
for candidate in "$here/../.build/release/freshet" "$here/../.build/debug/freshet"; do
    [ -n "$freshet" ] || [ ! -x "$candidate" ] || freshet=$candidate
done
[ -n "$freshet" ] || { echo "run.sh: build first: swift build" >&2; exit 1; }
freshet=$(realpath "$freshet")

folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
bootstrap=127.0.0.1:$port
cd "$folder"

"$freshet" up --port "$port" >up.log 2>&1 &
up=$!
finish() {
    status=$?
    kill "$up" 2>/dev/null || true
    wait "$up" 2>/dev/null || true
    if [ "$status" -ne 0 ]; then
        echo "run.sh: failed; what freshet up said:" >&2
        cat "$folder/up.log" >&2
    fi
    rm -rf "$folder"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Waits until a command succeeds, at most 60 s, as long as freshet runs.
wait_for() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        kill -0 "$up" 2>/dev/null || { echo "run.sh: freshet up has ended" >&2; exit 1; }
        [ "$tries" -lt 300 ] || { echo "run.sh: waited in vain for: $*" >&2; exit 1; }
        sleep 0.2
    done
}
wait_for "$freshet" topics check --bootstrap "$bootstrap"

echo "== kcat.sh"
sh "$here/kcat.sh" "$bootstrap" | tee kcat.log
[ "$(grep -c '"timestamp":' kcat.log)" -eq 3 ]

echo "== confluent_consumer.py, in the background"
python3 "$here/confluent_consumer.py" --bootstrap "$bootstrap" --count 1 --timeout 60 \
    >consumer.log 2>consumer.err &
consumer=$!
wait_for grep -q "reading 4 partitions" consumer.err

echo "== kafka_python_roundtrip.py"
# The model may take a moment to know ann: ask until the answer has what bob had besides.
knows_coffee() {
    python3 "$here/kafka_python_roundtrip.py" ann --bootstrap "$bootstrap" >answer.json &&
        grep -q '"coffee"' answer.json
}
wait_for knows_coffee
cat answer.json

wait "$consumer"
cat consumer.log
grep -q ': ann: ' consumer.log

echo "== freshet recommend"
"$freshet" recommend ann --bootstrap "$bootstrap" --count 1

echo "== checkpoints, opened by Python's safetensors"
python3 "$here/../Tests/Reference/check_blobs.py" .freshet/store
echo "all examples work"
