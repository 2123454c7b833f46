# SPDX-License-Identifier: MIT
"""Bounce buffers: DMA of memory that a device cannot address, by a copy. A test fails if the kernel copies so meanwhile."""

import os
import re

from tracefs import TRACEFS

INSTANCE = f"{TRACEFS}/instances/cmacam-bounces"


class Bounces:
    """The bounces since the last call. In a machine that bounces all DMA on purpose, none are seen."""

    def __init__(self):
        with open("/proc/cmdline") as f:
            self._on = "swiotlb=force" not in f.read().split()
        if self._on:
            os.mkdir(INSTANCE)
            self._write("events/swiotlb/swiotlb_bounced/enable")

    def complaints(self, provoked=""):
        """What makes a test fail. Bounces of a trace line that matches `provoked` do not."""
        if not self._on:
            return []
        with open(f"{INSTANCE}/trace") as f:
            seen = [line.strip() for line in f if not line.startswith("#")]
        if seen:
            self._write("trace")    # forgets them
        if provoked:
            seen = [line for line in seen if not re.search(provoked, line)]
        return [f"{len(seen)} times DMA was bounced, first: {seen[0]}"] if seen else []

    @staticmethod
    def _write(file):
        with open(f"{INSTANCE}/{file}", "w") as f:
            f.write("1")
