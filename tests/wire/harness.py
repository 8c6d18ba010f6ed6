"""What every wire test stands on: a simulated lodged, accounts in it, stock boto3 clients, and WireTest.

Standard library and Debian's boto3 only. Each test gets an account of its own, so that one lodged serves a whole module.
"""
import atexit
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from collections import namedtuple

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parents[2]
LODGED = pathlib.Path(os.environ.get("LODGE_BIN_DIR", ROOT / "build/release/api")).resolve() / "lodged"
REGION = "us-east-1"
IMAGE = "ami-00000000000000001"  # api/daemon/simulation.h
START_SECONDS = 60
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:)")
# One answer per call: a retry would hide a wrong one.
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)

Account = namedtuple("Account", "id key secret")
SIMULATED = Account("123456789012", "AKIASIMULATED0000000", "simulated/secret/key/of/no/value/at/all0")

_session = botocore.session.Session()
_numbers = itertools.count(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("lodge", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Lodge:
    """One `lodged --simulate`. The state folder lives until close(); start() after kill() uses it again."""

    def __init__(self, *options, hosts=3, boot_ms=0):
        self.options = [*options, "--simulate", str(hosts), "--simulate-boot-ms", str(boot_ms)]
        self.hosts = hosts
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lodge-wire-"))
        self.state_dir = self.folder / "state"
        self.log_file = self.folder / "lodged.log"
        self.process, self.port = None, None
        atexit.register(self.close)

    # -- life ---------------------------------------------------------------------------------------------------------

    def command(self):
        return [str(LODGED), "--port", str(self.port), "--state-dir", str(self.state_dir), *self.options]

    def start(self):
        for attempt in range(3):  # somebody else may take the port between our look and lodged's
            self.port = free_port()
            with open(self.log_file, "ab") as log:
                self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            if self._wait_until_serving():
                return self
            if "in use" not in self.log()[-2000:]:
                break
        raise AssertionError(f"lodged did not start:\n{self.log()}")

    def _wait_until_serving(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.ready():
                    return True
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def ready(self):
        hosts = self.admin("GET", "/v1/hosts")[1]["hosts"]
        return self.healthy() and [h["condition"] for h in hosts] == ["ok"] * self.hosts

    def healthy(self):
        connection = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=ssl._create_unverified_context())
                      if "--tls-certificate" in self.options else http.client.HTTPConnection("127.0.0.1", self.port, timeout=5))
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends lodged as an operator would. Fails on a bad exit code and on a sanitizer's report."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"lodged did not stop within 30 s of SIGTERM:\n{self.log()[-5000:]}") from None
        code = self.process.returncode if self.process else 0
        report = SANITIZER.search(self.log())
        if code not in (0, -signal.SIGKILL) or report:
            start = max(0, report.start() - 500) if report else -5000
            raise AssertionError(f"lodged ended with {code}:\n{self.log()[start:][:8000]}")

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    # -- clients ------------------------------------------------------------------------------------------------------

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self, account=SIMULATED, service="ec2", region=REGION, **overrides):
        return _session.create_client(service, region_name=region, endpoint_url=self.endpoint, config=CONFIG,
                                      aws_access_key_id=account.key, aws_secret_access_key=account.secret, **overrides)

    def admin(self, method, path, body=None):
        """The operator's interface. Returns (status, decoded JSON or text)."""
        with contextlib.closing(UnixConnection(self.state_dir / "lodged.sock")) as connection:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            reply = connection.getresponse()
            data = reply.read().decode()
            return reply.status, (json.loads(data) if path != "/metrics" else data)

    def new_account(self, name="wire"):
        status, made = self.admin("POST", "/v1/accounts", {"name": name})
        if status != 200:
            raise AssertionError(f"no account: {status} {made}")
        return Account(made["id"], made["access_key"], made["secret_key"])

    def import_image(self, size_gib=1, **facts):
        """An image with content of its own, as `lodge image import` would leave it. Returns what lodged says of it."""
        body = {"name": f"wire-image-{next(_numbers)}", "disk": self.content(size_gib), **facts}
        status, image = self.admin("POST", "/v1/images", body)
        if status != 200:
            raise AssertionError(f"no image: {status} {image}")
        return image

    def content(self, size_gib=1):
        data = f"wire {os.getpid()} {next(_numbers)}".encode()
        name = hashlib.sha256(data).hexdigest()
        (self.state_dir / "images" / name).write_bytes(data)
        return {"sha256": name, "format": "raw", "size_bytes": len(data), "virtual_size_bytes": size_gib << 30}


_shared = {}


def shared_lodge(*options, **settings):
    """The module's lodged for these options, started at the first use, stopped after the module's last test."""
    key = (options, tuple(sorted(settings.items())))
    known = _shared.get(key)
    if known is None or known.process.poll() is not None:
        known = _shared[key] = Lodge(*options, **settings).start()
        unittest.addModuleCleanup(_drop, key, known)
    return known


def _drop(key, lodge):
    if _shared.get(key) is lodge:
        del _shared[key]
    try:
        lodge.stop()
    finally:
        lodge.close()


class WireTest(unittest.TestCase):
    """A lodged (of the class's options), and for each test a fresh account and its EC2 client."""

    options = ()
    settings = {}
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.lodge = shared_lodge(*cls.options, **cls.settings)

    def setUp(self):
        self.log_start = len(self.lodge.log())
        self.account = self.lodge.new_account()
        self.ec2 = self.lodge.client(self.account)
        self.addCleanup(self.ec2.close)

    def run(self, result=None):
        bad = lambda: len(result.failures) + len(result.errors)
        before = bad() if result else 0
        super().run(result)
        if result and bad() > before and getattr(self, "lodge", None):
            print(f"---- lodged during {self.id()}:\n{self.lodge.log()[getattr(self, 'log_start', 0):][-6000:]}", file=sys.stderr)
        return result

    def tearDown(self):
        if self.lodge.process.poll() is not None:
            self.fail(f"lodged ended with {self.lodge.process.returncode} during this test")

    # -- what tests say -----------------------------------------------------------------------------------------------

    def assert_code(self, code, call, *names, status=None, **parameters):
        """The call is refused with this code (or one of several); returns the message, which holds all of `names`."""
        with self.assertRaises(ClientError) as caught:
            call(**parameters)
        response = caught.exception.response
        codes = (code,) if isinstance(code, str) else tuple(code)
        self.assertIn(response["Error"]["Code"], codes, response["Error"]["Message"])
        if status:
            self.assertEqual(status, response["ResponseMetadata"]["HTTPStatusCode"])
        for name in names:
            self.assertIn(name, response["Error"]["Message"])
        return response["Error"]["Message"]

    def launch(self, count=1, state="running", ec2=None, **parameters):
        """IDs of new instances that have reached the state (None: whatever it is)."""
        ec2 = ec2 or self.ec2
        given = {"ImageId": IMAGE, "InstanceType": "t3.nano", "MinCount": count, "MaxCount": count, **parameters}
        ids = [each["InstanceId"] for each in ec2.run_instances(**given)["Instances"]]
        if state:
            self.reach(state, ids, ec2)
        return ids

    def describe(self, instance_id, ec2=None):
        found = (ec2 or self.ec2).describe_instances(InstanceIds=[instance_id])["Reservations"]
        return found[0]["Instances"][0]

    def states(self, ids, ec2=None):
        found = (ec2 or self.ec2).describe_instances(InstanceIds=list(ids))["Reservations"]
        return {i["InstanceId"]: i["State"]["Name"] for r in found for i in r["Instances"]}

    def reach(self, state, ids, ec2=None, seconds=20):
        self.eventually(lambda: set(self.states(ids, ec2).values()) == {state}, seconds,
                        lambda: f"{state} not reached: {self.states(ids, ec2)}")

    def eventually(self, condition, seconds=20, why=lambda: "it did not happen in time"):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                self.fail(why())
            time.sleep(0.03)


def instances_of(reply):
    return [i for r in reply["Reservations"] for i in r["Instances"]]


def tags(**pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def tag_specification(kind, **pairs):
    return {"ResourceType": kind, "Tags": tags(**pairs)}


def filters(**pairs):
    """filters(instance_state_name="running") -> Filters=[{"Name": "instance-state-name", …}]."""
    return [{"Name": name.replace("_", "-"), "Values": [v] if isinstance(v, str) else list(v)} for name, v in pairs.items()]
