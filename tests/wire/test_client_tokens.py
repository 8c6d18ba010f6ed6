"""ClientToken of RunInstances: a retry never doubles a launch."""
import concurrent.futures
import unittest

from harness import IMAGE, WireTest, instances_of, tag_specification
from signing import call

LAUNCH = {"ImageId": IMAGE, "InstanceType": "t3.nano", "MinCount": 2, "MaxCount": 2}


class Tokens(WireTest):
    def run_with(self, token, ec2=None, **parameters):
        return (ec2 or self.ec2).run_instances(**{**LAUNCH, "ClientToken": token, **parameters})

    def ids(self, reply):
        return sorted(i["InstanceId"] for i in reply["Instances"])

    def count(self, ec2=None):
        return len(instances_of((ec2 or self.ec2).describe_instances()))

    def test_same_token_same_parameters_is_the_first_result_in_its_fresh_state(self):
        first = self.run_with("one")
        self.assertEqual({"pending"}, {i["State"]["Name"] for i in first["Instances"]})
        self.assertEqual({"one"}, {i["ClientToken"] for i in first["Instances"]})
        self.reach("running", self.ids(first))
        again = self.run_with("one")
        self.assertEqual((first["ReservationId"], self.ids(first)), (again["ReservationId"], self.ids(again)))
        self.assertEqual({"running"}, {i["State"]["Name"] for i in again["Instances"]})
        self.assertEqual(2, self.count())

    def test_order_and_dry_run_do_not_make_another_request(self):
        pairs = [("ImageId", IMAGE), ("MinCount", 1), ("MaxCount", 1), ("ClientToken", "turned")]
        first = call(self.lodge, self.account, "RunInstances", pairs)
        again = call(self.lodge, self.account, "RunInstances", pairs[::-1])
        self.assertEqual(first.values("instanceId"), again.values("instanceId"))
        dry = call(self.lodge, self.account, "RunInstances", [*pairs, ("DryRun", "true")])
        self.assertEqual((412, "DryRunOperation"), (dry.status, dry.code))
        self.assertEqual(1, self.count())

    def test_changed_parameters(self):
        self.run_with("two")
        for changed in ({"MaxCount": 3}, {"InstanceType": "t3.micro"}, {"UserData": "x"}, {"DisableApiStop": False},
                        {"TagSpecifications": [tag_specification("instance", a="1")]}):
            self.assert_code("IdempotentParameterMismatch", self.run_with, "two", status=400, token="two", **changed)
        self.assertEqual(2, self.count())

    def test_retry_after_terminate_shows_the_dead_and_starts_nothing(self):
        first = self.run_with("three")
        self.ec2.terminate_instances(InstanceIds=self.ids(first))
        self.reach("terminated", self.ids(first))
        again = self.run_with("three")
        self.assertEqual(self.ids(first), self.ids(again))
        self.assertEqual({"terminated"}, {i["State"]["Name"] for i in again["Instances"]})

    def test_other_accounts_tokens_are_others(self):
        mine = self.run_with("four")
        other = self.lodge.client(self.lodge.new_account())
        theirs = self.run_with("four", other, MinCount=1)
        self.assertFalse(set(self.ids(mine)) & set(self.ids(theirs)))

    def test_without_a_token_every_call_is_a_launch(self):
        """boto3 fills a token in by itself, a new one for each call; an empty one is none."""
        for _ in range(2):
            self.ec2.run_instances(**LAUNCH)
        for _ in range(2):
            call(self.lodge, self.account, "RunInstances", {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "ClientToken": ""})
            call(self.lodge, self.account, "RunInstances", {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1})
        self.assertEqual(8, self.count())

    def test_length(self):
        self.run_with("x" * 64)
        self.assert_code("InvalidParameterValue", self.run_with, "ClientToken", token="x" * 65)

    def test_ascii_only(self):
        self.assert_code("InvalidParameterValue", self.run_with, "ClientToken", token="schlüssel")

    def test_a_token_of_a_refused_launch_is_free(self):
        self.assert_code("InvalidKeyPair.NotFound", self.run_with, token="five", KeyName="later")
        self.ec2.create_key_pair(KeyName="later", KeyType="ed25519")
        self.assertEqual(2, len(self.run_with("five", KeyName="later")["Instances"]))
        self.assert_code("DryRunOperation", self.run_with, token="six", DryRun=True)
        self.assertEqual(2, len(self.run_with("six", InstanceType="t3.micro")["Instances"]))

    def test_retries_that_race(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: self.run_with("race"), range(16)))
        self.assertEqual(1, len({tuple(self.ids(reply)) for reply in replies}))
        self.assertEqual(2, self.count())

    def test_filter(self):
        first = self.run_with("seven")
        self.run_with("eight")
        found = self.ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["seven"]}])
        self.assertEqual(self.ids(first), sorted(i["InstanceId"] for i in instances_of(found)))


class Regions(WireTest):
    options = ("--zones", "us-east-1a", "us-east-1b", "us-west-2a")

    def test_other_regions_tokens_are_others(self):
        west = self.lodge.client(self.account, region="us-west-2")
        image = self.lodge.import_image(region="us-west-2")["id"]
        self.ec2.run_instances(**LAUNCH, ClientToken="same")
        west.run_instances(**{**LAUNCH, "ImageId": image}, ClientToken="same")
        self.assertEqual(2, len(instances_of(west.describe_instances())))


class Forgotten(WireTest):
    options = ("--keep-terminated-ms", "1")

    def test_retry_after_the_dead_are_forgotten(self):
        """They are gone from the lists; the token still starts nothing."""
        first = self.ec2.run_instances(**LAUNCH, ClientToken="old")
        ids = [i["InstanceId"] for i in first["Instances"]]
        self.reach("running", ids)
        self.ec2.terminate_instances(InstanceIds=ids)
        self.eventually(lambda: not self.ec2.describe_instances()["Reservations"])
        again = self.ec2.run_instances(**LAUNCH, ClientToken="old")
        self.assertEqual(first["ReservationId"], again["ReservationId"])
        self.assertEqual([], instances_of(self.ec2.describe_instances()))


if __name__ == "__main__":
    unittest.main()
