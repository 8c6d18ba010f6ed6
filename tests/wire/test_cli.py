"""A life with the real /usr/bin/aws, as somebody at a shell would lead it."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from harness import IMAGE, WireTest

AWS = "/usr/bin/aws"


@unittest.skipUnless(os.path.exists(AWS), "needs Debian's awscli")
class Cli(WireTest):
    def setUp(self):
        super().setUp()
        home = tempfile.TemporaryDirectory(prefix="lodge-wire-home-")
        self.addCleanup(home.cleanup)
        self.home = pathlib.Path(home.name)
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": home.name, "LANG": "C.UTF-8", "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true",
                            "AWS_ACCESS_KEY_ID": self.account.key, "AWS_SECRET_ACCESS_KEY": self.account.secret,
                            "AWS_DEFAULT_REGION": "us-east-1"}

    def run_aws(self, words):
        command = [AWS, "--endpoint-url", self.lodge.endpoint, *words]
        return subprocess.run(command, env=self.environment, cwd=self.home, capture_output=True, text=True, timeout=120)

    def aws(self, line, *more):
        """What `aws ec2 LINE…` prints."""
        done = self.run_aws(["ec2", *line.split(), *more])
        self.assertEqual((0, ""), (done.returncode, done.stderr), line)
        return done.stdout

    def query(self, line, query, *more):
        return self.aws(f"{line} --output text --query {query}", *more).split()

    def test_a_life(self):
        """The commands of the README, one after the other."""
        (self.home / "setup.sh").write_text("#!/bin/sh\necho hello\n")
        private = self.aws("create-key-pair --key-name me --key-type ed25519 --query KeyMaterial --output text")
        self.assertTrue(private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n"))
        made = json.loads(self.aws(f"run-instances --image-id {IMAGE} --instance-type t3.micro --key-name me --count 2 --user-data file://setup.sh",
                                   "--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=web server}]"))
        a, b = ids = [i["InstanceId"] for i in made["Instances"]]
        self.reach("running", ids)  # the waiter would sleep 15 s if it came too early
        self.aws(f"wait instance-running --instance-ids {a} {b}")
        self.aws(f"wait instance-status-ok --instance-ids {a}")
        self.assertEqual(sorted(ids), sorted(self.query("describe-instances --filters Name=tag:Name,Values=web*",
                                                        "Reservations[].Instances[].InstanceId")))
        self.assertEqual(["running", "running"], self.query("describe-instances", "Reservations[].Instances[].State.Name"))
        console = self.aws(f"get-console-output --instance-id {a} --output text --latest")
        self.assertIn("Linux version", console)
        self.assertIn(a, console.split())
        self.assertEqual(["running", "stopping"], self.query(f"stop-instances --instance-ids {a}",
                                                             "StoppingInstances[].[PreviousState.Name,CurrentState.Name]"))
        self.reach("stopped", [a])
        self.aws(f"wait instance-stopped --instance-ids {a}")
        self.assertEqual(["stopped", "pending"], self.query(f"start-instances --instance-ids {a}",
                                                            "StartingInstances[].[PreviousState.Name,CurrentState.Name]"))
        self.reach("running", [a])
        self.assertEqual("", self.aws(f"reboot-instances --instance-ids {b}"))
        gone = json.loads(self.aws(f"terminate-instances --instance-ids {a} {b}"))["TerminatingInstances"]
        self.assertEqual({"shutting-down"}, {i["CurrentState"]["Name"] for i in gone})
        self.reach("terminated", ids)
        self.aws(f"wait instance-terminated --instance-ids {a} {b}")

    def test_looking_around(self):
        types = json.loads(self.aws("describe-instance-types --filters Name=burstable-performance-supported,Values=true --max-items 3"))
        self.assertEqual(3, len(types["InstanceTypes"]))
        self.assertIn("NextToken", types)
        self.assertEqual(["t3.nano", "512"], self.query("describe-instance-types --instance-types t3.nano",
                                                        "InstanceTypes[].[InstanceType,MemoryInfo.SizeInMiB]"))
        self.assertEqual(["us-east-1"], self.query("describe-regions", "Regions[].RegionName"))
        self.assertEqual(["us-east-1a"], self.query("describe-availability-zones", "AvailabilityZones[].ZoneName"))
        self.assertEqual([IMAGE], self.query("describe-images --owners amazon --filters Name=name,Values=lodge-sim*", "Images[].ImageId"))
        self.assertIn("t3.micro", self.aws("describe-instance-types --instance-types t3.micro --output table"))

    def test_paging_by_the_cli(self):
        self.launch(12, None)
        ids = self.query("describe-instances --page-size 5", "Reservations[].Instances[].InstanceId")
        self.assertEqual((12, 12), (len(ids), len(set(ids))))

    def test_tags(self):
        instance, = self.launch(1, None)
        self.aws(f"create-tags --resources {instance} --tags", "Key=Name,Value=a b & <c>")
        self.assertEqual("a b & <c>\n", self.aws("describe-tags --filters Name=key,Values=Name --query Tags[].Value --output text"))
        self.aws(f"delete-tags --resources {instance} --tags Key=Name")
        self.assertEqual([], json.loads(self.aws("describe-tags"))["Tags"])

    def test_import_key_pair(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.home / "key")], check=True)
        self.aws("import-key-pair --key-name mine --public-key-material fileb://key.pub")
        self.assertEqual(["ed25519"], self.query("describe-key-pairs --key-names mine", "KeyPairs[].KeyType"))
        self.aws("delete-key-pair --key-name mine")

    def test_errors_and_identity(self):
        done = self.run_aws("ec2 describe-instances --instance-ids i-0123456789abcdef0".split())
        self.assertEqual(254, done.returncode)
        self.assertIn("An error occurred (InvalidInstanceID.NotFound) when calling the DescribeInstances operation: "
                      "The instance ID 'i-0123456789abcdef0' does not exist", done.stderr)
        done = self.run_aws(f"ec2 run-instances --image-id {IMAGE} --instance-type t3.nano --dry-run".split())
        self.assertIn("An error occurred (DryRunOperation) when calling the RunInstances operation: "
                      "Request would have succeeded, but DryRun flag is set.", done.stderr)
        done = self.run_aws("sts get-caller-identity --query Account --output text".split())
        self.assertEqual((0, self.account.id + "\n"), (done.returncode, done.stdout), done.stderr)


if __name__ == "__main__":
    unittest.main()
