"""What can be changed of an instance after its launch, and what tells of it."""
import base64
import unittest

from harness import IMAGE, tags
from networking import NetworkTest
from signing import call

UNKNOWN = "i-0123456789abcdef0"
ALL = ("instanceType", "kernel", "ramdisk", "userData", "disableApiTermination", "disableApiStop", "instanceInitiatedShutdownBehavior",
       "rootDeviceName", "blockDeviceMapping", "productCodes", "sourceDestCheck", "groupSet", "ebsOptimized", "sriovNetSupport", "enaSupport",
       "enclaveOptions")


class AttributeTest(NetworkTest):
    def attribute(self, instance_id, name):
        shown = self.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute=name)
        shown.pop("ResponseMetadata")
        self.assertEqual(instance_id, shown.pop("InstanceId"))
        return shown

    def modify(self, instance_id, **parameters):
        return self.ec2.modify_instance_attribute(InstanceId=instance_id, **parameters)

    def stopped(self, **parameters):
        identity, = self.launch(**parameters)
        self.ec2.stop_instances(InstanceIds=[identity])
        self.reach("stopped", [identity])
        return identity


class Describing(AttributeTest):
    def test_each_attribute_alone(self):
        identity, = self.launch(UserData="#!/bin/sh\n")
        instance = self.describe(identity)
        groups = [{"GroupName": "default", "GroupId": instance["SecurityGroups"][0]["GroupId"]}]
        expected = {"instanceType": {"InstanceType": {"Value": "t3.nano"}}, "kernel": {"KernelId": {}}, "ramdisk": {"RamdiskId": {}},
                    "userData": {"UserData": {"Value": base64.b64encode(b"#!/bin/sh\n").decode()}},
                    "disableApiTermination": {"DisableApiTermination": {"Value": False}}, "disableApiStop": {"DisableApiStop": {"Value": False}},
                    "instanceInitiatedShutdownBehavior": {"InstanceInitiatedShutdownBehavior": {"Value": "stop"}},
                    "rootDeviceName": {"RootDeviceName": {"Value": "/dev/vda"}}, "sourceDestCheck": {"SourceDestCheck": {"Value": True}},
                    "groupSet": {"Groups": groups}, "ebsOptimized": {"EbsOptimized": {"Value": False}}, "sriovNetSupport": {"SriovNetSupport": {}},
                    "enaSupport": {"EnaSupport": {"Value": True}}, "enclaveOptions": {"EnclaveOptions": {"Enabled": False}},
                    "productCodes": {"ProductCodes": []}, "blockDeviceMapping": {"BlockDeviceMappings": instance["BlockDeviceMappings"]}}
        self.assertEqual(set(ALL), set(expected))
        for name, wanted in expected.items():
            shown = self.attribute(identity, name)
            lists = {k: [] for k in ("Groups", "BlockDeviceMappings", "ProductCodes")}
            self.assertEqual({**lists, **wanted}, {**lists, **shown}, name)

    def test_an_empty_value_object_when_unset(self):
        identity, = self.launch()
        self.assertEqual({}, self.attribute(identity, "userData")["UserData"])

    def test_bad_requests(self):
        identity, = self.launch()
        self.refused("InvalidParameterValue", self.attribute, identity, "colour")
        self.refused("InvalidInstanceID.NotFound", self.attribute, UNKNOWN, "instanceType")
        self.refused("InvalidInstanceID.Malformed", self.attribute, "x", "instanceType")
        self.refused("InvalidInstanceID.NotFound", self.other_account().describe_instance_attribute, InstanceId=identity, Attribute="kernel")


class Running(AttributeTest):
    """What may change at any time."""

    def test_protection_in_both_forms(self):
        identity, = self.launch()
        for name, parameter in (("disableApiTermination", "DisableApiTermination"), ("disableApiStop", "DisableApiStop")):
            self.modify(identity, **{parameter: {"Value": True}})
            self.assertTrue(self.attribute(identity, name)[parameter]["Value"])
            self.refused("OperationNotPermitted", self.ec2.terminate_instances if "Term" in name else self.ec2.stop_instances, InstanceIds=[identity])
            self.modify(identity, Attribute=name, Value="false")
            self.assertFalse(self.attribute(identity, name)[parameter]["Value"])
        self.ec2.terminate_instances(InstanceIds=[identity])

    def test_shutdown_behaviour(self):
        identity, = self.launch()
        self.modify(identity, InstanceInitiatedShutdownBehavior={"Value": "terminate"})
        self.assertEqual("terminate", self.attribute(identity, "instanceInitiatedShutdownBehavior")["InstanceInitiatedShutdownBehavior"]["Value"])
        self.modify(identity, Attribute="instanceInitiatedShutdownBehavior", Value="stop")
        self.assertEqual("stop", self.attribute(identity, "instanceInitiatedShutdownBehavior")["InstanceInitiatedShutdownBehavior"]["Value"])
        self.refused("InvalidParameterValue", self.modify, identity, InstanceInitiatedShutdownBehavior={"Value": "explode"})
        self.refused(("InvalidParameterValue", "InvalidInstanceAttributeValue"), self.modify, identity, Attribute="instanceInitiatedShutdownBehavior",
                     Value="explode")

    def test_source_dest_check(self):
        identity, = self.launch()
        self.modify(identity, SourceDestCheck={"Value": False})
        instance = self.describe(identity)
        self.assertEqual((False, False), (instance["SourceDestCheck"], instance["NetworkInterfaces"][0]["SourceDestCheck"]))
        self.ec2.reset_instance_attribute(InstanceId=identity, Attribute="sourceDestCheck")
        self.assertTrue(self.attribute(identity, "sourceDestCheck")["SourceDestCheck"]["Value"])
        self.modify(identity, Attribute="sourceDestCheck", Value="false")
        self.assertFalse(self.attribute(identity, "sourceDestCheck")["SourceDestCheck"]["Value"])

    def test_groups(self):
        identity, = self.launch()
        vpc = self.describe(identity)["VpcId"]
        one, two = (self.ec2.create_security_group(GroupName=n, Description="d", VpcId=vpc)["GroupId"] for n in ("one", "two"))
        self.modify(identity, Groups=[two, one])
        self.assertEqual([two, one], [g["GroupId"] for g in self.describe(identity)["SecurityGroups"]])
        self.modify(identity, Attribute="groupSet", Groups=[one])
        self.assertEqual([one], [g["GroupId"] for g in self.attribute(identity, "groupSet")["Groups"]])
        self.ec2.delete_security_group(GroupId=two)
        self.refused("InvalidGroup.NotFound", self.modify, identity, Groups=[two])
        self.refused("InvalidGroupId.Malformed", self.modify, identity, Groups=["one"])
        elsewhere = self.ec2.create_security_group(GroupName="x", Description="d", VpcId=self.vpc())["GroupId"]
        self.refused("InvalidGroup.NotFound", self.modify, identity, Groups=[elsewhere])
        self.assertEqual([one], [g["GroupId"] for g in self.describe(identity)["SecurityGroups"]])

    def test_with_two_interfaces_the_instance_is_not_enough(self):
        subnet = self.subnet(self.vpc())
        identity, = self.launch(NetworkInterfaces=[{"DeviceIndex": n, "SubnetId": subnet} for n in (0, 1)])
        group = self.describe(identity)["SecurityGroups"][0]["GroupId"]
        self.refused("InvalidInstanceID", self.modify, identity, SourceDestCheck={"Value": False})
        self.refused("InvalidInstanceID", self.modify, identity, Groups=[group])
        self.refused("InvalidInstanceID", self.ec2.reset_instance_attribute, InstanceId=identity, Attribute="sourceDestCheck")

    def test_the_root_disk(self):
        identity, = self.launch()
        self.modify(identity, BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"DeleteOnTermination": True}}])
        self.modify(identity, BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"DeleteOnTermination": False}}])
        self.assertFalse(self.describe(identity)["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"])
        self.refused(("InvalidParameterValue", "InvalidInstanceAttributeValue"), self.modify, identity,
                     BlockDeviceMappings=[{"DeviceName": "/dev/vdz", "Ebs": {"DeleteOnTermination": True}}])

    def test_what_needs_a_stopped_one(self):
        identity, = self.launch()
        for parameters in ({"InstanceType": {"Value": "t3.micro"}}, {"UserData": {"Value": b"x"}}, {"Kernel": {"Value": ""}}, {"Ramdisk": {"Value": ""}},
                           {"EbsOptimized": {"Value": False}}):
            self.assertIn("'stopped'", self.refused("IncorrectInstanceState", self.modify, identity, **parameters))
        for name in ("kernel", "ramdisk"):
            self.refused("IncorrectInstanceState", self.ec2.reset_instance_attribute, InstanceId=identity, Attribute=name)

    def test_one_at_a_time(self):
        identity, = self.launch()
        self.refused("InvalidParameterCombination", self.modify, identity)
        self.refused("InvalidParameterCombination", self.modify, identity, DisableApiStop={"Value": True}, DisableApiTermination={"Value": True})
        self.refused("InvalidParameterCombination", self.modify, identity, Attribute="disableApiStop", Value="true", DisableApiStop={"Value": True})
        self.refused("InvalidParameterCombination", self.modify, identity, Attribute="disableApiStop", Value="true", DisableApiTermination={"Value": True})
        self.refused("MissingParameter", self.modify, identity, Attribute="disableApiStop")
        self.refused("MissingParameter", self.modify, identity, Value="true")
        self.refused("InvalidParameterValue", self.modify, identity, Attribute="colour", Value="red")
        for name in ("rootDeviceName", "productCodes", "sriovNetSupport", "enclaveOptions"):
            self.refused("UnsupportedOperation", self.modify, identity, Attribute=name, Value="x")
        self.refused(("InvalidParameterValue", "InvalidInstanceAttributeValue"), self.modify, identity, Attribute="disableApiStop", Value="perhaps")
        self.assertFalse(self.attribute(identity, "disableApiStop")["DisableApiStop"]["Value"])

    def test_dry_run(self):
        identity, = self.launch()
        self.refused("DryRunOperation", self.modify, identity, DisableApiStop={"Value": True}, DryRun=True)
        self.assertFalse(self.attribute(identity, "disableApiStop")["DisableApiStop"]["Value"])

    def test_another_accounts_and_terminated_ones(self):
        identity, = self.launch()
        self.refused("InvalidInstanceID.NotFound", self.other_account().modify_instance_attribute, InstanceId=identity, DisableApiStop={"Value": True})
        self.ec2.terminate_instances(InstanceIds=[identity])
        self.reach("terminated", [identity])
        self.refused("IncorrectInstanceState", self.modify, identity, DisableApiStop={"Value": True})


class Stopped(AttributeTest):
    def test_type(self):
        identity = self.stopped()
        self.modify(identity, InstanceType={"Value": "m5.2xlarge"})
        instance = self.describe(identity)
        self.assertEqual(("m5.2xlarge", {"CoreCount": 4, "ThreadsPerCore": 2}), (instance["InstanceType"], instance["CpuOptions"]))
        self.ec2.start_instances(InstanceIds=[identity])
        self.reach("running", [identity])
        self.assertEqual("m5.2xlarge", self.describe(identity)["InstanceType"])
        self.ec2.terminate_instances(InstanceIds=[identity])

    def test_a_type_that_does_not_fit(self):
        subnet = self.subnet(self.vpc())
        identity = self.stopped(InstanceType="t3.medium", NetworkInterfaces=[{"DeviceIndex": n, "SubnetId": subnet} for n in range(3)])
        self.refused(("InvalidParameterValue", "InvalidInstanceAttributeValue"), self.modify, identity, InstanceType={"Value": "t9.huge"})
        self.refused("AttachmentLimitExceeded", self.modify, identity, InstanceType={"Value": "t3.nano"})
        other = self.stopped(InstanceType="t3.medium", NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "SecondaryPrivateIpAddressCount": 3}])
        self.refused("PrivateIpAddressLimitExceeded", self.modify, other, InstanceType={"Value": "t3.nano"})
        self.assertEqual(["t3.medium"] * 2, [self.describe(i)["InstanceType"] for i in (identity, other)])

    def test_user_data(self):
        identity = self.stopped(UserData="old")
        shown = lambda: base64.b64decode(self.attribute(identity, "userData")["UserData"].get("Value", ""))  # noqa: E731
        self.modify(identity, UserData={"Value": b"new \x00\xff"})
        self.assertEqual(b"new \x00\xff", shown())
        self.modify(identity, Attribute="userData", Value=base64.b64encode(b"other").decode())
        self.assertEqual(b"other", shown())
        self.refused("InvalidParameterValue", self.modify, identity, Attribute="userData", Value="%%%")
        self.refused("InvalidParameterValue", self.modify, identity, UserData={"Value": b"x" * 16385})
        self.modify(identity, UserData={"Value": b""})
        self.assertEqual({}, self.attribute(identity, "userData")["UserData"])

    def test_kernel_and_ramdisk(self):
        image = self.lodge.import_image(kernel=self.lodge.content(), ramdisk=self.lodge.content())
        shown = self.ec2.describe_images(ImageIds=[image["id"]])["Images"][0]
        identity = self.stopped(ImageId=image["id"])
        for name, element in (("kernel", "KernelId"), ("ramdisk", "RamdiskId")):
            self.assertEqual(shown[element], self.attribute(identity, name)[element]["Value"])
            self.modify(identity, Attribute=name, Value="")
            self.assertEqual({}, self.attribute(identity, name)[element])
            self.refused("InvalidParameterValue", self.modify, identity, Attribute=name, Value=IMAGE)
            self.modify(identity, **{element[:-2]: {"Value": shown[element]}})
            self.assertEqual(shown[element], self.attribute(identity, name)[element]["Value"])
            self.modify(identity, Attribute=name, Value="")
            self.ec2.reset_instance_attribute(InstanceId=identity, Attribute=name)
            self.assertEqual(shown[element], self.attribute(identity, name)[element]["Value"])
        self.refused("InvalidParameterValue", self.ec2.reset_instance_attribute, InstanceId=identity, Attribute="instanceType")

    def test_what_has_one_value(self):
        identity = self.stopped()
        self.modify(identity, EbsOptimized={"Value": False})
        self.modify(identity, EnaSupport={"Value": True})
        self.modify(identity, Attribute="ebsOptimized", Value="false")
        self.refused("UnsupportedOperation", self.modify, identity, EbsOptimized={"Value": True})
        self.refused("UnsupportedOperation", self.modify, identity, Attribute="ebsOptimized", Value="true")
        self.refused("UnsupportedOperation", self.modify, identity, EnaSupport={"Value": False})
        self.refused("UnsupportedOperation", self.modify, identity, SriovNetSupport={"Value": "simple"})


class Names(AttributeTest):
    def change(self, instance_id, **parameters):
        return self.ec2.modify_private_dns_name_options(InstanceId=instance_id, **parameters)

    def test_records_at_any_time_and_the_kind_while_stopped(self):
        identity, = self.launch()
        self.assertTrue(self.change(identity, EnableResourceNameDnsARecord=True, PrivateDnsHostnameType="ip-name")["Return"])
        self.refused("IncorrectInstanceState", self.change, identity, PrivateDnsHostnameType="resource-name")
        self.ec2.stop_instances(InstanceIds=[identity])
        self.reach("stopped", [identity])
        self.change(identity, PrivateDnsHostnameType="resource-name", EnableResourceNameDnsAAAARecord=True)
        instance = self.describe(identity)
        self.assertEqual({"HostnameType": "resource-name", "EnableResourceNameDnsARecord": True, "EnableResourceNameDnsAAAARecord": True},
                         instance["PrivateDnsNameOptions"])
        self.assertEqual(f"{identity}.ec2.internal", instance["PrivateDnsName"])
        self.refused("InvalidParameterValue", self.change, identity, PrivateDnsHostnameType="funny")
        self.refused("InvalidInstanceID.NotFound", self.change, UNKNOWN, PrivateDnsHostnameType="ip-name")


class Metadata(AttributeTest):
    def shown(self, instance_id):
        return self.describe(instance_id)["MetadataOptions"]

    def change(self, instance_id, **parameters):
        return self.ec2.modify_instance_metadata_options(InstanceId=instance_id, **parameters)

    def test_what_is_not_said_stays(self):
        identity, = self.launch()
        before = self.shown(identity)
        reply = self.change(identity, HttpTokens="required", HttpPutResponseHopLimit=3)
        self.assertEqual((identity, {**before, "HttpTokens": "required", "HttpPutResponseHopLimit": 3}), (reply["InstanceId"], reply["InstanceMetadataOptions"]))
        self.change(identity, HttpEndpoint="disabled", InstanceMetadataTags="enabled", HttpProtocolIpv6="disabled")
        self.assertEqual({**before, "HttpTokens": "required", "HttpPutResponseHopLimit": 3, "HttpEndpoint": "disabled", "InstanceMetadataTags": "enabled"},
                         self.shown(identity))

    def test_bad_values(self):
        identity, = self.launch()
        for bad in ({"HttpTokens": "maybe"}, {"HttpPutResponseHopLimit": 0}, {"HttpPutResponseHopLimit": 65}, {"HttpEndpoint": "on"}):
            self.refused("InvalidParameterValue", self.change, identity, **bad)
        self.refused("UnsupportedOperation", self.change, identity, HttpProtocolIpv6="enabled")
        self.refused("InvalidInstanceID.NotFound", self.change, UNKNOWN, HttpTokens="required")
        self.refused("DryRunOperation", self.change, identity, HttpTokens="required", DryRun=True)
        self.ec2.create_tags(Resources=[identity], Tags=tags(**{"a b": "c"}))
        self.refused("InvalidParameterValue", self.change, identity, InstanceMetadataTags="enabled")
        self.assertEqual(("optional", "disabled"), (self.shown(identity)["HttpTokens"], self.shown(identity)["InstanceMetadataTags"]))

    def defaults(self):
        reply = call(self.lodge, self.account, "GetInstanceMetadataDefaults", {})
        self.assertEqual(200, reply.status, reply.body)
        return tuple((reply.values(n) or [None])[0] for n in ("httpTokens", "httpPutResponseHopLimit", "httpEndpoint", "instanceMetadataTags"))

    def prefer(self, **parameters):
        return call(self.lodge, self.account, "ModifyInstanceMetadataDefaults", parameters)

    def test_the_accounts_defaults(self):
        self.assertEqual((None,) * 4, self.defaults())
        self.assertEqual(["true"], self.prefer(HttpTokens="required", HttpPutResponseHopLimit=2, InstanceMetadataTags="enabled").values("return"))
        self.assertEqual(("required", "2", None, "enabled"), self.defaults())
        identity, = self.launch()
        shown = self.shown(identity)
        self.assertEqual(("required", 2, "enabled", "enabled"), tuple(shown[k] for k in ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint",
                                                                                      "InstanceMetadataTags")))
        asked, = self.launch(MetadataOptions={"HttpTokens": "optional", "InstanceMetadataTags": "disabled"})
        self.assertEqual(("optional", 2, "disabled"), tuple(self.shown(asked)[k] for k in ("HttpTokens", "HttpPutResponseHopLimit", "InstanceMetadataTags")))
        self.prefer(HttpTokens="no-preference", HttpPutResponseHopLimit=-1, HttpEndpoint="disabled")
        self.assertEqual((None, None, "disabled", "enabled"), self.defaults())
        for bad in ({"HttpTokens": "maybe"}, {"HttpPutResponseHopLimit": 0}, {"HttpPutResponseHopLimit": 65}, {"HttpPutResponseHopLimit": -2}):
            self.assertEqual("InvalidParameterValue", self.prefer(**bad).code)
        other = self.other_account()
        fresh = other.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["MetadataOptions"]
        self.assertEqual(("optional", "enabled"), (fresh["HttpTokens"], fresh["HttpEndpoint"]))


if __name__ == "__main__":
    unittest.main()
