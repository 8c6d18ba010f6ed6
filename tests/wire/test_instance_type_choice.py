"""DescribeInstanceTypeOfferings and GetInstanceTypesFromInstanceRequirements."""
import pathlib
import tempfile
import unittest

from harness import WireTest, filters
from signing import call

MORE = tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="lodge-wire-choice-")
MORE.write("""
[families.g9]
architectures = ["arm64"]
manufacturer = "AWS"
current_generation = false
hibernation = true
encryption_in_transit = true
[families.g9.sizes]
large = { vcpus = 2, threads_per_core = 1, memory_mib = 4096 }
""")
MORE.flush()


class Offerings(WireTest):
    options = ("--zones", "us-east-1b", "us-east-1a", "eu-west-1a")

    def offered(self, ec2=None, **given):
        found = (ec2 or self.ec2).describe_instance_type_offerings(**given)["InstanceTypeOfferings"]
        return [(o["InstanceType"], o["LocationType"], o["Location"]) for o in found]

    def test_by_kind_of_location(self):
        names = [t["InstanceType"] for t in self.ec2.describe_instance_types()["InstanceTypes"]]
        self.assertEqual([(n, "region", "us-east-1") for n in names], self.offered())
        self.assertEqual([(n, "region", "us-east-1") for n in names], self.offered(LocationType="region"))
        zones = [(n, "availability-zone", z) for n in names for z in ("us-east-1a", "us-east-1b")]
        self.assertEqual(zones, self.offered(LocationType="availability-zone"))
        ids = [(n, "availability-zone-id", z) for n in names for z in ("use1-az1", "use1-az2")]
        self.assertEqual(ids, self.offered(LocationType="availability-zone-id"))
        europe = self.lodge.client(self.account, region="eu-west-1")
        self.assertEqual({"eu-west-1a"}, {o[2] for o in self.offered(europe, LocationType="availability-zone")})
        self.assertEqual([], call(self.lodge, self.account, "DescribeInstanceTypeOfferings", {"LocationType": "outpost"}).values("instanceType"))

    def test_filters(self):
        self.assertEqual([("t3.micro", "region", "us-east-1")], self.offered(Filters=filters(instance_type="t3.micro")))
        self.assertEqual([("t3.micro", "availability-zone", "us-east-1b")],
                         self.offered(LocationType="availability-zone", Filters=filters(instance_type="t3.mic*", location="us-east-1b")))
        self.assertEqual([], self.offered(Filters=filters(location="eu-west-1")))
        self.assert_code("InvalidParameterValue", self.offered, "zone", Filters=filters(zone="us-east-1a"))
        self.assert_code("InvalidParameterValue", self.offered, "LocationType", LocationType="city")
        self.assert_code("DryRunOperation", self.ec2.describe_instance_type_offerings, DryRun=True)

    def test_pages(self):
        every = self.offered(LocationType="availability-zone")
        pages = list(self.ec2.get_paginator("describe_instance_type_offerings").paginate(
            LocationType="availability-zone", PaginationConfig={"PageSize": 7}))
        self.assertEqual(every, [(o["InstanceType"], o["LocationType"], o["Location"]) for p in pages for o in p["InstanceTypeOfferings"]])
        self.assertEqual({7}, {len(p["InstanceTypeOfferings"]) for p in pages[:-1]})
        for bad in (4, 1001):
            self.assertEqual("InvalidParameterValue", call(self.lodge, self.account, "DescribeInstanceTypeOfferings", {"MaxResults": bad}).code)


class Requirements(WireTest):
    options = ("--instance-types", str(pathlib.Path(MORE.name)))

    def setUp(self):
        super().setUp()
        self.every = {t["InstanceType"]: t for t in self.ec2.describe_instance_types()["InstanceTypes"]}

    def ask(self, architectures=("x86_64",), virtualization=("hvm",), more=None, **needs):
        needs = {"VCpuCount": {"Min": 0}, "MemoryMiB": {"Min": 0}, **needs}
        return self.ec2.get_instance_types_from_instance_requirements(
            ArchitectureTypes=list(architectures), VirtualizationTypes=list(virtualization), InstanceRequirements=needs, **(more or {}))

    def chosen(self, *args, **needs):
        return [t["InstanceType"] for t in self.ask(*args, **needs)["InstanceTypes"]]

    def those(self, test):
        """Types of the usual kind (x86, not burstable) that the test finds good."""
        return sorted(n for n, t in self.every.items() if not n.startswith(("t3", "g9")) and test(t))

    def test_sizes(self):
        cpus, memory = (lambda t: t["VCpuInfo"]["DefaultVCpus"]), (lambda t: t["MemoryInfo"]["SizeInMiB"])
        self.assertEqual(self.those(lambda t: True), self.chosen())
        self.assertEqual(self.those(lambda t: 4 <= cpus(t) <= 8), self.chosen(VCpuCount={"Min": 4, "Max": 8}))
        self.assertEqual(self.those(lambda t: cpus(t) >= 16), self.chosen(VCpuCount={"Min": 16}))
        self.assertEqual(self.those(lambda t: memory(t) <= 8192), self.chosen(MemoryMiB={"Min": 0, "Max": 8192}))
        self.assertEqual(self.those(lambda t: memory(t) / 1024 / cpus(t) >= 8), self.chosen(MemoryGiBPerVCpu={"Min": 8}))
        self.assertEqual(self.those(lambda t: memory(t) / 1024 / cpus(t) <= 2), self.chosen(MemoryGiBPerVCpu={"Max": 2.0}))
        self.assertEqual([], self.chosen(VCpuCount={"Min": 1000}))

    def test_kinds(self):
        burst = sorted(n for n in self.every if n.startswith("t3"))
        self.assertEqual(burst, self.chosen(BurstablePerformance="required"))
        self.assertEqual(sorted(burst + self.chosen()), self.chosen(BurstablePerformance="included"))
        self.assertEqual(self.chosen(), self.chosen(BurstablePerformance="excluded"))
        self.assertEqual([], self.chosen(BareMetal="required"))
        self.assertEqual(self.chosen(), self.chosen(BareMetal="included"))
        self.assertEqual(["g9.large"], self.chosen(("arm64",)))
        self.assertIn("g9.large", self.chosen(("x86_64", "arm64")))
        self.assertEqual([], self.chosen(("i386",)))
        self.assertEqual([], self.chosen(virtualization=("paravirtual",)))
        self.assertEqual(["g9.large"], self.chosen(("arm64",), InstanceGenerations=["previous"]))
        self.assertEqual([], self.chosen(("arm64",), InstanceGenerations=["current"]))
        self.assertEqual(["g9.large"], self.chosen(("arm64",), CpuManufacturers=["amazon-web-services"]))
        self.assertEqual([], self.chosen(("arm64",), CpuManufacturers=["intel"]))
        self.assertEqual(["t3a.micro"], [n for n in self.chosen(BurstablePerformance="required", CpuManufacturers=["amd"]) if "micro" in n])
        self.assertEqual(["g9.large"], self.chosen(("arm64",), RequireHibernateSupport=True))

    def test_names(self):
        self.assertEqual(self.those(lambda t: t["InstanceType"].startswith("m5.")), self.chosen(AllowedInstanceTypes=["m5.*"]))
        self.assertEqual(self.those(lambda t: not t["InstanceType"].startswith(("m5", "c"))), self.chosen(ExcludedInstanceTypes=["m5*", "c*"]))
        self.assertEqual(["m5.large", "r5.large"], self.chosen(AllowedInstanceTypes=["m5.large", "r5.large"]))
        self.assert_code("InvalidParameterCombination", self.ask, AllowedInstanceTypes=["m5.*"], ExcludedInstanceTypes=["c*"])

    def test_network_and_disks(self):
        enis = lambda t: t["NetworkInfo"]["MaximumNetworkInterfaces"]
        self.assertEqual(self.those(lambda t: enis(t) >= 8), self.chosen(NetworkInterfaceCount={"Min": 8}))
        self.assertEqual(self.those(lambda t: enis(t) <= 3), self.chosen(NetworkInterfaceCount={"Max": 3}))
        ebs = lambda t: t["EbsInfo"]["EbsOptimizedInfo"]["BaselineBandwidthInMbps"]
        self.assertEqual(self.those(lambda t: ebs(t) >= 4000), self.chosen(BaselineEbsBandwidthMbps={"Min": 4000}))
        peak = lambda t: t["NetworkInfo"]["NetworkPerformance"] in ("Up to 10 Gigabit", "10 Gigabit", "Up to 12.5 Gigabit", "12.5 Gigabit")
        self.assertEqual(self.those(peak), self.chosen(NetworkBandwidthGbps={"Min": 10, "Max": 12.5}))
        self.assertEqual([], self.chosen(NetworkBandwidthGbps={"Min": 1000}))
        self.assertEqual(self.chosen(), self.chosen(NetworkBandwidthGbps={"Max": 1000}))
        for none in ({"LocalStorage": "required"}, {"LocalStorageTypes": ["ssd"]}, {"TotalLocalStorageGB": {"Min": 1}}, {"AcceleratorCount": {"Min": 1}},
                     {"AcceleratorTypes": ["gpu"]}, {"AcceleratorNames": ["t4"]}, {"AcceleratorManufacturers": ["nvidia"]},
                     {"AcceleratorTotalMemoryMiB": {"Min": 1}}):
            self.assertEqual([], self.chosen(**none), none)
        for every in ({"LocalStorage": "excluded"}, {"LocalStorage": "included"}, {"AcceleratorCount": {"Max": 0}},
                      {"SpotMaxPricePercentageOverLowestPrice": 20, "OnDemandMaxPricePercentageOverLowestPrice": 20}):
            self.assertEqual(self.chosen(), self.chosen(**every), every)
        reply = call(self.lodge, self.account, "GetInstanceTypesFromInstanceRequirements", {
            "ArchitectureType.1": "x86_64", "ArchitectureType.2": "arm64", "VirtualizationType.1": "hvm", "InstanceRequirements.VCpuCount.Min": 1,
            "InstanceRequirements.MemoryMiB.Min": 1, "InstanceRequirements.RequireEncryptionInTransit": "true"})
        self.assertEqual(["g9.large"], reply.values("instanceType"))

    def test_pages(self):
        every, pages, token = self.chosen(), [], {}
        while True:
            reply = self.ask(more={"MaxResults": 3, **token})
            pages.append([t["InstanceType"] for t in reply["InstanceTypes"]])
            if "NextToken" not in reply:
                break
            token = {"NextToken": reply["NextToken"]}
        self.assertEqual(every, sum(pages, []))
        self.assertEqual({3}, {len(p) for p in pages[:-1]})
        self.assert_code(("InvalidNextToken", "InvalidParameterValue"), self.ask, more={"NextToken": "rubbish"})
        self.assert_code("InvalidParameterValue", self.ask, more={"MaxResults": 1001})

    def test_bad_requests(self):
        for bad in ({"VCpuCount": {"Min": 4, "Max": 2}}, {"MemoryMiB": {"Min": -1}}, {"CpuManufacturers": ["cray"]}, {"BareMetal": "sometimes"},
                    {"InstanceGenerations": ["next"]}, {"AcceleratorTypes": ["abacus"]}, {"LocalStorageTypes": ["tape"]},
                    {"NetworkBandwidthGbps": {"Min": 2.5, "Max": 1.5}}, {"AcceleratorManufacturers": ["me"]}):
            self.assert_code("InvalidParameterValue", self.ask, next(iter(bad)).removesuffix("s"), **bad)
        self.assert_code("InvalidParameterValue", self.ask, "vax", architectures=("vax",))
        self.assert_code("InvalidParameterValue", self.ask, "vm", virtualization=("vm",))
        self.assert_code("DryRunOperation", self.ask, more={"DryRun": True})
        needed = {"ArchitectureType.1": "x86_64", "VirtualizationType.1": "hvm", "InstanceRequirements.VCpuCount.Min": 1,
                  "InstanceRequirements.MemoryMiB.Min": 1}
        for name in needed:
            given = {k: v for k, v in needed.items() if k != name}
            self.assertEqual("MissingParameter", call(self.lodge, self.account, "GetInstanceTypesFromInstanceRequirements", given).code, name)


if __name__ == "__main__":
    unittest.main()
