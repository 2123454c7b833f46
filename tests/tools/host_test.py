# SPDX-License-Identifier: MIT
"""./dev as an ordinary user: errors name what the host lacks, with the command that root must run once."""

import os
import sys
import tempfile
import unittest
from unittest import mock

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import host  # noqa: E402
from ui import Fail  # noqa: E402


class OrdinaryUser(unittest.TestCase):
    def refusal(self, installed=("mmdebstrap", "newuidmap"), has_range=True):
        with mock.patch("os.geteuid", return_value=1000), mock.patch("getpass.getuser", return_value="ada"), \
                mock.patch("shutil.which", side_effect=lambda name: name if name in installed else None), \
                mock.patch.object(host, "has_range", return_value=has_range), \
                mock.patch.object(host, "NAMESPACE", ["false"]), self.assertRaises(Fail) as refused:
            host.become_root()
        return str(refused.exception)

    def test_a_missing_package_is_named(self):
        self.assertIn("run apt-get install uidmap as root, once", self.refusal(installed=("mmdebstrap",)))
        self.assertIn("run apt-get install mmdebstrap uidmap as root, once", self.refusal(installed=()))

    def test_a_missing_range_is_named(self):
        self.assertIn("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ada", self.refusal(has_range=False))

    def test_a_host_without_user_namespaces_is_said_to_be_one(self):
        self.assertIn("does not let ada make a user namespace", self.refusal())

    def test_root_goes_on(self):
        with mock.patch("os.geteuid", return_value=0), mock.patch("os.execvpe") as started:
            host.become_root()
        started.assert_not_called()

    def test_ranges(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(f"ada:100000:65536\nbob:165536:1000\n{os.getuid()}:300000:65536\n")
            file.flush()
            self.assertTrue(host.has_range(file.name, "ada"))
            self.assertTrue(host.has_range(file.name, "by-number"))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("ada:100000:65536\nbob:165536:1000\n")
            file.flush()
            self.assertFalse(host.has_range(file.name, "bob"))
            self.assertFalse(host.has_range(file.name, "eve"))
        self.assertFalse(host.has_range("/nonexistent", "ada"))


unittest.main()
