"""RunInstances: what each honoured parameter does, and what the reply holds."""
import base64
import datetime
import unittest

from harness import IMAGE, WireTest, instances_of, tag_specification, tags
from signing import call


class Run(WireTest):
    def run_one(self, **parameters):
        given = {"ImageId": IMAGE, "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1, **parameters}
        return self.ec2.run_instances(**given)["Instances"][0]

    def test_reply_is_one_reservation_of_pending_instances(self):
        before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
        reply = self.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=2, MaxCount=3)
        self.assertRegex(reply["ReservationId"], r"^r-[0-9a-f]{17}$")
        self.assertEqual(self.account.id, reply["OwnerId"])
        self.assertEqual([0, 1, 2], [i["AmiLaunchIndex"] for i in reply["Instances"]])
        self.assertEqual(3, len({i["InstanceId"] for i in reply["Instances"]}))
        for instance in reply["Instances"]:
            self.assertRegex(instance["InstanceId"], r"^i-[0-9a-f]{17}$")
            self.assertEqual({"Code": 0, "Name": "pending"}, instance["State"])
            self.assertEqual((IMAGE, "t3.nano", "x86_64"),
                             (instance["ImageId"], instance["InstanceType"], instance["Architecture"]))
            self.assertEqual("us-east-1a", instance["Placement"]["AvailabilityZone"])
            self.assertGreaterEqual(instance["LaunchTime"], before)

    def test_type_may_be_left_out(self):
        reply = self.ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
        self.assertEqual("t3.micro", reply["Instances"][0]["InstanceType"])

    def test_tags_of_instance_and_volume(self):
        instance = self.run_one(TagSpecifications=[tag_specification("instance", Name="web", empty=""),
                                                   tag_specification("volume", Disk="root")])
        self.assertCountEqual(tags(Name="web", empty=""), instance["Tags"])
        described = self.describe(instance["InstanceId"])
        self.assertCountEqual(tags(Name="web", empty=""), described["Tags"])
        volume = described["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        found = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [volume]}])["Tags"]
        self.assertEqual([("volume", "Disk", "root")], [(t["ResourceType"], t["Key"], t["Value"]) for t in found])

    def test_two_specifications_of_one_type_add_up(self):
        instance = self.run_one(TagSpecifications=[tag_specification("instance", a="1"), tag_specification("instance", b="2")])
        self.assertCountEqual(tags(a="1", b="2"), instance["Tags"])

    def test_all_instances_of_a_launch_get_the_tags(self):
        reply = self.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=3, MaxCount=3,
                                       TagSpecifications=[tag_specification("instance", a="1")])
        self.assertEqual([tags(a="1")] * 3, [i["Tags"] for i in reply["Instances"]])

    def test_key_name(self):
        self.ec2.create_key_pair(KeyName="mine", KeyType="ed25519")
        self.assertEqual("mine", self.run_one(KeyName="mine")["KeyName"])
        self.assertNotIn("KeyName", self.run_one())

    def test_user_data_up_to_16_kib(self):
        self.run_one(UserData="#!/bin/sh\necho hello\n")
        self.run_one(UserData=b"\x00\xff" * 8192)
        self.run_one(UserData="")

    def test_user_data_base64_may_hold_line_ends(self):
        data = base64.encodebytes(b"x" * 300).decode()
        for text in (data, data.replace("\n", "\r\n"), data.rstrip()):
            reply = call(self.lodge, self.account, "RunInstances",
                         {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "UserData": text})
            self.assertEqual(200, reply.status, reply.body)

    def test_cpu_options(self):
        self.assertEqual({"CoreCount": 1, "ThreadsPerCore": 2}, self.run_one()["CpuOptions"])
        chosen = {"CoreCount": 2, "ThreadsPerCore": 1}
        instance = self.run_one(InstanceType="m5.2xlarge", CpuOptions=chosen)
        self.assertEqual(chosen, instance["CpuOptions"])
        self.assertEqual(chosen, self.describe(instance["InstanceId"])["CpuOptions"])

    def test_root_device(self):
        for ebs in ({"VolumeSize": 20}, {"VolumeSize": 1, "VolumeType": "gp2", "DeleteOnTermination": True},
                    {"VolumeType": "gp3", "Encrypted": False}):
            instance = self.run_one(BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": ebs}])
            self.assertEqual(["/dev/vda"], [m["DeviceName"] for m in instance["BlockDeviceMappings"]])

    def test_root_device_of_an_image_with_its_own(self):
        image = self.lodge.import_image(size_gib=5, root_device_name="/dev/sda1")["id"]
        for size in (5, 6):
            mapping = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": size}}]
            self.assertEqual("/dev/sda1", self.run_one(ImageId=image, BlockDeviceMappings=mapping)["RootDeviceName"])
        mapping = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 4}}]
        self.assert_code("InvalidBlockDeviceMapping", self.run_one, "4", "5", ImageId=image, BlockDeviceMappings=mapping)

    def test_what_changes_nothing_may_be_said(self):
        """Terraform, Ansible and the console send many defaults along."""
        self.run_one(EbsOptimized=False, Monitoring={"Enabled": False}, HibernationOptions={"Configured": False},
                     EnclaveOptions={"Enabled": False}, MaintenanceOptions={"AutoRecovery": "default"},
                     Ipv6AddressCount=0, DisableApiTermination=False, DisableApiStop=False,
                     InstanceInitiatedShutdownBehavior="stop",
                     Placement={"Tenancy": "default", "GroupName": "", "Affinity": "default"})
        self.run_one(InstanceInitiatedShutdownBehavior="terminate")

    def test_kernel_and_ramdisk(self):
        image = self.lodge.import_image(kernel=self.lodge.content(), ramdisk=self.lodge.content())
        shown = self.ec2.describe_images(ImageIds=[image["id"]])["Images"][0]
        kernel, ramdisk = shown["KernelId"], shown["RamdiskId"]
        self.assertRegex(kernel, "^aki-[0-9a-f]{17}$")
        self.assertRegex(ramdisk, "^ari-[0-9a-f]{17}$")
        instance = self.run_one(ImageId=image["id"])
        self.assertEqual((kernel, ramdisk), (instance["KernelId"], instance["RamdiskId"]))
        instance = self.run_one(KernelId=kernel, RamdiskId=ramdisk)
        self.assertEqual((kernel, ramdisk), (instance["KernelId"], instance["RamdiskId"]))
        self.assert_code("InvalidParameterValue", self.run_one, f"The image '{kernel}' is not a machine image.", ImageId=kernel)
        self.assert_code("InvalidParameterValue", self.run_one, KernelId=ramdisk)
        self.assert_code("InvalidParameterValue", self.run_one, RamdiskId=IMAGE)
        self.assert_code("InvalidAMIID.NotFound", self.run_one, KernelId="aki-0123456789abcdef0")

    def test_blocks_that_terraform_reads(self):
        instance = self.describe(self.launch()[0])
        for block in ("CpuOptions", "MetadataOptions", "MaintenanceOptions", "EnclaveOptions", "HibernationOptions",
                      "PrivateDnsNameOptions", "CapacityReservationSpecification", "Monitoring", "Placement"):
            self.assertTrue(instance.get(block), block)
        self.assertEqual("disabled", instance["Monitoring"]["State"])
        self.assertEqual("default", instance["Placement"]["Tenancy"])
        self.assertEqual("open", instance["CapacityReservationSpecification"]["CapacityReservationPreference"])
        root = instance["BlockDeviceMappings"][0]
        self.assertRegex(root["Ebs"]["VolumeId"], "^vol-[0-9a-f]{17}$")
        self.assertEqual(("attached", True), (root["Ebs"]["Status"], root["Ebs"]["DeleteOnTermination"]))
        self.assertIn("AttachTime", root["Ebs"])
        self.assertEqual(root["DeviceName"], instance["RootDeviceName"])
        for name, value in {"RootDeviceType": "ebs", "VirtualizationType": "hvm", "EnaSupport": True,
                            "EbsOptimized": False, "PlatformDetails": "Linux/UNIX", "UsageOperation": "RunInstances",
                            "StateTransitionReason": "", "SourceDestCheck": True}.items():
            self.assertEqual(value, instance[name], name)
        self.assertEqual([0], [i["Attachment"]["DeviceIndex"] for i in instance["NetworkInterfaces"]])
        self.assertEqual("pending", self.run_one()["State"]["Name"])

    def test_pending_has_a_state_reason(self):
        """Terraform's stateReason block: EC2 says `pending` of what it has just accepted."""
        self.assertEqual({"Code": "pending", "Message": "pending"}, self.run_one().get("StateReason"))

    def test_a_hundred_at_once(self):
        reply = self.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=100, MaxCount=100)
        self.assertEqual(100, len(reply["Instances"]))
        self.reach("running", [i["InstanceId"] for i in reply["Instances"]])
        self.ec2.terminate_instances(InstanceIds=[i["InstanceId"] for i in reply["Instances"]])

    def test_resource_interface(self):
        """boto3.resource, as many scripts use it."""
        import boto3
        ec2 = boto3.resource("ec2", region_name="us-east-1", endpoint_url=self.lodge.endpoint,
                             aws_access_key_id=self.account.key, aws_secret_access_key=self.account.secret)
        instance, = ec2.create_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=1, MaxCount=1)
        self.reach("running", [instance.id])
        instance.reload()
        self.assertEqual("running", instance.state["Name"])
        self.assertEqual([instance.id], [i.id for i in ec2.instances.filter(InstanceIds=[instance.id])])
        instance.terminate()
        self.reach("terminated", [instance.id])


class Zones(WireTest):
    options = ("--zones", "us-east-1a", "us-east-1b", "us-west-2a")

    def zone_of(self, **placement):
        reply = self.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=1, MaxCount=1, Placement=placement)
        return reply["Instances"][0]["Placement"]["AvailabilityZone"]

    def test_zone_by_name(self):
        self.assertEqual("us-east-1a", self.zone_of(AvailabilityZone="us-east-1a"))
        self.assertEqual("us-east-1b", self.zone_of(AvailabilityZone="us-east-1b"))

    def test_zone_by_id(self):
        reply = call(self.lodge, self.account, "RunInstances", {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1,
                                                                "Placement.AvailabilityZoneId": "use1-az2"})
        self.assertEqual(["us-east-1b"], reply.values("availabilityZone"))

    def test_instance_stays_in_its_zone_over_a_stop(self):
        instance, = self.launch(Placement={"AvailabilityZone": "us-east-1b"})
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        self.ec2.start_instances(InstanceIds=[instance])
        self.reach("running", [instance])
        self.assertEqual("us-east-1b", self.describe(instance)["Placement"]["AvailabilityZone"])

    def test_a_region_knows_its_own_only(self):
        other = self.lodge.client(self.account, region="us-west-2")
        instance, = self.launch()
        self.assertEqual([], instances_of(other.describe_instances()))
        self.assert_code("InvalidInstanceID.NotFound", other.describe_instances, instance, InstanceIds=[instance])
        self.assert_code("InvalidAMIID.NotFound", other.run_instances, ImageId=IMAGE, MinCount=1, MaxCount=1)
        self.assert_code("InvalidParameterValue", self.ec2.run_instances, "us-west-2a", ImageId=IMAGE, MinCount=1,
                         MaxCount=1, Placement={"AvailabilityZone": "us-west-2a"})
        image = self.lodge.import_image(region="us-west-2")["id"]
        theirs = other.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1)["Instances"][0]
        self.assertEqual("us-west-2a", theirs["Placement"]["AvailabilityZone"])
        self.assert_code("InvalidInstanceID.NotFound", self.ec2.terminate_instances, InstanceIds=[theirs["InstanceId"]])


if __name__ == "__main__":
    unittest.main()
