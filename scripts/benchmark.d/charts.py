"""Bar charts by gnuplot, in SVG, for light and dark pages alike: nothing is drawn behind, and the text is of middle grey."""

import shutil
import subprocess

import results

INK = "#737b84"
COLOURS = {"sockx": "#2f81f7", "peer": "#9aa4af", "reference": "#c9a13b"}
PANEL_WIDTH, ROW_HEIGHT, TITLE_HEIGHT, LABEL_WIDTH = 430, 24, 62, 215


def is_possible():
    return shutil.which("gnuplot") is not None


class Panel:
    """One chart: `bars` are (label, kind, (median, least, greatest)), the first on top."""

    def __init__(self, title, bars):
        self.title = title
        self.bars = bars

    def commands(self):
        widest = max(greatest for _, _, (_, _, greatest) in self.bars)
        lines = ["$bars << END"]
        for row, (label, kind, (middle, least, greatest)) in enumerate(self.bars):
            lines.append(f'{middle} {row} {least} {greatest} {int(COLOURS[kind][1:], 16)} "{label}"')
        return "\n".join(lines + [
            "END",
            f'set title "{{/:Bold {self.title}}}"',
            f"set xrange [0:{widest * 1.22}]",
            f"set yrange [{len(self.bars) - 0.4}:-0.6]",
            "plot $bars using ($1/2):2:($1/2):(0.34):5:ytic(6) with boxxyerror fillstyle solid 1 noborder lc rgb variable, \\",
            f'     "" using 1:2:3:4 with xerrorbars pt 0 lw 1.2 lc rgb "{INK}", \\',
            f'     "" using 4:2:(sprintf("%.2f", $1)) with labels left offset 0.7,0 tc rgb "{INK}"',
            "undefine $bars",
        ])


def draw(path, panels, columns=2):
    """Writes the panels, row by row, into an SVG file."""
    rows = -(-len(panels) // columns)
    height = rows * (TITLE_HEIGHT + ROW_HEIGHT * max(len(panel.bars) for panel in panels))
    script = [
        f'set terminal svg size {PANEL_WIDTH * columns},{height} font "Helvetica,13"',
        f'set output "{path}"',
        f'set multiplot layout {rows},{columns} margins screen 0.0,1.0,0.0,1.0',
        "unset key",
        f'set border 1 lw 0.8 lc rgb "{INK}"',
        f'set xtics nomirror scale 0.5 textcolor rgb "{INK}"',
        f'set ytics nomirror scale 0 textcolor rgb "{INK}"',
        f'set title textcolor rgb "{INK}"',
        "set bars 0.6",
    ]
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        top, left = 1 - row / rows, column / columns
        script += [
            f"set lmargin at screen {left + LABEL_WIDTH / PANEL_WIDTH / columns:.4f}",
            f"set rmargin at screen {left + (1 - 12 / PANEL_WIDTH) / columns:.4f}",
            f"set tmargin at screen {top - 32 / height:.4f}",
            f"set bmargin at screen {top - (height / rows - 28) / height:.4f}",
            panel.commands(),
        ]
    subprocess.run(["gnuplot"], input="\n".join([*script, "unset multiplot", ""]), text=True, check=True)


def table_panels(table):
    entries = results.with_results(table)
    if results.is_start_up(table):
        return [Panel("start-up, ms", [(e["name"], e["kind"], results.milliseconds(e)) for e in entries])]
    return [
        Panel(f"{results.heading(table)}, GB/s", [(e["name"], e["kind"], results.rate(e)) for e in entries]),
        Panel("CPU s/GiB, both ends",
              [(e["name"], e["kind"], results.cpu(table, e, "sender", "receiver")) for e in entries]),
    ]


def draw_table(path, table):
    panels = table_panels(table)
    if panels[0].bars:
        draw(path, panels, columns=len(panels))


def draw_overview(path, tables):
    """The throughput of the transfers, each under the last congestion control that was measured."""
    last = {table["case"]: table for table in tables if not results.is_start_up(table) and results.with_results(table)}
    draw(path, [table_panels(table)[0] for table in last.values()])
