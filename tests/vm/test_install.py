# SPDX-License-Identifier: MIT
"""What `meson install` installs works as it is: for any user of the group video, without a word in the environment."""

import contextlib
import os
import shutil

import installed
import lib
from declare import vm_test
from test_other_cameras import virtual_camera

HOME = "/tmp/installed-home"
OTHER_HANDLER = f"{installed.BUILD}/tests/libcam-pipeline/libcmacam-pipeline-other.so"
# A user of the group video in the environment of a new login.
USER = [*installed.IN_USR, "setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=video",
        "env", "-i", "PATH=/usr/bin:/bin", f"HOME={HOME}", "LANG=C.UTF-8"]


@contextlib.contextmanager
def home():
    """While the block runs, the user has a home folder."""
    os.mkdir(HOME)
    os.chmod(HOME, 0o777)
    try:
        yield
    finally:
        shutil.rmtree(HOME)


def as_user(*command, **kwargs):
    return lib.run([*USER, *command], cwd="/tmp", **kwargs)


@vm_test(long=True, limit=600)
def a_user_streams_with_the_installed_files():
    """cmacam-run, cmacamsrc and the Python module deliver frames to a user of the group video, without any environment."""
    with installed.files(), home():
        lib.expect(as_user("cmacam-run", "cam", "-l"), r"\(platform/cmacam-sensor\.0 cmacam-sensor\)")
        lib.expect(as_user("cmacam-run", "cam", "-c1", "--capture=3"), r"(?m)^.* seq: 0*2 ")
        # GStreamer looks at all of its plugins, which this user has not done before.
        lib.expect(as_user("gst-launch-1.0", "-v", "cmacamsrc", "num-buffers=3", "!", "fakesink", "silent=false", limit=300),
                   r"(?s)(chain.*){3}Got EOS")
        out = as_user("python3", "-c", "import cmacam; camera = cmacam.Camera(); camera.start(); "
                                       "print(camera.next().map().gray.mean(), cmacam.__file__)")
        lib.expect(out, r"\d /usr/lib/python3/dist-packages/cmacam/")


@vm_test()
def the_handler_of_another_libcamera_stays_away():
    """A handler that was built for another libcamera says so in one sentence. Other cameras and V4L2 programs go on."""
    with virtual_camera() as other:
        out = lib.run(["env", f"LD_PRELOAD={OTHER_HANDLER}", "/usr/bin/cam", "-l"])
    lib.expect(out, r"The cmacam handler was built for libcamera v0\.6\.99 and does not register with v\S+: rebuild it")
    assert "cmacam-sensor" not in out, out
    lib.expect(out, rf"\({other}\)")
    lib.run(["v4l2-ctl", "-d", lib.video(), "--stream-mmap", "--stream-count=3"])
