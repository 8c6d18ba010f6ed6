"""Internet gateways and egress-only ones: their lives, what keeps them, whose they are."""
import unittest

from harness import filters, tag_specification, tags
from networking import NetworkTest

MISSING = "igw-00000000000000000"


class InternetGateways(NetworkTest):
    def shown(self, gateway):
        return self.ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]

    def test_life(self):
        made = self.ec2.create_internet_gateway(TagSpecifications=[tag_specification("internet-gateway", Name="door")])["InternetGateway"]
        gateway = made["InternetGatewayId"]
        self.assertEqual((self.account.id, [], tags(Name="door")), (made["OwnerId"], made["Attachments"], made["Tags"]))
        self.assertEqual(made, self.shown(gateway))
        vpc = self.vpc()
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.assertEqual([{"VpcId": vpc, "State": "available"}], self.shown(gateway)["Attachments"])
        self.refused("DependencyViolation", self.ec2.delete_internet_gateway, InternetGatewayId=gateway)
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=vpc)
        self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.assertEqual([], self.shown(gateway)["Attachments"])
        self.ec2.delete_internet_gateway(InternetGatewayId=gateway)
        self.refused("InvalidInternetGatewayID.NotFound", self.ec2.delete_internet_gateway, InternetGatewayId=gateway)
        self.assertEqual([], self.ec2.describe_tags(Filters=filters(resource_id=gateway))["Tags"])

    def test_attaching(self):
        one, two = self.vpc(), self.vpc()
        gateway = self.gateway(one)
        attach, detach = self.ec2.attach_internet_gateway, self.ec2.detach_internet_gateway
        self.refused("Resource.AlreadyAssociated", attach, InternetGatewayId=gateway, VpcId=one)
        self.refused("Resource.AlreadyAssociated", attach, InternetGatewayId=gateway, VpcId=two)
        self.refused("InvalidParameterValue", attach, InternetGatewayId=self.gateway(), VpcId=one)
        self.refused("Gateway.NotAttached", detach, InternetGatewayId=gateway, VpcId=two)
        self.refused("InvalidInternetGatewayID.NotFound", attach, InternetGatewayId=MISSING, VpcId=two)
        self.refused("InvalidInternetGatewayId.Malformed", attach, InternetGatewayId="igw-x", VpcId=two)
        self.refused("InvalidVpcID.NotFound", attach, InternetGatewayId=gateway, VpcId="vpc-00000000000000000")
        self.refused("InvalidVpcID.NotFound", detach, InternetGatewayId=gateway, VpcId="vpc-00000000000000000")

    def test_a_public_address_holds_the_gateway(self):
        vpc = self.vpc()
        gateway = self.gateway(vpc)
        interface = self.interface(self.subnet(vpc), "10.0.1.9")
        self.database("UPDATE network_interfaces SET public_ip = '198.19.64.77' WHERE id = ?", interface)
        self.refused("DependencyViolation", self.ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
        self.database("UPDATE network_interfaces SET public_ip = '' WHERE id = ?", interface)
        self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    def test_filters_and_paging(self):
        vpc = self.vpc()
        gateway = self.gateway(vpc)
        free = {self.gateway() for _ in range(6)}
        for name, value in {"attachment.vpc-id": vpc, "internet-gateway-id": gateway}.items():
            found = self.ec2.describe_internet_gateways(Filters=[{"Name": name, "Values": [value]}])["InternetGateways"]
            self.assertEqual([gateway], [g["InternetGatewayId"] for g in found], name)
        attached = self.ec2.describe_internet_gateways(Filters=[{"Name": "attachment.state", "Values": ["available"]}])["InternetGateways"]
        self.assertEqual(2, len(attached))  # the default VPC's too
        pages = list(self.ec2.get_paginator("describe_internet_gateways").paginate(
            Filters=filters(owner_id=self.account.id), PaginationConfig={"PageSize": 5}))
        ids = [g["InternetGatewayId"] for page in pages for g in page["InternetGateways"]]
        self.assertEqual([5, 3], [len(page["InternetGateways"]) for page in pages])
        self.assertLess(free, set(ids))
        self.refused("InvalidParameterValue", self.ec2.describe_internet_gateways, Filters=filters(vpc_id=vpc))

    def test_another_account_sees_nothing(self):
        gateway, vpc = self.gateway(), self.vpc()
        other = self.other_account()
        self.refused("InvalidInternetGatewayID.NotFound", other.describe_internet_gateways, InternetGatewayIds=[gateway])
        self.refused("InvalidInternetGatewayID.NotFound", other.delete_internet_gateway, InternetGatewayId=gateway)
        theirs = self.vpc(ec2=other)
        self.refused("InvalidInternetGatewayID.NotFound", other.attach_internet_gateway, InternetGatewayId=gateway, VpcId=theirs)
        self.refused("InvalidVpcID.NotFound", self.ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=theirs)
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    def test_dry_run_keeps_nothing(self):
        gateway, vpc = self.gateway(), self.vpc()
        self.refused("DryRunOperation", self.ec2.create_internet_gateway, DryRun=True)
        self.refused("DryRunOperation", self.ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc, DryRun=True)
        self.assertEqual([], self.shown(gateway)["Attachments"])
        self.refused("DryRunOperation", self.ec2.delete_internet_gateway, InternetGatewayId=gateway, DryRun=True)
        self.assertEqual(2, len(self.ec2.describe_internet_gateways()["InternetGateways"]))


class EgressOnly(NetworkTest):
    def make(self, vpc, **parameters):
        return self.ec2.create_egress_only_internet_gateway(VpcId=vpc, **parameters)["EgressOnlyInternetGateway"]

    def test_life(self):
        vpc = self.vpc(AmazonProvidedIpv6CidrBlock=True)
        made = self.make(vpc, TagSpecifications=[tag_specification("egress-only-internet-gateway", a="b")])
        gateway = made["EgressOnlyInternetGatewayId"]
        self.assertEqual(([{"VpcId": vpc, "State": "attached"}], tags(a="b")), (made["Attachments"], made["Tags"]))
        describe = self.ec2.describe_egress_only_internet_gateways
        self.assertEqual([made], describe(EgressOnlyInternetGatewayIds=[gateway])["EgressOnlyInternetGateways"])
        self.assertEqual([made], describe(Filters=[{"Name": "tag:a", "Values": ["b"]}])["EgressOnlyInternetGateways"])
        self.refused("InvalidParameterValue", self.make, vpc)
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=vpc)
        delete = self.ec2.delete_egress_only_internet_gateway
        self.assertTrue(delete(EgressOnlyInternetGatewayId=gateway)["ReturnCode"])
        self.refused("InvalidEgressOnlyInternetGatewayId.NotFound", delete, EgressOnlyInternetGatewayId=gateway)
        self.refused("InvalidEgressOnlyInternetGatewayId.Malformed", delete, EgressOnlyInternetGatewayId="eigw-x")
        self.refused("InvalidParameterValue", describe, Filters=filters(vpc_id=vpc))
        self.ec2.delete_vpc(VpcId=vpc)

    def test_client_token(self):
        vpc = self.vpc()
        made = self.make(vpc, ClientToken="once")
        self.assertEqual(made, self.make(vpc, ClientToken="once"))
        self.refused("IdempotentParameterMismatch", self.make, self.vpc(), ClientToken="once")

    def test_another_account_sees_nothing(self):
        vpc = self.vpc()
        gateway = self.make(vpc)["EgressOnlyInternetGatewayId"]
        other = self.other_account()
        self.refused("InvalidVpcID.NotFound", other.create_egress_only_internet_gateway, VpcId=vpc)
        self.refused("InvalidEgressOnlyInternetGatewayId.NotFound", other.delete_egress_only_internet_gateway,
                     EgressOnlyInternetGatewayId=gateway)
        self.refused("DryRunOperation", self.ec2.delete_egress_only_internet_gateway, EgressOnlyInternetGatewayId=gateway, DryRun=True)
        self.assertEqual(1, len(self.ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"]))


if __name__ == "__main__":
    unittest.main()
