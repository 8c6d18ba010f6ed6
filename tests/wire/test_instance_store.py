"""Instance-store disks: they come with the type, a launch may name them, and they are no volumes."""
import unittest

from test_volumes import VolumeTest


def store(number, device="/dev/sdb"):
    return {"DeviceName": device, "VirtualName": f"ephemeral{number}"}


class InstanceStore(VolumeTest):
    def test_a_launch_may_name_them(self):
        a, = self.launch(InstanceType="m5d.4xlarge", BlockDeviceMappings=[store(0), store(1, "/dev/sdc"), {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}}])
        self.assertEqual({"/dev/vda", "/dev/sdf"}, {m["DeviceName"] for m in self.describe(a)["BlockDeviceMappings"]}, "EC2 shows volumes alone")
        self.assertEqual(2, len(self.volumes()))
        b, = self.launch(InstanceType="c5d.large")
        self.assertEqual("running", self.states([b])[b])

    def test_what_is_refused(self):
        for instance_type, mappings in (
                ("t3.nano", [store(0)]), ("m5d.large", [store(1)]), ("m5d.large", [{"DeviceName": "/dev/sdb", "VirtualName": "ephemeral"}]),
                ("m5d.large", [{"DeviceName": "/dev/sdb", "VirtualName": "swap"}]), ("m5d.large", [{"DeviceName": "/dev/sdb", "VirtualName": "ephemeral-1"}]),
                ("m5d.4xlarge", [store(0), store(0, "/dev/sdc")]), ("m5d.4xlarge", [store(0), store(1)]), ("m5d.large", [store(0, "/dev/vda")]),
                ("m5d.large", [store(0, "nowhere")]), ("m5d.large", [{**store(0), "NoDevice": ""}]), ("m5d.large", [{**store(0), "Ebs": {"VolumeSize": 1}}])):
            with self.subTest(instance_type, mappings=mappings):
                self.assert_code("InvalidBlockDeviceMapping", self.launch, InstanceType=instance_type, BlockDeviceMappings=mappings)
        self.assertEqual([], self.volumes())

    def test_they_stay_with_the_type(self):
        a, = self.launch(InstanceType="m5d.large")
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        for instance_type in ("m5.large", "m5d.xlarge"):
            self.ec2.modify_instance_attribute(InstanceId=a, InstanceType={"Value": instance_type})
            self.ec2.start_instances(InstanceIds=[a])
            self.reach("running", [a])
            self.ec2.stop_instances(InstanceIds=[a])
            self.reach("stopped", [a])


if __name__ == "__main__":
    unittest.main()
