"""Launch templates: their life, versions, what they may hold, and the data of an instance."""
import base64
import unittest

from harness import IMAGE, REGION, WireTest, tag_specification, tags
from signing import call

UNKNOWN = "lt-0123456789abcdef0"
DATA = {"ImageId": IMAGE, "InstanceType": "t3.nano"}


class TemplateTest(WireTest):
    def refused(self, code, call_, *arguments, **parameters):
        return self.assert_code(code, lambda: call_(*arguments, **parameters))

    def make(self, name="mine", ec2=None, data=None, **parameters):
        return (ec2 or self.ec2).create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData=DATA if data is None else data, **parameters)["LaunchTemplate"]

    def version(self, made, data=None, **parameters):
        return self.ec2.create_launch_template_version(
            LaunchTemplateId=made["LaunchTemplateId"], LaunchTemplateData=data or {}, **parameters)["LaunchTemplateVersion"]

    def versions(self, made, **parameters):
        reply = self.ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"], **parameters)
        return reply["LaunchTemplateVersions"]

    def numbers(self, made, **parameters):
        return [v["VersionNumber"] for v in self.versions(made, **parameters)]

    def show(self, made):
        return self.ec2.describe_launch_templates(LaunchTemplateIds=[made["LaunchTemplateId"]])["LaunchTemplates"][0]


class Life(TemplateTest):
    options = ("--zones", "us-east-1a", "us-west-2a")

    def test_made_shown_deleted(self):
        made = self.make(VersionDescription="first", TagSpecifications=[tag_specification("launch-template", a="b")])
        self.assertRegex(made["LaunchTemplateId"], "^lt-[0-9a-f]{17}$")
        self.assertEqual(("mine", 1, 1, tags(a="b"), f"arn:aws:iam::{self.account.id}:root"),
                         tuple(made[k] for k in ("LaunchTemplateName", "DefaultVersionNumber", "LatestVersionNumber", "Tags", "CreatedBy")))
        self.assertEqual(made, self.show(made))
        version, = self.versions(made)
        self.assertEqual({"LaunchTemplateId": made["LaunchTemplateId"], "LaunchTemplateName": "mine", "VersionNumber": 1,
                          "VersionDescription": "first", "CreateTime": made["CreateTime"], "CreatedBy": made["CreatedBy"],
                          "DefaultVersion": True}, {k: v for k, v in version.items() if k != "LaunchTemplateData"})
        self.assertEqual(DATA, {k: v for k, v in version["LaunchTemplateData"].items() if v != []})
        gone = self.ec2.delete_launch_template(LaunchTemplateName="mine")["LaunchTemplate"]
        self.assertEqual(made, gone)
        self.assertEqual([], self.ec2.describe_launch_templates()["LaunchTemplates"])
        self.refused("InvalidLaunchTemplateId.NotFound", self.ec2.delete_launch_template, LaunchTemplateId=made["LaunchTemplateId"])
        self.refused("InvalidLaunchTemplateName.NotFoundException", self.ec2.delete_launch_template, LaunchTemplateName="mine")
        self.assertEqual([], self.ec2.describe_tags()["Tags"])
        self.make()  # the name is free again

    def test_names(self):
        self.make()
        self.refused("InvalidLaunchTemplateName.AlreadyExistsException", self.make)
        for bad in ("", "ab", "x" * 129, "no blanks", "ümlaut", "a+b"):
            reply = call(self.lodge, self.account, "CreateLaunchTemplate", {"LaunchTemplateName": bad, "LaunchTemplateData.KeyName": "k"})
            self.assertEqual((400, "InvalidLaunchTemplateName.MalformedException"), (reply.status, reply.code), bad)
        for good in ("abc", "x" * 128, "(a).-/_Z9"):
            self.make(name=good)
        other = self.lodge.client(self.lodge.new_account())
        self.make(ec2=other)  # a name is the account's own

    def test_naming_one(self):
        made = self.make()
        for parameters, code in (({}, "MissingParameter"), ({"LaunchTemplateId": made["LaunchTemplateId"], "LaunchTemplateName": "mine"}, "InvalidParameterCombination"),
                                 ({"LaunchTemplateId": "lt-x"}, "InvalidLaunchTemplateId.Malformed"), ({"LaunchTemplateId": UNKNOWN}, "InvalidLaunchTemplateId.NotFound"),
                                 ({"LaunchTemplateName": "other"}, "InvalidLaunchTemplateName.NotFoundException")):
            for each in (self.ec2.delete_launch_template, lambda **p: self.ec2.modify_launch_template(DefaultVersion="1", **p),
                         lambda **p: self.ec2.delete_launch_template_versions(Versions=["1"], **p),
                         lambda **p: self.ec2.create_launch_template_version(LaunchTemplateData=DATA, **p),
                         self.ec2.describe_launch_template_versions,
                         lambda **p: self.ec2.run_instances(MinCount=1, MaxCount=1, LaunchTemplate=p)):
                with self.subTest(parameters=parameters):
                    self.refused(code, each, **parameters)
        self.assertEqual([made], self.ec2.describe_launch_templates()["LaunchTemplates"])

    def test_describe(self):
        made = [self.make(name=f"name-{i}", TagSpecifications=[tag_specification("launch-template", n=str(i))]) for i in range(5)]
        made.sort(key=lambda t: t["LaunchTemplateId"])
        describe = lambda **p: self.ec2.describe_launch_templates(**p)["LaunchTemplates"]  # noqa: E731
        self.assertEqual(made, describe())
        pages = self.ec2.get_paginator("describe_launch_templates").paginate(PaginationConfig={"PageSize": 2})
        self.assertEqual(made, [t for page in pages for t in page["LaunchTemplates"]])
        by_name = {t["LaunchTemplateName"]: t for t in made}
        self.assertEqual([by_name["name-3"]], describe(LaunchTemplateNames=["name-3"]))
        self.assertEqual(2, len(describe(LaunchTemplateNames=["name-3"], LaunchTemplateIds=[by_name["name-2"]["LaunchTemplateId"]])))
        for name, value, count in (("launch-template-name", "name-*", 5), ("tag:n", "3", 1), ("tag-key", "n", 5),
                                   ("create-time", made[0]["CreateTime"].strftime("%Y-*"), 5), ("launch-template-name", "x", 0)):
            self.assertEqual(count, len(describe(Filters=[{"Name": name, "Values": [value]}])), name)
        self.refused("InvalidParameterValue", describe, Filters=[{"Name": "x", "Values": ["x"]}])
        self.refused("InvalidLaunchTemplateId.Malformed", describe, LaunchTemplateIds=["lt-x"])
        self.refused("InvalidLaunchTemplateId.NotFound", describe, LaunchTemplateIds=[UNKNOWN])
        self.refused("InvalidLaunchTemplateName.NotFoundException", describe, LaunchTemplateNames=["name-3", "none"])
        for bad in (0, 201):
            reply = call(self.lodge, self.account, "DescribeLaunchTemplates", {"MaxResults": bad})
            self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code))

    def test_tags_afterwards(self):
        made = self.make()
        self.ec2.create_tags(Resources=[made["LaunchTemplateId"]], Tags=tags(k="v"))
        self.assertEqual(tags(k="v"), self.show(made)["Tags"])
        self.assertEqual(["launch-template"], [t["ResourceType"] for t in self.ec2.describe_tags()["Tags"]])
        self.refused("InvalidLaunchTemplateId.NotFound", self.ec2.create_tags, Resources=[UNKNOWN], Tags=tags(k="v"))
        self.refused("InvalidParameterValue", self.make, name="other", TagSpecifications=[tag_specification("instance", a="b")])

    def test_others_see_nothing_and_dry_run_changes_nothing(self):
        made = self.make()
        other = self.lodge.client(self.lodge.new_account())
        west = self.lodge.client(self.account, region="us-west-2")
        one = {"LaunchTemplateId": made["LaunchTemplateId"]}
        for ec2 in (other, west):
            for each in (ec2.delete_launch_template, lambda **p: ec2.modify_launch_template(DefaultVersion="1", **p),
                         lambda **p: ec2.delete_launch_template_versions(Versions=["1"], **p), ec2.describe_launch_template_versions,
                         lambda **p: ec2.create_launch_template_version(LaunchTemplateData=DATA, **p),
                         lambda **p: ec2.run_instances(MinCount=1, MaxCount=1, LaunchTemplate=p)):
                self.refused("InvalidLaunchTemplateId.NotFound", each, **one)
            self.assertEqual([], ec2.describe_launch_templates()["LaunchTemplates"])
            self.refused("InvalidLaunchTemplateName.NotFoundException", ec2.describe_launch_templates, LaunchTemplateNames=["mine"])
        dry = {"DryRun": True}
        self.refused("DryRunOperation", self.ec2.delete_launch_template, **one, **dry)
        self.refused("DryRunOperation", self.make, name="other", **dry)
        self.refused("DryRunOperation", self.version, made, DATA, **dry)
        self.refused("DryRunOperation", self.ec2.run_instances, MinCount=1, MaxCount=1, LaunchTemplate=one, **dry)
        self.version(made, DATA)
        self.refused("DryRunOperation", self.ec2.modify_launch_template, DefaultVersion="2", **one, **dry)
        self.refused("DryRunOperation", self.ec2.delete_launch_template_versions, Versions=["2"], **one, **dry)
        self.refused("DryRunOperation", self.ec2.describe_launch_template_versions, **one, **dry)
        self.assertEqual((1, 2), (self.show(made)["DefaultVersionNumber"], self.show(made)["LatestVersionNumber"]))

    def test_client_tokens(self):
        one = self.make(ClientToken="t")
        self.assertEqual(one, self.make(ClientToken="t"))
        self.refused("IdempotentParameterMismatch", self.make, name="other", ClientToken="t")
        self.assertEqual([2, 2, 3], [self.version(one, DATA, ClientToken=t)["VersionNumber"] for t in ("a", "a", "b")])
        self.refused("IdempotentParameterMismatch", self.version, one, {"KeyName": "k"}, ClientToken="a")
        modify = lambda number, token: self.ec2.modify_launch_template(  # noqa: E731
            LaunchTemplateId=one["LaunchTemplateId"], DefaultVersion=number, ClientToken=token)["LaunchTemplate"]["DefaultVersionNumber"]
        self.assertEqual([2, 3, 3], [modify("2", "x"), modify("3", "y"), modify("2", "x")])  # a retry undoes nothing

    def test_survives_a_restart(self):
        made = self.make(TagSpecifications=[tag_specification("launch-template", a="b")])
        before = self.versions(made)
        self.lodge.kill()
        self.lodge.start()
        self.ec2 = self.lodge.client(self.account)
        self.assertEqual((made, before), (self.show(made), self.versions(made)))


class Versions(TemplateTest):
    def test_new_versions(self):
        made = self.make(data={**DATA, "KeyName": "k", "MetadataOptions": {"HttpTokens": "required"}, "SecurityGroups": ["default"],
                               "TagSpecifications": [tag_specification("instance", a="1")]})
        plain = self.version(made, {"InstanceType": "t3.small"}, VersionDescription="small")
        self.assertEqual((2, False, "small", "t3.small", None),
                         (plain["VersionNumber"], plain["DefaultVersion"], plain["VersionDescription"],
                          plain["LaunchTemplateData"]["InstanceType"], plain["LaunchTemplateData"].get("ImageId")))
        based = self.version(made, {"InstanceType": "t3.small", "MetadataOptions": {"HttpPutResponseHopLimit": 2},
                                    "SecurityGroupIds": ["sg-0123456789abcdef0"], "TagSpecifications": [tag_specification("volume", b="2")]},
                             SourceVersion="1")["LaunchTemplateData"]
        self.assertEqual((IMAGE, "t3.small", "k", {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}, [], ["sg-0123456789abcdef0"],
                          [tag_specification("volume", b="2")]),
                         tuple(based[k] for k in ("ImageId", "InstanceType", "KeyName", "MetadataOptions", "SecurityGroups", "SecurityGroupIds",
                                                  "TagSpecifications")))
        copy = self.version(made, SourceVersion="$Latest")["LaunchTemplateData"]
        self.assertEqual(based, copy)
        self.assertEqual([4, 3, 2, 1], self.numbers(made))
        self.assertEqual((1, 4), (self.show(made)["DefaultVersionNumber"], self.show(made)["LatestVersionNumber"]))

    def test_bad_versions(self):
        made = self.make()
        self.refused("MissingParameter", self.version, made)
        self.refused("InvalidLaunchTemplateId.VersionNotFound", self.version, made, SourceVersion="2")
        for bad in ("x", "0", "-1", "$latest", "1.5", ""):
            self.refused("InvalidParameterValue", self.version, made, SourceVersion=bad)
        self.refused("InvalidParameterValue", self.version, made, DATA, VersionDescription="x" * 256)
        self.assertEqual([1], self.numbers(made))

    def test_default(self):
        made = self.make()
        self.version(made, {"InstanceType": "t3.small"})
        modify = lambda **p: self.ec2.modify_launch_template(LaunchTemplateId=made["LaunchTemplateId"], **p)["LaunchTemplate"]  # noqa: E731
        self.assertEqual((2, 2), tuple(modify(DefaultVersion="2")[k] for k in ("DefaultVersionNumber", "LatestVersionNumber")))
        self.assertEqual([(2, True), (1, False)], [(v["VersionNumber"], v["DefaultVersion"]) for v in self.versions(made)])
        self.refused("InvalidLaunchTemplateId.VersionNotFound", modify, DefaultVersion="3")
        self.refused("InvalidParameterValue", modify, DefaultVersion="two")
        self.refused("MissingParameter", modify)

    def test_describe(self):
        made = self.make()
        for size in ("nano", "small", "medium", "large"):
            self.version(made, {"InstanceType": "t3." + size})
        self.ec2.modify_launch_template(LaunchTemplateId=made["LaunchTemplateId"], DefaultVersion="3")
        self.assertEqual([3, 1], self.numbers(made, Versions=["1", "$Default", "3"]))
        self.assertEqual([5], self.numbers(made, Versions=["$Latest"]))
        self.assertEqual([4, 3, 2], self.numbers(made, MinVersion="2", MaxVersion="4"))
        self.assertEqual([5, 4], self.numbers(made, MinVersion="4"))
        self.assertEqual([], self.numbers(made, MinVersion="9"))
        pages = self.ec2.get_paginator("describe_launch_template_versions")
        for parameters, expected in (({}, [[5, 4], [3, 2], [1]]), ({"MaxVersion": "4"}, [[4, 3], [2, 1]]), ({"Versions": ["1", "2", "5"]}, [[5, 2], [1]])):
            got = pages.paginate(LaunchTemplateId=made["LaunchTemplateId"], PaginationConfig={"PageSize": 2}, **parameters)
            self.assertEqual(expected, [[v["VersionNumber"] for v in page["LaunchTemplateVersions"]] for page in got])
        for name, value, expected in (("instance-type", "t3.s*", [3]), ("is-default-version", "true", [3]), ("image-id", IMAGE, [1]), ("kernel-id", "*", [])):
            self.assertEqual(expected, self.numbers(made, Filters=[{"Name": name, "Values": [value]}]), name)
        self.refused("InvalidParameterValue", self.numbers, made, Filters=[{"Name": "x", "Values": ["y"]}])
        self.refused("InvalidLaunchTemplateId.VersionNotFound", self.numbers, made, Versions=["6"])
        self.refused("InvalidParameterCombination", self.numbers, made, Versions=["1"], MinVersion="1")
        self.refused("InvalidParameterValue", self.numbers, made, MinVersion="x")

    def test_latest_and_default_of_all(self):
        one, two = self.make("one"), self.make("two")
        self.version(one, DATA)
        describe = lambda *versions, **p: sorted(  # noqa: E731
            (v["LaunchTemplateName"], v["VersionNumber"]) for v in
            self.ec2.describe_launch_template_versions(Versions=list(versions), **p)["LaunchTemplateVersions"])
        self.assertEqual([("one", 2), ("two", 1)], describe("$Latest"))
        self.assertEqual([("one", 1), ("one", 2), ("two", 1)], describe("$Latest", "$Default"))
        page = self.ec2.describe_launch_template_versions(Versions=["$Latest"], MaxResults=1)
        rest = self.ec2.describe_launch_template_versions(Versions=["$Latest"], MaxResults=1, NextToken=page["NextToken"])
        self.assertEqual({one["LaunchTemplateId"], two["LaunchTemplateId"]},
                         {p["LaunchTemplateVersions"][0]["LaunchTemplateId"] for p in (page, rest)})
        self.refused("InvalidParameterCombination", describe, "1")
        self.refused("InvalidParameterCombination", describe, "$Latest", MinVersion="1")
        self.refused("MissingParameter", describe, MinVersion="1")

    def test_delete(self):
        made = self.make()
        for _ in range(3):
            self.version(made, DATA)
        reply = self.ec2.delete_launch_template_versions(LaunchTemplateName="mine", Versions=["1", "2", "4", "9"])
        item = {"LaunchTemplateId": made["LaunchTemplateId"], "LaunchTemplateName": "mine"}
        self.assertEqual([{**item, "VersionNumber": 2}, {**item, "VersionNumber": 4}], reply["SuccessfullyDeletedLaunchTemplateVersions"])
        failed = [(f["VersionNumber"], f["ResponseError"]["Code"]) for f in reply["UnsuccessfullyDeletedLaunchTemplateVersions"]]
        self.assertEqual([(1, "unexpectedError"), (9, "launchTemplateVersionDoesNotExist")], failed)
        self.assertEqual(([3, 1], 3), (self.numbers(made), self.show(made)["LatestVersionNumber"]))
        self.assertEqual(5, self.version(made, DATA)["VersionNumber"])  # a number is not given twice
        self.refused("InvalidParameterValue", self.ec2.delete_launch_template_versions, LaunchTemplateName="mine", Versions=["x"])
        self.refused("InvalidParameterValue", self.ec2.delete_launch_template_versions, LaunchTemplateName="mine", Versions=[str(i) for i in range(1, 202)])


class Data(TemplateTest):
    def test_all_of_it_comes_back(self):
        data = {"KernelId": "aki-1", "EbsOptimized": False, "RamDiskId": "ari-1", "ImageId": IMAGE, "InstanceType": "m5.large", "KeyName": "k",
                "BlockDeviceMappings": [{"DeviceName": "/dev/vda", "Ebs": {"Encrypted": False, "DeleteOnTermination": True, "VolumeSize": 9, "VolumeType": "gp3"}}],
                "NetworkInterfaces": [{"AssociatePublicIpAddress": True, "DeleteOnTermination": True, "Description": "d & d", "DeviceIndex": 0,
                                       "Groups": ["sg-0123456789abcdef0"], "InterfaceType": "interface", "Ipv6Addresses": [{"Ipv6Address": "fd00::5"}],
                                       "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": "10.0.0.9"}],
                                       "SubnetId": "subnet-0123456789abcdef0", "NetworkCardIndex": 0}],
                "Monitoring": {"Enabled": True}, "Placement": {"AvailabilityZone": REGION + "a", "Tenancy": "default"},
                "DisableApiTermination": True, "DisableApiStop": False, "InstanceInitiatedShutdownBehavior": "terminate",
                "UserData": base64.b64encode(b"#!/bin/sh\n\0\xff").decode(),
                "TagSpecifications": [tag_specification("instance", a="ü & <b>"), tag_specification("volume", c="")],
                "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2}, "HibernationOptions": {"Configured": False},
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 3, "HttpEndpoint": "enabled", "HttpProtocolIpv6": "disabled",
                                    "InstanceMetadataTags": "enabled"},
                "EnclaveOptions": {"Enabled": False}, "MaintenanceOptions": {"AutoRecovery": "disabled"},
                "CreditSpecification": {"CpuCredits": "standard"},
                "PrivateDnsNameOptions": {"HostnameType": "resource-name", "EnableResourceNameDnsARecord": True, "EnableResourceNameDnsAAAARecord": False}}
        made = self.make(data=data)
        shown = self.versions(made)[0]["LaunchTemplateData"]
        for interface in shown["NetworkInterfaces"]:
            self.assertEqual([], interface.pop("Ipv6Prefixes", []) + interface.pop("Ipv4Prefixes", []))
        self.assertEqual(data, {k: v for k, v in shown.items() if v != []})

    def test_what_a_launch_refuses_by_name(self):
        for name, data in {
                "IamInstanceProfile": {"IamInstanceProfile": {"Name": "role"}}, "InstanceMarketOptions": {"InstanceMarketOptions": {"MarketType": "spot"}},
                "InstanceRequirements": {"InstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}},
                "EbsOptimized": {"EbsOptimized": True},
                "Placement.HostResourceGroupArn": {"Placement": {"HostResourceGroupArn": "arn:x"}}, "MetadataOptions.HttpProtocolIpv6": {"MetadataOptions": {"HttpProtocolIpv6": "enabled"}},
                "NetworkInterface.1.InterfaceType": {"NetworkInterfaces": [{"DeviceIndex": 0, "InterfaceType": "efa"}]}}.items():
            with self.subTest(name):
                message = self.refused("UnsupportedOperation", self.make, data=data)
                self.assertIn(f"The parameter LaunchTemplateData.{name} is not supported", message)
        self.refused("UnsupportedOperation", self.make, data={"ImageId": "resolve:ssm:/aws/service/ami"})
        self.assertEqual([], self.ec2.describe_launch_templates()["LaunchTemplates"])

    def test_bad_values(self):
        for code, data in (("InvalidUserData.Malformed", {"UserData": "not base64!"}),
                           ("InvalidUserData.Malformed", {"UserData": base64.b64encode(b"x" * 16385).decode()}),
                           ("InvalidParameterValue", {"InstanceInitiatedShutdownBehavior": "explode"}),
                           ("InvalidParameterValue", {"MetadataOptions": {"HttpPutResponseHopLimit": 65}}),
                           ("InvalidParameterValue", {"BlockDeviceMappings": [{"DeviceName": "/dev/vda", "Ebs": {"VolumeSize": 0}}]}),
                           ("InvalidParameterValue", {"TagSpecifications": [tag_specification("vpc", a="b")]}),
                           ("InvalidParameterValue", {"TagSpecifications": [tag_specification("instance", **{"aws:x": "b"})]}),
                           ("MissingParameter", {})):
            with self.subTest(data=str(data)[:60]):
                self.refused(code, self.make, data=data)
        reply = call(self.lodge, self.account, "CreateLaunchTemplate", {"LaunchTemplateName": "raw", "LaunchTemplateData.Nonsense": "x"})
        self.assertEqual((400, "UnknownParameter"), (reply.status, reply.code))
        reply = call(self.lodge, self.account, "CreateLaunchTemplate", {"LaunchTemplateName": "raw", "LaunchTemplateData.DisableApiStop": "maybe"})
        self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code))

    def test_warnings(self):
        """What is not there yet may be there at the launch: the template is made, with a warning."""
        warned = lambda **data: [e["Code"] for e in self.ec2.create_launch_template(  # noqa: E731
            LaunchTemplateName=f"warned-{len(self.ec2.describe_launch_templates()['LaunchTemplates'])}", LaunchTemplateData=data).get("Warning", {}).get("Errors", [])]
        self.assertEqual([], warned(**DATA))
        self.assertEqual([], warned(InstanceType="t3.nano"))
        self.assertEqual(["InvalidAMIID.NotFound"], warned(ImageId="ami-0123456789abcdef0"))
        self.assertEqual(["InvalidKeyPair.NotFound"], warned(**DATA, KeyName="none"))
        self.assertEqual(["InvalidAMIID.NotFound", "InvalidSubnetID.NotFound"], warned(
            ImageId="ami-0123456789abcdef0", NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": "subnet-0123456789abcdef0"}]))
        self.assertEqual(["InvalidParameterValue"], warned(InstanceType="t9.huge"))
        self.assertEqual(["InvalidGroup.NotFound"], warned(SecurityGroupIds=["sg-0123456789abcdef0"]))
        reply = self.ec2.create_launch_template_version(LaunchTemplateName="warned-0", LaunchTemplateData={"KeyName": "none"}, SourceVersion="1")
        self.assertEqual(["InvalidKeyPair.NotFound"], [e["Code"] for e in reply["Warning"]["Errors"]])


class OfAnInstance(TemplateTest):
    def test_data(self):
        self.ec2.create_key_pair(KeyName="k", KeyType="ed25519")
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        instance, = self.launch(KeyName="k", UserData="#!/bin/sh", InstanceInitiatedShutdownBehavior="terminate", DisableApiTermination=True,
                                SecurityGroupIds=[group], MetadataOptions={"HttpTokens": "required"},
                                BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"VolumeSize": 11}}],
                                TagSpecifications=[tag_specification("instance", Name="x")])
        data = self.ec2.get_launch_template_data(InstanceId=instance)["LaunchTemplateData"]
        shown = self.describe(instance)
        self.assertEqual((IMAGE, "t3.nano", "k", True, "terminate", b"#!/bin/sh", shown["Placement"]["AvailabilityZone"], "required", 11, [group],
                          shown["SubnetId"], [tag_specification("instance", Name="x")]),
                         (data["ImageId"], data["InstanceType"], data["KeyName"], data["DisableApiTermination"], data["InstanceInitiatedShutdownBehavior"],
                          base64.b64decode(data["UserData"]), data["Placement"]["AvailabilityZone"], data["MetadataOptions"]["HttpTokens"],
                          data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"], data["NetworkInterfaces"][0]["Groups"],
                          data["NetworkInterfaces"][0]["SubnetId"], data["TagSpecifications"]))

    def test_a_template_of_it_launches_one_like_it(self):
        instance, = self.launch(UserData="u", TagSpecifications=[tag_specification("instance", Name="x")], Monitoring={"Enabled": True},
                                CreditSpecification={"CpuCredits": "standard"}, MaintenanceOptions={"AutoRecovery": "disabled"})
        data = self.ec2.get_launch_template_data(InstanceId=instance)["LaunchTemplateData"]
        made = self.make(data={k: v for k, v in data.items() if v != []})
        twin = self.ec2.run_instances(MinCount=1, MaxCount=1, LaunchTemplate={"LaunchTemplateId": made["LaunchTemplateId"]})["Instances"][0]
        self.reach("running", [twin["InstanceId"]])
        mine, theirs = self.describe(instance), self.describe(twin["InstanceId"])
        for same in ("ImageId", "InstanceType", "SubnetId", "SecurityGroups", "Placement", "CpuOptions", "MetadataOptions", "PrivateDnsNameOptions", "Monitoring",
                     "MaintenanceOptions"):
            self.assertEqual(mine[same], theirs[same], same)
        self.assertEqual("PublicIpAddress" in mine, "PublicIpAddress" in theirs)
        again = self.ec2.get_launch_template_data(InstanceId=twin["InstanceId"])["LaunchTemplateData"]
        self.assertEqual(data, again)

    def test_refusals(self):
        get = lambda instance: self.ec2.get_launch_template_data(InstanceId=instance)  # noqa: E731
        self.refused("InvalidInstanceID.NotFound", get, "i-0123456789abcdef0")
        self.refused("InvalidInstanceID.Malformed", get, "i-x")
        instance, = self.launch()
        other = self.lodge.client(self.lodge.new_account())
        self.refused("InvalidInstanceID.NotFound", other.get_launch_template_data, InstanceId=instance)
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.reach("terminated", [instance])
        self.refused("IncorrectInstanceState", get, instance)


if __name__ == "__main__":
    unittest.main()
