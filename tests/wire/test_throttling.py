"""Token buckets for each account and action: off unless lodged is told, EC2's sizes when it is."""
import subprocess
import tempfile
import threading
import time
import unittest

from botocore.config import Config

import harness
from harness import IMAGE, WireTest, instances_of
from signing import call


FILE = tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="lodge-wire-throttle-")
FILE.write("""
throttle = true
throttle-bucket = ["CreateVpc=1:0", "RunInstances/instances=200:5"]
max-instances = 1
max-vcpus = 400
max-elastic-ips = 5
""")
FILE.flush()


class Throttled(WireTest):
    options = ("--throttle",)

    def refused(self, ask, **parameters):
        return self.assert_code("RequestLimitExceeded", ask, "Request limit exceeded.", status=503, **parameters)

    def patient(self, account, **retries):
        """A stock client that waits and asks again by itself."""
        given = Config(retries={"mode": "standard", "max_attempts": 12, **retries}, connect_timeout=10, read_timeout=60)
        return harness._session.create_client("ec2", region_name=harness.REGION, endpoint_url=self.lodge.endpoint, config=given,
                                              aws_access_key_id=account.key, aws_secret_access_key=account.secret)

    def run_one(self, ec2=None, **more):
        return (ec2 or self.ec2).run_instances(**{"ImageId": IMAGE, "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1, **more})


class Ec2sSizes(Throttled):
    def test_too_many_instances_in_one_request(self):
        self.refused(self.run_one, MaxCount=1001)
        self.assert_code("DryRunOperation", self.run_one, MaxCount=1001, DryRun=True)
        message = self.refused(self.run_one, MaxCount=10_000)
        self.assertIn("1000 instances at most", message)

    def test_others_are_served_meanwhile(self):
        """One account floods with all its might; another's requests come through, each of them, and soon."""
        flooder, done = self.lodge.new_account(), threading.Event()
        counts = {200: 0, 503: 0}

        def flood():
            while not done.is_set():
                counts[call(self.lodge, flooder, "DescribeInstances").status] += 1
        threads = [threading.Thread(target=flood) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.5)
            for _ in range(40):
                self.ec2.describe_vpcs()
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertGreater(counts[503], 10)

    def test_standard_clients_get_through_by_themselves(self):
        failures = []

        def launch():
            ec2 = self.patient(self.account)
            try:
                for _ in range(4):
                    self.run_one(ec2)
            except Exception as error:  # told by the main thread
                failures.append(error)
        threads = [threading.Thread(target=launch) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        self.assertEqual(12, len(instances_of(self.patient(self.account).describe_instances())))

    def test_what_is_not_ec2s_is_not_counted(self):
        sts = self.lodge.client(self.account, "sts")
        for _ in range(120):
            sts.get_caller_identity()
        for _ in range(120):
            self.assertEqual("UnsupportedOperation", call(self.lodge, self.account, "DescribeReservedInstances").code)

    def test_a_bad_signature_costs_its_account_nothing(self):
        forger = self.account._replace(secret="x" * 40)
        for _ in range(10):
            self.assertEqual("AuthFailure", call(self.lodge, forger, "RunInstances", {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1}).code)
        for _ in range(5):
            self.run_one()

    def test_refusals_are_in_the_metrics(self):
        for _ in range(7):
            call(self.lodge, self.account, "CreateDefaultVpc")
        self.assertIn('lodge_requests_total{action="CreateDefaultVpc",code="RequestLimitExceeded"}',
                      self.lodge.admin("GET", "/metrics")[1])


class SlowBuckets(Throttled):
    """So slow that the tests need not be fast."""
    options = ("--throttle", "--throttle-bucket", "RunInstances=5:0.4", "non-mutating=30:0", "unfiltered=10:0")

    def test_a_burst_is_refused_and_its_tokens_come_back(self):
        began = time.monotonic()
        for _ in range(5):
            self.run_one()
        self.refused(self.run_one)
        self.assertEqual(5, len(instances_of(self.ec2.describe_instances())))
        time.sleep(2.6)
        self.run_one()
        self.assertLess(time.monotonic() - began, 10)

    def test_reads_are_counted_each_action_for_itself(self):
        answers = [call(self.lodge, self.account, "DescribeVpcs").status for _ in range(35)]
        self.assertEqual([200] * 30 + [503] * 5, answers)
        self.assertEqual(200, call(self.lodge, self.account, "DescribeSubnets").status)

    def test_listings_without_filter_and_page(self):
        def ask(action, **parameters):
            return [call(self.lodge, self.account, action, parameters).status for _ in range(12)].count(503)
        page, one = {"MaxResults": "1000"}, {"Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1"}
        self.assertEqual(2, ask("DescribeInstances"))
        self.assertEqual([0, 0], [ask("DescribeInstances", **given) for given in (page, one)])
        self.assertEqual(12, ask("DescribeInstances"))
        self.assertEqual(2, ask("DescribeSecurityGroups"))


class GivenSizes(Throttled):
    options = ("--throttle", "--throttle-bucket", "RunInstances=100:0", "RunInstances/instances=3:0", "mutating=2:0")

    def test_instances_are_counted_apart_from_requests(self):
        self.run_one(MinCount=2, MaxCount=2)
        self.refused(self.run_one, MinCount=2, MaxCount=2)
        self.run_one()
        self.refused(self.run_one)

    def test_a_sort_of_actions(self):
        for _ in range(2):
            self.ec2.create_vpc(CidrBlock="10.0.0.0/16")
        self.refused(self.ec2.create_vpc, CidrBlock="10.0.0.0/16")
        self.ec2.create_security_group(GroupName="x", Description="each action for itself")


class ConfigurationFile(Throttled):
    """As deploy/README.md has it."""
    options = ("--config", FILE.name)

    def test_what_it_says_holds(self):
        self.ec2.create_vpc(CidrBlock="10.0.0.0/16")
        self.refused(self.ec2.create_vpc, CidrBlock="10.0.0.0/16")
        self.run_one()
        self.assert_code("InstanceLimitExceeded", self.run_one)


class Off(WireTest):
    def test_nothing_is_refused_unless_asked_for(self):
        for _ in range(120):
            self.ec2.describe_instances()


class Options(unittest.TestCase):
    def test_bad_ones(self):
        def start(*options):
            return subprocess.run([str(harness.LODGED), "--simulate", "1", "--port", "0", *options], capture_output=True, text=True, timeout=60)
        done = start("--throttle", "--throttle-bucket", "NoSuchAction=5:2")
        self.assertEqual(1, done.returncode)
        self.assertIn("'NoSuchAction' is no action", done.stderr)
        self.assertEqual(1, start("--throttle", "--throttle-bucket", "RunInstances=lots").returncode)
        self.assertEqual(2, start("--throttle-bucket", "RunInstances=5:2").returncode)  # without --throttle
        self.assertEqual(2, start("--max-instances", "-1").returncode)


if __name__ == "__main__":
    unittest.main()
