# SPDX-License-Identifier: MIT
"""./dev bench. What is measured, and by which programs, is bench/'s own; its plans are found from here on."""

import os
import sys

import paths

sys.path.insert(0, os.path.join(paths.CHECKOUT, "bench"))
