"""What is left on a host, by whosever hand: ours that is over ends, what nobody knows stays until the operator decides; `lodge doctor`."""

import contextlib
import glob
import json
import os
import random
import shutil
import subprocess
import time

from case import LIVE, CloudTest
from cloud import binary
from guests import TAG
from programs import eventually

TAG_NAMESPACE = TAG[1:].split("}", maxsplit=1)[0]
GONE_S = 10  # how soon what is over is gone


class DoctorTest(CloudTest):
    def doctor(self, *words):
        """The findings; exit status and list agree."""
        done = subprocess.run([binary("api/lodge"), "--state-dir", self.cloud.state_dir, "--json", "doctor", *words],
                              capture_output=True, text=True, check=False, timeout=60)
        findings = json.loads(done.stdout)["findings"] if done.stdout else done.stderr
        self.assertEqual(done.returncode, 3 if findings else 0, findings)
        return [f"{each['finding']} {each['mend']}" for each in findings]

    def finds(self, *words):
        """Waits for a finding with all of the words."""
        def found():
            return [each for each in self.doctor() if all(word in each for word in words)]
        return eventually(30, found, lambda: f"the doctor finds {words}: {self.doctor()}", 0.3)[0]

    def well(self):
        eventually(30, lambda: not self.doctor(), lambda: f"the doctor finds nothing: {self.doctor()}", 0.3)

    def disk(self, name):
        return f"{self.cloud.agent_dir}/disks/{name}"

    def define_unknown(self, guest_id):
        """A domain with our tag and our host's name of a guest that nobody has asked for; its name."""
        tag = (f"<lodge:guest xmlns:lodge='{TAG_NAMESPACE}' id='{guest_id}' instance='i-0123456789abcdef0' "
               f"host='{self.cloud.host_id}'/>")
        self.libvirt.define(
            f"<domain type='qemu'><name>lodge-{guest_id}</name><metadata>{tag}</metadata><memory unit='MiB'>64</memory>"
            "<vcpu>1</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os><devices/></domain>")
        self.addCleanup(self.libvirt.remove, f"lodge-{guest_id}")
        return f"lodge-{guest_id}"


class LeftoversTest(DoctorTest):
    def test_what_is_over_and_comes_back_by_hand_is_gone_again(self):
        (each,) = self.launch_ready()
        name = self.domain(each)
        (disk,) = self.cloud.disks()
        xml = self.libvirt.virsh("dumpxml", "--inactive", name)
        shutil.copy(self.disk(disk), f"{self.cloud.folder}/kept")
        self.terminate(each)
        self.assertEqual((self.cloud.domains(), self.cloud.disks()), ({}, []))
        shutil.copy(f"{self.cloud.folder}/kept", self.disk(disk))
        self.libvirt.define(xml)
        with contextlib.suppress(AssertionError):  # it may be gone already
            self.libvirt.virsh("start", name)
        eventually(GONE_S, lambda: name not in self.libvirt.names(), self.cloud.logs)
        eventually(GONE_S, lambda: self.cloud.disks() == [], self.cloud.logs)
        shutil.copy(f"{self.cloud.folder}/kept", self.disk(disk))  # an orphan overlay by itself
        eventually(GONE_S, lambda: self.cloud.disks() == [], self.cloud.logs)
        self.well()

    def test_a_disk_whose_file_is_gone_is_told(self):
        (each,) = self.launch_ready()
        (disk,) = self.cloud.disks()
        self.ec2.stop_instances(InstanceIds=[each])
        self.wait_state(each, "stopped")
        os.rename(self.disk(disk), f"{self.cloud.folder}/kept")
        self.look_at_files()
        self.assertIn("Put it back", self.finds(f"The file of {disk.split('.')[0]} of {each} is not on host"))
        os.rename(f"{self.cloud.folder}/kept", self.disk(disk))
        self.look_at_files()
        self.well()
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "boot 2 of this disk")

    def look_at_files(self):
        """An agent does so at its start, and then once a minute."""
        self.cloud.agent.kill()
        self.cloud.start_agent()

    def test_what_nobody_knows_stays_until_the_operator_discards_it(self):
        (each,) = self.launch_ready()
        name, foreign_disk = self.define_unknown("g-0123456789abcdef0"), "notes.txt"
        self.libvirt.virsh("start", name)
        pid = self.libvirt.qemu_pid(name)
        for file in ("vol-0123456789abcdef0.qcow2", foreign_disk):
            with open(self.disk(file), "w", encoding="ascii") as out:
                out.write("whose?")
        self.assertIn("lodge host discard", self.finds("runs a guest g-0123456789abcdef0"))
        self.finds("a root disk vol-0123456789abcdef0")
        self.finds("behind its hosts")
        self.doctor("--mend")  # which ends nothing that runs, and removes no disk
        self.cloud.agent.kill()
        self.cloud.start_agent()
        self.finds("runs a guest g-0123456789abcdef0")
        self.assertEqual(self.libvirt.qemu_pid(name), pid)
        self.assertTrue(os.path.exists(self.disk("vol-0123456789abcdef0.qcow2")))
        for what in ("g-0123456789abcdef0", "vol-0123456789abcdef0"):
            self.cloud.lodge("host", "discard", self.cloud.host_id, what)
        eventually(GONE_S, lambda: name not in self.libvirt.names(), self.cloud.logs)
        eventually(GONE_S, lambda: not os.path.exists(self.disk("vol-0123456789abcdef0.qcow2")), self.cloud.logs)
        os.remove(self.disk(foreign_disk))  # it was never touched
        self.stays(each, "running")
        self.well()

    def test_definition_that_nobody_knows_is_mended(self):
        (each,) = self.launch_ready()
        name = self.define_unknown("g-0123456789abcdef1")
        self.finds("definition of a guest g-0123456789abcdef1", "--mend")
        self.assertTrue(any("Mended" in finding for finding in self.doctor("--mend")))
        eventually(GONE_S, lambda: name not in self.libvirt.names(), self.cloud.logs)
        self.stays(each, "running")
        self.well()

    def test_guest_undefined_by_hand_is_told(self):
        (each,) = self.launch_ready()
        self.libvirt.remove(self.domain(each))
        self.wait_state(each, "stopped", seconds=GONE_S)
        self.assertIn("start-instances", self.finds(f"Instance {each}", "nobody stopped it"))
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_state(each, "running")
        self.well()

    def test_agent_and_lodged_away_are_told(self):
        self.cloud.agent.kill()
        self.assertIn("lodge host fence", self.finds(f"Host {self.cloud.host_id}", "not heard"))
        self.cloud.lodged.kill()
        self.finds("lodged does not run", "systemctl start lodged")
        self.cloud.start_lodged()
        # That it was away itself says nothing of the host.
        self.assertEqual("settling", self.cloud.lodge_json("host", "list")["hosts"][0]["condition"])
        self.cloud.start_agent()
        self.well()


class RestoredTest(DoctorTest):
    def test_yesterdays_database_ends_no_guest(self):
        (ended,) = self.launch_ready()
        backup = f"{self.cloud.folder}/yesterday.db"
        (known,) = self.launch_ready()
        self.terminate(ended)
        self.cloud.lodge("backup", backup)
        self.ec2.stop_instances(InstanceIds=[known])
        self.wait_state(known, "stopped")
        self.ec2.start_instances(InstanceIds=[known])  # another guest than the backup knows
        self.wait_console(known, "lodge-tiny: boot 2 of this disk")
        (newer,) = self.launch_ready()
        pids = {each: self.qemu_pid(each) for each in (known, newer)}
        self.assertEqual(self.cloud.lodged.stop(), 0)
        for path in glob.glob(f"{self.cloud.state_dir}/lodge.db*"):
            os.remove(path)
        self.cloud.lodge("restore", backup)
        self.cloud.start_lodged()
        self.cloud.wait_schedulable()
        self.finds("behind its hosts", "lodge restore")
        self.finds("runs a guest", newer)
        self.finds("runs a guest", "the instance", known)
        time.sleep(GONE_S)  # what would be gone would be gone by now
        self.assertEqual({each: self.qemu_pid(each) for each in (known, newer)}, pids, "a guest was ended silently")
        self.assertEqual([instance["InstanceId"] for instance in self.instances(LIVE)], [known])
        self.terminate(known)
        self.cloud.lodge("host", "discard", self.cloud.host_id, self.domain(newer).removeprefix("lodge-"))
        eventually(GONE_S, lambda: self.cloud.domains() == {}, self.cloud.logs)
        (disk,) = self.cloud.disks()
        self.finds(f"a root disk {disk.removesuffix('.qcow2')}")
        self.cloud.lodge("host", "discard", self.cloud.host_id, disk.removesuffix(".qcow2"))
        eventually(GONE_S, lambda: self.cloud.disks() == [], self.cloud.logs)
        self.well()


class AgentKilledTest(CloudTest):
    KILLS, AT_ONCE = 20, 3

    def test_agent_killed_during_launches_and_terminations(self):
        dice = random.Random(20261129)
        live, ended = [], []
        for _ in range(self.KILLS):
            live += self.launch()
            if len(live) > self.AT_ONCE:
                ended.append(live.pop(0))
                self.ec2.terminate_instances(InstanceIds=ended[-1:])
            time.sleep(dice.uniform(0, 0.5))  # where in its work it dies
            self.cloud.agent.kill()
            self.cloud.agent.start()
        for each in ended:
            self.wait_state(each, "terminated")
        for each in live:
            self.wait_state(each, "running")
        eventually(10, lambda: sorted(self.cloud.domains()) == sorted(live), lambda: f"{live} alone run: {self.cloud.domains()}")
        self.assertEqual(len(self.cloud.disks()), len(live))
        for each in live:
            self.wait_console(each, "lodge-tiny: ready")
            self.assertIn("lodge-tiny: boot 1 of this disk", self.console(each))
        self.cloud.wait_schedulable()
