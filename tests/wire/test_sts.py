"""STS GetCallerIdentity, on the same endpoint, in the query protocol's shapes."""
import unittest

from botocore.exceptions import ClientError

from harness import SIMULATED, Account, WireTest
from signing import call, presign, send

VERSION = "2011-06-15"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


class Sts(WireTest):
    def identity(self, account):
        return self.lodge.client(account, "sts").get_caller_identity()

    def raw(self, action="GetCallerIdentity", account=None, parameters=(), **signing):
        return call(self.lodge, account or self.account, action, parameters, VERSION, service="sts", **signing)

    def test_who_am_i(self):
        for account in (self.account, SIMULATED):
            reply = self.identity(account)
            self.assertEqual((account.id, account.id, f"arn:aws:iam::{account.id}:root"),
                             (reply["Account"], reply["UserId"], reply["Arn"]))

    def test_any_region(self):
        """STS is one for all regions; its global endpoint signs for us-east-1."""
        for region in ("us-east-1", "eu-west-3"):
            self.assertEqual(self.account.id, self.lodge.client(self.account, "sts", region).get_caller_identity()["Account"])

    def test_shape(self):
        reply = self.raw()
        root = reply.xml()
        self.assertEqual("{%s}GetCallerIdentityResponse" % NAMESPACE, root.tag)
        self.assertEqual(["GetCallerIdentityResult", "ResponseMetadata"], [child.tag.split("}")[1] for child in root])
        self.assertEqual(1, len(reply.values("RequestId")))
        self.assertEqual("text/xml", reply.headers["Content-Type"].split(";")[0])

    def test_get_and_presigned(self):
        """Vault, EKS and others hand a presigned GetCallerIdentity on."""
        for method in ("GET", "POST"):
            target = presign(self.lodge, self.account, {"Action": "GetCallerIdentity", "Version": VERSION}, method, service="sts")
            reply = send(self.lodge, method, target)
            self.assertEqual((200, [self.account.id]), (reply.status, reply.values("Account")), reply.body)

    def refused(self, reply, status, code):
        self.assertEqual((status, code), (reply.status, reply.code), reply.body)
        root = reply.xml()
        self.assertEqual("{%s}ErrorResponse" % NAMESPACE, root.tag)
        self.assertEqual(["Type", "Code", "Message"], [e.tag.split("}")[1] for e in root[0]])
        self.assertEqual(["Sender"], reply.values("Type"))
        self.assertEqual(1, len(reply.values("RequestId")))

    def test_errors_have_the_query_protocols_shape(self):
        self.refused(self.raw(account=Account("", "AKIANOBODY0000000000", "x" * 40)), 403, "InvalidClientTokenId")
        self.refused(self.raw(account=self.account._replace(secret="wrong")), 403, "SignatureDoesNotMatch")
        self.refused(self.raw(when=-3600), 403, "SignatureDoesNotMatch")
        self.refused(self.raw("NoSuchAction"), 400, "InvalidAction")
        self.refused(self.raw("DescribeInstances"), 400, "InvalidAction")
        self.refused(self.raw("RunInstances"), 400, "InvalidAction")

    def test_actions_of_sts_that_we_do_not_have(self):
        sts = self.lodge.client(self.account, "sts")
        with self.assertRaises(ClientError) as caught:
            sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/x", RoleSessionName="abc")
        self.assertEqual("InvalidAction", caught.exception.response["Error"]["Code"])

    def test_unknown_parameter(self):
        reply = self.raw(parameters={"Nonsense": "1"})
        self.refused(reply, 400, "UnknownParameter")
        self.assertIn("Nonsense", reply.message)

    def test_ec2_does_not_have_it(self):
        reply = call(self.lodge, self.account, "GetCallerIdentity", service="ec2")
        self.assertEqual((400, "InvalidAction"), (reply.status, reply.code))


if __name__ == "__main__":
    unittest.main()
