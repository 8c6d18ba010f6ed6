"""Base of the tests of disks."""

import os
import re

from case import LIVE, CloudTest
from programs import eventually

ZONE = "us-east-1a"
# The block device of a volume, by its serial; nothing while the guest has none.
DEVICE = "$(cd /sys/block; for d in vd*; do [ \"$(cat $d/serial)\" = %s ] && echo $d; done)"


class DiskTest(CloudTest):
    """Volumes, snapshots and images that go after each test, and commands in guests."""

    asked = 0

    def tearDown(self):
        """Volumes outlive their instances, and snapshots their volumes."""
        ids = [each["InstanceId"] for each in self.instances(LIVE)]
        if ids:
            self.terminate(*ids)
        for image in self.ec2.describe_images(Owners=["self"])["Images"]:
            self.ec2.deregister_image(ImageId=image["ImageId"])
        for snapshot in self.snapshots():
            self.ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
        for volume in self.volumes():
            if volume["State"] == "available":
                self.ec2.delete_volume(VolumeId=volume["VolumeId"])
        eventually(60, lambda: not self.volumes(), lambda: f"all volumes go: {self.volumes()}\n{self.cloud.logs()}")
        super().tearDown()

    def volumes(self):
        return self.ec2.describe_volumes()["Volumes"]

    def snapshots(self):
        return self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]

    def volume(self, volume_id):
        return self.ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]

    def create(self, **more):
        return self.ec2.create_volume(**{"AvailabilityZone": ZONE, "Size": 1, "VolumeType": "gp3", **more})["VolumeId"]

    def attachment(self, volume_id):
        return (self.volume(volume_id)["Attachments"] or [{"State": "none"}])[0]["State"]

    def attach(self, volume_id, instance_id, device="/dev/sdf"):
        self.ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device=device)
        eventually(60, lambda: self.attachment(volume_id) == "attached", self.cloud.logs)

    def detach(self, volume_id):
        self.ec2.detach_volume(VolumeId=volume_id)
        eventually(60, lambda: self.volume(volume_id)["State"] == "available", self.cloud.logs)

    def inside(self, instance_id, command, seconds=60):
        """What the command prints in the guest, typed on its console."""
        DiskTest.asked += 1
        number = DiskTest.asked
        told = re.compile(f"<{number}:(.*?):{number}>", re.DOTALL)
        self.type_on(instance_id, f'echo "<$(({number})):$( ( {command} ) 2>&1):$(({number}))>"\n',
                     lambda: told.search(self.console(instance_id)), seconds)
        return told.search(self.console(instance_id)).group(1).strip()

    def device(self, instance_id, volume_id):
        return self.inside(instance_id, f"echo {DEVICE % volume_id.replace('-', '')}")

    def wait_device(self, instance_id, volume_id):
        """Its name in the guest, which takes a moment to make it."""
        return eventually(30, lambda: self.device(instance_id, volume_id), "the guest has the disk")

    def modification(self, volume_id):
        return self.ec2.describe_volumes_modifications(VolumeIds=[volume_id])["VolumesModifications"][0]["ModificationState"]

    def mount(self, instance_id, disk):
        self.assertEqual("", self.inside(instance_id, f"mkdir -p /mnt; mount -t ext4 /dev/{disk} /mnt"))

    def file(self, volume_id):
        return f"{self.cloud.agent_dir}/disks/{volume_id}.qcow2"

    # --- Snapshots

    def snapshot(self, volume_id, **more):
        return self.ec2.create_snapshot(VolumeId=volume_id, **more)["SnapshotId"]

    def state_of(self, snapshot_id):
        return self.ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]["State"]

    def wait_completed(self, *snapshot_ids):
        for each in snapshot_ids:
            eventually(120, lambda each=each: self.state_of(each) == "completed", self.cloud.logs)

    def layer_sizes(self):
        """Of what lodged has of layers: all content but the tiny image's own."""
        folder = f"{self.cloud.state_dir}/images"
        own = {part["sha256"] for part in self.cloud.lodge_json("image", "list")["images"]}
        return {name: os.path.getsize(f"{folder}/{name}") for name in os.listdir(folder)
                if len(name) == 64 and name not in own}

    def volume_with_files(self, guest, device="/dev/sdf"):
        """A volume that is mounted in the guest, with a file; both, and the file's checksum."""
        volume = self.create()
        self.attach(volume, guest, device)
        disk = self.wait_device(guest, volume)
        self.inside(guest, f"sync; dd if=/dev/vda of=/dev/{disk} bs=1M 2>/dev/null; sync")
        self.mount(guest, disk)
        return volume, disk, self.write(guest, "data")

    def write(self, guest, name, mib=4):
        told = self.inside(guest, f"dd if=/dev/urandom of=/mnt/{name} bs=1M count={mib} 2>/dev/null; sync; "
                                  f"sha256sum </mnt/{name}")
        self.assertRegex(told, r"^[0-9a-f]{64}")
        return told

    def read(self, guest, volume, name, device="/dev/sdg"):
        """The checksum of a file on the volume, in a guest that gets it for that."""
        self.attach(volume, guest, device)
        disk = self.wait_device(guest, volume)
        told = self.inside(guest, f"mkdir -p /other; mount -t ext4 /dev/{disk} /other && sha256sum </other/{name}; "
                                  f"umount /other")
        self.detach(volume)
        return told
