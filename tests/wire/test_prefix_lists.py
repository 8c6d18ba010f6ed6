"""Managed prefix lists: life, entries, versions, limits, associations."""
import unittest

from harness import WireTest, tag_specification, tags


class PrefixLists(WireTest):
    def refused(self, code, call, *arguments, **parameters):
        return self.assert_code(code, lambda: call(*arguments, **parameters))

    def make(self, *cidrs, name="mine", family="IPv4", room=10, **parameters):
        return self.ec2.create_managed_prefix_list(
            PrefixListName=name, AddressFamily=family, MaxEntries=room, Entries=[{"Cidr": c} for c in cidrs], **parameters)["PrefixList"]

    def entries(self, made, **parameters):
        reply = self.ec2.get_managed_prefix_list_entries(PrefixListId=made["PrefixListId"], **parameters)
        return [e["Cidr"] for e in reply["Entries"]]

    def show(self, made):
        return self.ec2.describe_managed_prefix_lists(PrefixListIds=[made["PrefixListId"]])["PrefixLists"][0]

    def modify(self, made, **parameters):
        return self.ec2.modify_managed_prefix_list(PrefixListId=made["PrefixListId"], **parameters)["PrefixList"]

    def test_life(self):
        made = self.make("10.0.0.9/8", TagSpecifications=[tag_specification("prefix-list", a="b")])
        self.assertEqual(("IPv4", "create-complete", "mine", 10, 1, tags(a="b"), self.account.id),
                         tuple(made[k] for k in ("AddressFamily", "State", "PrefixListName", "MaxEntries", "Version", "Tags", "OwnerId")))
        self.assertEqual(f"arn:aws:ec2:us-east-1:{self.account.id}:prefix-list/{made['PrefixListId']}", made["PrefixListArn"])
        self.assertEqual(made, self.show(made))
        self.assertEqual(["10.0.0.0/8"], self.entries(made))
        gone = self.ec2.delete_managed_prefix_list(PrefixListId=made["PrefixListId"])["PrefixList"]
        self.assertEqual((made["PrefixListId"], "delete-complete"), (gone["PrefixListId"], gone["State"]))
        self.refused("InvalidPrefixListID.NotFound", self.show, made)
        self.refused("InvalidPrefixListID.NotFound", self.entries, made)
        self.assertEqual([], self.ec2.describe_tags()["Tags"])

    def test_versions(self):
        made = self.make("10.0.0.0/8", "11.0.0.0/8")
        now = self.modify(made, CurrentVersion=1, AddEntries=[{"Cidr": "12.0.0.0/8", "Description": "x"}], RemoveEntries=[{"Cidr": "10.0.0.0/8"}])
        self.assertEqual((2, "modify-complete"), (now["Version"], now["State"]))
        self.assertEqual(["11.0.0.0/8", "12.0.0.0/8"], self.entries(made))
        self.assertEqual(["10.0.0.0/8", "11.0.0.0/8"], self.entries(made, TargetVersion=1))
        self.refused("InvalidParameterValue", self.entries, made, TargetVersion=3)
        self.refused("InvalidParameterValue", self.entries, made, TargetVersion=0)
        self.refused("PrefixListVersionMismatch", self.modify, made, CurrentVersion=1, RemoveEntries=[{"Cidr": "11.0.0.0/8"}])
        restore = lambda **versions: self.ec2.restore_managed_prefix_list_version(  # noqa: E731
            PrefixListId=made["PrefixListId"], **versions)["PrefixList"]
        self.refused("PrefixListVersionMismatch", restore, CurrentVersion=1, PreviousVersion=1)
        self.refused("InvalidParameterValue", restore, CurrentVersion=2, PreviousVersion=9)
        restored = restore(CurrentVersion=2, PreviousVersion=1)
        self.assertEqual((3, "restore-complete"), (restored["Version"], restored["State"]))
        self.assertEqual(["10.0.0.0/8", "11.0.0.0/8"], self.entries(made))
        renamed = self.modify(made, PrefixListName="other")
        self.assertEqual(("other", 3), (renamed["PrefixListName"], renamed["Version"]))

    def test_bad_input(self):
        made = self.make("10.0.0.0/8", room=2)
        for code, wanted in (
                ("InvalidParameterValue", {"CurrentVersion": 1, "AddEntries": [{"Cidr": "10.0.0.0/8"}]}),
                ("InvalidParameterValue", {"CurrentVersion": 1, "AddEntries": [{"Cidr": "2001:db8::/32"}]}),
                ("InvalidParameterValue", {"CurrentVersion": 1, "AddEntries": [{"Cidr": "10.0.0.0"}]}),
                ("InvalidParameterValue", {"CurrentVersion": 1, "RemoveEntries": [{"Cidr": "11.0.0.0/8"}]}),
                ("InvalidParameterValue", {"CurrentVersion": 1, "AddEntries": [{"Cidr": "11.0.0.0/8"}], "RemoveEntries": [{"Cidr": "11.0.0.0/8"}]}),
                ("PrefixListMaxEntriesExceeded", {"CurrentVersion": 1, "AddEntries": [{"Cidr": "11.0.0.0/8"}, {"Cidr": "12.0.0.0/8"}]}),
                ("MissingParameter", {"AddEntries": [{"Cidr": "11.0.0.0/8"}]}),
                ("MissingParameter", {}),
                ("InvalidParameterCombination", {"CurrentVersion": 1, "MaxEntries": 9, "AddEntries": [{"Cidr": "11.0.0.0/8"}]}),
                ("InvalidParameterValue", {"PrefixListName": "com.amazonaws.x"}),
                ("InvalidParameterValue", {"MaxEntries": 1001})):
            with self.subTest(wanted=wanted):
                self.refused(code, self.modify, made, **wanted)
        self.assertEqual((1, ["10.0.0.0/8"]), (self.show(made)["Version"], self.entries(made)))
        self.modify(made, MaxEntries=1)
        self.modify(made, CurrentVersion=1, RemoveEntries=[{"Cidr": "10.0.0.0/8"}])
        self.assertEqual([], self.entries(made))
        for parameters in ({"family": "IPv5"}, {"room": 0}, {"room": 1001}, {"name": "com.amazonaws.s3"}):
            self.refused("InvalidParameterValue", self.make, **parameters)
        self.refused("InvalidParameterValue", self.make, *(f"10.{i}.0.0/16" for i in range(101)), room=200)
        self.refused("PrefixListMaxEntriesExceeded", self.make, "10.0.0.0/8", "11.0.0.0/8", room=1)
        self.refused("InvalidParameterValue", self.make, "10.0.0.0/8", "10.1.1.1/8")
        self.refused("InvalidPrefixListId.Malformed", self.ec2.describe_managed_prefix_lists, PrefixListIds=["pl-x"])
        self.assertEqual(1, len(self.ec2.describe_managed_prefix_lists()["PrefixLists"]))

    def test_paging_and_filters(self):
        ids = sorted(self.make(name=f"n{i}")["PrefixListId"] for i in range(5))
        pages = self.ec2.get_paginator("describe_managed_prefix_lists").paginate(PaginationConfig={"PageSize": 2})
        self.assertEqual(ids, [p["PrefixListId"] for page in pages for p in page["PrefixLists"]])
        found = self.ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["n3"]}])["PrefixLists"]
        self.assertEqual(["n3"], [p["PrefixListName"] for p in found])
        cidrs = sorted(f"10.{i}.0.0/16" for i in range(7))
        made = self.make(*cidrs)
        pages = self.ec2.get_paginator("get_managed_prefix_list_entries").paginate(
            PrefixListId=made["PrefixListId"], PaginationConfig={"PageSize": 3})
        pages = [[e["Cidr"] for e in page["Entries"]] for page in pages]
        self.assertEqual(([3, 3, 1], cidrs), ([len(p) for p in pages], [c for p in pages for c in p]))

    def test_associations_hold_it(self):
        made = self.make("10.0.0.0/8")
        groups = sorted(self.ec2.create_security_group(GroupName=n, Description="d")["GroupId"] for n in "abcdef")
        for group in groups:
            self.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": p, "ToPort": p, "PrefixListIds": [{"PrefixListId": made["PrefixListId"]}]} for p in (1, 2)])
        reply = self.ec2.get_managed_prefix_list_associations(PrefixListId=made["PrefixListId"])["PrefixListAssociations"]
        self.assertEqual([{"ResourceId": g, "ResourceOwner": self.account.id} for g in groups], reply)
        pages = self.ec2.get_paginator("get_managed_prefix_list_associations").paginate(
            PrefixListId=made["PrefixListId"], PaginationConfig={"PageSize": 5})
        self.assertEqual([5, 1], [len(page["PrefixListAssociations"]) for page in pages])
        self.refused("DependencyViolation", self.ec2.delete_managed_prefix_list, PrefixListId=made["PrefixListId"])
        for group in groups:
            self.ec2.delete_security_group(GroupId=group)
        self.ec2.delete_managed_prefix_list(PrefixListId=made["PrefixListId"])

    def test_client_token(self):
        one = self.make("10.0.0.0/8", ClientToken="t")
        self.assertEqual(one["PrefixListId"], self.make("10.0.0.0/8", ClientToken="t")["PrefixListId"])
        self.refused("IdempotentParameterMismatch", self.make, "11.0.0.0/8", ClientToken="t")

    def test_isolation_and_dry_run(self):
        made = self.make("10.0.0.0/8")
        other = self.lodge.client(self.lodge.new_account())
        for call in (lambda **p: other.describe_managed_prefix_lists(PrefixListIds=[p["PrefixListId"]]), other.delete_managed_prefix_list,
                     other.get_managed_prefix_list_entries, other.get_managed_prefix_list_associations,
                     lambda **p: other.modify_managed_prefix_list(PrefixListName="x", **p)):
            self.refused("InvalidPrefixListID.NotFound", call, PrefixListId=made["PrefixListId"])
        self.refused("DryRunOperation", self.ec2.delete_managed_prefix_list, PrefixListId=made["PrefixListId"], DryRun=True)
        self.refused("DryRunOperation", self.modify, made, PrefixListName="x", DryRun=True)
        self.refused("DryRunOperation", self.make, DryRun=True)
        self.assertEqual([made], self.ec2.describe_managed_prefix_lists()["PrefixLists"])

    def test_there_are_no_lists_of_services(self):
        self.assertEqual([], self.ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["*"]}])["PrefixLists"])
        self.refused("InvalidPrefixListID.NotFound", self.ec2.describe_prefix_lists, PrefixListIds=["pl-00000000000000000"])
        self.refused("InvalidParameterValue", self.ec2.describe_prefix_lists, Filters=[{"Name": "x", "Values": ["*"]}])


if __name__ == "__main__":
    unittest.main()
