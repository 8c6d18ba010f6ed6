"""Debian's Ansible (amazon.aws, community.aws) against Lodge: playbooks make things, change nothing when run again, change what
they are told to, and take everything away."""
import collections
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import WireTest

PLAYBOOKS = pathlib.Path(__file__).resolve().parent / "ansible"
PLAY_SECONDS = 300

Play = collections.namedtuple("Play", "changed results")  # names of the tasks that changed something; {task: its result}


class AnsibleTest(WireTest):
    def setUp(self):
        super().setUp()
        self.home = tempfile.mkdtemp(prefix="lodge-ansible-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.at_first = self.everything()

    def play(self, playbook, **variables):
        """Runs it to its end; every task has to succeed."""
        command = ["/usr/bin/ansible-playbook", "-i", "localhost,", "-c", "local", "-e", json.dumps(variables), str(PLAYBOOKS / playbook)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PLAY_SECONDS, env=self.environment(), check=False)
        tasks = self.tasks(done)
        failures = {name: result for name, result in tasks.items() if result.get("failed") or result.get("unreachable")}
        self.assertFalse(failures or done.returncode, f"{playbook}: {json.dumps(failures, indent=1)[:6000]}\n{done.stderr[:4000]}")
        return Play([name for name, result in tasks.items() if result.get("changed")], tasks)

    def environment(self):
        aws = {"AWS_URL": self.lodge.endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": self.account.key,
               "AWS_SECRET_ACCESS_KEY": self.account.secret}
        homes = {"HOME": self.home, "ANSIBLE_HOME": self.home, "ANSIBLE_LOCAL_TEMP": self.home, "ANSIBLE_REMOTE_TEMP": self.home}
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"), **homes, **aws}

    def tasks(self, done):
        start = done.stdout.find("{")
        if start < 0:
            self.fail(f"ansible-playbook ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        report, _ = json.JSONDecoder().raw_decode(done.stdout[start:])
        return {task["task"]["name"]: next(iter(task["hosts"].values())) for play in report["plays"] for task in play["tasks"] if task["hosts"]}

    def same_again(self, playbook, **variables):
        self.assertEqual([], self.play(playbook, **variables).changed, f"{playbook} is not idempotent")

    # -- what is there ------------------------------------------------------------------------------------------------

    def everything(self):
        """IDs of all that the account has and that does not just fade away."""
        found = {}
        for call, result, name, wanted in (
                ("describe_vpcs", "Vpcs", "VpcId", {}), ("describe_subnets", "Subnets", "SubnetId", {}),
                ("describe_internet_gateways", "InternetGateways", "InternetGatewayId", {}),
                ("describe_egress_only_internet_gateways", "EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId", {}),
                ("describe_nat_gateways", "NatGateways", "NatGatewayId", {"State": ("pending", "available", "deleting")}),
                ("describe_route_tables", "RouteTables", "RouteTableId", {}), ("describe_network_acls", "NetworkAcls", "NetworkAclId", {}),
                ("describe_security_groups", "SecurityGroups", "GroupId", {}), ("describe_dhcp_options", "DhcpOptions", "DhcpOptionsId", {}),
                ("describe_vpc_peering_connections", "VpcPeeringConnections", "VpcPeeringConnectionId", {"Status": ("active",)}),
                ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", {}),
                ("describe_key_pairs", "KeyPairs", "KeyName", {}), ("describe_addresses", "Addresses", "AllocationId", {})):
            each = getattr(self.ec2, call)()[result]
            found[name] = sorted(e[name] for e in each if all(self.word(e[k]) in v for k, v in wanted.items()))
        return found

    @staticmethod
    def word(value):
        return value["Code"] if isinstance(value, dict) else value

    def assert_nothing_left(self):
        self.assertEqual(self.at_first, self.everything())


class Network(AnsibleTest):
    CHANGES = {"owner": "bob", "ssh_from": "10.1.0.0/16", "dns_servers": ["10.9.0.4", "10.9.0.5"], "more_cidrs": ["10.11.0.0/16"],
               "web_ports": [443, 8443]}

    def group(self, name):
        return self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"][0]

    def ports_of(self, name):
        return sorted(rule["FromPort"] for rule in self.group(name)["IpPermissions"])

    def test_whole_life(self):
        made = self.play("network.yml")
        self.assertEqual(list(made.results), made.changed)
        self.same_again("network.yml")
        self.see_what_was_made(made.results)
        self.assertEqual([], self.play("network_info.yml").changed)
        # All but the egress-only gateway, which has nothing to change, and the route tables.
        changed = self.play("network.yml", **self.CHANGES)
        self.assertEqual(9, len(changed.changed), changed.changed)
        self.see_what_was_changed(changed.results)
        self.play("network_gone.yml")
        self.assert_nothing_left()

    def see_what_was_made(self, results):
        self.assertEqual([8, 22, 80, 443], self.ports_of("web"))
        self.assertEqual({80, 443}, {rule["FromPort"] for rule in self.group("database")["IpPermissionsEgress"]})
        tables = {self.name_of(t): t for t in self.ec2.describe_route_tables()["RouteTables"]}
        targets = {r.get("DestinationCidrBlock") or r["DestinationIpv6CidrBlock"]:
                   r.get("NatGatewayId") or r.get("EgressOnlyInternetGatewayId") or r["GatewayId"] for r in tables["private"]["Routes"]}
        self.assertEqual(results["Make the NAT gateway with an address of its own"]["nat_gateway_id"], targets["0.0.0.0/0"])
        self.assertEqual(results["Make the egress-only gateway"]["gateway_id"], targets["::/0"])
        self.assertEqual([results["Make the private subnet"]["subnet"]["id"]], [a["SubnetId"] for a in tables["private"]["Associations"]])

    def see_what_was_changed(self, results):
        self.assertEqual([8, 22, 443, 8443], self.ports_of("web"))
        vpc = self.ec2.describe_vpcs(VpcIds=[results["Make the VPC"]["vpc"]["id"]])["Vpcs"][0]
        self.assertEqual({"Name": "shop", "Owner": "bob"}, {t["Key"]: t["Value"] for t in vpc["Tags"]})
        self.assertEqual({"10.10.0.0/16", "10.11.0.0/16"}, {a["CidrBlock"] for a in vpc["CidrBlockAssociationSet"]})
        options = self.ec2.describe_dhcp_options(DhcpOptionsIds=[vpc["DhcpOptionsId"]])["DhcpOptions"][0]
        servers = [c["Values"] for c in options["DhcpConfigurations"] if c["Key"] == "domain-name-servers"][0]
        self.assertEqual(["10.9.0.4", "10.9.0.5"], [v["Value"] for v in servers])

    @staticmethod
    def name_of(resource):
        return {t["Key"]: t["Value"] for t in resource["Tags"]}.get("Name")


class Ipv6(AnsibleTest):
    def test_on_and_off(self):
        self.play("ipv6.yml")
        self.assertEqual(["Make the subnet", "Take the VPC's block away"], self.play("ipv6.yml", six=False).changed)
        self.same_again("ipv6.yml", six=False)
        self.play("ipv6_gone.yml")
        self.assert_nothing_left()


class Peering(AnsibleTest):
    def test_whole_life(self):
        self.play("peering.yml")
        self.assertEqual(["Ask for the peering"], self.play("peering.yml", purpose="logs").changed)
        self.play("peering_gone.yml")
        self.assert_nothing_left()


class Access(AnsibleTest):
    OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIu71mFhvP3mbVXN+nOk+mUEKkDoQuxHVFra1IBGc7RQ bob@example.test"

    def test_whole_life(self):
        self.assertEqual(3, len(self.play("access.yml").changed))
        self.same_again("access.yml")
        before = self.ec2.describe_key_pairs(KeyNames=["brought"])["KeyPairs"][0]["KeyFingerprint"]
        self.assertEqual(["Bring a key pair along"], self.play("access.yml", public_key=self.OTHER_KEY).changed)
        self.assertNotEqual(before, self.ec2.describe_key_pairs(KeyNames=["brought"])["KeyPairs"][0]["KeyFingerprint"])
        self.play("access_gone.yml")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
