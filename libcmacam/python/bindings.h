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
T valueOf(cmacam::Result<T> &&result)
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

/* As the library's errors have it. */
inline std::string withinOf(std::chrono::milliseconds time)
{
	return "within " + std::to_string(time.count()) + " ms";
}

/*
 * What next() of a camera and of a client share: wait without Python's lock, in
 * slices, so that Ctrl+C is heard.
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
			/* The program does not know of slices. */
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
