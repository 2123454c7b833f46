/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of controls and metadata, by the names that libcamera gives them.
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
 * Rectangles are four integers (x, y, width, height), sizes two. Enumerations
 * are integers.
 */
using ControlValue = std::variant<bool, std::int64_t, double, std::string,
				  std::vector<std::int64_t>, std::vector<double>>;

/** A name of libcamera's ("ExposureTime") and its value. */
struct NamedValue
{
	std::string name;
	ControlValue value;
};

} /* namespace cmacam */
