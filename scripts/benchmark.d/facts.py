"""The machine and the tools that a result belongs to."""

import datetime
import os
import re
import shutil
import subprocess

# What tells a tool's version, and what to look for in the answer.
VERSIONS = {
    "nc.openbsd": (["nc.openbsd", "-h"], r"OpenBSD netcat \(Debian patchlevel (\S+)\)"),
    "nc.traditional": (["nc.traditional", "-h"], r"\[v(\S+)\]"),
    "ncat": (["ncat", "--version"], r"Version (\S+)"),
    "socat": (["socat", "-V"], r"version (\S+)"),
    "iperf3": (["iperf3", "--version"], r"iperf (\S+)"),
    "openssl": (["openssl", "version"], r"OpenSSL (\S+)"),
}


def first_match(path, pattern):
    with open(path) as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found.group(1) if found else "unknown"


def answer(words, pattern):
    """What the pattern finds in what a program says; None where there is no such program."""
    if not shutil.which(words[0]):
        return None
    said = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False).stdout
    found = re.search(pattern, said.decode(errors="replace"), re.MULTILINE)
    return found.group(1) if found else "unknown"


def collect(sockx, congestion, source):
    versions = {"sockx": answer([sockx, "--version"], r"sockx (\S+)")}
    versions |= {tool: answer(*asked) for tool, asked in VERSIONS.items()}
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*: (.*)$"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+) kB")) / 2**20, 1),
        "kernel": os.uname().release,
        "congestion": congestion,
        "load": os.getloadavg()[0],
        "versions": {tool: version for tool, version in versions.items() if version},
        "commit": answer(["git", "-C", source, "describe", "--always", "--dirty"], r"^(\S+)$"),
    }
