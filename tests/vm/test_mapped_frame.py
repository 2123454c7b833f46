# SPDX-License-Identifier: MIT
"""MappedFrame: the library maps the frame's own memory."""

import lib
from declare import vm_test

PROBE = ["/build/libcam-pipeline/cmacam-run", "/build/tests/vm/mapped_probe"]


def look(*options):
    """The frame lines of mapped_probe, and the board's log entry of each frame."""
    out = lib.run([*PROBE, *map(str, options)])
    frames = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    written, _ = lib.Board.session()
    return [(frame, written[int(frame["seq"])]) for frame in frames]


@vm_test()
def pages_are_the_ones_written():
    """MappedFrame has the pages of the engine, and the nonce is the board's."""
    seen = look("--frames", 12)
    assert len(seen) == 12
    for frame, board in seen:
        assert lib.number(frame["phys"]) == lib.number(board["addr"]), (frame, board)
        assert frame["nonce"] == board["nonce"] and frame["mark_seq"] == frame["seq"], (frame, board)


@vm_test(settings={"digest": "sha256"})
def every_byte_is_the_board_s():
    """5 frames of each format at 640x480: every byte that MappedFrame shows is the board's."""
    for pixels in ("NV12", "R8", "SRGGB10"):
        seen = look("--format", pixels, "--frames", 5)
        assert len(seen) == 5
        for frame, board in seen:
            assert frame["sha256"] == board["sha256"], (pixels, frame, board)


@vm_test(settings={"digest": "sha256"})
def uhd():
    """NV12 and SRGGB10 at 3840x2160, 2 frames each."""
    for pixels in ("NV12", "SRGGB10"):
        seen = look("--format", pixels, "--width", 3840, "--height", 2160, "--frames", 2)
        assert len(seen) == 2
        for frame, board in seen:
            assert frame["sha256"] == board["sha256"], (pixels, frame, board)
