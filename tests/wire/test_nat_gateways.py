"""NAT gateways: the interface and address each holds, how they fail and go."""
import unittest

from harness import filters, tag_specification, tags
from networking import NetworkTest


class NatTest(NetworkTest):
    def setUp(self):
        super().setUp()
        self.vpc_id = self.vpc()
        self.subnet_id = self.subnet(self.vpc_id)
        self.door = self.gateway(self.vpc_id)

    def make(self, **parameters):
        return self.ec2.create_nat_gateway(**{"SubnetId": self.subnet_id, **parameters})["NatGateway"]

    def eip(self):
        return self.ec2.allocate_address()["AllocationId"]

    def shown(self, gateway):
        return self.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]

    def reaches(self, gateway, state):
        self.eventually(lambda: self.shown(gateway)["State"] == state, why=lambda: str(self.shown(gateway)))
        return self.shown(gateway)

    def available(self, **parameters):
        gateway = self.make(**parameters)["NatGatewayId"]
        self.reaches(gateway, "available")
        return gateway

    def free(self):
        return self.ec2.describe_subnets(SubnetIds=[self.subnet_id])["Subnets"][0]["AvailableIpAddressCount"]


class Life(NatTest):
    def test_public(self):
        door, allocation = self.door, self.eip()
        made = self.make(AllocationId=allocation, TagSpecifications=[tag_specification("natgateway", Name="out")])
        gateway = made["NatGatewayId"]
        self.assertEqual(("pending", "public", self.vpc_id, self.subnet_id, tags(Name="out")),
                         tuple(made[k] for k in ("State", "ConnectivityType", "VpcId", "SubnetId", "Tags")))
        (address,) = self.reaches(gateway, "available")["NatGatewayAddresses"]
        elastic = self.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
        self.assertEqual((allocation, elastic["PublicIp"]), (address["AllocationId"], address["PublicIp"]))
        self.assertEqual((address["NetworkInterfaceId"], address["PrivateIp"]), (elastic["NetworkInterfaceId"], elastic["PrivateIpAddress"]))
        self.assertTrue(address["PrivateIp"].startswith("10.0.1."))
        self.assertEqual(250, self.free())
        for call, given in ((self.ec2.delete_subnet, {"SubnetId": self.subnet_id}), (self.ec2.delete_vpc, {"VpcId": self.vpc_id}),
                            (self.ec2.detach_internet_gateway, {"InternetGatewayId": door, "VpcId": self.vpc_id})):
            self.refused("DependencyViolation", call, **given)
        self.refused("InvalidIPAddress.InUse", self.ec2.release_address, AllocationId=allocation)
        self.refused("OperationNotPermitted", self.ec2.disassociate_address, AssociationId=elastic["AssociationId"])
        self.refused("OperationNotPermitted", self.ec2.associate_address, AllocationId=self.eip(), NetworkInterfaceId=address["NetworkInterfaceId"])
        self.assertEqual(gateway, self.ec2.delete_nat_gateway(NatGatewayId=gateway)["NatGatewayId"])
        self.assertIn("DeleteTime", self.reaches(gateway, "deleted"))
        self.ec2.release_address(AllocationId=allocation)
        self.refused("NatGatewayNotFound", self.ec2.delete_nat_gateway, NatGatewayId=gateway)
        self.assertEqual(251, self.free())
        self.ec2.detach_internet_gateway(InternetGatewayId=door, VpcId=self.vpc_id)
        self.ec2.delete_subnet(SubnetId=self.subnet_id)
        self.ec2.delete_vpc(VpcId=self.vpc_id)
        self.assertEqual("deleted", self.shown(gateway)["State"])  # for an hour

    def test_a_chosen_private_address(self):
        gateway = self.available(AllocationId=self.eip(), PrivateIpAddress="10.0.1.77")
        (address,) = self.shown(gateway)["NatGatewayAddresses"]
        self.assertEqual("10.0.1.77", address["PrivateIp"])
        self.refused("InvalidIPAddress.InUse", self.make, AllocationId=self.eip(), PrivateIpAddress="10.0.1.77")

    def test_its_interface(self):
        gateway = self.available(AllocationId=self.eip())
        interface = self.shown(gateway)["NatGatewayAddresses"][0]["NetworkInterfaceId"]
        ((kind, requester, mac, port),) = self.database(
            "SELECT interface_type, requester_id, mac, port_uuid FROM network_interfaces WHERE id = ?", interface)
        self.assertEqual(("nat_gateway", "lodge"), (kind, requester))
        self.assertRegex(mac, "^02(:[0-9a-f]{2}){5}$")
        self.assertRegex(port, "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.ec2.delete_nat_gateway(NatGatewayId=gateway)
        self.reaches(gateway, "deleted")
        self.assertEqual([], self.database("SELECT id FROM network_interfaces WHERE id = ?", interface))

    def test_failing(self):
        allocation = self.eip()
        self.ec2.detach_internet_gateway(InternetGatewayId=self.door, VpcId=self.vpc_id)
        failed = self.reaches(self.make(AllocationId=allocation)["NatGatewayId"], "failed")
        self.assertEqual("Gateway.NotAttached", failed["FailureCode"])
        self.ec2.attach_internet_gateway(InternetGatewayId=self.door, VpcId=self.vpc_id)
        self.available(AllocationId=allocation)
        failed = self.reaches(self.make(AllocationId=allocation)["NatGatewayId"], "failed")
        self.assertEqual("Resource.AlreadyAssociated", failed["FailureCode"])
        self.assertNotIn("NetworkInterfaceId", failed["NatGatewayAddresses"][0])
        self.ec2.delete_nat_gateway(NatGatewayId=failed["NatGatewayId"])
        self.assertEqual("deleted", self.shown(failed["NatGatewayId"])["State"])

    def test_a_full_subnet(self):
        small = self.subnet(self.vpc_id, "10.0.2.0/28")
        made = [self.make(SubnetId=small, AllocationId=self.eip())["NatGatewayId"] for _ in range(12)]
        for gateway in made[:11]:
            self.reaches(gateway, "available")
        self.assertEqual("InsufficientFreeAddressesInSubnet", self.reaches(made[11], "failed")["FailureCode"])

    def test_forgotten_after_an_hour(self):
        gateway = self.available(AllocationId=self.eip())
        self.ec2.delete_nat_gateway(NatGatewayId=gateway)
        self.reaches(gateway, "deleted")
        self.database("UPDATE nat_gateways SET created_ms = 1, deleted_ms = deleted_ms - 3600000 WHERE id = ?", gateway)
        self.eventually(lambda: not self.ec2.describe_nat_gateways()["NatGateways"])
        self.refused("NatGatewayNotFound", self.shown, gateway)

    def test_client_token(self):
        allocation = self.eip()
        made = self.make(AllocationId=allocation, ClientToken="once")
        again = self.make(AllocationId=allocation, ClientToken="once")
        self.assertEqual(made["NatGatewayId"], again["NatGatewayId"])
        self.assertEqual(1, len(self.ec2.describe_nat_gateways()["NatGateways"]))
        self.refused("IdempotentParameterMismatch", self.make, AllocationId=allocation, PrivateIpAddress="10.0.1.9", ClientToken="once")

    def test_waiter(self):
        gateway = self.make(AllocationId=self.eip())["NatGatewayId"]
        self.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[gateway], WaiterConfig={"Delay": 1, "MaxAttempts": 20})


class Rest(NatTest):
    def test_routes(self):
        gateway = self.available(AllocationId=self.eip())
        table = self.ec2.create_route_table(VpcId=self.vpc_id)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway)
        route = lambda: self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][-1]  # noqa: E731
        self.assertEqual((gateway, "active"), (route()["NatGatewayId"], route()["State"]))
        self.refused("UnsupportedOperation", self.ec2.create_route, RouteTableId=table, DestinationIpv6CidrBlock="::/0", NatGatewayId=gateway)
        self.refused("InvalidParameterValue", self.ec2.create_route, RouteTableId=table, DestinationCidrBlock="10.0.1.0/24", NatGatewayId=gateway)
        interface = self.shown(gateway)["NatGatewayAddresses"][0]["NetworkInterfaceId"]
        self.refused("InvalidParameterValue", self.ec2.create_route, RouteTableId=table, DestinationCidrBlock="9.0.0.0/8",
                     NetworkInterfaceId=interface)
        self.ec2.delete_nat_gateway(NatGatewayId=gateway)
        self.assertEqual("blackhole", route()["State"])
        self.refused("InvalidNatGatewayID.NotFound", self.ec2.create_route, RouteTableId=table, DestinationCidrBlock="9.0.0.0/8", NatGatewayId=gateway)

    def test_filters_and_paging(self):
        made = sorted(self.available(AllocationId=self.eip()) for _ in range(6))
        for name, value in {"vpc-id": self.vpc_id, "subnet-id": self.subnet_id, "state": "available"}.items():
            found = self.ec2.describe_nat_gateways(Filters=[{"Name": name, "Values": [value]}])["NatGateways"]
            self.assertEqual(made, [g["NatGatewayId"] for g in found], name)
        found = self.ec2.describe_nat_gateways(Filters=filters(nat_gateway_id=made[0]))["NatGateways"]
        self.assertEqual(made[:1], [g["NatGatewayId"] for g in found])
        pages = self.ec2.get_paginator("describe_nat_gateways").paginate(PaginationConfig={"PageSize": 5})
        self.assertEqual(made, [g["NatGatewayId"] for page in pages for g in page["NatGateways"]])
        self.refused("InvalidParameterValue", self.ec2.describe_nat_gateways, Filters=filters(colour="red"))

    def test_bad_requests(self):
        allocation = self.eip()
        self.refused("MissingParameter", self.make)
        self.refused("UnsupportedOperation", self.make, ConnectivityType="private")
        self.refused("InvalidAllocationID.NotFound", self.make, AllocationId="eipalloc-00000000000000000")
        self.refused("InvalidSubnetID.NotFound", self.make, SubnetId="subnet-00000000000000000", AllocationId=self.eip())
        self.refused("InvalidParameterValue", self.make, ConnectivityType="both")
        for address in ("10.0.1.1", "10.0.1.255", "10.0.9.9", "rubbish"):
            self.refused("InvalidParameterValue", self.make, AllocationId=self.eip(), PrivateIpAddress=address)
        self.refused("NatGatewayNotFound", self.ec2.delete_nat_gateway, NatGatewayId="nat-00000000000000000")
        self.refused("NatGatewayMalformed", self.ec2.describe_nat_gateways, NatGatewayIds=["nat-x"])
        self.refused("DryRunOperation", self.make, AllocationId=self.eip(), DryRun=True)
        self.assertEqual([], self.ec2.describe_nat_gateways()["NatGateways"])

    def test_another_account_sees_nothing(self):
        gateway, other = self.available(AllocationId=self.eip()), self.other_account()
        self.refused("NatGatewayNotFound", other.describe_nat_gateways, NatGatewayIds=[gateway])
        self.refused("NatGatewayNotFound", other.delete_nat_gateway, NatGatewayId=gateway)
        self.refused("InvalidSubnetID.NotFound", other.create_nat_gateway, SubnetId=self.subnet_id, AllocationId=self.eip())
        theirs = self.subnet(self.vpc(ec2=other), ec2=other)
        self.refused("InvalidAllocationID.NotFound", other.create_nat_gateway, SubnetId=theirs, AllocationId=self.eip())


if __name__ == "__main__":
    unittest.main()
