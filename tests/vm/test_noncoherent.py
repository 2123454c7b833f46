# SPDX-License-Identifier: MIT
"""A board that does not snoop the CPU's caches: synchronised data is right, and other data reads as poison."""

import glob
import mmap
import os
import re

import lib
import nodes
import v4l2
from declare import Machine, vm_test

SHIM = "/build/drivers/media/noncoherent.ko"
POISON = 0xdb
FRAMES = 12
OURS = Machine(noncoherent=True)
STOCK = Machine(noncoherent=True, allocator="dma-contig")
CACHED = Machine(noncoherent=True, allocator="dma-contig-cached")


def good(*options):
    """Capture FRAMES frames. Returns (number of frames whose every byte is the board's, number of frames of poison only)."""
    frames, _ = lib.probe("--frames", FRAMES, "--digest", *options)
    written, _ = lib.Board.session()
    assert len(frames) == FRAMES
    poison = lib.sha256(bytes([POISON]) * int(frames[0]["bytes"]))
    exact = [f for f in frames if f["sha256"] == written[int(f["seq"])]["sha256"]]
    return len(exact), sum(f["sha256"] == poison for f in frames)


@vm_test(machine=Machine(no_board=True))
def the_shim_does_what_it_says():
    """The shim's own check: unsynchronised data is poison, a sync of a byte shows its line, a whole sync shows all."""
    lib.run(["insmod", SHIM, "selftest=1"])
    said = re.findall(r"noncoherent: selftest: (\d+) of (\d+) checks passed", lib.dmesg())
    assert len(said) == 1 and said[0][0] == said[0][1] and int(said[0][1]) > 60, said
    lib.run(["rmmod", "noncoherent"])


@vm_test(machine=OURS)
def the_board_is_not_coherent():
    """The board's driver is bound with the shim, reports this, and holds a reference to the shim."""
    lib.expect(lib.dmesg("drivers"), r"cmacam 0000:\S+ non-coherent: lines of 64 bytes, poison 0xdb")
    lib.expect(lib.run(["rmmod", "noncoherent"], status=1), r"in use")


@vm_test(machine=OURS, settings={"digest": "sha256"})
def mapped_frames_are_exact():
    """vb2-cma, V4L2 mmap without sync ioctls: every byte of 12 frames."""
    assert good("--io", "mmap") == (FRAMES, 0)


@vm_test(machine=OURS, settings={"digest": "sha256"})
def exported_frames_are_exact():
    """vb2-cma, exported and imported again as libcamera does, with and without SYNC: every byte."""
    assert good("--io", "dmabuf", "--sync") == (FRAMES, 0)
    assert good("--io", "dmabuf") == (FRAMES, 0)


@vm_test(machine=OURS, settings={"digest": "sha256"})
def large_frames_are_exact():
    """Buffers of 12 MB, which the page allocator does not have in one piece, are exact."""
    frames, _ = lib.probe("--frames", 3, "--digest", "--width", 3840, "--height", 2160)
    written, _ = lib.Board.session()
    assert [f["sha256"] for f in frames] == [written[n]["sha256"] for n in range(3)]


@vm_test(machine=OURS, settings={"digest": "sha256"})
def lores_and_statistics_are_exact():
    """Lores and statistics beside main: every byte of 12 frames and of 12 statistics, in buffers that are reused."""
    main = nodes.main().format("NV12", 640, 480).prepare()
    lores = nodes.lores().format("NV12", 320, 240).prepare()
    stats = nodes.stats().prepare()
    for node in (main, lores, stats):
        node.start()
    got = [[node.take() for node in (main, lores, stats)] for _ in range(FRAMES)]
    for channel, frames in enumerate(zip(*got)):
        written, _ = lib.Board.session(channel)
        assert [lib.sha256(frame.data) for frame in frames] == [written[n]["sha256"] for n in range(FRAMES)], channel
    nodes.close(main, lores, stats)


@vm_test(machine=OURS, settings={"digest": "sha256"})
def cam_files_are_exact():
    """Unmodified cam --file writes the board's bytes."""
    out = lib.run(["cam", "-c1", "--stream", "width=640,height=480,pixelformat=NV12", "--capture=5",
                   "--file=/tmp/shim-#.bin"])
    delivered = [int(seq) for seq in re.findall(r"seq: 0*(\d+)", out)]
    files = sorted(glob.glob("/tmp/shim-*.bin"))
    written, _ = lib.Board.session()
    assert len(files) == len(delivered) == 5, (files, delivered)
    assert [lib.sha256_file(f) for f in files] == [written[s]["sha256"] for s in delivered]
    for path in files:
        os.unlink(path)


@vm_test(machine=STOCK, settings={"digest": "sha256"})
def coherent_memory_is_exact():
    """The stock allocator's coherent memory is exact, also when it is imported again."""
    assert good("--io", "mmap") == (FRAMES, 0)
    assert good("--io", "dmabuf") == (FRAMES, 0)


@vm_test(machine=CACHED, settings={"digest": "sha256"})
def stock_mapped_frames_are_exact():
    """The stock allocator's cached memory, not exported, is exact: videobuf2 synchronises it at each DQBUF."""
    assert good("--io", "mmap") == (FRAMES, 0)


@vm_test(machine=CACHED, settings={"digest": "sha256"})
def stock_exported_frames_are_poison():
    """The stock allocator's cached memory, exported and imported again, is poison: not even the SYNC ioctl synchronises."""
    assert good("--io", "dmabuf") == (0, FRAMES)
    assert good("--io", "dmabuf", "--sync") == (0, FRAMES)


def rebind(rounds):
    address = os.path.basename(lib.pci_device())
    for _ in range(rounds):
        for what in ("unbind", "bind"):
            with open(f"/sys/bus/pci/drivers/cmacam/{what}", "w") as f:
                f.write(address)
        lib.wait_until(lambda: glob.glob("/dev/video0"), "the video node")
        lib.run(["udevadm", "settle"])
        frames, _ = lib.probe("--frames", 2)
        assert len(frames) == 2
    lib.run(["rmmod", "cmacam", "noncoherent"])
    lib.run(["insmod", SHIM, "device=1234:CA3A", "evict=5", "selftest=1"])
    lib.run(["insmod", "/build/drivers/media/cmacam.ko"])
    lib.run(["udevadm", "settle"])
    assert good("--io", "dmabuf") == (FRAMES, 0), "with eviction of dirty lines as well"


@vm_test(machine=OURS, settings={"digest": "sha256"})
def rebinding_leaves_nothing():
    """Twice: the driver is unbound, bound and streams. Then both modules are unloaded and loaded."""
    rebind(2)


@vm_test(machine=OURS, settings={"digest": "sha256"}, limit=300, long=True)
def rebinding_ten_times_leaves_nothing():
    """Ten times: the driver is unbound, bound and streams. Then both modules are unloaded and loaded."""
    rebind(10)


@vm_test(machine=OURS, settings={"digest": "sha256"})
def a_buffer_outlives_its_driver():
    """An exported buffer that is closed after the driver was unbound is freed correctly: no leak, no crash."""
    queue = v4l2.Queue(pixels=None)
    queue.request(1)
    dmabuf = queue.export(0)
    mapping = mmap.mmap(dmabuf, mmap.PAGESIZE)
    queue.close()
    lib.run(["rmmod", "cmacam"])
    assert set(mapping[:]) == {0}, "never captured into"
    mapping.close()
    os.close(dmabuf)
    lib.run(["rmmod", "noncoherent"])
    lib.run(["insmod", SHIM, "driver=cmacam"])
    lib.run(["insmod", "/build/drivers/media/cmacam.ko"])
    lib.run(["udevadm", "settle"])
    assert good("--io", "mmap") == (FRAMES, 0)
