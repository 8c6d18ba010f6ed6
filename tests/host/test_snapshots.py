"""Snapshots of disks that guests write to, and images made of guests: what comes of them holds what was there."""

import os
import shutil
import subprocess
import time
from xml.etree import ElementTree

from cloud import AGENT_OPTIONS, CommandError, binary, flatten
from disks import DiskTest
from programs import Program, eventually

MIB = 1 << 20


class SnapshotTest(DiskTest):
    def test_a_busy_disk_is_cut_and_every_snapshot_keeps_its_moment(self):
        first, second = self.launch_ready(2)
        volume, disk, before = self.volume_with_files(first)
        self.inside(first, "(while :; do dd if=/dev/zero of=/mnt/busy bs=64k count=16 conv=fsync; done) >/dev/null 2>&1 & true")
        one = self.snapshot(volume, Description="one")
        self.wait_completed(one)
        self.assertIn(f"{volume}.1.qcow2", self.libvirt.virsh("domblklist", self.domain(first)))
        sizes = self.layer_sizes()
        after = self.write(first, "data")
        two = self.snapshot(volume)
        self.wait_completed(two)
        grown = [size for name, size in self.layer_sizes().items() if name not in sizes]
        self.assertEqual(1, len(grown), grown)
        self.assertLess(grown[0], 12 * MIB, "what was written since, not the whole disk")
        self.assertEqual(after, self.inside(first, "sha256sum </mnt/data"))

        copy = self.create(SnapshotId=one)
        self.assertEqual(before, self.read(second, copy, "data"))
        later = self.create(SnapshotId=two, Size=2)
        self.ec2.delete_snapshot(SnapshotId=one)
        self.assertEqual(after, self.read(second, later, "data"))
        self.assertEqual(before, self.read(second, copy, "data"), "it does not need its snapshot any more")

        # The volume grows and is limited as if nothing had been, and goes on in the next guest.
        self.ec2.modify_volume(VolumeId=volume, Size=3)
        eventually(60, lambda: self.modification(volume) == "completed", self.cloud.logs)
        eventually(20, lambda: self.inside(first, f"cat /sys/block/{disk}/size") == str(3 << 21), "the guest sees it grow")
        self.ec2.stop_instances(InstanceIds=[first])
        self.wait_state(first, "stopped")
        self.ec2.detach_volume(VolumeId=volume)
        self.ec2.delete_volume(VolumeId=copy)
        self.assertEqual(after, self.read(second, volume, "data"))
        self.assertEqual(3, len([name for name in self.cloud.disks() if name.startswith(volume)]))

    def test_disks_that_no_guest_writes_to(self):
        (guest,) = self.launch_ready()
        volume, _, written = self.volume_with_files(guest)
        self.assertEqual("", self.inside(guest, "umount /mnt"))
        self.detach(volume)
        free = self.snapshot(volume)
        never = self.snapshot(self.create(Size=2))
        self.wait_completed(free, never)
        self.ec2.stop_instances(InstanceIds=[guest])
        self.wait_state(guest, "stopped")
        (root,) = self.ec2.create_snapshots(InstanceSpecification={"InstanceId": guest})["Snapshots"]
        self.wait_completed(root["SnapshotId"])
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_console(guest, "boot 2 of this disk")
        self.wait_console(guest, "lodge-tiny: ready")
        for source, name in ((free, "data"), (root["SnapshotId"], "boots")):
            copy = self.create(SnapshotId=source)
            told = self.read(guest, copy, name)
            self.assertEqual(written if name == "data" else self.inside(guest, "echo 1 | sha256sum"), told)
        empty = self.create(SnapshotId=never, Size=2)
        self.attach(empty, guest)
        disk = self.wait_device(guest, empty)
        self.assertEqual("0", self.inside(guest, f"tr -d '\\000' </dev/{disk} | head -c 1 | wc -c"))

    def test_all_disks_of_an_instance_are_of_one_moment(self):
        (guest,) = self.launch_ready()
        (one, _, _), two = self.volume_with_files(guest), self.create()
        self.attach(two, guest, "/dev/sdg")
        disk = self.wait_device(guest, two)
        # A number goes to one disk, then to the other, never the other way round.
        self.inside(guest, f"(n=100000; while :; do n=$((n+1)); printf $n | dd of=/mnt/count conv=fsync; "
                           f"printf $n | dd of=/dev/{disk} conv=fsync; done) >/dev/null 2>&1 & true")
        eventually(30, lambda: self.inside(guest, f"head -c 6 /dev/{disk}").isdigit(), "it counts")
        made = self.ec2.create_snapshots(InstanceSpecification={"InstanceId": guest, "ExcludeBootVolume": True})
        by_volume = {each["VolumeId"]: each["SnapshotId"] for each in made["Snapshots"]}
        self.assertEqual({one, two}, set(by_volume))
        self.wait_completed(*by_volume.values())
        (reader,) = self.launch_ready()
        counts = []
        for volume, read in ((one, "mount -t ext4 /dev/{0} /other; head -c 6 /other/count; umount /other"), (two, "head -c 6 /dev/{0}")):
            copy = self.create(SnapshotId=by_volume[volume])
            self.attach(copy, reader)
            told = self.inside(reader, "mkdir -p /other; " + read.format(self.wait_device(reader, copy)))
            counts.append(int(told))
            self.detach(copy)
        self.assertIn(counts[0] - counts[1], (0, 1), counts)

    def test_layers_go_when_nothing_lies_on_them(self):
        (guest,) = self.launch_ready()
        volume, _, _ = self.volume_with_files(guest)
        before = self.layer_sizes()
        snapshot = self.snapshot(volume)
        self.wait_completed(snapshot)
        (layer,) = set(self.layer_sizes()) - set(before)
        self.look_at_files()
        self.assertTrue(os.path.exists(self.cloud.cached_file(layer)))
        self.assertEqual("", self.inside(guest, "umount /mnt"))
        self.detach(volume)
        self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.look_at_files()
        time.sleep(2)
        self.assertTrue(os.path.exists(self.cloud.cached_file(layer)), "the volume lies on it")
        self.ec2.delete_volume(VolumeId=volume)
        eventually(30, lambda: not os.path.exists(self.file(volume)), self.cloud.logs)
        self.look_at_files()
        eventually(30, lambda: not os.path.exists(self.cloud.cached_file(layer)), self.cloud.logs)
        self.assertTrue(os.path.exists(self.cloud.cached_file(self.cloud.sha256_of(self.cloud.image_id))))

    def under(self, guest, volume):
        """The files that lie under the volume's own one in the guest's machine."""
        domain = ElementTree.fromstring(self.libvirt.virsh("dumpxml", self.domain(guest)))
        (disk,) = [each for each in domain.findall("devices/disk") if volume in each.find("source").get("file")]
        return [each.get("file") for each in disk.findall(".//backingStore/source")]

    def test_a_disk_on_many_snapshots_is_made_one_file_while_it_is_used(self):
        guest, reader = self.launch_ready(2)
        volume, _, _ = self.volume_with_files(guest)
        made = []
        for number in range(31):
            made.append(self.snapshot(volume))
            self.wait_completed(made[-1])  # else several are cut at once
            if number == 10:
                tenth = self.write(guest, "tenth")
        self.assertEqual(31, len(self.under(guest, volume)))
        layers = self.layer_sizes()
        last = self.write(guest, "last")
        made.append(self.snapshot(volume))
        eventually(90, lambda: not self.under(guest, volume), self.cloud.logs)
        self.assertEqual(tenth, self.inside(guest, "sha256sum </mnt/tenth"))
        self.wait_completed(*made)
        # What QEMU copied is on the disk for certain after the next cut; then nothing of what was under it is needed any more.
        made.append(self.snapshot(volume))
        self.wait_completed(made[-1])
        eventually(60, lambda: len([name for name in self.cloud.disks() if name.startswith(volume)]) == 2, self.cloud.logs)
        copy = self.create(SnapshotId=made[10])
        for each in made[:10] + made[11:-1]:
            self.ec2.delete_snapshot(SnapshotId=each)
        self.ec2.stop_instances(InstanceIds=[guest])
        self.wait_state(guest, "stopped")
        self.cloud.lodged.kill()
        for layer in layers:  # else they are spared for ten minutes
            os.utime(f"{self.cloud.state_dir}/images/{layer}", (0, 0))
        self.cloud.start_lodged()
        self.look_at_files()
        eventually(30, lambda: len(set(layers) & set(self.layer_sizes())) == 11, lambda: f"{self.layer_sizes()}")
        self.detach(volume)
        self.assertEqual(last, self.read(reader, volume, "last"))
        self.assertEqual(tenth, self.read(reader, volume, "tenth"))
        self.assertEqual(tenth, self.read(reader, self.create(SnapshotId=made[-1]), "tenth"))
        self.assertNotIn(tenth, self.read(reader, copy, "tenth"), "it is of before")

    def look_at_files(self):
        """An agent tells of its files at its start, and then once a minute."""
        self.cloud.agent.kill()
        self.cloud.start_agent()

    def test_both_daemons_die_while_a_snapshot_is_on_its_way(self):
        (guest,) = self.launch_ready()
        volume, _, written = self.volume_with_files(guest)
        for pause in (0.0, 0.1, 0.4):
            snapshot = self.snapshot(volume)
            time.sleep(pause)
            self.cloud.agent.kill()
            self.cloud.lodged.kill()
            self.cloud.start_lodged()
            self.assertIn(self.state_of(snapshot), ("pending", "completed"))
            self.cloud.start_agent()
            self.wait_completed(snapshot)
            self.assertEqual(written, self.inside(guest, "sha256sum </mnt/data"))
        (reader,) = self.launch_ready()
        self.assertEqual(written, self.read(reader, self.create(SnapshotId=snapshot), "data"))

    def test_a_snapshot_outlives_the_instance_it_was_just_made_of(self):
        (guest,) = self.launch_ready()
        self.inside(guest, "echo kept >/root-disk/note; sync")
        root = self.describe(guest)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        self.cloud.agent.kill()  # nothing is cut before the instance has ended
        snapshot = self.snapshot(root)
        self.ec2.terminate_instances(InstanceIds=[guest])
        self.cloud.start_agent()
        self.wait_completed(snapshot)
        eventually(60, lambda: not self.volumes(), self.cloud.logs)
        eventually(30, lambda: not self.cloud.disks(), self.cloud.logs)
        (reader,) = self.launch_ready()
        self.assertEqual(self.inside(reader, "echo kept | sha256sum"), self.read(reader, self.create(SnapshotId=snapshot), "note"))

    def test_a_snapshot_becomes_a_volume_on_another_host(self):
        (guest,) = self.launch_ready()
        volume, _, written = self.volume_with_files(guest)
        snapshot = self.snapshot(volume)
        self.wait_completed(snapshot)
        copy = self.create(SnapshotId=snapshot)
        host, folder = self.cloud.host_id, f"{self.cloud.folder}/second"
        with open(f"{self.cloud.folder}/second-token", "w", encoding="ascii") as file:
            file.write(self.cloud.lodge_json("host", "token")["token"])
        arguments = self.cloud.agent.arguments
        server = arguments[arguments.index("--server") + 1]
        second = Program("second", [
            binary("agent/lodge-agent"), "--state-dir", folder, "--server", server, "--libvirt-uri", self.libvirt.uri,
            "--token-file", f"{self.cloud.folder}/second-token", *flatten(AGENT_OPTIONS)], f"{self.cloud.folder}/second.log")
        second.start()
        try:
            eventually(30, lambda: len([h for h in self.cloud.hosts() if h["condition"] == "ok"]) == 2, self.cloud.logs)
            self.cloud.lodge("host", "drain", host)
            self.cloud.host_id = next(each["id"] for each in self.cloud.hosts() if each["id"] != host)
            (reader,) = self.launch_ready()
            self.assertEqual(written, self.read(reader, copy, "data"))
            self.terminate(reader)
            eventually(30, lambda: os.listdir(f"{folder}/disks") == [f"{copy}.qcow2"], "the volume alone is left there")
        finally:
            self.cloud.lodge("host", "drain", host, "--undo")
            other, self.cloud.host_id = self.cloud.host_id, host
            second.kill()
            eventually(30, lambda: next(h["condition"] for h in self.cloud.hosts() if h["id"] == other) == "unreachable", "silent")
            self.cloud.lodge("host", "drain", other)
        # A machine that burns down takes its volumes with it, and what it had not sent yet.
        unsent = self.snapshot(copy)
        self.assertEqual("pending", self.state_of(unsent))
        with self.assertRaisesRegex(CommandError, "1 volumes are on its disks"):
            self.cloud.lodge("host", "remove", other)
        with self.assertRaisesRegex(CommandError, "drain it first"):
            self.cloud.lodge("host", "forget-disks", host)
        self.assertIn("1 volumes", self.cloud.lodge("host", "forget-disks", other))
        self.cloud.lodge("host", "remove", other)
        shutil.rmtree(folder)
        with self.refused("InvalidVolume.NotFound"):
            self.volume(copy)
        lost = self.ec2.describe_snapshots(SnapshotIds=[unsent])["Snapshots"][0]
        self.assertEqual("error", lost["State"])
        self.assertIn("lost", lost["StateMessage"])
        self.assertEqual("completed", self.state_of(snapshot))
        with self.refused("IncorrectState"):
            self.create(SnapshotId=unsent)


class ImageOfInstanceTest(DiskTest):
    def wait_image(self, image_id):
        eventually(180, lambda: self.ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"] == "available", self.cloud.logs)

    def test_an_image_of_a_running_instance_and_instances_of_it(self):
        (guest,) = self.launch_ready()
        volume, _, written = self.volume_with_files(guest)
        self.inside(guest, "umount /mnt; echo mine >/root-disk/note; sync")
        image = self.ec2.create_image(InstanceId=guest, Name="mine", NoReboot=True)["ImageId"]
        self.wait_image(image)
        self.assertEqual(1, self.console(guest).count("lodge-tiny: ready"), "it was not rebooted")
        mappings = self.ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
        self.assertEqual(["/dev/vda", "/dev/sdf"], [each["DeviceName"] for each in mappings])
        copies = self.launch_ready(2, ImageId=image)
        for each in copies:
            self.assertEqual("mine", self.inside(each, "cat /root-disk/note"))
            self.assertIn("boot 2 of this disk", self.console(each))
            data = {m["DeviceName"]: m["Ebs"]["VolumeId"] for m in self.describe(each)["BlockDeviceMappings"]}["/dev/sdf"]
            self.mount(each, self.wait_device(each, data))
            self.assertEqual(written, self.inside(each, "sha256sum </mnt/data"))
        self.inside(copies[0], "echo other >/root-disk/note; sync")
        self.assertEqual("mine", self.inside(copies[1], "cat /root-disk/note"))
        self.assertEqual("mine", self.inside(guest, "cat /root-disk/note"))
        snapshot = mappings[0]["Ebs"]["SnapshotId"]
        with self.refused("InvalidSnapshot.InUse"):
            self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.terminate(guest)
        self.ec2.deregister_image(ImageId=image)
        self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.ec2.reboot_instances(InstanceIds=[copies[1]])
        self.wait_console(copies[1], "boot 3 of this disk")
        self.ec2.stop_instances(InstanceIds=[copies[1]])
        self.wait_state(copies[1], "stopped")
        self.ec2.start_instances(InstanceIds=[copies[1]])
        self.wait_console(copies[1], "boot 4 of this disk")

    def test_an_image_is_made_between_two_systems(self):
        """With a reboot: the system was shut down in order, so that its image boots without repair."""
        (guest,) = self.launch_ready()
        self.inside(guest, "echo cached >/root-disk/note")  # no sync: shutting down does that
        image = self.ec2.create_image(InstanceId=guest, Name="clean")["ImageId"]
        self.wait_image(image)
        self.wait_console(guest, "boot 2 of this disk")
        self.assertEqual("running", self.state(guest))
        (copy,) = self.launch_ready(ImageId=image)
        self.assertEqual("cached", self.inside(copy, "cat /root-disk/note"))
        self.assertIn("boot 2 of this disk", self.console(copy), "the image is of before the second boot")
        self.assertEqual([], [line for line in self.console(copy).splitlines() if "recovery complete" in line])


    def test_both_daemons_die_while_an_image_is_made(self):
        (guest,) = self.launch_ready()
        self.inside(guest, "echo kept >/root-disk/note; sync")
        boots = 1
        for pause, no_reboot in ((0.0, True), (0.2, True), (0.0, False), (1.0, False)):
            image = self.ec2.create_image(InstanceId=guest, Name=f"torn-{pause}-{no_reboot}", NoReboot=no_reboot)["ImageId"]
            time.sleep(pause)
            self.cloud.agent.kill()
            self.cloud.lodged.kill()
            self.cloud.start_lodged()
            self.cloud.start_agent()
            self.wait_image(image)
            boots += 0 if no_reboot else 1
            self.wait_console(guest, f"boot {boots} of this disk")
            self.wait_console(guest, "lodge-tiny: ready", boots)
        (copy,) = self.launch_ready(ImageId=image)
        self.assertEqual("kept", self.inside(copy, "cat /root-disk/note"))


class HostileGuestTest(DiskTest):
    def lure(self):
        """A file that nobody may open, and the head of an image that claims to rest on it."""
        canary, image = f"{self.cloud.folder}/canary", f"{self.cloud.folder}/lure"
        with open(canary, "wb") as file:
            file.write(b"not for guests" * 100_000)
        os.chmod(canary, 0o644)
        os.utime(canary, (0, time.time()))
        subprocess.run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", canary, image, "64M"], check=True)
        with open(image, "rb") as file:
            head = file.read(512 + len(canary)).rstrip(b"\0")
        return canary, head

    def test_what_a_guest_writes_is_never_taken_for_an_image(self):
        canary, head = self.lure()
        (guest, reader) = self.launch_ready(2)
        volume = self.create()
        self.attach(volume, guest)
        disk = self.wait_device(guest, volume)
        for at in range(0, len(head), 100):  # a line that is typed may be so long
            self.inside(guest, "printf '" + "".join(f"\\{byte:03o}" for byte in head[at:at + 100]) + "' >>/head")
        for place in (f"/dev/{disk}", "/dev/vda"):
            self.inside(guest, f"dd if=/head of={place} conv=notrunc,fsync")
        self.assertEqual("514649fb", self.inside(guest, f"head -c 4 /dev/{disk} | hexdump -e '4/1 \"%02x\"'"))
        snapshots = self.ec2.create_snapshots(InstanceSpecification={"InstanceId": guest})["Snapshots"]
        self.wait_completed(*(each["SnapshotId"] for each in snapshots))
        self.ec2.modify_volume(VolumeId=volume, Size=2)
        eventually(60, lambda: self.modification(volume) == "completed", self.cloud.logs)
        self.assertEqual(str(2 << 21), self.inside(guest, f"cat /sys/block/{disk}/size"), "its size is not what it says")
        image = self.ec2.create_image(InstanceId=guest, Name="lure", NoReboot=True)["ImageId"]
        eventually(180, lambda: self.ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available", self.cloud.logs)
        self.ec2.stop_instances(InstanceIds=[guest], Force=True)
        self.wait_state(guest, "stopped")
        self.ec2.modify_volume(VolumeId=volume, Size=3)
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_state(guest, "running")
        for each in snapshots:
            copy = self.create(SnapshotId=each["SnapshotId"], Size=4)
            self.attach(copy, reader)
            self.assertEqual("514649fb", self.inside(reader, f"head -c 4 /dev/{self.wait_device(reader, copy)} | hexdump -e '4/1 \"%02x\"'"))
            self.detach(copy)
        (of_image,) = self.launch(ImageId=image)
        self.wait_state(of_image, "running")
        self.assertEqual(0, os.stat(canary).st_atime, "it was opened")
        with open(canary, "rb") as file:
            file.read(1)
        self.assertNotEqual(0, os.stat(canary).st_atime, "which this file system would have told")


class GuestAgentTest(DiskTest):
    def wait_agent(self, guest):
        ping = ("qemu-agent-command", self.domain(guest), '{"execute":"guest-ping"}')
        eventually(60, lambda: "return" in self.libvirt.virsh(*ping, check=False), lambda: self.inside(guest, "cat /run/qemu-ga.log"))

    def test_file_systems_are_still_while_they_are_cut(self):
        (guest,) = self.launch_ready()
        self.wait_agent(guest)
        volume, _, _ = self.volume_with_files(guest)
        # Nothing of this is on the disk yet, but for what freezing writes out.
        self.inside(guest, "echo 0 >/proc/sys/vm/dirty_writeback_centisecs; echo unwritten >/mnt/note")
        snapshot = self.snapshot(volume)
        self.wait_completed(snapshot)
        self.assertEqual("thawed", self.inside(guest, "echo thawed >/mnt/after && cat /mnt/after"))
        (reader,) = self.launch_ready()
        copy = self.create(SnapshotId=snapshot)
        self.assertEqual(self.inside(reader, "echo unwritten | sha256sum"), self.read(reader, copy, "note"))

    def test_a_guest_whose_agent_has_died_is_cut_all_the_same(self):
        (guest,) = self.launch_ready()
        self.wait_agent(guest)
        volume, _, written = self.volume_with_files(guest)
        self.inside(guest, "kill -STOP $(cat /run/qemu-ga.pid)")
        snapshot = self.snapshot(volume)
        self.wait_completed(snapshot)
        self.inside(guest, "kill -CONT $(cat /run/qemu-ga.pid); kill $(cat /run/qemu-ga.pid)")
        without = self.snapshot(volume)
        self.wait_completed(without)
        self.assertEqual(written, self.inside(guest, "sha256sum </mnt/data"))
        (reader,) = self.launch_ready()
        for each in (snapshot, without):
            self.assertEqual(written, self.read(reader, self.create(SnapshotId=each), "data"))

    def test_a_mounted_disk_stays_until_it_is_unmounted_or_forced(self):
        (guest,) = self.launch_ready()
        self.wait_agent(guest)
        volume, _, written = self.volume_with_files(guest)
        self.ec2.detach_volume(VolumeId=volume)
        time.sleep(12)  # it is asked for more than once
        self.assertEqual("detaching", self.attachment(volume))
        self.assertEqual(written, self.inside(guest, "sha256sum </mnt/data"), "the guest is not harmed")
        self.assertEqual("", self.inside(guest, "umount /mnt"))
        eventually(60, lambda: self.volume(volume)["State"] == "available", self.cloud.logs)
        self.attach(volume, guest)
        self.mount(guest, self.wait_device(guest, volume))
        self.ec2.detach_volume(VolumeId=volume)
        self.assertEqual("detaching", self.attachment(volume))
        self.ec2.detach_volume(VolumeId=volume, Force=True)
        self.assertEqual("available", self.volume(volume)["State"])
        eventually(60, lambda: not self.device(guest, volume), "the guest has lost it")
