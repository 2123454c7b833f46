# SPDX-License-Identifier: MIT
"""Look at a small preview, take a full picture now and then, and show that the preview lost no frame for it."""

import threading

import cmacam

STILLS = 3


def photographer(camera):
    for _ in range(STILLS):
        with camera.capture() as still, still.map() as pixels:
            print(f"still sequence={still.sequence} size={pixels.width}x{pixels.height} exposure={still.exposure} "
                  f"brightness={pixels.gray.mean():.1f}", flush=True)


with cmacam.Camera(format="NV12", size=(320, 240), still=True, policy="block") as camera:
    camera.next().release()
    thread = threading.Thread(target=photographer, args=(camera,))
    thread.start()
    for frame in camera:
        with frame:
            print(f"frame sequence={frame.sequence} lost={frame.lost}", flush=True)
        if not thread.is_alive():
            break
