# SPDX-License-Identifier: MIT
"""./dev bench. The plans in the folder bench/ say what is measured, and by which programs."""

import os
import sys

import paths

sys.path.insert(0, os.path.join(paths.CHECKOUT, "bench"))
