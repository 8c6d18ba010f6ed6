"""Guests that end by themselves, by other hands, or not at all when they are asked."""

import os
import signal
import time

from case import CloudTest

STOP_S = 8


class FromInsideTest(CloudTest):
    def test_poweroff_typed_inside_stops_the_instance(self):
        (each,) = self.launch_ready()
        self.type_on(each, "poweroff\n", lambda: self.state(each) == "stopped")
        self.assertEqual(self.reason(each)[0], "Client.InstanceInitiatedShutdown")
        self.assertIn("lodge-tiny: powering off", self.console(each))
        self.assertIsNone(self.domain(each))
        self.assertEqual(len(self.cloud.disks()), 1)
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: boot 2 of this disk")
        self.wait_state(each, "running")

    def test_poweroff_typed_inside_terminates_an_instance_that_wants_it_so(self):
        (each,) = self.launch_ready(InstanceInitiatedShutdownBehavior="terminate")
        self.type_on(each, "poweroff\n", lambda: self.state(each) == "terminated")
        self.assertEqual(self.reason(each)[0], "Client.InstanceInitiatedShutdown")
        self.assertEqual(self.cloud.disks(), [])

    def test_reboot_typed_inside_is_no_end(self):
        (each,) = self.launch_ready()
        pid = self.qemu_pid(each)
        self.type_on(each, "reboot\n", lambda: "lodge-tiny: boot 2 of this disk" in self.console(each), seconds=90)
        self.stays(each, "running")
        self.assertEqual(self.qemu_pid(each), pid)


class DeafGuestTest(CloudTest):
    agent_options = {"--stop-timeout-ms": STOP_S * 1000, "--terminate-timeout-ms": 3000, "--reboot-timeout-ms": 5000}

    def make_deaf(self, instance_id):
        """Without acpid nobody in the guest hears the power button."""
        self.type_on(instance_id, "kill $(cat /run/acpid.pid) && echo now-$((40+2))-deaf\n",
                     lambda: "now-42-deaf" in self.console(instance_id))

    def test_stop_of_a_deaf_guest_is_forced_after_the_deadline(self):
        (each,) = self.launch_ready()
        self.make_deaf(each)
        asked = time.monotonic()
        self.ec2.stop_instances(InstanceIds=[each])
        self.wait_state(each, "stopped", seconds=STOP_S + 30)
        self.assertGreaterEqual(time.monotonic() - asked, STOP_S - 0.5)
        self.assertNotIn("powering off", self.console(each))
        self.assertEqual(self.reason(each)[0], "Client.UserInitiatedShutdown")
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: boot 2 of this disk")  # the disk has survived the force

    def test_forced_stop_asks_nobody(self):
        (each,) = self.launch_ready()
        asked = time.monotonic()
        self.ec2.stop_instances(InstanceIds=[each], Force=True)
        self.wait_state(each, "stopped")
        self.assertLess(time.monotonic() - asked, STOP_S)

    def test_terminate_and_reboot_of_a_deaf_guest_are_forced_too(self):
        both = self.launch_ready(count=2)
        for each in both:
            self.make_deaf(each)
        self.ec2.reboot_instances(InstanceIds=[both[0]])
        self.terminate(both[1], seconds=40)
        self.wait_console(both[0], "lodge-tiny: boot 2 of this disk")
        self.wait_state(both[0], "running")

    def test_stop_before_the_kernel_listens_ends_well(self):
        (each,) = self.launch()
        self.wait_state(each, "running")
        self.ec2.stop_instances(InstanceIds=[each])
        self.wait_state(each, "stopped", seconds=STOP_S + 30)
        self.assertIsNone(self.domain(each))
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: ready")

    def test_terminate_while_pending_ends_well(self):
        ids = self.launch(count=2)
        self.terminate(*ids)
        self.assertEqual(self.cloud.domains(), {})


class OtherHandsTest(CloudTest):
    def test_guest_destroyed_by_hand_is_stopped_with_a_reason(self):
        both = self.launch_ready(count=2)
        self.libvirt.virsh("destroy", self.domain(both[0]))
        self.wait_state(both[0], "stopped", seconds=10)
        code, message = self.reason(both[0])
        self.assertEqual(code, "Server.InternalError")
        self.assertIn("by hand", message)
        os.kill(self.qemu_pid(both[1]), signal.SIGKILL)
        self.wait_state(both[1], "stopped", seconds=10)
        code, message = self.reason(both[1])
        self.assertEqual(code, "Server.InternalError")
        self.assertIn("crashed", message)
        self.ec2.start_instances(InstanceIds=both)
        for each in both:
            self.wait_console(each, "lodge-tiny: boot 2 of this disk")

    def test_guest_destroyed_and_undefined_by_hand_is_stopped_and_starts_again(self):
        (each,) = self.launch_ready()
        self.libvirt.remove(self.domain(each))
        self.wait_state(each, "stopped", seconds=10)
        self.assertTrue(self.reason(each)[1])
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: boot 2 of this disk")

    def test_guest_paused_by_hand_can_be_terminated(self):
        (each,) = self.launch_ready()
        self.libvirt.virsh("suspend", self.domain(each))
        self.stays(each, "running")
        self.terminate(each, seconds=30)

    def test_foreign_domains_are_never_touched(self):
        tag = ("<metadata><lodge:guest xmlns:lodge='https://lodge.invalid/xmlns/guest/1' id='g-0123456789abcdef0' "
               "instance='i-0123456789abcdef0' host='h-0123456789abcdef0'/></metadata>")
        foreign = {"foreign": "", "lodge-g-0fedcba9876543210": "", "lodge-g-0123456789abcdef0": tag}
        for name in foreign:
            self.addCleanup(self.libvirt.remove, name)
        for name, metadata in foreign.items():
            self.define_foreign(name, metadata)
        pids = {name: self.libvirt.qemu_pid(name) for name in foreign}
        self.libvirt.virsh("destroy", "foreign")  # one that is off stays defined
        del pids["foreign"]
        (each,) = self.launch_ready()
        self.cloud.agent.kill()
        self.cloud.start_agent()
        self.ec2.stop_instances(InstanceIds=[each])
        self.wait_state(each, "stopped")
        self.terminate(each)
        self.assertEqual({name: self.libvirt.qemu_pid(name) for name in pids}, pids)
        self.assertEqual({name: self.libvirt.state(name) for name in foreign},
                         {name: "running" if name in pids else "shut off" for name in foreign})
        self.assertNotIn("i-0123456789abcdef0", [instance["InstanceId"] for instance in self.instances()])

    def define_foreign(self, name, metadata):
        self.libvirt.define(
            f"<domain type='qemu'><name>{name}</name>{metadata}<memory unit='MiB'>64</memory><vcpu>1</vcpu>"
            "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices/></domain>")
        self.libvirt.virsh("start", name)
