"""RunInstances with a launch template: which version, what wins, how the instance is marked."""
import unittest

from harness import IMAGE, WireTest, instances_of, tag_specification, tags

OWN = ("aws:ec2launchtemplate:id", "aws:ec2launchtemplate:version")


class FromTemplate(WireTest):
    def template(self, name="mine", **data):
        data = data or {"ImageId": IMAGE, "InstanceType": "t3.nano"}
        return self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]["LaunchTemplateId"]

    def version(self, template, **data):
        self.ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="$Latest", LaunchTemplateData=data)

    def run_it(self, template, version=None, count=1, **parameters):
        named = {"LaunchTemplateId" if template.startswith("lt-") else "LaunchTemplateName": template, **({"Version": version} if version else {})}
        return self.ec2.run_instances(LaunchTemplate=named, MinCount=count, MaxCount=count, **parameters)["Instances"]

    def tags_of(self, instance):
        return {t["Key"]: t["Value"] for t in instance["Tags"]}

    def test_which_version(self):
        template = self.template()
        self.version(template, InstanceType="t3.small")
        self.version(template, InstanceType="t3.medium")
        self.ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")
        for named in (template, "mine"):
            for version, kind, number in ((None, "t3.small", "2"), ("$Default", "t3.small", "2"), ("$Latest", "t3.medium", "3"), ("1", "t3.nano", "1")):
                instance, = self.run_it(named, version)
                self.assertEqual((kind, {OWN[0]: template, OWN[1]: number}), (instance["InstanceType"], self.tags_of(instance)))
        self.assert_code("InvalidLaunchTemplateId.VersionNotFound", lambda: self.run_it(template, "4"))
        self.assert_code("InvalidParameterValue", lambda: self.run_it(template, "newest"))
        found = self.ec2.describe_instances(Filters=[{"Name": "tag:" + OWN[0], "Values": [template]}, {"Name": "tag:" + OWN[1], "Values": ["3"]}])
        self.assertEqual(2, len(instances_of(found)))

    def test_all_of_the_template_counts(self):
        self.ec2.create_key_pair(KeyName="k", KeyType="ed25519")
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        template = self.template(
            ImageId=IMAGE, InstanceType="m5.large", KeyName="k", SecurityGroupIds=[group], DisableApiTermination=True,
            UserData="I3g=", Placement={"AvailabilityZone": "us-east-1a"}, CpuOptions={"CoreCount": 1, "ThreadsPerCore": 1},
            MetadataOptions={"HttpTokens": "required"}, BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"VolumeSize": 7}}],
            TagSpecifications=[tag_specification("instance", a="1"), tag_specification("volume", b="2"), tag_specification("network-interface", c="3")])
        instance, = self.run_it(template)
        self.assertEqual(("m5.large", "k", [group], "us-east-1a", {"CoreCount": 1, "ThreadsPerCore": 1}, "required"),
                         (instance["InstanceType"], instance["KeyName"], [g["GroupId"] for g in instance["SecurityGroups"]],
                          instance["Placement"]["AvailabilityZone"], instance["CpuOptions"], instance["MetadataOptions"]["HttpTokens"]))
        of = lambda kind: {t["Key"]: t["Value"] for t in self.ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": [kind]}])["Tags"]}  # noqa: E731
        self.assertEqual(({OWN[0]: template, OWN[1]: "1", "a": "1"}, {"b": "2"}, {"c": "3"}), (of("instance"), of("volume"), of("network-interface")))
        attribute = lambda name: self.ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute=name)  # noqa: E731
        self.assertEqual((True, "I3g="), (attribute("disableApiTermination")["DisableApiTermination"]["Value"], attribute("userData")["UserData"]["Value"]))
        self.ec2.modify_instance_attribute(InstanceId=instance["InstanceId"], DisableApiTermination={"Value": False})

    def test_the_request_wins(self):
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        template = self.template(ImageId="ami-0123456789abcdef0", InstanceType="t3.large", KeyName="none", SecurityGroups=["default"],
                                 MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 5}, UserData="I3g=",
                                 TagSpecifications=[tag_specification("instance", a="template", b="template")])
        self.ec2.create_key_pair(KeyName="k", KeyType="ed25519")
        instance, = self.run_it(template, ImageId=IMAGE, InstanceType="t3.nano", KeyName="k", SecurityGroupIds=[group], UserData="other",
                                MetadataOptions={"HttpPutResponseHopLimit": 2},
                                TagSpecifications=[tag_specification("instance", b="request", c="request")])
        self.assertEqual((IMAGE, "t3.nano", "k", [group], 2, "required"),
                         (instance["ImageId"], instance["InstanceType"], instance["KeyName"], [g["GroupId"] for g in instance["SecurityGroups"]],
                          instance["MetadataOptions"]["HttpPutResponseHopLimit"], instance["MetadataOptions"]["HttpTokens"]))
        self.assertEqual({"a": "template", "b": "request", "c": "request"}, {k: v for k, v in self.tags_of(instance).items() if k not in OWN})
        self.assertEqual("b3RoZXI=", self.ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")["UserData"]["Value"])

    def test_what_a_launch_finds_wrong(self):
        self.assert_code("MissingParameter", lambda: self.run_it(self.template("no-image", InstanceType="t3.nano")))
        self.assert_code("InvalidAMIID.NotFound", lambda: self.run_it(self.template("bad-image", ImageId="ami-0123456789abcdef0")))
        self.assert_code("InvalidKeyPair.NotFound", lambda: self.run_it(self.template("bad-key", ImageId=IMAGE, KeyName="none")))
        subnet = self.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        nics = self.template("interfaces", ImageId=IMAGE, NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet}])
        self.assert_code("InvalidParameterCombination", lambda: self.run_it(nics, SubnetId=subnet))
        self.assertEqual(subnet, self.run_it(nics)[0]["SubnetId"])
        self.assertEqual(1, len(instances_of(self.ec2.describe_instances())))

    def test_a_retry_is_the_first_launch_though_the_template_has_changed(self):
        template = self.template()
        first, = self.run_it(template, "$Latest", ClientToken="t")
        self.version(template, InstanceType="t3.small")
        self.assertEqual(first["InstanceId"], self.run_it(template, "$Latest", ClientToken="t")[0]["InstanceId"])
        self.ec2.delete_launch_template(LaunchTemplateId=template)
        again, = self.run_it(template, "$Latest", ClientToken="t")
        self.assertEqual((first["InstanceId"], "t3.nano"), (again["InstanceId"], again["InstanceType"]))
        self.assert_code("InvalidLaunchTemplateId.NotFound", lambda: self.run_it(template, "$Latest", ClientToken="u"))

    def test_its_tags_are_not_the_users(self):
        """They neither count among the 50 nor go when the user's do; nobody else can give or take them."""
        many = {f"k{i}": "v" for i in range(50)}
        instance, = self.run_it(self.template(), TagSpecifications=[tag_specification("instance", **many)])
        one = {"Resources": [instance["InstanceId"]]}
        self.assertEqual(52, len(instance["Tags"]))
        self.ec2.create_tags(**one, Tags=tags(k0="other"))
        self.assert_code("TagLimitExceeded", lambda: self.ec2.create_tags(**one, Tags=tags(more="v")))
        for each in (self.ec2.create_tags, self.ec2.delete_tags):
            self.assert_code("InvalidParameterValue", lambda: each(**one, Tags=[{"Key": OWN[0], "Value": "x"}]))
        self.ec2.delete_tags(**one)
        self.assertEqual(set(OWN), set(self.tags_of(self.describe(instance["InstanceId"]))))


if __name__ == "__main__":
    unittest.main()
