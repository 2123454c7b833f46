/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: an object of the library that a Python object owns.
 */

#pragma once

#include <memory>
#include <string>
#include <utility>

#include <pybind11/pybind11.h>

#include "birthplace.h"

/*
 * The owner of an object of the library. Python's lock guards the owner.
 *
 * Other threads may use the object without Python's lock: each of them has a
 * reference of get(). So close() in one thread does not destroy the object under
 * another thread. In a forked process the object is never destroyed.
 */
template <typename T>
class Owned
{
public:
	/* \a what names the object in errors: "the camera". */
	Owned(T value, const char *what)
		: what_(what), value_(std::make_shared<T>(std::move(value)))
	{
	}
	Owned(Owned &&) noexcept = default;
	Owned &operator=(Owned &&) = delete;

	~Owned() { letGo(std::move(value_)); }

	/* Raise RuntimeError in a forked process, and ValueError after close(). */
	std::shared_ptr<T> get() const
	{
		birthplace_.check(what_);
		if (!value_)
			throw pybind11::value_error(closedText());
		return value_;
	}

	/* Whether this is the process that made the object. */
	bool isHere() const { return birthplace_.isHere(); }
	bool isOpen() const { return value_ != nullptr; }
	std::string closedText() const { return std::string(what_) + " was closed"; }

	/*
	 * Call \a end for the object without Python's lock, so that the threads that wait
	 * in the object return. Does nothing after close(), and nothing in a forked process.
	 */
	template <typename End>
	void close(const End &end)
	{
		std::shared_ptr<T> value = std::move(value_);
		if (value && birthplace_.isHere()) {
			pybind11::gil_scoped_release unlocked;
			end(*value);
		}
		letGo(std::move(value));
	}

private:
	/* Python's lock is released: to free the memory of a camera takes long. */
	void letGo(std::shared_ptr<T> value)
	{
		if (!value)
			return;
		if (!birthplace_.isHere()) {
			/* Never destroyed, as described above. */
			[[maybe_unused]] const auto *kept =
				new std::shared_ptr<T>(std::move(value));
			return;
		}
		pybind11::gil_scoped_release unlocked;
		value.reset();
	}

	const char *what_;
	Birthplace birthplace_;
	std::shared_ptr<T> value_;
};
