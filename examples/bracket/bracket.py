# SPDX-License-Identifier: MIT
"""Take five frames with five exposure times, while the other frames of the camera go on as before."""

import cmacam

EXPOSURES = (1000, 2000, 4000, 8000, 16000)     # microseconds
GAIN = 2.0

with cmacam.Camera(format="NV12", size=(640, 480), policy="block") as camera:
    camera.next().release()
    camera.bracket([{"AeEnable": False, "ExposureTime": exposure, "AnalogueGain": GAIN} for exposure in EXPOSURES])
    taken = []
    for frame in camera:
        with frame, frame.map() as pixels:
            if frame.bracket is not None:
                taken.append(frame.bracket)
                print(f"bracket={frame.bracket} sequence={frame.sequence} wanted={EXPOSURES[frame.bracket]} "
                      f"exposure={frame.metadata['ExposureTime']} brightness={pixels.gray.mean():.1f}")
            elif taken:
                print(f"after sequence={frame.sequence} ae={frame.metadata['AeState']}")
                break
