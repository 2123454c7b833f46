# SPDX-License-Identifier: MIT
"""What the benchmarks share: a machine that leaves results, and a folder for the report."""

import glob
import json
import os
import shutil

import paths
import vm
from bench import plot
from ui import Fail, say, step


def run(box, name, what, options, command):
    """Boot, run the command; ([figures of a cell], why the machine ended too soon, if it did)."""
    with step(what), vm.Machine(box, options) as machine:
        try:
            status = machine.run(command)
            died = f"the machine ended with status {status}"
        except Fail as error:
            status, died = 1, str(error)
        found = read_results(os.path.join(machine.state, "results"))
        if status != 0:
            console = os.path.join(paths.LOGS, f"bench-{name}-console.log")
            shutil.copy(os.path.join(machine.state, "console.log"), console)
            died += f"; its kernel's messages are in {console}"
            say(f"    {died}")
    return found, died


def read_results(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f if line.endswith("\n")]


def read_report(name, path):
    """The result that report() wrote to a file NAME.json; None if that file holds something else."""
    try:
        with open(path) as f:
            result = json.load(f)
    except OSError as error:
        raise Fail(f"{path}: {error.strerror}") from None
    except ValueError:
        return None
    return result if isinstance(result, dict) and result.get("bench") == name else None


def report(name, result, kind, box):
    """Table on the terminal; table, figures and charts into a folder, which it returns.

    kind: the module that makes them of the result. box: without one there are no PNGs.
    """
    folder = os.path.join(paths.OUT, "bench")
    os.makedirs(folder, exist_ok=True)
    # Of the last run, and not what somebody kept of it under a name of his own.
    for kind_of_file in (".json", ".txt", "-*.svg", "-*.png"):
        for old in glob.glob(os.path.join(folder, name + kind_of_file)):
            os.unlink(old)
    with open(os.path.join(folder, f"{name}.json"), "w") as f:
        f.write(kind.as_json(result))
    table = kind.table(result)
    with open(os.path.join(folder, f"{name}.txt"), "w") as f:
        f.write(table)
    say("\n" + table)
    charts = kind.charts(result)
    plot.write(folder, charts)
    if box:
        plot.write_png(box, folder, charts)
    return folder
