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


def is_contest(table):
    return table.get("unit") is not None


def is_forwarding(table):
    return table["case"] == "servers-forward"


def result(table, entry):
    """What load.c measured, in the table's unit."""
    if table["unit"] == "µs":
        return spread(run["seconds"] / run["count"] * 1e6 for run in entry["runs"])
    return spread(run["count"] / run["seconds"] / 1e3 for run in entry["runs"])


def score(table, entry):
    """The median of what is measured, so that more is better."""
    if is_start_up(table):
        return 1 / milliseconds(entry)[0]
    if is_contest(table):
        middle = result(table, entry)[0]
        return 1 / middle if table["unit"] == "µs" else middle
    return rate(entry)[0]


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
            f"{median(cpu_of(run['process']) for run in entry['runs']) * 1000:.2f}",
            f"{peak(entry, 'process'):.1f}"]


def contest_row(table, entry):
    return [shown(result(table, entry), 1), compared(table, entry)]


def forwarding_row(table, entry):
    return [shown(rate(entry)), compared(table, entry), shown(cpu(table, entry, "forwarder")),
            f"{peak(entry, 'forwarder'):.1f}"]


FORWARDING_COLUMNS = ["", "GB/s", "to the best peer", "CPU s/GiB, forwarder", "peak MiB"]
TRANSFER_COLUMNS = ["", "GB/s", "to the best peer", "CPU s/GiB", "sender", "receiver", "peak MiB, sender",
                    "receiver"]
START_UP_COLUMNS = ["", "ms", "to the best peer", "CPU ms", "peak MiB"]


def markdown(table):
    columns, row = TRANSFER_COLUMNS, transfer_row
    if is_start_up(table):
        columns, row = START_UP_COLUMNS, start_up_row
    elif is_contest(table):
        columns, row = ["", table["unit"], "to the best peer"], contest_row
    elif is_forwarding(table):
        columns, row = FORWARDING_COLUMNS, forwarding_row
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
        again and again, which stay in the processor's cache. Start-up: median (10th–90th percentile) of
        {options['starts']} starts.""")


def slower_than_a_peer(table):
    """The ways of sockx that a peer beats, in words."""
    peer = best_peer(table)
    return [f"{heading(table)}, `{entry['name']}`: {compared(table, entry)} times {peer['name']}"
            for entry in with_results(table, "sockx")
            if score(table, entry) < score(table, peer) * (1 - SMALLEST_DIFFERENCE)]


def references(table):
    rates = [f"{entry['name']} {rate(entry)[0]:.2f}" for entry in with_results(table, "reference")]
    return [f"under {table['congestion']} {', '.join(rates)}"] if rates else []


def servers_in_words(table, ours, peer):
    """A row of the README's second table."""
    if is_contest(table):
        names = {entry["name"]: entry for entry in with_results(table, "reference")}
        beside = ", ".join(f"{name} {shown(result(table, entry), 1)}" for name, entry in names.items())
        peers = f"{shown(result(table, peer), 1)}, {peer['name']}" if peer else "–"
        return [f"{heading(table)}, {table['unit']}", shown(result(table, ours), 1), beside, peers,
                compared(table, ours)]
    used = [f"{shown(rate(entry))}, {cpu(table, entry, 'forwarder')[0]:.2f} CPU s/GiB" for entry in (ours, peer)]
    return [f"{heading(table)}, GB/s", used[0], "–", f"{used[1]}, {peer['name']}", compared(table, ours)]


def readme_row(table, ours, peer):
    both = [f"{cpu(table, entry, 'sender', 'receiver')[0]:.2f}" for entry in (ours, peer)]
    named = f"{shown(rate(peer))}, {peer['name']}"
    return [heading(table), shown(rate(ours)), named, compared(table, ours), *both]


def readme(results, chart):
    """The README's part: a row a table, with the first way of sockx, the usual one, beside the best peer."""
    facts, options = results["facts"], results["options"]
    rows = [["GB/s", "sockx", "best peer", "ratio", "CPU s/GiB, sockx", "peer"], ["---"] + ["--:"] * 5]
    servers = [["servers", "sockx", "beside", "best peer", "ratio"], ["---"] + ["--:"] * 4]
    remarks, slower, beside = [], [], []
    for table in results["tables"]:
        ours, peer = next(iter(with_results(table, "sockx")), None), best_peer(table)
        if is_contest(table) and ours:
            servers.append(servers_in_words(table, ours, peer))
            slower += slower_than_a_peer(table) if peer else []
            continue
        if not ours or not peer:
            continue
        slower += slower_than_a_peer(table)
        if is_start_up(table):
            remarks.append(f"Start-up: `{ours['name']}` {shown(milliseconds(ours))} ms, `{peer['name']}` "
                           f"{shown(milliseconds(peer))} ms.")
        elif is_forwarding(table):
            servers.append(servers_in_words(table, ours, peer))
        else:
            rows.append(readme_row(table, ours, peer))
        if table["case"] == "discard":
            beside += references(table)
    if beside:
        remarks.append(f"To compare with, in file → TCP → discard: {'; '.join(beside)}.")
    remarks.append(f"Slower than the best peer in this run: {'; '.join(slower) or 'nothing'}.")
    return paragraphs(f"""
        Measured on {facts['date'][:10]}: {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, where
        the default congestion control is {facts['congestion']}; {options['size']} MiB from memory, medians of
        {options['rounds']} interleaved runs (least–greatest).""",
        *("\n".join(map(markdown_row, some)) for some in (rows, servers) if len(some) > 2), *remarks,
        f"![throughput and start-up of sockx, its peers, and what they are compared with]({chart})")
