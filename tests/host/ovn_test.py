#!/usr/bin/python3
"""deploy/ovn itself, without Lodge: two simulated hosts, guests that are namespaces, and Geneve in between."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import ovn as simulation  # noqa: E402
from guests import processes_with  # noqa: E402
from programs import Program, eventually  # noqa: E402

NETWORK = "10.0.0"
LEASE_SCRIPT = """#!/bin/sh
[ "$1" != bound ] || ip address replace "$ip/$mask" dev "$interface"
[ "$1" != bound ] || echo "ip=$ip mask=$mask router=$router dns=$dns mtu=$mtu hostname=$hostname"
"""


def namespaces_in_use():
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:
            pass
    return found


def make_folder(add_cleanup):
    """Of one test, or of a class; skips where the machine lacks means."""
    reason = simulation.why_not()
    if reason:
        raise unittest.SkipTest(reason)
    simulation.install()
    folder = tempfile.mkdtemp(prefix="lodge-ovn-test-", dir="/var/tmp")
    add_cleanup(shutil.rmtree, folder)
    return folder


class OvnTest(unittest.TestCase):
    """One OVN with two hosts, and a guest on each, for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.folder = make_folder(cls.addClassCleanup)
        cls.ovn = simulation.Ovn(f"{cls.folder}/ovn", "h-1", "h-2")
        cls.guests = []
        cls.addClassCleanup(cls.stop_all)
        cls.ovn.start()
        cls.make_network()

    @classmethod
    def stop_all(cls):
        for each in cls.guests:
            each.stop()
        cls.ovn.stop()

    @classmethod
    def make_network(cls):
        options = cls.ovn.nbctl("create", "DHCP_Options", f"cidr={NETWORK}.0/24", f'options:server_id="{NETWORK}.1"',
                                'options:server_mac="0e:00:00:00:00:01"', 'options:lease_time="3600"',
                                f'options:router="{NETWORK}.1"', f'options:dns_server="{NETWORK}.2"',
                                f'options:mtu="{simulation.MTU}"')
        cls.ovn.nbctl("ls-add", "subnet")
        for number, host in enumerate(cls.ovn.chassis.values(), start=10):
            port, mac = f"port-{number}", f"0e:00:00:00:00:{number}"
            cls.ovn.nbctl("lsp-add", "subnet", port, "--", "lsp-set-addresses", port, f"{mac} {NETWORK}.{number}", "--",
                          "lsp-set-port-security", port, f"{mac} {NETWORK}.{number}", "--",
                          "lsp-set-dhcpv4-options", port, options)
            cls.guests.append(host.plug(port, mac))
        cls.ovn.sync()
        script = f"{cls.folder}/lease"
        with open(script, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
            file.write(LEASE_SCRIPT)
        cls.leases = [each.run("busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "5", "-T", "1", "-O", "mtu",
                               "-s", script) for each in cls.guests]

    def test_dhcp_answers(self):
        for number, lease in enumerate(self.leases, start=10):
            self.assertEqual(lease.strip(), f"ip={NETWORK}.{number} mask=24 router={NETWORK}.1 dns={NETWORK}.2 "
                             f"mtu={simulation.MTU} hostname=")

    def test_guests_on_two_hosts_ping_each_other_through_geneve(self):
        tunnels = self.ovn.chassis["h-1"].vsctl("--bare", "--columns=options", "find", "Interface", "type=geneve")
        self.assertIn(f"remote_ip={simulation.UNDERLAY}.2", tunnels)
        # The first packet of all may be lost to the search for the other host's MAC address.
        eventually(10, lambda: self.answers(self.guests[0], f"{NETWORK}.11"), "an answer")
        answer = self.guests[0].run("busybox", "ping", "-c", "2", "-W", "5", f"{NETWORK}.11")
        self.assertIn("2 packets transmitted, 2 packets received", answer)
        whole = self.guests[0].run("busybox", "ping", "-c", "1", "-W", "5", "-s", str(simulation.MTU - 28), f"{NETWORK}.11")
        self.assertIn("1 packets received", whole)

    def test_tcp_carries_a_megabyte_unharmed(self):  # which takes userspace-tso-enable
        sent, received = os.urandom(1 << 20), f"{self.folder}/received"
        listen = self.guests[1].command("busybox", "nc", "-l", "-p", "5000")
        with open(received, "wb") as file:
            server = subprocess.Popen(listen, stdin=subprocess.PIPE, stdout=file)  # an input that ended would end it
        for cleanup in (server.wait, server.kill, server.stdin.close):
            self.addCleanup(cleanup)
        connect = self.guests[0].command("busybox", "nc", "-w", "10", f"{NETWORK}.11", "5000")
        eventually(10, lambda: subprocess.run(connect, input=sent, capture_output=True, timeout=60,
                                              check=False).returncode == 0, "a connection")
        server.wait(timeout=10)
        with open(received, "rb") as file:
            self.assertTrue(file.read() == sent)

    def test_a_guest_does_not_reach_its_hosts_own_addresses_past_ovn(self):
        host, guest = self.ovn.chassis["h-1"], self.guests[0]
        device = host.vsctl("--bare", "--columns=name", "find", "Interface", "external_ids:iface-id=port-10")
        (link,) = json.loads(host.namespace.run("ip", "-j", "link", "show", device))
        host.namespace.run("ip", "route", "replace", f"{NETWORK}.10/32", "dev", device)
        guest.run("ip", "route", "replace", f"{host.address}/32", "dev", "eth0")
        host.namespace.run("nft", "flush", "ruleset")
        self.assertEqual(self.answers(guest, host.address), 1)  # so there is a way, which the rules have to close
        simulation.run(*host.serve("configure"))
        self.assertEqual(self.answers(guest, host.address), 0)
        guest.run("ip", "neigh", "flush", "all")
        self.assertEqual(self.answers(guest, host.address), 0)  # the host does not tell its taps' addresses either
        guest.run("ip", "neigh", "replace", host.address, "lladdr", link["address"], "dev", "eth0")
        self.assertEqual(self.answers(guest, host.address), 0)

    @staticmethod
    def answers(guest, address):
        done = subprocess.run(guest.command("busybox", "ping", "-c", "1", "-W", "1", address), capture_output=True,
                              text=True, check=False)
        return int("1 packets received" in done.stdout)

    def test_a_switch_that_was_killed_carries_again(self):
        host = self.ovn.chassis["h-1"]
        host.programs["ovs-vswitchd"].kill()
        host.start("ovs-vswitchd")
        simulation.run(*host.serve("configure"))
        host.start_underlay("uplink")
        self.ovn.sync()
        eventually(10, lambda: self.answers(self.guests[0], f"{NETWORK}.11"), "an answer through the new switch")


class TlsTest(unittest.TestCase):
    """Hosts that reach the databases through the network, as deploy/up --agent-only does."""

    def setUp(self):
        self.folder = make_folder(self.addCleanup)
        self.openssl("req", "-x509", "-nodes", "-subj", "/CN=authority", "-keyout", f"{self.folder}/ca.key", "-out",
                     f"{self.folder}/ca.pem")

    def openssl(self, *arguments):
        key = [] if arguments[0] != "req" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        simulation.run("openssl", arguments[0], *key, *arguments[1:])

    def certificate(self, common_name, use):
        """A folder with what a host, or the control plane, has."""
        folder = f"{self.folder}/{common_name}"
        os.makedirs(folder)
        shutil.copy(f"{self.folder}/ca.pem", folder)
        with open(f"{folder}/extensions", "w", encoding="ascii") as file:
            file.write(f"extendedKeyUsage={use}\n")
        self.openssl("req", "-nodes", "-subj", f"/CN={common_name}", "-keyout", f"{folder}/host.key", "-out",
                     f"{folder}/request")
        self.openssl("x509", "-req", "-in", f"{folder}/request", "-CA", f"{folder}/ca.pem", "-CAkey",
                     f"{self.folder}/ca.key", "-CAcreateserial", "-extfile", f"{folder}/extensions", "-out",
                     f"{folder}/host.pem")
        return folder

    def test_a_host_gets_in_under_the_name_in_its_certificate_alone(self):
        with simulation.Ovn(f"{self.folder}/ovn") as ovn:
            own = self.certificate("lodged", "serverAuth")
            ovn.sbctl("set-ssl", f"{own}/host.key", f"{own}/host.pem", f"{own}/ca.pem", "--", "set-connection",
                      "role=ovn-controller", "pssl:6642:0.0.0.0")
            remote = f"ssl:{simulation.UNDERLAY}.254:6642"
            thief = ovn.add_chassis("h-1", REMOTE=remote, TLS_DIR=self.certificate("h-2", "clientAuth"))
            host = ovn.add_chassis("h-3", REMOTE=remote, TLS_DIR=self.certificate("h-3", "clientAuth"))
            known = lambda: ovn.sbctl("--bare", "--columns=name", "list", "Chassis").split()  # noqa: E731
            eventually(20, lambda: known() == ["h-3"], known)
            ovn.nbctl("ls-add", "subnet", "--", "lsp-add", "subnet", "port")
            host.plug("port", "0e:00:00:00:00:10").stop()
            eventually(20, lambda: "OVNSB commit failed" in thief.logs(20), lambda: thief.logs(20))
            thief.stop()  # it tries without a pause
            self.assertEqual(known(), ["h-3"])


class SwitchTest(unittest.TestCase):
    """One switch alone, through its ends and beginnings."""

    def setUp(self):
        self.folder = make_folder(self.addCleanup)
        self.namespace = simulation.Namespace()
        self.addCleanup(self.namespace.stop)
        self.host = simulation.Chassis("h-1", "198.51.100.1", folder=self.folder, namespace=self.namespace,
                                       PUBLIC_POOL="198.19.64.0/22", IPV6_POOL="fd6c:6f64:6700::/40")
        self.addCleanup(self.host.stop)
        self.namespace.run("ip", "link", "add", "uplink", "type", "bridge")
        self.namespace.run("ip", "address", "add", "198.51.100.1/24", "dev", "uplink")
        self.namespace.run("ip", "link", "set", "uplink", "up")
        self.namespace.run("ip", "route", "add", "default", "via", "198.51.100.254")
        # As one by a router's advertisement.
        self.namespace.run("ip", "-6", "route", "add", "default", "via", "fe80::fe", "dev", "uplink", "proto", "ra")
        self.host.start_switch()
        self.host.vsctl("add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev")
        for name, ids in (("guest", ["external_ids:iface-id=port"]), ("operators", [])):
            self.namespace.run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}-peer")
            self.host.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, "type=system", *ids)

    def start_anew(self):
        self.host.stop()
        self.host.start_switch()

    def ports(self):
        return set(self.host.vsctl("list-ports", "br-int").split())

    def test_a_switch_started_anew_keeps_guests_ports(self):
        self.start_anew()
        self.assertEqual(self.ports(), {"guest", "operators"})

    def test_guests_ports_are_gone_after_clear_and_after_a_boot(self):
        simulation.run(*self.host.serve("clear"))
        self.start_anew()
        self.assertEqual(self.ports(), {"operators"})
        self.host.vsctl("add-port", "br-int", "guest", "--", "set", "Interface", "guest", "external_ids:iface-id=port")
        self.host.vsctl("set", "Open_vSwitch", ".", "external_ids:lodge-boot=another")
        self.start_anew()
        self.assertEqual(self.ports(), {"operators"})

    def test_the_bridge_to_the_outside_is_as_before_after_each_start(self):
        wanted = ("0e:6c:6f:64:67:65", "198.19.64.1/22")
        self.assertEqual(self.outside(), wanted)
        self.start_anew()
        self.assertEqual(self.outside(), wanted)
        rules = self.namespace.run("nft", "list", "table", "inet", "lodge")
        self.assertIn("ip saddr 198.19.64.0/22 oifname != \"br-lodge-public\" masquerade", rules)
        self.assertIn("ip6 saddr fd6c:6f64:6700::/40 oifname != \"br-lodge-public\" masquerade", rules)
        self.assertEqual(rules.count("masquerade"), 2)
        self.assertEqual(self.outside6(), ["fd6c:6f64:6700::1/40"])

    def outside6(self):
        (link,) = json.loads(self.namespace.run("ip", "-j", "-6", "address", "show", "br-lodge-public", "scope", "global"))
        return [f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"] if each]

    def test_a_prefix_that_is_routed_here_is_not_translated(self):
        self.host.settings["IPV6_POOL"] = "2001:db8:100::/40"
        self.host.write_config()
        simulation.run(*self.host.serve("configure"))
        self.assertEqual(self.outside6(), ["2001:db8:100::1/40"])
        self.assertNotIn("ip6 saddr", self.namespace.run("nft", "list", "table", "inet", "lodge"))

    def outside(self):
        (link,) = json.loads(self.namespace.run("ip", "-j", "-4", "address", "show", "br-lodge-public"))
        (address,) = link["addr_info"]
        (device,) = json.loads(self.namespace.run("ip", "-j", "link", "show", "br-lodge-public"))
        return device["address"], f"{address['local']}/{address['prefixlen']}"

    def test_clear_leaves_nothing_of_configure(self):
        for _ in range(2):
            simulation.run(*self.host.serve("clear"))
            self.assertEqual(self.namespace.run("nft", "list", "ruleset"), "")
            self.assertEqual(self.forwarding("uplink"), "0")
            self.assertEqual((self.sysctl6("all", "forwarding"), self.sysctl6("uplink", "accept_ra")), ("0", "1"))
            self.assertNotIn("br-", self.namespace.run("ip", "link"))

    def forwarding(self, device):
        return self.namespace.run("cat", f"/proc/sys/net/ipv4/conf/{device}/forwarding").strip()

    def sysctl6(self, device, name):
        return self.namespace.run("cat", f"/proc/sys/net/ipv6/conf/{device}/{name}").strip()

    def test_ipv6_is_forwarded_from_and_to_the_bridge_alone_and_routers_are_still_heard(self):
        self.assertEqual(self.sysctl6("all", "forwarding"), "1")
        drop = 'meta nfproto ipv6 iifname != "br-lodge-public" oifname != "br-lodge-public" drop'
        for _ in range(2):
            self.assertIn(drop, self.namespace.run("nft", "list", "table", "inet", "lodge"))
            self.assertEqual(self.sysctl6("uplink", "accept_ra"), "2")
            self.assertIn("default via fe80::fe", self.namespace.run("ip", "-6", "route"))
            simulation.run(*self.host.serve("configure"))

    def test_a_machine_that_forwards_ipv6_already_goes_on_as_it_was(self):
        simulation.run(*self.host.serve("clear"))
        self.namespace.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        self.start_anew()
        self.assertNotIn("drop", self.namespace.run("nft", "list", "chain", "inet", "lodge", "postrouting"))
        self.assertNotIn("chain forward", self.namespace.run("nft", "list", "ruleset"))
        simulation.run(*self.host.serve("clear"))
        self.assertEqual(self.sysctl6("all", "forwarding"), "1")

    def test_a_machine_that_does_not_forward_does_so_between_its_way_out_and_the_bridge(self):
        self.assertEqual([self.forwarding(each) for each in ("br-lodge-public", "uplink", "lo")], ["1", "1", "0"])


class EndTest(unittest.TestCase):
    def setUp(self):
        self.folder = make_folder(self.addCleanup)

    def assert_nothing_runs(self, namespaces):
        self.assertEqual(processes_with(self.folder), [])
        self.assertEqual(namespaces & namespaces_in_use(), set())

    def test_nothing_is_left(self):
        with simulation.Ovn(f"{self.folder}/ovn", "h-1") as ovn:
            namespaces = {each.id() for each in ovn.namespaces}
            self.assertEqual(len(processes_with(self.folder)), 6)
            self.assertLess(namespaces, namespaces_in_use())
        self.assert_nothing_runs(namespaces)

    def test_a_part_that_is_kept_comes_back_until_it_is_ended(self):
        namespace = simulation.Namespace()
        self.addCleanup(namespace.stop)
        node = simulation.Node("node", self.folder, namespace)
        self.addCleanup(node.stop)
        kept = lambda: processes_with(f"{self.folder}/node/run/db.sock")  # noqa: E731
        node.programs["ovs-db"] = Program("ovs-db", node.serve("keep", "ovs-db"), f"{self.folder}/log")
        node.start("ovs-db")
        (first,) = eventually(10, kept, "it runs")
        os.kill(first, signal.SIGKILL)
        (second,) = eventually(10, lambda: set(kept()) - {first}, "it runs again")
        self.assertEqual(node.run("ovs-vsctl", "--no-wait", "init", "--", "get", "Open_vSwitch", ".", "cur_cfg"), "0")
        self.assertEqual(node.programs["ovs-db"].stop(), 0)
        self.assertEqual(processes_with(self.folder), [], f"{first} {second}")

    def test_nothing_is_left_of_what_failed_to_start(self):
        ovn = simulation.Ovn(f"{self.folder}/ovn", "h-1", "h-1")
        with self.assertRaises(FileExistsError), ovn:
            pass
        self.assertEqual(len(ovn.namespaces), 3)
        self.assertEqual(processes_with(self.folder), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
