"""DescribeInstanceStatus and GetConsoleOutput."""
import base64
import datetime
import unittest

from harness import WireTest, filters, tag_specification
from signing import call

UNKNOWN = "i-0123456789abcdef0"


class Status(WireTest):
    def statuses(self, **parameters):
        return self.ec2.describe_instance_status(**parameters)["InstanceStatuses"]

    def ids(self, **parameters):
        return sorted(s["InstanceId"] for s in self.statuses(**parameters))

    def stop(self, *ids):
        self.ec2.stop_instances(InstanceIds=ids)
        self.reach("stopped", ids)

    def test_running_ones_only(self):
        a, b, c = self.launch(3)
        self.stop(b)
        self.ec2.terminate_instances(InstanceIds=[c])
        self.reach("terminated", [c])
        self.assertEqual([a], self.ids())
        self.assertEqual([a], self.ids(InstanceIds=[a, b]))
        self.assertEqual([], self.ids(InstanceIds=[b]))
        self.assertEqual(sorted([a, b, c]), self.ids(IncludeAllInstances=True))
        self.assertEqual([b], self.ids(IncludeAllInstances=True, InstanceIds=[b]))

    def test_what_it_tells(self):
        a, = self.launch()
        status, = self.statuses()
        self.assertEqual((a, "us-east-1a", {"Code": 16, "Name": "running"}),
                         (status["InstanceId"], status["AvailabilityZone"], status["InstanceState"]))
        for name in ("SystemStatus", "InstanceStatus"):
            self.assertEqual({"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}, status[name])
        self.stop(a)
        status, = self.statuses(IncludeAllInstances=True)
        self.assertEqual(("stopped", "not-applicable", "not-applicable"),
                         (status["InstanceState"]["Name"], status["SystemStatus"]["Status"], status["InstanceStatus"]["Status"]))

    def test_filters(self):
        a, b = self.launch(2)
        self.stop(b)
        every = {"IncludeAllInstances": True}
        for wanted, expected in ((filters(instance_state_name="stopped"), [b]), (filters(instance_state_code="16"), [a]),
                                 (filters(availability_zone="us-east-1?"), sorted([a, b])), (filters(availability_zone="x"), []),
                                 ([{"Name": "instance-status.status", "Values": ["ok"]}], [a]),
                                 ([{"Name": "system-status.reachability", "Values": ["passed"]}], [a]),
                                 ([{"Name": "event.code", "Values": ["*"]}], [])):
            with self.subTest(wanted):
                self.assertEqual(expected, self.ids(Filters=wanted, **every))
        self.assert_code("InvalidParameterValue", self.ec2.describe_instance_status, "nonsense", Filters=filters(nonsense="x"))

    def test_tag_filters(self):
        a, = self.launch(TagSpecifications=[tag_specification("instance", Name="x")])
        self.launch()
        self.assertEqual([a], self.ids(Filters=[{"Name": "tag:Name", "Values": ["x"]}]))

    def test_paging(self):
        ids = self.launch(12)
        pages = list(self.ec2.get_paginator("describe_instance_status").paginate(PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 5, 2], [len(p["InstanceStatuses"]) for p in pages])
        self.assertCountEqual(ids, [s["InstanceId"] for p in pages for s in p["InstanceStatuses"]])

    def test_bad_requests(self):
        status = self.ec2.describe_instance_status
        a, = self.launch(1, None)
        self.assert_code("InvalidInstanceID.NotFound", status, InstanceIds=[UNKNOWN])
        self.assert_code("InvalidInstanceID.Malformed", status, InstanceIds=["x"])
        self.assert_code("InvalidParameterValue", status, "MaxResults", MaxResults=4)
        self.assert_code("InvalidParameterValue", status, "MaxResults", MaxResults=1001)
        self.assert_code("InvalidParameterCombination", status, InstanceIds=[a], MaxResults=5)
        self.assert_code(("InvalidNextToken", "InvalidParameterValue"), status, NextToken="rubbish")
        stranger = self.lodge.client(self.lodge.new_account())
        self.assert_code("InvalidInstanceID.NotFound", stranger.describe_instance_status, InstanceIds=[a])
        self.assertEqual([], stranger.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"])


class Console(WireTest):
    def test_running_guest(self):
        a, b = self.launch(2)
        before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=60)
        for latest in ({}, {"Latest": True}, {"Latest": False}):
            reply = self.ec2.get_console_output(InstanceId=a, **latest)  # boto3 takes the base64 off
            self.assertEqual(a, reply["InstanceId"])
            self.assertIn(f"instance-id {a}", reply["Output"])
            self.assertNotIn(b, reply["Output"])
            self.assertGreater(reply["Timestamp"], before)

    def test_wire_form_is_base64(self):
        a, = self.launch()
        reply = call(self.lodge, self.account, "GetConsoleOutput", {"InstanceId": a})
        self.assertIn("Linux version", base64.b64decode(reply.values("output")[0], validate=True).decode())

    def test_output_outlives_stop_and_terminate(self):
        a, = self.launch()
        for action, state in ((self.ec2.stop_instances, "stopped"), (self.ec2.terminate_instances, "terminated")):
            action(InstanceIds=[a])
            self.reach(state, [a])
            self.assertIn("powering off", self.ec2.get_console_output(InstanceId=a).get("Output", ""))

    def test_bad_requests(self):
        console = self.ec2.get_console_output
        self.assert_code("InvalidInstanceID.NotFound", console, UNKNOWN, InstanceId=UNKNOWN)
        self.assert_code("InvalidInstanceID.Malformed", console, "x", InstanceId="x")
        self.assert_code("InvalidInstanceID.Malformed", console, InstanceId="")
        reply = call(self.lodge, self.account, "GetConsoleOutput")
        self.assertEqual("MissingParameter", reply.code)
        a, = self.launch()
        self.assert_code("InvalidInstanceID.NotFound", self.lodge.client(self.lodge.new_account()).get_console_output, InstanceId=a)


class EarlyConsole(WireTest):
    settings = {"boot_ms": 1500}

    def test_filters_see_the_reason_that_is_shown(self):
        a, = self.launch(1, None)
        for name in ("state-reason-code", "state-reason-message"):
            found = self.ec2.describe_instances(Filters=[{"Name": name, "Values": ["pending"]}, {"Name": "instance-id", "Values": [a]}])
            self.assertEqual([{"Code": "pending", "Message": "pending"}],
                             [i["StateReason"] for r in found["Reservations"] for i in r["Instances"]])

    def test_pending_answers_with_what_there_is(self):
        a, = self.launch(1, None)
        reply = self.ec2.get_console_output(InstanceId=a)
        self.assertEqual(a, reply["InstanceId"])
        self.assertIn("Timestamp", reply)


if __name__ == "__main__":
    unittest.main()
