"""DryRun of every action: it checks as the action would, says DryRunOperation with 412, and changes nothing."""
import unittest

from harness import IMAGE, WireTest, instances_of, tags
from idl import actions, needed
from signing import call

UNKNOWN = "i-0123456789abcdef0"
WITHOUT = {"AllocateHosts", "AssignIpv6Addresses", "AssignPrivateIpAddresses", "CancelExportTask", "DescribeHosts",
           "DescribeVpcClassicLinkDnsSupport", "ModifyHosts", "ModifyInstancePlacement", "ModifySubnetAttribute", "ReleaseHosts",
           "UnassignIpv6Addresses", "UnassignPrivateIpAddresses"}  # EC2's own have no DryRun

ALTERNATIVES = {"DescribeLaunchTemplateVersions": {"LaunchTemplateVersion.1": "$Latest"}}  # one of several has to be said


class DryRun(WireTest):
    def dry(self, action, **parameters):
        reply = call(self.lodge, self.account, action, {**parameters, "DryRun": "true"})
        return reply.status, reply.code

    def test_reads(self):
        for action, facts in actions().items():
            if facts["service"] == "ec2" and not facts["write"] and action not in {"GetConsoleOutput", *WITHOUT}:
                status, code = self.dry(action, **needed(action), **ALTERNATIVES.get(action, {}))
                if needed(action):  # of something that is not there
                    self.assertRegex(code, r"^DryRunOperation$|^Invalid|NotFound$|Malformed$", action)
                else:
                    self.assertEqual((412, "DryRunOperation"), (status, code), action)

    def test_every_ec2_action_has_it(self):
        for action, facts in actions().items():
            if facts["service"] == "ec2" and action not in WITHOUT:
                self.assertIn("DryRun", facts["parameters"], action)

    def test_writes_change_nothing(self):
        instance, = self.launch()
        stopped, = self.launch()
        self.ec2.stop_instances(InstanceIds=[stopped])
        self.reach("stopped", [stopped])
        self.ec2.create_key_pair(KeyName="k", KeyType="ed25519")
        line = self.ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"][0]["PublicKey"]
        image = self.ec2.register_image(Name="image", ImageLocation=IMAGE)["ImageId"]
        self.ec2.create_tags(Resources=[instance], Tags=tags(a="1"))
        import base64
        tried = {"RunInstances": {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1}, "StartInstances": {"InstanceId.1": stopped},
                 "StopInstances": {"InstanceId.1": instance}, "RebootInstances": {"InstanceId.1": instance},
                 "TerminateInstances": {"InstanceId.1": instance}, "RegisterImage": {"Name": "other", "ImageLocation": IMAGE},
                 "DeregisterImage": {"ImageId": image}, "CreateKeyPair": {"KeyName": "other"},
                 "ImportKeyPair": {"KeyName": "other", "PublicKeyMaterial": base64.b64encode(line.encode()).decode()},
                 "DeleteKeyPair": {"KeyName": "k"}, "CreateTags": {"ResourceId.1": instance, "Tag.1.Key": "b"},
                 "DeleteTags": {"ResourceId.1": instance, "Tag.1.Key": "a"}}
        for action, parameters in tried.items():
            self.assertEqual((412, "DryRunOperation"), self.dry(action, **parameters), action)
        # The network's have theirs in their own tests: here, that none of them goes through.
        for action in {a for a, facts in actions().items() if facts["write"]} - set(tried) - WITHOUT:
            self.assertIn(self.dry(action, **needed(action))[0], (400, 412), action)
        self.assertEqual({instance: "running", stopped: "stopped"}, {i["InstanceId"]: i["State"]["Name"] for i in instances_of(self.ec2.describe_instances())})
        self.assertEqual(["k"], [k["KeyName"] for k in self.ec2.describe_key_pairs()["KeyPairs"]])
        self.assertEqual([image], [i["ImageId"] for i in self.ec2.describe_images(Owners=["self"])["Images"]])
        self.assertEqual([("a", "1")], [(t["Key"], t["Value"]) for t in self.ec2.describe_tags()["Tags"]])
        self.assertNotIn("reboot", self.ec2.get_console_output(InstanceId=instance, Latest=True)["Output"])

    def test_console(self):
        self.assertEqual((412, "DryRunOperation"), self.dry("GetConsoleOutput", InstanceId=self.launch()[0]))

    def test_errors_come_first(self):
        for action, parameters, code in (
                ("RunInstances", {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}, "InvalidAMIID.NotFound"),
                ("RunInstances", {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "SubnetId": "x"}, "InvalidSubnetId.Malformed"),
                ("RunInstances", {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "AdditionalInfo": "x"}, "UnsupportedOperation"),
                ("TerminateInstances", {"InstanceId.1": UNKNOWN}, "InvalidInstanceID.NotFound"),
                ("DescribeInstances", {"InstanceId.1": UNKNOWN}, "InvalidInstanceID.NotFound"),
                ("DescribeInstances", {"Filter.1.Name": "x", "Filter.1.Value.1": "y"}, "InvalidParameterValue"),
                ("DescribeImages", {"Nonsense": "1"}, "UnknownParameter"), ("DeleteKeyPair", {}, "MissingParameter"),
                ("CreateTags", {"ResourceId.1": UNKNOWN, "Tag.1.Key": "a"}, "InvalidInstanceID.NotFound"),
                ("GetConsoleOutput", {"InstanceId": UNKNOWN}, "InvalidInstanceID.NotFound")):
            self.assertEqual((400, code), self.dry(action, **parameters), action)

    def test_values(self):
        for value, code in (("true", "DryRunOperation"), ("True", "DryRunOperation"), ("1", "DryRunOperation"), ("false", None), ("0", None),
                            ("maybe", "InvalidParameterValue"), ("", "InvalidParameterValue")):
            self.assertEqual(code, call(self.lodge, self.account, "DescribeRegions", {"DryRun": value}).code, value)

    def test_through_boto3(self):
        self.assert_code("DryRunOperation", self.ec2.run_instances, "DryRun", status=412, ImageId=IMAGE, MinCount=1, MaxCount=1, DryRun=True)


if __name__ == "__main__":
    unittest.main()
