"""Guests that boot by UEFI, from a disk that boots by nothing else; their firmware's variables; hosts without one."""

import os

from case import CloudTest
from cloud import image_facts

TEMPLATE = "/usr/share/OVMF/OVMF_VARS_4M.fd"


class UefiCase(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        facts = image_facts("lodge-tiny-uefi")
        cls.uefi_image = cls.cloud.lodge_json("image", "import", facts["disk"], "--name", facts["name"], "--arch",
                                              facts["architecture"], "--format", facts["format"], "--boot-mode",
                                              facts["boot_mode"])["id"]


class UefiTest(UefiCase):
    def variables_of(self, instance_id):
        """The path of the file."""
        (name,) = self.cloud.variables()
        (mapping,) = self.describe(instance_id)["BlockDeviceMappings"]
        self.assertEqual(f"{mapping['Ebs']['VolumeId']}.fd", name)
        return f"{self.cloud.agent_dir}/disks/{name}"

    def assert_booted_by_uefi(self, instance_id):
        self.type_on(instance_id, '[ -d /sys/firmware/efi ] && echo firm"ware is UEFI"\n',
                     lambda: "firmware is UEFI" in self.console(instance_id))

    def test_variables_last_until_the_instance_is_terminated(self):
        (each,) = self.launch_ready(ImageId=self.uefi_image)
        self.assertEqual("uefi", self.describe(each)["BootMode"])
        self.assert_booted_by_uefi(each)
        self.ec2.reboot_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: ready", times=2)
        path = self.variables_of(each)
        self.ec2.stop_instances(InstanceIds=[each])
        self.wait_state(each, "stopped")
        before = os.stat(path)
        self.assertEqual((0o600, 0), (before.st_mode & 0o777, before.st_uid))
        with open(path, "rb") as own, open(TEMPLATE, "rb") as template:
            self.assertNotEqual(own.read(), template.read(), "what the firmware wrote is gone")
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: ready", times=3)
        self.assertEqual(before.st_ino, os.stat(path).st_ino)
        self.assertNotEqual(0, os.stat(path).st_uid, "QEMU runs unprivileged")
        self.terminate(each)
        self.assertEqual([], self.cloud.variables())

    def test_an_image_of_an_instance_boots_by_uefi_too(self):
        (each,) = self.launch_ready(ImageId=self.uefi_image)
        made = self.ec2.create_image(InstanceId=each, Name="of-uefi", NoReboot=True)["ImageId"]
        self.ec2.get_waiter("image_available").wait(ImageIds=[made], WaiterConfig={"Delay": 1})
        self.assertEqual("uefi", self.ec2.describe_images(ImageIds=[made])["Images"][0]["BootMode"])
        self.terminate(each)
        (other,) = self.launch_ready(ImageId=made)
        self.assert_booted_by_uefi(other)

    def test_the_others_have_no_variables(self):
        self.launch_ready()
        self.assertEqual([], self.cloud.variables())


class NoFirmwareTest(UefiCase):
    agent_options = {"--uefi-variables": "/nowhere/variables.fd"}

    def test_the_reason_names_the_file(self):
        (each,) = self.launch(ImageId=self.uefi_image)
        self.wait_state(each, "terminated")
        code, message = self.reason(each)
        self.assertEqual("Server.InternalError", code)
        self.assertIn("no UEFI firmware: /nowhere/variables.fd is missing", message)
