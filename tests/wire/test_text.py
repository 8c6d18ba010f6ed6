"""Users' text goes through and comes back exactly, and never as markup: tags, names, descriptions, filters, error messages."""
import unittest

from harness import IMAGE, WireTest, tag_specification, tags
from signing import call

AWKWARD = {
    "cdata": "]]>", "markup": "</item><item>&amp;&#60;&lt;!--", "entity": "&xxe;<!DOCTYPE x>", "quotes": "\"'`", "emoji": "\U0001f980\u2603\ufe0f",
    "blanks": "  two  ", "lines": "a\nb\r\nc\rd\te", "percent": "100%+%41&a=b;c", "backslash": "\\n\\*?", "rtl": "\u202eabc", "nul-like": "\\0",
    "private": "\ue000", "edge": "\ufffd", "combining": "e\u0301", "empty": "", "null": "null", "sql": "'; DROP TABLE tags; --", "del": "a\x7fb\x85c",
}
REFUSED = ["a\x00b", "a\x01b", "\x1b[31m", "\x0b", "\x1f", "\ufffe", "\uffff"]


class Text(WireTest):
    def test_tag_values(self):
        instance, = self.launch(1, None, TagSpecifications=[tag_specification("instance", **AWKWARD)])
        self.assertEqual(AWKWARD, {t["Key"]: t["Value"] for t in self.describe(instance)["Tags"]})
        self.assertEqual(AWKWARD, {t["Key"]: t["Value"] for t in self.ec2.describe_tags()["Tags"]})

    def test_tag_keys(self):
        keys = [text for text in AWKWARD.values() if text]
        instance, = self.launch(1, None)
        self.ec2.create_tags(Resources=[instance], Tags=[{"Key": key, "Value": "v"} for key in keys])
        self.assertCountEqual(keys, [t["Key"] for t in self.describe(instance)["Tags"]])
        for key in keys:
            self.ec2.delete_tags(Resources=[instance], Tags=[{"Key": key, "Value": "v"}])
        self.assertEqual([], self.describe(instance).get("Tags", []))

    def test_tags_can_be_found_again(self):
        instance, = self.launch(1, None, TagSpecifications=[tag_specification("instance", **AWKWARD)])
        for key, value in AWKWARD.items():
            pattern = "".join("\\" + c if c in "\\*?" else c for c in value)
            found = self.ec2.describe_instances(Filters=[{"Name": f"tag:{key}", "Values": [pattern]}])["Reservations"]
            self.assertEqual(1, len(found), repr(value))

    def test_a_question_mark_is_one_character_not_one_byte(self):
        self.launch(1, None, TagSpecifications=[tag_specification("instance", crab="\U0001f980")])
        for pattern, count in (("?", 1), ("??", 0)):
            found = self.ec2.describe_tags(Filters=[{"Name": "value", "Values": [pattern]}])["Tags"]
            self.assertEqual(count, len(found), pattern)

    def test_what_xml_cannot_hold_is_refused(self):
        instance, = self.launch(1, None)
        for text in REFUSED:
            with self.subTest(repr(text)):
                for pair in ({"Key": "k", "Value": text}, {"Key": text, "Value": "v"}):
                    self.assert_code("InvalidParameterValue", self.ec2.create_tags, Resources=[instance], Tags=[pair])
        self.assertEqual([], self.describe(instance).get("Tags", []))

    def test_descriptions(self):
        for n, text in enumerate(t for t in AWKWARD.values() if t):
            image = self.ec2.register_image(Name=f"image-{n}", ImageLocation=IMAGE, Description=text)["ImageId"]
            self.assertEqual(text, self.ec2.describe_images(ImageIds=[image])["Images"][0]["Description"])

    def test_key_names(self):
        for text in ("]]>", "<b>&amp;</b>", "\"'`", "it's"):
            made = self.ec2.create_key_pair(KeyName=text, KeyType="ed25519")
            self.assertEqual(text, made["KeyName"])
            instance, = self.launch(1, None, KeyName=text)
            self.assertEqual(text, self.describe(instance)["KeyName"])

    def test_client_tokens(self):
        for text in ("]]>", "<x/>&", "a b"):
            self.assertEqual(text, self.describe(self.launch(1, None, ClientToken=text)[0])["ClientToken"])

    def test_errors_quote_safely(self):
        for text in AWKWARD.values():
            for action, name, value in (("DescribeInstances", "InstanceId.1", text), ("DescribeKeyPairs", "KeyName.1", text or "x"), ("DescribeImages", "ImageId.1", text),
                                        ("DescribeInstances", "Filter.1.Name", text), ("DescribeInstances", text or "x", "v"), ("CreateTags", "ResourceId.1", text),
                                        ("DescribeInstances", "MaxResults", text), ("DescribeRegions", "RegionName.1", text), (text or "x", "a", "b")):
                with self.subTest(f"{action} {name} {value!r}"):
                    reply = call(self.lodge, self.account, action, {name: value, **({"Tag.1.Key": "k"} if action == "CreateTags" else {}),
                                                                    **({"Filter.1.Value.1": "x"} if name.startswith("Filter") else {})})
                    self.assertIn(reply.status, (200, 400), reply.body)
                    self.assertEqual(["Errors", "RequestID"] if reply.status == 400 else [],
                                     [e.tag for e in reply.xml()] if reply.status == 400 else [])

    def test_long_values_do_not_come_back_whole(self):
        for name in ("InstanceId.1", "NextToken", "MaxResults", "Filter.1.Name"):
            reply = call(self.lodge, self.account, "DescribeInstances", {name: "x" * 500_000, **({"Filter.1.Value.1": "x"} if "Filter" in name else {})})
            self.assertEqual(400, reply.status)
            self.assertLess(len(reply.body), 10_000, name)

    def test_tags_of_an_image(self):
        image = self.ec2.register_image(Name="image", ImageLocation=IMAGE)["ImageId"]
        self.ec2.create_tags(Resources=[image], Tags=tags(**AWKWARD))
        self.assertEqual(AWKWARD, {t["Key"]: t["Value"] for t in self.ec2.describe_images(ImageIds=[image])["Images"][0]["Tags"]})


if __name__ == "__main__":
    unittest.main()
