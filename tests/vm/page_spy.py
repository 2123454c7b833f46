# SPDX-License-Identifier: MIT
"""Inspects a running, unmodified consumer from outside: it finds the physical pages behind the consumer's mappings of
frames, and the board's marks in these pages. It needs root.

No code is added to the consumer, so the results are those of the program as users run it.
"""

import os
import struct
import threading

import lib

PAGE = os.sysconf("SC_PAGESIZE")
PRESENT = 1 << 63
FRAME_MASK = (1 << 55) - 1
MARK = struct.Struct("<IIQIIII")
MARK_MAGIC = 0x4B52414D


def frame_mappings(pid):
    """(start, length, inode) of each mapping of the process that may be a frame."""
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            words = line.split(maxsplit=5)
            name = words[5].strip() if len(words) > 5 else ""
            if "dmabuf" in name or "cmacam" in name or name.startswith("/dev/video"):
                start, end = (int(x, 16) for x in words[0].split("-"))
                yield start, end - start, words[4]


def physical(pid, start, length):
    """The physical address of a mapping; None if a page is missing or the pages are not contiguous."""
    count = length // PAGE
    with open(f"/proc/{pid}/pagemap", "rb") as f:
        f.seek(start // PAGE * 8)
        entries = struct.unpack(f"<{count}Q", f.read(8 * count))
    first = entries[0] & FRAME_MASK
    if all(e & PRESENT and e & FRAME_MASK == first + i for i, e in enumerate(entries)):
        return first * PAGE
    return None


class PageSpy:
    """Samples a process until it ends.

    addresses: the physical start addresses of all frame mappings that were seen. marks: {sequence: {(nonce, physical start)}} of
    the marks in these mappings.
    """

    def __init__(self, pid, interval=0.01):
        self.pid = pid
        self.interval = interval
        self.addresses = set()
        self.marks = {}
        # A mapping of the same buffer at the same place has the same pages: they are pinned by it.
        self._known = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(30)

    def _watch(self):
        while not self._stop.wait(self.interval):
            try:
                self._sample()
            except (FileNotFoundError, ProcessLookupError, struct.error, OSError):
                # The process ended, or unmapped while it was looked at.
                continue

    def _sample(self):
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            for mapping in frame_mappings(self.pid):
                start, length, _ = mapping
                address = self._known.get(mapping) or physical(self.pid, start, length)
                self._known[mapping] = address
                if address is None:
                    continue
                self.addresses.add(address)
                memory.seek(start)
                magic, sequence, nonce, *_ = MARK.unpack(memory.read(MARK.size))
                if magic == MARK_MAGIC:
                    self.marks.setdefault(sequence, set()).add((nonce, address))

    def check(self, written):
        """Compare with the board's log: {sequence: entry}. Returns the number of marks that were at the logged address."""
        assert self.addresses, "no mapping of a frame was seen in the consumer"
        seen = 0
        for sequence, marks in self.marks.items():
            entry = written.get(sequence)
            if entry is None:
                continue
            truth = (lib.number(entry["nonce"]), lib.number(entry["addr"]))
            assert marks == {truth}, f"frame {sequence}: consumer has {marks}, board wrote {truth}"
            seen += 1
        for sequence, entry in written.items():
            assert lib.number(entry["addr"]) in self.addresses, \
                f"frame {sequence} was written to {entry['addr']}, which the consumer never mapped"
        return seen
