"""lodged killed in the middle of launches, started again; two lodged on one state folder; the end by SIGTERM."""
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from harness import IMAGE, LODGED, Lodge, WireTest, free_port, instances_of, tags


class Restart(unittest.TestCase):
    def setUp(self):
        self.lodge = Lodge().start()
        self.addCleanup(self.lodge.close)
        self.account = self.lodge.new_account()

    def again(self):
        """Starts lodged on the same state folder; a new port, so a new client."""
        self.lodge.start()
        return self.lodge.client(self.account)

    def instances(self, ec2):
        return {i["InstanceId"]: i for i in instances_of(ec2.describe_instances())}

    def run_with(self, ec2, token, count=2):
        return ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=count, MaxCount=count, ClientToken=token)

    def launch_until_killed(self, worker, acknowledged, asked):
        ec2 = self.lodge.client(self.account)
        for n in range(10_000):
            token = f"{worker}-{n}"
            asked.append(token)
            try:
                reply = self.run_with(ec2, token)
            except (ClientError, BotoCoreError):
                return
            acknowledged[token] = sorted(i["InstanceId"] for i in reply["Instances"])

    def settled(self, ec2, seconds=30):
        """The instances once none is on its way."""
        until = time.monotonic() + seconds
        while True:
            found = self.instances(ec2)
            moving = {i for i in found if found[i]["State"]["Name"] in ("pending", "stopping", "shutting-down")}
            if not moving:
                return found
            self.assertLess(time.monotonic(), until, f"stuck: {[(i, found[i]['State']['Name']) for i in moving][:5]}")
            time.sleep(0.1)

    def test_killed_during_launches(self):
        """Nothing acknowledged is lost, nothing is doubled; retries of what had no answer make it once."""
        acknowledged, asked = {}, []
        threads = [threading.Thread(target=self.launch_until_killed, args=(w, acknowledged, asked)) for w in range(4)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        while len(acknowledged) <= 10 and time.monotonic() < until:
            time.sleep(0.1)
        self.lodge.kill()
        for thread in threads:
            thread.join()
        self.assertGreater(len(acknowledged), 10)
        ec2 = self.again()
        before = self.instances(ec2)
        for token, ids in acknowledged.items():
            self.assertLessEqual(set(ids), set(before), f"lost: {token}")
        for token in asked:
            ids = sorted(i["InstanceId"] for i in self.run_with(ec2, token)["Instances"])
            self.assertEqual(acknowledged.get(token, ids), ids, token)
        after = self.settled(ec2)
        by_token = {}
        for instance in after.values():
            by_token.setdefault(instance["ClientToken"], []).append(instance["InstanceId"])
        self.assertEqual({token: 2 for token in asked}, {token: len(ids) for token, ids in by_token.items()})
        self.assertLessEqual({i["State"]["Name"] for i in after.values()}, {"running", "stopped"})

    def test_everything_is_still_there(self):
        ec2 = self.lodge.client(self.account)
        a, b, c = sorted(i["InstanceId"] for i in self.run_with(ec2, "t", 3)["Instances"])
        ec2.create_key_pair(KeyName="mine", KeyType="ed25519")
        image = ec2.register_image(Name="image", ImageLocation=IMAGE)["ImageId"]
        ec2.create_tags(Resources=[a, image], Tags=tags(Name="kept"))
        self.settled(ec2)
        ec2.terminate_instances(InstanceIds=[c])
        self.settled(ec2)
        page = ec2.describe_tags(MaxResults=5)
        self.lodge.kill()
        ec2 = self.again()
        found = self.settled(ec2)
        self.assertEqual({a, b, c}, set(found))
        self.assertEqual(("terminated", tags(Name="kept")), (found[c]["State"]["Name"], found[a]["Tags"]))
        self.assertEqual(["mine"], [k["KeyName"] for k in ec2.describe_key_pairs()["KeyPairs"]])
        self.assertEqual([image], [i["ImageId"] for i in ec2.describe_images(Owners=["self"])["Images"]])
        self.assertEqual(page["Tags"], ec2.describe_tags(MaxResults=5)["Tags"])
        ec2.terminate_instances(InstanceIds=[a, b])
        self.assertEqual({"terminated"}, {i["State"]["Name"] for i in self.settled(ec2).values()})

    def test_page_tokens_outlive_a_restart(self):
        ec2 = self.lodge.client(self.account)
        self.run_with(ec2, "t", 7)
        first = ec2.describe_instances(MaxResults=5)
        self.lodge.kill()
        rest = self.again().describe_instances(MaxResults=5, NextToken=first["NextToken"])
        self.assertEqual((5, 2), (len(instances_of(first)), len(instances_of(rest))))

    def test_content_that_nothing_uses_is_swept(self):
        used, unused = (self.lodge.import_image() for _ in range(2))
        mine = self.lodge.client(self.account).register_image(Name="mine", ImageLocation=used["id"])["ImageId"]
        young = self.lodge.content()
        path = lambda sha256: self.lodge.state_dir / "images" / sha256
        for image in (used, unused):
            os.utime(path(image["sha256"]), (1, 1))
            self.assertEqual(200, self.lodge.admin("DELETE", "/v1/images/" + image["id"])[0])
        self.assertEqual([True, False, True], [path(each["sha256"]).exists() for each in (used, unused, young)])
        self.lodge.client(self.account).deregister_image(ImageId=mine)
        self.lodge.stop()
        self.again()  # it sweeps when it starts, and then once a minute
        WireTest.eventually(self, lambda: not path(used["sha256"]).exists())
        self.assertTrue(path(young["sha256"]).exists())

    def test_capacity_is_counted_again(self):
        """What runs still holds its place: hosts of 256 GiB take one instance of 128 GiB each."""
        ec2 = self.lodge.client(self.account)
        big = {"ImageId": IMAGE, "InstanceType": "r5.4xlarge", "MinCount": 1, "MaxCount": 3}
        self.assertEqual(3, len(ec2.run_instances(**big)["Instances"]))
        self.lodge.kill()
        ec2 = self.again()
        held = sum(i["State"]["Name"] in ("pending", "running") for i in self.settled(ec2).values())
        try:
            more = len(ec2.run_instances(**big)["Instances"])
        except ClientError as error:
            self.assertEqual("InsufficientInstanceCapacity", error.response["Error"]["Code"])
            more = 0
        self.assertEqual(3, held + more)

    def test_a_host_that_is_not_back_yet_is_not_impaired(self):
        """Of a host that lodged has not heard since its start nothing is known until a lease has passed."""
        self.lodge.kill()
        self.lodge = Lodge("--strategy", "spread", "--zones", "us-east-1a", "--lease-ms", "3000", "--heartbeat-ms", "500", hosts=2).start()
        self.addCleanup(self.lodge.close)
        self.account = self.lodge.new_account()
        ec2 = self.lodge.client(self.account)
        self.run_with(ec2, "t")
        self.settled(ec2)
        self.lodge.kill()
        self.lodge.options[self.lodge.options.index("--simulate") + 1] = "1"
        self.lodge.ready = self.lodge.healthy  # of two hosts one never comes
        ec2 = self.again()

        def statuses():
            found = ec2.describe_instance_status()["InstanceStatuses"]
            return sorted((s["SystemStatus"]["Status"], s["InstanceStatus"]["Details"][0]["Status"]) for s in found)
        self.assertIn(("insufficient-data", "insufficient-data"), statuses())
        until = time.monotonic() + 20
        while ("impaired", "failed") not in statuses():
            self.assertLess(time.monotonic(), until, statuses())
            time.sleep(0.1)
        self.assertNotIn("insufficient-data", dict(statuses()))

    def test_sigterm_lets_the_running_request_end(self):
        ec2 = self.lodge.client(self.account)
        self.run_with(ec2, "t")
        self.lodge.stop()
        self.assertEqual(2, len(self.instances(self.again())))

    def test_sigint_ends_it_too(self):
        self.lodge.process.send_signal(signal.SIGINT)
        self.assertEqual(0, self.lodge.process.wait(30))


class TwoOfThem(unittest.TestCase):
    def start_second(self, *options):
        return subprocess.run([str(LODGED), *options], capture_output=True, text=True, timeout=60)

    def test_one_state_folder(self):
        lodge = Lodge().start()
        self.addCleanup(lodge.close)
        done = self.start_second("--port", str(free_port()), "--state-dir", str(lodge.state_dir), "--simulate", "1")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"(?m)^lodged: .*(another|already|in use).*")
        self.assertIn(str(lodge.state_dir), done.stderr)
        self.assertEqual(200, lodge.admin("GET", "/v1/info")[0])  # its socket was not taken away
        lodge.client().describe_regions()
        lodge.kill()
        lodge.start()  # a dead one's lock and socket are in nobody's way
        lodge.stop()

    def test_one_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = self.start_second("--port", str(port), "--simulate", "1")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, rf"(?m)^lodged: .*{port}.*in use")

    def test_mistaken_options(self):
        for options in (["--no-such-option"], ["--simulate", "x"], ["--simulate", "-1"], ["--port", "99999999"],
                        ["--tls-key", "key.pem"], ["--tls-certificate", "cert.pem"]):
            self.assertEqual(2, self.start_second(*options).returncode, options)
        for options, word in ((["--zones", "mars"], "mars"), (["--instance-types", "/no/such/file"], "/no/such/file"),
                              (["--state-dir", "/proc/nothing"], "/proc/nothing"), (["--region", "mars-1"], "mars-1")):
            done = self.start_second("--simulate", "1", "--port", str(free_port()), *options)
            self.assertEqual(1, done.returncode, options)
            self.assertIn(word, done.stderr)

    def test_what_is_printed_is_what_is_served(self):
        process = subprocess.Popen([str(LODGED), "--simulate", "1", "--port", "0", "--zones", "eu-west-1a"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        try:
            printed = dict(re.findall(r"export (\w+)=(.*)", "".join(iter(process.stdout.readline, f"# image to launch: {IMAGE}\n"))))
            ec2 = botocore.session.Session().create_client(
                "ec2", region_name=printed["AWS_DEFAULT_REGION"], endpoint_url=printed["LODGE_ENDPOINT"],
                aws_access_key_id=printed["AWS_ACCESS_KEY_ID"], aws_secret_access_key=printed["AWS_SECRET_ACCESS_KEY"])
            region, = ec2.describe_regions()["Regions"]
        finally:
            process.terminate()
            process.stdout.close()
            self.assertEqual(0, process.wait(30))
        self.assertEqual("eu-west-1", region["RegionName"])
        self.assertEqual(printed["LODGE_ENDPOINT"], "http://" + region["Endpoint"])

    def test_temporary_state_is_removed(self):
        process = subprocess.Popen([str(LODGED), "--simulate", "1", "--port", str(free_port())], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            printed = "".join(iter(process.stdout.readline, "# image to launch: ami-00000000000000001\n"))
        finally:
            process.terminate()
            process.stdout.close()
            self.assertEqual(0, process.wait(30))
        self.assertIn("export AWS_ACCESS_KEY_ID=", printed)
        self.assertIn("export LODGE_ENDPOINT=http://127.0.0.1:", printed)
        import pathlib
        import tempfile
        self.assertFalse((pathlib.Path(tempfile.gettempdir()) / f"lodge-simulated-{process.pid}").exists())


class ReadyMeansReady(unittest.TestCase):
    def test_a_launch_right_after_the_endpoint_is_printed(self):
        """People's test suites read LODGE_ENDPOINT and go."""
        for _ in range(5):
            lodge = Lodge()
            self.addCleanup(lodge.close)
            lodge.ready = lambda: "# image to launch" in lodge.log()
            lodge.start()
            lodge.client().run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
            lodge.kill()

    def test_health_means_launches_work(self):
        import http.client
        for _ in range(5):
            lodge = Lodge()
            self.addCleanup(lodge.close)

            def healthy():
                connection = http.client.HTTPConnection("127.0.0.1", lodge.port, timeout=5)
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            lodge.ready = healthy
            lodge.start()
            lodge.client().run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
            lodge.kill()


if __name__ == "__main__":
    unittest.main()
