"""A proxy that knows Kafka's frames: it counts answers, and cuts connections before them."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable

PRODUCE, FETCH = 0, 1


class Proxy:
    """Listens on a port of its own; clients that bootstrap from it stay with it.

    `cut(api, number)` is asked for each answer, with the number of answers of that API so far;
    if it is true, the answer is dropped and the connection closed: the broker has done what was
    asked, and the client does not know.
    """

    def __init__(
        self, bootstrap: str, cut: Callable[[int, int], bool] = lambda api, number: False
    ) -> None:
        host, port = bootstrap.rsplit(":", 1)
        self.broker = host, int(port)
        self.cut = cut
        self.cuts = 0
        self.answers: dict[int, int] = defaultdict(int)
        self.largest: dict[int, int] = defaultdict(int)
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        # A broker names itself as host and port, in all versions of its answers in these bytes.
        self.itself = host.encode() + struct.pack(">i", int(port))
        self.instead = host.encode() + struct.pack(">i", self.port)
        assert host == "127.0.0.1", "the proxy takes the place of brokers at 127.0.0.1 only"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(self.broker, 10)
            except OSError:
                client.close()
                continue
            for connection in (client, broker):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(None)
            asked: queue.SimpleQueue[int] = queue.SimpleQueue()
            for task in (self._requests, self._answers):
                arguments = client, broker, asked
                threading.Thread(target=task, args=arguments, daemon=True).start()

    def _requests(
        self, client: socket.socket, broker: socket.socket, asked: queue.SimpleQueue[int]
    ) -> None:
        while (frame := read_frame(client)) is not None:
            asked.put(struct.unpack(">h", frame[4:6])[0])
            if not send(broker, frame):
                break
        close(broker, client)

    def _answers(
        self, client: socket.socket, broker: socket.socket, asked: queue.SimpleQueue[int]
    ) -> None:
        while (frame := read_frame(broker)) is not None:
            api = asked.get()
            with self.lock:
                self.answers[api] += 1
                self.largest[api] = max(self.largest[api], len(frame))
                is_cut = self.cut(api, self.answers[api])
                self.cuts += is_cut
            if is_cut:
                break
            # Records of a user's may hold these bytes too, and are none of the proxy's business.
            if api not in (PRODUCE, FETCH):
                frame = frame.replace(self.itself, self.instead)
            if not send(client, frame):
                break
        close(client, broker)


def read_frame(connection: socket.socket) -> bytes | None:
    """A frame with its size; None when the connection ends."""
    size = read_exactly(connection, 4)
    if size is None:
        return None
    body = read_exactly(connection, struct.unpack(">i", size)[0])
    return None if body is None else size + body


def read_exactly(connection: socket.socket, count: int) -> bytes | None:
    received = bytearray()
    while len(received) < count:
        try:
            part = connection.recv(min(1 << 20, count - len(received)))
        except OSError:
            return None
        if not part:
            return None
        received += part
    return bytes(received)


def send(connection: socket.socket, frame: bytes) -> bool:
    try:
        connection.sendall(frame)
        return True
    except OSError:
        return False


def close(*connections: socket.socket) -> None:
    for connection in connections:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()
