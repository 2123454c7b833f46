/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one error style of libcmacam: a value or the reason why there is none.
 */

#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace cmacam {

/** Why an operation failed. */
struct Error
{
	int code;	  /**< errno value, positive */
	std::string what; /**< one sentence with the numbers that matter */
};

/**
 * A T or an Error.
 *
 * The subset of C++23's std::expected that the library needs, with the same
 * names; the library itself asks for C++20 only. Nothing in it throws.
 */
template <typename T>
class [[nodiscard]] Result
{
public:
	Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
	Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

	bool has_value() const { return content_.index() == 0; }
	explicit operator bool() const { return has_value(); }

	/** The value; there must be one. */
	T &operator*() &
	{
		assert(has_value());
		return *std::get_if<0>(&content_);
	}
	const T &operator*() const &
	{
		assert(has_value());
		return *std::get_if<0>(&content_);
	}
	T &&operator*() && { return std::move(**this); }
	T *operator->() { return &**this; }
	const T *operator->() const { return &**this; }

	/** The error; there must be no value. */
	const Error &error() const
	{
		assert(!has_value());
		return *std::get_if<1>(&content_);
	}

private:
	std::variant<T, Error> content_;
};

/** Success without a value, or an Error. */
template <>
class [[nodiscard]] Result<void>
{
public:
	Result() : error_{0, {}} {}
	Result(Error error) : error_(std::move(error)) {}

	bool has_value() const { return error_.code == 0; }
	explicit operator bool() const { return has_value(); }

	const Error &error() const
	{
		assert(!has_value());
		return error_;
	}

private:
	Error error_;
};

} /* namespace cmacam */
