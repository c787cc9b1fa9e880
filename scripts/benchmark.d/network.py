"""Networks of the benchmark's own: the system does not see what is set there, and they vanish with us."""

import ctypes
import os
import shutil
import subprocess

CONGESTION = "/proc/sys/net/ipv4/tcp_congestion_control"
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # unshare(2)
HERE, BEYOND = "10.11.12.1", "10.11.12.2"


class NotPermitted(Exception):
    """What this user, or this machine, does not let us make."""


def unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise NotPermitted(f"no network namespace: {os.strerror(ctypes.get_errno())}")


def become_root_of_a_user_namespace():
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def ip(*words, within=()):
    try:
        subprocess.run([*within, "ip", *words], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as failure:
        raise NotPermitted(f"ip {' '.join(words)}: {failure.stderr.strip()}") from None


def enter_new():
    """Moves this process into a new network, where the loopback is up and all else as the system has it."""
    if not shutil.which("ip"):
        raise NotPermitted("no ip: scripts/install-deps --benchmark installs it")
    if os.geteuid() != 0:
        become_root_of_a_user_namespace()
    unshare(CLONE_NEWNET)
    ip("link", "set", "lo", "up")


def congestion():
    with open(CONGESTION) as setting:
        return setting.read().strip()


def available_congestion():
    with open(f"{os.path.dirname(CONGESTION)}/tcp_available_congestion_control") as setting:
        return setting.read().split()


def set_congestion(name):
    try:
        with open(CONGESTION, "w") as setting:
            setting.write(name)
    except OSError as error:
        raise NotPermitted(f"no {name}: {error.strerror}") from None


class Loopback:
    """The network that this process is in."""

    host = "127.0.0.1"
    tables = "/proc/self/net"
    within = ()  # the words that run a receiver in its network

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Neighbour:
    """A second network, beyond a veth pair, kept alive by a process that waits for its input to end."""

    host = BEYOND

    def __enter__(self):
        script = 'grep -qx "$1" "$2" || echo "$1" > "$2"; echo ready; exec cat'
        words = ["unshare", "--net", "sh", "-c", script, "sh", congestion(), CONGESTION]
        self.holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       start_new_session=True)
        self.holder.stdout.readline()
        pid = str(self.holder.pid)
        self.tables = f"/proc/{pid}/net"
        self.within = ("nsenter", f"--net=/proc/{pid}/ns/net")
        try:
            ip("link", "add", "sockx0", "type", "veth", "peer", "name", "sockx1", "netns", pid)
            for device, address, within in (("sockx0", HERE, ()), ("sockx1", BEYOND, self.within)):
                ip("address", "add", f"{address}/30", "dev", device, within=within)
                ip("link", "set", device, "up", within=within)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()
