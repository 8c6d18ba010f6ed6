"""DescribeImages, RegisterImage, DeregisterImage."""
import datetime
import unittest

from harness import IMAGE, WireTest, tags
from signing import call

UNKNOWN = "ami-0123456789abcdef0"


class ImageTest(WireTest):
    def ids(self, ec2=None, **parameters):
        return sorted(i["ImageId"] for i in (ec2 or self.ec2).describe_images(**parameters)["Images"])

    def register(self, name="mine", source=IMAGE, **parameters):
        return self.ec2.register_image(Name=name, ImageLocation=source, **parameters)["ImageId"]

    def register_with_tags(self, name, *specifications):
        """Debian's boto3 does not know RegisterImage's tags yet."""
        pairs = {"Name": name, "ImageLocation": IMAGE}
        for n, (kind, key, value) in enumerate(specifications, 1):
            pairs |= {f"TagSpecification.{n}.ResourceType": kind, f"TagSpecification.{n}.Tag.1.Key": key,
                      f"TagSpecification.{n}.Tag.1.Value": value}
        return call(self.lodge, self.account, "RegisterImage", pairs)

    def register_tagged(self, name, *specifications):
        return self.register_with_tags(name, *specifications).values("imageId")[0]

    def show(self, image, ec2=None):
        return (ec2 or self.ec2).describe_images(ImageIds=[image])["Images"][0]


class Describe(ImageTest):
    def test_the_simulated_image(self):
        image = self.show(IMAGE)
        for name, value in {"ImageId": IMAGE, "Name": "lodge-simulated", "State": "available", "Architecture": "x86_64",
                            "Public": True, "ImageType": "machine", "RootDeviceType": "ebs", "VirtualizationType": "hvm",
                            "Hypervisor": "xen", "EnaSupport": True, "ImageOwnerAlias": "amazon", "PlatformDetails": "Linux/UNIX",
                            "UsageOperation": "RunInstances", "BootMode": "legacy-bios"}.items():
            self.assertEqual(value, image[name], name)
        self.assertRegex(image["OwnerId"], r"^\d{12}$")
        self.assertRegex(image["CreationDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        root, = image["BlockDeviceMappings"]
        self.assertEqual((image["RootDeviceName"], 1, True),
                         (root["DeviceName"], root["Ebs"]["VolumeSize"], root["Ebs"]["DeleteOnTermination"]))

    def test_owners(self):
        mine = self.register()
        owner = self.show(IMAGE)["OwnerId"]
        self.assertEqual([mine], self.ids(Owners=["self"]))
        self.assertEqual([mine], self.ids(Owners=[self.account.id]))
        self.assertIn(IMAGE, self.ids(Owners=["amazon"]))
        self.assertNotIn(mine, self.ids(Owners=["amazon"]))
        self.assertIn(IMAGE, self.ids(Owners=[owner]))
        self.assertEqual(sorted([mine, *self.ids(Owners=["amazon"])]), self.ids(Owners=["self", "amazon"]))
        self.assertEqual([], self.ids(Owners=["999999999999"]))
        self.assertEqual([], self.ids(Owners=["aws-marketplace"]))

    def test_executable_users(self):
        mine = self.register()
        self.assertIn(IMAGE, self.ids(ExecutableUsers=["all"]))
        self.assertNotIn(mine, self.ids(ExecutableUsers=["all"]))
        self.assertEqual([], self.ids(ExecutableUsers=["self"]))

    def test_filters(self):
        mine = self.register("wire-filters", Description="a, b")
        self.ec2.create_tags(Resources=[mine], Tags=tags(Stage="test"))
        shown = self.show(mine)
        right = {"name": "wire-filt*", "description": "a, b", "architecture": "x86_64", "state": "available", "image-id": mine,
                 "image-type": "machine", "is-public": "false", "owner-id": self.account.id, "root-device-type": "ebs",
                 "virtualization-type": "hvm", "root-device-name": shown["RootDeviceName"], "hypervisor": "xen",
                 "ena-support": "true", "manifest-location": shown["ImageLocation"], "creation-date": shown["CreationDate"][:10] + "*",
                 "block-device-mapping.volume-size": "1", "tag:Stage": "test", "tag-key": "Stage"}
        for name, value in right.items():
            with self.subTest(name):
                self.assertIn(mine, self.ids(Filters=[{"Name": name, "Values": [value]}]))
                self.assertNotIn(mine, self.ids(Filters=[{"Name": name, "Values": ["something else"]}]))
        for name in ("kernel-id", "platform", "product-code", "state-reason-code", "source-instance-id"):
            self.assertEqual([], self.ids(Filters=[{"Name": name, "Values": ["x"]}]))
        self.assertIn(IMAGE, self.ids(Filters=[{"Name": "owner-alias", "Values": ["amazon"]}]))
        self.assert_code("InvalidParameterValue", self.ec2.describe_images, "Name", Filters=[{"Name": "Name", "Values": ["x"]}])

    def test_bad_ids(self):
        self.assert_code("InvalidAMIID.NotFound", self.ec2.describe_images, UNKNOWN, ImageIds=[IMAGE, UNKNOWN])
        for bad in ("ami-xyz", "x", "i-0123456789abcdef0", "ami-"):
            self.assert_code("InvalidAMIID.Malformed", self.ec2.describe_images, ImageIds=[bad])

    def test_paging_and_deletions_between_pages(self):
        """Raw: Debian's boto3 does not know of pages here yet."""
        def page(**parameters):
            return call(self.lodge, self.account, "DescribeImages", {"MaxResults": 5, "Owner.1": "self", **parameters})
        made = sorted(self.register(f"page-{n:02}") for n in range(13))
        first = page()
        for gone in (made[4], made[5]):
            self.ec2.deregister_image(ImageId=gone)
        second = page(NextToken=first.values("nextToken")[0])
        third = page(NextToken=second.values("nextToken")[0])
        self.assertEqual([made[:5], made[6:11], made[11:]], [p.values("imageId") for p in (first, second, third)])
        self.assertEqual([], third.values("nextToken"))
        self.assertEqual("InvalidParameterCombination", page(**{"ImageId.1": IMAGE}).code)
        self.assertEqual("InvalidParameterValue", page(MaxResults=1001).code)
        self.assertIn(page(NextToken="rubbish").code, ("InvalidNextToken", "InvalidParameterValue"))

    def test_waiters(self):
        mine = self.register()
        for waiter in ("image_exists", "image_available"):
            self.ec2.get_waiter(waiter).wait(ImageIds=[mine], WaiterConfig={"Delay": 0.05, "MaxAttempts": 5})

    def test_older_flags(self):
        self.assertIn(IMAGE, self.ids(IncludeDeprecated=True))


class Register(ImageTest):
    def test_a_copy_is_private_and_launches(self):
        before = datetime.datetime.utcnow() - datetime.timedelta(seconds=2)
        mine = self.register("web server (1)", Description="d", Architecture="x86_64", RootDeviceName="/dev/sda1",
                             EnaSupport=True, VirtualizationType="hvm")
        self.assertRegex(mine, "^ami-[0-9a-f]{17}$")
        shown = self.show(mine)
        self.assertEqual(("web server (1)", "d", self.account.id, False, "/dev/sda1", f"{self.account.id}/web server (1)"),
                         tuple(shown[n] for n in ("Name", "Description", "OwnerId", "Public", "RootDeviceName", "ImageLocation")))
        self.assertGreaterEqual(shown["CreationDate"], before.strftime("%Y-%m-%dT%H:%M:%S"))
        self.assertNotIn("ImageOwnerAlias", shown)
        instance = self.describe(self.launch(ImageId=mine)[0])
        self.assertEqual(("/dev/sda1", mine), (instance["RootDeviceName"], instance["ImageId"]))

    def test_other_accounts_do_not_see_it(self):
        mine = self.register()
        stranger = self.lodge.client(self.lodge.new_account())
        self.assertNotIn(mine, self.ids(stranger))
        self.assert_code("InvalidAMIID.NotFound", stranger.describe_images, ImageIds=[mine])
        self.assert_code("InvalidAMIID.NotFound", stranger.run_instances, ImageId=mine, MinCount=1, MaxCount=1)
        self.assert_code("InvalidAMIID.NotFound", stranger.deregister_image, ImageId=mine)
        self.assert_code("InvalidAMIID.NotFound", stranger.create_tags, Resources=[mine], Tags=tags(a="1"))
        self.assert_code(("InvalidAMIID.NotFound", "InvalidParameterValue"), stranger.register_image, Name="theirs", ImageLocation=mine)

    def test_sources(self):
        image = self.lodge.import_image(size_gib=3)
        for n, source in enumerate((image["id"], f"{image['account_id']}/{image['name']}", "sha256:" + image["sha256"])):
            shown = self.show(self.register(f"source-{n}", source))
            self.assertEqual(3, shown["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"])
        for bad in ("s3://bucket/manifest.xml", "nobody/nothing", "sha256:" + "0" * 64):
            with self.subTest(bad):
                self.assert_code("InvalidParameterValue", self.ec2.register_image, bad, Name="bad", ImageLocation=bad)
        for nothing in ({}, {"ImageLocation": ""}):
            self.assert_code("MissingParameter", self.ec2.register_image, "ImageLocation", Name="nothing", **nothing)

    def test_private_content_of_others_is_no_source(self):
        private = self.lodge.import_image(account_id=self.lodge.new_account().id, public=False)
        for source in (private["id"], f"{private['account_id']}/{private['name']}", "sha256:" + private["sha256"]):
            self.assert_code(("InvalidAMIID.NotFound", "InvalidParameterValue"), self.ec2.register_image, Name="bad", ImageLocation=source)

    def test_a_public_image_does_not_share_a_private_ones_kernel(self):
        owner, kernel = self.lodge.new_account().id, self.lodge.content()
        private = self.lodge.import_image(account_id=owner, public=False, kernel=kernel)
        public = self.lodge.import_image(account_id=owner, public=True, kernel=kernel)
        again = self.lodge.import_image(account_id=owner, public=False, kernel=kernel)
        self.assertNotEqual(private["kernel_id"], public["kernel_id"])
        self.assertIn(again["kernel_id"], (private["kernel_id"], public["kernel_id"]))
        self.launch(ImageId=public["id"])

    def test_names(self):
        self.register("taken")
        self.assert_code("InvalidAMIName.Duplicate", self.ec2.register_image, "taken", Name="taken", ImageLocation=IMAGE)
        for good in ("abc", "a" * 128, "a (b) [c] ./-'@_9"):
            self.assertEqual(good, self.show(self.register(good))["Name"])
        for bad in ("ab", "a" * 129, "a<b>c", "a&b", "snow \u2603", "tab\tbed", "", "]]>"):
            with self.subTest(bad):
                self.assert_code(("InvalidAMIName.Malformed", "InvalidParameterValue"), self.ec2.register_image, Name=bad, ImageLocation=IMAGE)
        stranger = self.lodge.client(self.lodge.new_account())
        stranger.register_image(Name="taken", ImageLocation=IMAGE)

    def test_tags(self):
        mine = self.register_tagged("mine", ("image", "a", "1"))
        self.assertEqual(tags(a="1"), self.show(mine)["Tags"])
        for kind in ("instance", "snapshot"):
            refused = self.register_with_tags("other", ("image", "a", "1"), (kind, "a", "1"))
            self.assertEqual("InvalidParameterValue", refused.code)
            self.assertIn(kind, refused.message)

    def test_refused_by_name(self):
        for name, extra in {"TpmSupport": {"TpmSupport": "v2.0"}, "UefiData": {"UefiData": "x"},
                            "EnaSupport": {"EnaSupport": False}, "VirtualizationType": {"VirtualizationType": "paravirtual"},
                            "SriovNetSupport": {"SriovNetSupport": "other"}, "ImdsSupport": {"ImdsSupport": "v2.0"},
                            "BillingProduct": {"BillingProducts": ["bp-1"]}}.items():
            with self.subTest(name):
                self.assert_code("UnsupportedOperation", self.ec2.register_image, f"parameter {name} ", Name="refused",
                                 ImageLocation=IMAGE, **extra)
        self.assert_code("InvalidParameterValue", self.ec2.register_image, Name="bad", ImageLocation=IMAGE, Architecture="vax")
        self.assert_code("InvalidParameterValue", self.ec2.register_image, Name="bad", ImageLocation=IMAGE, Description="x" * 256)
        self.assert_code("InvalidParameterValue", self.ec2.register_image, "RootDeviceName", Name="bad", ImageLocation=IMAGE,
                         RootDeviceName="/dev/" + "x" * 60)
        self.assertEqual([], self.ids(Owners=["self"]))


class TwoRegions(ImageTest):
    options = ("--zones", "us-east-1a", "us-west-2a")

    def test_parts_of_another_region_are_not_inherited(self):
        image = self.lodge.import_image(region="us-west-2", kernel=self.lodge.content())
        self.assert_code("InvalidAMIID.NotFound", self.register, image["kernel_id"], source="sha256:" + image["sha256"])


class Deregister(ImageTest):
    def test_it_is_gone_and_its_instances_live_on(self):
        mine = self.register_tagged("mine", ("image", "a", "1"))
        instance, = self.launch(ImageId=mine)
        reply = self.ec2.deregister_image(ImageId=mine)
        self.assertEqual(200, reply["ResponseMetadata"]["HTTPStatusCode"])
        self.assertEqual([], self.ids(Owners=["self"]))
        self.assertEqual([], self.ec2.describe_tags()["Tags"])
        self.assert_code("InvalidAMIID.Unavailable", self.ec2.run_instances, mine, ImageId=mine, MinCount=1, MaxCount=1)
        self.assertEqual([], self.ec2.describe_images(ImageIds=[mine])["Images"], "its owner is told of no error: Ansible asks so")
        stranger = self.lodge.client(self.lodge.new_account())
        self.assert_code("InvalidAMIID.NotFound", stranger.describe_images, ImageIds=[mine])
        self.assert_code(("InvalidAMIID.Unavailable", "InvalidAMIID.NotFound"), self.ec2.deregister_image, ImageId=mine)
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        self.ec2.start_instances(InstanceIds=[instance])
        self.reach("running", [instance])
        self.assertEqual(mine, self.describe(instance)["ImageId"])

    def test_the_name_is_free_again(self):
        self.ec2.deregister_image(ImageId=self.register("again"))
        self.register("again")

    def test_bad_requests(self):
        self.assert_code("InvalidAMIID.NotFound", self.ec2.deregister_image, ImageId=UNKNOWN)
        self.assert_code("InvalidAMIID.Malformed", self.ec2.deregister_image, ImageId="x")

    def test_others_public_image(self):
        """EC2's words, as cloudcaptain #66 and cloudquery #9406 show them."""
        self.assert_code("AuthFailure", self.ec2.deregister_image, f"Not authorized for image:{IMAGE}", ImageId=IMAGE)
        self.assertEqual([IMAGE], self.ids(ImageIds=[IMAGE]))


if __name__ == "__main__":
    unittest.main()
