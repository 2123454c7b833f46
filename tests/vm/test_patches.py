# SPDX-License-Identifier: MIT
"""Our patches for other projects (patches/): each fault without the patch, and the same test with it."""

import os
import subprocess

import lib
import stale
import test_in_tree
import test_noncoherent
import test_ownership
import test_stale
import v4l2
from declare import Machine, vm_test
from importer import BOTH, imported

CACHED = "dma-contig-cached"
STOCK = Machine(noncoherent=True, allocator=CACHED)
PATCHED = Machine(noncoherent=True, allocator=CACHED, patched=True)
EVICTING = Machine(noncoherent=True, allocator=CACHED, patched=True, evict=2)
# The board and test-importer do not snoop.
TWO_STOCK = Machine(noncoherent=True, noncoherent_importer=True, allocator=CACHED)
TWO_PATCHED = Machine(noncoherent=True, noncoherent_importer=True, allocator=CACHED, patched=True)
LINUX, LIBCAMERA = ["patched-linux"], ["patched-libcamera"]
# Readers between SYNC ioctls, by themselves or by GStreamer; and those that need none.
DISCIPLINED = ("dmabuf_sync", "libcamerasrc", "cmacamsrc", "mapped_frame", "mapped_frame_roi", "v4l2_mmap", "read")

PATCHED_LIBCAMERA = "/build/patched-libcamera"
PROBE = f"{lib.PROBES}/message_probe"
# libcamera's own tests of threads, messages, timers and signals.
OWN_TESTS = ("event", "event-thread", "message", "object", "object-delete", "object-invoke", "signal", "signal-threads",
             "threads")
# These measure times with a tolerance of 50 ms, which a busy machine exceeds now and then. A missing wake-up fails each time.
TIMED_TESTS, ATTEMPTS = ("event-dispatcher", "timer", "timer-thread"), 5
SKIPPED = 77


# vb2-dma-contig

@vm_test(machine=STOCK, settings=test_stale.LINES, long=True, limit=300, needs=["shim"])
def without_patch_the_ioctl_does_nothing():
    """Stock dma-contig-cached, exported: stale lines between SYNC ioctls."""
    test_stale.matrix_of_stock(test_stale.NAMED["dmabuf_sync"], test_stale.FEW)


@vm_test(machine=PATCHED, settings=test_stale.LINES, long=True, limit=600, needs=["shim", *LINUX])
def readers_that_sync_are_fresh():
    """Patched dma-contig-cached, exported: no stale line for V4L2, GStreamer and MappedFrame, each with the SYNC ioctl."""
    for name in DISCIPLINED:
        print(name)
        test_stale.none_stale(test_stale.NAMED[name], test_stale.FEW)
    test_stale.none_stale(test_stale.NAMED["dmabuf_sync"], test_stale.LARGE)


@vm_test(machine=PATCHED, settings=test_stale.LINES, long=True, limit=300, needs=["shim", *LINUX])
def a_reader_without_the_ioctl_is_stale():
    """Patched dma-contig-cached, exported: cam, which does not use the SYNC ioctl, has stale lines, so the shim is at work."""
    test_stale.matrix_of_stock(test_stale.NAMED["cam_file"], test_stale.FEW)


@vm_test(machine=PATCHED, settings={"digest": "sha256"}, long=True, limit=300, needs=["shim", *LINUX])
def every_byte_is_the_board_s():
    """Patched dma-contig-cached, exported: between SYNC ioctls, every byte of 12 frames is exact."""
    assert test_noncoherent.good("--io", "dmabuf", "--sync") == (test_noncoherent.FRAMES, 0)


@vm_test(machine=EVICTING, settings=test_stale.DIGESTS, long=True, limit=300, needs=["shim", *LINUX])
def evictions_do_no_harm():
    """Patched, with dirty lines evicted at random: frames are exact, also if the reader overwrites each one."""
    test_stale.intact(test_stale.NAMED["dmabuf_sync"])
    test_stale.intact(test_stale.Reader("scribbler", "a dma-buf between SYNC ioctls", stale.scribbler(disciplined=True)))


def exchange():
    """A device and the CPU write to an exported buffer. Returns whether (the CPU, the device) sees what the other wrote."""
    by_device, by_cpu, place = b"device" * 100, b"cpu" * 100, 4096
    with test_ownership.one_exported_buffer() as (_, fd), imported(fd, BOTH) as device, \
            v4l2.map_dmabuf(fd, test_ownership.SIZE, test_ownership.WRITABLE) as pixels:
        device.write(by_device)
        v4l2.sync(fd, v4l2.START | v4l2.RW)
        seen = pixels[:len(by_device)]
        pixels[place:place + len(by_cpu)] = by_cpu
        v4l2.sync(fd, v4l2.END | v4l2.RW)
        return seen == by_device, device.read(len(by_cpu), place) == by_cpu


@vm_test(machine=TWO_STOCK, long=True, needs=["shim"])
def without_patch_importers_are_forgotten():
    """Stock: what another device writes to an exported buffer does not reach the CPU, nor the other way round."""
    assert exchange() == (False, False)


@vm_test(machine=TWO_PATCHED, long=True, needs=["shim", *LINUX])
def importers_are_synced():
    """Patched: between SYNC ioctls, the CPU sees what another device wrote, and the device what the CPU wrote."""
    assert exchange() == (True, True)


# libcamera

def cam_without_pixel_rate():
    """cam, while the sensor's pixel rate cannot be read. Returns (status, output)."""
    done = subprocess.run(["cam", "-c1", "-C1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=60 * lib.SLOWER,
                          env={**os.environ, "LD_PRELOAD": f"{lib.PROBES}/failing_controls.so"})
    print(done.stdout[-3000:])
    return done.returncode, done.stdout


@vm_test(long=True)
def without_patch_a_sensor_that_goes_aborts():
    """Stock libcamera: if the sensor goes before its pixel rate is read, the application ends by an assertion."""
    status, said = cam_without_pixel_rate()
    assert status == -6, status
    lib.expect(said, r"get\(\) const.*Assertion")


@vm_test(long=True, needs=LIBCAMERA)
def a_sensor_that_goes_is_an_error():
    """Patched libcamera: if the sensor goes before its pixel rate is read, the application gets an error."""
    test_in_tree.use(PATCHED_LIBCAMERA)
    status, said = cam_without_pixel_rate()
    assert status > 0, status
    lib.expect(said, r"Failed to retrieve camera info controls")


def messages():
    """{test: its numbers} of message_probe."""
    out = lib.run([PROBE], limit=100)
    return {line.split()[0]: {key: int(value) for key, value in lib.fields(line).items()} for line in out.splitlines()}


def all_delivered(seen):
    assert seen["own"]["delivered"] == seen["timer"]["delivered"] == 1, seen
    assert seen["main"]["delivered"] == seen["main"]["messages"], seen


@vm_test(long=True)
def without_patch_a_thread_wakes_itself():
    """Stock libcamera: for each message of a thread to itself, there is a write to the thread's eventfd."""
    seen = messages()
    assert seen["own"]["wake_ups"] == seen["own"]["messages"], seen
    all_delivered(seen)


@vm_test(long=True, needs=LIBCAMERA)
def a_thread_does_not_wake_itself():
    """Patched libcamera: no write for a thread's messages to itself. All are delivered, also those to the main thread."""
    test_in_tree.use(PATCHED_LIBCAMERA)
    seen = messages()
    assert seen["own"]["wake_ups"] == 0, seen
    all_delivered(seen)


@vm_test(long=True, limit=600, needs=LIBCAMERA)
def its_own_tests_pass():
    """Patched libcamera: its own tests of threads, messages, timers and signals pass."""
    test_in_tree.use(PATCHED_LIBCAMERA)
    for name in (*OWN_TESTS, *TIMED_TESTS):
        for _ in range(ATTEMPTS if name in TIMED_TESTS else 1):
            print(f"==> {name}", flush=True)
            status = subprocess.run([f"{PATCHED_LIBCAMERA}/build/test/{name}"], timeout=60 * lib.SLOWER).returncode
            if status == 0:
                break
        assert status != SKIPPED, f"{name} was skipped"
        assert status == 0, f"{name}: status {status}"


@vm_test(settings={"digest": "sha256"}, long=True, needs=LIBCAMERA)
def cam_files_are_exact():
    """Patched libcamera: cam --file writes the board's bytes."""
    test_in_tree.use(PATCHED_LIBCAMERA)
    test_noncoherent.cam_files_are_exact()
