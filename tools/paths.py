# SPDX-License-Identifier: MIT
"""Where things are: the checkout, and the cache that a fresh clone finds again."""

import os

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = os.path.join(CHECKOUT, "tools")
BUILD = os.environ.get("CMACAM_BUILD") or os.path.join(CHECKOUT, "build")
OUT = os.path.join(CHECKOUT, "out")

CACHE = os.environ.get("CMACAM_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cmacam")
CCACHE = os.path.join(CACHE, "ccache")
LOGS = os.path.join(CACHE, "logs")
