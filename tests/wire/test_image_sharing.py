"""DescribeImageAttribute, ModifyImageAttribute, ResetImageAttribute, EnableImageDeprecation, DisableImageDeprecation."""
import datetime
import unittest

from harness import IMAGE, WireTest, tags
from signing import call

UNKNOWN = "ami-0123456789abcdef0"
YEAR = datetime.date.today().year + 3


class SharingTest(WireTest):
    def setUp(self):
        super().setUp()
        self.other_account = self.lodge.new_account()
        self.other = self.lodge.client(self.other_account)
        self.addCleanup(self.other.close)

    def register(self, name="mine"):
        return self.ec2.register_image(Name=name, ImageLocation=IMAGE, Description="first")["ImageId"]

    def ids(self, ec2=None, **parameters):
        return {i["ImageId"] for i in (ec2 or self.ec2).describe_images(**parameters)["Images"]}

    def permissions(self, image, ec2=None):
        return (ec2 or self.ec2).describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]

    def change(self, image, add=(), remove=(), **more):
        self.ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": list(add), "Remove": list(remove)}, **more)


class LaunchPermission(SharingTest):
    def test_another_account_sees_and_launches_it(self):
        mine = self.register()
        self.assertEqual([], self.permissions(mine))
        self.assert_code("InvalidAMIID.NotFound", self.other.describe_images, ImageIds=[mine])
        self.change(mine, add=[{"UserId": self.other_account.id}])
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(mine))
        shown, = self.other.describe_images(ImageIds=[mine])["Images"]
        self.assertEqual((self.account.id, False), (shown["OwnerId"], shown["Public"]))
        self.assertIn(mine, self.ids(self.other))
        self.launch(ec2=self.other, ImageId=mine)
        third = self.lodge.client(self.lodge.new_account())
        self.assert_code("InvalidAMIID.NotFound", third.run_instances, ImageId=mine, MinCount=1, MaxCount=1)
        self.change(mine, remove=[{"UserId": self.other_account.id}])
        self.assertEqual([], self.permissions(mine))
        self.assert_code("InvalidAMIID.NotFound", self.other.run_instances, ImageId=mine, MinCount=1, MaxCount=1)
        self.assertNotIn(mine, self.ids(self.other))

    def test_its_guests_outlive_the_permission(self):
        mine = self.register()
        self.change(mine, add=[{"UserId": self.other_account.id}])
        instance, = self.launch(ec2=self.other, ImageId=mine)
        self.ec2.reset_image_attribute(ImageId=mine, Attribute="launchPermission")
        self.other.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance], self.other)
        self.other.start_instances(InstanceIds=[instance])
        self.reach("running", [instance], self.other)

    def test_everybody(self):
        mine = self.register()
        self.change(mine, add=[{"Group": "all"}])
        self.assertEqual([{"Group": "all"}], self.permissions(mine))
        self.assertTrue(self.other.describe_images(ImageIds=[mine])["Images"][0]["Public"])
        self.assertIn(mine, self.ids(self.other, ExecutableUsers=["all"]))
        self.launch(ec2=self.other, ImageId=mine)
        self.change(mine, remove=[{"Group": "all"}])
        self.assert_code("InvalidAMIID.NotFound", self.other.describe_images, ImageIds=[mine])

    def test_the_older_form(self):
        mine = self.register()
        def ask(**given):
            self.ec2.modify_image_attribute(ImageId=mine, Attribute="launchPermission", **given)
        ask(OperationType="add", UserIds=[self.other_account.id, self.account.id], UserGroups=["all"])
        self.assertEqual({"all", self.other_account.id, self.account.id}, {v for p in self.permissions(mine) for v in p.values()})
        ask(OperationType="remove", UserGroups=["all"], UserIds=[self.account.id])
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(mine))
        self.ec2.modify_image_attribute(ImageId=mine, OperationType="remove", UserIds=[self.other_account.id])
        self.assertEqual([], self.permissions(mine))

    def test_twice_is_once(self):
        mine = self.register()
        for _ in range(2):
            self.change(mine, add=[{"UserId": self.other_account.id}])
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(mine))
        for _ in range(2):
            self.change(mine, remove=[{"UserId": self.other_account.id}])
        self.assertEqual([], self.permissions(mine))

    def test_reset(self):
        mine = self.register()
        self.change(mine, add=[{"Group": "all"}, {"UserId": self.other_account.id}])
        self.ec2.reset_image_attribute(ImageId=mine, Attribute="launchPermission")
        self.assertEqual([], self.permissions(mine))
        self.assertNotIn(mine, self.ids(self.other))
        self.assert_code("InvalidParameterValue", self.ec2.reset_image_attribute, ImageId=mine, Attribute="description")

    def test_who_may_launch(self):
        mine, kept = self.register("shared"), self.register("kept")
        self.change(mine, add=[{"UserId": self.other_account.id}])
        self.assertEqual({mine}, self.ids(self.other, ExecutableUsers=["self"]))
        self.assertEqual({mine}, self.ids(self.other, ExecutableUsers=[self.other_account.id]))
        self.assertEqual({mine}, self.ids(self.ec2, ExecutableUsers=[self.other_account.id]))
        self.assertEqual(set(), self.ids(self.ec2, ExecutableUsers=["self"]))
        self.assertEqual({mine}, self.ids(self.other, Owners=[self.account.id]))
        self.assertEqual({mine, kept}, self.ids(Owners=["self"]))
        third = self.lodge.new_account()
        self.change(mine, add=[{"UserId": third.id}])
        self.assertEqual(set(), self.ids(self.other, ExecutableUsers=[third.id]), "whom else it is shared with is the owner's to know")

    def test_sharing_lends_no_rights_over_it(self):
        mine = self.register()
        self.change(mine, add=[{"UserId": self.other_account.id}])
        word = f"Not authorized for image:{mine}"
        for ask, parameters in ((self.other.modify_image_attribute, {"Description": {"Value": "theirs"}}),
                                (self.other.describe_image_attribute, {"Attribute": "launchPermission"}),
                                (self.other.describe_image_attribute, {"Attribute": "lastLaunchedTime"}),
                                (self.other.reset_image_attribute, {"Attribute": "launchPermission"}),
                                (self.other.enable_image_deprecation, {"DeprecateAt": datetime.datetime(2099, 1, 1)}),
                                (self.other.disable_image_deprecation, {}), (self.other.deregister_image, {})):
            self.assert_code("AuthFailure", ask, word, ImageId=mine, **parameters)
        self.other.create_tags(Resources=[mine], Tags=tags(whose="theirs"))
        self.assertFalse(self.ec2.describe_images(ImageIds=[mine])["Images"][0].get("Tags"))

    def test_a_shared_image_brings_its_kernel_along(self):
        image = self.lodge.import_image(account_id=self.account.id, public=False, kernel=self.lodge.content())
        self.assert_code("InvalidAMIID.NotFound", self.other.describe_images, ImageIds=[image["kernel_id"]])
        self.change(image["id"], add=[{"UserId": self.other_account.id}])
        instance, = self.launch(ec2=self.other, ImageId=image["id"])
        self.assertEqual(image["kernel_id"], self.describe(instance, self.other)["KernelId"])
        self.assert_code("InvalidAMIID.NotFound", self.other.run_instances, ImageId=IMAGE, KernelId=image["kernel_id"], MinCount=1, MaxCount=1)
        self.assert_code("InvalidAMIID.NotFound", self.other.register_image, Name="copy", ImageLocation=image["id"])

    def test_deregistered_with_its_permissions(self):
        mine = self.register()
        self.change(mine, add=[{"UserId": self.other_account.id}])
        self.ec2.deregister_image(ImageId=mine)
        self.assertNotIn(mine, self.ids(self.other))
        self.assert_code("InvalidAMIID.NotFound", self.other.run_instances, ImageId=mine, MinCount=1, MaxCount=1)

    def test_bad_requests(self):
        mine = self.register()
        ask = self.ec2.modify_image_attribute
        for bad in ("999999999999", "12345", "self", ""):
            self.assert_code("InvalidAMIAttributeItemValue", self.change, bad, image=mine, add=[{"UserId": bad}])
        self.assert_code("InvalidAMIAttributeItemValue", ask, "some", ImageId=mine, Attribute="launchPermission", OperationType="add", UserGroups=["some"])
        self.change(mine, add=[{"UserId": self.other_account.id}])
        self.assert_code("InvalidAMIAttributeItemValue", self.change, image=mine, add=[{"Group": "all"}, {"UserId": "999999999999"}])
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(mine), "all of a change or nothing")
        self.assert_code("InvalidParameterCombination", ask, ImageId=mine)
        self.assert_code("InvalidParameterCombination", ask, ImageId=mine, Attribute="launchPermission")
        self.assert_code("InvalidParameterCombination", ask, ImageId=mine, Description={"Value": "x"}, LaunchPermission={"Add": [{"Group": "all"}]})
        self.assert_code("InvalidParameterCombination", ask, ImageId=mine, UserIds=[self.account.id], OperationType="add",
                         LaunchPermission={"Add": [{"Group": "all"}]})
        self.assert_code("MissingParameter", ask, "OperationType", ImageId=mine, Attribute="launchPermission", UserIds=[self.account.id])
        self.assert_code("InvalidParameterValue", ask, ImageId=mine, Attribute="launchPermission", OperationType="replace", UserIds=[self.account.id])
        self.assert_code("InvalidParameterValue", ask, "colour", ImageId=mine, Attribute="colour", Value="red")
        self.assert_code("UnsupportedOperation", ask, "ProductCode", ImageId=mine, ProductCodes=["x"])
        self.assert_code("UnsupportedOperation", ask, "productCodes", ImageId=mine, Attribute="productCodes", Value="x")
        self.assert_code("UnsupportedOperation", ask, "OrganizationArn", ImageId=mine, OperationType="add", OrganizationArns=["arn:x"])
        self.assert_code("InvalidAMIID.NotFound", ask, ImageId=UNKNOWN, Description={"Value": "x"})
        self.assert_code("InvalidAMIID.Malformed", ask, ImageId="x", Description={"Value": "x"})
        self.assert_code("AuthFailure", ask, ImageId=IMAGE, Description={"Value": "x"})
        self.assert_code("DryRunOperation", self.change, image=mine, add=[{"Group": "all"}], DryRun=True)
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(mine))


class Attributes(SharingTest):
    def value(self, image, name, ec2=None):
        reply = (ec2 or self.ec2).describe_image_attribute(ImageId=image, Attribute=name)
        self.assertEqual(image, reply["ImageId"])
        return {k: v for k, v in reply.items() if k not in ("ResponseMetadata", "ImageId") and v != []}

    def test_description(self):
        mine = self.register()
        self.assertEqual({"Description": {"Value": "first"}}, self.value(mine, "description"))
        self.ec2.modify_image_attribute(ImageId=mine, Description={"Value": "second"})
        self.assertEqual("second", self.ec2.describe_images(ImageIds=[mine])["Images"][0]["Description"])
        self.ec2.modify_image_attribute(ImageId=mine, Attribute="description", Value="third & last")
        self.assertEqual({"Description": {"Value": "third & last"}}, self.value(mine, "description"))
        self.ec2.modify_image_attribute(ImageId=mine, Description={"Value": ""})
        self.assertEqual({"Description": {}}, self.value(mine, "description"))
        self.assert_code("InvalidParameterValue", self.ec2.modify_image_attribute, ImageId=mine, Description={"Value": "x" * 256})
        self.assert_code("MissingParameter", self.ec2.modify_image_attribute, "Attribute", ImageId=mine, Value="x")
        self.assert_code("InvalidParameterCombination", self.ec2.modify_image_attribute, ImageId=mine, Attribute="launchPermission", Value="x")

    def test_the_others(self):
        mine = self.register()
        self.assertEqual({"BootMode": {"Value": "legacy-bios"}}, self.value(mine, "bootMode"))
        devices = self.value(mine, "blockDeviceMapping")["BlockDeviceMappings"]
        self.assertEqual(self.ec2.describe_images(ImageIds=[mine])["Images"][0]["BlockDeviceMappings"], devices)
        for name, member in (("kernel", "KernelId"), ("ramdisk", "RamdiskId"), ("sriovNetSupport", "SriovNetSupport"),
                             ("tpmSupport", "TpmSupport"), ("uefiData", "UefiData"), ("imdsSupport", "ImdsSupport"),
                             ("lastLaunchedTime", "LastLaunchedTime")):
            self.assertEqual({member: {}}, self.value(mine, name), name)
        self.assertEqual({}, self.value(mine, "productCodes"))
        self.assertIn("Description", self.value(IMAGE, "description", self.other))
        reply = call(self.lodge, self.account, "DescribeImageAttribute", {"ImageId": mine, "Attribute": "deregistrationProtection"})
        self.assertEqual(["disabled"], reply.values("value"))
        self.assert_code("InvalidParameterValue", self.ec2.describe_image_attribute, "colour", ImageId=mine, Attribute="colour")
        self.assert_code("InvalidAMIID.NotFound", self.ec2.describe_image_attribute, ImageId=UNKNOWN, Attribute="kernel")
        self.assert_code("AuthFailure", self.ec2.describe_image_attribute, ImageId=IMAGE, Attribute="launchPermission")

    def test_kernel_and_ramdisk(self):
        image = self.lodge.import_image(kernel=self.lodge.content(), ramdisk=self.lodge.content())
        self.assertEqual({"KernelId": {"Value": image["kernel_id"]}}, self.value(image["id"], "kernel"))
        self.assertEqual({"RamdiskId": {"Value": image["ramdisk_id"]}}, self.value(image["id"], "ramdisk"))

    def test_last_launch(self):
        mine = self.register()
        before = datetime.datetime.utcnow() - datetime.timedelta(seconds=2)
        self.launch(ImageId=mine)
        shown = self.value(mine, "lastLaunchedTime")["LastLaunchedTime"]["Value"]
        self.assertGreaterEqual(shown, before.strftime("%Y-%m-%dT%H:%M:%S"))
        self.launch(ImageId=mine)
        self.assertEqual(shown, self.value(mine, "lastLaunchedTime")["LastLaunchedTime"]["Value"], "to the minute")


class Deprecation(SharingTest):
    def soon(self, **later):
        return datetime.datetime.utcnow() + datetime.timedelta(**later)

    def deprecate(self, image, when, ec2=None, **more):
        return (ec2 or self.ec2).enable_image_deprecation(ImageId=image, DeprecateAt=when, **more)

    def time_of(self, image, ec2=None):
        return (ec2 or self.ec2).describe_images(ImageIds=[image])["Images"][0].get("DeprecationTime")

    def test_a_deprecated_image_is_not_offered(self):
        mine = self.register()
        self.change(mine, add=[{"UserId": self.other_account.id}])
        self.assertTrue(self.deprecate(mine, self.soon(seconds=1))["Return"])  # to the nearest minute
        self.eventually(lambda: mine not in self.ids(self.other), 65)
        self.assertIn(mine, self.ids(self.other, IncludeDeprecated=True))
        self.assertIn(mine, self.ids(self.other, ImageIds=[mine]))
        self.assertNotIn(mine, self.ids(self.other, Filters=[{"Name": "image-id", "Values": [mine]}]))
        self.assertNotIn(mine, self.ids(self.other, ExecutableUsers=["self"]))
        self.assertIn(mine, self.ids(), "its owner goes on seeing it")
        self.launch(ec2=self.other, ImageId=mine)
        self.assertTrue(self.ec2.disable_image_deprecation(ImageId=mine)["Return"])
        self.assertIsNone(self.time_of(mine))
        self.assertIn(mine, self.ids(self.other))

    def test_one_to_come(self):
        mine = self.register()
        self.assertIsNone(self.time_of(mine))
        self.deprecate(mine, datetime.datetime(YEAR, 5, 6, 7, 8, 29))
        self.assertEqual(f"{YEAR}-05-06T07:08:00.000Z", self.time_of(mine))
        self.deprecate(mine, datetime.datetime(YEAR, 5, 6, 7, 8, 30))
        self.assertEqual(f"{YEAR}-05-06T07:09:00.000Z", self.time_of(mine))
        self.change(mine, add=[{"UserId": self.other_account.id}])
        self.assertIn(mine, self.ids(self.other))
        self.assertEqual(f"{YEAR}-05-06T07:09:00.000Z", self.time_of(mine, self.other))

    def test_bounds(self):
        mine = self.register()
        self.assert_code("InvalidParameterValue", self.deprecate, "past", image=mine, when=self.soon(seconds=-90))
        self.assert_code("InvalidParameterValue", self.deprecate, "10 years", image=mine, when=self.soon(days=3660))
        self.deprecate(mine, self.soon(days=3650))
        self.change(mine, add=[{"Group": "all"}])
        self.assert_code("InvalidParameterValue", self.deprecate, "2 years", image=mine, when=self.soon(days=740))
        self.deprecate(mine, self.soon(days=700))

    def test_bad_requests(self):
        mine = self.register()
        self.assert_code("InvalidAMIID.NotFound", self.deprecate, image=UNKNOWN, when=self.soon(days=1))
        self.assert_code("AuthFailure", self.deprecate, image=IMAGE, when=self.soon(days=1))
        self.assert_code("InvalidAMIID.NotFound", self.other.disable_image_deprecation, ImageId=mine)
        self.assert_code("DryRunOperation", self.deprecate, image=mine, when=self.soon(days=1), DryRun=True)
        self.assertIsNone(self.time_of(mine))
        self.ec2.disable_image_deprecation(ImageId=mine)  # there is none
        reply = call(self.lodge, self.account, "EnableImageDeprecation", {"ImageId": mine, "DeprecateAt": "tomorrow"})
        self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code))
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "EnableImageDeprecation", {"ImageId": mine}).code)

    def test_a_copy_is_not_deprecated(self):
        mine = self.register()
        self.deprecate(mine, datetime.datetime(YEAR, 1, 1))
        copy = self.ec2.register_image(Name="copy", ImageLocation=mine)["ImageId"]
        self.assertIsNone(self.time_of(copy))


if __name__ == "__main__":
    unittest.main()
