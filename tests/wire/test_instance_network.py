"""An instance's place in its VPC: what RunInstances takes, what DescribeInstances shows and finds, what its life does to it."""
import ipaddress
import json
import subprocess
import unittest

from harness import IMAGE, instances_of, tag_specification, tags
from networking import NetworkTest
from signing import call

POOL = ipaddress.ip_network("198.19.64.0/22")
UNKNOWN = {"subnet": "subnet-0123456789abcdef0", "group": "sg-0123456789abcdef0", "interface": "eni-0123456789abcdef0"}


class InstanceNetworkTest(NetworkTest):
    def start(self, count=1, **parameters):
        given = {"ImageId": IMAGE, "InstanceType": "t3.medium", "MinCount": count, "MaxCount": count, **parameters}
        return self.ec2.run_instances(**given)["Instances"]

    def one(self, **parameters):
        """Launched and running, as DescribeInstances shows it."""
        made = self.start(**parameters)[0]["InstanceId"]
        self.reach("running", [made])
        return self.describe(made)

    def no(self, code, *names, **parameters):
        given = {"ImageId": IMAGE, "InstanceType": "t3.medium", "MinCount": 1, "MaxCount": 1, **parameters}
        self.assert_code(code, self.ec2.run_instances, *names, **given)
        self.assertEqual([], instances_of(self.ec2.describe_instances()))

    def default_vpc(self):
        return self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]

    def default_subnet(self):
        return self.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]

    def default_group(self, vpc_id):
        wanted = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
        return self.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"]

    def group(self, vpc_id, name="web"):
        return self.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc_id)["GroupId"]

    def free(self, subnet_id):
        return self.ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"]

    def interfaces_left(self, vpc_id):
        return self.database("SELECT id FROM network_interfaces WHERE vpc_id = ?", vpc_id)

    def terminate(self, *ids):
        self.ec2.terminate_instances(InstanceIds=list(ids))
        self.reach("terminated", ids)


class Defaults(InstanceNetworkTest):
    def test_the_default_subnet(self):
        instance, subnet = self.one(), self.default_subnet()
        interface, = instance["NetworkInterfaces"]
        address, public = instance["PrivateIpAddress"], instance["PublicIpAddress"]
        self.assertIn(ipaddress.ip_address(address), ipaddress.ip_network(subnet["CidrBlock"]))
        self.assertIn(ipaddress.ip_address(public), POOL)
        name = f"ip-{address.replace('.', '-')}.ec2.internal"
        group = [{"GroupName": "default", "GroupId": self.default_group(subnet["VpcId"])}]
        self.assertEqual((subnet["SubnetId"], subnet["VpcId"], name, "", True, group),
                         tuple(instance[k] for k in ("SubnetId", "VpcId", "PrivateDnsName", "PublicDnsName", "SourceDestCheck", "SecurityGroups")))
        association = {"PublicIp": public, "PublicDnsName": "", "IpOwnerId": "amazon"}
        attachment = interface.pop("Attachment")
        self.assertRegex(attachment.pop("AttachmentId"), r"^eni-attach-[0-9a-f]{17}$")
        self.assertEqual(instance["LaunchTime"], attachment.pop("AttachTime"))
        self.assertEqual({"DeviceIndex": 0, "NetworkCardIndex": 0, "Status": "attached", "DeleteOnTermination": True}, attachment)
        self.assertRegex(interface.pop("NetworkInterfaceId"), r"^eni-[0-9a-f]{17}$")
        self.assertRegex(interface.pop("MacAddress"), r"^02(:[0-9a-f]{2}){5}$")
        self.assertEqual({"SubnetId": subnet["SubnetId"], "VpcId": subnet["VpcId"], "Description": "", "OwnerId": self.account.id,
                          "Status": "in-use", "PrivateIpAddress": address, "PrivateDnsName": name, "SourceDestCheck": True, "Groups": group,
                          "Association": association, "Ipv6Addresses": [], "InterfaceType": "interface",
                          "PrivateIpAddresses": [{"PrivateIpAddress": address, "PrivateDnsName": name, "Primary": True, "Association": association}]},
                         interface)

    def test_the_reply_of_the_launch_has_it_all(self):
        made, = self.start()
        shown = self.describe(made["InstanceId"])
        for name in ("PrivateIpAddress", "VpcId", "SubnetId", "NetworkInterfaces", "SecurityGroups", "MetadataOptions"):
            self.assertEqual(made[name], shown[name], name)

    def test_each_has_its_own_addresses(self):
        made = self.start(20)
        for name in ("PrivateIpAddress", "PublicIpAddress"):
            self.assertEqual(20, len({i[name] for i in made}), name)
        for name in ("NetworkInterfaceId", "MacAddress"):
            self.assertEqual(20, len({i["NetworkInterfaces"][0][name] for i in made}), name)

    def test_without_a_default_vpc_the_subnet_must_be_said(self):
        for subnet in self.ec2.describe_subnets()["Subnets"]:
            self.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        self.no("MissingInput", "No subnets found for the default VPC")
        vpc = self.default_vpc()
        gateway = self.ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
        self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.ec2.delete_vpc(VpcId=vpc)
        self.no("VPCIdNotSpecified", "No default VPC")
        self.assertEqual("10.0.1.9", self.start(SubnetId=self.subnet(self.vpc()), PrivateIpAddress="10.0.1.9")[0]["PrivateIpAddress"])


class TopLevel(InstanceNetworkTest):
    def test_subnet_group_and_address(self):
        vpc = self.vpc()
        subnet, one, two = self.subnet(vpc), self.group(vpc, "one"), self.group(vpc, "two")
        instance = self.one(SubnetId=subnet, SecurityGroupIds=[two, one, two], PrivateIpAddress="10.0.1.9")
        self.assertEqual((subnet, vpc, "10.0.1.9", "ip-10-0-1-9.ec2.internal"),
                         tuple(instance[k] for k in ("SubnetId", "VpcId", "PrivateIpAddress", "PrivateDnsName")))
        self.assertEqual([("two", two), ("one", one)], [(g["GroupName"], g["GroupId"]) for g in instance["SecurityGroups"]])
        self.assertNotIn("PublicIpAddress", instance)
        self.assertEqual(self.default_group(vpc), self.one(SubnetId=subnet)["SecurityGroups"][0]["GroupId"])

    def test_groups_by_name_are_of_the_default_vpc(self):
        mine, other = self.group(self.default_vpc(), "mine"), self.vpc()
        self.group(other, "theirs")
        groups = self.one(SecurityGroups=["mine", "default"])["SecurityGroups"]
        self.assertEqual([("mine", mine), ("default", self.default_group(self.default_vpc()))], [(g["GroupName"], g["GroupId"]) for g in groups])
        self.ec2.terminate_instances(InstanceIds=[i["InstanceId"] for i in instances_of(self.ec2.describe_instances())])
        self.assert_code("InvalidGroup.NotFound", self.ec2.run_instances, "theirs", ImageId=IMAGE, MinCount=1, MaxCount=1, SecurityGroups=["theirs"])
        self.assert_code("InvalidParameterCombination", self.ec2.run_instances, "groupName", ImageId=IMAGE, MinCount=1, MaxCount=1,
                         SecurityGroups=["mine"], SubnetId=self.subnet(other))

    def test_the_subnets_public_addresses(self):
        subnet = self.subnet(self.vpc())
        self.assertNotIn("PublicIpAddress", self.start(SubnetId=subnet)[0])
        self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        self.assertIn("PublicIpAddress", self.start(SubnetId=subnet)[0])
        public = lambda wanted, subnet: self.start(NetworkInterfaces=[  # noqa: E731
            {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": wanted}])[0].get("PublicIpAddress")
        self.assertIsNone(public(False, subnet))
        self.assertIn(ipaddress.ip_address(public(True, self.subnet(self.vpc("10.9.0.0/16"), "10.9.1.0/24"))), POOL)

    def test_an_address_chooses_the_default_subnet(self):
        subnet = self.default_subnet()
        wanted = str(ipaddress.ip_network(subnet["CidrBlock"])[77])
        self.assertEqual(wanted, self.start(PrivateIpAddress=wanted)[0]["PrivateIpAddress"])

    def test_ids_of_what_is_not_there(self):
        vpc, other = self.vpc(), self.vpc("10.1.0.0/16")
        subnet, theirs = self.subnet(vpc), self.other_account()
        self.no("InvalidSubnetID.NotFound", SubnetId=UNKNOWN["subnet"])
        self.no("InvalidSubnetId.Malformed", SubnetId="subnet-x")
        self.no("InvalidGroup.NotFound", SecurityGroupIds=[UNKNOWN["group"]])
        self.no("InvalidGroupId.Malformed", SecurityGroupIds=["default"])
        self.no("InvalidParameter", "different networks", SubnetId=subnet, SecurityGroupIds=[self.group(other)])
        their_subnet = theirs.describe_subnets()["Subnets"][0]["SubnetId"]
        their_group = theirs.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        self.no("InvalidSubnetID.NotFound", SubnetId=their_subnet)
        self.no("InvalidGroup.NotFound", SubnetId=subnet, SecurityGroupIds=[their_group])
        self.no("SecurityGroupsPerInterfaceLimitExceeded", SubnetId=subnet, SecurityGroupIds=[self.group(vpc, f"g{n}") for n in range(17)])

    def test_addresses_that_cannot_be_given(self):
        subnet = self.subnet(self.vpc())
        for address, code in (("10.0.2.9", "InvalidParameterValue"), ("10.0.1.0", "InvalidParameterValue"), ("10.0.1.3", "InvalidParameterValue"),
                              ("10.0.1.255", "InvalidParameterValue"), ("rubbish", "InvalidParameterValue"), ("fd00::1", "InvalidParameterValue")):
            self.no(code, SubnetId=subnet, PrivateIpAddress=address)
        self.no("InvalidParameterCombination", SubnetId=subnet, PrivateIpAddress="10.0.1.9", MaxCount=2)
        self.interface(subnet, "10.0.1.9")
        self.no("InvalidIPAddress.InUse", "10.0.1.9", SubnetId=subnet, PrivateIpAddress="10.0.1.9")

    def test_dry_run_makes_nothing(self):
        vpc = self.vpc()
        subnet = self.subnet(vpc)
        self.no("DryRunOperation", SubnetId=subnet, DryRun=True)
        self.assertEqual((251, []), (self.free(subnet), self.interfaces_left(vpc)))


class OutOfAddresses(InstanceNetworkTest):
    def test_nothing_is_half_made(self):
        vpc = self.vpc()
        subnet = self.subnet(vpc, "10.0.1.0/28")  # 11 addresses
        self.no("InsufficientFreeAddressesInSubnet", subnet, SubnetId=subnet, MinCount=12, MaxCount=12)
        self.assertEqual((11, []), (self.free(subnet), self.interfaces_left(vpc)))
        two_each = [{"DeviceIndex": 0, "SubnetId": subnet, "SecondaryPrivateIpAddressCount": 1}]
        self.no("InsufficientFreeAddressesInSubnet", MinCount=6, MaxCount=6, NetworkInterfaces=two_each)
        self.assertEqual((11, []), (self.free(subnet), self.interfaces_left(vpc)))

    def test_as_many_as_there_are_addresses(self):
        subnet = self.subnet(self.vpc(), "10.0.1.0/28")
        made = self.start(SubnetId=subnet, MaxCount=20)
        self.assertEqual((11, 0), (len(made), self.free(subnet)))
        self.assertEqual({f"10.0.1.{n}" for n in range(4, 15)}, {i["PrivateIpAddress"] for i in made})

    def test_wished_addresses_are_spared(self):
        subnet = self.subnet(self.vpc(), "10.0.1.0/28")
        self.start(9, SubnetId=subnet)
        taken = {i["PrivateIpAddress"] for i in instances_of(self.ec2.describe_instances())}
        free, last = sorted({f"10.0.1.{n}" for n in range(4, 15)} - taken)
        interface = self.start(NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "PrivateIpAddresses": [
            {"PrivateIpAddress": last, "Primary": False}]}])[0]["NetworkInterfaces"][0]
        self.assertEqual([(free, True), (last, False)], [(a["PrivateIpAddress"], a["Primary"]) for a in interface["PrivateIpAddresses"]])


class SmallPool(InstanceNetworkTest):
    options = ("--public-pool", "198.19.64.0/28")

    def test_the_pool_runs_out(self):
        """Routers of default VPCs' gateways have their part of it."""
        before = self.database("SELECT address FROM public_ips")
        count = 13 - len(before)
        self.no("InsufficientAddressCapacity", MinCount=count + 1, MaxCount=count + 1)
        self.assertEqual(before, self.database("SELECT address FROM public_ips"))
        first = [i["InstanceId"] for i in self.start(count)]
        self.reach("running", first)
        self.ec2.stop_instances(InstanceIds=first[:1])
        self.reach("stopped", first[:1])
        second = [i["InstanceId"] for i in self.start(1)]
        self.assert_code("InsufficientAddressCapacity", self.ec2.start_instances, InstanceIds=first[:1])
        self.assertEqual({"stopped"}, set(self.states(first[:1]).values()))
        self.terminate(*first, *second)
        self.assertEqual(before, self.database("SELECT address FROM public_ips"))


class Interfaces(InstanceNetworkTest):
    def setUp(self):
        super().setUp()
        self.vpc_id = self.vpc()
        self.subnet_id = self.subnet(self.vpc_id)

    def with_interfaces(self, *interfaces, **parameters):
        return self.start(NetworkInterfaces=[{"DeviceIndex": n, **i} for n, i in enumerate(interfaces)], **parameters)[0]

    def no_interfaces(self, code, *interfaces, **parameters):
        self.no(code, NetworkInterfaces=list(interfaces), **parameters)

    def test_two(self):
        group, other = self.group(self.vpc_id), self.subnet(self.vpc_id, "10.0.2.0/24")
        made = self.with_interfaces(
            {"SubnetId": self.subnet_id, "Groups": [group], "Description": "front", "PrivateIpAddress": "10.0.1.9",
             "SecondaryPrivateIpAddressCount": 2},
            {"SubnetId": other, "Description": "back", "DeleteOnTermination": False,
             "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.2.7", "Primary": False}, {"PrivateIpAddress": "10.0.2.6", "Primary": True}]},
            TagSpecifications=[tag_specification("network-interface", Name="card")])
        front, back = self.describe(made["InstanceId"])["NetworkInterfaces"]
        self.assertEqual(("front", group, "10.0.1.9", 3), (front["Description"], front["Groups"][0]["GroupId"], front["PrivateIpAddress"],
                                                            len(front["PrivateIpAddresses"])))
        self.assertEqual(("back", self.default_group(self.vpc_id), other), (back["Description"], back["Groups"][0]["GroupId"], back["SubnetId"]))
        self.assertEqual([("10.0.2.6", True), ("10.0.2.7", False)], [(a["PrivateIpAddress"], a["Primary"]) for a in back["PrivateIpAddresses"]])
        self.assertEqual([(0, True), (1, False)], [(i["Attachment"]["DeviceIndex"], i["Attachment"]["DeleteOnTermination"]) for i in (front, back)])
        self.assertEqual("10.0.1.9", made["PrivateIpAddress"])
        found = self.ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["network-interface"]}])["Tags"]
        self.assertEqual({front["NetworkInterfaceId"], back["NetworkInterfaceId"]}, {t["ResourceId"] for t in found})

    def test_an_existing_one(self):
        interface = self.interface(self.subnet_id, "10.0.1.9", "10.0.1.10")
        instance = self.with_interfaces({"NetworkInterfaceId": interface})
        self.assertEqual((self.subnet_id, "10.0.1.9", interface), (instance["SubnetId"], instance["PrivateIpAddress"],
                                                                    instance["NetworkInterfaces"][0]["NetworkInterfaceId"]))
        self.assertFalse(instance["NetworkInterfaces"][0]["Attachment"]["DeleteOnTermination"])
        self.refused("InvalidNetworkInterface.InUse", self.with_interfaces, {"NetworkInterfaceId": interface})
        self.reach("running", [instance["InstanceId"]])
        self.terminate(instance["InstanceId"])
        self.assertEqual([("", "", 0)], self.database("SELECT attachment_state, instance_id, device_index FROM network_interfaces WHERE id = ?", interface))
        again = self.with_interfaces({"NetworkInterfaceId": interface})
        self.assertEqual(interface, again["NetworkInterfaces"][0]["NetworkInterfaceId"])

    def test_existing_ones_that_cannot_be_used(self):
        interface = self.interface(self.subnet_id, "10.0.1.9")
        self.no_interfaces("InvalidNetworkInterfaceID.NotFound", {"DeviceIndex": 0, "NetworkInterfaceId": UNKNOWN["interface"]})
        self.no_interfaces("InvalidNetworkInterfaceId.Malformed", {"DeviceIndex": 0, "NetworkInterfaceId": "x"})
        for more in ({"SubnetId": self.subnet_id}, {"Groups": [UNKNOWN["group"]]}, {"PrivateIpAddress": "10.0.1.9"}, {"Description": "d"},
                     {"AssociatePublicIpAddress": True}, {"DeleteOnTermination": True}, {"SecondaryPrivateIpAddressCount": 1}):
            self.no_interfaces("InvalidParameterCombination", {"DeviceIndex": 0, "NetworkInterfaceId": interface, **more})
        self.no_interfaces("InvalidParameterCombination", {"DeviceIndex": 0, "NetworkInterfaceId": interface}, MaxCount=2)
        twice = [{"DeviceIndex": n, "NetworkInterfaceId": interface} for n in (0, 1)]
        self.no_interfaces("InvalidNetworkInterface.InUse", *twice)
        mine, self.ec2 = self.ec2, self.other_account()
        self.no_interfaces("InvalidNetworkInterfaceID.NotFound", {"DeviceIndex": 0, "NetworkInterfaceId": interface})
        self.ec2 = mine

    def test_levels_do_not_mix(self):
        card = {"DeviceIndex": 0}
        for parameters in ({"SubnetId": self.subnet_id}, {"SecurityGroupIds": [UNKNOWN["group"]]}, {"SecurityGroups": ["default"]},
                           {"PrivateIpAddress": "10.0.1.9"}, {"Ipv6AddressCount": 1}):
            self.no_interfaces("InvalidParameterCombination", card, **parameters)

    def test_one_vpc(self):
        other = self.subnet(self.vpc("10.7.0.0/16"), "10.7.1.0/24")
        self.no_interfaces("InvalidParameterCombination", *[{"DeviceIndex": n, "SubnetId": s} for n, s in enumerate((self.subnet_id, other))])

    def test_indexes(self):
        self.no_interfaces("InvalidParameterValue", {"SubnetId": self.subnet_id})
        self.no_interfaces("InvalidParameterValue", {"DeviceIndex": 1, "SubnetId": self.subnet_id})
        self.no_interfaces("InvalidParameterValue", *[{"DeviceIndex": 0, "SubnetId": self.subnet_id}] * 2)
        instance = self.start(NetworkInterfaces=[{"DeviceIndex": 2, "SubnetId": self.subnet_id, "Description": "two"},
                                                 {"DeviceIndex": 0, "SubnetId": self.subnet_id, "Description": "nought"}])[0]
        self.assertEqual([(0, "nought"), (2, "two")], [(i["Attachment"]["DeviceIndex"], i["Description"]) for i in instance["NetworkInterfaces"]])

    def test_a_public_address_is_for_one_new_interface(self):
        cards = [{"DeviceIndex": n, "SubnetId": self.subnet_id} for n in (0, 1)]
        self.no_interfaces("InvalidParameterCombination", {**cards[0], "AssociatePublicIpAddress": True}, cards[1])
        self.ec2.modify_subnet_attribute(SubnetId=self.subnet_id, MapPublicIpOnLaunch={"Value": True})
        self.assertNotIn("PublicIpAddress", self.start(NetworkInterfaces=cards)[0])

    def test_limits_of_the_type(self):
        cards = [{"DeviceIndex": n, "SubnetId": self.subnet_id} for n in range(3)]
        self.no_interfaces("AttachmentLimitExceeded", *cards, InstanceType="t3.nano")
        self.no_interfaces("PrivateIpAddressLimitExceeded", {**cards[0], "SecondaryPrivateIpAddressCount": 2}, InstanceType="t3.nano")
        self.no_interfaces("PrivateIpAddressLimitExceeded", {**cards[0], "Ipv6AddressCount": 3}, InstanceType="t3.nano")

    def test_addresses_of_interfaces(self):
        card = {"DeviceIndex": 0, "SubnetId": self.subnet_id}
        two = [{"PrivateIpAddress": f"10.0.1.{n}", "Primary": True} for n in (8, 9)]
        self.no_interfaces("InvalidParameterCombination", {**card, "PrivateIpAddresses": two})
        self.no_interfaces("InvalidParameterCombination", {**card, "PrivateIpAddress": "10.0.1.7", "PrivateIpAddresses": two[:1]})
        self.no_interfaces("InvalidIPAddress.InUse", {**card, "PrivateIpAddress": "10.0.1.7"},
                           {**card, "DeviceIndex": 1, "PrivateIpAddress": "10.0.1.7"})
        self.no_interfaces("InvalidParameterCombination", {**card, "PrivateIpAddress": "10.0.1.7"}, MaxCount=2)

    def test_ipv6(self):
        card = {"DeviceIndex": 0, "SubnetId": self.subnet_id}
        self.no("InvalidParameterValue", SubnetId=self.subnet_id, Ipv6AddressCount=1)
        vpc = self.vpc("10.6.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        block = self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        cidr = next(ipaddress.ip_network(block).subnets(new_prefix=64))
        subnet = self.subnet(vpc, "10.6.1.0/24", Ipv6CidrBlock=str(cidr))
        instance = self.start(SubnetId=subnet, Ipv6AddressCount=2)[0]
        given = [a["Ipv6Address"] for a in instance["NetworkInterfaces"][0]["Ipv6Addresses"]]
        self.assertEqual((2, given[0]), (len(given), instance["Ipv6Address"]))
        self.assertTrue(all(ipaddress.ip_address(a) in cidr for a in given))
        wanted = str(cidr[0x99])
        instance = self.start(NetworkInterfaces=[{**card, "SubnetId": subnet, "Ipv6Addresses": [{"Ipv6Address": wanted}]}])[0]
        self.assertEqual(wanted, instance["Ipv6Address"])
        self.assert_code("InvalidIPAddress.InUse", self.start, SubnetId=subnet, Ipv6Addresses=[{"Ipv6Address": wanted}])
        self.assert_code("InvalidParameterValue", self.start, SubnetId=subnet, Ipv6Addresses=[{"Ipv6Address": "10.6.1.9"}])
        self.assert_code("InvalidParameterValue", self.start, SubnetId=subnet, Ipv6Addresses=[{"Ipv6Address": "2001:db8::1"}])
        both = {"Ipv6AddressCount": 1, "Ipv6Addresses": [{"Ipv6Address": wanted}]}
        self.assert_code("InvalidParameterCombination", self.start, SubnetId=subnet, **both)
        self.ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True})
        self.assertIn("Ipv6Address", self.start(SubnetId=subnet)[0])

    def test_the_command_line(self):
        """`aws` makes an interface list of its shorter options."""
        environment = {"AWS_ACCESS_KEY_ID": self.account.key, "AWS_SECRET_ACCESS_KEY": self.account.secret, "AWS_DEFAULT_REGION": "us-east-1",
                       "PATH": "/usr/bin:/bin", "HOME": str(self.lodge.folder)}
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.lodge.endpoint, "ec2", "run-instances", "--image-id", IMAGE, "--instance-type",
                               "t3.medium", "--subnet-id", self.subnet_id, "--associate-public-ip-address", "--security-group-ids",
                               self.default_group(self.vpc_id), "--private-ip-address", "10.0.1.9", "--secondary-private-ip-address-count", "1",
                               "--metadata-options", "HttpTokens=required", "--output", "json"],
                              env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(0, done.returncode, done.stderr)
        instance, = json.loads(done.stdout)["Instances"]
        self.assertEqual(("10.0.1.9", 2, "required"), (instance["PrivateIpAddress"], len(instance["NetworkInterfaces"][0]["PrivateIpAddresses"]),
                                                        instance["MetadataOptions"]["HttpTokens"]))
        self.assertIn("PublicIpAddress", instance)


class Zones(InstanceNetworkTest):
    options = ("--zones", "us-east-1a", "us-east-1b")

    def test_a_subnet_fixes_the_zone(self):
        vpc = self.vpc()
        subnet = self.subnet(vpc, AvailabilityZone="us-east-1b")
        self.assertEqual("us-east-1b", self.start(SubnetId=subnet)[0]["Placement"]["AvailabilityZone"])
        self.assertEqual("us-east-1b", self.start(SubnetId=subnet, Placement={"AvailabilityZone": "us-east-1b"})[0]["Placement"]["AvailabilityZone"])
        self.assert_code("InvalidParameterValue", self.start, "us-east-1b", SubnetId=subnet, Placement={"AvailabilityZone": "us-east-1a"})

    def test_the_default_subnet_of_the_zone(self):
        for zone in ("us-east-1a", "us-east-1b"):
            instance = self.start(Placement={"AvailabilityZone": zone})[0]
            subnet = self.ec2.describe_subnets(SubnetIds=[instance["SubnetId"]])["Subnets"][0]
            self.assertEqual((zone, True), (subnet["AvailabilityZone"], subnet["DefaultForAz"]))

    def test_interfaces_are_in_one_zone(self):
        vpc = self.vpc()
        one, two = self.subnet(vpc, AvailabilityZone="us-east-1a"), self.subnet(vpc, "10.0.2.0/24", AvailabilityZone="us-east-1b")
        self.no("InvalidParameterCombination", NetworkInterfaces=[{"DeviceIndex": n, "SubnetId": s} for n, s in enumerate((one, two))])
        interface = self.interface(two, "10.0.2.9")
        self.no("InvalidNetworkInterfaceID.NotFound", NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
                Placement={"AvailabilityZone": "us-east-1a"})
        made = self.start(NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}])[0]
        self.assertEqual("us-east-1b", made["Placement"]["AvailabilityZone"])

    def test_zones_without_a_default_subnet_are_left_out(self):
        for subnet in self.ec2.describe_subnets()["Subnets"]:
            if subnet["AvailabilityZone"] == "us-east-1a":
                self.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        self.assertEqual("us-east-1b", self.start()[0]["Placement"]["AvailabilityZone"])
        self.assert_code("MissingInput", self.start, Placement={"AvailabilityZone": "us-east-1a"})


class Life(InstanceNetworkTest):
    def test_stop_frees_the_public_address_and_start_takes_one(self):
        instance = self.one()
        identity, address, public = (instance[k] for k in ("InstanceId", "PrivateIpAddress", "PublicIpAddress"))
        taken = lambda: self.database("SELECT address FROM public_ips WHERE owner_id = ?", instance["NetworkInterfaces"][0]["NetworkInterfaceId"])  # noqa: E731
        self.ec2.stop_instances(InstanceIds=[identity])
        self.reach("stopped", [identity])
        stopped = self.describe(identity)
        self.assertNotIn("PublicIpAddress", stopped)
        self.assertNotIn("Association", stopped["NetworkInterfaces"][0])
        self.assertEqual((address, instance["VpcId"], []), (stopped["PrivateIpAddress"], stopped["VpcId"], taken()))
        self.ec2.start_instances(InstanceIds=[identity])
        self.reach("running", [identity])
        again = self.describe(identity)
        self.assertEqual((address, [(again["PublicIpAddress"],)]), (again["PrivateIpAddress"], taken()))
        self.assertIn(ipaddress.ip_address(public), POOL)

    def test_an_elastic_address_stays(self):
        identity = self.one()["InstanceId"]
        made = self.ec2.allocate_address(Domain="vpc")
        association = self.ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=identity)["AssociationId"]
        instance = self.describe(identity)
        self.assertEqual(made["PublicIp"], instance["PublicIpAddress"])
        self.assertEqual({"PublicIp": made["PublicIp"], "PublicDnsName": "", "IpOwnerId": self.account.id},
                         instance["NetworkInterfaces"][0]["Association"])
        for name, value in (("network-interface.association.allocation-id", made["AllocationId"]), ("ip-address", made["PublicIp"]),
                            ("network-interface.association.association-id", association),
                            ("network-interface.addresses.association.ip-owner-id", self.account.id)):
            self.assertEqual([identity], [i["InstanceId"] for i in instances_of(self.ec2.describe_instances(Filters=[{"Name": name, "Values": [value]}]))], name)
        for action, state in ((self.ec2.stop_instances, "stopped"), (self.ec2.start_instances, "running")):
            action(InstanceIds=[identity])
            self.reach(state, [identity])
            self.assertEqual(made["PublicIp"], self.describe(identity)["PublicIpAddress"])
        self.terminate(identity)
        shown = self.ec2.describe_addresses(AllocationIds=[made["AllocationId"]])["Addresses"][0]
        self.assertNotIn("AssociationId", shown)

    def test_terminating_takes_the_interfaces_along(self):
        vpc = self.vpc()
        subnet, group = self.subnet(vpc), self.group(vpc)
        made = self.start(NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group]},
                                             {"DeviceIndex": 1, "SubnetId": subnet, "DeleteOnTermination": False, "PrivateIpAddress": "10.0.1.9"}])[0]
        identity = made["InstanceId"]
        self.reach("running", [identity])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=group)
        self.terminate(identity)
        self.ec2.delete_security_group(GroupId=group)
        shown = self.describe(identity)
        for name in ("PrivateIpAddress", "PublicIpAddress", "VpcId", "SubnetId", "SourceDestCheck"):
            self.assertNotIn(name, shown)
        self.assertEqual(("", [], []), (shown["PrivateDnsName"], shown["NetworkInterfaces"], shown["SecurityGroups"]))
        kept = made["NetworkInterfaces"][1]["NetworkInterfaceId"]
        self.assertEqual([(kept, "", "")], self.database("SELECT id, attachment_state, attachment_id FROM network_interfaces WHERE vpc_id = ?", vpc))
        self.assertEqual(250, self.free(subnet))

    def test_terminating_a_stopped_one(self):
        vpc = self.vpc()
        subnet = self.subnet(vpc)
        identity = self.one(SubnetId=subnet)["InstanceId"]
        self.ec2.stop_instances(InstanceIds=[identity])
        self.reach("stopped", [identity])
        self.ec2.terminate_instances(InstanceIds=[identity])
        self.assertEqual([], self.interfaces_left(vpc))
        self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_vpc(VpcId=vpc)
        self.reach("terminated", [identity])

    def test_the_vpcs_revision_follows(self):
        """What tells the network's reconciler that there is something to do."""
        vpc = self.vpc()
        subnet = self.subnet(vpc)
        self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        revision = lambda: self.database("SELECT revision FROM vpcs WHERE id = ?", vpc)[0][0]  # noqa: E731
        before = revision()
        identity = self.one(SubnetId=subnet)["InstanceId"]
        for action, state in ((self.ec2.stop_instances, "stopped"), (self.ec2.start_instances, "running"), (self.ec2.terminate_instances, "terminated")):
            seen = revision()
            self.assertGreater(seen, before)
            before = seen
            action(InstanceIds=[identity])
            self.reach(state, [identity])
        self.assertGreater(revision(), before)


class Found(InstanceNetworkTest):
    """Filters over networks."""

    def found(self, name, value):
        return [i["InstanceId"] for i in instances_of(self.ec2.describe_instances(Filters=[{"Name": name, "Values": [value]}]))]

    def test_every_filter(self):
        vpc = self.vpc()
        subnet, group = self.subnet(vpc), self.group(vpc)
        self.start()  # another one
        instance = self.one(NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "Description": "front door",
                                                "PrivateIpAddress": "10.0.1.9", "SecondaryPrivateIpAddressCount": 1, "AssociatePublicIpAddress": True}],
                            TagSpecifications=[tag_specification("network-interface", Name="card")],
                            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 7, "InstanceMetadataTags": "enabled",
                                             "HttpEndpoint": "enabled"},
                            PrivateDnsNameOptions={"HostnameType": "resource-name", "EnableResourceNameDnsARecord": True,
                                                   "EnableResourceNameDnsAAAARecord": True})
        identity, interface = instance["InstanceId"], instance["NetworkInterfaces"][0]
        second = interface["PrivateIpAddresses"][1]
        right = {"vpc-id": vpc, "subnet-id": subnet, "private-ip-address": "10.0.1.9", "ip-address": instance["PublicIpAddress"],
                 "private-dns-name": f"{identity}.ec2.internal", "instance.group-id": group, "instance.group-name": "web", "group-id": group,
                 "group-name": "web",
                 "network-interface.network-interface-id": interface["NetworkInterfaceId"], "network-interface.mac-address": interface["MacAddress"],
                 "network-interface.description": "front door", "network-interface.subnet-id": subnet, "network-interface.vpc-id": vpc,
                 "network-interface.group-id": group, "network-interface.group-name": "web", "network-interface.private-ip-address": "10.0.1.9",
                 "network-interface.private-dns-name": "ip-10-0-1-9.ec2.internal",
                 "network-interface.addresses.private-ip-address": second["PrivateIpAddress"], "network-interface.addresses.primary": "false",
                 "network-interface.addresses.private-dns-name": second["PrivateDnsName"],
                 "network-interface.addresses.association.public-ip": instance["PublicIpAddress"],
                 "network-interface.association.public-ip": instance["PublicIpAddress"],
                 "network-interface.attachment.attachment-id": interface["Attachment"]["AttachmentId"],
                 "network-interface.attachment.instance-id": identity, "network-interface.tag-key": "Name", "network-interface.tag-value": "card",
                 "metadata-options.http-tokens": "required", "metadata-options.http-put-response-hop-limit": "7",
                 "metadata-options.instance-metadata-tags": "enabled", "private-dns-name-options.hostname-type": "resource-name",
                 "private-dns-name-options.enable-resource-name-dns-a-record": "true",
                 "private-dns-name-options.enable-resource-name-dns-aaaa-record": "true"}
        for name, value in right.items():
            with self.subTest(name):
                self.assertEqual([identity], self.found(name, value))
                self.assertEqual([], self.found(name, "something else"))
        both = {"source-dest-check": "true", "network-interface.source-dest-check": "true", "network-interface.status": "in-use",
                "network-interface.owner-id": self.account.id, "network-interface.requester-managed": "false",
                "network-interface.availability-zone": "us-east-1a", "network-interface.attachment.status": "attached",
                "network-interface.attachment.device-index": "0", "network-interface.attachment.delete-on-termination": "true",
                "network-interface.attachment.instance-owner-id": self.account.id, "metadata-options.http-endpoint": "enabled",
                "metadata-options.http-protocol-ipv4": "enabled", "metadata-options.http-protocol-ipv6": "disabled",
                "metadata-options.state": "applied", "network-interface.association.ip-owner-id": "amazon"}
        for name, value in both.items():
            with self.subTest(name):
                self.assertEqual(2, len(self.found(name, value)))
        for name in ("dns-name", "ipv6-address", "network-interface.ipv6-addresses.ipv6-address", "network-interface.requester-id",
                     "network-interface.association.allocation-id"):
            self.assertEqual([], self.found(name, "*"), name)

    def test_ipv6_filter_and_pages(self):
        vpc = self.vpc("10.6.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        block = self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        subnet = self.subnet(vpc, "10.6.1.0/24", Ipv6CidrBlock=str(next(ipaddress.ip_network(block).subnets(new_prefix=64))))
        made = self.start(12, SubnetId=subnet, Ipv6AddressCount=1)
        for name in ("ipv6-address", "network-interface.ipv6-addresses.ipv6-address"):
            self.assertEqual([made[3]["InstanceId"]], self.found(name, made[3]["Ipv6Address"]))
        pages = list(self.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
        shown = {i["InstanceId"]: i for page in pages for i in instances_of(page)}
        self.assertEqual([5, 5, 2], [len(instances_of(page)) for page in pages])
        for instance in made:
            self.assertEqual(instance["NetworkInterfaces"], shown[instance["InstanceId"]]["NetworkInterfaces"])

    def test_another_account_sees_nothing_of_it(self):
        instance, other = self.one(), self.other_account()
        for name in ("vpc-id", "private-ip-address"):
            value = instance["VpcId" if name == "vpc-id" else "PrivateIpAddress"]
            self.assertEqual([], other.describe_instances(Filters=[{"Name": name, "Values": [value]}])["Reservations"])


class Options(InstanceNetworkTest):
    DEFAULTS = {"State": "applied", "HttpTokens": "optional", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled",
                "HttpProtocolIpv6": "disabled", "InstanceMetadataTags": "disabled"}

    def test_metadata_options(self):
        self.assertEqual(self.DEFAULTS, self.start()[0]["MetadataOptions"])
        wanted = {"HttpTokens": "required", "HttpPutResponseHopLimit": 64, "HttpEndpoint": "disabled", "InstanceMetadataTags": "enabled",
                  "HttpProtocolIpv6": "disabled"}
        self.assertEqual({**wanted, "State": "applied"}, self.one(MetadataOptions=wanted)["MetadataOptions"])

    def test_bad_metadata_options(self):
        for bad in ({"HttpTokens": "maybe"}, {"HttpPutResponseHopLimit": 0}, {"HttpPutResponseHopLimit": 65}, {"HttpEndpoint": "on"},
                    {"InstanceMetadataTags": "yes"}):
            self.no("InvalidParameterValue", next(iter(bad)), MetadataOptions=bad)

    def test_tags_in_metadata_are_paths(self):
        served = {"InstanceMetadataTags": "enabled"}
        for key in ("a b", "a/b", "_index", "..", "."):
            self.no("InvalidParameterValue", key, MetadataOptions=served, TagSpecifications=[tag_specification("instance", **{key: "v"})])
        identity = self.start(MetadataOptions=served, TagSpecifications=[tag_specification("instance", **{"a-b.c:d@e+=,_": "v"})])[0]["InstanceId"]
        self.refused("InvalidParameterValue", self.ec2.create_tags, Resources=[identity], Tags=tags(**{"a/b": "v"}))
        self.ec2.create_tags(Resources=[identity], Tags=tags(fine="a / b"))

    def test_names(self):
        identity = self.start(PrivateDnsNameOptions={"HostnameType": "resource-name", "EnableResourceNameDnsARecord": True})[0]["InstanceId"]
        shown = self.describe(identity)
        self.assertEqual(f"{identity}.ec2.internal", shown["PrivateDnsName"])
        self.assertEqual({"HostnameType": "resource-name", "EnableResourceNameDnsARecord": True, "EnableResourceNameDnsAAAARecord": False},
                         shown["PrivateDnsNameOptions"])
        self.assert_code("InvalidParameterValue", self.start, PrivateDnsNameOptions={"HostnameType": "funny"})

    def test_names_by_the_subnet(self):
        subnet = self.subnet(self.vpc())
        self.ec2.modify_subnet_attribute(SubnetId=subnet, PrivateDnsHostnameTypeOnLaunch="resource-name")
        self.ec2.modify_subnet_attribute(SubnetId=subnet, EnableResourceNameDnsARecordOnLaunch={"Value": True})
        instance = self.start(SubnetId=subnet)[0]
        self.assertEqual({"HostnameType": "resource-name", "EnableResourceNameDnsARecord": True, "EnableResourceNameDnsAAAARecord": False},
                         instance["PrivateDnsNameOptions"])
        self.assertEqual("ip-name", self.start(SubnetId=subnet, PrivateDnsNameOptions={"HostnameType": "ip-name"})[0]["PrivateDnsNameOptions"]["HostnameType"])

    def test_a_retry_shows_the_same(self):
        parameters = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "ClientToken": "again", "NetworkInterface.1.DeviceIndex": 0,
                      "NetworkInterface.1.Description": "one"}
        first, second = (call(self.lodge, self.account, "RunInstances", parameters) for _ in range(2))
        self.assertEqual(first.values("networkInterfaceId"), second.values("networkInterfaceId"))
        self.assertEqual(1, len(first.values("networkInterfaceId")))


if __name__ == "__main__":
    unittest.main()
