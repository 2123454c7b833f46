/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between libcamera's control values and those of the library.
 */

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <libcamera/controls.h>

#include <cmacam/control.h>
#include <cmacam/result.h>

namespace cmacam {

/** What the library does not know becomes text. */
ControlValue fromLibcamera(const libcamera::ControlValue &value);

/** Everything that is in \a list, by name. */
std::vector<NamedValue> fromLibcamera(const libcamera::ControlList &list);

/**
 * Put \a value for the control \a name into \a list.
 *
 * \return ENOENT, EINVAL or ERANGE; see Camera::set()
 */
Result<void> setControl(libcamera::ControlList *list, const libcamera::ControlInfoMap &controls,
			std::string_view name, const ControlValue &value);

} /* namespace cmacam */
