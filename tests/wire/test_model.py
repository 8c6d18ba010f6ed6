"""The IDL against botocore's own model on this machine: every parameter its clients may send is known to us, by the name that
they send; every element of our replies is one that they read. What we have beyond an older model is fine."""
import unittest

import botocore.session

from idl import actions, model, response_struct

_session = botocore.session.Session()
# Elements that EC2 has (botocore 1.43 knows them all) and Debian's model does not know yet; its clients skip them.
NEWER = {
    "DescribeImages": {"nextToken", "imagesSet.lastLaunchedTime"},
    "DescribeImageAttribute": {"deregistrationProtection"},
    "RunInstances": {"instancesSet.currentInstanceBootMode"},
    "DescribeInstances": {"reservationSet.instancesSet.currentInstanceBootMode"},
    "CreateSecurityGroup": {"securityGroupArn"},
    "DescribeSecurityGroups": {"securityGroupInfo.securityGroupArn"},
    "AuthorizeSecurityGroupIngress": {"securityGroupRuleSet.securityGroupRuleArn"},
    "AuthorizeSecurityGroupEgress": {"securityGroupRuleSet.securityGroupRuleArn"},
    "DescribeSecurityGroupRules": {"securityGroupRuleSet.securityGroupRuleArn"},
    "RevokeSecurityGroupIngress": {"revokedSecurityGroupRuleSet"},
    "RevokeSecurityGroupEgress": {"revokedSecurityGroupRuleSet"},
    "CreateNetworkAcl": {"clientToken"},
    "DescribeNetworkInterfaceAttribute": {"associatePublicIpAddress"},
    **{action: {f"{interface}.{name}" for name in ("availabilityZoneId", "ipv6AddressesSet.isPrimaryIpv6")}
       for action, interface in (("CreateNetworkInterface", "networkInterface"), ("DescribeNetworkInterfaces", "networkInterfaceSet"))},
    "DescribeInstanceTypes": {"instanceTypeSet." + name for name in (
        "processorInfo.manufacturer", "ebsInfo.maximumEbsAttachments", "ebsInfo.attachmentLimitType",
        "networkInfo.networkCards.baselineBandwidthInGbps", "networkInfo.networkCards.peakBandwidthInGbps",
        "networkInfo.flexibleEnaQueuesSupport", "nitroEnclavesSupport", "nitroTpmSupport", "phcSupport",
        "rebootMigrationSupport", "supportedInRegion")},
    "CreateRouteTable": {"clientToken"},
    "DescribeHosts": {"hostSet.hostMaintenance"},
    "GetLaunchTemplateData": {"launchTemplateData.placement.availabilityZoneId"},
    "CreateLaunchTemplateVersion": {"launchTemplateVersion.launchTemplateData.placement.availabilityZoneId"},
    "DescribeLaunchTemplateVersions": {"launchTemplateVersionSet.launchTemplateData.placement.availabilityZoneId"},
    **{action: {f"{gateway}.{name}" for name in (
        "availabilityMode", "natGatewayAddressSet.associationId", "natGatewayAddressSet.isPrimary", "natGatewayAddressSet.status")}
       for action, gateway in (("CreateNatGateway", "natGateway"), ("DescribeNatGateways", "natGatewaySet"))},
}
# Actions that EC2 has and Debian's model does not know yet.
NEWER_ACTIONS = {"GetSecurityGroupsForVpc", "GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults"}
SCALARS = {"string": {"string"}, "int": {"integer", "long"}, "bool": {"boolean"}, "double": {"double", "float"}, "blob": {"blob"},
           "timestamp": {"timestamp"}}
# Types that differ on purpose: what the model calls a string and we write from a typed value, or the other way round.
SAME_ON_THE_WIRE = {("timestamp", "string"), ("blob", "string"), ("string", "timestamp")}


def modelled():
    return [action for action in actions() if action not in NEWER_ACTIONS]


def operation(action):
    return _session.get_service_model(actions()[action]["service"]).operation_model(action)


def query_name(shape, member_name):
    """As botocore's EC2 serializer writes it: queryName, else the capitalised XML name, else the capitalised member."""
    s = shape.members[member_name].serialization
    name = s.get("queryName") or s.get("name") or member_name
    return name[:1].upper() + name[1:]


def element_name(shape, member_name):
    return shape.members[member_name].serialization.get("name", member_name)


class Requests(unittest.TestCase):
    def walk(self, struct, shape, path, problems):
        ours = {m.query: m for m in model().structs[struct]}
        for name, member in shape.members.items():
            key = query_name(shape, name)
            here = f"{path}.{key}" if path else key
            if key not in ours:
                problems.append(f"{here}: the model has it ({member.type_name}), the IDL does not")
                continue
            self.compare(ours[key], member, here, problems)

    def compare(self, mine, theirs, here, problems):
        if mine.honour in ("unsupported", "ignored"):
            return
        if mine.is_list != (theirs.type_name == "list"):
            problems.append(f"{here}: list in one, {theirs.type_name} in the model")
            return
        inner = theirs.member if theirs.type_name == "list" else theirs
        if inner.type_name == "structure":
            if mine.base not in model().structs:
                problems.append(f"{here}: a structure in the model, {mine.base} in the IDL")
            else:
                self.walk(mine.base, inner, here, problems)
        elif inner.type_name not in SCALARS.get(mine.base, ()) and (mine.base, inner.type_name) not in SAME_ON_THE_WIRE:
            problems.append(f"{here}: {mine.base} in the IDL, {inner.type_name} in the model")

    def test_every_parameter_is_known(self):
        for action in modelled():
            with self.subTest(action):
                problems, shape = [], operation(action).input_shape
                if shape:
                    self.walk(action + "Request", shape, "", problems)
                self.assertEqual([], problems)

    def test_what_the_model_requires(self):
        """What the model requires we may leave optional, but not the other way round: clients would not send it."""
        for action in modelled():
            shape = operation(action).input_shape
            if not shape:
                continue
            theirs = {query_name(shape, m) for m in shape.required_members}
            ours = {m.query for m in model().structs[action + "Request"] if m.required}
            self.assertEqual(set(), ours - theirs, f"{action}: required here, optional in the model")


class Responses(unittest.TestCase):
    def walk(self, struct, shape, path, problems):
        theirs = {element_name(shape, name): member for name, member in shape.members.items()}
        for mine in model().structs[struct]:
            if not mine.stored:
                continue
            name = mine.xml_name(model().protocol_of[struct])
            here = f"{path}.{name}" if path else name
            if name not in theirs:
                problems.append(here)
                continue
            member = theirs[name]
            inner = member.member if member.type_name == "list" else member
            if mine.is_list != (member.type_name == "list"):
                problems.append(f"{here} (list in one, {member.type_name} in the model)")
            elif inner.type_name == "structure" and mine.base in model().structs:
                self.walk(mine.base, inner, here, problems)
            elif inner.type_name not in SCALARS.get(mine.base, ()) and (mine.base, inner.type_name) not in SAME_ON_THE_WIRE:
                problems.append(f"{here} ({mine.base} in the IDL, {inner.type_name} in the model)")

    def differences(self):
        found = {}
        for action in modelled():
            problems, shape = [], operation(action).output_shape
            if shape:
                self.walk(response_struct(action), shape, "", problems)
            elif model().structs[response_struct(action)] and not self.only_return(action):
                problems.append("the model has no output")
            if problems:
                found[action] = problems
        return found

    @staticmethod
    def only_return(action):
        """`return` and its like, which a model without an output shape does not name."""
        return {m.name for m in model().structs[response_struct(action)]} <= {"Return", "KeyPairId", "GroupId"}

    def test_every_element_is_one_that_clients_read(self):
        found = {action: [p for p in problems if p not in NEWER.get(action, ())] for action, problems in self.differences().items()}
        self.assertEqual({}, {action: problems for action, problems in found.items() if problems})


if __name__ == "__main__":
    unittest.main()
