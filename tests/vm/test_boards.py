# SPDX-License-Identifier: MIT
"""Several boards in one machine: each has its own sensor, frames, log and control port."""

import concurrent.futures

import lib
from declare import Machine, vm_test

# People walk before the first one.
PEOPLE = "/usr/share/cmacam/vtest.avi"
TWO = Machine(board=("--source", PEOPLE), more_boards=(("--sensor", "1280x720", "--light", "-1"),), hotplug=True)
FRAMES = 60


def stream(device, frames=FRAMES):
    got, _ = lib.probe("--format", "NV12", "--width", 640, "--height", 480, "--frames", frames, "--digest",
                       device=device)
    return {int(frame["seq"]): frame["sha256"] for frame in got}


def check(number, got, frames=FRAMES):
    """Every byte is what this board wrote, and no frame is missing."""
    written, _ = lib.Board.session(number=number)
    assert got == {sequence: written[sequence]["sha256"] for sequence in range(frames)}, f"board {number}"


@vm_test(machine=TWO)
def each_has_its_own_settings():
    """Two boards have different arrays and light, and a fault of one board does not affect the other."""
    assert [lib.Board(number).command("get light") for number in range(2)] == ["0", "-1"]
    nodes = [device for _, device in lib.nodes("cmacam-capture")]
    sizes = [lib.run(["v4l2-ctl", "-d", device, "--list-framesizes", "NV12"]) for device in nodes]
    assert "3840x2160" in sizes[0] and "1280x720" in sizes[1] and "3840" not in sizes[1], sizes
    lib.Board(1).command("fault drop 3")
    assert sorted(stream(nodes[0], 5)) == [0, 1, 2, 3, 4]
    assert sorted(stream(nodes[1], 5)) == [3, 4, 5, 6, 7]


@vm_test(machine=TWO, settings={"digest": "sha256"})
def one_goes_the_other_stays():
    """While one board is unplugged and plugged in again, the other board delivers every frame."""
    (_, stays), (folder, _) = lib.nodes("cmacam-capture")
    before = len(lib.Board.log())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        streaming = pool.submit(stream, stays)
        lib.wait_until(lambda: len(lib.Board.log()) > before + 3, "streaming")
        with open(f"{folder}/remove", "w") as f:
            f.write("1")
        with open("/sys/bus/pci/rescan", "w") as f:
            f.write("1")
        got = streaming.result()
    check(0, got)
    lib.wait_until(lambda: len(lib.nodes("cmacam-capture")) == 2, "the second board is back", 30)
    check(1, stream(lib.video(1), 5), 5)
