"""lodged killed again and again under a storm of launches."""
import random
import threading
import time
import unittest

from botocore.exceptions import BotoCoreError, ClientError

from harness import IMAGE, Lodge, instances_of


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


if __name__ == "__main__":
    unittest.main()
