"""Debian's Packer against Lodge. It finds an image, makes a key pair and a group, launches, waits for SSH in vain, since a simulated guest
answers nobody, and takes everything away again; packer/image.pkr.hcl goes all the way with real hosts. Without logging in it makes an
image of its guest here as well (packer/bare.pkr.hcl)."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import WireTest, filters, instances_of

TEMPLATES = pathlib.Path(__file__).resolve().parent / "packer"
PACKER_SECONDS = 240


class Packer(WireTest):
    def setUp(self):
        super().setUp()
        self.home = tempfile.mkdtemp(prefix="lodge-packer-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def packer(self, command, template="image", **variables):
        given = {"source_name": "lodge-*", "instance_type": "t3.nano", "ssh_timeout": "3s", **variables} if template == "image" else variables
        options = [word for name, value in {"endpoint": self.lodge.endpoint, **given}.items() for word in ("-var", f"{name}={value}")]
        return subprocess.run(["/usr/bin/packer", command, *options, str(TEMPLATES / f"{template}.pkr.hcl")], capture_output=True, text=True, timeout=PACKER_SECONDS,
                              env=self.environment(), check=False)

    def environment(self):
        # Packer polls every 2 s, and every 15 s for what it takes to be slow.
        return {"PATH": "/usr/bin:/bin", "HOME": self.home, "TMPDIR": self.home, "PACKER_CONFIG_DIR": self.home, "PACKER_CACHE_DIR": self.home,
                "CHECKPOINT_DISABLE": "1", "PACKER_NO_COLOR": "1", "AWS_POLL_DELAY_SECONDS": "1", "AWS_ACCESS_KEY_ID": self.account.key,
                "AWS_SECRET_ACCESS_KEY": self.account.secret}

    def build(self, **variables):
        """What it said on its way to the step that fails here."""
        done = self.packer("build", **variables)
        said = done.stdout + done.stderr
        self.assertEqual(1, done.returncode, said)
        return said

    def in_order(self, said, *parts):
        at = 0
        for part in parts:
            found = said.find(part, at)
            self.assertGreaterEqual(found, 0, f"'{part}' is not in, or not in its place:\n{said}")
            at = found

    def assert_clean(self):
        self.assertEqual([], self.ec2.describe_key_pairs()["KeyPairs"])
        self.assertEqual([], self.ec2.describe_security_groups(Filters=filters(group_name="packer_*"))["SecurityGroups"])
        self.assertEqual({"terminated"}, {i["State"]["Name"] for i in self.built()})

    def built(self):
        return instances_of(self.ec2.describe_instances(Filters=filters(tag_key="Made-by")))

    def test_the_template_is_valid(self):
        done = self.packer("validate")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_up_to_ssh_in_the_default_vpc(self):
        said = self.build()
        self.in_order(said, "Found Image ID: ami-", "Creating temporary keypair", "Creating temporary security group", "Authorizing access to port 22",
                      "Instance ID: i-", "Using ssh communicator to connect: 172.31.", "Timeout waiting for SSH", "Terminating the source",
                      "Deleting temporary security group", "Deleting temporary keypair")
        self.assertEqual(["Packer Builder"], [self.tag(i, "Name") for i in self.built()])
        self.assert_clean()

    def test_up_to_ssh_in_a_subnet_with_a_public_address(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        said = self.build(subnet_id=subnet, ssh_interface="public_ip")
        self.in_order(said, "Instance ID: i-", "Using ssh communicator to connect: ", "Timeout waiting for SSH", "Deleting temporary keypair")
        self.assertNotIn("connect: 10.0.1.", said)
        self.assert_clean()
        self.ec2.delete_subnet(SubnetId=subnet)  # nothing of the guest is left in it

    def test_an_image_of_its_guest(self):
        source = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        done = self.packer("build", "bare", source_ami=source)
        said = done.stdout + done.stderr
        self.assertEqual(0, done.returncode, said)
        self.in_order(said, "Stopping the source instance", "Creating AMI packed from instance i-", "AMI: ami-", "Waiting for AMI to become ready",
                      "Adding tags to AMI", "Terminating the source", f"{self.ec2.meta.region_name}: ami-")
        (image,) = self.ec2.describe_images(Owners=["self"])["Images"]
        self.assertEqual(("packed", "available", "Made by Packer"), (image["Name"], image["State"], image["Description"]))
        self.assertEqual("packer", self.tag(image, "Made-by"))
        self.assertEqual(["/dev/vda", "/dev/sdf"], [each["DeviceName"] for each in image["BlockDeviceMappings"]])
        snapshots = self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        self.assertEqual({each["Ebs"]["SnapshotId"] for each in image["BlockDeviceMappings"]}, {each["SnapshotId"] for each in snapshots})
        self.assertEqual({"packer"}, {self.tag(each, "Kept-by") for each in snapshots})
        self.assert_clean()
        copy = self.ec2.run_instances(ImageId=image["ImageId"], InstanceType="t3.nano", MinCount=1, MaxCount=1)["Instances"][0]
        self.ec2.get_waiter("instance_running").wait(InstanceIds=[copy["InstanceId"]], WaiterConfig={"Delay": 1})

    def test_what_it_does_not_find(self):
        self.assertIn("No AMI was found", self.build(source_name="no-such-*"))
        self.assertIn("t9.none", self.build(instance_type="t9.none"))
        self.assertEqual([], self.ec2.describe_key_pairs()["KeyPairs"])

    @staticmethod
    def tag(instance, key):
        return {t["Key"]: t["Value"] for t in instance["Tags"]}.get(key)


if __name__ == "__main__":
    unittest.main()
