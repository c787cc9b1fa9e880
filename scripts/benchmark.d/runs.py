"""The runs: one transfer by one contender, and all of them in turn, round after round."""

import os
import socket
import tempfile
import time
from contextlib import ExitStack

from process import Failed, NewFile, Nowhere, Pipe, Process

STARTS_PER_ROUND = 30
LISTENING = "0A"  # the state in /proc/net/tcp
ACCEPTS = 0x10000  # the flag in /proc/net/unix


class Bench:
    """Where everything is: `programs` {name: path} of sockx and tests/bench, and the file that is sent."""

    def __init__(self, programs, folder, file, seconds_per_run):
        self.programs = programs
        self.file = file
        self.new = os.path.join(folder, "new")
        self.socket = os.path.join(folder, "socket")
        self.seconds_per_run = seconds_per_run
        self.ports = set()

    def words(self, command, **more):
        values = {**self.programs, **more, "file": self.file, "new": self.new, "socket": self.socket,
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
    for table in ("tcp", "tcp6"):
        with open(f"{network.tables}/{table}") as rows:
            fields = (row.split() for row in rows)
            if any(row[1].endswith(f":{port:04X}") and row[3] == LISTENING for row in fields):
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


def transfer(bench, network, case, contender, whole=False):
    """One run, from the start of the sender until both ends have exited. `whole` compares every byte."""
    port = bench.free_port()
    over_unix = case.transport == "unix"
    endpoint = f"unix:{bench.socket}" if over_unix else f"{network.host}:{port}"
    # As sockx does: reno where both ends are on one host and in one network.
    values = {"endpoint": endpoint, "host": network.host, "port": port,
              "congestion": "reno" if case.transport == "loopback" else ""}
    with ExitStack() as stack:
        nothing = stack.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()
        said = stack.enter_context(tempfile.TemporaryFile())
        sink = stack.enter_context(sink_for(case, contender, bench, whole))
        words = [*network.within, *bench.words(contender.receiver, **values)]
        receiver = bench.start(stack, words, nothing, sink.fd, said.fileno())
        deadline = time.monotonic() + bench.seconds_per_run
        try:
            wait_for_listener(network, bench.socket if over_unix else port, receiver, deadline)
            source = stack.enter_context(open(bench.file, "rb", buffering=0)).fileno()
            if case.source == "pipe":
                source = pipe_from(bench, stack, source, said.fileno())
            words = bench.words(contender.sender, **values)
            sender = bench.start(stack, words, source, nothing, said.fileno())
            ends = {"sender": sender.finish(deadline), "receiver": receiver.finish(deadline)}
            sink.check(bench.file, whole)
        except Failed as failure:
            raise failed_with(failure, said) from None
        finally:
            if os.path.exists(bench.socket):
                os.unlink(bench.socket)
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


def start_up(bench, words):
    """One start of a program, to its end."""
    with ExitStack() as stack:
        nothing = stack.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()
        process = bench.start(stack, words, nothing, nothing, nothing)
        took = process.finish(time.monotonic() + bench.seconds_per_run)
    return {"seconds": took["ended"] - took["begun"], "process": took}


def start_server(bench, stack, network, command, said, deadline, **values):
    """Starts what listens on a port of its own, and returns both; with no command, the target's port."""
    if not command:
        return None, int(values["target"].split(":")[1])
    port = bench.free_port()
    nothing = stack.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()
    words = bench.words(command, host=network.host, port=port, endpoint=f"{network.host}:{port}", **values)
    process = bench.start(stack, words, nothing, nothing, said.fileno())
    wait_for_listener(network, port, process, deadline)
    return process, port


def contest(bench, network, case, contender):
    """One run of tests/bench/load.c, which checks every byte, against one server."""
    total = max(case.per_mib * os.path.getsize(bench.file) // 2**20, 1)
    count = max(total // case.connections, 1) if case.load == "exchange" else total
    deadline = time.monotonic() + bench.seconds_per_run
    with ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile())
        result = stack.enter_context(tempfile.TemporaryFile())
        nothing = stack.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()
        try:
            target = None
            if case.forwards:
                _, target = start_server(bench, stack, network, "{bare_echo} {host} {port} reno", said, deadline)
            _, port = start_server(bench, stack, network, contender.receiver, said, deadline,
                                   target=f"{network.host}:{target}")
            words = bench.words(f"{{load}} {case.load} {network.host} {port} {case.connections} {count}")
            load = bench.start(stack, words, nothing, result.fileno(), said.fileno()).finish(deadline)
        except Failed as failure:
            raise failed_with(failure, said) from None
        result.seek(0)
        messages, seconds = result.read().split()
    return {"seconds": float(seconds), "count": int(messages), "load": load}


def forward(bench, network, contender):
    """One file through a forwarder, from the start of the sender until all three have exited."""
    deadline = time.monotonic() + bench.seconds_per_run
    with ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile())
        nothing = stack.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()
        try:
            receiver, target = start_server(bench, stack, network, "{sockx} recv-file --size {size} --discard "
                                            "{endpoint}", said, deadline)
            middle, port = start_server(bench, stack, network, contender.receiver, said, deadline,
                                        target=f"{network.host}:{target}")
            words = bench.words(f"{{sockx}} send-file {{file}} {network.host}:{port}")
            sender = bench.start(stack, words, nothing, nothing, said.fileno())
            ends = {name: process.finish(deadline)
                    for name, process in (("sender", sender), ("forwarder", middle), ("receiver", receiver))}
        except Failed as failure:
            raise failed_with(failure, said) from None
    wall = max(end["ended"] for end in ends.values()) - ends["sender"]["begun"]
    return {"seconds": wall, "bytes_per_second": os.path.getsize(bench.file) / wall, **ends}


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


def measure_transfer(bench, network, case, contenders, rounds, tell):
    by_name = {contender.name: contender for contender in contenders}
    entries = [{"name": c.name, "tool": c.tool, "kind": c.kind, "receiver": c.receiver, "sender": c.sender,
                "failure": None, "runs": []} for c in contenders]
    in_turn(entries, rounds, lambda entry: transfer(bench, network, case, by_name[entry["name"]]),
            lambda entry: transfer(bench, network, case, by_name[entry["name"]], whole=True), tell)
    return entries


def measure_servers(bench, network, case, contenders, rounds, tell):
    """`case` is a Contest or the Forwarding."""
    by_name = {contender.name: contender for contender in contenders}
    entries = [{"name": c.name, "tool": c.tool, "kind": c.kind, "command": c.receiver, "failure": None,
                "runs": []} for c in contenders]

    def once(entry):
        contender = by_name[entry["name"]]
        if hasattr(case, "load"):
            return contest(bench, network, case, contender)
        return forward(bench, network, contender)

    in_turn(entries, rounds, once, once, tell)
    return entries


def measure_start_up(bench, programs, rounds, tell):
    entries = [{"name": name, "tool": tool, "kind": kind, "command": command, "failure": None, "runs": []}
               for name, tool, command, kind in programs]
    once = lambda entry: start_up(bench, bench.words(entry["command"]))
    in_turn(entries, rounds * STARTS_PER_ROUND, once, once, tell)
    return entries
