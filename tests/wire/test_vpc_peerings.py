"""VPC peering: its life between one's own VPCs, two accounts and two regions; what each side may do and see."""
import unittest

from harness import filters, tag_specification, tags
from networking import NetworkTest

MISSING = "pcx-00000000000000000"


class PeeringTest(NetworkTest):
    options = ("--zones", "us-east-1a", "eu-west-1a")

    def setUp(self):
        super().setUp()
        self.there = self.lodge.new_account()
        self.other = self.lodge.client(self.there)
        self.addCleanup(self.other.close)
        self.mine = self.vpc()
        self.theirs = self.vpc("10.1.0.0/16", ec2=self.other)

    def ask(self, vpc=None, peer=None, owner=None, ec2=None, **parameters):
        made = (ec2 or self.ec2).create_vpc_peering_connection(
            VpcId=vpc or self.mine, PeerVpcId=peer or self.theirs, PeerOwnerId=owner or self.there.id, **parameters)
        return made["VpcPeeringConnection"]["VpcPeeringConnectionId"]

    def shown(self, peering, ec2=None):
        return (ec2 or self.ec2).describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])["VpcPeeringConnections"][0]

    def status(self, peering, ec2=None):
        return self.shown(peering, ec2)["Status"]["Code"]

    def accept(self, peering, ec2=None):
        return (ec2 or self.other).accept_vpc_peering_connection(VpcPeeringConnectionId=peering)["VpcPeeringConnection"]

    def gone(self, peering, ec2):
        self.refused("InvalidVpcPeeringConnectionID.NotFound", self.shown, peering, ec2)
        self.assertNotIn(peering, [p["VpcPeeringConnectionId"] for p in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]])


class Life(PeeringTest):
    def test_two_accounts(self):
        made = self.ec2.create_vpc_peering_connection(
            VpcId=self.mine, PeerVpcId=self.theirs, PeerOwnerId=self.there.id,
            TagSpecifications=[tag_specification("vpc-peering-connection", a="b")])["VpcPeeringConnection"]
        peering = made["VpcPeeringConnectionId"]
        self.assertEqual("initiating-request", made["Status"]["Code"])
        mine, theirs = self.shown(peering), self.shown(peering, self.other)
        self.assertEqual(("pending-acceptance", tags(a="b"), []), (mine["Status"]["Code"], mine["Tags"], theirs["Tags"]))
        self.assertEqual("10.0.0.0/16", theirs["RequesterVpcInfo"]["CidrBlock"])
        self.assertNotIn("CidrBlock", mine["AccepterVpcInfo"])
        self.assertIn("ExpirationTime", mine)
        self.refused("OperationNotPermitted", self.accept, peering, self.ec2)
        accepted = self.accept(peering)
        self.assertEqual(("active", "Active"), (accepted["Status"]["Code"], accepted["Status"]["Message"]))
        mine = self.shown(peering)
        self.assertNotIn("ExpirationTime", mine)
        self.assertEqual({"OwnerId": self.there.id, "VpcId": self.theirs, "Region": "us-east-1", "CidrBlock": "10.1.0.0/16",
                          "CidrBlockSet": [{"CidrBlock": "10.1.0.0/16"}], "Ipv6CidrBlockSet": [],
                          "PeeringOptions": {"AllowDnsResolutionFromRemoteVpc": False, "AllowEgressFromLocalClassicLinkToRemoteVpc": False,
                                             "AllowEgressFromLocalVpcToRemoteClassicLink": False}}, mine["AccepterVpcInfo"])
        self.refused("InvalidStateTransition", self.accept, peering)
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.mine)
        self.refused("DependencyViolation", self.other.delete_vpc, VpcId=self.theirs)
        self.assertTrue(self.other.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)["Return"])
        self.assertEqual(["deleted"] * 2, [self.status(peering), self.status(peering, self.other)])
        self.refused("InvalidStateTransition", self.ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=peering)
        self.ec2.delete_vpc(VpcId=self.mine)

    def test_cidrs_of_an_active_one_are_live(self):
        peering = self.ask()
        self.accept(peering)
        self.ec2.associate_vpc_cidr_block(VpcId=self.mine, CidrBlock="10.5.0.0/16")
        block = self.ec2.associate_vpc_cidr_block(VpcId=self.mine, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"]
        info = self.shown(peering, self.other)["RequesterVpcInfo"]
        self.assertEqual([{"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.5.0.0/16"}], info["CidrBlockSet"])
        self.assertEqual([{"Ipv6CidrBlock": block}], info["Ipv6CidrBlockSet"])
        self.refused("CidrConflict", self.ec2.associate_vpc_cidr_block, VpcId=self.mine, CidrBlock="10.1.0.0/24")

    def test_own_vpcs_in_two_regions(self):
        far = self.lodge.client(self.account, region="eu-west-1")
        self.addCleanup(far.close)
        there = self.vpc("10.2.0.0/16", ec2=far)
        peering = self.ask(peer=there, owner=self.account.id, PeerRegion="eu-west-1")
        self.refused("OperationNotPermitted", self.accept, peering, self.ec2)
        self.accept(peering, far)
        self.assertEqual("eu-west-1", self.shown(peering)["AccepterVpcInfo"]["Region"])
        self.assertEqual("active", self.status(peering, far))

    def test_rejecting(self):
        peering = self.ask()
        self.refused("OperationNotPermitted", self.ec2.reject_vpc_peering_connection, VpcPeeringConnectionId=peering)
        self.assertTrue(self.other.reject_vpc_peering_connection(VpcPeeringConnectionId=peering)["Return"])
        self.assertEqual("rejected", self.status(peering))
        self.refused("InvalidStateTransition", self.accept, peering)
        self.refused("InvalidStateTransition", self.ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=peering)

    def test_a_request_can_be_taken_back_by_its_maker(self):
        peering = self.ask()
        self.refused("OperationNotPermitted", self.other.delete_vpc_peering_connection, VpcPeeringConnectionId=peering)
        self.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
        self.assertEqual("deleted", self.status(peering, self.other))

    def test_a_request_goes_with_its_vpc(self):
        peering = self.ask()
        self.other.delete_vpc(VpcId=self.theirs)
        self.assertEqual("deleted", self.status(peering))

    def test_failing(self):
        overlapping = self.vpc("10.0.128.0/20", ec2=self.other)
        failed = [self.ask(peer=overlapping), self.ask(peer="vpc-00000000000000000"), self.ask(owner="000000000001"),
                  self.ask(peer=self.mine, owner=self.account.id)]
        for peering in failed:
            self.assertEqual("failed", self.status(peering))
            self.gone(peering, self.other)
        self.refused("InvalidVpcPeeringConnectionID.NotFound", self.accept, failed[0])

    def test_failing_late(self):
        peering = self.ask()
        self.ec2.associate_vpc_cidr_block(VpcId=self.mine, CidrBlock="10.1.8.0/24")
        self.assertEqual("failed", self.accept(peering)["Status"]["Code"])
        self.gone(peering, self.other)

    def test_expiry_and_forgetting(self):
        peering = self.ask()
        self.database("UPDATE vpc_peerings SET expires_ms = 1 WHERE id = ?", peering)
        self.eventually(lambda: self.status(peering) == "expired")
        self.refused("InvalidStateTransition", self.accept, peering)
        self.database("UPDATE vpc_peerings SET ended_ms = 1 WHERE id = ?", peering)
        self.gone(peering, self.ec2)
        self.eventually(lambda: not self.database("SELECT id FROM vpc_peerings WHERE id = ?", peering))

    def test_one_at_a_time(self):
        peering = self.ask()
        self.refused("VpcPeeringConnectionAlreadyExists", self.ask)
        self.refused("VpcPeeringConnectionAlreadyExists", self.ask, vpc=self.theirs, peer=self.mine, owner=self.account.id, ec2=self.other)
        self.other.reject_vpc_peering_connection(VpcPeeringConnectionId=peering)
        self.assertNotEqual(peering, self.ask())


class Rest(PeeringTest):
    def test_options(self):
        peering = self.ask()
        modify = lambda ec2, **given: ec2.modify_vpc_peering_connection_options(VpcPeeringConnectionId=peering, **given)  # noqa: E731
        on = {"AllowDnsResolutionFromRemoteVpc": True}
        self.refused("OperationNotPermitted", modify, self.ec2, RequesterPeeringConnectionOptions=on)
        self.accept(peering)
        self.refused("OperationNotPermitted", modify, self.ec2, AccepterPeeringConnectionOptions=on)
        self.refused("MissingParameter", modify, self.ec2)
        self.refused("UnsupportedOperation", modify, self.ec2, RequesterPeeringConnectionOptions={"AllowEgressFromLocalClassicLinkToRemoteVpc": True})
        answer = modify(self.ec2, RequesterPeeringConnectionOptions=on)
        self.assertTrue(answer["RequesterPeeringConnectionOptions"]["AllowDnsResolutionFromRemoteVpc"])
        self.assertNotIn("AccepterPeeringConnectionOptions", answer)
        shown = self.shown(peering, self.other)
        self.assertEqual((True, False), tuple(shown[side]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"]
                                              for side in ("RequesterVpcInfo", "AccepterVpcInfo")))

    def test_routes(self):
        peering = self.ask()
        table = self.ec2.create_route_table(VpcId=self.mine)["RouteTable"]["RouteTableId"]
        state = lambda: self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"][-1]  # noqa: E731
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.1.0.0/16", VpcPeeringConnectionId=peering)
        self.assertEqual((peering, "blackhole"), (state()["VpcPeeringConnectionId"], state()["State"]))
        self.accept(peering)
        self.assertEqual("active", state()["State"])
        self.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
        self.assertEqual("blackhole", state()["State"])
        self.refused("IncorrectState", self.ec2.create_route, RouteTableId=table, DestinationCidrBlock="10.2.0.0/16", VpcPeeringConnectionId=peering)
        elsewhere = self.ec2.create_route_table(VpcId=self.vpc("10.3.0.0/16"))["RouteTable"]["RouteTableId"]
        self.refused("InvalidParameterValue", self.ec2.create_route, RouteTableId=elsewhere, DestinationCidrBlock="10.1.0.0/16",
                     VpcPeeringConnectionId=peering)

    def test_filters_and_paging(self):
        peering = self.ask()
        self.accept(peering)
        for name, value in {"accepter-vpc-info.cidr-block": "10.1.0.0/16", "accepter-vpc-info.owner-id": self.there.id,
                            "accepter-vpc-info.vpc-id": self.theirs, "requester-vpc-info.cidr-block": "10.0.0.0/16",
                            "requester-vpc-info.owner-id": self.account.id, "requester-vpc-info.vpc-id": self.mine,
                            "status-code": "active", "status-message": "Act*", "vpc-peering-connection-id": peering}.items():
            for ec2 in (self.ec2, self.other):
                found = ec2.describe_vpc_peering_connections(Filters=[{"Name": name, "Values": [value]}])["VpcPeeringConnections"]
                self.assertEqual([peering], [p["VpcPeeringConnectionId"] for p in found], name)
        found = self.ec2.describe_vpc_peering_connections(Filters=filters(expiration_time="*"))["VpcPeeringConnections"]
        self.assertEqual([], found)
        self.refused("InvalidParameterValue", self.ec2.describe_vpc_peering_connections, Filters=filters(colour="red"))
        made = {peering} | {self.ask(peer=self.vpc(f"10.{i}.0.0/16"), owner=self.account.id) for i in range(10, 16)}
        pages = self.ec2.get_paginator("describe_vpc_peering_connections").paginate(PaginationConfig={"PageSize": 5})
        self.assertEqual(sorted(made), [p["VpcPeeringConnectionId"] for page in pages for p in page["VpcPeeringConnections"]])

    def test_bad_requests(self):
        create = self.ec2.create_vpc_peering_connection
        self.refused("MissingParameter", create, VpcId=self.mine)
        self.refused("MissingParameter", create, PeerVpcId=self.mine)
        self.refused("InvalidVpcID.NotFound", create, VpcId=self.theirs, PeerVpcId=self.mine)
        self.refused("InvalidVpcId.Malformed", create, VpcId=self.mine, PeerVpcId="x")
        self.refused("InvalidParameterValue", create, VpcId=self.mine, PeerVpcId=self.theirs, PeerOwnerId="me")
        self.refused("InvalidParameterValue", create, VpcId=self.mine, PeerVpcId=self.theirs, PeerRegion="moon-1")
        self.refused("MissingParameter", self.ec2.accept_vpc_peering_connection)
        for call in (self.ec2.accept_vpc_peering_connection, self.ec2.reject_vpc_peering_connection, self.ec2.delete_vpc_peering_connection):
            self.refused("InvalidVpcPeeringConnectionID.NotFound", call, VpcPeeringConnectionId=MISSING)
            self.refused("InvalidVpcPeeringConnectionId.Malformed", call, VpcPeeringConnectionId="pcx-x")

    def test_a_third_account_sees_nothing(self):
        peering, third = self.ask(), self.other_account()
        self.gone(peering, third)
        for call in (third.accept_vpc_peering_connection, third.delete_vpc_peering_connection):
            self.refused("InvalidVpcPeeringConnectionID.NotFound", call, VpcPeeringConnectionId=peering)

    def test_dry_run_keeps_nothing(self):
        self.refused("DryRunOperation", self.ask, DryRun=True)
        peering = self.ask()
        self.refused("DryRunOperation", self.other.accept_vpc_peering_connection, VpcPeeringConnectionId=peering, DryRun=True)
        self.refused("DryRunOperation", self.ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=peering, DryRun=True)
        self.assertEqual("pending-acceptance", self.status(peering))


if __name__ == "__main__":
    unittest.main()
