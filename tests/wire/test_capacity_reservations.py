"""Capacity reservations: their life, that the room they hold is for matching launches alone, and that it outlives restarts."""
import datetime
import unittest

from harness import IMAGE, WireTest, filters, instances_of, tag_specification, tags
from signing import call

UNKNOWN = "cr-0123456789abcdef0"
LARGE = "m5.8xlarge"  # a simulated host holds one
ZONE = "us-east-1a"


def soon(seconds):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


class ReservationTest(WireTest):
    options = ("--zones", ZONE)

    def tearDown(self):
        super().tearDown()
        if self.lodge.process.poll() is None:
            self.clear()

    def clear(self, ec2=None):
        """Hosts are everybody's: no test may leave any of them taken."""
        ec2 = ec2 or self.ec2
        for each in ec2.describe_capacity_reservations(Filters=filters(state="active"))["CapacityReservations"]:
            ec2.cancel_capacity_reservation(CapacityReservationId=each["CapacityReservationId"])
        ids = [i["InstanceId"] for i in instances_of(ec2.describe_instances()) if i["State"]["Name"] != "terminated"]
        if ids:
            ec2.terminate_instances(InstanceIds=ids)
            self.reach("terminated", ids, ec2)

    def refused(self, code, call_, *arguments, **parameters):
        return self.assert_code(code, lambda: call_(*arguments, **parameters))

    def reserve(self, count=1, kind=LARGE, ec2=None, **parameters):
        given = {"InstanceType": kind, "InstancePlatform": "Linux/UNIX", "AvailabilityZone": ZONE, "InstanceCount": count, **parameters}
        return (ec2 or self.ec2).create_capacity_reservation(**{k: v for k, v in given.items() if v is not None})["CapacityReservation"]

    def shown(self, reservation, ec2=None):
        return (ec2 or self.ec2).describe_capacity_reservations(CapacityReservationIds=[reservation["CapacityReservationId"]])["CapacityReservations"][0]

    def counts(self, reservation):
        now = self.shown(reservation)
        return now["TotalInstanceCount"], now["AvailableInstanceCount"]

    def modify(self, reservation, **parameters):
        return self.ec2.modify_capacity_reservation(CapacityReservationId=reservation["CapacityReservationId"], **parameters)

    def modify_raw(self, reservation, **parameters):
        """For members that Debian's boto3 does not know."""
        return call(self.lodge, self.account, "ModifyCapacityReservation", {"CapacityReservationId": reservation["CapacityReservationId"], **parameters})

    def cancel(self, reservation, **parameters):
        return self.ec2.cancel_capacity_reservation(CapacityReservationId=reservation["CapacityReservationId"], **parameters)

    def run_some(self, count=1, most=None, kind=LARGE, ec2=None, preference=None, target=None, state="running", **more):
        specification = {}
        if preference:
            specification["CapacityReservationPreference"] = preference
        if target:
            specification["CapacityReservationTarget"] = {"CapacityReservationId": target if isinstance(target, str) else target["CapacityReservationId"]}
        if specification:
            more["CapacityReservationSpecification"] = specification
        reply = (ec2 or self.ec2).run_instances(ImageId=IMAGE, InstanceType=kind, MinCount=count, MaxCount=most or count, **more)
        ids = [i["InstanceId"] for i in reply["Instances"]]
        if state:
            self.reach(state, ids, ec2)
        return ids

    def end(self, ids, how="terminate"):
        if how == "stop":
            self.ec2.stop_instances(InstanceIds=ids)
            self.reach("stopped", ids)
        else:
            self.ec2.terminate_instances(InstanceIds=ids)
            self.reach("terminated", ids)

    def inside(self, instance):
        return self.describe(instance).get("CapacityReservationId")

    def stranger(self):
        ec2 = self.lodge.client(self.lodge.new_account())
        self.addCleanup(self.clear, ec2)
        return ec2


class Life(ReservationTest):
    options = ("--zones", ZONE, "us-west-2a")
    settings = {"hosts": 5}  # by turns: three of them in ZONE

    def test_made_shown_cancelled(self):
        made = self.reserve(2, "t3.nano", TagSpecifications=[tag_specification("capacity-reservation", a="1")])
        self.assertRegex(made["CapacityReservationId"], "^cr-[0-9a-f]{17}$")
        created = made.pop("CreateDate")
        self.assertEqual(created, made.pop("StartDate"))
        self.assertLess(abs((created - soon(0)).total_seconds()), 30)
        self.assertEqual({
            "CapacityReservationId": made["CapacityReservationId"], "OwnerId": self.account.id, "InstanceType": "t3.nano", "InstancePlatform": "Linux/UNIX",
            "CapacityReservationArn": f"arn:aws:ec2:us-east-1:{self.account.id}:capacity-reservation/{made['CapacityReservationId']}",
            "AvailabilityZone": ZONE, "AvailabilityZoneId": "use1-az1", "Tenancy": "default", "TotalInstanceCount": 2, "AvailableInstanceCount": 2,
            "EbsOptimized": False, "EphemeralStorage": False, "State": "active", "EndDateType": "unlimited", "InstanceMatchCriteria": "open",
            "Tags": tags(a="1"), "CapacityAllocations": []}, made)
        self.assertTrue(self.cancel(made)["Return"])
        now = self.shown(made)
        self.assertEqual(("cancelled", 2, 0), (now["State"], now["TotalInstanceCount"], now["AvailableInstanceCount"]))
        for change in (self.cancel, lambda m: self.modify(m, InstanceCount=1)):
            self.refused("InvalidCapacityReservationState", change, made)

    def test_bad_input(self):
        for code, bad in (("InvalidParameterValue", {"kind": "t9.nano"}), ("UnsupportedOperation", {"InstancePlatform": "Windows"}),
                          ("MissingParameter", {"AvailabilityZone": None}), ("InvalidParameterValue", {"AvailabilityZone": "mars"}),
                          ("InvalidParameterValue", {"count": 0}), ("InvalidParameterValue", {"count": 1001}),
                          ("UnsupportedOperation", {"Tenancy": "dedicated"}), ("UnsupportedOperation", {"EbsOptimized": True}),
                          ("InvalidParameterValue", {"InstanceMatchCriteria": "shut"}), ("InvalidParameterCombination", {"EndDate": soon(100)}),
                          ("InvalidParameterCombination", {"EndDate": soon(100), "EndDateType": "unlimited"}), ("MissingParameter", {"EndDateType": "limited"}),
                          ("InvalidParameterValue", {"EndDate": soon(-100), "EndDateType": "limited"}),
                          ("UnsupportedOperation", {"OutpostArn": "arn:aws:outposts:x"}), ("UnsupportedOperation", {"PlacementGroupArn": "arn:aws:ec2:x"}),
                          ("InvalidParameterValue", {"TagSpecifications": [tag_specification("instance", a="b")]})):
            with self.subTest(bad):
                self.refused(code, self.reserve, **bad)
        self.assertEqual([], self.ec2.describe_capacity_reservations()["CapacityReservations"])
        for code, bad in (("InvalidCapacityReservationId.NotFound", UNKNOWN), ("InvalidCapacityReservationId.Malformed", "cr-x")):
            for act in (self.ec2.cancel_capacity_reservation, self.ec2.get_capacity_reservation_usage):
                self.refused(code, act, CapacityReservationId=bad)
            self.refused(code, self.ec2.modify_capacity_reservation, CapacityReservationId=bad, InstanceCount=1)
            self.refused(code, self.ec2.describe_capacity_reservations, CapacityReservationIds=[bad])

    def test_filters_tags_and_paging(self):
        one = self.reserve(1, "t3.nano", InstanceMatchCriteria="targeted", TagSpecifications=[tag_specification("capacity-reservation", a="1")])
        two = self.reserve(1, "t3.micro", EndDate=soon(1000), EndDateType="limited")
        three = self.reserve(1, "t3.micro")
        self.cancel(three)
        kinds = lambda **f: sorted(c["InstanceType"] for c in self.ec2.describe_capacity_reservations(Filters=filters(**f))["CapacityReservations"])  # noqa: E731
        for expected, given in ((["t3.nano"], {"instance_type": "t3.n*"}), (["t3.nano"], {"instance_match_criteria": "targeted"}), (["t3.micro"], {"state": "cancelled"}),
                                (["t3.micro"], {"end_date_type": "limited"}), (["t3.micro"], {"end_date": "*"}), (["t3.nano"], {"tag:a": "1"}),
                                (["t3.micro", "t3.micro", "t3.nano"], {"owner_id": self.account.id, "availability_zone": ZONE, "instance_platform": "Linux/UNIX", "tenancy": "default", "start_date": "*"}),
                                ([], {"outpost_arn": "*"}), ([], {"placement_group_arn": "*"})):
            self.assertEqual(expected, kinds(**given), given)
        self.refused("InvalidParameterValue", kinds, x="y")
        self.ec2.create_tags(Resources=[one["CapacityReservationId"]], Tags=tags(b="2"))
        self.assertEqual(tags(a="1", b="2"), self.shown(one)["Tags"])
        self.assertEqual({"capacity-reservation"}, {t["ResourceType"] for t in self.ec2.describe_tags()["Tags"]})
        pages = list(self.ec2.get_paginator("describe_capacity_reservations").paginate(PaginationConfig={"PageSize": 1}))
        self.assertEqual(3, len(pages))
        self.assertEqual({c["CapacityReservationId"] for c in (one, two, three)}, {c["CapacityReservationId"] for p in pages for c in p["CapacityReservations"]})
        self.refused("InvalidNextToken", self.ec2.describe_capacity_reservations, NextToken="rubbish")
        self.refused("InvalidNextToken", self.ec2.get_capacity_reservation_usage, CapacityReservationId=one["CapacityReservationId"], NextToken="rubbish")

    def test_others_see_nothing_and_dry_run_changes_nothing(self):
        made = self.reserve(1, "t3.nano", InstanceMatchCriteria="targeted")
        for ec2 in (self.stranger(), self.lodge.client(self.account, region="us-west-2")):
            self.assertEqual([], ec2.describe_capacity_reservations()["CapacityReservations"])
            self.refused("InvalidCapacityReservationId.NotFound", ec2.cancel_capacity_reservation, CapacityReservationId=made["CapacityReservationId"])
        self.refused("InvalidCapacityReservationId.NotFound", self.run_some, kind="t3.nano", ec2=self.stranger(), target=made)
        self.refused("DryRunOperation", self.reserve, 3, DryRun=True)
        self.refused("DryRunOperation", self.modify, made, InstanceCount=2, DryRun=True)
        self.refused("DryRunOperation", self.cancel, made, DryRun=True)
        self.refused("DryRunOperation", self.ec2.describe_capacity_reservations, DryRun=True)
        self.refused("DryRunOperation", self.ec2.get_capacity_reservation_usage, CapacityReservationId=made["CapacityReservationId"], DryRun=True)
        self.assertEqual([made], self.ec2.describe_capacity_reservations()["CapacityReservations"])
        self.run_some(3)  # what the DryRun would have reserved is free

    def test_client_token(self):
        one = self.reserve(1, "t3.nano", ClientToken="once")
        self.assertEqual(one, self.reserve(1, "t3.nano", ClientToken="once"))
        self.refused("IdempotentParameterMismatch", self.reserve, 2, "t3.nano", ClientToken="once")
        self.assertEqual(1, len(self.ec2.describe_capacity_reservations()["CapacityReservations"]))


class Room(ReservationTest):
    def test_is_held_for_its_account(self):
        other = self.stranger()
        made = self.reserve(2)
        self.run_some(ec2=other)
        self.refused("InsufficientInstanceCapacity", self.run_some, ec2=other)
        self.refused("InsufficientInstanceCapacity", self.run_some, preference="none")
        self.refused("InsufficientInstanceCapacity", self.reserve, 1)
        ids = self.run_some(1, 5)  # one in each of the two rooms, and no more
        self.assertEqual([made["CapacityReservationId"]] * 2, [self.inside(i) for i in ids])
        self.assertEqual((2, 0), self.counts(made))
        self.assertEqual([{"AllocationType": "used", "Count": 2}], self.shown(made)["CapacityAllocations"])
        self.refused("InsufficientInstanceCapacity", self.run_some)
        self.end(ids[:1])
        self.assertIsNone(self.inside(ids[0]))
        self.assertEqual((2, 1), self.counts(made))
        self.refused("InsufficientInstanceCapacity", self.run_some, ec2=other)
        self.cancel(made)
        self.run_some(ec2=other)  # where the unused one was
        self.assertEqual(("running", None), (self.describe(ids[1])["State"]["Name"], self.inside(ids[1])))
        self.refused("InsufficientInstanceCapacity", self.run_some, ec2=other)
        self.end(ids[1:])
        self.run_some(ec2=other)

    def test_other_types_stay_out(self):
        made = self.reserve(3)
        small = self.run_some(kind="t3.nano")  # beside them there is room for a small one
        self.assertIsNone(self.inside(small[0]))
        self.assertEqual((3, 3), self.counts(made))

    def test_targeted(self):
        made = self.reserve(2, InstanceMatchCriteria="targeted")
        self.assertIsNone(self.inside(self.run_some()[0]))  # in the one place that is left
        self.refused("InsufficientInstanceCapacity", self.run_some)
        one, = self.run_some(target=made)
        shown = self.describe(one)
        self.assertEqual((made["CapacityReservationId"], {"CapacityReservationTarget": {"CapacityReservationId": made["CapacityReservationId"]}}),
                         (shown["CapacityReservationId"], shown["CapacityReservationSpecification"]))
        self.assertIn("there is some for 1", self.refused("ReservationCapacityExceeded", self.run_some, 2, target=made))
        self.assertEqual(1, len(self.run_some(1, 4, target=made)))
        self.refused("ReservationCapacityExceeded", self.run_some, target=made)
        found = lambda **f: [i["InstanceId"] for i in instances_of(self.ec2.describe_instances(Filters=filters(**f)))]  # noqa: E731
        self.assertEqual(2, len(found(capacity_reservation_id=made["CapacityReservationId"])))
        self.assertEqual(2, len(found(**{"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id": "cr-*"})))
        self.assertEqual(1, len(found(**{"capacity-reservation-specification.capacity-reservation-preference": "open"})))

    def test_what_does_not_go_together(self):
        made = self.reserve(1, InstanceMatchCriteria="targeted")
        for code, given in (("InvalidCapacityReservationId.NotFound", {"target": UNKNOWN}), ("InvalidCapacityReservationId.Malformed", {"target": "cr-x"}),
                            ("InvalidParameterCombination", {"target": made, "kind": "t3.nano"}), ("InvalidParameterCombination", {"target": made, "preference": "open"}),
                            ("InvalidParameterValue", {"preference": "closed"})):
            with self.subTest(given):
                self.refused(code, self.run_some, **given)
        self.refused("UnsupportedOperation", self.ec2.run_instances, ImageId=IMAGE, MinCount=1, MaxCount=1, CapacityReservationSpecification={
            "CapacityReservationTarget": {"CapacityReservationResourceGroupArn": "arn:aws:resource-groups:x"}})
        self.cancel(made)
        self.refused("InvalidCapacityReservationState", self.run_some, target=made)

    def test_only_in_reservations(self):
        self.refused("ReservationCapacityExceeded", self.run_some, preference="capacity-reservations-only")
        made = self.reserve(1)
        instance, = self.run_some(preference="capacity-reservations-only")
        self.assertEqual(made["CapacityReservationId"], self.inside(instance))
        self.refused("ReservationCapacityExceeded", self.run_some, preference="capacity-reservations-only")

    def test_stop_gives_the_room_back_and_start_takes_it(self):
        made = self.reserve(1)
        instance, = self.run_some()
        self.end([instance], "stop")
        self.assertEqual((1, 1), self.counts(made))
        self.assertIsNone(self.inside(instance))
        self.refused("InsufficientInstanceCapacity", self.run_some, 3, ec2=self.stranger())
        self.ec2.start_instances(InstanceIds=[instance])
        self.assertEqual((made["CapacityReservationId"], (1, 0)), (self.inside(instance), self.counts(made)))

    def test_a_stopped_instance_of_an_ended_target(self):
        made = self.reserve(1, InstanceMatchCriteria="targeted")
        instance, = self.run_some(target=made)
        self.end([instance], "stop")
        self.cancel(made)
        self.refused("InvalidCapacityReservationState", self.ec2.start_instances, InstanceIds=[instance])
        change = self.ec2.modify_instance_capacity_reservation_attributes
        self.assertTrue(change(InstanceId=instance, CapacityReservationSpecification={"CapacityReservationPreference": "none"})["Return"])
        self.assertEqual({"CapacityReservationPreference": "none"}, self.describe(instance)["CapacityReservationSpecification"])
        self.ec2.start_instances(InstanceIds=[instance])
        self.reach("running", [instance])
        self.refused("IncorrectInstanceState", change, InstanceId=instance, CapacityReservationSpecification={"CapacityReservationPreference": "open"})

    def test_changing_what_an_instance_may_use(self):
        open_, mine = self.reserve(1), self.reserve(1, InstanceMatchCriteria="targeted")
        instance, = self.run_some(preference="none")
        self.end([instance], "stop")
        change = lambda **s: self.ec2.modify_instance_capacity_reservation_attributes(InstanceId=instance, CapacityReservationSpecification=s)  # noqa: E731
        for code, bad in (("InvalidCapacityReservationId.NotFound", UNKNOWN), ("InvalidCapacityReservationId.Malformed", "x")):
            self.refused(code, change, CapacityReservationTarget={"CapacityReservationId": bad})
        small = self.reserve(1, "t3.nano")
        self.refused("InvalidParameterCombination", change, CapacityReservationTarget={"CapacityReservationId": small["CapacityReservationId"]})
        change(CapacityReservationTarget={"CapacityReservationId": mine["CapacityReservationId"]})
        self.refused("ReservationCapacityExceeded", self.ec2.start_instances, InstanceIds=[instance])  # its room is on another host
        change(CapacityReservationPreference="open")
        self.ec2.start_instances(InstanceIds=[instance])
        self.reach("running", [instance])
        self.assertEqual((1, 1), self.counts(open_))

    def test_running_instances_are_taken_in(self):
        one, two = self.run_some(2)
        aside, = self.run_some(kind="t3.nano", preference="none")
        made = self.reserve(3)
        self.assertEqual((3, 1), (made["TotalInstanceCount"], made["AvailableInstanceCount"]))
        self.assertEqual({made["CapacityReservationId"]}, {self.inside(one), self.inside(two)})
        self.assertIsNone(self.inside(aside))
        self.end([one])
        self.assertEqual((3, 2), self.counts(made))
        usage = self.ec2.get_capacity_reservation_usage(CapacityReservationId=made["CapacityReservationId"])
        usage.pop("ResponseMetadata")
        self.assertEqual({"CapacityReservationId": made["CapacityReservationId"], "InstanceType": LARGE, "TotalInstanceCount": 3, "AvailableInstanceCount": 2,
                          "State": "active", "InstanceUsages": [{"AccountId": self.account.id, "UsedInstanceCount": 1}]}, usage)

    def test_several_are_used_in_turn(self):
        first, second = self.reserve(1), self.reserve(1)
        ids = self.run_some(3)
        self.assertCountEqual([first["CapacityReservationId"], second["CapacityReservationId"], None], [self.inside(i) for i in ids])

    def test_groups_are_kept_inside(self):
        self.ec2.create_placement_group(GroupName="apart", Strategy="spread")
        made = self.reserve(4, "t3.nano")
        ids = self.run_some(3, kind="t3.nano", Placement={"GroupName": "apart"})
        listed = self.lodge.admin("GET", "/v1/instances")[1]["instances"]
        self.assertEqual(3, len({i["host_id"] for i in listed if i["id"] in ids}))
        self.refused("InsufficientInstanceCapacity", self.run_some, kind="t3.nano", Placement={"GroupName": "apart"})
        self.assertGreaterEqual(self.counts(made)[1], 1)

    def test_through_a_template(self):
        made = self.reserve(1, InstanceMatchCriteria="targeted")
        target = {"CapacityReservationTarget": {"CapacityReservationId": made["CapacityReservationId"]}}
        self.ec2.create_launch_template(LaunchTemplateName="reserved", LaunchTemplateData={
            "ImageId": IMAGE, "InstanceType": LARGE, "CapacityReservationSpecification": target})
        launch = lambda **p: self.ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "reserved"}, MinCount=1, MaxCount=1, **p)["Instances"][0]  # noqa: E731
        instance = launch()
        self.assertEqual(made["CapacityReservationId"], instance["CapacityReservationId"])
        self.assertEqual(target, self.ec2.get_launch_template_data(InstanceId=instance["InstanceId"])["LaunchTemplateData"]["CapacityReservationSpecification"])
        other = launch(CapacityReservationSpecification={"CapacityReservationPreference": "none"})
        self.assertNotIn("CapacityReservationId", other)


class Changes(ReservationTest):
    def test_count(self):
        made = self.reserve(1)
        self.assertTrue(self.modify(made, InstanceCount=3)["Return"])
        self.assertEqual((3, 3), self.counts(made))
        self.refused("InsufficientInstanceCapacity", self.modify, made, InstanceCount=4)
        self.refused("InsufficientInstanceCapacity", self.run_some, ec2=self.stranger())
        ids = self.run_some(2)
        self.refused("InvalidParameterValue", self.modify, made, InstanceCount=1)
        self.modify(made, InstanceCount=2)
        self.assertEqual((2, 0), self.counts(made))
        self.run_some(ec2=self.stranger())
        self.end(ids)
        self.assertEqual((2, 2), self.counts(made))
        for code, bad in (("MissingParameter", {}), ("InvalidParameterValue", {"InstanceCount": 0}), ("InvalidParameterValue", {"InstanceCount": 1003})):
            self.refused(code, self.modify, made, **bad)
        self.assertEqual((2, 2), self.counts(made))

    def test_criteria(self):
        made = self.reserve(1, InstanceMatchCriteria="targeted")
        instance, = self.run_some()
        self.assertIsNone(self.inside(instance))
        self.assertEqual(200, self.modify_raw(made, InstanceMatchCriteria="open").status)
        self.assertEqual(("open", (1, 0)), (self.shown(made)["InstanceMatchCriteria"], self.counts(made)))
        self.assertEqual(made["CapacityReservationId"], self.inside(instance))
        self.assertEqual("InvalidCapacityReservationState", self.modify_raw(made, InstanceMatchCriteria="targeted").code)
        self.run_some(2, ec2=self.stranger())  # the room that it held first is free

    def test_end(self):
        made = self.reserve(1, EndDate=soon(3600), EndDateType="limited")
        self.assertEqual("limited", made["EndDateType"])
        self.assertLess(abs((made["EndDate"] - soon(3600)).total_seconds()), 30)
        self.modify(made, EndDateType="unlimited")
        self.assertEqual(("unlimited", None), (self.shown(made)["EndDateType"], self.shown(made).get("EndDate")))
        self.refused("InvalidParameterValue", self.modify, made, EndDateType="limited", EndDate=soon(-5))
        self.refused("InvalidParameterCombination", self.modify, made, EndDate=soon(50))
        instance, = self.run_some()
        self.modify(made, EndDateType="limited", EndDate=soon(2))
        self.eventually(lambda: self.shown(made)["State"] == "expired")
        self.assertEqual(("running", None), (self.describe(instance)["State"]["Name"], self.inside(instance)))
        self.refused("InvalidCapacityReservationState", self.cancel, made)
        self.refused("InvalidCapacityReservationState", self.run_some, target=made)
        self.run_some(2, ec2=self.stranger())

    def test_limits_count_what_is_reserved(self):
        self.lodge.admin("POST", f"/v1/accounts/{self.account.id}/limits", {"instances": 2})
        self.refused("InstanceLimitExceeded", self.reserve, 3, "t3.nano")
        made = self.reserve(2, "t3.nano")
        self.refused("InstanceLimitExceeded", self.run_some, kind="t3.micro")
        self.refused("InstanceLimitExceeded", self.modify, made, InstanceCount=3)
        self.assertEqual(2, len(self.run_some(1, 5, kind="t3.nano")))
        self.refused("InstanceLimitExceeded", self.run_some, kind="t3.nano")

    def test_room_leaves_a_draining_host(self):
        made = self.reserve(2)
        hosts = [h for h in self.lodge.admin("GET", "/v1/hosts")[1]["hosts"]]
        drain = lambda host, on: self.lodge.admin("POST", f"/v1/hosts/{host['id']}/drain", {"draining": on})  # noqa: E731
        for host in hosts:  # wherever it is: with one of three hosts gone there is room for both
            drain(host, True)
            self.addCleanup(drain, host, False)
            self.eventually(lambda: self.can_use(made, 2), 30)
            drain(host, False)

    def can_use(self, reservation, count):
        reply = call(self.lodge, self.account, "RunInstances", {
            "ImageId": IMAGE, "InstanceType": LARGE, "MinCount": count, "MaxCount": count, "DryRun": "true",
            "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId": reservation["CapacityReservationId"]})
        return reply.code == "DryRunOperation"


class AcrossRestarts(ReservationTest):
    options = ("--zones", ZONE, "--lease-ms", "15000")

    def test_room_is_kept(self):
        made = self.reserve(2)
        self.run_some()
        self.run_some(preference="none")
        self.lodge.kill()
        self.lodge.start()
        self.ec2 = self.lodge.client(self.account)
        other = self.lodge.client(self.lodge.new_account())
        self.addCleanup(self.clear, other)
        self.eventually(lambda: self.counts(made) == (2, 2))  # simulated guests end with lodged
        self.run_some(ec2=other)
        self.refused("InsufficientInstanceCapacity", self.run_some, ec2=other)
        self.assertEqual(2, len(self.run_some(2, target=made)))


if __name__ == "__main__":
    unittest.main()
