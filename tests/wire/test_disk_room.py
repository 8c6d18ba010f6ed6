"""Hosts' disks are promised only so often: launches go where there is room, and volumes are refused where there is none."""
import unittest

from harness import instances_of
from test_volumes import VolumeTest, root

# Three simulated hosts of 4 TiB each, all in one zone: 0.1 of that is 409 GiB.
WHOLE = 400


class DiskRoom(VolumeTest):
    options = ("--disk-overcommit", "0.1", "--zones", "us-east-1a")
    settings = {"hosts": 3}

    def tearDown(self):
        ids = [each["InstanceId"] for each in instances_of(self.ec2.describe_instances()) if each["State"]["Name"] != "terminated"]
        if ids:
            self.ec2.terminate_instances(InstanceIds=ids)
            self.reach("terminated", ids)
        self.eventually(lambda: not [v for v in self.volumes() if v["State"] != "available"])
        for volume in self.volumes():
            self.ec2.delete_volume(VolumeId=volume["VolumeId"])
        self.eventually(lambda: not self.volumes())
        super().tearDown()

    def test_launches_spread_over_what_room_there_is(self):
        self.launch(2, **root(VolumeSize=WHOLE))
        self.launch(1, **root(VolumeSize=WHOLE))
        message = self.assert_code("InsufficientInstanceCapacity", self.launch, **root(VolumeSize=WHOLE))
        self.assertIn("lack disk space", message)
        self.assertEqual(1, len(self.launch(1)), "a small one fits beside them")

    def test_as_many_as_there_is_room_for(self):
        made = self.ec2.run_instances(ImageId="ami-00000000000000001", InstanceType="t3.nano", MinCount=1, MaxCount=9, **root(VolumeSize=WHOLE))
        self.assertEqual(3, len(made["Instances"]))
        self.assert_code("InsufficientInstanceCapacity", self.launch, count=2, **root(VolumeSize=WHOLE))

    def test_instance_store_counts(self):
        self.launch(3, InstanceType="c5d.4xlarge", **root(VolumeSize=5))
        self.assert_code("InsufficientInstanceCapacity", self.launch, **root(VolumeSize=200))

    def test_volumes(self):
        a = self.guest(**root(VolumeSize=WHOLE - 10))
        large, small = self.create(Size=100), self.create(Size=5)
        self.assert_code("InsufficientVolumeCapacity", self.ec2.attach_volume, VolumeId=large, InstanceId=a, Device="/dev/sdf")
        self.attach(small, a)
        self.assert_code("InsufficientVolumeCapacity", self.ec2.modify_volume, VolumeId=small, Size=50)
        self.ec2.modify_volume(VolumeId=small, Size=6)
        self.ec2.modify_volume(VolumeId=large, Size=200)  # which is nowhere yet


if __name__ == "__main__":
    unittest.main()
