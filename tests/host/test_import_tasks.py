"""Foreign disks that guests get and boot from, and a guest's disk on its way out and in again."""

import hashlib
import os
import shutil
import subprocess
import tempfile

from cloud import work_folder
from disks import DiskTest
from programs import eventually

MIB = 1 << 20
GREETING = b"lodge: booted from what was imported\r\n"


def boot_sector():
    """A master boot record that says GREETING on the serial port and halts."""
    code = bytes.fromhex("fa 31c0 8ed8 fc be0000"  # cli; ax = ds = 0; cld; si = the text
                         "ac 84c0 7412 88c4"  # next: lodsb; at its end, halt; ah = al
                         "bafd03 ec a820 74fb"  # wait until the port is free
                         "baf803 88e0 ee ebe9"  # out; next
                         "f4 ebfd")  # halt
    code = code[:7] + (0x7c00 + len(code)).to_bytes(2, "little") + code[9:]
    return (code + GREETING).ljust(510, b"\0") + b"\x55\xaa"


class ImportTest(DiskTest):
    @classmethod
    def setUpClass(cls):
        cls.files = tempfile.mkdtemp(prefix="import-", dir=work_folder())
        os.chmod(cls.files, 0o755)
        cls.lodged_options = {"--import-folder": cls.files, "--export-bucket": f"out={cls.files}"}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.files)

    def write_file(self, name, content):
        with open(f"{self.files}/{name}", "wb") as file:
            file.write(content)
        return {"Url": f"file://{self.files}/{name}", "Format": "RAW"}

    def ended(self, describe, key, seconds=180):
        look = lambda: describe()[key][0]
        status = lambda: look().get("SnapshotTaskDetail", look())["Status"]
        eventually(seconds, lambda: status() in ("completed", "deleted"), self.cloud.logs)
        self.assertEqual("completed", status(), look())
        return look()

    def import_snapshot(self, container):
        task = self.ec2.import_snapshot(DiskContainer=container)["ImportTaskId"]
        done = self.ended(lambda: self.ec2.describe_import_snapshot_tasks(ImportTaskIds=[task]), "ImportSnapshotTasks")
        return done["SnapshotTaskDetail"]["SnapshotId"]

    def import_image(self, container):
        task = self.ec2.import_image(DiskContainers=[container])["ImportTaskId"]
        return self.ended(lambda: self.ec2.describe_import_image_tasks(ImportTaskIds=[task]), "ImportImageTasks")["ImageId"]

    def test_a_guest_reads_an_imported_snapshots_bytes(self):
        content = os.urandom(3 * MIB) + bytes(MIB) + os.urandom(MIB)
        raw = self.write_file("disk.raw", content)
        vmdk = {"Url": f"file://{self.files}/disk.vmdk", "Format": "VMDK"}
        subprocess.run(["qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", "-f", "raw",
                        f"{self.files}/disk.raw", f"{self.files}/disk.vmdk"], check=True)
        (guest,) = self.launch_ready()
        for container, device in ((raw, "/dev/sdf"), (vmdk, "/dev/sdg")):
            volume = self.create(SnapshotId=self.import_snapshot(container))
            self.attach(volume, guest, device)
            disk = self.wait_device(guest, volume)
            self.assertEqual(str(1 << 21), self.inside(guest, f"cat /sys/block/{disk}/size"), "whole GiB")
            told = self.inside(guest, f"head -c {len(content)} /dev/{disk} | sha256sum")
            self.assertEqual(hashlib.sha256(content).hexdigest(), told.split()[0])
            self.assertEqual("0", self.inside(guest, f"tail -c +{len(content) + 1} /dev/{disk} | head -c {MIB} | tr -d '\\000' | wc -c"))
            self.assertEqual("written", self.inside(guest, f"echo written | dd of=/dev/{disk} conv=fsync 2>/dev/null; head -c 7 /dev/{disk}"))

    def test_an_imported_image_boots(self):
        image = self.import_image(self.write_file("boot.raw", boot_sector() + bytes(MIB)))
        (guest,) = self.launch(ImageId=image)
        self.wait_state(guest, "running")
        self.wait_console(guest, GREETING.decode().strip())

    def test_what_a_guest_wrote_goes_out_and_comes_in_again(self):
        (guest,) = self.launch_ready()
        self.inside(guest, "echo exported >/root-disk/note; sync")
        image = self.ec2.create_image(InstanceId=guest, Name="to-export", NoReboot=True)["ImageId"]
        eventually(180, lambda: self.ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available", self.cloud.logs)
        for kind in ("VHD", "RAW"):
            task = self.ec2.export_image(ImageId=image, DiskImageFormat=kind, S3ExportLocation={"S3Bucket": "out", "S3Prefix": "a/"})["ExportImageTaskId"]
            self.ended(lambda: self.ec2.describe_export_image_tasks(ExportImageTaskIds=[task]), "ExportImageTasks")  # pylint: disable=cell-var-from-loop
            back = self.import_snapshot({"Url": f"file://{self.files}/a/{task}.{kind.lower()}", "Format": kind})
            copy = self.create(SnapshotId=back, Size=self.ec2.describe_snapshots(SnapshotIds=[back])["Snapshots"][0]["VolumeSize"])
            self.assertEqual(self.inside(guest, "echo exported | sha256sum"), self.read(guest, copy, "note"))
