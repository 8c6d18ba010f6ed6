"""What libvirt knows of guests, by virsh and by the files of the private libvirtd (libvirtd.py)."""

import contextlib
import os
import select
import signal
import subprocess
import threading
import tty
import xml.etree.ElementTree as ElementTree

from programs import eventually

TAG = "{https://lodge.invalid/xmlns/guest/1}guest"


class Libvirt:
    """The libvirtd that these tests run beside."""

    def __init__(self):
        self.uri = os.environ["LODGE_LIBVIRT_URI"]
        self.folder = os.environ["LODGE_LIBVIRT_DIR"]
        self.hold_file = f"{self.folder}/hold"

    # --- The daemon ---------------------------------------------------------------------------------------------

    def daemon_pid(self):
        """0 while it is being written."""
        with open(f"{self.folder}/libvirtd.pid", encoding="ascii") as file:
            return int(file.read() or 0)

    def answers(self):
        return subprocess.run(["virsh", "-c", self.uri, "uri"], capture_output=True, check=False).returncode == 0

    def restart(self, signal_number=signal.SIGTERM):
        """Ends libvirtd; libvirtd.py starts it again. Returns when the new one answers."""
        before = self.daemon_pid()
        os.kill(before, signal_number)
        eventually(30, lambda: self.daemon_pid() not in (0, before) and self.answers(), "libvirtd is back")

    @contextlib.contextmanager
    def down(self, signal_number=signal.SIGKILL):
        """No libvirtd inside the block."""
        with open(self.hold_file, "w", encoding="ascii"):
            pass
        try:
            os.kill(self.daemon_pid(), signal_number)
            eventually(30, lambda: not self.answers(), "libvirtd is gone")
            yield
        finally:
            os.remove(self.hold_file)
            eventually(30, self.answers, "libvirtd is back")

    # --- Domains ------------------------------------------------------------------------------------------------

    def virsh(self, *arguments, check=True, feed=None):
        done = subprocess.run(["virsh", "-c", self.uri, *arguments], capture_output=True, text=True, check=False,
                              input=feed)
        if check and done.returncode != 0:
            raise AssertionError(f"virsh {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def names(self):
        return self.virsh("list", "--all", "--name").split()

    def xml(self, name):
        return ElementTree.fromstring(self.virsh("dumpxml", name))

    def state(self, name):
        return self.virsh("domstate", name).strip()

    def tags(self, host_id=None):
        """Domain names by instance ID: all of Lodge's domains, or those of one host. Two of one instance: an error."""
        found = {}
        for name in self.names():
            text = self.virsh("dumpxml", name, check=False)  # one may vanish meanwhile
            tag = ElementTree.fromstring(text).find(f"metadata/{TAG}") if text.strip() else None
            if tag is None or host_id not in (None, tag.get("host")):
                continue
            if tag.get("instance") in found:
                raise AssertionError(f"two domains of {tag.get('instance')}: {found[tag.get('instance')]}, {name}")
            found[tag.get("instance")] = name
        return found

    def qemu_pid(self, name):
        with open(f"{self.folder}/run/qemu/{name}.pid", encoding="ascii") as file:
            return int(file.read())

    def define(self, xml):
        self.virsh("define", "/dev/stdin", feed=xml)

    def remove(self, name):
        """For clean-up: whatever state it is in."""
        self.virsh("destroy", name, check=False)
        self.virsh("undefine", name, check=False)

    @contextlib.contextmanager
    def keyboard(self, name):
        """A function that types on the guest's serial console. Stay in the block until what was typed has worked."""
        terminal = os.open(self.xml(name).find("devices/serial/source").get("path"), os.O_RDWR | os.O_NOCTTY)
        closing = threading.Event()
        reader = threading.Thread(target=drain, args=(terminal, closing))
        try:
            tty.setraw(terminal)
            reader.start()
            yield lambda text: os.write(terminal, text.encode())
        finally:
            closing.set()
            reader.join()
            os.close(terminal)


def drain(terminal, closing):
    """Reads what the guest prints: it stands still when somebody holds its terminal and reads nothing."""
    while not closing.is_set():
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:
                return  # the guest has ended


def process_status(pid):
    """/proc/PID/status as a dictionary."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def processes_with(text):
    """IDs of the processes, other than this one, that have `text` in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if int(pid) != os.getpid() and text.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found
