# SPDX-License-Identifier: MIT
"""./dev test: unit tests, static checks, and the subjects that need the machine."""

import json
import os
import sys
import time

import checks
import debugkernel
import intree
import paths
import units
import vm
from ui import Fail, duration, say

sys.path.insert(0, os.path.join(paths.CHECKOUT, "tests", "vm"))
import declare  # noqa: E402  (found through the line above)

BOOT_ALLOWANCE = 60
HOST_SUBJECTS = {"units": units, "checks": checks}


class Tally:
    """Counts results and prints one line each."""

    def __init__(self):
        self.results = {}

    def add(self, name, outcome, seconds=0.0, said="", show=True):
        self.results[name] = outcome
        if not show:
            return
        say(f"{outcome:6} {name} ({seconds:.1f} s)")
        if outcome != "ok" and said:
            say("".join(f"       {line}\n" for line in said.strip().splitlines()[-60:]).rstrip("\n"))

    def count(self, outcome):
        return sum(1 for o in self.results.values() if o == outcome)

    def closing_line(self):
        return f"{self.count('ok')} passed, {self.count('not ok')} failed, {self.count('skip')} skipped"


def select(args):
    """The tests to run: ([host subject], [vm test])."""
    known = [*HOST_SUBJECTS, *declare.subjects()]
    for subject in args.subjects:
        if subject not in known:
            raise Fail(f"{subject}: no such subject; there are {', '.join(known)}")
        if args.debug_kernel and subject in HOST_SUBJECTS:
            raise Fail(f"{subject}: runs on the host, no kernel of ours is in it: leave --debug-kernel out")
    wanted = args.subjects or (debugkernel.SUBJECTS if args.debug_kernel else known)
    tests = [test for subject in wanted if subject not in HOST_SUBJECTS for test in declare.tests_of(subject)]
    only_there = [test for test in tests if test.debug_kernel]
    if args.subjects and tests == only_there and not args.debug_kernel and not args.list and tests:
        raise Fail(f"{' '.join(args.subjects)}: runs on the debug kernel only: ./dev test --debug-kernel")
    tests = [test for test in tests if args.match in test.full_name and (args.long or not test.long)
             and (args.debug_kernel or args.list or not test.debug_kernel)]
    return [subject for subject in wanted if subject in HOST_SUBJECTS], tests


def main(args, ready):
    if args.list:
        args.long = True
    hosts, tests = select(args)
    if args.list:
        return show(hosts, tests)
    box = ready()
    kernel = debugkernel.ensure(box) if args.debug_kernel else vm.Kernel()
    if any(test.subject == "in_tree" for test in tests):
        intree.ensure(box)
    tally = Tally()
    start = time.monotonic()
    for subject in hosts:
        say(f"==> {subject}")
        HOST_SUBJECTS[subject].run(box, tally, args.long, args.match)
    for machine, group in by_machine(tests):
        run_group(box, machine, group, tally, kernel)
    failed = [name for name, outcome in tally.results.items() if outcome == "not ok"]
    if failed:
        say("failed: " + ", ".join(failed))
    say(f"{len(tally.results)} tests in {duration(time.monotonic() - start)}")
    if not tally.results:
        raise Fail("no test ran: nothing matches")
    print(tally.closing_line(), flush=True)
    return 1 if failed else 0


def show(hosts, tests):
    for subject in hosts:
        say(f"{subject}: {HOST_SUBJECTS[subject].__doc__.splitlines()[0]}")
    for test in tests:
        when = (" (--long)" if test.long else "") + (" (--debug-kernel)" if test.debug_kernel else "")
        say(f"{test.full_name}: {test.purpose}{when}")
    return 0


def by_machine(tests):
    groups = {}
    for test in tests:
        groups.setdefault(test.machine, []).append(test)
    return groups.items()


def run_group(box, machine, group, tally, kernel):
    """One boot for the tests that share a machine. One that dies fails what it did not finish."""
    say(f"==> machine: {describe(machine)}")
    limit = kernel.slower * (BOOT_ALLOWANCE + sum(test.limit for test in group))
    settings = [word for key, value in declare.SETTINGS.items() for word in (f"--{key}", value)]
    options = vm.Options(board=(*settings, *machine.board), no_board=machine.no_board, cma=machine.cma,
                         more_boards=tuple((*settings, *board) for board in machine.more_boards),
                         hotplug=machine.hotplug, memory=machine.memory, allocator=machine.allocator, noncoherent=machine.noncoherent,
                         evict=machine.evict, append=machine.append, allocator_params=machine.allocator_params,
                         limit=limit, kernel=kernel)
    names = [test.full_name for test in group]
    command = f"exec env CMACAM_SLOWER={kernel.slower} python3 -B /src/tests/vm/guest.py "
    if kernel.debug and not machine.planted:
        # A result of each boot, named after its last test.
        names.append(f"detectors_after.{names[-1]}")
        command += f"--detectors {names[-1]} "
    with vm.Machine(box, options) as running:
        try:
            status = running.run(command + " ".join(test.full_name for test in group))
            died = "" if status == 0 else f"the machine ended with status {status}"
        except Fail as error:
            died = str(error)
        finished = read_results(os.path.join(running.state, "results"))
        for result in finished:
            tally.add(result["name"], result["outcome"], show=False)
        for name in set(names) - {result["name"] for result in finished}:
            tally.add(name, "not ok", said=f"no result: {died}\n{running.console[-3000:]}")


def read_results(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f if line.endswith("\n")]


def describe(machine):
    words = ["no board"] if machine.no_board else ["a board", *machine.board]
    words += [word for board in machine.more_boards for word in ("a board", *board)]
    words += [f"{key}={getattr(machine, key)}" for key in ("cma", "memory", "allocator")]
    words += [word for word in ("hotplug", "noncoherent", "planted") if getattr(machine, word)]
    words += [f"evict={machine.evict}"] if machine.evict else []
    words += [extra for extra in (machine.append, machine.allocator_params) if extra]
    return " ".join(words)
