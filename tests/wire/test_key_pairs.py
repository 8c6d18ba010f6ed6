"""CreateKeyPair, ImportKeyPair, DescribeKeyPairs, DeleteKeyPair; their material is held against ssh-keygen, openssl, puttygen."""
import base64
import hashlib
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import WireTest, tag_specification, tags
from signing import call


def tool(*words, stdin=None):
    data = stdin.encode() if isinstance(stdin, str) else stdin
    return subprocess.run(words, input=data, check=True, capture_output=True).stdout


def colons(hexadecimal):
    return ":".join(hexadecimal[i:i + 2] for i in range(0, len(hexadecimal), 2))


class KeyTest(WireTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="lodge-wire-keys-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def public_line(self, name):
        return self.ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"][0]["PublicKey"]

    def private_file(self, material):
        path = self.folder / "key"
        path.touch(mode=0o600)
        path.write_text(material)
        return str(path)

    def names(self, **parameters):
        return sorted(k["KeyName"] for k in self.ec2.describe_key_pairs(**parameters)["KeyPairs"])

    def make(self, *options):
        """A public key file's text, by ssh-keygen."""
        path = self.folder / f"made{len(list(self.folder.iterdir()))}"
        tool("ssh-keygen", "-q", "-N", "", "-C", "me@home", "-f", str(path), *options)
        return path.with_suffix(".pub").read_text()


class Create(KeyTest):
    def test_rsa_is_the_default(self):
        made = self.ec2.create_key_pair(KeyName="mine")
        self.assertRegex(made["KeyPairId"], "^key-[0-9a-f]{17}$")
        self.assertTrue(made["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----\n"))
        self.assertEqual("rsa", self.ec2.describe_key_pairs()["KeyPairs"][0]["KeyType"])
        der = tool("openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", stdin=made["KeyMaterial"])
        self.assertEqual(colons(hashlib.sha1(der).hexdigest()), made["KeyFingerprint"])
        line = tool("ssh-keygen", "-y", "-f", self.private_file(made["KeyMaterial"])).decode().split()
        self.assertEqual(line[:2], self.public_line("mine").split()[:2])
        self.assertEqual(256, len(bytes.fromhex(tool("openssl", "rsa", "-noout", "-modulus", stdin=made["KeyMaterial"]).decode().strip()[8:])))

    def test_ed25519(self):
        made = self.ec2.create_key_pair(KeyName="mine", KeyType="ed25519", KeyFormat="pem")
        self.assertTrue(made["KeyMaterial"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n"))
        path = self.private_file(made["KeyMaterial"])
        self.assertEqual(tool("ssh-keygen", "-y", "-f", path).decode().split()[:2], self.public_line("mine").split()[:2])
        shown = tool("ssh-keygen", "-l", "-f", path).decode().split()[1]
        self.assertEqual(shown.removeprefix("SHA256:"), made["KeyFingerprint"].rstrip("="))

    @unittest.skipUnless(shutil.which("puttygen"), "needs puttygen")
    def test_ppk(self):
        for kind in ("rsa", "ed25519"):
            made = self.ec2.create_key_pair(KeyName=kind, KeyType=kind, KeyFormat="ppk")
            line = tool("puttygen", self.private_file(made["KeyMaterial"]), "-L").decode().split()
            self.assertEqual(line[:2], self.public_line(kind).split()[:2])

    def test_dry_run_says_what_the_call_would_say(self):
        self.ec2.create_key_pair(KeyName="taken", KeyType="ed25519")
        self.assert_code("DryRunOperation", self.ec2.create_key_pair, KeyName="new", DryRun=True)
        self.assert_code("InvalidKeyPair.Duplicate", self.ec2.create_key_pair, KeyName="taken", DryRun=True)
        self.assertEqual(["taken"], self.names())

    def test_every_key_is_another(self):
        made = [self.ec2.create_key_pair(KeyName=n, KeyType="ed25519") for n in ("a", "b")]
        for field in ("KeyMaterial", "KeyFingerprint", "KeyPairId"):
            self.assertNotEqual(made[0][field], made[1][field])

    def test_private_keys_are_kept_nowhere(self):
        secret = self.ec2.create_key_pair(KeyName="mine", KeyType="ed25519")["KeyMaterial"].splitlines()[3]
        for path in [self.lodge.log_file, *self.lodge.state_dir.rglob("*")]:
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)

    def test_tags(self):
        made = self.ec2.create_key_pair(KeyName="mine", KeyType="ed25519", TagSpecifications=[tag_specification("key-pair", a="1")])
        self.assertEqual(tags(a="1"), made["Tags"])
        self.assertEqual(tags(a="1"), self.ec2.describe_key_pairs()["KeyPairs"][0]["Tags"])
        self.assert_code("InvalidParameterValue", self.ec2.create_key_pair, "instance", KeyName="x",
                         TagSpecifications=[tag_specification("instance", a="1")])

    def test_names(self):
        create = self.ec2.create_key_pair
        create(KeyName="mine", KeyType="ed25519")
        self.assert_code("InvalidKeyPair.Duplicate", create, "mine", KeyName="mine", KeyType="ed25519")
        for good in ("Mine", "x" * 255, "a b", "<&>]]>\"'", "me@home.example"):
            self.assertEqual(good, create(KeyName=good, KeyType="ed25519")["KeyName"])
            self.assertEqual([good], self.names(KeyNames=[good]))
        for bad in ("", "x" * 256, " a", "a ", "a\x01b"):
            with self.subTest(bad):
                self.assert_code(("InvalidParameterValue", "MissingParameter"), create, KeyName=bad)
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "CreateKeyPair").code)

    def test_bad_types(self):
        self.assert_code("InvalidParameterValue", self.ec2.create_key_pair, "dsa", KeyName="x", KeyType="dsa")
        self.assert_code("InvalidParameterValue", self.ec2.create_key_pair, "p12", KeyName="x", KeyFormat="p12")


class Import(KeyTest):
    def imported(self, material, name="theirs"):
        made = self.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=material)
        self.addCleanup(self.ec2.delete_key_pair, KeyName=name)
        return made["KeyFingerprint"]

    def test_rsa_in_every_form(self):
        line = self.make("-t", "rsa", "-b", "2048")
        path = self.folder / "k.pub"
        path.write_text(line)
        pem = tool("ssh-keygen", "-e", "-m", "PKCS8", "-f", str(path))
        der = tool("openssl", "pkey", "-pubin", "-outform", "DER", stdin=pem)
        forms = {"line": line, "bare": " ".join(line.split()[:2]), "crlf": line.replace("\n", "\r\n"), "pem": pem, "der": der,
                 "base64": base64.b64encode(der), "ssh2": tool("ssh-keygen", "-e", "-m", "RFC4716", "-f", str(path))}
        for form, material in forms.items():
            with self.subTest(form):
                self.assertEqual(colons(hashlib.md5(der).hexdigest()), self.imported(material, form))
                self.assertEqual(line.split()[:2], self.public_line(form).split()[:2])
                self.assertEqual("rsa", self.ec2.describe_key_pairs(KeyNames=[form])["KeyPairs"][0]["KeyType"])

    def test_ed25519(self):
        line = self.make("-t", "ed25519")
        shown = tool("ssh-keygen", "-l", "-f", "-", stdin=line).decode().split()[1]
        self.assertEqual(shown.removeprefix("SHA256:"), self.imported(line).rstrip("="))
        self.assertEqual("ed25519", self.ec2.describe_key_pairs()["KeyPairs"][0]["KeyType"])
        self.assertEqual(line.strip(), self.public_line("theirs"))

    def test_one_key_under_two_names(self):
        line = self.make("-t", "ed25519")
        self.assertEqual(self.imported(line, "a"), self.imported(line, "b"))
        self.assert_code("InvalidKeyPair.Duplicate", self.ec2.import_key_pair, "a", KeyName="a", PublicKeyMaterial=line)

    def test_bad_material(self):
        good = self.make("-t", "ed25519")
        bad = {"ecdsa": self.make("-t", "ecdsa"), "short rsa": "ssh-rsa AAAA", "words": "hello", "nothing": "", "cut": good[:40],
               "options": "command=\"x\" " + good, "two": good + self.make("-t", "ed25519"), "zeros": b"\0" * 300,
               "private": self.ec2.create_key_pair(KeyName="p", KeyType="ed25519")["KeyMaterial"], "long": "ssh-rsa " + "A" * 20000}
        for name, material in bad.items():
            with self.subTest(name):
                self.assert_code(("InvalidKey.Format", "MissingParameter") if name == "nothing" else "InvalidKey.Format",
                                 self.ec2.import_key_pair, KeyName="bad", PublicKeyMaterial=material)
        self.assertEqual(["p"], self.names())

    def test_not_base64(self):
        reply = call(self.lodge, self.account, "ImportKeyPair", {"KeyName": "x", "PublicKeyMaterial": "!!!"})
        self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code))
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "ImportKeyPair", {"KeyName": "x"}).code)


class Describe(KeyTest):
    def make_three(self):
        return {n: self.ec2.create_key_pair(KeyName=n, KeyType="ed25519", TagSpecifications=[tag_specification("key-pair", n=n)])
                for n in ("a1", "a2", "b1")}

    def test_by_name_id_and_filter(self):
        made = self.make_three()
        self.assertEqual(["a1", "a2", "b1"], self.names())
        self.assertEqual(["a2", "b1"], self.names(KeyNames=["b1", "a2"]))
        self.assertEqual(["b1"], self.names(KeyPairIds=[made["b1"]["KeyPairId"]]))
        self.assertEqual(["a1"], self.names(KeyNames=["a1", "a1"]))
        for name, value, expected in (("key-name", "a*", ["a1", "a2"]), ("key-pair-id", made["a1"]["KeyPairId"], ["a1"]),
                                      ("fingerprint", made["b1"]["KeyFingerprint"], ["b1"]), ("tag:n", "?1", ["a1", "b1"]),
                                      ("tag-key", "n", ["a1", "a2", "b1"]), ("key-name", "A1", [])):
            self.assertEqual(expected, self.names(Filters=[{"Name": name, "Values": [value]}]), name)
        self.assert_code("InvalidParameterValue", self.ec2.describe_key_pairs, "name", Filters=[{"Name": "name", "Values": ["x"]}])

    def test_public_key_only_when_asked(self):
        self.make_three()
        self.assertNotIn("PublicKey", self.ec2.describe_key_pairs()["KeyPairs"][0])
        self.assertTrue(self.public_line("a1").startswith("ssh-ed25519 "))

    def test_unknown(self):
        self.assert_code("InvalidKeyPair.NotFound", self.ec2.describe_key_pairs, "nope", KeyNames=["nope"])
        self.assert_code("InvalidKeyPair.NotFound", self.ec2.describe_key_pairs, KeyPairIds=["key-0123456789abcdef0"])

    def test_waiter(self):
        self.make_three()
        self.ec2.get_waiter("key_pair_exists").wait(KeyNames=["a1"], WaiterConfig={"Delay": 0.05, "MaxAttempts": 2})

    def test_delete(self):
        made = self.make_three()
        self.ec2.delete_key_pair(KeyName="a1")
        self.ec2.delete_key_pair(KeyName="a1")  # by name it is idempotent
        self.ec2.delete_key_pair(KeyName="never was")
        self.ec2.delete_key_pair(KeyPairId=made["a2"]["KeyPairId"])
        self.assert_code("InvalidKeyPair.NotFound", self.ec2.delete_key_pair, KeyPairId=made["a2"]["KeyPairId"])
        self.assert_code("MissingParameter", self.ec2.delete_key_pair)
        self.assertEqual(["b1"], self.names())
        self.assertEqual(["b1"], [t["Value"] for t in self.ec2.describe_tags()["Tags"]])

    def test_other_accounts_have_their_own(self):
        made = self.make_three()
        stranger = self.lodge.client(self.lodge.new_account())
        self.assertEqual([], stranger.describe_key_pairs()["KeyPairs"])
        self.assert_code("InvalidKeyPair.NotFound", stranger.describe_key_pairs, KeyNames=["a1"])
        self.assert_code("InvalidKeyPair.NotFound", stranger.delete_key_pair, KeyPairId=made["a1"]["KeyPairId"])
        stranger.delete_key_pair(KeyName="a1")
        stranger.create_key_pair(KeyName="a1", KeyType="ed25519")
        self.assertEqual(["a1", "a2", "b1"], self.names())


if __name__ == "__main__":
    unittest.main()
