/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: waits for frames, and for cameras that come and go.
 */

#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "bindings.h"
#include "owned.h"

using Milliseconds = std::chrono::milliseconds;

/* Convert Python's seconds. Times of more than a year, such as math.inf, become a year. */
Milliseconds millisecondsOf(double seconds);

/* Describe a timeout with the same words as the error texts of libcmacam. */
inline std::string withinOf(Milliseconds time)
{
	return "within " + std::to_string(time.count()) + " ms";
}

/*
 * Wait once for what next() of the object returns, without Python's lock. If there is
 * none and \a last is not set, return nothing. All other errors are raised: a
 * timeout as that of \a whole, and ValueError if the object was closed meanwhile.
 */
template <typename T>
auto attempt(const Owned<T> &owned, Milliseconds slice, Milliseconds whole, bool last)
{
	const std::shared_ptr<T> source = owned.get();
	using Value = std::remove_cvref_t<decltype(*source->next(slice))>;

	std::optional<cmacam::Result<Value>> result;
	{
		py::gil_scoped_release unlocked;
		result.emplace(source->next(slice));
	}
	if (*result)
		return std::optional<Value>(**std::move(result));

	cmacam::Error error = result->error();
	if (error.code == ETIMEDOUT || error.code == EBUSY) {
		if (!last)
			return std::optional<Value>();
		const std::string within = withinOf(slice);
		if (const auto at = error.what.find(within); at != std::string::npos)
			error.what.replace(at, within.size(), withinOf(whole));
	}
	if (error.code == EPERM && !owned.isOpen())
		throw py::value_error(owned.closedText());
	raise(error);
}

/*
 * Wait for what next() of the object returns, in short slices. Between two slices,
 * Ctrl+C can interrupt the function.
 */
template <typename T>
auto waitFor(const Owned<T> &owned, double timeout)
{
	constexpr Milliseconds kSlice{200};
	const Milliseconds whole = millisecondsOf(timeout);

	for (Milliseconds left = whole;; left -= kSlice) {
		auto value = attempt(owned, std::clamp(left, Milliseconds::zero(), kSlice), whole,
				     left <= kSlice);
		if (value)
			return *std::move(value);
		if (PyErr_CheckSignals())
			throw py::error_already_set();
	}
}

/* For event loops: what next() returns, or nothing; see attempt(). */
template <typename T>
auto take(const Owned<T> &owned, double timeout, bool last)
{
	return attempt(owned, Milliseconds::zero(), millisecondsOf(timeout), last);
}

/* The coroutine of 'async for', which ends the loop when the object is not running. */
inline py::object iterateAsync(const py::object &self, double timeout)
{
	return py::module_::import("cmacam._asyncio").attr("iterate")(self, timeout);
}

/* The coroutine that waits for the next value of a Python object in asyncio. */
inline py::object nextAsync(const py::object &self, double timeout)
{
	return py::module_::import("cmacam._asyncio").attr("next_of")(self, timeout);
}
