"""The wire itself: actions and versions, odd parameters, limits, HTTP, health and metrics, slow clients."""
import http.client
import re
import socket
import time
import unittest

from harness import SIMULATED, WireTest
from signing import EC2_NAMESPACE, FORM, call, encode, post, presign, send, sign


class Actions(WireTest):
    def refused(self, reply, code, *names, status=400):
        self.assertEqual((status, code), (reply.status, reply.code), reply.body)
        for name in names:
            self.assertIn(name, reply.message)

    def test_no_such_action(self):
        for name in ("NoSuchAction", "describeInstances", "DescribeInstances ", "RunInstance", "X" * 10_000, "<x>", "\u2603"):
            self.refused(call(self.lodge, self.account, name), "InvalidAction", name[:50])

    def test_actions_of_ec2_that_we_do_not_have(self):
        for name in ("CreateTransitGateway", "DescribeTransitGateways", "CreateIpam", "ModifyReservedInstances", "DescribeSpotPriceHistory"):
            self.refused(call(self.lodge, self.account, name, {"Some": "thing"}), "UnsupportedOperation", name)
        self.assert_code("UnsupportedOperation", self.ec2.describe_transit_gateways, "DescribeTransitGateways")

    def test_every_action_of_the_model_is_known(self):
        model = self.ec2.meta.service_model
        wrong = {}
        for name in model.operation_names:
            code = call(self.lodge, self.account, name, {"NoSuchThing": "1"}).code
            if code not in ("UnsupportedOperation", "UnknownParameter"):
                wrong[name] = code
        self.assertEqual({}, wrong)

    def test_missing_action(self):
        self.refused(call(self.lodge, self.account, None), "MissingAction")
        self.refused(call(self.lodge, self.account, ""), "MissingAction")
        self.refused(post(self.lodge, self.account, ""), "MissingAction")

    def test_versions(self):
        for good in ("2016-11-15", "2014-10-01", "2006-06-26", None):
            self.assertEqual(200, call(self.lodge, self.account, "DescribeRegions", version=good).status, good)
        for bad in ("latest", "2016-11-1x", "", "1", "2016/11/15"):
            self.refused(call(self.lodge, self.account, "DescribeRegions", version=bad), "NoSuchVersion")

    def test_unknown_parameter(self):
        self.refused(call(self.lodge, self.account, "DescribeInstances", {"Nonsense": "1"}), "UnknownParameter", "Nonsense")
        self.refused(call(self.lodge, self.account, "DescribeInstances", {"filter.1.name": "x"}), "UnknownParameter", "filter")

    def test_duplicate_parameter(self):
        twice = [("InstanceId.1", "i-0123456789abcdef0")] * 2
        self.refused(call(self.lodge, self.account, "DescribeInstances", twice), "InvalidQueryParameter", "InstanceId.1")
        self.refused(call(self.lodge, self.account, "DescribeInstances", [("Action", "TerminateInstances")]), "InvalidQueryParameter", "Action")

    def test_one_parameter_in_two_forms(self):
        two = {"InstanceId": "i-0123456789abcdef0", "InstanceId.1": "i-0123456789abcdef1"}
        self.assertEqual(400, call(self.lodge, self.account, "DescribeInstances", two).status)

    def test_broken_escapes(self):
        for bad in ("Action=DescribeRegions&X=%", "Action=DescribeRegions&X=%G1", "Action=%E2%98", "Action=DescribeRegions&=x"):
            reply = post(self.lodge, self.account, bad)
            self.assertEqual(400, reply.status, bad)
            reply.xml()

    def test_bytes_that_are_no_text(self):
        for bad in ("%FF%FE", "%00", "%C0%AF", "%ED%A0%80", "a%01b", "%EF%BF%BE"):
            for body in (f"Action=DescribeInstances&InstanceId.1={bad}", f"Action={bad}", f"Action=DescribeInstances&{bad}=1",
                         f"Action=DescribeInstances&NextToken={bad}", f"Action=DescribeInstances&Filter.1.Name={bad}&Filter.1.Value.1=x",
                         f"Action=CreateKeyPair&KeyName={bad}", f"Action=DescribeRegions&Version={bad}"):
                with self.subTest(body):
                    reply = post(self.lodge, self.account, body)
                    self.assertEqual(400, reply.status, reply.body)
                    reply.xml()  # well-formed whatever it quotes

    def test_many_parameters(self):
        filters = [(f"Filter.1.Value.{n}", "x") for n in range(1, 25_000)]
        self.refused(call(self.lodge, self.account, "DescribeInstances", [("Filter.1.Name", "instance-id"), *filters]), "MalformedQueryString")
        deep = ".".join(["a"] * 400)
        self.refused(call(self.lodge, self.account, "DescribeInstances", {deep: "1"}), "UnknownParameter")
        self.assertEqual(400, call(self.lodge, self.account, "DescribeInstances", {"a" * 100_000: "1"}).status)
        self.assertEqual(400, call(self.lodge, self.account, "DescribeInstances", {"..": "1"}).status)

    def test_get_form(self):
        target = "/?" + encode({"Action": "DescribeRegions", "Version": "2016-11-15", "RegionName.1": "us-east-1"})
        reply = send(self.lodge, "GET", target, None, sign(self.lodge, self.account, b"", "GET", target))
        self.assertEqual((200, ["us-east-1"]), (reply.status, reply.values("regionName")), reply.body)

    def test_parameters_in_the_target_of_a_post(self):
        reply = post(self.lodge, self.account, "Version=2016-11-15", target="/?Action=DescribeRegions")
        self.assertEqual(200, reply.status, reply.body)

    def test_a_body_that_is_no_form(self):
        for kind in ("application/json", "multipart/form-data; boundary=x", "application/x-amz-json-1.0"):
            reply = post(self.lodge, self.account, '{"Action": "DescribeRegions"}', {"Content-Type": kind})
            self.assertEqual(400, reply.status)
            self.assertEqual("MalformedQueryString", reply.code)
        for kind in ("application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded;charset=UTF-8"):
            reply = post(self.lodge, self.account, "Action=DescribeRegions", {"Content-Type": kind})
            self.assertEqual(200, reply.status, kind)


class Replies(WireTest):
    def test_success(self):
        reply = call(self.lodge, self.account, "DescribeRegions")
        root = reply.xml()
        self.assertEqual(EC2_NAMESPACE + "DescribeRegionsResponse", root.tag)
        self.assertEqual(EC2_NAMESPACE + "requestId", root[0].tag)
        self.assertEqual(root[0].text, reply.headers["x-amzn-RequestId"])
        self.assertRegex(root[0].text, r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.assertEqual("text/xml;charset=UTF-8", reply.headers["Content-Type"])
        self.assertEqual("no-cache, no-store", reply.headers["Cache-Control"])
        self.assertEqual(str(len(reply.body)), reply.headers["Content-Length"])
        self.assertIn("Date", reply.headers)
        self.assertNotIn("Boost", reply.headers.get("Server", ""))
        self.assertTrue(reply.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n'))

    def test_every_request_has_its_own_id(self):
        self.assertEqual(20, len({call(self.lodge, self.account, "DescribeRegions").values("requestId")[0] for _ in range(20)}))

    def test_error(self):
        reply = call(self.lodge, self.account, "NoSuchAction")
        self.assertEqual("text/xml;charset=UTF-8", reply.headers["Content-Type"])
        self.assertEqual(reply.values("RequestID")[0], reply.headers["x-amzn-RequestId"])
        self.assertEqual(["Code", "Message"], [e.tag for e in reply.xml().find("Errors/Error")])

    def test_empty_lists_are_empty_elements(self):
        reply = call(self.lodge, self.account, "DescribeInstances")
        self.assertRegex(reply.body, rb"<reservationSet></reservationSet>|<reservationSet/>")
        self.assertNotIn(b"nextToken", reply.body)


class Metrics(WireTest):
    options = ("--metrics-token", "s3cret")

    def test_they_need_the_token(self):
        call(self.lodge, self.account, "DescribeRegions")
        call(self.lodge, self.account, "NoSuchAction")
        for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}):
            reply = send(self.lodge, "GET", "/metrics", headers=headers)
            self.assertEqual(401, reply.status)
            self.assertNotIn(b"lodge_", reply.body)
        reply = send(self.lodge, "GET", "/metrics", headers={"Authorization": "Bearer s3cret"})
        text = reply.body.decode()
        self.assertEqual(200, reply.status)
        self.assertTrue(reply.headers["Content-Type"].startswith("text/plain"))
        self.assertRegex(text, r'lodge_requests_total\{action="DescribeRegions",code="OK"\} [1-9]')
        self.assertRegex(text, r'lodge_requests_total\{action="-",code="InvalidAction"\} [1-9]')
        seconds = float(re.search(r'lodge_request_seconds_sum\{action="DescribeRegions"\} (\S+)', text)[1])
        self.assertTrue(0 < seconds < 60, seconds)  # finer than a millisecond
        self.assertRegex(text, r"(?m)^lodge_instances \d+$")
        self.assertEqual((200, True), (lambda s, t: (s, "lodge_requests_total" in t))(*self.lodge.admin("GET", "/metrics")))


class Http(WireTest):
    def test_health_without_a_signature(self):
        self.assertEqual((200, b"ok\n"), send(self.lodge, "GET", "/healthz")[::2])
        self.assertEqual(200, send(self.lodge, "HEAD", "/healthz").status)

    def test_without_a_token_nobody_reads_metrics(self):
        for headers in ({}, {"Authorization": "Bearer "}):
            self.assertEqual(401, send(self.lodge, "GET", "/metrics", headers=headers).status)

    def test_other_methods_and_paths(self):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"):
            self.assertEqual(405, send(self.lodge, method, "/").status, method)
        for path in ("/favicon.ico", "/latest/meta-data/", "/../../etc/passwd", "//", "/healthz/x", "/%2e%2e", "*"):
            self.assertIn(send(self.lodge, "GET", path).status, (400, 404), path)

    def test_body_over_the_limit(self):
        body = b"Action=DescribeRegions&X=" + b"x" * (1 << 20)
        reply = post(self.lodge, self.account, body)
        self.assertEqual((413, "RequestEntityTooLarge"), (reply.status, reply.code))
        self.assertEqual(200, call(self.lodge, self.account, "DescribeRegions").status)

    def test_announced_body_over_the_limit_is_refused_unread(self):
        with socket.create_connection(("127.0.0.1", self.lodge.port), 10) as s:
            s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
            self.assertIn(b" 413 ", s.recv(4096))

    def test_headers_over_the_limit(self):
        reply = send(self.lodge, "GET", "/", headers={"X-Long": "x" * 100_000})
        self.assertEqual(431, reply.status)

    def test_no_http_at_all(self):
        for rubbish in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n",
                        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.lodge.port), 10) as s:
                s.sendall(rubbish)
                s.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: s.recv(4096), b""))
                self.assertTrue(answer == b"" or re.match(rb"HTTP/1.[01] (4\d\d|505) ", answer), (rubbish, answer[:100]))

    def test_keep_alive(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.lodge.port, timeout=10)
        connection.connect()
        first = connection.sock
        for n in range(50):
            action = "DescribeRegions" if n % 2 else "NoSuchAction"
            reply = post(self.lodge, self.account, f"Action={action}", connection=connection)
            self.assertEqual(200 if n % 2 else 400, reply.status)
            self.assertIs(first, connection.sock, f"the server closed after request {n}")
        connection.close()

    def test_chunked_body(self):
        body = b"Action=DescribeRegions"
        headers = sign(self.lodge, self.account, body, headers={"Content-Type": FORM})
        connection = http.client.HTTPConnection("127.0.0.1", self.lodge.port, timeout=10)
        connection.request("POST", "/", iter([body[:5], body[5:]]), headers, encode_chunked=True)
        self.assertEqual(200, connection.getresponse().status)

    def test_expect_100_continue(self):
        """curl sends it with larger bodies."""
        body = b"Action=DescribeRegions"
        headers = sign(self.lodge, self.account, body, headers={"Content-Type": FORM})
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        with socket.create_connection(("127.0.0.1", self.lodge.port), 10) as s:
            s.sendall(f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{self.lodge.port}\r\n{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 100 "))
            s.sendall(body)
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 200 "))

    def test_slow_clients_do_not_hold_others_up(self):
        slow = [socket.create_connection(("127.0.0.1", self.lodge.port), 10) for _ in range(200)]
        try:
            for n, s in enumerate(slow):
                s.sendall((b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nA", b"")[n % 4])
            for _ in range(10):
                begun = time.monotonic()
                self.assertEqual(200, call(self.lodge, SIMULATED, "DescribeRegions").status)
                self.assertLess(time.monotonic() - begun, 2)
        finally:
            for s in slow:
                s.close()

    def test_clients_that_leave_early(self):
        headers = sign(self.lodge, self.account, b"Action=DescribeInstanceTypes", headers={"Content-Type": FORM})
        for _ in range(20):
            connection = http.client.HTTPConnection("127.0.0.1", self.lodge.port, timeout=10)
            connection.request("POST", "/", b"Action=DescribeInstanceTypes", headers)
            connection.close()
        self.assertEqual(200, send(self.lodge, "GET", presign(self.lodge, self.account, {"Action": "DescribeRegions"})).status)


if __name__ == "__main__":
    unittest.main()
