#!/usr/bin/python3
"""RunInstances until the guest greets by SSH, as a ratio to the same image started by plain virsh. Needs root.

    tests/bench/boot.py [--image lodge-tiny|lodge-debian] [--rounds N]

The yardstick's guest is on a bridge with dnsmasq and a metadata service that answers out of files: the images ask for
that one alone. Both guests have one emulated processor and are started by the same private libvirtd, in turns.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOST_TESTS = os.path.normpath(f"{HERE}/../host")
sys.path.insert(0, HOST_TESTS)
sys.dont_write_bytecode = True

import ovn  # noqa: E402
import with_ovn  # noqa: E402
from cloud import Cloud, image_facts  # noqa: E402
from guests import Libvirt  # noqa: E402
from ovn import Here  # noqa: E402
from plain import Lan, address_of, mac_of  # noqa: E402
from programs import eventually  # noqa: E402

BOOT_SECONDS = 600
DOMAIN = """<domain type='qemu'><name>{name}</name><memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type>{boot}</os><features><acpi/></features><cpu mode='maximum'/>
<sysinfo type='smbios'><system><entry name='manufacturer'>Amazon EC2</entry><entry name='serial'>{uuid}</entry>
<entry name='uuid'>{uuid}</entry></system></sysinfo><uuid>{uuid}</uuid>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><source bridge='lan'/><mac address='{mac}'/><model type='virtio'/></interface>
<serial type='pty'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>"""
UUID = "ec2e1916-0000-4000-8000-00000000{:04x}"


class Neighbours(Lan):
    """The yardstick's network, in the namespace that libvirtd is in as well."""

    def __init__(self, folder, public_key):
        self.public_key = public_key
        super().__init__(folder, Here())

    def tell_all(self, number):
        self.tell(number, **{"meta-data__instance-id": f"i-{number:017x}", "meta-data__public-keys__": "0=me",
                             "meta-data__public-keys__0__openssh-key": self.public_key})


def until_greeted(address):
    """Seconds from now until an SSH server there says what it is."""
    begin = time.monotonic()

    def greets():
        try:
            with socket.create_connection((address(), 22), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except (OSError, TypeError):
            return False
    eventually(BOOT_SECONDS, greets, "SSH greets", pause=0.05)
    return time.monotonic() - begin


def by_virsh(libvirt, lan, image, number):
    """Seconds, with the making of the disk."""
    facts, name = image_facts(image), f"bench-{number}"
    disk = f"{lan.folder}/{name}.qcow2"
    lan.tell_all(number)
    begin = time.monotonic()
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", facts["disk"], disk], check=True)
    shutil.chown(disk, "libvirt-qemu")
    boot = ""
    if "kernel" in facts:
        boot = (f"<kernel>{facts['kernel']}</kernel><initrd>{facts['ramdisk']}</initrd>"
                f"<cmdline>{facts['cmdline']}</cmdline>")
    memory = 512 if image == "lodge-tiny" else 1024
    libvirt.virsh("create", "/dev/stdin", feed=DOMAIN.format(name=name, boot=boot, disk=disk, mac=mac_of(number), memory=memory,
                                                            uuid=UUID.format(number)))
    try:
        until_greeted(lambda: address_of(number))
        return time.monotonic() - begin
    finally:
        libvirt.virsh("destroy", name)


def by_lodge(cloud, ec2, image_id, instance_type, group):
    begin = time.monotonic()
    made = ec2.run_instances(ImageId=image_id, InstanceType=instance_type, MinCount=1, MaxCount=1, KeyName="me", SecurityGroupIds=[group],
                             CpuOptions={"CoreCount": 1, "ThreadsPerCore": 1})["Instances"][0]["InstanceId"]
    describe = lambda: ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]  # noqa: E731
    public = eventually(30, lambda: describe().get("PublicIpAddress"), cloud.logs, pause=0.05)
    try:
        until_greeted(lambda: public)
        return time.monotonic() - begin
    finally:
        ec2.terminate_instances(InstanceIds=[made])
        eventually(60, lambda: describe()["State"]["Name"] == "terminated", cloud.logs)


def import_image(cloud, name):
    if name == "lodge-tiny":
        return cloud.image_id
    facts = image_facts(name)
    return cloud.lodge_json("image", "import", facts["disk"], "--name", name, "--arch", facts["architecture"])["id"]


def measure(args, folder):
    key = f"{folder}/key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with open(f"{key}.pub", encoding="ascii") as file:
        public_key = file.read().strip()
    libvirt = Libvirt()
    lan = Neighbours(f"{folder}/lan", public_key)
    cloud = Cloud(with_network=True)
    try:
        cloud.open()
        ec2 = cloud.client()
        ec2.import_key_pair(KeyName="me", PublicKeyMaterial=public_key.encode())
        group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
        image_id = import_image(cloud, args.image)
        instance_type = "t3.nano" if args.image == "lodge-tiny" else "t3.micro"
        virsh, lodge = [], []
        for i in range(args.rounds + 1):
            virsh.append(by_virsh(libvirt, lan, args.image, 10 + i))
            lodge.append(by_lodge(cloud, ec2, image_id, instance_type, group))
        # The first of each brings files into the page cache and the image to the host.
        plain, ours = statistics.median(virsh[1:]), statistics.median(lodge[1:])
        print(f"{args.image} until SSH greets: virsh {plain:.2f} s, RunInstances {ours:.2f} s, ratio {ours / plain:.2f}")
    finally:
        cloud.close()
        lan.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", default="lodge-tiny")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if "LODGE_LIBVIRT_URI" in os.environ:
        return measure(args, os.environ["LODGE_HOST_TEST_DIR"])
    reason = ovn.why_not()
    if reason:
        sys.exit(f"this machine lacks what it takes: {reason}")
    ovn.install()
    subprocess.run([f"{HERE}/../../deploy/images/build", args.image.removeprefix("lodge-"), "--out",
                    os.environ.get("LODGE_IMAGES", "/var/tmp/lodge-images")], check=True)
    with tempfile.TemporaryDirectory(prefix="lodge-bench-", dir="/var/tmp") as folder, \
            tempfile.TemporaryDirectory(prefix="lodge-ovn-run-", dir="/var/tmp") as rundir:
        os.chmod(folder, 0o711)
        environment = {**with_ovn.environment(rundir), "LODGE_HOST_TEST_DIR": folder}
        command = [*ovn.ENCLOSED, f"{HOST_TESTS}/libvirtd.py", sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
