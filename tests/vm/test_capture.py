# SPDX-License-Identifier: MIT
"""Plain V4L2: every frame arrives, unmodified applications stream, lost frames are counted."""

import contextlib
import os
import re

import lib
import nodes
import strides
import tracefs
from declare import Machine, vm_test


@vm_test()
def mmap_pages_are_the_ones_written():
    """V4L2 MMAP: the physical pages of each frame have the engine's addresses, and its nonce is the board's."""
    check_identity("mmap")


@vm_test()
def dmabuf_pages_are_the_ones_written():
    """Exported and imported again, as libcamera does: each frame has the engine's addresses and the board's nonce."""
    check_identity("dmabuf")


def check_identity(io):
    frames, _ = lib.probe("--io", io, "--frames", 12)
    written, _ = lib.Board.session()
    assert len(frames) == 12
    for frame in frames:
        board = written[int(frame["seq"])]
        assert "phys" in frame, f"the mapping of frame {frame['seq']} is not contiguous"
        assert lib.number(frame["phys"]) == lib.number(board["addr"]), (frame, board)
        assert frame["nonce"] == board["nonce"] and frame["mark_seq"] == frame["seq"], (frame, board)


@vm_test(settings={"mark": "lines"})
def every_line_is_fresh():
    """In mark mode lines, every 64 bytes of 20 frames have the frame's number, by MMAP and as dma-buf."""
    for io in ("mmap", "dmabuf"):
        frames, _ = lib.probe("--io", io, "--frames", 20, "--buffers", 3, "--lines")
        assert len(frames) == 20
        for frame in frames:
            assert int(frame["lines"]) == int(frame["bytes"]) // 64 == 640 * 480 * 3 // 2 // 64, frame
            assert frame["stale_lines"] == "0", frame
            assert frame["mark_seq"] == frame["seq"], frame


@vm_test()
def lines_without_a_stamp_are_stale():
    """In mark mode frame, only the first line of a frame has its number: the test's counter counts all other lines as stale."""
    frames, _ = lib.probe("--frames", 4, "--lines")
    assert len(frames) == 4
    for frame in frames:
        # No four bytes of limited-range pixels make so small a number.
        assert int(frame["stale_lines"]) == int(frame["lines"]) - 1 > 0, frame


@vm_test(settings={"digest": "sha256"})
def read_copies_and_says_so():
    """read() delivers the right bytes from other pages: so the test that compares pages can fail."""
    frames, _ = lib.probe("--io", "read", "--frames", 4, "--digest")
    written, _ = lib.Board.session()
    by_nonce = {entry["nonce"]: entry for entry in written.values()}
    for frame in frames:
        board = by_nonce[frame["nonce"]]
        assert frame["sha256"] == board["sha256"]
        assert lib.number(frame.get("phys", "0")) != lib.number(board["addr"])


@vm_test()
def v4l2_ctl_streams_every_format():
    """v4l2-ctl --stream-mmap, unmodified, streams each format without touching media-ctl."""
    for pixels in strides.FORMATS:
        out = lib.run(["v4l2-ctl", "-d", lib.video(), f"--set-fmt-video=width=320,height=240,pixelformat={pixels}",
                       "--stream-mmap", "--stream-count=20", "--stream-to=/tmp/frames"])
        assert "VIDIOC" not in out, out


@vm_test()
def v4l2src_streams_unmodified():
    """GStreamer's own v4l2src delivers 30 frames."""
    out = lib.run(["gst-launch-1.0", "-v", "v4l2src", f"device={lib.video()}", "num-buffers=30", "!",
                   "video/x-raw,format=NV12,width=640,height=480", "!", "fakesink", "silent=false"])
    assert len(re.findall(r"chain\s+\*{7}", out)) == 30, "30 buffers reach the sink"


@vm_test(settings={"starved": "drop", "fps": "60"})
def withheld_buffers_are_counted_exactly():
    """60 frames without a buffer: driver, events, trace, sequence gap and board report the same frame numbers."""
    with tracefs.Trace("cmacam:cmacam_lost") as trace:
        frames, events = lib.probe("--frames", 12, "--withhold-after", 3, "--until-lost", 66)
    sequences = [int(frame["seq"]) for frame in frames]
    _, lost = lib.Board.session()
    gap = set(range(sequences[-1] + 1)) - set(sequences)
    signalled = [n for event in events for n in range(int(event["first"]), int(event["first"]) + int(event["count"]))]
    assert int(events[-1]["total"]) == len(signalled)
    # On a busy machine more are lost after the last frame that was read.
    signalled = [n for n in signalled if n <= sequences[-1]]
    assert len(gap) >= 60, gap
    assert set(signalled) == gap and len(signalled) == len(gap), (signalled, gap)
    assert gap == {n for n in lost if n <= sequences[-1]}, (gap, lost)
    out = lib.run(["v4l2-ctl", "-d", lib.video(), "--list-ctrls"])
    lib.expect(out, r"frames_lost")
    # The trace goes on until the stream has ended, when nobody hears of events any more.
    traced = [{key: event.fields[key] for key in ("first", "count", "total")} for event in trace.events]
    assert traced[:len(events)] == [{key: event[key] for key in ("first", "count", "total")} for event in events], traced


@vm_test()
def traced_frames_are_the_ones_written():
    """Trace events of 8 frames: queue, start and end of each, with the board's sequence, address and size."""
    count = 8
    with tracefs.Trace("cmacam") as trace:
        # With one buffer no frame begins before its predecessor was taken.
        node = nodes.main().prepare(1).start()
        frames = []
        for number in range(count):
            frames.append(node.dequeue())
            lib.wait_until(lambda: trace.read().named("cmacam_frame_start", seq=number), f"start of frame {number}")
            if number + 1 < count:
                node.queue(0)
        nodes.close(node)
    written, _ = lib.Board.session()
    board = [written[number] for number in range(count)]
    assert len(trace.events) == 3 * count, trace.events
    assert {event.fields["ch"] for event in trace.events} == {"0"}
    assert [e.fields["seq"] for e in trace.named("cmacam_frame_start")] == [entry["seq"] for entry in board]
    queued, done = trace.named("cmacam_queue", buf=0), trace.named("cmacam_frame_done", buf=0, error=0)
    assert [e.fields["addr"] for e in queued] == [entry["addr"] for entry in board], (queued, board)
    keys = ("seq", "addr", "bytes")
    assert [[e.fields[key] for key in keys] for e in done] == [[entry[key] for key in keys] for entry in board], (done, board)
    assert [divmod(int(e.fields["timestamp"]) // 1000, 10**6) for e in done] == [frame.time for frame in frames]


@vm_test()
def starts_are_traced_while_a_stream_runs():
    """The trace event for starts of frames can be switched on and off while a stream runs."""
    node = nodes.main().prepare(4).start()
    with tracefs.Trace("cmacam:cmacam_frame_start") as trace:
        lib.wait_until(lambda: node.take() and trace.read().events, "a start of frame")
    nodes.close(node)


@vm_test()
def debug_lines_when_asked_for():
    """Dynamic debug of module cmacam prints formats, and starts and ends of streams. Without it, the driver prints nothing."""
    def said():
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(log, 0, os.SEEK_END)
        lib.probe("--frames", 4)
        lines = []
        with contextlib.suppress(BlockingIOError):
            while True:
                lines.append(os.read(log, 8192).decode().partition(";")[2].splitlines()[0])
        os.close(log)
        return [line for line in lines if line.startswith("cmacam ")]

    def debug(flag):
        with open("/sys/kernel/debug/dynamic_debug/control", "w") as f:
            f.write(f"module cmacam {flag}p")

    assert said() == []
    debug("+")
    try:
        lines = "\n".join(said())
    finally:
        debug("-")
    for line in (r"640x480 NV12 .* asked for", r"640x480 NV12 .* set, stride 640, 460800 bytes", r"streams into 4 buffers",
                 r"stopped: \d+ frames, 0 with errors, 0 lost"):
        lib.expect(lines, line)
    assert said() == []


@vm_test()
def timestamps_are_monotonic_and_now():
    """Timestamps are CLOCK_MONOTONIC at the start of exposure. They increase, and are never in the future."""
    import time
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    frames, _ = lib.probe("--frames", 20)
    after = time.clock_gettime(time.CLOCK_MONOTONIC)
    times = [float(frame["time"]) for frame in frames]
    assert times == sorted(times) and len(set(times)) == len(times), times
    assert before < times[0] and times[-1] < after, (before, times, after)
    flags = {lib.number(frame["flags"]) for frame in frames}
    for f in flags:
        assert f & 0x0000e000 == 0x00002000, f"{f:#x}: not monotonic"
        assert f & 0x00070000 == 0x00010000, f"{f:#x}: not start of exposure"


def check_stock(flags, *options):
    out = lib.run([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--frames", "8", "--digest", *options])
    frames = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    written, _ = lib.Board.session()
    lib.expect(out, rf"buffers count=4 flags={flags}\b")
    assert len(frames) == 8
    for frame in frames:
        assert frame["sha256"] == written[int(frame["seq"])]["sha256"]


@vm_test(machine=Machine(allocator="dma-contig"), settings={"digest": "sha256"})
def stock_allocator_streams_too():
    """allocator=dma-contig: the same driver streams with the kernel's own memory operations."""
    check_stock("0x0")
    check_stock("0x0", "--create")


@vm_test(machine=Machine(allocator="dma-contig-cached"), settings={"digest": "sha256"})
def stock_allocator_is_made_cached():
    """allocator=dma-contig-cached: buffers are non-coherent (flag 1) without a request for it, and every byte arrives."""
    check_stock("0x1")
    check_stock("0x1", "--create")
    check_stock("0x1", "--io", "dmabuf")


@vm_test(machine=Machine(board=("--fifo", "1")))
def one_address_at_a_time():
    """A board whose address FIFO holds only one entry: 40 frames without a gap."""
    frames, _ = lib.probe("--frames", 40)
    assert [int(frame["seq"]) for frame in frames] == list(range(40))


@vm_test()
def short_frames_do_not_shorten_the_default():
    """The exposure returns to its default when the frame is long enough for it again."""
    def controls():
        out = lib.run(["v4l2-ctl", "-d", lib.sensor(), "--list-ctrls"])
        return {m[1]: lib.fields(m[2]) for m in re.finditer(r"^\s*(\w+) 0x\S+ \(\w+\)\s*: (.*)$", out, re.M)}

    blanking = controls()["vertical_blanking"]
    for lines in (blanking["min"], blanking["default"]):
        lib.run(["v4l2-ctl", "-d", lib.sensor(), "-c", f"vertical_blanking={lines}"])
    # The board's reset value: half of the default frame length.
    assert int(controls()["exposure"]["default"]) == (2160 + int(blanking["default"])) // 2
