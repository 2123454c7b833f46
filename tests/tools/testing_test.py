# SPDX-License-Identifier: MIT
"""What ./dev test prints about tests that take long."""

import contextlib
import io
import os
import sys
import unittest
from unittest import mock

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import testing  # noqa: E402


class WhatRuns(unittest.TestCase):
    def setUp(self):
        self.tally = testing.Tally()
        patch = mock.patch("testing.time.monotonic", side_effect=lambda: self.now)
        patch.start()
        self.addCleanup(patch.stop)
        self.now = 1000

    def said_at(self, now):
        self.now = now
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.tally.say_what_runs()
        return out.getvalue()

    def test_a_long_test_is_named_until_it_ends(self):
        self.tally.begin("fuzz.long")
        self.assertEqual(self.said_at(1000 + testing.STILL_RUNS - 1), "")
        self.tally.begin("fuzz.long")       # a message of another test came, and this one is still the next
        self.assertEqual(self.said_at(1000 + 125), "       fuzz.long still runs (2 min 5 s)\n")
        with contextlib.redirect_stdout(io.StringIO()):
            self.tally.add("fuzz.long", "ok")
        self.assertEqual(self.said_at(2000), "")

    def test_the_next_test_begins_at_its_own_time(self):
        self.tally.begin("fuzz.first")
        self.now = 1100
        with contextlib.redirect_stdout(io.StringIO()):
            self.tally.add("fuzz.first", "ok")
        self.tally.begin("fuzz.second")
        self.assertEqual(self.said_at(1100 + testing.STILL_RUNS - 1), "")


if __name__ == "__main__":
    unittest.main()
