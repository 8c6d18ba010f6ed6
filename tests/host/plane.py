"""The network plane without guests: a lodged, an OVN of its own, and simulated hosts that have joined the cloud.

What plugs into the hosts are namespaces (ovn.Chassis.plug), each the port of a network interface made by the API.
"""

import json
import os
import ssl
import subprocess
import urllib.request

import boto3
from botocore.config import Config

import ovn as simulation
from cloud import REGION, binary
from programs import Program, eventually, free_ports, tail

PUBLIC_POOL = "198.19.64.0/22"
PROVIDER = "198.19.64.1"  # the provider bridge of each host, which is all the outside there is
IPV6_POOL = "fd6c:6f64:6700::/40"  # lodged's default
PROVIDER6 = "fd6c:6f64:6700::1"
LODGED_OPTIONS = ["--heartbeat-ms", "500", "--lease-ms", "6000"]


class Plane:
    """`with` starts and stops it, in a folder that must exist and stays."""

    def __init__(self, folder, hosts=1, options=()):
        self.folder, self.host_count = folder, hosts
        self.state_dir = f"{folder}/lodged"
        self.ovn = simulation.Ovn(f"{folder}/ovn")
        port, self.agent_port = free_ports(2)
        self.endpoint = f"http://127.0.0.1:{port}"
        run = f"{folder}/ovn/central/run"
        self.lodged = Program("lodged", [
            binary("api/lodged"), "--state-dir", self.state_dir, "--port", str(port), "--agent-port",
            str(self.agent_port), "--ovn-northbound", f"unix:{run}/ovnnb_db.sock", "--ovn-southbound",
            f"unix:{run}/ovnsb_db.sock", *LODGED_OPTIONS, *options], f"{folder}/lodged.log")
        self.hosts, self.plugged = [], []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            print(self.logs())
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.logs())
        self.stop()

    def start(self):
        os.makedirs(self.state_dir, mode=0o700)
        self.ovn.start()
        self.start_lodged()
        for _ in range(self.host_count):
            self.add_host()
        self.account = self.lodge("account", "create", "tests")
        self.ec2 = self.client(self.account)

    def start_lodged(self):
        self.lodged.start()
        eventually(30, self.answers, lambda: f"lodged answers\n{self.logs()}", pause=0.05)

    def answers(self):
        self.lodged.check()
        try:
            return self.lodge("info")
        except AssertionError:
            return None

    def lodge(self, *arguments):
        command = [binary("api/lodge"), "--state-dir", self.state_dir, "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stderr}")
        return json.loads(done.stdout)

    def client(self, account):
        return boto3.client("ec2", endpoint_url=self.endpoint, region_name=REGION,
                            aws_access_key_id=account["access_key"], aws_secret_access_key=account["secret_key"],
                            config=Config(retries={"max_attempts": 0}, read_timeout=30, connect_timeout=5))

    # --- Hosts --------------------------------------------------------------------------------------------------

    def add_host(self):
        """Joins as an agent does, and becomes a chassis of that name."""
        host_id = self.join()
        self.hosts.append(self.ovn.add_chassis(host_id, PUBLIC_POOL=PUBLIC_POOL, IPV6_POOL=IPV6_POOL))
        return self.hosts[-1]

    def join(self):
        token = self.lodge("host", "token")["token"]
        request = subprocess.run(["openssl", "req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                  "-subj", "/CN=lodge-agent", "-keyout", f"{self.folder}/join.key"],
                                 capture_output=True, text=True, check=True).stdout
        body = {"token_secret": token.split(".")[1], "certificate_request_pem": request}
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a test's, to itself
        post = urllib.request.Request(f"https://127.0.0.1:{self.agent_port}/v1/join", json.dumps(body).encode())
        with urllib.request.urlopen(post, context=context, timeout=10) as reply:
            return json.load(reply)["host_id"]

    # --- What lodged wrote --------------------------------------------------------------------------------------

    def rows(self, table, *conditions):
        """UUIDs of Northbound rows."""
        return self.ovn.nbctl("--bare", "--columns=_uuid", "find", table, *conditions).split()

    def row_of(self, table, key):
        return self.rows(table, f"external_ids:lodge-key={key}")

    def wait_for_row(self, table, key, there=True):
        eventually(10, lambda: bool(self.row_of(table, key)) == there,
                   lambda: f"{table} {key} {'there' if there else 'gone'}\n{self.logs()}", pause=0.05)

    # --- Guests -------------------------------------------------------------------------------------------------

    def plug(self, interface_id, host=0):
        """A namespace that is the interface's guest, without an address yet."""
        self.wait_for_row("Logical_Switch_Port", interface_id)
        port = self.ovn.nbctl("--bare", "--columns=name", "find", "Logical_Switch_Port",
                              f"external_ids:lodge-key={interface_id}")
        mac = self.ovn.nbctl("--bare", "--columns=addresses", "find", "Logical_Switch_Port",
                             f"external_ids:lodge-key={interface_id}").split()[0]
        self.plugged.append(self.hosts[host].plug(port, mac))
        return self.plugged[-1]

    def unplug(self, guest):
        """As when its instance has ended."""
        for host in self.hosts:
            host.unplug(guest)
        self.plugged.remove(guest)

    def sync(self):
        self.ovn.sync()

    # --- The end ------------------------------------------------------------------------------------------------

    def logs(self, lines=30):
        return f"--- lodged\n{tail(self.lodged.log, lines)}{self.ovn.logs(lines)}"

    def stop(self):
        for guest in self.plugged:
            guest.stop()
        self.lodged.kill()
        self.ovn.stop()
