# SPDX-License-Identifier: MIT
"""The errors tell a user what was refused and why: rights, open files, names, controls, buffers, or a board."""

import contextlib
import errno
import glob
import os
import re
import resource
import stat

import lib
import v4l2
from declare import Machine, vm_test
from refused_calls import refuse
from test_cmacamsrc import gst
from test_library import camera, failure, module
from test_unplug import PACED

TWO = Machine(more_boards=((),))
NOBODY = 65534
MANUAL = {"AeEnable": False, "AwbEnable": False}
MORE_FRAMES = 20    # several times as many as a camera has buffers


@vm_test(settings=PACED)
def a_refused_control_is_not_an_unplug():
    """The driver refuses each write of controls: the frames go on, and their metadata has the values that stay in force."""
    with camera(policy="block", controls=MANUAL) as source:
        before = source.next().metadata["Brightness"]
        refuse(v4l2.S_EXT_CTRLS, errno.ERANGE)
        source.set(Brightness=before + 0.5)
        for _ in range(MORE_FRAMES):
            with source.next() as frame:
                seen = frame.metadata["Brightness"]
        assert seen == before, (seen, before)


@vm_test(settings=PACED)
def a_camera_that_takes_no_buffer_is_not_unplugged():
    """The driver refuses each buffer from now on: EIO with a sentence, in limited time, and no word of an unplug."""
    with camera(policy="block") as source:
        source.next().release()
        refuse(v4l2.QBUF, errno.EIO)
        said = failure(errno.EIO, lambda: [source.next().release() for _ in range(MORE_FRAMES)])
    lib.expect(said, r"^Camera '.*' delivers no frames, although it is plugged in: ")
    assert "unplugged" not in said, said


@vm_test(settings=PACED)
def a_board_that_does_not_start():
    """The driver refuses STREAMON of main, which follows when the first buffers are queued: EIO in limited time."""
    source = camera(policy="block")
    refuse(v4l2.STREAMON, errno.EIO, lib.video())
    source.start()
    lib.expect(failure(errno.EIO, source.next, 30), r"^Camera '.*' delivers no frames, although it is plugged in: ")
    source.close()


@vm_test(settings=PACED)
def the_element_says_so_too():
    """cmacamsrc: a refused control changes nothing; refused buffers are a READ error, even if the element waits for a plug."""
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    from gi.repository import Gst, GstApp  # noqa: F401  (GstApp gives the sink its methods)
    Gst.init(None)
    pipeline = Gst.parse_launch("cmacamsrc name=camera ae-enable=false awb-enable=false on-disconnect=wait ! "
                                "video/x-raw,format=NV12,width=320,height=240 ! appsink name=sink sync=false")
    source, sink = pipeline.get_by_name("camera"), pipeline.get_by_name("sink")

    def pull():
        return sink.try_pull_sample(30 * lib.SLOWER * Gst.SECOND)

    pipeline.set_state(Gst.State.PLAYING)
    try:
        assert pull()
        refuse(v4l2.S_EXT_CTRLS, errno.ERANGE)
        source.set_property("brightness", 0.5)
        for number in range(MORE_FRAMES):
            assert pull(), f"no frame {number} after a refused control"
        assert source.get_property("brightness") != 0.5

        refuse(v4l2.QBUF, errno.EIO)
        while pull():
            pass
        message = pipeline.get_bus().timed_pop_filtered(10 * lib.SLOWER * Gst.SECOND, Gst.MessageType.ERROR)
        assert message, "no error"
        error = message.parse_error()[0]
        assert error.matches(Gst.ResourceError.quark(), Gst.ResourceError.READ), error
        lib.expect(error.message, r"^Camera '.*' delivers no frames, although it is plugged in: ")
    finally:
        pipeline.set_state(Gst.State.NULL)


@contextlib.contextmanager
def another_user():
    """While the block runs, this process has the rights of a user without any group."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@contextlib.contextmanager
def open_to_all(*patterns):
    """While the block runs, each user may open these nodes. Other nodes of the board stay as udev has made them."""
    nodes = {path: os.stat(path).st_mode for pattern in patterns for path in glob.glob(pattern)}
    assert nodes, patterns
    for path in nodes:
        os.chmod(path, 0o666)
    try:
        yield
    finally:
        for path, mode in nodes.items():
            os.chmod(path, mode & 0o777)


@vm_test()
def no_right_to_open_a_node():
    """A user without rights: the error (EACCES) names the media node, then the video node, and their group."""
    module()
    with another_user():
        lib.expect(failure(errno.EACCES, camera), r"^No right to open /dev/media\d+, which is for the group 'video': add")
    with open_to_all("/dev/media*", "/dev/v4l-subdev*"), another_user():
        lib.expect(failure(errno.EACCES, camera), r"^No right to open /dev/video\d+, which is for the group 'video'")
    with open_to_all("/dev/media*", "/dev/v4l-subdev*", "/dev/video*", "/dev/dma_heap/*"), another_user():
        with camera() as source:
            source.next().release()


@vm_test(machine=TWO)
def too_many_open_files():
    """A process that can open 0 to 3 more files opens a second camera: EMFILE with the numbers. With more files, it opens."""
    second_id = lib.camera(1)
    with camera(id=lib.camera(0), buffers=4):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.open("/dev/null", os.O_RDONLY)
        os.close(free)
        for more in range(4):
            resource.setrlimit(resource.RLIMIT_NOFILE, (free + more, before[1]))
            try:
                said = failure(errno.EMFILE, camera, id=second_id, buffers=4)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            lib.expect(said, rf"needs \d+ more open files?, but the process may have {free + more} in all: .*ulimit -n")
        with camera(id=second_id, buffers=4) as second:
            second.next().release()


@vm_test()
def an_unknown_pixel_format():
    """A format that does not exist, for main and for lores: EINVAL, and the error lists the formats of the stream."""
    for options in ({"format": "NV99"}, {"lores": ("NV99", 320, 240)}):
        said = failure(errno.EINVAL, camera, **options)
        lib.expect(said, r"^there is no pixel format 'NV99'; the formats of this stream are .*\bNV12\b")


@vm_test(machine=TWO)
def two_cameras_of_one_name():
    """The sensors of both boards have the model cmacam-sensor: as a name, it is an error that has the IDs of both."""
    both = r"^2 cameras are named 'cmacam-sensor'; use one of their IDs: "
    said = failure(errno.EINVAL, camera, id="cmacam-sensor")
    lib.expect(said, both)
    assert all(f"'{lib.camera(number)}'" in said for number in range(2)), said
    out = gst("cmacamsrc camera-name=cmacam-sensor num-buffers=1", "fakesink", status=255)
    lib.expect(out, r"ERROR: from element .*: 2 cameras are named 'cmacam-sensor'")


@vm_test()
def one_camera_of_a_name():
    """The model of the sensor is enough as a name if only one camera has it."""
    with camera(id="cmacam-sensor") as source:
        assert source.id == lib.camera(), source.id
        source.next().release()


@contextlib.contextmanager
def broken(node):
    """While the block runs, a device node is one of /dev/null, which knows no ioctl of V4L2."""
    hidden = f"{node}.hidden"
    os.rename(node, hidden)
    try:
        os.mknod(node, stat.S_IFCHR | 0o660, os.stat("/dev/null").st_rdev)
        yield
    finally:
        os.rename(hidden, node)


@vm_test(machine=TWO)
def a_board_that_cannot_be_used_hides_no_other():
    """The capture node of either board is none: the log names this board, and the camera of the other one delivers."""
    for bad in range(2):
        good = lib.camera(1 - bad)
        with broken(lib.video(bad)):
            out = lib.run(["cam", "-l"])
            assert re.findall(r"^\d+: .*\((.*)\)$", out, re.M) == [good], out
            lib.expect(out, r"The board on /dev/media\d+ cannot be used: ")
            lib.run(["gst-launch-1.0", "-q", "cmacamsrc", f"camera-name={good}", "num-buffers=3", "!", "fakesink"])
