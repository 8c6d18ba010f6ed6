"""`lodge network explain`: what the operator is told of packets' ways, and by which exit status."""
import json
import subprocess
import unittest

import harness
from networking import NetworkTest


class Explain(NetworkTest):
    def setUp(self):
        super().setUp()
        self.vpc_id = self.vpc()
        self.one = self.instance_in(self.subnet(self.vpc_id, "10.0.1.0/24"), "10.0.1.5")
        self.two = self.instance_in(self.subnet(self.vpc_id, "10.0.2.0/24"), "10.0.2.5")
        self.group = self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [self.vpc_id]}])["SecurityGroups"][0]["GroupId"]

    def instance_in(self, subnet_id, address):
        return self.launch(SubnetId=subnet_id, PrivateIpAddress=address)[0]

    def explain(self, *words, code=0):
        done = subprocess.run([str(harness.LODGED.parent / "lodge"), "--state-dir", str(self.lodge.state_dir), "network", "explain", *words],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_what_gets_through(self):
        lines = self.explain(self.one, self.two, "22").splitlines()
        self.assertEqual(f"tcp/22 from {self.one} to {self.two} gets through.", lines[-1])
        reply = lines.index("and the reply")
        self.assertTrue(all(line.startswith(("  ✓ ", "  · ")) for line in lines[:reply] + lines[reply + 1:-1]), lines)
        self.assertIn(f"ping from {self.one} to {self.vpc_id}/10.0.2.5 gets through.", self.explain(self.one, f"{self.vpc_id}/10.0.2.5"))

    def test_what_is_stopped_and_what_to_do(self):
        self.ec2.revoke_security_group_ingress(GroupId=self.group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": self.group}]}])
        said = self.explain(self.one, self.two, "22", code=3)
        self.assertIn(f"✗ {self.group} has no ingress rule for tcp/22 from 10.0.1.5: dropped by default\n"
                      f"    Add an ingress rule for tcp/22 from 10.0.1.5/32 to {self.group}.\n", said)
        self.assertIn("is stopped.", said)
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="10.0.1.0/24")
        self.explain(self.one, self.two, "22")
        self.explain(self.one, self.two, "22", "--protocol", "udp", code=3)
        self.ec2.stop_instances(InstanceIds=[self.two])
        self.reach("stopped", [self.two])
        self.assertIn("is stopped\n    Start it.", self.explain(self.one, self.two, "22", code=3))

    def test_json(self):
        said = json.loads(self.explain("--json", self.one, self.two, "22"))
        self.assertEqual((True, "request", "pass"), (said["passes"], said["steps"][0]["direction"], said["steps"][0]["outcome"]))
        self.assertIn("tcp.dst == 22", said["trace"]["microflow"])
        said = json.loads(self.explain("--json", self.one, "internet", "443", code=3))
        self.assertEqual((False, "stop"), (said["passes"], said["steps"][-1]["outcome"]))
        self.assertIn("no route to 203.0.113.1", said["steps"][-1]["text"])

    def test_wrong_use(self):
        self.assertIn("there is no instance", self.explain("i-00000000000000001", self.two, "22", code=1))
        self.assertIn("is no instance, network interface", self.explain("nonsense", self.two, code=1))
        self.assertIn("neither", self.explain("10.0.1.5", "10.0.2.5", "22", code=1))
        self.assertIn("tcp needs a port", self.explain(self.one, self.two, "--protocol", "tcp", code=1))
        self.assertIn("has no ports", self.explain(self.one, self.two, "22", "--protocol", "icmp", code=1))
        for words in ([], [self.one], [self.one, self.two, "0"], [self.one, self.two, "65536"], [self.one, self.two, "--protocol", "none"],
                      [self.one, self.two, "--southbound", "unix:x"]):
            self.explain(*words, code=2)
        self.assertIn("SRC DST [PORT] [OPTIONS]", self.explain("--help"))

    def test_a_trace_that_fails_says_so(self):
        said = self.explain(self.one, self.two, "22", "--trace", "--southbound", "unix:/nowhere", code=1)
        self.assertIn("gets through", said)
        self.assertIn("ovn-trace", said)


if __name__ == "__main__":
    unittest.main()
