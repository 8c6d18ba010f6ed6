#!/usr/bin/python3
"""Runs a command beside a libvirtd and virtlogd of its own, for tests that start real guests as root.

    libvirtd.py [--dir DIR] [--kvm auto|show|hide] COMMAND [ARGS…]

The daemons live in mount namespaces where /run, /etc, /var/lib, /var/log and /var/cache's libvirt folders are DIR's, so
that several of them, and the machine's own libvirtd, never meet. COMMAND runs outside and finds in its environment
LODGE_LIBVIRT_URI and LODGE_LIBVIRT_DIR. Its exit status is ours. Whatever guests are left are killed in the end.

DIR/libvirtd.pid and DIR/virtlogd.pid name the daemons; one that dies is started again, unless a file DIR/hold exists.
/dev/kvm is hidden from a machine whose processor flags show that guests hang under it (see TEST-HOST.md): libvirt
would otherwise probe QEMU anew at each start. We are a subreaper, because PID 1 in a container may reap too slowly for
libvirt to notice that a guest's QEMU is gone.
"""

import argparse
import ctypes
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
FOLDERS = {
    "run": "/run/libvirt",
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, flags):
    check(libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(flags), None), f"mount on {target}")


def kvm_usable():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read(), re.MULTILINE)
    return bool(flags and {"vmx", "svm"} & set(flags.group(1).split()))


def prepare(folder):
    """Makes DIR's subfolders with the modes that Debian's packages give the real ones."""
    for name, path in FOLDERS.items():
        os.makedirs(path, exist_ok=True)
        if name == "etc":
            copy_configuration(path, f"{folder}/etc")
        else:
            os.makedirs(f"{folder}/{name}", exist_ok=True)
    for name in ("boot", "dnsmasq", "images", "qemu", "sanlock", "swtpm"):
        os.makedirs(f"{folder}/lib/{name}", exist_ok=True)
    for name in ("lib", "cache", "log", "run", "lib/qemu"):
        os.chmod(f"{folder}/{name}", 0o755)
    shutil.chown(f"{folder}/lib/qemu", "libvirt-qemu", "libvirt-qemu")
    os.makedirs(f"{folder}/dev", exist_ok=True)


def copy_configuration(source, target):
    """The daemons' own files alone: the machine's domains, networks and pools are none of ours."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        if name.endswith(".conf") and os.path.isfile(f"{source}/{name}"):
            shutil.copy(f"{source}/{name}", f"{target}/{name}")


def become_daemon(folder, hide_kvm):
    """Between fork and exec: a private view of the file system, and an end when our parent's comes."""
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0), "prctl")
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", MS_REC | MS_PRIVATE)
    for name, path in FOLDERS.items():
        mount(f"{folder}/{name}", path, MS_BIND)
    if hide_kvm and os.path.exists("/dev/kvm"):
        hide_dev_kvm(f"{folder}/dev")


def hide_dev_kvm(new_dev):
    """Puts a /dev with everything but kvm over /dev. (libvirt cannot cope with something mounted over /dev/kvm.)"""
    check(libc.mount(b"dev", new_dev.encode(), b"tmpfs", ctypes.c_ulong(0), b"mode=755"), "mount a tmpfs")
    os.umask(0)
    for entry in os.scandir("/dev"):
        info, copy = entry.stat(follow_symlinks=False), f"{new_dev}/{entry.name}"
        if stat.S_ISLNK(info.st_mode):
            os.symlink(os.readlink(entry.path), copy)
        elif stat.S_ISDIR(info.st_mode):
            os.mkdir(copy)
            mount(entry.path, copy, MS_BIND | MS_REC)
        elif entry.name != "kvm" and (stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode)):
            os.mknod(copy, info.st_mode, info.st_rdev)
            os.chown(copy, info.st_uid, info.st_gid)
    os.umask(0o022)
    mount(new_dev, "/dev", MS_BIND | MS_REC)


class Daemons:
    """virtlogd and libvirtd, started again when they die."""

    def __init__(self, folder, hide_kvm):
        self.folder, self.hide_kvm = folder, hide_kvm
        self.running = {}

    def start(self, name):
        log = open(f"{self.folder}/{name}.log", "ab")
        process = subprocess.Popen(
            [f"/usr/sbin/{name}", "--pid-file", f"{self.folder}/run/{name}.pid"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=lambda: become_daemon(self.folder, self.hide_kvm))
        log.close()
        self.running[name] = process.pid
        with open(f"{self.folder}/{name}.pid", "w", encoding="ascii") as file:
            file.write(f"{process.pid}\n")

    def revive(self):
        if os.path.exists(f"{self.folder}/hold"):
            return
        for name in ("virtlogd", "libvirtd"):
            if name not in self.running:
                self.start(name)

    def reaped(self, pid):
        self.running = {name: each for name, each in self.running.items() if each != pid}

    def stop(self):
        for name in ("libvirtd", "virtlogd"):
            if name in self.running:
                os.kill(self.running[name], signal.SIGTERM)
                os.waitpid(self.running[name], 0)


def ask(uri):
    return subprocess.Popen(["virsh", "-c", uri, "uri"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until_ready(uri, daemons, seconds):
    deadline = time.monotonic() + seconds
    # Reaps meanwhile: libvirtd's first start probes QEMU and waits for each probe to vanish.
    while reap_until(ask(uri), daemons) != 0:
        if time.monotonic() > deadline:
            raise SystemExit(f"libvirtd does not answer at {uri}: see {daemons.folder}/libvirtd.log")
        time.sleep(0.1)


def reap_until(command, daemons):
    """Reaps daemons, orphaned QEMUs and the command; returns the command's exit status."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == command.pid:
            return os.waitstatus_to_exitcode(status)
        if pid:
            daemons.reaped(pid)
        else:
            time.sleep(0.02)
        daemons.revive()


def kill_guests(folder):
    """Ends the QEMUs of this libvirtd alone: it keeps a pid file of each."""
    state = f"{folder}/run/qemu"
    for name in os.listdir(state) if os.path.isdir(state) else ():
        if name.endswith(".pid"):
            with open(f"{state}/{name}", encoding="ascii") as file:
                try:
                    os.kill(int(file.read()), signal.SIGKILL)
                except (ProcessLookupError, ValueError):
                    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", help="where the daemons keep everything; made if missing (default: a temporary one)")
    parser.add_argument("--kvm", choices=("auto", "show", "hide"), default="auto")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if not args.command or os.geteuid() != 0:
        parser.error("needs root, and a command to run")
    folder = os.path.abspath(args.dir) if args.dir else tempfile.mkdtemp(prefix="lodge-libvirtd-")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    prepare(folder)
    check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
    daemons = Daemons(folder, args.kvm == "hide" or (args.kvm == "auto" and not kvm_usable()))
    uri = f"qemu:///system?socket={folder}/run/libvirt-sock"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = None
    try:
        daemons.revive()
        wait_until_ready(uri, daemons, 30)
        command = subprocess.Popen(args.command, env={**os.environ, "LODGE_LIBVIRT_URI": uri, "LODGE_LIBVIRT_DIR": folder})
        status = reap_until(command, daemons)
    finally:
        if command and command.returncode is None:
            command.terminate()
        kill_guests(folder)
        daemons.stop()
        if not args.dir:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
