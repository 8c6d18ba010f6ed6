"""Network ACLs: life, entries, associations."""
import unittest

from harness import WireTest, tag_specification, tags

ANYWHERE = "0.0.0.0/0"


def rest(egress, number=32767, **cidr):
    return {"Egress": egress, "Protocol": "-1", "RuleAction": "deny", "RuleNumber": number, **(cidr or {"CidrBlock": ANYWHERE})}


class NetworkAcls(WireTest):
    def refused(self, code, call, *arguments, **parameters):
        return self.assert_code(code, lambda: call(*arguments, **parameters))

    def setUp(self):
        super().setUp()
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    def make(self, **parameters):
        return self.ec2.create_network_acl(VpcId=self.vpc, **parameters)["NetworkAcl"]

    def show(self, acl_id):
        return self.ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"][0]

    def default(self):
        wanted = [{"Name": "vpc-id", "Values": [self.vpc]}, {"Name": "default", "Values": ["true"]}]
        return self.ec2.describe_network_acls(Filters=wanted)["NetworkAcls"][0]

    def entry(self, acl, number=100, call="create_network_acl_entry", **overrides):
        wanted = {"Egress": False, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": ANYWHERE, **overrides}
        getattr(self.ec2, call)(NetworkAclId=acl["NetworkAclId"], RuleNumber=number, **{k: v for k, v in wanted.items() if v is not None})

    def entries(self, acl):
        """Without those that deny the rest."""
        return [e for e in self.show(acl["NetworkAclId"])["Entries"] if e["RuleNumber"] < 32767]

    def test_life(self):
        made = self.make(TagSpecifications=[tag_specification("network-acl", a="b")])
        self.assertEqual((False, [rest(True), rest(False)], [], tags(a="b"), self.vpc, self.account.id),
                         tuple(made[k] for k in ("IsDefault", "Entries", "Associations", "Tags", "VpcId", "OwnerId")))
        self.assertEqual(made, self.show(made["NetworkAclId"]))
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.vpc)
        self.entry(made)
        self.ec2.delete_network_acl(NetworkAclId=made["NetworkAclId"])
        self.refused("InvalidNetworkAclID.NotFound", self.show, made["NetworkAclId"])
        self.assertEqual([], self.ec2.describe_tags()["Tags"])
        self.ec2.delete_vpc(VpcId=self.vpc)

    def test_the_default_acl(self):
        acl = self.default()
        let = {"Protocol": "-1", "RuleAction": "allow", "RuleNumber": 100, "CidrBlock": ANYWHERE}
        self.assertEqual([{"Egress": True, **let}, rest(True), {"Egress": False, **let}, rest(False)], acl["Entries"])
        self.refused("InvalidParameterValue", self.ec2.delete_network_acl, NetworkAclId=acl["NetworkAclId"])
        self.ec2.associate_vpc_cidr_block(VpcId=self.vpc, AmazonProvidedIpv6CidrBlock=True)
        six = {"Protocol": "-1", "RuleAction": "allow", "RuleNumber": 101, "Ipv6CidrBlock": "::/0"}
        self.assertEqual([{"Egress": True, **let}, {"Egress": True, **six}, rest(True), rest(True, 32768, Ipv6CidrBlock="::/0")],
                         self.show(acl["NetworkAclId"])["Entries"][:4])

    def test_entries(self):
        acl = self.make()
        self.entry(acl, 110, Protocol="6", PortRange={"From": 22, "To": 23}, CidrBlock="10.1.2.3/8")
        self.entry(acl, 100, Protocol="udp", PortRange={"From": 53, "To": 53}, RuleAction="deny")
        self.entry(acl, 120, Protocol="1", IcmpTypeCode={"Type": 8, "Code": -1}, Egress=True)
        self.entry(acl, 121, Protocol="58", IcmpTypeCode={"Type": 128, "Code": 0}, CidrBlock=None, Ipv6CidrBlock="2001:DB8::/32", Egress=True)
        self.entry(acl, 130, Protocol="50", PortRange={"From": 1, "To": 2})
        self.assertEqual([
            {"CidrBlock": ANYWHERE, "Egress": True, "IcmpTypeCode": {"Type": 8, "Code": -1}, "Protocol": "1", "RuleAction": "allow", "RuleNumber": 120},
            {"Ipv6CidrBlock": "2001:db8::/32", "Egress": True, "IcmpTypeCode": {"Type": 128, "Code": 0}, "Protocol": "58", "RuleAction": "allow",
             "RuleNumber": 121},
            {"CidrBlock": ANYWHERE, "Egress": False, "PortRange": {"From": 53, "To": 53}, "Protocol": "17", "RuleAction": "deny", "RuleNumber": 100},
            {"CidrBlock": "10.0.0.0/8", "Egress": False, "PortRange": {"From": 22, "To": 23}, "Protocol": "6", "RuleAction": "allow", "RuleNumber": 110},
            {"CidrBlock": ANYWHERE, "Egress": False, "Protocol": "50", "RuleAction": "allow", "RuleNumber": 130}], self.entries(acl))
        self.refused("NetworkAclEntryAlreadyExists", self.entry, acl, 100)
        self.entry(acl, 100, Egress=True)
        self.entry(acl, 100, "replace_network_acl_entry", CidrBlock="10.0.0.0/8")
        self.assertIn({"CidrBlock": "10.0.0.0/8", "Egress": False, "Protocol": "-1", "RuleAction": "allow", "RuleNumber": 100}, self.entries(acl))
        delete = lambda number, egress: self.ec2.delete_network_acl_entry(  # noqa: E731
            NetworkAclId=acl["NetworkAclId"], RuleNumber=number, Egress=egress)
        delete(100, False)
        for each in (lambda: delete(100, False), lambda: self.entry(acl, 100, "replace_network_acl_entry")):
            self.refused("InvalidNetworkAclEntry.NotFound", each)
        self.assertEqual([(100, True), (120, True), (121, True), (110, False), (130, False)],
                         [(e["RuleNumber"], e["Egress"]) for e in self.entries(acl)])

    def test_bad_entries(self):
        acl = self.make()
        for code, wanted in (
                ("MissingParameter", {"Protocol": "6"}), ("MissingParameter", {"Protocol": "1"}), ("MissingParameter", {"CidrBlock": None}),
                ("MissingParameter", {"Protocol": "6", "PortRange": {"From": 1}}),
                ("MissingParameter", {"Protocol": "58", "CidrBlock": None, "Ipv6CidrBlock": "::/0"}),
                ("InvalidParameterCombination", {"Ipv6CidrBlock": "::/0"}),
                ("InvalidParameterValue", {"Protocol": "256"}), ("InvalidParameterValue", {"Protocol": "-2"}),
                ("InvalidParameterValue", {"Protocol": "gre"}), ("InvalidParameterValue", {"Protocol": "6", "PortRange": {"From": 2, "To": 1}}),
                ("InvalidParameterValue", {"Protocol": "6", "PortRange": {"From": 2, "To": 65536}}),
                ("InvalidParameterValue", {"Protocol": "1", "IcmpTypeCode": {"Type": 300, "Code": 0}}),
                ("InvalidParameterValue", {"CidrBlock": "::/0"}), ("InvalidParameterValue", {"CidrBlock": "10.0.0.0"}),
                ("InvalidParameterValue", {"CidrBlock": None, "Ipv6CidrBlock": "10.0.0.0/8"}),
                ("InvalidParameterValue", {"RuleAction": "maybe"}), ("InvalidParameterValue", {"number": 0}),
                ("InvalidParameterValue", {"number": 32767})):
            with self.subTest(wanted=wanted):
                self.refused(code, self.entry, acl, **wanted)
        self.assertEqual([], self.entries(acl))

    def test_limit(self):
        acl = self.make()
        for number in range(1, 20):
            self.entry(acl, number)
        self.refused("NetworkAclEntryLimitExceeded", self.entry, acl, 20)
        self.entry(acl, 20, Egress=True)
        self.entry(acl, 20, CidrBlock=None, Ipv6CidrBlock="::/0")

    def test_associations(self):
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        first, acl = self.default(), self.make()
        (association,) = first["Associations"]
        self.assertEqual((subnet, first["NetworkAclId"]), (association["SubnetId"], association["NetworkAclId"]))
        replace = lambda association, acl: self.ec2.replace_network_acl_association(  # noqa: E731
            AssociationId=association, NetworkAclId=acl["NetworkAclId"])["NewAssociationId"]
        new = replace(association["NetworkAclAssociationId"], acl)
        self.assertEqual([], self.default()["Associations"])
        self.assertEqual([{"NetworkAclAssociationId": new, "NetworkAclId": acl["NetworkAclId"], "SubnetId": subnet}],
                         self.show(acl["NetworkAclId"])["Associations"])
        self.refused("InvalidAssociationID.NotFound", replace, association["NetworkAclAssociationId"], acl)
        self.refused("DependencyViolation", self.ec2.delete_network_acl, NetworkAclId=acl["NetworkAclId"])
        elsewhere = self.ec2.create_network_acl(VpcId=self.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"])["NetworkAcl"]
        self.refused("InvalidParameterValue", replace, new, elsewhere)
        replace(new, first)
        self.ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])
        self.ec2.delete_subnet(SubnetId=subnet)
        self.assertEqual([], self.default()["Associations"])

    def test_filters_and_paging(self):
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        acl = self.make()
        self.entry(acl, 77, Protocol="6", PortRange={"From": 22, "To": 23}, CidrBlock="10.0.0.0/8")
        self.entry(acl, 78, Protocol="1", IcmpTypeCode={"Type": 8, "Code": 0}, CidrBlock="10.0.0.0/8")
        self.entry(acl, 79, CidrBlock=None, Ipv6CidrBlock="2001:db8::/32")
        for name, value in {"entry.cidr": "10.0.0.0/8", "entry.port-range.from": "22", "entry.port-range.to": "23", "entry.protocol": "tcp",
                            "entry.icmp.type": "8", "entry.icmp.code": "0", "entry.rule-number": "77", "entry.ipv6-cidr": "2001:db8::/32",
                            "network-acl-id": acl["NetworkAclId"]}.items():
            found = self.ec2.describe_network_acls(Filters=[{"Name": name, "Values": [value]}])["NetworkAcls"]
            self.assertEqual([acl["NetworkAclId"]], [a["NetworkAclId"] for a in found], name)
        association = self.default()["Associations"][0]
        for name, value in {"association.subnet-id": subnet, "association.association-id": association["NetworkAclAssociationId"],
                            "association.network-acl-id": self.default()["NetworkAclId"]}.items():
            found = self.ec2.describe_network_acls(Filters=[{"Name": name, "Values": [value]}])["NetworkAcls"]
            self.assertEqual([self.default()["NetworkAclId"]], [a["NetworkAclId"] for a in found], name)
        ids = sorted([self.make()["NetworkAclId"] for _ in range(6)] + [acl["NetworkAclId"]])
        pages = self.ec2.get_paginator("describe_network_acls").paginate(
            Filters=[{"Name": "default", "Values": ["false"]}], PaginationConfig={"PageSize": 5})
        self.assertEqual(ids, [a["NetworkAclId"] for page in pages for a in page["NetworkAcls"]])
        self.refused("InvalidParameterValue", self.ec2.describe_network_acls, Filters=[{"Name": "x", "Values": ["y"]}])

    def test_isolation_and_dry_run(self):
        acl = self.make()
        other = self.lodge.client(self.lodge.new_account())
        for call in (lambda **p: other.describe_network_acls(NetworkAclIds=[p["NetworkAclId"]]), other.delete_network_acl,
                     lambda **p: other.delete_network_acl_entry(RuleNumber=1, Egress=True, **p),
                     lambda **p: other.create_network_acl_entry(
                         RuleNumber=1, Egress=True, Protocol="-1", RuleAction="allow", CidrBlock=ANYWHERE, **p)):
            self.refused("InvalidNetworkAclID.NotFound", call, NetworkAclId=acl["NetworkAclId"])
        self.refused("InvalidVpcID.NotFound", other.create_network_acl, VpcId=self.vpc)
        self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")
        theirs = other.describe_network_acls()["NetworkAcls"][0]["NetworkAclId"]
        self.refused("InvalidAssociationID.NotFound", other.replace_network_acl_association, NetworkAclId=theirs,
                     AssociationId=self.default()["Associations"][0]["NetworkAclAssociationId"])
        self.refused("InvalidNetworkAclId.Malformed", self.show, "acl-x")
        for call in (lambda: self.make(DryRun=True), lambda: self.ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"], DryRun=True),
                     lambda: self.entry(acl, DryRun=True)):
            self.refused("DryRunOperation", call)
        self.assertEqual(acl, self.show(acl["NetworkAclId"]))


if __name__ == "__main__":
    unittest.main()
