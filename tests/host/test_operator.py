"""`lodge`, the operator's command line, on a cloud with real guests."""

import glob
import os
import shutil
import subprocess

from case import LIVE, CloudTest
from cloud import CommandError, image_facts
from programs import Program, eventually


class OperatorTest(CloudTest):
    def says_no(self, *arguments, state_dir=None):
        """What `lodge` answers when it refuses."""
        with self.assertRaises(CommandError) as caught:
            self.cloud.lodge(*arguments, state_dir=state_dir)
        self.assertEqual(caught.exception.status, 1)
        return caught.exception.message


class HostTest(OperatorTest):
    def test_drain_refuses_launches_and_keeps_guests(self):
        (each,) = self.launch_ready()
        self.assertRegex(self.cloud.lodge("host", "list"), rf"{self.cloud.host_id}.* active +yes +ok ")
        self.assertIn("takes no new instances; 1 guests", self.cloud.lodge("host", "drain", self.cloud.host_id))
        self.assertIn("draining", self.cloud.lodge("host", "list"))
        with self.refused("InsufficientInstanceCapacity", "There is no host for 1 x (1 vCPU, 512 MiB)", "draining"):
            self.launch()
        self.assertIn("draining", self.cloud.lodge("placement", "explain", "t3.nano"))
        self.stays(each, "running")
        self.ec2.reboot_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: boot 2 of this disk")
        self.cloud.lodge("host", "drain", self.cloud.host_id, "--undo")
        self.assertIn("1 x t3.nano can be placed in us-east-1a", self.cloud.lodge("placement", "explain", "t3.nano"))
        self.launch()

    def test_a_fenced_host_ends_its_stale_guests_when_it_is_back(self):
        guest, = self.launch_ready()
        with self.assertRaisesRegex(CommandError, "the host is heard"):
            self.cloud.lodge("host", "fence", self.cloud.host_id)
        pid = self.qemu_pid(guest)
        self.cloud.agent.kill()  # the guest runs on, and nobody tells
        eventually(30, lambda: self.condition_told() == "unreachable", "the host is unreachable")
        self.assertIn("1 guests are taken for gone", self.cloud.lodge("host", "fence", self.cloud.host_id))
        self.wait_state(guest, "stopped", 5)
        self.assertEqual(self.reason(guest), ("Server.InternalError", "Server.InternalError: Its host was lost"))
        self.assertTrue(os.path.exists(f"/proc/{pid}"))
        self.cloud.start_agent()
        eventually(30, lambda: not os.path.exists(f"/proc/{pid}"), "the stale guest has ended")
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_console(guest, "lodge-tiny: boot 2 of this disk")

    def condition_told(self):
        """Also while no agent runs."""
        return self.cloud.lodge_json("host", "list")["hosts"][0]["condition"]

    def test_drain_outlives_lodged_and_agent(self):
        self.cloud.lodge("host", "drain", self.cloud.host_id)
        self.addCleanup(self.cloud.wait_schedulable)
        self.addCleanup(self.cloud.lodge, "host", "drain", self.cloud.host_id, "--undo")
        self.cloud.lodged.kill()
        self.cloud.agent.kill()
        self.cloud.start_lodged()
        self.cloud.agent.start()
        eventually(30, lambda: self.cloud.condition() == "draining", "the host is draining")
        with self.refused("InsufficientInstanceCapacity", "draining"):
            self.launch()

    def test_placement_explains_what_does_not_fit(self):
        self.assertRegex(self.cloud.lodge("placement", "explain", "r5.4xlarge", "--count", "3"),
                         r"3 x \(16 vCPU, 131072 MiB\): the only host lacks memory")
        self.assertIn("no instance type t9.huge", self.says_no("placement", "explain", "t9.huge"))

    def test_token_joins_one_host_once(self):
        token = self.cloud.lodge_json("host", "token")["token"]
        server = self.cloud.lodge_json("info")["agent_endpoint"]
        agents = [Program(f"agent {i}", [self.cloud.agent.arguments[0], "--state-dir", f"{self.cloud.folder}/agent-{i}",
                                         "--server", server, "--libvirt-uri", self.libvirt.uri, "--token", token],
                          f"{self.cloud.folder}/agent-{i}.log") for i in (1, 2)]
        for each in agents:
            self.addCleanup(each.kill)
        agents[0].start()
        eventually(30, lambda: len(self.cloud.hosts()) == 2, "a second host has joined")
        agents[1].start()
        eventually(30, lambda: not agents[1].running(), "the third is turned away")
        self.assertEqual(agents[1].process.returncode, 1)
        self.assertEqual(len(self.cloud.hosts()), 2)
        second = next(host["id"] for host in self.cloud.hosts() if host["id"] != self.cloud.host_id)
        self.cloud.lodge("host", "drain", second)

    def test_second_lodged_on_the_same_database_refuses(self):
        done = subprocess.run([self.cloud.lodged.arguments[0], "--state-dir", self.cloud.state_dir, "--port", "0",
                               "--agent-port", "0"], capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another", done.stderr)
        self.assertTrue(self.cloud.lodged_answers())


class BackupTest(OperatorTest):
    def test_backup_while_running_restores_into_an_empty_folder_alone(self):
        (each,) = self.launch_ready()
        backup, fresh = f"{self.cloud.folder}/backup.db", f"{self.cloud.folder}/fresh"
        self.assertIn("Wrote", self.cloud.lodge("backup", backup))
        self.assertEqual(os.stat(backup).st_mode & 0o077, 0, "others may read the secrets")
        self.says_no("backup", backup)  # overwrites nothing either
        self.assertIn("lodged is running", self.says_no("restore", backup))
        os.mkdir(fresh)
        self.cloud.lodge("restore", backup, state_dir=fresh)
        self.assertIn("overwrites nothing", self.says_no("restore", backup, state_dir=fresh))
        shutil.copy("/bin/true", f"{self.cloud.folder}/rubbish")
        self.assertIn("not an SQLite", self.says_no("restore", f"{self.cloud.folder}/rubbish", state_dir=fresh))
        self.stays(each, "running")

    def test_lodged_with_a_restored_database_takes_its_guests_over(self):
        (known,) = self.launch_ready()
        backup = f"{self.cloud.folder}/before.db"
        self.cloud.lodge("backup", backup)
        (unknown,) = self.launch_ready()
        pids = [self.qemu_pid(each) for each in (known, unknown)]
        orphan = self.domain(unknown)
        self.assertEqual(self.cloud.lodged.stop(), 0)
        os.mkdir(f"{self.cloud.folder}/old")
        for path in glob.glob(f"{self.cloud.state_dir}/lodge.db*"):
            shutil.move(path, f"{self.cloud.folder}/old")
        self.cloud.lodge("restore", backup)
        self.cloud.start_lodged()
        self.cloud.wait_schedulable()
        self.stays(known, "running")
        self.assertEqual([instance["InstanceId"] for instance in self.instances(LIVE)], [known])
        self.terminate(known)
        # Nobody knows whose guest that is: it runs on until the operator decides.
        self.assertEqual(self.libvirt.qemu_pid(orphan), pids[1])
        self.libvirt.remove(orphan)
        (disk,) = self.cloud.disks()
        os.remove(f"{self.cloud.agent_dir}/disks/{disk}")


class ImageTest(OperatorTest):
    def qemu_img(self, *arguments):
        subprocess.run(["qemu-img", *arguments], check=True, capture_output=True)

    def path(self, name):
        return f"{self.cloud.folder}/{name}"

    def test_import_list_delete(self):
        path = self.path("more.qcow2")
        self.qemu_img("create", "-f", "qcow2", path, "123M")
        image_id = self.cloud.lodge("image", "import", path, "--name", "more", "--arch", "x86_64", "--format", "qcow2",
                                    "--image-id", "ami-0123456789abcdef0").strip()
        self.assertEqual(image_id, "ami-0123456789abcdef0")
        self.assertRegex(self.cloud.lodge("image", "list"), f"{image_id} +more ")
        stored = self.cloud.image_file(self.cloud.sha256_of(image_id))
        self.assertTrue(os.path.exists(stored))
        self.assertIn("name more is taken", self.says_no("image", "import", path, "--name", "more", "--arch", "x86_64",
                                                         "--format", "qcow2"))
        self.assertIn("Deleted", self.cloud.lodge("image", "delete", image_id))
        self.assertNotIn(image_id, self.cloud.lodge("image", "list"))
        self.assertFalse(os.path.exists(stored))
        self.assertIn("no image", self.says_no("image", "delete", image_id))

    def test_bad_images_are_refused_and_leave_nothing(self):
        before = sorted(os.listdir(f"{self.cloud.state_dir}/images"))
        tiny = image_facts("lodge-tiny")["disk"]
        self.qemu_img("create", "-f", "qcow2", "-b", tiny, "-F", "qcow2", self.path("overlay"))
        self.qemu_img("create", "-f", "qcow2", "-o", f"data_file={self.path('data')},data_file_raw=on",
                      self.path("data-file"), "8M")
        self.qemu_img("create", "-f", "vmdk", self.path("vmdk"), "8M")
        self.qemu_img("create", "-f", "raw", self.path("raw"), "8M")
        shutil.copy(tiny, self.path("short"))
        os.truncate(self.path("short"), 100_000)
        shutil.copy(tiny, self.path("damaged"))
        with open(self.path("damaged"), "r+b") as file:
            file.seek(48)  # where the refcount table is
            file.write(bytes([0xFF] * 8))
        for name, fmt, why in (("overlay", "qcow2", "backing"), ("data-file", "qcow2", "another file"),
                               ("vmdk", "qcow2", "qcow2"), ("vmdk", "raw", "raw"), ("raw", "qcow2", "qcow2"),
                               (os.path.relpath(tiny, self.cloud.folder), "raw", "qcow2"),
                               ("short", "qcow2", ""), ("damaged", "qcow2", ""), ("missing", "raw", "missing")):
            with self.subTest(image=name, format=fmt):
                message = self.says_no("image", "import", self.path(name), "--name", "bad", "--arch", "x86_64",
                                       "--format", fmt)
                self.assertIn(why, message)
        self.assertEqual(sorted(os.listdir(f"{self.cloud.state_dir}/images")), before)
        self.assertEqual(os.listdir(f"{self.cloud.state_dir}/images/incoming"), [])
