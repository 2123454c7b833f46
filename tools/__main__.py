# SPDX-License-Identifier: MIT
"""The program that ./dev starts."""

import sys

import cli

sys.exit(cli.main(sys.argv[1:]))
