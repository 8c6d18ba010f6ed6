"""Lodge's programs killed and started again under running guests and in the middle of launches."""

import random
import threading
import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from case import BOOT_S, LIVE, CloudTest
from programs import eventually


class AgentTest(CloudTest):
    def test_guests_outlive_the_agent_and_are_still_managed(self):
        both = self.launch_ready(count=2)
        pids = [self.qemu_pid(each) for each in both]
        self.cloud.agent.kill()
        self.stays(both[0], "running")
        self.cloud.start_agent()
        self.assertEqual(self.cloud.agent.stop(), 0)  # and the polite way
        self.cloud.start_agent()
        self.assertEqual([self.qemu_pid(each) for each in both], pids)
        for each in both:
            self.stays(each, "running")
            self.assertEqual(self.console(each).count("lodge-tiny: kernel up"), 1)
        self.ec2.stop_instances(InstanceIds=both)
        for each in both:
            self.wait_state(each, "stopped")
            self.assertIn("lodge-tiny: powering off", self.console(each))

    def test_what_happens_while_the_agent_is_away_is_told_later(self):
        three = self.launch_ready(count=3)
        self.cloud.agent.kill()
        self.type_on_raw(three[0], "poweroff\n")
        self.ec2.terminate_instances(InstanceIds=[three[1]])
        self.ec2.stop_instances(InstanceIds=[three[2]])
        eventually(30, lambda: self.libvirt.state(self.domain(three[0])) == "shut off", "the guest is off")
        self.stays(three[1], "shutting-down")
        self.stays(three[2], "stopping")
        self.cloud.agent.start()
        self.wait_state(three[0], "stopped")
        self.assertEqual(self.reason(three[0])[0], "Client.InstanceInitiatedShutdown")
        self.wait_state(three[1], "terminated")
        self.wait_state(three[2], "stopped")

    def type_on_raw(self, instance_id, text):
        """As type_on(), while nobody passes the console on."""
        name = self.domain(instance_id)
        with self.libvirt.keyboard(name) as keyboard:
            keyboard(text)
            eventually(30, lambda: self.libvirt.state(name) == "shut off", f"{text!r} typed ends {name}")

    def test_host_whose_agent_is_away_takes_no_launch(self):
        (each,) = self.launch_ready()
        self.cloud.agent.kill()
        eventually(30, lambda: "unreachable" in self.cloud.explain(), self.cloud.logs)
        self.assertEqual(self.cloud.lodge_json("host", "list")["hosts"][0]["condition"], "unreachable")
        with self.refused("InsufficientInstanceCapacity", "unreachable"):
            self.launch()
        self.stays(each, "running")
        self.assertIn("lodge-tiny: ready", self.console(each))  # what came last
        self.cloud.start_agent()

    def test_quick_restart_of_the_agent_leaves_the_host_schedulable(self):
        self.cloud.agent.kill()
        self.cloud.agent.start()
        until = time.monotonic() + 3  # some heartbeats
        while time.monotonic() < until:
            self.assertIn("can be placed", self.cloud.explain())

    def test_agent_killed_during_launches_ends_well(self):
        dice = random.Random(20261123)
        ids = []
        for _ in range(4):
            ids += self.launch(count=2)
            time.sleep(dice.uniform(0, 0.6))
            self.cloud.agent.kill()
            self.cloud.agent.start()
        for each in ids:
            self.wait_state(each, "running", BOOT_S)
        self.assertEqual(sorted(self.cloud.domains()), sorted(ids))
        self.assertEqual(len(self.cloud.disks()), len(ids))
        for each in ids:
            self.wait_console(each, "lodge-tiny: ready")
            self.assertIn("lodge-tiny: boot 1 of this disk", self.console(each))
        self.cloud.wait_schedulable()


class ControlPlaneTest(CloudTest):
    CLIENTS, LAUNCHES, KILLS = 5, 3, 4

    def test_lodged_killed_during_launches_loses_and_doubles_nothing(self):
        tokens = [[str(uuid.uuid4()) for _ in range(self.LAUNCHES)] for _ in range(self.CLIENTS)]
        acknowledged, problems = {}, []
        clients = [threading.Thread(target=self.launch_all, args=(mine, acknowledged, problems)) for mine in tokens]
        for each in clients:
            each.start()
        dice = random.Random(20261123)
        for _ in range(self.KILLS):
            time.sleep(dice.uniform(0.02, 0.4))
            self.cloud.lodged.kill()
            self.cloud.start_lodged()
        for each in clients:
            each.join()
        self.assertEqual(problems, [])
        self.assertEqual(len(acknowledged), self.CLIENTS * self.LAUNCHES)
        self.check_nothing_lost_or_doubled(acknowledged)

    def launch_all(self, tokens, acknowledged, problems):
        """Each launch again with the same ClientToken until it is acknowledged."""
        ec2 = self.cloud.client(attempts=1)
        for token in tokens:
            for _ in range(200):
                try:
                    made = ec2.run_instances(ImageId=self.cloud.image_id, InstanceType="t3.nano", MinCount=1,
                                             MaxCount=1, ClientToken=token)
                    acknowledged[token] = made["Instances"][0]["InstanceId"]
                    break
                except (BotoCoreError, ClientError) as error:
                    self.judge(error, problems)
                    time.sleep(0.05)

    @staticmethod
    def judge(error, problems):
        """A host of a lodged that has only just started has not been heard yet; anything else that is said is wrong."""
        if isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
            if "unreachable" not in str(error):
                problems.append(str(error))

    def check_nothing_lost_or_doubled(self, acknowledged):
        instances = {instance["ClientToken"]: instance["InstanceId"] for instance in self.instances(LIVE)}
        self.assertEqual(len(self.instances(LIVE)), len(instances), "two instances of one token")
        self.assertEqual(instances, acknowledged)
        for each in acknowledged.values():
            self.wait_state(each, "running", BOOT_S)
        self.assertEqual(sorted(self.cloud.domains()), sorted(acknowledged.values()))
        self.assertEqual(len(self.cloud.disks()), len(acknowledged))

    def test_guests_outlive_lodged_and_are_still_managed(self):
        (each,) = self.launch_ready()
        pid = self.qemu_pid(each)
        asked = time.monotonic()
        self.assertEqual(self.cloud.lodged.stop(), 0)
        self.assertLess(time.monotonic() - asked, 4, "lodged waits for somebody until its patience ends")
        self.cloud.start_lodged()
        self.cloud.wait_schedulable()
        self.stays(each, "running")
        self.assertEqual(self.qemu_pid(each), pid)
        self.assertIn("lodge-tiny: ready", self.console(each))
        self.ec2.stop_instances(InstanceIds=[each])
        self.cloud.lodged.kill()
        self.cloud.start_lodged()
        self.wait_state(each, "stopped")

    def test_poweroff_while_lodged_is_away_is_told_later(self):
        (each,) = self.launch_ready()
        name = self.domain(each)
        self.cloud.lodged.kill()
        with self.libvirt.keyboard(name) as keyboard:
            keyboard("poweroff\n")
            eventually(30, lambda: self.libvirt.state(name) == "shut off", "the guest is off")
        self.cloud.start_lodged()
        self.wait_state(each, "stopped")
        self.assertEqual(self.reason(each)[0], "Client.InstanceInitiatedShutdown")
        self.assertIn("lodge-tiny: powering off", self.console(each))
