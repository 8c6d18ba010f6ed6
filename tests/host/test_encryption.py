"""Encrypted disks: who has their files without the key has noise; the guest, its snapshots and their volumes have the data."""

import glob
import os
import re
import subprocess

from cloud import binary
from disks import DiskTest
from programs import eventually

MARK = "this-was-written-by-a-guest"
DATA = "/dev/sdf"


class EncryptionTest(DiskTest):
    def mark(self, guest, place, times=3000):
        self.assertEqual("", self.inside(guest, f"yes {MARK} | head -n {times} >{place}/marked; sync"))

    def files_with_mark(self):
        """Of volumes and layers, on the host and on the control plane's disk."""
        found = set()
        for path in glob.glob(f"{self.cloud.agent_dir}/disks/*") + glob.glob(f"{self.cloud.state_dir}/images/*"):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    if MARK.encode() in file.read():
                        found.add(os.path.basename(path))
        return found

    def restart_with(self, key, content):
        """lodged is started anew with another master key, or with none."""
        self.cloud.lodged.kill()
        if os.path.exists(key):
            os.remove(key)
        if content:
            with open(key, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(content)
        self.cloud.start_lodged()

    def secrets(self):
        return re.findall(r"lodge-key-\S+", self.libvirt.virsh("secret-list"))

    def test_their_files_are_noise_and_their_data_is_there(self):
        plain, sealed = self.create(), self.create(Encrypted=True)
        (guest,) = self.launch_ready(BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"Encrypted": True}}])
        root = self.describe(guest)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        self.mark(guest, "/root-disk")
        disks = {}
        for volume, device in ((plain, "/dev/sdf"), (sealed, "/dev/sdg")):
            self.attach(volume, guest, device)
            disks[volume] = self.wait_device(guest, volume)
            self.inside(guest, f"dd if=/dev/vda of=/dev/{disks[volume]} bs=1M 2>/dev/null; sync")
        self.assertEqual({f"{plain}.qcow2"}, self.files_with_mark(), "the search finds what is not encrypted, and only that")
        self.mount(guest, disks[sealed])
        before = self.write(guest, "data")
        self.inside(guest, "(while :; do dd if=/dev/zero of=/mnt/busy bs=64k count=16 conv=fsync; done) >/dev/null 2>&1 & true")
        one = self.snapshot(sealed)
        self.wait_completed(one)
        after = self.write(guest, "data")
        two = self.snapshot(sealed)
        self.wait_completed(two)
        self.assertEqual({f"{plain}.qcow2"}, self.files_with_mark(), "nor do layers have it")
        self.ec2.modify_volume(VolumeId=sealed, Size=2)
        eventually(60, lambda: self.modification(sealed) == "completed", self.cloud.logs)
        eventually(20, lambda: self.inside(guest, f"cat /sys/block/{disks[sealed]}/size") == str(2 << 21), "the guest sees it grow")
        self.assertEqual([], self.secrets(), "libvirt has a key while it needs it")

        # In other guests, and after other processes.
        self.cloud.agent.kill()
        self.cloud.start_agent()
        (second,) = self.launch_ready(BlockDeviceMappings=[{"DeviceName": DATA, "Ebs": {"SnapshotId": one}}])
        copy = next(m["Ebs"]["VolumeId"] for m in self.describe(second)["BlockDeviceMappings"] if m["DeviceName"] == DATA)
        disk = self.wait_device(second, copy)
        self.mount(second, disk)
        self.assertEqual(before, self.inside(second, "sha256sum </mnt/data"))
        self.assertEqual(after, self.read(second, self.create(SnapshotId=two, Size=3), "data"))
        # A stopped disk grows, and is cut; both disks are opened anew.
        self.ec2.stop_instances(InstanceIds=[guest])
        self.wait_state(guest, "stopped")
        self.ec2.modify_volume(VolumeId=sealed, Size=4)
        self.wait_completed(self.snapshot(root), self.snapshot(sealed))
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_console(guest, "boot 2 of this disk")
        self.wait_console(guest, "lodge-tiny: ready")
        disk = self.wait_device(guest, sealed)
        self.mount(guest, disk)
        self.assertEqual((after, str(4 << 21)), tuple(self.inside(guest, each) for each in (
            "sha256sum </mnt/data", f"cat /sys/block/{disk}/size")))
        self.assertEqual("3000", self.inside(guest, f"grep -c {MARK} /root-disk/marked"))

    def test_an_image_of_one(self):
        (guest,) = self.launch_ready(BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"Encrypted": True}}])
        self.mark(guest, "/root-disk", 10)
        image = self.ec2.create_image(InstanceId=guest, Name="sealed", NoReboot=True)["ImageId"]
        eventually(120, lambda: self.ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available", self.cloud.logs)
        self.terminate(guest)
        twins = self.launch_ready(2, ImageId=image)
        for twin in twins:
            self.assertEqual("10", self.inside(twin, f"grep -c {MARK} /root-disk/marked"))
        self.assertEqual(set(), self.files_with_mark())

    def test_without_the_master_key_they_do_not_start_and_nothing_is_lost(self):
        key = f"{self.cloud.state_dir}/master.key"
        (guest,) = self.launch_ready(BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"Encrypted": True}}])
        self.assertEqual(0o600, os.stat(key).st_mode & 0o777)
        with open(key, encoding="ascii") as file:
            kept = file.read()
        self.ec2.stop_instances(InstanceIds=[guest])
        self.wait_state(guest, "stopped")
        for other in (None, "0" * 64 + "\n"):
            self.restart_with(key, other)
            self.assertEqual(other is not None, os.path.exists(key), "a new key would open nothing")
            told = subprocess.run([binary("api/lodge"), "--state-dir", self.cloud.state_dir, "doctor"], capture_output=True,
                                  text=True, check=False, timeout=60)
            self.assertEqual(3, told.returncode)
            self.assertIn("Encrypted volumes cannot be opened", told.stdout)
            with self.refused("ServiceUnavailable", "master key"):
                self.create(Encrypted=True)
            (plain,) = self.launch_ready()
            self.terminate(plain)
            if other:
                continue
            self.ec2.start_instances(InstanceIds=[guest])
            eventually(60, lambda: "cannot tell the key" in self.cloud.logs(), lambda: self.story(guest, "pending"))
            self.stays(guest, "pending")
        self.restart_with(key, kept)
        self.wait_console(guest, "boot 2 of this disk")
        self.create(Encrypted=True)
