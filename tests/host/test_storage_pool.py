"""Two hosts that keep volumes in one place: volumes and stopped instances go from one to the other, also from one that is lost."""

import os

from cloud import AGENT_OPTIONS, binary, flatten
from disks import DiskTest
from programs import Program, eventually

POOL = "fast"


class StoragePoolTest(DiskTest):
    """The first host of the cloud, and a second one on the same libvirtd."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pool = f"{cls.cloud.folder}/pool"
        os.mkdir(cls.pool, 0o711)
        with open(f"{cls.pool}/lodge-pool", "w", encoding="ascii") as file:
            file.write(f"{POOL}\n")
        cls.pool_options = ["--storage-pool", POOL, "--storage-pool-dir", cls.pool]
        cls.cloud.agent.kill()
        cls.cloud.agent.arguments += cls.pool_options
        cls.cloud.start_agent()
        cls.first = cls.cloud.host_id
        with open(f"{cls.cloud.folder}/second-token", "w", encoding="ascii") as file:
            file.write(cls.cloud.lodge_json("host", "token")["token"])
        arguments = cls.cloud.agent.arguments
        server = arguments[arguments.index("--server") + 1]
        cls.other = Program("second", [
            binary("agent/lodge-agent"), "--state-dir", f"{cls.cloud.folder}/second", "--server", server, "--libvirt-uri", cls.libvirt.uri,
            "--token-file", f"{cls.cloud.folder}/second-token", *flatten(AGENT_OPTIONS), *cls.pool_options], f"{cls.cloud.folder}/second.log")
        cls.other.start()
        eventually(30, lambda: len([h for h in cls.cloud.hosts() if h["condition"] == "ok"]) == 2, cls.cloud.logs)
        cls.second = next(h["id"] for h in cls.cloud.hosts() if h["id"] != cls.first)

    @classmethod
    def tearDownClass(cls):
        cls.other.kill()
        super().tearDownClass()

    def hosts(self):
        """Whether or not the first one's agent runs."""
        return self.cloud.lodge_json("host", "list")["hosts"]

    def launch_on(self, host, **more):
        """The other host takes nothing meanwhile."""
        other = self.second if host == self.first else self.first
        self.cloud.lodge("host", "drain", other)
        self.cloud.host_id = host
        (guest,) = self.launch_ready(**more)
        self.cloud.lodge("host", "drain", other, "--undo")
        return guest

    def domain(self, instance_id):
        """On whichever host it is."""
        for host in (self.first, self.second):
            self.cloud.host_id = host
            found = self.cloud.domains().get(instance_id)
            if found:
                return found
        return None

    def files_of(self, host):
        return sorted(name for name in os.listdir(f"{self.pool}/{host}") if name.startswith("vol-"))

    def tearDown(self):
        for host in [each["id"] for each in self.hosts()]:
            eventually(60, lambda host=host: next(
                h["condition"] for h in self.hosts() if h["id"] == host) in ("ok", "draining"), self.cloud.logs)
            self.cloud.lodge("host", "drain", host, "--undo")
        super().tearDown()
        self.cloud.host_id = self.first
        self.assertEqual([], self.files_of(self.first) + self.files_of(self.second))

    def test_a_volume_goes_from_host_to_host(self):
        one, two = self.launch_on(self.first), self.launch_on(self.second)
        volume, _, written = self.volume_with_files(one)
        snapshot = self.snapshot(volume)
        self.wait_completed(snapshot)
        self.assertEqual("", self.inside(one, "umount /mnt"))
        self.detach(volume)
        self.assertEqual(written, self.read(two, volume, "data"))
        self.assertIn(f"{volume}.1.qcow2", self.files_of(self.second))
        self.assertEqual(written, self.read(one, volume, "data"))
        self.assertNotIn(f"{volume}.1.qcow2", self.files_of(self.second))
        self.wait_completed(self.snapshot(volume))
        self.assertEqual(written, self.read(two, volume, "data"), "cut where it was before")
        self.ec2.delete_volume(VolumeId=volume)
        eventually(30, lambda: not [v for v in self.volumes() if v["VolumeId"] == volume], self.cloud.logs)

    def test_an_instance_of_a_lost_host_starts_on_another(self):
        guest = self.launch_on(self.first)
        volume, _, written = self.volume_with_files(guest)
        self.inside(guest, "echo here >/root-disk/note; sync")
        domain = self.domain(guest)
        self.cloud.agent.kill()
        self.libvirt.virsh("destroy", domain)
        self.libvirt.virsh("undefine", domain)
        eventually(60, lambda: next(h["condition"] for h in self.hosts() if h["id"] == self.first) == "unreachable", self.cloud.logs)
        self.cloud.lodge("host", "fence", self.first)
        self.wait_state(guest, "stopped")
        self.ec2.start_instances(InstanceIds=[guest])
        self.wait_console(guest, "boot 2 of this disk")
        self.wait_console(guest, "lodge-tiny: ready")
        self.assertEqual("here", self.inside(guest, "cat /root-disk/note"))
        self.mount(guest, self.wait_device(guest, volume))
        self.assertEqual(written, self.inside(guest, "sha256sum </mnt/data"))
        self.assertEqual([], self.files_of(self.first))
        self.cloud.start_agent()  # it comes back, and has nothing any more
        eventually(60, lambda: next(h["condition"] for h in self.hosts() if h["id"] == self.first) == "ok", self.cloud.logs)
        self.assertEqual("running", self.state(guest))
        self.assertIn("nothing is wrong", self.cloud.lodge("doctor").lower())

    def test_z_a_lost_host_hands_on_what_it_had_and_goes(self):
        """The last one: the second host does not come back."""
        kept, ended = self.launch_on(self.second), self.launch_on(self.second)
        volume, _, written = self.volume_with_files(kept)
        self.assertEqual("", self.inside(kept, "umount /mnt"))
        self.detach(volume)
        self.other.kill()
        for domain in (self.domain(kept), self.domain(ended)):
            self.libvirt.virsh("destroy", domain)
            self.libvirt.virsh("undefine", domain)
        eventually(60, lambda: next(h["condition"] for h in self.hosts() if h["id"] == self.second) == "unreachable", self.cloud.logs)
        self.cloud.lodge("host", "fence", self.second)
        self.wait_state(kept, "stopped")
        self.ec2.terminate_instances(InstanceIds=[ended])
        self.cloud.lodge("host", "drain", self.second)
        self.cloud.lodge("host", "remove", self.second)
        self.wait_state(ended, "terminated")
        self.ec2.start_instances(InstanceIds=[kept])
        self.wait_console(kept, "boot 2 of this disk")
        self.wait_console(kept, "lodge-tiny: ready")
        self.assertEqual(written, self.read(kept, volume, "data"))
        eventually(30, lambda: not self.files_of(self.second), self.cloud.logs)
