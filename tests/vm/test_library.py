# SPDX-License-Identifier: MIT
"""libcmacam: cameras, leases, the Python module, frames that processes share."""

import contextlib
import errno
import hashlib
import logging
import os
import re
import signal
import struct
import subprocess
import threading

import lib
from declare import vm_test
from test_unplug import PACED, remove, rescan

SIZE = (640, 480)
SOCKET = "/tmp/frames"
EXAMPLES = "/build/examples"
LINE = 4400 / 594   # duration of a line of the default sensor, microseconds


# The module does so for its first view. It takes seconds: here once for all tests, each of which is a fork of the
# process that lists them. The host, which lists them too, may have none.
with contextlib.suppress(ImportError):
    import numpy  # noqa: F401


def module():
    """The Python module. It is imported when a test needs it, because it starts a thread, and the host only lists the tests."""
    import cmacam
    return cmacam


def camera(**options):
    return module().Camera(**{"format": "NV12", "size": SIZE, **options})


def mark(mapping):
    """(magic, sequence, nonce, channel) that the board wrote over the first bytes."""
    return struct.unpack_from("=IIQI", mapping.gray[0, :20].tobytes())


def digest(mapping):
    """SHA-256 of a frame without padding, in the way that the board computes it."""
    planes = mapping.nv12 if mapping.format == "NV12" else (mapping.gray if mapping.format == "R8" else mapping.raw,)
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()


def failure(code, function, *args, **kwargs):
    """The sentence of the OSError with this errno, which the call must raise."""
    try:
        function(*args, **kwargs)
    except OSError as error:
        print(error)
        assert error.errno == code, error
        return error.strerror
    raise AssertionError(f"no error, wanted {errno.errorcode[code]}")


@vm_test(settings={"digest": "sha256"})
def frames_are_the_board_s():
    """Camera with policy block: every byte of frames 0 to 9 is the board's; strides and timestamps are right."""
    with camera(policy="block") as source:
        assert source.layout() == {"format": "NV12", "width": 640, "height": 480, "stride": 640}
        seen, stamps = {}, []
        for frame in source:
            with frame.map() as pixels:
                seen[frame.sequence] = digest(pixels)
            stamps.append(frame.timestamp)
            if len(seen) == 10:
                break
        counts = source.statistics
    written, _ = lib.Board.session()
    assert sorted(seen) == list(range(10)) and stamps == sorted(set(stamps)), (seen, stamps)
    for sequence, seen_digest in seen.items():
        assert seen_digest == written[sequence]["sha256"], sequence
    assert counts["delivered"] == 10 and counts["dropped"] == counts["lost"] == counts["damaged"] == 0, counts


@vm_test(settings={"digest": "sha256"})
def lores_is_of_the_same_frame():
    """Main and lores of a lease have the same sequence in their marks, and all bytes are the board's, also in a copy."""
    with camera(size=(1280, 720), lores=("R8", 320, 240), policy="block") as source:
        assert source.layout("lores") == {"format": "R8", "width": 320, "height": 240, "stride": 320}
        seen = {}
        for frame in source:
            for lease in (frame, frame.copy()):
                with lease.map() as main, lease.map("lores") as lores:
                    assert mark(main)[1] == mark(lores)[1] == lease.sequence == frame.sequence
                    assert (mark(main)[3], mark(lores)[3]) == (0, 1)
                    seen[lease.sequence] = (digest(main), digest(lores))
            if len(seen) == 4:
                break
    written = [lib.Board.session(channel)[0] for channel in (0, 1)]
    for sequence, digests in seen.items():
        assert digests == tuple(frames[sequence]["sha256"] for frames in written), sequence
        assert written[0][sequence]["picture"] == written[1][sequence]["picture"], sequence
    with camera() as source, source.next() as frame:
        lib.expect(failure(errno.ENOENT, frame.map, "lores"), "opened without this stream")
        failure(errno.ENOENT, source.layout, "lores")


@vm_test(settings={"digest": "sha256", "fps": "5", "starved": "drop"})
def a_still_beside_a_preview():
    """Three full-size stills: all bytes are the board's, also those of the preview, which loses no frame.

    Between the stills, the board writes the main channel into one spare buffer.
    """
    previews, stills, stamps = {}, {}, {}

    def take(source):
        for _ in range(3):
            with source.capture(30) as still, still.map() as pixels:
                assert (pixels.width, pixels.height) == (1280, 720)
                assert mark(pixels)[1] == still.sequence and mark(pixels)[3] == 0
                stills[still.sequence] = digest(pixels), still.metadata["ExposureTime"], still.timestamp

    with camera(size=(320, 240), still=("NV12", 1280, 720), policy="block") as source:
        thread = threading.Thread(target=take, args=(source,))
        thread.start()
        for frame in source:
            with frame, frame.map() as pixels:
                assert (pixels.width, pixels.height) == (320, 240) and mark(pixels)[3] == 1
                previews[frame.sequence] = digest(pixels)
                stamps[frame.sequence] = frame.timestamp
            if not thread.is_alive() and len(stills) < 3:
                raise AssertionError("the thread of the stills has failed")
            if not thread.is_alive() and frame.sequence > max(stills):
                break
        thread.join()
        assert source.statistics["lost"] == source.statistics["damaged"] == 0, source.statistics
    main, lores = (lib.Board.session(channel)[0] for channel in (0, 1))
    assert sorted(previews) == list(range(len(previews))), sorted(previews)
    for sequence, seen in previews.items():
        assert seen == lores[sequence]["sha256"], sequence
    assert len(stills) == 3, stills
    for sequence, (seen, exposure, timestamp) in stills.items():
        board = main[sequence]
        assert seen == board["sha256"] and board["picture"] == lores[sequence]["picture"], (sequence, board)
        assert abs(exposure - int(board["exposure"]) * LINE) <= 1 and timestamp == stamps[sequence], (sequence, board)
    spare = {main[sequence]["addr"] for sequence in previews if sequence not in stills}
    assert len(spare) == 1 and not spare & {main[sequence]["addr"] for sequence in stills}, spare


@vm_test()
def stills_that_were_not_asked_for():
    """Without still=, the error of capture() names this option. Stills and lores exclude each other."""
    with camera() as source:
        lib.expect(failure(errno.ENOENT, source.capture), "still=True in Python")
        source.next().release()
    failure(errno.EINVAL, camera, still=True, lores=("R8", 320, 240))
    with camera(still=("NV12", 640, 480), size=(320, 240)) as source:
        source.stop()
        lib.expect(failure(errno.EPERM, source.capture, 1), "not started")


@vm_test()
def a_torn_lores_spoils_the_frame():
    """If lores of a frame is torn, the frame is counted as damaged and not delivered, although main is good."""
    with camera(lores=("R8", 320, 240), policy="block") as source:
        first = source.next()
        lib.Board().command("fault torn 1 1")
        got = [source.next().sequence for _ in range(2 * source.buffers)]
        counts = source.statistics
        first.release()
    print(got, counts)
    missing = set(range(1, got[-1])) - set(got)
    assert len(missing) == 1 and counts["damaged"] == 1 and counts["lost"] == 0, (missing, counts)


@vm_test()
def holders_are_named():
    """All buffers are leased: next() fails with EBUSY and names the holders and their frames. After a release, it works."""
    with camera(policy="block") as source:
        detector = [source.next().hold("detector") for _ in range(source.buffers - 1)]
        recorder = source.next().hold("recorder")
        said = failure(errno.EBUSY, source.next, timeout=0.5)
        frames = ", ".join(str(n) for n in range(source.buffers - 1))
        lib.expect(said, f"^no frame within 500 ms, the camera has none of its {source.buffers} buffers: "
                   f"detector holds {source.buffers - 1} buffers "
                   rf"\(frames {frames}; \d+\.\d s\); recorder holds 1 buffer \(frame {source.buffers - 1}; ")
        assert {holder["name"] for holder in source.holders} == {"detector", "recorder"}
        assert source.statistics["starved"] >= 1
        detector[0].release()
        recorder.release()
        assert source.next().sequence >= source.buffers


@vm_test(settings={"starved": "drop", "fps": "60"})
def losses_name_the_holders_once():
    """Frames are lost while all buffers are held: one log line each time, with numbers and names. Then frames arrive again."""
    told = []
    logging.getLogger("cmacam").addFilter(lambda record: told.append(record.getMessage()))
    with camera() as source:
        for time in (1, 2):
            before = source.statistics["lost"]
            held = [source.next().hold("detector") for _ in range(source.buffers)]
            known = len(lib.Board.session()[1])
            lib.wait_until(lambda: len(lib.Board.session()[1]) >= known + 3, "frames lost on the board")
            held.pop().release()
            source.next().release()     # one buffer does for one frame; that is no end of the episode
            source.next().release()
            del held
            lib.wait_until(lambda: source.next() and source.statistics["dropped"], "frames to spare")
            lost, board = source.statistics["lost"], lib.Board.session()[1]
            assert len(told) == time, told
            count, following = map(int, re.match(r"(\d+) frames? (?:was|were) lost before frame (\d+), the camera had "
                                                 r"none of its 4 buffers: detector holds 4 buffers \(frames ",
                                                 told[-1]).groups())
            assert set(range(following - count, following)) <= set(board), (told, board)
            assert 3 <= count <= lost - before <= len(board), (told, lost, before)


@vm_test(settings=PACED)
def newest_frame_comes_first():
    """Drop-oldest: a reader that paused gets the newest frame, and the number of frames that it missed."""
    with camera() as source:
        first = source.next()
        # Some may have been dropped before the first one was taken.
        before = source.statistics["dropped"]
        lib.wait_until(lambda: source.statistics["dropped"] >= before + 5, "five frames dropped")
        newest = max(lib.Board.session()[0])
        following = source.next()
        print(first.sequence, newest, following.sequence, before, source.statistics)
        assert following.sequence + source.buffers >= newest > first.sequence + 5
        assert source.statistics["starved"] == 0, source.statistics


@vm_test(settings={"digest": "sha256"})
def copies_never_starve():
    """Policy copy: a program keeps three times as many frames as there are buffers. All are exact, and no frame is lost."""
    with camera(policy="copy") as source:
        kept = [source.next() for _ in range(3 * source.buffers)]
        counts = source.statistics
        leased = len(source.holders)
    written, _ = lib.Board.session()
    for frame in kept:
        with frame.map() as pixels:
            assert digest(pixels) == written[frame.sequence]["sha256"], frame.sequence
    print(counts, leased)
    assert counts["starved"] == 0 and counts["copied"] == len(kept) - leased, counts
    assert leased >= 1


@vm_test()
def views_outlive_the_mapping():
    """A numpy view keeps its frame leased after the end of the with block, and after the camera was closed."""
    source = camera(policy="block")
    source.start()
    frame = source.next()
    with frame.map() as pixels:
        view = pixels.gray
        luma = view.copy()
    assert not view.flags.writeable and view.shape == (480, 640) and view.strides == (640, 1)
    try:
        view[0, 0] = 1
        raise AssertionError("a view could be written to")
    except ValueError:
        pass
    try:
        pixels.gray
        raise AssertionError("a mapping that has ended gave a view")
    except ValueError:
        pass
    frame.release()
    assert [holder["name"] for holder in source.holders] == ["a mapping in Python"], source.holders
    for _ in range(2 * source.buffers):
        source.next()
    assert (view == luma).all(), "the buffer was given back"
    source.close()
    assert (view == luma).all()
    del view


@vm_test()
def views_of_whole_bytes():
    """Python, RGB888, BGR888, XRGB8888, XBGR8888: the view has the pixels of bgr(), in the channel order of the format."""
    for format_, view, colours in (("RGB888", "bgr_view", (0, 1, 2)), ("BGR888", "rgb_view", (2, 1, 0)),
                                   ("XRGB8888", "bgrx_view", (0, 1, 2)), ("XBGR8888", "rgbx_view", (2, 1, 0))):
        with camera(format=format_, policy="block") as source, source.next().map() as pixels:
            array = getattr(pixels, view)
            assert array.shape[:2] == (480, 640) and not array.flags.owndata, (format_, array.shape)
            assert (array[:, :, list(colours)] == pixels.bgr()).all(), format_
            assert pixels.bgr().std() > 1
            for other in {"bgr_view", "rgb_view", "bgrx_view", "rgbx_view", "yuv420"} - {view}:
                try:
                    getattr(pixels, other)
                    raise AssertionError(f"{format_} has a {other}")
                except ValueError:
                    pass
            del array


@vm_test()
def planes_of_yuv420():
    """Python, YUV420: the three planes give the same picture as NV12."""
    pictures = []
    for format_ in ("YUV420", "NV12"):
        with camera(format=format_, policy="block") as source, source.next().map() as pixels:
            pictures.append(pixels.bgr())
            if format_ == "YUV420":
                assert [plane.shape for plane in pixels.yuv420] == [(480, 640), (240, 320), (240, 320)]
                assert (pixels.gray == pixels.yuv420[0]).all()
    # The mark of the board is over the first bytes.
    assert (pictures[0][2:] == pictures[1][2:]).all()


@vm_test()
def view_gone_buffer_back():
    """The lease of a view ends with the view. Then there is no holder."""
    with camera(policy="block") as source:
        frame = source.next()
        pixels = frame.map()
        view = pixels.gray[100:200]
        pixels.end()
        del frame
        assert len(source.holders) == 1
        del view
        assert source.holders == []


@vm_test()
def writing_is_asked_for():
    """map(write=True) gives writable arrays, and other mappings see the written bytes. bgr() is a copy."""
    with camera(policy="block") as source, source.next() as frame:
        with frame.map(write=True) as writing, frame.map() as reading:
            writing.gray[10, 20] ^= 255
            assert writing.gray[10, 20] == reading.gray[10, 20]
            colours = reading.bgr()
            before = colours.copy()
            writing.gray[:] = 16
            assert (colours == before).all() and colours.shape == (480, 640, 3)
            colours[:] = 0


@vm_test()
def part_of_a_frame():
    """roi= gives exactly this part of the frame."""
    with camera(policy="block") as source, source.next() as frame:
        with frame.map() as whole, frame.map(roi=(64, 32, 100, 50)) as part:
            luma, chroma = part.nv12
            assert (luma == whole.gray[32:82, 64:164]).all() and luma.shape == (50, 100)
            assert (chroma == whole.nv12[1][16:41, 32:82]).all()
        failure(errno.EINVAL, frame.map, roi=(600, 0, 100, 10))


@vm_test()
def controls_and_metadata():
    """A control is soon in the metadata of a frame. The error for a wrong value has the limits."""
    with camera(policy="block", controls={"AeEnable": False, "ExposureTime": 2000}) as source:
        wanted = 5000
        assert abs(source.next().metadata["ExposureTime"] - 2000) < 50
        source.set(ExposureTime=wanted)
        for _ in range(10):
            if abs(source.next().metadata["ExposureTime"] - wanted) < 50:
                break
        else:
            raise AssertionError("the exposure did not change within ten frames")
        low, high, _ = source.controls["AnalogueGain"]
        lib.expect(failure(errno.ERANGE, source.set, AnalogueGain=high + 1.0), "AnalogueGain of .* is not within")
        lib.expect(failure(errno.EINVAL, source.set, AnalogueGain="much"), "AnalogueGain takes a number")
        lib.expect(failure(errno.ENOENT, source.set, Flash=True), "no control Flash")


@vm_test()
def errors_say_what_is_possible():
    """An unknown camera, an unsupported size, a second user, no frame yet: each has an errno and a sentence."""
    failure(errno.ENODEV, module().Camera, "nobody")
    lib.expect(failure(errno.EINVAL, camera, size=(641, 480)), "cannot deliver 641x480-NV12.*the nearest that it can deliver is 6")
    source = camera()
    failure(errno.EPERM, source.next)
    lib.expect(failure(errno.EBUSY, camera), "Camera 'platform/.*' is in use in this process: its stream main has a user")
    lib.expect(lib.run(["python3", "-c", "import cmacam; cmacam.Camera()"], status=1), "OSError: .*is in use by another program")
    source.close()
    camera().close()


@vm_test()
def closed_and_opened_again():
    """Ten sessions in one process: each starts with its own first frame, and a frame is held during all of them."""
    kept = None
    for number in range(10):
        with camera(policy="block") as source:
            frame = source.next()
            assert frame.sequence == 0, (number, frame.sequence)
            kept = kept or frame
    with kept.map() as pixels:
        assert pixels.gray.shape == (480, 640)


@vm_test(limit=180)
def closed_while_another_thread_waits():
    """Ten times, close() ends next() of another thread with ValueError "was closed". The camera is free at once."""
    for number in range(10):
        source, ended, frames = camera(policy="block"), [], []

        def wait(source=source, ended=ended, frames=frames):
            try:
                while True:
                    frames.append(source.next(timeout=60).sequence)
            except (OSError, ValueError) as error:
                ended.append(error)

        source.start()
        thread = threading.Thread(target=wait)
        thread.start()
        lib.wait_until(lambda frames=frames, number=number: len(frames) > number, "frames in the other thread")
        source.close()
        thread.join(30 * lib.SLOWER)
        assert not thread.is_alive(), "next() goes on waiting"
        assert isinstance(ended[0], ValueError) and "was closed" in str(ended[0]), ended


def server(*options):
    """Start share-server, and wait until it shares frames."""
    child = subprocess.Popen([f"{EXAMPLES}/share-server", "--socket", SOCKET, *map(str, options)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = child.stdout.readline()
    if not line.startswith("sharing platform/cmacam"):
        child.kill()
        raise AssertionError(line + "".join(child.communicate()))
    return child


def end(child):
    """End share-server. Returns its output."""
    child.send_signal(signal.SIGTERM)
    said, errors = child.communicate(timeout=30 * lib.SLOWER)
    print(said, errors)
    assert child.returncode == 0, child.returncode
    return said


@vm_test(settings={**PACED, "digest": "sha256"})
def shared_frames_are_the_board_s():
    """FrameClient in Python gets frames of another process's camera: every byte is the board's, and so are exposure and gain."""
    child = server("--patience", 0)
    seen, exposed = {}, {}
    with module().FrameClient(SOCKET, credits=1) as client:
        for frame in client:
            with frame.map() as pixels:
                seen[frame.sequence] = digest(pixels)
            exposed[frame.sequence] = frame.metadata
            frame.release()
            if len(seen) == 5:
                break
    end(child)
    written, _ = lib.Board.session()
    for sequence, seen_digest in seen.items():
        assert seen_digest == written[sequence]["sha256"], sequence
        told, board = exposed[sequence], written[sequence]
        assert abs(told["ExposureTime"] - int(board["exposure"]) * LINE) <= 1, (told, board)
        assert told["AnalogueGain"] == int(board["gain"]) / 256 and told["AeState"] in (1, 2), (told, board)


@vm_test(settings=PACED)
def files_at_a_server_s_path_are_kept():
    """FrameServer and share-server do not replace a file (EEXIST, with a sentence), but replace a killed server's socket."""
    file = "/tmp/video.mp4"
    with open(file, "w") as f:
        f.write("the only copy")
    lib.expect(failure(errno.EEXIST, module().FrameServer, file, 6), f"at {file}: an ordinary file is there")
    lib.expect(lib.run([f"{EXAMPLES}/share-server", "--socket", file], status=1),
               f"share-server: cannot listen at {file}: an ordinary file is there")
    with open(file) as f:
        assert f.read() == "the only copy"

    killed = server()
    lib.expect(failure(errno.EADDRINUSE, module().FrameServer, SOCKET, 6), "another server is running there")
    killed.kill()
    killed.communicate()
    assert os.path.exists(SOCKET)
    with module().FrameServer(SOCKET, 6):
        lib.expect(lib.run([f"{EXAMPLES}/share-server", "--socket", SOCKET], status=1), "another server is running there")
    assert not os.path.exists(SOCKET)


@vm_test(settings=PACED)
def broken_readers_stall_nobody():
    """One reader is killed, one is stopped, one keeps all its frames: a good reader continues, and no frame is lost."""
    child = server("--buffers", 8, "--patience", 50)
    readers = [subprocess.Popen([f"{EXAMPLES}/share-client", "--socket", SOCKET, "--frames", "1000000", *options],
                                stdout=subprocess.PIPE, text=True) for options in ([], [], ["--keep"])]
    for reader in readers:
        assert reader.stdout.readline().startswith("frame "), "no frame"
    readers[0].kill()
    readers[1].send_signal(signal.SIGSTOP)
    good = lib.run([f"{EXAMPLES}/share-client", "--socket", SOCKET, "--frames", "120"])
    assert good.count("frame sequence=") == 120, good
    said = end(child)
    for reader in readers:
        reader.kill()
        reader.communicate()
    lib.expect(said, f"reader {readers[0].pid} has disconnected")
    lib.expect(said, rf"reader {readers[2].pid} was disconnected: it held 2 frames and missed 50 in a row")
    lib.expect(said, r", lost 0, starved 0\n")


def drained(source):
    """Frames until next() fails."""
    while True:
        source.next()


def plugged_in_again():
    """The camera, or None while this process has not been told of the plug: libcamera reads the event in another thread."""
    try:
        return camera(policy="block")
    except OSError as error:
        assert error.errno == errno.ENODEV, error
        return None


@vm_test(settings={**PACED, "digest": "sha256"}, limit=200)
def unplugged_while_frames_are_held():
    """After an unplug, next() fails with ENODEV and a sentence. Held frames stay readable. The next plug works."""
    source = camera(policy="block", lores=("R8", 320, 240))
    source.start()
    held = [source.next().hold("keeper") for _ in range(2)]
    with held[0].map() as pixels:
        view = pixels.gray
    remove()
    lib.expect(failure(errno.ENODEV, drained, source), "^the camera was unplugged$")
    failure(errno.ENODEV, source.next)
    written = [lib.Board.session(channel)[0] for channel in (0, 1)]
    rescan()
    with lib.wait_until(plugged_in_again, "the camera is back", 60) as again:
        assert again.next().sequence == 0
    failure(errno.ENODEV, source.start)
    assert {holder["name"] for holder in source.holders} == {"keeper", "a mapping in Python"}
    source.close()
    for frame in held:
        with frame.map() as main, frame.map("lores") as lores:
            for stream, pixels in enumerate((main, lores)):
                assert digest(pixels) == written[stream][frame.sequence]["sha256"], (stream, frame.sequence)
            assert frame is not held[0] or (main.gray == view).all()


@vm_test(settings={**PACED, "digest": "sha256"}, limit=200)
def readers_are_told_of_the_unplug():
    """The server's camera is unplugged: readers get the reason, keep their frames, and can connect again."""
    child = server("--patience", 0)
    with module().FrameClient(SOCKET, credits=1) as client:
        frame = client.next()
        written, _ = lib.Board.session()
        remove()
        lib.expect(failure(errno.ECONNRESET, drained, client), "disconnected this reader: the camera was unplugged$")
        said, errors = child.communicate(timeout=30 * lib.SLOWER)
        assert child.returncode == 1 and "share-server: the camera was unplugged" in errors, (said, errors)
        with frame.map() as pixels:
            assert digest(pixels) == written[frame.sequence]["sha256"]
    rescan()
    child = server()
    with module().FrameClient(SOCKET) as client:
        client.next()
    end(child)
