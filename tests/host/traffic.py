"""Guests of the network plane: namespaces with an address by DHCP, and what one can do from inside."""

import contextlib
import os
import subprocess
import time

from programs import eventually

LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip address replace "$ip/$mask" dev "$interface"
set -- $staticroutes
while [ $# -gt 1 ]; do
    if [ "$2" = 0.0.0.0 ]; then ip route replace "$1" dev "$interface"; else ip route replace "$1" via "$2"; fi
    shift 2
done
echo "$ip"
"""
# Answers each connection with the peer's address as it sees it, and goes on sending a line for each it gets.
SERVER = """
import socket, socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write((self.client_address[0].removeprefix("::ffff:") + "\\n").encode())
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address = socket.AF_INET6, True
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()
Server(("::", int(sys.argv[1])), Handler).serve_forever()
"""
CLIENT = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])) as connection:
        print(connection.makefile().readline().strip())
except OSError as error:
    sys.exit(str(error))
"""
PYTHON = "/usr/bin/python3"


class Guest:
    """A plugged namespace. `server()` listens in it; `reaches()` and `pings()` look from it."""

    def __init__(self, plane, namespace, folder):
        self.plane, self.namespace = plane, namespace
        script = f"{folder}/lease"
        if not os.path.exists(script):
            with open(script, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
                file.write(LEASE_SCRIPT)
        self.address = self.lease(script)

    def lease(self, script):
        return self.namespace.run("busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "10", "-T", "1", "-O",
                                  "staticroutes", "-s", script).strip().splitlines()[-1]

    def take_ipv6(self, address):
        """As its own, as DHCPv6 would tell it to; the way out is what the router advertises."""
        anew = "for value in 1 0; do echo $value >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; done"
        self.namespace.run("sh", "-c", anew)
        self.namespace.run("ip", "-6", "address", "add", f"{address}/128", "dev", "eth0")
        shown = lambda what: self.namespace.run("ip", "-6", what, "show", "dev", "eth0")  # noqa: E731
        eventually(15, lambda: "default via fe80:" in shown("route"), "a router advertises itself")
        eventually(5, lambda: "tentative" not in shown("address"), "nobody else claims the address")
        assert "dadfailed" not in shown("address"), f"somebody claims {address}"
        self.ipv6 = address

    def command(self, *command):
        return self.namespace.command(*command)

    def pings(self, address, seconds=3):
        """Whether an echo comes back; the first packets of all may be lost to the search for a neighbour."""
        return succeeds(self.command("busybox", "ping", "-c", "1", "-W", "1", address), seconds)

    def seen_as(self, address, port, seconds=1.5):
        """How the server there sees this guest; None when it is not reached."""
        done = subprocess.run(self.command(PYTHON, "-c", CLIENT, address, str(port), str(seconds)), capture_output=True,
                              text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def reaches(self, address, port, seconds=10):
        eventually(seconds, lambda: self.seen_as(address, port), lambda: f"{self.address} reaches {address}:{port}")

    def does_not_reach(self, address, port, seconds=10):
        """From now on, or very soon."""
        eventually(seconds, lambda: not self.seen_as(address, port), f"{self.address} no longer reaches {address}:{port}")

    @contextlib.contextmanager
    def server(self, port):
        with listening(self.command(PYTHON, "-c", SERVER, str(port)), self.namespace, port):
            yield

    @contextlib.contextmanager
    def connection(self, address, port):
        """A connection that stays: `ask()` says whether it still carries a line there and back."""
        relay = ("import socket,sys\n"
                 "c=socket.create_connection((sys.argv[1],int(sys.argv[2])),timeout=5)\n"
                 "f=c.makefile('rw')\nf.readline()\nprint('open',flush=True)\n"
                 "for line in sys.stdin:\n"
                 "    try:\n        f.write(line);f.flush();print(f.readline().strip(),flush=True)\n"
                 "    except OSError:\n        print('dead',flush=True)\n")
        process = subprocess.Popen(self.command(PYTHON, "-c", relay, address, str(port)), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout.readline().strip() == "open", f"{address}:{port} did not answer"

            def ask():
                word = str(time.monotonic())
                process.stdin.write(word + "\n")
                process.stdin.flush()
                return process.stdout.readline().strip() == word
            yield ask
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def succeeds(command, seconds):
    deadline = time.monotonic() + seconds
    while True:
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return True
        if time.monotonic() > deadline:
            return False


@contextlib.contextmanager
def listening(command, namespace, port):
    process = subprocess.Popen(command)
    try:
        probe = ["sh", "-c", f"busybox netstat -ltn | grep -q ':{port} '"]
        eventually(10, lambda: succeeds(namespace.command(*probe), 0), f"a server on port {port}", pause=0.05)
        yield
    finally:
        process.kill()
        process.wait()
