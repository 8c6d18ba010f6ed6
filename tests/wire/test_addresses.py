"""Elastic IP addresses: the pool, associations and what stands in their way."""
import ipaddress
import unittest

from harness import filters, tag_specification, tags
from networking import NetworkTest

POOL = ipaddress.ip_network("198.19.64.0/22")
MISSING = "eipalloc-00000000000000000"


class AddressTest(NetworkTest):
    def allocate(self, **parameters):
        return self.ec2.allocate_address(**parameters)

    def eip(self):
        return self.allocate(Domain="vpc")["AllocationId"]

    def shown(self, allocation):
        return self.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]

    def outside(self, *addresses, gateway=True, instance_id=""):
        """An interface that an address can lead to."""
        vpc = self.vpc()
        if gateway:
            self.gateway(vpc)
        return self.interface(self.subnet(vpc), *(addresses or ("10.0.1.9",)), instance_id=instance_id)

    def associate(self, allocation, interface=None, **parameters):
        target = {"NetworkInterfaceId": interface} if interface else {}
        return self.ec2.associate_address(AllocationId=allocation, **target, **parameters)["AssociationId"]


class Pool(AddressTest):
    def test_life(self):
        made = self.allocate(Domain="vpc", TagSpecifications=[tag_specification("elastic-ip", Name="door")])
        self.assertEqual(("vpc", "amazon", "us-east-1"), (made["Domain"], made["PublicIpv4Pool"], made["NetworkBorderGroup"]))
        self.assertIn(ipaddress.ip_address(made["PublicIp"]), POOL)
        self.assertEqual({"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"], "Domain": "vpc", "PublicIpv4Pool": "amazon",
                          "NetworkBorderGroup": "us-east-1", "Tags": tags(Name="door")}, self.shown(made["AllocationId"]))
        self.ec2.release_address(AllocationId=made["AllocationId"])
        self.refused("InvalidAllocationID.NotFound", self.ec2.release_address, AllocationId=made["AllocationId"])
        self.assertEqual([], self.ec2.describe_addresses()["Addresses"])

    def test_a_certain_address(self):
        wanted = self.allocate()["PublicIp"]
        self.refused("InvalidAddress.NotFound", self.allocate, Address=wanted)
        self.ec2.release_address(AllocationId=self.ec2.describe_addresses(PublicIps=[wanted])["Addresses"][0]["AllocationId"])
        self.assertEqual(wanted, self.allocate(Address=wanted)["PublicIp"])
        for never in ("198.19.64.0", "198.19.64.1", "198.19.67.255", "8.8.8.8", "rubbish", "::1"):
            self.refused("InvalidAddress.NotFound", self.allocate, Address=never)

    def test_what_is_not_honoured_is_refused(self):
        for given in ({"Domain": "standard"}, {"PublicIpv4Pool": "ipv4pool-ec2-1"}, {"CustomerOwnedIpv4Pool": "x"}):
            self.refused("UnsupportedOperation", self.allocate, **given)
        self.refused("InvalidParameterValue", self.allocate, NetworkBorderGroup="elsewhere")
        self.allocate(NetworkBorderGroup="us-east-1", PublicIpv4Pool="amazon")

    def test_releasing(self):
        made = self.allocate()
        self.refused("MissingParameter", self.ec2.release_address)
        self.refused("InvalidAllocationID.NotFound", self.ec2.release_address, AllocationId=MISSING)
        self.refused("InvalidAllocationID.Malformed", self.ec2.release_address, AllocationId="x")
        self.refused("InvalidParameterValue", self.ec2.release_address, PublicIp=made["PublicIp"])
        self.refused("InvalidAddress.NotFound", self.ec2.release_address, PublicIp="198.19.64.1")
        self.refused("DryRunOperation", self.ec2.release_address, AllocationId=made["AllocationId"], DryRun=True)
        self.associate(made["AllocationId"], self.outside())
        self.refused("InvalidIPAddress.InUse", self.ec2.release_address, AllocationId=made["AllocationId"])

    def test_another_account_sees_nothing(self):
        made, other = self.allocate(), self.other_account()
        self.refused("InvalidAllocationID.NotFound", other.describe_addresses, AllocationIds=[made["AllocationId"]])
        self.refused("InvalidAddress.NotFound", other.describe_addresses, PublicIps=[made["PublicIp"]])
        self.refused("InvalidAllocationID.NotFound", other.release_address, AllocationId=made["AllocationId"])
        association = self.associate(made["AllocationId"], self.outside())
        other.disassociate_address(AssociationId=association)  # idempotent, and none of theirs
        self.assertEqual(association, self.shown(made["AllocationId"])["AssociationId"])
        theirs = other.allocate_address()["AllocationId"]
        interface = self.outside()
        self.refused("InvalidNetworkInterfaceID.NotFound", other.associate_address, AllocationId=theirs, NetworkInterfaceId=interface)
        self.refused("InvalidAllocationID.NotFound", self.associate, theirs, interface)

    def test_filters(self):
        used, free = self.allocate(), self.allocate(TagSpecifications=[tag_specification("elastic-ip", a="b")])
        interface = self.outside()
        association = self.associate(used["AllocationId"], interface)
        for name, value in {"allocation-id": used["AllocationId"], "association-id": association, "network-interface-id": interface,
                            "network-interface-owner-id": self.account.id, "private-ip-address": "10.0.1.9", "public-ip": used["PublicIp"]}.items():
            found = self.ec2.describe_addresses(Filters=[{"Name": name, "Values": [value]}])["Addresses"]
            self.assertEqual([used["AllocationId"]], [a["AllocationId"] for a in found], name)
        for name, value, count in (("domain", "vpc", 2), ("network-border-group", "us-east-1", 2), ("instance-id", "*", 0), ("tag:a", "b", 1)):
            self.assertEqual(count, len(self.ec2.describe_addresses(Filters=[{"Name": name, "Values": [value]}])["Addresses"]), name)
        self.refused("InvalidParameterValue", self.ec2.describe_addresses, Filters=filters(colour="red"))
        both = self.ec2.describe_addresses(PublicIps=[free["PublicIp"]], AllocationIds=[used["AllocationId"], free["AllocationId"]])["Addresses"]
        self.assertEqual(2, len(both))

    def test_attributes(self):
        ids = sorted(self.eip() for _ in range(3))
        pages = self.ec2.get_paginator("describe_addresses_attribute").paginate(Attribute="domain-name", PaginationConfig={"PageSize": 2})
        self.assertEqual(ids, [a["AllocationId"] for page in pages for a in page["Addresses"]])
        one = self.ec2.describe_addresses_attribute(AllocationIds=ids[:1], Attribute="domain-name")["Addresses"]
        self.assertEqual([{"AllocationId", "PublicIp"}], [set(a) for a in one])


class Small(AddressTest):
    options = ("--public-pool", "198.19.64.0/29")

    def test_the_pool_runs_out(self):
        # Five, of which the routers of two default VPCs have one each: the simulation's and this test's account.
        given = {self.allocate()["PublicIp"] for _ in range(3)}
        self.assertEqual(3, len(given))
        self.assertLessEqual(given, {f"198.19.64.{i}" for i in range(2, 7)})
        self.refused("InsufficientAddressCapacity", self.allocate)
        for address in self.ec2.describe_addresses()["Addresses"]:
            self.ec2.release_address(AllocationId=address["AllocationId"])
        self.allocate()


class Associations(AddressTest):
    def test_life(self):
        allocation, interface = self.eip(), self.outside()
        association = self.associate(allocation, interface)
        shown = self.shown(allocation)
        self.assertEqual((association, interface, self.account.id, "10.0.1.9"),
                         tuple(shown[k] for k in ("AssociationId", "NetworkInterfaceId", "NetworkInterfaceOwnerId", "PrivateIpAddress")))
        self.assertEqual(association, self.associate(allocation, interface))
        self.ec2.disassociate_address(AssociationId=association)
        self.ec2.disassociate_address(AssociationId=association)
        self.assertNotIn("AssociationId", self.shown(allocation))
        self.refused("InvalidAssociationID.NotFound", self.ec2.disassociate_address, AssociationId="rubbish")

    def test_an_instance(self):
        (instance,) = self.launch()
        self.database("DELETE FROM network_interfaces WHERE instance_id = ?", instance)
        self.refused("InvalidInstanceID", self.associate, self.eip(), InstanceId=instance)
        interface, allocation = self.outside(instance_id=instance), self.eip()
        self.associate(allocation, InstanceId=instance)
        self.assertEqual((interface, instance), (self.shown(allocation)["NetworkInterfaceId"], self.shown(allocation)["InstanceId"]))
        found = self.ec2.describe_addresses(Filters=filters(instance_id=instance))["Addresses"]
        self.assertEqual([allocation], [a["AllocationId"] for a in found])
        self.refused("InvalidInstanceID.NotFound", self.associate, self.eip(), InstanceId="i-00000000000000000")

    def test_moving(self):
        allocation, one, two = self.eip(), self.outside(), self.outside()
        first = self.associate(allocation, one)
        self.refused("Resource.AlreadyAssociated", self.associate, allocation, two)
        self.refused("Resource.AlreadyAssociated", self.associate, allocation, two, AllowReassociation=False)
        second = self.associate(allocation, two, AllowReassociation=True)
        self.assertNotEqual(first, second)
        self.assertEqual(two, self.shown(allocation)["NetworkInterfaceId"])
        other = self.eip()
        self.refused("Resource.AlreadyAssociated", self.associate, other, two)
        self.associate(other, two, AllowReassociation=True)
        self.assertNotIn("AssociationId", self.shown(allocation))

    def test_secondary_addresses(self):
        interface, one, two = self.outside("10.0.1.9", "10.0.1.10"), self.eip(), self.eip()
        self.associate(one, interface, PrivateIpAddress="10.0.1.10")
        self.associate(two, interface)
        self.assertEqual(["10.0.1.10", "10.0.1.9"], [self.shown(a)["PrivateIpAddress"] for a in (one, two)])
        self.refused("InvalidParameterValue", self.associate, self.eip(), interface, PrivateIpAddress="10.0.1.11")

    def test_the_address_from_launch_goes_back(self):
        interface = self.outside("10.0.1.9", "10.0.1.10")
        self.database("INSERT INTO public_ips (address, owner_id) VALUES ('198.19.66.9', ?)", interface)
        self.database("UPDATE network_interfaces SET public_ip = '198.19.66.9' WHERE id = ?", interface)
        taken = lambda: self.database("SELECT owner_id FROM public_ips WHERE address = '198.19.66.9'")  # noqa: E731
        self.associate(self.eip(), interface, PrivateIpAddress="10.0.1.10")
        self.assertEqual([(interface,)], taken())
        self.associate(self.eip(), interface)
        self.assertEqual([], taken())

    def test_what_is_refused(self):
        allocation, interface = self.allocate(), self.outside()
        allocation, public_ip = allocation["AllocationId"], allocation["PublicIp"]
        self.refused("Gateway.NotAttached", self.associate, allocation, self.outside(gateway=False))
        self.refused("MissingParameter", self.associate, allocation)
        self.refused("MissingParameter", self.ec2.associate_address, NetworkInterfaceId=interface)
        self.refused("InvalidParameterCombination", self.associate, allocation, interface, InstanceId="i-00000000000000000")
        self.refused("InvalidParameterCombination", self.associate, allocation, interface, PublicIp=public_ip)
        self.refused("InvalidParameterValue", self.ec2.associate_address, PublicIp=public_ip, NetworkInterfaceId=interface)
        self.refused("InvalidAllocationID.NotFound", self.associate, MISSING, interface)
        self.refused("InvalidNetworkInterfaceID.NotFound", self.associate, allocation, "eni-00000000000000000")
        self.refused("MissingParameter", self.ec2.disassociate_address)
        self.refused("DryRunOperation", self.associate, allocation, interface, DryRun=True)
        self.assertNotIn("AssociationId", self.shown(allocation))

    def test_it_holds_the_gateway(self):
        vpc = self.vpc()
        gateway = self.gateway(vpc)
        association = self.associate(self.eip(), self.interface(self.subnet(vpc), "10.0.1.9"))
        detach = lambda: self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)  # noqa: E731
        self.refused("DependencyViolation", detach)
        self.ec2.disassociate_address(AssociationId=association)
        detach()


if __name__ == "__main__":
    unittest.main()
