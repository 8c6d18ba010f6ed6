"""CreateImage, RegisterImage of snapshots, CopyImage, DeregisterImage with snapshots, and launches from such images."""
import unittest

from harness import IMAGE, filters, tag_specification, tags
from signing import call
from test_snapshots import UNKNOWN, SnapshotTest
from test_volumes import root

UNKNOWN_IMAGE = "ami-0123456789abcdef0"


def disk(device, **ebs):
    return {"DeviceName": device, "Ebs": ebs}


class ImageMakingTest(SnapshotTest):
    def available(self, image, ec2=None):
        (ec2 or self.ec2).get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200})

    def image(self, image, ec2=None):
        return (ec2 or self.ec2).describe_images(ImageIds=[image])["Images"][0]

    def disks(self, image, ec2=None):
        """{device: Ebs}"""
        return {m["DeviceName"]: m["Ebs"] for m in self.image(image, ec2)["BlockDeviceMappings"]}

    def make(self, instance, name="made", **parameters):
        image = self.ec2.create_image(**{"InstanceId": instance, "Name": name, "NoReboot": True, **parameters})["ImageId"]
        self.available(image)
        return image

    def volumes_of(self, instance, ec2=None):
        """{device: volume}"""
        found = self.volumes(ec2, Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])
        return {v["Attachments"][0]["Device"]: v for v in found}

    def rebooted(self, instance):
        return "rebooting" in self.ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "")

    def two_disks(self, **parameters):
        """An instance with a root disk of 3 GiB and a data disk of 2 GiB, which stays."""
        return self.guest(BlockDeviceMappings=[disk("/dev/vda", VolumeSize=3), disk("/dev/sdf", VolumeSize=2, VolumeType="gp2", DeleteOnTermination=False)],
                          **parameters)

    def refused(self, code, *words, **parameters):
        self.assert_code(code, self.ec2.run_instances, *words, **{"InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1, **parameters})


class Create(ImageMakingTest):
    def test_an_image_of_all_disks(self):
        a = self.two_disks()
        image = self.ec2.create_image(InstanceId=a, Name="made (1)", Description="d", NoReboot=True, TagSpecifications=[
            tag_specification("image", Name="i"), tag_specification("snapshot", Name="s")])["ImageId"]
        self.assertRegex(image, "^ami-[0-9a-f]{17}$")
        self.available(image)
        shown = self.image(image)
        self.assertEqual(("made (1)", "d", self.account.id, False, "machine", "available", "x86_64", "ebs", "/dev/vda", f"{self.account.id}/made (1)", tags(Name="i")),
                         tuple(shown[name] for name in ("Name", "Description", "OwnerId", "Public", "ImageType", "State", "Architecture", "RootDeviceType",
                                                        "RootDeviceName", "ImageLocation", "Tags")))
        self.assertEqual(["/dev/vda", "/dev/sdf"], [m["DeviceName"] for m in shown["BlockDeviceMappings"]])
        disks = self.disks(image)
        snapshots = {device: ebs.pop("SnapshotId") for device, ebs in disks.items()}
        self.assertEqual({"/dev/vda": {"DeleteOnTermination": True, "VolumeSize": 3, "VolumeType": "gp3", "Iops": 3000, "Throughput": 125, "Encrypted": False},
                          "/dev/sdf": {"DeleteOnTermination": False, "VolumeSize": 2, "VolumeType": "gp2", "Encrypted": False}}, disks)
        volumes = self.volumes_of(a)
        for device, snapshot in snapshots.items():
            about = self.shown(snapshot)
            self.assertEqual((volumes[device]["VolumeId"], tags(Name="s"), "completed"), tuple(about[name] for name in ("VolumeId", "Tags", "State")))
            self.assertIn(a, about["Description"])
            self.assertIn(image, about["Description"])
        self.assertFalse(self.rebooted(a))

    def test_it_reboots_unless_told_not_to(self):
        a = self.guest()
        image = self.ec2.create_image(InstanceId=a, Name="rebooted")["ImageId"]
        self.eventually(lambda: self.rebooted(a))
        self.available(image)
        self.assertEqual("running", self.states([a])[a])

    def test_of_a_stopped_instance(self):
        a = self.guest()
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        image = self.make(a, NoReboot=False)
        self.assertEqual("stopped", self.states([a])[a])
        self.guest(ImageId=image)

    def test_of_an_image_of_an_image(self):
        first = self.make(self.two_disks(), "first")
        a = self.guest(ImageId=first)
        second = self.make(a, "second")
        self.ec2.deregister_image(ImageId=first)
        for snapshot in (ebs["SnapshotId"] for ebs in self.disks(second).values()):
            self.assertEqual("completed", self.shown(snapshot)["State"])
        b = self.guest(ImageId=second)
        self.assertEqual({"/dev/vda": 3, "/dev/sdf": 2}, {device: v["Size"] for device, v in self.volumes_of(b).items()})

    def test_of_an_image_with_a_kernel(self):
        imported = self.lodge.import_image(kernel=self.lodge.content(), ramdisk=self.lodge.content(), kernel_cmdline="root=/dev/vda")
        image = self.make(self.guest(ImageId=imported["id"]))
        shown = self.image(image)
        self.assertEqual((imported["kernel_id"], imported["ramdisk_id"]), (shown["KernelId"], shown["RamdiskId"]))
        self.assertEqual(imported["kernel_id"], self.describe(self.guest(ImageId=image))["KernelId"])

    def test_mappings_change_disks(self):
        a = self.two_disks()
        added = self.snapshot(self.create(Size=4))
        image = self.make(a, BlockDeviceMappings=[disk("/dev/vda", VolumeSize=9, VolumeType="io1", Iops=200, DeleteOnTermination=False),
                                                  {"DeviceName": "/dev/sdf", "NoDevice": ""}, disk("/dev/sdg", SnapshotId=added, VolumeSize=5),
                                                  {"DeviceName": "/dev/sdz", "NoDevice": ""}])
        disks = self.disks(image)
        self.assertEqual({"/dev/vda": (9, "io1", 200, False), "/dev/sdg": (5, "gp3", 3000, True)}, {
            device: (e["VolumeSize"], e["VolumeType"], e["Iops"], e["DeleteOnTermination"]) for device, e in disks.items()})
        self.assertEqual(added, disks["/dev/sdg"]["SnapshotId"])
        self.assertEqual(3, self.shown(disks["/dev/vda"]["SnapshotId"])["VolumeSize"])
        self.assertEqual(2, len(self.snapshot_ids(OwnerIds=["self"])), "what is left out is not taken")
        volumes = self.volumes_of(self.guest(ImageId=image))
        self.assertEqual({"/dev/vda": (9, "io1", False), "/dev/sdg": (5, "gp3", True)}, {
            device: (v["Size"], v["VolumeType"], v["Attachments"][0]["DeleteOnTermination"]) for device, v in volumes.items()})

    def test_mappings_that_are_refused(self):
        a = self.two_disks()
        snapshot = self.snapshot(self.create(Size=4))
        for code, words, mappings in (
                ("InvalidBlockDeviceMapping", "/dev/vda", [{"DeviceName": "/dev/vda", "NoDevice": ""}]),
                ("InvalidBlockDeviceMapping", "smaller", [disk("/dev/vda", VolumeSize=2)]), ("InvalidBlockDeviceMapping", "smaller", [disk("/dev/sdf", VolumeSize=1)]),
                ("InvalidBlockDeviceMapping", "/dev/sdf", [disk("/dev/sdf", SnapshotId=snapshot)]),
                ("InvalidBlockDeviceMapping", "more than one", [disk("/dev/sdf", VolumeSize=3), disk("/dev/sdf", VolumeSize=4)]),
                ("InvalidBlockDeviceMapping", "more than one", [disk("/dev/xvdf", SnapshotId=snapshot)]),
                ("InvalidBlockDeviceMapping", "nonsense", [disk("nonsense", SnapshotId=snapshot)]),
                ("InvalidBlockDeviceMapping", "smaller", [disk("/dev/sdg", SnapshotId=snapshot, VolumeSize=3)]),
                ("MissingParameter", "size or snapshotId", [{"DeviceName": "/dev/sdg"}]),
                ("InvalidSnapshot.NotFound", UNKNOWN, [disk("/dev/sdg", SnapshotId=UNKNOWN)]),
                ("MissingParameter", "iops", [disk("/dev/vda", VolumeType="io1", VolumeSize=4)]),
                ("MissingParameter", "DeviceName", [{"Ebs": {"VolumeSize": 4}}])):
            with self.subTest(f"{code} {mappings}"):
                self.assert_code(code, self.ec2.create_image, words, InstanceId=a, Name="refused", NoReboot=True, BlockDeviceMappings=mappings)
        self.assertEqual([snapshot], self.snapshot_ids(OwnerIds=["self"]))
        self.assertEqual([], self.ec2.describe_images(Owners=["self"])["Images"])

    def test_bad_requests(self):
        a = self.guest()
        ask = self.ec2.create_image
        image = self.make(a, "taken")
        self.assert_code("InvalidAMIName.Duplicate", ask, "taken", image, InstanceId=a, Name="taken")
        self.assert_code("InvalidAMIName.Malformed", ask, InstanceId=a, Name="a<b")
        self.assert_code("InvalidInstanceID.NotFound", ask, InstanceId="i-0123456789abcdef0", Name="other")
        self.assert_code("InvalidInstanceID.Malformed", ask, InstanceId="x", Name="other")
        self.assert_code("InvalidParameterValue", ask, "instance", InstanceId=a, Name="other", TagSpecifications=[tag_specification("instance", a="1")])
        self.assert_code("DryRunOperation", ask, InstanceId=a, Name="other", DryRun=True)
        _, stranger = self.stranger()
        self.assert_code("InvalidInstanceID.NotFound", stranger.create_image, InstanceId=a, Name="other")
        self.assertFalse(self.rebooted(a))
        self.ec2.terminate_instances(InstanceIds=[a])
        self.reach("terminated", [a])
        self.assert_code("IncorrectInstanceState", ask, a, InstanceId=a, Name="other")

    def test_filters_look_at_all_disks(self):
        image = self.make(self.two_disks())
        disks = self.disks(image)
        find = lambda name, value: [i["ImageId"] for i in self.ec2.describe_images(  # noqa: E731
            Owners=["self"], Filters=[{"Name": name, "Values": [value]}])["Images"]]
        for name, value in (("snapshot-id", disks["/dev/vda"]["SnapshotId"]), ("snapshot-id", disks["/dev/sdf"]["SnapshotId"]), ("volume-size", "3"),
                            ("volume-size", "2"), ("device-name", "/dev/sdf"), ("volume-type", "gp2"), ("delete-on-termination", "false"), ("encrypted", "false")):
            with self.subTest(f"{name}={value}"):
                self.assertEqual([image], find(f"block-device-mapping.{name}", value))
        self.assertEqual([], find("block-device-mapping.volume-size", "1"))
        self.assertEqual([image], find("state", "available"))
        self.assertEqual(self.image(image)["BlockDeviceMappings"],
                         self.ec2.describe_image_attribute(ImageId=image, Attribute="blockDeviceMapping")["BlockDeviceMappings"])


class Launch(ImageMakingTest):
    def setUp(self):
        super().setUp()
        self.made = self.make(self.two_disks())
        self.snapshots = {device: ebs["SnapshotId"] for device, ebs in self.disks(self.made).items()}

    def launched(self, ec2=None, **parameters):
        a, = self.launch(ec2=ec2, ImageId=self.made, **parameters)
        return {device: (v["Size"], v["VolumeType"], v["SnapshotId"], v["Attachments"][0]["DeleteOnTermination"])
                for device, v in self.volumes_of(a, ec2).items()}

    def test_with_all_its_disks(self):
        self.assertEqual({"/dev/vda": (3, "gp3", self.snapshots["/dev/vda"], True), "/dev/sdf": (2, "gp2", self.snapshots["/dev/sdf"], False)}, self.launched())

    def test_what_the_request_says_wins(self):
        self.assertEqual({"/dev/vda": (8, "gp2", self.snapshots["/dev/vda"], False), "/dev/sdf": (6, "gp3", self.snapshots["/dev/sdf"], True),
                          "/dev/sdh": (1, "gp3", "", True)}, self.launched(BlockDeviceMappings=[
                              disk("/dev/vda", VolumeSize=8, VolumeType="gp2", DeleteOnTermination=False),
                              disk("/dev/sdf", VolumeSize=6, VolumeType="gp3", DeleteOnTermination=True), disk("/dev/sdh", VolumeSize=1)]))

    def test_as_the_image_shows_it(self):
        """Tools send an image's own mappings back, changed here and there."""
        shown = self.image(self.made)["BlockDeviceMappings"]
        self.assertEqual(self.launched(), self.launched(BlockDeviceMappings=shown))

    def test_without_a_disk(self):
        left_out = [{"DeviceName": "/dev/sdf", "NoDevice": ""}, {"DeviceName": "/dev/sdk", "NoDevice": ""}]
        self.assertEqual({"/dev/vda"}, set(self.launched(BlockDeviceMappings=left_out)))
        self.refused("InvalidBlockDeviceMapping", "/dev/vda", ImageId=self.made, BlockDeviceMappings=[{"DeviceName": "/dev/vda", "NoDevice": ""}])
        self.refused("InvalidBlockDeviceMapping", "/dev/vda", ImageId=IMAGE, BlockDeviceMappings=[{"DeviceName": "/dev/vda", "NoDevice": ""}])

    def test_volumes_of_snapshots(self):
        snapshot = self.snapshot(self.create(Size=4))
        self.assertEqual({"/dev/vda": (3, "gp3", self.snapshots["/dev/vda"], True), "/dev/sdf": (4, "gp3", snapshot, True),
                          "/dev/sdg": (7, "gp2", snapshot, False)}, self.launched(BlockDeviceMappings=[
                              disk("/dev/sdf", SnapshotId=snapshot),
                              disk("/dev/sdg", SnapshotId=snapshot, VolumeSize=7, VolumeType="gp2", DeleteOnTermination=False)]))
        a, = self.launch(BlockDeviceMappings=[disk("/dev/sdg", SnapshotId=snapshot)])
        self.assertEqual(4, self.volumes_of(a)["/dev/sdg"]["Size"])

    def test_impossible_mappings(self):
        snapshot = self.snapshot(self.create(Size=4))
        for code, words, mappings in (
                ("InvalidBlockDeviceMapping", "3", [disk("/dev/vda", VolumeSize=2)]), ("InvalidBlockDeviceMapping", "2", [disk("/dev/sdf", VolumeSize=1)]),
                ("InvalidBlockDeviceMapping", "snapshot", [disk("/dev/vda", SnapshotId=snapshot)]),
                ("InvalidBlockDeviceMapping", "smaller", [disk("/dev/sdg", SnapshotId=snapshot, VolumeSize=3)]),
                ("InvalidBlockDeviceMapping", "more than one", [disk("/dev/xvdf", VolumeSize=3)]),
                ("InvalidBlockDeviceMapping", "more than one", [disk("/dev/vda", VolumeSize=4), disk("/dev/vda", VolumeSize=5)]),
                ("InvalidBlockDeviceMapping", "NoDevice", [{"DeviceName": "/dev/sdf", "NoDevice": "", "Ebs": {"VolumeSize": 2}}]),
                ("InvalidSnapshot.NotFound", UNKNOWN, [disk("/dev/sdg", SnapshotId=UNKNOWN)]),
                ("InvalidSnapshotID.Malformed", "snap-1", [disk("/dev/sdg", SnapshotId="snap-1")]),
                ("MissingParameter", "size", [disk("/dev/sdg", VolumeType="gp3")]),
                ("AttachmentLimitExceeded", "8", [disk(f"/dev/sd{letter}", VolumeSize=1) for letter in "ghijklmn"])):
            with self.subTest(f"{code} {mappings}"):
                self.refused(code, words, ImageId=self.made, BlockDeviceMappings=mappings)

    def test_whoever_may_launch_it_may_use_its_snapshots(self):
        account, other = self.stranger()
        self.ec2.modify_image_attribute(ImageId=self.made, LaunchPermission={"Add": [{"UserId": account.id}]})
        self.assertEqual({"/dev/vda": self.snapshots["/dev/vda"], "/dev/sdf": self.snapshots["/dev/sdf"]},
                         {device: snapshot for device, (_, _, snapshot, _) in self.launched(other).items()})
        own = [disk("/dev/vda", SnapshotId=self.snapshots["/dev/vda"], VolumeSize=4)]
        self.assertEqual(4, self.launched(other, BlockDeviceMappings=own)["/dev/vda"][0])
        self.assert_code("InvalidSnapshot.NotFound", other.create_volume, AvailabilityZone=self.ZONE, SnapshotId=self.snapshots["/dev/vda"])
        self.assert_code("InvalidSnapshot.NotFound", other.run_instances, ImageId=IMAGE, InstanceType="t3.nano", MinCount=1, MaxCount=1,
                         BlockDeviceMappings=[disk("/dev/sdf", SnapshotId=self.snapshots["/dev/sdf"])])

    def test_stopped_and_started(self):
        a, = self.launch(ImageId=self.made)
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        self.ec2.deregister_image(ImageId=self.made)
        self.ec2.start_instances(InstanceIds=[a])
        self.reach("running", [a])
        self.assertEqual(2, len(self.describe(a)["BlockDeviceMappings"]))

    def test_by_a_template(self):
        self.ec2.create_launch_template(LaunchTemplateName="made", LaunchTemplateData={
            "ImageId": self.made, "InstanceType": "t3.nano", "BlockDeviceMappings": [
                {"DeviceName": "/dev/sdf", "NoDevice": ""}, disk("/dev/sdg", SnapshotId=self.snapshots["/dev/sdf"])]})
        reply = self.ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "made"}, MinCount=1, MaxCount=1)
        a, = (i["InstanceId"] for i in reply["Instances"])
        self.assertEqual({"/dev/vda": self.snapshots["/dev/vda"], "/dev/sdg": self.snapshots["/dev/sdf"]},
                         {device: v["SnapshotId"] for device, v in self.volumes_of(a).items()})
        warned = self.ec2.create_launch_template(LaunchTemplateName="warned", LaunchTemplateData={
            "ImageId": self.made, "BlockDeviceMappings": [disk("/dev/sdg", SnapshotId=UNKNOWN)]})
        self.assertEqual(["InvalidSnapshot.NotFound"], [e["Code"] for e in warned["Warning"]["Errors"]])


class Register(ImageMakingTest):
    def register(self, mappings, name="registered", **parameters):
        return self.ec2.register_image(Name=name, BlockDeviceMappings=mappings, **parameters)["ImageId"]

    def test_of_one_snapshot(self):
        snapshot = self.snapshot(self.root_of(self.guest(**root(VolumeSize=3))))
        image = self.register([disk("/dev/sda1", SnapshotId=snapshot)], Description="d")
        shown = self.image(image)
        self.assertEqual(("/dev/sda1", "x86_64", "available", "d", f"{self.account.id}/registered"),
                         tuple(shown[name] for name in ("RootDeviceName", "Architecture", "State", "Description", "ImageLocation")))
        self.assertEqual({"/dev/sda1": {"SnapshotId": snapshot, "VolumeSize": 3, "VolumeType": "gp3", "Iops": 3000, "Throughput": 125,
                                        "DeleteOnTermination": True, "Encrypted": False}}, self.disks(image))
        a = self.guest(ImageId=image)
        self.assertEqual("/dev/sda1", self.describe(a)["RootDeviceName"])
        self.assertEqual((3, snapshot), tuple(self.volume(self.root_of(a))[name] for name in ("Size", "SnapshotId")))
        self.assert_code("InvalidAMIName.Duplicate", self.register, mappings=[disk("/dev/sda1", SnapshotId=snapshot)])

    def test_of_several(self):
        snapshot = self.snapshot(self.create(Size=2))
        image = self.register([disk("/dev/sdf", SnapshotId=snapshot, VolumeSize=4, VolumeType="gp2", DeleteOnTermination=False),
                               disk("/dev/vda", SnapshotId=snapshot, VolumeSize=5), {"DeviceName": "/dev/sdb", "NoDevice": ""}], RootDeviceName="/dev/vda")
        self.assertEqual(["/dev/vda", "/dev/sdf"], [m["DeviceName"] for m in self.image(image)["BlockDeviceMappings"]])
        self.assertEqual({"/dev/vda": (5, "gp3", True), "/dev/sdf": (4, "gp2", False)}, {
            device: (e["VolumeSize"], e["VolumeType"], e["DeleteOnTermination"]) for device, e in self.disks(image).items()})

    def test_with_a_kernel(self):
        imported = self.lodge.import_image(kernel=self.lodge.content(), kernel_cmdline="root=/dev/vda")
        snapshot = self.snapshot(self.root_of(self.guest(ImageId=imported["id"])))
        image = self.register([disk("/dev/vda", SnapshotId=snapshot)], KernelId=imported["kernel_id"])
        self.assertEqual(imported["kernel_id"], self.describe(self.guest(ImageId=image))["KernelId"])
        self.assertNotIn("KernelId", self.image(self.register([disk("/dev/vda", SnapshotId=snapshot)], name="without")))
        self.assert_code("InvalidParameterValue", self.register, "kernel", mappings=[disk("/dev/vda", SnapshotId=snapshot)], name="bad", KernelId=IMAGE)

    def test_what_is_refused(self):
        snapshot = self.snapshot(self.create(Size=3))
        good = disk("/dev/vda", SnapshotId=snapshot)
        for code, words, parameters in (
                ("InvalidParameterCombination", "ImageLocation", {"BlockDeviceMappings": [good], "ImageLocation": IMAGE}),
                ("MissingParameter", "RootDeviceName", {"BlockDeviceMappings": [good, disk("/dev/sdf", SnapshotId=snapshot)]}),
                ("InvalidBlockDeviceMapping", "/dev/sda1", {"BlockDeviceMappings": [good], "RootDeviceName": "/dev/sda1"}),
                ("InvalidBlockDeviceMapping", "/dev/vda", {"BlockDeviceMappings": [disk("/dev/vda", VolumeSize=3)]}),
                ("InvalidBlockDeviceMapping", "smaller", {"BlockDeviceMappings": [disk("/dev/vda", SnapshotId=snapshot, VolumeSize=2)]}),
                ("InvalidBlockDeviceMapping", "more than one", {"BlockDeviceMappings": [good, good]}),
                ("InvalidBlockDeviceMapping", "nonsense", {"BlockDeviceMappings": [good, disk("nonsense", SnapshotId=snapshot)], "RootDeviceName": "/dev/vda"}),
                ("InvalidSnapshot.NotFound", UNKNOWN, {"BlockDeviceMappings": [disk("/dev/vda", SnapshotId=UNKNOWN)]}),
                ("InvalidSnapshotID.Malformed", "snap-1", {"BlockDeviceMappings": [disk("/dev/vda", SnapshotId="snap-1")]}),
                ("InvalidBlockDeviceMapping", "Encrypted", {"BlockDeviceMappings": [disk("/dev/vda", SnapshotId=snapshot, Encrypted=True)]}),
                ("DryRunOperation", "", {"BlockDeviceMappings": [good], "DryRun": True})):
            with self.subTest(f"{code} {parameters}"):
                self.assert_code(code, self.ec2.register_image, words, Name="refused", **parameters)
        made = self.register([good])
        self.assert_code("InvalidParameterValue", self.ec2.register_image, "CopyImage", Name="again", ImageLocation=made)
        self.assertEqual([made], [i["ImageId"] for i in self.ec2.describe_images(Owners=["self"])["Images"]])

    def test_of_a_shared_snapshot(self):
        snapshot = self.snapshot(self.create())
        account, other = self.stranger()
        self.share(snapshot, add=[{"UserId": account.id}])
        image = other.register_image(Name="theirs", BlockDeviceMappings=[disk("/dev/vda", SnapshotId=snapshot)])["ImageId"]
        self.launch(ec2=other, ImageId=image)
        # What others have made of it neither keeps its owner from deleting it nor goes with it.
        self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.assertEqual([], self.snapshot_ids(OwnerIds=["self"]))
        self.launch(ec2=other, ImageId=image)
        self.assert_code("OperationNotPermitted", other.copy_image, Name="copied", SourceRegion="us-east-1", SourceImageId=image)

    def test_with_a_disk_that_begins_empty(self):
        snapshot = self.snapshot(self.create(Size=3))
        image = self.register([disk("/dev/vda", SnapshotId=snapshot), disk("/dev/sdf", VolumeSize=2, VolumeType="gp2")], RootDeviceName="/dev/vda")
        self.assertNotIn("SnapshotId", self.disks(image)["/dev/sdf"])
        instance, = self.launch(ImageId=image, BlockDeviceMappings=[disk("/dev/sdf", VolumeSize=1)])
        volumes = self.volumes_of(instance)
        self.assertEqual([(3, snapshot), (1, "")], [(volumes[d]["Size"], volumes[d]["SnapshotId"]) for d in ("/dev/vda", "/dev/sdf")])

    def test_as_terraform_asks(self):
        snapshot = self.snapshot(self.create(Size=3))
        reply = call(self.lodge, self.account, "RegisterImage", {
            "Name": "asked", "ImageLocation": "", "RootDeviceName": "", "SriovNetSupport": "simple", "EnaSupport": "true", "VirtualizationType": "hvm",
            "BlockDeviceMapping.1.DeviceName": "/dev/vda", "BlockDeviceMapping.1.Ebs.SnapshotId": snapshot})
        self.assertEqual(200, reply.status, reply.body)
        (image,) = self.ec2.describe_images(Owners=["self"])["Images"]
        self.assertEqual("simple", image["SriovNetSupport"])


class Deregister(ImageMakingTest):
    def deregister_all(self, image):
        """Debian's boto3 does not know DeleteAssociatedSnapshots yet."""
        reply = call(self.lodge, self.account, "DeregisterImage", {"ImageId": image, "DeleteAssociatedSnapshots": "true"})
        self.assertEqual(200, reply.status, reply.body)

    def test_its_snapshots_stay(self):
        image = self.make(self.two_disks())
        snapshots = sorted(ebs["SnapshotId"] for ebs in self.disks(image).values())
        self.ec2.deregister_image(ImageId=image)
        self.assertEqual(snapshots, self.snapshot_ids(OwnerIds=["self"]))
        self.refused("InvalidAMIID.Unavailable", image, ImageId=image)
        self.ec2.delete_snapshot(SnapshotId=snapshots[0])

    def test_or_go_along(self):
        image = self.make(self.two_disks())
        instance = self.guest(ImageId=image)
        used = self.disks(image)["/dev/sdf"]["SnapshotId"]
        other = self.image_of(used, "other")
        self.deregister_all(image)
        self.assertEqual([used], self.snapshot_ids(OwnerIds=["self"]), "one of them is another image's, too")
        self.deregister_all(other)
        self.assertEqual([], self.snapshot_ids(OwnerIds=["self"]))
        self.ec2.reboot_instances(InstanceIds=[instance])
        self.snapshot(self.root_of(instance))

    def test_others_snapshots_stay_with_them(self):
        snapshot = self.snapshot(self.create())
        account, other = self.stranger()
        self.share(snapshot, add=[{"UserId": account.id}])
        image = other.register_image(Name="theirs", BlockDeviceMappings=[disk("/dev/vda", SnapshotId=snapshot)])["ImageId"]
        reply = call(self.lodge, account, "DeregisterImage", {"ImageId": image, "DeleteAssociatedSnapshots": "true"})
        self.assertEqual(200, reply.status, reply.body)
        self.assertEqual([snapshot], self.snapshot_ids(OwnerIds=["self"]))

    def test_the_operator_takes_one_away(self):
        image = self.make(self.guest())
        listed, = (i for i in self.lodge.admin("GET", "/v1/images")[1]["images"] if i["id"] == image)
        self.assertEqual(("available", "snapshots", 1 << 30), (listed["state"], listed["format"], listed["virtual_size_bytes"]))
        self.assertEqual(200, self.lodge.admin("DELETE", f"/v1/images/{image}")[0])
        self.assertEqual([], self.ec2.describe_images(Owners=["self"])["Images"])
        self.assertEqual(1, len(self.snapshot_ids(OwnerIds=["self"])))


class Copy(ImageMakingTest):
    options = ("--zones", "us-east-1a", "us-west-2a")

    def setUp(self):
        super().setUp()
        self.west = self.lodge.client(self.account, region="us-west-2")
        self.addCleanup(self.west.close)

    def copy(self, source, ec2=None, name="copied", **parameters):
        return (ec2 or self.ec2).copy_image(Name=name, SourceImageId=source, SourceRegion="us-east-1", **parameters)["ImageId"]

    def test_one_of_snapshots_to_another_region(self):
        source = self.make(self.two_disks(), Description="first")
        copy = self.copy(source, self.west, Description="second")
        self.available(copy, self.west)
        shown = self.image(copy, self.west)
        self.assertEqual(("copied", "second", self.account.id, False), tuple(shown[name] for name in ("Name", "Description", "OwnerId", "Public")))
        theirs, ours = self.disks(copy, self.west), self.disks(source)
        alike = lambda disks: {device: {k: v for k, v in ebs.items() if k != "SnapshotId"} for device, ebs in disks.items()}  # noqa: E731
        self.assertEqual(alike(ours), alike(theirs))
        self.assertCountEqual([ebs["SnapshotId"] for ebs in theirs.values()], self.snapshot_ids(self.west, OwnerIds=["self"]))
        for snapshot in (ebs["SnapshotId"] for ebs in theirs.values()):
            about = self.shown(snapshot, self.west)
            self.assertEqual("vol-ffffffff", about["VolumeId"])
            self.assertIn(copy, about["Description"])
        self.ec2.deregister_image(ImageId=source)
        for snapshot in (ebs["SnapshotId"] for ebs in ours.values()):
            self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.launch(ec2=self.west, ImageId=copy)

    def test_one_of_imported_content(self):
        imported = self.lodge.import_image(size_gib=2)
        copy = self.copy(imported["id"])
        self.assertEqual({"/dev/vda": 2}, {device: ebs["VolumeSize"] for device, ebs in self.disks(copy).items()})
        self.assertEqual([], self.snapshot_ids(OwnerIds=["self"]))
        self.assertEqual(200, self.lodge.admin("DELETE", f"/v1/images/{imported['id']}")[0])
        self.launch(ImageId=copy)

    def test_one_that_is_shared(self):
        source = self.make(self.guest())
        account, other = self.stranger()
        self.assert_code("InvalidAMIID.NotFound", self.copy, source=source, ec2=other)
        self.ec2.modify_image_attribute(ImageId=source, LaunchPermission={"Add": [{"UserId": account.id}]})
        self.assert_code("OperationNotPermitted", self.copy, "storage of this ami", source=source, ec2=other)
        for ebs in self.disks(source).values():
            self.ec2.modify_snapshot_attribute(SnapshotId=ebs["SnapshotId"], CreateVolumePermission={"Add": [{"UserId": account.id}]})
        copy = self.copy(source, other)
        self.ec2.modify_image_attribute(ImageId=source, LaunchPermission={"Remove": [{"UserId": account.id}]})
        self.launch(ec2=other, ImageId=copy)
        self.assertEqual(account.id, self.image(copy, other)["OwnerId"])
        self.assertEqual(1, len(self.snapshot_ids(other, OwnerIds=["self"])))

    def test_tags_and_tokens(self):
        source = self.make(self.guest(), Description="first")
        self.ec2.create_tags(Resources=[source], Tags=tags(a="1"))
        plain = self.copy(source, ClientToken="t")
        self.assertEqual(plain, self.copy(source, ClientToken="t"))
        self.assertEqual(("first", []), (self.image(plain)["Description"], self.image(plain).get("Tags", [])))
        self.assert_code("IdempotentParameterMismatch", self.copy, source=source, name="other", ClientToken="t")
        self.assertEqual(tags(a="1"), self.image(self.copy(source, name="tagged", CopyImageTags=True))["Tags"])
        self.assertEqual({source, plain}, {i["ImageId"] for i in self.ec2.describe_images(Owners=["self"], Filters=filters(name=["made", "copied"]))["Images"]})

    def test_bad_requests(self):
        source = self.make(self.guest(), "taken")
        self.assert_code("InvalidAMIName.Duplicate", self.copy, "taken", source=source, name="taken")
        self.assert_code("InvalidAMIName.Malformed", self.copy, source=source, name="x")
        self.assert_code("InvalidAMIID.NotFound", self.copy, source=UNKNOWN_IMAGE)
        self.assert_code("InvalidAMIID.Malformed", self.copy, source="x")
        ask = self.ec2.copy_image
        self.assert_code("InvalidParameterValue", ask, "xx-east-1", Name="copied", SourceImageId=source, SourceRegion="xx-east-1")
        self.assert_code("InvalidAMIID.NotFound", ask, Name="copied", SourceImageId=source, SourceRegion="us-west-2")
        self.assert_code("UnsupportedOperation", self.copy, "Encrypted", source=source, Encrypted=True)
        self.assert_code("DryRunOperation", self.copy, source=source, DryRun=True)
        kernel = self.lodge.import_image(kernel=self.lodge.content())
        self.assert_code("InvalidParameterValue", self.copy, "kernel", source=kernel["kernel_id"])
        self.assert_code("InvalidAMIID.NotFound", self.copy, kernel["kernel_id"], source=kernel["id"], ec2=self.west)
        self.ec2.deregister_image(ImageId=source)
        self.assert_code("InvalidAMIID.Unavailable", self.copy, source=source)
        self.assertEqual([], self.west.describe_images(Owners=["self"])["Images"])


if __name__ == "__main__":
    unittest.main()
