"""CreateTags, DeleteTags, DescribeTags."""
import unittest

from harness import IMAGE, WireTest, filters, tag_specification, tags
from signing import call

UNKNOWN = {"i-0123456789abcdef0": "InvalidInstanceID.NotFound", "vol-0123456789abcdef0": "InvalidVolume.NotFound", "snap-0123456789abcdef0": "InvalidSnapshot.NotFound",
           "ami-0123456789abcdef0": "InvalidAMIID.NotFound", "key-0123456789abcdef0": "InvalidKeyPair.NotFound"}


class TagTest(WireTest):
    def all(self, **wanted):
        """{(resource, key): value}"""
        return {(t["ResourceId"], t["Key"]): t["Value"] for t in self.ec2.describe_tags(**wanted)["Tags"]}

    def instance(self, **pairs):
        return self.launch(1, None, TagSpecifications=[tag_specification("instance", **pairs)] if pairs else [])[0]


class Create(TagTest):
    def test_on_every_kind_of_resource(self):
        instance = self.instance()
        volume = self.describe(instance)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        key = self.ec2.create_key_pair(KeyName="k", KeyType="ed25519")["KeyPairId"]
        image = self.ec2.register_image(Name="image", ImageLocation=IMAGE)["ImageId"]
        resources = {instance: "instance", volume: "volume", key: "key-pair", image: "image"}
        self.ec2.create_tags(Resources=list(resources), Tags=tags(a="1", b=""))
        found = self.ec2.describe_tags()["Tags"]
        self.assertCountEqual([(r, kind, k, v) for r, kind in resources.items() for k, v in (("a", "1"), ("b", ""))],
                              [(t["ResourceId"], t["ResourceType"], t["Key"], t["Value"]) for t in found])
        self.assertCountEqual(tags(a="1", b=""), self.describe(instance)["Tags"])
        self.assertCountEqual(tags(a="1", b=""), self.ec2.describe_key_pairs()["KeyPairs"][0]["Tags"])
        self.assertCountEqual(tags(a="1", b=""), self.ec2.describe_images(ImageIds=[image])["Images"][0]["Tags"])

    def test_overwrites(self):
        i = self.instance(a="1", A="big")
        self.ec2.create_tags(Resources=[i], Tags=tags(a="2", c="3"))
        self.assertEqual({(i, "a"): "2", (i, "A"): "big", (i, "c"): "3"}, self.all())

    def test_public_image_of_the_operator_is_tagged_for_oneself(self):
        self.ec2.create_tags(Resources=[IMAGE], Tags=tags(mine="yes"))
        self.assertEqual(tags(mine="yes"), self.ec2.describe_images(ImageIds=[IMAGE])["Images"][0]["Tags"])
        stranger = self.lodge.client(self.lodge.new_account())
        self.assertEqual([], stranger.describe_images(ImageIds=[IMAGE])["Images"][0].get("Tags", []))

    def test_all_or_none(self):
        i = self.instance()
        for unknown, code in UNKNOWN.items():
            self.assert_code(code, self.ec2.create_tags, unknown, Resources=[i, unknown], Tags=tags(a="1"))
        for bad in ("x", "i-xyz", "i-", "", "107.20.243.249", "vpc_1"):
            self.assert_code("InvalidID", self.ec2.create_tags, bad, Resources=[i, bad], Tags=tags(a="1"))
        self.assertEqual({}, self.all())

    def test_another_accounts_resources_look_missing(self):
        i = self.instance(a="1")
        stranger = self.lodge.client(self.lodge.new_account())
        self.assert_code("InvalidInstanceID.NotFound", stranger.create_tags, i, Resources=[i], Tags=tags(a="2"))
        self.assert_code("InvalidInstanceID.NotFound", stranger.delete_tags, i, Resources=[i])
        self.assertEqual([], stranger.describe_tags()["Tags"])
        self.assertEqual({(i, "a"): "1"}, self.all())

    def test_limits(self):
        i = self.instance()
        create = lambda **pairs: self.ec2.create_tags(Resources=[i], Tags=tags(**pairs))
        create(**{"k" * 128: "v" * 256, "ü" * 128: "€" * 256})
        self.assert_code("InvalidParameterValue", create, **{"k" * 129: "v"})
        self.assert_code("InvalidParameterValue", create, k="v" * 257)
        self.assert_code("InvalidParameterValue", create, **{"": "v"})
        create(**{f"k{n}": "v" for n in range(48)})
        create(k0="again")
        self.assert_code("TagLimitExceeded", create, one_more="x")
        self.assert_code("TagLimitExceeded", create, k0="z", one_more="x")
        found = self.all()
        self.assertEqual((50, "again"), (len(found), found[(i, "k0")]))

    def test_reserved_prefix(self):
        i = self.instance()
        for bad in ("aws:x", "AWS:x", "aws:", "Aws:cloudformation:stack-name"):
            self.assert_code("InvalidParameterValue", self.ec2.create_tags, "aws:", Resources=[i], Tags=tags(**{bad: "v"}))
        self.ec2.create_tags(Resources=[i], Tags=tags(**{"awsome": "aws:value is fine", "xaws:": ""}))

    def test_same_key_twice(self):
        i = self.instance()
        self.assert_code("InvalidParameterValue", self.ec2.create_tags, "a", Resources=[i],
                         Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])

    def test_missing_parameters(self):
        i = self.instance()
        for parameters, name in (({}, "ResourceId"), ({"ResourceId.1": i}, "Tag"), ({"Tag.1.Key": "a"}, "ResourceId")):
            reply = call(self.lodge, self.account, "CreateTags", parameters)
            self.assertEqual((400, "MissingParameter"), (reply.status, reply.code))
            self.assertIn(name, reply.message)

    def test_value_may_be_left_out(self):
        i = self.instance()
        self.assertEqual(200, call(self.lodge, self.account, "CreateTags", {"ResourceId.1": i, "Tag.1.Key": "a"}).status)
        self.assertEqual({(i, "a"): ""}, self.all())

    def test_older_lists_from_zero_and_without_numbers(self):
        i = self.instance()
        call(self.lodge, self.account, "CreateTags", {"ResourceId.0": i, "Tag.0.Key": "a", "Tag.0.Value": "1"})
        call(self.lodge, self.account, "CreateTags", {"ResourceId": i, "Tag.1.Key": "b", "Tag.1.Value": "2"})
        self.assertEqual({(i, "a"): "1", (i, "b"): "2"}, self.all())

    def test_reply(self):
        reply = call(self.lodge, self.account, "CreateTags", {"ResourceId.1": self.instance(), "Tag.1.Key": "a"})
        self.assertEqual(["true"], reply.values("return"))

    def test_terminated_instances_keep_theirs(self):
        i, = self.launch(TagSpecifications=[tag_specification("instance", a="1")])
        self.ec2.terminate_instances(InstanceIds=[i])
        self.reach("terminated", [i])
        self.ec2.create_tags(Resources=[i], Tags=tags(b="2"))
        self.assertCountEqual(tags(a="1", b="2"), self.describe(i)["Tags"])


class Delete(TagTest):
    def delete(self, i, *given):
        self.ec2.delete_tags(Resources=[i], **({"Tags": list(given)} if given else {}))
        return {key for _, key in self.all()}

    def test_by_key_and_by_value(self):
        i = self.instance(a="1", b="2", c="", d="4", e="5")
        self.assertEqual({"b", "c", "d", "e"}, self.delete(i, {"Key": "a"}))
        self.assertEqual({"b", "c", "d", "e"}, self.delete(i, {"Key": "b", "Value": "other"}))
        self.assertEqual({"c", "d", "e"}, self.delete(i, {"Key": "b", "Value": "2"}))
        self.assertEqual({"c", "d", "e"}, self.delete(i, {"Key": "d", "Value": ""}))
        self.assertEqual({"d", "e"}, self.delete(i, {"Key": "c", "Value": ""}))
        self.assertEqual({"d", "e"}, self.delete(i, {"Key": "never was"}, {"Key": "D"}))
        self.assertEqual(set(), self.delete(i))

    def test_all_or_none(self):
        i = self.instance(a="1")
        for unknown, code in UNKNOWN.items():
            self.assert_code(code, self.ec2.delete_tags, unknown, Resources=[i, unknown])
        self.assert_code("InvalidID", self.ec2.delete_tags, Resources=[i, "rubbish"])
        self.assertEqual({(i, "a"): "1"}, self.all())

    def test_missing_parameters(self):
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "DeleteTags").code)

    def test_more_tags_than_a_resource_can_have(self):
        i = self.instance(a="1")
        self.assertEqual(set(), self.delete(i, *({"Key": f"a{n}"} for n in range(49)), {"Key": "a"}))
        self.assert_code("TagLimitExceeded", self.ec2.delete_tags, "50", Resources=[i],
                         Tags=[{"Key": f"a{n}"} for n in range(51)])

    def test_a_resource_named_often_is_one(self):
        i = self.instance(a="1", b="2")
        self.ec2.create_tags(Resources=[i] * 1000, Tags=tags(c="3"))
        self.ec2.delete_tags(Resources=[i] * 1000, Tags=[{"Key": "a"}])
        self.assertEqual({(i, "b"): "2", (i, "c"): "3"}, self.all())

    def test_too_many_resources(self):
        many = [(f"ResourceId.{n}", f"i-{n:017x}") for n in range(1, 1002)]
        for action in ("CreateTags", "DeleteTags"):
            reply = call(self.lodge, self.account, action, [*many, ("Tag.1.Key", "a")])
            self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code))


class Describe(TagTest):
    def test_filters(self):
        a, b = self.instance(Name="web-1", Stage="x"), self.instance(Name="web-2")
        image = self.ec2.register_image(Name="image", ImageLocation=IMAGE)["ImageId"]
        self.ec2.create_tags(Resources=[image], Tags=tags(Name="base"))
        for wanted, expected in ((filters(resource_id=a), {(a, "Name"), (a, "Stage")}), (filters(key="Stage"), {(a, "Stage")}),
                                 (filters(resource_type="image"), {(image, "Name")}), (filters(value="web-?"), {(a, "Name"), (b, "Name")}),
                                 (filters(key="name"), set()), (filters(resource_type="instance", value=["x", "web-2"]), {(a, "Stage"), (b, "Name")}),
                                 ([{"Name": "tag:Name", "Values": ["web-1"]}], {(a, "Name")}), (filters(resource_id="i-*", key="N*"), {(a, "Name"), (b, "Name")}),
                                 (filters(resource_type="vpc"), set())):
            with self.subTest(wanted):
                self.assertEqual(expected, set(self.all(Filters=wanted)))
        for bad in ("nonsense", "resource", "Key"):
            self.assert_code("InvalidParameterValue", self.ec2.describe_tags, bad, Filters=filters(**{bad: "x"}))

    def test_paging_with_deletions_between_pages(self):
        i = self.instance(**{f"k{n:02}": "v" for n in range(12)})
        first = self.ec2.describe_tags(MaxResults=5)
        self.ec2.delete_tags(Resources=[i], Tags=[{"Key": "k04"}, {"Key": "k05"}])
        second = self.ec2.describe_tags(MaxResults=5, NextToken=first["NextToken"])
        third = self.ec2.describe_tags(MaxResults=5, NextToken=second["NextToken"])
        self.assertEqual([f"k{n:02}" for n in (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)],
                         [t["Key"] for p in (first, second, third) for t in p["Tags"]])
        self.assertNotIn("NextToken", third)

    def test_paginator(self):
        for _ in range(3):
            self.instance(a="1", b="2", c="3")
        pages = list(self.ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 4], [len(p["Tags"]) for p in pages])
        self.assertEqual(9, len({(t["ResourceId"], t["Key"]) for p in pages for t in p["Tags"]}))

    def test_bounds(self):
        for bad in (4, 1001):
            self.assert_code("InvalidParameterValue", self.ec2.describe_tags, "MaxResults", MaxResults=bad)
        self.assert_code(("InvalidNextToken", "InvalidParameterValue"), self.ec2.describe_tags, NextToken="rubbish")


if __name__ == "__main__":
    unittest.main()
