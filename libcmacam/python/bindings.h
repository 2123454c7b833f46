/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: the functions that its source files share.
 */

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmacam/frame.h>
#include <cmacam/result.h>

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

/* Describe a timeout with the same words as the error texts of libcmacam. */
inline std::string withinOf(std::chrono::milliseconds time)
{
	return "within " + std::to_string(time.count()) + " ms";
}

/*
 * Wait for the next frame of a camera or of a client. The function waits in short
 * slices, without Python's lock. Between two slices, Ctrl+C can interrupt the
 * function.
 */
template <typename Source>
cmacam::Frame nextFrame(Source &source, double timeout)
{
	using Milliseconds = std::chrono::milliseconds;
	constexpr Milliseconds kSlice{200};
	const Milliseconds whole(static_cast<Milliseconds::rep>(timeout * 1000));
	Milliseconds left = whole;

	while (true) {
		std::optional<cmacam::Result<cmacam::Frame>> result;
		{
			py::gil_scoped_release unlocked;
			result.emplace(source.next(std::min(kSlice, left)));
		}
		if (*result)
			return **std::move(result);

		cmacam::Error error = result->error();
		const std::string slice = withinOf(std::min(kSlice, left));
		left -= kSlice;
		if (error.code != ETIMEDOUT && error.code != EBUSY)
			raise(error);
		if (left <= Milliseconds::zero()) {
			/*
			 * Replace the time of a slice in the text by the whole timeout.
			 */
			if (const auto at = error.what.find(slice); at != std::string::npos)
				error.what.replace(at, slice.size(), withinOf(whole));
			raise(error);
		}
		if (PyErr_CheckSignals())
			throw py::error_already_set();
	}
}

void bindFrame(py::module_ &module);
void bindCamera(py::module_ &module);
void bindSharing(py::module_ &module);
