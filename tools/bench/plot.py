# SPDX-License-Identifier: MIT
"""Bar charts as plain SVG, and as PNG by the root folder's rsvg-convert."""

import html
import math
import os
import subprocess

COLOURS = ("#1b6ca8", "#7fb3d5", "#c0392b", "#e59866", "#b7950b", "#5d6d7e", "#229954", "#82c99d", "#7d3c98", "#c39bd3",
           "#17202a", "#aab7b8")
WIDTH, HEIGHT = 960, 470
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 130, 46
FONT = 'font-family="DejaVu Sans, sans-serif"'


def bars(title, subtitle, groups, series, logarithmic=False):
    """A chart of grouped bars.

    groups: names below the axis. series: [(name, [(value, label) or None for each group])]; a
    value that does not exist leaves a gap that says "n/a".
    """
    scale = Scale([entry[0] for _, entries in series for entry in entries if entry], logarithmic)
    parts = [text(LEFT, 22, title, 16, weight="bold"), text(LEFT, 42, subtitle, 12)]
    parts += legend([name for name, _ in series])
    for value in scale.ticks:
        y = scale.y(value)
        parts.append(axis(y, "#ddd"))
        parts.append(text(LEFT - 6, y + 4, number(value), 11, anchor="end"))
    group_width = (WIDTH - LEFT - RIGHT) / len(groups)
    bar_width = group_width * 0.86 / max(1, len(series))
    for g, group in enumerate(groups):
        start = LEFT + g * group_width + group_width * 0.07
        parts.append(text(LEFT + (g + 0.5) * group_width, HEIGHT - BOTTOM + 20, group, 13, anchor="middle"))
        for s, (_, entries) in enumerate(series):
            parts += bar(scale, start + s * bar_width, bar_width, entries[g], COLOURS[s % len(COLOURS)])
    parts.append(axis(HEIGHT - BOTTOM, "#333"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


class Scale:
    """From a value to a height; a logarithmic one ends at whole powers of ten."""

    def __init__(self, values, logarithmic):
        positive = [value for value in values if value > 0] or [1]
        self._log = logarithmic
        if logarithmic:
            first = math.floor(math.log10(min(positive)))
            last = max(first + 1, math.ceil(math.log10(max(positive))))
            self.ticks = [10.0 ** power for power in range(first, last + 1)]
        else:
            step = nice(max(positive) / 5)
            self.ticks = [step * i for i in range(math.ceil(max(positive) / step - 1e-9) + 1)]

    def y(self, value):
        low, high = self.ticks[0], self.ticks[-1]
        if self._log:
            share = math.log10(max(value, low) / low) / math.log10(high / low)
        else:
            share = value / high
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def nice(step):
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))


def bar(scale, x, width, entry, colour):
    middle, floor = x + width / 2, HEIGHT - BOTTOM
    if entry is None:
        return [text(middle + 4, floor - 4, "n/a", 10, colour="#999", turned=True)]
    value, label = entry
    top = scale.y(value)
    return [f'<rect x="{x + 1:.1f}" y="{top:.1f}" width="{width - 2:.1f}" height="{floor - top:.1f}" fill="{colour}"/>',
            text(middle + 4, top - 4, label, 10, turned=True)]


def axis(y, colour):
    return f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"/>'


def legend(names):
    """Up to four names a line, below the title."""
    parts = []
    for i, name in enumerate(names):
        x, y = LEFT + i % 4 * 218, 56 + i // 4 * 17
        parts.append(f'<rect x="{x}" y="{y}" width="11" height="11" fill="{COLOURS[i % len(COLOURS)]}"/>')
        parts.append(text(x + 16, y + 10, name, 12))
    return parts


def text(x, y, words, size, anchor="start", weight="normal", colour="#222", turned=False):
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" {FONT} text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{colour}"{turn}>{html.escape(words)}</text>')


def number(value):
    return f"{value:g}"


def write(folder, charts):
    """Write {name: svg} as files."""
    for name, svg in charts.items():
        with open(os.path.join(folder, f"{name}.svg"), "w") as f:
            f.write(svg)


def write_png(box, folder, names):
    """A picture of each chart beside it."""
    box.bind(folder, "/run/charts")
    for name in names:
        box.run(["rsvg-convert", "--zoom", "2", "-o", f"/run/charts/{name}.png", f"/run/charts/{name}.svg"],
                stderr=subprocess.PIPE, text=True)
