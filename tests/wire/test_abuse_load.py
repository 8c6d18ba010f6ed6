"""A thousand clients that do nothing, drip, or send what is large: a healthy one hardly notices, memory is bounded, and
every descriptor comes back."""
import contextlib
import itertools
import multiprocessing
import os
import resource
import statistics
import time
import unittest

from abuse import Raw, open_sockets, resident_mib, signed_head, signed_request, slowest_of_100_ms
from harness import SIMULATED, Lodge, WireTest
from signing import call, encode

CLIENTS = 1000
KIB, MIB = 1 << 10, 1 << 20
ATTEMPTS = 6  # of a comparison, on a machine that does other things too
LEAST_MS = 5  # what a healthy client may always wait: less is the machine's noise


class Crowd:
    """Many clients in a process of their own, so that their work is not the healthy one's: opens CLIENTS connections,
    sends each its beginning, then one of `drips` over and over to one after the other."""

    def __init__(self, lodge, beginnings, drips=(), pause=0.001):
        fork = multiprocessing.get_context("fork")
        self.begun, self.done = fork.Event(), fork.Event()
        self.process = fork.Process(target=self._run, args=(lodge, beginnings, drips, pause), daemon=True)

    def _run(self, lodge, beginnings, drips, pause):
        with contextlib.ExitStack() as stack:
            self._crowd([stack.enter_context(Raw(lodge)) for _ in range(CLIENTS)], beginnings, drips, pause)

    def _crowd(self, clients, beginnings, drips, pause):
        for client, beginning in zip(clients, itertools.cycle(beginnings)):
            client.send(beginning)
        self.begun.set()
        for client, drip in zip(itertools.cycle(clients), itertools.cycle(drips or (b"",))):
            if self.done.wait(pause):
                return
            client.send(drip)

    def __enter__(self):
        self.process.start()
        assert self.begun.wait(60), "the crowd did not assemble"
        return self

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        self.done.set()
        self.process.join(30)
        if self.process.is_alive():
            self.process.kill()


class OrdinaryLodge(Lodge):
    """With as many descriptors as a shell gives: lodged itself has to ask for those that it may have."""

    def command(self):
        return ["prlimit", "--nofile=1024:", *super().command()]


class LoadTest(WireTest):
    @classmethod
    def setUpClass(cls):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        # What ASan keeps of freed memory is not lodged's use of it.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16:allocator_release_to_os_interval_ms=100"
        cls.lodge = OrdinaryLodge().start()
        cls.addClassCleanup(cls.lodge.close)
        cls.addClassCleanup(cls.lodge.stop)

    def setUp(self):
        super().setUp()
        self.ec2.describe_key_pairs()  # opens the connection that stays
        self.sockets = open_sockets(self.lodge)
        self.memory_mib = resident_mib(self.lodge)

    def assert_all_back(self, seconds=30):
        self.eventually(lambda: open_sockets(self.lodge) <= self.sockets, seconds,
                        lambda: f"{open_sockets(self.lodge)} sockets are open; before it were {self.sockets}")
        self.assertEqual(200, call(self.lodge, self.account, "DescribeRegions").status)

    def assert_memory_grew_less_than(self, mib):
        self.assertLess(resident_mib(self.lodge) - self.memory_mib, mib)

    def assert_at_most_doubled(self, make_crowd):
        """The healthy client's 99th percentile with the crowd around, next to what it is without."""
        alone, among = [], []
        for _ in range(ATTEMPTS):
            alone.append(slowest_of_100_ms(self.lodge))
            with make_crowd():
                among.append(slowest_of_100_ms(self.lodge))
                self.assert_memory_grew_less_than(256)
            self.assert_all_back()
            if min(among) <= 2 * max(statistics.median(alone), LEAST_MS):
                return
        self.fail(f"p99 in ms, alone: {alone}; among the others: {among}")


class SlowClients(LoadTest):
    @contextlib.contextmanager
    def crowd(self, *words):
        """All of it, as lodged has them: they connect before they are accepted."""
        with Crowd(self.lodge, *words):
            self.eventually(lambda: open_sockets(self.lodge) > CLIENTS, 5,
                            lambda: f"{open_sockets(self.lodge)} sockets are open of {CLIENTS}")
            yield

    def beginnings(self):
        whole = signed_request(self.lodge, SIMULATED, "DescribeRegions")
        head = whole.partition(b"\r\n\r\n")[0]
        return (b"", whole[:5], head, whole[:-1], head + b"\r\nX: " + b"x" * 60 * KIB)

    def test_clients_that_do_nothing_more(self):
        self.assert_at_most_doubled(lambda: self.crowd(self.beginnings()))

    def test_clients_that_drip(self):
        head = b"POST / HTTP/1.1\r\nHost: x\r\n"
        large = head + b"Content-Length: 1000000\r\n\r\n"
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
        self.assert_at_most_doubled(lambda: self.crowd((head + b"X: ", large, chunked + b"fff\r\n"), (b"x",)))

    def test_deadlines_end_those_who_wait(self):
        """Ten seconds to send the headers, however they drip."""
        with self.crowd(self.beginnings()[:3], (b"X",)):
            begun = time.monotonic()
            self.assert_all_back()
            self.assertLess(time.monotonic() - begun, 25)


class LargeRequests(LoadTest):
    def beginnings(self):
        """A body of a MiB but for its last byte, and as much in chunks."""
        head = signed_head(self.lodge, SIMULATED, b"")
        body = b"x" * (MIB - 1)
        return (head + b"Content-Length: %d\r\n\r\n" % MIB + body,
                head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % MIB + body)

    def assert_memory_settles(self):
        """256 MiB of bodies and 128 KiB for each connection; on the way there also what strings leave behind as they grow,
        until ASan has given it back."""
        def settled():
            self.assert_memory_grew_less_than(750)
            return resident_mib(self.lodge) - self.memory_mib < 400
        self.eventually(settled, 25, lambda: f"it stays at {resident_mib(self.lodge) - self.memory_mib} MiB more")

    def test_a_gibibyte_of_bodies(self):
        """All bodies together may have 256 MiB, and each connection a buffer; who comes late is told so."""
        for _ in range(2):
            with Crowd(self.lodge, self.beginnings()):
                self.assertEqual(200, call(self.lodge, self.account, "DescribeRegions").status)
                self.assert_memory_settles()
            self.assert_all_back()

    def test_requests_that_are_refused(self):
        """Twenty a second of those that take longest to refuse."""
        many = encode((f"A{n}", "") for n in range(100_000)).encode()
        parameters = signed_head(self.lodge, SIMULATED, many) + b"Content-Length: %d\r\n\r\n" % len(many) + many
        headers = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * MIB + b"\r\n\r\n"
        chunks = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000000000000000\r\n"
        self.assert_at_most_doubled(lambda: Crowd(self.lodge, (b"",), (parameters, headers, chunks), pause=0.05))


if __name__ == "__main__":
    unittest.main()
