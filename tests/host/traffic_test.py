#!/usr/bin/python3
"""What guests can reach: VPCs made by the API on two simulated hosts, carried by a real OVN; guests are namespaces."""

import contextlib
import ipaddress
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from ovn_test import make_folder  # noqa: E402
from plane import PROVIDER, PROVIDER6, Plane  # noqa: E402
from programs import eventually  # noqa: E402
from traffic import PYTHON, SERVER, Guest, listening, succeeds  # noqa: E402

ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


def tcp(port, **sources):
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **(sources or {"IpRanges": ANYWHERE})}]


PING = [{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": ANYWHERE}]


EVERYTHING6 = [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]


class Network:
    """A VPC of one account with two subnets, and groups and guests in it."""

    def __init__(self, plane, ec2, cidr="10.0.0.0/16"):
        self.plane, self.ec2 = plane, ec2
        self.vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        first = ".".join(cidr.split(".")[:2])
        self.subnets = [ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"{first}.{i}.0/24")["Subnet"]["SubnetId"]
                        for i in (1, 2)]
        self.count = 0

    def group(self, *permissions):
        self.count += 1
        group = self.ec2.create_security_group(VpcId=self.vpc, GroupName=f"g{self.count}", Description="for a test")["GroupId"]
        for each in permissions:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=each)
        return group

    def interface(self, *groups, subnet=0, **more):
        made = self.ec2.create_network_interface(SubnetId=self.subnets[subnet], Groups=list(groups), **more)
        return made["NetworkInterface"]["NetworkInterfaceId"]

    def guest(self, *groups, subnet=0, host=0, **more):
        interface = self.interface(*groups, subnet=subnet, **more)
        guest = Guest(self.plane, self.plane.plug(interface, host), self.plane.folder)
        guest.interface, guest.mac = interface, mac_of(guest)
        return guest

    def main_table(self):
        return self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]},
                                                       {"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]["RouteTableId"]

    def open_to_the_outside(self):
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.ec2.create_route(RouteTableId=self.main_table(), DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    def own_acl(self, subnet):
        """A network ACL that denies everything, in place of the subnet's."""
        acl = self.ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        (before,) = self.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [self.subnets[subnet]]}])["NetworkAcls"]
        (association,) = [each for each in before["Associations"] if each["SubnetId"] == self.subnets[subnet]]
        self.ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)
        return acl

    def entry(self, acl, number, is_egress, cidr, ports):
        """Allows TCP."""
        self.ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Protocol="6", RuleAction="allow", Egress=is_egress,
                                          CidrBlock=cidr, PortRange={"From": ports[0], "To": ports[1]})

    # --- IPv6 ---------------------------------------------------------------------------------------------------

    def give_ipv6(self):
        """A block of its own, a part to each subnet."""
        self.ec2.associate_vpc_cidr_block(VpcId=self.vpc, AmazonProvidedIpv6CidrBlock=True)
        (cidr,) = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
        parts = ipaddress.ip_network(cidr["Ipv6CidrBlock"]).subnets(new_prefix=64)
        for subnet in self.subnets:
            self.ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=str(next(parts)))

    def guest6(self, group, subnet=0, host=0, **more):
        guest = self.guest(group, subnet=subnet, host=host, Ipv6AddressCount=1, **more)
        (facts,) = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[guest.interface])["NetworkInterfaces"]
        guest.take_ipv6(facts["Ipv6Addresses"][0]["Ipv6Address"])
        return guest

    def own_table(self, subnet):
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=self.subnets[subnet])
        return table

    def door(self):
        """An internet gateway."""
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        return gateway

    def one_way_door(self):
        made = self.ec2.create_egress_only_internet_gateway(VpcId=self.vpc)["EgressOnlyInternetGateway"]
        return made["EgressOnlyInternetGatewayId"]

    def elastic(self, interface):
        made = self.ec2.allocate_address(Domain="vpc")
        self.ec2.associate_address(AllocationId=made["AllocationId"], NetworkInterfaceId=interface)
        return made["PublicIp"]


class TrafficTest(unittest.TestCase):
    """One cloud with two hosts; each test has VPCs of its own."""

    @classmethod
    def setUpClass(cls):
        cls.plane = Plane(make_folder(cls.addClassCleanup), hosts=2)
        cls.addClassCleanup(cls.plane.stop)
        cls.plane.start()

    def network(self, cidr="10.0.0.0/16", ec2=None):
        return Network(self.plane, ec2 or self.plane.ec2, cidr)

    def outside(self, host=0):
        """The provider bridge's end of a host, as a place to listen."""
        return self.plane.hosts[host].namespace

    def test_groups_decide_who_talks_and_changes_act_at_once(self):
        network = self.network()
        server = network.guest(closed := network.group(PING))
        near, far, other = (network.guest(network.group(), host=0), network.guest(friends := network.group(), host=1),
                            network.guest(network.group(), host=1, subnet=1))
        for each in (near, far, other):
            self.assertTrue(each.pings(server.address), f"{each.address} pings")
            self.assertFalse(server.pings(each.address, seconds=0), "their groups let nothing in")
        with server.server(80):
            self.assertIsNone(near.seen_as(server.address, 80))
            network.ec2.authorize_security_group_ingress(GroupId=closed, IpPermissions=tcp(80))
            for each in (near, far, other):
                each.reaches(server.address, 80)
                self.assertEqual(each.address, each.seen_as(server.address, 80))
            with near.connection(server.address, 80) as still_open:
                network.ec2.revoke_security_group_ingress(GroupId=closed, IpPermissions=tcp(80))
                near.does_not_reach(server.address, 80)
                # EC2 lets a tracked connection live on; the README says so.
                self.assertFalse(still_open(), "OVN looks at established connections again")
            members = tcp(80, UserIdGroupPairs=[{"GroupId": friends}])
            network.ec2.authorize_security_group_ingress(GroupId=closed, IpPermissions=members)
            far.reaches(server.address, 80)
            self.assertIsNone(near.seen_as(server.address, 80))

    def test_a_network_acl_cuts_what_crosses_a_subnets_border(self):
        network = self.network()
        everything = network.group(PING, tcp(80))
        server, inside = network.guest(everything, subnet=1), network.guest(everything, subnet=1, host=1)
        across = network.guest(everything, host=1)
        with server.server(80):
            across.reaches(server.address, 80)
            with across.connection(server.address, 80) as still_open:
                acl = network.own_acl(1)
                across.does_not_reach(server.address, 80)
                self.assertFalse(still_open(), "a stateless list cuts established connections, too")
            inside.reaches(server.address, 80)  # no border is crossed
            for egress, ports in ((False, (80, 80)), (True, (1024, 65535))):
                network.entry(acl, 100, egress, "10.0.1.0/24", ports)
            across.reaches(server.address, 80)

    def test_two_accounts_with_the_same_addresses_do_not_meet(self):
        other = self.plane.client(self.plane.lodge("account", "create", "other"))
        ours, theirs = self.network(), self.network(ec2=other)
        guests = [each.guest(each.group(PING, tcp(80)), PrivateIpAddress="10.0.1.10") for each in (ours, theirs)]
        second = ours.guest(ours.group(PING, tcp(80)), PrivateIpAddress="10.0.1.11", host=1)
        with guests[0].server(80):
            second.reaches("10.0.1.10", 80)
            alone = theirs.guest(theirs.group(PING, tcp(80)), PrivateIpAddress="10.0.1.12", host=1)
            self.assertTrue(alone.pings("10.0.1.10"))
            self.assertIsNone(alone.seen_as("10.0.1.10", 80), "that is the other account's server")

    def test_peers_reach_each_other_by_routes(self):
        one, two = self.network("10.1.0.0/16"), self.network("10.2.0.0/16")
        client, server = one.guest(one.group()), two.guest(two.group(PING), host=1)
        self.assertFalse(client.pings(server.address, seconds=0))
        peering = one.ec2.create_vpc_peering_connection(VpcId=one.vpc, PeerVpcId=two.vpc)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        one.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
        for network, destination in ((one, "10.2.0.0/16"), (two, "10.1.0.0/16")):
            network.ec2.create_route(RouteTableId=network.main_table(), DestinationCidrBlock=destination,
                                     VpcPeeringConnectionId=peering)
        self.assertTrue(client.pings(server.address, seconds=10))
        one.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
        eventually(10, lambda: not client.pings(server.address, seconds=0), "the peering is gone")

    def test_an_elastic_address_works_both_ways(self):
        network = self.network()
        network.open_to_the_outside()
        guest = network.guest(network.group(PING, tcp(80)))
        public = network.elastic(guest.interface)
        outside = Outside(self.outside())
        with guest.server(80):
            outside.reaches(public, 80)
            self.assertEqual(PROVIDER, outside.seen_as(public, 80))
        with listening(outside.namespace.command(PYTHON, "-c", SERVER, "8080"), outside.namespace, 8080):
            guest.reaches(PROVIDER, 8080)
            self.assertEqual(public, guest.seen_as(PROVIDER, 8080))
            address = network.ec2.describe_addresses(PublicIps=[public])["Addresses"][0]
            network.ec2.disassociate_address(AssociationId=address["AssociationId"])
            guest.does_not_reach(PROVIDER, 8080)

    def nat_gateway(self, network):
        """One in the first subnet, for the second; returns its address."""
        allocation = network.ec2.allocate_address(Domain="vpc")
        gateway = network.ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=allocation["AllocationId"])["NatGateway"]["NatGatewayId"]
        eventually(30, lambda: network.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]["State"] == "available",
                   self.plane.logs)
        table = network.ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
        network.ec2.associate_route_table(RouteTableId=table, SubnetId=network.subnets[1])
        network.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway)
        return allocation["PublicIp"]

    def test_a_nat_gateway_lets_a_private_subnet_out_and_nobody_in(self):
        network = self.network()
        network.open_to_the_outside()
        public = self.nat_gateway(network)
        guest = network.guest(network.group(), subnet=1)
        lonely = network.guest(network.group())  # public subnet, no public address: no way out
        seen = None
        for host in self.plane.hosts:  # the gateway is on either
            bridge = Outside(host.namespace)
            with listening(bridge.namespace.command(PYTHON, "-c", SERVER, "8081"), bridge.namespace, 8081):
                for _ in range(4):
                    seen = seen or guest.seen_as(PROVIDER, 8081)
                self.assertIsNone(lonely.seen_as(PROVIDER, 8081))
        self.assertEqual(public, seen)

    def test_the_list_of_a_nat_gateways_subnet_counts_into_it_and_out_of_it_both_ways(self):
        network = self.network()
        network.open_to_the_outside()
        public = self.nat_gateway(network)
        guest = network.guest(network.group(), subnet=1)
        private, provider, answers = "10.0.2.0/24", f"{PROVIDER}/32", (1024, 65535)
        entries = [(100, False, private, (443, 443)), (110, False, provider, answers),
                   (100, True, provider, (443, 443)), (110, True, private, answers)]
        with contextlib.ExitStack() as stack:
            for host in self.plane.hosts:  # the gateway is on either
                for port in ("443", "444"):
                    stack.enter_context(listening(host.namespace.command(PYTHON, "-c", SERVER, port), host.namespace, port))
            guest.reaches(PROVIDER, 444)
            self.assertEqual(public, guest.seen_as(PROVIDER, 444))
            acl = network.own_acl(0)
            guest.does_not_reach(PROVIDER, 444)
            for each in entries:
                self.assertIsNone(guest.seen_as(PROVIDER, 443), f"before {each}")
                network.entry(acl, *each)
            guest.reaches(PROVIDER, 443)
            self.assertIsNone(guest.seen_as(PROVIDER, 444))
            for number, is_egress, *rest in entries:
                network.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=is_egress)
                guest.does_not_reach(PROVIDER, 443)
                network.entry(acl, number, is_egress, *rest)
                guest.reaches(PROVIDER, 443)

    def test_ipv6_goes_in_and_out_by_its_own_address_where_a_route_says_so(self):
        network = self.network()
        network.give_ipv6()
        group = network.group(PING, EVERYTHING6)
        near, far = (network.guest6(group, host=host) for host in (0, 1))
        hidden = network.guest6(group, subnet=1)
        network.own_table(1)
        self.assertTrue(near.pings(far.ipv6, seconds=10))
        self.assertTrue(near.pings(hidden.ipv6, seconds=10))
        outsides = [Outside(self.outside(host)) for host in (0, 1)]
        self.assertFalse(near.pings(PROVIDER6, seconds=0))
        self.assertFalse(outsides[0].pings(near.ipv6, seconds=0))
        network.ec2.create_route(RouteTableId=network.main_table(), DestinationIpv6CidrBlock="::/0", GatewayId=network.door())
        for guest, outside in zip((near, far), outsides):
            self.assertTrue(guest.pings(PROVIDER6, seconds=10))
            self.assertTrue(outside.pings(guest.ipv6, seconds=10))
            with guest.server(80):
                self.assertEqual(PROVIDER6, outside.seen_as(guest.ipv6, 80))
            with listening(outside.namespace.command(PYTHON, "-c", SERVER, "8090"), outside.namespace, 8090):
                self.assertEqual(guest.ipv6, guest.seen_as(PROVIDER6, 8090))
        self.assertFalse(hidden.pings(PROVIDER6, seconds=1))
        self.assertFalse(outsides[0].pings(hidden.ipv6, seconds=1))
        self.assert_its_router_hides(hidden, outsides[0], network)
        self.assert_lists_and_groups_count(near, outsides[0], network, group)

    def assert_its_router_hides(self, hidden, outside, network):
        """Also from who knows the router's MAC address."""
        mac = self.plane.ovn.nbctl("--bare", "--columns=mac", "find", "Logical_Router_Port", f"external_ids:lodge-key={network.vpc}/public")
        neighbour = (hidden.ipv6, "lladdr", mac, "dev", "br-lodge-public")
        outside.namespace.run("ip", "-6", "neighbour", "replace", *neighbour)
        self.assertFalse(outside.pings(hidden.ipv6, seconds=1))
        outside.namespace.run("ip", "-6", "neighbour", "delete", *neighbour)

    def assert_lists_and_groups_count(self, guest, outside, network, group):
        (acl,) = network.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [network.subnets[0]]}])["NetworkAcls"]
        entry = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 90, "Egress": False}
        network.ec2.create_network_acl_entry(**entry, Protocol="-1", RuleAction="deny", Ipv6CidrBlock=f"{PROVIDER6}/128")
        eventually(10, lambda: not outside.pings(guest.ipv6, seconds=0), "the list denies it")
        self.assertFalse(guest.pings(PROVIDER6, seconds=0), "a stateless list denies the answer, too")
        network.ec2.delete_network_acl_entry(**entry)
        self.assertTrue(outside.pings(guest.ipv6, seconds=10))
        network.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=EVERYTHING6)
        eventually(10, lambda: not outside.pings(guest.ipv6, seconds=0), "the group lets nothing in")
        self.assertTrue(guest.pings(PROVIDER6, seconds=10))

    def test_an_egress_only_gateway_lets_answers_in_alone(self):
        network = self.network()
        network.give_ipv6()
        group = network.group(EVERYTHING6)
        guest, neighbour = network.guest6(group, host=1), network.guest6(group, subnet=1)
        outside = Outside(self.outside(1))
        others = "2001:db8::1"  # besides the provider
        outside.namespace.run("ip", "-6", "address", "replace", f"{others}/128", "dev", "br-lodge-public", "nodad")
        table = network.main_table()
        network.ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=network.one_way_door())
        with listening(outside.namespace.command(PYTHON, "-c", SERVER, "8091"), outside.namespace, 8091):
            guest.reaches(PROVIDER6, 8091)
            self.assertEqual(guest.ipv6, guest.seen_as(others, 8091))
        self.assertTrue(guest.pings(PROVIDER6, seconds=5))
        with guest.server(80):
            neighbour.reaches(guest.ipv6, 80)
            self.assertIsNone(outside.seen_as(guest.ipv6, 80))
            self.assertFalse(outside.pings(guest.ipv6, seconds=1))
            network.ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="2001:db8::/32", GatewayId=network.door())
            eventually(10, lambda: pings_as(outside, others, guest.ipv6), "what its table sends to an internet gateway may come in")
            self.assertIsNone(outside.seen_as(guest.ipv6, 80), "the rest may not")
        network.ec2.delete_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0")
        eventually(10, lambda: not guest.pings(PROVIDER6, seconds=0), "the route is gone")

    def test_ipv6_addresses_of_others_do_not_get_out(self):
        network = self.network()
        network.give_ipv6()
        guest = network.guest6(network.group(EVERYTHING6))
        network.ec2.create_route(RouteTableId=network.main_table(), DestinationIpv6CidrBlock="::/0", GatewayId=network.door())
        network.ec2.modify_network_interface_attribute(NetworkInterfaceId=guest.interface, SourceDestCheck={"Value": False})
        self.assertTrue(guest.pings(PROVIDER6, seconds=10))
        stranger, nobody = "fd6c:6f64:67ff::5", str(ipaddress.ip_address(guest.ipv6) + 1)
        guest.namespace.run("ip", "-6", "address", "add", f"{stranger}/128", "dev", "eth0", "nodad")

        def send():
            pings_as(guest, stranger, PROVIDER6)
            guest.pings(nobody, seconds=0)
        frames = sniffed(self.outside(), "br-lodge-public", send)
        hidden = [ipaddress.ip_address(each).packed for each in (stranger, nobody)]
        self.assertEqual([], [frame.hex() for frame in frames if any(each in frame for each in hidden)])

    def test_what_no_guest_has_does_not_leak_to_the_outside(self):
        network = self.network()
        network.open_to_the_outside()
        guest = network.guest(network.group())
        network.elastic(guest.interface)
        self.assertTrue(guest.pings(PROVIDER, seconds=10))
        nobody = ("10.0.1.200", "10.0.2.200", "10.0.77.1")
        frames = sniffed(self.outside(), "br-lodge-public",
                         lambda: [self.assertFalse(guest.pings(address, seconds=0)) for address in (*nobody, PROVIDER[:-1] + "77")])
        leaked = [frame.hex() for frame in frames if any(socket.inet_aton(address) in frame for address in nobody)]
        self.assertEqual([], leaked)
        self.assertTrue([frame for frame in frames if socket.inet_aton(PROVIDER[:-1] + "77") in frame], "what is outside is asked for")

    def test_an_address_that_changes_hands_at_once_brings_nothing_of_its_former_owner_along(self):
        network = self.network()
        network.open_to_the_outside()
        address, closed = "10.0.1.50", network.group()
        near, across = network.guest(network.group(), host=1), network.guest(network.group(), host=1, subnet=1)
        former = network.guest(network.group(tcp(80)), PrivateIpAddress=address)
        public = network.elastic(former.interface)
        outside = Outside(self.outside())
        with former.server(80), near.connection(address, 80) as from_near, across.connection(address, 80) as from_across:
            outside.reaches(public, 80)
            with outside.connection(public, 80) as from_outside:
                self.plane.unplug(former.namespace)
                network.ec2.delete_network_interface(NetworkInterfaceId=former.interface)
                latter = network.guest(closed, PrivateIpAddress=address)
                self.assertNotEqual(former.mac, latter.mac)
                flows = (from_near, from_across, from_outside)
                frames = sniffed(latter.namespace, "eth0", lambda: [self.assertFalse(still_open()) for still_open in flows])
        tcp_frames = [frame.hex() for frame in frames if frame[12:14] == b"\x08\0" and frame[23] == socket.IPPROTO_TCP]
        self.assertEqual([], tcp_frames, "its groups let nothing in, whatever the former owner's connections were")
        with latter.server(80):
            self.assertIsNone(across.seen_as(address, 80))
            network.ec2.authorize_security_group_ingress(GroupId=closed, IpPermissions=tcp(80))
            across.reaches(address, 80)
            near.namespace.run("ip", "neighbour", "flush", "dev", "eth0")  # Linux would ask anew within 23 to 53 s, at random
            near.reaches(address, 80)
            self.assertIsNone(outside.seen_as(public, 80), "the public address was the former owner's")
        self.assertFalse(latter.pings(PROVIDER, seconds=0), "nor does it leave by that one")

    def test_a_guest_is_nobody_else(self):
        network = self.network()
        everything = network.group(PING)
        victim, thief = network.guest(everything), network.guest(everything, host=1)
        self.assertTrue(thief.pings(victim.address))
        thief.namespace.run("ip", "address", "add", "10.0.1.99/24", "dev", "eth0")
        self.assertFalse(pings_as(thief, "10.0.1.99", victim.address))
        thief.namespace.run("ip", "address", "del", "10.0.1.99/24", "dev", "eth0")
        thief.namespace.run("ip", "link", "set", "eth0", "address", "02:00:00:00:66:66")
        self.assertFalse(thief.pings(victim.address, seconds=2))

    def test_a_guest_plays_no_server_router_or_neighbour(self):
        network = self.network()
        everything = [{"IpProtocol": "-1", "IpRanges": ANYWHERE, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
        victim, thief = (network.guest(network.group(everything), host=host) for host in (0, 1))
        self.assertTrue(thief.pings(victim.address))
        frames = forgeries(thief, victim)
        self.assertEqual(["ordinary"], received_frames(victim, lambda: send_frames(thief, frames.values()), frames))
        self.assertTrue(thief.pings(victim.address), "it may still say what is true")

    def test_traffic_goes_on_while_the_control_plane_is_away(self):
        network = self.network()
        server, client = network.guest(network.group(PING)), network.guest(network.group(), host=1)
        self.assertTrue(client.pings(server.address, seconds=10))
        central, host = self.plane.ovn.central, self.plane.hosts[1]
        stopped = [central.programs[part] for part in ("ovn-nb", "ovn-sb", "ovn-northd")] + [host.programs["ovn-controller"]]
        self.plane.lodged.kill()
        for each in stopped:
            os.kill(each.pid, signal.SIGKILL)
            each.process.wait()
        try:
            self.assertTrue(client.pings(server.address))
        finally:
            central.start("ovn-nb", "ovn-sb", "ovn-northd")
            host.start("ovn-controller")
            self.plane.start_lodged()
            eventually(30, self.plane.ovn.answers, self.plane.logs)
        late = network.guest(network.group(), host=1)
        self.assertTrue(late.pings(server.address, seconds=10))


class Outside(Guest):
    """A host's own end of the provider bridge."""

    def __init__(self, namespace):
        self.namespace, self.address = namespace, PROVIDER


def pings_as(guest, source, address):
    """With a source address that is not its own."""
    return succeeds(guest.command("busybox", "ping", "-c", "1", "-W", "1", "-I", source, address), seconds=2)


def mac_of(guest):
    return json.loads(guest.namespace.run("ip", "-json", "link", "show", "dev", "eth0"))[0]["address"]


def forgeries(thief, victim):
    """Frames by name, each ending in its name: one that may pass, and what only OVN or a neighbour may say."""
    own, to = (bytes.fromhex(mac_of(each).replace(":", "")) for each in (thief, victim))
    source, target = (ipaddress.ip_address(each.address).packed for each in (thief, victim))
    gateway = ipaddress.ip_address(victim.address.rsplit(".", 1)[0] + ".1").packed
    everybody = b"\xff" * 6

    def udp(name, source, destination, from_port, to_port, to=to):
        data = name.encode()
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 1, 0, 64, 17, 0, source, destination)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        return to + own + b"\x08\x00" + header + struct.pack("!HHHH", from_port, to_port, 8 + len(data), 0) + data

    def arp(name, sender):
        return to + own + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + own + sender + to + target + name.encode()

    def icmp6(name, type_number, body):
        here, all_nodes = ipaddress.ip_address("fe80::" + own_suffix(own)).packed, ipaddress.ip_address("ff02::1").packed
        data = struct.pack("!BBH", type_number, 0, 0) + body
        data += b"\0" * (-len(data) % 8)
        total = checksum(here + all_nodes + struct.pack("!II", len(data), 58) + data)
        data = data[:2] + struct.pack("!H", total) + data[4:]
        header = struct.pack("!IHBB", 0x60000000, len(data), 58, 255) + here + all_nodes
        return b"\x33\x33\0\0\0\1" + own + b"\x86\xdd" + header + data

    lladdr = b"\2\1" + own
    return {
        "ordinary": udp("ordinary", source, target, 9, 9),
        "other-mac": to + b"\x02\0\0\0\x66\x66" + udp("other-mac", source, target, 9, 9)[12:],
        "other-address": udp("other-address", gateway, target, 9, 9),
        "dhcp-server": udp("dhcp-server", source, b"\xff" * 4, 67, 68, everybody),
        "dhcp-server-to-one": udp("dhcp-server-to-one", source, target, 67, 68),
        "dhcp-as-router": udp("dhcp-as-router", gateway, target, 67, 68),
        "arp-router": arp("arp-router", gateway),
        "arp-victim": arp("arp-victim", target),
        "router-advertisement": icmp6("router-advertisement", 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + b"\1\1" + own),
        "neighbour": icmp6("neighbour", 136, b"\x20\0\0\0" + ipaddress.ip_address("fe80::1").packed + lladdr),
    }


def own_suffix(mac):
    """The interface's part of the link-local address that a MAC address gives (RFC 4291, appendix A)."""
    eui = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    return ":".join(eui[i:i + 2].hex() for i in range(0, 8, 2))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


SEND = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
    out.bind(("eth0", 0))
    for frame in sys.argv[1:]:
        out.send(bytes.fromhex(frame))
"""
# Says that it listens on the device `sys.argv[1]`; then, when it is told and a second after the last of them, what it got.
SNIFF = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3)) as frames:
    frames.bind((sys.argv[1], 0))
    print("listening", flush=True)
    sys.stdin.readline()
    frames.settimeout(1)
    try:
        while True:
            print(frames.recv(2000).hex(), flush=True)
    except TimeoutError:
        pass
"""


def send_frames(guest, frames):
    guest.namespace.run(PYTHON, "-c", SEND, *(frame.hex() for frame in frames))


def sniffed(place, device, action):
    """The frames that pass a device of a namespace while `action()` is done."""
    sniffer = subprocess.Popen(place.command(PYTHON, "-c", SNIFF, device), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    sniffer.stdout.readline()
    action()
    said, _ = sniffer.communicate("\n", timeout=30)
    return [bytes.fromhex(line) for line in said.split()]


def received_frames(guest, send, frames):
    """Names of those that the guest gets when `send()` sends them all."""
    got = sniffed(guest, "eth0", send)
    # By what tells them apart: ICMPv6 has no room for a name.
    return [name for name, frame in frames.items() if any(each[12:len(frame)] == frame[12:] for each in got)]


if __name__ == "__main__":
    unittest.main()
