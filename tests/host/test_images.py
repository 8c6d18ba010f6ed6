"""Images that are damaged or gone on their way to a guest, other formats, and the full Debian image."""

import contextlib
import os
import signal
import subprocess
import unittest

from case import BOOT_S, CloudTest
from cloud import IMAGES, image_facts
from programs import eventually

LOGIN_S = 180


def damage(path):
    """Overwrites bytes in the middle; the size stays."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(os.urandom(4096))


class DamagedImageTest(CloudTest):
    def setUp(self):
        self.made = 0

    def new_image(self):
        """Imports a disk that no host has cached yet. Its ID and SHA-256."""
        self.made += 1
        path = f"{self.cloud.folder}/{self.id().rsplit('.', 1)[1]}-{self.made}.qcow2"
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", image_facts("lodge-tiny")["disk"], path], check=True)
        subprocess.run(["qemu-img", "resize", "-q", path, f"+{64 + len(os.path.basename(path))}M"], check=True)
        image_id = self.cloud.import_tiny(os.path.basename(path)[:60], disk=path)
        return image_id, self.cloud.sha256_of(image_id)

    def ends_terminated(self, instance_id, *words):
        self.wait_state(instance_id, "terminated")
        code, message = self.reason(instance_id)
        self.assertEqual(code, "Server.InternalError")
        for word in words:
            self.assertIn(word, message)

    def test_corrupt_on_the_control_plane(self):
        image_id, sha256 = self.new_image()
        damage(self.cloud.image_file(sha256))
        self.ends_terminated(*self.launch(ImageId=image_id), "corrupt")
        self.assertFalse(os.path.exists(self.cloud.cached_file(sha256)))

    def test_cut_short_on_the_control_plane(self):
        image_id, sha256 = self.new_image()
        os.truncate(self.cloud.image_file(sha256), 4096)
        self.ends_terminated(*self.launch(ImageId=image_id), "bytes")

    def test_missing_on_the_control_plane(self):
        image_id, sha256 = self.new_image()
        os.remove(self.cloud.image_file(sha256))
        self.ends_terminated(*self.launch(ImageId=image_id), sha256[:12])
        self.launch_ready()  # of another image

    def test_missing_kernel(self):
        facts = self.cloud.lodge_json("image", "list")["images"]
        (kernel,) = [image["sha256"] for image in facts if image["type"] == "kernel"]
        os.rename(self.cloud.image_file(kernel), f"{self.cloud.folder}/kernel")
        self.addCleanup(os.rename, f"{self.cloud.folder}/kernel", self.cloud.image_file(kernel))
        if os.path.exists(self.cloud.cached_file(kernel)):
            os.remove(self.cloud.cached_file(kernel))
        self.ends_terminated(*self.launch(), kernel[:12])

    def test_corrupt_on_the_host_is_fetched_again(self):
        sha256 = self.cloud.sha256_of(self.cloud.image_id)
        self.terminate(*self.launch_ready())
        damage(self.cloud.cached_file(sha256))
        self.terminate(*self.launch_ready())
        os.remove(self.cloud.cached_file(sha256))
        self.launch_ready()

    def test_corrupt_on_the_host_and_gone_on_the_control_plane(self):
        image_id, sha256 = self.new_image()
        self.terminate(*self.launch_ready(ImageId=image_id))
        damage(self.cloud.cached_file(sha256))
        os.remove(self.cloud.image_file(sha256))
        self.ends_terminated(*self.launch(ImageId=image_id), sha256[:12])

    def test_start_without_the_disk_ends_stopped_with_a_reason(self):
        (each,) = self.launch_ready()
        self.ec2.stop_instances(InstanceIds=[each])
        self.wait_state(each, "stopped")
        (disk,) = self.cloud.disks()
        path = f"{self.cloud.agent_dir}/disks/{disk}"
        os.rename(path, f"{path}.away")
        self.ec2.start_instances(InstanceIds=[each])
        eventually(30, lambda: self.reason(each)[0] == "Server.InternalError", lambda: self.story(each, "given up"))
        self.wait_state(each, "stopped")
        self.assertIn("not on this host", self.reason(each)[1])
        os.rename(f"{path}.away", path)
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: boot 2 of this disk")


class FullHostTest(CloudTest):
    @contextlib.contextmanager
    def small_cache(self, size):
        """A file system of its own for the host's images, which begins empty. libvirtd does not see it: nothing starts from it."""
        folder = f"{self.cloud.agent_dir}/images"
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)

    def fill(self, path):
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 20))
            except OSError:
                pass

    def test_room_runs_out_in_the_middle_of_a_fetch(self):
        path = f"{self.cloud.folder}/large.raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", image_facts("lodge-tiny")["disk"], path], check=True)
        os.truncate(path, 256 << 20)
        image_id = self.cloud.import_tiny("tiny-large", disk=path, fmt="raw")
        with self.small_cache("320m") as folder:
            unfinished = f"{folder}/.tmp-{self.cloud.sha256_of(image_id)}"
            begun = lambda: os.path.exists(unfinished) and os.path.getsize(unfinished) > 0  # noqa: E731
            (each,) = self.launch(ImageId=image_id)
            eventually(30, begun, "the fetch begins", pause=0.001)
            self.cloud.lodged.process.send_signal(signal.SIGSTOP)
            try:
                self.assertLess(os.path.getsize(unfinished), 256 << 20)
                self.fill(f"{folder}/filler")
            finally:
                self.cloud.lodged.process.send_signal(signal.SIGCONT)
            self.wait_state(each, "terminated")
            code, message = self.reason(each)
            self.assertEqual("Server.InternalError", code)
            self.assertIn("No space left on device", message)
            self.assertFalse(os.path.exists(unfinished))
        self.terminate(*self.launch_ready(ImageId=image_id))


class FormatTest(CloudTest):
    def test_raw_image_boots(self):
        path = f"{self.cloud.folder}/tiny.raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", image_facts("lodge-tiny")["disk"], path], check=True)
        (each,) = self.launch_ready(ImageId=self.cloud.import_tiny("tiny-raw", disk=path, fmt="raw"))
        self.assertIn("lodge-tiny: boot 1 of this disk", self.console(each))

    def test_volume_is_larger_than_the_image_when_asked(self):
        (each,) = self.launch_ready(BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"VolumeSize": 3}}])
        (volume,) = self.ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [each]}])["Volumes"]
        self.assertEqual(3, volume["Size"])
        self.assertIn(f"root disk /dev/vda {volume['VolumeId'].replace('-', '')} 3072 MiB", self.console(each))
        self.terminate(each)
        self.assertEqual([], self.ec2.describe_volumes()["Volumes"])

    def test_instances_of_a_deleted_image_go_on_and_start_again(self):
        path = f"{self.cloud.folder}/deleted.raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", image_facts("lodge-tiny")["disk"], path], check=True)
        os.truncate(path, 80 << 20)
        image_id = self.cloud.import_tiny("tiny-deleted", disk=path, fmt="raw")
        (each,) = self.launch_ready(ImageId=image_id)
        self.cloud.lodge("image", "delete", image_id)
        with self.refused("InvalidAMIID.NotFound"):
            self.launch(ImageId=image_id)
        self.ec2.stop_instances(InstanceIds=[each])
        self.wait_state(each, "stopped")
        self.ec2.start_instances(InstanceIds=[each])
        self.wait_console(each, "lodge-tiny: boot 2 of this disk")


@unittest.skipUnless(os.environ.get("LODGE_TEST_DEBIAN") == "1", "takes minutes: set LODGE_TEST_DEBIAN=1")
class DebianTest(CloudTest):
    def test_boots_by_bios_from_its_own_disk_to_a_login(self):
        facts = image_facts("lodge-debian-12")
        self.assertTrue(os.path.exists(facts["disk"]), f"deploy/images/build debian --out {IMAGES}")
        image_id = self.cloud.lodge_json("image", "import", facts["disk"], "--name", "lodge-debian-12", "--arch",
                                         facts["architecture"], "--format", facts["format"])["id"]
        (each,) = self.launch(ImageId=image_id, InstanceType="t3.small")
        self.wait_state(each, "running", BOOT_S)
        self.wait_console(each, "login:", seconds=LOGIN_S)
        self.assertIsNone(self.libvirt.xml(self.domain(each)).find("os/kernel"))
        self.assertIn("Booting `Debian", self.console(each))  # GRUB
