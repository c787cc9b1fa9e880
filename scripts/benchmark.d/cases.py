"""What is measured: the cases, and by what commands each tool takes part in them."""

from dataclasses import dataclass, replace

TOOLS = ("sockx", "bare", "nc.openbsd", "nc.traditional", "ncat", "socat", "iperf3", "rsync", "microsocks")


@dataclass(frozen=True)
class Contender:
    """A way to carry a file, by two commands in which runs.py fills in {endpoint} and the like.

    `kind` is "sockx", "peer" (what sockx is compared with) or "reference" (what does less than a tool must).
    `limit` names the reference that shows what the kernel can do on the path of this contender. One that is slow
    is asked for a `share`-th of the connections that the others serve.
    """

    name: str
    tool: str
    receiver: str
    sender: str
    kind: str = "peer"
    limit: str = ""
    share: int = 1


@dataclass(frozen=True)
class Case:
    """`source` is the sender's standard input, `sink` the receiver's standard output."""

    name: str
    title: str
    transport: str  # "loopback", "veth", "unix"
    source: str  # "file", "pipe"
    sink: str  # "nowhere", "file", "pipe"
    contenders: tuple
    folder: str = "memory"  # where the files are: "memory", "disk"
    unit: str = "GB/s"


def sockx(name, receiver, sender, limit=""):
    return Contender(f"sockx {name}", "sockx", f"{{sockx}} {receiver}", f"{{sockx}} {sender}", "sockx", limit)


def bare(name, receive, send):
    """tests/bench/bare_transfer.c, which takes its congestion control from `{congestion}`."""
    return Contender(name, "bare", f"{{bare_transfer}} receive {receive} {{endpoint}} {{congestion}}",
                     f"{{bare_transfer}} send {send} {{endpoint}} {{congestion}}", "reference")


CONVERSATION = sockx("connect", "listen {endpoint}", "connect {endpoint}", "bare splice")
DISCARD = sockx("send-file", "recv-file --discard {endpoint}", "send-file {file} {endpoint}", "bare sendfile")
SPLICE = sockx("send-file, splice", "recv-file --discard {endpoint}",
               "send-file --method splice {file} {endpoint}", "bare splice")
AS_NC = sockx("nc", "nc -n -d -l {host} {port}", "nc -n -N {host} {port}", "bare splice")
NEW_FILE = sockx("send-file", "recv-file -o {new} {endpoint}", "send-file {file} {endpoint}", "bare splice")

BARE_SPLICE = bare("bare splice", "splice", "splice")
BARE_TO_NOWHERE = (bare("bare sendfile", "truncate", "sendfile"), bare("bare splice", "truncate", "splice"),
                   bare("bare splice, splice to discard", "splice", "splice"))
BARE_TO_FILE = (BARE_SPLICE, bare("bare splice, read and write", "copy", "splice"))
BARE_UNIX = (bare("bare sendfile", "splice", "sendfile"), BARE_SPLICE)
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

TO_NOWHERE = (DISCARD, CONVERSATION, SPLICE, AS_NC, *BARE_TO_NOWHERE, *TCP_PEERS, *IPERF3)
TO_FILE = (NEW_FILE, CONVERSATION, *BARE_TO_FILE, *TCP_PEERS)
TRANSFERS = (
    Case("discard", "file → TCP → discard", "loopback", "file", "nowhere", TO_NOWHERE),
    Case("veth", "file → TCP over a veth pair → discard", "veth", "file", "nowhere", TO_NOWHERE),
    Case("file", "file → TCP → new file", "loopback", "file", "file", TO_FILE),
    Case("disk", "file → TCP → new file, on a disk", "loopback", "file", "file", TO_FILE, folder="disk"),
    Case("pipe", "pipe → TCP → pipe", "loopback", "pipe", "pipe", (CONVERSATION, AS_NC, BARE_SPLICE, *TCP_PEERS)),
    Case("unix", "file → unix socket → discard", "unix", "file", "nowhere",
         (DISCARD, CONVERSATION, *BARE_UNIX, *UNIX_PEERS)),
    Case("verified", "file → TCP → new file, checked at both ends", "loopback", "file", "file",
         (VERIFIED, VERIFIED_SHA256, NOT_VERIFIED, checked("sha256sum"), checked("xxh128sum"), RSYNC)),
)



@dataclass(frozen=True)
class StartUp:
    """How long a program takes that has nothing to do: `command` of a contender is in `receiver`."""

    name: str
    title: str
    contenders: tuple
    unit: str = "ms"


@dataclass(frozen=True)
class Contest:
    """What servers are asked to do, each by the command in `receiver` of a contender.

    `load` is the command of a client, which prints how many messages it had, and in how many seconds. Where the
    contenders are forwarders, an echo server is behind them.
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
    """A file through a forwarder that serves one connection, or through a proxy.

    Where a contender has a `sender`, that sends the file, and the forwarder goes on when it has been sent.
    """

    name: str
    title: str
    contenders: tuple
    unit: str = "GB/s"


@dataclass(frozen=True)
class IdleMemory:
    """The memory that a server has more for each connection that has sent one message and is idle now."""

    name: str
    title: str
    connections: int
    per_mib: int  # connections for each MiB of --size, up to `connections`
    contenders: tuple
    load: str = "{load}"  # the program of the clients
    unit: str = "KiB"


@dataclass(frozen=True)
class Datagrams:
    """Datagrams of `size` bytes as fast as they go: those that arrived a second."""

    name: str
    title: str
    size: int
    contenders: tuple
    unit: str = "k/s"


def program(command, tool, kind="peer", limit=""):
    return Contender(command.replace("{sockx}", "sockx"), tool, command, "", kind, limit)


# `true` does nothing: the least that a process takes.
START_UP = StartUp("start-up", "start-up", (
    program("{sockx} byteorder", "sockx", "sockx", "true"),
    program("{sockx} connect --help", "sockx", "sockx", "true"),
    program("{sockx} nc -h", "sockx", "sockx", "true"),
    program("nc.openbsd -h", "nc.openbsd"),
    program("nc.traditional -h", "nc.traditional"),
    program("ncat --version", "ncat"),
    program("socat -V", "socat"),
    program("iperf3 --version", "iperf3", "reference"),
    program("true", "true", "reference"),
))


def server(name, tool, command, kind="peer", limit=""):
    return Contender(name, tool, command, "", kind, limit)


def with_fewer(contenders, share):
    return tuple(replace(each, name=f"{each.name} (1/{share} of them)", share=share) for each in contenders)


EXCHANGE = "{load} exchange {host} {port} {connections} {count}"
CONNECT = "{load} connect {host} {port} {connections} {count}"
AT_A_TIME = 8  # connections, so that none is dropped by the queue of ncat, which holds 10
CHAT = "{chat_load} {port} {connections} {count} 16"

SOCKX_ECHO = server("sockx --handler echo", "sockx", "{sockx} listen -k --handler echo {endpoint}", "sockx",
                    "bare epoll echo")
WORKERS = server("sockx --handler echo --workers 2", "sockx",
                 "{sockx} listen -k --handler echo --workers 2 {endpoint}", "sockx", "bare epoll echo")
BARE_ECHO = server("bare epoll echo", "bare", "{bare_server} {host} {port} reno", "reference")
FORKING = (server("ncat --exec cat", "ncat", "ncat -n -l -k -m 200 --exec /bin/cat {host} {port}"),
           server("socat PIPE", "socat", "socat TCP-LISTEN:{port},bind={host},fork,backlog=1024 PIPE"))
FORWARDERS = (server("sockx --forward", "sockx", "{sockx} listen --forward {target} {endpoint}", "sockx",
                     "bare forwarder"),
              server("socat", "socat", "socat TCP-LISTEN:{port},bind={host} TCP:{target}"))


def bare_forwarder(method):
    return server("bare forwarder", "bare", f"{{bare_transfer}} forward {method} {{endpoint}} {{target}} reno",
                  "reference")


def echo_contest(connections, contenders):
    return Contest(f"servers-exchange-{connections}", f"echo of 64 bytes, {connections:,} connections", "k/s",
                   EXCHANGE, connections, 200, contenders)


SERVERS = (
    echo_contest(100, (SOCKX_ECHO, BARE_ECHO, *FORKING)),
    echo_contest(1000, (SOCKX_ECHO, BARE_ECHO)),
    echo_contest(5000, (SOCKX_ECHO, WORKERS, BARE_ECHO)),
    Contest("servers-connect", "connect, one message, close", "k/s", CONNECT, AT_A_TIME, 16,
            (SOCKX_ECHO, BARE_ECHO, *with_fewer(FORKING, 16))),
    Contest("servers-workers", "connect, one message, close, 2 workers", "k/s", CONNECT, AT_A_TIME, 16,
            (WORKERS, SOCKX_ECHO, BARE_ECHO)),
    Contest("servers-round-trip", "64 bytes there and back through a forwarder", "µs", EXCHANGE, 1, 40,
            (*FORWARDERS, bare_forwarder("copy"), server("no forwarder", "true", "", "reference")), forwards=True),
    Forwarding("servers-forward", "file → TCP → forwarder → TCP → discard", (
        *FORWARDERS, server("socat -b 1048576", "socat",
                            "socat -b 1048576 TCP-LISTEN:{port},bind={host} TCP:{target}"),
        bare_forwarder("splice"))),
    Contest("servers-chat", "chat of 100 clients, lines delivered", "k/s", CHAT, 100, 4, (
        server("sockx --chat", "sockx", "{sockx} listen --chat {endpoint}", "sockx"),
        server("sockx --broker --lines", "sockx", "{sockx} listen --broker --lines {endpoint}", "sockx"),
        server("ncat --chat", "ncat", "ncat -n -l --chat -m 200 {host} {port}"),
        server("ncat --broker", "ncat", "ncat -n -l --broker -m 200 {host} {port}"))),
    IdleMemory("servers-memory", "memory of each of {connections:,} idle connections", 10000, 100,
               (SOCKX_ECHO, BARE_ECHO, *with_fewer(FORKING, 100))),
)


def proxy(name, tool, command, scheme, kind="peer", limit=""):
    """The clients are sockx, whatever the proxy is."""
    return Contender(name, tool, command, f"{{sockx}} send-file --proxy {scheme}://{{endpoint}} {{file}} {{target}}",
                     kind, limit)


SOCKX_PROXY = "{sockx} listen -k --handler proxy --proxy-to {host} {endpoint}"
TUNNEL = Forwarding("tunnel", "file → TCP → proxy → TCP → discard", (
    proxy("sockx --handler proxy", "sockx", SOCKX_PROXY, "http", "sockx", "bare forwarder"),
    proxy("sockx --handler proxy, SOCKS", "sockx", SOCKX_PROXY, "socks5h", "sockx", "bare forwarder"),
    proxy("ncat --proxy-type http", "ncat", "ncat -n -l -k --proxy-type http {host} {port}", "http"),
    proxy("microsocks", "microsocks", "microsocks -i {host} -p {port}", "socks5h"),
    bare_forwarder("splice")))


def datagrams(size):
    return Datagrams(f"datagrams-{size}", f"datagrams of {size} bytes", size, (
        Contender("sockx udp", "sockx", "{sockx} --json udp --listen --measure --expect 1 {endpoint}",
                  "{sockx} udp --generate {bytes} --seconds {milliseconds}ms {endpoint}", "sockx", "bare UDP"),
        Contender("iperf3 -u", "iperf3", "iperf3 -s -1 -J -B {host} -p {port}",
                  "iperf3 -c {host} -p {port} -u -b 0 -l {bytes} -t 1"),  # it knows whole seconds only
        Contender("bare UDP", "bare", "{bare_datagrams} receive {host} {port} {bytes}",
                  "{bare_datagrams} send {host} {port} {bytes} {milliseconds}", "reference")))


DATAGRAMS = (datagrams(64), datagrams(1400))

# Over TLS everybody has the same certificate, with a key of the curve P-256. Only sockx verifies the peer. ncat is
# measured with sockx at the other end: it closes with the session tickets of ncat or socat unread, and the reset
# destroys the last bytes. It also ends without close_notify.
TLS_SERVER = "--tls --tls-cert {certificate} --tls-key {key} {endpoint}"
NCAT_TLS = "ncat -n -l --ssl --ssl-cert {certificate} --ssl-key {key}"
SOCAT_TLS = "OPENSSL-LISTEN:{port},bind={host},cert={certificate},key={key},verify=0"
TLS_EXCHANGE, TLS_CONNECT = EXCHANGE.replace("{load}", "{tls_load}"), CONNECT.replace("{load}", "{tls_load}")

SOCKX_TLS = sockx("connect --tls", f"listen {TLS_SERVER}", "connect --tls --tls-pin {pin} {endpoint}", "bare TLS")
SOCKX_TLS_ECHO = server("sockx --tls --handler echo", "sockx", f"{{sockx}} listen -k --handler echo {TLS_SERVER}",
                        "sockx", "bare TLS echo")
BARE_TLS_ECHO = server("bare TLS echo", "bare", "{bare_tls} echo {host} {port} {certificate} {key}", "reference")
FORKING_TLS = (server("ncat --ssl --exec cat", "ncat", f"{NCAT_TLS} -k -m 200 --exec /bin/cat {{host}} {{port}}"),
               server("socat OPENSSL PIPE", "socat", f"socat {SOCAT_TLS},fork,backlog=1024 PIPE"))

TLS = (
    Case("tls", "file → TLS → discard", "loopback", "file", "nowhere", (
        SOCKX_TLS,
        sockx("send-file --tls", f"recv-file --discard {TLS_SERVER}",
              "send-file --tls --tls-pin {pin} {file} {endpoint}", "bare TLS"),
        Contender("bare TLS", "bare", "{bare_tls} receive {host} {port} {certificate} {key}",
                  "{bare_tls} send {host} {port}", "reference"),
        Contender("ncat --ssl to sockx", "ncat", f"{SOCKX_TLS.receiver} --tls-eof lenient --recv-only",
                  "ncat -n --ssl --send-only {host} {port}"),
        Contender("sockx to ncat --ssl", "ncat", f"{NCAT_TLS} --recv-only {{host}} {{port}}",
                  f"{SOCKX_TLS.sender} --tls-eof lenient"),
        Contender("socat OPENSSL", "socat", f"socat -u {SOCAT_TLS} STDOUT",
                  "socat -u STDIN OPENSSL:{host}:{port},verify=0"),
        Contender("socat -b 1048576 OPENSSL", "socat", f"socat -b 1048576 -u {SOCAT_TLS} STDOUT",
                  "socat -b 1048576 -u STDIN OPENSSL:{host}:{port},verify=0"))),
    Contest("tls-connect", "TLS: connect, handshake, one message, close", "k/s", TLS_CONNECT, AT_A_TIME, 4,
            (SOCKX_TLS_ECHO, BARE_TLS_ECHO, *with_fewer(FORKING_TLS, 4))),
    Contest("tls-round-trip", "64 bytes there and back over TLS", "µs", TLS_EXCHANGE, 1, 20,
            (SOCKX_TLS_ECHO, BARE_TLS_ECHO, *FORKING_TLS)),
    IdleMemory("tls-memory", "memory of each of {connections:,} idle connections over TLS", 1000, 10,
               (replace(SOCKX_TLS_ECHO, limit=""), *with_fewer(FORKING_TLS, 10)), "{tls_load}"),
)
CASES = tuple(case.name for case in TRANSFERS) + ("start-up", "servers", "tunnel", "datagrams", "tls")
