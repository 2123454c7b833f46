/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: the functions that its source files share.
 */

#pragma once

#include <optional>
#include <string>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmacam/frame.h>
#include <cmacam/result.h>

#include "owned.h"

namespace py = pybind11;

/*
 * Raise OSError for \a error. For some errno values Python raises a subclass, such
 * as TimeoutError.
 */
[[noreturn]] void raise(const cmacam::Error &error);

/* Return the value of \a result. If there is no value, raise OSError. */
template <typename T>
T valueOf(cmacam::Result<T> &&result)
{
	if (!result)
		raise(result.error());
	if constexpr (!std::is_void_v<T>)
		return *std::move(result);
}

/* Find a format by libcamera's name, such as "NV12". For an unknown name, raise ValueError. */
cmacam::PixelFormat formatOf(const std::string &name);

/* Convert the name "main" or "lores" to a stream. For any other name, raise ValueError. */
cmacam::Stream streamOf(const std::string &name);

/* A frame in Python. */
using FrameHandle = Owned<cmacam::Frame>;

inline FrameHandle handleOf(cmacam::Frame frame)
{
	return {std::move(frame), "the frame"};
}

/* The layout of a stream as a dictionary: format, width, height, stride. */
py::dict dictOf(const cmacam::FrameLayout &layout);

void bindFrame(py::module_ &module);
void bindCamera(py::module_ &module);
void bindMonitor(py::module_ &module);
void bindSharing(py::module_ &module);
