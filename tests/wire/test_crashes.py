"""lodged killed again and again under a storm of launches; its disk full; `lodge doctor` before and after."""
import json
import os
import random
import subprocess
import threading
import time
import unittest

from botocore.exceptions import BotoCoreError, ClientError

from harness import IMAGE, LODGED, Lodge, instances_of

LODGE = LODGED.parent / "lodge"


def pages_of(ec2):
    return {i["InstanceId"]: i for page in ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 1000})
            for i in instances_of(page)}


class Storm(unittest.TestCase):
    CLIENTS, KILLS, KEEP_ONE_OF = 6, 50, 10

    def setUp(self):
        self.lodge = Lodge(hosts=4).start()
        self.addCleanup(self.lodge.close)
        self.account = self.lodge.new_account()
        self.over = threading.Event()
        self.launched, self.terminated, self.problems = {}, set(), []

    def until_acknowledged(self, call):
        """What the call returns, tried again whatever becomes of lodged. Only what a client may see is passed over."""
        ec2, endpoint, last, until = None, None, None, time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if endpoint != (now := self.lodge.endpoint):  # read once: it changes meanwhile
                    ec2, endpoint = self.lodge.client(self.account), now
                return call(ec2)
            except BotoCoreError as error:
                last = error  # nobody listens, or the answer was cut off
            except ClientError as error:
                last = error
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 and "InsufficientInstanceCapacity" not in str(error):
                    raise
            time.sleep(0.02)
        raise AssertionError(f"never acknowledged; the last answer was: {last}")

    def client(self, number):
        """Launches with a ClientToken each, and ends most of what it has launched."""
        try:
            for n in range(10_000):
                if self.over.is_set():
                    return
                token = f"{number}-{n}"
                made = self.until_acknowledged(lambda ec2: ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=1, MaxCount=1,
                                                                             ClientToken=token))
                instance_id, = (i["InstanceId"] for i in made["Instances"])
                self.launched[token] = instance_id
                if n % self.KEEP_ONE_OF:
                    self.until_acknowledged(lambda ec2: ec2.terminate_instances(InstanceIds=[instance_id]))
                    self.terminated.add(instance_id)
        except Exception as error:  # told by the test's own thread
            self.problems.append(f"{number}: {error}")

    def test_fifty_kills(self):
        clients = [threading.Thread(target=self.client, args=(n,)) for n in range(self.CLIENTS)]
        for each in clients:
            each.start()
        dice = random.Random(20261129)
        try:
            for _ in range(self.KILLS):
                before, until = len(self.launched) + len(self.terminated), time.monotonic() + 60
                while len(self.launched) + len(self.terminated) == before and not self.problems:
                    self.assertLess(time.monotonic(), until, self.lodge.log()[-3000:])
                    time.sleep(0.005)
                time.sleep(dice.uniform(0, 0.05))  # where in its work it dies
                self.lodge.kill()
                self.lodge.start()
        finally:
            self.over.set()
            for each in clients:
                each.join()
        self.assertEqual([], self.problems)
        self.check_everything()

    def check_everything(self):
        ec2 = self.lodge.client(self.account)
        until = time.monotonic() + 60
        while True:
            found = pages_of(ec2)
            if not [i for i in found.values() if i["State"]["Name"] in ("pending", "shutting-down")]:
                break
            self.assertLess(time.monotonic(), until, "something is stuck")
            time.sleep(0.1)
        by_token = {}
        for instance in found.values():
            by_token.setdefault(instance["ClientToken"], []).append(instance["InstanceId"])
        self.assertEqual({token: [i] for token, i in self.launched.items()}, by_token, "lost, or made twice")
        ended = {i for i, instance in found.items() if instance["State"]["Name"] == "terminated"}
        self.assertEqual(self.terminated, ended)
        # A simulated host dies with lodged, and its guests with it; what was not ended may have stopped.
        self.assertLessEqual({i["State"]["Name"] for i in found.values()}, {"terminated", "running", "stopped"})


@unittest.skipUnless(os.geteuid() == 0, "mounts a small file system")
class FullDisk(unittest.TestCase):
    def setUp(self):
        self.lodge = Lodge(hosts=20)
        self.lodge.state_dir.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(self.lodge.state_dir)], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(mounted.stderr)
        self.addCleanup(self.lodge.close)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(self.lodge.state_dir)], check=True)
        self.addCleanup(self.lodge.stop)
        self.lodge.start()
        self.account = self.lodge.new_account()
        self.filler = self.lodge.state_dir / "filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass
        with open(self.filler, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass

    def run_one(self, ec2, token):
        return ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=1, MaxCount=1, ClientToken=token,
                                 UserData="x" * 12_000)["Instances"][0]["InstanceId"]

    def refused(self, ec2, token):
        with self.assertRaises(ClientError) as caught:
            self.run_one(ec2, token)
        self.assertIn(caught.exception.response["Error"]["Code"], ("InternalError", "Unavailable", "ServiceUnavailable"))
        self.assertGreaterEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        self.assertTrue(caught.exception.response["ResponseMetadata"]["RequestId"])

    def launch_until_full(self, ec2, limit=1_000):
        """What was acknowledged, by token, and the token that was refused: the log has room of its own for some."""
        acknowledged = {}
        for n in range(limit):
            token = f"t-{n}"
            try:
                acknowledged[token] = self.run_one(ec2, token)
            except ClientError:
                return acknowledged, token
        raise AssertionError("it never got full")

    def test_what_a_full_disk_refuses_is_refused_as_ec2_would_and_nothing_is_lost(self):
        ec2 = self.lodge.client(self.account)
        first = self.run_one(ec2, "first")
        self.fill()
        acknowledged, token = self.launch_until_full(ec2)
        self.refused(ec2, token)
        self.assertIn(first, pages_of(ec2))  # reads go on
        self.assertIn("low", doctor(self.lodge, 3))
        self.filler.unlink()
        acknowledged[token] = self.run_one(ec2, token)  # without a restart, and once
        self.assertEqual(acknowledged[token], self.run_one(ec2, token))
        self.fill()
        self.lodge.kill()
        self.filler.unlink()
        self.lodge.start()
        found = pages_of(self.lodge.client(self.account))
        self.assertEqual({**acknowledged, "first": first}, {i["ClientToken"]: i["InstanceId"] for i in found.values()})

    def test_an_image_that_does_not_fit_leaves_nothing(self):
        image = self.lodge.folder / "image.raw"
        image.write_bytes(os.urandom(1 << 20) * 40)
        before = sorted(os.listdir(self.lodge.state_dir / "images"))
        done = subprocess.run([LODGE, "--state-dir", self.lodge.state_dir, "image", "import", image, "--name", "big", "--arch", "x86_64",
                               "--format", "raw"], capture_output=True, text=True, timeout=120)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("too full", done.stderr)
        self.assertEqual(before, sorted(os.listdir(self.lodge.state_dir / "images")))
        self.assertEqual([], [each for each in (self.lodge.state_dir / "images/incoming").iterdir()] if "incoming" in before else [])
        self.run_one(self.lodge.client(self.account), "well")


def doctor(lodge, status, *words):
    done = subprocess.run([LODGE, "--state-dir", lodge.state_dir, "doctor", *words], capture_output=True, text=True, timeout=60)
    if done.returncode != status:
        raise AssertionError(f"status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Doctor(unittest.TestCase):
    def test_from_well_to_gone(self):
        lodge = Lodge().start()
        self.addCleanup(lodge.close)
        self.assertEqual("Nothing is wrong that lodge can see.\n", doctor(lodge, 0))
        host = lodge.admin("GET", "/v1/hosts")[1]["hosts"][0]["id"]
        self.assertEqual(200, lodge.admin("POST", f"/v1/hosts/{host}/drain", {"draining": True})[0])
        said = json.loads(doctor(lodge, 3, "--json"))["findings"]
        self.assertEqual(1, len(said))
        self.assertIn(f"Host {host}", said[0]["finding"])
        self.assertIn(f"lodge host drain {host} --undo", said[0]["mend"])
        status, answer = lodge.admin("POST", "/v1/leftovers/g-0123456789abcdef0/discard", {"host_id": host})
        self.assertEqual((404, True), (status, "no unknown guest" in answer["message"]))
        lodge.process.send_signal(19)  # stopped: it holds the lock and says nothing
        self.addCleanup(lodge.process.send_signal, 18)
        self.assertIn("has the database and does not answer", doctor(lodge, 3))
        lodge.kill()
        left = lodge.state_dir / "lodge.db.restoring"
        left.write_bytes(b"half")
        said = doctor(lodge, 3)
        self.assertIn("lodged does not run", said)
        self.assertIn("nobody's way", said)
        self.assertIn("cut short", said)
        self.assertTrue(left.exists(), "without --mend it changes nothing")
        self.assertIn("Mended", doctor(lodge, 3, "--mend"))
        self.assertFalse(left.exists())
        for name in lodge.state_dir.glob("lodge.db*"):
            name.unlink()
        self.assertIn("there is no database", doctor(lodge, 3))


if __name__ == "__main__":
    unittest.main()
