"""Bar charts by gnuplot, in SVG, for light and dark pages alike: no background, and text of middle grey."""

import re
import shutil
import subprocess

import results

INK = "#737b84"
COLOURS = {"sockx": "#2f81f7", "peer": "#9aa4af", "reference": "#c9a13b"}
FONT = "system-ui,Helvetica,Arial,sans-serif"
PANEL_WIDTH, LABEL_WIDTH, ROW_HEIGHT, TITLE_HEIGHT, MARGIN = 420, 170, 22, 34, 12  # pixels


def is_possible():
    return shutil.which("gnuplot") is not None


class Panel:
    """One chart: `bars` are (label, kind, (median, least, greatest)), the first on top."""

    def __init__(self, title, bars):
        self.title = title
        self.bars = bars

    def height(self):
        return TITLE_HEIGHT + ROW_HEIGHT * len(self.bars) + MARGIN

    def commands(self, left, top, width, height):
        """To draw it with its corner at these pixels of a picture of this size."""
        widest = max(greatest for _, _, (_, _, greatest) in self.bars)
        bars = [f'{middle} {row} {least} {greatest} {int(COLOURS[kind][1:], 16)} "{label}"'
                for row, (label, kind, (middle, least, greatest)) in enumerate(self.bars)]
        rows_top = top + TITLE_HEIGHT
        title_at = f"screen {(left + MARGIN) / width}, {1 - (top + 20) / height}"
        return [
            "$bars << END", *bars, "END",
            f'set label 1 "{{/:Bold {self.title}}}" at {title_at} textcolor rgb "{INK}"',
            f"set lmargin at screen {(left + LABEL_WIDTH) / width}",
            f"set rmargin at screen {(left + PANEL_WIDTH - MARGIN) / width}",
            f"set tmargin at screen {1 - rows_top / height}",
            f"set bmargin at screen {1 - (rows_top + ROW_HEIGHT * len(self.bars)) / height}",
            f"set xrange [0:{widest * 1.25}]",
            f"set yrange [{len(self.bars) - 0.5}:-0.5]",
            "set style fill solid 1 noborder",
            "plot $bars using ($1/2):2:($1/2):(0.36):5:ytic(6) with boxxyerror lc rgb variable, \\",
            f'     "" using 1:2:3:4 with xerrorbars pt -1 lw 1.2 lc rgb "{INK}", \\',
            f'     "" using 4:2:(sprintf("%.2f", $1)) with labels left offset 0.8,0 textcolor rgb "{INK}"',
        ]


def draw(path, panels, columns=2):
    """Writes the panels, row by row, into an SVG file."""
    rows = [panels[first:first + columns] for first in range(0, len(panels), columns)]
    heights = [max(panel.height() for panel in row) for row in rows]
    width, height = PANEL_WIDTH * columns, sum(heights)
    script = [
        f'set terminal svg size {width},{height} font "Helvetica,12"',
        f'set output "{path}"',
        "set multiplot",
        "unset key",
        "unset border",
        "unset xtics",
        f'set ytics scale 0 textcolor rgb "{INK}"',
        "set bars 0.6",
    ]
    for number, row in enumerate(rows):
        for column, panel in enumerate(row):
            script += panel.commands(PANEL_WIDTH * column, sum(heights[:number]), width, height)
    subprocess.run(["gnuplot"], input="\n".join([*script, "unset multiplot", ""]), text=True, check=True)
    with open(path) as file:
        drawn = file.read()
    with open(path, "w") as file:
        file.write(without_ballast(drawn))


def without_ballast(svg):
    """The same picture in a third of the bytes: gnuplot writes unused shapes, and the font of each text."""
    svg = re.sub(r"<title>.*?</title>|<desc>.*?</desc>|<defs>.*?</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' font-family="Helvetica"( font-size="12.00")?| stroke-line(cap|join)="\w+"', "", svg)
    svg = re.sub(r"<tspan *>(.*?)</tspan>", r"\1", svg)
    svg = re.sub(r"<path [^>]*d='(M[\d.,]+ *)+'/>", "", svg)  # moves without a line
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    svg = re.sub(r"<g [^>]*>\n?</g>\n?", "", svg)
    svg = re.sub(r"<g fill[^>]*>\n(<g transform[^>]*>\n<text>.*</text>\n</g>)\n</g>", r"\1", svg)
    return svg.replace("<svg", f'<svg font-family="{FONT}" font-size="12"', 1)


def table_panels(table):
    entries = results.with_results(table)
    panels = [Panel(f"{results.heading(table)}, {table['unit']}",
                    [(entry["name"], entry["kind"], results.measured(table, entry)) for entry in entries])]
    if results.is_transfer(table):
        ends = ("forwarder",) if results.has_forwarder(table) else ("sender", "receiver")
        panels.append(Panel(f"CPU s/GiB, {' and '.join(ends)}",
                            [(e["name"], e["kind"], results.cpu(table, e, *ends)) for e in entries]))
    return panels


def draw_table(path, table):
    panels = table_panels(table)
    if panels[0].bars:
        draw(path, panels, columns=len(panels))


def draw_overview(path, tables):
    """One panel a case, under the last congestion control that was measured."""
    last = {table["case"]: table for table in tables
            if results.with_results(table) and not table["case"].startswith(("servers", "datagrams", "tls-"))}
    if last:
        draw(path, [table_panels(table)[0] for table in last.values()])
