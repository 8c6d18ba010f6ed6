"""Foreign disks imported as images and snapshots, images exported, by the real qemu-img: what comes of them, what is refused,
and what becomes of a task that is cancelled or whose lodged is killed."""
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

from harness import Lodge, WireTest, filters, tag_specification, tags

MIB = 1 << 20
UNKNOWN = {"image": "import-ami-0123456789abcdef0", "snapshot": "import-snap-0123456789abcdef0", "export": "export-ami-0123456789abcdef0"}
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="lodge-import-"))
SLOW = threading.Event()  # lets the slow download go on


class Web(http.server.BaseHTTPRequestHandler):
    """What lies in FOLDER/web; /redirect/… leads elsewhere; /slow sends a little and waits."""

    def do_GET(self):
        if self.path.startswith("/redirect/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/redirect"))
            self.end_headers()
            return
        if self.path == "/images/slow":
            self.send_response(200)
            self.end_headers()
            while not SLOW.wait(0.05):
                self.wfile.write(b"x" * 4096)
            return
        file = FOLDER / "web" / self.path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(file.stat().st_size * (2 if "short" in self.path else 1)))
        self.end_headers()
        self.wfile.write(file.read_bytes())

    def log_message(self, *_):
        pass


def qemu_img(*words):
    subprocess.run(["qemu-img", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def setUpModule():
    global WEB, OPTIONS
    WEB = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=WEB.serve_forever, daemon=True).start()
    FOLDER.chmod(0o755)
    for name in ("files", "web/images", "web/other", "out"):
        (FOLDER / name).mkdir(parents=True)
    files = FOLDER / "files"
    (files / "disk.raw").write_bytes(os.urandom(3 * MIB) + bytes(2 * MIB))
    for name, how in (("vmdk", ()), ("vpc", ("-o", "force_size=on")), ("vhdx", ()), ("vdi", ()), ("qcow2", ())):
        qemu_img("convert", "-f", "raw", "-O", name, *how, files / "disk.raw", files / f"disk.{name}")
    qemu_img("create", "-q", "-f", "qcow2", "-F", "raw", "-b", files / "disk.raw", files / "backed.qcow2")
    qemu_img("create", "-q", "-f", "qcow2", files / "huge.qcow2", "17T")
    (files / "cut.qcow2").write_bytes((files / "disk.qcow2").read_bytes()[:2 * MIB])
    (files / "link.raw").symlink_to("../secret.raw")
    (FOLDER / "secret.raw").write_bytes(bytes(MIB))
    shutil.copy(files / "disk.raw", FOLDER / "web/images")
    shutil.copy(files / "disk.raw", FOLDER / "web/images/short.raw")
    shutil.copy(files / "disk.raw", FOLDER / "web/other")
    OPTIONS = ("--import-folder", str(files), "--import-url", f"{web()}/images/", f"{web()}/redirect/",
               "--import-bucket", f"disks=file://{files}", f"pages={web()}/images", "--export-bucket", f"exports={FOLDER}/out")


def tearDownModule():
    SLOW.set()
    WEB.shutdown()
    WEB.server_close()
    shutil.rmtree(FOLDER, ignore_errors=True)


def web():
    return f"http://127.0.0.1:{WEB.server_port}"


def file_url(name):
    return f"file://{FOLDER}/files/{name}"


class TaskTest(WireTest):
    @classmethod
    def setUpClass(cls):
        cls.options = OPTIONS
        super().setUpClass()

    def shown(self, task, ec2=None):
        ec2 = ec2 or self.ec2
        if task.startswith("import-ami-"):
            return ec2.describe_import_image_tasks(ImportTaskIds=[task])["ImportImageTasks"][0]
        if task.startswith("export-ami-"):
            return ec2.describe_export_image_tasks(ExportImageTaskIds=[task])["ExportImageTasks"][0]
        found = ec2.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"][0]
        return {**found["SnapshotTaskDetail"], **found}

    def ended(self, task, ec2=None, seconds=60):
        self.eventually(lambda: self.shown(task, ec2)["Status"] in ("completed", "deleted"), seconds, lambda: self.shown(task, ec2))
        return self.shown(task, ec2)

    def completed(self, task, ec2=None):
        found = self.ended(task, ec2)
        self.assertEqual("completed", found["Status"], found)
        return found

    def import_snapshot(self, url=None, fmt="RAW", **more):
        return self.ec2.import_snapshot(DiskContainer={"Format": fmt, **({"Url": url} if url else {}), **more})["ImportTaskId"]

    def import_image(self, *containers, **more):
        given = containers or ({"Format": "RAW", "Url": file_url("disk.raw")},)
        return self.ec2.import_image(DiskContainers=list(given), **more)

    def imported_image(self):
        return self.completed(self.import_image()["ImportTaskId"])["ImageId"]

    def has_layer_of_the_disk(self):
        """All of these imports make the same layer: some content is that."""
        contents = [file for file in (self.lodge.state_dir / "images").iterdir() if file.is_file()]
        same = lambda file: subprocess.run(["qemu-img", "compare", "-f", "qcow2", "-F", "raw", file, FOLDER / "files/disk.raw"],
                                           capture_output=True, check=False).returncode == 0
        return any(same(file) for file in contents)


class Snapshots(TaskTest):
    def test_from_files_of_every_format(self):
        for name, fmt in (("raw", "RAW"), ("vmdk", "vmdk"), ("vpc", "VHD"), ("vhdx", "VHDX"), ("vdi", "VDI"), ("qcow2", "QCOW2")):
            with self.subTest(fmt):
                done = self.completed(self.import_snapshot(file_url(f"disk.{name}"), fmt))
                self.assertEqual((fmt.upper(), "100", float((FOLDER / f"files/disk.{name}").stat().st_size)),
                                 (done["Format"], done["Progress"], done["DiskImageSize"]))
                snapshot = self.ec2.describe_snapshots(SnapshotIds=[done["SnapshotId"]])["Snapshots"][0]
                self.assertEqual(("completed", 1, self.account.id, "vol-ffffffff"),
                                 tuple(snapshot[n] for n in ("State", "VolumeSize", "OwnerId", "VolumeId")))
                self.assertTrue(self.has_layer_of_the_disk())

    def test_from_the_web_and_from_buckets(self):
        for how in ({"Url": f"{web()}/images/disk.raw"}, {"Url": f"{web()}/redirect/images/disk.raw"}, {"Url": "s3://disks/disk.raw"},
                    {"UserBucket": {"S3Bucket": "disks", "S3Key": "disk.raw"}}, {"UserBucket": {"S3Bucket": "pages", "S3Key": "disk.raw"}}):
            with self.subTest(how):
                made = self.ec2.import_snapshot(DiskContainer={"Format": "RAW", "Description": "d", **how}, Description="all of it")
                self.assertRegex(made["ImportTaskId"], "^import-snap-[0-9a-f]{17}$")
                self.assertEqual(("active", "pending", "0"), tuple(made["SnapshotTaskDetail"][n] for n in ("Status", "StatusMessage", "Progress")))
                done = self.completed(made["ImportTaskId"])
                self.assertEqual("all of it", done["Description"])
                self.assertEqual(how, {name: done[name] for name in how})
                found = self.ec2.describe_snapshots(SnapshotIds=[done["SnapshotId"]])["Snapshots"][0]
                self.assertEqual("all of it", found["Description"])

    def test_a_volume_is_made_of_it_and_it_goes_like_any_other(self):
        snapshot = self.completed(self.import_snapshot(file_url("disk.raw")))["SnapshotId"]
        volume = self.ec2.create_volume(AvailabilityZone="us-east-1a", SnapshotId=snapshot)
        self.assertEqual((1, snapshot), (volume["Size"], volume["SnapshotId"]))
        self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.ec2.delete_volume(VolumeId=volume["VolumeId"])

    def test_what_is_wrong_with_a_disk_is_told_in_the_task(self):
        for name, fmt, why in (("backed.qcow2", "QCOW2", "backing file"), ("disk.raw", "QCOW2", "not qcow2"), ("disk.qcow2", "RAW", "qcow2"),
                               ("disk.qcow2", "VMDK", "not vmdk"), ("cut.qcow2", "QCOW2", "cut short"), ("huge.qcow2", "QCOW2", "over the limit"),
                               ("link.raw", "RAW", "leads out"), ("missing", "RAW", "No such file")):
            with self.subTest(name, fmt=fmt):
                done = self.ended(self.import_snapshot(file_url(name), fmt))
                self.assertEqual("deleted", done["Status"])
                self.assertRegex(done["StatusMessage"], "^(Client|Server)Error: .*" + why)
                self.assertNotIn("SnapshotId", done)
                self.assertNotIn("Progress", done)
        for path, why in (("images/nothing", "404"), ("redirect/other/disk.raw", "--import-url"), ("redirect//evil/", "redirects"),
                          ("images/short.raw", "cannot download")):
            with self.subTest(path):
                done = self.ended(self.import_snapshot(f"{web()}/{path}"))
                self.assertEqual("deleted", done["Status"])
                self.assertTrue(why in done["StatusMessage"] or path.startswith("redirect//"), done)
        self.assertEqual([], os.listdir(self.lodge.state_dir / "images/incoming"))
        self.assertEqual([], self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"])

    def test_what_is_not_allowed_is_refused_at_once(self):
        call = self.ec2.import_snapshot
        for how, names in (({"Url": "file:///etc/passwd"}, ["--import-folder"]), ({"Url": f"file://{FOLDER}/files/../secret.raw"}, []),
                           ({"Url": f"file://{FOLDER}/secret.raw"}, ["--import-folder"]), ({"Url": f"{web()}/other/disk.raw"}, ["--import-url"]),
                           ({"Url": f"{web()}/images/%2e%2e/other/disk.raw"}, []), ({"Url": "ftp://x/y"}, []), ({"Url": "disk.raw"}, []),
                           ({"UserBucket": {"S3Bucket": "other", "S3Key": "x"}}, ["--import-bucket"]),
                           ({"UserBucket": {"S3Bucket": "disks", "S3Key": "../secret.raw"}}, []), ({"UserBucket": {"S3Bucket": "disks"}}, [])):
            with self.subTest(how):
                self.assert_code("InvalidParameterValue", call, *names, DiskContainer={"Format": "RAW", **how})
        disk = {"Format": "RAW", "Url": file_url("disk.raw")}
        self.assert_code("MissingParameter", call, "Format", DiskContainer={"Url": disk["Url"]})
        self.assert_code("MissingParameter", call, "Url", DiskContainer={"Format": "RAW"})
        self.assert_code("MissingParameter", call, "DiskContainer")
        self.assert_code("InvalidParameterValue", call, "ISO", DiskContainer={**disk, "Format": "ISO"})
        self.assert_code("UnsupportedOperation", call, "OVA", DiskContainer={**disk, "Format": "ova"})
        self.assert_code("InvalidParameterCombination", call, DiskContainer={**disk, "UserBucket": {"S3Bucket": "disks", "S3Key": "disk.raw"}})
        for name, value in (("Encrypted", True), ("KmsKeyId", "k"), ("RoleName", "other")):
            self.assert_code("UnsupportedOperation", call, name, DiskContainer=disk, **{name: value})
        self.assert_code("DryRunOperation", call, DiskContainer=disk, DryRun=True)
        self.assertEqual([], self.ec2.describe_import_snapshot_tasks()["ImportSnapshotTasks"])


class Images(TaskTest):
    def test_an_image_that_can_be_launched(self):
        made = self.import_image({"Format": "vmdk", "Url": file_url("disk.vmdk"), "Description": "root"}, {"Format": "RAW", "Url": file_url("disk.raw")},
                                 Description="two disks", Architecture="x86_64", Platform="Linux", LicenseType="BYOL", BootMode="uefi-preferred",
                                 RoleName="vmimport", Hypervisor="xen", Encrypted=False, ClientData={"Comment": "c", "UploadSize": 1.0})
        self.assertRegex(made["ImportTaskId"], "^import-ami-[0-9a-f]{17}$")
        self.assertEqual(("active", "pending", "0", "x86_64", "Linux", "BYOL", "two disks"), tuple(
            made[n] for n in ("Status", "StatusMessage", "Progress", "Architecture", "Platform", "LicenseType", "Description")))
        done = self.completed(made["ImportTaskId"])
        self.assertEqual([("/dev/sda1", "VMDK", "completed", "root"), ("/dev/sdb", "RAW", "completed", None)], [
            (d["DeviceName"], d["Format"], d["Status"], d.get("Description")) for d in done["SnapshotDetails"]])
        image = self.ec2.describe_images(ImageIds=[done["ImageId"]])["Images"][0]
        self.assertEqual((made["ImportTaskId"], "available", "/dev/sda1", False, self.account.id, "two disks", "x86_64"), tuple(
            image[n] for n in ("Name", "State", "RootDeviceName", "Public", "OwnerId", "Description", "Architecture")))
        self.assertEqual([(d["DeviceName"], d["SnapshotId"], 1, "gp3") for d in done["SnapshotDetails"]], [
            (m["DeviceName"], m["Ebs"]["SnapshotId"], m["Ebs"]["VolumeSize"], m["Ebs"]["VolumeType"]) for m in image["BlockDeviceMappings"]])
        self.assertEqual("uefi-preferred", image["BootMode"])
        (instance,) = self.launch(ImageId=done["ImageId"])
        self.assertEqual(2, len(self.describe(instance)["BlockDeviceMappings"]))
        self.assert_code("InvalidSnapshot.InUse", self.ec2.delete_snapshot, SnapshotId=done["SnapshotDetails"][0]["SnapshotId"])
        self.ec2.deregister_image(ImageId=done["ImageId"])
        for detail in done["SnapshotDetails"]:
            self.ec2.delete_snapshot(SnapshotId=detail["SnapshotId"])

    def test_bad_requests(self):
        disk = {"Format": "RAW", "Url": file_url("disk.raw")}
        call = self.ec2.import_image
        self.assert_code("MissingParameter", call, "DiskContainer")
        self.assert_code("MissingParameter", call, "DiskContainer.2.Format", DiskContainers=[disk, {"Url": disk["Url"]}])
        self.assert_code("InvalidBlockDeviceMapping", call, DiskContainers=[disk, {**disk, "DeviceName": "/dev/sda1"}])
        self.assert_code("InvalidBlockDeviceMapping", call, DiskContainers=[disk, {**disk, "DeviceName": "disk"}])
        self.assert_code("InvalidParameterValue", call, DiskContainers=[disk] * 22)
        for name, value in (("Platform", "Windows"), ("LicenseType", "AWS"), ("Encrypted", True), ("KmsKeyId", "k"), ("RoleName", "r"),
                            ("UsageOperation", "RunInstances:0002"), ("LicenseSpecifications", [{"LicenseConfigurationArn": "a"}])):
            self.assert_code("UnsupportedOperation", call, name.removesuffix("s"), DiskContainers=[disk], **{name: value})
        self.assert_code("UnsupportedOperation", call, "SnapshotId", DiskContainers=[{**disk, "SnapshotId": "snap-0123456789abcdef0"}])
        self.assert_code("InvalidParameterValue", call, DiskContainers=[disk], Architecture="i386")
        self.assert_code("InvalidParameterValue", call, DiskContainers=[disk], TagSpecifications=[tag_specification("image", a="b")])

    def test_a_token_makes_one_task(self):
        disk = {"Format": "RAW", "Url": file_url("disk.raw")}
        one = self.import_image(disk, ClientToken="t")["ImportTaskId"]
        self.assertEqual(one, self.import_image(disk, ClientToken="t")["ImportTaskId"])
        self.assert_code("IdempotentParameterMismatch", self.import_image, **{"ClientToken": "t", "Description": "other"})
        self.completed(one)
        self.assertEqual("completed", self.import_image(disk, ClientToken="t")["Status"])

    def test_tags_filters_and_pages(self):
        ids = []
        for n in range(6):
            made = self.import_image(TagSpecifications=[tag_specification("import-image-task", n=str(n))])
            self.assertEqual(tags(n=str(n)), made["Tags"])
            ids.append(made["ImportTaskId"])
        self.ec2.create_tags(Resources=[ids[0]], Tags=tags(more="x"))
        self.assertEqual("import-image-task", self.ec2.describe_tags(Filters=filters(key="more"))["Tags"][0]["ResourceType"])
        found = lambda **how: sorted(t["ImportTaskId"] for t in self.ec2.describe_import_image_tasks(**how)["ImportImageTasks"])
        self.assertEqual([ids[3]], found(Filters=[{"Name": "tag:n", "Values": ["3"]}]))
        self.ec2.delete_tags(Resources=[ids[0]], Tags=[{"Key": "more"}])
        for task in ids:
            self.completed(task)
        self.assertEqual(sorted(ids), found(Filters=filters(task_state="completed")))
        self.assertEqual([], found(Filters=filters(task_state="active")))
        self.assert_code("InvalidParameterValue", self.ec2.describe_import_image_tasks, Filters=filters(state="active"))
        first = self.ec2.describe_import_image_tasks(MaxResults=5)
        second = self.ec2.describe_import_image_tasks(MaxResults=5, NextToken=first["NextToken"])
        self.assertEqual(sorted(ids), [t["ImportTaskId"] for t in first["ImportImageTasks"] + second["ImportImageTasks"]])
        stranger = self.lodge.client(self.lodge.new_account())
        self.assert_code("InvalidConversionTaskId", stranger.describe_import_image_tasks, ImportTaskIds=[ids[0]])
        self.assert_code("InvalidConversionTaskId", stranger.cancel_import_task, ImportTaskId=ids[0])
        self.assertEqual([], stranger.describe_import_image_tasks()["ImportImageTasks"])

    def test_ids_that_are_none(self):
        self.assert_code("InvalidConversionTaskId", self.ec2.describe_import_image_tasks, ImportTaskIds=[UNKNOWN["image"]])
        self.assert_code("InvalidConversionTaskId", self.ec2.describe_import_snapshot_tasks, ImportTaskIds=[UNKNOWN["snapshot"]])
        self.assert_code("InvalidConversionTaskId.Malformed", self.ec2.describe_import_snapshot_tasks, ImportTaskIds=[UNKNOWN["image"]])
        self.assert_code("InvalidConversionTaskId.Malformed", self.ec2.describe_import_image_tasks, ImportTaskIds=["x"])
        self.assert_code("InvalidConversionTaskId.Malformed", self.ec2.cancel_import_task, ImportTaskId="import-ami-x")
        self.assert_code("InvalidExportTaskID.NotFound", self.ec2.describe_export_image_tasks, ExportImageTaskIds=[UNKNOWN["export"]])
        self.assert_code("InvalidExportTaskID.Malformed", self.ec2.cancel_export_task, ExportTaskId="x")
        self.assert_code("InvalidExportTaskID.NotFound", self.ec2.cancel_export_task, ExportTaskId=UNKNOWN["export"])
        self.assert_code("InvalidConversionTaskId", self.ec2.create_tags, Resources=[UNKNOWN["image"]], Tags=tags(a="b"))


class Exports(TaskTest):
    def export(self, image, fmt="RAW", prefix="", **more):
        return self.ec2.export_image(ImageId=image, DiskImageFormat=fmt, S3ExportLocation={"S3Bucket": "exports", "S3Prefix": prefix}, **more)

    def test_what_was_imported_comes_out_and_goes_in_again_the_same(self):
        image = self.imported_image()
        raw = FOLDER / "files/disk.raw"
        for fmt, ending, qemu in (("RAW", "raw", "raw"), ("VMDK", "vmdk", "vmdk"), ("VHD", "vhd", "vpc")):
            with self.subTest(fmt):
                made = self.export(image, fmt, "deep/er/x-", Description="out", TagSpecifications=[tag_specification("export-image-task", a="b")])
                self.assertRegex(made["ExportImageTaskId"], "^export-ami-[0-9a-f]{17}$")
                self.assertEqual((fmt, image, "active", "out", tags(a="b"), {"S3Bucket": "exports", "S3Prefix": "deep/er/x-"}), tuple(
                    made[n] for n in ("DiskImageFormat", "ImageId", "Status", "Description", "Tags", "S3ExportLocation")))
                done = self.completed(made["ExportImageTaskId"])
                self.assertEqual("100", done["Progress"])
                file = FOLDER / f"out/deep/er/x-{made['ExportImageTaskId']}.{ending}"
                again = FOLDER / f"again-{ending}.raw"
                qemu_img("convert", "-f", qemu, "-O", "raw", file, again)
                self.assertEqual(sha256(raw), sha256(again))
                (FOLDER / f"files/again.{ending}").write_bytes(file.read_bytes())
                back = self.completed(self.import_image({"Format": fmt, "Url": file_url(f"again.{ending}")})["ImportTaskId"])["ImageId"]
                last = self.completed(self.export(back)["ExportImageTaskId"])
                self.assertEqual(sha256(raw), sha256(FOLDER / f"out/{last['ExportImageTaskId']}.raw"))
        self.assertFalse([f for f in (FOLDER / "out").rglob(".*")], "nothing half is left")

    def test_what_cannot_be_exported(self):
        image = self.imported_image()
        self.assert_code("InvalidParameterValue", self.ec2.export_image, "--export-bucket", ImageId=image, DiskImageFormat="RAW",
                         S3ExportLocation={"S3Bucket": "disks"})
        self.assert_code("InvalidParameterValue", self.export, image=image, prefix="../x")
        self.assert_code("InvalidParameterValue", self.export, image=image, prefix="/x")
        self.assert_code("InvalidParameterValue", self.export, image=image, fmt="QCOW2")
        self.assert_code("UnsupportedOperation", self.export, "RoleName", image=image, RoleName="other")
        self.assert_code("InvalidAMIID.NotFound", self.export, image="ami-0123456789abcdef0")
        self.assert_code("AuthFailure", self.export, image="ami-00000000000000001")
        disk = {"Format": "RAW", "Url": file_url("disk.raw")}
        two = self.completed(self.import_image(disk, disk)["ImportTaskId"])["ImageId"]
        self.assert_code("InvalidParameterValue", self.export, "NoDevice", image=two)
        sealed, = self.launch(BlockDeviceMappings=[{"DeviceName": "/dev/vda", "Ebs": {"Encrypted": True}}])
        encrypted = self.ec2.create_image(InstanceId=sealed, Name="sealed", NoReboot=True)["ImageId"]
        self.ec2.get_waiter("image_available").wait(ImageIds=[encrypted], WaiterConfig={"Delay": 1})
        self.assert_code("InvalidParameterValue", self.export, "encrypted", image=encrypted)
        (FOLDER / "out/blocked").symlink_to(FOLDER)
        done = self.ended(self.export(image, prefix="blocked/x")["ExportImageTaskId"])
        self.assertEqual("deleted", done["Status"])
        self.assertIn("blocked", done["StatusMessage"])

    def test_a_cancelled_one(self):
        image = self.imported_image()
        slow = self.ec2.import_snapshot(DiskContainer={"Format": "RAW", "Url": f"{web()}/images/slow"})["ImportTaskId"]
        task = self.export(image)["ExportImageTaskId"]  # waits for the worker
        self.ec2.cancel_export_task(ExportTaskId=task)
        self.assertEqual("deleted", self.shown(task)["Status"])
        self.assert_code("IncorrectState", self.ec2.cancel_export_task, ExportTaskId=task)
        self.ec2.cancel_import_task(ImportTaskId=slow)
        self.ended(slow)
        self.assertEqual([task], [t["ExportImageTaskId"] for t in self.ec2.describe_export_image_tasks(
            Filters=filters(task_state="deleted"), MaxResults=1)["ExportImageTasks"]])


class Cancelling(TaskTest):
    def test_one_in_the_middle_and_one_that_waits(self):
        slow = self.import_snapshot(f"{web()}/images/slow")
        self.eventually(lambda: self.shown(slow)["StatusMessage"] == "downloading")
        waiting = self.import_image()["ImportTaskId"]
        self.assertEqual({"ImportTaskId": waiting, "PreviousState": "active", "State": "deleted"},
                         {k: v for k, v in self.ec2.cancel_import_task(ImportTaskId=waiting).items() if k != "ResponseMetadata"})
        self.assertEqual("deleting", self.ec2.cancel_import_task(ImportTaskId=slow, CancelReason="enough")["State"])
        done = self.ended(slow)
        self.assertEqual(("deleted", "Cancelled: enough"), (done["Status"], done["StatusMessage"]))
        self.assertEqual([], os.listdir(self.lodge.state_dir / "images/incoming"))
        self.assert_code("IncorrectState", self.ec2.cancel_import_task, "deleted", ImportTaskId=slow)
        self.completed(self.import_snapshot(file_url("disk.raw")))

    def test_there_is_an_end_to_how_many_wait(self):
        slow = self.import_snapshot(f"{web()}/images/slow")
        ids = [self.import_image()["ImportTaskId"] for _ in range(19)]
        self.assert_code("ResourceLimitExceeded", self.import_image)
        for task in [*ids, slow]:
            self.ec2.cancel_import_task(ImportTaskId=task)
        self.ended(slow)


class Restarts(unittest.TestCase):
    def test_a_task_goes_on_from_its_beginning(self):
        lodge = Lodge(*OPTIONS).start()
        self.addCleanup(lodge.close)
        ec2 = lodge.client()
        slow = ec2.import_snapshot(DiskContainer={"Format": "RAW", "Url": f"{web()}/images/slow"})["ImportTaskId"]
        task = ec2.import_image(DiskContainers=[{"Format": "RAW", "Url": file_url("disk.raw")}])["ImportTaskId"]
        TaskTest.eventually(self, lambda: os.listdir(lodge.state_dir / "images/incoming"))
        for _ in range(3):
            lodge.kill()
            lodge.start()
            ec2 = lodge.client()
            TaskTest.eventually(self, lambda: os.listdir(lodge.state_dir / "images/incoming"))
        lodge.kill()
        lodge.start()
        ec2 = lodge.client()
        state = lambda: ec2.describe_import_snapshot_tasks(ImportTaskIds=[slow])["ImportSnapshotTasks"][0]["SnapshotTaskDetail"]
        TaskTest.eventually(self, lambda: state()["Status"] == "deleted", 30)
        self.assertIn("stopped in the middle", state()["StatusMessage"])
        shown = lambda: ec2.describe_import_image_tasks(ImportTaskIds=[task])["ImportImageTasks"][0]
        TaskTest.eventually(self, lambda: shown()["Status"] == "completed", 30, lambda: str(shown()))
        self.assertEqual([], os.listdir(lodge.state_dir / "images/incoming"))

    def test_nothing_is_allowed_unless_the_operator_says_so(self):
        lodge = Lodge().start()
        self.addCleanup(lodge.close)
        ec2 = lodge.client()
        for url in (file_url("disk.raw"), f"{web()}/images/disk.raw", "s3://disks/disk.raw"):
            WireTest.assert_code(self, "InvalidParameterValue", ec2.import_snapshot, "operator", DiskContainer={"Format": "RAW", "Url": url})
        lodge.stop()


@unittest.skipUnless(os.geteuid() == 0, "mounts a small file system")
class FullDisk(unittest.TestCase):
    def test_a_disk_that_gets_full_ends_the_task(self):
        lodge = Lodge(*OPTIONS)
        lodge.state_dir.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=104m", "tmpfs", str(lodge.state_dir)], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(mounted.stderr)
        self.addCleanup(lodge.close)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(lodge.state_dir)], check=True)
        self.addCleanup(lodge.stop)
        lodge.start()
        ec2 = lodge.client()
        (FOLDER / "files/large.raw").write_bytes(os.urandom(20 * MIB))
        (FOLDER / "files/larger.raw").write_bytes(os.urandom(60 * MIB))
        for name in ("large", "larger"):  # one is full in the converting, one in the fetching
            task = ec2.import_snapshot(DiskContainer={"Format": "RAW", "Url": file_url(f"{name}.raw")})["ImportTaskId"]
            state = lambda: ec2.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"][0]["SnapshotTaskDetail"]
            TaskTest.eventually(self, lambda: state()["Status"] == "deleted", 60, lambda: str(state()))
            self.assertIn("too full", state()["StatusMessage"])
            self.assertEqual([], os.listdir(lodge.state_dir / "images/incoming"))


class Cli(TaskTest):
    """Debian's aws, as the guides call it."""

    def aws(self, *words):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(FOLDER), "LANG": "C.UTF-8", "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true",
                       "AWS_ACCESS_KEY_ID": self.account.key, "AWS_SECRET_ACCESS_KEY": self.account.secret, "AWS_DEFAULT_REGION": "us-east-1"}
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.lodge.endpoint, "ec2", *words], env=environment, capture_output=True,
                              text=True, check=False, timeout=120)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def test_import_image_and_export_it(self):
        containers = FOLDER / "containers.json"
        containers.write_text(json.dumps([{"Description": "d", "Format": "vhd", "UserBucket": {"S3Bucket": "disks", "S3Key": "disk.vpc"}}]))
        task = self.aws("import-image", "--description", "by aws", "--disk-containers", f"file://{containers}")["ImportTaskId"]
        image = self.completed(task)["ImageId"]
        self.assertEqual("completed", self.aws("describe-import-image-tasks", "--import-task-ids", task)["ImportImageTasks"][0]["Status"])
        out = self.aws("export-image", "--image-id", image, "--disk-image-format", "VMDK", "--s3-export-location", "S3Bucket=exports,S3Prefix=aws/")
        self.completed(out["ExportImageTaskId"])
        self.assertTrue((FOLDER / f"out/aws/{out['ExportImageTaskId']}.vmdk").is_file())

    def test_import_snapshot(self):
        task = self.aws("import-snapshot", "--disk-container", f"Format=RAW,Url={file_url('disk.raw')}")["ImportTaskId"]
        self.completed(task)
        found = self.aws("describe-import-snapshot-tasks", "--import-task-ids", task, "--filters", "Name=task-state,Values=completed")
        self.assertEqual(5.0 * MIB, found["ImportSnapshotTasks"][0]["SnapshotTaskDetail"]["DiskImageSize"])


if __name__ == "__main__":
    unittest.main()
