# SPDX-License-Identifier: MIT
"""tests/vm/coverage.py finds the lines of basic blocks in a listing, and which of them were reached."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "vm"))
import coverage  # noqa: E402

# Tabs as objdump writes them. The compiler has inlined helper() and a function of the kernel.
LISTING = """
vb2-cma.ko:     file format elf64-x86-64


Disassembly of section .text:

0000000000000000 <__pfx_begin>:
__pfx_begin():
       0:\tnop

0000000000000010 <begin>:
begin():
/src/drivers/media/vb2-cma/access.c:10
      10:\tendbr64
/src/drivers/media/vb2-cma/access.c:12
      14:\tcall   19 <begin+0x9>
\t\t\t15: R_X86_64_PLT32\t__sanitizer_cov_trace_pc-0x4
      19:\ttest   %eax,%eax
      1b:\tje     30 <begin+0x20>
helper():
/src/drivers/media/vb2-cma/../vb2-cma/access.c:5 (discriminator 1)
inlined by /src/drivers/media/vb2-cma/access.c:13 (begin)
      1d:\tcall   22 <begin+0x12>
\t\t\t1e: R_X86_64_PLT32\t__sanitizer_cov_trace_pc-0x4
list_add():
/usr/src/linux/include/linux/list.h:150
inlined by /src/drivers/media/vb2-cma/access.c:14 (begin)
      22:\tmov    %rax,%rbx
begin():
/src/drivers/media/vb2-cma/access.c:16
      30:\tcall   35 <begin+0x25>
\t\t\t31: R_X86_64_PLT32\t__sanitizer_cov_trace_pc-0x4
      35:\tret

0000000000000040 <other>:
other():
/src/drivers/media/cmacam/engine.c:20
      40:\tcall   45 <other+0x5>
\t\t\t41: R_X86_64_PLT32\t__sanitizer_cov_trace_pc-0x4
      45:\tret

Disassembly of section .init.text:

0000000000000000 <init>:
init():
/src/drivers/media/vb2-cma/main.c:30
       0:\tcall   5 <init+0x5>
\t\t\t1: R_X86_64_PLT32\t__sanitizer_cov_trace_pc-0x4
       5:\tret
"""
ACCESS, MAIN, ENGINE = "vb2-cma/access.c", "vb2-cma/main.c", "cmacam/engine.c"


class CoverageOfAListing(unittest.TestCase):
    def test_blocks(self):
        found = [(block.section, block.offset, sorted(block.lines)) for block in coverage.blocks(LISTING)]
        self.assertEqual(found, [
            (".text", 0x19, [(ACCESS, 10, "begin"), (ACCESS, 12, "begin")]),
            (".text", 0x22, [(ACCESS, 5, "helper"), (ACCESS, 13, "begin"), (ACCESS, 14, "begin")]),
            (".text", 0x35, [(ACCESS, 16, "begin")]),
            (".text", 0x45, [(ENGINE, 20, "other")]),
            (".init.text", 5, [(MAIN, 30, "init")])])

    def measured(self, *lines):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "0.pcs"), "w") as f:
                f.write("\n".join(lines) + "\n")
            return coverage.combine({"vb2_cma": LISTING}, list(coverage.recorded(folder)))

    def test_reached_lines(self):
        found = self.measured("section vb2_cma .text 0xffffffffc0100000", "section vb2_cma .init.text 0xffffffffc0200000",
                              "pc 0xffffffffc0100022", "pc 0xffffffffc0200005")
        self.assertEqual(found.lines[ACCESS], {10: False, 12: False, 5: True, 13: True, 14: True, 16: False})
        self.assertEqual(found.functions, {ACCESS: {"begin": True, "helper": True}, ENGINE: {"other": False},
                                           MAIN: {"init": True}})
        self.assertEqual(found.percent, 50)

    def test_an_address_of_another_module_reaches_nothing(self):
        found = self.measured("section cmacam .text 0xffffffffc0100000", "pc 0xffffffffc0100022")
        self.assertEqual(found.percent, 0)

    def test_the_report_names_what_was_not_reached(self):
        report = self.measured("section vb2_cma .text 0x1000", "pc 0x1022").report()
        self.assertRegex(report, r"vb2-cma/access.c +3 of +6 lines, +50.0 %")
        self.assertIn("never reached in cmacam/engine.c: other", report)
        self.assertIn("lines not reached in vb2-cma/access.c: 10 12 16", report)
        self.assertIn("37.5 % of the lines were reached", report)


unittest.main()
