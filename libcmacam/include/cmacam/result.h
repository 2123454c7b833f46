/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * How libcmacam reports errors: a function returns a value or an Error.
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
 * For C++20, Result offers the functions of C++23's std::expected that libcmacam
 * needs, under the same names. The functions throw no exceptions.
 */
template <typename T>
class [[nodiscard]] Result
{
public:
	/**
	 * Make a result that has a value.
	 *
	 * \param[in] value The value
	 */
	Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}

	/**
	 * Make a result that has an error.
	 *
	 * \param[in] error The error
	 */
	Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

	/** \return Whether there is a value */
	bool has_value() const { return content_.index() == 0; }

	/** \return Whether there is a value */
	explicit operator bool() const { return has_value(); }

	/** \return The value. The result must have a value */
	T &operator*() &
	{
		assert(has_value());
		return *std::get_if<0>(&content_);
	}

	/** \return The value. The result must have a value */
	const T &operator*() const &
	{
		assert(has_value());
		return *std::get_if<0>(&content_);
	}

	/** \return The value. The result must have a value */
	T &&operator*() && { return std::move(**this); }

	/** \return The value. The result must have a value */
	T *operator->() { return &**this; }

	/** \return The value. The result must have a value */
	const T *operator->() const { return &**this; }

	/** \return The error. The result must have no value */
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
	/** Make the result of a successful operation. */
	Result() : error_{0, {}} {}

	/**
	 * Make a result that has an error.
	 *
	 * \param[in] error The error
	 */
	Result(Error error) : error_(std::move(error)) {}

	/** \return Whether the operation succeeded */
	bool has_value() const { return error_.code == 0; }

	/** \return Whether the operation succeeded */
	explicit operator bool() const { return has_value(); }

	/** \return The error. The operation must have failed */
	const Error &error() const
	{
		assert(!has_value());
		return error_;
	}

private:
	Error error_;
};

} /* namespace cmacam */
