# SPDX-License-Identifier: MIT
"""./dev test: unit tests, static checks, and the subjects that need the machine."""

import dataclasses
import json
import os
import random
import re
import shlex
import threading
import time
import traceback

import arch as arches
import checks
import debugkernel
import feed
import foreign_modules
import intree
import kconfigs
import kernels
import packagetests
import plan
import programs_report
import rootfs
import units
import upstream
import vm
from plan import declare
from ui import Fail, duration, say, step

HOST_SUBJECTS = {"units": units, "checks": checks, "kconfig": kconfigs, "packages": packagetests}
# The nice value of host checks. They run beside the machines, whose tests have time limits.
POLITE = 5
SLOWEST = 10
# Seconds between two lines about tests that still run. Most tests are shorter than that.
STILL_RUNS = 60
# A limit that no machine of tests reaches, because the feed ends a machine that hangs.
LIMIT = 12 * 3600


class Tally:
    """Counts results and prints each, from any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self.results = {}
        self.times = {}
        self.reasons = {}       # why tests failed
        self._begun = {}        # {test that runs in a machine: time at which it began}

    def begin(self, name):
        """A machine runs this test now. A call while it runs changes nothing."""
        with self._lock:
            self._begun.setdefault(name, time.monotonic())

    def say_what_runs(self):
        """Name the tests that have been running for long."""
        with self._lock:
            for name, began in self._begun.items():
                seconds = time.monotonic() - began
                if seconds >= STILL_RUNS:
                    say(f"       {name} still runs ({duration(seconds)})")

    def add(self, name, outcome, seconds=0.0, said=""):
        with self._lock:
            self._begun.pop(name, None)
            self.results[name] = outcome
            self.times[name] = seconds
            if outcome == "not ok":
                self.reasons[name] = reason(said)
            lines = said.strip().splitlines()[-60:] if outcome != "ok" else []
            say("".join([f"{outcome:6} {name} ({seconds:.1f} s)", *(f"\n       {line}" for line in lines)]))

    def passed(self):
        """{test: seconds} for each test that passed."""
        return {name: seconds for name, seconds in self.times.items() if self.results[name] == "ok"}

    def count(self, outcome):
        return sum(1 for o in self.results.values() if o == outcome)

    def closing_line(self):
        return f"{self.count('ok')} passed, {self.count('not ok')} failed, {self.count('skip')} skipped"


def reason(said):
    """Why a test failed, on one line: its exception, or the first line of its output."""
    exceptions = re.findall(r"^(?:\w+\.)*\w*(?:Error|Expired|Exception|WrongStatus): .*(?:\n.*)*|"
                            r"^(?:the kernel complained:|no end within)(?:.*\n?)*", said, re.M)
    lines = (exceptions[0] if exceptions else said).split("\n")
    return " ".join(" | ".join(filter(None, map(str.strip, lines))).split())[:600]


def select(args, arch=arches.AMD64, chosen=None):
    """The tests to run: ([host subject], [vm test])."""
    known = [*HOST_SUBJECTS, *declare.subjects()]
    for subject in args.subjects:
        if subject not in known:
            raise Fail(f"{subject}: there is no such subject; the subjects are {', '.join(known)}")
        if arch.subjects and subject not in arch.subjects:
            raise Fail(f"{subject}: not on {arch.name} yet; the subjects there are {', '.join(arch.subjects)}")
        if args.debug_kernel and subject in HOST_SUBJECTS:
            raise Fail(f"{subject}: runs on the host and not on the debug kernel: leave out --debug-kernel")
        if chosen and subject in HOST_SUBJECTS:
            raise Fail(f"{subject}: runs on the host and not on the kernel {chosen.name}: leave out --kernel")
        if chosen and subject == "programs":
            raise Fail(f"{subject}: {kernels.NO_PROGRAMS}: leave out --kernel")
        if subject == upstream.SUBJECT and (chosen or args.debug_kernel):
            raise Fail(f"{subject}: {upstream.NO_OTHER_KERNEL}: leave out --kernel and --debug-kernel")
    wanted = (args.subjects or (kernels.SUBJECTS if chosen else ()) or arch.subjects
              or (debugkernel.SUBJECTS if args.debug_kernel else known))
    tests = [test for subject in wanted if subject not in HOST_SUBJECTS for test in declare.tests_of(subject)]
    only_there = [test for test in tests if test.debug_kernel]
    if args.subjects and tests == only_there and not args.debug_kernel and not args.list and tests:
        raise Fail(f"{' '.join(args.subjects)}: runs only on the debug kernel: use ./dev test --debug-kernel")
    if args.left_out:
        args.long = True
        tests = [test for test in tests if test.long]
    tests = [test for test in tests if args.match in test.full_name and (args.long or not test.long)
             and (args.soak or not test.soak) and (args.debug_kernel or args.list or not test.debug_kernel)]
    return [subject for subject in wanted if subject in HOST_SUBJECTS], tests


def main(args, ready):
    arch = arches.of(args)
    chosen = kernels.of(args, arch)
    lacks = chosen.lacks(arch) if chosen else arch.lacks
    if args.list:
        args.long = args.soak = True
    hosts, tests = select(args, arch, chosen)
    if args.list:
        return show(hosts, tests, lacks)
    programs = any(test.subject == "programs" for test in tests)
    later = [layer for name, subject in (("checks", checks), ("packages", packagetests)) if name in hosts
             for layer in subject.layers(args)]
    box = ready(layer=rootfs.PROGRAMS if programs else rootfs.WHOLE, later=later, arch=arch)
    if any(test.subject == upstream.SUBJECT for test in tests):
        lacks = (*lacks, *upstream.ensure(box))
    if args.debug_kernel:
        kernel = debugkernel.ensure(box)
    else:
        kernel = kernels.ensure(box, chosen, arch, tests=True) if chosen else vm.Kernel()
        kernel = dataclasses.replace(kernel, root=rootfs.ensure_image(box, arch.root) if tests else "", lacks=lacks)
    if any(test.subject == "in_tree" for test in tests):
        intree.ensure(box)
    if programs:
        with step("Building modules that Debian's kernel does not have"):
            foreign_modules.ensure(box, "codec", "v4l2loopback")
        programs_report.forget()
    if any(test.full_name == "adopt.long_vimc" for test in tests):
        with step("Building vimc, which Debian's kernel does not have"):
            foreign_modules.ensure(box, "vimc")
    tally = Tally()
    start = time.monotonic()
    finished = run(box, hosts, without_skips(tests, tally, lacks), tally, kernel, arch, args)
    if not tally.results:
        raise Fail("no test ran: no test matches")
    if arch.native and not chosen:
        plan.write_times(tally.passed())
    if programs and {test.full_name for test in declare.tests_of("programs")} <= set(tally.passed()):
        programs_report.write()
    for name in sorted(tally.times, key=tally.times.get, reverse=True)[:SLOWEST]:
        say(f"{tally.times[name]:6.1f} s  {name}")
    for name, why in tally.reasons.items():
        say(f"failed: {name}: {why}")
    say(f"{len(tally.results)} tests in {duration(time.monotonic() - start)}")
    if not finished:
        say("interrupted: the tests that are not listed here did not finish")
    print(tally.closing_line(), flush=True)
    return 130 if not finished else 1 if tally.reasons else 0


def missing(test, lacks):
    """The reason why the test cannot run on a machine that lacks these things, or ""."""
    return next((reason for what, reason in lacks if what in test.needs), "")


def without_skips(tests, tally, lacks):
    """The tests that can run on a machine that lacks these things. The others are skipped, each with its reason."""
    left = []
    for test in tests:
        if why := missing(test, lacks):
            tally.add(test.full_name, "skip", 0, why)
        else:
            left.append(test)
    return left


def run(box, hosts, tests, tally, kernel, arch, args):
    """Run host subjects and machines at the same time. True if all of them ran to their end."""
    times = plan.read_times()
    if args.shuffle is not None:
        dice = random.Random(args.shuffle)
        dice.shuffle(tests)
        times = {test.full_name: dice.random() for test in tests}
    wanted = plan.Plan(tests, times)
    threads = [Thread(tally, run_hosts, box, hosts, tally, args)] if hosts else []
    threads += [Thread(tally, run_machines, box, wanted, tally, kernel, arch) for _ in range(min(args.jobs, len(tests)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(STILL_RUNS)
                tally.say_what_runs()
    except KeyboardInterrupt:
        # The machines end with the threads that started them.
        wanted.stop()
        return False
    return True


class Thread(threading.Thread):
    """A thread whose exception is kept as a result, so that the results of the other threads are counted as well."""

    def __init__(self, tally, function, *args):
        super().__init__(daemon=True)
        self._tally = tally
        self._call = lambda: function(*args)

    def run(self):
        try:
            self._call()
        except Fail as error:
            self._tally.add(f"run.{self.name}", "not ok", 0, f"{error.detail}{error}")
        except Exception:
            self._tally.add(f"run.{self.name}", "not ok", 0, traceback.format_exc())


def run_hosts(box, subjects, tally, args):
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), POLITE)
    for subject in subjects:
        HOST_SUBJECTS[subject].run(box, tally, args)


def run_machines(box, wanted, tally, kernel, arch):
    """Run one machine after the other, as long as another machine helps."""
    while kind := wanted.kind():
        try:
            run_machine(box, wanted, kind, tally, kernel, arch)
        finally:
            wanted.ended(kind)


def run_machine(box, wanted, kind, tally, kernel, arch):
    """Boot one machine. If it dies, the tests of its current group fail."""
    say(f"==> machine: {describe(kind)}")
    taken = []

    def take():
        group = wanted.take(kind, taken[-1].machine if taken else None)
        taken.extend([group] if group else [])
        return (group.tests, group.boards) if group else ([], [])

    settings = [word for key, value in declare.SETTINGS.items() for word in (f"--{key}", value)]
    boards = [(*settings, *options) for options in kind.boards]
    source = feed.Feed(take, tally, kernel.slower)
    options = vm.Options(arch=arch, board=boards[0] if boards else (), more_boards=tuple(boards[1:]), no_board=not boards,
                         load_drivers=False, settled=True, kernel=kernel, tests=source, limit=LIMIT,
                         cma=kind.boot.cma, memory=kind.boot.memory, append=kind.boot.append, hotplug=kind.boot.hotplug)
    lacks = shlex.quote(json.dumps(dict(kernel.lacks)))
    command = f"exec env CMACAM_SLOWER={kernel.slower} CMACAM_LACKS={lacks} python3 -B /src/tests/vm/guest.py"
    if kernel.debug and not kind.boot.planted:
        command += " --detectors"
    with vm.Machine(box, options) as running:
        died = ""
        try:
            status = running.run(command)
            if status != 0:
                died = source.hung or f"the machine ended with status {status}"
        except Fail as error:
            died = str(error)
        if died:
            died += f"\n{running.last_words}"
            if not taken:
                take()
                source.pending(taken[0].tests if taken else [])
        source.close(died)


def show(hosts, tests, lacks):
    for subject in hosts:
        say(f"{subject}: {HOST_SUBJECTS[subject].__doc__.splitlines()[0]}")
    for test in tests:
        when = "".join(f" (--{word.replace('_', '-')})" for word in ("long", "soak", "debug_kernel") if getattr(test, word))
        why = missing(test, lacks)
        say(f"{test.full_name}: {test.purpose}{when}" + (f" (skipped: {why})" if why else ""))
    return 0


def describe(kind):
    """A kind of machine in words."""
    words = [word for board in kind.boards for word in ("a board", *board)] or ["no board"]
    words += [f"cma={kind.boot.cma}", f"memory={kind.boot.memory}", kind.boot.append]
    words += [word for word in ("hotplug", "planted", "patched") if getattr(kind.boot, word)]
    return " ".join(filter(None, words))
