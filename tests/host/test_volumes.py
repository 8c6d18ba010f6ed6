"""Volumes on real guests: what was written to one is there in the next guest that has it."""

import os

from disks import DiskTest
from programs import eventually


class VolumeTest(DiskTest):
    def test_data_goes_from_guest_to_guest_and_the_disk_grows_while_mounted(self):
        first, second = self.launch_ready(2)
        volume = self.create()
        self.assertFalse(os.path.exists(self.file(volume)))
        self.attach(volume, first)
        disk = self.wait_device(first, volume)
        self.assertEqual(str(1 << 21), self.inside(first, f"cat /sys/block/{disk}/size"))
        # The guest has no mkfs; its root disk holds a file system.
        self.inside(first, f"sync; dd if=/dev/vda of=/dev/{disk} bs=1M 2>/dev/null; sync")
        self.mount(first, disk)
        written = self.inside(first, "dd if=/dev/urandom of=/mnt/data bs=1M count=4 2>/dev/null; sync; sha256sum </mnt/data")
        self.assertRegex(written, r"^[0-9a-f]{64}")
        self.ec2.modify_volume(VolumeId=volume, Size=2, Throughput=200)
        eventually(60, lambda: self.modification(volume) == "completed", self.cloud.logs)
        eventually(20, lambda: self.inside(first, f"cat /sys/block/{disk}/size") == str(2 << 21), "the guest sees it grow")
        tuned = self.libvirt.virsh("blkdeviotune", self.domain(first), "vdf")
        self.assertRegex(tuned, r"total_iops_sec\s*: 3000")
        self.assertRegex(tuned, rf"total_bytes_sec\s*: {200 << 20}")
        self.assertEqual(written, self.inside(first, "sha256sum </mnt/data"))
        self.assertEqual("", self.inside(first, "umount /mnt"))
        self.detach(volume)
        self.assertEqual("", self.device(first, volume))
        self.attach(volume, second, "/dev/xvdz")
        disk = self.wait_device(second, volume)
        self.mount(second, disk)
        self.assertEqual(written, self.inside(second, "sha256sum </mnt/data"))
        self.terminate(second)
        eventually(20, lambda: self.volume(volume)["State"] == "available", "it outlives its instance")
        self.stop_and_start_with(volume, first, written)

    def stop_and_start_with(self, volume, guest, written):
        """Attached to a stopped instance, larger at the start than it was, and the same afterwards."""
        self.ec2.stop_instances(InstanceIds=[guest])
        self.wait_state(guest, "stopped")
        self.ec2.attach_volume(VolumeId=volume, InstanceId=guest, Device="/dev/sdf")
        self.ec2.modify_volume(VolumeId=volume, Size=3)
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_console(guest, "boot 2 of this disk")
        self.wait_console(guest, "lodge-tiny: ready")
        disk = self.device(guest, volume)
        self.assertEqual(str(3 << 21), self.inside(guest, f"cat /sys/block/{disk}/size"))
        self.mount(guest, disk)
        self.assertEqual(written, self.inside(guest, "sha256sum </mnt/data"))
        self.terminate(guest)
        self.ec2.delete_volume(VolumeId=volume)
        eventually(30, lambda: not os.path.exists(self.file(volume)), self.cloud.logs)
        eventually(30, lambda: not self.volumes(), "it goes once its host has told that its file is gone")

    def test_a_root_disk_that_stays_and_volumes_of_a_launch(self):
        mappings = [{"DeviceName": "/dev/vda", "Ebs": {"DeleteOnTermination": False}},
                    {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 2}}]
        (first,) = self.launch_ready(BlockDeviceMappings=mappings)
        devices = {each["DeviceName"]: each["Ebs"]["VolumeId"] for each in self.describe(first)["BlockDeviceMappings"]}
        self.assertEqual("vdb", self.device(first, devices["/dev/sdg"]))
        self.inside(first, "echo kept >/root-disk/note; sync")
        self.terminate(first)
        eventually(30, lambda: [v["VolumeId"] for v in self.volumes()] == [devices["/dev/vda"]], self.cloud.logs)
        self.assertFalse(os.path.exists(self.file(devices["/dev/sdg"])))
        (second,) = self.launch_ready()
        self.attach(devices["/dev/vda"], second)
        disk = self.wait_device(second, devices["/dev/vda"])
        self.mount(second, disk)
        self.assertEqual("kept", self.inside(second, "cat /mnt/note"))

    def test_a_broken_guest_is_mended_by_another_and_boots_again(self):
        broken, helper = self.launch_ready(2)
        root = self.describe(broken)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        self.ec2.stop_instances(InstanceIds=[broken])
        self.wait_state(broken, "stopped")
        self.detach(root)
        self.attach(root, helper)
        self.mount(helper, self.wait_device(helper, root))
        self.assertEqual("", self.inside(helper, "echo mended >/mnt/note && umount /mnt"))
        self.detach(root)
        with self.refused("InvalidParameterValue", "attached at root"):
            self.ec2.start_instances(InstanceIds=[broken])
        self.ec2.attach_volume(VolumeId=root, InstanceId=broken, Device="/dev/vda")
        self.ec2.start_instances(InstanceIds=[broken])
        self.wait_console(broken, "boot 2 of this disk")
        self.wait_console(broken, "lodge-tiny: ready")
        self.assertEqual("mended", self.inside(broken, "cat /root-disk/note"))

    def test_bytes_of_a_deleted_volume_are_in_no_other(self):
        (guest,) = self.launch_ready()
        mark = "c0ffee of a deleted volume"
        for write in (True, False):
            volume = self.create()
            self.attach(volume, guest)
            disk = self.wait_device(guest, volume)
            if write:
                self.inside(guest, f"yes '{mark}' | head -c 16777216 >/dev/{disk}; sync")
            found = self.inside(guest, f"head -c 16777216 /dev/{disk} | grep -a -c c0ffee")
            self.assertEqual(str(1 + (16 << 20) // (len(mark) + 1)) if write else "0", found)
            self.detach(volume)
            self.ec2.delete_volume(VolumeId=volume)
            eventually(30, lambda: not os.path.exists(self.file(volume)), self.cloud.logs)

    def test_force_frees_it_at_once_and_the_guest_loses_it(self):
        (guest,) = self.launch_ready()
        volume = self.create()
        self.attach(volume, guest)
        self.wait_device(guest, volume)
        self.ec2.detach_volume(VolumeId=volume, Force=True)
        self.assertEqual("available", self.volume(volume)["State"])
        eventually(30, lambda: not self.device(guest, volume), "the guest has it no more")
        self.attach(volume, guest)
        self.wait_device(guest, volume)

    def test_both_daemons_die_while_a_disk_is_on_its_way(self):
        (guest,) = self.launch_ready()
        volume = self.create()
        self.ec2.attach_volume(VolumeId=volume, InstanceId=guest, Device="/dev/sdf")
        self.cloud.agent.kill()
        self.cloud.lodged.kill()
        self.cloud.start_lodged()
        self.assertIn(self.attachment(volume), ("attaching", "attached"))
        self.cloud.start_agent()
        eventually(60, lambda: self.attachment(volume) == "attached", self.cloud.logs)
        self.wait_device(guest, volume)
        self.cloud.agent.kill()
        self.ec2.modify_volume(VolumeId=volume, Size=2)
        with self.refused("IncorrectModificationState"):
            self.ec2.modify_volume(VolumeId=volume, Size=3)
        self.cloud.start_agent()
        eventually(60, lambda: self.modification(volume) == "completed", self.cloud.logs)
        self.ec2.detach_volume(VolumeId=volume)
        self.cloud.agent.kill()
        self.cloud.start_agent()
        eventually(60, lambda: self.attachment(volume) == "none", self.cloud.logs)
        self.ec2.delete_volume(VolumeId=volume)
        self.cloud.agent.kill()
        self.cloud.start_agent()
        eventually(30, lambda: not os.path.exists(self.file(volume)), self.cloud.logs)

    def test_a_host_with_little_space_takes_no_more(self):
        (guest,) = self.launch_ready()
        fits, volume = self.create(), self.create()
        self.attach(fits, guest)
        arguments = self.cloud.lodged.arguments
        self.cloud.lodged.kill()
        self.cloud.lodged.arguments = [*arguments, "--reserved-disk-mib", str(1 << 40)]
        try:
            self.cloud.start_lodged()
            eventually(30, lambda: self.cloud.condition() == "low-disk", lambda: self.cloud.condition())
            with self.refused("InsufficientVolumeCapacity"):
                self.ec2.attach_volume(VolumeId=volume, InstanceId=guest, Device="/dev/sdg")
            with self.refused("InsufficientVolumeCapacity"):
                self.ec2.modify_volume(VolumeId=fits, Size=2)
            self.detach(fits)
            self.attach(fits, guest)  # it is there already
        finally:
            self.cloud.lodged.kill()
            self.cloud.lodged.arguments = arguments
            self.cloud.start_lodged()
            self.cloud.wait_schedulable()
