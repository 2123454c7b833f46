# SPDX-License-Identifier: MIT
"""The camera stack of a desktop: D-Bus, PipeWire and WirePlumber, started as in a user's session."""

import contextlib
import json
import os
import re
import signal
import subprocess

import lib
import programs

RUNTIME = "/tmp/session"


class Session:
    """A session bus, PipeWire and WirePlumber, with the environment of a new login. They end in the reverse order.

    wrapper: a command that starts each of them.
    """

    def __init__(self, *wrapper):
        os.mkdir(RUNTIME, 0o700)
        places = {"XDG_RUNTIME_DIR": RUNTIME, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={RUNTIME}/bus"}
        self._login = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": RUNTIME, "LANG": "C.UTF-8", **places}
        self._environment = {**os.environ, **places}    # of programs that read
        self._wrapper = wrapper
        self._children = []
        with contextlib.ExitStack() as stack:
            stack.callback(self._end)
            self._start("dbus-daemon", "--session", "--nofork", f"--address=unix:path={RUNTIME}/bus")
            lib.wait_until(lambda: os.path.exists(f"{RUNTIME}/bus"), "a session bus")
            self._start("pipewire")
            lib.wait_until(lambda: os.path.exists(f"{RUNTIME}/pipewire-0"), "PipeWire")
            self._start("wireplumber")
            stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def _start(self, *command):
        self._children.append(subprocess.Popen([*self._wrapper, *command], env=self._login))

    def _end(self):
        while self._children:
            child = self._children.pop()
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(30 * lib.SLOWER)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def nodes(self):
        """The properties of each camera that PipeWire lists."""
        out = subprocess.run(["pw-dump", "--no-colors"], env=self._environment, stdout=subprocess.PIPE, text=True,
                             timeout=30 * lib.SLOWER, check=False).stdout
        try:
            known = [entry.get("info", {}).get("props", {}) for entry in json.loads(out) if entry["type"].endswith(":Node")]
        except ValueError:      # it is said in pieces while something changes
            return []
        return [entry for entry in known if entry.get("media.class") == "Video/Source"]

    def camera(self, api):
        """The name of the camera that PipeWire reads with this API. With libcamera, it is the only camera."""
        def known():
            return [entry for entry in self.nodes() if entry.get("device.api") == api and
                    entry.get("api.v4l2.path", lib.video()) == lib.video()]

        found = lib.wait_until(known, f"a camera in PipeWire by {api}", 60)
        print(json.dumps(found, indent=1), flush=True)
        assert api == "v4l2" or self.nodes() == found, self.nodes()
        return found[0]["node.name"]

    def choice(self, node):
        """The caps that pipewiresrc gets if the program wishes for pictures, and no more."""
        out = lib.run(f"gst-launch-1.0 -v pipewiresrc target-object='{node}' num-buffers=3 ! video/x-raw ! fakesink",
                      env=self._environment, limit=60)
        caps = re.findall(r"GstFakeSink:.*GstPad:sink: caps = (video/.*)$", out, re.M)
        assert caps, out
        return caps[-1]

    def reader(self, node, frames=programs.FRAMES):
        """A function that gives the last of this number of frames that pipewiresrc shows as (format, width, height).

        The queue passes on the newest one only: to convert all of many large frames takes minutes.
        """
        def show(pixels, width, height):
            path = "/tmp/pipewire.raw"
            programs.forget(path)
            lib.run(f"gst-launch-1.0 -q pipewiresrc target-object='{node}' num-buffers={frames} ! "
                    "queue leaky=downstream max-size-buffers=1 max-size-bytes=0 ! "
                    f"{programs.caps(pixels, width, height)} ! filesink location={path}", env=self._environment, limit=30)
            return programs.read_gstreamer(pixels, width, height, path)

        return show
