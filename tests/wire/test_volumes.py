"""Volumes: made, attached, detached, modified and deleted, and what is told of them."""
import unittest

from harness import IMAGE, WireTest, filters, tag_specification

UNKNOWN = "vol-0123456789abcdef0"


def root(**ebs):
    return {"BlockDeviceMappings": [{"DeviceName": "/dev/vda", "Ebs": ebs}]}


class VolumeTest(WireTest):
    ZONE = "us-east-1a"

    def volumes(self, ec2=None, **parameters):
        return (ec2 or self.ec2).describe_volumes(**parameters)["Volumes"]

    def ids(self, **parameters):
        return [volume["VolumeId"] for volume in self.volumes(**parameters)]

    def root_of(self, instance):
        return self.describe(instance)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]

    def create(self, **parameters):
        volume = self.ec2.create_volume(**{"AvailabilityZone": self.ZONE, "Size": 1, **parameters})
        self.ec2.get_waiter("volume_available").wait(VolumeIds=[volume["VolumeId"]], WaiterConfig={"Delay": 1})
        return volume["VolumeId"]

    def volume(self, volume):
        return self.volumes(VolumeIds=[volume])[0]

    def attachment(self, volume):
        return self.volume(volume)["Attachments"][0]

    def guest(self, zone=ZONE, **parameters):
        a, = self.launch(Placement={"AvailabilityZone": zone}, **parameters)
        return a

    def attach(self, volume, instance, device="/dev/sdf"):
        attachment = self.ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device=device)
        self.ec2.get_waiter("volume_in_use").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1})
        self.eventually(lambda: self.attachment(volume)["State"] == "attached")
        return attachment

    def free(self, volume):
        self.ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1})
        self.assertEqual([], self.volume(volume)["Attachments"])

    def gone(self, volume):
        self.ec2.get_waiter("volume_deleted").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1})
        self.assert_code("InvalidVolume.NotFound", self.ec2.describe_volumes, volume, VolumeIds=[volume])


class Volumes(VolumeTest):
    def test_a_root_disk_is_a_volume(self):
        a, = self.launch(**root(VolumeSize=9, VolumeType="gp2"), TagSpecifications=[tag_specification("volume", Name="root")])
        mapping, = self.describe(a)["BlockDeviceMappings"]
        volume, = self.volumes()
        attachment, = volume.pop("Attachments")
        self.assertEqual({"VolumeId": mapping["Ebs"]["VolumeId"], "InstanceId": a, "Device": "/dev/vda", "State": "attached",
                          "AttachTime": mapping["Ebs"]["AttachTime"], "DeleteOnTermination": True}, attachment)
        self.assertEqual(self.describe(a)["LaunchTime"], volume.pop("CreateTime"))
        self.assertEqual({"VolumeId": mapping["Ebs"]["VolumeId"], "Size": 9, "VolumeType": "gp2", "State": "in-use", "Encrypted": False, "Iops": 100,
                          "MultiAttachEnabled": False, "SnapshotId": "", "AvailabilityZone": self.describe(a)["Placement"]["AvailabilityZone"],
                          "Tags": [{"Key": "Name", "Value": "root"}]}, volume)

    def test_it_is_what_the_image_says_where_the_launch_says_nothing(self):
        a, = self.launch()
        image, = self.ec2.describe_images(ImageIds=[IMAGE])["Images"]
        ebs = image["BlockDeviceMappings"][0]["Ebs"]
        volume, = self.volumes(VolumeIds=[self.root_of(a)])
        self.assertEqual((ebs["VolumeSize"], ebs["VolumeType"]), (volume["Size"], volume["VolumeType"]))

    def test_it_lasts_as_long_as_its_instance(self):
        a, b = self.launch(2)
        volume = self.root_of(a)
        self.ec2.create_tags(Resources=[volume], Tags=[{"Key": "k", "Value": "v"}])
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        self.assertEqual("attached", self.volumes(VolumeIds=[volume])[0]["Attachments"][0]["State"])
        self.ec2.start_instances(InstanceIds=[a])
        self.reach("running", [a])
        self.assertEqual(volume, self.root_of(a))
        self.ec2.terminate_instances(InstanceIds=[a])
        self.reach("terminated", [a])
        self.assertEqual([self.root_of(b)], self.ids())
        self.assertEqual([], self.ec2.describe_tags(Filters=filters(resource_id=volume))["Tags"])
        self.assert_code("InvalidVolume.NotFound", self.ec2.describe_volumes, volume, VolumeIds=[volume])
        self.assert_code("InvalidVolume.NotFound", self.ec2.create_tags, volume, Resources=[volume], Tags=[{"Key": "k", "Value": "v"}])

    def test_filters(self):
        a, = self.launch(**root(VolumeSize=3), TagSpecifications=[tag_specification("volume", a="1")])
        b, = self.launch(**root(VolumeSize=12, VolumeType="gp2"))
        first, second = self.root_of(a), self.root_of(b)
        time = self.volumes(VolumeIds=[first])[0]["CreateTime"].strftime("%Y-%m-%dT%H:%M")
        for name, value, expected in (("attachment.instance-id", a, [first]), ("attachment.device", "/dev/vda", [first, second]),
                                      ("attachment.status", "attached", [first, second]), ("attachment.status", "detaching", []),
                                      ("attachment.delete-on-termination", "true", [first, second]),
                                      ("attachment.attach-time", f"{time[:-2]}*", [first, second]), ("create-time", f"{time[:-2]}*", [first, second]),
                                      ("availability-zone", self.describe(b)["Placement"]["AvailabilityZone"], [first, second]),
                                      ("encrypted", "true", []), ("multi-attach-enabled", "false", [first, second]), ("size", "12", [second]),
                                      ("size", "1*", [second]), ("snapshot-id", "*", []), ("status", "in-use", [first, second]),
                                      ("status", "available", []), ("volume-id", second, [second]), ("volume-type", "gp3", [first]),
                                      ("fast-restored", "false", [first, second]), ("operator.managed", "*", []),
                                      ("tag:a", "1", [first]), ("tag-key", "a", [first])):
            with self.subTest(name):
                self.assertEqual(sorted(expected), self.ids(Filters=[{"Name": name, "Values": [value]}]))
        self.assert_code("InvalidParameterValue", self.ec2.describe_volumes, "nonsense", Filters=filters(nonsense="x"))

    def test_pages(self):
        whole = {self.root_of(i) for i in self.launch(12)}
        pages = list(self.ec2.get_paginator("describe_volumes").paginate(PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 5, 2], [len(page["Volumes"]) for page in pages])
        self.assertEqual(whole, {volume["VolumeId"] for page in pages for volume in page["Volumes"]})
        self.assertEqual(sorted(whole), [s["VolumeId"] for page in self.ec2.get_paginator("describe_volume_status").paginate(
            PaginationConfig={"PageSize": 5}) for s in page["VolumeStatuses"]])
        self.assert_code("InvalidParameterCombination", self.ec2.describe_volumes, VolumeIds=[min(whole)], MaxResults=5)
        self.assert_code("InvalidParameterValue", self.ec2.describe_volumes, MaxResults=4)

    def test_status(self):
        a, = self.launch()
        item, = self.ec2.describe_volume_status()["VolumeStatuses"]
        self.assertEqual((self.root_of(a), self.describe(a)["Placement"]["AvailabilityZone"], [], [],
                          {"Status": "ok", "Details": [{"Name": "io-enabled", "Status": "passed"},
                                                       {"Name": "io-performance", "Status": "not-applicable"}]}),
                         tuple(item[name] for name in ("VolumeId", "AvailabilityZone", "Events", "Actions", "VolumeStatus")))
        for name, value, count in (("volume-status.status", "ok", 1), ("volume-status.status", "impaired", 0), ("action.code", "*", 0),
                                   ("volume-status.details-name", "io-enabled", 1), ("volume-status.details-status", "passed", 1),
                                   ("event.event-type", "*", 0), ("availability-zone", "us-east-1?", 1)):
            with self.subTest(name):
                found = self.ec2.describe_volume_status(Filters=[{"Name": name, "Values": [value]}])["VolumeStatuses"]
                self.assertEqual(count, len(found))
        self.assertEqual([item], self.ec2.describe_volume_status(VolumeIds=[self.root_of(a)])["VolumeStatuses"])

    def test_bad_ids_and_other_accounts(self):
        a, = self.launch()
        stranger = self.lodge.client(self.lodge.new_account())
        self.assertEqual([], self.volumes(stranger))
        self.assertEqual([], stranger.describe_volume_status()["VolumeStatuses"])
        for call in ("describe_volumes", "describe_volume_status"):
            with self.subTest(call):
                self.assert_code("InvalidVolume.NotFound", getattr(stranger, call), self.root_of(a), VolumeIds=[self.root_of(a)])
                self.assert_code("InvalidVolume.NotFound", getattr(self.ec2, call), UNKNOWN, VolumeIds=[UNKNOWN])
                self.assert_code("InvalidParameterValue", getattr(self.ec2, call), "vol-1", "Expected: 'vol-...'", VolumeIds=["vol-1"])
                self.assert_code("DryRunOperation", getattr(self.ec2, call), DryRun=True)

    def test_an_instance_as_a_template_keeps_its_type(self):
        a, = self.launch(**root(VolumeType="gp2", VolumeSize=4))
        data = self.ec2.get_launch_template_data(InstanceId=a)["LaunchTemplateData"]
        self.assertEqual(("gp2", 4), (data["BlockDeviceMappings"][0]["Ebs"]["VolumeType"], data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"]))
        self.ec2.create_launch_template(LaunchTemplateName="gp2", LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.nano", **root(VolumeType="gp2")})
        b = self.ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "gp2"}, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        self.assertEqual("gp2", self.volumes(VolumeIds=[self.root_of(b)])[0]["VolumeType"])

    # --- By themselves

    def test_a_volume_is_made_and_deleted(self):
        made = self.ec2.create_volume(AvailabilityZone=self.ZONE, Size=3, VolumeType="gp3", ClientToken="t",
                                      TagSpecifications=[tag_specification("volume", Name="data")])
        self.assertEqual("creating", made["State"])
        volume, = self.volumes()
        del made["ResponseMetadata"]
        self.assertEqual({**made, "State": "available"}, volume)
        self.assertEqual((3, "gp3", 3000, 125, [], [{"Key": "Name", "Value": "data"}], self.ZONE), tuple(
            volume[name] for name in ("Size", "VolumeType", "Iops", "Throughput", "Attachments", "Tags", "AvailabilityZone")))
        again = self.ec2.create_volume(AvailabilityZone=self.ZONE, Size=3, VolumeType="gp3", ClientToken="t",
                                       TagSpecifications=[tag_specification("volume", Name="data")])
        self.assertEqual(volume["VolumeId"], again["VolumeId"])
        self.assert_code("IdempotentParameterMismatch", self.ec2.create_volume, AvailabilityZone=self.ZONE, Size=4, VolumeType="gp3", ClientToken="t")
        self.ec2.delete_volume(VolumeId=volume["VolumeId"])
        self.gone(volume["VolumeId"])
        self.assertEqual([], self.ec2.describe_tags(Filters=filters(resource_id=volume["VolumeId"]))["Tags"])

    def test_types_have_their_values_and_bounds(self):
        for parameters, iops, throughput in (({}, 100, None), ({"VolumeType": "gp2", "Size": 500}, 1500, None),
                                             ({"VolumeType": "io2", "Size": 8, "Iops": 900}, 900, None),
                                             ({"VolumeType": "gp3", "Size": 8, "Iops": 4000, "Throughput": 500}, 4000, 500),
                                             ({"VolumeType": "standard"}, None, None), ({"VolumeType": "sc1", "Size": 125}, None, None)):
            with self.subTest(str(parameters)):
                volume = self.volume(self.create(**parameters))
                self.assertEqual((iops, throughput), (volume.get("Iops"), volume.get("Throughput")))
        for code, words, parameters in (
                ("MissingParameter", "size or snapshotId", {"Size": None}), ("InvalidParameterValue", "minimum is 1GiB", {"Size": 0}),
                ("InvalidParameterValue", "maximum is 16384GiB", {"Size": 16385}), ("InvalidParameterValue", "minimum is 125GiB", {"VolumeType": "st1"}),
                ("UnknownVolumeType", "io9", {"VolumeType": "io9"}), ("MissingParameter", "iops", {"VolumeType": "io1", "Size": 4}),
                ("InvalidParameterCombination", "gp2", {"VolumeType": "gp2", "Iops": 100}),
                ("InvalidParameterValue", "ratio", {"VolumeType": "gp3", "Iops": 4000}),
                ("InvalidParameterValue", "0.25", {"VolumeType": "gp3", "Throughput": 1000}),
                ("InvalidParameterCombination", "Multi-Attach", {"VolumeType": "gp3", "MultiAttachEnabled": True}),
                ("UnsupportedOperation", "one instance", {"VolumeType": "io1", "Size": 4, "Iops": 100, "MultiAttachEnabled": True}),
                ("InvalidSnapshot.NotFound", "snap-0123456789abcdef0", {"SnapshotId": "snap-0123456789abcdef0"}),
                ("InvalidParameterValue", "availabilityZone", {"AvailabilityZone": "us-east-1x"}),
                ("InvalidParameterValue", "", {"TagSpecifications": [tag_specification("instance", a="b")]}),
                ("DryRunOperation", "", {"DryRun": True})):
            with self.subTest(str(parameters)):
                given = {"AvailabilityZone": self.ZONE, "Size": 1, **parameters}
                self.assert_code(code, self.ec2.create_volume, words, **{name: value for name, value in given.items() if value is not None})

    def test_it_is_attached_to_a_running_guest_and_taken_off(self):
        volume, a = self.create(), self.guest()
        attachment = self.ec2.attach_volume(VolumeId=volume, InstanceId=a, Device="/dev/sdf")
        self.assertEqual((volume, a, "/dev/sdf", "attaching", False), tuple(
            attachment[name] for name in ("VolumeId", "InstanceId", "Device", "State", "DeleteOnTermination")))
        self.assertEqual("in-use", self.volume(volume)["State"])
        self.eventually(lambda: self.attachment(volume)["State"] == "attached")
        self.assertEqual(["/dev/vda", "/dev/sdf"], [m["DeviceName"] for m in self.describe(a)["BlockDeviceMappings"]])
        self.assertEqual({"VolumeId": volume, "Status": "attached", "AttachTime": attachment["AttachTime"], "DeleteOnTermination": False},
                         self.describe(a)["BlockDeviceMappings"][1]["Ebs"])
        for name, value in (("device-name", "/dev/sdf"), ("volume-id", volume), ("delete-on-termination", "false"), ("status", "attached")):
            with self.subTest(name):
                found = self.ec2.describe_instances(Filters=[{"Name": f"block-device-mapping.{name}", "Values": [value]}])["Reservations"]
                self.assertEqual([a], [i["InstanceId"] for r in found for i in r["Instances"]])
        self.assertIn(volume, self.ec2.get_console_output(InstanceId=a, Latest=True)["Output"])
        self.assert_code("VolumeInUse", self.ec2.delete_volume, a, VolumeId=volume)
        detachment = self.ec2.detach_volume(VolumeId=volume, InstanceId=a, Device="/dev/sdf")
        self.assertEqual(("detaching", a), (detachment["State"], detachment["InstanceId"]))
        self.free(volume)
        self.assertEqual(1, len(self.describe(a)["BlockDeviceMappings"]))
        self.attach(volume, a, "xvdg")
        self.ec2.detach_volume(VolumeId=volume, Force=True)
        self.free(volume)
        self.ec2.delete_volume(VolumeId=volume)
        self.gone(volume)

    def test_a_stopped_instance_takes_it_along(self):
        volume, a = self.create(), self.guest()
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        self.assertEqual("attached", self.ec2.attach_volume(VolumeId=volume, InstanceId=a, Device="/dev/sdf")["State"])
        self.ec2.start_instances(InstanceIds=[a])
        self.reach("running", [a])
        self.assertEqual("attached", self.attachment(volume)["State"])
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        self.ec2.detach_volume(VolumeId=volume)
        self.assertEqual("available", self.volume(volume)["State"])

    def test_what_cannot_be_detached_or_deleted(self):
        volume, a = self.create(), self.guest()
        detach = self.ec2.detach_volume
        self.assert_code("IncorrectState", detach, "'available'", VolumeId=volume)
        self.attach(volume, a)
        self.assert_code("InvalidAttachment.NotFound", detach, "/dev/sdg", VolumeId=volume, Device="/dev/sdg")
        self.assert_code("InvalidAttachment.NotFound", detach, "i-0123", VolumeId=volume, InstanceId="i-0123456789abcdef0")
        self.assert_code("OperationNotPermitted", detach, "root volume", VolumeId=self.root_of(a))
        self.assert_code("VolumeInUse", self.ec2.delete_volume, VolumeId=self.root_of(a))
        self.assert_code("InvalidVolume.NotFound", self.ec2.delete_volume, UNKNOWN, VolumeId=UNKNOWN)
        self.assert_code("InvalidVolume.NotFound", detach, UNKNOWN, VolumeId=UNKNOWN)

    def test_a_root_disk_is_taken_off_mended_and_put_back(self):
        broken, helper = self.launch(2, Placement={"AvailabilityZone": self.ZONE})
        volume = self.root_of(broken)
        self.assert_code("OperationNotPermitted", self.ec2.detach_volume, "not stopped", VolumeId=volume)
        self.ec2.stop_instances(InstanceIds=[broken])
        self.reach("stopped", [broken])
        self.ec2.detach_volume(VolumeId=volume)
        self.free(volume)
        self.assertEqual(([], "/dev/vda"), tuple(self.describe(broken)[name] for name in ("BlockDeviceMappings", "RootDeviceName")))
        self.assert_code("InvalidParameterValue", self.ec2.start_instances, "attached at root (/dev/vda)", InstanceIds=[broken])
        self.assert_code("IncorrectState", self.ec2.create_image, "attached at root", InstanceId=broken, Name="none")
        self.assert_code("InvalidParameterValue", self.ec2.attach_volume, "in use", VolumeId=volume, InstanceId=helper, Device="/dev/vda")
        self.ec2.attach_volume(VolumeId=volume, InstanceId=broken, Device="/dev/vda")
        mapping, = self.describe(broken)["BlockDeviceMappings"]
        self.assertEqual(("/dev/vda", volume, False), (mapping["DeviceName"], mapping["Ebs"]["VolumeId"], mapping["Ebs"]["DeleteOnTermination"]))
        self.assert_code("InvalidParameterValue", self.ec2.attach_volume, "in use", VolumeId=self.create(), InstanceId=broken, Device="/dev/vda")
        self.ec2.start_instances(InstanceIds=[broken])
        self.reach("running", [broken])
        self.ec2.terminate_instances(InstanceIds=[broken])
        self.reach("terminated", [broken])
        self.free(volume)

    def test_another_root_disk_takes_its_place(self):
        a = self.guest()
        first = self.root_of(a)
        snapshot = self.ec2.create_snapshot(VolumeId=first)["SnapshotId"]
        self.ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 1})
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        self.ec2.detach_volume(VolumeId=first)
        second = self.create(SnapshotId=snapshot, Size=9)
        self.ec2.attach_volume(VolumeId=second, InstanceId=a, Device="/dev/vda")
        self.ec2.start_instances(InstanceIds=[a])
        self.reach("running", [a])
        self.assertEqual(second, self.root_of(a))
        self.ec2.delete_volume(VolumeId=first)
        self.gone(first)
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        self.ec2.detach_volume(VolumeId=second)
        self.ec2.terminate_instances(InstanceIds=[a])
        self.reach("terminated", [a])
        self.ec2.delete_volume(VolumeId=second)
        self.gone(second)

    def test_what_an_instance_leaves(self):
        stays, goes, a = self.create(), self.create(), self.guest()
        self.attach(stays, a)
        self.attach(goes, a, "/dev/sdg")
        root_disk = self.root_of(a)
        self.ec2.modify_instance_attribute(InstanceId=a, BlockDeviceMappings=[
            {"DeviceName": "/dev/sdg", "Ebs": {"DeleteOnTermination": True}}, {"DeviceName": "/dev/vda", "Ebs": {"DeleteOnTermination": False}}])
        self.assertEqual({"/dev/vda": False, "/dev/sdf": False, "/dev/sdg": True}, {
            m["DeviceName"]: m["Ebs"]["DeleteOnTermination"] for m in self.describe(a)["BlockDeviceMappings"]})
        self.assert_code("InvalidParameterValue", self.ec2.modify_instance_attribute, "/dev/sdh", InstanceId=a, BlockDeviceMappings=[
            {"DeviceName": "/dev/sdh", "Ebs": {"DeleteOnTermination": True}}])
        self.ec2.terminate_instances(InstanceIds=[a])
        self.reach("terminated", [a])
        self.free(stays)
        self.free(root_disk)
        self.gone(goes)
        b = self.guest()
        self.attach(root_disk, b)
        self.assertEqual([], self.describe(a)["BlockDeviceMappings"])

    def test_a_launch_makes_volumes(self):
        a = self.guest(BlockDeviceMappings=[
            {"DeviceName": "/dev/vda", "Ebs": {"VolumeSize": 9, "DeleteOnTermination": False}},
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "VolumeType": "gp3", "Iops": 3000, "Throughput": 200}},
            {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 4, "VolumeType": "io1", "Iops": 150, "DeleteOnTermination": False}}],
            TagSpecifications=[tag_specification("volume", Name="all")])
        volumes = {v["Attachments"][0]["Device"]: v for v in self.volumes()}
        self.assertEqual({"/dev/vda": (9, "gp3", 3000, False), "/dev/sdf": (2, "gp3", 3000, True), "/dev/sdg": (4, "io1", 150, False)}, {
            device: (v["Size"], v["VolumeType"], v["Iops"], v["Attachments"][0]["DeleteOnTermination"]) for device, v in volumes.items()})
        self.assertEqual({"all"}, {v["Tags"][0]["Value"] for v in volumes.values()})
        data = self.ec2.get_launch_template_data(InstanceId=a)["LaunchTemplateData"]["BlockDeviceMappings"]
        self.assertEqual(["/dev/vda", "/dev/sdf", "/dev/sdg"], [m["DeviceName"] for m in data])
        b = self.guest(BlockDeviceMappings=data)
        self.assertEqual(3, len(self.describe(b)["BlockDeviceMappings"]))
        self.ec2.terminate_instances(InstanceIds=[a])
        self.reach("terminated", [a])
        self.free(volumes["/dev/sdg"]["VolumeId"])
        self.free(volumes["/dev/vda"]["VolumeId"])
        self.gone(volumes["/dev/sdf"]["VolumeId"])

    def test_launches_with_impossible_volumes(self):
        for code, words, mappings in (
                ("MissingParameter", "size", [("/dev/sdf", {})]), ("InvalidBlockDeviceMapping", "more than one", [("/dev/sdf", {"VolumeSize": 1}), ("/dev/xvdf", {"VolumeSize": 1})]),
                ("InvalidBlockDeviceMapping", "root device", [("/dev/sda", {"VolumeSize": 1})]), ("InvalidBlockDeviceMapping", "nonsense", [("nonsense", {"VolumeSize": 1})]),
                ("InvalidParameterValue", "minimum", [("/dev/sdf", {"VolumeSize": 1, "VolumeType": "st1"})]), ("InvalidParameterValue", "io9", [("/dev/vda", {"VolumeType": "io9"})]),
                ("AttachmentLimitExceeded", "8", [(f"/dev/sd{letter}", {"VolumeSize": 1}) for letter in "fghijklmn"])):
            with self.subTest(words):
                self.assert_code(code, self.ec2.run_instances, words, ImageId=IMAGE, InstanceType="t3.nano", MinCount=1, MaxCount=1,
                                 BlockDeviceMappings=[{"DeviceName": device, "Ebs": ebs} for device, ebs in mappings])
        self.assertEqual([], self.volumes())

    # --- Modified

    def modification(self, volume):
        return self.ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"][0]

    def test_a_volume_is_modified(self):
        volume = self.create(VolumeType="gp3")
        self.assert_code("InvalidVolumeModification.NotFound", self.ec2.describe_volumes_modifications, volume, VolumeIds=[volume])
        said = self.ec2.modify_volume(VolumeId=volume, Size=3)
        self.assertEqual(("modifying", 1, 3), tuple(said["VolumeModification"][name] for name in ("ModificationState", "OriginalSize", "TargetSize")))
        done = self.modification(volume)
        self.assertEqual(("completed", 100, 3000, 125), tuple(done[name] for name in ("ModificationState", "Progress", "TargetIops", "TargetThroughput")))
        self.assertEqual(3, self.volume(volume)["Size"])
        a = self.guest()
        self.attach(volume, a)
        for target in (volume, self.root_of(a)):
            with self.subTest(target):
                self.ec2.modify_volume(VolumeId=target, Size=20, VolumeType="gp3", Iops=4000, Throughput=200)
                self.eventually(lambda: self.modification(target)["ModificationState"] == "completed")
                shown = self.volume(target)
                self.assertEqual((20, 4000, 200), (shown["Size"], shown["Iops"], shown["Throughput"]))
        self.assertEqual(2, len(self.ec2.describe_volumes_modifications()["VolumesModifications"]))
        for name, value, count in (("volume-id", volume, 1), ("modification-state", "completed", 2), ("target-size", "20", 2), ("original-size", "3", 1),
                                   ("original-volume-type", "gp3", 2), ("target-iops", "4000", 2), ("targetMultiAttachEnabled", "true", 0)):
            with self.subTest(name):
                found = self.ec2.describe_volumes_modifications(Filters=[{"Name": name, "Values": [value]}])["VolumesModifications"]
                self.assertEqual(count, len(found))
        self.ec2.modify_volume(VolumeId=volume, VolumeType="gp2")
        self.eventually(lambda: self.modification(volume)["ModificationState"] == "completed")
        self.assertEqual((20, "gp2", 100), tuple(self.volume(volume)[name] for name in ("Size", "VolumeType", "Iops")))

    def test_what_cannot_be_modified(self):
        volume = self.create(Size=4, VolumeType="gp3")
        modify = self.ec2.modify_volume
        self.assert_code("InvalidParameterValue", modify, "smaller", VolumeId=volume, Size=3)
        self.assert_code("InvalidParameterValue", modify, "maximum", VolumeId=volume, Size=70000)
        self.assert_code("InvalidParameterValue", modify, "minimum is 125", VolumeId=volume, VolumeType="st1")
        self.assert_code("UnknownVolumeType", modify, VolumeId=volume, VolumeType="io9")
        self.assert_code("MissingParameter", modify, VolumeId=volume)
        self.assert_code("UnsupportedOperation", modify, VolumeId=volume, MultiAttachEnabled=True)
        self.assert_code("InvalidVolume.NotFound", modify, VolumeId=UNKNOWN, Size=5)
        self.assert_code("DryRunOperation", modify, VolumeId=volume, Size=5, DryRun=True)

    def test_attributes(self):
        volume = self.create()
        describe = lambda attribute: self.ec2.describe_volume_attribute(VolumeId=volume, Attribute=attribute)
        self.assertEqual({"Value": False}, describe("autoEnableIO")["AutoEnableIO"])
        self.ec2.modify_volume_attribute(VolumeId=volume, AutoEnableIO={"Value": True})
        self.assertEqual(({"Value": True}, volume), (describe("autoEnableIO")["AutoEnableIO"], describe("autoEnableIO")["VolumeId"]))
        self.assertEqual([], describe("productCodes")["ProductCodes"])
        self.ec2.enable_volume_io(VolumeId=volume)
        self.assert_code("InvalidVolume.NotFound", self.ec2.enable_volume_io, VolumeId=UNKNOWN)
        self.assert_code("MissingParameter", self.ec2.modify_volume_attribute, VolumeId=volume)
        self.assert_code("InvalidParameterValue", self.ec2.describe_volume_attribute, VolumeId=volume, Attribute="nonsense")


class VolumesInTwoZones(VolumeTest):
    options = ("--zones", "us-east-1a", "us-east-1b")

    def test_what_cannot_be_attached(self):
        volume, other, a = self.create(), self.create(), self.guest()
        elsewhere = self.guest("us-east-1b")
        self.attach(volume, a)
        attach = self.ec2.attach_volume
        self.assert_code("VolumeInUse", attach, volume, VolumeId=volume, InstanceId=a, Device="/dev/sdg")
        for device in ("/dev/sdf", "/dev/xvdf", "/dev/sda", "xvda"):
            with self.subTest(device):
                self.assert_code("InvalidParameterValue", attach, "already in use", VolumeId=other, InstanceId=a, Device=device)
        for device in ("/dev/sda1", "nvme1n1", "/dev/../sdf", "f"):
            with self.subTest(device):
                self.assert_code("InvalidParameterValue", attach, "not a valid EBS device name", VolumeId=other, InstanceId=a, Device=device)
        self.assert_code("InvalidVolume.ZoneMismatch", attach, other, VolumeId=other, InstanceId=elsewhere, Device="/dev/sdf")
        self.assert_code("InvalidVolume.NotFound", attach, UNKNOWN, VolumeId=UNKNOWN, InstanceId=a, Device="/dev/sdf")
        self.assert_code("InvalidParameterValue", attach, "vol-1", VolumeId="vol-1", InstanceId=a, Device="/dev/sdf")
        self.assert_code("InvalidInstanceID.NotFound", attach, VolumeId=other, InstanceId="i-0123456789abcdef0", Device="/dev/sdf")
        self.assert_code("DryRunOperation", attach, VolumeId=other, InstanceId=a, Device="/dev/sdg", DryRun=True)
        stranger = self.lodge.client(self.lodge.new_account())
        self.assert_code("InvalidVolume.NotFound", stranger.attach_volume, VolumeId=other, InstanceId=a, Device="/dev/sdg")
        self.ec2.terminate_instances(InstanceIds=[elsewhere])
        self.reach("terminated", [elsewhere])
        far = self.create(AvailabilityZone="us-east-1b")
        self.assert_code("IncorrectState", attach, elsewhere, VolumeId=far, InstanceId=elsewhere, Device="/dev/sdf")
        for letter in "ghijklm":
            self.attach(self.create(), a, f"/dev/sd{letter}")
        self.assert_code("AttachmentLimitExceeded", attach, "8", VolumeId=other, InstanceId=a, Device="/dev/sdn")


if __name__ == "__main__":
    unittest.main()
