"""What an operator takes back: access keys and hosts, by the `lodge` program."""
import json
import subprocess
import unittest

import harness
from harness import WireTest


class OperatorTest(WireTest):
    settings = {"hosts": 2}

    def lodge_program(self, *words, code=0):
        done = subprocess.run([str(harness.LODGED.parent / "lodge"), "--state-dir", str(self.lodge.state_dir), *words],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(code, done.returncode, done.stderr)
        return done.stdout + done.stderr


class Keys(OperatorTest):
    def regions(self, account):
        return len(self.lodge.client(account).describe_regions()["Regions"])

    def refused(self, account):
        self.assert_code("AuthFailure", self.lodge.client(account).describe_regions, status=401)

    def test_disable_and_delete(self):
        printed = self.lodge_program("account", "create-key", self.account.id)
        value = lambda name: printed.split(f"export {name}=")[1].split("\n")[0].strip("'")
        second = self.account._replace(key=value("AWS_ACCESS_KEY_ID"), secret=value("AWS_SECRET_ACCESS_KEY"))
        self.assertNotEqual(self.account.key, second.key)
        self.assertEqual([1, 1], [self.regions(self.account), self.regions(second)])
        self.lodge_program("account", "disable-key", self.account.key)
        self.refused(self.account)
        self.assertEqual(1, self.regions(second))
        mine = next(a for a in self.lodge.admin("GET", "/v1/accounts")[1]["accounts"] if a["id"] == self.account.id)
        self.assertEqual(([second.key], [self.account.key]), (mine["access_keys"], mine["disabled_keys"]))
        self.lodge_program("account", "disable-key", self.account.key, "--undo")
        self.assertEqual(1, self.regions(self.account))
        self.lodge_program("account", "delete-key", self.account.key)
        self.refused(self.account)

    def test_unknown_ones(self):
        self.assertIn("no account", self.lodge_program("account", "create-key", "999999999999", code=1))
        self.assertIn("no account", self.lodge_program("account", "create-key", "000000000000", code=1))
        for command in ("disable-key", "delete-key"):
            self.assertIn("no access key", self.lodge_program("account", command, "NOBODYS", code=1))


class Hosts(OperatorTest):
    settings = {"hosts": 1}

    def test_remove(self):
        host = self.lodge.admin("GET", "/v1/hosts")[1]["hosts"][0]["id"]
        instance, = self.launch()
        self.assertIn("drain it first", self.lodge_program("host", "remove", host, code=1))
        self.lodge_program("host", "drain", host)
        self.assertIn("1 guests", self.lodge_program("host", "remove", host, code=1))
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])  # its disk is still there
        self.assertIn("1 guests", self.lodge_program("host", "remove", host, code=1))
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.reach("terminated", [instance])
        self.lodge_program("host", "remove", host)
        self.assertEqual([], self.lodge.admin("GET", "/v1/hosts")[1]["hosts"])
        self.assertEqual("terminated", self.describe(instance)["State"]["Name"])
        for command in (("remove", host), ("drain", host, "--undo"), ("remove", "h-nonsense")):
            self.assertIn("no host", self.lodge_program("host", *command, code=1))


class Identity(OperatorTest):
    def test_the_certificate_that_documents_are_verified_with(self):
        pem = self.lodge_program("identity-certificate")
        self.assertEqual(pem, json.loads(self.lodge_program("--json", "identity-certificate"))["identity_certificate"])
        shown = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True).stdout
        for each in ("Lodge instance identity", "Public-Key: (2048 bit)", "CA:FALSE", "Digital Signature"):
            self.assertIn(each, shown)
        self.lodge.kill()
        self.lodge.start()
        self.assertEqual(pem, self.lodge_program("identity-certificate"))


if __name__ == "__main__":
    unittest.main()
