# SPDX-License-Identifier: MIT
"""The paths of the checkout and of the cache. A fresh clone uses the same cache."""

import os

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = os.path.join(CHECKOUT, "tools")
BUILD = os.environ.get("CMACAM_BUILD") or os.path.join(CHECKOUT, "build")
OUT = os.path.join(CHECKOUT, "out")

CACHE = os.environ.get("CMACAM_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cmacam")
CCACHE = os.path.join(CACHE, "ccache")
LOGS = os.path.join(CACHE, "logs")
