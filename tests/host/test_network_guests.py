"""Real guests in a real VPC: reached by SSH, kept apart by groups, told by metadata who they are."""

import json
import os
import subprocess
import unittest

from case import BOOT_S, CloudTest
from cloud import image_facts
from programs import eventually

ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]
METADATA = "http://169.254.169.254/latest/"
SCRIPT = """#!/bin/sh
echo "user-data saw $(hostname)"
nc -ll -p 80 -e hostname &
"""


def tcp(port, **sources):
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **(sources or {"IpRanges": ANYWHERE})}]


class GuestNetworkTest(CloudTest):
    with_network = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key_file = f"{cls.cloud.folder}/key.pem"
        material = cls.ec2.create_key_pair(KeyName="me", KeyType="ed25519")["KeyMaterial"]
        with open(cls.key_file, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(material)
        cls.vpc = cls.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]

    def group(self, name, *permissions):
        group = self.ec2.create_security_group(GroupName=name, Description="for a test", VpcId=self.vpc)["GroupId"]
        self.addCleanup(lambda: eventually(30, lambda: self.delete_group(group), "the group can go"))
        for each in permissions:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=each)
        return group

    def delete_group(self, group):
        self.end_instances()
        self.ec2.delete_security_group(GroupId=group)
        return True

    def end_instances(self):
        ids = [each["InstanceId"] for each in self.instances(["pending", "running", "stopping", "stopped"])]
        if ids:
            self.terminate(*ids)

    def ssh(self, address, command, user="root", seconds=BOOT_S):
        """What the command prints in the guest."""
        words = ["ssh", "-i", self.key_file, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                 "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR", f"{user}@{address}", command]

        def attempt():
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
            attempt.last = done.stderr
            return (done.stdout or " ") if done.returncode == 0 else None
        return eventually(seconds, attempt, lambda: f"ssh {address} {command}: {attempt.last}", pause=0.5).strip()

    def wait_public(self, instance_id):
        return eventually(30, lambda: self.describe(instance_id).get("PublicIpAddress"), "a public address")

    def test_from_launch_to_ssh_with_metadata_both_ways(self):
        group = self.group("ssh", tcp(22))
        guest, = self.launch(KeyName="me", SecurityGroupIds=[group], UserData=SCRIPT,
                             MetadataOptions={"InstanceMetadataTags": "enabled"},
                             TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "first"}]}])
        shown = self.describe(guest)
        self.wait_state(guest, "running")
        self.wait_console(guest, "user-data ran, exit 0")
        public = self.wait_public(guest)
        name = shown["PrivateDnsName"]
        self.assertIn(f"user-data saw {name.split('.')[0]}", self.console(guest))
        self.assertEqual(name.split(".")[0], self.ssh(public, "hostname").split(".")[0])
        get = f"wget -qO- {METADATA}"
        self.assertEqual(guest, self.ssh(public, get + "meta-data/instance-id"))
        self.assertEqual(public, self.ssh(public, get + "meta-data/public-ipv4"))
        self.assertEqual("first", self.ssh(public, get + "meta-data/tags/instance/Name"))
        self.assertEqual(SCRIPT.strip(), self.ssh(public, get + "user-data").strip())
        document = json.loads(self.ssh(public, get + "dynamic/instance-identity/document"))
        self.assertEqual((guest, shown["PrivateIpAddress"]), (document["instanceId"], document["privateIp"]))
        self.check_signature(public, get)
        # From now on with a token only; it acts on the running guest.
        self.ec2.modify_instance_metadata_options(InstanceId=guest, HttpTokens="required")
        refused = f"wget -qO- {METADATA}meta-data/ 2>&1 || true"
        eventually(20, lambda: "401" in self.ssh(public, refused), "version 1 is refused")

    def check_signature(self, public, get):
        pkcs7 = self.ssh(public, get + "dynamic/instance-identity/pkcs7")
        certificate = f"{self.cloud.folder}/identity.pem"
        with open(certificate, "w", encoding="ascii") as file:
            file.write(self.cloud.lodge("identity-certificate"))
        done = subprocess.run(["openssl", "smime", "-verify", "-inform", "PEM", "-certfile", certificate, "-noverify"],
                              input=f"-----BEGIN PKCS7-----\n{pkcs7}\n-----END PKCS7-----\n", capture_output=True,
                              text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(json.loads(done.stdout), json.loads(self.ssh(public, get + "dynamic/instance-identity/document")))

    def test_groups_keep_guests_apart_and_let_them_talk(self):
        open_to_ssh, server_group = self.group("clients", tcp(22)), self.group("servers")
        client, = self.launch(KeyName="me", SecurityGroupIds=[open_to_ssh])
        server, = self.launch(KeyName="me", SecurityGroupIds=[server_group], UserData=SCRIPT)
        for each in (client, server):
            self.wait_state(each, "running")
        self.wait_console(server, "user-data ran, exit 0")
        inside, public = self.describe(server)["PrivateIpAddress"], self.wait_public(client)
        ask = f"told=$(nc -w 2 {inside} 80 </dev/null 2>/dev/null); echo ${{told:-no}}"
        self.assertEqual("no", self.ssh(public, ask))
        self.ec2.authorize_security_group_ingress(
            GroupId=server_group, IpPermissions=tcp(80, UserIdGroupPairs=[{"GroupId": open_to_ssh}]))
        eventually(20, lambda: self.ssh(public, ask).startswith("ip-"), "the group lets its friend in")
        self.ec2.modify_instance_attribute(InstanceId=client, Groups=[open_to_ssh, server_group])
        self.ec2.revoke_security_group_ingress(
            GroupId=server_group, IpPermissions=tcp(80, UserIdGroupPairs=[{"GroupId": open_to_ssh}]))
        eventually(20, lambda: self.ssh(public, ask) == "no", "and no longer")

    def test_an_interface_comes_and_goes_on_a_running_guest(self):
        group = self.group("nics", tcp(22))
        guest, = self.launch(KeyName="me", SecurityGroupIds=[group])
        self.wait_state(guest, "running")
        public = self.wait_public(guest)
        self.ssh(public, "true")
        subnet = self.describe(guest)["SubnetId"]
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
        self.addCleanup(lambda: eventually(30, lambda: self.forget_interface(made["NetworkInterfaceId"]), "it is gone"))
        attachment = self.ec2.attach_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"], InstanceId=guest,
                                                       DeviceIndex=1)["AttachmentId"]
        status = lambda: self.ec2.describe_network_interfaces(NetworkInterfaceIds=[made["NetworkInterfaceId"]])[  # noqa: E731
            "NetworkInterfaces"][0].get("Attachment", {}).get("Status")
        eventually(60, lambda: status() == "attached", self.cloud.logs)
        macs = f"wget -qO- {METADATA}meta-data/network/interfaces/macs/"
        eventually(20, lambda: made["MacAddress"] in self.ssh(public, macs), "metadata tells of it")
        eventually(30, lambda: made["PrivateIpAddress"] in self.ssh(public, "ip -4 address"), "the guest has its address")
        self.ec2.detach_network_interface(AttachmentId=attachment)
        eventually(60, lambda: status() is None, self.cloud.logs)

    def forget_interface(self, interface):
        self.end_instances()
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)
        return True

    def test_a_stop_takes_the_public_address_and_an_elastic_one_stays(self):
        group = self.group("addresses", tcp(22))
        guest, = self.launch(KeyName="me", SecurityGroupIds=[group])
        self.wait_state(guest, "running")
        private = self.describe(guest)["PrivateIpAddress"]
        self.ssh(self.wait_public(guest), "true")
        self.ec2.stop_instances(InstanceIds=[guest])
        self.wait_state(guest, "stopped")
        self.assertNotIn("PublicIpAddress", self.describe(guest))
        elastic = self.ec2.allocate_address(Domain="vpc")
        self.addCleanup(lambda: self.ec2.release_address(AllocationId=elastic["AllocationId"]))
        self.ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=guest)
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_state(guest, "running")
        self.assertEqual((private, elastic["PublicIp"]),
                         tuple(self.describe(guest)[k] for k in ("PrivateIpAddress", "PublicIpAddress")))
        self.assertIn(private, self.ssh(elastic["PublicIp"], "ip -4 address"))
        self.end_instances()

    def test_metadata_goes_on_without_the_control_plane(self):
        group = self.group("alone", tcp(22))
        guest, = self.launch(KeyName="me", SecurityGroupIds=[group])
        self.wait_state(guest, "running")
        public = self.wait_public(guest)
        self.ssh(public, "true")
        self.cloud.lodged.kill()
        self.cloud.agent.kill()
        self.cloud.agent.start()
        self.assertEqual(guest, self.ssh(public, f"wget -qO- {METADATA}meta-data/instance-id"))
        self.cloud.start_lodged()

    def test_without_its_network_a_guest_does_not_start(self):
        self.cloud.wait_schedulable()  # lodged may have been started a moment ago
        self.cloud.ovn.kill("ovn-controller")
        try:
            # What is shown is what was heard; placement follows a moment later.
            eventually(20, lambda: "no working network" in self.cloud.explain(), self.cloud.logs)
            with self.refused("InsufficientInstanceCapacity", "network"):
                self.launch()
        finally:
            self.cloud.ovn.revive("ovn-controller")
            self.cloud.wait_schedulable()

    @unittest.skipUnless(os.environ.get("LODGE_TEST_DEBIAN"), "LODGE_TEST_DEBIAN=1 boots a full Debian, for some minutes")
    def test_debian_from_run_instances_to_ssh(self):
        facts = image_facts("lodge-debian-12")
        image = self.cloud.lodge_json("image", "import", facts["disk"], "--name", "lodge-debian-12", "--arch",
                                      facts["architecture"], "--format", facts["format"])["id"]
        group = self.group("debian", tcp(22))
        guest, = self.launch(ImageId=image, InstanceType="t3.micro", CpuOptions={"CoreCount": 1, "ThreadsPerCore": 2},
                             KeyName="me", SecurityGroupIds=[group], UserData="#!/bin/sh\nhostname > /run/user-data-ran\n",
                             BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"VolumeSize": 5}}])
        self.wait_state(guest, "running")
        public = self.wait_public(guest)
        name = self.describe(guest)["PrivateDnsName"].split(".")[0]
        self.assertEqual(name, self.ssh(public, "hostname", user="debian", seconds=600))
        eventually(120, lambda: self.ssh(public, "cat /run/user-data-ran 2>/dev/null || true", user="debian") == name,
                   "cloud-init ran the user-data")
        self.assertIn("ec2", self.ssh(public, "cloud-init query platform", user="debian").lower())
        size = int(self.ssh(public, "df --output=size --block-size=1M / | tail -n 1", user="debian"))
        self.assertGreater(size, 4700, "the root file system fills the volume, of which its own tables take some")
        self.check_device_names(guest, lambda command: self.ssh(public, command, user="debian"))

    def check_device_names(self, guest, ssh):
        volume = self.ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
        by_id = f"/dev/disk/by-id/virtio-{volume.replace('-', '')}"
        for device in ("/dev/sdf", "/dev/xvdg"):
            self.ec2.attach_volume(VolumeId=volume, InstanceId=guest, Device=device)
            eventually(60, lambda device=device: ssh(f"[ {by_id} -ef {device} ] && echo it is || true") == "it is",
                       lambda device=device: ssh(f"ls -l /dev/disk/by-id {device}; sudo journalctl -u 'lodge-volume-name*'"))
            if device == "/dev/sdf":
                ssh("echo 'start=2048' | sudo sfdisk -q /dev/sdf && sudo udevadm settle")
            self.assertEqual("", ssh(f"[ {by_id}-part1 -ef {device}1 ] || ls -l /dev/disk/by-id {device}*"))
            self.ec2.detach_volume(VolumeId=volume)
            eventually(60, lambda device=device: ssh(f"[ -e {device} ] || echo gone") == "gone", self.cloud.logs)
            self.ec2.get_waiter("volume_available").wait(VolumeIds=[volume])
        self.ec2.delete_volume(VolumeId=volume)
