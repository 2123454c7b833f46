# SPDX-License-Identifier: MIT
"""The kernel configurations of ./dev test --long kconfig: which ones there are, and which messages count as ours."""

import os
import sys
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import kconfigs  # noqa: E402

OUTPUT = """\
  CC      scripts/mod/empty.o
/run/kconfig/tree/include/linux/mm.h:7:1: warning: 'a' is not used
  CC [M]  drivers/media/vb2-cma/buf.o
In file included from /run/kconfig/tree/drivers/media/vb2-cma/buf.c:3:
/run/kconfig/tree/include/linux/mm.h:9:1: warning: 'b' is not used
  LD [M]  drivers/media/common/common.o
drivers/media/cmacam/cmacam.o: warning: objtool: cmacam_probe() falls through
Warning: /run/kconfig/tree/drivers/media/vb2-cma/sync.c:8 function parameter 'c' not described
"""


class Configurations(unittest.TestCase):
    def test_ten_are_compiled_and_one_is_linked(self):
        compiled = [each for each in kconfigs.CONFIGURATIONS if each.wanted["VIDEO_CMACAM"] != "n"]
        self.assertGreaterEqual(len(compiled), 10)
        self.assertLessEqual({"x86_64", "i386", "arm", "arm64"}, {each.arch for each in compiled})
        self.assertEqual([each.name for each in compiled if each.linked], ["linked"])
        self.assertEqual(len({each.name for each in kconfigs.CONFIGURATIONS}), len(kconfigs.CONFIGURATIONS))

    def test_each_says_what_becomes_of_our_options(self):
        for each in kconfigs.CONFIGURATIONS:
            with self.subTest(each.name):
                self.assertLessEqual(set(kconfigs.OURS_AND_OBJECTS), set(each.wanted))

    def test_each_object_has_a_source(self):
        for path in kconfigs.OURS_AND_OBJECTS.values():
            self.assertTrue(os.path.exists(os.path.join(CHECKOUT, "drivers/media", path[:-1] + "c")), path)


class Messages(unittest.TestCase):
    def test_a_header_of_the_kernel_warns_about_our_file(self):
        found = list(kconfigs.messages_of_ours(OUTPUT))
        self.assertEqual([line.split(": ")[-1] for line in found],
                         ["'b' is not used", "cmacam_probe() falls through",
                          "/run/kconfig/tree/drivers/media/vb2-cma/sync.c:8 function parameter 'c' not described"])

    def test_a_division_that_only_the_compiler_s_library_has(self):
        for line, ours in (("buf.o:         U __udivdi3", True), ("buf.o:         U __aeabi_uldivmod", True),
                           ("buf.o:         U __aeabi_uidiv", False), ("buf.o:         U mul_u64_u64_div_u64", False)):
            self.assertEqual(bool(kconfigs.DIVISION.search(line)), ours, line)


if __name__ == "__main__":
    unittest.main()
