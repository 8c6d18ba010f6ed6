"""The operators' API below /lodge/v1/: who may ask what, and that it answers as its description says."""
import http.client
import json
import pathlib
import re
import subprocess
import unittest

import jsonschema
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from harness import REGION, Account, WireTest

ADMIN = pathlib.Path(__file__).resolve().parents[2] / "api/admin"
ROUTE = re.compile(r'\{"(GET|POST|DELETE)", "/v1([^"]*)", "([^"]*)", (local|operators|accounts), admin::\w+\}')
DESCRIPTION = json.loads((ADMIN / "openapi.json").read_text())
NO_ACCOUNT = "999999999999"


def calls():
    """(method, path, for whom, operation) of all that is described."""
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation["x-lodge-for"], operation


def as_json_schema(value):
    """OpenAPI 3.0 says that null is allowed in a word of its own, and where its schemas are in another place."""
    if isinstance(value, list):
        return [as_json_schema(each) for each in value]
    if not isinstance(value, dict):
        return value.replace("#/components/schemas/", "#/definitions/") if isinstance(value, str) else value
    made = {key: as_json_schema(each) for key, each in value.items() if key != "nullable"}
    return {**made, "type": [made["type"], "null"]} if value.get("nullable") else made


class LodgeApiTest(WireTest):
    def setUp(self):
        super().setUp()
        self.operator = self.lodge.new_account("boss")
        self.assertEqual(200, self.lodge.admin("POST", f"/v1/accounts/{self.operator.id}/operator", {"operator": True})[0])

    def ask(self, account, method, path, body=None, service="lodge", prefix="/lodge/v1"):
        """(status, body, headers); `account` None: not signed."""
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = AWSRequest(method, f"{self.lodge.endpoint}{prefix}{path}", data=data, headers={"Content-Type": "application/json"})
        if account:
            SigV4Auth(Credentials(account.key, account.secret), service, REGION).add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", self.lodge.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request(method, f"{prefix}{path}", data, dict(request.headers.items()))
        reply = connection.getresponse()
        text = reply.read()
        return reply.status, json.loads(text) if reply.getheader("Content-Type") == "application/json" else text.decode(), reply

    def good(self, account, method, path, body=None):
        status, answer, reply = self.ask(account, method, path, body)
        self.assertEqual(200, status, answer)
        self.assertRegex(reply.getheader("x-amzn-RequestId"), r"^[0-9a-f-]{36}$")
        self.check(answer, method, path)
        return answer

    def refused(self, status, code, account, method, path, body=None, **more):
        got, answer, reply = self.ask(account, method, path, body, **more)
        self.assertEqual((status, code), (got, answer["code"] if isinstance(answer, dict) else answer))
        self.assertTrue(reply.getheader("x-amzn-RequestId"))
        jsonschema.validate(answer, self.schema("Error"))
        return answer["message"]

    def schema(self, name):
        return {"$ref": f"#/definitions/{name}", "definitions": as_json_schema(DESCRIPTION["components"]["schemas"])}

    def check(self, answer, method, path):
        """Against what is described of that path."""
        for described, methods in DESCRIPTION["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", described), path) and method.lower() in methods:
                schema = methods[method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]
                return jsonschema.validate(answer, {**as_json_schema(schema), "definitions": self.schema("Error")["definitions"]})
        self.fail(f"{method} {path} is not described")


class Described(LodgeApiTest):
    def test_what_there_is_and_nothing_else(self):
        there = {(method, re.sub(r"/$", "/{id}", path) + after, who)
                 for method, path, after, who in ROUTE.findall((ADMIN / "admin.cpp").read_text()) if who != "local"}
        self.assertGreater(len(there), 20)
        self.assertEqual(there | {("GET", "/openapi.json", "accounts")}, {(method, path, who) for method, path, who, _ in calls()})
        self.assertEqual(DESCRIPTION, self.good(self.account, "GET", "/openapi.json"))

    def test_what_is_read(self):
        self.launch()
        for method, path, _, _ in calls():
            if method == "GET" and "{" not in path:
                with self.subTest(path):
                    self.good(self.operator, method, path)

    def test_accounts_and_keys_from_the_first_to_the_last(self):
        made = self.good(self.operator, "POST", "/accounts", {"name": "<b>new</b>"})
        new = Account(made["id"], made["access_key"], made["secret_key"])
        self.assertEqual({"account_id": new.id, "operator": False, "default_region": REGION}, self.good(new, "GET", "/who"))
        second = self.good(self.operator, "POST", f"/accounts/{new.id}/keys", {})
        self.assertEqual({"instances": 2, "vcpus": None, "elastic_ips": None},
                         self.good(self.operator, "POST", f"/accounts/{new.id}/limits", {"instances": 2, "vcpus": None, "elastic_ips": None}))
        shown = next(each for each in self.good(self.operator, "GET", "/accounts")["accounts"] if each["id"] == new.id)
        self.assertEqual(("<b>new</b>", False, 2), (shown["name"], shown["operator"], len(shown["access_keys"])))
        self.good(self.operator, "POST", f"/access-keys/{new.key}/active", {"active": False})
        self.refused(401, "AuthFailure", new, "GET", "/who")
        self.good(self.operator, "DELETE", f"/access-keys/{second['access_key']}")
        self.refused(404, "NotFound", self.operator, "DELETE", f"/access-keys/{second['access_key']}")

    def test_hosts(self):
        host = self.good(self.operator, "GET", "/hosts")["hosts"][0]
        self.addCleanup(self.ask, self.operator, "POST", f"/hosts/{host['id']}/drain", {"draining": False})
        before = self.good(self.operator, "GET", "/capacity")
        self.assertEqual("draining", self.good(self.operator, "POST", f"/hosts/{host['id']}/drain", {"draining": True})["state"])
        after = self.good(self.operator, "GET", "/capacity")
        self.assertEqual(before["hosts"] - 1, after["hosts"])
        room = [{each["type"]: each["room_for"] for each in shown["types"]}["t3.nano"] for shown in (before, after)]
        self.assertGreater(room[0], room[1])
        self.good(self.operator, "POST", "/host-tokens", {"ttl_s": 60})
        self.refused(409, "Conflict", self.operator, "DELETE", f"/hosts/{self.good(self.operator, 'GET', '/hosts')['hosts'][1]['id']}")

    def test_capacity_is_what_can_be_launched(self):
        def room():
            return {each["type"]: each["room_for"] for each in self.good(self.operator, "GET", "/capacity")["types"]}
        before = room()
        self.launch(InstanceType="t3.nano")
        self.assertEqual(before["t3.nano"] - 1, room()["t3.nano"])

    def test_bodies_that_are_no_good(self):
        for body in (b"", b"[]", b"{", b"\xff", b'"x"'):
            with self.subTest(body):
                self.refused(400, "InvalidInput", self.operator, "POST", "/accounts", body)
        self.refused(400, "InvalidInput", self.operator, "POST", f"/accounts/{self.account.id}/operator", {"operator": "yes"})
        self.refused(404, "NotFound", self.operator, "POST", f"/accounts/{NO_ACCOUNT}/operator", {"operator": True})
        self.refused(404, "NotFound", self.operator, "POST", "/accounts/000000000000/operator", {"operator": True})


class WhoMayAsk(LodgeApiTest):
    def test_nobody_without_a_signature(self):
        for method, path, _, _ in calls():
            with self.subTest(f"{method} {path}"):
                status, answer, _ = self.ask(None, method, path.replace("{id}", "x"))
                self.assertEqual((403, "MissingAuthenticationToken"), (status, answer["code"]))
        forged = Account(self.operator.id, self.operator.key, "not its secret")
        self.refused(401, "AuthFailure", forged, "GET", "/hosts")
        self.refused(401, "AuthFailure", self.operator, "GET", "/hosts", service="ec2")

    def test_a_lodge_signature_is_none_for_ec2(self):
        status, answer, _ = self.ask(self.operator, "POST", "", b"Action=DescribeInstances&Version=2016-11-15", prefix="/")
        self.assertNotEqual(200, status, answer)

    def test_operators_calls_are_theirs(self):
        for method, path, who, _ in calls():
            if who == "operators":
                with self.subTest(f"{method} {path}"):
                    told = self.refused(403, "UnauthorizedOperation", self.account, method, path.replace("{id}", self.account.id), {})
                    self.assertIn(f"lodge account operator {self.account.id}", told)

    def test_an_operator_no_longer(self):
        self.good(self.operator, "GET", "/hosts")
        self.good(self.operator, "POST", f"/accounts/{self.operator.id}/operator", {"operator": False})
        self.refused(403, "UnauthorizedOperation", self.operator, "GET", "/hosts")

    def test_what_speaks_of_the_machines_files_is_the_sockets_alone(self):
        for path in ("/backup", "/images"):
            self.refused(404, "NotFound", self.operator, "POST", path, {"path": "/tmp/stolen", "name": "x"})

    def test_other_paths(self):
        for path in ("/nothing", "/hosts/", "/hosts/a/b/drain", "/hosts/../info", "/"):
            self.refused(404, "NotFound", self.operator, "GET", path)
        for prefix, path in (("/lodge", ""), ("/lodge/v2", "/hosts"), ("/lodgev1", "/hosts")):
            self.assertEqual(404, self.ask(self.operator, "GET", path, prefix=prefix)[0])
        self.good(self.operator, "GET", "/hosts")
        self.assertEqual(200, self.ask(self.operator, "GET", "/hosts?x=1")[0])

    def test_an_account_sees_events_of_its_own_instances(self):
        (mine,) = self.launch()
        events = self.good(self.account, "GET", f"/events/{mine}")["events"]
        self.assertIn("running", " ".join(each["message"] for each in events))
        stranger = self.lodge.new_account()
        missing = self.refused(404, "NotFound", stranger, "GET", "/events/i-0123456789abcdef0")
        self.assertEqual(missing.replace("i-0123456789abcdef0", mine), self.refused(404, "NotFound", stranger, "GET", f"/events/{mine}"))
        host = self.good(self.operator, "GET", "/hosts")["hosts"][0]["id"]
        self.refused(404, "NotFound", self.account, "GET", f"/events/{host}")
        self.good(self.operator, "GET", f"/events/{host}")

    def test_an_account_asks_about_its_own_network(self):
        (mine,) = self.launch()
        ask = {"source": "internet", "destination": mine, "port": 22}
        verdict = self.good(self.account, "POST", "/network/explain", ask)
        self.assertFalse(verdict["passes"])
        self.assertNotIn("trace", verdict)
        self.assertEqual(verdict["steps"], self.good(self.operator, "POST", "/network/explain", ask)["steps"])
        stranger = self.lodge.new_account()
        told = [self.refused(404, "NotFound", stranger, "POST", "/network/explain", {**ask, "destination": each})
                for each in (mine, "i-0123456789abcdef0")]
        self.assertEqual(told[0].replace(mine, "X"), told[1].replace("i-0123456789abcdef0", "X"))

    def test_an_account_is_told_of_no_hosts(self):
        ask = {"instance_type": "t3.nano"}
        self.assertEqual([], self.good(self.account, "POST", "/placement/explain", ask)["hosts"])
        self.assertNotEqual([], self.good(self.operator, "POST", "/placement/explain", ask)["hosts"])
        self.refused(404, "NotFound", self.account, "POST", "/placement/explain", {"instance_type": "x9.huge"})

    def test_curl_signs_for_it(self):
        """As README.md says."""
        signed = ["curl", "-s", "--aws-sigv4", f"aws:amz:{REGION}:lodge", "--user", f"{self.operator.key}:{self.operator.secret}"]
        for more, path in (([], "/capacity"), (["-d", '{"instance_type": "t3.nano"}'], "/placement/explain")):
            told = subprocess.run([*signed, *more, f"{self.lodge.endpoint}/lodge/v1{path}"], capture_output=True, text=True, check=True)
            self.check(json.loads(told.stdout), "POST" if more else "GET", path)

    def test_the_log_tells_who_asked_for_what(self):
        self.good(self.operator, "GET", "/hosts")
        self.assertRegex(self.lodge.log(), rf"audit .* account={self.operator.id} key={self.operator.key} .* action=GET /lodge/v1/hosts code=200")
        self.assertNotIn(self.operator.secret, self.lodge.log())


if __name__ == "__main__":
    unittest.main()
