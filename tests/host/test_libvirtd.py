"""libvirtd away, killed and started again under running guests."""

import signal

from case import CloudTest
from programs import eventually


class LibvirtdTest(CloudTest):
    def test_guests_outlive_libvirtd_and_are_still_managed(self):
        both = self.launch_ready(count=2)
        pids = [self.qemu_pid(each) for each in both]
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=signal_number):
                self.libvirt.restart(signal_number)
                self.cloud.wait_schedulable()
                self.assertEqual([self.qemu_pid(each) for each in both], pids)
                for each in both:
                    self.stays(each, "running")
        self.ec2.reboot_instances(InstanceIds=[both[0]])
        self.wait_console(both[0], "lodge-tiny: boot 2 of this disk")
        self.ec2.stop_instances(InstanceIds=both)
        for each in both:
            self.wait_state(each, "stopped")

    def test_without_libvirtd_nothing_is_launched_and_guests_are_still_shown(self):
        (each,) = self.launch_ready()
        with self.libvirt.down():
            eventually(30, lambda: "hypervisor" in self.cloud.explain(), self.cloud.logs)
            self.assertEqual(self.cloud.condition(), "hypervisor-down")
            with self.refused("InsufficientInstanceCapacity", "hypervisor"):
                self.launch()
            self.stays(each, "running")
            self.assertIn("lodge-tiny: ready", self.console(each))
            self.ec2.stop_instances(InstanceIds=[each])
            self.stays(each, "stopping")
        self.cloud.wait_schedulable()
        self.wait_state(each, "stopped")
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: boot 2 of this disk")

    def test_agent_started_without_libvirtd_serves_once_there_is_one(self):
        (each,) = self.launch_ready()
        self.cloud.agent.kill()
        with self.libvirt.down():
            self.cloud.agent.start()
            eventually(30, lambda: self.cloud.condition() == "hypervisor-down", self.cloud.logs)
            self.stays(each, "running")
        self.cloud.wait_schedulable()
        self.launch_ready()
        self.stays(each, "running")
