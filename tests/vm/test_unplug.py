# SPDX-License-Identifier: MIT
"""The board is removed while it is in use, and plugged in again."""

import concurrent.futures
import contextlib
import errno
import fcntl
import os
import pathlib
import random
import re
import select
import signal
import subprocess
import tempfile
import time

import lib
import nodes
import v4l2
from declare import Skip, vm_test
from libc import Libc, map_buffer
from test_boards import TWO, check, stream
from tracefs import Trace

FIRST = "platform/cmacam-sensor.0 cmacam-sensor"
UNPLUG_CHECK = ("/build/libcam-pipeline/cmacam-run", "/build/tests/libcam-pipeline/unplug_check")
# As fast as they can, the boards would leave no time for what goes on beside them.
PACED = {"fps": "60"}
KILLED = r"the board does not answer|device inaccessible"


def remove(path=None):
    with open(os.path.realpath(path or lib.pci_device()) + "/remove", "w") as f:
        f.write("1")


def bind_driver(what, device):
    """Bind or unbind the driver; what is "bind" or "unbind"."""
    with open(f"/sys/bus/pci/drivers/cmacam/{what}", "w") as f:
        f.write(device)


def settle():
    lib.run(["udevadm", "settle", f"--timeout={20 * lib.SLOWER}"])


def plug_in():
    """Plug in, and wait only for the kernel."""
    with open("/sys/bus/pci/rescan", "w") as f:
        f.write("1")
    lib.wait_until(lambda: os.path.exists(lib.video()), "the video node is back")


def rescan():
    """Plug in slowly, as a person does. On a busy machine, udev handles the removal of a node late. If a new node with this
    name exists by then, udev reports the removal with the new node's number, and libcamera goes by this number.
    """
    settle()
    plug_in()
    settle()


@contextlib.contextmanager
def udev_stopped():
    """Nobody handles the kernel's events. On the debug kernel, udev takes four fifths of the time of a plug."""
    lib.run(["udevadm", "control", "--exit"])
    try:
        yield
    finally:
        lib.run(["/usr/lib/systemd/systemd-udevd", "--daemon"])
        # Now udev sees the devices come.
        remove()
        rescan()


def removals(rounds):
    """Remove the board under consumers of mapped buffers and of exported buffers, in turn."""
    for round_ in range(rounds):
        before = len(lib.Board.log())
        child = subprocess.Popen([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--forever", "--io",
                                  ("mmap", "dmabuf")[round_ % 2]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True)
        lib.wait_until(lambda: len(lib.Board.log()) > before + 3, "streaming", 30)
        remove()
        out, _ = child.communicate(timeout=30 * lib.SLOWER)
        assert child.returncode == 1, f"round {round_}: status {child.returncode}"
        assert out.count("v4l2_probe: ") == 1, out[-2000:]
        rescan()
    frames, _ = lib.probe("--frames", 5)
    assert len(frames) == 5


@vm_test(settings=PACED)
def removal_while_streaming_and_mapped():
    """2 removals while a consumer streams, with mapped and with exported buffers: one clear error, and the next plug works."""
    removals(2)


@vm_test(long=True, limit=300)
def twenty_removals_while_streaming_and_mapped():
    """20 removals of a board that streams as fast as it can: the consumer gets one clear error, and the next plug works."""
    removals(20)


def close_after_removal(nodes, sensor, ready, delay):
    """Start a process that closes its nodes `delay` seconds after the sensor's node has left sysfs. Returns its process ID."""
    pid = os.fork()
    if pid:
        return pid
    try:
        files = [os.open(node, os.O_RDWR | os.O_NONBLOCK) for node in nodes]
        removal = select.poll()
        removal.register(files[0], 0)   # POLLERR and POLLHUP need not be asked for
        os.write(ready, b"1")
        removal.poll(20_000 * lib.SLOWER)
        while os.path.exists(sensor):
            pass
        until = time.monotonic() + delay
        while time.monotonic() < until:
            pass
        for fd in files:
            os.close(fd)
    finally:
        os._exit(0)


@vm_test(long=True, limit=400)
def last_closes_meet_the_end_of_the_graph():
    """200 unbinds: open nodes are closed for the last time in the 0.3 ms in which the driver removes the graph."""
    device = os.path.basename(os.path.realpath(lib.pci_device()))
    chance = random.Random(1)
    for _ in range(200):
        nodes = [lib.node(name) for name in ("cmacam-capture", "cmacam-metadata", "cmacam-lores", "cmacam-stats")]
        chance.shuffle(nodes)
        sensor = "/sys/class/video4linux/" + os.path.basename(lib.node("cmacam-sensor"))
        opened, ready = os.pipe()
        pid = close_after_removal(nodes, sensor, ready, chance.uniform(0, 0.0003))
        os.close(ready)
        assert os.read(opened, 1) == b"1"
        os.close(opened)
        for what in ("unbind", "bind"):
            bind_driver(what, device)
        os.waitpid(pid, 0)
        settle()
    frames, _ = lib.probe("--frames", 5)
    assert len(frames) == 5


def capture_splice_unplug(plug):
    """Splice a frame into a pipe, unplug the board, close all, and check the frame. When no buffer is left, plug in again."""
    queue = v4l2.Queue(320, 240)
    queue.request(2)
    for index in range(2):
        queue.queue(index)
    queue.stream()
    index, sequence, _ = queue.dequeue()
    address, size = map_buffer(queue, index)
    with contextlib.closing(Pipe(queue.size)) as pipe:
        Libc.vmsplice(pipe.to, address, queue.size)
        remove()
        Libc.unmap(address, size)
        queue.close()
        assert lib.sha256(pipe.read()) == lib.Board.session()[0][sequence]["sha256"], f"frame {sequence}"
    lib.wait_until(lambda: not lib.vb2_cma_buffers(), "no buffer is left")
    plug()


class Pipe:
    """A pipe with room for this number of bytes, in pages."""

    def __init__(self, size):
        self.size = size
        self.out, self.to = os.pipe()
        fcntl.fcntl(self.to, fcntl.F_SETPIPE_SZ, 2 * size)

    def read(self):
        data = b""
        while len(data) < self.size:
            data += os.read(self.out, self.size - len(data))
        return data

    def close(self):
        os.close(self.out)
        os.close(self.to)


def cma_free():
    with open("/proc/meminfo") as f:
        return int(re.search(r"(?m)^CmaFree: +(\d+) kB", f.read()).group(1)) << 10


def plugs_leave_nothing(rounds, plug):
    before = cma_free()
    for done in range(rounds):
        capture_splice_unplug(plug)
        if done % 50 == 49:
            print(f"{done + 1} of {rounds} rounds")
    # The kernel may have lent a few pages of the area to others meanwhile.
    lib.wait_until(lambda: cma_free() >= before - (1 << 20), "the CMA area is as free as before")


@vm_test(settings={"digest": "sha256"}, long=True, limit=300)
def twenty_plugs_leave_nothing():
    """20 times: plug in, stream, splice a frame into a pipe, unplug. Each frame is exact, and all memory is free again."""
    plugs_leave_nothing(20, rescan)


@vm_test(settings={"digest": "sha256"}, debug_kernel=True, soak=True, limit=3000)
def a_thousand_plugs_leave_nothing():
    """The same 1,000 times on the debug kernel, without udev. The detectors report nothing afterwards."""
    with udev_stopped():
        plugs_leave_nothing(1000, plug_in)


@vm_test(provokes="does not stop")
def a_read_that_waited_gets_no_buffers():
    """read() waits for a node while the board is removed: it fails with ENODEV, and no buffer is allocated for the device."""
    main = nodes.main().format("NV12", 320, 240).prepare().start()
    main.take()
    reader, entry = os.open(lib.video(), os.O_RDWR), f"/sys/class/video4linux/{os.path.basename(lib.video())}"
    # For three seconds, close() waits for the board, with the lock of the node held.
    lib.Board().command("fault stuck")
    with Trace("vb2_cma:vb2_cma_alloc") as trace, concurrent.futures.ThreadPoolExecutor() as pool:
        closing = pool.submit(main.close)
        lib.wait_until(lambda: lib.waits_in("vb2_fop_release"), "close() holds the lock")
        reading = pool.submit(os.read, reader, 4096)
        lib.wait_until(lambda: lib.waits_in("vb2_fop_read"), "read() waits for the lock")
        removing = pool.submit(remove)
        lib.wait_until(lambda: not os.path.exists(entry), "the node is unregistered")
        if closing.done():
            raise Skip("the machine was too slow: the driver had given up waiting for the board before the node was gone")
        assert lib.refused(reading.result).errno == errno.ENODEV
        for other in (closing, removing):
            other.result()
    os.close(reader)
    rescan()
    assert not trace.named("vb2_cma_alloc"), trace.events
    assert len(lib.probe("--frames", 3)[0]) == 3


def until_streaming(child):
    """Wait until a program streams. Returns its output so far."""
    said = ""
    while "streaming" not in said:
        line = child.stdout.readline()
        assert line, said
        said += line
    return said


@vm_test(settings=PACED, limit=200)
def libcamera_with_two_streams():
    """Requests are cancelled first, then Camera::disconnected is emitted. The next plug works."""
    child = subprocess.Popen([*UNPLUG_CHECK, "stream"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = until_streaming(child)
    remove()
    rest, _ = child.communicate(timeout=60 * lib.SLOWER)
    print(said + rest)
    assert child.returncode == 0 and "disconnected" in rest
    rescan()
    lib.run(["cam", "-c1", "--capture=3"])


@vm_test(settings=PACED, limit=100)
def libcamera_stops_before_it_knows():
    """Camera::stop() after an unplug that libcamera has not noticed: later calls fail with ENODEV, also for buffers."""
    child = subprocess.Popen([*UNPLUG_CHECK, "stop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    said = until_streaming(child)
    remove()
    rest, _ = child.communicate("\n", timeout=60 * lib.SLOWER)
    print(said + rest)
    rescan()
    assert child.returncode == 0 and "stopped" in rest
    lib.run(["cam", "-c1", "--capture=3"])


@vm_test(settings=PACED, limit=200)
def removal_under_gstreamer():
    """cmacamsrc: one RESOURCE error, a clean stop, and the next pipeline plays."""
    before = len(lib.Board.log())
    child = subprocess.Popen(["gst-launch-1.0", "cmacamsrc", "!", "fakesink"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming", 60)
    remove()
    out, _ = child.communicate(timeout=60 * lib.SLOWER)
    assert out.count("ERROR: from element") == 1, out
    rescan()
    lib.run(["gst-launch-1.0", "cmacamsrc", "num-buffers=5", "!", "fakesink"])


@vm_test(settings=PACED, limit=200)
def gstreamer_waits_for_the_camera():
    """cmacamsrc on-disconnect=wait: a warning, then renumbered frames after the next plug."""
    before = len(lib.Board.log())
    child = subprocess.Popen(["gst-launch-1.0", "-m", "cmacamsrc", "on-disconnect=wait", "!", "fakesink"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(2):
            lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming", 60)
            remove()
            before = len(lib.Board.log())
            rescan()
        lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming again", 60)
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60 * lib.SLOWER)
        print(out)
    # libcamera's log has errors of its own, for calls on a node that is gone.
    assert "ERROR: from element" not in out, out
    assert out.count("cmacam-disconnected") == out.count("cmacam-connected") == 2, out


@vm_test(settings=PACED, limit=200)
def device_monitor_follows():
    """gst-device-monitor-1.0 --follow reports that the camera is removed and added."""
    with open("/tmp/monitor.log", "w") as log:
        child = subprocess.Popen(["stdbuf", "-oL", "gst-device-monitor-1.0", "--follow"], stdout=log,
                                 stderr=subprocess.STDOUT)
    try:
        def said(what, count):
            with open("/tmp/monitor.log") as f:
                return f.read().count(what) == count
        lib.wait_until(lambda: said("Device found:", 1), "the camera is listed", 60)
        remove()
        lib.wait_until(lambda: said("Device removed:", 1), "the camera is gone", 60)
        rescan()
        lib.wait_until(lambda: said("Device found:", 2), "the camera is back", 60)
    finally:
        child.terminate()
        child.wait()


def complaints():
    return lib.run(["dmesg"]).count("the board does not answer")


def kill_board():
    """End the process of the first board, as a crash does. After that, its registers read as all ones."""
    dead, _ = lib.nodes("cmacam-capture")[0]
    before = complaints()
    lib.Host().command("kill 0")
    lib.wait_until(lambda: complaints() > before, "the driver has noticed")
    lib.wait_until(lambda: len(lib.nodes("cmacam-capture")) == 1, "its nodes are gone")
    return dead


def start_board(dead):
    """Start a new board in place of the dead one, whose PCI function is removed."""
    remove(dead)
    settle()
    lib.Host().command("start 0")
    lib.wait_until(lambda: len(lib.nodes("cmacam-capture")) == 2, "the video node is back")
    settle()


def new_board_works():
    """Check that the new board streams, every byte is right, and nothing of the killed board is left."""
    assert lib.vb2_cma_buffers() == "", "a buffer was left behind"
    lib.Board().set(digest="sha256")    # it knows nothing of what the killed one was told
    check(0, stream(lib.nodes("cmacam-capture")[0][1], 5), 5)


def lores_of(node):
    """The lores node of the same board."""
    folder = os.path.realpath(f"/sys/class/video4linux/{os.path.basename(node)}/device/video4linux")
    for name in os.listdir(folder):
        with open(f"{folder}/{name}/name") as f:
            if f.read().strip() == "cmacam-lores":
                return f"/dev/{name}"
    raise AssertionError("no lores node")


@contextlib.contextmanager
def running(command):
    """A running program, whose output goes to a file, because a full pipe would stop it."""
    with tempfile.NamedTemporaryFile("r") as output:
        with subprocess.Popen(command, stdout=output.fileno(), stderr=subprocess.STDOUT) as child:
            try:
                yield child, lambda: pathlib.Path(output.name).read_text()
            finally:
                child.kill()


@vm_test(machine=TWO, settings=PACED, provokes=KILLED)
def board_killed_under_v4l2():
    """The board is killed (SIGKILL): one error on each node and in the log, the other board streams, a new board works."""
    first, second = (node for _, node in lib.nodes("cmacam-capture"))
    before = len(lib.Board.log())
    reports = complaints()
    probe = [f"{lib.PROBES}/v4l2_probe", "--forever", "--device"]
    with (running([*probe, first]) as main, running([*probe, lores_of(first)]) as lores,
          running([*probe, second])):
        lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming")
        dead = kill_board()
        for child, said in (main, lores):
            status = child.wait(30 * lib.SLOWER)
            assert status == 1 and said().count("v4l2_probe: ") == 1, f"{status} {said()[-500:]}"
            lib.expect(said(), r"v4l2_probe: \w+: No such device")
        assert complaints() == reports + 1
        assert [node for _, node in lib.nodes("cmacam-capture")] == [second]
        others = len(lib.Board.log(1))
        lib.wait_until(lambda: len(lib.Board.log(1)) > others + 10, "the other board streams on")
    start_board(dead)
    new_board_works()


@vm_test(machine=TWO, settings=PACED, provokes=KILLED, long=True)
def board_killed_under_cam():
    """The handler reports the unplug once. cam, which waits for more frames, ends on SIGINT."""
    before = len(lib.Board.log())
    with running(["stdbuf", "-oL", "cam", "-c", FIRST, "--capture"]) as (child, said):
        lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming", 60)
        dead = kill_board()
        lib.wait_until(lambda: "was unplugged" in said(), "the handler says so")
        child.send_signal(signal.SIGINT)
        assert child.wait(30 * lib.SLOWER) == 0 and said().count("was unplugged") == 1, said()[-2000:]
    start_board(dead)
    new_board_works()


@vm_test(machine=TWO, settings=PACED, provokes=KILLED)
def board_killed_under_gstreamer():
    """cmacamsrc: one RESOURCE error and a clean stop. With on-disconnect=wait, it continues with the new board."""
    play = ["gst-launch-1.0", "-m", "cmacamsrc", f"camera-name={FIRST}"]
    before = len(lib.Board.log())
    with running([*play, "!", "fakesink"]) as (child, said):
        lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming", 60)
        dead = kill_board()
        assert child.wait(60 * lib.SLOWER) == 1
        assert said().count("ERROR: from element") == 1, said()[-2000:]
    start_board(dead)
    new_board_works()
    before = len(lib.Board.log())
    with running([*play, "on-disconnect=wait", "!", "fakesink"]) as (child, said):
        lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming", 60)
        dead = kill_board()
        start_board(dead)
        lib.wait_until(lambda: "cmacam-connected" in said(), "the camera is back", 60)
        lib.wait_until(lambda: len(lib.Board.log()) > 10, "streaming again", 60)
        child.send_signal(signal.SIGINT)
        child.wait(60 * lib.SLOWER)
        assert "ERROR: from element" not in said(), said()[-2000:]
