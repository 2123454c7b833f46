# SPDX-License-Identifier: MIT
"""The patches for other projects: which files are patches, and when their tests are skipped."""

import os
import re
import sys
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import foreign_modules  # noqa: E402
import patching  # noqa: E402
import upstream  # noqa: E402


class Tests(unittest.TestCase):
    def test_each_patch_is_a_mail_and_the_cover_letter_is_not_applied(self):
        for project, count in (("linux", 2), ("libcamera", 2)):
            found = patching.patches(project)
            self.assertEqual(len(found), count)
            for path in found:
                with open(os.path.join(CHECKOUT, path)) as f:
                    text = f.read()
                self.assertRegex(text, r"\AFrom 0{40} ")
                self.assertRegex(text, r"(?m)^Subject: \[PATCH( \d/\d)?\] (media|libcamera): ")
                self.assertRegex(text, r"(?m)^Signed-off-by: ")

    def test_the_module_has_the_one_source_that_its_patches_change(self):
        build = foreign_modules.BUILDS["dma_contig"]
        for path in patching.patches(build.patches):
            with open(os.path.join(CHECKOUT, path)) as f:
                self.assertEqual(set(re.findall(r"^\+\+\+ b/(.*)$", f.read(), re.M)), set(build.sources))

    def test_another_version_is_named_with_ours(self):
        self.assertEqual(upstream.moved("Linux", "7.2", "7.2"), "")
        self.assertIn("for Linux are for 7.2, and the reference platform has 7.4", upstream.moved("Linux", "7.4", "7.2"))

    def test_what_apt_says_of_a_version_that_is_gone(self):
        for said, gone in (("E: Version '7.2.12-1' for 'linux-source-7.2' was not found", True),
                           ("E: Unable to locate package linux-source-7.2", True),
                           ("E: Failed to fetch http://mirror/x", False)):
            self.assertEqual(bool(upstream.NOT_THERE.search(f"the module dma_contig: x\n{said}\n")), gone, said)


if __name__ == "__main__":
    unittest.main()
