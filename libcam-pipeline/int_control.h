/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A number among the controls that V4L2Device::getControls() has read.
 */

#pragma once

#include <cstdint>
#include <optional>

#include <libcamera/controls.h>

namespace libcamera {

/**
 * \brief The value of a V4L2 control of type integer, boolean or menu
 *
 * What getControls() could not read, say because the device has just gone, it
 * lists without a value, and ControlValue::get() ends the process over that.
 *
 * \return The value, or nothing if it was not read
 */
inline std::optional<int32_t> intControl(const ControlList &values, uint32_t id)
{
	if (!values.contains(id))
		return std::nullopt;

	const ControlValue &value = values.get(id);
	if (value.type() != ControlTypeInteger32 || value.isArray())
		return std::nullopt;

	return value.get<int32_t>();
}

} /* namespace libcamera */
