"""Network interfaces: their life, what they show, attributes, addresses, and attaching them to instances."""
import datetime
import ipaddress
import unittest

from harness import filters, tag_specification, tags
from networking import NetworkTest
from signing import call

MISSING = "eni-00000000000000000"
NO_ATTACHMENT = "eni-attach-00000000000000000"


class InterfaceTest(NetworkTest):
    def setUp(self):
        super().setUp()
        self.vpc_id = self.vpc()
        self.subnet_id = self.subnet(self.vpc_id)

    def make(self, subnet=None, **parameters):
        return self.ec2.create_network_interface(SubnetId=subnet or self.subnet_id, **parameters)["NetworkInterface"]

    def eni(self, subnet=None, **parameters):
        return self.make(subnet, **parameters)["NetworkInterfaceId"]

    def shown(self, interface):
        return self.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]

    def found(self, **wanted):
        reply = self.ec2.describe_network_interfaces(Filters=filters(**wanted))
        return [each["NetworkInterfaceId"] for each in reply["NetworkInterfaces"]]

    def private(self, interface):
        return [a["PrivateIpAddress"] for a in self.shown(interface)["PrivateIpAddresses"]]

    def ipv6(self, interface):
        return [a["Ipv6Address"] for a in self.shown(interface)["Ipv6Addresses"]]

    def group(self, vpc=None, name="other", ec2=None):
        return (ec2 or self.ec2).create_security_group(GroupName=name, Description="x", VpcId=vpc or self.vpc_id)["GroupId"]

    def free(self, subnet):
        return self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"]

    def with_ipv6(self):
        """A subnet with an IPv6 block. Returns its ID and the block."""
        vpc = self.vpc(AmazonProvidedIpv6CidrBlock=True)
        whole = ipaddress.ip_network(self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])
        block = next(whole.subnets(new_prefix=64))
        return self.subnet(vpc, Ipv6CidrBlock=str(block)), block

    def public(self):
        """A subnet in a VPC with a way out."""
        vpc = self.vpc()
        self.gateway(vpc)
        return self.subnet(vpc)

    def of_a_service(self):
        self.gateway(self.vpc_id)
        gateway = self.ec2.create_nat_gateway(SubnetId=self.subnet_id, AllocationId=self.ec2.allocate_address()["AllocationId"])["NatGateway"]
        return gateway["NatGatewayAddresses"][0]["NetworkInterfaceId"]


class Life(InterfaceTest):
    def test_what_it_shows(self):
        made = self.make(Description="mine", TagSpecifications=[tag_specification("network-interface", Name="one")])
        interface, shown = made["NetworkInterfaceId"], self.shown(made["NetworkInterfaceId"])
        self.assertRegex(interface, "^eni-[0-9a-f]{17}$")
        self.assertEqual({k: v for k, v in made.items() if k != "AvailabilityZoneId"}, {k: v for k, v in shown.items() if k != "AvailabilityZoneId"})
        group, = self.ec2.describe_security_groups(Filters=filters(vpc_id=self.vpc_id))["SecurityGroups"]
        zone = self.ec2.describe_subnets(SubnetIds=[self.subnet_id])["Subnets"][0]["AvailabilityZone"]
        address = shown["PrivateIpAddress"]
        self.assertIn(ipaddress.ip_address(address), ipaddress.ip_network("10.0.1.0/24"))
        self.assertRegex(shown["MacAddress"], "^02(:[0-9a-f]{2}){5}$")
        expected = {"InterfaceType": "interface", "Status": "available", "Description": "mine", "OwnerId": self.account.id,
                    "RequesterManaged": False, "AvailabilityZone": zone, "VpcId": self.vpc_id, "SubnetId": self.subnet_id,
                    "SourceDestCheck": True, "Ipv6Addresses": [], "TagSet": tags(Name="one"),
                    "Groups": [{"GroupId": group["GroupId"], "GroupName": "default"}],
                    "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": address}]}
        self.assertEqual(expected, {name: shown[name] for name in expected})
        for absent in ("Attachment", "Association", "RequesterId", "PrivateDnsName", "Ipv6Address"):
            self.assertNotIn(absent, shown)

    def test_delete(self):
        interface = self.eni()
        self.assertEqual(250, self.free(self.subnet_id))
        self.refused("DryRunOperation", self.ec2.delete_network_interface, NetworkInterfaceId=interface, DryRun=True)
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)
        self.assertEqual(251, self.free(self.subnet_id))
        for id_, code in ((interface, "InvalidNetworkInterfaceID.NotFound"), ("eni-x", "InvalidNetworkInterfaceId.Malformed")):
            self.refused(code, self.ec2.delete_network_interface, NetworkInterfaceId=id_)
            self.refused(code, self.shown, id_)
        self.assertEqual([], self.ec2.describe_network_interfaces()["NetworkInterfaces"])
        self.assertEqual([], self.database("SELECT 1 FROM tags WHERE resource_id = ?", interface))

    def test_dns_name_by_the_vpcs_attribute(self):
        interface = self.eni(PrivateIpAddress="10.0.1.77")
        self.ec2.modify_vpc_attribute(VpcId=self.vpc_id, EnableDnsHostnames={"Value": True})
        shown = self.shown(interface)
        self.assertEqual("ip-10-0-1-77.ec2.internal", shown["PrivateDnsName"])
        self.assertEqual("ip-10-0-1-77.ec2.internal", shown["PrivateIpAddresses"][0]["PrivateDnsName"])
        self.assertEqual([interface], self.found(private_dns_name="ip-10-0-1-77.*"))

    def test_client_token(self):
        made = self.make(ClientToken="once", PrivateIpAddress="10.0.1.9")
        again = self.ec2.create_network_interface(SubnetId=self.subnet_id, ClientToken="once", PrivateIpAddress="10.0.1.9")
        self.assertEqual((made["NetworkInterfaceId"], "once"), (again["NetworkInterface"]["NetworkInterfaceId"], again["ClientToken"]))
        self.refused("IdempotentParameterMismatch", self.make, ClientToken="once")
        self.assertEqual(1, len(self.ec2.describe_network_interfaces()["NetworkInterfaces"]))

    def test_groups(self):
        one, two = self.group(name="one"), self.group(name="two")
        self.assertEqual([two, one], [g["GroupId"] for g in self.make(Groups=[two, one, two])["Groups"]])
        many = [self.group(name=f"g{n}") for n in range(17)]
        self.assertEqual(16, len(self.make(Groups=many[:16])["Groups"]))
        self.refused("SecurityGroupsPerInterfaceLimitExceeded", self.make, Groups=many)
        self.refused("InvalidGroup.NotFound", self.make, Groups=[self.group(self.vpc())])
        self.refused("InvalidGroup.NotFound", self.make, Groups=["sg-00000000000000000"])
        self.refused("InvalidGroupId.Malformed", self.make, Groups=["x"])

    def test_what_is_not_honoured_is_refused(self):
        for given in ({"InterfaceType": "efa"}, {"EnablePrimaryIpv6": "true"}, {"Ipv4PrefixCount": 1}, {"Ipv4Prefix.1.Ipv4Prefix": "10.0.1.16/28"},
                      {"Ipv6PrefixCount": 1}, {"ConnectionTrackingSpecification.UdpTimeout": 60}, {"Operator.Principal": "x"}):
            reply = call(self.lodge, self.account, "CreateNetworkInterface", {"SubnetId": self.subnet_id, **given})
            self.assertEqual("UnsupportedOperation", reply.code, given)
        self.assertEqual(200, call(self.lodge, self.account, "CreateNetworkInterface", {
            "SubnetId": self.subnet_id, "InterfaceType": "interface", "EnablePrimaryIpv6": "false"}).status)

    def test_bad_requests(self):
        self.refused("InvalidSubnetID.NotFound", self.make, "subnet-00000000000000000")
        self.refused("InvalidSubnetId.Malformed", self.make, "x")
        self.refused("InvalidParameterValue", self.make, Description="x" * 256)
        self.refused("InvalidParameterValue", self.make, TagSpecifications=[tag_specification("subnet", a="1")])
        self.refused("InvalidParameterValue", self.make, ClientToken="x" * 65)
        self.refused("DryRunOperation", self.make, DryRun=True)
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "CreateNetworkInterface", {}).code)
        self.assertEqual([], self.ec2.describe_network_interfaces()["NetworkInterfaces"])

    def test_another_account_sees_nothing(self):
        interface, other = self.eni(), self.other_account()
        code, given = "InvalidNetworkInterfaceID.NotFound", {"NetworkInterfaceId": interface}
        self.refused(code, other.describe_network_interfaces, NetworkInterfaceIds=[interface])
        self.assertEqual([], other.describe_network_interfaces()["NetworkInterfaces"])
        self.refused(code, other.delete_network_interface, **given)
        self.refused(code, other.describe_network_interface_attribute, Attribute="description", **given)
        self.refused(code, other.modify_network_interface_attribute, Description={"Value": "x"}, **given)
        self.refused(code, other.reset_network_interface_attribute, SourceDestCheck="x", **given)
        self.refused(code, other.assign_private_ip_addresses, SecondaryPrivateIpAddressCount=1, **given)
        self.refused(code, other.unassign_private_ip_addresses, PrivateIpAddresses=["10.0.1.9"], **given)
        self.refused(code, other.assign_ipv6_addresses, Ipv6AddressCount=1, **given)
        self.refused(code, other.unassign_ipv6_addresses, Ipv6Addresses=["fd00::9"], **given)
        self.refused(code, other.attach_network_interface, InstanceId="i-00000000000000000", DeviceIndex=1, **given)
        self.refused("InvalidSubnetID.NotFound", other.create_network_interface, SubnetId=self.subnet_id)
        theirs = self.subnet(self.vpc(ec2=other), ec2=other)
        self.refused("InvalidGroup.NotFound", other.create_network_interface, SubnetId=theirs, Groups=[self.group()])

    def test_of_a_service(self):
        interface = self.of_a_service()
        shown = self.shown(interface)
        self.assertEqual((True, "nat_gateway", "in-use", False),
                         tuple(shown[k] for k in ("RequesterManaged", "InterfaceType", "Status", "SourceDestCheck")))
        self.assertNotIn("InstanceId", shown["Attachment"])
        given = {"NetworkInterfaceId": interface}
        self.refused("OperationNotPermitted", self.ec2.delete_network_interface, **given)
        self.refused("OperationNotPermitted", self.ec2.modify_network_interface_attribute, Description={"Value": "x"}, **given)
        self.refused("OperationNotPermitted", self.ec2.reset_network_interface_attribute, SourceDestCheck="x", **given)
        self.refused("OperationNotPermitted", self.ec2.assign_private_ip_addresses, SecondaryPrivateIpAddressCount=1, **given)
        self.refused("OperationNotPermitted", self.ec2.unassign_private_ip_addresses, PrivateIpAddresses=[shown["PrivateIpAddress"]], **given)
        self.refused("OperationNotPermitted", self.ec2.assign_ipv6_addresses, Ipv6AddressCount=1, **given)
        self.refused("OperationNotPermitted", self.ec2.detach_network_interface, AttachmentId=shown["Attachment"]["AttachmentId"])
        self.assertEqual([interface], self.found(requester_managed="true"))

    def test_what_holds_others(self):
        group = self.group()
        interface = self.eni(Groups=[group])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=group)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.subnet_id)
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.vpc_id)
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)
        self.ec2.delete_security_group(GroupId=group)
        self.ec2.delete_subnet(SubnetId=self.subnet_id)
        self.ec2.delete_vpc(VpcId=self.vpc_id)

    def test_a_route_loses_its_target(self):
        interface, table = self.eni(), self.ec2.create_route_table(VpcId=self.vpc_id)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="9.0.0.0/8", NetworkInterfaceId=interface)
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)
        route = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][-1]
        self.assertEqual(("blackhole", interface), (route["State"], route["NetworkInterfaceId"]))

    def test_an_elastic_address_stays_its_owners(self):
        interface, allocation = self.eni(self.public()), self.ec2.allocate_address()["AllocationId"]
        self.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)
        self.assertNotIn("AssociationId", self.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0])

    def test_tags(self):
        interface = self.eni()
        self.ec2.create_tags(Resources=[interface], Tags=tags(a="1"))
        self.assertEqual(tags(a="1"), self.shown(interface)["TagSet"])
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "tag:a", "Values": ["1"]}])["NetworkInterfaces"]
        self.assertEqual([interface], [each["NetworkInterfaceId"] for each in found])

    def test_waiter(self):
        self.ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[self.eni()], WaiterConfig={"Delay": 1, "MaxAttempts": 3})


class Describe(InterfaceTest):
    def test_paging(self):
        made = sorted(self.eni() for _ in range(7))
        pages = list(self.ec2.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 2], [len(page["NetworkInterfaces"]) for page in pages])
        self.assertEqual(made, [each["NetworkInterfaceId"] for page in pages for each in page["NetworkInterfaces"]])
        describe = self.ec2.describe_network_interfaces
        self.refused("InvalidParameterCombination", describe, NetworkInterfaceIds=made, MaxResults=5)
        for bad in (4, 1001):
            self.assertEqual("InvalidParameterValue", call(self.lodge, self.account, "DescribeNetworkInterfaces", {"MaxResults": bad}).code)
        self.refused("InvalidNextToken", describe, NextToken="rubbish")
        self.refused("InvalidParameterValue", describe, Filters=filters(colour="red"))
        self.refused("DryRunOperation", describe, DryRun=True)

    def test_filters(self):
        subnet = self.public()
        group = self.group(self.shown(self.eni(subnet))["VpcId"])
        interface = self.eni(subnet, PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.20", "Primary": True}, {"PrivateIpAddress": "10.0.1.21"}],
                             Groups=[group], Description="wanted")
        allocation = self.ec2.allocate_address()
        association = self.ec2.associate_address(AllocationId=allocation["AllocationId"], NetworkInterfaceId=interface,
                                                 PrivateIpAddress="10.0.1.21")["AssociationId"]
        shown = self.shown(interface)
        for name, value in {
                "addresses.private-ip-address": "10.0.1.21", "private-ip-address": "10.0.1.20", "addresses.association.owner-id": self.account.id,
                "addresses.association.public-ip": allocation["PublicIp"], "association.allocation-id": allocation["AllocationId"],
                "association.association-id": association, "association.ip-owner-id": self.account.id, "addresses.primary": "false",
                "association.public-ip": allocation["PublicIp"], "description": "want*", "group-id": group, "group-name": "other",
                "mac-address": shown["MacAddress"], "network-interface-id": interface}.items():
            self.assertEqual([interface], self.found(**{name: value}), name)
        every = sorted(each["NetworkInterfaceId"] for each in self.ec2.describe_network_interfaces()["NetworkInterfaces"])
        self.assertEqual(2, len(every))
        for name, value in {
                "availability-zone": shown["AvailabilityZone"], "availability-zone-id": "use1-az?", "owner-id": self.account.id, "vpc-id": shown["VpcId"],
                "subnet-id": subnet, "status": "available", "source-dest-check": "true", "requester-managed": "false",
                "interface-type": "interface", "operator.managed": "false", "addresses.primary": "true"}.items():
            self.assertEqual(every, self.found(**{name: value}), name)
        for name in ("attachment.attachment-id", "attachment.instance-id", "attachment.status", "attachment.attach-time", "attachment.device-index",
                     "attachment.delete-on-termination", "attachment.instance-owner-id", "requester-id", "ipv6-addresses.ipv6-address",
                     "private-dns-name"):
            self.assertEqual([], self.found(**{name: "*"}), name)

    def test_association(self):
        subnet = self.public()
        interface = self.eni(subnet, PrivateIpAddress="10.0.1.20")
        allocation = self.ec2.allocate_address()
        association = self.ec2.associate_address(AllocationId=allocation["AllocationId"], NetworkInterfaceId=interface)["AssociationId"]
        shown = self.shown(interface)
        self.assertEqual({"AllocationId": allocation["AllocationId"], "AssociationId": association, "IpOwnerId": self.account.id,
                          "PublicDnsName": "", "PublicIp": allocation["PublicIp"]}, shown["Association"])
        self.assertEqual(shown["Association"], shown["PrivateIpAddresses"][0]["Association"])

    def test_an_address_given_at_launch(self):
        interface = self.eni()
        self.database("UPDATE network_interfaces SET public_ip = '198.19.64.9' WHERE id = ?", interface)
        self.assertEqual({"IpOwnerId": "amazon", "PublicDnsName": "", "PublicIp": "198.19.64.9"}, self.shown(interface)["Association"])
        self.assertEqual([interface], self.found(**{"association.ip-owner-id": "amazon"}))


class Attributes(InterfaceTest):
    def modify(self, interface, **parameters):
        return self.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, **parameters)

    def attribute(self, interface, name):
        reply = self.ec2.describe_network_interface_attribute(NetworkInterfaceId=interface, Attribute=name)
        self.assertEqual(interface, reply["NetworkInterfaceId"])
        return reply

    def test_description(self):
        interface = self.eni()
        self.assertEqual("", self.attribute(interface, "description")["Description"].get("Value", ""))
        self.modify(interface, Description={"Value": "new <&>"})
        self.assertEqual("new <&>", self.attribute(interface, "description")["Description"]["Value"])
        self.modify(interface, Description={"Value": ""})
        self.assertEqual("", self.shown(interface)["Description"])
        self.refused("InvalidParameterValue", self.modify, interface, Description={"Value": "x" * 256})

    def test_source_dest_check(self):
        interface = self.eni()
        self.modify(interface, SourceDestCheck={"Value": False})
        self.assertFalse(self.attribute(interface, "sourceDestCheck")["SourceDestCheck"]["Value"])
        self.assertEqual([interface], self.found(source_dest_check="false"))
        reset = self.ec2.reset_network_interface_attribute
        self.refused("MissingParameter", reset, NetworkInterfaceId=interface)
        self.refused("DryRunOperation", reset, NetworkInterfaceId=interface, SourceDestCheck="sourceDestCheck", DryRun=True)
        self.assertFalse(self.shown(interface)["SourceDestCheck"])
        reset(NetworkInterfaceId=interface, SourceDestCheck="sourceDestCheck")
        self.assertTrue(self.shown(interface)["SourceDestCheck"])

    def test_groups(self):
        interface, one, two = self.eni(), self.group(name="one"), self.group(name="two")
        self.modify(interface, Groups=[two, one])
        self.assertEqual([{"GroupId": two, "GroupName": "two"}, {"GroupId": one, "GroupName": "one"}], self.attribute(interface, "groupSet")["Groups"])
        self.refused("InvalidGroup.NotFound", self.modify, interface, Groups=[one, "sg-00000000000000000"])
        self.refused("InvalidGroup.NotFound", self.modify, interface, Groups=[self.group(self.vpc())])
        self.assertEqual([two, one], [g["GroupId"] for g in self.shown(interface)["Groups"]])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=one)
        self.modify(interface, Groups=[two])
        self.ec2.delete_security_group(GroupId=one)

    def test_changes_reach_the_network(self):
        interface, group = self.eni(), self.group()
        revision = lambda: self.database("SELECT revision FROM vpcs WHERE id = ?", self.vpc_id)[0][0]  # noqa: E731
        for change in (lambda: self.modify(interface, SourceDestCheck={"Value": False}), lambda: self.modify(interface, Groups=[group]),
                       lambda: self.ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.99"]),
                       lambda: self.ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.99"]),
                       lambda: self.ec2.delete_network_interface(NetworkInterfaceId=interface)):
            before = revision()
            change()
            self.assertLess(before, revision())

    def test_one_at_a_time(self):
        interface = self.eni()
        self.refused("InvalidParameterCombination", self.modify, interface)
        self.refused("InvalidParameterCombination", self.modify, interface, Description={"Value": "x"}, SourceDestCheck={"Value": False})
        self.refused("DryRunOperation", self.modify, interface, Description={"Value": "x"}, DryRun=True)
        self.assertEqual("", self.shown(interface)["Description"])
        self.refused("InvalidParameterValue", self.attribute, interface, "colour")
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "DescribeNetworkInterfaceAttribute", {"NetworkInterfaceId": interface}).code)
        self.refused("InvalidNetworkInterfaceId.Malformed", self.attribute, "x", "description")
        self.refused("InvalidNetworkInterfaceID.NotFound", self.modify, MISSING, Description={"Value": "x"})

    def test_what_is_not_honoured_is_refused(self):
        interface = self.eni()
        for given in ({"EnaSrdSpecification.EnaSrdEnabled": "true"}, {"EnablePrimaryIpv6": "true"}, {"AssociatePublicIpAddress": "true"},  # of a free one
                      {"ConnectionTrackingSpecification.UdpTimeout": 60}, {"AssociatedSubnetId.1": self.subnet_id},
                      {"Attachment.EnaQueueCount": 2}):
            reply = call(self.lodge, self.account, "ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": interface, **given})
            self.assertEqual("UnsupportedOperation", reply.code, given)

    def test_attachment_of_a_free_one(self):
        interface = self.eni()
        self.assertNotIn("Attachment", self.attribute(interface, "attachment"))
        given = {"AttachmentId": NO_ATTACHMENT, "DeleteOnTermination": True}
        self.refused("InvalidAttachmentID.NotFound", self.modify, interface, Attachment=given)
        self.refused("InvalidAttachmentID.NotFound", self.modify, interface, Attachment={**given, "AttachmentId": ""})
        self.refused("MissingParameter", self.modify, interface, Attachment={"AttachmentId": NO_ATTACHMENT})
        self.refused("MissingParameter", self.modify, interface, Attachment={"DeleteOnTermination": True})


class Ipv4(InterfaceTest):
    def assign(self, interface, *addresses, **parameters):
        if addresses:
            parameters["PrivateIpAddresses"] = list(addresses)
        return self.ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, **parameters)

    def unassign(self, interface, *addresses):
        return self.ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=list(addresses))

    def test_at_creation(self):
        self.assertEqual(["10.0.1.20"], self.private(self.eni(PrivateIpAddress="10.0.1.20")))
        listed = self.make(PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.30"}, {"PrivateIpAddress": "10.0.1.31", "Primary": True}])
        self.assertEqual(("10.0.1.31", [("10.0.1.31", True), ("10.0.1.30", False)]),
                         (listed["PrivateIpAddress"], [(a["PrivateIpAddress"], a["Primary"]) for a in listed["PrivateIpAddresses"]]))
        self.assertEqual(["10.0.1.40", "10.0.1.41"], self.private(self.eni(PrivateIpAddresses=[{"PrivateIpAddress": a} for a in ("10.0.1.40", "10.0.1.41")])))
        counted = self.make(PrivateIpAddress="10.0.1.50", SecondaryPrivateIpAddressCount=3)
        self.assertEqual([True, False, False, False], [a["Primary"] for a in counted["PrivateIpAddresses"]])
        self.assertEqual(4, len({a["PrivateIpAddress"] for a in counted["PrivateIpAddresses"]}))

    def test_bad_ones_at_creation(self):
        for address in ("10.0.1.0", "10.0.1.1", "10.0.1.3", "10.0.1.255", "10.0.2.9", "rubbish", "fd00::9", ""):
            self.refused("InvalidParameterValue", self.make, PrivateIpAddress=address)
        self.eni(PrivateIpAddress="10.0.1.20")
        self.refused("InvalidIPAddress.InUse", self.make, PrivateIpAddress="10.0.1.20")
        self.refused("InvalidIPAddress.InUse", self.make, PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.21", "Primary": True}, {"PrivateIpAddress": "10.0.1.20"}])
        self.refused("InvalidIPAddress.InUse", self.make, PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.22"}, {"PrivateIpAddress": "10.0.1.22"}])
        two = [{"PrivateIpAddress": "10.0.1.23", "Primary": True}, {"PrivateIpAddress": "10.0.1.24", "Primary": True}]
        self.refused("InvalidParameterCombination", self.make, PrivateIpAddresses=two)
        self.refused("InvalidParameterCombination", self.make, PrivateIpAddress="10.0.1.25", PrivateIpAddresses=two[:1])
        self.refused("InvalidParameterCombination", self.make, SecondaryPrivateIpAddressCount=1, PrivateIpAddress="10.0.1.25",
                     PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.26"}])
        self.refused("MissingParameter", self.make, PrivateIpAddresses=[{"Primary": True}])
        self.refused("PrivateIpAddressLimitExceeded", self.make, SecondaryPrivateIpAddressCount=200)
        self.assertEqual(250, self.free(self.subnet_id))  # nothing half made

    def test_a_full_subnet(self):
        small = self.subnet(self.vpc_id, "10.0.2.0/28")
        self.refused("InsufficientFreeAddressesInSubnet", self.make, small, SecondaryPrivateIpAddressCount=11)
        interface = self.eni(small, SecondaryPrivateIpAddressCount=9)
        self.refused("InsufficientFreeAddressesInSubnet", self.assign, interface, SecondaryPrivateIpAddressCount=2)
        self.assign(interface, SecondaryPrivateIpAddressCount=1)
        self.refused("InsufficientFreeAddressesInSubnet", self.make, small)
        self.assertEqual(0, self.free(small))

    def test_assign(self):
        interface = self.eni(PrivateIpAddress="10.0.1.20")
        reply = self.assign(interface, "10.0.1.21", "10.0.1.22")
        self.assertEqual((interface, ["10.0.1.21", "10.0.1.22"]),
                         (reply["NetworkInterfaceId"], [a["PrivateIpAddress"] for a in reply["AssignedPrivateIpAddresses"]]))
        self.assertEqual(["10.0.1.20", "10.0.1.21", "10.0.1.22"], self.private(interface))
        added = [a["PrivateIpAddress"] for a in self.assign(interface, SecondaryPrivateIpAddressCount=2)["AssignedPrivateIpAddresses"]]
        self.assertEqual(added, self.private(interface)[3:])
        self.assign(interface, "10.0.1.21")  # has it already
        self.assertEqual(5, len(self.private(interface)))
        self.unassign(interface, "10.0.1.21", added[0])
        self.assertEqual(["10.0.1.20", "10.0.1.22", added[1]], self.private(interface))

    def test_bad_assignments(self):
        interface, other = self.eni(PrivateIpAddress="10.0.1.20"), self.eni(PrivateIpAddress="10.0.1.30")
        self.refused("MissingParameter", self.assign, interface)
        self.refused("InvalidParameterCombination", self.assign, interface, "10.0.1.21", SecondaryPrivateIpAddressCount=1)
        for address in ("10.0.1.1", "10.0.2.9", "rubbish"):
            self.refused("InvalidParameterValue", self.assign, interface, address)
        self.refused("InvalidIPAddress.InUse", self.assign, interface, "10.0.1.21", "10.0.1.30")
        self.refused("InvalidIPAddress.InUse", self.assign, interface, "10.0.1.30", AllowReassignment=True)  # a primary one
        self.refused("PrivateIpAddressLimitExceeded", self.assign, interface, SecondaryPrivateIpAddressCount=100)
        self.refused("InvalidParameterValue", self.unassign, interface, "10.0.1.20")
        for address in ("10.0.1.30", "10.0.1.99", "rubbish"):
            self.refused("InvalidParameterValue", self.unassign, interface, address)
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "UnassignPrivateIpAddresses", {"NetworkInterfaceId": interface}).code)
        self.refused("InvalidNetworkInterfaceID.NotFound", self.assign, MISSING, "10.0.1.21")
        for action, key in (("AssignPrivateIpAddresses", "Ipv4Prefix.1"), ("UnassignPrivateIpAddresses", "Ipv4Prefix.1"), ("AssignPrivateIpAddresses", "Ipv4PrefixCount")):
            self.assertEqual("UnsupportedOperation", call(self.lodge, self.account, action, {"NetworkInterfaceId": interface, key: "1"}).code)
        self.assertEqual((["10.0.1.20"], ["10.0.1.30"]), (self.private(interface), self.private(other)))

    def test_reassignment(self):
        subnet = self.public()
        one, two = self.eni(subnet, PrivateIpAddress="10.0.1.20"), self.eni(subnet, PrivateIpAddress="10.0.1.30")
        self.assign(one, "10.0.1.21", "10.0.1.22")
        allocation = self.ec2.allocate_address()["AllocationId"]
        association = self.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=one, PrivateIpAddress="10.0.1.21")["AssociationId"]
        self.refused("InvalidIPAddress.InUse", self.assign, two, "10.0.1.21")
        self.assign(two, "10.0.1.21", AllowReassignment=True)
        self.assertEqual((["10.0.1.20", "10.0.1.22"], ["10.0.1.30", "10.0.1.21"]), (self.private(one), self.private(two)))
        address = self.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
        self.assertEqual((two, association), (address["NetworkInterfaceId"], address["AssociationId"]))
        self.unassign(two, "10.0.1.21")
        self.assertNotIn("AssociationId", self.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0])


class Ipv6(InterfaceTest):
    def setUp(self):
        super().setUp()
        self.plain = self.subnet_id
        self.subnet_id, self.block = self.with_ipv6()

    def address(self, number):
        return str(self.block[number])

    def assign(self, interface, *addresses, **parameters):
        if addresses:
            parameters["Ipv6Addresses"] = list(addresses)
        return self.ec2.assign_ipv6_addresses(NetworkInterfaceId=interface, **parameters)

    def test_at_creation(self):
        made = self.make(Ipv6Addresses=[{"Ipv6Address": self.address(9)}, {"Ipv6Address": self.address(8)}])
        self.assertEqual([self.address(9), self.address(8)], [a["Ipv6Address"] for a in made["Ipv6Addresses"]])
        counted = self.ipv6(self.eni(Ipv6AddressCount=2))
        self.assertEqual([True, True], [ipaddress.ip_address(a) in self.block for a in counted])
        self.assertEqual([made["NetworkInterfaceId"]], self.found(**{"ipv6-addresses.ipv6-address": self.address(8)}))

    def test_as_the_subnet_says(self):
        self.assertEqual([], self.ipv6(self.eni()))
        self.ec2.modify_subnet_attribute(SubnetId=self.subnet_id, AssignIpv6AddressOnCreation={"Value": True})
        self.assertEqual(1, len(self.ipv6(self.eni())))
        self.assertEqual([], self.ipv6(self.eni(Ipv6AddressCount=0)))
        self.assertEqual([self.address(9)], self.ipv6(self.eni(Ipv6Addresses=[{"Ipv6Address": self.address(9)}])))

    def test_bad_ones(self):
        interface = self.eni(Ipv6Addresses=[{"Ipv6Address": self.address(9)}])
        for address in (self.address(0), self.address(3), str(self.block[-1]), "fd00::9", "10.0.1.9", "rubbish"):
            self.refused("InvalidParameterValue", self.make, Ipv6Addresses=[{"Ipv6Address": address}])
            self.refused("InvalidParameterValue", self.assign, interface, address)
        self.refused("InvalidIPAddress.InUse", self.make, Ipv6Addresses=[{"Ipv6Address": self.address(9)}])
        self.refused("InvalidIPAddress.InUse", self.assign, self.eni(), self.address(9))
        both = {"Ipv6AddressCount": 1, "Ipv6Addresses": [{"Ipv6Address": self.address(8)}]}
        self.refused("InvalidParameterCombination", self.make, **both)
        self.refused("InvalidParameterCombination", self.assign, interface, self.address(8), Ipv6AddressCount=1)
        self.refused("MissingParameter", self.assign, interface)
        self.refused("InvalidParameterValue", self.make, self.plain, Ipv6AddressCount=1)
        self.refused("InvalidParameterValue", self.assign, self.eni(self.plain), Ipv6AddressCount=1)
        self.refused("PrivateIpAddressLimitExceeded", self.assign, interface, Ipv6AddressCount=200)
        self.assertEqual("UnsupportedOperation", call(self.lodge, self.account, "CreateNetworkInterface", {
            "SubnetId": self.subnet_id, "Ipv6Addresses.1.Ipv6Address": self.address(8), "Ipv6Addresses.1.IsPrimaryIpv6": "true"}).code)
        self.assertEqual([self.address(9)], self.ipv6(interface))

    def test_assign_and_unassign(self):
        interface = self.eni()
        full = self.block[0xabc].exploded  # is kept in its short form
        reply = self.assign(interface, full, self.address(9))
        self.assertEqual((interface, [self.address(0xabc), self.address(9)]), (reply["NetworkInterfaceId"], reply["AssignedIpv6Addresses"]))
        added = self.assign(interface, Ipv6AddressCount=1)["AssignedIpv6Addresses"]
        self.assertEqual([self.address(0xabc), self.address(9), *added], self.ipv6(interface))
        gone = self.ec2.unassign_ipv6_addresses(NetworkInterfaceId=interface, Ipv6Addresses=[full])
        self.assertEqual((interface, [self.address(0xabc)]), (gone["NetworkInterfaceId"], gone["UnassignedIpv6Addresses"]))
        self.assertEqual([self.address(9), *added], self.ipv6(interface))
        primary = self.private(interface)[0]
        for address in (full, primary, "rubbish"):
            self.refused("InvalidParameterValue", self.ec2.unassign_ipv6_addresses, NetworkInterfaceId=interface, Ipv6Addresses=[address])
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "UnassignIpv6Addresses", {"NetworkInterfaceId": interface}).code)

    def test_they_hold_the_subnets_block(self):
        association = self.ec2.describe_subnets(SubnetIds=[self.subnet_id])["Subnets"][0]["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
        interface = self.eni(Ipv6AddressCount=1)
        self.refused("DependencyViolation", self.ec2.disassociate_subnet_cidr_block, AssociationId=association)
        self.ec2.unassign_ipv6_addresses(NetworkInterfaceId=interface, Ipv6Addresses=self.ipv6(interface))
        self.ec2.disassociate_subnet_cidr_block(AssociationId=association)


class Attaching(InterfaceTest):
    """In the default VPC, where instances are."""

    def default_subnet(self, instance):
        zone = self.describe(instance)["Placement"]["AvailabilityZone"]
        found = self.ec2.describe_subnets(Filters=filters(default_for_az="true", availability_zone=zone))["Subnets"]
        return found[0]["SubnetId"]

    def stopped(self, **parameters):
        instance, = self.launch(**parameters)
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        return instance

    def attach(self, interface, instance, index=1, **parameters):
        return self.ec2.attach_network_interface(NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=index, **parameters)["AttachmentId"]

    def detach(self, attachment, **parameters):
        return self.ec2.detach_network_interface(AttachmentId=attachment, **parameters)

    def on(self, instance):
        return self.found(**{"attachment.instance-id": instance})

    def test_to_a_stopped_instance(self):
        instance = self.stopped()
        interface = self.eni(self.default_subnet(instance))
        before = datetime.datetime.now(datetime.timezone.utc)
        attachment = self.attach(interface, instance)
        self.assertRegex(attachment, "^eni-attach-[0-9a-f]{17}$")
        shown = self.shown(interface)
        time = shown["Attachment"].pop("AttachTime")
        self.assertLess(abs((time - before).total_seconds()), 60)
        self.assertEqual({"AttachmentId": attachment, "DeleteOnTermination": False, "DeviceIndex": 1, "NetworkCardIndex": 0,
                          "InstanceId": instance, "InstanceOwnerId": self.account.id, "Status": "attached"}, shown["Attachment"])
        self.assertEqual("in-use", shown["Status"])
        for name, value in {"attachment-id": attachment, "instance-id": instance, "status": "attached", "device-index": "1",
                            "delete-on-termination": "false", "instance-owner-id": self.account.id, "attach-time": "20??-*Z"}.items():
            self.assertIn(interface, self.found(**{"attachment." + name: value}), name)
        self.refused("InvalidNetworkInterface.InUse", self.ec2.delete_network_interface, NetworkInterfaceId=interface)
        self.refused("InvalidNetworkInterface.InUse", self.attach, interface, instance, 2)
        self.refused("DryRunOperation", self.detach, attachment, DryRun=True)
        self.detach(attachment)
        shown = self.shown(interface)
        self.assertNotIn("Attachment", shown)
        self.assertEqual("available", shown["Status"])
        self.refused("InvalidAttachmentID.NotFound", self.detach, attachment)
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)

    def test_to_a_running_instance(self):
        instance, = self.launch()
        interface = self.eni(self.default_subnet(instance))
        generation = lambda: self.database("SELECT generation FROM instances WHERE id = ?", instance)[0][0]  # noqa: E731
        before = generation()
        attachment = self.attach(interface, instance)
        self.assertLess(before, generation())  # the guest is asked for something else
        self.assertEqual("in-use", self.shown(interface)["Status"])
        self.eventually(lambda: self.shown(interface)["Attachment"]["Status"] == "attached", why=lambda: str(self.shown(interface)))
        self.assertEqual({instance: "running"}, self.states([instance]))
        before = generation()
        self.detach(attachment)
        self.assertLess(before, generation())
        self.eventually(lambda: "Attachment" not in self.shown(interface), why=lambda: str(self.shown(interface)))
        self.assertEqual({instance: "running"}, self.states([instance]))
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)

    def test_the_end_of_an_instance(self):
        """What came with the launch goes; what was attached later stays, unless it is to go too."""
        one, two = self.launch(2)
        kept, gone = self.eni(self.default_subnet(one)), self.eni(self.default_subnet(two))
        self.attach(kept, one)
        attachment = self.attach(gone, two)
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=gone, Attachment={"AttachmentId": attachment, "DeleteOnTermination": True})
        self.ec2.terminate_instances(InstanceIds=[one, two])
        self.reach("terminated", [one, two])
        self.assertEqual([kept], [each["NetworkInterfaceId"] for each in self.ec2.describe_network_interfaces()["NetworkInterfaces"]])
        self.assertEqual("available", self.shown(kept)["Status"])

    def test_public_address_of_the_primary_one(self):
        instance, = self.launch()
        first, = self.found(**{"attachment.instance-id": instance})
        public = lambda: self.shown(first).get("Association", {}).get("PublicIp")  # noqa: E731
        ask = lambda action, **more: call(self.lodge, self.account, action, {"NetworkInterfaceId": first, **more})  # noqa: E731
        given = lambda: ask("DescribeNetworkInterfaceAttribute", Attribute="associatePublicIpAddress").values("associatePublicIpAddress")  # noqa: E731
        self.assertTrue(public())
        self.assertEqual(["true"], given())
        ask("ModifyNetworkInterfaceAttribute", AssociatePublicIpAddress="false")
        self.assertIsNone(public())
        self.assertEqual(["false"], given())
        ask("ModifyNetworkInterfaceAttribute", AssociatePublicIpAddress="true")
        before = public()
        self.assertTrue(before)
        ask("ModifyNetworkInterfaceAttribute", AssociatePublicIpAddress="true")
        self.assertEqual(before, public())
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        ask("ModifyNetworkInterfaceAttribute", AssociatePublicIpAddress="true")
        self.assertIsNone(public())
        self.ec2.start_instances(InstanceIds=[instance])
        self.assertTrue(public())
        second = self.eni(self.default_subnet(instance))
        self.attach(second, instance)
        reply = call(self.lodge, self.account, "ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": second, "AssociatePublicIpAddress": "true"})
        self.assertEqual("UnsupportedOperation", reply.code)

    def test_force(self):
        instance, = self.launch()
        interface = self.eni(self.default_subnet(instance))
        self.detach(self.attach(interface, instance), Force=True)
        self.assertEqual("available", self.shown(interface)["Status"])
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)

    def test_delete_on_termination(self):
        instance = self.stopped()
        interface = self.eni(self.default_subnet(instance))
        attachment = self.attach(interface, instance)
        modify = lambda **given: self.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Attachment=given)  # noqa: E731
        modify(AttachmentId=attachment, DeleteOnTermination=True)
        shown = self.ec2.describe_network_interface_attribute(NetworkInterfaceId=interface, Attribute="attachment")["Attachment"]
        self.assertEqual((attachment, True), (shown["AttachmentId"], shown["DeleteOnTermination"]))
        self.refused("InvalidAttachmentID.NotFound", modify, AttachmentId=NO_ATTACHMENT, DeleteOnTermination=False)
        self.detach(attachment)
        again = self.attach(interface, instance)
        self.assertNotEqual(attachment, again)
        self.assertFalse(self.shown(interface)["Attachment"]["DeleteOnTermination"])

    def test_the_first_one_stays(self):
        instance = self.stopped()
        first, = self.found(**{"attachment.instance-id": instance, "attachment.device-index": "0"})
        attachment = self.shown(first)["Attachment"]["AttachmentId"]
        for parameters in ({}, {"Force": True}):
            self.refused("OperationNotPermitted", self.detach, attachment, **parameters)
        self.refused("InvalidParameterValue", self.attach, self.eni(self.default_subnet(instance)), instance, 0)

    def test_limits_of_the_type(self):
        instance = self.stopped()  # a t3.nano: 2 interfaces with 2 addresses each
        subnet = self.default_subnet(instance)
        self.refused("PrivateIpAddressLimitExceeded", self.attach, self.eni(subnet, SecondaryPrivateIpAddressCount=2), instance)
        interface = self.eni(subnet)
        self.attach(interface, instance)
        assign = self.ec2.assign_private_ip_addresses
        assign(NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1)
        self.refused("PrivateIpAddressLimitExceeded", assign, NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1)
        self.refused("AttachmentLimitExceeded", self.attach, self.eni(subnet), instance, 7)
        self.refused("InvalidParameterValue", self.attach, self.eni(subnet), instance, 1)
        self.assertEqual(2, len(self.on(instance)))

    def test_bad_requests(self):
        instance = self.stopped()
        interface = self.eni(self.default_subnet(instance))
        for id_, code in ((MISSING, "InvalidNetworkInterfaceID.NotFound"), ("x", "InvalidNetworkInterfaceId.Malformed")):
            self.refused(code, self.attach, id_, instance)
        for id_, code in (("i-00000000000000000", "InvalidInstanceID.NotFound"), ("x", "InvalidInstanceID.Malformed")):
            self.refused(code, self.attach, interface, id_)
        for id_, code in ((NO_ATTACHMENT, "InvalidAttachmentID.NotFound"), ("x", "InvalidAttachmentID.NotFound")):
            self.refused(code, self.detach, id_)
        for index in (-1, 256):
            self.refused("InvalidParameterValue", self.attach, interface, instance, index)
        self.refused("DryRunOperation", self.attach, interface, instance, DryRun=True)
        given = {"NetworkInterfaceId": interface, "InstanceId": instance, "DeviceIndex": 1}
        for more in ({"NetworkCardIndex": 1}, {"EnaQueueCount": 2}, {"EnaSrdSpecification.EnaSrdEnabled": "true"}):
            self.assertEqual("UnsupportedOperation", call(self.lodge, self.account, "AttachNetworkInterface", {**given, **more}).code)
        self.assertEqual(200, call(self.lodge, self.account, "AttachNetworkInterface", {**given, "NetworkCardIndex": 0}).status)

    def test_states(self):
        instance, = self.launch()
        interface = self.eni(self.default_subnet(instance))
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.reach("terminated", [instance])
        self.refused("IncorrectInstanceState", self.attach, interface, instance)

    def test_another_accounts(self):
        instance, other = self.stopped(), self.other_account()
        interface = self.eni(self.default_subnet(instance))
        theirs = other.create_network_interface(SubnetId=self.subnet(self.vpc(ec2=other), ec2=other))["NetworkInterface"]["NetworkInterfaceId"]
        self.refused("InvalidNetworkInterfaceID.NotFound", self.attach, theirs, instance)
        self.refused("InvalidInstanceID.NotFound", other.attach_network_interface, NetworkInterfaceId=theirs, InstanceId=instance, DeviceIndex=1)
        attachment = self.attach(interface, instance)
        self.refused("InvalidAttachmentID.NotFound", other.detach_network_interface, AttachmentId=attachment)


class Places(InterfaceTest):
    options = ("--zones", "us-east-1a", "us-east-1b")

    def test_zones_and_vpcs(self):
        instance, = self.launch(Placement={"AvailabilityZone": "us-east-1a"})
        attach = lambda interface, index: self.ec2.attach_network_interface(  # noqa: E731
            NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=index)
        subnets = {s["AvailabilityZone"]: s["SubnetId"] for s in self.ec2.describe_subnets(Filters=filters(default_for_az="true"))["Subnets"]}
        self.refused("InvalidParameterCombination", attach, self.eni(subnets["us-east-1b"]), 1)
        self.refused("InvalidParameterCombination", attach, self.eni(self.subnet(self.vpc_id, "10.0.9.0/24", AvailabilityZone="us-east-1a")), 1)
        attach(self.eni(subnets["us-east-1a"]), 1)


if __name__ == "__main__":
    unittest.main()
