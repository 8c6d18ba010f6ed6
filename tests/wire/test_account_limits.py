"""How much an account may have: instances, vCPUs, elastic addresses; and DescribeAccountAttributes, which tells."""
import concurrent.futures
import subprocess
import unittest

from botocore.exceptions import ClientError

import harness
from harness import IMAGE, WireTest, instances_of
from signing import call

NO_LIMIT = 2_147_483_647


class LimitsTest(WireTest):
    def attributes(self, ec2=None, **parameters):
        found = (ec2 or self.ec2).describe_account_attributes(**parameters)["AccountAttributes"]
        return {a["AttributeName"]: [v["AttributeValue"] for v in a["AttributeValues"]] for a in found}

    def run_some(self, least=1, most=None, kind="t3.nano", ec2=None, **more):
        return (ec2 or self.ec2).run_instances(ImageId=IMAGE, InstanceType=kind, MinCount=least, MaxCount=most or least, **more)["Instances"]

    def set_limits(self, account=None, **limits):
        status, shown = self.lodge.admin("POST", f"/v1/accounts/{(account or self.account).id}/limits", limits)
        self.assertEqual(200, status, shown)
        return shown

    def parallel(self, ask, times):
        """How each of the calls ended: "OK" or its code."""
        def one(_):
            try:
                ask()
                return "OK"
            except ClientError as error:
                return error.response["Error"]["Code"]
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            return list(pool.map(one, range(times)))


class Attributes(LimitsTest):
    def test_all_of_them(self):
        shown = self.attributes()
        vpc = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        self.assertEqual({"supported-platforms": ["VPC"], "default-vpc": [vpc], "max-instances": [str(NO_LIMIT)],
                          "vpc-max-security-groups-per-interface": ["16"], "max-elastic-ips": ["1021"],
                          "vpc-max-elastic-ips": ["1021"]}, shown)

    def test_named_ones(self):
        self.assertEqual(["supported-platforms"], list(self.attributes(AttributeNames=["supported-platforms"])))
        reply = call(self.lodge, self.account, "DescribeAccountAttributes", {"AttributeName.1": "max-instances", "AttributeName.2": "default-vpc"})
        self.assertEqual(["max-instances", "default-vpc"], reply.values("attributeName"))
        refused = call(self.lodge, self.account, "DescribeAccountAttributes", {"AttributeName.1": "max-everything"})
        self.assertEqual((400, "InvalidParameterValue"), (refused.status, refused.code))
        self.assertIn("max-everything", refused.message)
        self.assert_code("DryRunOperation", self.ec2.describe_account_attributes, DryRun=True)

    def test_no_default_vpc(self):
        vpc = self.attributes()["default-vpc"][0]
        for gateway in self.ec2.describe_internet_gateways()["InternetGateways"]:
            self.ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        for subnet in self.ec2.describe_subnets()["Subnets"]:
            self.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        self.ec2.delete_vpc(VpcId=vpc)
        self.assertEqual(["none"], self.attributes()["default-vpc"])

    def test_the_stated_groups_per_interface_are_enforced(self):
        most = int(self.attributes()["vpc-max-security-groups-per-interface"][0])
        groups = [self.ec2.create_security_group(GroupName=f"g{n}", Description="d")["GroupId"] for n in range(most + 1)]
        self.run_some(SecurityGroupIds=groups[:most])
        self.assert_code("SecurityGroupsPerInterfaceLimitExceeded", self.run_some, SecurityGroupIds=groups)


class TheClouds(LimitsTest):
    options = ("--max-instances", "4", "--max-vcpus", "12", "--max-elastic-ips", "2")

    def test_instances(self):
        self.assertEqual(["4"], self.attributes()["max-instances"])
        self.run_some(3)
        message = self.assert_code("InstanceLimitExceeded", self.run_some, status=400, least=2)
        for each in ("2 more", "of the 4", "3 are in use"):
            self.assertIn(each, message)
        self.assert_code("InstanceLimitExceeded", self.run_some, least=2, DryRun=True)
        self.assertEqual(1, len(self.run_some(1, 3)), "as many as the limit leaves, not fewer than MinCount")
        self.assert_code("InstanceLimitExceeded", self.run_some)

    def test_vcpus(self):
        self.run_some(1, kind="t3.2xlarge")  # 8 vCPUs
        message = self.assert_code("VcpuLimitExceeded", self.run_some, status=400, kind="t3.2xlarge")
        for each in ("8 more", "of the 12", "8 are in use"):
            self.assertIn(each, message)
        self.assertEqual(2, len(self.run_some(1, 3)))  # of 2 vCPUs each

    def test_cpu_options_count(self):
        self.run_some(1, kind="t3.2xlarge", CpuOptions={"CoreCount": 2, "ThreadsPerCore": 1})
        self.run_some(1, kind="t3.2xlarge")

    def test_what_holds_no_capacity_does_not_count(self):
        ids = self.launch(4)
        self.assert_code("InstanceLimitExceeded", self.run_some)
        self.ec2.stop_instances(InstanceIds=ids[:2])
        self.reach("stopped", ids[:2])
        self.launch(2)
        self.assert_code("InstanceLimitExceeded", self.ec2.start_instances, InstanceIds=[ids[0]])
        self.assertEqual("stopped", self.describe(ids[0])["State"]["Name"])
        self.ec2.terminate_instances(InstanceIds=ids[2:])
        self.reach("terminated", ids[2:])
        self.launch()
        self.assert_code("InstanceLimitExceeded", self.ec2.start_instances, InstanceIds=ids[:2])
        self.assertEqual({"stopped"}, set(self.states(ids[:2]).values()), "all of them or none")
        self.assert_code("DryRunOperation", self.ec2.start_instances, InstanceIds=[ids[0]], DryRun=True)
        self.ec2.start_instances(InstanceIds=[ids[0]])
        self.assert_code("InstanceLimitExceeded", self.ec2.start_instances, InstanceIds=[ids[1]])
        self.reach("running", [ids[0]])

    def test_a_larger_type_is_asked_at_its_start(self):
        one, two = self.launch(2)
        self.ec2.stop_instances(InstanceIds=[one, two])
        self.reach("stopped", [one, two])
        for each in (one, two):
            self.ec2.modify_instance_attribute(InstanceId=each, InstanceType={"Value": "t3.2xlarge"})
        self.assert_code("VcpuLimitExceeded", self.ec2.start_instances, InstanceIds=[one, two])
        self.ec2.start_instances(InstanceIds=[one])

    def test_other_accounts_have_theirs(self):
        self.run_some(4)
        self.run_some(4, ec2=self.lodge.client(self.lodge.new_account()))

    def test_a_token_answers_before_the_limit(self):
        first = self.run_some(4, ClientToken="once")
        self.assertEqual([i["InstanceId"] for i in first], [i["InstanceId"] for i in self.run_some(4, ClientToken="once")])

    def test_parallel_launches_and_starts(self):
        ended = self.parallel(lambda: self.run_some(1), 24)
        self.assertEqual({"OK": 4, "InstanceLimitExceeded": 20}, {code: ended.count(code) for code in set(ended)})
        ids = [i["InstanceId"] for i in instances_of(self.ec2.describe_instances())]
        self.reach("running", ids)
        self.ec2.stop_instances(InstanceIds=ids)
        self.reach("stopped", ids)
        self.launch(2)
        ended = self.parallel(iter_start(self.ec2, ids), 4)
        self.assertEqual({"OK": 2, "InstanceLimitExceeded": 2}, {code: ended.count(code) for code in set(ended)})

    def test_elastic_addresses(self):
        self.assertEqual([["2"], ["2"]], [self.attributes()[n] for n in ("max-elastic-ips", "vpc-max-elastic-ips")])
        first = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        self.ec2.allocate_address(Domain="vpc")
        self.assert_code("AddressLimitExceeded", self.ec2.allocate_address, "the 2 elastic addresses", status=400)
        self.assert_code("AddressLimitExceeded", self.ec2.allocate_address, DryRun=True)
        self.ec2.release_address(AllocationId=first)
        ended = self.parallel(self.ec2.allocate_address, 8)
        self.assertEqual({"OK": 1, "AddressLimitExceeded": 7}, {code: ended.count(code) for code in set(ended)})


class ByAccount(LimitsTest):
    options = TheClouds.options

    def lodge_program(self, *words, code=0):
        done = subprocess.run([str(harness.LODGED.parent / "lodge"), "--state-dir", str(self.lodge.state_dir), *words],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(code, done.returncode, done.stderr)
        return done.stdout + done.stderr

    def test_an_accounts_own_win(self):
        self.assertEqual({"instances": 6, "vcpus": None, "elastic_ips": 2}, self.set_limits(instances=6, vcpus=None))
        self.assertEqual(["6"], self.attributes()["max-instances"])
        self.run_some(6, kind="t3.xlarge")
        self.assert_code("InstanceLimitExceeded", self.run_some)
        self.assertEqual({"instances": 1, "vcpus": None, "elastic_ips": 2}, self.set_limits(instances=1))
        self.assertEqual(6, len(instances_of(self.ec2.describe_instances())), "what runs goes on")
        self.assert_code("InstanceLimitExceeded", self.run_some)
        self.assertEqual({"instances": 4, "vcpus": 12, "elastic_ips": 9}, self.set_limits(reset=True, elastic_ips=9))
        shown = next(a for a in self.lodge.admin("GET", "/v1/accounts")[1]["accounts"] if a["id"] == self.account.id)
        self.assertEqual({"instances": 4, "vcpus": 12, "elastic_ips": 9}, shown["limits"])

    def test_nothing_at_all(self):
        self.set_limits(instances=0, elastic_ips=0)
        self.assert_code("InstanceLimitExceeded", self.run_some)
        self.assert_code("AddressLimitExceeded", self.ec2.allocate_address)

    def test_they_outlive_lodged(self):
        self.set_limits(instances=1)
        self.lodge.kill()
        self.lodge.start()
        ec2 = self.lodge.client(self.account)
        self.assertEqual(["1"], self.attributes(ec2)["max-instances"])

    def test_bad_ones(self):
        for bad in ({"instances": -1}, {"vcpus": "many"}, {"elastic_ips": 1.5}, {"instances": NO_LIMIT + 1}):
            self.assertEqual(400, self.lodge.admin("POST", f"/v1/accounts/{self.account.id}/limits", bad)[0], bad)
        for nobody in ("999999999999", "000000000000"):
            self.assertEqual(404, self.lodge.admin("POST", f"/v1/accounts/{nobody}/limits", {"instances": 1})[0])

    def test_the_command(self):
        shown = self.lodge_program("account", "limits", self.account.id, "--instances", "7", "--vcpus", "none")
        for line in (r"Instances\s+7", r"vCPUs\s+-", r"Elastic addresses\s+2"):
            self.assertRegex(shown, line)
        self.assertEqual(["7"], self.attributes()["max-instances"])
        self.assertRegex(self.lodge_program("account", "limits", self.account.id), r"Instances\s+7")
        self.assertRegex(self.lodge_program("account", "limits", self.account.id, "--reset"), r"Instances\s+4")
        self.assertIn("no account", self.lodge_program("account", "limits", "999999999999", code=1))
        for bad in (("--instances", "-1"), ("--vcpus", "all"), ("--elastic-ips", "1000000000")):
            self.lodge_program("account", "limits", self.account.id, *bad, code=2)


def iter_start(ec2, ids):
    left = iter(ids)
    return lambda: ec2.start_instances(InstanceIds=[next(left)])


if __name__ == "__main__":
    unittest.main()
