"""What the runs say: medians, the best peer, Markdown."""

import textwrap
from statistics import median, quantiles

GIB = 2**30
SMALLEST_DIFFERENCE = 0.02  # two medians nearer than this are called equal


def spread(values):
    """Median, least, greatest."""
    values = list(values)
    return median(values), min(values), max(values)


def shown(figures, digits=2):
    middle, least, greatest = (f"{figure:.{digits}f}" for figure in figures)
    return f"{middle} ({least}–{greatest})"


def cpu_of(end):
    return end["user"] + end["system"]


def rate(entry):
    """GB/s."""
    return spread(run["bytes_per_second"] / 1e9 for run in entry["runs"])


def cpu(table, entry, *ends):
    """CPU seconds per GiB of these ends together."""
    return spread(sum(cpu_of(run[end]) for end in ends) * GIB / table["size"] for run in entry["runs"])


def peak(entry, end):
    """MiB."""
    return max(run[end]["peak_kib"] for run in entry["runs"]) / 1024


def milliseconds(entry):
    """Median, 10th and 90th percentile: among hundreds of starts there is always one that had to wait."""
    times = [run["seconds"] * 1000 for run in entry["runs"]]
    tenths = quantiles(times, n=10, method="inclusive")
    return median(times), tenths[0], tenths[-1]


def with_results(table, kind=None):
    return [e for e in table["entries"] if not e["failure"] and e["runs"] and kind in (None, e["kind"])]


def is_start_up(table):
    return table["case"] == "start-up"


def score(table, entry):
    """The median of what is measured, so that more is better."""
    return 1 / milliseconds(entry)[0] if is_start_up(table) else rate(entry)[0]


def best_peer(table):
    return max(with_results(table, "peer"), key=lambda entry: score(table, entry), default=None)


def compared(table, entry):
    """How many times as fast as the best peer, as text."""
    peer = best_peer(table)
    return f"{score(table, entry) / score(table, peer):.2f}" if peer else "–"


def heading(table):
    return table["title"] + (f", {table['congestion']}" if table["congestion"] else "")


def markdown_row(cells):
    return "| " + " | ".join(cells) + " |"


def transfer_row(table, entry):
    return [shown(rate(entry)), compared(table, entry), shown(cpu(table, entry, "sender", "receiver")),
            f"{cpu(table, entry, 'sender')[0]:.2f}", f"{cpu(table, entry, 'receiver')[0]:.2f}",
            f"{peak(entry, 'sender'):.1f}", f"{peak(entry, 'receiver'):.1f}"]


def start_up_row(table, entry):
    return [shown(milliseconds(entry)), compared(table, entry),
            f"{median(cpu_of(run['process']) for run in entry['runs']) * 1000:.2f}", f"{peak(entry, 'process'):.1f}"]


TRANSFER_COLUMNS = ["", "GB/s", "to the best peer", "CPU s/GiB", "sender", "receiver", "peak MiB, sender", "receiver"]
START_UP_COLUMNS = ["", "ms", "to the best peer", "CPU ms", "peak MiB"]


def markdown(table):
    columns, row = (START_UP_COLUMNS, start_up_row) if is_start_up(table) else (TRANSFER_COLUMNS, transfer_row)
    lines = [f"## {heading(table)}", "", markdown_row(columns), "|---|" + "--:|" * (len(columns) - 1)]
    for entry in table["entries"]:
        failed = entry["failure"] or not entry["runs"]
        cells = [entry["failure"] or "no run"] + [""] * (len(columns) - 2) if failed else row(table, entry)
        lines.append(markdown_row([entry["name"], *cells]))
    return "\n".join(lines) + "\n"


def machine(facts):
    versions = ", ".join(f"{tool} {version}" for tool, version in facts["versions"].items())
    return (f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Linux {facts['kernel']}, "
            f"congestion control {facts['congestion']}; {versions}")


def paragraphs(*texts):
    return "\n\n".join(text if text.startswith(("#", "|", "!")) else textwrap.fill(text, 118) for text in texts) + "\n"


def preface(results):
    facts, options = results["facts"], results["options"]
    return paragraphs(
        f"# Benchmark of {facts['date']}",
        f"{machine(facts)}; load at the start {facts['load']:.2f}.",
        f"{options['size']} MiB, rounds of all tools in turn: {options['rounds']}. Median (least–greatest); a run lasts from "
        "the start of the sender until both ends have exited. CPU is that of both ends, user and system; `cat` before a "
        "pipe and the reader behind one are not counted. iperf3 sends the same 128 KiB again and again, which stay in the "
        f"processor's cache. Start-up: median (10th–90th percentile) of {options['starts']} starts.")


def readme(results, chart):
    """The README's part: a line a table, with the first way of sockx, which is the usual one, and the best peer."""
    facts, options = results["facts"], results["options"]
    rows = [["GB/s", "sockx", "best peer", "ratio", "CPU s/GiB, sockx", "peer"], ["---"] + ["--:"] * 5]
    start_up, slower, references = [], [], []
    for table in results["tables"]:
        ours, peer = with_results(table, "sockx"), best_peer(table)
        if not ours or not peer:
            continue
        first = ours[0]
        slower += [f"{heading(table)}, `{entry['name']}`: {compared(table, entry)} times {peer['name']}" for entry in ours
                   if score(table, entry) < score(table, peer) * (1 - SMALLEST_DIFFERENCE)]
        if is_start_up(table):
            start_up = [f"Start-up: `{first['name']}` {shown(milliseconds(first))} ms, `{peer['name']}` "
                        f"{shown(milliseconds(peer))} ms."]
            continue
        rows.append([heading(table), shown(rate(first)), f"{shown(rate(peer))}, {peer['name']}", compared(table, first)]
                    + [f"{cpu(table, entry, 'sender', 'receiver')[0]:.2f}" for entry in (first, peer)])
        if table["case"] == "discard" and with_results(table, "reference"):
            references.append(f"under {table['congestion']} " + ", ".join(
                f"{entry['name']} {rate(entry)[0]:.2f}" for entry in with_results(table, "reference")))
    if references:
        references = ["To compare with, in file → TCP → discard: " + "; ".join(references) + "."]
    return paragraphs(
        f"{facts['date'][:10]}: {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, default congestion control "
        f"{facts['congestion']}; {options['size']} MiB from memory; medians of {options['rounds']} interleaved runs "
        "(least–greatest).",
        "\n".join(map(markdown_row, rows)), *references, *start_up,
        "Slower than the best peer in this run: " + ("; ".join(slower) or "nothing") + ".",
        f"![throughput and start-up of sockx, its peers, and what they are compared with]({chart})")
