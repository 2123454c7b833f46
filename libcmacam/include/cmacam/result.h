/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * How libcmacam reports errors: a function returns a value, or the reason why there
 * is none.
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
	std::string what; /**< one sentence about the cause, with its numbers */
};

/**
 * A value of type T, or an Error.
 *
 * This is the part of C++23's std::expected that the library needs, with the same
 * names, for C++20. None of its functions throws.
 */
template <typename T>
class [[nodiscard]] Result
{
public:
	/**
	 * Make a result of a value.
	 *
	 * \param[in] value The value
	 */
	Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}

	/**
	 * Make a result of an error.
	 *
	 * \param[in] error The error
	 */
	Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

	/** \return Whether there is a value */
	bool has_value() const { return content_.index() == 0; }

	/** \return Whether there is a value */
	explicit operator bool() const { return has_value(); }

	/** \return The value; there must be one */
	T &operator*() &
	{
		assert(has_value());
		return *std::get_if<0>(&content_);
	}

	/** \return The value; there must be one */
	const T &operator*() const &
	{
		assert(has_value());
		return *std::get_if<0>(&content_);
	}

	/** \return The value; there must be one */
	T &&operator*() && { return std::move(**this); }

	/** \return The value; there must be one */
	T *operator->() { return &**this; }

	/** \return The value; there must be one */
	const T *operator->() const { return &**this; }

	/** \return The error; there must be no value */
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
	/** Make a result of a success. */
	Result() : error_{0, {}} {}

	/**
	 * Make a result of an error.
	 *
	 * \param[in] error The error
	 */
	Result(Error error) : error_(std::move(error)) {}

	/** \return Whether the operation succeeded */
	bool has_value() const { return error_.code == 0; }

	/** \return Whether the operation succeeded */
	explicit operator bool() const { return has_value(); }

	/** \return The error; the operation must have failed */
	const Error &error() const
	{
		assert(!has_value());
		return error_;
	}

private:
	Error error_;
};

} /* namespace cmacam */
