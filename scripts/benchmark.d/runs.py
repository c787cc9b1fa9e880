"""The runs: one transfer by one contender, and all of them in turn, round after round."""

import json
import os
import resource
import select
import socket
import tempfile
import time
from contextlib import ExitStack

import cases
from process import Failed, NewFile, Nowhere, Pipe, Process

STARTS_PER_ROUND = 30
DESCRIPTORS_BESIDE = 100  # those of a server or a client that are no connections
LISTENING = "0A"  # the state in /proc/net/tcp
NOT_CONNECTED = "07"  # the state in /proc/net/udp
ACCEPTS = 0x10000  # the flag in /proc/net/unix


class Bench:
    """Where everything is: `programs` {name: path} of sockx and tests/bench, and the file that is sent."""

    def __init__(self, programs, folder, file, seconds_per_run):
        self.programs = programs
        self.file = file
        self.new = os.path.join(folder, "new")
        self.socket = os.path.join(folder, "socket")
        self.mib = max(os.path.getsize(file) // 2**20, 1)
        self.seconds_per_run = seconds_per_run
        self.ports = set()
        self.identity = {}  # "certificate", "key" and "pin" of the servers over TLS

    def words(self, command, **more):
        values = {**self.programs, **self.identity, **more, "file": self.file, "new": self.new, "socket": self.socket,
                  "size": os.path.getsize(self.file)}
        return [word for word in (word.format(**values) for word in command.split()) if word]

    def free_port(self):
        """One that no earlier run has used, so that none is in TIME_WAIT."""
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            if port not in self.ports:
                self.ports.add(port)
                return port

    def start(self, stack, words, stdin, stdout, stderr):
        return stack.enter_context(Process(self.programs["measured"], words, stdin, stdout, stderr))


def listens_on_port(network, port):
    """As a listener of TCP, or as a socket of UDP that is not connected."""
    for table, state in (("tcp", LISTENING), ("tcp6", LISTENING), ("udp", NOT_CONNECTED), ("udp6", NOT_CONNECTED)):
        with open(f"{network.tables}/{table}") as rows:
            fields = (row.split() for row in rows)
            if any(row[1].endswith(f":{port:04X}") and row[3] == state for row in fields):
                return True
    return False


def listens_on_socket(path):
    with open("/proc/self/net/unix") as rows:
        return any(row[-1] == path and int(row[3], 16) & ACCEPTS for row in map(str.split, rows))


def sink_for(case, contender, bench, whole):
    if case.sink == "nowhere":
        return Nowhere()
    if case.sink == "file":
        return NewFile(bench.new, receiver_opens="{new}" in contender.receiver)
    return Pipe(compare_with=bench.file if whole else None)


def wait_for_listener(network, where, process, deadline):
    """`where` is a port or the path of a socket."""
    while not (listens_on_socket(where) if isinstance(where, str) else listens_on_port(network, where)):
        if process.has_ended(0.001) or time.monotonic() > deadline:
            process.finish(deadline)
            raise Failed(f"{process.words[0]} ended before it listened")


def failed_with(failure, said):
    """The same with the last words of the programs."""
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return Failed(": ".join([str(failure), *lines[-1:]]))


class Attempt(ExitStack):
    """The surroundings of one run: its time limit, and what its programs say when they fail."""

    def __init__(self, bench):
        super().__init__()
        self.deadline = time.monotonic() + bench.seconds_per_run
        self.said = self.file()
        self.nothing = self.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()

    def file(self):
        return self.enter_context(tempfile.TemporaryFile())

    def __exit__(self, kind, failure, trace):
        if isinstance(failure, Failed):
            failure = failed_with(failure, self.said)
            super().__exit__(kind, failure, trace)
            raise failure from None
        return super().__exit__(kind, failure, trace)


def transfer(bench, network, case, contender, whole=False):
    """One run, from the start of the sender until both ends have exited. `whole` compares every byte."""
    port = bench.free_port()
    over_unix = case.transport == "unix"
    endpoint = f"unix:{bench.socket}" if over_unix else f"{network.host}:{port}"
    # As sockx does: reno where both ends are on one host and in one network.
    values = {"endpoint": endpoint, "host": network.host, "port": port,
              "congestion": "reno" if case.transport == "loopback" else ""}
    with Attempt(bench) as attempt:
        if over_unix:
            attempt.callback(lambda: os.path.exists(bench.socket) and os.unlink(bench.socket))
        sink = attempt.enter_context(sink_for(case, contender, bench, whole))
        words = [*network.within, *bench.words(contender.receiver, **values)]
        receiver = bench.start(attempt, words, attempt.nothing, sink.fd, attempt.said.fileno())
        wait_for_listener(network, bench.socket if over_unix else port, receiver, attempt.deadline)
        source = attempt.enter_context(open(bench.file, "rb", buffering=0)).fileno()
        if case.source == "pipe":
            source = pipe_from(bench, attempt, source, attempt.said.fileno())
        sender = bench.start(attempt, bench.words(contender.sender, **values), source, attempt.nothing,
                             attempt.said.fileno())
        ends = {"sender": sender.finish(attempt.deadline), "receiver": receiver.finish(attempt.deadline)}
        sink.check(bench.file, whole)
    wall = max(end["ended"] for end in ends.values()) - ends["sender"]["begun"]
    return {"seconds": wall, "bytes_per_second": os.path.getsize(bench.file) / wall, **ends}


def pipe_from(bench, stack, file, stderr):
    """The reading end of a pipe that cat(1) fills. What cat takes counts for nobody."""
    reader, writer = os.pipe()
    stack.callback(os.close, reader)
    try:
        bench.start(stack, ["cat"], file, writer, stderr)
    finally:
        os.close(writer)
    return reader


def start_up(bench, network, case, contender):
    """One start of a program, to its end."""
    with ExitStack() as stack:
        nothing = stack.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()
        process = bench.start(stack, bench.words(contender.receiver), nothing, nothing, nothing)
        took = process.finish(time.monotonic() + bench.seconds_per_run)
    return {"seconds": took["ended"] - took["begun"], "process": took}


def start_server(bench, stack, network, command, said, deadline, out=None, **values):
    """Starts what listens on a port of its own, and returns both; with no command, the target's port.

    Its standard input does not end: some servers would end with it.
    """
    if not command:
        return None, int(values["target"].split(":")[1])
    port = bench.free_port()
    out = out or stack.enter_context(open(os.devnull, "r+b", buffering=0))
    stdin, writer = os.pipe()
    stack.callback(os.close, writer)
    words = bench.words(command, host=network.host, port=port, endpoint=f"{network.host}:{port}", **values)
    try:
        process = bench.start(stack, words, stdin, out.fileno(), said.fileno())
    finally:
        os.close(stdin)
    wait_for_listener(network, port, process, deadline)
    return process, port


def contents(file):
    file.seek(0)
    return file.read()


def contest(bench, network, case, contender):
    """One run of a client, which checks what comes back, against one server."""
    total = max(case.per_mib * bench.mib // contender.share, 1)
    count = total if case.load in (cases.CONNECT, cases.TLS_CONNECT) else max(total // case.connections, 1)
    with Attempt(bench) as attempt:
        target = None
        if case.forwards:
            _, target = start_server(bench, attempt, network, cases.BARE_ECHO.receiver, attempt.said,
                                     attempt.deadline)
        _, port = start_server(bench, attempt, network, contender.receiver, attempt.said, attempt.deadline,
                               target=f"{network.host}:{target}")
        result = attempt.file()
        words = bench.words(case.load, host=network.host, port=port, connections=case.connections, count=count)
        load = bench.start(attempt, words, attempt.nothing, result.fileno(), attempt.said.fileno())
        took = load.finish(attempt.deadline)
        messages, seconds = contents(result).split()[:2]
    return {"seconds": float(seconds), "count": int(messages), "load": took}


def forward(bench, network, case, contender):
    """One file through a forwarder, from the start of the sender until all have exited that exit."""
    with Attempt(bench) as attempt:
        receiver, target = start_server(bench, attempt, network, "{sockx} recv-file --size {size} --discard "
                                        "{endpoint}", attempt.said, attempt.deadline)
        middle, port = start_server(bench, attempt, network, contender.receiver, attempt.said, attempt.deadline,
                                    target=f"{network.host}:{target}")
        words = bench.words(contender.sender or "{sockx} send-file {file} {endpoint}",
                            endpoint=f"{network.host}:{port}", target=f"{network.host}:{target}")
        sender = bench.start(attempt, words, attempt.nothing, attempt.nothing, attempt.said.fileno())
        ends = {"sender": sender.finish(attempt.deadline)}
        if not contender.sender:
            ends["forwarder"] = middle.finish(attempt.deadline)
        ends["receiver"] = receiver.finish(attempt.deadline)
        wall = max(end["ended"] for end in ends.values()) - ends["sender"]["begun"]
        if contender.sender:
            ends["forwarder"] = middle.used()
    return {"seconds": wall, "bytes_per_second": os.path.getsize(bench.file) / wall, **ends}


def idle_connections(bench, case):
    """As many as the case asks for, or as the size of the benchmark and the limit of descriptors permit."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return min(case.connections, case.per_mib * bench.mib, descriptors - DESCRIPTORS_BESIDE)


def idle_memory(bench, network, case, contender):
    """What a server's memory grows by, with connections that have had one message back and are idle."""
    connections = max(idle_connections(bench, case) // contender.share, 1)
    with Attempt(bench) as attempt:
        server, port = start_server(bench, attempt, network, contender.receiver, attempt.said, attempt.deadline)
        before = server.memory()
        stdin, writer = os.pipe()
        attempt.callback(os.close, writer)
        reader, stdout = os.pipe()
        attempt.callback(os.close, reader)
        words = bench.words(f"{case.load} idle {network.host} {port} {connections} 1")
        try:
            load = bench.start(attempt, words, stdin, stdout, attempt.said.fileno())
        finally:
            os.close(stdin)
            os.close(stdout)
        select.select([reader], [], [], max(0.0, attempt.deadline - time.monotonic()))
        if load.has_ended():
            load.finish(attempt.deadline)
        if not select.select([reader], [], [], 0)[0] or not (line := os.read(reader, 4096).split()):
            raise Failed(f"{load.words[0]} did not get its answers")
        grown = server.memory() - before
    return {"seconds": float(line[1]), "count": connections, "kib": grown / connections}


def datagrams(bench, network, case, contender):
    """One load of datagrams, and how many of them arrived."""
    values = {"bytes": case.size, "milliseconds": max(100, min(1000, bench.mib))}
    with Attempt(bench) as attempt:
        received, sent = attempt.file(), attempt.file()
        receiver, port = start_server(bench, attempt, network, contender.receiver, attempt.said, attempt.deadline,
                                      out=received, **values)
        words = bench.words(contender.sender, host=network.host, port=port, endpoint=f"{network.host}:{port}",
                            **values)
        sender = bench.start(attempt, words, attempt.nothing, sent.fileno(), attempt.said.fileno())
        # The receiver tells a sender of the bare loop that it has ended by being gone.
        ends = {"receiver": receiver.finish(attempt.deadline), "sender": sender.finish(attempt.deadline)}
        arrived, all_sent, seconds = COUNTED[contender.tool](contents(received), contents(sent))
    if arrived == 0 or seconds <= 0:
        raise Failed("no datagram arrived")
    return {"seconds": seconds, "count": arrived, "sent": all_sent, **ends}


def counted_by_sockx(received, _):
    events = map(json.loads, received.splitlines())
    measured = next(event for event in events if event["event"] == "measured")
    return measured["received"], measured["sent"], measured["seconds"]


def counted_by_iperf3(received, _):
    total = json.loads(received)["end"]["sum_received"]
    return total["packets"] - total["lost_packets"], total["packets"], total["seconds"]


def counted_by_the_bare_loop(received, sent):
    count, seconds = received.split()
    return int(count), int(sent.split()[0]), float(seconds)


COUNTED = {"sockx": counted_by_sockx, "iperf3": counted_by_iperf3, "bare": counted_by_the_bare_loop}


def in_turn(entries, rounds, run, warm_up, tell):
    """A B C A B C ...: adds to every entry's "runs", after a first one that only has to be right.

    An entry that fails once has "failure", and no more runs.
    """
    for number in range(rounds + 1):
        tell(f"round {number} of {rounds}" if number else "checking")
        for entry in entries:
            if entry["failure"]:
                continue
            try:
                if number == 0:
                    warm_up(entry)
                else:
                    entry["runs"].append(run(entry))
            except Failed as failure:
                entry["failure"] = str(failure)


RUNS = {cases.StartUp: start_up, cases.Contest: contest, cases.Forwarding: forward,
        cases.IdleMemory: idle_memory, cases.Datagrams: datagrams, cases.Case: transfer}


def measure(bench, network, case, contenders, rounds, tell):
    """The entries of a table."""
    by_name = {contender.name: contender for contender in contenders}
    entries = [{"name": c.name, "tool": c.tool, "kind": c.kind, "limit": c.limit, "receiver": c.receiver,
                "sender": c.sender, "failure": None, "runs": []} for c in contenders]
    checks = {"whole": True} if isinstance(case, cases.Case) else {}

    def once(entry, **more):
        return RUNS[type(case)](bench, network, case, by_name[entry["name"]], **more)

    rounds *= STARTS_PER_ROUND if isinstance(case, cases.StartUp) else 1
    in_turn(entries, rounds, once, lambda entry: once(entry, **checks), tell)
    return entries
