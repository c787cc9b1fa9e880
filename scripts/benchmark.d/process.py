"""A program that is measured, and the sinks that take what a receiver writes."""

import filecmp
import os
import select
import signal
import threading
import time
from contextlib import suppress


class Failed(Exception):
    """A run that has no result, and why."""


def descendants(pid):
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat") as stat:
            parent = int(stat.read().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(name))
    found = list(children.get(pid, []))
    for child in found:  # which grows
        found += children.get(child, [])
    return found


def resident(pid):
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as rows:  # a process may have ended
        return sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    return 0


def times(pid):
    """User and system time of a process and of its children that have ended, in seconds."""
    with suppress(OSError), open(f"/proc/{pid}/stat") as stat:  # it may have ended
        ticks = [int(field) / os.sysconf("SC_CLK_TCK") for field in stat.read().rpartition(")")[2].split()[11:15]]
        return ticks[0] + ticks[2], ticks[1] + ticks[3]
    return 0.0, 0.0


def peak(pid):
    with suppress(OSError), open(f"/proc/{pid}/status") as rows:
        return sum(int(row.split()[1]) for row in rows if row.startswith("VmHWM:"))
    return 0


class Process:
    """A program under `launcher` (tests/bench/measured.c), in a process group that does not outlive it."""

    def __init__(self, launcher, words, stdin, stdout, stderr):
        self.words = words
        self.results, results = os.pipe()
        streams = enumerate((stdin, stdout, stderr, results))
        try:
            self.pid = os.posix_spawn(launcher, [launcher, *words], os.environ, setpgroup=0,
                                      setsigdef=[signal.SIGPIPE],  # which Python ignores
                                      file_actions=[(os.POSIX_SPAWN_DUP2, fd, to) for to, fd in streams])
        except BaseException:
            os.close(self.results)
            raise
        finally:
            os.close(results)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid is not None:
            os.killpg(self.pid, signal.SIGKILL)
            self.reap()
        os.close(self.results)

    def reap(self):
        os.waitpid(self.pid, 0)
        self.pid = None

    def has_ended(self, seconds=0.0):
        """Whether it has, within so many seconds."""
        return bool(select.select([self.results], [], [], seconds)[0])

    def memory(self):
        """What the program and all that it has started have resident, in KiB: a page that n share counts 1/n."""
        return sum(map(resident, descendants(self.pid)))

    def used(self):
        """What a program that goes on has taken so far, with all that it has started."""
        user, system = map(sum, zip(*map(times, descendants(self.pid))))
        return {"user": user, "system": system, "peak_kib": max(map(peak, descendants(self.pid)))}

    def finish(self, deadline):
        """What it took: times in seconds, memory in KiB. Throws Failed for any end but that with status 0."""
        if not self.has_ended(max(0.0, deadline - time.monotonic())):
            raise Failed(f"{self.words[0]} did not end")
        line = os.read(self.results, 4096).split()
        self.reap()
        if len(line) != 6:
            raise Failed(f"{self.words[0]} could not be run")
        begun, ended, user, system, peak, status = map(int, line)
        if status != 0:
            code = os.waitstatus_to_exitcode(status)
            end = f"ended with status {code}" if code > 0 else f"died of signal {-code}"
            raise Failed(f"{self.words[0]} {end}")
        return {"begun": begun / 1e9, "ended": ended / 1e9, "user": user / 1e6, "system": system / 1e6,
                "peak_kib": peak}


class Nowhere:
    """/dev/null."""

    def __enter__(self):
        self.fd = os.open(os.devnull, os.O_WRONLY)
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def check(self, source, whole):
        pass


class NewFile(Nowhere):
    """A file that is made anew, by us or, when the receiver opens it by its name, by the receiver."""

    def __init__(self, path, receiver_opens):
        self.path = path
        self.receiver_opens = receiver_opens

    def __enter__(self):
        if self.receiver_opens:
            return super().__enter__()
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        return self

    def __exit__(self, *_):
        super().__exit__()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def check(self, source, whole):
        check_size(os.path.getsize(self.path) if os.path.exists(self.path) else 0, source)
        if whole and not filecmp.cmp(self.path, source, shallow=False):
            raise Failed("incomplete: other bytes than were sent")


class Pipe:
    """A pipe, read by a thread, 128 KiB at a time as cat(1) does, and compared with a file or with None."""

    def __init__(self, compare_with):
        self.compare_with = compare_with
        self.size = 0
        self.differs = False

    def __enter__(self):
        self.reader, self.fd = os.pipe()
        self.thread = threading.Thread(target=self.drain)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.close()
        self.thread.join()
        os.close(self.reader)

    def close(self):
        """Our copy of the writing end: the reader sees the end when the receiver has closed its own."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def drain(self):
        buffer = bytearray(128 * 1024)
        expected = self.compare_with and open(self.compare_with, "rb")
        while count := os.readv(self.reader, [buffer]):
            self.size += count
            self.differs |= bool(expected) and expected.read(count) != buffer[:count]
        if expected:
            expected.close()

    def check(self, source, whole):
        self.close()
        self.thread.join()
        check_size(self.size, source)
        if self.differs:
            raise Failed("incomplete: other bytes than were sent")


def check_size(size, source):
    if size != os.path.getsize(source):
        raise Failed(f"incomplete: {size} of {os.path.getsize(source)} bytes")
