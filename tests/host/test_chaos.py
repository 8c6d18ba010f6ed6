"""Clients that launch, stop, start, reboot and terminate while everything under them is killed at random. Then all is
quiet, and what clients were told must be so. LODGE_TEST_SEED=… repeats the dice, though never the timing, and
LODGE_TEST_CHAOS_S=… goes on for longer."""

import os
import random
import signal
import threading
import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from case import LIVE, CloudTest
from programs import eventually

CLIENTS, CHAOS_S, SETTLE_S = 3, float(os.environ.get("LODGE_TEST_CHAOS_S", "15")), 180
# What a client's wish makes of an instance in the end.
WISHES = {"start_instances": "running", "stop_instances": "stopped", "reboot_instances": "running",
          "terminate_instances": "terminated"}


class Client(threading.Thread):
    """One user with at most two instances at a time, and what became of its wishes."""

    def __init__(self, cloud, seed, until):
        super().__init__()
        self.cloud, self.dice, self.until = cloud, random.Random(seed), until
        self.ec2 = cloud.client(attempts=1)
        self.expected = {}  # state by instance
        self.problems = []

    def run(self):
        while time.monotonic() < self.until:
            alive = [each for each, state in self.expected.items() if state != "terminated"]
            if len(alive) < 2 and self.dice.random() < 0.7:
                self.launch()
            elif alive:
                self.wish(self.dice.choice(alive), self.dice.choice(list(WISHES)))
            time.sleep(self.dice.uniform(0, 1))

    def ask(self, action, **parameters):
        """Again until there is an answer; None for a refusal."""
        for _ in range(300):
            try:
                return getattr(self.ec2, action)(**parameters)
            except BotoCoreError:
                time.sleep(0.1)  # lodged is away
            except ClientError as error:
                code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
                if code == "IncorrectInstanceState":
                    return None
                if code == "InsufficientInstanceCapacity" or status in (502, 503):
                    time.sleep(0.3)
                    continue
                self.problems.append(f"{action}: {error}")
                return None
        self.problems.append(f"{action}: no answer for minutes")
        return None

    def launch(self):
        made = self.ask("run_instances", ImageId=self.cloud.image_id, InstanceType="t3.nano", MinCount=1, MaxCount=1,
                        ClientToken=str(uuid.uuid4()), CpuOptions={"CoreCount": 1, "ThreadsPerCore": 1})
        if made:
            self.expected[made["Instances"][0]["InstanceId"]] = "running"

    def wish(self, instance_id, action):
        if self.ask(action, InstanceIds=[instance_id]):
            self.expected[instance_id] = WISHES[action]


class ChaosTest(CloudTest):
    agent_options = {"--stop-timeout-ms": 8000, "--terminate-timeout-ms": 3000, "--reboot-timeout-ms": 8000}

    def test_what_clients_were_told_is_so_in_the_end(self):
        seed = int(os.environ.get("LODGE_TEST_SEED", time.time_ns() % 1_000_000))
        self.dice = random.Random(seed)
        until = time.monotonic() + CHAOS_S
        clients = [Client(self.cloud, seed + i, until) for i in range(CLIENTS)]
        for each in clients:
            each.start()
        try:
            done = self.make_chaos(until)
        finally:
            for each in clients:
                each.join()
        self.assertEqual([problem for each in clients for problem in each.problems], [], done)
        expected = {instance: state for each in clients for instance, state in each.expected.items()}
        print(f"seed {seed}: {len(expected)} instances, {len(done)} kills")
        self.check_quiet(expected, f"seed {seed}: {done}")

    def make_chaos(self, until):
        done = []
        while time.monotonic() < until:
            what = self.dice.choice((self.kill_agent, self.kill_lodged, self.kill_libvirtd))
            what()
            done.append(what.__name__)
            time.sleep(self.dice.uniform(0, 2.5))
        return done

    def kill_agent(self):
        self.cloud.agent.kill()
        time.sleep(self.dice.uniform(0, 0.5))
        self.cloud.agent.start()

    def kill_lodged(self):
        self.cloud.lodged.kill()
        time.sleep(self.dice.uniform(0, 0.5))
        self.cloud.start_lodged()

    def kill_libvirtd(self):
        self.libvirt.restart(self.dice.choice((signal.SIGTERM, signal.SIGKILL)))

    def check_quiet(self, expected, story):
        for each, state in expected.items():
            self.wait_state(each, state, SETTLE_S)
        self.assertEqual({instance["InstanceId"] for instance in self.instances()}, set(expected), story)
        running = sorted(each for each, state in expected.items() if state == "running")
        self.assertEqual(sorted(self.cloud.domains()), running, story)
        self.assertEqual(len(self.cloud.disks()), len(self.instances(LIVE)), story)
        self.cloud.wait_schedulable()
        host = self.cloud.hosts()[0]
        self.assertEqual(host["guests"], len(self.instances(LIVE)), story)
        self.assertEqual(host["memory_mib"] - host["memory_free_mib"], 512 * len(running), story)
        for each in running:
            eventually(60, lambda one=each: self.libvirt.state(self.domain(one)) == "running", story)
            self.wait_console(each, "lodge-tiny: ready")
