"""DescribeInstanceTypes: the catalogue, its filters and pages, operators' additions."""
import pathlib
import tempfile
import unittest

from harness import IMAGE, ROOT, WireTest, filters
from signing import call

MORE = tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="lodge-wire-types-")
MORE.write("""
[families.x9]
clock_ghz = 4.0
[families.x9.sizes]
tiny = { vcpus = 1, threads_per_core = 1, memory_mib = 128 }
""")
MORE.flush()


class Types(WireTest):
    def types(self, **wanted):
        return self.ec2.describe_instance_types(**wanted)["InstanceTypes"]

    def names(self, **wanted):
        return [t["InstanceType"] for t in self.types(**wanted)]

    def test_all_on_one_page(self):
        names = self.names()
        self.assertEqual(sorted(names), names)
        for family in ("t3", "t3a", "m5", "m6i", "c5", "c6i", "r5", "r6i"):
            self.assertIn(f"{family}.xlarge", names)
        for name in ("t3.nano", "t3.micro", "t3.small", "t3.medium", "t3.large", "m5.4xlarge", "r6i.4xlarge"):
            self.assertIn(name, names)

    def test_one_type(self):
        t, = self.types(InstanceTypes=["m5.xlarge"])
        self.assertEqual({"DefaultVCpus": 4, "DefaultCores": 2, "DefaultThreadsPerCore": 2}.items(),
                         t["VCpuInfo"].items() & {"DefaultVCpus": 4, "DefaultCores": 2, "DefaultThreadsPerCore": 2}.items())
        self.assertEqual(({"SizeInMiB": 16384}, ["x86_64"], "nitro", False, ["hvm"], ["ebs"]),
                         (t["MemoryInfo"], t["ProcessorInfo"]["SupportedArchitectures"], t["Hypervisor"], t["BareMetal"],
                          t["SupportedVirtualizationTypes"], t["SupportedRootDeviceTypes"]))
        for block in ("EbsInfo", "NetworkInfo", "PlacementGroupInfo", "SupportedUsageClasses", "SupportedBootModes"):
            self.assertTrue(t[block], block)
        for flag in ("CurrentGeneration", "FreeTierEligible", "InstanceStorageSupported", "HibernationSupported",
                     "BurstablePerformanceSupported", "DedicatedHostsSupported", "AutoRecoverySupported"):
            self.assertIsInstance(t[flag], bool, flag)
        self.assertEqual(4, t["NetworkInfo"]["MaximumNetworkInterfaces"])

    def test_instance_storage(self):
        t, = self.types(InstanceTypes=["m5d.4xlarge"])
        self.assertTrue(t["InstanceStorageSupported"])
        self.assertEqual({"TotalSizeInGB": 600, "Disks": [{"SizeInGB": 300, "Count": 2, "Type": "ssd"}], "NvmeSupport": "unsupported",
                          "EncryptionSupport": "unsupported"}, t["InstanceStorageInfo"])

    def test_every_type_holds_together(self):
        for t in self.types():
            cpus = t["VCpuInfo"]
            self.assertEqual(cpus["DefaultVCpus"], cpus["DefaultCores"] * cpus["DefaultThreadsPerCore"], t["InstanceType"])
            self.assertIn(cpus["DefaultCores"], cpus.get("ValidCores", [cpus["DefaultCores"]]), t["InstanceType"])
            self.assertIn(cpus["DefaultThreadsPerCore"], cpus.get("ValidThreadsPerCore", [cpus["DefaultThreadsPerCore"]]))
            self.assertGreater(t["MemoryInfo"]["SizeInMiB"], 0)

    def test_every_type_launches(self):
        for name in self.names():
            self.assert_code(("DryRunOperation", "InsufficientInstanceCapacity"), self.ec2.run_instances, ImageId=IMAGE,
                             InstanceType=name, MinCount=1, MaxCount=1, DryRun=True)

    def test_filters(self):
        for name, value, some, none in (("instance-type", "t3.*", "t3.micro", "m5.large"), ("memory-info.size-in-mib", "1024", "t3.micro", "t3.nano"),
                                        ("vcpu-info.default-vcpus", "16", "m5.4xlarge", "m5.large"), ("current-generation", "true", "t3.micro", "m5.large"),
                                        ("burstable-performance-supported", "true", "t3.micro", "m5.large"), ("free-tier-eligible", "true", "t3.micro", "t3.nano"),
                                        ("processor-info.supported-architecture", "x86_64", "t3.nano", ""), ("hypervisor", "nitro", "t3.nano", ""),
                                        ("network-info.maximum-network-interfaces", "2", "t3.nano", "m5.large"), ("supported-usage-class", "spot", "t3.nano", ""),
                                        ("vcpu-info.valid-cores", "8", "m5.4xlarge", "m5.large"), ("supported-boot-mode", "uefi", "t3.nano", "")):
            with self.subTest(name):
                found = self.names(Filters=[{"Name": name, "Values": [value]}])
                self.assertIn(some, found)
                self.assertNotIn(none, found)
                self.assertEqual([], self.names(Filters=[{"Name": name, "Values": ["something else"]}]))
        with_store = self.names(Filters=[{"Name": "instance-storage-supported", "Values": ["true"]}])
        self.assertEqual({"m5d", "c5d", "r5d"}, {name.split(".")[0] for name in with_store})
        self.assertEqual(["c5d.9xlarge"], self.names(Filters=[{"Name": "instance-storage-info.total-size-in-gb", "Values": ["900"]}]))
        self.assert_code("InvalidParameterValue", self.ec2.describe_instance_types, "vcpus", Filters=filters(vcpus="1"))

    def test_unknown_types(self):
        self.assert_code("InvalidInstanceType", self.ec2.describe_instance_types, "t9.micro", InstanceTypes=["t3.micro", "t9.micro"])
        self.assertEqual(["m5.large", "t3.micro"], sorted(self.names(InstanceTypes=["t3.micro", "m5.large", "t3.micro"])))

    def test_pages(self):
        every = self.names()
        pages = list(self.ec2.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 7}))
        self.assertEqual(every, [t["InstanceType"] for p in pages for t in p["InstanceTypes"]])
        self.assertEqual({7}, {len(p["InstanceTypes"]) for p in pages[:-1]})
        burst = self.ec2.get_paginator("describe_instance_types").paginate(
            Filters=filters(instance_type="t3*"), PaginationConfig={"PageSize": 5})
        self.assertEqual([n for n in every if n.startswith("t3")], [t["InstanceType"] for p in burst for t in p["InstanceTypes"]])

    def test_bounds(self):
        for bad in (4, 101):
            reply = call(self.lodge, self.account, "DescribeInstanceTypes", {"MaxResults": bad})
            self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code))
        self.assert_code(("InvalidNextToken", "InvalidParameterValue"), self.ec2.describe_instance_types, NextToken="rubbish")

    def test_catalogue_file_is_what_is_served(self):
        text = (ROOT / "api/catalogue/instance_types.toml").read_text()
        self.assertEqual(sum(line.startswith("[families.") and ".sizes]" not in line for line in text.splitlines()),
                         len({name.split(".")[0] for name in self.names()}))


class OperatorsTypes(WireTest):
    options = ("--instance-types", str(pathlib.Path(MORE.name)))

    def test_added_type_is_described_and_launches(self):
        t, = self.ec2.describe_instance_types(InstanceTypes=["x9.tiny"])["InstanceTypes"]
        self.assertEqual((1, 128), (t["VCpuInfo"]["DefaultVCpus"], t["MemoryInfo"]["SizeInMiB"]))
        self.assertEqual("x9.tiny", self.describe(self.launch(InstanceType="x9.tiny")[0])["InstanceType"])
        self.assertIn("t3.micro", [t["InstanceType"] for t in self.ec2.describe_instance_types()["InstanceTypes"]])


if __name__ == "__main__":
    unittest.main()
