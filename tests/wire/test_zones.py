"""DescribeRegions, DescribeAvailabilityZones: one region by default, several by configuration."""
import unittest

from harness import WireTest, filters


class OneZone(WireTest):
    def test_regions(self):
        self.assertEqual([{"RegionName": "us-east-1", "Endpoint": f"127.0.0.1:{self.lodge.port}", "OptInStatus": "opt-in-not-required"}],
                         self.ec2.describe_regions()["Regions"])

    def test_zones(self):
        zone, = self.ec2.describe_availability_zones()["AvailabilityZones"]
        self.assertEqual({"State": "available", "OptInStatus": "opt-in-not-required", "Messages": [], "RegionName": "us-east-1",
                          "ZoneName": "us-east-1a", "ZoneId": "use1-az1", "GroupName": "us-east-1",
                          "NetworkBorderGroup": "us-east-1", "ZoneType": "availability-zone"}, zone)


class ManyZones(WireTest):
    options = ("--zones", "us-east-1a", "us-east-1b", "us-west-2a", "eu-central-1c")

    def regions(self, **wanted):
        return [r["RegionName"] for r in self.ec2.describe_regions(**wanted)["Regions"]]

    def zones(self, ec2=None, **wanted):
        return [z["ZoneName"] for z in (ec2 or self.ec2).describe_availability_zones(**wanted)["AvailabilityZones"]]

    def test_regions(self):
        every = ["eu-central-1", "us-east-1", "us-west-2"]
        self.assertEqual(every, self.regions())
        self.assertEqual(every, self.regions(AllRegions=True))
        self.assertEqual(["us-west-2"], self.regions(RegionNames=["us-west-2"]))
        self.assertEqual(["us-east-1", "us-west-2"], self.regions(Filters=filters(region_name="us-*")))
        self.assertEqual(every, self.regions(Filters=filters(opt_in_status=["opt-in-not-required", "opted-in"])))
        self.assertEqual(every, self.regions(Filters=filters(endpoint=f"127.0.0.1:{self.lodge.port}")))
        self.assertEqual([], self.regions(RegionNames=["us-west-2"], Filters=filters(region_name="eu-*")))

    def test_unknown_regions(self):
        self.assert_code("InvalidParameterValue", self.ec2.describe_regions, "mars-1", RegionNames=["us-east-1", "mars-1"])
        self.assert_code("InvalidParameterValue", self.ec2.describe_regions, "name", Filters=filters(name="x"))

    def test_zones_are_of_the_signatures_region(self):
        self.assertEqual(["us-east-1a", "us-east-1b"], self.zones())
        self.assertEqual(["us-west-2a"], self.zones(self.lodge.client(self.account, region="us-west-2")))
        self.assertEqual(["eu-central-1c"], self.zones(self.lodge.client(self.account, region="eu-central-1")))

    def test_zones_chosen(self):
        self.assertEqual(["us-east-1b"], self.zones(ZoneNames=["us-east-1b"]))
        self.assertEqual(["us-east-1b"], self.zones(ZoneIds=["use1-az2"]))
        self.assertEqual(["us-east-1a", "us-east-1b"], self.zones(AllAvailabilityZones=True))
        for name, value, expected in (("zone-name", "*b", ["us-east-1b"]), ("zone-id", "use1-az1", ["us-east-1a"]),
                                      ("state", "available", ["us-east-1a", "us-east-1b"]), ("state", "impaired", []),
                                      ("region-name", "us-east-1", ["us-east-1a", "us-east-1b"]), ("zone-type", "local-zone", []),
                                      ("group-name", "us-east-1", ["us-east-1a", "us-east-1b"]), ("parent-zone-id", "x", []),
                                      ("opt-in-status", "opt-in-not-required", ["us-east-1a", "us-east-1b"]), ("message", "x", [])):
            self.assertEqual(expected, self.zones(Filters=[{"Name": name, "Values": [value]}]), name)

    def test_unknown_zones(self):
        zones = self.ec2.describe_availability_zones
        self.assert_code("InvalidParameterValue", zones, "us-west-2a", ZoneNames=["us-east-1a", "us-west-2a"])
        self.assert_code("InvalidParameterValue", zones, "x", ZoneIds=["x"])
        self.assert_code("InvalidParameterValue", zones, "zone", Filters=filters(zone="x"))


if __name__ == "__main__":
    unittest.main()
