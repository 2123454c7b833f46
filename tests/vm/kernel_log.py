# SPDX-License-Identifier: MIT
"""The kernel's messages, and which of them fail a test."""

import os
import re

OURS = re.compile(r"cmacam|minicam|vb2[-_]cma|noncoherent", re.I)
ALWAYS_WRONG = re.compile(r"WARNING:|BUG:|BUG |Oops|Call [Tt]race|Bad page|refcount_t:|list_(add|del) corruption|"
                          r"KASAN|hung task|soft lockup|page allocation failure|"
                          # what only the debug kernel says
                          r"ODEBUG:|INFO: (trying to register non-static key|lockdep is turned off|task .* blocked)|"
                          r"turning off the locking correctness validator|memory leak detector disabled")
WRONG_AS_WARNING = re.compile(OURS.pattern + r"|DMA-API:|kmemleak:", re.I)
WARNING_LEVEL = 4
# A report's first line is not enough to find the fault by.
REPORT_LINES = 24


class KernelLog:
    """The kernel's messages since the last call."""

    def __init__(self):
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)

    def complaints(self, provoked=""):
        """New messages that make a test fail, except those that match `provoked`."""
        found, follow = [], 0
        while True:
            try:
                record = os.read(self._fd, 8192).decode(errors="replace")
            except BlockingIOError:
                return found
            except BrokenPipeError:
                found.append("kernel messages were lost: the log overran")
                continue
            head, _, message = record.partition(";")
            message = message.splitlines()[0]
            level = int(head.split(",")[0]) & 7
            if provoked and re.search(provoked, message):
                continue
            if ALWAYS_WRONG.search(message):
                follow = max(follow, REPORT_LINES)
            if follow or (level <= WARNING_LEVEL and WRONG_AS_WARNING.search(message)):
                # Loading modules built outside the kernel's tree says so, and is no fault.
                if not re.search(r"taints kernel|tainting kernel|verification failed", message):
                    found.append(message)
            follow = max(0, follow - 1)
