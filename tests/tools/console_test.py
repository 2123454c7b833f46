# SPDX-License-Identifier: MIT
"""What ./dev prints of the console of a machine that died."""

import os
import sys
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import console  # noqa: E402

BEFORE = "[    1.000000] cmacam: an ordinary message\n" * 400
REPORT = ("[   90.798839] kernel BUG at mm/page_isolation.c:348!\n"
          "[   90.804592] Oops: invalid opcode: 0000 [#1] SMP KASAN\n"
          + "[   90.821755]  ? doubtful+0x1/0x2\n" * 200
          + "[   90.822146]  contig_alloc+0x185/0x340 [vb2_cma]\n" * 80
          + "[   90.838147] Kernel panic - not syncing: Fatal exception\n")


class LastWords(unittest.TestCase):
    def test_a_report_is_whole_and_has_no_doubtful_frames(self):
        said = console.last_words(BEFORE + REPORT)
        self.assertTrue(said.startswith("[   90.798839] kernel BUG at mm/page_isolation.c:348!\n"))
        self.assertEqual(said.count("contig_alloc"), 80)
        self.assertNotIn("doubtful", said)
        self.assertTrue(said.endswith("Fatal exception\n"))

    def test_a_short_report_has_what_was_said_before(self):
        said = console.last_words(BEFORE + "[    9.000000] Kernel panic - not syncing: VFS\n")
        self.assertEqual(len(said), console.USUAL)
        self.assertIn("an ordinary message", said)

    def test_without_a_report_it_is_the_end(self):
        self.assertEqual(console.last_words(BEFORE), BEFORE[-console.USUAL:])
        self.assertEqual(console.last_words(""), "")


if __name__ == "__main__":
    unittest.main()
