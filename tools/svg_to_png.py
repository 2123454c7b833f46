# SPDX-License-Identifier: MIT
"""svg_to_png.py FILE.svg...: a PNG beside each, with the librsvg that libav brings into the root folder."""

import ctypes
import sys

CAIRO_FORMAT_ARGB32 = 0
SCALE = 2


class Rectangle(ctypes.Structure):
    _fields_ = [(name, ctypes.c_double) for name in ("x", "y", "width", "height")]


def library(name, **functions):
    loaded = ctypes.CDLL(name)
    for function, (result, *arguments) in functions.items():
        getattr(loaded, function).restype = result
        getattr(loaded, function).argtypes = arguments
    return loaded


pointer, text, double, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double, ctypes.c_int
rsvg = library("librsvg-2.so.2",
               rsvg_handle_new_from_file=(pointer, text, pointer),
               rsvg_handle_get_intrinsic_size_in_pixels=(integer, pointer, pointer, pointer),
               rsvg_handle_render_document=(integer, pointer, pointer, pointer, pointer))
cairo = library("libcairo.so.2",
                cairo_image_surface_create=(pointer, integer, integer, integer),
                cairo_create=(pointer, pointer),
                cairo_surface_write_to_png=(integer, pointer, text),
                cairo_destroy=(None, pointer),
                cairo_surface_destroy=(None, pointer))
gobject = library("libgobject-2.0.so.0", g_object_unref=(None, pointer))


def convert(path):
    handle = rsvg.rsvg_handle_new_from_file(path.encode(), None)
    width, height = double(), double()
    if not handle or not rsvg.rsvg_handle_get_intrinsic_size_in_pixels(handle, ctypes.byref(width),
                                                                      ctypes.byref(height)):
        sys.exit(f"{path}: no SVG with a size in pixels")
    page = Rectangle(0, 0, width.value * SCALE, height.value * SCALE)
    surface = cairo.cairo_image_surface_create(CAIRO_FORMAT_ARGB32, int(page.width), int(page.height))
    context = cairo.cairo_create(surface)
    drawn = rsvg.rsvg_handle_render_document(handle, context, ctypes.byref(page), None)
    status = cairo.cairo_surface_write_to_png(surface, (path.removesuffix(".svg") + ".png").encode())
    cairo.cairo_destroy(context)
    cairo.cairo_surface_destroy(surface)
    gobject.g_object_unref(handle)
    if not drawn or status:
        sys.exit(f"{path}: could not be drawn (cairo status {status})")


for name in sys.argv[1:]:
    convert(name)
