/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: what its parts share.
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

/* OSError of the errno value; Python makes TimeoutError and its like of it. */
[[noreturn]] void raise(const cmacam::Error &error);

/* The value, or an OSError. */
template <typename T>
T valueOf(cmacam::Result<T> result)
{
	if (!result)
		raise(result.error());
	if constexpr (!std::is_void_v<T>)
		return *std::move(result);
}

/* "NV12" and its like; ValueError for a name that is not in the table. */
cmacam::PixelFormat formatOf(const std::string &name);

/* "main" or "lores"; ValueError for anything else. */
cmacam::Stream streamOf(const std::string &name);

/*
 * What next() of a camera and of a client share: wait without Python's lock, in
 * slices, so that Ctrl+C is heard.
 */
template <typename Source>
cmacam::Frame nextFrame(Source &source, double timeout)
{
	using Milliseconds = std::chrono::milliseconds;
	constexpr Milliseconds kSlice{200};
	Milliseconds left(static_cast<Milliseconds::rep>(timeout * 1000));

	while (true) {
		std::optional<cmacam::Result<cmacam::Frame>> result;
		{
			py::gil_scoped_release unlocked;
			result.emplace(source.next(std::min(kSlice, left)));
		}
		if (*result)
			return **std::move(result);

		left -= kSlice;
		const int code = result->error().code;
		if ((code != ETIMEDOUT && code != EBUSY) || left <= Milliseconds::zero())
			raise(result->error());
		if (PyErr_CheckSignals())
			throw py::error_already_set();
	}
}

void bindFrame(py::module_ &module);
void bindCamera(py::module_ &module);
void bindSharing(py::module_ &module);
