"""Security groups and their rules: life, permissions in every form, limits, references, tags, isolation."""
import unittest

from harness import WireTest, tag_specification, tags
from signing import call

ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]
OUT = {"IpProtocol": "-1", "IpRanges": ANYWHERE, "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}


def tcp(port, *cidrs, to=None, **sources):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": to or port, "IpRanges": [{"CidrIp": c} for c in cidrs], **sources}


class GroupTest(WireTest):
    def refused(self, code, call_, *arguments, **parameters):
        return self.assert_code(code, lambda: call_(*arguments, **parameters))

    def setUp(self):
        super().setUp()
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.default_vpc = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]

    def group(self, name="web", vpc=None, **parameters):
        return self.ec2.create_security_group(GroupName=name, Description="for tests", VpcId=vpc or self.vpc, **parameters)["GroupId"]

    def show(self, group_id, ec2=None):
        (group,) = (ec2 or self.ec2).describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        return group

    def allow(self, group_id, *permissions, **parameters):
        reply = self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=list(permissions), **parameters)
        self.assertTrue(reply["Return"])
        return reply["SecurityGroupRules"]

    def rules(self, group_id, egress=False):
        found = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])
        return [r for r in found["SecurityGroupRules"] if r["IsEgress"] == egress]

    def default_group(self, vpc):
        wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        return self.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]

    def prefix_list(self, max_entries=2, **parameters):
        return self.ec2.create_managed_prefix_list(PrefixListName="p", MaxEntries=max_entries, AddressFamily="IPv4",
                                                   **parameters)["PrefixList"]["PrefixListId"]


class Groups(GroupTest):
    def test_life(self):
        made = self.ec2.create_security_group(GroupName="web ", Description="the web (80)", VpcId=self.vpc,
                                              TagSpecifications=[tag_specification("security-group", Name="w")])
        self.assertEqual(tags(Name="w"), made["Tags"])
        group = self.show(made["GroupId"])
        self.assertEqual(("web", "the web (80)", self.vpc, self.account.id, tags(Name="w")),
                         tuple(group[k] for k in ("GroupName", "Description", "VpcId", "OwnerId", "Tags")))
        self.assertEqual(([], [OUT]), (group["IpPermissions"], group["IpPermissionsEgress"]))
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.vpc)
        self.ec2.delete_security_group(GroupId=made["GroupId"])
        self.refused("InvalidGroup.NotFound", self.show, made["GroupId"])
        self.refused("InvalidGroup.NotFound", self.ec2.delete_security_group, GroupId=made["GroupId"])
        self.assertEqual([], self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [made["GroupId"]]}])["Tags"])
        self.ec2.delete_vpc(VpcId=self.vpc)

    def test_the_default_group(self):
        group = self.default_group(self.vpc)
        self.assertEqual([{"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [],
                           "UserIdGroupPairs": [{"GroupId": group["GroupId"], "UserId": self.account.id}]}], group["IpPermissions"])
        self.assertEqual([OUT], group["IpPermissionsEgress"])
        self.refused("CannotDelete", self.ec2.delete_security_group, GroupId=group["GroupId"])

    def test_names(self):
        self.group("web")
        self.refused("InvalidGroup.Duplicate", self.group, "web")
        self.refused("InvalidGroup.Duplicate", self.group, "web  ")
        self.group("web", self.default_vpc)
        self.group("Web")
        for name in ("sg-1", "default", " ", "x" * 256, "ümlaut", "a\nb", 'a"b', "a%b"):
            self.refused("InvalidParameterValue", self.group, name)
        self.group("x" * 255)
        for description in ("x" * 256, "<b>"):
            self.refused("InvalidParameterValue", self.ec2.create_security_group, GroupName="d", Description=description)
        self.refused("InvalidVpcID.NotFound", self.group, "other", "vpc-00000000000000000")
        self.refused("InvalidParameterValue", self.group, "other", TagSpecifications=[tag_specification("vpc", a="b")])

    def test_without_a_vpc_it_is_the_default_one(self):
        made = self.ec2.create_security_group(GroupName="web", Description="x")["GroupId"]
        self.assertEqual(self.default_vpc, self.show(made)["VpcId"])
        (found,) = self.ec2.describe_security_groups(GroupNames=["web"])["SecurityGroups"]
        self.assertEqual(made, found["GroupId"])
        self.ec2.authorize_security_group_ingress(GroupName="web", IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="10.1.2.3/8")
        self.assertEqual([tcp(22, "10.0.0.0/8", Ipv6Ranges=[], PrefixListIds=[], UserIdGroupPairs=[])], self.show(made)["IpPermissions"])
        self.ec2.revoke_security_group_ingress(GroupName="web", IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="10.0.0.0/8")
        self.assertEqual([], self.show(made)["IpPermissions"])
        self.ec2.authorize_security_group_ingress(GroupName="web", SourceSecurityGroupName="default")
        self.assertEqual([("icmp", -1, -1), ("tcp", 0, 65535), ("udp", 0, 65535)],
                         [(p["IpProtocol"], p["FromPort"], p["ToPort"]) for p in self.show(made)["IpPermissions"]])
        self.refused("InvalidParameterCombination", self.ec2.authorize_security_group_ingress, GroupName="web",
                     SourceSecurityGroupName="default", CidrIp="10.0.0.0/8")
        self.ec2.delete_security_group(GroupName="web")
        self.refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupNames=["web"])
        self.refused("MissingParameter", self.ec2.delete_security_group)

    def test_dependencies(self):
        one, two = self.group("one"), self.group("two")
        self.allow(one, tcp(80, UserIdGroupPairs=[{"GroupId": two}]))
        self.allow(two, tcp(80, UserIdGroupPairs=[{"GroupId": two}]))
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=two)
        self.assertEqual(1, len(self.rules(two)))
        self.ec2.delete_security_group(GroupId=one)
        self.ec2.delete_security_group(GroupId=two)

    def test_filters_and_paging(self):
        ids = sorted(self.group(f"g{i}") for i in range(7))
        web = self.group("web")
        self.allow(web, tcp(80, "192.0.2.0/24", UserIdGroupPairs=[{"GroupId": ids[0]}], Ipv6Ranges=[{"CidrIpv6": "2001:db8::/32"}]))
        for name, value in {
                "group-name": "we*", "group-id": web, "ip-permission.cidr": "192.0.2.0/24", "ip-permission.from-port": "80",
                "ip-permission.to-port": "80", "ip-permission.group-id": ids[0], "ip-permission.ipv6-cidr": "2001:db8::/32",
                "ip-permission.protocol": "tcp"}.items():
            found = self.ec2.describe_security_groups(Filters=[{"Name": name, "Values": [value]}])["SecurityGroups"]
            self.assertEqual([web], [g["GroupId"] for g in found], name)
        out = [{"Name": "egress.ip-permission.cidr", "Values": ["0.0.0.0/0"]}, {"Name": "vpc-id", "Values": [self.vpc]},
               {"Name": "group-name", "Values": ["g?"]}]
        pages = list(self.ec2.get_paginator("describe_security_groups").paginate(Filters=out, PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 2], [len(page["SecurityGroups"]) for page in pages])
        self.assertEqual(ids, [g["GroupId"] for page in pages for g in page["SecurityGroups"]])
        self.refused("InvalidParameterValue", self.ec2.describe_security_groups, Filters=[{"Name": "colour", "Values": ["red"]}])
        self.refused("InvalidGroupId.Malformed", self.ec2.describe_security_groups, GroupIds=["sg-x"])

    def test_for_vpc(self):
        """Debian's boto3 does not know this action yet."""
        ids = sorted([self.group("a"), self.group("b"), self.default_group(self.vpc)["GroupId"]])
        reply = call(self.lodge, self.account, "GetSecurityGroupsForVpc", {"VpcId": self.vpc})
        self.assertEqual(ids, reply.values("groupId"))
        self.assertEqual([self.vpc] * 3, reply.values("primaryVpcId"))
        reply = call(self.lodge, self.account, "GetSecurityGroupsForVpc",
                     {"VpcId": self.vpc, "Filter.1.Name": "group-name", "Filter.1.Value.1": "a"})
        self.assertEqual(["a"], reply.values("groupName"))
        reply = call(self.lodge, self.account, "GetSecurityGroupsForVpc", {"VpcId": "vpc-00000000000000000"})
        self.assertEqual("InvalidVpcID.NotFound", reply.code)

    def test_another_account_sees_nothing(self):
        mine = self.group()
        rule = self.allow(mine, tcp(80, "10.0.0.0/8"))[0]["SecurityGroupRuleId"]
        account = self.lodge.new_account()
        other = self.lodge.client(account)
        for code, refused in {
                "InvalidGroup.NotFound": [
                    lambda: self.show(mine, other), lambda: other.delete_security_group(GroupId=mine),
                    lambda: other.authorize_security_group_ingress(GroupId=mine, IpPermissions=[tcp(1, "10.0.0.0/8")]),
                    lambda: other.authorize_security_group_ingress(
                        GroupName="default", IpPermissions=[tcp(1, UserIdGroupPairs=[{"GroupId": mine, "UserId": self.account.id}])]),
                    lambda: other.describe_security_group_references(GroupId=[mine])],
                "InvalidSecurityGroupRuleId.NotFound": [
                    lambda: other.describe_security_group_rules(SecurityGroupRuleIds=[rule]),
                    lambda: other.revoke_security_group_ingress(GroupName="default", SecurityGroupRuleIds=[rule]),
                    lambda: other.create_tags(Resources=[rule], Tags=tags(a="b"))],
                "InvalidVpcID.NotFound": [
                    lambda: other.create_security_group(GroupName="x", Description="x", VpcId=self.vpc),
                    lambda: other.describe_stale_security_groups(VpcId=self.vpc)]}.items():
            for each in refused:
                self.refused(code, each)

    def test_dry_run_keeps_nothing(self):
        web = self.group()
        before = self.show(web)
        self.refused("DryRunOperation", self.group, "other", DryRun=True)
        self.refused("DryRunOperation", self.ec2.delete_security_group, GroupId=web, DryRun=True)
        self.refused("DryRunOperation", self.ec2.authorize_security_group_ingress, GroupId=web,
                     IpPermissions=[tcp(80, "10.0.0.0/8")], DryRun=True)
        self.refused("InvalidParameterValue", self.ec2.authorize_security_group_ingress, GroupId=web,
                     IpPermissions=[tcp(80, "rubbish")], DryRun=True)
        self.assertEqual(before, self.show(web))
        self.assertEqual(2, len(self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["SecurityGroups"]))


class Permissions(GroupTest):
    def test_a_rule_for_each_source(self):
        web, other, prefixes = self.group(), self.group("other"), self.prefix_list()
        made = self.allow(web, {
            "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "in"}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:DB8:0::/32"}], "PrefixListIds": [{"PrefixListId": prefixes}],
            "UserIdGroupPairs": [{"GroupId": other, "Description": "o"}]},
            TagSpecifications=[tag_specification("security-group-rule", a="b")])
        self.assertEqual(4, len({r["SecurityGroupRuleId"] for r in made}))
        for rule in made:
            self.assertEqual((web, self.account.id, False, "tcp", 80, 81, tags(a="b")),
                             tuple(rule[k] for k in ("GroupId", "GroupOwnerId", "IsEgress", "IpProtocol", "FromPort", "ToPort", "Tags")))
        self.assertEqual(("10.0.0.0/8", "in"), (made[0]["CidrIpv4"], made[0]["Description"]))
        self.assertEqual(("2001:db8::/32", prefixes), (made[1]["CidrIpv6"], made[2]["PrefixListId"]))
        self.assertEqual({"GroupId": other, "UserId": self.account.id}, made[3]["ReferencedGroupInfo"])
        self.assertEqual([{
            "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "in"}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}], "PrefixListIds": [{"PrefixListId": prefixes}],
            "UserIdGroupPairs": [{"GroupId": other, "UserId": self.account.id, "Description": "o"}]}], self.show(web)["IpPermissions"])
        by_id = lambda rules: sorted(rules, key=lambda r: r["SecurityGroupRuleId"])  # noqa: E731
        self.assertEqual(by_id(made), by_id(self.rules(web)))
        tagged = self.ec2.describe_security_group_rules(Filters=[{"Name": "tag:a", "Values": ["b"]}])["SecurityGroupRules"]
        self.assertEqual(by_id(made), by_id(tagged))
        # What Describe says, Revoke takes.
        self.ec2.revoke_security_group_ingress(GroupId=web, IpPermissions=self.show(web)["IpPermissions"])
        self.assertEqual([], self.rules(web))
        self.assertEqual([], self.ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["security-group-rule"]}])["Tags"])

    def test_protocols(self):
        web = self.group()
        for given, kept in (("6", "tcp"), ("TCP", "tcp"), ("17", "udp")):
            (rule,) = self.allow(web, {**tcp(7, "10.0.0.0/8"), "IpProtocol": given})
            self.assertEqual((kept, 7, 7), (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]))
            self.ec2.revoke_security_group_ingress(GroupId=web, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
        for given, kept, ports in (("1", "icmp", (8, -1)), ("icmp", "icmp", (-1, -1)), ("58", "icmpv6", (128, 0)), ("icmpv6", "icmpv6", ())):
            ask = {"IpProtocol": given, "IpRanges": [{"CidrIp": "10.0.0.0/8"}], **dict(zip(("FromPort", "ToPort"), ports))}
            (rule,) = self.allow(web, ask)
            self.assertEqual((kept, *(ports or (-1, -1))), (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]))
        for protocol in ("-1", "50"):
            (rule,) = self.allow(web, {**tcp(7, "10.0.0.0/8"), "IpProtocol": protocol})
            self.assertEqual((protocol, -1, -1), (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]))
        shown = {p["IpProtocol"]: p.get("FromPort") for p in self.show(web)["IpPermissions"]}
        self.assertEqual({"-1": None, "50": None}, {k: v for k, v in shown.items() if k in ("-1", "50")})

    def test_bad_permissions(self):
        web = self.group()
        ten = [{"CidrIp": "10.0.0.0/8"}]
        for code, permission in (
                ("InvalidParameterValue", {"FromPort": 1, "ToPort": 1, "IpRanges": ten}),
                ("InvalidParameterValue", {"IpProtocol": "all", "IpRanges": ten}),
                ("InvalidParameterValue", {"IpProtocol": "256", "IpRanges": ten}),
                ("InvalidParameterValue", {"IpProtocol": "tcp", "IpRanges": ten}),
                ("InvalidParameterValue", {"IpProtocol": "icmp", "IpRanges": ten}),
                ("InvalidParameterValue", {"IpProtocol": "icmp", "FromPort": -1, "ToPort": 3, "IpRanges": ten}),
                ("InvalidParameterValue", {"IpProtocol": "icmp", "FromPort": 256, "ToPort": 3, "IpRanges": ten}),
                ("InvalidParameterValue", tcp(81, "10.0.0.0/8", to=80)),
                ("InvalidParameterValue", tcp(-1, "10.0.0.0/8")),
                ("InvalidParameterValue", tcp(65536, "10.0.0.0/8")),
                ("InvalidParameterValue", tcp(1, "10.0.0.0")),
                ("InvalidParameterValue", tcp(1, "10.0.0.0/33")),
                ("InvalidParameterValue", tcp(1, "2001:db8::/32")),
                ("InvalidParameterValue", {**tcp(1), "Ipv6Ranges": [{"CidrIpv6": "10.0.0.0/8"}]}),
                ("InvalidParameterValue", {**tcp(1), "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "a\nb"}]}),
                ("InvalidParameterValue", {**tcp(1), "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x" * 256}]}),
                ("InvalidPermission.Malformed", tcp(1)),
                ("InvalidGroupId.Malformed", tcp(1, UserIdGroupPairs=[{"GroupId": "web"}])),
                ("InvalidGroup.NotFound", tcp(1, UserIdGroupPairs=[{"GroupId": "sg-00000000000000000"}])),
                ("InvalidGroup.NotFound", tcp(1, UserIdGroupPairs=[{"GroupId": self.default_group(self.default_vpc)["GroupId"]}])),
                ("InvalidGroup.NotFound", tcp(1, UserIdGroupPairs=[{"GroupId": web, "UserId": "000000000000"}])),
                ("InvalidPrefixListId.Malformed", tcp(1, PrefixListIds=[{"PrefixListId": "x"}])),
                ("InvalidPrefixListID.NotFound", tcp(1, PrefixListIds=[{"PrefixListId": "pl-00000000000000000"}]))):
            with self.subTest(permission=permission):
                self.refused(code, self.ec2.authorize_security_group_ingress, GroupId=web, IpPermissions=[tcp(2, "10.0.0.0/8"), permission])
        self.assertEqual([], self.rules(web))
        self.refused("MissingParameter", self.ec2.authorize_security_group_ingress, GroupId=web)
        self.refused("UnsupportedOperation", self.ec2.authorize_security_group_egress, GroupId=web, CidrIp="10.0.0.0/8")

    def test_duplicates(self):
        web = self.group()
        self.allow(web, tcp(80, "10.0.0.0/8"))
        message = self.refused("InvalidPermission.Duplicate", self.allow, web, tcp(81, "10.0.0.0/8"), tcp(80, "10.9.9.9/8"))
        self.assertIn('"peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW" already exists', message)
        self.refused("InvalidParameterValue", self.allow, web, tcp(82, "10.0.0.0/8", "10.0.0.0/8"))
        self.assertEqual(1, len(self.rules(web)))
        self.refused("InvalidPermission.Duplicate", self.ec2.authorize_security_group_egress, GroupId=web,
                     IpPermissions=[{"IpProtocol": "-1", "IpRanges": ANYWHERE}])

    def test_limits(self):
        web, other = self.group(), self.group("other")
        self.allow(web, tcp(80, *(f"10.0.{i}.0/24" for i in range(60))))
        full = "RulesPerSecurityGroupLimitExceeded"
        self.refused(full, self.allow, web, tcp(80, "10.1.0.0/24"))
        self.refused(full, self.allow, web, tcp(80, UserIdGroupPairs=[{"GroupId": other}]))
        self.allow(web, tcp(80, Ipv6Ranges=[{"CidrIpv6": f"2001:db8:{i}::/48"} for i in range(60)]))
        self.ec2.authorize_security_group_egress(GroupId=web, IpPermissions=[tcp(80, "10.0.0.0/8")])
        prefixes = self.prefix_list(60)
        self.allow(other, tcp(80, PrefixListIds=[{"PrefixListId": prefixes}]))
        self.refused(full, self.allow, other, tcp(80, "10.0.0.0/8"))
        self.refused(full, self.ec2.modify_managed_prefix_list, PrefixListId=prefixes, MaxEntries=61)

    def test_revoke(self):
        web = self.group()
        rules = self.allow(web, tcp(80, "10.0.0.0/8", "11.0.0.0/8"), tcp(81, "10.0.0.0/8"))
        revoke = self.ec2.revoke_security_group_ingress
        self.refused("InvalidPermission.NotFound", revoke, GroupId=web, IpPermissions=[tcp(80, "10.0.0.0/8", "12.0.0.0/8")])
        self.assertEqual(3, len(self.rules(web)))
        revoke(GroupId=web, IpPermissions=[tcp(80, "10.0.0.0/8")])
        ids = [r["SecurityGroupRuleId"] for r in rules[1:]]
        self.refused("InvalidSecurityGroupRuleId.NotFound", self.ec2.revoke_security_group_egress, GroupId=web, SecurityGroupRuleIds=ids)
        self.refused("InvalidSecurityGroupRuleId.NotFound", revoke, GroupId=self.group("other"), SecurityGroupRuleIds=ids)
        self.refused("InvalidSecurityGroupRuleId.Malformed", revoke, GroupId=web, SecurityGroupRuleIds=["sgr-x"])
        self.refused("InvalidParameterCombination", revoke, GroupId=web, SecurityGroupRuleIds=ids, IpPermissions=[tcp(81, "10.0.0.0/8")])
        self.refused("MissingParameter", revoke, GroupId=web)
        raw = call(self.lodge, self.account, "RevokeSecurityGroupIngress", {
            "GroupId": web, "SecurityGroupRuleId.1": ids[0], "SecurityGroupRuleId.2": ids[1]})
        self.assertEqual(sorted(ids), sorted(raw.values("securityGroupRuleId")))
        self.assertEqual([], self.rules(web))
        self.ec2.revoke_security_group_egress(GroupId=web, IpPermissions=[OUT])
        self.assertEqual([], self.rules(web, egress=True))

    def test_in_the_default_vpc_unknown_rules_are_answered(self):
        web = self.group(vpc=self.default_vpc)
        self.allow(web, tcp(80, "10.0.0.0/8"))
        reply = self.ec2.revoke_security_group_ingress(GroupId=web, IpPermissions=[tcp(80, "10.0.0.0/8", "12.0.0.0/8")])
        self.assertEqual([[{"CidrIp": "12.0.0.0/8"}]], [p["IpRanges"] for p in reply["UnknownIpPermissions"]])
        self.assertEqual([], self.rules(web))

    def test_modify(self):
        web = self.group()
        one, two = self.allow(web, tcp(80, "10.0.0.0/8", "11.0.0.0/8"))
        modify = lambda rule, **wanted: self.ec2.modify_security_group_rules(  # noqa: E731
            GroupId=web, SecurityGroupRules=[{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": wanted}])
        modify(one, IpProtocol="udp", FromPort=53, ToPort=54, CidrIpv4="10.0.0.9/8", Description="dns")
        (rule,) = self.ec2.describe_security_group_rules(SecurityGroupRuleIds=[one["SecurityGroupRuleId"]])["SecurityGroupRules"]
        self.assertEqual(("udp", 53, 54, "10.0.0.0/8", "dns"),
                         tuple(rule[k] for k in ("IpProtocol", "FromPort", "ToPort", "CidrIpv4", "Description")))
        same = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 54}
        self.refused("InvalidPermission.Duplicate", modify, two, CidrIpv4="10.0.0.0/8", **same)
        self.refused("InvalidParameterValue", modify, two, CidrIpv6="2001:db8::/32", **same)
        self.refused("InvalidParameterValue", modify, two, ReferencedGroupId=web, **same)
        self.refused("InvalidParameterCombination", modify, two, CidrIpv4="10.0.0.0/8", ReferencedGroupId=web, **same)
        self.refused("InvalidPermission.Malformed", modify, two, **same)
        gone = {"SecurityGroupRuleId": "sgr-00000000000000000"}
        self.refused("InvalidSecurityGroupRuleId.NotFound", modify, gone, CidrIpv4="10.0.0.0/8", **same)
        # All or nothing, and an exchange of two rules is no duplicate.
        swap = [{"SecurityGroupRuleId": a["SecurityGroupRuleId"], "SecurityGroupRule": {
            "IpProtocol": b["IpProtocol"], "FromPort": b["FromPort"], "ToPort": b["ToPort"], "CidrIpv4": b["CidrIpv4"]}}
            for a, b in ((rule, two), (two, rule))]
        self.refused("InvalidSecurityGroupRuleId.NotFound", self.ec2.modify_security_group_rules, GroupId=web, SecurityGroupRules=[
            swap[0], {**swap[1], **gone}])
        self.assertIn(rule, self.rules(web))
        self.ec2.modify_security_group_rules(GroupId=web, SecurityGroupRules=swap)
        self.assertEqual({(one["SecurityGroupRuleId"], "tcp", "11.0.0.0/8"), (two["SecurityGroupRuleId"], "udp", "10.0.0.0/8")},
                         {(r["SecurityGroupRuleId"], r["IpProtocol"], r["CidrIpv4"]) for r in self.rules(web)})

    def test_descriptions(self):
        web = self.group()
        one, two = self.allow(web, tcp(80, "10.0.0.0/8", "11.0.0.0/8"))
        update = self.ec2.update_security_group_rule_descriptions_ingress
        update(GroupId=web, IpPermissions=[{**tcp(80), "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ten"}]}])
        update(GroupId=web, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": two["SecurityGroupRuleId"], "Description": "eleven"}])
        self.assertEqual({"10.0.0.0/8": "ten", "11.0.0.0/8": "eleven"}, {r["CidrIpv4"]: r["Description"] for r in self.rules(web)})
        update(GroupId=web, IpPermissions=[tcp(80, "10.0.0.0/8")])
        self.assertEqual({None, "eleven"}, {r.get("Description") for r in self.rules(web)})
        self.refused("InvalidPermission.NotFound", update, GroupId=web, IpPermissions=[tcp(81, "10.0.0.0/8")])
        self.refused("InvalidParameterCombination", update, GroupId=web)
        self.refused("InvalidParameterValue", update, GroupId=web, SecurityGroupRuleDescriptions=[
            {"SecurityGroupRuleId": one["SecurityGroupRuleId"], "Description": "%"}])
        out = self.rules(web, egress=True)[0]
        self.refused("InvalidSecurityGroupRuleId.NotFound", update, GroupId=web, SecurityGroupRuleDescriptions=[
            {"SecurityGroupRuleId": out["SecurityGroupRuleId"], "Description": "out"}])
        self.ec2.update_security_group_rule_descriptions_egress(GroupId=web, SecurityGroupRuleDescriptions=[
            {"SecurityGroupRuleId": out["SecurityGroupRuleId"], "Description": "out"}])
        self.assertEqual("out", self.rules(web, egress=True)[0]["Description"])

    def test_tags_of_rules(self):
        web = self.group()
        (rule,) = self.allow(web, tcp(80, "10.0.0.0/8"))
        self.ec2.create_tags(Resources=[rule["SecurityGroupRuleId"]], Tags=tags(k="v"))
        self.assertEqual(tags(k="v"), self.rules(web)[0]["Tags"])
        self.refused("InvalidParameterValue", self.allow, web, tcp(81, "10.0.0.0/8"), TagSpecifications=[tag_specification("vpc", a="b")])

    def test_a_vpc_with_ipv6_lets_it_out(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        out = self.show(self.group(vpc=vpc))["IpPermissionsEgress"]
        self.assertEqual([{**OUT, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}], out)


class Peers(GroupTest):
    def setUp(self):
        super().setUp()
        self.other_vpc = self.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        self.mine, self.theirs = self.group(), self.group("theirs", self.other_vpc)
        self.ask = tcp(80, UserIdGroupPairs=[{"GroupId": self.theirs, "UserId": self.account.id}])

    def peer(self):
        made = self.ec2.create_vpc_peering_connection(VpcId=self.vpc, PeerVpcId=self.other_vpc)["VpcPeeringConnection"]
        self.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made["VpcPeeringConnectionId"])
        return made["VpcPeeringConnectionId"]

    def stale(self):
        return self.ec2.describe_stale_security_groups(VpcId=self.vpc)["StaleSecurityGroupSet"]

    def test_a_peers_group(self):
        self.refused("InvalidGroup.NotFound", self.allow, self.mine, self.ask)
        peering = self.peer()
        (rule,) = self.allow(self.mine, self.ask)
        self.assertEqual({"GroupId": self.theirs, "UserId": self.account.id, "VpcId": self.other_vpc, "PeeringStatus": "active",
                          "VpcPeeringConnectionId": peering}, rule["ReferencedGroupInfo"])
        (permission,) = self.show(self.mine)["IpPermissions"]
        self.assertEqual([rule["ReferencedGroupInfo"]], permission["UserIdGroupPairs"])
        references = self.ec2.describe_security_group_references(GroupId=[self.theirs, self.mine])["SecurityGroupReferenceSet"]
        self.assertEqual([{"GroupId": self.theirs, "ReferencingVpcId": self.vpc, "VpcPeeringConnectionId": peering}], references)
        self.assertEqual([], self.stale())
        self.ec2.revoke_security_group_ingress(GroupId=self.mine, IpPermissions=[permission])
        self.assertEqual([], self.rules(self.mine))

    def test_stale_when_the_group_goes(self):
        self.peer()
        self.allow(self.mine, self.ask)
        self.ec2.delete_security_group(GroupId=self.theirs)
        self.check_stale("active")

    def test_stale_when_the_peering_goes(self):
        peering = self.peer()
        self.allow(self.mine, self.ask)
        self.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
        self.check_stale("deleted")

    def check_stale(self, peering_status):
        (found,) = self.stale()
        self.assertEqual((self.mine, "web", self.vpc, []),
                         tuple(found[k] for k in ("GroupId", "GroupName", "VpcId", "StaleIpPermissionsEgress")))
        (permission,) = found["StaleIpPermissions"]
        self.assertEqual(("tcp", 80, 80), tuple(permission[k] for k in ("IpProtocol", "FromPort", "ToPort")))
        (pair,) = permission["UserIdGroupPairs"]
        self.assertEqual((self.theirs, self.other_vpc, peering_status), (pair["GroupId"], pair["VpcId"], pair["PeeringStatus"]))
        self.ec2.revoke_security_group_ingress(GroupId=self.mine, IpPermissions=[tcp(80, UserIdGroupPairs=[{"GroupId": self.theirs}])])
        self.assertEqual([], self.stale())


if __name__ == "__main__":
    unittest.main()
