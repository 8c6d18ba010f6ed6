"""RunInstances: bad values, parameters that are not honoured, no capacity."""
import unittest

from harness import IMAGE, WireTest, instances_of, tag_specification, tags
from signing import call

# What boto3's users may well send: (parameter as the message must name it, value for boto3).
REFUSED = {
    "NetworkInterface.1.InterfaceType": {"NetworkInterfaces": [{"DeviceIndex": 0, "InterfaceType": "efa"}]},
    "NetworkInterface.1.NetworkCardIndex": {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkCardIndex": 1}]},
    "NetworkInterface.1.AssociateCarrierIpAddress": {"NetworkInterfaces": [{"DeviceIndex": 0, "AssociateCarrierIpAddress": True}]},
    "NetworkInterface.1.Ipv4PrefixCount": {"NetworkInterfaces": [{"DeviceIndex": 0, "Ipv4PrefixCount": 1}]},
    "NetworkInterface.1.Ipv6PrefixCount": {"NetworkInterfaces": [{"DeviceIndex": 0, "Ipv6PrefixCount": 1}]},
    "NetworkInterface.1.Ipv4Prefix": {"NetworkInterfaces": [{"DeviceIndex": 0, "Ipv4Prefixes": [{"Ipv4Prefix": "172.31.0.16/28"}]}]},
    "MetadataOptions.HttpProtocolIpv6": {"MetadataOptions": {"HttpProtocolIpv6": "enabled"}},
    "IamInstanceProfile": {"IamInstanceProfile": {"Name": "role"}},
    "InstanceMarketOptions": {"InstanceMarketOptions": {"MarketType": "spot"}},
    "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationResourceGroupArn":
        {"CapacityReservationSpecification": {"CapacityReservationTarget": {"CapacityReservationResourceGroupArn": "arn:x"}}},
    "LicenseSpecification": {"LicenseSpecifications": [{"LicenseConfigurationArn": "arn:x"}]},
    "ElasticGpuSpecification": {"ElasticGpuSpecification": [{"Type": "eg1.medium"}]},
    "ElasticInferenceAccelerator": {"ElasticInferenceAccelerators": [{"Type": "eia1.medium"}]},
    "AdditionalInfo": {"AdditionalInfo": "x"},
    "EbsOptimized": {"EbsOptimized": True},
    "HibernationOptions.Configured": {"HibernationOptions": {"Configured": True}},
    "EnclaveOptions.Enabled": {"EnclaveOptions": {"Enabled": True}},
    "Placement.HostResourceGroupArn": {"Placement": {"HostResourceGroupArn": "arn:x"}},
}


class Refusals(WireTest):
    def refused(self, code, *names, **parameters):
        given = {"ImageId": IMAGE, "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1, **parameters}
        message = self.assert_code(code, self.ec2.run_instances, *names, **{k: v for k, v in given.items() if v is not None})
        self.assertEqual([], instances_of(self.ec2.describe_instances()))
        return message

    def refused_raw(self, code, name, **parameters):
        reply = call(self.lodge, self.account, "RunInstances", {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **parameters})
        self.assertEqual((400, code), (reply.status, reply.code))
        self.assertIn(name, reply.message)

    def test_parameters_that_are_not_honoured_are_refused_by_name(self):
        for name, parameters in REFUSED.items():
            with self.subTest(name):
                self.refused("UnsupportedOperation", f"parameter {name} is not supported", **parameters)

    def test_disk_without_a_device_name(self):
        self.refused_raw("MissingParameter", "DeviceName", **{"BlockDeviceMapping.1.Ebs.VolumeSize": 5})

    def test_disk_of_a_bad_size_or_type(self):
        for size in ("0", "-1", "65537", "99999999999999999999", "5.5", "five", ""):
            with self.subTest(size):
                self.refused_raw("InvalidParameterValue", "BlockDeviceMapping.1.Ebs.VolumeSize",
                                 **{"BlockDeviceMapping.1.DeviceName": "/dev/vda", "BlockDeviceMapping.1.Ebs.VolumeSize": size})
        self.refused_raw("InvalidParameterValue", "VolumeType", **{"BlockDeviceMapping.1.DeviceName": "/dev/vda",
                                                                   "BlockDeviceMapping.1.Ebs.VolumeType": "io9"})

    def test_counts(self):
        self.refused("InvalidParameterCombination", "MinCount", MinCount=2, MaxCount=1)
        for low, high in ((0, 1), (-1, 1), (1, 10001), (10001, 10001)):
            self.refused("InvalidParameterValue", "Count", MinCount=low, MaxCount=high)
        for name in ("MinCount", "MaxCount"):
            self.refused_raw("InvalidParameterValue", name, **{name: "many"})
            reply = call(self.lodge, self.account, "RunInstances",
                         {"ImageId": IMAGE, **({"MinCount": 1} if name == "MaxCount" else {"MaxCount": 1})})
            self.assertEqual("MissingParameter", reply.code)
            self.assertIn(name, reply.message)

    def test_image(self):
        self.refused("InvalidAMIID.NotFound", "ami-0123456789abcdef0", ImageId="ami-0123456789abcdef0")
        self.refused("InvalidAMIID.NotFound", "ami-12345678", ImageId="ami-12345678")  # the older, shorter form
        for bad in ("ami-xyz", "image", "i-0123456789abcdef0", "ami-0123456789ABCDEF0", "ami-", "", " " + IMAGE):
            with self.subTest(bad):
                self.refused("InvalidAMIID.Malformed", ImageId=bad)
        self.refused("MissingParameter", "ImageId", ImageId=None)

    def test_type(self):
        for bad in ("t9.micro", "T3.micro", "t3", "", "t3.micro "):
            self.refused("InvalidParameterValue", InstanceType=bad)
        self.refused("InvalidParameterValue", "t9.micro", InstanceType="t9.micro")

    def test_zone(self):
        for placement in ({"AvailabilityZone": "us-east-1z"}, {"AvailabilityZone": "mars"}):
            self.refused("InvalidParameterValue", placement["AvailabilityZone"], Placement=placement)

    def test_key_pair(self):
        self.refused("InvalidKeyPair.NotFound", "nobody's", KeyName="nobody's")

    def test_cpu_options(self):
        for options in ({"CoreCount": 3, "ThreadsPerCore": 2}, {"CoreCount": 1, "ThreadsPerCore": 4}, {"CoreCount": 64}):
            self.refused("InvalidParameterValue", CpuOptions=options, InstanceType="m5.2xlarge")
        self.refused("InvalidParameterValue", "CpuOptions.CoreCount", CpuOptions={"CoreCount": 0, "ThreadsPerCore": 1})

    def test_shutdown_behaviour(self):
        self.refused("InvalidParameterValue", "explode", InstanceInitiatedShutdownBehavior="explode")

    def test_user_data_over_16_kib(self):
        """EC2's code, as in the reports of runs-on #9, kubermatic #144."""
        self.refused("InvalidParameterValue", "16384", UserData=b"x" * 16385)

    def test_user_data_that_is_not_base64(self):
        """EC2's code, as in the reports of packer #2616, aws-cli #19."""
        for bad in ("#!/bin/sh", "ab=c", "====", "Zm9v!"):
            with self.subTest(bad):
                self.refused_raw("InvalidParameterValue", "BASE64", UserData=bad)

    def test_tags(self):
        def bad(code, *specifications, name=""):
            self.refused(code, name, TagSpecifications=list(specifications))
        bad("InvalidParameterValue", tag_specification("vpc", a="1"), name="vpc")
        bad("InvalidParameterValue", tag_specification("image", a="1"), name="image")
        bad("InvalidParameterValue", tag_specification("instance", **{"aws:x": "1"}), name="aws:")
        bad("InvalidParameterValue", tag_specification("instance", **{"k" * 129: "1"}))
        bad("InvalidParameterValue", tag_specification("instance", k="v" * 257))
        bad("InvalidParameterValue", tag_specification("instance", **{"": "v"}))
        bad("InvalidParameterValue", tag_specification("instance", a="1"), tag_specification("instance", a="2"), name="a")
        bad("TagLimitExceeded", {"ResourceType": "volume", "Tags": tags(**{f"k{n}": "v" for n in range(51)})})
        self.refused_raw("MissingParameter", "ResourceType", **{"TagSpecification.1.Tag.1.Key": "a"})

    def test_nothing_of_a_refused_launch_stays(self):
        self.refused("InvalidParameterValue", TagSpecifications=[tag_specification("instance", a="1"), tag_specification("vpc")])
        self.assertEqual([], self.ec2.describe_tags()["Tags"])


class Capacity(WireTest):
    """Two hosts of 64 CPUs and 256 GiB, of which 512 MiB are the host's own: one r5.4xlarge (128 GiB) fits each."""
    settings = {"hosts": 2}

    def tearDown(self):
        super().tearDown()
        ids = [i["InstanceId"] for i in instances_of(self.ec2.describe_instances())]
        if ids:
            self.ec2.terminate_instances(InstanceIds=ids)
            self.reach("terminated", ids)

    def run_big(self, least, most):
        return self.ec2.run_instances(ImageId=IMAGE, InstanceType="r5.4xlarge", MinCount=least, MaxCount=most)["Instances"]

    def test_at_least_min_or_nothing(self):
        message = self.assert_code("InsufficientInstanceCapacity", self.run_big, status=500, least=3, most=5)
        self.assertRegex(message, r"^One zone has room for only 2 of 3 x \(16 vCPU, 131072 MiB\): .* 130560 MiB free\.$")
        self.assertEqual([], instances_of(self.ec2.describe_instances()))

    def test_at_most_what_fits(self):
        self.assertEqual(2, len(self.run_big(1, 5)))
        message = self.assert_code("InsufficientInstanceCapacity", self.run_big, least=1, most=1)
        self.assertRegex(message, r"^There is no host for 1 x \(16 vCPU, 131072 MiB\): all 2 hosts lack memory; "
                                  r"the nearest has \d+ vCPUs and \d+ MiB free\.$")

    def test_vcpus_run_out(self):
        self.assert_code("InsufficientInstanceCapacity", self.ec2.run_instances, "512 of 513", "0 vCPUs", ImageId=IMAGE,
                         InstanceType="t3.nano", MinCount=513, MaxCount=513)

    def test_capacity_comes_back(self):
        ids = [i["InstanceId"] for i in self.run_big(2, 2)]
        self.reach("running", ids)
        self.ec2.terminate_instances(InstanceIds=ids[:1])
        self.reach("terminated", ids[:1])
        self.assertEqual(1, len(self.run_big(1, 2)))

    def test_stopped_gives_its_place_and_may_not_get_it_back(self):
        first = [i["InstanceId"] for i in self.run_big(2, 2)]
        self.reach("running", first)
        self.ec2.stop_instances(InstanceIds=first)
        self.reach("stopped", first)
        second = [i["InstanceId"] for i in self.run_big(2, 2)]
        self.assert_code("InsufficientInstanceCapacity", self.ec2.start_instances, "disk", "131072 MiB", InstanceIds=first)
        self.assertEqual({"stopped"}, set(self.states(first).values()))
        self.ec2.terminate_instances(InstanceIds=second)
        self.reach("terminated", second)
        self.ec2.start_instances(InstanceIds=first)
        self.reach("running", first)

    def test_dry_run_tells_too(self):
        self.assert_code("InsufficientInstanceCapacity", self.ec2.run_instances, ImageId=IMAGE, InstanceType="r5.4xlarge",
                         MinCount=3, MaxCount=3, DryRun=True)


if __name__ == "__main__":
    unittest.main()
