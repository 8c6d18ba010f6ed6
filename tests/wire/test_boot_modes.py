"""BIOS and UEFI: what images say, what becomes of it on an instance's type, and what cannot be."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from harness import IMAGE, LODGED, filters
from signing import call
from test_images_of_instances import ImageMakingTest, disk

# A type of the operator's that boots by its BIOS alone.
MORE = tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="lodge-wire-boot-")
MORE.write("""
[families.old]
boot_modes = ["legacy-bios"]
[families.old.sizes]
large = { vcpus = 2, memory_mib = 512 }
""")
MORE.flush()


class BootModeTest(ImageMakingTest):
    options = ("--instance-types", str(pathlib.Path(MORE.name)))

    def register(self, mode=None, name="mine", **parameters):
        given = {"BootMode": mode} if mode else {}
        return self.ec2.register_image(**{"Name": name, "ImageLocation": IMAGE, **given, **parameters})["ImageId"]

    def modes(self, instance):
        """Debian's boto3 does not know currentInstanceBootMode yet."""
        reply = call(self.lodge, self.account, "DescribeInstances", {"InstanceId.1": instance})
        return reply.values("bootMode")[0], reply.values("currentInstanceBootMode")[0]

    def found(self, **wanted):
        reservations = self.ec2.describe_instances(Filters=filters(**wanted))["Reservations"]
        return {instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]}

    def attribute(self, image):
        return self.ec2.describe_image_attribute(ImageId=image, Attribute="bootMode")["BootMode"]["Value"]


class Images(BootModeTest):
    def test_registered_with_one(self):
        for mode in ("legacy-bios", "uefi", "uefi-preferred"):
            image = self.register(mode, name=mode)
            self.assertEqual((mode, mode), (self.image(image)["BootMode"], self.attribute(image)))
        self.assertEqual("legacy-bios", self.image(self.register())["BootMode"])
        self.assert_code("InvalidParameterValue", self.register, "BootMode", mode="bios", name="bad")

    def test_taken_over_from_what_it_is_made_of(self):
        source = self.register("uefi")
        again = self.register(name="again", ImageLocation=source)
        copy = self.ec2.copy_image(Name="copy", SourceImageId=source, SourceRegion="us-east-1")["ImageId"]
        made = self.make(self.guest(ImageId=source))
        for image in (again, copy, made):
            self.assertEqual("uefi", self.image(image)["BootMode"])
        self.assertEqual("legacy-bios", self.image(self.register("legacy-bios", name="other", ImageLocation=source))["BootMode"])

    def test_of_snapshots(self):
        snapshot = self.snapshot(self.create(Size=2))
        parameters = {"Name": "of-snapshot", "BlockDeviceMappings": [disk("/dev/vda", SnapshotId=snapshot)]}
        image = self.ec2.register_image(BootMode="uefi-preferred", **parameters)["ImageId"]
        self.assertEqual("uefi-preferred", self.image(image)["BootMode"])

    def test_not_with_a_kernel_nor_another_architecture(self):
        imported = self.lodge.import_image(kernel=self.lodge.content(), ramdisk=self.lodge.content(), kernel_cmdline="root=/dev/vda")
        self.assertEqual("legacy-bios", imported["boot_mode"])
        for mode in ("uefi", "uefi-preferred"):
            self.assert_code("InvalidParameterCombination", self.register, "kernel", mode=mode, ImageLocation=imported["id"])
            self.assert_code("InvalidParameterCombination", self.register, "kernel", mode=mode, KernelId=imported["kernel_id"])
            self.assert_code("InvalidParameterCombination", self.register, "arm64", mode=mode, Architecture="arm64")
        self.assertEqual([], self.ec2.describe_images(Owners=["self"])["Images"])
        status, refused = self.lodge.admin("POST", "/v1/images", {"name": "x", "boot_mode": "uefi", "disk": self.lodge.content(), "kernel": self.lodge.content()})
        self.assertEqual(400, status, refused)
        status, refused = self.lodge.admin("POST", "/v1/images", {"name": "x", "boot_mode": "bios", "disk": self.lodge.content()})
        self.assertEqual(400, status, refused)

    def test_imported_by_the_operator(self):
        self.assertEqual("uefi", self.image(self.lodge.import_image(boot_mode="uefi")["id"])["BootMode"])
        raw = pathlib.Path(self.lodge.folder) / "disk.raw"
        raw.write_bytes(bytes(1 << 20))
        command = [str(LODGED.with_name("lodge")), "--state-dir", str(self.lodge.state_dir), "image", "import", str(raw), "--name", "by-hand",
                   "--arch", "x86_64", "--format", "raw", "--boot-mode", "uefi-preferred", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertEqual("uefi-preferred", json.loads(done.stdout)["boot_mode"])


class Instances(BootModeTest):
    def test_what_the_type_makes_of_the_images(self):
        made = {}
        for mode, kind, current in (("legacy-bios", "t3.nano", "legacy-bios"), ("uefi", "t3.nano", "uefi"), ("uefi-preferred", "t3.nano", "uefi"),
                                    ("legacy-bios", "old.large", "legacy-bios"), ("uefi-preferred", "old.large", "legacy-bios")):
            instance = self.guest(ImageId=self.register(mode, name=f"{mode} on {kind}"), InstanceType=kind)
            self.assertEqual((mode, current), self.modes(instance))
            made[instance] = mode, current
        for position, name in ((0, "boot-mode"), (1, "current-instance-boot-mode")):
            for value in ("legacy-bios", "uefi", "uefi-preferred"):
                wanted = {instance for instance, modes in made.items() if modes[position] == value}
                self.assertEqual(wanted, self.found(**{name: value}), f"{name}={value}")

    def test_a_type_that_does_not_support_it(self):
        image = self.register("uefi")
        self.refused("InvalidParameterValue", "old.large", "boot mode of UEFI", ImageId=image, InstanceType="old.large")
        self.refused("InvalidParameterValue", "boot mode of UEFI", ImageId=image, InstanceType="old.large", DryRun=True)

    def test_no_kernel_besides(self):
        imported = self.lodge.import_image(kernel=self.lodge.content())
        image = self.register("uefi-preferred")
        self.refused("InvalidParameterCombination", "kernel", ImageId=image, KernelId=imported["kernel_id"])
        instance = self.guest(ImageId=image)
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        self.assert_code("InvalidParameterCombination", self.ec2.modify_instance_attribute, "kernel", InstanceId=instance,
                         Kernel={"Value": imported["kernel_id"]})

    def test_the_type_changes(self):
        only, preferred = (self.guest(ImageId=self.register(mode, name=mode)) for mode in ("uefi", "uefi-preferred"))
        self.ec2.stop_instances(InstanceIds=[only, preferred])
        self.reach("stopped", [only, preferred])
        self.assert_code("InvalidParameterValue", self.ec2.modify_instance_attribute, "old.large", InstanceId=only, InstanceType={"Value": "old.large"})
        self.ec2.modify_instance_attribute(InstanceId=preferred, InstanceType={"Value": "old.large"})
        self.assertEqual(("uefi-preferred", "legacy-bios"), self.modes(preferred))
        self.ec2.modify_instance_attribute(InstanceId=preferred, InstanceType={"Value": "t3.nano"})
        self.assertEqual(("uefi-preferred", "uefi"), self.modes(preferred))

    def test_an_instance_keeps_its_own(self):
        image = self.register("uefi")
        instance = self.guest(ImageId=image)
        self.ec2.deregister_image(ImageId=image)
        self.assertEqual(("uefi", "uefi"), self.modes(instance))


class Types(BootModeTest):
    def test_what_they_support(self):
        types = {t["InstanceType"]: t["SupportedBootModes"] for t in self.ec2.describe_instance_types()["InstanceTypes"]}
        self.assertEqual(["legacy-bios"], types.pop("old.large"))
        self.assertEqual({("legacy-bios", "uefi")}, {tuple(modes) for modes in types.values()})
        by_filter = self.ec2.describe_instance_types(Filters=filters(supported_boot_mode="uefi"))["InstanceTypes"]
        self.assertEqual(set(types), {t["InstanceType"] for t in by_filter})


if __name__ == "__main__":
    unittest.main()
