# SPDX-License-Identifier: MIT
"""docs/programs.md: what programs of others make of the camera, of what ./dev test programs --long left."""

import glob
import json
import os
import shutil

import paths

FOLDER = os.path.join(paths.BUILD, "programs")
PAGE = os.path.join(paths.CHECKOUT, "docs", "programs.md")
HEAD = """# Programs that use the camera

`./dev test programs --long` starts programs of others as their users do, on the reference platform and in its machine,
and makes this page of what they show. Right means: the picture has the size that was asked for, and its mean difference
from the board's own picture is below 4 of 255.

A program can ask for every even size. Some programs (v4l2src, Chromium) take only what the node lists, which are the
ordinary sizes, 650x480 not among them; cmacamsrc, libcamera's own programs and those that ask by number have every size. The
module parameter `stepwise=1` of cmacam makes the node tell its range instead of the list. v4l2src then offers
every size, and programs that know lists only find none.

"""


def forget():
    """What an earlier run left."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def write():
    """The page, of all programs that were tried."""
    programs = []
    for path in glob.glob(os.path.join(FOLDER, "*.json")):
        with open(path) as f:
            programs.append(json.load(f))
    programs.sort(key=lambda program: program["program"].lower())
    reasons = []
    rows = [row for program in programs for row in rows_of(program, reasons)]
    lines = ["| program | version | formats | right at | otherwise |", "|---|---|---|---|---|", *rows, "",
             *(f"{number}. {reason}." for number, reason in enumerate(reasons, 1)), "",
             *dict.fromkeys(f"{program['note']}.\n" for program in programs if program["note"]),
             "## How each was started", "", "| program | command |", "|---|---|"]
    for program in programs:
        command = program["command"].replace("|", "\\|")
        lines.append(f"| {program['program']} | `{command}` |")
    with open(PAGE, "w") as f:
        f.write(HEAD + "\n".join(lines) + "\n")


def rows_of(program, reasons):
    """The rows of a program, one for all formats with the same outcomes; reasons become numbers."""
    alike = {}
    for entry in program["tries"]:
        alike.setdefault(entry["format"], []).append((entry["size"], entry["outcome"], entry["reason"]))
    for outcomes in dict.fromkeys(map(tuple, alike.values())):
        formats = ", ".join(pixels or "its own choice" for pixels, found in alike.items() if tuple(found) == outcomes)
        right = [size for size, outcome, _ in outcomes if outcome == "right"]
        wrong = {}
        for size, outcome, reason in outcomes:
            if outcome != "right":
                wrong.setdefault((outcome, reason), []).append(size)
        otherwise = "; ".join(f"{', '.join(sizes) if len(sizes) < len(outcomes) else 'each size'}: "
                              f"{outcome}{number_of(reason, reasons)}" for (outcome, reason), sizes in wrong.items())
        sizes = f"all {len(outcomes)} sizes" if not wrong else ", ".join(right) or "none"
        yield f"| {program['program']} | {program['version']} | {formats} | {sizes} | {otherwise} |"


def number_of(reason, reasons):
    """The note's mark of a reason."""
    if not reason:
        return ""
    if reason not in reasons:
        reasons.append(reason)
    return f" ({reasons.index(reason) + 1})"
