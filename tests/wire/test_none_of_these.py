"""What clients ask for and Lodge has none of: ClassicLink, VPC endpoints. The answers are the true ones; bad questions are refused."""
import unittest

from harness import filters, tag_specification, tags
from networking import NetworkTest

UNKNOWN_VPC = "vpc-0123456789abcdef0"
UNKNOWN_ENDPOINT = "vpce-0123456789abcdef0"


class ClassicLink(NetworkTest):
    def setUp(self):
        super().setUp()
        self.one = self.vpc(TagSpecifications=[tag_specification("vpc", Name="one")])
        self.all = sorted(v["VpcId"] for v in self.ec2.describe_vpcs()["Vpcs"])

    def test_no_vpc_has_it(self):
        found = self.ec2.describe_vpc_classic_link()["Vpcs"]
        self.assertEqual(self.all, sorted(v["VpcId"] for v in found))
        self.assertEqual({False}, {v["ClassicLinkEnabled"] for v in found})
        self.assertEqual([{"VpcId": self.one, "ClassicLinkEnabled": False, "Tags": tags(Name="one")}],
                         self.ec2.describe_vpc_classic_link(VpcIds=[self.one])["Vpcs"])

    def test_filters(self):
        describe = lambda **f: [v["VpcId"] for v in self.ec2.describe_vpc_classic_link(Filters=filters(**f))["Vpcs"]]  # noqa: E731
        self.assertEqual([], describe(is_classic_link_enabled="true"))
        self.assertEqual(self.all, sorted(describe(is_classic_link_enabled="false")))
        self.assertEqual([self.one], describe(tag_key="Name"))
        self.refused("InvalidParameterValue", describe, colour="red")

    def test_dns_support(self):
        describe = self.ec2.describe_vpc_classic_link_dns_support
        self.assertEqual([{"VpcId": self.one, "ClassicLinkDnsSupported": False}], describe(VpcIds=[self.one])["Vpcs"])
        made = {self.vpc(f"10.{i}.0.0/16") for i in range(5)} | set(self.all)
        first = describe(MaxResults=5)
        rest = describe(NextToken=first["NextToken"])
        self.assertEqual(5, len(first["Vpcs"]))
        self.assertEqual(made, {v["VpcId"] for v in first["Vpcs"] + rest["Vpcs"]})

    def test_others_vpcs(self):
        other = self.other_account()
        for describe in (self.ec2.describe_vpc_classic_link, self.ec2.describe_vpc_classic_link_dns_support):
            self.refused("InvalidVpcID.NotFound", describe, VpcIds=[UNKNOWN_VPC])
        self.refused("InvalidVpcID.NotFound", other.describe_vpc_classic_link, VpcIds=[self.one])


class Endpoints(NetworkTest):
    def test_there_are_none(self):
        describe = self.ec2.describe_vpc_endpoints
        self.assertEqual([], describe()["VpcEndpoints"])
        self.assertEqual([], describe(MaxResults=10)["VpcEndpoints"])
        for name in ("vpc-id", "service-name", "vpc-endpoint-id", "vpc-endpoint-state", "vpc-endpoint-type", "tag:Name"):
            self.assertEqual([], describe(Filters=[{"Name": name, "Values": ["*"]}])["VpcEndpoints"], name)

    def test_bad_questions(self):
        describe = self.ec2.describe_vpc_endpoints
        self.refused("InvalidVpcEndpointId.NotFound", describe, VpcEndpointIds=[UNKNOWN_ENDPOINT])
        self.refused("InvalidVpcEndpointId.Malformed", describe, VpcEndpointIds=["vpc-1"])
        self.refused("InvalidParameterValue", describe, Filters=[{"Name": "colour", "Values": ["red"]}])
        self.refused("InvalidParameterCombination", describe, VpcEndpointIds=[UNKNOWN_ENDPOINT], MaxResults=5)


if __name__ == "__main__":
    unittest.main()
