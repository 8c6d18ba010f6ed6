"""Encrypted volumes: asked for, inherited, by default, and never lost on the way; what the key is called."""
import unittest

from harness import REGION, filters
from test_snapshots import SnapshotTest
from test_volumes import root

DATA = "/dev/sdf"


class EncryptionTest(SnapshotTest):
    def default(self, on, ec2=None):
        ec2 = ec2 or self.ec2
        (ec2.enable_ebs_encryption_by_default if on else ec2.disable_ebs_encryption_by_default)()

    def key(self):
        return self.ec2.get_ebs_default_kms_key_id()["KmsKeyId"]

    def assert_encrypted(self, expected, *volumes):
        for volume in volumes:
            shown = self.volume(volume)
            self.assertEqual((expected, self.key() if expected else None), (shown["Encrypted"], shown.get("KmsKeyId")), volume)

    def data_of(self, instance):
        return next(m["Ebs"]["VolumeId"] for m in self.describe(instance)["BlockDeviceMappings"] if m["DeviceName"] == DATA)


class Encryption(EncryptionTest):
    def test_volumes_that_are_asked_for(self):
        plain, sealed = self.create(), self.create(Encrypted=True)
        self.assert_encrypted(False, plain)
        self.assert_encrypted(True, sealed)
        self.assertEqual([sealed], self.ids(Filters=filters(encrypted="true")))
        self.assertEqual([plain], self.ids(Filters=filters(encrypted="false")))
        self.assertRegex(self.key(), f"^arn:aws:kms:{REGION}:{self.account.id}:key/[0-9a-f-]{{36}}$")

    def test_the_key_is_the_accounts_own(self):
        for name in (self.key(), self.key().split("/")[1], "alias/aws/ebs", f"arn:aws:kms:{REGION}:{self.account.id}:alias/aws/ebs"):
            self.assert_encrypted(True, self.create(Encrypted=True, KmsKeyId=name))
        zone = {"AvailabilityZone": self.ZONE, "Size": 1}
        self.assert_code("InvalidParameterDependency", self.ec2.create_volume, KmsKeyId=self.key(), **zone)
        self.assert_code("InvalidParameterDependency", self.ec2.create_volume, KmsKeyId=self.key(), Encrypted=False, **zone)
        self.assert_code("InvalidParameterValue", self.ec2.create_volume, "alias/mine", KmsKeyId="alias/mine", Encrypted=True, **zone)
        _, other = self.stranger()
        self.assertNotEqual(self.key(), other.get_ebs_default_kms_key_id()["KmsKeyId"])

    def test_snapshots_and_what_is_made_of_them(self):
        volume = self.create(Encrypted=True)
        a = self.guest()
        self.attach(volume, a)
        first = self.snapshot(volume)
        shown = self.shown(first)
        self.assertEqual((True, self.key()), (shown["Encrypted"], shown["KmsKeyId"]))
        self.assertEqual([first], self.snapshot_ids(OwnerIds=["self"], Filters=filters(encrypted="true")))
        self.assert_encrypted(True, self.create(SnapshotId=first), self.create(SnapshotId=first, Encrypted=True))
        self.assert_code("InvalidParameterValue", self.ec2.create_volume, AvailabilityZone=self.ZONE, SnapshotId=first, Encrypted=False)
        copy = self.ec2.copy_snapshot(SourceRegion=REGION, SourceSnapshotId=first, Encrypted=True, KmsKeyId="alias/aws/ebs")["SnapshotId"]
        self.assertTrue(self.shown(copy)["Encrypted"])
        self.assert_code("InvalidParameterValue", self.ec2.copy_snapshot, SourceRegion=REGION, SourceSnapshotId=first, Encrypted=False)

        plain = self.snapshot(self.create())
        self.assertFalse(self.shown(plain)["Encrypted"])
        self.assert_encrypted(True, self.create(SnapshotId=plain, Encrypted=True))
        self.assert_code("UnsupportedOperation", self.ec2.copy_snapshot, SourceRegion=REGION, SourceSnapshotId=plain, Encrypted=True)
        self.ec2.copy_snapshot(SourceRegion=REGION, SourceSnapshotId=plain, Encrypted=False)

    def test_they_are_not_shared(self):
        other, _ = self.stranger()
        snapshot = self.snapshot(self.create(Encrypted=True))
        for item in ({"UserId": other.id}, {"Group": "all"}):
            self.assert_code("OperationNotPermitted", self.share, snapshot=snapshot, add=[item])
        self.share(snapshot, remove=[{"UserId": other.id}])
        image = self.image_of(snapshot)
        for item in ({"UserId": other.id}, {"Group": "all"}):
            self.assert_code("InvalidParameter", self.ec2.modify_image_attribute, ImageId=image, LaunchPermission={"Add": [item]})

    def test_launches(self):
        a, = self.launch(BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"Encrypted": True}}, {"DeviceName": DATA, "Ebs": {"VolumeSize": 1}}])
        self.assert_encrypted(True, self.root_of(a))
        self.assert_encrypted(False, self.data_of(a))
        b, = self.launch(BlockDeviceMappings=[{"DeviceName": DATA, "Ebs": {"VolumeSize": 1, "Encrypted": True, "KmsKeyId": self.key()}}])
        self.assert_encrypted(False, self.root_of(b))
        self.assert_encrypted(True, self.data_of(b))
        for bad in ({"KmsKeyId": self.key()}, {"KmsKeyId": "alias/mine", "Encrypted": True}):
            with self.assertRaises(self.ec2.exceptions.ClientError):
                self.launch(**root(**bad))
        self.ec2.stop_instances(InstanceIds=[a, b])
        self.reach("stopped", [a, b])
        self.ec2.start_instances(InstanceIds=[a, b])
        self.reach("running", [a, b])
        data = self.ec2.get_launch_template_data(InstanceId=a)["LaunchTemplateData"]["BlockDeviceMappings"]
        self.assertEqual({"/dev/vda": True, DATA: False}, {m["DeviceName"]: m["Ebs"]["Encrypted"] for m in data})

    def test_by_default(self):
        def told():
            return self.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]

        self.assertFalse(told())
        self.assertTrue(self.ec2.enable_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assertTrue(self.ec2.enable_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.addCleanup(self.default, False)
        self.assertTrue(told())
        self.assert_encrypted(True, self.create(), self.create(Encrypted=False))
        a, = self.launch(BlockDeviceMappings=[{"DeviceName": DATA, "Ebs": {"VolumeSize": 1}}])
        self.assert_encrypted(True, self.root_of(a), self.data_of(a))
        _, other = self.stranger()
        self.assertFalse(other.get_ebs_encryption_by_default()["EbsEncryptionByDefault"], "each account says for itself")
        self.assertFalse(self.ec2.disable_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assert_encrypted(False, self.create())

    def test_images(self):
        a, = self.launch(**root(Encrypted=True))
        image = self.ec2.create_image(InstanceId=a, Name="sealed", NoReboot=True)["ImageId"]
        self.ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1})
        disk, = self.ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
        self.assertTrue(disk["Ebs"]["Encrypted"])
        self.assertEqual([image], [i["ImageId"] for i in self.ec2.describe_images(
            Owners=["self"], Filters=[{"Name": "block-device-mapping.encrypted", "Values": ["true"]}])["Images"]])
        b, = self.launch(ImageId=image)
        self.assert_encrypted(True, self.root_of(b))
        self.assert_code("InvalidBlockDeviceMapping", self.ec2.create_image, InstanceId=a, Name="open", BlockDeviceMappings=[
            {"DeviceName": "/dev/vda", "Ebs": {"Encrypted": False}}])
        copy = self.ec2.copy_image(SourceRegion=REGION, SourceImageId=image, Name="copy", Encrypted=True)["ImageId"]
        self.assertTrue(self.ec2.describe_images(ImageIds=[copy])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"])
        plain = self.describe(self.guest())["ImageId"]
        self.assert_code("UnsupportedOperation", self.ec2.copy_image, SourceRegion=REGION, SourceImageId=plain, Name="none", Encrypted=True)

        snapshot = self.snapshot(self.create())
        self.assert_code("InvalidBlockDeviceMapping", self.image_of, snapshot=snapshot, Encrypted=True)
        made = self.ec2.register_image(Name="with-an-empty-one", RootDeviceName="/dev/vda", BlockDeviceMappings=[
            {"DeviceName": "/dev/vda", "Ebs": {"SnapshotId": snapshot}}, {"DeviceName": DATA, "Ebs": {"VolumeSize": 1, "Encrypted": True}}])["ImageId"]
        c, = self.launch(ImageId=made)
        self.assert_encrypted(False, self.root_of(c))
        self.assert_encrypted(True, self.data_of(c))


if __name__ == "__main__":
    unittest.main()
