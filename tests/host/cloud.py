"""A Lodge of its own for tests: lodged, one lodge-agent beside the private libvirtd, an account, the tiny image."""

import json
import os
import shutil
import subprocess
import tempfile
import threading

import boto3
from botocore.config import Config

from guests import Libvirt, processes_with
from ovn import OneHost
from programs import Program, eventually, free_ports, tail

HERE = os.path.dirname(os.path.abspath(__file__))
BIN_DIR = os.environ.get("LODGE_BIN_DIR", os.path.join(HERE, "../../build/release"))
IMAGES = os.environ.get("LODGE_IMAGES", "/var/tmp/lodge-images")
REGION = "us-east-1"
# Short enough for tests, long enough for a busy machine.
LODGED_OPTIONS = {"--heartbeat-ms": 500, "--lease-ms": 6000, "--cpu-overcommit": 64}
PUBLIC_POOL = "198.19.64.0/22"
MAKING_CLIENTS = threading.Lock()  # boto3's default session is not for several threads at once; clients are
AGENT_OPTIONS = {"--stop-timeout-ms": 20000, "--terminate-timeout-ms": 5000, "--reboot-timeout-ms": 30000}


def binary(name):
    """A program as it is built, api/lodged, or as it is installed, lodged."""
    for path in (f"{BIN_DIR}/{name}", f"{BIN_DIR}/{os.path.basename(name)}"):
        if os.access(path, os.X_OK):
            return os.path.normpath(path)
    raise AssertionError(f"{name} is not in {BIN_DIR}: build it, or set LODGE_BIN_DIR")


def work_folder():
    """Where the suite keeps everything; QEMU's user may pass through it."""
    return os.environ["LODGE_HOST_TEST_DIR"]


def image_facts(name):
    """The image's JSON with absolute paths."""
    with open(f"{IMAGES}/{name}.json", encoding="utf-8") as file:
        facts = json.load(file)
    for part in ("disk", "kernel", "ramdisk"):
        if part in facts:
            facts[part] = f"{IMAGES}/{facts[part]}"
    return facts


def flatten(options):
    return [str(word) for pair in options.items() for word in pair]


class CommandError(Exception):
    """`lodge` said no."""

    def __init__(self, done):
        super().__init__(f"{' '.join(done.args)}: exit status {done.returncode}: {done.stderr}")
        self.status, self.message = done.returncode, done.stderr


class Cloud:
    """Without a network unless `with_network`: then with an OVN of its own in the namespace that the suite runs in."""

    def __init__(self, lodged_options=None, agent_options=None, with_network=False):
        self.folder = tempfile.mkdtemp(prefix="cloud-", dir=work_folder())
        os.chmod(self.folder, 0o711)
        self.state_dir, self.agent_dir = f"{self.folder}/lodged", f"{self.folder}/agent"
        self.token_file = f"{self.folder}/token"
        self.libvirt = Libvirt()
        self.host_id = self.image_id = self.credentials = None
        rundir = os.environ.get("LODGE_OVN_RUNDIR", "")
        self.ovn = OneHost(f"{self.folder}/ovn", rundir, PUBLIC_POOL=PUBLIC_POOL) if with_network else None
        network = {"--ovn-northbound": self.ovn.northbound() if self.ovn else "",
                   "--ovn-southbound": self.ovn.southbound() if self.ovn else "",
                   "--ovn-chassis-remote": self.ovn.southbound() if self.ovn else ""}
        switch = {"--ovs-db": f"unix:{rundir}/db.sock", "--ovn-rundir": rundir} if self.ovn else {}
        port, agent_port = free_ports(2)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.lodged = Program("lodged", [
            binary("api/lodged"), "--state-dir", self.state_dir, "--port", str(port), "--agent-port", str(agent_port),
            *flatten({**LODGED_OPTIONS, **network, **(lodged_options or {})})], f"{self.folder}/lodged.log")
        self.agent = Program("lodge-agent", [
            binary("agent/lodge-agent"), "--state-dir", self.agent_dir, "--server", f"127.0.0.1:{agent_port}",
            "--libvirt-uri", self.libvirt.uri, "--token-file", self.token_file,
            *flatten({**AGENT_OPTIONS, **switch, **(agent_options or {})})], f"{self.folder}/agent.log")

    def open(self):
        try:
            os.mkdir(self.state_dir, 0o700)
            if self.ovn:
                self.ovn.start()
            self.start_lodged()
            account = self.lodge_json("account", "create", "tests")
            self.credentials = {"aws_access_key_id": account["access_key"],
                                "aws_secret_access_key": account["secret_key"]}
            with open(self.token_file, "w", encoding="ascii") as file:
                file.write(self.lodge_json("host", "token")["token"])
            self.start_agent()
            self.image_id = self.import_tiny("lodge-tiny")
        except BaseException:
            print(self.logs())
            self.close()
            raise
        return self

    # --- The programs -------------------------------------------------------------------------------------------

    def start_lodged(self):
        self.lodged.start()
        eventually(30, self.lodged_answers, lambda: f"lodged answers\n{self.logs()}", pause=0.05)

    def start_agent(self):
        """Returns when it has been heard, not just its predecessor."""
        before = self.agent.said(" serves ")
        self.agent.start()
        eventually(30, lambda: self.agent.check() or self.agent.said(" serves ") > before, self.logs, pause=0.05)
        self.host_id = eventually(30, self.hosts, self.logs)[0]["id"]
        self.wait_schedulable()

    def lodged_answers(self):
        self.lodged.check()
        try:
            return self.lodge_json("info")
        except CommandError:
            return None

    def lodge(self, *arguments, state_dir=None):
        """Runs the operator's command line; its output."""
        done = subprocess.run([binary("api/lodge"), "--state-dir", state_dir or self.state_dir, *arguments],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120)
        if done.returncode != 0:
            raise CommandError(done)
        return done.stdout

    def lodge_json(self, *arguments):
        return json.loads(self.lodge("--json", *arguments))

    def hosts(self):
        self.agent.check()
        return self.lodge_json("host", "list")["hosts"]

    def condition(self):
        return next(host["condition"] for host in self.hosts() if host["id"] == self.host_id)

    def explain(self):
        """What the scheduler would do with a small instance, in its words."""
        return self.lodge("placement", "explain", "t3.nano")

    def wait_schedulable(self, seconds=30):
        eventually(seconds, lambda: self.condition() == "ok" and "can be placed" in self.explain(),
                   lambda: f"the host is schedulable\n{self.logs()}")

    # --- Images -------------------------------------------------------------------------------------------------

    def import_tiny(self, name, disk=None, more_cmdline="", fmt="qcow2"):
        facts = image_facts("lodge-tiny")
        return self.lodge_json(
            "image", "import", disk or facts["disk"], "--name", name, "--arch", facts["architecture"], "--format", fmt,
            "--kernel", facts["kernel"], "--ramdisk", facts["ramdisk"],
            "--cmdline", facts["cmdline"] + more_cmdline)["id"]

    def image_file(self, sha256):
        return f"{self.state_dir}/images/{sha256}"

    def cached_file(self, sha256):
        return f"{self.agent_dir}/images/{sha256}"

    def sha256_of(self, image_id):
        return next(image["sha256"] for image in self.lodge_json("image", "list")["images"] if image["id"] == image_id)

    def disks(self):
        return self.files_of_disks(".qcow2")

    def variables(self):
        """Files of firmware's variables."""
        return self.files_of_disks(".fd")

    def files_of_disks(self, ending):
        names = os.listdir(f"{self.agent_dir}/disks")
        return sorted(name for name in names if name.endswith(ending) and not name.startswith("."))

    # --- Clients ------------------------------------------------------------------------------------------------

    def client(self, attempts=5, **more):
        config = Config(retries={"max_attempts": attempts - 1}, read_timeout=30, connect_timeout=5,
                        max_pool_connections=32, **more)
        with MAKING_CLIENTS:
            return boto3.client("ec2", endpoint_url=self.endpoint, region_name=REGION, config=config,
                                **self.credentials)

    def aws(self, *arguments):
        """Debian's aws; its output."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.folder, "AWS_DEFAULT_REGION": REGION,
                       "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "LC_ALL": "C.UTF-8",
                       **{name.upper(): value for name, value in self.credentials.items()}}
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.endpoint, "ec2", *arguments], env=environment,
                              capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"aws {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    # --- The end ------------------------------------------------------------------------------------------------

    def domains(self):
        """Names of this host's domains by instance ID."""
        return self.libvirt.tags(self.host_id)

    def logs(self, lines=40):
        try:
            hosts = self.lodge("--json", "host", "list")
        except CommandError as error:
            hosts = f"{error}\n"
        return f"--- hosts\n{hosts}" + "".join(
            f"--- {each.name} (the last {lines} lines)\n{tail(each.log, lines)}"
            for each in (self.lodged, self.agent)) + (self.ovn.logs(lines) if self.ovn else "")

    def close(self):
        """Removes everything, in whatever state it is; returns what should not have been there any more."""
        left = []
        self.agent.kill()
        self.lodged.kill()
        if self.host_id:
            for instance_id, name in self.domains().items():
                left.append(f"the domain {name} of {instance_id}")
                self.libvirt.remove(name)
        if self.ovn:
            self.ovn.stop()
        left += [f"the process {pid}" for pid in processes_with(self.folder)]
        left += [f"the disk {name}" for name in self.disks()] if os.path.isdir(f"{self.agent_dir}/disks") else []
        shutil.rmtree(self.folder)
        return left
