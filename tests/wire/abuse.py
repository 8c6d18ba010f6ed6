"""For clients that mean harm: raw sockets, and what lodged's process costs meanwhile."""
import contextlib
import os
import pathlib
import re
import socket
import time

from harness import SIMULATED
from signing import FORM, encode, sign


def signed_head(lodge, account, body):
    """Request line and headers of a signed POST, without what frames its body and without the empty line."""
    headers = sign(lodge, account, body, headers={"Content-Type": FORM})
    lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() not in ("host", "content-length")]
    return "\r\n".join(["POST / HTTP/1.1", f"Host: 127.0.0.1:{lodge.port}", *lines, ""]).encode()


def signed_request(lodge, account, action, **parameters):
    body = encode({"Action": action, **parameters}).encode()
    return signed_head(lodge, account, body) + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Raw:
    """A connection that sends what it is told to."""

    def __init__(self, lodge, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", lodge.port), timeout)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """True if all of it went out: lodged may have enough before that."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)
            return True
        return False

    def answer(self):
        """(status, body) of the next answer; None when lodged closed instead."""
        while b"\r\n\r\n" not in self.unread:
            if not self._receive():
                return None
        head, _, rest = self.unread.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
        while len(rest) < length:
            got = self.socket.recv(65536)
            assert got, "the answer is cut short"
            rest += got
        self.unread = rest[length:]
        return int(head.split()[1]), rest[:length]

    def ended(self):
        return not self.unread and not self._receive()

    def _receive(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.unread += got
        return bool(got)


def resident_mib(lodge):
    status = pathlib.Path(f"/proc/{lodge.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def open_sockets(lodge):
    """How many descriptors are sockets. (Those of the database's files come with the work, and stay.)"""
    def is_socket(link):
        with contextlib.suppress(FileNotFoundError):
            return os.readlink(link).startswith("socket:")
        return False
    return sum(map(is_socket, pathlib.Path(f"/proc/{lodge.process.pid}/fd").iterdir()))


def slowest_of_100_ms(lodge, calls=300):
    """The 99th percentile of what a healthy client waits for an answer, over one connection."""
    request = signed_request(lodge, SIMULATED, "DescribeRegions")
    took = []
    with Raw(lodge) as healthy:
        for _ in range(calls):
            begun = time.perf_counter()
            healthy.send(request)
            answer = healthy.answer()
            took.append((time.perf_counter() - begun) * 1000)
            assert answer and answer[0] == 200, answer
    return sorted(took)[calls * 99 // 100]
