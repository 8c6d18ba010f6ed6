"""DescribeInstances: IDs, filters, wildcards, tags, paging."""
import time
import unittest

from harness import IMAGE, WireTest, filters, instances_of, tag_specification
from signing import call

UNKNOWN = "i-0123456789abcdef0"


class Describe(WireTest):
    def found(self, **wanted):
        return sorted(i["InstanceId"] for i in instances_of(self.ec2.describe_instances(**wanted)))

    def filtered(self, name, *values):
        return self.found(Filters=[{"Name": name, "Values": list(values)}])

    def test_nothing(self):
        self.assertEqual([], self.ec2.describe_instances()["Reservations"])

    def test_by_id(self):
        a, b, c = self.launch(3)
        self.assertEqual(sorted([a, c]), self.found(InstanceIds=[c, a]))
        self.assertEqual([a], self.found(InstanceIds=[a, a]))

    def test_grouped_by_reservation(self):
        one, two = self.launch(2, None), self.launch(3, None)
        sets = [{i["InstanceId"] for i in r["Instances"]} for r in self.ec2.describe_instances()["Reservations"]]
        self.assertCountEqual([set(one), set(two)], sets)

    def test_bad_ids(self):
        mine, = self.launch(1, None)
        self.assert_code("InvalidInstanceID.NotFound", self.ec2.describe_instances, UNKNOWN, InstanceIds=[mine, UNKNOWN])
        self.assert_code("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=["i-12345678"])
        for bad in ("i-xyz", "instance", "vol-0123456789abcdef0", mine.upper(), mine + "0", "i-", mine + " ", "i-%00"):
            with self.subTest(bad):
                self.assert_code("InvalidInstanceID.Malformed", self.ec2.describe_instances, InstanceIds=[mine, bad])

    def test_ids_and_filters_narrow(self):
        a, b = self.launch(2)
        self.assertEqual([], self.found(InstanceIds=[a], Filters=filters(instance_id=b)))
        self.assertEqual([a], self.found(InstanceIds=[a, b], Filters=filters(instance_id=a)))

    def test_every_filter_over_one_instance(self):
        self.ec2.create_key_pair(KeyName="mine", KeyType="ed25519")
        instance = self.describe(self.launch(KeyName="mine", ClientToken="tok")[0])
        reservation = self.ec2.describe_instances()["Reservations"][0]["ReservationId"]
        root = instance["BlockDeviceMappings"][0]
        launched = instance["LaunchTime"].strftime("%Y-%m-%dT%H:%M")
        right = {"instance-id": instance["InstanceId"], "reservation-id": reservation, "owner-id": self.account.id,
                 "client-token": "tok", "launch-index": "0", "launch-time": launched + "*", "image-id": IMAGE,
                 "instance-type": "t3.nano", "architecture": "x86_64", "key-name": "mine",
                 "availability-zone": "us-east-1a", "instance-state-name": "running", "instance-state-code": "16",
                 "root-device-name": root["DeviceName"], "root-device-type": "ebs", "hypervisor": "xen",
                 "block-device-mapping.volume-id": root["Ebs"]["VolumeId"], "block-device-mapping.status": "attached",
                 "block-device-mapping.device-name": root["DeviceName"], "virtualization-type": "hvm",
                 "block-device-mapping.delete-on-termination": "true", "tenancy": "default", "monitoring-state": "disabled",
                 "capacity-reservation-specification.capacity-reservation-preference": "open",
                 "metadata-options.http-tokens": "optional", "hibernation-options.configured": "false"}
        for name, value in right.items():
            with self.subTest(name):
                self.assertEqual([instance["InstanceId"]], self.filtered(name, value))
                self.assertEqual([], self.filtered(name, "something else"))
        for name in ("kernel-id", "iam-instance-profile.arn", "platform", "reason", "state-reason-code", "dns-name",
                     "network-interface.association.carrier-ip", "instance-lifecycle", "placement-group-name"):
            with self.subTest(name):
                self.assertEqual([], self.filtered(name, "something"))

    def test_filters_are_joined_by_and_values_by_or(self):
        a, = self.launch(InstanceType="t3.nano")
        b, = self.launch(InstanceType="t3.micro")
        c, = self.launch(InstanceType="t3.small")
        self.assertEqual(sorted([a, b]), self.filtered("instance-type", "t3.nano", "t3.micro"))
        both = filters(instance_type=["t3.nano", "t3.micro"]) + filters(instance_id=[b, c])
        self.assertEqual([b], self.found(Filters=both))

    def test_wildcards_and_case(self):
        a, = self.launch(InstanceType="t3.nano")
        b, = self.launch(InstanceType="m5.large")
        for pattern, expected in {"t3.*": [a], "*": sorted([a, b]), "?5.large": [b], "t3.nan?": [a], "t3.nano?": [], "T3.nano": [],
                                  "T3.*": [], "*large": [b], "*.*a*": sorted([a, b]), "t3\\.nano": [a], "t3.\\*": [], "": []}.items():
            with self.subTest(pattern):
                self.assertEqual(expected, self.filtered("instance-type", pattern))

    def test_tag_filters(self):
        a, = self.launch(TagSpecifications=[tag_specification("instance", Name="web-1", Stage="test")])
        b, = self.launch(TagSpecifications=[tag_specification("instance", Name="web-2", empty="")])
        c, = self.launch(TagSpecifications=[tag_specification("instance", **{"a*b": "50%", "Stage": "Test"})])
        for name, values, expected in (
                ("tag:Name", ["web-1"], [a]), ("tag:Name", ["web-*"], [a, b]), ("tag:name", ["web-1"], []), ("tag:Stage", ["test"], [a]),
                ("tag:empty", [""], [b]), ("tag-key", ["Stage"], [a, c]), ("tag-key", ["N?me"], [a, b]), ("tag-key", ["a\\*b"], [c]),
                ("tag-value", ["web-2", "50%"], [b, c]), ("tag:a*b", ["*"], [c]), ("tag:Name", ["*"], [a, b])):
            with self.subTest(f"{name} {values}"):
                self.assertEqual(sorted(expected), self.filtered(name, *values))

    def test_bad_filters(self):
        for name in ("instance_state", "Instance-Id", "", "tag", "tag:", "vpcId", "*"):
            with self.subTest(name):
                self.assert_code("InvalidParameterValue", self.ec2.describe_instances, name,
                                 Filters=[{"Name": name, "Values": ["x"]}])
        self.assert_code("InvalidParameterValue", self.ec2.describe_instances, Filters=[{"Name": "instance-id"}])
        self.assert_code(("MissingParameter", "InvalidParameterValue"), self.ec2.describe_instances, Filters=[{"Values": ["x"]}])

    def test_200_filter_values(self):
        values = [f"i-{n:017x}" for n in range(201)]
        self.assertEqual([], self.filtered("instance-id", *values[:200]))
        self.assert_code("FilterLimitExceeded", self.ec2.describe_instances, "200", Filters=filters(instance_id=values))
        self.assert_code("FilterLimitExceeded", self.ec2.describe_instances,
                         Filters=filters(instance_id=values[:100], image_id=values[:101]))

    def test_a_reservation_is_there_once_whatever_the_order_of_ids(self):
        (a1, a2), (b1, b2) = self.launch(2), self.launch(2)
        reply = self.ec2.describe_instances(InstanceIds=[a1, b1, b2, a2])
        self.assertEqual([2, 2], [len(r["Instances"]) for r in reply["Reservations"]])
        self.assertEqual(2, len({r["ReservationId"] for r in reply["Reservations"]}))

    def test_10000_ids(self):
        mine, = self.launch()
        unknown = [(f"InstanceId.{n}", f"i-{n:017x}") for n in range(1, 10_001)]
        begun = time.monotonic()
        reply = call(self.lodge, self.account, "DescribeInstances", unknown)
        self.assertEqual((400, "InvalidInstanceID.NotFound"), (reply.status, reply.code))
        reply = call(self.lodge, self.account, "DescribeInstances", [*unknown[:-1], ("InstanceId.10000", "rubbish")])
        self.assertEqual((400, "InvalidInstanceID.Malformed"), (reply.status, reply.code))
        reply = call(self.lodge, self.account, "DescribeInstances", [(name, mine) for name, _ in unknown])
        self.assertEqual([mine], reply.values("instanceId"))
        reply = call(self.lodge, self.account, "TerminateInstances", [("InstanceId.1", mine), *unknown[1:]])
        self.assertEqual("InvalidInstanceID.NotFound", reply.code)
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual("running", self.describe(mine)["State"]["Name"])


class Paging(WireTest):
    options = ("--keep-terminated-ms", "1")

    def page(self, **parameters):
        reply = self.ec2.describe_instances(**parameters)
        return [i["InstanceId"] for i in instances_of(reply)], reply.get("NextToken")

    def test_pages(self):
        ids = set(self.launch(7, None)) | set(self.launch(5, None))
        first, token = self.page(MaxResults=5)
        second, token = self.page(MaxResults=5, NextToken=token)
        third, last = self.page(MaxResults=5, NextToken=token)
        self.assertEqual(([5, 5, 2], None), ([len(first), len(second), len(third)], last))
        self.assertEqual(ids, {*first, *second, *third})
        self.assertEqual((ids, None), (set(self.page()[0]), self.page()[1]))
        self.assertEqual((12, None), (len(self.page(MaxResults=1000)[0]), self.page(MaxResults=1000)[1]))
        self.assertEqual((12, None), (len(self.page(MaxResults=12)[0]), self.page(MaxResults=12)[1]))

    def test_paginator(self):
        ids = self.launch(13, None)
        pages = list(self.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 5, 3], [len(instances_of(page)) for page in pages])
        self.assertCountEqual(ids, [i["InstanceId"] for page in pages for i in instances_of(page)])
        few = self.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5, "MaxItems": 1})
        self.assertEqual(1, len(few.build_full_result()["Reservations"]))

    def test_filters_over_pages(self):
        wanted = self.launch(6, None, InstanceType="t3.micro")
        self.launch(20, None)
        paginator = self.ec2.get_paginator("describe_instances")
        pages = list(paginator.paginate(Filters=filters(instance_type="t3.micro"), PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 1], [len(instances_of(page)) for page in pages])
        self.assertCountEqual(wanted, [i["InstanceId"] for page in pages for i in instances_of(page)])

    def test_deletions_between_pages(self):
        ids = self.launch(15)
        first, token = self.page(MaxResults=5)
        rest = sorted(set(ids) - set(first))
        doomed = [first[-1], rest[0], rest[5]]
        self.ec2.terminate_instances(InstanceIds=doomed)
        self.eventually(lambda: not set(doomed) & set(self.page()[0]))
        second, token = self.page(MaxResults=5, NextToken=token)
        third, last = self.page(MaxResults=5, NextToken=token)
        self.assertEqual(sorted(set(rest) - set(doomed)), sorted(second + third))
        self.assertIsNone(last)
        self.assert_code("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=doomed[:1])

    def test_bounds(self):
        for bad in (4, 1, 0, -1, 1001, 2**40):
            reply = call(self.lodge, self.account, "DescribeInstances", {"MaxResults": bad})
            self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code), bad)
            self.assertIn("MaxResults", reply.message)

    def test_ids_and_paging_do_not_go_together(self):
        mine, = self.launch(1, None)
        for extra in ({"MaxResults": 5}, {"NextToken": "x"}):
            self.assert_code("InvalidParameterCombination", self.ec2.describe_instances, InstanceIds=[mine], **extra)

    def test_rubbish_tokens(self):
        self.launch(6, None)
        token = self.page(MaxResults=5)[1]
        flipped = ("B" if token[0] == "A" else "A") + token[1:]
        for bad in ("rubbish", "====", flipped, token[:-4], token + "AAAA", "x" * 5000, "\u2603", "AAAA"):
            with self.subTest(bad[:40]):
                self.assert_code(("InvalidNextToken", "InvalidParameterValue"), self.ec2.describe_instances,
                                 status=400, MaxResults=5, NextToken=bad)

    def test_tokens_are_of_one_account_and_action(self):
        self.launch(6, None)
        token = self.page(MaxResults=5)[1]
        stranger = self.lodge.client(self.lodge.new_account())
        bad = ("InvalidNextToken", "InvalidParameterValue")
        self.assert_code(bad, stranger.describe_instances, MaxResults=5, NextToken=token)
        self.assert_code(bad, self.ec2.describe_tags, MaxResults=5, NextToken=token)

    def test_empty_token_is_the_first_page(self):
        """Some SDKs send what they have, even nothing."""
        self.launch(1, None)
        self.assertEqual(1, len(self.page(NextToken="")[0]))


if __name__ == "__main__":
    unittest.main()
