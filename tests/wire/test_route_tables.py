"""Route tables: what a VPC has from the start, associations, routes to every target, blackholes, and what EC2 refuses."""
import unittest

from harness import filters, tag_specification, tags
from networking import NetworkTest

MISSING = "rtb-00000000000000000"


class TableTest(NetworkTest):
    def setUp(self):
        super().setUp()
        self.vpc_id = self.vpc()

    def table(self, vpc_id=None):
        return self.ec2.create_route_table(VpcId=vpc_id or self.vpc_id)["RouteTable"]["RouteTableId"]

    def shown(self, table):
        return self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]

    def main(self, vpc_id=None):
        found = self.ec2.describe_route_tables(Filters=filters(vpc_id=vpc_id or self.vpc_id) + filters(**{"association.main": "true"}))
        (table,) = found["RouteTables"]
        return table

    def add(self, table, destination="0.0.0.0/0", **target):
        key = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
        return self.ec2.create_route(RouteTableId=table, **{key: destination}, **target)

    def route(self, table, destination="0.0.0.0/0"):
        (route,) = [r for r in self.shown(table)["Routes"]
                    if destination in (r.get("DestinationCidrBlock"), r.get("DestinationIpv6CidrBlock"), r.get("DestinationPrefixListId"))]
        return route


class Tables(TableTest):
    def test_a_vpc_has_a_main_table(self):
        table = self.main()
        self.assertEqual([{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}],
                         table["Routes"])
        (association,) = table["Associations"]
        self.assertEqual((True, {"State": "associated"}), (association["Main"], association["AssociationState"]))
        self.assertNotIn("SubnetId", association)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=table["RouteTableId"])
        self.refused("InvalidParameterValue", self.ec2.disassociate_route_table, AssociationId=association["RouteTableAssociationId"])

    def test_the_default_vpc_leads_out(self):
        default = self.ec2.describe_vpcs(Filters=filters(is_default="true"))["Vpcs"][0]["VpcId"]
        routes = self.main(default)["Routes"]
        self.assertEqual(["172.31.0.0/16", "0.0.0.0/0"], [r["DestinationCidrBlock"] for r in routes])
        self.assertEqual(("CreateRoute", "active"), (routes[1]["Origin"], routes[1]["State"]))

    def test_life(self):
        made = self.ec2.create_route_table(VpcId=self.vpc_id, TagSpecifications=[tag_specification("route-table", Name="t")])["RouteTable"]
        self.assertEqual(([], [], tags(Name="t"), self.account.id),
                         (made["Associations"], made["PropagatingVgws"], made["Tags"], made["OwnerId"]))
        self.assertEqual(made, self.shown(made["RouteTableId"]))
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.vpc_id)
        self.add(made["RouteTableId"], GatewayId=self.gateway(self.vpc_id))
        self.ec2.delete_route_table(RouteTableId=made["RouteTableId"])
        self.refused("InvalidRouteTableID.NotFound", self.ec2.delete_route_table, RouteTableId=made["RouteTableId"])
        self.refused("InvalidRouteTableId.Malformed", self.ec2.delete_route_table, RouteTableId="rtb-x")

    def test_local_routes_follow_the_vpc(self):
        table = self.table()
        self.ec2.associate_vpc_cidr_block(VpcId=self.vpc_id, CidrBlock="10.9.0.0/16")
        block = self.ec2.associate_vpc_cidr_block(VpcId=self.vpc_id, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"]
        routes = self.shown(table)["Routes"]
        self.assertEqual(["10.0.0.0/16", "10.9.0.0/16", block],
                         [r.get("DestinationCidrBlock") or r["DestinationIpv6CidrBlock"] for r in routes])
        self.assertEqual({"local"}, {r["GatewayId"] for r in routes})

    def test_filters_and_paging(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        subnet = self.subnet(self.vpc_id)
        association = self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
        self.add(table, "9.9.0.0/16", GatewayId=gateway)
        for name, value in {"association.route-table-association-id": association, "association.subnet-id": subnet,
                            "association.route-table-id": table, "route.gateway-id": gateway,
                            "route.destination-cidr-block": "9.9.*", "route-table-id": table, "association.main": "false"}.items():
            found = self.ec2.describe_route_tables(Filters=[{"Name": name, "Values": [value]}])["RouteTables"]
            self.assertEqual([table], [t["RouteTableId"] for t in found], name)
        for name, value, count in (("vpc-id", self.vpc_id, 2), ("route.origin", "CreateRoute", 2), ("route.gateway-id", "local", 3),
                                   ("route.state", "blackhole", 0), ("association.gateway-id", "*", 0), ("route.nat-gateway-id", "*", 0)):
            found = self.ec2.describe_route_tables(Filters=[{"Name": name, "Values": [value]}])["RouteTables"]
            self.assertEqual(count, len(found), name)
        self.refused("InvalidParameterValue", self.ec2.describe_route_tables, Filters=filters(colour="red"))
        made = {self.table() for _ in range(5)}
        pages = self.ec2.get_paginator("describe_route_tables").paginate(PaginationConfig={"PageSize": 5})
        self.assertLess(made, {t["RouteTableId"] for page in pages for t in page["RouteTables"]})

    def test_another_account_sees_nothing(self):
        table, other = self.table(), self.other_account()
        subnet = self.subnet(self.vpc_id)
        association = self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
        theirs = self.vpc(ec2=other)
        other_table = other.create_route_table(VpcId=theirs)["RouteTable"]["RouteTableId"]
        self.refused("InvalidRouteTableID.NotFound", other.describe_route_tables, RouteTableIds=[table])
        self.refused("InvalidRouteTableID.NotFound", other.delete_route_table, RouteTableId=table)
        self.refused("InvalidRouteTableID.NotFound", other.delete_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
        self.refused("InvalidVpcID.NotFound", other.create_route_table, VpcId=self.vpc_id)
        self.refused("InvalidAssociationID.NotFound", other.disassociate_route_table, AssociationId=association)
        self.refused("InvalidAssociationID.NotFound", other.replace_route_table_association, AssociationId=association, RouteTableId=other_table)
        self.refused("InvalidSubnetID.NotFound", other.associate_route_table, RouteTableId=other_table, SubnetId=subnet)
        self.refused("InvalidGatewayID.NotFound", other.create_route, RouteTableId=other_table, DestinationCidrBlock="0.0.0.0/0",
                     GatewayId=self.gateway(self.vpc_id))

    def test_dry_run_keeps_nothing(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        self.refused("DryRunOperation", self.add, table, GatewayId=gateway, DryRun=True)
        self.refused("DryRunOperation", self.ec2.delete_route_table, RouteTableId=table, DryRun=True)
        self.assertEqual(1, len(self.shown(table)["Routes"]))


class Associations(TableTest):
    def test_life(self):
        table, subnet = self.table(), self.subnet(self.vpc_id)
        made = self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.assertEqual({"State": "associated"}, made["AssociationState"])
        self.assertEqual([(made["AssociationId"], subnet, False)],
                         [(a["RouteTableAssociationId"], a["SubnetId"], a["Main"]) for a in self.shown(table)["Associations"]])
        again = self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.assertEqual(made["AssociationId"], again["AssociationId"])
        self.refused("Resource.AlreadyAssociated", self.ec2.associate_route_table, RouteTableId=self.table(), SubnetId=subnet)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=table)
        self.ec2.disassociate_route_table(AssociationId=made["AssociationId"])
        self.refused("InvalidAssociationID.NotFound", self.ec2.disassociate_route_table, AssociationId=made["AssociationId"])
        self.ec2.delete_route_table(RouteTableId=table)

    def test_a_subnet_takes_its_association_along(self):
        table, subnet = self.table(), self.subnet(self.vpc_id)
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.ec2.delete_subnet(SubnetId=subnet)
        self.assertEqual([], self.shown(table)["Associations"])

    def test_replacing(self):
        one, two, subnet = self.table(), self.table(), self.subnet(self.vpc_id)
        old = self.ec2.associate_route_table(RouteTableId=one, SubnetId=subnet)["AssociationId"]
        new = self.ec2.replace_route_table_association(AssociationId=old, RouteTableId=two)["NewAssociationId"]
        self.assertNotEqual(old, new)
        self.assertEqual([], self.shown(one)["Associations"])
        self.assertEqual([subnet], [a["SubnetId"] for a in self.shown(two)["Associations"]])
        self.refused("InvalidAssociationID.NotFound", self.ec2.replace_route_table_association, AssociationId=old, RouteTableId=one)

    def test_another_main_table(self):
        main, table = self.main(), self.table()
        association = main["Associations"][0]["RouteTableAssociationId"]
        new = self.ec2.replace_route_table_association(AssociationId=association, RouteTableId=table)["NewAssociationId"]
        self.assertEqual((table, new), (self.main()["RouteTableId"], self.main()["Associations"][0]["RouteTableAssociationId"]))
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=table)
        self.ec2.delete_route_table(RouteTableId=main["RouteTableId"])
        self.ec2.delete_vpc(VpcId=self.vpc_id)

    def test_what_is_refused(self):
        table, other = self.table(), self.vpc("10.1.0.0/16")
        self.refused("InvalidParameterValue", self.ec2.associate_route_table, RouteTableId=table, SubnetId=self.subnet(other, "10.1.0.0/24"))
        self.refused("InvalidParameterValue", self.ec2.replace_route_table_association,
                     AssociationId=self.main(other)["Associations"][0]["RouteTableAssociationId"], RouteTableId=table)
        self.refused("UnsupportedOperation", self.ec2.associate_route_table, RouteTableId=table, GatewayId=self.gateway(self.vpc_id))
        self.refused("MissingParameter", self.ec2.associate_route_table, RouteTableId=table)
        self.refused("InvalidRouteTableID.NotFound", self.ec2.associate_route_table, RouteTableId=MISSING, SubnetId=self.subnet(self.vpc_id))


class Routes(TableTest):
    def test_life(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        self.assertTrue(self.add(table, "0.0.0.0/0", GatewayId=gateway)["Return"])
        self.assertEqual({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway, "Origin": "CreateRoute", "State": "active"}, self.route(table))
        self.refused("RouteAlreadyExists", self.add, table, "0.0.0.0/0", GatewayId=gateway)
        self.ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
        self.refused("InvalidRoute.NotFound", self.ec2.delete_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")

    def test_destinations_are_canonical(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        self.add(table, "100.68.0.18/18", GatewayId=gateway)
        self.add(table, "2001:DB8::1/32", GatewayId=gateway)
        self.assertEqual("active", self.route(table, "100.68.0.0/18")["State"])
        self.assertEqual("active", self.route(table, "2001:db8::/32")["State"])
        self.refused("RouteAlreadyExists", self.add, table, "100.68.63.0/18", GatewayId=gateway)

    def test_replacing(self):
        table, gateway, peer = self.table(), self.gateway(self.vpc_id), self.vpc("10.7.0.0/16")
        interface = self.interface(self.subnet(self.vpc_id), "10.0.1.9")
        replace = lambda **target: self.ec2.replace_route(RouteTableId=table, DestinationCidrBlock="10.7.0.0/16", **target)  # noqa: E731
        self.refused("InvalidParameterValue", replace, GatewayId=gateway)
        self.add(table, "10.7.0.0/16", GatewayId=gateway)
        replace(NetworkInterfaceId=interface)
        self.assertEqual((interface, "blackhole"), (self.route(table, "10.7.0.0/16")["NetworkInterfaceId"], self.route(table, "10.7.0.0/16")["State"]))
        self.refused("InvalidParameterValue", replace, LocalTarget=True)
        self.refused("MissingParameter", replace)
        self.assertTrue(peer)

    def test_blackholes(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        self.add(table, GatewayId=gateway)
        self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc_id)
        self.assertEqual("blackhole", self.route(table)["State"])
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc_id)
        self.assertEqual("active", self.route(table)["State"])
        self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc_id)
        self.ec2.delete_internet_gateway(InternetGatewayId=gateway)
        self.assertEqual((gateway, "blackhole"), (self.route(table)["GatewayId"], self.route(table)["State"]))

    def test_through_an_instance(self):
        table, subnet = self.table(), self.subnet(self.vpc_id)
        (instance,) = self.launch()
        self.database("DELETE FROM network_interfaces WHERE instance_id = ?", instance)  # of the default VPC, once launches make one
        interface = self.interface(subnet, "10.0.1.9", instance_id=instance)
        self.add(table, "10.8.0.0/16", InstanceId=instance)
        wanted = {"DestinationCidrBlock": "10.8.0.0/16", "InstanceId": instance, "InstanceOwnerId": self.account.id,
                  "NetworkInterfaceId": interface, "Origin": "CreateRoute", "State": "active"}
        self.assertEqual(wanted, self.route(table, "10.8.0.0/16"))
        self.add(table, "10.9.0.0/16", NetworkInterfaceId=interface)
        self.assertEqual({**wanted, "DestinationCidrBlock": "10.9.0.0/16"}, self.route(table, "10.9.0.0/16"))
        found = self.ec2.describe_route_tables(Filters=[{"Name": "route.instance-id", "Values": [instance]}])["RouteTables"]
        self.assertEqual([table], [t["RouteTableId"] for t in found])
        self.ec2.stop_instances(InstanceIds=[instance])
        self.reach("stopped", [instance])
        self.assertEqual("blackhole", self.route(table, "10.8.0.0/16")["State"])
        self.interface(subnet, "10.0.1.10", instance_id=instance)
        self.refused("InvalidInstanceID", self.add, table, "10.10.0.0/16", InstanceId=instance)

    def test_egress_only(self):
        table = self.table()
        gateway = self.ec2.create_egress_only_internet_gateway(VpcId=self.vpc_id)["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
        self.refused("InvalidParameterValue", self.add, table, "0.0.0.0/0", EgressOnlyInternetGatewayId=gateway)
        self.add(table, "::/0", EgressOnlyInternetGatewayId=gateway)
        self.assertEqual((gateway, "active"), (self.route(table, "::/0")["EgressOnlyInternetGatewayId"], self.route(table, "::/0")["State"]))
        self.ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway)
        self.assertEqual("blackhole", self.route(table, "::/0")["State"])
        self.ec2.delete_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0")

    def test_inside_the_vpc(self):
        table, gateway, subnet = self.table(), self.gateway(self.vpc_id), self.subnet(self.vpc_id)
        interface = self.interface(subnet, "10.0.1.9")
        self.refused("RouteAlreadyExists", self.add, table, "10.0.0.0/16", NetworkInterfaceId=interface)
        self.refused("InvalidParameterValue", self.add, table, "10.0.1.0/24", GatewayId=gateway)
        self.refused("InvalidParameterValue", self.add, table, "10.0.1.0/25", NetworkInterfaceId=interface)
        self.add(table, "10.0.1.0/24", NetworkInterfaceId=interface)
        self.add(table, "10.0.0.0/8", GatewayId=gateway)  # less specific
        self.refused("InvalidParameterValue", self.ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16")
        for reserved in ("169.254.169.254/32", "169.254.168.0/22"):
            self.refused("InvalidParameterValue", self.add, table, reserved, GatewayId=gateway)

    def test_a_new_cidr_does_not_take_over_a_route(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        self.add(table, "10.6.1.0/24", GatewayId=gateway)
        self.refused("CidrConflict", self.ec2.associate_vpc_cidr_block, VpcId=self.vpc_id, CidrBlock="10.6.0.0/16")
        self.ec2.associate_vpc_cidr_block(VpcId=self.vpc_id, CidrBlock="10.6.1.0/25")

    def test_the_local_route_can_be_replaced_and_reset(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        interface = self.interface(self.subnet(self.vpc_id), "10.0.1.9")
        replace = lambda **target: self.ec2.replace_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/16", **target)  # noqa: E731
        self.refused("InvalidParameterValue", replace, GatewayId=gateway)
        replace(NetworkInterfaceId=interface)
        (route,) = self.shown(table)["Routes"]
        self.assertEqual((interface, "CreateRouteTable"), (route["NetworkInterfaceId"], route["Origin"]))
        self.refused("InvalidParameterCombination", replace, LocalTarget=True, NetworkInterfaceId=interface)
        replace(LocalTarget=True)
        self.assertEqual("local", self.shown(table)["Routes"][0]["GatewayId"])
        replace(NetworkInterfaceId=interface)
        replace(GatewayId="local")
        self.assertEqual("local", self.shown(table)["Routes"][0]["GatewayId"])

    def test_bad_requests(self):
        table, gateway = self.table(), self.gateway(self.vpc_id)
        other = self.vpc("10.1.0.0/16")
        create = lambda **given: self.ec2.create_route(RouteTableId=table, **given)  # noqa: E731
        self.refused("MissingParameter", create, GatewayId=gateway)
        self.refused("MissingParameter", create, DestinationCidrBlock="0.0.0.0/0")
        self.refused("InvalidParameterCombination", create, DestinationCidrBlock="0.0.0.0/0", DestinationIpv6CidrBlock="::/0", GatewayId=gateway)
        self.refused("InvalidParameterCombination", create, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway, NatGatewayId="nat-1")
        for bad in ("0.0.0.0", "rubbish", "::/0", "1.2.3.4/33"):
            self.refused("InvalidParameterValue", create, DestinationCidrBlock=bad, GatewayId=gateway)
        self.refused("InvalidParameterValue", create, DestinationIpv6CidrBlock="0.0.0.0/0", GatewayId=gateway)
        self.refused("InvalidPrefixListID.NotFound", create, DestinationPrefixListId="pl-00000000000000000", GatewayId=gateway)
        for target, code in (({"GatewayId": "igw-00000000000000000"}, "InvalidGatewayID.NotFound"), ({"GatewayId": "local"}, "InvalidGatewayID.NotFound"),
                             ({"GatewayId": self.gateway(other)}, "InvalidParameterValue"), ({"GatewayId": self.gateway()}, "InvalidParameterValue"),
                             ({"GatewayId": "vgw-00000000000000000"}, "UnsupportedOperation"),
                             ({"NatGatewayId": "nat-00000000000000000"}, "InvalidNatGatewayID.NotFound"),
                             ({"NetworkInterfaceId": "eni-00000000000000000"}, "InvalidNetworkInterfaceID.NotFound"),
                             ({"InstanceId": "i-00000000000000000"}, "InvalidInstanceID.NotFound"),
                             ({"VpcPeeringConnectionId": "pcx-00000000000000000"}, "InvalidVpcPeeringConnectionID.NotFound"),
                             ({"TransitGatewayId": "tgw-00000000000000000"}, "UnsupportedOperation"),
                             ({"VpcEndpointId": "vpce-00000000000000000"}, "UnsupportedOperation")):
            with self.subTest(target=target):
                self.refused(code, self.add, table, "9.0.0.0/8", **target)


if __name__ == "__main__":
    unittest.main()
