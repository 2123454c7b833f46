# SPDX-License-Identifier: MIT
"""A GPU in software: Mesa's llvmpipe imports a frame's dma-buf as a texture and draws it.

The numbers are those of EGL/egl.h, EGL/eglext.h, GLES2/gl2.h, GLES2/gl2ext.h and drm/drm_fourcc.h.
"""

import ctypes
import os

import lib
import v4l2

_SURFACELESS = 0x31DD           # EGL_PLATFORM_SURFACELESS_MESA
_OPENGL_ES_API = 0x30A0
_RENDERABLE_TYPE, _OPENGL_ES2_BIT, _SURFACE_TYPE, _NONE = 0x3040, 4, 0x3033, 0x3038
_CONTEXT_CLIENT_VERSION = 0x3098
_LINUX_DMA_BUF, _LINUX_DRM_FOURCC, _WIDTH, _HEIGHT = 0x3270, 0x3271, 0x3057, 0x3056
# Of each plane: file, offset, pitch.
_PLANES = ((0x3272, 0x3273, 0x3274), (0x3275, 0x3276, 0x3277), (0x3278, 0x3279, 0x327A))
_YUV_COLOR_SPACE_HINT, _SAMPLE_RANGE_HINT = 0x327B, 0x327C
_ITU_REC601, _YUV_NARROW_RANGE = 0x327F, 0x3283
_TEXTURE_2D, _TEXTURE_EXTERNAL, _RGBA, _UNSIGNED_BYTE = 0x0DE1, 0x8D65, 0x1908, 0x1401
_MIN_FILTER, _MAG_FILTER, _NEAREST = 0x2801, 0x2800, 0x2600
_FRAMEBUFFER, _COLOR_ATTACHMENT0, _FRAMEBUFFER_COMPLETE = 0x8D40, 0x8CE0, 0x8CD5
_VERTEX_SHADER, _FRAGMENT_SHADER, _LINK_STATUS, _FLOAT, _TRIANGLE_STRIP = 0x8B31, 0x8B30, 0x8B82, 0x1406, 5

# By fourcc of V4L2: that of DRM, and which samples of a pixel are red, green and blue.
FORMATS = {"NV12": ("NV12", "rgb"), "YUYV": ("YUYV", "rgb"), "GREY": ("R8  ", "rrr"), "BGR3": ("RG24", "rgb"),
           "XR24": ("XR24", "rgb"), "XB24": ("XB24", "rgb")}

_VERTEX = b"attribute vec2 at; varying vec2 place; void main() { gl_Position = vec4(at, 0.0, 1.0); place = at * 0.5 + 0.5; }"
_FRAGMENT = """#extension GL_OES_EGL_image_external : require
precision mediump float; varying highp vec2 place; uniform samplerExternalOES frame;
void main() { gl_FragColor = vec4(texture2D(frame, place).SWIZZLE, 1.0); }"""


class Display:
    """An OpenGL ES context without a window."""

    def __init__(self):
        os.environ["EGL_PLATFORM"] = "surfaceless"
        os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
        self._egl, self._gl = ctypes.CDLL("libEGL.so.1"), ctypes.CDLL("libGLESv2.so.2")
        for name in ("eglGetPlatformDisplay", "eglCreateContext", "eglCreateImageKHR", "eglGetProcAddress"):
            if hasattr(self._egl, name):
                getattr(self._egl, name).restype = ctypes.c_void_p
        self._egl.eglQueryString.restype = ctypes.c_char_p
        self._gl.glGetString.restype = ctypes.c_char_p
        self._display = ctypes.c_void_p(self._egl.eglGetPlatformDisplay(_SURFACELESS, None, None))
        self._check(self._egl.eglInitialize(self._display, None, None), "eglInitialize")
        extensions = self._egl.eglQueryString(self._display, 0x3055).decode().split()
        assert "EGL_EXT_image_dma_buf_import" in extensions, extensions
        self._egl.eglBindAPI(_OPENGL_ES_API)
        config, count = ctypes.c_void_p(), ctypes.c_int()
        wanted = (ctypes.c_int * 5)(_RENDERABLE_TYPE, _OPENGL_ES2_BIT, _SURFACE_TYPE, 0, _NONE)
        self._check(self._egl.eglChooseConfig(self._display, wanted, ctypes.byref(config), 1, ctypes.byref(count)) and
                    count.value, "eglChooseConfig")
        version = (ctypes.c_int * 3)(_CONTEXT_CLIENT_VERSION, 2, _NONE)
        context = ctypes.c_void_p(self._egl.eglCreateContext(self._display, config, None, version))
        self._check(self._egl.eglMakeCurrent(self._display, None, None, context), "eglMakeCurrent")
        self._create = self._function("eglCreateImageKHR", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint,
                                      ctypes.c_void_p, ctypes.c_void_p)
        self._destroy = self._function("eglDestroyImageKHR", ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)
        self._target = self._function("glEGLImageTargetTexture2DOES", None, ctypes.c_uint, ctypes.c_void_p)
        print(self._gl.glGetString(0x1F01).decode(), flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._egl.eglTerminate(self._display)

    def _function(self, name, result, *arguments):
        address = self._egl.eglGetProcAddress(name.encode())
        assert address, f"there is no {name}"
        return ctypes.CFUNCTYPE(result, *arguments)(address)

    def _check(self, good, what):
        if not good:
            raise ValueError(f"{what}: EGL error {self._egl.eglGetError():#x}")

    def draw(self, fd, pixels, width, height, planes):
        """Draws a dma-buf pixel by pixel. Returns the picture in cv2's BGR. planes: (offset, stride) of each plane."""
        import cv2
        import numpy
        fourcc, samples = FORMATS[pixels]
        attributes = [_WIDTH, width, _HEIGHT, height, _LINUX_DRM_FOURCC, int.from_bytes(fourcc.encode(), "little"),
                      _YUV_COLOR_SPACE_HINT, _ITU_REC601, _SAMPLE_RANGE_HINT, _YUV_NARROW_RANGE]
        for names, values in zip(_PLANES, planes):
            attributes += [word for pair in zip(names, (fd, *values)) for word in pair]
        attributes += [_NONE]
        image = self._create(self._display, None, _LINUX_DMA_BUF, None, (ctypes.c_int * len(attributes))(*attributes))
        self._check(image, "eglCreateImage")
        try:
            drawn = self._draw(image, width, height, samples)
        finally:
            self._destroy(self._display, image)
        return cv2.cvtColor(numpy.frombuffer(drawn, numpy.uint8).reshape(height, width, 4), cv2.COLOR_RGBA2BGR)

    def _draw(self, image, width, height, samples):
        gl = self._gl
        frame, canvas = self._texture(_TEXTURE_EXTERNAL), self._texture(_TEXTURE_2D)
        gl.glTexImage2D(_TEXTURE_2D, 0, _RGBA, width, height, 0, _RGBA, _UNSIGNED_BYTE, None)
        gl.glBindTexture(_TEXTURE_EXTERNAL, frame)
        self._target(_TEXTURE_EXTERNAL, image)
        buffer = ctypes.c_uint()
        gl.glGenFramebuffers(1, ctypes.byref(buffer))
        gl.glBindFramebuffer(_FRAMEBUFFER, buffer)
        gl.glFramebufferTexture2D(_FRAMEBUFFER, _COLOR_ATTACHMENT0, _TEXTURE_2D, canvas, 0)
        assert gl.glCheckFramebufferStatus(_FRAMEBUFFER) == _FRAMEBUFFER_COMPLETE
        program = self._program(samples)
        gl.glUseProgram(program)
        gl.glViewport(0, 0, width, height)
        corners = (ctypes.c_float * 8)(-1, -1, 1, -1, -1, 1, 1, 1)
        place = gl.glGetAttribLocation(program, b"at")
        gl.glEnableVertexAttribArray(place)
        gl.glVertexAttribPointer(place, 2, _FLOAT, 0, 0, corners)
        gl.glDrawArrays(_TRIANGLE_STRIP, 0, 4)
        drawn = ctypes.create_string_buffer(width * height * 4)
        gl.glReadPixels(0, 0, width, height, _RGBA, _UNSIGNED_BYTE, drawn)
        error = gl.glGetError()
        gl.glDeleteFramebuffers(1, ctypes.byref(buffer))
        gl.glDeleteTextures(2, (ctypes.c_uint * 2)(frame, canvas))
        gl.glDeleteProgram(program)
        if error:
            raise ValueError(f"OpenGL error {error:#x}")
        return drawn.raw

    def _texture(self, target):
        texture = ctypes.c_uint()
        self._gl.glGenTextures(1, ctypes.byref(texture))
        self._gl.glBindTexture(target, texture)
        for name in (_MIN_FILTER, _MAG_FILTER):
            self._gl.glTexParameteri(target, name, _NEAREST)
        return texture.value

    def _program(self, samples):
        gl = self._gl
        program = gl.glCreateProgram()
        for kind, text in ((_VERTEX_SHADER, _VERTEX), (_FRAGMENT_SHADER, _FRAGMENT.replace("SWIZZLE", samples).encode())):
            shader = gl.glCreateShader(kind)
            gl.glShaderSource(shader, 1, (ctypes.c_char_p * 1)(text), None)
            gl.glCompileShader(shader)
            gl.glAttachShader(program, shader)
            gl.glDeleteShader(shader)
        gl.glLinkProgram(program)
        linked = ctypes.c_int()
        gl.glGetProgramiv(program, _LINK_STATUS, ctypes.byref(linked))
        assert linked.value, "the shaders do not link"
        return program


def by_camera(display, pixels, width, height):
    """A frame of the camera that is drawn from its dma-buf."""
    source = v4l2.Queue(width, height, pixels=pixels)
    try:
        source.request(3)
        for index in range(source.count):
            source.queue(index)
        source.stream()
        index, *_ = source.dequeue()
        fd = source.export(index)
        try:
            planes = [(0, source.stride)]
            if pixels == "NV12":
                planes += [(source.stride * height, source.stride)]
            return display.draw(fd, pixels, width, height, planes)
        finally:
            os.close(fd)
    finally:
        source.close()
