# SPDX-License-Identifier: MIT
"""Unit tests of board, library, handler and plugin (GoogleTest, on the host)."""

import json
import os
import subprocess
import time

import paths

LIMIT = 300
SKIPPED = 77    # status of a test that is not a GoogleTest and cannot run


def run(box, tally, args):
    if args.left_out:
        return
    listed = box.run(["meson", "introspect", "--tests", "/build"], stdout=subprocess.PIPE).stdout
    for test in json.loads(listed):
        start = time.monotonic()
        report = os.path.join(paths.BUILD, f"unit-{test['name']}.json")
        if os.path.exists(report):
            os.unlink(report)
        command = ["timeout", "-k", "5", str(LIMIT), *test["cmd"]]
        if test["protocol"] == "gtest":
            command.append(f"--gtest_output=json:/build/{os.path.basename(report)}")
        done = box.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", env=test["env"])
        cases = list(read_cases(report)) if os.path.exists(report) else []
        for name, outcome, seconds, said in cases:
            if args.match in name:
                tally.add(f"units.{test['name']}.{name}", outcome, seconds, said)
        # A program that crashed, or is not a GoogleTest, is a separate result.
        if done.returncode == SKIPPED:
            tally.add(f"units.{test['name']}", "skip", time.monotonic() - start, done.stdout)
        elif done.returncode and not any(outcome == "not ok" for _, outcome, _, _ in cases):
            tally.add(f"units.{test['name']}", "not ok", time.monotonic() - start,
                      f"status {done.returncode}\n{done.stdout}")
        elif not cases:
            tally.add(f"units.{test['name']}", "ok", time.monotonic() - start)


def read_cases(path):
    """(name, outcome, seconds, output) of each case in a GoogleTest report."""
    with open(path) as f:
        report = json.load(f)
    for suite in report["testsuites"]:
        for case in suite["testsuite"]:
            failures = "\n".join(failure["failure"] for failure in case.get("failures", []))
            skipped = case["result"] == "SKIPPED" or case["status"] == "NOTRUN"
            outcome = "not ok" if failures else "skip" if skipped else "ok"
            said = failures or "\n".join(s.get("message", "") for s in case.get("skipped", []))
            yield f"{suite['name']}.{case['name']}", outcome, float(case["time"].rstrip("s")), said
