"""Placement groups: their life, and that launches, starts and changes keep to them."""
import unittest

from harness import IMAGE, WireTest, filters, instances_of, tag_specification, tags
from signing import call

UNKNOWN = "pg-0123456789abcdef0"


class GroupTest(WireTest):
    def refused(self, code, call_, *arguments, **parameters):
        return self.assert_code(code, lambda: call_(*arguments, **parameters))

    def group(self, name="mine", ec2=None, **parameters):
        return (ec2 or self.ec2).create_placement_group(GroupName=name, **parameters)["PlacementGroup"]

    def into(self, name, count=1, most=None, state="running", **placement):
        placement = {"GroupName": name, "AvailabilityZone": "us-east-1a", **placement}
        reply = self.ec2.run_instances(ImageId=IMAGE, InstanceType=self.type, MinCount=count, MaxCount=most or count,
                                       Placement={k: v for k, v in placement.items() if v is not None})
        ids = [i["InstanceId"] for i in reply["Instances"]]
        if state:
            self.reach(state, ids)
        return ids

    def hosts(self, ids):
        """The operator's view: which host each instance is on."""
        listed = self.lodge.admin("GET", "/v1/instances")[1]["instances"]
        return {i["id"]: i["host_id"] for i in listed if i["id"] in ids}

    def placement(self, instance):
        return self.describe(instance)["Placement"]

    type = "t3.nano"


class Life(GroupTest):
    options = ("--zones", "us-east-1a", "us-west-2a")

    def test_made_shown_deleted(self):
        for name, given, shown in (("c", {}, {"Strategy": "cluster"}), ("c2", {"Strategy": "cluster"}, {"Strategy": "cluster"}),
                                   ("s", {"Strategy": "spread"}, {"Strategy": "spread", "SpreadLevel": "rack"}),
                                   ("s2", {"Strategy": "spread", "SpreadLevel": "host"}, {"Strategy": "spread", "SpreadLevel": "host"}),
                                   ("p", {"Strategy": "partition"}, {"Strategy": "partition", "PartitionCount": 2}),
                                   ("p2", {"Strategy": "partition", "PartitionCount": 7}, {"Strategy": "partition", "PartitionCount": 7})):
            made = self.group(name, **given)
            self.assertRegex(made["GroupId"], "^pg-[0-9a-f]{17}$")
            self.assertEqual({"GroupName": name, "State": "available", "GroupId": made["GroupId"], "Tags": [],
                              "GroupArn": f"arn:aws:ec2:us-east-1:{self.account.id}:placement-group/{name}", **shown}, made)
            self.assertEqual([made], self.ec2.describe_placement_groups(GroupNames=[name])["PlacementGroups"])
            self.assertEqual([made], self.ec2.describe_placement_groups(GroupIds=[made["GroupId"]])["PlacementGroups"])
            self.ec2.delete_placement_group(GroupName=name)
            self.refused("InvalidPlacementGroup.Unknown", self.ec2.delete_placement_group, GroupName=name)
        self.assertEqual([], self.ec2.describe_placement_groups()["PlacementGroups"])

    def test_bad_input(self):
        self.group()
        self.refused("InvalidPlacementGroup.Duplicate", self.group)
        self.refused("MissingParameter", self.ec2.create_placement_group)
        for code, bad in (("InvalidParameterCombination", {"PartitionCount": 2}), ("InvalidParameterCombination", {"Strategy": "partition", "SpreadLevel": "rack"}),
                          ("InvalidParameterCombination", {"Strategy": "spread", "PartitionCount": 2}), ("InvalidParameterValue", {"Strategy": "scatter"}),
                          ("InvalidParameterValue", {"Strategy": "partition", "PartitionCount": 8}), ("InvalidParameterValue", {"Strategy": "partition", "PartitionCount": 0}),
                          ("InvalidParameterValue", {"Strategy": "spread", "SpreadLevel": "planet"}), ("InvalidParameterValue", {"name": "x" * 256}),
                          ("InvalidParameterValue", {"name": "grüppe"}), ("InvalidParameterValue", {"TagSpecifications": [tag_specification("instance", a="b")]})):
            with self.subTest(bad):
                self.refused(code, self.group, **{"name": "other", **bad})
        self.assertEqual(1, len(self.ec2.describe_placement_groups()["PlacementGroups"]))

    def test_filters_and_tags(self):
        one = self.group("one", Strategy="spread", TagSpecifications=[tag_specification("placement-group", a="1")])
        self.group("two", Strategy="partition")
        names = lambda **f: sorted(g["GroupName"] for g in self.ec2.describe_placement_groups(Filters=filters(**f))["PlacementGroups"])  # noqa: E731
        self.assertEqual((["one"], ["two"], ["one", "two"], ["one"], ["one"], []),
                         (names(group_name="o*"), names(strategy="partition"), names(state="available"), names(spread_level="rack"),
                          names(group_arn=one["GroupArn"]), names(state="deleted")))
        self.assertEqual(["one"], names(**{"tag:a": "1"}))
        self.assertEqual(tags(a="1"), one["Tags"])
        self.ec2.create_tags(Resources=[one["GroupId"]], Tags=tags(b="2"))
        self.assertEqual(tags(a="1", b="2"), self.ec2.describe_placement_groups(GroupNames=["one"])["PlacementGroups"][0]["Tags"])
        self.assertEqual({"placement-group"}, {t["ResourceType"] for t in self.ec2.describe_tags()["Tags"]})
        describe = self.ec2.describe_placement_groups
        self.refused("InvalidParameterValue", describe, Filters=filters(x="y"))
        self.refused("InvalidPlacementGroup.Unknown", describe, GroupNames=["three"])
        self.refused("InvalidPlacementGroup.Unknown", describe, GroupIds=[UNKNOWN])
        self.refused("InvalidPlacementGroupId.Malformed", describe, GroupIds=["pg-x"])
        self.ec2.delete_placement_group(GroupName="one")
        self.assertEqual([], self.ec2.describe_tags()["Tags"])

    def test_others_see_nothing_and_dry_run_changes_nothing(self):
        made = self.group()
        for ec2 in (self.lodge.client(self.lodge.new_account()), self.lodge.client(self.account, region="us-west-2")):
            self.assertEqual([], ec2.describe_placement_groups()["PlacementGroups"])
            self.refused("InvalidPlacementGroup.Unknown", ec2.delete_placement_group, GroupName="mine")
            self.refused("InvalidPlacementGroup.Unknown", ec2.describe_placement_groups, GroupIds=[made["GroupId"]])
        other = self.lodge.client(self.lodge.new_account())
        self.group(ec2=other)  # a name is the account's own
        self.refused("InvalidPlacementGroup.Unknown", other.run_instances, ImageId=IMAGE, MinCount=1, MaxCount=1, Placement={"GroupId": made["GroupId"]})
        self.refused("DryRunOperation", self.group, name="other", DryRun=True)
        self.refused("DryRunOperation", self.ec2.delete_placement_group, GroupName="mine", DryRun=True)
        self.refused("DryRunOperation", self.ec2.describe_placement_groups, DryRun=True)
        self.assertEqual([made], self.ec2.describe_placement_groups()["PlacementGroups"])

    def test_one_in_use_stays(self):
        self.group(Strategy="spread")
        instance, = self.into("mine")
        self.refused("InvalidPlacementGroup.InUse", self.ec2.delete_placement_group, GroupName="mine")
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        self.refused("InvalidPlacementGroup.InUse", self.ec2.delete_placement_group, GroupName="mine")
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.reach("terminated", [instance])
        self.ec2.delete_placement_group(GroupName="mine")
        self.assertEqual("mine", self.placement(instance)["GroupName"])


class Launches(GroupTest):
    options = ("--zones", "us-east-1a")

    def test_spread(self):
        made = self.group(Strategy="spread", SpreadLevel="host")
        ids = self.into("mine", 2)
        ids += self.into(None, GroupId=made["GroupId"])
        self.assertEqual(3, len(set(self.hosts(ids).values())))
        shown = self.placement(ids[0])
        self.assertEqual(("mine", made["GroupId"], None), (shown["GroupName"], shown["GroupId"], shown.get("PartitionNumber")))
        message = self.refused("InsufficientInstanceCapacity", self.into, "mine")
        self.assertIn("all 3 hosts have an instance of the spread placement group", message)
        self.refused("InsufficientInstanceCapacity", self.into, "mine", 2, 4)
        self.launch()  # outside of the group there is room
        self.ec2.terminate_instances(InstanceIds=ids[:1])
        self.reach("terminated", ids[:1])
        self.assertEqual(1, len(self.into("mine", 1, 5)))

    def test_spread_across_a_start(self):
        self.group(Strategy="spread")
        ids = self.into("mine", 3)
        self.ec2.stop_instances(InstanceIds=ids[:1])
        self.reach("stopped", ids[:1])
        newer, = self.into("mine")  # on the only host that is free of the group
        self.assertEqual(self.hosts(ids)[ids[0]], self.hosts([newer])[newer])
        message = self.refused("InsufficientInstanceCapacity", self.ec2.start_instances, InstanceIds=ids[:1])
        self.assertIn("has an instance of the spread placement group", message)
        self.assertEqual({"stopped"}, set(self.states(ids[:1]).values()))
        self.ec2.terminate_instances(InstanceIds=[newer])
        self.reach("terminated", [newer])
        self.ec2.start_instances(InstanceIds=ids[:1])
        self.reach("running", ids)

    def test_partitions(self):
        self.group(Strategy="partition", PartitionCount=3)
        ids = self.into("mine", 6)
        hosts, numbers = self.hosts(ids), {i: self.placement(i)["PartitionNumber"] for i in ids}
        self.assertEqual([1, 1, 2, 2, 3, 3], sorted(numbers.values()))
        self.assertEqual(3, len({(hosts[i], numbers[i]) for i in ids}))
        one, = self.into("mine", PartitionNumber=2)
        self.assertEqual((2, {hosts[i] for i in ids if numbers[i] == 2}), (self.placement(one)["PartitionNumber"], set(self.hosts([one]).values())))
        found = self.ec2.describe_instances(Filters=filters(placement_group_name="mine", placement_partition_number="2"))
        self.assertEqual(3, len(instances_of(found)))
        self.ec2.stop_instances(InstanceIds=[one])
        self.reach("stopped", [one])
        self.ec2.start_instances(InstanceIds=[one])
        self.assertEqual(2, self.placement(one)["PartitionNumber"])

    def test_a_partition_without_a_host(self):
        self.group(Strategy="partition", PartitionCount=4)
        for number in (1, 2, 3):
            self.into("mine", PartitionNumber=number)
        message = self.refused("InsufficientInstanceCapacity", self.into, "mine", PartitionNumber=4)
        self.assertIn("all 3 hosts have another partition of the placement group", message)
        self.into("mine")  # where there is one

    def test_cluster_keeps_together(self):
        self.type = "m5.large"
        self.group(Strategy="cluster")
        ids = self.into("mine", 3) + self.into("mine")
        self.assertEqual(1, len(set(self.hosts(ids).values())))

    def test_what_does_not_go_together(self):
        self.group("spread", Strategy="spread")
        made = self.group("parts", Strategy="partition")
        self.group("near", Strategy="cluster")
        for code, name, placement in (("InvalidPlacementGroup.Unknown", "none", {}), ("InvalidPlacementGroup.Unknown", None, {"GroupId": UNKNOWN}),
                                      ("InvalidPlacementGroupId.Malformed", None, {"GroupId": "pg-x"}),
                                      ("InvalidParameterCombination", "parts", {"GroupId": made["GroupId"]}),
                                      ("InvalidParameterCombination", "spread", {"PartitionNumber": 1}),
                                      ("InvalidParameterCombination", None, {"PartitionNumber": 1}),
                                      ("InvalidParameterCombination", "near", {}),  # no cluster of t3
                                      ("InvalidParameterValue", "parts", {"PartitionNumber": 3}), ("InvalidParameterValue", "parts", {"PartitionNumber": 0})):
            with self.subTest(name=name, placement=placement):
                self.refused(code, self.into, name, **placement)
        self.into("")  # an empty name is none
        self.assertEqual([], instances_of(self.ec2.describe_instances(Filters=filters(placement_group_name="*"))))

    def test_through_a_template(self):
        self.group(Strategy="spread")
        self.ec2.create_launch_template(LaunchTemplateName="grouped", LaunchTemplateData={
            "ImageId": IMAGE, "InstanceType": "t3.nano", "Placement": {"GroupName": "mine"}})
        instance = self.ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "grouped"}, MinCount=1, MaxCount=1)["Instances"][0]
        self.assertEqual("mine", instance["Placement"]["GroupName"])
        self.assertEqual("mine", self.ec2.get_launch_template_data(InstanceId=instance["InstanceId"])["LaunchTemplateData"]["Placement"]["GroupName"])


class OverZones(GroupTest):
    options = ("--zones", "us-east-1a", "us-east-1b")
    settings = {"hosts": 4}
    type = "m5.large"

    def test_a_cluster_stays_in_one_zone(self):
        self.group(Strategy="cluster")
        instance, = self.into("mine", AvailabilityZone="us-east-1b")
        more = self.into("mine", 3, AvailabilityZone=None)
        self.assertEqual({"us-east-1b"}, {self.placement(i)["AvailabilityZone"] for i in more})
        message = self.refused("InsufficientInstanceCapacity", self.into, "mine", AvailabilityZone="us-east-1a")
        self.assertIn("in another zone than the placement group", message)
        self.ec2.terminate_instances(InstanceIds=[instance, *more])
        self.reach("terminated", [instance, *more])
        self.into("mine", AvailabilityZone="us-east-1a")  # an empty one has no zone


class Changes(GroupTest):
    options = ("--zones", "us-east-1a")

    def modify(self, instance, **parameters):
        return self.ec2.modify_instance_placement(InstanceId=instance, **parameters)

    def stopped(self):
        instance, = self.launch(Placement={"AvailabilityZone": "us-east-1a"})
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        return instance

    def test_into_and_out_of_a_group(self):
        made = self.group(Strategy="spread")
        instance = self.stopped()
        self.assertTrue(self.modify(instance, GroupName="mine")["Return"])
        self.assertEqual(("mine", made["GroupId"]), tuple(self.placement(instance)[k] for k in ("GroupName", "GroupId")))
        self.refused("InvalidPlacementGroup.InUse", self.ec2.delete_placement_group, GroupName="mine")
        self.modify(instance, GroupName="")
        self.assertEqual("", self.placement(instance)["GroupName"])
        self.modify(instance, GroupId=made["GroupId"])
        self.into("mine", 3)  # all hosts
        self.refused("InsufficientInstanceCapacity", self.ec2.start_instances, InstanceIds=[instance])
        self.modify(instance, GroupName="")
        self.ec2.start_instances(InstanceIds=[instance])
        self.reach("running", [instance])

    def test_partitions(self):
        self.group(Strategy="partition", PartitionCount=5)
        instance = self.stopped()
        self.modify(instance, GroupName="mine", PartitionNumber=4)
        self.assertEqual(4, self.placement(instance)["PartitionNumber"])
        self.modify(instance, PartitionNumber=5)
        self.ec2.start_instances(InstanceIds=[instance])
        self.assertEqual(("mine", 5), tuple(self.placement(instance)[k] for k in ("GroupName", "PartitionNumber")))
        other = self.stopped()
        self.modify(other, GroupName="mine")
        self.assertNotIn("PartitionNumber", self.placement(other))
        self.ec2.start_instances(InstanceIds=[other])
        self.assertIn(self.placement(other)["PartitionNumber"], range(1, 6))

    def test_refusals(self):
        self.group(Strategy="spread")
        running, = self.launch()
        self.refused("IncorrectInstanceState", self.modify, running, GroupName="mine")
        instance = self.stopped()
        self.refused("MissingParameter", self.modify, instance)
        self.refused("InvalidPlacementGroup.Unknown", self.modify, instance, GroupName="none")
        self.refused("InvalidParameterCombination", self.modify, instance, PartitionNumber=1)
        self.refused("InvalidInstanceID.NotFound", self.modify, "i-0123456789abcdef0", GroupName="mine")
        self.refused("InvalidTenancy", self.modify, instance, HostId="h-1")
        self.refused("InvalidTenancy", self.modify, instance, Tenancy="host")
        self.refused("UnsupportedOperation", self.modify, instance, HostResourceGroupArn="arn:x")
        other = self.lodge.client(self.lodge.new_account())
        self.refused("InvalidInstanceID.NotFound", other.modify_instance_placement, InstanceId=instance, GroupName="")
        reply = call(self.lodge, self.account, "ModifyInstancePlacement", {"InstanceId": instance, "GroupName": "mine", "DryRun": "true"})
        self.assertEqual("UnknownParameter", reply.code)  # EC2's has none either
        self.assertEqual("", self.placement(instance)["GroupName"])


class AcrossRestarts(GroupTest):
    options = ("--zones", "us-east-1a", "--lease-ms", "15000")

    def test_groups_are_kept(self):
        self.group(Strategy="spread")
        ids = self.into("mine", 2)
        self.lodge.kill()
        self.lodge.start()
        self.ec2 = self.lodge.client(self.account)
        self.reach("stopped", ids)  # simulated guests end with lodged, and their disks
        self.assertEqual(3, len(set(self.hosts(self.into("mine", 3)).values())))
        self.refused("InsufficientInstanceCapacity", self.into, "mine")


if __name__ == "__main__":
    unittest.main()
