#!/usr/bin/python3
"""Runs libvirt's daemons on a machine without an init system that would: libvirt_daemons.py PROGRAM…

Starts the programs (/usr/sbin/virtlogd, /usr/sbin/libvirtd), starts one that dies anew, and ends them when it is told
to end; guests go on running. Its child processes' orphans, the guests' QEMUs, become its children: PID 1 of a container
may reap so slowly that libvirt takes a dead guest for a living one.

/dev/kvm is hidden from the daemons where guests hang under it, which is where the processor's flags show no support
for it: libvirt would probe QEMU anew at every start of a guest. lodge-agent has the same test.
"""

import ctypes
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_SLAVE = 0x1000, 0x4000, 0x80000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SECONDS_BEFORE_REVIVAL = 1.0

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind, flags):
    encoded = [text.encode() if text else None for text in (source, target, kind)]
    check(libc.mount(*encoded, ctypes.c_ulong(flags), b"mode=755" if kind else None), f"mounting on {target}")


def kvm_usable():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read(), re.MULTILINE)
    return flags is None or not {"vmx", "svm"}.isdisjoint(flags.group(1).split())


def hide_kvm():
    """Gives this process, and what it starts, a /dev without kvm. (libvirt does not bear a mount over /dev/kvm itself.)

    Mounts that others make later still come through; ours stay here.
    """
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", None, MS_REC | MS_SLAVE)
    # /run, because the new /dev is first seen there; mounted in this namespace alone, the folder itself stays empty.
    new_dev = tempfile.mkdtemp(prefix="lodge-dev-", dir="/run")
    mount("dev", new_dev, "tmpfs", 0)
    os.umask(0)
    for entry in os.scandir("/dev"):
        copy_device(entry, f"{new_dev}/{entry.name}")
    os.umask(0o022)
    mount(new_dev, "/dev", None, MS_BIND | MS_REC)
    check(libc.umount2(new_dev.encode(), 2), "unmounting")
    os.rmdir(new_dev)


def copy_device(entry, copy):
    info = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(info.st_mode):
        os.symlink(os.readlink(entry.path), copy)
    elif stat.S_ISDIR(info.st_mode):
        os.mkdir(copy)
        mount(entry.path, copy, None, MS_BIND | MS_REC)
    elif entry.name != "kvm" and (stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode)):
        os.mknod(copy, info.st_mode, info.st_rdev)
        os.chown(copy, info.st_uid, info.st_gid)


def say(text):
    print(f"{time.strftime('%F %T')} libvirt_daemons: {text}", flush=True)


def start(program):
    process = subprocess.Popen(
        [program],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # Killed, we take the daemons along: nobody would be left to end them.
        preexec_fn=lambda: check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0), "prctl"),
    )
    say(f"started {program} ({process.pid})")
    return process.pid


def tend(programs, ending):
    """Starts, reaps and revives until `ending` has something in it."""
    running, dead_since = {}, {program: 0.0 for program in programs}
    while not ending:
        for program, since in list(dead_since.items()):
            if time.monotonic() - since >= SECONDS_BEFORE_REVIVAL:
                running[start(program)] = program
                del dead_since[program]
        pid, status = reap()
        if pid in running:
            say(f"{running[pid]} ({pid}) ended with {os.waitstatus_to_exitcode(status)}")
            dead_since[running.pop(pid)] = time.monotonic()
        elif not pid:
            time.sleep(0.05)
    return running


def reap():
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return 0, 0


def end(running, seconds):
    """The last started first: libvirtd uses virtlogd."""
    for pid in reversed(running):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def main():
    ending = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.append(1))
    os.umask(0o022)
    if os.path.exists("/dev/kvm") and not kvm_usable():
        say("hiding /dev/kvm: the processor does not support it")
        hide_kvm()
    check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
    end(tend(sys.argv[1:], ending), 20)
    say("ended")


if __name__ == "__main__":
    main()
