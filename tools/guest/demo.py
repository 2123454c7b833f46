# SPDX-License-Identifier: MIT
"""The demo inside the machine: each consumer reads the whole video; what it read is checked
against the board's log, and where its pages lie is looked up from outside."""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, "/src/tests/vm")
import lib  # noqa: E402  (the demo's proof is the tests' proof)
from page_spy import PageSpy  # noqa: E402

OUT = "/src/out"
WIDTH, HEIGHT = 768, 576
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2
FRAMES = 795
FIFO = "/tmp/frames"
LIMIT = 180


class Listener(threading.Thread):
    """Reads whole frames from a pipe, as a consumer's consumer, and keeps their digests."""

    def __init__(self):
        super().__init__(daemon=True)
        os.mkfifo(FIFO)
        # Opened for writing as well: cam opens and closes its file for every frame.
        self._fd = os.open(FIFO, os.O_RDWR)
        fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._enough = os.eventfd(0)
        self.digests = []
        self.start()

    def run(self):
        import select
        digest, have = hashlib.sha256(), 0
        while True:
            ready, _, _ = select.select([self._fd, self._enough], [], [])
            if self._fd not in ready:
                return
            chunk = os.read(self._fd, min(1 << 20, FRAME_BYTES - have))
            digest.update(chunk)
            have += len(chunk)
            if have == FRAME_BYTES:
                self.digests.append(digest.hexdigest())
                digest, have = hashlib.sha256(), 0

    def stop(self):
        os.eventfd_write(self._enough, 1)
        self.join(30)
        os.unlink(FIFO)


def consume(command):
    """Run a consumer under the spy: (seconds, what it printed, spy)."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    spy = PageSpy(child.pid, interval=0.1)
    out, _ = child.communicate(timeout=LIMIT)
    spy.stop()
    if child.returncode:
        sys.exit(f"{' '.join(command)}: status {child.returncode}\n{out[-4000:]}")
    return time.monotonic() - start, out, spy


def bytes_copied(spy, written):
    """Per frame: 0 where the consumer mapped the very pages, the frame's size where it did not."""
    total = 0
    for sequence, entry in written.items():
        truth = (lib.number(entry["nonce"]), lib.number(entry["addr"]))
        same_pages = truth[1] in spy.addresses
        contradicted = spy.marks.get(sequence, {truth}) != {truth}
        if contradicted or not same_pages:
            total += int(entry["bytes"])
    return total


def row(name, delivered, looked_at, lost, seconds, copied):
    print(f"{name}: {delivered} frames in {seconds:.1f} s, {looked_at} looked at, {lost} lost, "
          f"{copied} bytes copied", flush=True)
    return {"consumer": name, "frames": delivered, "looked at": looked_at, "lost": lost,
            "fps": round(delivered / seconds, 1), "bytes copied by the CPU": copied}


def piped(name, command):
    """A consumer that writes its frames into a pipe, where each is compared with the board's."""
    listener = Listener()
    seconds, _, spy = consume(command)
    lib.wait_until(lambda: len(listener.digests) >= FRAMES, f"{name}: {FRAMES} frames")
    listener.stop()
    frames, lost = lib.Board.session()
    written = {n: frames[n] for n in range(len(listener.digests)) if n in frames}
    same = sum(digest == written[n]["sha256"] for n, digest in enumerate(listener.digests) if n in written)
    if same != len(listener.digests):
        sys.exit(f"{name}: only {same} of {len(listener.digests)} frames equal what the board wrote")
    return row(name, len(listener.digests), same, len(lost), seconds, bytes_copied(spy, written))


def people(looked_at):
    """The OpenCV detector on frames spread over the whole video."""
    command = ["/build/examples/people", "--frames", str(looked_at), "--every", str(FRAMES // looked_at),
               "--size", f"{WIDTH}x{HEIGHT}", "--out", OUT, "--contact-sheet", f"{OUT}/contact-sheet.jpg",
               "--verify"]
    seconds, out, spy = consume(["/build/libcam-pipeline/cmacam-run", *command])
    reports = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    frames, lost = lib.Board.session()
    last = max(int(report["sequence"]) for report in reports)
    written = {n: entry for n, entry in frames.items() if n <= last}
    for report in reports:
        entry = written[int(report["sequence"])]
        if lib.number(report["phys"]) != lib.number(entry["addr"]):
            sys.exit(f"frame {report['sequence']}: OpenCV looked at {report['phys']}, "
                     f"the board wrote {entry['addr']}")
    found = sum(int(report["people"]) for report in reports)
    print(f"people found in {len(reports)} frames: {found}", flush=True)
    return row("OpenCV people", len(written), len(reports), len(lost), seconds, bytes_copied(spy, written))


def read_row():
    """What a copy looks like: the same video through read()."""
    start = time.monotonic()
    count = 60
    with contextlib.redirect_stdout(None):
        frames, _ = lib.probe("--io", "read", "--width", WIDTH, "--height", HEIGHT, "--frames", count)
    written, lost = lib.Board.session()
    by_nonce = {entry["nonce"]: entry for entry in written.values()}
    copied = sum(int(frame["bytes"]) for frame in frames
                 if lib.number(frame.get("phys", "0")) != lib.number(by_nonce[frame["nonce"]]["addr"]))
    return row("read()", len(frames), len(frames), len(lost), time.monotonic() - start, copied)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--looked-at", type=int, default=15, help="0: without the people detector")
    args = parser.parse_args()
    caps = f"video/x-raw,format=NV12,width={WIDTH},height={HEIGHT}"
    rows = [
        piped("gst-launch cmacamsrc", ["gst-launch-1.0", "-q", "cmacamsrc", f"num-buffers={FRAMES}", "!", caps, "!",
                                       "filesink", f"location={FIFO}"]),
        piped("cam", ["cam", "-c1", "--stream", f"width={WIDTH},height={HEIGHT},pixelformat=NV12",
                      f"--capture={FRAMES}", f"--file={FIFO}"]),
        *([people(args.looked_at)] if args.looked_at else []),
        read_row(),
    ]
    with open(f"{OUT}/table.json", "w") as f:
        json.dump(rows, f, indent=2)


main()
