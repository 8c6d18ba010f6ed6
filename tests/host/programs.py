"""Processes of Lodge's programs, and waiting for things to come true."""

import re
import socket
import subprocess
import time

POLLS = re.compile(r"action=(Describe|GetConsole)\w+ code=OK")
# Whatever becomes of the tests, their programs do not outlive them.
DIE_WITH_PARENT = ["/usr/bin/setpriv", "--pdeathsig", "KILL"]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def eventually(seconds, probe, what, pause=0.1):
    """Returns the first true value of probe(); fails with `what` and the last value when none comes in time.

    `what` may be a function, asked at the end.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what} (last: {value!r})")
        time.sleep(pause)


def tail(path, lines):
    """The last lines of a log, without the successful polls of clients, which are most of it."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            telling = [line for line in file if not POLLS.search(line)]
    except FileNotFoundError:
        return ""
    return "".join(telling[-lines:])


class Program:
    """One program: started, killed and started again with the same arguments. Its output is appended to `log`.

    It dies with the thread that starts it.
    """

    def __init__(self, name, arguments, log):
        self.name, self.arguments, self.log = name, arguments, log
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(DIE_WITH_PARENT + self.arguments, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        """Fails if it has ended by itself; for probes that wait for something of it."""
        if not self.running():
            status = self.process.returncode if self.process else "never started"
            raise AssertionError(f"{self.name} ended by itself ({status}):\n{tail(self.log, 20)}")

    def said(self, text):
        """How often `text` is in its log, over all of its starts."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read().count(text)
        except FileNotFoundError:
            return 0

    def kill(self):
        """SIGKILL."""
        if self.running():
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=30):
        """SIGTERM; returns the exit status."""
        if not self.running():
            return None
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM") from None
