"""VPCs, subnets and DHCP options: their actions, CIDR rules, dependencies, and what an account has from the start."""
import unittest

from harness import WireTest, tag_specification, tags


class VpcTest(WireTest):
    def refused(self, code, call, *arguments, **parameters):
        self.assert_code(code, lambda: call(*arguments, **parameters))

    def vpc(self, cidr="10.0.0.0/16", **parameters):
        return self.ec2.create_vpc(CidrBlock=cidr, **parameters)["Vpc"]

    def subnet(self, vpc_id, cidr, **parameters):
        return self.ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr, **parameters)["Subnet"]

    def default_vpc(self):
        return self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]


class FromTheStart(VpcTest):
    def test_a_new_account_has_a_default_vpc(self):
        (vpc,) = self.default_vpc()
        self.assertEqual(("172.31.0.0/16", "available", True), (vpc["CidrBlock"], vpc["State"], vpc["IsDefault"]))
        (subnet,) = self.ec2.describe_subnets()["Subnets"]
        self.assertEqual(("172.31.0.0/20", 4091), (subnet["CidrBlock"], subnet["AvailableIpAddressCount"]))
        self.assertTrue(subnet["DefaultForAz"] and subnet["MapPublicIpOnLaunch"])
        hostnames = self.ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")
        self.assertTrue(hostnames["EnableDnsHostnames"]["Value"])
        (options,) = self.ec2.describe_dhcp_options(DhcpOptionsIds=[vpc["DhcpOptionsId"]])["DhcpOptions"]
        self.assertEqual([{"Key": "domain-name", "Values": [{"Value": "ec2.internal"}]},
                          {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]}],
                         options["DhcpConfigurations"])

    def test_a_second_default_vpc_is_refused(self):
        self.refused("DefaultVpcAlreadyExists", self.ec2.create_default_vpc)
        zone = self.ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
        self.refused("DefaultSubnetAlreadyExistsInAvailabilityZone", self.ec2.create_default_subnet, AvailabilityZone=zone)

    def test_a_deleted_default_subnet_can_be_made_again(self):
        subnet = self.ec2.describe_subnets()["Subnets"][0]
        self.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        again = self.ec2.create_default_subnet(AvailabilityZone=subnet["AvailabilityZone"])["Subnet"]
        self.assertEqual(subnet["CidrBlock"], again["CidrBlock"])
        self.assertNotEqual(subnet["SubnetId"], again["SubnetId"])


class Vpcs(VpcTest):
    def test_life(self):
        made = self.vpc("10.1.2.3/16", TagSpecifications=[tag_specification("vpc", Name="mine")])
        self.assertEqual("10.1.0.0/16", made["CidrBlock"])
        self.assertEqual(tags(Name="mine"), made["Tags"])
        (shown,) = self.ec2.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"]
        self.assertEqual(made, shown)
        self.assertEqual(["associated"], [a["CidrBlockState"]["State"] for a in shown["CidrBlockAssociationSet"]])
        self.ec2.delete_vpc(VpcId=made["VpcId"])
        self.refused("InvalidVpcID.NotFound", self.ec2.describe_vpcs, VpcIds=[made["VpcId"]])
        self.refused("InvalidVpcID.NotFound", self.ec2.delete_vpc, VpcId=made["VpcId"])

    def test_ranges(self):
        for cidr in ("10.0.0.0/15", "10.0.0.0/29", "127.0.0.0/16", "169.254.0.0/16", "fd00::/56"):
            self.refused("InvalidVpc.Range", self.vpc, cidr)
        for cidr in ("10.0.0.0", "10.0.0/16", "rubbish", "10.0.0.0/16/8"):
            self.refused("InvalidParameterValue", self.vpc, cidr)
        self.vpc("10.0.0.0/28")

    def test_ids(self):
        self.refused("InvalidVpcId.Malformed", self.ec2.describe_vpcs, VpcIds=["vpc-x"])
        self.refused("InvalidVpcID.NotFound", self.ec2.delete_vpc, VpcId="vpc-00000000000000000")

    def test_another_account_sees_nothing(self):
        mine = self.vpc()["VpcId"]
        other = self.lodge.client(self.lodge.new_account())
        self.refused("InvalidVpcID.NotFound", other.describe_vpcs, VpcIds=[mine])
        self.refused("InvalidVpcID.NotFound", other.delete_vpc, VpcId=mine)
        self.refused("InvalidVpcID.NotFound", other.create_subnet, VpcId=mine, CidrBlock="10.0.0.0/24")

    def test_dry_run_keeps_nothing(self):
        before = len(self.ec2.describe_vpcs()["Vpcs"])
        self.refused("DryRunOperation", self.ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True)
        self.assertEqual(before, len(self.ec2.describe_vpcs()["Vpcs"]))

    def test_attributes(self):
        vpc = self.vpc()["VpcId"]
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
        read = lambda name: self.ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)  # noqa: E731
        self.assertTrue(read("enableDnsHostnames")["EnableDnsHostnames"]["Value"])
        self.assertFalse(read("enableDnsSupport")["EnableDnsSupport"]["Value"])
        self.refused("InvalidParameterCombination", self.ec2.modify_vpc_attribute, VpcId=vpc,
                   EnableDnsSupport={"Value": True}, EnableDnsHostnames={"Value": True})

    def test_filters_and_paging(self):
        ids = sorted(self.vpc(f"10.{i}.0.0/16")["VpcId"] for i in range(7))
        wanted = [{"Name": "cidr", "Values": ["10.3.*"]}]
        self.assertEqual(["10.3.0.0/16"], [v["CidrBlock"] for v in self.ec2.describe_vpcs(Filters=wanted)["Vpcs"]])
        pages = self.ec2.get_paginator("describe_vpcs").paginate(
            Filters=[{"Name": "isDefault", "Values": ["false"]}], PaginationConfig={"PageSize": 5})
        self.assertEqual(ids, [v["VpcId"] for page in pages for v in page["Vpcs"]])
        self.refused("InvalidParameterValue", self.ec2.describe_vpcs, Filters=[{"Name": "colour", "Values": ["red"]}])

    def test_secondary_cidrs(self):
        vpc = self.vpc("10.0.0.0/24")["VpcId"]
        added = self.ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.9.0.0/24")["CidrBlockAssociation"]
        self.assertEqual("associating", added["CidrBlockState"]["State"])
        self.refused("CidrConflict", self.ec2.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="10.0.0.128/25")
        self.refused("InvalidVpc.Range", self.ec2.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="10.8.0.0/8")
        subnet = self.subnet(vpc, "10.9.0.0/28")["SubnetId"]
        gone = lambda: self.ec2.disassociate_vpc_cidr_block(AssociationId=added["AssociationId"])  # noqa: E731
        self.refused("DependencyViolation", gone)
        self.ec2.delete_subnet(SubnetId=subnet)
        gone()
        self.refused("InvalidVpcCidrBlockAssociationID.NotFound", gone)
        primary = self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"]
        self.refused("OperationNotPermitted", self.ec2.disassociate_vpc_cidr_block, AssociationId=primary)
        for i in range(4):
            self.ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=f"10.{20 + i}.0.0/24")
        self.refused("CidrLimitExceeded", self.ec2.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="10.30.0.0/24")

    def test_ipv6(self):
        one = self.vpc(AmazonProvidedIpv6CidrBlock=True)
        two = self.vpc(AmazonProvidedIpv6CidrBlock=True)
        block, other = (v["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] for v in (one, two))
        self.assertTrue(block.endswith("/56") and block != other)
        subnet = self.subnet(one["VpcId"], "10.0.0.0/24", Ipv6CidrBlock=block.replace("/56", "/64"))
        self.assertEqual("associated", subnet["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlockState"]["State"])
        plain = self.subnet(one["VpcId"], "10.0.1.0/24")["SubnetId"]
        associate = self.ec2.associate_subnet_cidr_block
        self.refused("InvalidSubnet.Conflict", associate, SubnetId=plain, Ipv6CidrBlock=block.replace("/56", "/64"))
        self.refused("InvalidSubnet.Range", associate, SubnetId=plain, Ipv6CidrBlock=other.replace("/56", "/64"))
        self.refused("InvalidSubnet.Range", associate, SubnetId=plain, Ipv6CidrBlock=block)
        self.refused("InvalidParameterValue", self.ec2.modify_subnet_attribute, SubnetId=plain,
                   AssignIpv6AddressOnCreation={"Value": True})
        association = subnet["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
        self.refused("DependencyViolation", self.ec2.disassociate_vpc_cidr_block,
                   AssociationId=one["Ipv6CidrBlockAssociationSet"][0]["AssociationId"])
        self.ec2.disassociate_subnet_cidr_block(AssociationId=association)
        self.refused("InvalidSubnetCidrBlockAssociationID.NotFound", self.ec2.disassociate_subnet_cidr_block,
                   AssociationId=association)

    def test_given_up_ipv6_is_still_shown(self):
        """As EC2 does: clients wait until they read "disassociated"."""
        vpc = self.vpc(AmazonProvidedIpv6CidrBlock=True)
        first = vpc["Ipv6CidrBlockAssociationSet"][0]
        small = first["Ipv6CidrBlock"].replace("/56", "/64")
        subnet = self.subnet(vpc["VpcId"], "10.0.0.0/24", Ipv6CidrBlock=small)
        of_subnet = subnet["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
        self.ec2.disassociate_subnet_cidr_block(AssociationId=of_subnet)
        self.assertEqual([(of_subnet, small, "disassociated")], self.ipv6_of(self.subnets_with("disassociated")[0]))
        self.assertEqual([], self.subnets_with("associated"))
        self.ec2.disassociate_vpc_cidr_block(AssociationId=first["AssociationId"])
        gone = (first["AssociationId"], first["Ipv6CidrBlock"], "disassociated")
        self.assertEqual([gone], self.ipv6_of(self.vpc_with("disassociated")))
        self.refused("InvalidVpcCidrBlockAssociationID.NotFound", self.ec2.disassociate_vpc_cidr_block, AssociationId=gone[0])
        self.ec2.associate_vpc_cidr_block(VpcId=vpc["VpcId"], AmazonProvidedIpv6CidrBlock=True)
        second, last = self.ipv6_of(self.vpc_with("associated"))
        self.assertEqual(("associated", gone), (second[2], last))
        self.ec2.disassociate_vpc_cidr_block(AssociationId=second[0])  # of each VPC the last one is shown
        self.assertEqual([(*second[:2], "disassociated")], self.ipv6_of(self.vpc_with("disassociated")))
        self.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        self.ec2.delete_vpc(VpcId=vpc["VpcId"])

    def subnets_with(self, state):
        return self.ec2.describe_subnets(Filters=[{"Name": "ipv6-cidr-block-association.state", "Values": [state]}])["Subnets"]

    def vpc_with(self, state):
        return self.ec2.describe_vpcs(Filters=[{"Name": "ipv6-cidr-block-association.state", "Values": [state]}])["Vpcs"][0]

    @staticmethod
    def ipv6_of(owner):
        return [(a["AssociationId"], a["Ipv6CidrBlock"], a["Ipv6CidrBlockState"]["State"]) for a in owner["Ipv6CidrBlockAssociationSet"]]

    def test_what_is_not_honoured_is_refused(self):
        self.refused("InvalidParameterValue", self.vpc, InstanceTenancy="host")
        self.refused("UnsupportedOperation", self.vpc, Ipv4IpamPoolId="ipam-pool-1")


class Subnets(VpcTest):
    def test_life(self):
        vpc = self.vpc()["VpcId"]
        made = self.subnet(vpc, "10.0.1.0/24", TagSpecifications=[tag_specification("subnet", Name="left")])
        self.assertEqual((251, False, False), (made["AvailableIpAddressCount"], made["MapPublicIpOnLaunch"], made["DefaultForAz"]))
        self.assertEqual(tags(Name="left"), made["Tags"])
        self.assertEqual([made], self.ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"])
        self.ec2.modify_subnet_attribute(SubnetId=made["SubnetId"], MapPublicIpOnLaunch={"Value": True})
        self.assertTrue(self.ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"][0]["MapPublicIpOnLaunch"])
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=vpc)
        self.ec2.delete_subnet(SubnetId=made["SubnetId"])
        self.refused("InvalidSubnetID.NotFound", self.ec2.delete_subnet, SubnetId=made["SubnetId"])
        self.ec2.delete_vpc(VpcId=vpc)

    def test_places(self):
        vpc = self.vpc()["VpcId"]
        self.subnet(vpc, "10.0.1.0/24")
        for cidr in ("10.0.1.0/24", "10.0.0.0/16", "10.0.1.128/25"):
            self.refused("InvalidSubnet.Conflict", self.subnet, vpc, cidr)
        for cidr in ("10.1.0.0/24", "10.0.9.0/29", "10.0.0.0/8"):
            self.refused("InvalidSubnet.Range", self.subnet, vpc, cidr)
        self.refused("InvalidParameterValue", self.subnet, vpc, "10.0.2.0/24", AvailabilityZone="us-east-1z")

    def test_filters(self):
        vpc = self.vpc()["VpcId"]
        made = self.subnet(vpc, "10.0.1.0/24")
        for name, value in {"vpc-id": vpc, "cidr-block": "10.0.1.0/24", "subnet-id": made["SubnetId"],
                            "subnet-arn": made["SubnetArn"], "available-ip-address-count": "251"}.items():
            found = self.ec2.describe_subnets(Filters=[{"Name": name, "Values": [value]}])["Subnets"]
            self.assertEqual([made["SubnetId"]], [s["SubnetId"] for s in found], name)
        zone = self.ec2.describe_availability_zones()["AvailabilityZones"][0]
        found = self.ec2.describe_subnets(Filters=[{"Name": "availability-zone-id", "Values": [zone["ZoneId"]]}])
        self.assertEqual(2, len(found["Subnets"]))


class DhcpOptions(VpcTest):
    def make(self, *configurations, **parameters):
        return self.ec2.create_dhcp_options(
            DhcpConfigurations=[{"Key": k, "Values": v} for k, v in configurations], **parameters)["DhcpOptions"]

    def test_life(self):
        made = self.make(("domain-name", ["example.org"]), ("domain-name-servers", ["10.0.0.9,10.0.0.8"]),
                         TagSpecifications=[tag_specification("dhcp-options", a="b")])
        self.assertEqual({"domain-name": ["example.org"], "domain-name-servers": ["10.0.0.9", "10.0.0.8"]},
                         {c["Key"]: [v["Value"] for v in c["Values"]] for c in made["DhcpConfigurations"]})
        vpc = self.vpc()["VpcId"]
        self.ec2.associate_dhcp_options(DhcpOptionsId=made["DhcpOptionsId"], VpcId=vpc)
        self.assertEqual(made["DhcpOptionsId"], self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"])
        self.refused("DependencyViolation", self.ec2.delete_dhcp_options, DhcpOptionsId=made["DhcpOptionsId"])
        self.ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc)
        self.assertEqual("default", self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"])
        self.ec2.delete_dhcp_options(DhcpOptionsId=made["DhcpOptionsId"])
        self.refused("InvalidDhcpOptionsID.NotFound", self.ec2.describe_dhcp_options, DhcpOptionsIds=[made["DhcpOptionsId"]])

    def test_bad_values(self):
        for key, value in (("domain-name", 'a"b'), ("domain-name", "a\nb"), ("domain-name", "a b"), ("domain-name", "x;y"),
                           ("domain-name-servers", "ns.example.org"), ("ntp-servers", "1.2.3"), ("colour", "red"),
                           ("netbios-node-type", "3")):
            with self.subTest(key=key, value=value):
                self.refused("InvalidParameterValue", self.make, (key, [value]))
        self.refused("InvalidParameterValue", self.make, ("domain-name-servers", [f"10.0.0.{i}" for i in range(5)]))
        self.refused("InvalidParameterValue", self.make, ("domain-name", ["a"]), ("domain-name", ["b"]))


if __name__ == "__main__":
    unittest.main()
