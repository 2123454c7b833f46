# SPDX-License-Identifier: MIT
"""The sensor's controls: each changes the pixels as the register contract says, in exactly the frame that reports it."""

import lib
import nodes
from declare import Machine, vm_test

QUIET = {"mark": "off"}
WIDTH, HEIGHT = 48, 32
DEFAULTS = {nodes.EXPOSURE: 2250, nodes.ANALOGUE_GAIN: 256, nodes.TEST_PATTERN: 0, nodes.HFLIP: 0, nodes.VFLIP: 0,
            nodes.RED_BALANCE: 256, nodes.BLUE_BALANCE: 256, nodes.BRIGHTNESS: 0, nodes.CONTRAST: 256,
            nodes.SATURATION: 256, nodes.SHARPNESS: 0}
ARRAY = (0, 0, 3840, 2160)


class Run:
    """Main in BGR24 with its records, by frame number. Picture k is the same in every run."""

    def __init__(self, width=WIDTH, height=HEIGHT):
        self.sensor = nodes.Sensor()
        self.records = nodes.metadata().prepare(6).start()
        self.main = nodes.main().format("BGR3", width, height).prepare(3).start()
        self.line = 3 * width

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sensor.set({nodes.VBLANK: 2340})
        self.sensor.set(DEFAULTS)
        self.sensor.crop(*ARRAY)
        self.sensor.close()
        nodes.close(self.main, self.records)

    def take(self):
        """(record, lines of pixels) of the next frame."""
        frame, record = self.main.take(), self.records.take()
        assert frame.sequence == record.sequence and not frame.error
        lines = [frame.data[start:start + self.line] for start in range(0, len(frame.data), self.main.stride)]
        return record.record, lines


def table(function):
    return bytes(min(255, max(0, int(function(code) + 0.5))) for code in range(256))


def every(function):
    codes = table(function)
    return lambda lines: [line.translate(codes) for line in lines]


def one(colour, function):
    codes = table(function)

    def change(lines):
        out = []
        for line in lines:
            changed = bytearray(line)
            changed[colour::3] = line[colour::3].translate(codes)
            out.append(bytes(changed))
        return out
    return change


def mirror(line):
    return b"".join(line[x:x + 3] for x in range(len(line) - 3, -1, -3))


def to_grey(lines):
    def grey(line):
        codes = (round(0.2126 * line[x + 2] + 0.7152 * line[x + 1] + 0.0722 * line[x]) for x in range(0, len(line), 3))
        return bytes(code for luma in codes for code in (luma,) * 3)
    return [grey(line) for line in lines]


def sharper(lines):
    def sharp(line):
        left, right = line[:3] + line[:-3], line[3:] + line[-3:]
        return bytes(min(255, max(0, round(c + (2 * c - a - b) * 0.75))) for a, c, b in zip(left, line, right))
    return [sharp(line) for line in lines]


# control: (value, name in the record, what it makes of a picture)
EFFECTS = {
    nodes.EXPOSURE: (1125, "exposure", every(lambda c: c / 2)),
    nodes.ANALOGUE_GAIN: (512, "gain", every(lambda c: c * 2)),
    nodes.TEST_PATTERN: (3, "pattern", lambda lines: [lines[0][:0].ljust(len(lines[0]), b"\x80")] * len(lines)),
    nodes.HFLIP: (1, "flip", lambda lines: [mirror(line) for line in lines]),
    nodes.VFLIP: (1, "flip", lambda lines: lines[::-1]),
    nodes.RED_BALANCE: (384, "red_gain", one(2, lambda c: c * 1.5)),
    nodes.BLUE_BALANCE: (128, "blue_gain", one(0, lambda c: c / 2)),
    nodes.BRIGHTNESS: (-40, "brightness", every(lambda c: c - 40)),
    nodes.CONTRAST: (512, "contrast", every(lambda c: 128 + (c - 128) * 2)),
    nodes.SATURATION: (0, "saturation", to_grey),
    nodes.SHARPNESS: (768, "sharpness", sharper),
}


def alike(one_picture, other):
    """True if the codes of both pictures differ only by rounding."""
    return all(abs(a - b) <= 1 for x, y in zip(one_picture, other, strict=True) for a, b in zip(x, y, strict=True))


def reference(count, **size):
    with Run(**size) as run:
        return [run.take()[1] for _ in range(count)]


@vm_test(settings=QUIET, limit=240)
def each_changes_its_frame():
    """Eleven controls are set while streaming: a frame changes as the contract says exactly if its record has the value."""
    count = 10
    plain = reference(count)
    assert len({tuple(lines) for lines in plain}) == count, "the pictures differ"
    for control, (value, field, effect) in EFFECTS.items():
        in_record = 2 if control == nodes.VFLIP else value
        before = 0 if field == "flip" else DEFAULTS[control]
        seen = []
        with Run() as run:
            for number in range(count):
                if number == 2:
                    run.sensor.set({control: value})
                record, lines = run.take()
                assert record["sequence"] == number and record[field] in (before, in_record), (field, record)
                changed = record[field] == in_record
                wanted = effect(plain[number]) if changed else plain[number]
                assert alike(lines, wanted), (field, number, changed)
                assert not changed or not alike(lines, plain[number]), f"{field} changes nothing"
                seen.append(changed)
        assert seen == sorted(seen) and not seen[0] and seen[-1], (field, seen)


@vm_test(settings=QUIET)
def one_call_is_one_frame():
    """Eleven controls in one VIDIOC_S_EXT_CTRLS, 40 times while streaming: no frame has only some of the values."""
    sets = (DEFAULTS, {control: value for control, (value, *_) in EFFECTS.items()})
    names = [field for _, (_, field, _) in EFFECTS.items()]
    wanted = [[3 * bool(values[nodes.HFLIP]) if field == "flip" else values[control]
               for control, (_, field, _) in EFFECTS.items()] for values in sets]
    seen = [0, 0]
    with Run() as run:
        for number in range(40):
            run.sensor.set(sets[number % 2])
            record, _ = run.take()
            values = [record[name] for name in names]
            assert values in wanted, (number, values)
            seen[wanted.index(values)] += 1
    assert min(seen) >= 5, seen


@vm_test(settings=QUIET)
def shorter_frames_shorten_the_exposure_with_them():
    """Ten times, VBLANK at its minimum shortens a long exposure: both change in the same frame."""
    long, short = (4500, 4000), (2250, 2242)
    with Run() as run:
        def shape():
            record, _ = run.take()
            return record["frame_length"], record["exposure"]

        for _ in range(10):
            run.sensor.set({nodes.VBLANK: 2340})
            run.sensor.set({nodes.EXPOSURE: 4000})
            for _ in range(20):
                if (now := shape()) == long:
                    break
            assert now == long, now
            run.sensor.set({nodes.VBLANK: 90})
            for _ in range(20):
                now = shape()
                assert now in (long, short), now
                if now == short:
                    break
            assert now == short, now


@vm_test(settings=QUIET)
def crop_is_a_zoom():
    """A quarter of the array looks the same as in a frame of the whole array at twice the size; the record has the crop."""
    plain = reference(10, width=2 * WIDTH, height=2 * HEIGHT)
    quarter = (960, 540, 1920, 1080)
    zoomed = 0
    with Run() as run:
        for number in range(10):
            if number == 2:
                assert run.sensor.crop(*quarter) == quarter
            record, lines = run.take()
            crop = tuple(record[f"crop_{name}"] for name in ("left", "top", "width", "height"))
            assert crop in (ARRAY, quarter), crop
            if crop == quarter:
                zoomed += 1
                inside = [line[3 * WIDTH // 2:3 * WIDTH // 2 + run.line]
                          for line in plain[number][HEIGHT // 2:HEIGHT // 2 + HEIGHT]]
                # Beyond the border of the crop there is nothing to interpolate with.
                assert alike([line[3:-3] for line in lines[1:-1]], [line[3:-3] for line in inside[1:-1]]), number
    assert 0 < zoomed < 10, zoomed


@vm_test(settings=QUIET)
def crop_fits_the_array():
    """Any rectangle becomes even, at least 16x16, and is moved into the array. It stays after the session."""
    sensor = nodes.Sensor()
    for asked, given in (((3, 5, 101, 99), (2, 4, 100, 98)), ((-7, -9, 4, 4), (0, 0, 16, 16)),
                         ((3839, 2159, 640, 480), (3200, 1680, 640, 480)), ((0, 0, 9000, 9000), ARRAY),
                         ((100, 50, 800, 600), (100, 50, 800, 600))):
        assert sensor.crop(*asked) == given, (asked, given)
    sensor.close()
    with Run() as run:
        record, _ = run.take()
        assert (record["crop_left"], record["crop_top"], record["crop_width"], record["crop_height"]) == given
    out = lib.run(["v4l2-ctl", "-d", lib.sensor(), "--get-subdev-selection", "pad=0,target=crop"])
    lib.expect(out, r"Width 3840, Height 2160")


@vm_test(machine=Machine(board=("--register-version", "2.1")))
def a_control_that_the_board_lacks():
    """Sharpness needs version 2.2 of the registers: a board of 2.1 offers all other controls, and streams."""
    out = lib.run(["v4l2-ctl", "-d", lib.node("cmacam-sensor"), "--list-ctrls"])
    lib.expect(out, r"\bsaturation 0x")
    assert "sharpness" not in out, out
    out = lib.run(["cam", "-c1", "--capture=2", "--list-controls"])
    lib.expect(out, r"Control: .*::Saturation:")
    assert "Sharpness" not in out, out
