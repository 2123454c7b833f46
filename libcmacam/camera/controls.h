/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converts values of controls between libcamera's types and the types of libcmacam.
 */

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libcamera/controls.h>

#include <cmacam/control.h>
#include <cmacam/result.h>

namespace cmacam {

/**
 * Convert a value of libcamera. If libcmacam does not have the type of the value,
 * the result is text.
 */
ControlValue fromLibcamera(const libcamera::ControlValue &value);

/** Convert all values in \a list that have a name. */
std::vector<NamedValue> fromLibcamera(const libcamera::ControlList &list);

/** Convert the value in \a list that has the name \a name; nothing if there is none. */
std::optional<ControlValue> findControl(const libcamera::ControlList &list, std::string_view name);

/**
 * Put \a value for the control \a name into \a list.
 *
 * \return The errors ENOENT, EINVAL and ERANGE of Camera::set()
 */
Result<void> setControl(libcamera::ControlList *list, const libcamera::ControlInfoMap &controls,
			std::string_view name, const ControlValue &value);

} /* namespace cmacam */
