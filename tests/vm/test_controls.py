# SPDX-License-Identifier: MIT
"""libcamera's controls: each changes the pixels of the frame of its request, and is in the metadata of this frame."""

import glob
import os
import re

import lib
from declare import vm_test

SIZE = (64, 48)
STREAM = f"role=viewfinder,width={SIZE[0]},height={SIZE[1]},pixelformat=RGB888"
MANUAL = ["AeEnable: false", "AwbEnable: false"]
# The request whose controls differ first; the steps after it, and the last, have so many requests each.
AT, STEP = 6, 3

# Time for user space to write the controls of a request while the frame before it is taken.
PACED = {"fps": "4"}
TRIES = 3


class Frame:
    """The metadata of a request, and its picture."""

    def __init__(self, metadata, path):
        self.metadata = metadata
        with open(path, "rb") as f:
            self.pixels = f.read()
        stride = len(self.pixels) // SIZE[1]
        self.rows = [self.pixels[y * stride:y * stride + 3 * SIZE[0]] for y in range(SIZE[1])]

    def mean(self, channel=None):
        """The mean of a channel (R 2, G 1, B 0) or of all channels."""
        values = [value for row in self.rows for value in (row if channel is None else row[channel::3])]
        return sum(values) / len(values)

    def spread(self):
        """The mean distance of codes from their mean, and the mean distance of channels from each other."""
        mean = self.mean()
        values = [value for row in self.rows for value in row]
        colour = [max(row[i:i + 3]) - min(row[i:i + 3]) for row in self.rows for i in range(0, len(row), 3)]
        return sum(abs(v - mean) for v in values) / len(values), sum(colour) / len(colour)

    def edges(self):
        """The distance of codes from the mean of their neighbours on the line."""
        return sum(abs(2 * c - left - right) for row in self.rows for left, c, right in zip(row, row[3:], row[6:]))


def capture(*steps, orientation=None, at=AT, step=STEP):
    """Frames of cam without automatic functions. Request `at` sets the first step; later steps follow every `step` requests."""
    for old in glob.glob("/tmp/controls-*"):
        os.unlink(old)
    with open("/tmp/controls-script.yaml", "w") as f:
        f.write("frames:\n")
        for request, lines in ((0, MANUAL), *((at + step * i, lines) for i, lines in enumerate(steps))):
            f.write(f"  - {request}:\n" + "".join(f"      {line}\n" for line in lines))
    count = at + step * len(steps)
    options = ["--orientation", orientation] if orientation else []
    out = lib.run(["cam", "-c1", "--stream", STREAM, *options, f"--capture={count}", "--metadata",
                   "--script=/tmp/controls-script.yaml", "--file=/tmp/controls-#.bin"], limit=60)
    blocks = re.split(r"^\d+\.\d+ \(.*?fps\) cam0-stream0 seq: (\d+) .*$", out, flags=re.M)[1:]
    frames = []
    for sequence, text in zip(blocks[::2], blocks[1::2]):
        path = f"/tmp/controls-cam0-stream0-{int(sequence):06}.bin"
        frames.append(Frame(dict(re.findall(r"^\s*(\w+) = (.*)$", text, re.M)), path))
    assert len(frames) == count, out
    return frames


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text)]


def stood_still(frames):
    """True if a frame came much later than the others. User space then had no time to write the controls of a request."""
    times = [int(frame.metadata["SensorTimestamp"]) for frame in frames]
    gaps = sorted(later - earlier for earlier, later in zip(times, times[1:]))
    return gaps[-1] > 2 * gaps[len(gaps) // 2]


def take_effect(*steps):
    """Check that each step's control has its value in the metadata from its request on, and another value before.

    Steps are (control, value, tolerance, further lines). Returns the last frame before and the first frame after each step.
    """
    lines = [[f"{control}: {value}", *further] for control, value, _, *further in steps]
    for _ in range(TRIES):
        frames = capture(*lines)
        if not stood_still(frames):
            break
        print("the machine stood still while the frames were taken: once more")
    pairs = []
    for number, (control, value, near, *_) in enumerate(steps):
        at = AT + STEP * number
        wanted = numbers(str(value))
        for request, frame in enumerate(frames[:at + STEP]):
            has = numbers(frame.metadata[control])
            same = len(has) == len(wanted) and all(abs(a - b) <= near * max(1, abs(b)) for a, b in zip(has, wanted))
            assert same == (request >= at), f"{control} of request {request}: {frame.metadata[control]}"
        pairs.append((frames[at - 1], frames[at]))
    return pairs


@vm_test(settings=PACED, limit=200)
def exposure_and_gain():
    """ExposureTime and AnalogueGain take effect in the frame of their request, and the pixels change in proportion."""
    (before, shorter), (_, amplified) = take_effect(("ExposureTime", 4000, 0.002), ("AnalogueGain", 4.0, 0.01))
    assert shorter.mean() < before.mean() * 0.4
    assert amplified.mean() > shorter.mean() * 1.3


def interrupts():
    """The number of interrupts of the board since it was plugged in."""
    board = os.path.basename(lib.pci_device())
    with open("/proc/interrupts") as f:
        return sum(int(count) for line in f if board in line for count in line.split()[1:1 + os.cpu_count()])


@vm_test(settings={"fps": "10"}, limit=200)
def controls_after_a_long_silence():
    """The handler follows starts of frames only while controls arrive. A later control still affects its own frame."""
    at = 50
    before = interrupts()
    frames = capture(["AnalogueGain: 4.0"], at=at)
    count = len(frames)
    assert [float(f.metadata["AnalogueGain"]) == 4.0 for f in frames] == [i >= at for i in range(count)]
    starts = interrupts() - before - count
    # Those of some 20 requests, and of the few from where the last controls were queued.
    assert 0 < starts < count - 15, starts


@vm_test()
def controls_come_at_any_speed():
    """Frames are faster than the events of their starts: no control is lost, and each is at most a few frames late."""
    late, gains = 8, [1 + number % 2 for number in range(12)]
    frames = capture(*([f"AnalogueGain: {gain}.0"] for gain in gains), step=late)
    for number, gain in enumerate(gains):
        request = AT + late * (number + 1) - 1
        assert float(frames[request].metadata["AnalogueGain"]) == gain, request


@vm_test(settings=PACED, limit=200)
def frame_duration_and_pattern():
    """FrameDurationLimits and TestPatternMode take effect in the frame of their request."""
    frames = capture(["FrameDurationLimits: [50000, 50000]"], ["TestPatternMode: 1"])
    assert [abs(int(f.metadata["FrameDuration"]) - 50000) < 20 for f in frames] == \
        [request >= AT for request in range(len(frames))]
    assert ["TestPatternMode" in f.metadata and f.metadata["TestPatternMode"].startswith("1") for f in frames] == \
        [request >= AT + STEP for request in range(len(frames))]
    assert len(set(frames[AT + STEP - 1].rows[10])) > 10 and len(set(frames[AT + STEP].rows[10])) == 1


@vm_test(settings=PACED, limit=200)
def colours():
    """ColourGains and ColourTemperature change red and blue in the frame of their request."""
    (before, cool), (_, warm) = take_effect(("ColourGains", "[0.5, 2.0]", 0.01), ("ColourTemperature", 3000, 0.01))
    assert cool.mean(2) < before.mean(2) * 0.7 and cool.mean(0) > before.mean(0) * 1.2
    assert warm.mean(2) < before.mean(2) * 0.8 and warm.mean(0) > before.mean(0) * 1.15


@vm_test(settings=PACED, limit=200)
def brightness_contrast_sharpness_saturation():
    """Brightness, contrast, sharpness and saturation each change the pixels of the frame of their request."""
    (before, bright), (_, flat), (_, sharp), (_, grey) = take_effect(
        ("Brightness", 0.5, 0.01), ("Contrast", 0.25, 0.01, "Brightness: 0.0"),
        ("Sharpness", 4.0, 0.01, "Contrast: 1.0"), ("Saturation", 0.0, 0.01, "Sharpness: 0.0"))
    assert bright.mean() > before.mean() + 30
    assert flat.spread()[0] < before.spread()[0] * 0.4
    assert sharp.edges() > before.edges() * 1.3, (sharp.edges(), before.edges())
    assert grey.spread()[1] <= 1 < before.spread()[1]


@vm_test(settings=PACED, limit=120)
def crop():
    """ScalerCrop zooms in the frame of its request: a quarter of each ramp fills the picture."""
    (before, after), = take_effect(("ScalerCrop", "[1280, 720, 960, 540]", 0.01))

    def steps(frame):
        green = [row[1] for row in frame.rows]
        return sum(min((b - a) % 256, (a - b) % 256) for a, b in zip(green, green[1:]))
    assert steps(after) < steps(before) / 2, (steps(before), steps(after))


@vm_test(settings={**PACED, "mark": "off"}, limit=200)
def orientation():
    """CameraConfiguration::orientation: flipped pictures are mirror images of the same frames."""
    straight = capture(at=3)
    turned = capture(at=3, orientation="rot180")
    mirrored = capture(at=3, orientation="mirror")

    def mirror(row):
        return b"".join(row[i:i + 3] for i in range(len(row) - 3, -3, -3))
    for a, b, c in zip(straight, turned, mirrored):
        assert [mirror(row) for row in reversed(a.rows)] == b.rows
        assert [mirror(row) for row in a.rows] == c.rows
        assert a.rows != b.rows and a.rows != c.rows


@vm_test()
def wall_clock_and_properties():
    """FrameWallClock is the frame's time on the wall clock, and the camera has the right properties."""
    import time
    out = lib.run(["cam", "-c1", "--capture=3", "--metadata", "--list-properties", "--list-controls"])
    stamps = [int(n) for n in re.findall(r"FrameWallClock = (\d+)", out)]
    assert len(stamps) == 3 and all(0 < time.time() - stamp / 1e9 < 60 for stamp in stamps), stamps
    for pattern in ("Model = cmacam-sensor", r"Location = 2 \(CameraLocationExternal\)", "Rotation = 0",
                    "PixelArraySize = 3840x2160", "UnitCellSize = 1550x1550"):
        lib.expect(out, "Property: " + pattern)
    for control in ("AeEnable", "ExposureValue", "AeExposureMode", "AeFlickerMode", "AeFlickerPeriod", "ExposureTime",
                    "ExposureTimeMode", "AnalogueGain", "AnalogueGainMode", "AwbEnable", "ColourGains", "ColourTemperature",
                    "Brightness", "Contrast", "Saturation", "Sharpness", "ScalerCrop", "FrameDurationLimits", "TestPatternMode"):
        lib.expect(out, rf"Control: .*::{control}:")
