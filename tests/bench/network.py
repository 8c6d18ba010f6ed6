#!/usr/bin/python3
"""How fast the network follows the API, as ratios to OVN's own tools in the same run. Needs root; see README.md.

    tests/bench/network.py [--rules N] [--interfaces N…]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../host"))
sys.dont_write_bytecode = True

import ovn  # noqa: E402
from plane import Plane  # noqa: E402
from traffic import PYTHON  # noqa: E402
from traffic_test import Network, tcp  # noqa: E402

# Tries again every few milliseconds, and says when it first got through.
PROBE = """
import socket, sys, time
while True:
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.01).close()
        break
    except OSError:
        pass
print(time.monotonic())
"""


def got_through(guest, address, port, change):
    """Seconds from the beginning of `change()` until a connection succeeds."""
    probe = subprocess.Popen(guest.command(PYTHON, "-c", PROBE, address, str(port)), stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)  # it is trying by now
    begin = time.monotonic()
    change()
    output, _ = probe.communicate(timeout=60)
    return float(output) - begin


def rules_to_effect(plane, count):
    """A rule by the API, and the same ACL by ovn-nbctl, each until a new connection gets through."""
    network = Network(plane, plane.ec2)
    group = network.group()
    server, client = network.guest(group), network.guest(network.group(), host=1)
    name = f"sg_{group.split('-')[1]}"
    by_api, by_hand = [], []
    for i in range(count):
        port = 10000 + i
        with server.server(port):
            by_api.append(got_through(client, server.address, port, lambda port=port: plane.ec2.authorize_security_group_ingress(
                GroupId=group, IpPermissions=tcp(port))))
        port = 20000 + i
        with server.server(port):
            match = f"outport == @{name} && ip4 && tcp.dst == {port}"
            by_hand.append(got_through(client, server.address, port, lambda match=match: plane.ovn.nbctl(
                "--type=port-group", "acl-add", name, "to-lport", "1500", match, "allow-related")))
    return statistics.median(by_api), statistics.median(by_hand)


def interfaces_to_installed(plane, total, samples=7):
    """With so many interfaces in the VPC: from CreateNetworkInterface to the port being installed on its host."""
    network = Network(plane, plane.ec2, "10.64.0.0/16")
    big = plane.ec2.create_vpc(CidrBlock="10.65.0.0/16")["Vpc"]["VpcId"]
    network.vpc = big
    network.subnets = [plane.ec2.create_subnet(VpcId=big, CidrBlock="10.65.0.0/20")["Subnet"]["SubnetId"]]
    group = network.group()
    begin = time.monotonic()
    for _ in range(total - samples):
        network.interface(group)
    filled = time.monotonic() - begin
    plane.sync()
    times = []
    for _ in range(samples):
        begin = time.monotonic()
        interface = network.interface(group)
        plane.plug(interface)
        times.append(time.monotonic() - begin)
    return statistics.median(times), (total - samples) / filled


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=int, default=9)
    parser.add_argument("--interfaces", type=int, nargs="*", default=[100, 1000])
    args = parser.parse_args()
    reason = ovn.why_not()
    if reason:
        sys.exit(f"this machine lacks what it takes: {reason}")
    ovn.install()
    folder = tempfile.mkdtemp(prefix="lodge-bench-", dir="/var/tmp")
    try:
        with Plane(folder, hosts=2) as plane:
            api, hand = rules_to_effect(plane, args.rules)
            print(f"rule to effect: API {api * 1000:.0f} ms, ovn-nbctl {hand * 1000:.0f} ms, ratio {api / hand:.2f}", flush=True)
            seen = {}
            for total in args.interfaces:
                seen[total], rate = interfaces_to_installed(plane, total)
                print(f"interface to installed among {total}: {seen[total] * 1000:.0f} ms; {rate:.0f} made a second", flush=True)
            if len(seen) > 1:
                print(f"ratio of the largest to the smallest: {seen[max(seen)] / seen[min(seen)]:.2f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
