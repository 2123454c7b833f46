# SPDX-License-Identifier: MIT
"""What the console of a machine says about its death."""

import re

# How the kernel begins to report its own fault.
FAULT = re.compile(r"^.*(?:\bBUG\b|Oops:|general protection fault|Unable to handle|Kernel panic)", re.M)
# A frame that is on the stack and may have no part in it.
DOUBTFUL = re.compile(r"^(?:\[[^\]]*\])? +\? .*\n", re.M)
# Numbers of characters.
MOST = 20000
USUAL = 3000


def last_words(text):
    """The end of a console, without doubtful frames: the usual number of characters, or more if a report of a fault is longer."""
    end = text[-MOST:]
    fault = FAULT.search(end)
    start = min(fault.start() if fault else len(end), max(len(end) - USUAL, 0))
    return DOUBTFUL.sub("", end[start:])
