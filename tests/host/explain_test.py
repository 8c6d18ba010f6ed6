#!/usr/bin/python3
"""`lodge network explain` against OVN's own ovn-trace: the same verdict for every case, over a real OVN."""

import contextlib
import ipaddress
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import ovn as simulation  # noqa: E402
from cloud import binary  # noqa: E402
from ovn_test import make_folder  # noqa: E402
from plane import Plane  # noqa: E402

# Where the packet itself ends, also if its switch had to send it to all ports that may know. Ports of other types lie on
# its way, and what is further in is a router's question for a MAC address.
OUTPUT = re.compile(r'^ {4}(?: {8})?/\* output to "([^"]*)", type "(?:|localnet|localport)"', re.MULTILINE)
EVERYBODY = [{"CidrIp": "0.0.0.0/0"}]
NUMBERS = itertools.count(1)


class ExplainTest(unittest.TestCase):
    """Two VPCs that peer, and instances in them as the store knows them; no packet is sent."""

    @classmethod
    def setUpClass(cls):
        cls.plane = Plane(make_folder(cls.addClassCleanup))
        cls.addClassCleanup(cls.plane.stop)
        cls.plane.start()
        cls.ec2 = cls.plane.ec2

    def setUp(self):
        number = next(NUMBERS)  # tests leave what they made
        self.net, self.peer_net = f"10.{2 * number}", f"10.{2 * number + 1}"
        self.vpc, self.group = self.make_vpc(f"{self.net}.0.0/16")
        self.a, self.a_table = self.make_subnet(self.vpc, f"{self.net}.1.0/24")
        self.b, self.b_table = self.make_subnet(self.vpc, f"{self.net}.2.0/24")
        self.door = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.door, VpcId=self.vpc)
        self.ec2.create_route(RouteTableId=self.a_table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.door)

    # --- What there is to be explained ---------------------------------------------------------------------------

    def make_vpc(self, cidr):
        vpc = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        groups = self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
        return vpc, groups[0]["GroupId"]

    def make_subnet(self, vpc, cidr):
        """With a route table of its own."""
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]
        table = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return subnet, table

    def launch(self, subnet, address, group=None):
        """Rows of an instance that runs, with one interface: there is no agent here that would run it."""
        facts = self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
        digits = uuid.uuid4().hex[:17]
        interface, instance = f"eni-{digits}", f"i-{digits}"
        common = {"account_id": self.plane.account["id"], "region": "us-east-1", "zone": "us-east-1a"}
        with contextlib.closing(sqlite3.connect(f"{self.plane.state_dir}/lodge.db", timeout=30)) as database, database:
            add = lambda table, **values: self.add_row(database, table, {**common, **values})  # noqa: E731
            add("reservations", id=f"r-{digits}")
            add("instances", id=instance, reservation_id=f"r-{digits}", guest_id=f"g-{digits}", desired="running",
                host_id=self.plane.hosts[0].name)
            add("guests", id=f"g-{digits}", instance_id=instance, host_id=self.plane.hosts[0].name, observed="running")
            add("network_interfaces", id=interface, vpc_id=facts["VpcId"], subnet_id=subnet, port_uuid=str(uuid.uuid4()),
                mac="02:" + ":".join(digits[at:at + 2] for at in range(0, 10, 2)), interface_type="interface",
                source_dest_check=1, attachment_id=f"eni-attach-{digits}", attachment_state="attached", instance_id=instance)
            add("network_interface_addresses", subnet_id=subnet, address=address, network_interface_id=interface)
            add("network_interface_groups", network_interface_id=interface, group_id=group or self.group)
        return instance

    @staticmethod
    def add_row(database, table, values):
        columns = database.execute(f"SELECT name, type FROM pragma_table_info('{table}')").fetchall()
        row = [values.get(name, 0 if kind == "BIGINT" else "") for name, kind in columns]
        database.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)

    def interface_of(self, instance):
        return "eni-" + instance[2:]

    def give_address(self, instance):
        made = self.ec2.allocate_address()
        self.ec2.associate_address(AllocationId=made["AllocationId"], NetworkInterfaceId=self.interface_of(instance))
        return made["PublicIp"]

    def give_acl(self, subnet, *entries):
        """Each (number, is egress, "allow" or "deny", CIDR, first port, last port), of TCP."""
        facts = self.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"][0]
        acl = self.ec2.create_network_acl(VpcId=facts["VpcId"])["NetworkAcl"]["NetworkAclId"]
        for number, is_egress, action, cidr, first, last in entries:
            self.ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=is_egress, RuleAction=action,
                                              CidrBlock=cidr, Protocol="6", PortRange={"From": first, "To": last})
        (association,) = [a for a in facts["Associations"] if a["SubnetId"] == subnet]
        self.ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)

    def let_in(self, group, port, protocol="tcp", **other):
        """Of ICMP the type, with any code."""
        ranges = {"IpRanges": EVERYBODY} if not other else other
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
            {"IpProtocol": protocol, "FromPort": port, "ToPort": -1 if protocol == "icmp" else port, **ranges}])

    def peer(self):
        """A subnet of another VPC, c, with routes from a and back."""
        self.other, self.other_group = self.make_vpc(f"{self.peer_net}.0.0/16")
        self.c, self.c_table = self.make_subnet(self.other, f"{self.peer_net}.1.0/24")
        peering = self.ec2.create_vpc_peering_connection(VpcId=self.vpc, PeerVpcId=self.other)["VpcPeeringConnection"]
        self.peering = peering["VpcPeeringConnectionId"]
        self.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=self.peering)
        for table, net in ((self.a_table, self.peer_net), (self.c_table, self.net)):
            self.ec2.create_route(RouteTableId=table, DestinationCidrBlock=f"{net}.0.0/16", VpcPeeringConnectionId=self.peering)

    # --- Both verdicts ----------------------------------------------------------------------------------------------

    def settle(self):
        """OVN has everything: rows made behind lodged's back are looked at along with a change made by it."""
        for vpc in (self.vpc, getattr(self, "other", None)):
            if vpc:
                group = self.ec2.create_security_group(VpcId=vpc, GroupName="kick", Description="x")["GroupId"]
                self.plane.wait_for_row("Port_Group", group)
                self.ec2.delete_security_group(GroupId=group)
                self.plane.wait_for_row("Port_Group", group, there=False)
        self.plane.ovn.nbctl("--wait=sb", "sync")

    def explain(self, *words):
        socket = f"unix:{self.plane.ovn.central.folder}/run/ovnsb_db.sock"
        command = [binary("api/lodge"), "--state-dir", self.plane.state_dir, "--json", "network", "explain",
                   *map(str, words), "--trace", "--southbound", socket]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "PATH": f"{simulation.PREFIX}/bin:{os.environ['PATH']}"})
        self.assertIn(done.returncode, (0, 3), done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(done.returncode == 0, said["passes"])
        return said

    def agree(self, passes, *words, because=""):
        """Explanation and trace say so of the first packet; the explanation's last step gives the reason."""
        with self.subTest(words):
            said = self.explain(*words)
            steps = [step["text"] for step in said["steps"]]
            request = all(step["outcome"] != "stop" for step in said["steps"] if step["direction"] == "request")
            output = said["trace"]["output"]
            self.assertEqual((passes, passes), (request, bool(OUTPUT.search(output))), "\n".join([*steps, output]))
            self.assertIn(because, steps[-1])

    # --- Cases --------------------------------------------------------------------------------------------------------

    def test_inside_a_vpc(self):
        one, two = self.launch(self.a, f"{self.net}.1.5"), self.launch(self.a, f"{self.net}.1.6")
        far = self.launch(self.b, f"{self.net}.2.5")
        closed = self.ec2.create_security_group(VpcId=self.vpc, GroupName="closed", Description="x")["GroupId"]
        alone = self.launch(self.b, f"{self.net}.2.6", group=closed)
        self.settle()
        self.agree(True, one, two, 22)
        self.agree(True, one, two)
        self.agree(True, one, far, 22)
        self.agree(True, one, far, "--protocol", 47)
        self.agree(False, one, alone, 22, because=f"{closed} has no ingress rule")
        self.agree(True, alone, f"{self.net}.2.1", because="answers pings")
        self.agree(True, alone, f"{self.net}.1.1", because="answers pings")
        for address in ("255.255.255.255", f"{self.net}.1.255", "224.0.0.5"):
            self.agree(True, one, address, 9, "--protocol", "udp", because="every interface in")
        self.agree(False, one, f"{self.net}.9.9", 22, because="discarded")
        self.agree(False, one, f"{self.net}.2.99", 22, because="no interface in")
        self.agree(True, one, "169.254.169.254", 80)
        self.agree(True, one, "169.254.169.253", 53, "--protocol", "udp")
        self.agree(True, alone, "255.255.255.255", 67, "--protocol", "udp")
        self.let_in(closed, 22, UserIdGroupPairs=[{"GroupId": self.group}])
        self.let_in(closed, 8, "icmp", IpRanges=[{"CidrIp": f"{self.net}.1.5/32"}])
        self.settle()
        self.agree(True, one, alone, 22)
        self.agree(False, one, alone, 23)
        self.agree(True, one, alone)
        self.agree(False, far, alone)

    def test_no_egress_rule(self):
        closed = self.ec2.create_security_group(VpcId=self.vpc, GroupName="closed", Description="x")["GroupId"]
        self.ec2.revoke_security_group_egress(GroupId=closed, IpPermissions=[{"IpProtocol": "-1", "IpRanges": EVERYBODY}])
        one, two = self.launch(self.a, f"{self.net}.1.5", group=closed), self.launch(self.a, f"{self.net}.1.6")
        self.settle()
        self.agree(False, one, two, 22, because="no egress rule")
        self.agree(True, one, "169.254.169.254", 80)
        self.agree(True, one, "169.254.169.253", 53)
        self.agree(False, one, "169.254.169.254", 81, because="no egress rule")

    def test_network_acls(self):
        one, two = self.launch(self.a, f"{self.net}.1.5"), self.launch(self.a, f"{self.net}.1.6")
        far = self.launch(self.b, f"{self.net}.2.5")
        self.give_acl(self.b, (90, False, "deny", f"{self.net}.1.6/32", 22, 22), (100, False, "allow", "0.0.0.0/0", 20, 30),
                      (100, True, "allow", "0.0.0.0/0", 1024, 65535))
        self.settle()
        self.agree(True, one, far, 22)
        self.agree(False, two, far, 22, because="ingress rule 90 denies")
        self.agree(True, two, far, 23)
        self.agree(False, one, far, 31, because="denied by rule *")
        self.agree(False, one, far, because="ingress has no rule for icmp")
        self.agree(False, far, one, 22, because="egress has no rule")
        self.agree(False, far, f"{self.net}.2.1", because="no rule for icmp")
        self.agree(True, one, two, 22)
        self.assertIn("reply", [step["direction"] for step in self.explain(one, far, 22)["steps"]])

    def test_to_and_from_the_outside(self):
        one, two = self.launch(self.a, f"{self.net}.1.5"), self.launch(self.a, f"{self.net}.1.6")
        hidden = self.launch(self.b, f"{self.net}.2.5")
        self.settle()
        self.agree(False, one, "internet", 443, because="has no public address")
        self.agree(False, hidden, "internet", 443, because="no route to")
        public = self.give_address(one)
        self.let_in(self.group, 22)
        self.settle()
        self.agree(True, one, "internet", 443)
        self.agree(True, "internet", one, 22)
        self.agree(True, "internet", public, 22)
        self.agree(False, "internet", one, 23, because="no ingress rule")
        self.agree(False, one, f"{self.net}.9.9", 22, because="discarded")
        self.give_address(two)
        self.agree_on_the_way_to(two, one)

    def agree_on_the_way_to(self, two, one):
        """By public addresses, out and in again."""
        self.settle()
        (facts,) = self.ec2.describe_addresses(Filters=[{"Name": "network-interface-id", "Values": [self.interface_of(two)]}])["Addresses"]
        self.agree(True, one, facts["PublicIp"], 22)
        self.agree(False, one, facts["PublicIp"], 23, because="no ingress rule")

    def give_ipv6(self, *instances):
        """Blocks to the VPC and both subnets; to each instance, (ID, its subnet), an address, which is returned."""
        self.ec2.associate_vpc_cidr_block(VpcId=self.vpc, AmazonProvidedIpv6CidrBlock=True)
        (cidr,) = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
        parts = ipaddress.ip_network(cidr["Ipv6CidrBlock"]).subnets(new_prefix=64)
        for subnet in (self.a, self.b):
            self.ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=str(next(parts)))
        return [self.ec2.assign_ipv6_addresses(NetworkInterfaceId=self.interface_of(each), Ipv6AddressCount=1)["AssignedIpv6Addresses"][0]
                for each in instances]

    def test_ipv6_to_and_from_the_outside(self):
        one, far = self.launch(self.a, f"{self.net}.1.5"), self.launch(self.b, f"{self.net}.2.5")
        address, far_address = self.give_ipv6(one, far)
        self.let_in(self.group, 22, Ipv6Ranges=[{"CidrIpv6": "::/0"}])
        self.settle()
        other = "2001:db8::1"
        self.agree(True, one, far_address, 22)
        self.agree(False, one, other, 443, because="no route to")
        self.agree(False, other, address, 22, because="nothing outside finds")
        self.ec2.create_route(RouteTableId=self.a_table, DestinationIpv6CidrBlock="::/0", GatewayId=self.door)
        door = self.ec2.create_egress_only_internet_gateway(VpcId=self.vpc)["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
        for cidr, target in (("::/0", {"EgressOnlyInternetGatewayId": door}), ("2001:db8:1::/48", {"GatewayId": self.door})):
            self.ec2.create_route(RouteTableId=self.b_table, DestinationIpv6CidrBlock=cidr, **target)
        self.settle()
        self.agree(True, one, other, 443)
        self.agree(True, other, one, 22)
        self.agree(False, other, address, 23, because="no ingress rule")
        self.agree(True, far, other, 443)
        self.agree(False, other, far_address, 22, because="lets nothing in from")
        self.agree(True, "2001:db8:1::1", far_address, 22)
        self.agree(True, one, far_address, 22)

    def test_nat_gateways(self):
        hidden = self.launch(self.b, f"{self.net}.2.5")
        nat = self.ec2.create_nat_gateway(SubnetId=self.a, AllocationId=self.ec2.allocate_address()["AllocationId"])["NatGateway"]
        self.ec2.create_route(RouteTableId=self.b_table, DestinationCidrBlock="192.0.2.0/24", NatGatewayId=nat["NatGatewayId"])
        self.settle()
        self.agree(True, hidden, "192.0.2.1", 443)
        self.agree(False, hidden, "203.0.113.1", 443, because="no route to")
        other = self.ec2.create_nat_gateway(SubnetId=self.a, AllocationId=self.ec2.allocate_address()["AllocationId"])["NatGateway"]
        for cidr, target in (("0.0.0.0/0", {"GatewayId": self.door}), ("198.51.100.0/24", {"NatGatewayId": other["NatGatewayId"]}),
                             ("192.0.2.128/25", {"GatewayId": self.door})):
            self.ec2.create_route(RouteTableId=self.b_table, DestinationCidrBlock=cidr, **target)
        self.settle()
        self.agree(True, hidden, "192.0.2.1", 443)
        self.agree(True, hidden, "198.51.100.1", 443)
        self.agree(False, hidden, "192.0.2.129", 443, because="has no public address")
        self.agree(False, hidden, "203.0.113.1", 443, because="has no public address")
        self.agree_on_the_list_of_its_subnet(hidden)
        self.ec2.delete_route(RouteTableId=self.a_table, DestinationCidrBlock="0.0.0.0/0")
        self.settle()
        self.agree(False, hidden, "192.0.2.1", 443, because="has no route to an internet gateway")

    def agree_on_the_list_of_its_subnet(self, hidden):
        inside = f"{self.net}.2.0/24"
        self.give_acl(self.a, (100, False, "allow", inside, 0, 65535), (110, False, "allow", "192.0.2.0/24", 1024, 65535),
                      (100, True, "allow", "192.0.2.0/24", 443, 444), (110, True, "allow", inside, 1024, 65535),
                      (90, False, "deny", inside, 444, 444))
        self.settle()
        self.agree(True, hidden, "192.0.2.1", 443)
        self.agree(False, hidden, "192.0.2.1", 444, because="ingress rule 90 denies")
        self.agree(False, hidden, "192.0.2.1", 445, because="egress has no rule")

    def test_peering(self):
        self.peer()
        one, far = self.launch(self.a, f"{self.net}.1.5"), self.launch(self.b, f"{self.net}.2.5")
        three = self.launch(self.c, f"{self.peer_net}.1.5", group=self.other_group)
        self.settle()
        self.agree(False, one, three, 22, because="no ingress rule")
        self.let_in(self.other_group, 22, UserIdGroupPairs=[{"GroupId": self.group}])
        self.settle()
        self.agree(True, one, three, 22)
        self.agree(False, far, three, 22, because="no route to")
        self.agree(False, one, f"{self.peer_net}.9.9", 22, because="discarded")
        self.agree(False, one, f"{self.peer_net}.1.1", because="answers its own subnets alone")
        self.give_acl(self.c, (100, False, "deny", f"{self.net}.1.0/24", 0, 65535))
        self.settle()
        self.agree(False, one, three, 22, because="ingress rule 100 denies")
        self.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=self.peering)
        self.settle()
        self.agree(False, one, three, 22, because="blackhole")

    def test_forwarders(self):
        one, forwarder = self.launch(self.a, f"{self.net}.1.5"), self.launch(self.b, f"{self.net}.2.5")
        self.ec2.create_route(RouteTableId=self.a_table, DestinationCidrBlock="192.0.2.0/24",
                              NetworkInterfaceId=self.interface_of(forwarder))
        self.settle()
        self.agree(False, one, "192.0.2.1", 80, because="source/dest check is on")
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=self.interface_of(forwarder), SourceDestCheck={"Value": False})
        self.settle()
        self.agree(True, one, "192.0.2.1", 80, because="takes it to forward it")

    def test_an_appliance_between_subnets(self):
        one, two = self.launch(self.a, f"{self.net}.1.5"), self.launch(self.b, f"{self.net}.2.5")
        appliance = self.launch(self.a, f"{self.net}.1.6")
        self.let_in(self.group, 22)
        self.settle()
        self.agree(True, one, two, 22)
        self.ec2.create_route(RouteTableId=self.a_table, DestinationCidrBlock=f"{self.net}.2.0/24", NetworkInterfaceId=self.interface_of(appliance))
        self.settle()
        self.agree(False, one, two, 22, because="source/dest check is on")
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=self.interface_of(appliance), SourceDestCheck={"Value": False})
        self.settle()
        self.agree(True, one, two, 22, because="takes it to forward it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
