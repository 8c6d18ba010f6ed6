"""Who may ask: signatures wrong, missing, too old, too new, tampered with; regions, services, other accounts' things."""
import unittest
import urllib.parse

from harness import IMAGE, SIMULATED, Account, WireTest, tags
from signing import FORM, call, encode, presign, send, sign

ASK = {"Action": "DescribeRegions", "Version": "2016-11-15"}
BODY = encode(ASK).encode()


class Signatures(WireTest):
    def ask(self, account=None, **signing):
        return call(self.lodge, account or self.account, "DescribeRegions", **signing)

    def refused(self, reply, status=401, code="AuthFailure"):
        """An error that EC2's clients can read: no namespace, upper-case RequestID."""
        self.assertEqual((status, code), (reply.status, reply.code), reply.body)
        root = reply.xml()
        self.assertEqual("Response", root.tag)
        self.assertEqual(["Errors", "RequestID"], [child.tag for child in root])
        self.assertTrue(root.find("RequestID").text)

    def test_good(self):
        self.assertEqual(200, self.ask().status)
        self.assertEqual(200, self.ask(SIMULATED).status)

    def test_wrong_secret(self):
        self.refused(self.ask(self.account._replace(secret="w" * 40)))
        self.assert_code("AuthFailure", self.lodge.client(self.account._replace(secret="w")).describe_regions, status=401)

    def test_unknown_key(self):
        self.refused(self.ask(Account("", "AKIANOBODY0000000000", self.account.secret)))
        self.refused(self.ask(self.account._replace(key=self.account.key.lower())))

    def test_somebody_elses_secret(self):
        self.refused(self.ask(self.account._replace(secret=SIMULATED.secret)))

    def test_refusals_do_not_tell_keys_from_secrets(self):
        unknown = self.ask(Account("", "AKIANOBODY0000000000", "x" * 40))
        wrong = self.ask(self.account._replace(secret="x" * 40))
        self.assertEqual(unknown.message, wrong.message)

    def test_the_audit_log_says_which_key_was_claimed(self):
        self.ask(self.account._replace(secret="w" * 40))
        self.ask(self.account)
        lines = [line for line in self.lodge.log()[self.log_start:].splitlines() if self.account.key in line]
        self.assertRegex(lines[0], rf" account= key= claimed={self.account.key} .* code=AuthFailure ")
        self.assertRegex(lines[1], rf" account={self.account.id} key={self.account.key} claimed= .* code=OK ")

    def test_missing(self):
        self.refused(send(self.lodge, "POST", "/", BODY, {"Content-Type": FORM}), 403, "MissingAuthenticationToken")
        self.refused(send(self.lodge, "GET", "/?" + encode(ASK)), 403, "MissingAuthenticationToken")
        self.refused(send(self.lodge, "POST", "/", b"", {}), 403, "MissingAuthenticationToken")

    def test_clock(self):
        for when in (-280, 280):
            self.assertEqual(200, self.ask(when=when).status, when)
        for when in (-320, -86_400 * 400):
            self.refused(self.ask(when=when), 400, "RequestExpired")
        for when in (320, 86_400 * 400):
            self.refused(self.ask(when=when))

    def test_rubbish_authorization(self):
        good = sign(self.lodge, self.account, BODY, headers={"Content-Type": FORM})
        value = good["Authorization"]
        for bad in ("", "Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=", value[:-1], value + "0", value.upper(),
                    value.replace("aws4_request", "aws5_request"), value.replace("SHA256", "SHA1"), value.replace("host;", ""),
                    value.replace("/ec2/", "/"), value.replace("Signature=", "Signature=0"), value + ", Signature=00",
                    value.replace("x-amz-date", "x-amz-date;x-nothing"), "AWS4-HMAC-SHA256 " + "A=b," * 5000, "\xff" * 20):
            with self.subTest(bad[:60]):
                reply = send(self.lodge, "POST", "/", BODY, {**good, "Authorization": bad})
                self.assertIn(reply.status, (400, 401, 403))
                self.assertIn(reply.code, ("AuthFailure", "MissingAuthenticationToken"), reply.body)

    def test_one_character_of_everything_signed(self):
        headers = sign(self.lodge, self.account, BODY, headers={"Content-Type": FORM})
        self.assertEqual(200, send(self.lodge, "POST", "/", BODY, headers).status)
        day = headers["X-Amz-Date"]
        tampered = [("POST", "/", BODY.replace(b"Regions", b"Images"), headers), ("POST", "/", BODY + b"&AllRegions=1", headers),
                    ("POST", "/", b"", headers), ("POST", "/?AllRegions=true", BODY, headers),
                    ("POST", "/", BODY, {**headers, "X-Amz-Date": day[:-2] + ("1Z" if day[-2] != "1" else "2Z")}),
                    ("POST", "/", BODY, {**headers, "Content-Type": "text/plain"}),
                    ("POST", "/", BODY, {**headers, "Host": "ec2.amazonaws.com"}),
                    ("POST", "/", BODY, {**headers, "Authorization": headers["Authorization"].replace("us-east-1", "us-west-1")}),
                    ("POST", "/", BODY, {**headers, "Authorization": headers["Authorization"].replace(self.account.key, SIMULATED.key)}),
                    ("PUT", "/", BODY, headers), ("POST", "/x", BODY, headers)]
        for method, target, body, given in tampered:
            reply = send(self.lodge, method, target, body, given)
            self.assertIn(reply.status, (401, 404, 405), (method, target, body))

    def test_two_authorizations(self):
        headers = sign(self.lodge, self.account, BODY, headers={"Content-Type": FORM})
        target = presign(self.lodge, self.account, ASK, "POST")
        reply = send(self.lodge, "POST", target, b"", headers)
        self.refused(reply)

    def test_session_token(self):
        """A leftover AWS_SESSION_TOKEN belongs to no key of ours."""
        ec2 = self.lodge.client(self.account, aws_session_token="left over from elsewhere")
        self.assert_code("AuthFailure", ec2.describe_regions, status=401)

    def test_region_not_served(self):
        self.refused(self.ask(region="eu-west-9"))
        self.assertIn("eu-west-9", self.ask(region="eu-west-9").message)

    def test_service_not_offered(self):
        for service in ("s3", "iam", "EC2", "nonsense"):
            reply = self.ask(service=service)
            self.assertEqual((400, "UnsupportedOperation"), (reply.status, reply.code), service)
            self.assertIn(service, reply.message)

    def test_nothing_secret_in_log_or_reply(self):
        reply = self.ask(self.account._replace(secret="w" * 40))
        self.assertNotIn(self.account.secret.encode(), reply.body)
        self.ask()
        self.ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, UserData="a secret of users")
        log = self.lodge.log()
        for secret in (self.account.secret, SIMULATED.secret, "a secret of users", "YSBzZWNyZXQgb2YgdXNlcnM"):
            self.assertNotIn(secret, log.replace("export AWS_SECRET_ACCESS_KEY=" + SIMULATED.secret, ""))
        self.assertIn(self.account.key, log)


class Presigned(WireTest):
    def ask(self, method="GET", **signing):
        return send(self.lodge, method, presign(self.lodge, self.account, ASK, method, **signing))

    def test_get_and_post(self):
        self.assertEqual(200, self.ask().status)
        self.assertEqual(200, self.ask("POST").status)
        url = urllib.parse.urlsplit(self.ec2.generate_presigned_url("describe_regions", HttpMethod="GET"))
        self.assertEqual(200, send(self.lodge, "GET", f"{url.path}?{url.query}").status)

    def test_post_with_a_body(self):
        """The body counts in a presigned request too."""
        target = presign(self.lodge, self.account, {}, "POST", BODY)
        self.assertEqual(200, send(self.lodge, "POST", target, BODY, {"Content-Type": FORM}).status)
        self.assertEqual(401, send(self.lodge, "POST", target, BODY + b"&DryRun=true", {"Content-Type": FORM}).status)

    def test_expiry(self):
        self.assertEqual(200, self.ask(when=-50, expires=60).status)
        self.assertEqual(200, self.ask(when=-86_400, expires=604_800).status)
        reply = self.ask(when=-70, expires=60)
        self.assertEqual((400, "RequestExpired"), (reply.status, reply.code))
        self.assertEqual("AuthFailure", self.ask(when=400, expires=3600).code)
        for bad in (0, -1, 604_801, "soon"):
            self.assertEqual("AuthFailure", self.ask(expires=bad).code, bad)

    def test_tampered(self):
        target = presign(self.lodge, self.account, ASK)
        for before, after in (("DescribeRegions", "DescribeImages"), ("X-Amz-Expires=60", "X-Amz-Expires=600"), ("us-east-1", "us-west-2"),
                              ("X-Amz-Signature=", "X-Amz-Signature=0"), (self.account.key, SIMULATED.key)):
            self.assertIn(before, target)
            self.assertEqual((401, "AuthFailure"), (lambda r: (r.status, r.code))(send(self.lodge, "GET", target.replace(before, after))), before)
        self.assertEqual(401, send(self.lodge, "GET", target + "&AllRegions=true").status)
        self.assertEqual(401, send(self.lodge, "POST", target).status)
        cut = target.split("&X-Amz-Signature=")[0]
        self.assertIn(send(self.lodge, "GET", cut).code, ("AuthFailure", "MissingAuthenticationToken"))

    def test_names_that_need_escapes(self):
        awkward = "a b+c&d=e/f?g%h~\u2603"
        target = presign(self.lodge, self.account, {"Action": "CreateKeyPair", "Version": "2016-11-15", "KeyName": awkward, "KeyType": "ed25519"})
        reply = send(self.lodge, "GET", target)
        self.assertEqual((200, [awkward]), (reply.status, reply.values("keyName")), reply.body)


class OtherAccounts(WireTest):
    def test_everything_of_another_account_looks_missing(self):
        instance, = self.launch()
        self.ec2.create_key_pair(KeyName="mine", KeyType="ed25519")
        image = self.ec2.register_image(Name="mine", ImageLocation=IMAGE)["ImageId"]
        volume = self.describe(instance)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        self.ec2.create_tags(Resources=[instance, image], Tags=tags(a="1"))
        other = self.lodge.client(self.lodge.new_account())
        for action in ("describe_instances", "describe_instance_status", "start_instances", "stop_instances", "reboot_instances", "terminate_instances"):
            self.assert_code("InvalidInstanceID.NotFound", getattr(other, action), instance, InstanceIds=[instance])
        self.assert_code("InvalidInstanceID.NotFound", other.get_console_output, InstanceId=instance)
        self.assert_code("InvalidVolume.NotFound", other.create_tags, Resources=[volume], Tags=tags(a="1"))
        self.assert_code("InvalidKeyPair.NotFound", other.run_instances, ImageId=IMAGE, MinCount=1, MaxCount=1, KeyName="mine")
        self.assertEqual(([], [], []), (other.describe_instances()["Reservations"], other.describe_key_pairs()["KeyPairs"], other.describe_tags()["Tags"]))
        self.assertNotIn(image, [i["ImageId"] for i in other.describe_images()["Images"]])
        self.assertEqual("running", self.describe(instance)["State"]["Name"])


if __name__ == "__main__":
    unittest.main()
