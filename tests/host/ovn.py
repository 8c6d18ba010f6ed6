"""An OVN of the test's own: its databases, and simulated hosts in network namespaces joined by an underlay.

Every host has its own ovs-vswitchd (userspace datapath), ovn-controller and folder; the namespaces have no names, and
everything ends with the thread that started it, whatever becomes of the test. The machine's network is not touched.
"""

import os
import subprocess

from guests import processes_with
from programs import DIE_WITH_PARENT, Program, eventually, tail

REPOSITORY = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PREFIX = os.environ.get("LODGE_OVN_PREFIX", "/var/tmp/lodge-ovn")
CENTRAL_PARTS = ["ovn-nb", "ovn-sb", "ovn-northd"]
UNDERLAY = "198.51.100"  # a documentation network; central has .254, hosts have .1 and up
MTU = 1442  # of guests: the underlay's less Geneve's 58


def why_not():
    """What this machine lacks; None if nothing."""
    if os.geteuid() != 0:
        return "they need root"
    probe = ["unshare", "--net", "sh", "-c", "ip link add x1 type veth peer name x2 && ip link add x3 type bridge && "
             "ip tuntap add x4 mode tap && nft list ruleset && busybox true"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"namespaces, veth, tap, nft, busybox: {done.stderr.strip()}"


def install():
    """At once, if PREFIX is up to date."""
    subprocess.run([f"{REPOSITORY}/deploy/ovn/install", "--prefix", PREFIX], check=True, stdout=subprocess.DEVNULL)


def run(*command, feed=None):
    """Returns what the command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=feed)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


class Namespace:
    """A network namespace, held by a process that does nothing else."""

    def __init__(self):
        self.holder = subprocess.Popen([*DIE_WITH_PARENT, "unshare", "--net", "sleep", "infinity"])
        try:
            eventually(10, lambda: self.id() != os.readlink("/proc/self/ns/net"), "a network namespace", pause=0.005)
            self.run("ip", "link", "set", "lo", "up")
        except BaseException:
            self.stop()
            raise

    def id(self):
        return os.readlink(f"/proc/{self.holder.pid}/ns/net")

    def command(self, *command):
        """The command, to be run in here; it dies with the thread that starts it."""
        return [*DIE_WITH_PARENT, "nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *command]

    def run(self, *command, feed=None):
        return run(*self.command(*command), feed=feed)

    def make_veth(self, name, peer, other):
        """A cable to another namespace; both ends are up."""
        self.run("ip", "link", "add", name, "type", "veth", "peer", "name", peer, "netns", str(other.holder.pid))
        self.run("ip", "link", "set", name, "up")
        other.run("ip", "link", "set", peer, "up")

    def stop(self):
        self.holder.kill()
        self.holder.wait()


class Here:
    """In place of a Namespace: the one that the caller is in."""

    @staticmethod
    def command(*command):
        return [*DIE_WITH_PARENT, *command]

    def run(self, *command, feed=None):
        return run(*self.command(*command), feed=feed)

    def stop(self):
        pass


class Node:
    """Parts of OVN in one namespace, with one folder; sockets are in `rundir`, or the folder's own."""

    def __init__(self, name, folder, namespace, rundir=None, **settings):
        self.name, self.folder, self.namespace = name, f"{folder}/{name}", namespace
        os.makedirs(self.folder)
        self.rundir = rundir or f"{self.folder}/run"
        self.environment = {"OVS_RUNDIR": self.rundir, "OVN_RUNDIR": self.rundir}
        self.config, self.programs = f"{self.folder}/ovn.conf", {}
        self.settings = {**self.environment, "STATE_DIR": self.folder, **settings}
        self.write_config()

    def write_config(self):
        with open(self.config, "w", encoding="ascii") as file:
            file.writelines(f"{key}={value}\n" for key, value in self.settings.items())

    def serve(self, *arguments):
        """The command for a part of deploy/ovn/serve."""
        return self.namespace.command(f"{PREFIX}/bin/serve", "--config", self.config, *arguments)

    def start(self, *parts):
        for part in parts:
            if part not in self.programs:
                self.programs[part] = Program(f"{self.name} {part}", self.serve(part), f"{self.folder}/{part}.log")
            self.programs[part].start()

    def run(self, program, *arguments):
        """One of OVN's tools, with this node's sockets."""
        sockets = [f"{key}={value}" for key, value in self.environment.items()]
        return run("env", *sockets, f"{PREFIX}/bin/{program}", "--timeout=20", *arguments).strip()

    def signal_all(self):
        for each in self.programs.values():
            if each.running():
                each.process.terminate()

    def stop(self):
        for each in self.programs.values():
            each.stop()

    def logs(self, lines):
        return "".join(f"--- {each.name}\n{tail(each.log, lines)}" for each in self.programs.values())


class Chassis(Node):
    """A simulated host."""

    def __init__(self, name, address, **arguments):
        super().__init__(name, **{"SYSTEM_ID": name, "ENCAP_IP": address, "DATAPATH": "userspace", **arguments})
        self.address = address

    def vsctl(self, *arguments):
        return self.run("ovs-vsctl", *arguments)

    def start_switch(self):
        self.start("ovs-db", "ovs-vswitchd")
        run(*self.serve("configure"))

    def start_underlay(self, port):
        """The userspace datapath sends tunnels' packets only out of bridges of its own, so that has the address."""
        self.vsctl("--may-exist", "add-br", "br-underlay", "--", "set", "Bridge", "br-underlay", "datapath_type=netdev",
                   "--", "--may-exist", "add-port", "br-underlay", port)
        self.namespace.run("ip", "address", "replace", f"{self.address}/24", "dev", "br-underlay")
        self.namespace.run("ip", "link", "set", "br-underlay", "up")

    def plug(self, port, mac):
        """A namespace whose eth0 is that logical port, as a guest's would be. Returns when OVN has installed it."""
        guest = Namespace()
        device = f"vnet{guest.holder.pid}"
        try:
            guest.make_veth("eth0", device, self.namespace)
            guest.run("ip", "link", "set", "eth0", "address", mac, "mtu", str(MTU))
            self.vsctl("add-port", "br-int", device, "--", "set", "Interface", device, f"external_ids:iface-id={port}")
            self.vsctl("wait-until", "Interface", device, "external_ids:ovn-installed=true")
        except BaseException:
            guest.stop()
            raise
        return guest

    def unplug(self, guest):
        """What plug() has made, if it was here."""
        self.vsctl("--if-exists", "del-port", "br-int", f"vnet{guest.holder.pid}")
        guest.stop()


class Ovn:
    """The whole, in a folder that must not exist; `with` starts it and stops it."""

    def __init__(self, folder, *chassis_names):
        self.folder, self.chassis_names = folder, chassis_names
        self.underlay, self.central, self.chassis, self.namespaces = None, None, {}, []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.underlay = self.make_namespace()
        self.underlay.run("ip", "link", "add", "underlay", "type", "bridge")
        self.underlay.run("ip", "address", "add", f"{UNDERLAY}.254/24", "dev", "underlay")
        self.underlay.run("ip", "link", "set", "underlay", "up")
        self.central = Node("central", self.folder, self.underlay)
        self.central.start(*CENTRAL_PARTS)
        sockets = [f"{self.central.folder}/run/ovn{each}_db.sock" for each in ("nb", "sb")]
        eventually(30, lambda: all(map(os.path.exists, sockets)), "OVN's databases run", pause=0.01)
        for name in self.chassis_names:
            self.add_chassis(name)
        eventually(30, self.chassis_are_known, lambda: f"all chassis are in OVN\n{self.logs(20)}")

    def make_namespace(self):
        self.namespaces.append(Namespace())
        return self.namespaces[-1]

    def add_chassis(self, name, **settings):
        number = len(self.chassis) + 1
        namespace = self.make_namespace()
        remote = f"unix:{self.central.folder}/run/ovnsb_db.sock"
        host = self.chassis[name] = Chassis(name, f"{UNDERLAY}.{number}", folder=self.folder, namespace=namespace,
                                            **{"REMOTE": remote, **settings})
        namespace.make_veth("uplink", f"to-{number}", self.underlay)
        self.underlay.run("ip", "link", "set", f"to-{number}", "master", "underlay")
        host.start_switch()
        host.start_underlay("uplink")
        host.start("ovn-controller")
        return host

    def chassis_are_known(self):
        return set(self.sbctl("--bare", "--columns=name", "list", "Chassis").split()) == set(self.chassis)

    def nbctl(self, *arguments):
        return self.central.run("ovn-nbctl", *arguments)

    def sbctl(self, *arguments):
        return self.central.run("ovn-sbctl", *arguments)

    def answers(self):
        """Whether both databases take questions; a socket may be a killed server's."""
        try:
            return self.sbctl("show") is not None and self.nbctl("show") is not None
        except AssertionError:
            return False

    def sync(self):
        """Returns when all chassis do what the Northbound database says."""
        self.nbctl("--wait=hv", "sync")

    def nodes(self):
        return [each for each in [self.central, *self.chassis.values()] if each]

    def logs(self, lines):
        return "".join(each.logs(lines) for each in self.nodes())

    def stop(self):
        """Also when it was never, or only half, started. The folder stays, for its logs."""
        for each in self.nodes():
            each.signal_all()
        for each in self.nodes():
            each.stop()
        for each in self.namespaces:
            each.stop()
        eventually(10, lambda: not processes_with(f"{self.folder}/"), "what the parts had started has ended", pause=0.02)


# Runs what follows in a network namespace of its own, with a loopback and nothing else, where named namespaces are its
# own as well.
ENCLOSED = ["unshare", "--net", "--mount", "sh", "-c",
            'mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up && exec "$@"', "sh"]


class OneHost:
    """OVN's databases and one host without a name yet, all in the caller's own namespace, which ENCLOSED has made.

    What the host runs finds it by `rundir`, which may be known before this is started. An agent makes it a chassis.
    """

    def __init__(self, folder, rundir, **settings):
        self.folder, self.rundir, self.settings = folder, rundir, settings
        self.central = self.host = None

    def start(self):
        os.makedirs(self.rundir, exist_ok=True)
        for name in os.listdir(self.rundir):  # of an earlier one
            os.remove(f"{self.rundir}/{name}")
        self.central = Node("central", self.folder, Here(), self.rundir)
        self.host = Chassis("host", "", folder=self.folder, namespace=Here(), rundir=self.rundir,
                            **{"SYSTEM_ID": "", **self.settings})
        self.central.start(*CENTRAL_PARTS)
        eventually(30, self.answers, lambda: f"OVN's databases answer\n{self.logs(20)}", pause=0.02)
        self.host.start_switch()
        self.host.start("ovn-controller")

    def answers(self):
        try:
            return self.nbctl("show") is not None and self.sbctl("show") is not None
        except AssertionError:
            return False

    def nbctl(self, *arguments):
        return self.central.run("ovn-nbctl", *arguments)

    def sbctl(self, *arguments):
        return self.central.run("ovn-sbctl", *arguments)

    def northbound(self):
        return f"unix:{self.rundir}/ovnnb_db.sock"

    def southbound(self):
        return f"unix:{self.rundir}/ovnsb_db.sock"

    def kill(self, part):
        """One of the host's, by SIGKILL."""
        self.host.programs[part].kill()

    def revive(self, part):
        self.host.start(part)
        if part == "ovs-vswitchd":
            run(*self.host.serve("configure"))

    def nodes(self):
        return [each for each in (self.central, self.host) if each]

    def logs(self, lines):
        return "".join(each.logs(lines) for each in self.nodes())

    def stop(self):
        """Also when it was never, or only half, started. The folder stays, for its logs."""
        for each in self.nodes():
            each.signal_all()
        for each in self.nodes():
            each.stop()
