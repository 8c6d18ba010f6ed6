#!/usr/bin/python3
"""Disks, as ratios to a yardstick measured in turns in the same run. Needs root, and 40 GB under /var/tmp.

    tests/bench/disks.py [--only launch|snapshot|io] [--rounds N] [--image-mib N] [--layer-mib N]

launch    RunInstances until `running`, and until the guest's kernel is up, with an image of 10 GiB to one of 100 MiB. Both
          are raw: the tiny image's file system, then random bytes that the host holds in full. Each image's first launch,
          which fetches it to the host, is left out.
snapshot  CreateVolume of a snapshot and AttachVolume, until `attached`, with a layer of 4 GiB to one of 16 MiB. A guest has
          written both layers; the host that measures has sent them, so that it keeps them already.
io        fio in a guest on a volume without limits, to a qcow2 file beside it that plain virsh has attached with the same
          driver options. Both files are allocated in full and mostly in the host's page cache: what is compared is the way
          from the guest to there, not the machine's disk. fio is Debian's, unpacked and not installed.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
HOST_TESTS = os.path.normpath(f"{HERE}/../host")
sys.path.insert(0, HOST_TESTS)
sys.dont_write_bytecode = True

from cloud import image_facts, work_folder  # noqa: E402
from disks import DiskTest  # noqa: E402
from programs import eventually  # noqa: E402

MIB = 1 << 20
PAUSE = 0.02  # between questions: a tenth of what is measured, and little beside a guest that boots
ROOT_MIB = 64  # of the tiny image, mostly holes
SMALL_IMAGE_MIB, SMALL_LAYER_MIB, IO_MIB = 100, 16, 512
IO_SECONDS = 4
JOBS = {"read": ("sequential read", "--rw=read --bs=1M --iodepth=4"),
        "write": ("sequential write", "--rw=write --bs=1M --iodepth=4"),
        "randread": ("4k random read", "--rw=randread --bs=4k --iodepth=16")}
# Terse output, version 3: the error, then KiB a second of reads and of writes.
ERROR_FIELD, READ_FIELD, WRITE_FIELD, FIELDS = 4, 6, 47, 100
PLAIN_DISK = """<disk type='file' device='disk'><driver name='qemu' type='{format}' cache='writeback' discard='unmap'/>
<source file='{path}'/><target dev='{target}' bus='virtio'/><serial>{serial}</serial></disk>"""


def report(what, ours, yardstick, unit):
    """Medians of both, how far they spread, and the median of the turns' ratios: a busy machine slows both of a turn."""
    def number(value):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"

    def told(values):
        return f"{number(statistics.median(values))} {unit} ({number(min(values))} to {number(max(values))})"
    ratio = statistics.median(one / other for one, other in zip(ours, yardstick))
    print(f"{what}: {told(ours)} to {told(yardstick)}, ratio {ratio:.3f}", flush=True)


def in_turns(rounds, measure, *names):
    """Lists of what measure(name) returns, by name. The first of a round is the second of the next."""
    seen = {name: [] for name in names}
    for i in range(rounds):
        for name in names if i % 2 == 0 else reversed(names):
            seen[name].append(measure(name))
    return seen


class Bench(DiskTest):
    """The tests' own helpers, without a test."""

    # --- Launches -----------------------------------------------------------------------------------------------

    def import_image(self, mib):
        path = f"{work_folder()}/image-{mib}.raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", image_facts("lodge-tiny")["disk"], path], check=True)
        block = os.urandom(4 * MIB)
        with open(path, "r+b") as file:
            file.seek(0, os.SEEK_END)
            while file.tell() < mib * MIB:
                file.write(block[:mib * MIB - file.tell()])
        try:
            return self.cloud.import_tiny(f"bench-{mib}", path, fmt="raw")
        finally:
            os.remove(path)

    def time_launch(self, image_id, seconds=90):
        """Seconds until it is running, and until its kernel is up."""
        begin = time.monotonic()
        (guest,) = self.launch(ImageId=image_id)
        eventually(seconds, lambda: self.state(guest) == "running", lambda: self.story(guest, "running"), PAUSE)
        running = time.monotonic() - begin
        eventually(seconds, lambda: "kernel up" in self.console(guest), self.cloud.logs, PAUSE)
        up = time.monotonic() - begin
        self.terminate(guest)
        return running, up

    def measure_launches(self, args):
        images = {mib: self.import_image(mib) for mib in (args.image_mib, SMALL_IMAGE_MIB)}
        for mib, image_id in images.items():
            self.time_launch(image_id, 900)
            cached = os.stat(self.cloud.cached_file(self.cloud.sha256_of(image_id)))
            self.assertGreaterEqual(cached.st_blocks * 512, (mib - ROOT_MIB) * MIB, "the image is no hole")
        os.sync()
        seen = in_turns(args.rounds, lambda mib: self.time_launch(images[mib]), *images)
        for i, what in enumerate(("running", "kernel up")):
            large, small = ([times[i] for times in seen[mib]] for mib in images)
            report(f"launch until {what}, image of {args.image_mib} MiB to {SMALL_IMAGE_MIB} MiB", large, small, "s")

    # --- Volumes of snapshots -----------------------------------------------------------------------------------

    def snapshot_of(self, guest, mib, size_gib):
        """Of a volume that the guest has written so much to."""
        volume = self.create(Size=size_gib, VolumeType="standard")
        self.attach(volume, guest)
        disk, chunk = self.wait_device(guest, volume), 16
        told = self.inside(guest, f"head -c {chunk * MIB} /dev/urandom >/run/random; i=0; while [ $i -lt {mib // chunk} ]; do "
                                  f"dd if=/run/random of=/dev/{disk} bs=1M seek=$((i*{chunk})) conv=notrunc,fsync 2>/dev/null || "
                                  "echo failed; i=$((i+1)); done; rm /run/random", 600)
        self.assertEqual("", told)
        self.detach(volume)
        snapshot = self.snapshot(volume)
        eventually(600, lambda: self.state_of(snapshot) == "completed", self.cloud.logs)
        self.ec2.delete_volume(VolumeId=volume)
        return snapshot

    def time_volume(self, guest, snapshot, size_gib):
        """Seconds until a volume of the snapshot is attached."""
        begin = time.monotonic()
        volume = self.create(SnapshotId=snapshot, Size=size_gib, VolumeType="standard")
        self.ec2.attach_volume(VolumeId=volume, InstanceId=guest, Device="/dev/sdf")
        eventually(600, lambda: self.attachment(volume) == "attached", self.cloud.logs, PAUSE)
        took = time.monotonic() - begin
        self.wait_device(guest, volume)
        self.detach(volume)
        self.ec2.delete_volume(VolumeId=volume)
        return took

    def measure_snapshots(self, args):
        size_gib = args.layer_mib // 1024 + 1
        (guest,) = self.launch_ready()
        snapshots = {mib: self.snapshot_of(guest, mib, size_gib) for mib in (args.layer_mib, SMALL_LAYER_MIB)}
        sizes = sorted(self.layer_sizes().values())
        self.assertGreaterEqual(sizes[-1], args.layer_mib * MIB, sizes)
        os.sync()
        in_turns(1, lambda mib: self.time_volume(guest, snapshots[mib], size_gib), *snapshots)
        seen = in_turns(args.rounds, lambda mib: self.time_volume(guest, snapshots[mib], size_gib), *snapshots)
        report(f"volume of a snapshot until attached, layer of {args.layer_mib} MiB to {SMALL_LAYER_MIB} MiB",
               seen[args.layer_mib], seen[SMALL_LAYER_MIB], "s")
        self.terminate(guest)

    # --- I/O ----------------------------------------------------------------------------------------------------

    def attach_plain(self, guest, path, fmt, target, serial):
        """By virsh alone, past Lodge; the device in the guest."""
        xml = PLAIN_DISK.format(path=path, format=fmt, target=target, serial=serial)
        self.libvirt.virsh("attach-device", self.domain(guest), "/dev/stdin", "--live", feed=xml)
        return self.wait_device(guest, serial)

    def check_same_options(self, guest, *targets):
        """Both disks have the same driver options, and no limits."""
        disks = [each for each in self.libvirt.xml(self.domain(guest)).iter("disk") if each.find("target").get("dev") in targets]
        self.assertEqual(len(targets), len(disks))
        self.assertEqual(1, len({ElementTree.tostring(each.find("driver")).strip() for each in disks}), "driver options differ")
        self.assertEqual([None, None], [each.find("iotune") for each in disks])

    def bandwidth(self, guest, job, disk):
        """KiB a second, as fio has it."""
        os.sync()
        told = self.inside(guest, f"sh /bench/run {job} /dev/{disk}", 300)
        fields = next((line.split(";") for line in told.splitlines() if re.match(r"3;fio-", line)), [])
        self.assertGreater(len(fields), FIELDS, told)
        self.assertEqual("0", fields[ERROR_FIELD], told)
        return float(fields[WRITE_FIELD if job in ("write", "fill") else READ_FIELD])

    def measure_io(self, args):
        tools, plain = f"{work_folder()}/tools.raw", f"{work_folder()}/plain.qcow2"
        make_tools(tools)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", plain, "1G"], check=True)
        (guest,) = self.launch_ready()
        volume = self.create(VolumeType="standard")
        self.attach(volume, guest)
        disks = {"Lodge": self.wait_device(guest, volume), "virsh": self.attach_plain(guest, plain, "qcow2", "vdy", "plain")}
        self.check_same_options(guest, "vdf", "vdy")
        mounted = self.attach_plain(guest, tools, "raw", "vdz", "tools")
        self.assertEqual("", self.inside(guest, f"mkdir -p /bench; mount -t ext4 -o ro /dev/{mounted} /bench"))
        for disk in disks.values():
            self.bandwidth(guest, "fill", disk)
        for job, (what, _) in JOBS.items():
            seen = in_turns(args.rounds, lambda name, job=job: self.bandwidth(guest, job, disks[name]) / 1024, *disks)
            report(f"{what}, a volume to plain virsh", seen["Lodge"], seen["virsh"], "MiB/s")
        self.terminate(guest)


# --- fio for a guest that has a kernel and a shell ------------------------------------------------------------------------

def unpack_fio(folder):
    """Debian's fio and those of its packages that this machine lacks; nothing is installed."""
    plan = subprocess.run(["apt-get", "install", "--simulate", "--no-install-recommends", "fio"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    packages = re.findall(r"^Inst (\S+)", plan, re.MULTILINE)
    if packages:
        subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages], cwd=folder, check=True)
    for name in [each for each in os.listdir(folder) if each.endswith(".deb")]:
        subprocess.run(["dpkg-deb", "-x", f"{folder}/{name}", f"{folder}/tree"], check=True)
    return f"{folder}/tree/usr/bin/fio" if packages else shutil.which("fio")


def libraries_of(program, tree):
    """Paths of what it loads, and of the loader."""
    folders = ":".join(f"{tree}{each}" for each in ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu",
                                                    "/usr/lib/x86_64-linux-gnu/ceph"))
    told = subprocess.run(["ldd", program], check=True, text=True, stdout=subprocess.PIPE,
                          env={**os.environ, "LD_LIBRARY_PATH": folders}).stdout
    if "not found" in told:
        raise AssertionError(f"libraries of fio are missing:\n{told}")
    return re.findall(r"(/\S+) \(0x", told)


def make_tools(path):
    """A disk with fio, its libraries, and `run JOB DEVICE`."""
    with tempfile.TemporaryDirectory(dir=work_folder()) as folder:
        content = f"{folder}/content"
        os.mkdir(content)
        fio = unpack_fio(folder)
        for each in [fio, *libraries_of(fio, f"{folder}/tree")]:
            shutil.copy(each, f"{content}/{os.path.basename(each)}")
        loader = next(name for name in os.listdir(content) if name.startswith("ld-linux"))
        options = {"fill": "--rw=write --bs=1M --iodepth=4",
                   **{job: f"{each} --time_based --runtime={IO_SECONDS}" for job, (_, each) in JOBS.items()}}
        cases = "".join(f"  {job}) set -- $2 {each} ;;\n" for job, each in options.items())
        with open(f"{content}/run", "w", encoding="ascii") as file:
            file.write(f"cd /tmp\ncase $1 in\n{cases}esac\ndisk=$1; shift\n"
                       f"/bench/{loader} --library-path /bench /bench/fio --name=bench --filename=$disk --size={IO_MIB}M "
                       "--direct=1 --ioengine=libaio --thread --randrepeat=0 --output-format=terse --terse-version=3 \"$@\"\n")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", content, path, "256M"], check=True, stdout=subprocess.DEVNULL)


def measure(args):
    Bench.setUpClass()
    try:
        bench = Bench()
        for name, each in (("io", bench.measure_io), ("snapshot", bench.measure_snapshots), ("launch", bench.measure_launches)):
            if args.only in (None, name):
                each(args)
                bench.tearDown()
    finally:
        left = Bench.cloud.close()
        if left:
            print(f"left behind: {', '.join(left)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("launch", "snapshot", "io"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--image-mib", type=int, default=10240)
    parser.add_argument("--layer-mib", type=int, default=4096)
    args = parser.parse_args()
    if "LODGE_LIBVIRT_URI" in os.environ:
        return measure(args)
    if os.geteuid() != 0:
        sys.exit("it needs root")
    images = os.environ.get("LODGE_IMAGES", "/var/tmp/lodge-images")
    subprocess.run([f"{HERE}/../../deploy/images/build", "tiny", "--out", images], check=True)
    with tempfile.TemporaryDirectory(prefix="lodge-bench-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o711)
        environment = {**os.environ, "LODGE_HOST_TEST_DIR": folder, "AWS_EC2_METADATA_DISABLED": "true"}
        command = [f"{HOST_TESTS}/libvirtd.py", sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
