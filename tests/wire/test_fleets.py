"""EC2 Fleet of the type instant: what it launches, in which order, and its end."""
import unittest

from harness import IMAGE, WireTest, instances_of, tag_specification, tags
from signing import call

UNKNOWN = "fleet-0123456789abcdef0"


class FleetTest(WireTest):
    options = ("--zones", "us-east-1a", "us-east-1b")
    settings = {"hosts": 4}

    def setUp(self):
        super().setUp()
        self.template = self.ec2.create_launch_template(LaunchTemplateName="base", LaunchTemplateData={
            "ImageId": IMAGE, "InstanceType": "t3.nano"})["LaunchTemplate"]["LaunchTemplateId"]
        self.subnets = {s["AvailabilityZone"]: s["SubnetId"] for s in self.ec2.describe_subnets()["Subnets"]}

    def refused(self, code, call_, *arguments, **parameters):
        return self.assert_code(code, lambda: call_(*arguments, **parameters))

    def config(self, *overrides, **named):
        named = named or {"LaunchTemplateId": self.template, "Version": "$Latest"}
        return {"LaunchTemplateSpecification": named, **({"Overrides": list(overrides)} if overrides else {})}

    def fleet(self, target=1, *overrides, ec2=None, capacity=None, **parameters):
        given = {"Type": "instant", "LaunchTemplateConfigs": [self.config(*overrides)],
                 "TargetCapacitySpecification": capacity or {"TotalTargetCapacity": target, "DefaultTargetCapacityType": "on-demand"}, **parameters}
        return (ec2 or self.ec2).create_fleet(**{k: v for k, v in given.items() if v is not None})

    def launched(self, reply):
        return [(group["InstanceType"], len(group["InstanceIds"])) for group in reply["Instances"]]

    def ids(self, reply):
        return [i for group in reply["Instances"] for i in group["InstanceIds"]]

    def errors(self, reply):
        return [e["ErrorCode"] for e in reply["Errors"]]

    def show(self, reply):
        return self.ec2.describe_fleets(FleetIds=[reply["FleetId"]])["Fleets"][0]

    def delete(self, *ids, terminate=True, **parameters):
        return self.ec2.delete_fleets(FleetIds=list(ids), TerminateInstances=terminate, **parameters)


class Launches(FleetTest):
    def test_the_template_alone(self):
        made = self.fleet(3, TagSpecifications=[tag_specification("fleet", f="1"), tag_specification("instance", i="2")])
        self.assertRegex(made["FleetId"], "^fleet-[0-9a-f]{17}$")
        self.assertEqual(([("t3.nano", 3)], []), (self.launched(made), made["Errors"]))
        group, = made["Instances"]
        self.assertEqual({"LaunchTemplateId": self.template, "Version": "$Latest"}, group["LaunchTemplateAndOverrides"]["LaunchTemplateSpecification"])
        self.assertEqual("on-demand", group["Lifecycle"])
        self.reach("running", group["InstanceIds"])
        own = {t["Key"]: t["Value"] for t in self.describe(group["InstanceIds"][0])["Tags"]}
        self.assertEqual({"i": "2", "aws:ec2:fleet-id": made["FleetId"], "aws:ec2launchtemplate:id": self.template, "aws:ec2launchtemplate:version": "1"}, own)
        shown = self.show(made)
        self.assertEqual(("active", "fulfilled", "instant", 3.0, 3.0, tags(f="1"), made["Instances"], []),
                         tuple(shown[k] for k in ("FleetState", "ActivityStatus", "Type", "FulfilledCapacity", "FulfilledOnDemandCapacity", "Tags", "Instances", "Errors")))
        self.assertEqual({"TotalTargetCapacity": 3, "OnDemandTargetCapacity": 3, "SpotTargetCapacity": 0, "DefaultTargetCapacityType": "on-demand"},
                         shown["TargetCapacitySpecification"])

    def test_the_smallest_for_a_unit_first(self):
        choices = [{"InstanceType": "m5.large", "WeightedCapacity": 2.0}, {"InstanceType": "t3.small", "WeightedCapacity": 1.0},
                   {"InstanceType": "m5.xlarge", "WeightedCapacity": 16.0}]
        self.assertEqual([("m5.xlarge", 1)], self.launched(self.fleet(10, *choices)))  # 1 GiB a unit; one more unit is no harm
        self.assertEqual([("t3.small", 4)], self.launched(self.fleet(4, *choices[:2])))

    def test_priority(self):
        options = {"OnDemandOptions": {"AllocationStrategy": "prioritized"}}
        choices = [{"InstanceType": "t3.nano"}, {"InstanceType": "m5.large", "Priority": 2.0}, {"InstanceType": "t3.small", "Priority": 1.0}]
        self.assertEqual([("t3.small", 2)], self.launched(self.fleet(2, *choices, **options)))

    def fill(self):
        """Takes the room for 128 GiB on every host, until the test ends."""
        big = [{"InstanceType": "r5.4xlarge", "AvailabilityZone": zone} for zone in self.subnets]
        made = self.fleet(4, *big)
        self.assertEqual(4, len(self.ids(made)))
        self.addCleanup(self.reach, "terminated", self.ids(made))
        self.addCleanup(self.delete, made["FleetId"])
        return self.ids(made)

    def test_what_cannot_be_launched_is_told_and_passed_over(self):
        self.fill()
        choices = [{"InstanceType": "t9.huge", "Priority": 1.0}, {"ImageId": "ami-0123456789abcdef0", "Priority": 2.0},
                   {"InstanceType": "r5.4xlarge", "Priority": 3.0}, {"InstanceType": "t3.nano", "Priority": 4.0}]
        made = self.fleet(2, *choices, OnDemandOptions={"AllocationStrategy": "prioritized"})
        self.assertEqual((["InvalidParameterValue", "InvalidAMIID.NotFound", "InsufficientInstanceCapacity"], [("t3.nano", 2)]),
                         (self.errors(made), self.launched(made)))
        self.assertEqual("t9.huge", made["Errors"][0]["LaunchTemplateAndOverrides"]["Overrides"]["InstanceType"])
        self.assertEqual((made["Errors"], made["Instances"]), (self.show(made)["Errors"], self.show(made)["Instances"]))

    def test_the_rest_comes_from_the_next(self):
        big = {"InstanceType": "r5.4xlarge", "Priority": 1.0}  # 128 GiB: one a host
        made = self.fleet(6, big, {"InstanceType": "t3.nano", "Priority": 2.0}, OnDemandOptions={"AllocationStrategy": "prioritized"})
        (first, of_first), (second, of_second) = self.launched(made)
        self.assertEqual(("r5.4xlarge", "t3.nano", 6), (first, second, of_first + of_second))
        self.delete(made["FleetId"])
        self.reach("terminated", self.ids(made))

    def test_nothing_fits(self):
        there = self.fill()
        made = self.fleet(1, {"InstanceType": "r5.4xlarge"})
        self.assertEqual((["InsufficientInstanceCapacity"], []), (self.errors(made), made["Instances"]))
        self.assertEqual(("error", 0.0), tuple(self.show(made)[k] for k in ("ActivityStatus", "FulfilledCapacity")))
        self.assertEqual(set(there), {i["InstanceId"] for i in instances_of(self.ec2.describe_instances())})

    def test_subnets_and_zones(self):
        for zone in ("us-east-1a", "us-east-1b"):
            by_zone, by_subnet = self.fleet(1, {"AvailabilityZone": zone}), self.fleet(1, {"SubnetId": self.subnets[zone]})
            for made in (by_zone, by_subnet):
                self.assertEqual((zone, self.subnets[zone]), (self.describe(self.ids(made)[0])["Placement"]["AvailabilityZone"], self.describe(self.ids(made)[0])["SubnetId"]))
        self.ec2.create_launch_template(LaunchTemplateName="nics", LaunchTemplateData={
            "ImageId": IMAGE, "InstanceType": "t3.nano", "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": False}]})
        made = self.fleet(LaunchTemplateConfigs=[self.config({"SubnetId": self.subnets["us-east-1b"]}, LaunchTemplateName="nics", Version="1")])
        self.assertEqual(self.subnets["us-east-1b"], self.describe(self.ids(made)[0])["SubnetId"])

    def test_single_type_and_zone(self):
        choices = [{"InstanceType": "r5.4xlarge", "AvailabilityZone": "us-east-1a", "Priority": 1.0}, {"InstanceType": "t3.nano", "Priority": 2.0},
                   {"InstanceType": "r5.4xlarge", "AvailabilityZone": "us-east-1b", "Priority": 3.0}]
        options = lambda **o: {"OnDemandOptions": {"AllocationStrategy": "prioritized", **o}}  # noqa: E731
        made = self.fleet(9, *choices, **options(SingleInstanceType=True))
        self.assertEqual({"r5.4xlarge"}, {kind for kind, _ in self.launched(made)})
        self.assertEqual({"us-east-1a", "us-east-1b"}, {self.describe(i)["Placement"]["AvailabilityZone"] for i in self.ids(made)})
        self.delete(made["FleetId"])
        self.reach("terminated", self.ids(made))
        made = self.fleet(9, *choices, **options(SingleAvailabilityZone=True))
        self.assertEqual({"us-east-1a"}, {self.describe(i)["Placement"]["AvailabilityZone"] for i in self.ids(made)})
        self.assertEqual(9, len(self.ids(made)))
        self.delete(made["FleetId"])
        self.reach("terminated", self.ids(made))

    def test_minimum(self):
        big = {"InstanceType": "r5.4xlarge", "Priority": 1.0}
        options = {"OnDemandOptions": {"AllocationStrategy": "prioritized", "SingleInstanceType": True, "MinTargetCapacity": 5}}
        made = self.fleet(5, big, **options)
        self.assertEqual((["InsufficientInstanceCapacity"], []), (self.errors(made), made["Instances"]))
        made = self.fleet(5, big, {"InstanceType": "t3.nano", "Priority": 2.0}, **options)
        self.assertEqual([("t3.nano", 5)], self.launched(made))

    def test_placement_group(self):
        self.ec2.create_placement_group(GroupName="apart", Strategy="spread")
        made = self.fleet(9, {"Placement": {"GroupName": "apart"}, "AvailabilityZone": "us-east-1a"})
        self.assertEqual([("t3.nano", 2)], self.launched(made))  # two hosts there

    def test_none(self):
        made = self.fleet(0)
        self.assertEqual(([], []), (made["Instances"], made["Errors"]))


class Requests(FleetTest):
    def test_refusals(self):
        total = lambda **c: {"capacity": {"TotalTargetCapacity": 2, **c}}  # noqa: E731
        for code, parameters in (
                ("UnsupportedOperation", {"Type": "maintain"}), ("UnsupportedOperation", {"Type": "request"}), ("UnsupportedOperation", {"Type": None}),
                ("UnsupportedOperation", total()), ("UnsupportedOperation", total(DefaultTargetCapacityType="spot")),
                ("UnsupportedOperation", total(OnDemandTargetCapacity=1)), ("UnsupportedOperation", total(SpotTargetCapacity=1, OnDemandTargetCapacity=1)),
                ("InvalidParameterCombination", total(OnDemandTargetCapacity=3)),
                ("UnsupportedOperation", total(DefaultTargetCapacityType="on-demand", TargetCapacityUnitType="vcpu")),
                ("InvalidParameterCombination", {"OnDemandOptions": {"MinTargetCapacity": 1}}),
                ("InvalidParameterCombination", {"OnDemandOptions": {"MinTargetCapacity": 2, "SingleInstanceType": True}}),
                ("InvalidParameterValue", {"OnDemandOptions": {"AllocationStrategy": "cheapest"}}),
                ("UnsupportedOperation", {"SpotOptions": {"AllocationStrategy": "lowest-price"}}),
                ("UnsupportedOperation", {"ReplaceUnhealthyInstances": True}),
                ("InvalidParameterValue", {"TagSpecifications": [tag_specification("vpc", a="b")]}),
                ("InvalidLaunchTemplateId.NotFound", {"LaunchTemplateConfigs": [self.config(LaunchTemplateId="lt-0123456789abcdef0", Version="1")]}),
                ("InvalidLaunchTemplateId.VersionNotFound", {"LaunchTemplateConfigs": [self.config(LaunchTemplateId=self.template, Version="7")]}),
                ("UnsupportedOperation", {"LaunchTemplateConfigs": [self.config({"MaxPrice": "1"})]}),
                ("InvalidParameterValue", {"LaunchTemplateConfigs": [self.config({"WeightedCapacity": 0.0})]})):
            with self.subTest(parameters=parameters):
                self.refused(code, self.fleet, **parameters)
        self.fleet(capacity={"TotalTargetCapacity": 1, "OnDemandTargetCapacity": 1})
        self.assertEqual(1, len(instances_of(self.ec2.describe_instances())))

    def test_client_token(self):
        one = self.fleet(2, ClientToken="t")
        again = self.fleet(2, ClientToken="t")
        self.assertEqual((one["FleetId"], one["Instances"]), (again["FleetId"], again["Instances"]))
        self.refused("IdempotentParameterMismatch", self.fleet, 3, ClientToken="t")
        self.assertEqual(("t", 2), (self.show(one)["ClientToken"], len(instances_of(self.ec2.describe_instances()))))
        self.ec2.delete_launch_template(LaunchTemplateId=self.template)
        self.assertEqual(one["Instances"], self.fleet(2, ClientToken="t")["Instances"])

    def test_dry_run(self):
        self.refused("DryRunOperation", self.fleet, DryRun=True)
        self.refused("InvalidLaunchTemplateId.NotFound", self.fleet, DryRun=True,
                     LaunchTemplateConfigs=[self.config(LaunchTemplateId="lt-0123456789abcdef0", Version="1")])
        made = self.fleet()
        self.refused("DryRunOperation", self.delete, made["FleetId"], DryRun=True)
        self.refused("DryRunOperation", self.ec2.describe_fleets, FleetIds=[made["FleetId"]], DryRun=True)
        self.refused("DryRunOperation", self.ec2.describe_fleet_instances, FleetId=made["FleetId"], DryRun=True)
        self.assertEqual(("active", 1), (self.show(made)["FleetState"], len(instances_of(self.ec2.describe_instances()))))


class Afterwards(FleetTest):
    def test_describe(self):
        made = self.fleet(2, {"InstanceType": "t3.small", "WeightedCapacity": 2.0})
        self.assertEqual([], self.ec2.describe_fleets()["Fleets"])  # one of this type is shown by its ID
        by_id = lambda **p: self.ec2.describe_fleets(FleetIds=[made["FleetId"]], **p)["Fleets"]  # noqa: E731
        config, = by_id()[0]["LaunchTemplateConfigs"]
        self.assertEqual(("t3.small", 2.0), tuple(config["Overrides"][0][k] for k in ("InstanceType", "WeightedCapacity")))
        for name, value, count in (("fleet-state", "active", 1), ("fleet-state", "deleted", 0), ("type", "instant", 1), ("activity-status", "fulfilled", 1), ("tag:a", "b", 0)):
            self.assertEqual(count, len(by_id(Filters=[{"Name": name, "Values": [value]}])), name)
        self.refused("InvalidParameterValue", by_id, Filters=[{"Name": "x", "Values": ["y"]}])
        self.refused("InvalidFleetId.NotFound", self.ec2.describe_fleets, FleetIds=[UNKNOWN])
        self.refused("InvalidFleetId.Malformed", self.ec2.describe_fleets, FleetIds=["fleet-x"])
        self.ec2.create_tags(Resources=[made["FleetId"]], Tags=tags(a="b"))
        self.assertEqual(tags(a="b"), by_id()[0]["Tags"])

    def test_instances(self):
        made = self.fleet(5)
        ids = sorted(self.ids(made))
        listed = lambda **p: self.ec2.describe_fleet_instances(FleetId=made["FleetId"], **p)  # noqa: E731
        self.assertEqual([{"InstanceId": i, "InstanceType": "t3.nano", "InstanceHealth": "healthy"} for i in ids], listed()["ActiveInstances"])
        page = listed(MaxResults=3)
        rest = listed(MaxResults=3, NextToken=page["NextToken"])
        self.assertEqual(ids, [i["InstanceId"] for p in (page, rest) for i in p["ActiveInstances"]])
        self.assertEqual([], listed(Filters=[{"Name": "instance-type", "Values": ["m5.*"]}])["ActiveInstances"])
        self.ec2.terminate_instances(InstanceIds=ids[:2])
        self.reach("terminated", ids[:2])
        self.assertEqual(ids[2:], [i["InstanceId"] for i in listed()["ActiveInstances"]])
        self.refused("InvalidFleetId.NotFound", self.ec2.describe_fleet_instances, FleetId=UNKNOWN)

    def test_delete(self):
        made, other = self.fleet(2), self.fleet(1)
        kept = self.delete(made["FleetId"], terminate=False)["UnsuccessfulFleetDeletions"]
        self.assertEqual([(made["FleetId"], "unexpectedError")], [(k["FleetId"], k["Error"]["Code"]) for k in kept])
        reply = self.delete(made["FleetId"], UNKNOWN, "fleet-x")
        done, = reply["SuccessfulFleetDeletions"]
        self.assertEqual((made["FleetId"], "active"), (done["FleetId"], done["PreviousFleetState"]))
        self.assertIn(done["CurrentFleetState"], ("deleted_terminating", "deleted"))
        self.assertEqual({UNKNOWN: "fleetIdDoesNotExist", "fleet-x": "fleetIdMalformed"},
                         {u["FleetId"]: u["Error"]["Code"] for u in reply["UnsuccessfulFleetDeletions"]})
        self.reach("terminated", self.ids(made))
        self.assertEqual(("deleted", "active"), (self.show(made)["FleetState"], self.show(other)["FleetState"]))
        again, = self.delete(made["FleetId"])["UnsuccessfulFleetDeletions"]
        self.assertEqual("fleetNotInDeletableState", again["Error"]["Code"])
        self.assertEqual({"running", "pending"} | set(self.states(self.ids(other)).values()), {"running", "pending"})
        reply = call(self.lodge, self.account, "DeleteFleets", {**{f"FleetId.{i}": UNKNOWN for i in range(1, 27)}, "TerminateInstances": "true"})
        self.assertEqual("InvalidParameterValue", reply.code)

    def test_protected_instances_keep_their_fleet(self):
        made = self.fleet(1)
        instance, = self.ids(made)
        protect = lambda value: self.ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": value})  # noqa: E731
        protect(True)
        failed, = self.delete(made["FleetId"])["UnsuccessfulFleetDeletions"]
        self.assertIn("disableApiTermination", failed["Error"]["Message"])
        self.assertEqual("active", self.show(made)["FleetState"])
        protect(False)
        self.assertEqual(1, len(self.delete(made["FleetId"])["SuccessfulFleetDeletions"]))

    def test_others_see_nothing(self):
        made = self.fleet()
        other = self.lodge.client(self.lodge.new_account())
        self.refused("InvalidFleetId.NotFound", other.describe_fleets, FleetIds=[made["FleetId"]])
        self.refused("InvalidFleetId.NotFound", other.describe_fleet_instances, FleetId=made["FleetId"])
        failed, = other.delete_fleets(FleetIds=[made["FleetId"]], TerminateInstances=True)["UnsuccessfulFleetDeletions"]
        self.assertEqual("fleetIdDoesNotExist", failed["Error"]["Code"])
        self.refused("InvalidLaunchTemplateId.NotFound", self.fleet, ec2=other)


if __name__ == "__main__":
    unittest.main()
