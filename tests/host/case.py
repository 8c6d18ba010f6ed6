"""Base of the tests: a cloud for each class, launches that are taken back after each test, waits with good messages."""

import contextlib
import re
import unittest
import uuid

from botocore.exceptions import ClientError

from cloud import Cloud
from programs import eventually

BOOT_S = 180  # an emulated boot takes 3 s, on a machine that does nothing else
ONE_CPU = {"CoreCount": 1, "ThreadsPerCore": 1}  # boots a quarter cheaper than with two
LIVE = ["pending", "running", "stopping", "stopped", "shutting-down"]


def clean(text):
    """Console output without what the shell asks of its terminal."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "")


class CloudTest(unittest.TestCase):
    lodged_options = {}
    agent_options = {}
    with_network = False  # True in modules that suite.py runs enclosed: test_network*.py

    @classmethod
    def setUpClass(cls):
        cls.cloud = Cloud(cls.lodged_options, cls.agent_options, cls.with_network).open()
        cls.ec2 = cls.cloud.client()
        cls.libvirt = cls.cloud.libvirt

    @classmethod
    def tearDownClass(cls):
        left = cls.cloud.close()
        if left:
            raise AssertionError(f"left behind: {', '.join(left)}")

    def tearDown(self):
        """Every test gives the machine back: terminating works from every state."""
        if not self.cloud.lodged.running():
            self.cloud.start_lodged()
        if not self.cloud.agent.running():
            self.cloud.start_agent()
        ids = [instance["InstanceId"] for instance in self.instances(LIVE)]
        if ids:
            self.terminate(*ids)
        self.assertEqual(self.cloud.domains(), {})
        self.assertEqual(self.cloud.disks(), [])
        self.assertEqual(self.cloud.variables(), [])

    # --- Instances ----------------------------------------------------------------------------------------------

    def launch(self, count=1, **more):
        """RunInstances of a small t3.nano from the tiny image; IDs."""
        parameters = {"ImageId": self.cloud.image_id, "InstanceType": "t3.nano", "CpuOptions": ONE_CPU, **more}
        made = self.ec2.run_instances(MinCount=count, MaxCount=count, ClientToken=str(uuid.uuid4()), **parameters)
        return [instance["InstanceId"] for instance in made["Instances"]]

    def launch_ready(self, count=1, **more):
        """As launch(); the guests are up and listen to their power button."""
        ids = self.launch(count, **more)
        for each in ids:
            self.wait_state(each, "running")
            self.wait_console(each, "lodge-tiny: ready")
        return ids

    def terminate(self, *ids, seconds=90):
        self.ec2.terminate_instances(InstanceIds=list(ids))
        for each in ids:
            self.wait_state(each, "terminated", seconds)

    def instances(self, states=None):
        filters = [{"Name": "instance-state-name", "Values": states}] if states else []
        reservations = self.ec2.describe_instances(Filters=filters)["Reservations"]
        return [instance for reservation in reservations for instance in reservation["Instances"]]

    def describe(self, instance_id):
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def state(self, instance_id):
        return self.describe(instance_id)["State"]["Name"]

    def reason(self, instance_id):
        """The state reason's code and message."""
        reason = self.describe(instance_id).get("StateReason", {})
        return reason.get("Code", ""), reason.get("Message", "")

    def wait_state(self, instance_id, wanted, seconds=90):
        eventually(seconds, lambda: self.state(instance_id) == wanted, lambda: self.story(instance_id, wanted))

    def stays(self, instance_id, wanted):
        self.assertEqual(self.state(instance_id), wanted, self.story(instance_id, wanted))

    def story(self, instance_id, wanted):
        return (f"{instance_id} is {wanted}; it is {self.state(instance_id)} {self.reason(instance_id)}\n"
                f"{self.cloud.lodge('events', instance_id)}")

    # --- Guests -------------------------------------------------------------------------------------------------

    def console(self, instance_id):
        return clean(self.ec2.get_console_output(InstanceId=instance_id, Latest=True).get("Output", ""))

    def wait_console(self, instance_id, text, times=1, seconds=BOOT_S):
        eventually(seconds, lambda: self.console(instance_id).count(text) >= times,
                   lambda: f"{text!r} {times} times on the console of {instance_id}:\n{self.console(instance_id)}", 0.3)

    def domain(self, instance_id):
        """The name of the instance's domain; None if it has none."""
        return self.cloud.domains().get(instance_id)

    def qemu_pid(self, instance_id):
        return self.libvirt.qemu_pid(self.domain(instance_id))

    def type_on(self, instance_id, text, until, seconds=30):
        """Types on the guest's console and waits for until()."""
        with self.libvirt.keyboard(self.domain(instance_id)) as keyboard:
            keyboard(text)
            eventually(seconds, until, lambda: f"{text!r} typed works; console:\n{self.console(instance_id)}")

    @contextlib.contextmanager
    def refused(self, code, *words):
        """The block fails with this error code, and with these words in its message."""
        with self.assertRaises(ClientError) as caught:
            yield
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], code, error)
        for word in words:
            self.assertIn(word, error["Message"])
