"""Instance-store disks in real guests: found by number, empty with every new guest, gone when it stops."""

import os
import tempfile

from disks import DEVICE, DiskTest
from programs import eventually

TYPES = """
[families.store]
[families.store.sizes]
tiny = { vcpus = 2, memory_mib = 192, instance_disks = 2, instance_disk_gb = 1 }
"""


class InstanceStoreTest(DiskTest):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
            file.write(TYPES)
        cls.addClassCleanup(os.unlink, file.name)
        cls.lodged_options = {"--instance-types": file.name}
        super().setUpClass()

    def files(self):
        folder = f"{self.cloud.agent_dir}/instance-store"
        return sorted(os.listdir(folder))

    def disk(self, guest, number):
        return self.inside(guest, f"echo {DEVICE % f'ephemeral{number}'}")

    def first_bytes(self, guest, number):
        return self.inside(guest, f"head -c 7 /dev/{self.disk(guest, number)} | tr -d '\\000'")

    def test_they_live_as_long_as_their_guest(self):
        (guest,) = self.launch_ready(InstanceType="store.tiny", BlockDeviceMappings=[{"DeviceName": "/dev/sdb", "VirtualName": "ephemeral1"}])
        self.assertEqual(2, len(self.files()))
        for number in range(2):
            self.assertEqual(str(10**9 // 512), self.inside(guest, f"cat /sys/block/{self.disk(guest, number)}/size"))
            self.assertEqual("", self.first_bytes(guest, number))
            self.inside(guest, f"printf written | dd of=/dev/{self.disk(guest, number)} conv=fsync")
        self.assertEqual(1, len(self.describe(guest)["BlockDeviceMappings"]))
        # Volumes come and go, are cut and imaged beside them.
        volume = self.create()
        self.attach(volume, guest)
        snapshots = self.ec2.create_snapshots(InstanceSpecification={"InstanceId": guest})["Snapshots"]
        self.assertEqual(2, len(snapshots))
        self.wait_completed(*(each["SnapshotId"] for each in snapshots))
        self.detach(volume)
        self.cloud.agent.kill()
        self.cloud.start_agent()
        self.ec2.reboot_instances(InstanceIds=[guest])
        self.wait_console(guest, "lodge-tiny: ready", 2)
        self.assertEqual("written", self.first_bytes(guest, 0), "a reboot keeps them")

        self.ec2.stop_instances(InstanceIds=[guest])
        self.wait_state(guest, "stopped")
        self.assertEqual([], self.files())
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_console(guest, "boot 3 of this disk")
        self.wait_console(guest, "lodge-tiny: ready")
        for number in range(2):
            self.assertEqual("", self.first_bytes(guest, number))
        self.terminate(guest)
        self.assertEqual([], self.files())

    def test_what_a_dead_agent_left_goes_by_itself(self):
        (guest,) = self.launch_ready(InstanceType="store.tiny")
        left = f"{self.cloud.agent_dir}/instance-store/g-0123456789abcdef0.0.qcow2"
        with open(left, "w", encoding="ascii"):
            pass
        eventually(30, lambda: not os.path.exists(left), self.cloud.logs)
        self.assertEqual(2, len(self.files()))
        self.assertEqual("", self.first_bytes(guest, 0))
