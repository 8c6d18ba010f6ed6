#!/usr/bin/python3
"""Runs a command beside an OVN with one host, in a network namespace of their own: with_ovn.py COMMAND [ARGS…]

The command finds OVN by LODGE_OVN_RUNDIR (its tools by OVS_RUNDIR, OVN_RUNDIR and PATH, as libvirtd does).
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import ovn  # noqa: E402


def environment(rundir):
    """What finds the OVN whose sockets are there."""
    return {**os.environ, "LODGE_OVN_RUNDIR": rundir, "OVS_RUNDIR": rundir, "OVN_RUNDIR": rundir,
            "PATH": f"{ovn.PREFIX}/bin:{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"}


def main():
    if os.environ.get("LODGE_ENCLOSED") != "yes":
        command = [*ovn.ENCLOSED, sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
        os.execvpe(command[0], command, {**os.environ, "LODGE_ENCLOSED": "yes"})
    with tempfile.TemporaryDirectory(prefix="lodge-ovn-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o711)
        ovn.install()
        host = ovn.OneHost(f"{folder}/ovn", f"{folder}/run", PUBLIC_POOL="198.19.64.0/22")
        try:
            host.start()
            status = subprocess.run(sys.argv[1:], env=environment(host.rundir), check=False).returncode
            if status != 0:
                print(host.logs(30))
        finally:
            host.stop()
    sys.exit(status)


if __name__ == "__main__":
    main()
