# SPDX-License-Identifier: MIT
"""The Python module in event loops, in several threads, after a fork, and beside other libraries."""

import asyncio
import errno
import gc
import logging
import mmap
import os
import select
import signal
import sys
import threading
import time

import lib
from declare import vm_test
from test_library import camera, failure, module
from test_unplug import PACED, remove, rescan

LIMIT = 30 * lib.SLOWER


def refused(exception, function, *args, **kwargs):
    """The text of the exception that the call must raise."""
    try:
        function(*args, **kwargs)
    except exception as error:
        print(error)
        return str(error)
    raise AssertionError(f"no {exception.__name__}")


@vm_test()
def frames_in_an_event_loop():
    """'async for' gets each frame in order, while another task runs. Two tasks on one camera get each frame once."""
    async def take(source, seen, count):
        async for frame in source:
            seen.append(frame.sequence)
            if len(seen) >= count:
                return

    async def tick(ticks):
        while True:
            await asyncio.sleep(0)
            ticks.append(1)

    async def both(source):
        seen, ticks = [], []
        ticking = asyncio.create_task(tick(ticks))
        await take(source, seen, 10)
        assert seen == list(range(10)), seen
        await asyncio.gather(take(source, seen, 20), take(source, seen, 20))
        ticking.cancel()
        assert sorted(seen) == list(range(len(seen))) and ticks, (seen, ticks)

    with camera(policy="block") as source:
        asyncio.run(asyncio.wait_for(both(source), LIMIT))


@vm_test()
def a_cancellation_takes_no_frame():
    """120 times, a task that waits for a frame is cancelled after zero to three steps of the loop: no frame is missing."""
    async def cancelled(source):
        got = []
        for number in range(120):
            task = asyncio.create_task(source.next_async())
            if number % 4:
                await asyncio.wait([task], timeout=LIMIT if number % 5 == 0 else 0.001 * (number % 3))
            for _ in range(number % 4):
                await asyncio.sleep(0)
            task.cancel()
            try:
                got.append((await task).sequence)
            except asyncio.CancelledError:
                pass
        try:
            async with asyncio.timeout(0):
                await source.next_async()
        except TimeoutError:
            pass
        got.append((await source.next_async()).sequence)
        return got

    with camera(policy="block") as source:
        got = asyncio.run(cancelled(source))
    print(got)
    # The frame of the last timeout may have come in time.
    assert got[:-1] == list(range(len(got) - 1)) and got[-1] - got[-2] in (1, 2) and len(got) > 10, got


@vm_test(settings=PACED)
def fileno_is_for_select():
    """select() waits for a frame. The descriptor is not readable without a frame, and readable after stop()."""
    with camera() as source:
        for _ in range(5):
            readable, _, _ = select.select([source], [], [], LIMIT)
            assert readable == [source]
            source.next(0).release()
        held = [source.next() for _ in range(source.buffers)]
        assert select.select([source], [], [], 0) == ([], [], []), "no buffer, but a frame"
        failure(errno.EBUSY, source.next, 0)
        source.stop()
        assert select.select([source], [], [], 0)[0] == [source]
        failure(errno.EPERM, source.next, 0)
        del held
    refused(ValueError, source.fileno)


@vm_test()
def close_ends_every_wait():
    """close() ends next() of a thread, and next_async() of an event loop, with ValueError: the camera was closed."""
    def in_thread(source):
        return source.next(timeout=2 * LIMIT)

    def in_loop(source):
        return asyncio.run(source.next_async(timeout=2 * LIMIT))

    for wait in (in_thread, in_loop):
        source, ended, entered = camera(), [], threading.Event()
        source.start()
        held = [source.next() for _ in range(source.buffers)]

        def run(wait=wait, source=source, ended=ended, entered=entered):
            entered.set()
            ended.append(refused(ValueError, wait, source))

        thread = threading.Thread(target=run)
        thread.start()
        entered.wait(LIMIT)
        source.close()
        thread.join(LIMIT)
        assert not thread.is_alive(), f"{wait.__name__} goes on waiting"
        assert ended == ["the camera was closed"], ended
        del held
        camera().close()


@vm_test()
def threads_that_hold_a_frame():
    """Each thread holds a frame while it waits: with 4 buffers, 4 threads learn that they need 5. With 5, all get frames."""
    def work(source, held, told, rounds, timeout):
        frame = source.next(LIMIT)
        held.wait(LIMIT)
        try:
            for _ in range(rounds):
                frame = source.next(timeout)
        except OSError as error:
            told.append(error)
            # The others still wait, with this frame held.
            held.wait(LIMIT)
        del frame

    for buffers, rounds in ((4, 1), (5, 10)):
        with camera(policy="block", buffers=buffers) as source:
            assert source.buffers == buffers
            held, told = threading.Barrier(4), []
            threads = [threading.Thread(target=work, args=(source, held, told, rounds, 1 if buffers == 4 else LIMIT))
                       for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(3 * LIMIT)
                assert not thread.is_alive()
        print(told)
        assert len(told) == (4 if buffers == 4 else 0)
        for error in told:
            assert error.errno == errno.EBUSY
            lib.expect(error.strerror, "a program that holds 4 frames while it waits needs buffers=5 or more$")


def in_child(check):
    """Fork, call the function in the child, and return what it printed. It must end within 60 seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60 * lib.SLOWER)
        status = 1
        try:
            os.write(writing, check().encode())
            status = 0
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading) as said:
        text = said.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, (status, text)
    return text


@vm_test()
def a_forked_child_is_told_so():
    """A child that uses its parent's camera, frame or mapping gets a sentence at once. The parent's camera goes on."""
    source = camera(policy="block")
    source.start()
    frame = source.next()
    kept = {"frame": frame.share(), "mapping": frame.map(), "camera": source}

    def check():
        texts = {refused(RuntimeError, source.next), refused(RuntimeError, lambda: source.statistics),
                 refused(RuntimeError, source.stop), refused(RuntimeError, source.fileno)}
        texts |= {refused(RuntimeError, frame.map), refused(RuntimeError, lambda: frame.metadata)}
        texts |= {refused(RuntimeError, lambda: kept["mapping"].gray)}
        texts.add(failure(errno.EPERM, module().Camera))
        # The child gives these objects up. It must not wait for the parent's threads, or end the parent's stream.
        kept["mapping"].end()
        frame.release()
        source.close()
        kept.clear()
        gc.collect()
        return "\n".join(sorted(texts))

    said = in_child(check)
    pid = os.getpid()
    lib.expect(said, rf"(?m)^the camera belongs to process {pid}, which forked this process: use 'spawn' or 'forkserver' to")
    lib.expect(said, rf"(?m)^the frame belongs to process {pid}, ")
    lib.expect(said, rf"(?m)^Process {pid}, which uses libcamera, has forked this process")
    assert (kept["mapping"].gray >= 0).all()
    kept.clear()
    frame.release()
    assert source.holders == []
    for _ in range(3 * source.buffers):
        source.next()
    source.close()


STARTED = """
import multiprocessing, sys
import cmacam

def work(queue):
    try:
        with cmacam.Camera(format="NV12", size=(640, 480)) as camera:
            queue.put(f"frame {camera.next().sequence}")
    except OSError as error:
        queue.put(error.strerror)

if __name__ == "__main__":
    # The parent uses libcamera, but leaves the camera to its child.
    cameras = cmacam.cameras()
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.Queue()
    child = context.Process(target=work, args=(queue,))
    child.start()
    print(queue.get(timeout=60))
    child.join()
"""


@vm_test()
def spawn_and_forkserver_open_cameras():
    """Children of multiprocessing's spawn and forkserver open a camera of their own. With fork, they get a sentence."""
    path = "/tmp/started.py"
    with open(path, "w") as f:
        f.write(STARTED)
    for method, pattern in (("spawn", r"^frame \d+$"), ("forkserver", r"^frame \d+$"), ("fork", "has forked this process")):
        lib.expect(lib.run(["python3", "-W", "ignore", path, method]), f"(?m){pattern}")


@vm_test(settings=PACED, limit=200)
def cameras_come_and_go():
    """cmacam.cameras() has the camera that is there, then the unplug, then the plug; also in asyncio."""
    async def following(cameras):
        async for change in cameras:
            return change

    with module().cameras() as cameras:
        first = cameras.next(LIMIT)
        assert first.present and first.id.startswith("platform/cmacam") and cameras.ids == [first.id], first.id
        assert select.select([cameras], [], [], 0) == ([], [], [])
        failure(errno.ETIMEDOUT, cameras.next, 0.01)
        remove()
        gone = cameras.next(LIMIT)
        assert (gone.id, gone.present, cameras.ids) == (first.id, False, [])
        rescan()
        back = asyncio.run(asyncio.wait_for(following(cameras), 2 * LIMIT))
        assert (back.id, back.present) == (first.id, True)
        camera().close()


@vm_test()
def values_and_planes_of_a_frame():
    """exposure, gain, duration and wall_clock are those of the metadata. Planes lie in the dma-buf where they say."""
    with camera(policy="block") as source, source.next() as frame:
        told = frame.metadata
        assert (frame.exposure, frame.duration, frame.wall_clock) == tuple(
            told[name] for name in ("ExposureTime", "FrameDuration", "FrameWallClock"))
        assert frame.gain == told["AnalogueGain"]
        assert 0 <= time.time_ns() - frame.wall_clock < 60 * 10 ** 9, frame.wall_clock
        luma, chroma = frame.planes
        assert (luma.stride, luma.width, luma.height, luma.length) == (640, 640, 480, 640 * 480)
        assert (chroma.stride, chroma.height, chroma.length) == (640, 240, 640 * 240)
        assert frame.fd == luma.fd and frame.modifier == 0
        with frame.map() as pixels:
            for plane, array in zip((luma, chroma), pixels.nv12):
                with mmap.mmap(plane.fd, plane.offset + plane.length, prot=mmap.PROT_READ) as memory:
                    assert memory[plane.offset:] == array.tobytes(), (plane.offset, plane.length)
        layout = frame.layout()
        assert {name: layout[name] for name in ("format", "width", "height", "stride")} == source.layout()
        copy = frame.copy()
        assert copy.fd == -1 and copy.exposure == frame.exposure


@vm_test()
def read_only_views_refuse_writers():
    """numpy and OpenCV raise an exception instead of a write to a read-only view. It cannot be made writable."""
    import cv2
    import numpy
    with camera() as source, source.next().map() as pixels:
        view = pixels.gray
        refused(ValueError, view.fill, 0)
        refused(ValueError, numpy.add, view, 1, out=view)
        refused(ValueError, view.setflags, write=True)
        refused(cv2.error, cv2.rectangle, view, (0, 0), (9, 9), 255)
        refused(cv2.error, cv2.GaussianBlur, view, (3, 3), 0, dst=view)
        refused(BufferError, view.__dlpack__)
        assert memoryview(view).readonly
        # A copy is what they get.
        cv2.rectangle(view.copy(), (0, 0), (9, 9), 255)
        assert cv2.GaussianBlur(view, (3, 3), 0).shape == view.shape
        del view


@vm_test()
def long_work_leaves_python_s_lock():
    """While a thread copies frames, another thread of Python runs, although no thread has to leave the lock by itself."""
    go, ran = threading.Event(), []

    def run():
        go.wait()
        ran.append(True)

    before = sys.getswitchinterval()
    with camera(size=(1920, 1080)) as source, source.next() as frame:
        # Nobody is asked for the lock: only a thread that waits or leaves it lets others run.
        sys.setswitchinterval(3600)
        try:
            thread = threading.Thread(target=run)
            thread.start()
            go.set()
            assert not ran, "the other thread runs without the lock"
            for _ in range(200):
                frame.copy()
                if ran:
                    break
            else:
                raise AssertionError("200 copies, and the other thread did not run")
        finally:
            sys.setswitchinterval(before)
        thread.join(LIMIT)


@vm_test()
def ignored_controls_are_warned_of():
    """An ExposureTime under automatic exposure is a warning with the cure, and none together with AeEnable=False."""
    told = []
    logging.getLogger("cmacam").addFilter(lambda record: told.append(record.getMessage()))
    with camera(controls={"ExposureTime": 5000}) as source:
        assert len(told) == 1, told
        source.set(AnalogueGain=2.0)
        assert len(told) == 2, told
        source.set(ExposureTime=5000, AeEnable=False)
        source.set(ExposureTime=6000, AnalogueGain=2.0)
        assert len(told) == 2, told
        lib.expect(told[0], "^ExposureTime has no effect while automatic exposure is on: set AeEnable to false")
        lib.expect(told[1], "^AnalogueGain has no effect")
