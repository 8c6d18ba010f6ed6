"""Start, stop, reboot, terminate: states before and after, no-ops, wrong states, protection, waiters."""
import unittest

from botocore.exceptions import WaiterError

from harness import IMAGE, WireTest, filters, instances_of, tag_specification, tags

QUICK = {"Delay": 0.05, "MaxAttempts": 200}
UNKNOWN = "i-0123456789abcdef0"


class StateTest(WireTest):
    def change(self, action, ids, **parameters):
        """{id: (previous, current)} as the reply tells it."""
        reply = getattr(self.ec2, action)(InstanceIds=ids, **parameters)
        changes = next(value for name, value in reply.items() if name.endswith("Instances"))
        self.assertCountEqual(set(ids), [c["InstanceId"] for c in changes])
        return {c["InstanceId"]: (c["PreviousState"]["Name"], c["CurrentState"]["Name"]) for c in changes}

    def stopped(self, count=1, **parameters):
        ids = self.launch(count, **parameters)
        self.ec2.stop_instances(InstanceIds=ids)
        self.reach("stopped", ids)
        return ids

    def wait(self, name, ids, config=QUICK):
        self.ec2.get_waiter(name).wait(InstanceIds=ids, WaiterConfig=config)


class States(StateTest):
    def test_a_whole_life(self):
        a, b = ids = self.launch(2)
        self.assertEqual({a: ("running", "stopping"), b: ("running", "stopping")}, self.change("stop_instances", ids))
        self.reach("stopped", ids)
        self.assertEqual({a: ("stopped", "pending"), b: ("stopped", "pending")}, self.change("start_instances", ids))
        self.reach("running", ids)
        self.assertEqual({a: ("running", "shutting-down")}, self.change("terminate_instances", [a]))
        self.reach("terminated", [a])
        self.assertEqual("running", self.describe(b)["State"]["Name"])

    def test_codes(self):
        a, = self.launch()
        reply = self.ec2.stop_instances(InstanceIds=[a])["StoppingInstances"][0]
        self.assertEqual(({"Code": 16, "Name": "running"}, {"Code": 64, "Name": "stopping"}),
                         (reply["PreviousState"], reply["CurrentState"]))
        self.reach("stopped", [a])
        self.assertEqual(80, self.describe(a)["State"]["Code"])
        self.ec2.terminate_instances(InstanceIds=[a])
        self.reach("terminated", [a])
        self.assertEqual(48, self.describe(a)["State"]["Code"])

    def test_no_ops_on_the_target_state(self):
        running, stopped = self.launch()[0], self.stopped()[0]
        self.assertEqual({running: ("running", "running")}, self.change("start_instances", [running]))
        self.assertEqual({stopped: ("stopped", "stopped")}, self.change("stop_instances", [stopped]))
        self.assertEqual({stopped: ("stopped", "stopped")}, self.change("stop_instances", [stopped], Force=True))
        self.assertEqual({running: "running", stopped: "stopped"}, self.states([running, stopped]))

    def test_mixed_states_in_one_call(self):
        running, stopped = self.launch()[0], self.stopped()[0]
        self.assertEqual({running: ("running", "running"), stopped: ("stopped", "pending")},
                         self.change("start_instances", [running, stopped]))

    def test_the_same_id_twice(self):
        a, = self.launch()
        self.assertEqual({a: ("running", "stopping")}, self.change("stop_instances", [a, a]))

    def test_nothing_comes_back_from_the_dead(self):
        a, = self.launch()
        self.change("terminate_instances", [a])
        self.reach("terminated", [a])
        for action in ("start_instances", "stop_instances", "reboot_instances"):
            self.assert_code("IncorrectInstanceState", getattr(self.ec2, action), a, InstanceIds=[a])
        self.assertEqual({a: ("terminated", "terminated")}, self.change("terminate_instances", [a]))

    def test_wrong_states(self):
        stopped, = self.stopped()
        self.assert_code("IncorrectInstanceState", self.ec2.reboot_instances, stopped, InstanceIds=[stopped])

    def test_one_bad_instance_and_nothing_changes(self):
        running, dead = self.launch(2)
        self.change("terminate_instances", [dead])
        self.reach("terminated", [dead])
        for action in ("stop_instances", "reboot_instances"):
            self.assert_code("IncorrectInstanceState", getattr(self.ec2, action), InstanceIds=[running, dead])
            self.assert_code("InvalidInstanceID.NotFound", getattr(self.ec2, action), InstanceIds=[running, UNKNOWN])
        self.assert_code("InvalidInstanceID.NotFound", self.ec2.terminate_instances, InstanceIds=[running, UNKNOWN])
        self.assertEqual("running", self.describe(running)["State"]["Name"])

    def test_bad_ids(self):
        for action in ("start_instances", "stop_instances", "reboot_instances", "terminate_instances"):
            call = getattr(self.ec2, action)
            self.assert_code("InvalidInstanceID.NotFound", call, UNKNOWN, InstanceIds=[UNKNOWN])
            self.assert_code("InvalidInstanceID.Malformed", call, "i-1", InstanceIds=["i-1"])
            self.assert_code("MissingParameter", call, "InstanceId", InstanceIds=[])

    def test_reboot_keeps_it_running(self):
        a, = self.launch()
        before = self.describe(a)
        self.assertEqual(200, self.ec2.reboot_instances(InstanceIds=[a])["ResponseMetadata"]["HTTPStatusCode"])
        self.eventually(lambda: "rebooting" in self.ec2.get_console_output(InstanceId=a, Latest=True).get("Output", ""))
        after = self.describe(a)
        self.assertEqual(("running", before["LaunchTime"]), (after["State"]["Name"], after["LaunchTime"]))

    def test_stop_by_force(self):
        a, b, c = self.launch(3)
        self.assertEqual({a: ("running", "stopping")}, self.change("stop_instances", [a], Force=True))
        self.assertEqual({b: ("running", "stopping")}, self.change("stop_instances", [b], Force=False, Hibernate=False))
        self.reach("stopped", [a, b])
        self.assert_code("UnsupportedOperation", self.ec2.stop_instances, "Hibernate", InstanceIds=[c], Hibernate=True)
        self.assertEqual("running", self.describe(c)["State"]["Name"])

    def test_terminate_stopped(self):
        a, = self.stopped()
        self.assertEqual("stopped", self.change("terminate_instances", [a])[a][0])
        self.reach("terminated", [a])

    def test_reasons(self):
        a, = self.launch()
        self.assertEqual("", self.describe(a)["StateTransitionReason"])
        self.assertNotIn("StateReason", self.describe(a))
        for action, state in (("stop_instances", "stopped"), ("terminate_instances", "terminated")):
            self.change(action, [a])
            self.reach(state, [a])
            instance = self.describe(a)
            self.assertEqual({"Code": "Client.UserInitiatedShutdown",
                              "Message": "Client.UserInitiatedShutdown: User initiated shutdown"}, instance["StateReason"])
            self.assertRegex(instance["StateTransitionReason"], r"^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$")

    def test_start_is_a_new_launch_time_and_forgets_reasons(self):
        a, = self.stopped()
        before = self.describe(a)
        self.change("start_instances", [a])
        self.reach("running", [a])
        after = self.describe(a)
        self.assertGreater(after["LaunchTime"], before["LaunchTime"])
        self.assertEqual(("", None), (after["StateTransitionReason"], after.get("StateReason")))
        self.assertEqual(before["BlockDeviceMappings"], after["BlockDeviceMappings"])
        self.assertEqual(before["UsageOperationUpdateTime"], after["UsageOperationUpdateTime"])

    def test_terminated_stays_visible_without_address_or_disk(self):
        a, = self.launch(TagSpecifications=[tag_specification("instance", Name="gone")])
        self.change("terminate_instances", [a])
        self.reach("terminated", [a])
        shown = self.describe(a)
        self.assertEqual(([], tags(Name="gone")), (shown["BlockDeviceMappings"], shown["Tags"]))
        for name in ("PrivateIpAddress", "PublicIpAddress", "VpcId", "SubnetId"):
            self.assertNotIn(name, shown)
        self.assertEqual([a], [i["InstanceId"] for i in instances_of(self.ec2.describe_instances())])
        self.assertEqual(1, len(instances_of(self.ec2.describe_instances(Filters=filters(instance_state_name="terminated")))))

    def test_protection_from_termination(self):
        safe, plain = self.launch(DisableApiTermination=True)[0], self.launch()[0]
        self.assert_code("OperationNotPermitted", self.ec2.terminate_instances, safe, "disableApiTermination", InstanceIds=[safe])
        self.assert_code("OperationNotPermitted", self.ec2.terminate_instances, InstanceIds=[plain, safe])
        self.assertEqual({safe: "running", plain: "running"}, self.states([safe, plain]))
        self.change("stop_instances", [safe])
        self.reach("stopped", [safe])
        self.assert_code("OperationNotPermitted", self.ec2.terminate_instances, InstanceIds=[safe])

    def test_protection_from_stop(self):
        safe, plain = self.launch(DisableApiStop=True)[0], self.launch()[0]
        self.assert_code("OperationNotPermitted", self.ec2.stop_instances, safe, "disableApiStop", InstanceIds=[plain, safe])
        self.assert_code("OperationNotPermitted", self.ec2.stop_instances, InstanceIds=[safe], Force=True)
        self.assertEqual({safe: "running", plain: "running"}, self.states([safe, plain]))
        self.ec2.reboot_instances(InstanceIds=[safe])
        self.change("terminate_instances", [safe])
        self.reach("terminated", [safe])

    def test_waiters(self):
        ids = self.launch(3, None)
        for waiter in ("instance_exists", "instance_running", "instance_status_ok", "system_status_ok"):
            self.wait(waiter, ids)
        self.ec2.stop_instances(InstanceIds=ids)
        self.wait("instance_stopped", ids)
        self.ec2.terminate_instances(InstanceIds=ids)
        self.wait("instance_terminated", ids)

    def test_waiters_that_fail(self):
        a, = self.launch()
        self.change("terminate_instances", [a])
        self.reach("terminated", [a])
        for waiter in ("instance_running", "instance_stopped"):
            with self.assertRaisesRegex(WaiterError, "terminal failure"):
                self.wait(waiter, [a])
        with self.assertRaisesRegex(WaiterError, "Max attempts"):
            self.wait("instance_exists", [UNKNOWN], {"Delay": 0.01, "MaxAttempts": 2})


class SlowBoot(StateTest):
    """Guests that take 1.5 s to boot: what may be done to a pending instance."""
    settings = {"boot_ms": 1500}

    def test_pending_is_seen_and_ends(self):
        a, = self.launch(1, None)
        self.assertEqual("pending", self.describe(a)["State"]["Name"])
        self.assertEqual([a], [i["InstanceId"] for i in instances_of(
            self.ec2.describe_instances(Filters=filters(instance_state_name="pending")))])
        self.ec2.get_waiter("instance_running").wait(InstanceIds=[a], WaiterConfig=QUICK)

    def test_pending_instance(self):
        a, b = self.launch(2, None)
        self.assertEqual({a: ("pending", "pending")}, self.change("start_instances", [a]))
        self.assert_code("IncorrectInstanceState", self.ec2.stop_instances, a, InstanceIds=[a])
        self.assert_code("IncorrectInstanceState", self.ec2.reboot_instances, a, InstanceIds=[a])
        with self.assertRaisesRegex(WaiterError, "terminal failure"):
            self.wait("instance_stopped", [a])
        with self.assertRaisesRegex(WaiterError, "terminal failure"):
            self.wait("instance_terminated", [a])
        self.assertEqual({b: ("pending", "shutting-down")}, self.change("terminate_instances", [b]))
        self.reach("terminated", [b], seconds=5)
        self.reach("running", [a])

    def test_states_never_go_back(self):
        a, = self.launch(1, None)
        seen = []
        while not seen or seen[-1] != "running":
            seen.append(self.describe(a)["State"]["Name"])
        self.assertEqual(["pending"] * (len(seen) - 1), seen[:-1])
        self.assertGreater(len(seen), 2)

    def test_start_again_boots_again(self):
        a, = self.stopped()
        self.change("start_instances", [a])
        self.assertEqual("pending", self.describe(a)["State"]["Name"])
        self.reach("running", [a])


class Draining(StateTest):
    settings = {"hosts": 1}

    def test_a_stopped_instance_comes_back_to_its_disk(self):
        ids = self.stopped()
        host = self.lodge.admin("GET", "/v1/hosts")[1]["hosts"][0]["id"]
        self.assertEqual("draining", self.lodge.admin("POST", f"/v1/hosts/{host}/drain", {"draining": True})[1]["condition"])
        self.assert_code("InsufficientInstanceCapacity", self.ec2.run_instances, "draining", ImageId=IMAGE, MinCount=1, MaxCount=1)
        self.ec2.start_instances(InstanceIds=ids)
        self.reach("running", ids)


if __name__ == "__main__":
    unittest.main()
