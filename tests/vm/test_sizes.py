# SPDX-License-Identifier: MIT
"""The sizes and rates that nodes list, and the sizes and rates that programs can set in addition."""

import contextlib
import dataclasses
import errno
import fractions
import os

import lib
import nodes
import strides
import v4l2
from declare import vm_test

NATIVE = (3840, 2160)
ORDINARY = ((320, 240), (640, 480), (800, 600), (1024, 768), (1280, 720), (1366, 768), (1920, 1080), (720, 576), (300, 300),
            (224, 224), (320, 320), (416, 416), (640, 640))
RATES = ((1, 5), (1, 10), (1, 15), (1, 24), (1, 25), (1, 30), (1, 50), (1, 60), (1001, 24000), (1001, 30000),
         (1001, 60000))
RANGES = dataclasses.replace(strides.MACHINE, driver_params=("stepwise=1",))
ADJUSTED = dataclasses.replace(strides.MACHINE, driver_params=("packed=adjust",))
ADJUSTED_RANGES = dataclasses.replace(strides.MACHINE, driver_params=("packed=adjust", "stepwise=1"))


@contextlib.contextmanager
def opened(board=0):
    fd = os.open(lib.video(board), os.O_RDWR | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def listed(fd, pixels):
    """The sizes of a format, all of which have to be discrete."""
    entries = v4l2.frame_sizes(fd, pixels)
    assert {kind for kind, _ in entries} == {v4l2.DISCRETE}, (pixels, entries)
    sizes = [numbers[:2] for _, numbers in entries]
    assert len(set(sizes)) == len(sizes), f"{pixels}: a size stands twice in {sizes}"
    return sizes


def refused(call, *arguments):
    """The errno of a call, which must fail."""
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    raise AssertionError(f"{call.__name__}{arguments} does not fail")


def width_step(pixel, board):
    """The step of widths whose pixels fill the units of the board's lines. `pixel` is the bytes of a pixel."""
    return max(2, strides.ALIGNS[board] // (pixel & -pixel))


@vm_test(machine=strides.MACHINE)
def ordinary_sizes_are_listed():
    """Each format lists the sensor's size first, then common sizes. TRY_FMT keeps each of them, with packed lines."""
    with opened() as fd:
        for pixels, (pixel, _, _) in strides.FORMATS.items():
            sizes = listed(fd, pixels)
            assert sizes[0] == NATIVE and set(ORDINARY) <= set(sizes), (pixels, sizes)
            for size in sizes:
                assert v4l2.try_format(fd, pixels, *size)[:3] == (*size, size[0] * pixel), (pixels, size)


@vm_test(machine=strides.MACHINE)
def no_size_at_all_gives_a_listed_one():
    """0x0 becomes the smallest listed size, a huge size becomes the sensor's, and a size with one small side is kept."""
    with opened() as fd:
        for pixels in strides.FORMATS:
            smallest = min(listed(fd, pixels), key=lambda size: size[0] * size[1])
            for size in ((0, 0), (1, 1), (15, 15)):
                assert v4l2.try_format(fd, pixels, *size)[:2] == smallest, (pixels, size)
            assert v4l2.try_format(fd, pixels, 1, 480)[:2] == (16, 480)
            assert v4l2.try_format(fd, pixels, 640, 0)[:2] == (640, 16)
            assert v4l2.try_format(fd, pixels, 16, 16)[:2] == (16, 16)
            assert v4l2.try_format(fd, pixels, 9999, 9999)[:2] == NATIVE


@vm_test(machine=strides.MACHINE)
def only_packed_sizes_are_listed():
    """Engines of 64 and 256 bytes list only sizes with packed lines. If another size is set, its lines are padded."""
    for board in strides.BOARDS[1:]:
        with opened(board) as fd:
            for pixels, (pixel, _, _) in strides.FORMATS.items():
                sizes = listed(fd, pixels)
                assert sizes[0] == NATIVE and (1280, 720) in sizes, (pixels, board, sizes)
                for size in sizes:
                    assert v4l2.try_format(fd, pixels, *size)[:3] == (*size, size[0] * pixel), (pixels, board, size)
                got = v4l2.try_format(fd, pixels, 650, 480)
                assert got[:3] == (650, 480, strides.stride(pixels, 650, board)) and got[2] > 650 * pixel, (pixels, got)


@vm_test(machine=ADJUSTED)
def a_width_can_be_adjusted_instead():
    """packed=adjust: every width becomes one with packed lines, and a requested longer stride is kept."""
    for board in strides.BOARDS:
        with opened(board) as fd:
            for pixels, (pixel, _, _) in strides.FORMATS.items():
                for width in (1, 16, 18, 300, 322, 650, 1366, 3838, 9999):
                    got, _, stride, _ = v4l2.try_format(fd, pixels, width, 480)
                    assert stride == got * pixel == strides.stride(pixels, got, board), (pixels, board, got, stride)
                    step = width_step(pixel, board)
                    wanted = min(max(width, -(-16 // step) * step), NATIVE[0]) // step * step
                    assert got == wanted, (pixels, board, width, got)
                packed = strides.stride(pixels, 640, board)
                assert v4l2.try_format(fd, pixels, 640, 480, packed + 1)[2] > packed


@vm_test(machine=ADJUSTED_RANGES)
def adjusted_widths_have_their_own_step():
    """packed=adjust stepwise=1: the range of widths has the step that each board's engine needs."""
    for board in strides.BOARDS:
        with opened(board) as fd:
            for pixels, (pixel, _, _) in strides.FORMATS.items():
                step = width_step(pixel, board)
                (kind, (low, high, of_width, *height)), = v4l2.frame_sizes(fd, pixels)
                assert (kind, of_width, height) == (v4l2.STEPWISE, step, [16, 2160, 2]), (pixels, board, of_width)
                assert low == -(-16 // step) * step and high == NATIVE[0] // step * step, (pixels, board, low, high)


@vm_test(machine=RANGES)
def ranges_are_back_on_request():
    """stepwise=1: the node lists one range of sizes and one range of intervals, and no discrete entries."""
    with opened() as fd:
        for pixels in strides.FORMATS:
            assert v4l2.frame_sizes(fd, pixels) == [(v4l2.STEPWISE, (16, 3840, 2, 16, 2160, 2))], pixels
            (kind, numbers), = v4l2.frame_intervals(fd, pixels, 650, 480)
            fastest, slowest = fractions.Fraction(*numbers[:2]), fractions.Fraction(*numbers[2:4])
            assert kind == v4l2.CONTINUOUS and fastest <= fractions.Fraction(1, 60) < 1 <= slowest, numbers


@vm_test()
def ordinary_rates_are_listed():
    """Intervals are discrete, the sensor meets each within 0.02 %, and S_PARM returns exactly the listed fraction."""
    sensor = nodes.Sensor()
    with opened() as fd:
        before = v4l2.interval(fd)
        assert before == (1, 30)
        entries = v4l2.frame_intervals(fd, "NV12", 640, 480)
        assert {kind for kind, _ in entries} == {v4l2.DISCRETE}, entries
        rates = [numbers[:2] for _, numbers in entries]
        assert rates == sorted(set(rates), key=lambda rate: fractions.Fraction(*rate)), rates
        assert set(rates) == set(RATES), rates
        # They belong to the sensor, whatever format and size, listed or not.
        assert v4l2.frame_intervals(fd, "BGR3", 650, 482) == entries
        for wrong in (("NV12", 650, 481), ("NV12", 14, 480), ("NV12", 3842, 480), ("MJPG", 640, 480)):
            assert not v4l2.frame_intervals(fd, *wrong), wrong
        for rate in rates:
            assert v4l2.set_interval(fd, *rate) == v4l2.interval(fd) == rate, rate
            lines = 2160 + sensor.get(nodes.VBLANK)
            real = fractions.Fraction(lines, 4500 * 30)
            assert abs(real / fractions.Fraction(*rate) - 1) <= fractions.Fraction(1, 5000), (rate, lines)
        v4l2.set_interval(fd, *before)
    sensor.close()


@vm_test()
def any_rate_can_be_set():
    """S_PARM accepts unlisted intervals and returns the sensor's real interval; 0 sets the default."""
    sensor = nodes.Sensor()
    with opened() as fd:
        assert v4l2.set_interval(fd, 7, 100) == (7, 100)
        # A frame takes whole lines, of which 135000 make a second: not 2250.5.
        assert v4l2.set_interval(fd, 4501, 270000) == v4l2.interval(fd) == (2251, 135000)
        assert fractions.Fraction(*v4l2.set_interval(fd, 1, 1000)) == fractions.Fraction(*v4l2.interval(fd)) > \
            fractions.Fraction(1, 1000)
        # By the sensor's own control the fraction that was asked for is no longer true.
        assert v4l2.set_interval(fd, 1, 25) == (1, 25)
        sensor.set({nodes.VBLANK: 2340})
        assert fractions.Fraction(*v4l2.interval(fd)) == fractions.Fraction(1, 30)
        assert v4l2.set_interval(fd, 0, 0) == (1, 30)
    sensor.close()


@vm_test(machine=strides.MACHINE)
def bounds_are_told():
    """G_SELECTION: crop bounds and default are the largest frame. There are no other targets, and none can be set."""
    with opened() as fd:
        assert v4l2.selection(fd, v4l2.CROP_BOUNDS) == v4l2.selection(fd, v4l2.CROP_DEFAULT) == (0, 0, *NATIVE)
        for target in (v4l2.CROP, v4l2.COMPOSE_BOUNDS):
            assert refused(v4l2.selection, fd, target) == errno.EINVAL, target
        assert refused(v4l2.select_part, fd, v4l2.CROP, 0, 0, 640, 480) == errno.ENOTTY


@vm_test()
def libcamera_has_every_size():
    """cam -I: each format of main and lores offers the whole range of sizes, not only the node's list."""
    for streams in (1, 2):
        out = lib.run(["cam", "-c1", "-I", *["--stream", "role=viewfinder"] * streams])
        ranges = [line.split(":")[1].strip() for line in out.splitlines() if "Pixelformat" in line]
        assert len(ranges) >= 5 * streams, out
        assert out.count("(16x16)-(3840x2160)/(+2,+2)") == len(ranges), out


@vm_test()
def each_node_is_called_otherwise():
    """The card name, which a browser shows in its list of cameras, is the name of the node."""
    for name in ("cmacam-capture", "cmacam-lores", "cmacam-stats", "cmacam-metadata"):
        lib.expect(lib.run(["v4l2-ctl", "-d", lib.node(name), "--info"]), rf"Card type\s*: {name}\n")
