"""What the runs say: medians, the best peer, Markdown."""

import math
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


def cpu(table, entry, *ends):
    """CPU seconds per GiB of these ends together."""
    return spread(sum(cpu_of(run[end]) for end in ends) * GIB / table["size"] for run in entry["runs"])


def peak(entry, end):
    """MiB."""
    return max(run[end]["peak_kib"] for run in entry["runs"]) / 1024


def lost(entry):
    """Per cent of the datagrams that were sent."""
    return median(100 * (1 - run["count"] / run["sent"]) for run in entry["runs"])


# What a run comes to in the unit of its table.
VALUES = {
    "GB/s": lambda run: run["bytes_per_second"] / 1e9,
    "k/s": lambda run: run["count"] / run["seconds"] / 1e3,
    "ms": lambda run: run["seconds"] * 1e3,
    "µs": lambda run: run["seconds"] / run["count"] * 1e6,
    "KiB": lambda run: round(max(run["kib"], 0.0), 1),
}
LESS_IS_BETTER = ("ms", "µs", "KiB")


def measured(table, entry):
    """Median, least, greatest; of starts the 10th and 90th percentile: among hundreds one always had to wait."""
    values = list(map(VALUES[table["unit"]], entry["runs"]))
    if is_start_up(table):
        tenths = quantiles(values, n=10, method="inclusive")
        return median(values), tenths[0], tenths[-1]
    return spread(values)


def digits(table):
    return 1 if table["unit"] in ("k/s", "µs", "KiB") else 2


def with_results(table, kind=None):
    return [e for e in table["entries"] if not e["failure"] and e["runs"] and kind in (None, e["kind"])]


def is_start_up(table):
    return table["case"] == "start-up"


def is_transfer(table):
    return table["unit"] == "GB/s"


def has_forwarder(table):
    return table["case"] in ("servers-forward", "tunnel")


def score(table, entry):
    """The median of what is measured, so that more is better; infinite for no memory at all."""
    middle = measured(table, entry)[0]
    if table["unit"] not in LESS_IS_BETTER:
        return middle
    return 1 / middle if middle > 0 else math.inf


def best_peer(table):
    return max(with_results(table, "peer"), key=lambda entry: score(table, entry), default=None)


def limit_of(table, entry):
    """The bare loop beside a way of sockx, or None."""
    return next((e for e in with_results(table) if e["name"] == entry["limit"]), None)


def ratio(table, entry, other):
    """How many times as fast, or as small, as the other, as text."""
    if not other or math.inf in (score(table, entry), score(table, other)):
        return "–"
    return f"{score(table, entry) / score(table, other):.2f}"


def heading(table):
    return table["title"] + (f", {table['congestion']}" if table["congestion"] else "")


def markdown_row(cells):
    return "| " + " | ".join(cells) + " |"


def columns(table):
    """The columns of a table: what is above each, and what makes a cell of an entry."""
    all_ends = ("sender", "receiver", "forwarder", "process")
    some = with_results(table)
    ends = [end for end in all_ends if some and end in some[0]["runs"][0]]
    if "forwarder" in ends:
        ends = ["forwarder"]  # the others are the same in every run
    shared = [(table["unit"], lambda entry: shown(measured(table, entry), digits(table))),
              ("to the best peer", lambda entry: ratio(table, entry, best_peer(table))),
              ("to its limit", lambda entry: ratio(table, entry, limit_of(table, entry)))]
    if table["case"].startswith("datagrams"):
        shared.append(("lost", lambda entry: f"{lost(entry):.1f} %"))
    elif is_transfer(table):
        shared.append(("CPU s/GiB", lambda entry: shown(cpu(table, entry, *ends))))
        if len(ends) > 1:
            shared += [(end, lambda entry, end=end: f"{cpu(table, entry, end)[0]:.2f}") for end in ends]
    elif is_start_up(table):
        shared.append(("CPU ms", lambda entry: f"{median(cpu_of(run['process']) for run in entry['runs']) * 1000:.2f}"))
    return shared + [(f"peak MiB, {end}", lambda entry, end=end: f"{peak(entry, end):.1f}") for end in ends]


def markdown(table):
    parts = columns(table)
    lines = [f"## {heading(table)}", "", markdown_row(["", *(above for above, _ in parts)]),
             "|---|" + "--:|" * len(parts)]
    for entry in table["entries"]:
        if entry["failure"] or not entry["runs"]:
            cells = [entry["failure"] or "no run"] + [""] * (len(parts) - 1)
        else:
            cells = [cell(entry) for _, cell in parts]
        lines.append(markdown_row([entry["name"], *cells]))
    return "\n".join(lines) + "\n"


def machine(facts):
    versions = ", ".join(f"{tool} {version}" for tool, version in facts["versions"].items())
    return (f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Linux {facts['kernel']}, "
            f"congestion control {facts['congestion']}; {versions}")


def paragraphs(*texts):
    """Prose is wrapped; headings, tables and pictures are as they are."""
    wrapped = (text if text.startswith(("#", "|", "!")) else textwrap.fill(" ".join(text.split()), 118)
               for text in texts)
    return "\n\n".join(wrapped) + "\n"


def preface(results):
    facts, options = results["facts"], results["options"]
    return paragraphs(f"# Benchmark of {facts['date']}", f"""
        {machine(facts)}; load at the start {facts['load']:.2f}.
        """, f"""
        {options['size']} MiB, rounds of all tools in turn: {options['rounds']}. Median (least–greatest); a
        run lasts from the start of the sender until both ends have exited. CPU is that of both ends, user and
        system; `cat` before a pipe and the reader behind one are not counted. iperf3 sends the same 128 KiB
        again and again, which stay in the processor's cache. "To its limit" compares a way of sockx with the
        bare C loop that makes the same calls. Datagrams are those that arrived. Memory of a connection is what
        the server's processes have resident. Start-up: median (10th–90th percentile) of
        {options['starts']} starts.""")


def slower_than_a_peer(table):
    """The ways of sockx that a peer beats, in words."""
    peer = best_peer(table)
    return [f"{heading(table)}, `{entry['name']}`: {ratio(table, entry, peer)} times {peer['name']}"
            for entry in with_results(table, "sockx") if peer
            and score(table, entry) < score(table, peer) * (1 - SMALLEST_DIFFERENCE)]


def in_readme(table):
    """The first way of sockx, which is the usual one, and one for each further limit."""
    by_limit = {}
    for entry in with_results(table, "sockx"):
        by_limit.setdefault(entry["limit"], entry)
    return list(by_limit.values())


def readme_row(table, entry, several):
    def cell(other):
        return f"{measured(table, other)[0]:.{digits(table)}f}" if other else "–"

    peer, limit = best_peer(table), limit_of(table, entry)
    title = f"{table['title']}, `{entry['name'].removeprefix('sockx ')}`" if several else table["title"]
    peers = f"{cell(peer)} {peer['name']}" if peer else "–"
    cells = [f"{title}, {table['unit']}", f"**{cell(entry)}**", peers, cell(limit), ratio(table, entry, peer),
             ratio(table, entry, limit)]
    if is_transfer(table):
        ends = ("forwarder",) if has_forwarder(table) else ("sender", "receiver")
        cells.append(" / ".join(f"{cpu(table, e, *ends)[0]:.2f}" if e else "–" for e in (entry, peer, limit)))
    return cells


def readme(results, chart):
    """The README's part: rows for each case, under the last congestion control that was measured."""
    facts, options = results["facts"], results["options"]
    last = {table["case"]: table for table in results["tables"]}
    above = ["", "sockx", "best peer", "limit", "sockx to peer", "to limit"]
    rows = {True: [[*above, "CPU s/GiB: sockx / peer / limit"]], False: [above]}
    for some in rows.values():
        some.append(["---"] + ["--:"] * (len(some[0]) - 1))
    for table in last.values():
        entries = in_readme(table)
        rows[is_transfer(table)] += [readme_row(table, entry, len(entries) > 1) for entry in entries]
    slower = [words for table in results["tables"] for words in slower_than_a_peer(table)]
    congestion = next((table["congestion"] for table in last.values() if table["congestion"]), None)
    under = f"TCP under {congestion}. " if congestion else ""
    return paragraphs(f"""
        Measured on {facts['date'][:10]}: {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']};
        {options['size']} MiB, medians of {options['rounds']} interleaved runs. {under}The limit is a bare
        loop in C that makes only the calls that move the bytes (for start-up, `true`); it cannot do what a tool
        does. Ratios above 1 mean that sockx is faster, or smaller.""",
        *("\n".join(map(markdown_row, some)) for some in rows.values() if len(some) > 2),
        f"Slower than the best peer in this run: {'; '.join(slower) or 'nothing'}.",
        f"![throughput and start-up of sockx, its peers, and what they are compared with]({chart})")
