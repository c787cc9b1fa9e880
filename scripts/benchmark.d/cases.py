"""What is measured: the cases, and by what commands each tool takes part in them."""

from dataclasses import dataclass

TOOLS = ("sockx", "bare", "nc.openbsd", "nc.traditional", "ncat", "socat", "iperf3", "rsync")


@dataclass(frozen=True)
class Contender:
    """A way to carry a file, by two commands in which runs.py fills in {endpoint} and the like.

    `kind` is "sockx", "peer" (what sockx is compared with) or "reference" (what does less than a tool must).
    """

    name: str
    tool: str
    receiver: str
    sender: str
    kind: str = "peer"


@dataclass(frozen=True)
class Case:
    """`source` is the sender's standard input, `sink` the receiver's standard output."""

    name: str
    title: str
    transport: str  # "loopback", "veth", "unix"
    source: str  # "file", "pipe"
    sink: str  # "nowhere", "file", "pipe"
    contenders: tuple


def sockx(name, receiver, sender):
    return Contender(f"sockx {name}", "sockx", f"{{sockx}} {receiver}", f"{{sockx}} {sender}", "sockx")


CONVERSATION = sockx("connect", "listen {endpoint}", "connect {endpoint}")
DISCARD = sockx("send-file", "recv-file --discard {endpoint}", "send-file {file} {endpoint}")
SPLICE = sockx("send-file, splice", "recv-file --discard {endpoint}",
               "send-file --method splice {file} {endpoint}")
NEW_FILE = sockx("send-file", "recv-file -o {new} {endpoint}", "send-file {file} {endpoint}")

BARE = Contender("bare C loop", "bare", "{bare} recv {host} {port} {congestion}",
                 "{bare} send {host} {port} {file} {congestion}", "reference")
IPERF3 = (
    Contender("iperf3", "iperf3", "iperf3 -s -1 -B {host} -p {port}",
              "iperf3 -c {host} -p {port} -n {size}", "reference"),
    Contender("iperf3 -Z", "iperf3", "iperf3 -s -1 -B {host} -p {port}",
              "iperf3 -c {host} -p {port} -n {size} -Z", "reference"),
)

TCP_PEERS = (
    Contender("nc.openbsd", "nc.openbsd", "nc.openbsd -n -d -l {host} {port}",
              "nc.openbsd -n -N {host} {port}"),
    Contender("nc.traditional", "nc.traditional", "nc.traditional -n -l -s {host} -p {port}",
              "nc.traditional -n -q 0 {host} {port}"),
    Contender("ncat", "ncat", "ncat -n -l --recv-only {host} {port}", "ncat -n --send-only {host} {port}"),
    Contender("socat", "socat", "socat -u TCP-LISTEN:{port},bind={host} STDOUT",
              "socat -u STDIN TCP:{host}:{port}"),
    Contender("socat -b 1048576", "socat", "socat -b 1048576 -u TCP-LISTEN:{port},bind={host} STDOUT",
              "socat -b 1048576 -u STDIN TCP:{host}:{port}"),
)
UNIX_PEERS = (
    Contender("nc.openbsd -U", "nc.openbsd", "nc.openbsd -d -l -U {socket}", "nc.openbsd -N -U {socket}"),
    Contender("ncat -U", "ncat", "ncat -l --recv-only -U {socket}", "ncat --send-only -U {socket}"),
    Contender("socat", "socat", "socat -u UNIX-LISTEN:{socket} STDOUT",
              "socat -u STDIN UNIX-CONNECT:{socket}"),
    Contender("socat -b 1048576", "socat", "socat -b 1048576 -u UNIX-LISTEN:{socket} STDOUT",
              "socat -b 1048576 -u STDIN UNIX-CONNECT:{socket}"),
)

VERIFIED = sockx("send-file --verified", "recv-file --verified -o {new} {endpoint}",
                 "send-file --verified {file} {endpoint}")
VERIFIED_SHA256 = sockx("send-file --verified --hash sha256", "recv-file --verified -o {new} {endpoint}",
                        "send-file --verified --hash sha256 {file} {endpoint}")
NOT_VERIFIED = Contender("sockx send-file, not verified", "sockx", NEW_FILE.receiver, NEW_FILE.sender, "reference")


def checked(checksum):
    return Contender(f"nc.openbsd and {checksum}", "nc.openbsd",
                     f"{{checked}} receive {checksum} {{new}} nc.openbsd -n -d -l {{host}} {{port}}",
                     f"{{checked}} send {checksum} {{file}} nc.openbsd -n -N {{host}} {{port}}")


RSYNC = Contender("rsync daemon, --whole-file", "rsync", "{checked} rsync {new} {host} {port}",
                  "rsync --whole-file --inplace {file} rsync://{host}:{port}/in/new")

TO_NOWHERE = (DISCARD, CONVERSATION, SPLICE, BARE, *TCP_PEERS, *IPERF3)
TRANSFERS = (
    Case("discard", "file → TCP → discard", "loopback", "file", "nowhere", TO_NOWHERE),
    Case("veth", "file → TCP over a veth pair → discard", "veth", "file", "nowhere", TO_NOWHERE),
    Case("file", "file → TCP → new file", "loopback", "file", "file",
         (NEW_FILE, CONVERSATION, *TCP_PEERS)),
    Case("pipe", "pipe → TCP → pipe", "loopback", "pipe", "pipe", (CONVERSATION, *TCP_PEERS)),
    Case("unix", "file → unix socket → discard", "unix", "file", "nowhere",
         (DISCARD, CONVERSATION, *UNIX_PEERS)),
    Case("verified", "file → TCP → new file, checked at both ends", "loopback", "file", "file",
         (VERIFIED, VERIFIED_SHA256, NOT_VERIFIED, checked("sha256sum"), checked("xxh128sum"), RSYNC)),
)

# The start of a program: name, tool, command, kind. `true` does nothing: the least that a process takes.
START_UP = (
    ("sockx --version", "sockx", "{sockx} --version", "sockx"),
    ("sockx connect --help", "sockx", "{sockx} connect --help", "sockx"),
    ("nc.openbsd -h", "nc.openbsd", "nc.openbsd -h", "peer"),
    ("nc.traditional -h", "nc.traditional", "nc.traditional -h", "peer"),
    ("ncat --version", "ncat", "ncat --version", "peer"),
    ("socat -V", "socat", "socat -V", "peer"),
    ("iperf3 --version", "iperf3", "iperf3 --version", "reference"),
    ("true", "true", "true", "reference"),
)


@dataclass(frozen=True)
class Contest:
    """What servers are asked to do, each by the command in `receiver` of a contender.

    `load` is a kind of tests/bench/load.c. Where the contenders are forwarders, an echo server is behind them.
    """

    name: str
    title: str
    unit: str  # "k/s": thousands a second; "µs": of one message there and back
    load: str
    connections: int
    per_mib: int  # messages, or connections, for each MiB of --size
    contenders: tuple
    forwards: bool = False


@dataclass(frozen=True)
class Forwarding:
    """A file through a forwarder that serves one connection."""

    name: str
    title: str
    contenders: tuple


def server(name, tool, command, kind="peer"):
    return Contender(name, tool, command, "", kind)


ECHO = (server("sockx --handler echo", "sockx", "{sockx} listen -k --handler echo {endpoint}", "sockx"),
        server("bare epoll echo", "bare", "{bare_echo} {host} {port} reno", "reference"))
FORKING = (server("ncat --exec cat", "ncat", "ncat -n -l -k -m 200 --exec /bin/cat {host} {port}"),
           server("socat EXEC:cat", "socat", "socat TCP-LISTEN:{port},bind={host},fork,backlog=1024 EXEC:cat"))
FORWARDERS = (server("sockx --forward", "sockx", "{sockx} listen --forward {target} {endpoint}", "sockx"),
              server("socat", "socat", "socat TCP-LISTEN:{port},bind={host} TCP:{target}"))
CONTESTS = (
    Contest("servers-exchange-100", "echo of 64 bytes, 100 connections", "k/s", "exchange", 100, 200,
            ECHO + FORKING),
    Contest("servers-exchange-1000", "echo of 64 bytes, 1,000 connections", "k/s", "exchange", 1000, 200, ECHO),
    Contest("servers-exchange-5000", "echo of 64 bytes, 5,000 connections", "k/s", "exchange", 5000, 200, ECHO),
    Contest("servers-connect", "connect, one message, close", "k/s", "connect", 100, 1, ECHO + FORKING),
    Contest("servers-round-trip", "64 bytes there and back through a forwarder", "µs", "exchange", 1, 40,
            (*FORWARDERS, server("no forwarder", "true", "", "reference")), forwards=True),
)
FORWARDING = Forwarding("servers-forward", "file → TCP → forwarder → TCP → discard", (
    *FORWARDERS, server("socat -b 1048576", "socat",
                        "socat -b 1048576 TCP-LISTEN:{port},bind={host} TCP:{target}")))
CASES = tuple(case.name for case in TRANSFERS) + ("start-up", "servers")
