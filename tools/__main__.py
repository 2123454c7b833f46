# SPDX-License-Identifier: MIT
"""./dev lands here."""

import sys

import cli

sys.exit(cli.main(sys.argv[1:]))
