"""An instance's whole life, by Debian's clients, with real guests."""

import os

from case import BOOT_S, CloudTest
from guests import process_status
from programs import eventually

TYPES = {"t3.nano": (2, 512), "t3.medium": (2, 4096)}  # vCPUs, MiB
TWO_CPUS = {"CoreCount": 1, "ThreadsPerCore": 2}


class LaunchTest(CloudTest):
    def test_two_guests_boot_know_themselves_and_are_confined(self):
        ids = self.launch_ready(count=2, CpuOptions=TWO_CPUS)
        for launch_index, each in enumerate(ids):
            with self.subTest(launch_index=launch_index):
                self.check_console(each, *TYPES["t3.nano"])
                self.check_domain(each)
                self.check_confinement(each)
        self.assertEqual(sorted(self.cloud.domains()), sorted(ids))

    def test_guest_has_the_cpus_and_memory_of_its_type(self):
        (each,) = self.launch_ready(InstanceType="t3.medium", CpuOptions=TWO_CPUS)
        self.check_console(each, *TYPES["t3.medium"])

    def test_console_output_is_the_last_64_kib(self):
        (each,) = self.launch_ready()
        self.type_on(each, "seq 20000; echo $((40+2))-is-last\n", lambda: "42-is-last" in self.console(each), 60)
        output = self.ec2.get_console_output(InstanceId=each, Latest=True)["Output"]
        self.assertEqual(len(output.encode()), 65536)
        self.assertNotIn("kernel up", output)

    def test_debians_aws_runs_waits_reads_the_console_and_terminates(self):
        each = self.cloud.aws("run-instances", "--image-id", self.cloud.image_id, "--instance-type", "t3.nano",
                              "--count", "1", "--query", "Instances[0].InstanceId", "--output", "text").strip()
        self.wait_state(each, "running")  # the waiter alone looks every 15 s
        self.cloud.aws("wait", "instance-running", "--instance-ids", each)
        self.wait_console(each, "lodge-tiny: ready")
        output = self.cloud.aws("get-console-output", "--instance-id", each, "--latest", "--output", "text")
        self.assertIn(f"lodge-tiny: instance-id {each}", output)
        self.cloud.aws("terminate-instances", "--instance-ids", each)
        self.wait_state(each, "terminated")
        self.cloud.aws("wait", "instance-terminated", "--instance-ids", each)

    def check_console(self, instance_id, vcpus, memory_mib):
        text = self.console(instance_id)
        self.assertIn("Linux version", text)
        self.assertIn("lodge-tiny: kernel up", text)
        self.assertIn(f"lodge-tiny: instance-id {instance_id}\n", text)
        self.assertIn("lodge-tiny: system uuid ec2", text)
        self.assertIn("lodge-tiny: boot 1 of this disk", text)
        words = next(line for line in text.splitlines() if line.startswith("lodge-tiny: vcpus")).split()
        self.assertEqual(int(words[2]), vcpus)
        # The kernel keeps some of it for itself, and the ramdisk lies in it.
        self.assertLessEqual(int(words[4]), memory_mib)
        self.assertGreater(int(words[4]), memory_mib * 0.8)

    def check_domain(self, instance_id):
        xml = self.libvirt.xml(self.domain(instance_id))
        self.assertRegex(xml.findtext("uuid"), "^ec2")
        self.assertEqual(xml.findtext("uuid"), xml.find("sysinfo/system/entry[@name='serial']").text)
        (mapping,) = self.describe(instance_id)["BlockDeviceMappings"]
        serial = xml.findtext("devices/disk/serial")
        self.assertEqual(serial, mapping["Ebs"]["VolumeId"].replace("-", ""))
        self.assertIn(f"root disk /dev/vda {serial}", self.console(instance_id))

    def check_confinement(self, instance_id):
        status = process_status(self.qemu_pid(instance_id))
        self.assertNotIn("0", status["Uid"].split(), "QEMU has root's rights")
        self.assertEqual(status["Seccomp"], "2", "QEMU's sandbox is off")
        self.assertEqual(int(status["CapEff"], 16), 0, "QEMU has capabilities")


class LifeTest(CloudTest):
    def test_stop_start_reboot_terminate(self):
        (self.instance,) = self.launch_ready()
        self.disk = f"{self.describe(self.instance)['BlockDeviceMappings'][0]['Ebs']['VolumeId']}.qcow2"
        for step in (self.stop, self.start, self.reboot, self.finish):
            with self.subTest(step=step.__name__):
                step()

    def stop(self):
        answer = self.ec2.stop_instances(InstanceIds=[self.instance])["StoppingInstances"][0]
        self.assertEqual((answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]), ("running", "stopping"))
        self.wait_state(self.instance, "stopped")
        self.assertIn("lodge-tiny: powering off", self.console(self.instance))
        self.assertEqual(self.reason(self.instance)[0], "Client.UserInitiatedShutdown")
        self.assertIsNone(self.domain(self.instance))
        self.assertEqual(self.cloud.disks(), [self.disk])

    def start(self):
        answer = self.ec2.start_instances(InstanceIds=[self.instance])["StartingInstances"][0]
        self.assertEqual((answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]), ("stopped", "pending"))
        self.wait_state(self.instance, "running")
        self.wait_console(self.instance, "lodge-tiny: boot 2 of this disk")
        self.wait_console(self.instance, "lodge-tiny: ready", times=2)
        self.assertEqual(self.cloud.disks(), [self.disk])
        self.assertEqual(self.reason(self.instance), ("", ""))

    def reboot(self):
        name, pid = self.domain(self.instance), self.qemu_pid(self.instance)
        self.ec2.reboot_instances(InstanceIds=[self.instance])
        self.wait_console(self.instance, "lodge-tiny: boot 3 of this disk", seconds=BOOT_S)
        self.assertEqual(self.console(self.instance).count("lodge-tiny: powering off"), 2)  # asked by the power button
        self.assertEqual((self.domain(self.instance), self.qemu_pid(self.instance)), (name, pid))
        self.stays(self.instance, "running")
        self.wait_console(self.instance, "lodge-tiny: ready", times=3)

    def finish(self):
        name = self.domain(self.instance)
        self.ec2.terminate_instances(InstanceIds=[self.instance])
        self.wait_state(self.instance, "terminated")
        self.assertNotIn(name, self.libvirt.names())
        self.assertEqual(self.cloud.disks(), [])
        self.assertEqual(os.listdir(f"{self.cloud.agent_dir}/consoles"), [])
        self.assertTrue(os.path.exists(self.cloud.cached_file(self.cloud.sha256_of(self.cloud.image_id))))
        instance = self.describe(self.instance)
        self.assertEqual(instance["StateReason"]["Code"], "Client.UserInitiatedShutdown")
        self.assertEqual(instance["BlockDeviceMappings"], [])
        self.assertIn("lodge-tiny: powering off", self.console(self.instance))  # its last words outlive it


class FirstBootTest(CloudTest):
    def test_names_with_markup_reach_no_domain(self):
        hostile = "]]><x a='1'>&amp;\"\\&#10;</domain>"
        script = f"#!/bin/sh\necho '{hostile}'\n"
        tags = [{"Key": "Name", "Value": hostile}, {"Key": hostile[:60], "Value": "<!--"}]
        (each,) = self.launch_ready(UserData=script, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
        text = self.libvirt.virsh("dumpxml", self.domain(each))
        self.assertNotIn("]]", text)
        self.assertNotIn("&#10;", text)
        by_key = lambda tag: tag["Key"]  # noqa: E731
        self.assertEqual(sorted(self.describe(each)["Tags"], key=by_key), sorted(tags, key=by_key))

    def test_markup_on_the_kernels_command_line_is_escaped(self):
        image = self.cloud.import_tiny("tiny-hostile", more_cmdline=" hostile=]]><x>&'amp;</cmdline>")
        (each,) = self.launch_ready(ImageId=image)
        self.assertIn("hostile=]]><x>&'amp;</cmdline>", self.console(each))  # the kernel prints its command line

    def test_every_state_on_the_way_is_one_of_ec2s_and_none_comes_back(self):
        seen = []
        (each,) = self.launch()

        def look(until):
            state = self.state(each)
            if not seen or seen[-1] != state:
                seen.append(state)
            return state == until

        eventually(BOOT_S, lambda: look("running"), lambda: str(seen), 0.02)
        self.wait_console(each, "lodge-tiny: ready")
        self.ec2.terminate_instances(InstanceIds=[each])
        eventually(60, lambda: look("terminated"), lambda: str(seen), 0.02)
        self.assertEqual(seen, ["pending", "running", "shutting-down", "terminated"])
