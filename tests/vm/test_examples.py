# SPDX-License-Identifier: MIT
"""The programs in examples/: each does what its README says, and every byte is right."""

import os
import re
import socket
import subprocess
import threading

import lib
from declare import vm_test
from test_boards import TWO
from test_library import LINE
from test_memory import DISK, disk
from test_unplug import PACED

EXAMPLES = "/build/examples"
UHD = (3840, 2160)


@vm_test()
def programs_explain_themselves():
    """Every example has --help. Without a server or a camera, it prints one sentence and ends with status 1."""
    for name in ("share-server", "share-client", "event-loop", "motion", "recorder", "people-recorder", "sender",
                 "stills"):
        lib.expect(lib.run([f"{EXAMPLES}/{name}", "--help"]), "(?s)--frames.*")
    lib.expect(lib.run([f"{EXAMPLES}/share-client", "--socket", "/tmp/none"], status=1),
               "share-client: cannot connect to /tmp/none: No such file")
    lib.expect(lib.run([f"{EXAMPLES}/motion", "--camera", "nobody"], status=1), "motion: No camera is named 'nobody'; the cameras are 'platform/")


@vm_test()
def files_are_kept():
    """recorder and people do not overwrite a file without --overwrite: they print one sentence and end with status 1."""
    disk()
    file, folder = f"{DISK}/kept.jpg", f"{DISK}/pictures"
    os.makedirs(folder)
    people = [f"{EXAMPLES}/people", "--size", "128x128", "--frames", "1"]
    recorder = [f"{EXAMPLES}/recorder", file, "--width", "640", "--height", "480", "--frames", "1"]
    refused = {file: [recorder, [*people, "--contact-sheet", file]],
               f"{folder}/people-000000.jpg": [[*people, "--out", folder]]}
    for path, commands in refused.items():
        with open(path, "w") as f:
            f.write("the only copy")
        for command in commands:
            lib.expect(lib.run(command, status=1), f": {path} is there already; --overwrite replaces it")
            assert os.path.getsize(path) == len("the only copy")
    lib.run([*recorder, "--overwrite"])
    assert os.path.getsize(file) >= 640 * 480 * 3 // 2
    lib.expect(lib.run([f"{EXAMPLES}/recorder", f"{DISK}/new", "--camera", "nobody"], status=1), "No camera is named 'nobody'")
    assert not os.path.exists(f"{DISK}/new")


@vm_test(settings={"fps": "10"})
def a_bracket_of_five():
    """The example bracket.py: by the board's log, five successive frames have the five exposure times. Then AE goes on."""
    out = lib.run(["python3", "/src/examples/bracket/bracket.py"])
    written, _ = lib.Board.session()
    frames = [lib.fields(line) for line in out.splitlines() if line.startswith("bracket=")]
    assert [frame["bracket"] for frame in frames] == list("01234"), out
    first = int(frames[0]["sequence"])
    assert [int(frame["sequence"]) for frame in frames] == list(range(first, first + 5)), out
    for frame in frames:
        board = written[int(frame["sequence"])]
        assert abs(int(board["exposure"]) * LINE - int(frame["wanted"])) < LINE, (frame, board)
        assert int(board["gain"]) == 512, (frame, board)
    brightness = [float(frame["brightness"]) for frame in frames]
    assert brightness == sorted(brightness) and brightness[0] < brightness[-1] - 20, brightness
    lib.expect(out, rf"(?m)^after sequence={first + 5} ae=[12]$")


@vm_test(settings={"fps": "10"})
def metadata_behind_a_tee():
    """The example behind_a_tee.py: behind queues, videoconvert and jpegenc, the meta of each frame has the board's values."""
    lib.Board().set(light="-2")
    try:
        out = lib.run(["python3", "/src/examples/metadata/behind_a_tee.py"])
    finally:
        lib.Board().set(light="0")
    written, _ = lib.Board.session()
    branches = {name: [lib.fields(line) for line in out.splitlines() if line.startswith(f"{name} ")]
                for name in ("frames", "pictures")}
    assert len(branches["frames"]) == 20 and branches["frames"] == branches["pictures"], out
    for number, frame in enumerate(branches["frames"]):
        board = written[number]
        assert frame["sequence"] == str(number) and frame["lost"] == "0", frame
        assert abs(int(frame["exposure-time"]) - int(board["exposure"]) * LINE) <= 1, (frame, board)
        assert float(frame["analogue-gain"]) == int(board["gain"]) / 256, (frame, board)
    assert {"searching", "converged"} >= {frame["ae-state"] for frame in branches["frames"]}, out
    assert len({frame["exposure-time"] for frame in branches["frames"]}) > 1, "automatic exposure did nothing"


@vm_test(settings={"fps": "10"}, limit=180)
def stills_beside_a_preview():
    """still.py and stills: three and two stills of 3840x2160, whose numbers the board has, and no frame is lost."""
    out = lib.run(["python3", "/src/examples/still/still.py"], limit=80)
    stills = [lib.fields(line) for line in out.splitlines() if line.startswith("still ")]
    frames = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    assert [still["size"] for still in stills] == 3 * ["%dx%d" % UHD], out
    assert all(frame["lost"] == "0" for frame in frames), out
    written, _ = lib.Board.session()
    for still in stills:
        assert abs(int(still["exposure"]) - int(written[int(still["sequence"])]["exposure"]) * LINE) <= 1, still

    disk()
    out = lib.run([f"{EXAMPLES}/stills", DISK], limit=80)
    lib.expect(out, r"(?m)^previews=\d+ lost=0$")
    for number in range(2):
        assert os.path.getsize(f"{DISK}/still-{number}.nv12") == UHD[0] * UHD[1] * 3 // 2
    lib.expect(lib.run([f"{EXAMPLES}/stills", DISK], status=1), "still-0.nv12 is there already; --overwrite replaces it")


@vm_test(settings={"fps": "10"}, limit=180)
def snapshots_in_gstreamer():
    """snapshot.py writes two JPEGs of 3840x2160 while a preview plays. Their exposure is the board's."""
    out = lib.run(["python3", "/src/examples/still/snapshot.py", "/tmp"], limit=170)
    stills = [lib.fields(line) for line in out.splitlines() if line.startswith("still ")]
    assert len(stills) == 2, out
    written, _ = lib.Board.session()
    for still in stills:
        assert still["size"] == "%dx%d" % UHD, still
        board = written[int(still["sequence"])]
        assert abs(int(still["exposure"]) - int(board["exposure"]) * LINE) <= 1, (still, board)
        with open(still["file"], "rb") as file:
            assert file.read(2) == b"\xff\xd8", still


@vm_test()
def motion_in_a_part():
    """The motion example detects the board's moving pattern in a part of the picture, and reads only this part."""
    out = lib.run([f"{EXAMPLES}/motion", "--frames", "20", "--roi", "64", "64", "256", "128"])
    moved = [float(lib.fields(line)["moved"]) for line in out.splitlines() if line.startswith("frame ")]
    assert len(moved) == 20 and moved[0] == 0 and max(moved) > 0, moved
    lib.expect(lib.run([f"{EXAMPLES}/motion", "--roi", "600", "0", "100", "10"], status=1), "not within a frame")


@vm_test(settings=PACED)
def asyncio_in_twenty_lines():
    """examples/events/frames_asyncio.py shows frames, and other work of the same thread goes on between them."""
    with open("/src/examples/events/frames_asyncio.py") as f:
        assert sum(1 for line in f if line.strip() and not line.startswith("#")) <= 20
    out = lib.run(["python3", "-u", "/src/examples/events/frames_asyncio.py"])
    sequences = [int(number) for number in re.findall(r"^frame (\d+): exposure \d+ us, mean \d+$", out, re.M)]
    assert sequences == sorted(set(sequences)) and len(sequences) == 20, out
    # 20 frames at 60 per second take six times as long as a tick.
    lib.expect(out, "(?m)^tick: something else")


@vm_test(settings=PACED)
def epoll_in_cpp():
    """event-loop gets frames, the cameras and a timer from one epoll, and ends after 90 frames."""
    out = lib.run([f"{EXAMPLES}/event-loop", "--frames", "90"])
    sequences = [int(lib.fields(line)["sequence"]) for line in out.splitlines() if line.startswith("frame ")]
    assert len(sequences) == 90 and sequences == sorted(set(sequences)), out
    lib.expect(out, "(?m)^camera present id=platform/cmacam")
    lib.expect(out, r"(?m)^second lost=\d+$")


@vm_test(settings=PACED)
def frames_for_forked_workers():
    """examples/fork/workers.py: three forked workers get ten frames each of their parent's camera."""
    out = lib.run(["python3", "/src/examples/fork/workers.py", "--workers", "3"])
    lines = [lib.fields(line) for line in out.splitlines() if line.startswith("worker ")]
    pids = [line["pid"] for line in lines]
    assert len(set(pids)) == 3 and all(pids.count(pid) == 10 for pid in pids), out
    for pid in set(pids):
        sequences = [int(line["sequence"]) for line in lines if line["pid"] == pid]
        assert sequences == sorted(set(sequences)), sequences


@vm_test(settings={"digest": "sha256"})
def recorder_at_4k():
    """O_DIRECT to an ext4 disk at 3840x2160: each frame in the file is what the board wrote."""
    disk()
    path = f"{DISK}/frames.nv12"
    out = lib.run([f"{EXAMPLES}/recorder", path, "--frames", "3"])
    written, _ = lib.Board.session()
    frames = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    assert len(frames) == 3
    with open(path, "rb") as f:
        for frame in frames:
            pixels = f.read(int(frame["bytes"]))
            assert lib.sha256(pixels[:UHD[0] * UHD[1] * 3 // 2]) == written[int(frame["sequence"])]["sha256"], frame
    lib.expect(out, "recorded 3, lost 0")


@vm_test(machine=TWO, settings={"digest": "sha256"}, long=True)
def people_on_lores_as_on_main():
    """Main is recorded while people are counted on lores of the same frames: each count is the same as on main alone."""
    counts = record_and_count_people()
    out = lib.run([f"{EXAMPLES}/people", "--format", "R8", "--size", "768x576", "--frames", str(min(counts) + 1)])
    lines = [lib.fields(line) for line in out.splitlines() if line.startswith("frame ")]
    alone = {int(entry["sequence"]): int(entry["people"]) for entry in lines}
    same = set(counts) & set(alone)
    assert same, (counts, alone)
    for sequence in same:
        assert counts[sequence] == alone[sequence], (sequence, counts, alone)


def record_and_count_people():
    """Record main, read lores and compare both with the board. Return the number of people by sequence.

    The detector skips frames while it is busy or has not started yet. It always examines the last frame.
    """
    disk()
    path = f"{DISK}/people.nv12"
    out = lib.run([f"{EXAMPLES}/people-recorder", path, "--frames", "4", "--width", "1280", "--height", "720"])
    lines = [(line.split(" ", 1)[0], lib.fields(line)) for line in out.splitlines()]
    frames = {int(entry["sequence"]): entry for kind, entry in lines if kind == "frame"}
    people = {int(entry["sequence"]): entry for kind, entry in lines if kind == "people"}
    written = [lib.Board.session(channel)[0] for channel in (0, 1)]
    assert sorted(frames) == list(range(4)) and 3 in people and set(people) <= set(frames), (frames, people)
    lib.expect(out, f"recorded 4, lost 0, looked at {len(people)}\n")
    with open(path, "rb") as f:
        for sequence, entry in frames.items():
            pixels = f.read(int(entry["bytes"]))
            assert lib.sha256(pixels[:1280 * 720 * 3 // 2]) == written[0][sequence]["sha256"], sequence
    for sequence, entry in people.items():
        assert entry["timestamp"] == frames[sequence]["timestamp"], sequence
        assert written[0][sequence]["picture"] == written[1][sequence]["picture"], sequence
    counts = {sequence: int(entry["count"]) for sequence, entry in people.items()}
    assert all(counts.values()), counts
    return counts


@vm_test(settings={"digest": "sha256"})
def zero_copy_over_tcp():
    """The zero-copy sender's frames arrive over loopback as the board wrote them."""
    size = 1280 * 720 * 3 // 2
    received = []

    def receive(listener):
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while data := stream.read(size):
                received.append(lib.sha256(data))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=receive, args=(listener,))
        thread.start()
        out = lib.run([f"{EXAMPLES}/sender", "--port", str(listener.getsockname()[1]), "--frames", "6"])
        thread.join()
    written, _ = lib.Board.session()
    assert received == [written[number]["sha256"] for number in range(6)], out


def shown(name):
    """Check that the library's README contains this program unchanged."""
    with open(f"/src/examples/count/{name}") as f, open("/src/libcmacam/README.md") as readme:
        source = re.sub(r"^(#|//) SPDX.*\n", "", f.read())
        assert source.strip() in readme.read(), f"{name} is not in the README"


def counted(out):
    """The number of people that a program found in each frame."""
    return [int(count) for count in re.findall(r"^frame \d+: (\d+) people$", out, re.M)]


@vm_test(limit=240, machine=TWO, long=True)
def people_in_ten_lines():
    """The programs in examples/count are those of libcmacam/README.md, and the Python script finds people."""
    shown("count_people.py")
    shown("count_people.cpp")
    command = ["python3", "-u", "/src/examples/count/count_people.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        # The first frame that shows some will do: a frame takes seconds.
        assert any(count > 0 for line in program.stdout for count in counted(line)), "nobody found"
        program.kill()


@vm_test(limit=240, machine=TWO, long=True)
def people_in_three_frames():
    """The Python script and the C++ program count people in three frames each, and end."""
    for command in (["python3", "/src/examples/count/count_people.py"], [f"{EXAMPLES}/count-people"]):
        found = counted(lib.run(command, limit=200))
        assert len(found) == 3 and max(found) > 0, found


@vm_test(limit=600, long=True)
def people_as_the_readme_says():
    """In the machine, the C++ program of libcmacam/README.md compiles with the command of that page, and runs."""
    with open("/src/libcmacam/README.md") as f:
        readme = f.read()
    with open("/tmp/count_people.cpp", "w") as f:
        f.write(re.search(r"```cpp\n(.*?)```", readme, re.S).group(1))
    lib.run(re.search(r"`(c\+\+ .*? count_people.cpp .*?)`", readme).group(1), limit=500, cwd="/tmp")
    assert len(counted(lib.run(["/tmp/a.out"], limit=200))) == 3
