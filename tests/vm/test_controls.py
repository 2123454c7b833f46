# SPDX-License-Identifier: MIT
"""libcamera's controls: each acts on the frame of its request, on the pixels, and is in the metadata."""

import glob
import os
import re

import lib
from declare import vm_test

SIZE = (64, 48)
STREAM = f"role=viewfinder,width={SIZE[0]},height={SIZE[1]},pixelformat=RGB888"
MANUAL = ["AeEnable: false", "AwbEnable: false"]
# The request whose controls differ, and how many there are.
AT, FRAMES = 6, 10

# Time for user space to write the controls of a request while the frame before it is taken.
PACED = {"fps": "4"}


class Frame:
    """Metadata of a request and its picture."""

    def __init__(self, metadata, path):
        self.metadata = metadata
        with open(path, "rb") as f:
            self.pixels = f.read()
        stride = len(self.pixels) // SIZE[1]
        self.rows = [self.pixels[y * stride:y * stride + 3 * SIZE[0]] for y in range(SIZE[1])]

    def mean(self, channel=None):
        """Of a channel (R 2, G 1, B 0) or of all."""
        values = [value for row in self.rows for value in (row if channel is None else row[channel::3])]
        return sum(values) / len(values)

    def spread(self):
        """How far codes are from their mean, and how far channels are from each other."""
        mean = self.mean()
        values = [value for row in self.rows for value in row]
        colour = [max(row[i:i + 3]) - min(row[i:i + 3]) for row in self.rows for i in range(0, len(row), 3)]
        return sum(abs(v - mean) for v in values) / len(values), sum(colour) / len(colour)


def capture(controls, orientation=None, at=AT, count=FRAMES):
    """Frames of stock cam, the controls set with one request, all automatic things off."""
    for old in glob.glob("/tmp/controls-*"):
        os.unlink(old)
    with open("/tmp/controls-script.yaml", "w") as f:
        f.write("frames:\n")
        for request, lines in ((0, MANUAL), (at, controls)):
            f.write(f"  - {request}:\n" + "".join(f"      {line}\n" for line in lines))
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


def takes_effect(control, value, expected=None, near=0.01):
    """The metadata say the value from request 6 on, and another before; the frames."""
    frames = capture([f"{control}: {value}"])
    expected = numbers(str(value)) if expected is None else expected
    for number, frame in enumerate(frames):
        has = numbers(frame.metadata[control])
        same = len(has) == len(expected) and all(abs(a - b) <= near * max(1, abs(b)) for a, b in zip(has, expected))
        assert same == (number >= AT), f"{control} of request {number}: {frame.metadata[control]}"
    return frames[AT - 1], frames[AT]


@vm_test(settings=PACED, limit=200)
def exposure_and_gain():
    """ExposureTime and AnalogueGain: on the frame of their request, proportional in the pixels."""
    before, after = takes_effect("ExposureTime", 4000, near=0.002)
    assert after.mean() < before.mean() * 0.4
    before, after = takes_effect("AnalogueGain", 4.0)
    assert after.mean() > before.mean() * 1.3


def interrupts():
    """Of the board, so far."""
    board = os.path.basename(lib.pci_device())
    with open("/proc/interrupts") as f:
        return sum(int(count) for line in f if board in line for count in line.split()[1:1 + os.cpu_count()])


@vm_test(settings={"fps": "10"}, limit=200)
def controls_after_a_long_silence():
    """Starts of frames are followed only while controls come; those that come later still act on their own frame."""
    at, count = 50, 52
    before = interrupts()
    frames = capture(["AnalogueGain: 4.0"], at=at, count=count)
    assert [float(f.metadata["AnalogueGain"]) == 4.0 for f in frames] == [i >= at for i in range(count)]
    starts = interrupts() - before - count
    # Those of some 20 requests, and of the few from where the last controls were queued.
    assert 0 < starts < count - 15, starts


@vm_test(settings=PACED, limit=200)
def frame_duration_and_pattern():
    """FrameDurationLimits and TestPatternMode act on the frame of their request."""
    frames = capture(["FrameDurationLimits: [50000, 50000]"])
    assert [abs(int(f.metadata["FrameDuration"]) - 50000) < 20 for f in frames] == [i >= AT for i in range(FRAMES)]
    before, after = takes_effect("TestPatternMode", 1)
    assert len(set(before.rows[10])) > 10 and len(set(after.rows[10])) == 1


@vm_test(settings=PACED, limit=200)
def colours():
    """ColourGains and ColourTemperature act on red and blue, on the frame of their request."""
    before, after = takes_effect("ColourGains", "[0.5, 2.0]")
    assert after.mean(2) < before.mean(2) * 0.7 and after.mean(0) > before.mean(0) * 1.2
    before, after = takes_effect("ColourTemperature", 3000)
    assert after.mean(2) < before.mean(2) * 0.8 and after.mean(0) > before.mean(0) * 1.15


@vm_test(settings=PACED, limit=200)
def brightness_contrast_saturation():
    """Each of them acts on the pixels of the frame of its request."""
    before, after = takes_effect("Brightness", 0.5)
    assert after.mean() > before.mean() + 30
    before, after = takes_effect("Contrast", 0.25)
    assert after.spread()[0] < before.spread()[0] * 0.4
    before, after = takes_effect("Saturation", 0.0)
    assert after.spread()[1] <= 1 < before.spread()[1]


@vm_test(settings=PACED, limit=120)
def crop():
    """ScalerCrop zooms on the frame of its request: a quarter of each ramp fills the picture."""
    before, after = takes_effect("ScalerCrop", "[1280, 720, 960, 540]")

    def steps(frame):
        green = [row[1] for row in frame.rows]
        return sum(min((b - a) % 256, (a - b) % 256) for a, b in zip(green, green[1:]))
    assert steps(after) < steps(before) / 2, (steps(before), steps(after))


@vm_test(settings={**PACED, "mark": "off"}, limit=200)
def orientation():
    """CameraConfiguration::orientation: flipped pictures are the mirrored ones of the same frames."""
    straight = capture(["Contrast: 1.0"])
    turned = capture(["Contrast: 1.0"], "rot180")
    mirrored = capture(["Contrast: 1.0"], "mirror")

    def mirror(row):
        return b"".join(row[i:i + 3] for i in range(len(row) - 3, -3, -3))
    for a, b, c in zip(straight, turned, mirrored):
        assert [mirror(row) for row in reversed(a.rows)] == b.rows
        assert [mirror(row) for row in a.rows] == c.rows
        assert a.rows != b.rows and a.rows != c.rows


@vm_test()
def wall_clock_and_properties():
    """FrameWallClock is the wall clock's time of the frame; the camera tells what it is."""
    import time
    out = lib.run(["cam", "-c1", "--capture=3", "--metadata", "--list-properties", "--list-controls"])
    stamps = [int(n) for n in re.findall(r"FrameWallClock = (\d+)", out)]
    assert len(stamps) == 3 and all(0 < time.time() - stamp / 1e9 < 60 for stamp in stamps), stamps
    for pattern in ("Model = cmacam-sensor", r"Location = 2 \(CameraLocationExternal\)", "Rotation = 0",
                    "PixelArraySize = 3840x2160", "UnitCellSize = 1550x1550"):
        lib.expect(out, "Property: " + pattern)
    for control in ("AeEnable", "ExposureValue", "AeExposureMode", "ExposureTime", "ExposureTimeMode", "AnalogueGain",
                    "AnalogueGainMode", "AwbEnable", "ColourGains", "ColourTemperature", "Brightness", "Contrast",
                    "Saturation", "ScalerCrop", "FrameDurationLimits", "TestPatternMode"):
        lib.expect(out, rf"Control: .*::{control}:")
