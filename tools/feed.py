# SPDX-License-Identifier: MIT
"""Gives tests to one machine, group by group, and receives their results, through a port of the machine."""

import contextlib
import json
import socket
import threading

import hotplug

# The longest time between two messages of the machine, without the time of tests, in seconds: for booting, loading drivers
# and the like on a busy host. A machine that takes longer hangs.
ALLOWANCE = 400
# The time to read messages that a machine sent before it ended.
LAST_WORDS = 30


class Feed:
    """The tests of one machine.

    take: returns the next group as ([test], the numbers of its boards), or ([], []) if no group is left.
    """

    def __init__(self, take, tally, slower):
        self._take = take
        self._tally = tally
        self._slower = slower
        self._pending = []              # tests without a result
        self._listener = None
        self._thread = None
        self.hung = ""                  # what the machine was ended for

    def words(self, machine, path):
        """Listen at this socket for the machine, and return QEMU's options for the port."""
        self._listener = hotplug.listen(machine.sandbox.root + path)
        self._thread = threading.Thread(target=self._serve, args=(machine, self._listener), daemon=True)
        self._thread.start()
        return ["-chardev", f"socket,id=tests,path={path}", "-device", "virtserialport,chardev=tests,name=cmacam.tests"]

    def _serve(self, machine, listener):
        with contextlib.suppress(OSError):      # the machine has ended
            connection, _ = listener.accept()
            with connection, connection.makefile("r") as lines:
                while True:
                    connection.settimeout(self._limit())
                    try:
                        line = lines.readline()
                    except TimeoutError:
                        self.hung = f"the machine printed nothing for {self._limit():.0f} s"
                        machine.end()
                        return
                    if not line:
                        return
                    self._hear(connection, json.loads(line))

    def _limit(self):
        return self._slower * (ALLOWANCE + (self._pending[0].limit if self._pending else 0))

    def _hear(self, connection, message):
        if "next" in message:
            self._pending, boards = self._take()
            names = [test.full_name for test in self._pending]
            connection.sendall(json.dumps({"tests": names, "boards": boards}).encode() + b"\n")
        else:
            self._tally.add(**message)
            self._pending = [test for test in self._pending if test.full_name != message["name"]]
        if self._pending:
            self._tally.begin(self._pending[0].full_name)

    def pending(self, tests):
        """Note tests that were taken for a machine which ended before it asked for them."""
        self._pending = tests

    def close(self, died):
        """Called when the machine has ended: tests without a result have failed."""
        if self._listener:
            # Its last message may not have reached the tally yet. Nothing else wakes a thread that waits for a machine.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join(LAST_WORDS)
            self._listener.close()
        for number, test in enumerate(self._pending):
            self._tally.add(test.full_name, "not ok", 0, "no result: " + (f"as {self._pending[0].full_name}" if number else died))
        if died and not self._pending:
            self._tally.add("machine.ends_well", "not ok", 0, died)
