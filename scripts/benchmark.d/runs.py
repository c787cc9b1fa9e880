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
    """Where everything is: `programs` {name: path} of sockx, bare and measured, and the file that is sent."""

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
            while not (listens_on_socket(bench.socket) if over_unix else listens_on_port(network, port)):
                if receiver.has_ended(0.001) or time.monotonic() > deadline:
                    receiver.finish(deadline)
                    raise Failed(f"{receiver.words[0]} ended before it listened")
            source = stack.enter_context(open(bench.file, "rb", buffering=0)).fileno()
            if case.source == "pipe":
                source = pipe_from(bench, stack, source, said.fileno())
            words = bench.words(contender.sender, **values)
            sender = bench.start(stack, words, source, nothing, said.fileno())
            ends = {"sender": sender.finish(deadline), "receiver": receiver.finish(deadline)}
            sink.check(bench.file, whole)
        except Failed as failure:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            raise Failed(": ".join([str(failure), *lines[-1:]])) from None
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


def measure_start_up(bench, programs, rounds, tell):
    entries = [{"name": name, "tool": tool, "kind": kind, "command": command, "failure": None, "runs": []}
               for name, tool, command, kind in programs]
    once = lambda entry: start_up(bench, bench.words(entry["command"]))
    in_turn(entries, rounds * STARTS_PER_ROUND, once, once, tell)
    return entries
