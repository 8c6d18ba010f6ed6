"""Requests that are framed in two ways, too large or cut short, each behind a good signature: what they ask for never
happens, and the client is told why in EC2's form. The unit tests of proto/http list the variants."""
import socket
import unittest
import xml.etree.ElementTree as ElementTree

from abuse import Raw, open_sockets, resident_mib, signed_head, signed_request
from harness import SIMULATED, WireTest
from signing import call, encode

MIB = 1 << 20


class AbuseTest(WireTest):
    def setUp(self):
        super().setUp()
        self.assert_nothing_happened()  # opens the connection that stays

    def assert_nothing_happened(self):
        self.assertEqual([], self.ec2.describe_key_pairs()["KeyPairs"])

    def assert_lodge_serves(self):
        self.assertEqual(200, call(self.lodge, self.account, "DescribeRegions").status)

    def assert_sockets_come_back(self, before, seconds=20):
        self.eventually(lambda: open_sockets(self.lodge) <= before, seconds,
                        lambda: f"{open_sockets(self.lodge)} sockets are open; before it were {before}")


class Framing(AbuseTest):
    """Every request asks for a key pair; so does another, whole one that hides behind it."""

    def wire(self, framing, body):
        asked = encode({"Action": "CreateKeyPair", "KeyName": "asked"}).encode()
        return signed_head(self.lodge, self.account, asked) + framing + b"\r\n\r\n" + body(asked)

    def refused(self, status, wire):
        hidden = signed_request(self.lodge, self.account, "CreateKeyPair", KeyName="hidden")
        with Raw(self.lodge) as raw:
            raw.send(wire + hidden)
            got, body = raw.answer() or self.fail("lodged closed without a word")
            self.assertEqual(status, got, body)
            error = ElementTree.fromstring(body).find("Errors/Error")
            self.assertTrue(error.findtext("Code") and error.findtext("Message"), body)
            self.assertTrue(raw.ended(), "what hides behind is answered")
        self.assert_nothing_happened()

    @staticmethod
    def chunked(body):
        return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    def test_two_ways_of_framing(self):
        as_it_is = lambda body: body
        for framing, body in ((b"Content-Length: 5\r\nTransfer-Encoding: chunked", self.chunked),
                              (b"Transfer-Encoding: chunked\r\nContent-Length: 5", self.chunked),
                              (b"Content-Length: 35\r\nContent-Length: 36", as_it_is),
                              (b"Content-Length: 35\r\nContent-Length: 35", as_it_is),
                              (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", self.chunked)):
            with self.subTest(framing):
                self.refused(400, self.wire(framing, body))

    def test_chunks_without_end(self):
        chunk = lambda size: lambda body: size + b"\r\n" + body + b"\r\n0\r\n\r\n"
        for size, status in ((b"10000000000000000", 400), (b"1000000000000001f", 400), (b"ffffffffffffffff", 413),
                             (b"7fffffffffffffff", 413), (b"0" * 70_000 + b"1f", 400), (b"-1", 400)):
            with self.subTest(size[:20]):
                self.refused(status, self.wire(b"Transfer-Encoding: chunked", chunk(size)))

    def test_lines_that_end_in_a_bare_lf(self):
        length = b"Content-Length: %d" % len(encode({"Action": "CreateKeyPair", "KeyName": "asked"}))
        good = self.wire(length, lambda body: body)
        head, _, body = good.partition(b"\r\n\r\n")
        for wire in (head.replace(b"\r\n", b"\n") + b"\n\n" + body, head.replace(b"\r\nHost", b"\nHost") + b"\r\n\r\n" + body,
                     head + b"\nX: y\r\n\r\n" + body,
                     self.wire(b"Transfer-Encoding: chunked", lambda b: self.chunked(b).replace(b"\r\n", b"\n"))):
            with self.subTest(wire[-80:]):
                self.refused(400, wire)

    def test_headers_of_a_mebibyte(self):
        length = b"Content-Length: 0\r\n"
        for name, header in (("one", b"X: " + b"x" * MIB), ("many", b"X: y\r\n" * (MIB // 6) + b"X: y"),
                             ("a name", b"x" * MIB + b": y")):
            with self.subTest(name):
                self.refused(431, self.wire(length + header, lambda _: b""))
        with self.subTest("the target"):
            self.refused(431, b"GET /?" + b"a" * MIB + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    def test_memory_after_a_hundred_of_them(self):
        wire = self.wire(b"Content-Length: 0\r\nX: " + b"x" * MIB, lambda _: b"")
        before, open_before = resident_mib(self.lodge), open_sockets(self.lodge)
        for _ in range(100):
            with Raw(self.lodge) as raw:
                raw.send(wire)
        self.assert_lodge_serves()
        self.assert_sockets_come_back(open_before)
        self.assertLess(resident_mib(self.lodge) - before, 64)


class Parameters(AbuseTest):
    def test_a_hundred_thousand(self):
        body = encode((f"A{n}", "") for n in range(100_000))
        self.assertLess(len(body), MIB)
        before = resident_mib(self.lodge)
        for _ in range(5):
            reply = call(self.lodge, self.account, "DescribeInstances", [(f"A{n}", "") for n in range(100_000)])
            self.assertEqual((400, "MalformedQueryString"), (reply.status, reply.code))
        self.assertLess(resident_mib(self.lodge) - before, 64)

    def test_lists_with_holes(self):
        """A list has as many elements as are given, whatever their numbers."""
        before = resident_mib(self.lodge)
        instance, = self.launch()
        name, value = "Filter.1000000.Name", "Filter.1000000.Value.1000000"
        reply = call(self.lodge, self.account, "DescribeInstances", {name: "instance-id", value: instance})
        self.assertEqual((200, [instance]), (reply.status, reply.values("instanceId")))
        for parameters, code in (({"Filter.1000000.Value.1": "x"}, "MissingParameter"),
                                 ({"Filter.18446744073709551616.Name": "instance-id"}, "UnknownParameter"),
                                 ({"Filter.-1.Name": "instance-id"}, "UnknownParameter"),
                                 ({"InstanceId.1e9": instance}, "UnknownParameter")):
            reply = call(self.lodge, self.account, "DescribeInstances", parameters)
            self.assertEqual((400, code), (reply.status, reply.code), reply.body)
        last = {"InstanceId.18446744073709551615": instance}
        self.assertEqual(200, call(self.lodge, self.account, "DescribeInstances", last).status)
        self.assertLess(resident_mib(self.lodge) - before, 64)


class Pipelines(AbuseTest):
    def test_answers_come_in_order(self):
        actions = ["DescribeRegions" if n % 3 else "NoSuchAction" for n in range(300)]
        with Raw(self.lodge) as raw:
            raw.send(b"".join(signed_request(self.lodge, self.account, action) for action in actions))
            answers = [raw.answer() for _ in actions]
        self.assertEqual([200 if action == "DescribeRegions" else 400 for action in actions], [a[0] for a in answers])

    def test_what_stands_before_a_bad_one_is_answered(self):
        good = signed_request(self.lodge, self.account, "DescribeRegions")
        bad = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"
        with Raw(self.lodge) as raw:
            raw.send(good + good + bad + signed_request(self.lodge, self.account, "CreateKeyPair", KeyName="hidden"))
            self.assertEqual([200, 200, 400], [raw.answer()[0] for _ in range(3)])
            self.assertTrue(raw.ended())
        self.assert_nothing_happened()

    def test_who_never_reads_the_answers_is_read_no_further(self):
        before, open_before = resident_mib(self.lodge), open_sockets(self.lodge)
        flood = signed_request(self.lodge, SIMULATED, "DescribeInstanceTypes") * 5000
        with Raw(self.lodge, timeout=3) as raw:
            with self.assertRaises(TimeoutError):
                raw.socket.sendall(flood * 10)
            self.assert_lodge_serves()
            self.assertLess(resident_mib(self.lodge) - before, 64)
        self.assert_sockets_come_back(open_before)


class Halves(AbuseTest):
    def half(self):
        whole = signed_request(self.lodge, self.account, "CreateKeyPair", KeyName="asked")
        return whole[:-5]

    def test_half_a_body_is_no_request(self):
        before = open_sockets(self.lodge)
        half = self.half()
        for cut in (half, half.replace(b"Content-Length: 35", b"Transfer-Encoding: chunked").partition(b"\r\n\r\n")[0] + b"\r\n\r\n23\r\nAction="):
            with Raw(self.lodge) as raw:
                raw.send(cut)
                raw.socket.shutdown(socket.SHUT_WR)
                answer = raw.answer()
                self.assertTrue(answer is None or answer[0] == 400, answer)
                self.assertTrue(raw.ended())
        self.assert_nothing_happened()
        self.assert_sockets_come_back(before)

    def test_a_hundred_halves_that_stay(self):
        before = open_sockets(self.lodge)
        half = self.half()
        halves = [Raw(self.lodge) for _ in range(100)]
        for raw in halves:
            raw.send(half)
            raw.socket.shutdown(socket.SHUT_WR)
        self.assert_sockets_come_back(before)
        self.assert_lodge_serves()
        for raw in halves:
            raw.socket.close()

    def test_a_whole_request_and_an_end(self):
        with Raw(self.lodge) as raw:
            raw.send(signed_request(self.lodge, self.account, "DescribeRegions"))
            raw.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(200, raw.answer()[0])
            self.assertTrue(raw.ended())


if __name__ == "__main__":
    unittest.main()
