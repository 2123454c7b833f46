# SPDX-License-Identifier: MIT
"""Boards whose engines need different stride alignments: helpers for their tests."""

from declare import Machine

# By board: the engine's alignment, bytes. The first board's is the default, at which lines are packed.
ALIGNS = (1, 64, 256)
BOARDS = range(len(ALIGNS))
MACHINE = Machine(more_boards=tuple(("--stride-align", str(align)) for align in ALIGNS[1:]))

# By fourcc: bytes of a pixel in the first plane; what a stride of the format is a multiple of on any engine; size of
# all planes in halves of the first one.
FORMATS = {"GREY": (1, 1, 2), "NV12": (1, 2, 3), "YUYV": (2, 4, 2), "Y10 ": (2, 2, 2), "BGR3": (3, 1, 2),
           "RGGB": (1, 1, 2), "RG10": (2, 2, 2), "YU12": (1, 2, 3), "RGB3": (3, 1, 2), "XR24": (4, 4, 2),
           "XB24": (4, 4, 2)}


def stride(pixels, width, board=0, least=0):
    """The stride that a board writes, at least `least` bytes."""
    pixel, unit, _ = FORMATS[pixels]
    align = max(unit, ALIGNS[board])
    return -(-max(pixel * width, least) // align) * align
