#!/usr/bin/python3
"""The guest images themselves, without Lodge: network, metadata, keys, user-data, by plain QEMU (plain.py)."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from plain import DOMAIN, IMAGES, MTU, NETWORK, NETWORK6, SERVICE, Lan, PlainGuest, address_of, mac_of, name_of  # noqa: E402
from programs import eventually  # noqa: E402

SCRIPT = b"""#!/bin/sh
echo "first words of $(hostname)"
mkdir /run/www && echo served >/run/www/index.html && httpd -h /run/www
printf 'no line end'
exit 3
"""


def why_not():
    if os.geteuid() != 0:
        return "they need root"
    for name in ("dnsmasq", "qemu-system-x86_64", "ssh", "ssh-keygen"):
        if not shutil.which(name):
            return f"there is no {name}"
    probe = "ip link add x1 type bridge && ip tuntap add x2 mode tap"
    done = subprocess.run(["unshare", "--net", "sh", "-c", probe], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"namespaces, bridge, tap: {done.stderr.strip()}"


class LanTest(unittest.TestCase):
    """A network and two key pairs for all tests of a class; each test has guests of its own."""

    image = "lodge-tiny"
    memory_mib = 256

    @classmethod
    def setUpClass(cls):
        reason = why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.folder = tempfile.mkdtemp(prefix="lodge-image-test-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in ("owner", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", name, "-f", f"{cls.folder}/{name}"],
                           check=True)
        with open(f"{cls.folder}/owner.pub", encoding="ascii") as file:
            cls.public_key = file.read().strip()
        cls.lan = Lan(f"{cls.folder}/lan")
        cls.addClassCleanup(cls.lan.stop)

    def guest(self, number, instance_id="i-0123456789abcdef0", **more):
        made = PlainGuest(self.lan, number, self.image, instance_id, memory_mib=self.memory_mib, **more)
        self.addCleanup(made.stop)
        return made

    def tell(self, guest, key=True, **more):
        keys = {"meta-data__public-keys__": "0=my-key", "meta-data__public-keys__0__openssh-key": self.public_key}
        self.lan.tell(guest.number, **{"meta-data__instance-id": guest.instance_id, **(keys if key else {}), **more})

    def inside(self, guest, command, **more):
        """What the command prints in there, where the key's owner runs it."""
        done = guest.ssh(f"{self.folder}/owner", command, **more)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}\n{guest.console()}")
        return done.stdout.strip()

    def fetch(self, url):
        return self.lan.namespace.run("curl", "-sf", "--noproxy", "*", "--max-time", "20", url).strip()


class TinyTest(LanTest):
    @classmethod
    def setUpClass(cls):
        build = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/images/build")
        subprocess.run([build, "tiny", "--out", IMAGES], check=True, stdout=subprocess.DEVNULL)
        super().setUpClass()

    def lines(self, guest):
        """What the image says, without its prefix."""
        return [line.partition("lodge-tiny: ")[2] for line in guest.console().splitlines() if "lodge-tiny: " in line]

    def hears(self, guest, line, **more):
        guest.wait_console(f"lodge-tiny: {line}", **more)

    def host_key(self, guest):
        return re.search("host key (ssh-ed25519 .*)", guest.console()).group(1)

    def test_first_boot_and_second(self):
        guest = self.guest(10)
        self.tell(guest, user_data=SCRIPT)
        guest.start()
        self.hears(guest, "user-data ran, exit 3\n")
        self.check_first_words(guest)
        self.check_network(guest)
        self.check_logins(guest)
        self.assertEqual(self.fetch(f"http://{address_of(10)}/"), "served")
        key = self.host_key(guest)
        guest.power_off()
        guest.start()
        self.hears(guest, "user-data ran at an earlier boot\n")
        self.assertEqual(guest.console().count("first words"), 1)
        self.assertEqual(self.inside(guest, "cat /root-disk/boots", known_hosts=key), "2")
        self.check_another_instance_of_the_same_disk(guest, key)

    def check_first_words(self, guest):
        lines = self.lines(guest)
        for line in (f"eth0 {address_of(10)}/24 via {NETWORK}.1 mtu {MTU}", "metadata version 2", f"hostname {name_of(10)}",
                     "key my-key installed", "ready"):
            self.assertIn(line, lines)
        console = guest.console()
        self.assertIn(f"user-data: first words of {name_of(10)}\n", console)
        self.assertIn("user-data: no line end\n", console)

    def check_network(self, guest):
        routes = self.inside(guest, "ip route")
        self.assertRegex(routes, f"default via {NETWORK}.1 dev eth0")
        self.assertRegex(routes, rf"{SERVICE} dev eth0 +scope link")
        self.assertNotIn(f"{NETWORK}.99", routes)
        resolver = self.inside(guest, "cat /etc/resolv.conf").splitlines()
        self.assertEqual(resolver, [f"search {DOMAIN}", f"nameserver {NETWORK}.1"])
        self.assertEqual(self.inside(guest, "hostname -f"), f"{name_of(10)}.{DOMAIN}")
        self.hears(guest, f"eth0 {NETWORK6}:1", seconds=30)
        self.assertRegex(self.inside(guest, "ip -6 route"), "default via fe80:.* dev eth0")

    def check_logins(self, guest):
        key = self.host_key(guest)
        self.assertEqual(self.inside(guest, "id -un", known_hosts=key), "root")
        self.assertEqual(self.inside(guest, "id -un; pwd", known_hosts=key, user="ec2-user"),
                         "ec2-user\n/root-disk/home/ec2-user")
        for user in ("root", "ec2-user"):
            refused = guest.ssh(f"{self.folder}/stranger", "true", user=user)
            self.assertEqual(refused.returncode, 255)
            self.assertIn("Permission denied (publickey)", refused.stderr)

    def check_another_instance_of_the_same_disk(self, first, key):
        """As if an image had been made of it: user-data runs again, and the host's key is a new one."""
        first.power_off()
        other = self.guest(11, "i-0fedcba9876543210", disk=first.disk)
        self.tell(other, user_data=b"#!/bin/sh\necho again\n")
        other.start()
        self.hears(other, "user-data ran, exit 0\n")
        self.assertIn("user-data: again\n", other.console())
        self.assertNotEqual(self.host_key(other), key)

    def test_without_a_network_interface_it_is_ready_at_once(self):
        guest = self.guest(12).start(nic=False)
        self.hears(guest, "ready\n")
        self.assertIn("no network interface", self.lines(guest))

    def test_dhcp_that_comes_late_and_changes_its_mind(self):
        self.lan.dhcp.kill()
        guest = self.guest(13)
        self.tell(guest)
        guest.start()
        self.hears(guest, "eth0: no DHCP server answers yet\n")
        self.hears(guest, "ready\n")
        self.lan.start_dhcp()
        self.hears(guest, "key my-key installed\n")
        self.assertIn(f"eth0 {address_of(13)}/24 via {NETWORK}.1 mtu {MTU}", self.lines(guest))
        self.lan.dhcp.kill()
        self.lan.start_dhcp(mtu=1400)
        self.addCleanup(self.lan.start_dhcp)
        self.addCleanup(lambda: self.lan.dhcp.kill())
        self.inside(guest, "killall -USR1 udhcpc")  # as when half of the lease is over
        self.hears(guest, f"eth0 {address_of(13)}/24 via {NETWORK}.1 mtu 1400\n")
        self.assertEqual(self.inside(guest, "cat /sys/class/net/eth0/mtu"), "1400")

    def test_metadata_version_1_no_key_and_data_that_is_no_script(self):
        guest = self.guest(14)
        self.tell(guest, key=False, version=1, user_data=b"\x1f\x8b\0\0#!/bin/sh\n")
        guest.start()
        self.hears(guest, "user-data ignored: it is not a script that starts with #!\n")
        self.assertIn("metadata version 1", self.lines(guest))
        self.assertIn("no key pair", self.lines(guest))
        self.assertEqual(guest.ssh(f"{self.folder}/owner", "true").returncode, 255)

    def test_script_for_a_program_that_is_not_there(self):
        guest = self.guest(15)
        self.tell(guest, user_data=b"#!/bin/bash\necho never\n")
        guest.start()
        self.hears(guest, "user-data ignored: there is no /bin/bash here\n")

    def test_interface_comes_and_goes(self):
        guest = self.guest(16)
        self.tell(guest)
        guest.start()
        self.hears(guest, "no user-data\n")
        guest.plug(17)
        self.hears(guest, f"eth1 {address_of(17)}/24 via {NETWORK}.1 mtu {MTU}\n", seconds=60)
        for nic in ("eth0", "eth1"):
            self.hears(guest, f"{nic} {NETWORK6}:1", seconds=60)
        # Two interfaces in one network: each answers for itself, with its own MAC.
        for number in (16, 17):
            # The kernel may have dropped a neighbour that was not spoken with for a while.
            self.assertEqual(self.inside(guest, "hostname", number=number), name_of(16))
            self.assertRegex(self.lan.namespace.run("ip", "neighbour"),
                             f"{re.escape(address_of(number))} dev lan lladdr {mac_of(number)}")
        guest.unplug(17)
        self.hears(guest, "eth1 gone\n", seconds=60)
        eventually(20, lambda: "eth1" not in self.inside(guest, "ip route; ip rule; ls /run/net"), "eth1 is forgotten")
        guest.plug(18)
        self.hears(guest, f"eth1 {address_of(18)}/24 via {NETWORK}.1 mtu {MTU}\n", seconds=60)


@unittest.skipUnless(os.environ.get("LODGE_TEST_DEBIAN") == "1", "takes minutes: set LODGE_TEST_DEBIAN=1")
class DebianTest(LanTest):
    image = "lodge-debian-12"
    memory_mib = 1024

    def test_first_boot_and_second(self):
        self.assertTrue(os.path.exists(f"{IMAGES}/{self.image}.json"), f"deploy/images/build debian --out {IMAGES}")
        guest = self.guest(20)
        self.tell(guest, user_data=b"#!/bin/bash\nhostname -f >>/root/ran\n")
        for boot in (1, 2):
            guest.start()
            self.wait_ready(guest, boot)
            self.check(guest)
            if boot == 1:
                guest.power_off(300)
        guest.plug(21)
        eventually(120, lambda: address_of(21) in self.debian(guest, "ip -4 address"), "the new interface has an address")

    def debian(self, guest, command):
        return self.inside(guest, command, user="debian")

    def wait_ready(self, guest, boot):
        guest.wait_console("login:", times=boot, seconds=900)
        owner = f"{self.folder}/owner"
        eventually(300, lambda: guest.ssh(owner, "true", user="debian").returncode == 0, guest.console, pause=2)
        self.assertEqual(self.debian(guest, "cloud-init status --wait").splitlines()[-1], "status: done")

    def check(self, guest):
        self.assertIn("DataSourceEc2", self.debian(guest, "cat /run/cloud-init/status.json"))
        self.assertEqual(self.debian(guest, "sudo cat /root/ran"), f"{name_of(20)}.{DOMAIN}")
        routes = self.debian(guest, "ip route")
        self.assertRegex(routes, f"default via {NETWORK}.1")
        self.assertRegex(routes, f"{SERVICE} dev")
        self.assertNotIn(f"{NETWORK}.99", routes)
        self.assertIn(f"mtu {MTU}", self.debian(guest, "ip link"))
        self.assertIn(f"inet6 {NETWORK6}:1", self.debian(guest, "ip -6 address"))
        self.assertRegex(self.debian(guest, "cat /etc/resolv.conf"), f"search {DOMAIN}")
        refused = guest.ssh(f"{self.folder}/stranger", "true", user="debian")
        self.assertIn("Permission denied (publickey)", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
