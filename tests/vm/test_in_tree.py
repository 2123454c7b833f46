# SPDX-License-Identifier: MIT
"""The handler and its IPA module, built inside libcamera's source tree, with unmodified applications."""

import os

import lib
import test_controls
import test_exposure
import test_streams
from declare import vm_test

FOLDER = "/build/in-tree"


def use(folder=FOLDER):
    """Make applications that are started later load the libcamera of a build, without our handler from outside."""
    if os.path.exists(f"{folder}/problem"):
        with open(f"{folder}/problem") as f:
            raise AssertionError(f"libcamera was not built with the handler in its tree:\n{f.read()}")
    libraries = f"{folder}/build/src/libcamera"
    os.environ.update({"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": f"{libraries}:{libraries}/base",
                       "LIBCAMERA_LOG_LEVELS": "IPAManager:DEBUG,IPAProxy:DEBUG"})


@vm_test(long=True, settings=test_exposure.PACED, limit=300)
def the_module_exposes():
    """The IPA module is signed and runs in the process. It finds the light's colour as the linked algorithms do."""
    use()
    out = lib.run(["cam", "-l"])
    lib.expect(out, r"platform/cmacam-sensor.0 cmacam-sensor")
    lib.expect(out, rf"IPA module {FOLDER}/build/src/ipa/cmacam/ipa_cmacam.so signature is valid")
    lib.expect(out, r"initializing cmacam proxy in thread: loading IPA from .*ipa_cmacam.so")
    test_exposure.the_colour_of_the_light_is_found()


@vm_test(long=True, settings=test_controls.PACED, limit=300)
def controls_act_on_their_frame():
    """Exposure, gain and colours take effect in the frame of their request, as they do outside the tree."""
    use()
    test_controls.exposure_and_gain()
    test_controls.colours()


@vm_test(long=True, settings={"digest": "sha256"}, limit=300)
def both_streams_show_the_same_frame():
    """Two streams in one request: every byte is the board's."""
    use()
    test_streams.both_show_the_same_frame()


@vm_test(long=True, limit=300)
def lc_compliance():
    """lc-compliance with one viewfinder stream: all 12 cases that can run pass."""
    use()
    out = lib.run(["lc-compliance", "-c", "platform/cmacam-sensor.0 cmacam-sensor", "-f", "*Viewfinder*"], status=None,
                  limit=280)
    assert "[  FAILED  ]" not in out and out.count("[       OK ]") == 12, out[-3000:]
