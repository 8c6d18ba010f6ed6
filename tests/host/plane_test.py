#!/usr/bin/python3
"""lodged and a real OVN: what the store says is in the Northbound database, whatever happens to either."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from ovn_test import make_folder  # noqa: E402
from plane import Plane  # noqa: E402
from programs import Program, eventually  # noqa: E402


class NorthboundTest(unittest.TestCase):
    """One cloud with one host, for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.plane = Plane(make_folder(cls.addClassCleanup))
        cls.addClassCleanup(cls.plane.stop)
        cls.plane.start()
        cls.ec2 = cls.plane.ec2

    def make_vpc(self, cidr="10.9.0.0/16"):
        vpc = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        self.addCleanup(lambda: self.ec2.delete_vpc(VpcId=vpc))
        return vpc

    def test_an_accounts_default_vpc_is_there_with_its_way_out(self):
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnet = self.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        self.plane.wait_for_row("Logical_Router", vpc)
        self.plane.wait_for_row("Logical_Switch", subnet)
        self.plane.wait_for_row("Logical_Router_Port", f"{vpc}/public")
        group = f"lodge-gateways/{self.plane.hosts[0].name}"
        self.plane.wait_for_row("HA_Chassis", group)
        self.plane.sync()
        eventually(10, lambda: self.plane.ovn.sbctl("--bare", "--columns=chassis", "find", "Port_Binding",
                                                    f'logical_port="cr-{vpc}/public"'), self.plane.logs)

    def test_a_change_is_there_and_goes(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.plane.wait_for_row("Logical_Router", vpc)
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        self.plane.wait_for_row("Logical_Switch", subnet)
        self.ec2.delete_subnet(SubnetId=subnet)
        self.plane.wait_for_row("Logical_Switch", subnet, there=False)
        self.ec2.delete_vpc(VpcId=vpc)
        self.plane.wait_for_row("Logical_Router", vpc, there=False)
        self.assertEqual([], self.plane.rows("Logical_Router_Policy", f"external_ids:lodge-scope={vpc}"))

    def test_what_others_did_to_our_rows_is_mended_and_theirs_stays(self):
        vpc = self.make_vpc()
        self.plane.wait_for_row("Logical_Router", vpc)
        self.plane.ovn.nbctl("ls-add", "theirs")
        self.addCleanup(self.plane.ovn.nbctl, "ls-del", "theirs")
        self.plane.ovn.nbctl("lr-del", vpc)
        self.plane.wait_for_row("Logical_Router", vpc)
        self.assertTrue(self.plane.rows("Logical_Switch", "name=theirs"))

    def test_databases_that_are_killed_are_caught_up_with(self):
        central = self.plane.ovn.central
        for part in ("ovn-nb", "ovn-sb"):
            os.kill(central.programs[part].pid, signal.SIGKILL)
            central.programs[part].process.wait()
        vpc = self.make_vpc()  # the API goes on
        central.start("ovn-sb", "ovn-nb")
        eventually(30, self.plane.ovn.answers, self.plane.logs)
        self.plane.wait_for_row("Logical_Router", vpc)

    def test_lodged_killed_and_started_again_changes_nothing_but_what_has_to(self):
        self.plane.sync()
        before = self.plane.ovn.nbctl("--bare", "--columns=_uuid", "list", "Logical_Switch_Port")
        self.plane.lodged.kill()
        self.plane.ovn.nbctl("--wait=sb", "sync")
        self.plane.start_lodged()
        vpc = self.make_vpc()
        self.plane.wait_for_row("Logical_Router", vpc)
        self.assertEqual(before, self.plane.ovn.nbctl("--bare", "--columns=_uuid", "list", "Logical_Switch_Port"))

    def test_another_cloud_keeps_its_hands_off(self):
        other = Plane(f"{self.plane.folder}/other")
        other.ovn = self.plane.ovn
        os.makedirs(other.state_dir, mode=0o700)
        remotes = [word for word in self.plane.lodged.arguments if word.startswith("unix:")]
        arguments = [remotes.pop(0) if word.startswith("unix:") else word for word in other.lodged.arguments]
        other.lodged = Program("another lodged", arguments, f"{other.folder}/lodged.log")
        self.addCleanup(other.lodged.kill)
        routers = self.plane.rows("Logical_Router")
        other.start_lodged()
        other.lodge("account", "create", "others")
        eventually(10, lambda: "belongs to another cloud" in other.lodge("info").get("network_problem", ""),
                   lambda: other.lodge("info"))
        self.assertEqual(routers, self.plane.rows("Logical_Router"))


if __name__ == "__main__":
    unittest.main()
