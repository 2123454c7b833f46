# SPDX-License-Identifier: MIT
"""Two streams of one sensor, and what applications may do with buffers."""

import glob
import os
import re
import subprocess

import lib
from declare import vm_test
from test_errors import SMALL_CMA

RUN = "/build/libcam-pipeline/cmacam-run"
CHECK = "/build/tests/libcam-pipeline/session_check"
FORMATS = ("NV12", "R8", "YUYV", "RGB888", "R10", "SRGGB10", "SRGGB8", "YUV420", "BGR888", "XRGB8888", "XBGR8888")


def check(*arguments, **kwargs):
    return lib.run([RUN, CHECK, *map(str, arguments)], **kwargs)


def session():
    """The frames that the board wrote on main and lores in the last session: [{sequence: frame}]."""
    return [lib.Board.session(channel)[0] for channel in (0, 1)]


def capture(streams, frames=5):
    """The files that cam wrote for each stream: [{sequence: path}]. Each request must have one file per stream."""
    for old in glob.glob("/tmp/streams-*"):
        os.unlink(old)
    options = [word for stream in streams for word in ("--stream", stream)]
    lib.run(["cam", "-c1", *options, f"--capture={frames}", "--file=/tmp/streams-#.bin"], limit=60)
    files = []
    for i in range(len(streams)):
        paths = glob.glob(f"/tmp/streams-cam0-stream{i}-*.bin")
        files.append({int(re.search(r"-(\d+)\.bin$", path).group(1)): path for path in paths})
        assert len(files[-1]) == frames, (streams, files)
    return files


def same_frames(main, lores):
    """Both streams have the same frames, and every byte of each is the board's."""
    files = capture([main, lores])
    assert set(files[0]) == set(files[1])
    written = session()
    for channel in (0, 1):
        for sequence, path in files[channel].items():
            assert lib.sha256_file(path) == written[channel][sequence]["sha256"], (channel, sequence)
    for sequence in files[0]:
        assert written[0][sequence]["picture"] == written[1][sequence]["picture"]


@vm_test(settings={"digest": "sha256"}, limit=180)
def both_show_the_same_frame():
    """Main and lores in one request have the same sequence and the same picture, and every byte is the board's."""
    same_frames("role=viewfinder,width=1280,height=720,pixelformat=NV12",
                "role=viewfinder,width=320,height=240,pixelformat=RGB888")


@vm_test(settings={"digest": "sha256"}, limit=180)
def raw_and_processed_together():
    """Raw main and processed lores show the same frame."""
    same_frames("role=raw,width=640,height=480,pixelformat=SRGGB10",
                "role=viewfinder,width=640,height=480,pixelformat=NV12")


@vm_test(settings={"digest": "sha256"})
def every_format_of_either():
    """Each libcamera format on main, and each except Bayer on lores: every byte is the board's own."""
    before = len(lib.Board.log())
    out = check("pairs", *(f"322x242-{pixels} 162x122-{'YUYV' if pixels.startswith('S') else pixels}"
                           for pixels in FORMATS))
    seen = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    log = [lib.fields(line) for line in lib.Board.log()[before:]]
    written = {(entry["ch"], entry["nonce"]): entry for entry in log if "nonce" in entry}
    assert len(seen) == 4 * len(FORMATS)
    for main, lores in zip(seen[::2], seen[1::2]):
        of_board = [written[frame["stream"], frame["nonce"]] for frame in (main, lores)]
        assert [frame["sha256"] for frame in (main, lores)] == [entry["sha256"] for entry in of_board], of_board
        assert main["seq"] == lores["seq"] == of_board[0]["seq"] == of_board[1]["seq"], of_board
        assert of_board[0]["picture"] == of_board[1]["picture"], of_board
    formats = {channel: {entry["format"] for entry in log if "format" in entry and entry["ch"] == channel}
               for channel in "01"}
    assert (len(formats["0"]), len(formats["1"])) == (len(FORMATS), len(FORMATS) - 2), formats


@vm_test()
def the_raw_one_or_the_larger_one_is_main():
    """The second requested stream becomes main if it is raw or larger."""
    capture(["role=viewfinder,width=160,height=120,pixelformat=NV12",
             "role=viewfinder,width=320,height=240,pixelformat=NV12"])
    written = session()
    assert {frame["bytes"] for frame in written[0].values()} == {str(320 * 240 * 3 // 2)}, written[0]
    assert {frame["bytes"] for frame in written[1].values()} == {str(160 * 120 * 3 // 2)}, written[1]


# Streams as asked for, and what validate() makes of them.
ADJUSTED = {
    "640x480-NV12": "valid 640x480-NV12/Rec709/4",
    "640x480-NV12/3 320x240-RGB888/5": "valid 640x480-NV12/Rec709/3 320x240-RGB888/sRGB/5",
    # Any order, and lores larger than main where main has to be the raw one.
    "320x240-NV12 640x480-NV12": "valid 320x240-NV12/Rec709/4 640x480-NV12/Rec709/4",
    "1280x720-NV12 640x480-SRGGB10": "valid 1280x720-NV12/Rec709/4 640x480-SRGGB10/RAW/4",
    # No stream more than there are, one raw at most.
    "640x480-NV12 320x240-NV12 160x120-NV12": "adjusted 640x480-NV12/Rec709/4 320x240-NV12/Rec709/4",
    "640x480-SRGGB10 5001x17-SRGGB8": "adjusted 640x480-SRGGB10/RAW/4 3840x16-NV12/Rec709/4",
    # Sizes, formats, counts, colour spaces and orientations that there are not.
    "0x0-NV12": "adjusted 16x16-NV12/Rec709/4",
    "639x479-YUYV": "adjusted 638x478-YUYV/Rec709/4",
    "640x480-MJPEG": "adjusted 640x480-NV12/Rec709/4",
    "640x480-NV12/99": "adjusted 640x480-NV12/Rec709/16",
    "640x480-NV12/4/Srgb": "adjusted 640x480-NV12/Rec709/4",
    # A stride that is asked for; one that is too short, and one that the format cannot have.
    "720x576-NV12@1024": "valid 720x576-NV12/Rec709/4@1024",
    "640x480-NV12@1000 320x240-YUYV@1001": "adjusted 640x480-NV12/Rec709/4@1000 320x240-YUYV/Rec709/4@1004",
    "640x480-RGB888@640": "adjusted 640x480-RGB888/sRGB/4@1920",
    "640x480-NV12@99999": "adjusted 640x480-NV12/Rec709/4@32768",
    "640x480-NV12 rotated": "adjusted 640x480-NV12/Rec709/4",
    "": "invalid",
}


@vm_test()
def configurations_are_adjusted_honestly():
    """An unsupported configuration is adjusted and reported as adjusted. The result is valid and can be configured."""
    out = check("adjust", *ADJUSTED)
    made = dict(line.split(": ", 1) for line in out.splitlines() if line.split(": ", 1)[0] in ADJUSTED)
    assert made == ADJUSTED, made
    out = lib.run(["cam", "-c1", "-I", "--stream", "role=raw", "--stream", "role=raw"], status=None)
    assert "640x480" not in out, "two raw streams"


@vm_test(settings={"digest": "sha256"})
def a_stride_is_as_it_was_asked_for():
    """Strides of 1024 and 400 bytes on the two streams: all bytes, with padding, are the board's."""
    out = check("pairs", "720x576-NV12@1024 320x240-NV12@400")
    frames = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    assert len(frames) == 4, out
    for channel, written in enumerate(session()):
        assert {frame["bytes"] for frame in written.values()} == {str((1024 * 576, 400 * 240)[channel] * 3 // 2)}
        assert {written[int(frame["seq"])]["sha256"] for frame in frames if frame["stream"] == str(channel)} == \
            {frame["sha256"] for frame in frames if frame["stream"] == str(channel)}


@vm_test()
def no_stride_is_left_over():
    """cam: a size that is smaller than the default gets its own stride, not the default's."""
    for width in (624, 320, 640):
        for old in glob.glob("/tmp/left-over-*.bin"):
            os.unlink(old)
        lib.run(["cam", "-c1", "-s", f"width={width},height=480,pixelformat=NV12", "--capture=1",
                 "--file=/tmp/left-over-#.bin"])
        (path,) = glob.glob("/tmp/left-over-*.bin")
        assert os.path.getsize(path) == width * 480 * 3 // 2, (width, os.path.getsize(path))


@vm_test(limit=180)
def requests_may_want_either_stream():
    """120 requests for both streams, main or lores at random: frames match, and none is lost."""
    lib.expect(check("halves", 120, limit=170), r"frames=120 both=\d+")


@vm_test()
def buffers_are_kept():
    """Three sessions, each after configure(), use the buffers of the first: the board sees no other address."""
    before = len(lib.Board.log())
    lib.expect(check("keep", 3), "sessions=3")
    addresses = [{}, {}, {}]
    session_ = -1
    for line in lib.Board.log()[before:]:
        entry = lib.fields(line)
        if entry.get("ch") != "0":
            continue
        session_ += line.startswith("enable ")
        if line.startswith("frame "):
            addresses[session_][entry["addr"]] = True
    assert session_ == 2 and len(addresses[0]) == 4 and addresses[0] == addresses[1] == addresses[2], addresses


@vm_test(provokes="buffer too small")
def buffers_may_come_from_elsewhere():
    """Buffers of a dma-heap get frames. A buffer that is too small is refused with the reason."""
    lib.heap()
    out = check("import", lib.HEAP, 12)
    lib.expect(out, r"frames=12 refused: .*\d+")


@vm_test(machine=SMALL_CMA, provokes="cma=", needs=["cma"])
def half_a_request_does_not_part_the_streams():
    """Main refuses a buffer, and no memory is left for another: the request is cancelled, and later frames belong together."""
    lib.vb2_cma(backend="cma")
    out = check("unpaired", 10)
    lib.expect(out, r"No memory for a scratch buffer of 1920x1080")
    lib.expect(out, r"(?m)^frames=22$")


@vm_test(settings={"starved": "drop", "fps": "30"})
def who_holds_everything_is_told():
    """Frames are lost while the application holds all buffers: one log line names the holders, and one the lost frames."""
    stream = "4 of its 4 buffers of 320x240-NV12/Rec709"
    for streams, holds in ((1, stream), (2, f"{stream} and {stream}")):
        out = check("starve", streams, 2)
        others = [f"process {child} (cat) has 1 buffer open" for child in re.findall(r"(?:bystander|reader)=(\d+)", out)]
        assert len(others) == 2, out
        said = re.findall(r"^said: (.*)$", out, re.M)
        assert len(said) == 2, "not told each time"
        for text in said:
            assert re.match(rf"Frames are lost from number \d+ on: the application holds {holds}, process ", text), text
            assert sorted(text.split(", ")[1:]) == sorted(others), text
            assert out.count(text) == 2, "not told once"
        healed = [int(n) for n in re.findall(r"healed lost=(\d+)", out)]
        told = [int(n) for n in re.findall(r"(\d+) frames? lost, none since number \d+", out)]
        assert healed == told and len(told) == 1 and told[0] > 0, (healed, told)
        lib.expect(out, r"[1-9]\d* frames? lost until the camera stopped")


@vm_test()
def errors_stay_with_their_stream():
    """A torn frame of one stream is FrameError there. The other stream's frame and the next frames are good."""
    for channel, states in ((0, "EG"), (1, "GE")):
        lib.Board().command(f"fault torn 1 {channel}")
        lib.expect(check("states", 3), f"states={states},GG,GG")
