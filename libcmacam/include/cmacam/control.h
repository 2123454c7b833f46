/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Values of controls and metadata, with libcamera's names.
 */

#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace cmacam {

/**
 * The value of a control or of a piece of metadata.
 *
 * A rectangle is four integers (x, y, width, height). A size is two integers
 * (width, height). The value of an enumeration is an integer.
 */
using ControlValue = std::variant<bool, std::int64_t, double, std::string,
				  std::vector<std::int64_t>, std::vector<double>>;

/** The name and the value of a control or of a piece of metadata. */
struct NamedValue
{
	std::string name;   /**< libcamera's name: "ExposureTime" */
	ControlValue value; /**< value in libcamera's unit */
};

} /* namespace cmacam */
