# SPDX-License-Identifier: MIT
"""Which machine runs which tests: several side by side, each asks for more when it is done.

Tests whose machines boot alike are one kind. A kind is begun by one machine; a thread that finds no other kind to begin
helps where most is left. So nobody needs to know beforehand how long a test takes; what earlier runs took only
decides what comes first.
"""

import json
import os
import sys
import threading

import paths

sys.path.insert(0, os.path.join(paths.CHECKOUT, "tests", "vm"))
import declare  # noqa: E402  (found through the line above)

TIMES = os.path.join(paths.CACHE, "test-seconds.json")
# Where nothing is known, a test takes this part of its limit.
UNKNOWN = 1 / 20
# Tests of one machine and one subject that take longer are several groups, so that two machines can share them.
LONGEST_GROUP = 120
# What a further machine of a kind costs, in seconds of tests.
BOOT = 25


class Kind:
    """Tests that can share a boot; a machine that died is replaced as long as there are some."""

    def __init__(self, boot):
        self.boot = boot
        self.boards = []        # options of each
        self.groups = []        # of tests with one machine and one subject
        self.machines = 0       # that run

    def seconds(self):
        return sum(group.seconds for group in self.groups)


class Group:
    """Tests of one subject that want the same machine."""

    def __init__(self, machine):
        self.machine = machine
        self.tests = []
        self.boards = []        # their numbers among those of the kind
        self.seconds = 0.0


class Plan:
    """All tests of a run, for any number of threads."""

    def __init__(self, tests, times):
        self._lock = threading.Lock()
        self._kinds = {}
        groups = {}
        for test in tests:
            kind = self._kinds.setdefault(test.machine.boot, Kind(test.machine.boot))
            key = test.machine, test.subject
            if key not in groups or groups[key].seconds > LONGEST_GROUP:
                groups[key] = Group(test.machine)
                groups[key].boards = declare.place(test.machine.boards, kind.boards)
                kind.groups.append(groups[key])
            groups[key].tests.append(test)
            groups[key].seconds += times.get(test.full_name, test.limit * UNKNOWN)

    def kind(self):
        """The kind of machine that helps most if one more machine starts, or None."""
        with self._lock:
            left = [kind for kind in self._kinds.values() if kind.groups]
            fresh = [kind for kind in left if not kind.machines]
            helped = [kind for kind in left if kind.seconds() > BOOT and len(kind.groups) > 1]
            found = max(fresh or helped, key=Kind.seconds, default=None)
            if found:
                found.machines += 1
            return found

    def ended(self, kind):
        """A machine of that kind has ended."""
        with self._lock:
            kind.machines -= 1

    def stop(self):
        """Nothing more is to be run."""
        with self._lock:
            for kind in self._kinds.values():
                kind.groups.clear()

    def take(self, kind, machine):
        """The next group for a machine of that kind, whose drivers are loaded for `machine`; None at the end."""
        with self._lock:
            if not kind.groups:
                return None
            group = max(kind.groups, key=lambda group: (group.machine == machine, group.seconds))
            kind.groups.remove(group)
            return group


def read_times():
    """{test: seconds} as of the last time that it passed."""
    try:
        with open(TIMES) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def write_times(times):
    """Several runs may end at once; each leaves a whole file."""
    partial = f"{TIMES}.{os.getpid()}"
    with open(partial, "w") as f:
        json.dump({**read_times(), **times}, f, indent=0, sort_keys=True)
    os.replace(partial, TIMES)
