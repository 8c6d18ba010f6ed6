"""Every parameter that the IDL marks `unsupported` or `only`, of every action: any other use is refused by its name."""
import base64
import unittest

from harness import IMAGE, WireTest
from idl import actions, model, needed
from signing import call

# Enough for each action to get as far as its parameters.
NEEDED = {"RunInstances": {"ImageId": IMAGE, "MinCount": "1", "MaxCount": "1", "BlockDeviceMapping.1.DeviceName": "/dev/vda"},
          "RegisterImage": {"Name": "refused", "ImageLocation": IMAGE}, "DeregisterImage": {"ImageId": IMAGE},
          "GetInstanceTypesFromInstanceRequirements": {
              "ArchitectureType.1": "x86_64", "VirtualizationType.1": "hvm", "InstanceRequirements.VCpuCount.Min": "1",
              "InstanceRequirements.MemoryMiB.Min": "1"},
          "CreateFleet": {"LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName": "none", "Type": "instant",
                          "TargetCapacitySpecification.TotalTargetCapacity": "1", "TargetCapacitySpecification.DefaultTargetCapacityType": "on-demand"},
          "CreateCapacityReservation": {"InstanceType": "m5.large", "InstancePlatform": "Linux/UNIX", "AvailabilityZone": "us-east-1a",
                                        "InstanceCount": "1"},
          "CreateLaunchTemplate": {"LaunchTemplateName": "refused", "LaunchTemplateData.ImageId": IMAGE},
          "CopySnapshot": {"SourceRegion": "us-east-1", "SourceSnapshotId": "snap-0123456789abcdef0"},
          "CreateKeyPair": {"KeyName": "x"}, "ImportKeyPair": {"KeyName": "x", "PublicKeyMaterial": base64.b64encode(b"x").decode()}}
INSTANCE = {"InstanceId.1": "i-0123456789abcdef0"}


def walk(struct, path=""):
    """(full name, member) of every member, nested ones too."""
    for member in model().structs[struct]:
        name = path + member.query + (".1" if member.is_list else "")
        yield name, member
        if member.stored and member.base in model().structs:
            yield from walk(member.base, name + ".")


class Unsupported(WireTest):
    def ask(self, action, name, value, **others):
        given = dict(NEEDED.get(action) or (INSTANCE if "Instances" in action and not action.startswith("Describe") else {}))
        return call(self.lodge, self.account, action, {**(given or needed(action)), **others, name: value})

    def each(self, honour):
        for action, facts in actions().items():
            if facts["service"] == "ec2":
                for name, member in walk(action + "Request"):
                    if member.honour == honour:
                        yield action, name, member

    def test_unsupported_in_any_form(self):
        tried = 0
        for action, name, member in self.each("unsupported"):
            for form in (name, name + ".1", name + ".Nested", name + ".1.Nested.Deeper"):
                with self.subTest(f"{action} {form}"):
                    reply = self.ask(action, form, "x")
                    self.assertEqual((400, "UnsupportedOperation"), (reply.status, reply.code), reply.body)
                    self.assertIn(f"parameter {name} is not supported: {member.note}", reply.message)
                    tried += 1
        self.assertGreater(tried, 100)

    def test_only_takes_its_one_value(self):
        tried = 0
        for action, name, member in self.each("only"):
            other = {"true": "false", "false": "true", "0": "1"}.get(member.only, member.only + "x")
            with self.subTest(f"{action} {name}"):
                for value in (other, "rubbish"):
                    reply = self.ask(action, name, value)
                    self.assertEqual((400, "UnsupportedOperation"), (reply.status, reply.code), reply.body)
                    self.assertIn(f"parameter {name} is not supported", reply.message)
                reply = self.ask(action, name, member.only)
                self.assertNotIn(reply.code, ("UnsupportedOperation", "UnknownParameter"), reply.body)
                tried += 1
        self.assertGreater(tried, 10)

    def test_ignored_takes_any_value_of_its_kind(self):
        for action, name, member in self.each("ignored"):
            for value in member.values or ("true", "false"):
                self.assertNotIn(self.ask(action, name, value).code, ("UnsupportedOperation", "UnknownParameter", "InvalidParameterValue"), name)

    def test_blank_is_none(self):
        """What clients in Go send empty (`blank` in the IDL) is as if they had not sent it; anything else in it counts."""
        tried = 0
        for action, facts in actions().items():
            for name, member in walk(action + "Request") if facts["service"] == "ec2" else ():
                if not member.blank:
                    continue
                with self.subTest(f"{action} {name}"):
                    given = {key: value for key, value in (NEEDED.get(action) or needed(action)).items() if key != name}
                    without = call(self.lodge, self.account, action, {**given, "DryRun": "true"})
                    for form in (name, name + ".Name") if member.honour == "unsupported" else (name,):
                        reply = self.ask(action, form, "", DryRun="true")
                        self.assertEqual((without.status, without.code), (reply.status, reply.code), reply.body)
                        tried += 1
        self.assertGreater(tried, 4)
        self.assertIn("GroupId", self.ec2.create_security_group(GroupName="packed", Description="d", VpcId=""))
        for name in ("NetworkInterface.1.SubnetId", "Placement.Tenancy", "Placement.AvailabilityZoneId"):  # no blanks
            self.assertEqual(400, self.ask("RunInstances", name, "", DryRun="true").status, name)

    def test_unknown_nested_parameters(self):
        for name in ("Placement.Nonsense", "BlockDeviceMapping.1.Nonsense", "BlockDeviceMapping.1.Ebs.Nonsense", "CpuOptions.1.CoreCount",
                     "TagSpecification.1.Tag.1.Nonsense", "ImageId.Nonsense", "MinCount.2", "Tag.1.Key", "instanceType", "SecurityGroupIds.1",
                     "Placement", "InstanceId.1", "UserData.x.y.z"):
            with self.subTest(name):
                given = {k: v for k, v in NEEDED["RunInstances"].items() if k != name.split(".")[0]}
                reply = call(self.lodge, self.account, "RunInstances", {**given, name: "x"})
                self.assertEqual((400, "UnknownParameter"), (reply.status, reply.code), reply.body)
                self.assertIn(name.split(".")[0], reply.message)

    def test_every_action_refuses_unknown_parameters(self):
        for action, facts in actions().items():
            version = "2011-06-15" if facts["service"] == "sts" else "2016-11-15"
            reply = call(self.lodge, self.account, action, {"NoSuchThing.1.Here": "x"}, version, service=facts["service"])
            self.assertEqual((400, "UnknownParameter"), (reply.status, reply.code), action)
            self.assertIn("NoSuchThing.1.Here", reply.message)


if __name__ == "__main__":
    unittest.main()
