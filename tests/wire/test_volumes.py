"""Volumes, each the root disk of an instance: what is told of them, and when they come and go."""
import unittest

from harness import IMAGE, WireTest, filters, tag_specification

UNKNOWN = "vol-0123456789abcdef0"


def root(**ebs):
    return {"BlockDeviceMappings": [{"DeviceName": "/dev/vda", "Ebs": ebs}]}


class Volumes(WireTest):
    def volumes(self, ec2=None, **parameters):
        return (ec2 or self.ec2).describe_volumes(**parameters)["Volumes"]

    def ids(self, **parameters):
        return [volume["VolumeId"] for volume in self.volumes(**parameters)]

    def root_of(self, instance):
        return self.describe(instance)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]

    def test_a_root_disk_is_a_volume(self):
        a, = self.launch(**root(VolumeSize=9, VolumeType="gp2"), TagSpecifications=[tag_specification("volume", Name="root")])
        mapping, = self.describe(a)["BlockDeviceMappings"]
        volume, = self.volumes()
        attachment, = volume.pop("Attachments")
        self.assertEqual({"VolumeId": mapping["Ebs"]["VolumeId"], "InstanceId": a, "Device": "/dev/vda", "State": "attached",
                          "AttachTime": mapping["Ebs"]["AttachTime"], "DeleteOnTermination": True}, attachment)
        self.assertEqual(self.describe(a)["LaunchTime"], volume.pop("CreateTime"))
        self.assertEqual({"VolumeId": mapping["Ebs"]["VolumeId"], "Size": 9, "VolumeType": "gp2", "State": "in-use", "Encrypted": False,
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


if __name__ == "__main__":
    unittest.main()
