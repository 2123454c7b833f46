# SPDX-License-Identifier: MIT
"""A headless Chromium whose page opens the camera and sends its frames to a server of the tests."""

import http.server
import json
import queue
import shutil
import subprocess
import threading

import lib

# Until the first frame; what follows takes a second each.
LIMIT = 180
# The page asks what to do next, does it, and posts what came of it: a JSON line, and the frame's RGBA bytes behind it.
PAGE = b"""<!DOCTYPE html>
<script>
async function frame(width, height) {
	const devices = await navigator.mediaDevices.enumerateDevices();
	const stream = await navigator.mediaDevices.getUserMedia({video: {
		width: {exact: width}, height: {exact: height}, resizeMode: {exact: "none"}}});
	const track = stream.getVideoTracks()[0];
	try {
		const video = document.createElement("video");
		video.muted = true;
		video.srcObject = stream;
		await video.play();
		await new Promise(done => video.requestVideoFrameCallback(done));
		const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
		const context = canvas.getContext("2d");
		context.drawImage(video, 0, 0);
		const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
		return [{cameras: devices.filter(device => device.kind == "videoinput").length, label: track.label,
			settings: track.getSettings(), width: canvas.width, height: canvas.height}, pixels];
	} finally {
		track.stop();
	}
}
async function run() {
	while (true) {
		const size = await (await fetch("next")).json();
		let said, pixels = new Uint8Array();
		try {
			[said, pixels] = await frame(...size);
		} catch (error) {
			said = {error: error.name + (error.constraint ? ": " + error.constraint : "")};
		}
		await fetch("result", {method: "POST", body: new Blob([JSON.stringify(said) + "\\n", pixels])});
	}
}
run();
</script>
"""


class Browser:
    """One browser with one page. The page opens the camera each time a test asks for a frame."""

    def __init__(self):
        self._sizes, self._results = queue.Queue(), queue.Queue()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        shutil.rmtree("/tmp/profile", ignore_errors=True)
        # Without a compiler for scripts: emulation translates its output anew. localhost is what getUserMedia trusts.
        self._browser = subprocess.Popen(["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--disable-quic",
                                          "--no-first-run", "--disable-background-networking", "--js-flags=--jitless",
                                          "--user-data-dir=/tmp/profile", "--use-fake-ui-for-media-stream",
                                          "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0",
                                          f"http://localhost:{self._server.server_port}/"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._browser.kill()
        self._browser.wait()
        self._server.shutdown()

    def _handler(self):
        sizes, results = self._sizes, self._results

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):   # noqa: N802  (the name is http.server's)
                if self.path == "/next":
                    self._answer("application/json", json.dumps(sizes.get()).encode())
                else:
                    self._answer("text/html", PAGE)

            def do_POST(self):  # noqa: N802
                results.put(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer("text/plain", b"")

            def _answer(self, kind, body):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler

    def frame(self, width, height):
        """The picture that getUserMedia shows at exactly this size, in cv2's BGR."""
        import cv2
        import numpy
        self._sizes.put((width, height))
        try:
            said, _, pixels = self._results.get(timeout=LIMIT * lib.SLOWER).partition(b"\n")
        except queue.Empty:
            raise AssertionError(f"no frame within {LIMIT} s") from None
        told = json.loads(said)
        print(told, flush=True)
        if "error" in told:
            raise ValueError(told["error"])
        settings = told["settings"]
        assert told["cameras"] and (settings["width"], settings["height"]) == (width, height), told
        samples = numpy.frombuffer(pixels, numpy.uint8).reshape(told["height"], told["width"], 4)
        return cv2.cvtColor(samples, cv2.COLOR_RGBA2BGR)
