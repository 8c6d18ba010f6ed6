"""Guests by plain QEMU, without libvirt and without Lodge, on a network of the test's own: a namespace with a bridge,
dnsmasq and a metadata service. Nothing of it touches the machine's network; all of it ends with the thread that began it.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import uuid

from ovn import Namespace
from programs import Program, eventually, tail

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = os.environ.get("LODGE_IMAGES", "/var/tmp/lodge-images")
NETWORK, NETWORK6 = "10.0.0", "fd00:10:0:1:"
SERVICE = "169.254.169.254"
WRONG_ROUTER = f"{NETWORK}.99"  # what the router option says: who takes classless routes must not believe it
MTU = 1442
DOMAIN = "ec2.internal"


def image_facts(name):
    with open(f"{IMAGES}/{name}.json", encoding="utf-8") as file:
        return json.load(file)


def mac_of(number):
    return f"02:00:00:00:00:{number:02x}"


def address_of(number):
    return f"{NETWORK}.{number}"


def name_of(number):
    return f"ip-{address_of(number).replace('.', '-')}"


class Lan:
    """The network. Guests have numbers, 10 to 99: theirs are mac_of() and address_of() it."""

    def __init__(self, folder, namespace=None):
        self.folder, self.namespace = folder, namespace or Namespace()
        self.dhcp = self.imds = None
        os.makedirs(f"{folder}/facts")
        os.chmod(folder, 0o755)
        try:
            self.make_bridge()
            self.imds = self.program("imds", "/usr/bin/python3", f"{HERE}/fake_imds.py", SERVICE, f"{folder}/facts")
            self.imds.start()
            self.start_dhcp()
        except BaseException:
            self.stop()
            raise

    def program(self, name, *command):
        return Program(name, self.namespace.command(*command), f"{self.folder}/{name}.log")

    def make_bridge(self):
        self.namespace.run("ip", "link", "add", "lan", "type", "bridge")
        for address in (f"{NETWORK}.1/24", f"{SERVICE}/32", f"{NETWORK6}:1/64"):
            self.namespace.run("ip", "address", "add", address, "dev", "lan", *(["nodad"] if ":" in address else []))
        self.namespace.run("ip", "link", "set", "lan", "up")

    def start_dhcp(self, mtu=MTU):
        """Classless routes as Lodge gives them: the metadata service without a gateway, the rest by .1."""
        options = [f"121,{SERVICE}/32,0.0.0.0,0.0.0.0/0,{NETWORK}.1", f"3,{WRONG_ROUTER}", f"26,{mtu}", f"6,{NETWORK}.1"]
        self.dhcp = self.program(
            "dnsmasq", "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--user=root",
            "--interface=lan", "--bind-interfaces", "--no-resolv", "--no-hosts", "--no-ping", "--pid-file=",
            f"--domain={DOMAIN}", f"--dhcp-leasefile={self.folder}/leases", "--dhcp-authoritative", "--log-dhcp",
            f"--dhcp-range={NETWORK}.100,{NETWORK}.150,255.255.255.0,1h",
            *[f"--dhcp-host={mac_of(number)},{address_of(number)}" for number in range(10, 100)],
            "--enable-ra", f"--dhcp-range={NETWORK6}:100,{NETWORK6}:150,64,1h",  # stateful, as Lodge's subnets are
            *[f"--dhcp-option-force={each}" for each in options])
        self.dhcp.start()

    def tell(self, number, **facts):
        """What the metadata service says to a guest; __ stands for /, _ for -. user_data is bytes."""
        name, nic = f"{name_of(number)}.{DOMAIN}", f"meta-data/network/interfaces/macs/{mac_of(number)}"
        told = {
            "meta-data/local-ipv4": address_of(number), "meta-data/local-hostname": name, "meta-data/hostname": name,
            "meta-data/mac": mac_of(number), "meta-data/placement/availability-zone": "us-east-1a",
            f"{nic}/device-number": "0", f"{nic}/local-ipv4s": address_of(number), f"{nic}/mac": mac_of(number),
            f"{nic}/subnet-ipv4-cidr-block": f"{NETWORK}.0/24",
            "dynamic/instance-identity/document": json.dumps({"region": "us-east-1"}),
        }
        for key, value in facts.items():
            key = key.replace("__", "/").replace("_", "-")
            told[key] = base64.b64encode(value).decode() if key == "user-data" else value
        with open(f"{self.folder}/facts/{address_of(number)}.json", "w", encoding="utf-8") as file:
            json.dump(told, file)

    def add_tap(self, name):
        self.namespace.run("ip", "tuntap", "add", name, "mode", "tap")
        self.namespace.run("ip", "link", "set", name, "master", "lan", "up")

    def stop(self):
        for each in (self.dhcp, self.imds):
            if each:
                each.kill()
        self.namespace.stop()

    def logs(self):
        return "".join(f"--- {name}\n{tail(f'{self.folder}/{name}.log', 40)}" for name in ("imds", "dnsmasq"))


class PlainGuest:
    """One guest: its disk is a copy on write of the image's, kept from boot to boot."""

    def __init__(self, lan, number, image, instance_id, *, memory_mib=256, disk=None):
        self.lan, self.number, self.image, self.memory_mib = lan, number, image, memory_mib
        self.instance_id = instance_id
        self.folder = f"{lan.folder}/guest-{number}-{instance_id}"
        os.mkdir(self.folder)
        self.disk, self.log = f"{self.folder}/disk.qcow2", f"{self.folder}/console"
        self.nics, self.boots, self.program = [], 0, None
        if disk:
            shutil.copyfile(disk, self.disk)
        else:
            backing = f"{IMAGES}/{image_facts(image)['disk']}"
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", backing, self.disk], check=True)

    # --- The machine --------------------------------------------------------------------------------------------

    def command(self):
        facts = image_facts(self.image)
        system = "ec2" + str(uuid.uuid5(uuid.NAMESPACE_OID, self.instance_id))[3:]
        boot = []
        if "kernel" in facts:
            boot = ["-kernel", f"{IMAGES}/{facts['kernel']}", "-initrd", f"{IMAGES}/{facts['ramdisk']}", "-append",
                    facts["cmdline"]]
        nics = []
        for nic in self.nics:
            nics += ["-netdev", f"tap,id={nic},ifname={nic},script=no,downscript=no", "-device",
                     f"virtio-net-pci,netdev={nic},id=nic-{nic},mac={mac_of(self.number)}"]
        return ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "1", "-m",
                str(self.memory_mib), "-nodefaults", "-display", "none", "-no-user-config", *boot,
                "-smbios", f"type=1,manufacturer=Amazon EC2,uuid={system},serial={system}",
                "-smbios", f"type=2,manufacturer=Amazon EC2,asset={self.instance_id}",
                "-drive", f"if=virtio,format=qcow2,file={self.disk}", "-device", "virtio-rng-pci",
                "-chardev", f"file,id=console,path={self.log},append=on", "-serial", "chardev:console",
                "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                "-device", "pcie-root-port,id=free-slot,chassis=1", *nics]

    def start(self, nic=True):
        self.boots += 1
        if nic and not self.nics:
            self.nics.append(f"tap{self.number}")
            self.lan.add_tap(self.nics[0])
        self.program = self.lan.program(f"guest-{self.number}", *self.command())
        self.program.start()
        return self

    def qmp(self, command, **arguments):
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw", encoding="utf-8") as stream:
            connection.settimeout(30)
            connection.connect(f"{self.folder}/qmp")
            stream.readline()  # the greeting
            for each in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(each) + "\n")
                stream.flush()
                answer = json.loads(stream.readline())
                while "event" in answer:
                    answer = json.loads(stream.readline())
                if "error" in answer:
                    raise AssertionError(f"{command}: {answer['error']}")
            return answer["return"]

    def plug(self, number):
        """Adds a network interface with another guest's number while this one runs."""
        tap = f"tap{number}"
        self.lan.add_tap(tap)
        self.qmp("netdev_add", type="tap", id=tap, ifname=tap, script="no", downscript="no")
        self.qmp("device_add", driver="virtio-net-pci", netdev=tap, id=f"nic-{tap}", mac=mac_of(number), bus="free-slot")

    def unplug(self, number):
        self.qmp("device_del", id=f"nic-tap{number}")

    def power_off(self, seconds=60):
        """By the power button."""
        self.qmp("system_powerdown")
        eventually(seconds, lambda: not self.program.running(), lambda: f"{self.instance_id} is off\n{self.console()}")

    def stop(self):
        if self.program:
            self.program.kill()

    # --- What it says -------------------------------------------------------------------------------------------

    def console(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read().replace("\r", "")
        except FileNotFoundError:
            return ""

    def wait_console(self, text, times=1, seconds=180):
        def heard():
            self.program.check()
            return self.console().count(text) >= times
        eventually(seconds, heard, lambda: f"{text!r} {times} times on the console:\n{self.console()}\n{self.lan.logs()}")

    def ssh(self, key, *command, user="root", known_hosts=None, number=None):
        """The finished process; `known_hosts` is a line's part behind the address, and then the only one believed."""
        believed = f"{self.folder}/known_hosts"
        with open(believed, "w", encoding="ascii") as file:
            file.write(f"guest {known_hosts}\n" if known_hosts else "")
        options = [f"StrictHostKeyChecking={'yes' if known_hosts else 'no'}", "IdentitiesOnly=yes", "LogLevel=ERROR",
                   f"UserKnownHostsFile={believed}", "HostKeyAlias=guest", "BatchMode=yes", "ConnectTimeout=20",
                   "GlobalKnownHostsFile=/dev/null"]
        words = ["ssh", "-F", "none", "-i", key, *[word for each in options for word in ("-o", each)],
                 f"{user}@{address_of(number or self.number)}", *command]
        return subprocess.run(self.lan.namespace.command(*words), capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=600)
