# SPDX-License-Identifier: MIT
"""Auto exposure and auto white balance on the board's sensor model."""

import re

import lib
from declare import Machine, vm_test
from test_controls import capture
from test_library import camera

PACED = {"fps": "10"}
SETTLED = 20    # frames, by which automatic exposure has settled
PEOPLE = Machine(board=("--source", "/usr/share/cmacam/vtest.avi"))
PICTURE = Machine(board=("--source", "/src/docs/pictures/contact-sheet.jpg"))


def light(**settings):
    """Set the light. Write names that have a dash with an underscore."""
    lib.Board().set(**{key.replace("_", "-"): value for key, value in settings.items()})


def check(*arguments, **kwargs):
    try:
        return lib.run(["/build/libcam-pipeline/cmacam-run", "/build/tests/libcam-pipeline/exposure_check",
                        f"{lib.CONTROL}0", *map(str, arguments)], **kwargs)
    finally:
        light(light=0)


@vm_test(settings=PACED, limit=120)
def light_steps_settle():
    """3 steps of the light by up to 4 stops: exposure settles within 15 frames of each step, and stays constant."""
    lib.expect(check("--steps", 3), r"steps=3 settled=\d+")


@vm_test(settings=PACED, long=True, limit=900)
def many_light_steps_settle():
    """50 random steps of the light on the board's pattern: exposure settles."""
    lib.expect(check("--steps", 50, "--seed", 7, limit=890), r"steps=50 settled=\d+")


@vm_test(machine=PEOPLE, settings=PACED, long=True, limit=900)
def many_light_steps_settle_on_people():
    """50 random steps of the light on walking people: exposure settles."""
    lib.expect(check("--steps", 50, "--seed", 8, limit=890), r"steps=50 settled=\d+")


@vm_test(machine=PICTURE, settings=PACED, long=True, limit=900)
def many_light_steps_settle_on_a_picture():
    """50 random steps of the light on a still picture with high contrast: exposure settles."""
    lib.expect(check("--steps", 50, "--seed", 9, limit=890), r"steps=50 settled=\d+")


@vm_test(settings=PACED, limit=120)
def the_colour_of_the_light_is_found():
    """Light of 3500 K: the colour temperature is reported, and red and blue become equal."""
    light(light_temperature=3500)
    try:
        out = lib.run(["cam", "-c1", "--capture=30", "--metadata", "--stream",
                       "width=160,height=120,pixelformat=RGB888"])
    finally:
        light(light_temperature=5500)
    kelvin = [int(n) for n in re.findall(r"ColourTemperature = (\d+)", out)]
    assert len(kelvin) == 30 and abs(kelvin[-1] - 3500) < 350, kelvin


@vm_test(settings=PACED, limit=120)
def what_was_found_survives_a_restart():
    """After 3 restarts in changed light, the first frame is right. When the camera is acquired again, defaults apply."""
    light(light=-2, light_temperature=4000)
    try:
        lib.expect(check("--steps", 0, "--restarts", 3), r"acquired again: ")
    finally:
        light(light_temperature=5500)


@vm_test(machine=PICTURE, settings=PACED, limit=180)
def lamps_on_the_mains_do_not_flicker():
    """Light of 100 Hz on a still picture: frames differ in brightness. With AeFlickerMode and AeFlickerPeriod, they do not."""
    light(light=-2, flicker="100,100")
    spread = {}
    try:
        for period in (None, 10000):
            controls = {"AeFlickerMode": 1, "AeFlickerPeriod": period} if period else {}
            with camera(format="R8", size=(160, 120), policy="block", controls=controls) as source:
                frames = [brightness(frame) for _, frame in zip(range(SETTLED + 12), source)][SETTLED:]
            means, exposures = zip(*frames)
            print(period, exposures, means)
            spread[period] = max(means) - min(means)
            assert len(set(exposures)) == 1, "automatic exposure follows the flicker"
            assert not period or exposures[0] % period <= 1, exposures
    finally:
        light(light=0, flicker="off")
    assert spread[None] > 5 and spread[10000] < 1, spread


def brightness(frame):
    """(mean of the pixels below the board's mark, exposure time in microseconds)"""
    with frame, frame.map() as pixels:
        return float(pixels.gray[1:].mean()), frame.metadata["ExposureTime"]


@vm_test(settings={"fps": "4"}, limit=120)
def manual_modes_hold():
    """Without AeEnable and AwbEnable, exposure and gains stay constant from request 1 on."""
    frames = capture(["Contrast: 1.0"])
    for control in ("ExposureTime", "AnalogueGain", "ColourGains"):
        assert len({frame.metadata[control] for frame in frames[1:]}) == 1, control
