# SPDX-License-Identifier: MIT
"""Decides which machine runs which tests. Several machines run at the same time, and each asks for its next tests.

Tests whose machines boot in the same way are one kind. First, each kind gets one machine. If every kind has a machine, a
free thread starts another machine of the kind with the most work left. So the plan does not depend on exact test times.
The times of earlier runs only decide which tests come first.
"""

import json
import os
import sys
import threading

import paths

sys.path.insert(0, os.path.join(paths.CHECKOUT, "tests", "vm"))
import declare  # noqa: E402  (found through the line above)

TIMES = os.path.join(paths.CACHE, "test-seconds.json")
# The assumed time of a test without a known time, as a part of its limit.
UNKNOWN = 1 / 20
# Tests of one machine and one subject are split into several groups if they take longer, so that two machines can share them.
LONGEST_GROUP = 120
# The cost of another machine of a kind, in seconds.
BOOT = 25


class Kind:
    """Tests that can share a boot. If a machine dies while tests are left, another machine replaces it."""

    def __init__(self, boot):
        self.boot = boot
        self.boards = []        # the options of each board
        self.groups = []        # a Group for each machine and subject
        self.machines = 0       # number of running machines

    def seconds(self):
        return sum(group.seconds for group in self.groups)


class Group:
    """Tests of one subject that need the same machine."""

    def __init__(self, machine):
        self.machine = machine
        self.tests = []
        self.boards = []        # the numbers of its boards among those of the kind
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
        """No more tests are started."""
        with self._lock:
            for kind in self._kinds.values():
                kind.groups.clear()

    def take(self, kind, machine):
        """The next group for a machine of that kind, whose drivers are loaded for `machine`; None if no group is left."""
        with self._lock:
            if not kind.groups:
                return None
            group = max(kind.groups, key=lambda group: (group.machine == machine, group.seconds))
            kind.groups.remove(group)
            return group


def read_times():
    """{test: seconds}: the time of each test when it last passed."""
    try:
        with open(TIMES) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def write_times(times):
    """Write the times. If several runs end at the same time, the file is still complete."""
    partial = f"{TIMES}.{os.getpid()}"
    with open(partial, "w") as f:
        json.dump({**read_times(), **times}, f, indent=0, sort_keys=True)
    os.replace(partial, TIMES)
