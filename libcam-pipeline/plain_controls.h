/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Table of the controls whose value is a single number. Each row names the
 * libcamera control, the V4L2 control of the sensor, and the member of a frame's
 * record.
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <linux/cmacam.h>
#include <linux/v4l2-controls.h>

#include <libcamera/control_ids.h>
#include <libcamera/controls.h>

#include "ipa/settings.h"

namespace libcamera {

/** An independent control: no algorithm and no other control depends on its value. */
struct CmacamPlainControl
{
	const Control<float> *control;
	uint32_t v4l2;	   /* V4L2_CID_* of the sensor, a 32-bit integer */
	float unit;	   /* value of the V4L2 control that stands for 1.0 */
	std::size_t field; /* offset of the 32-bit member in the record */

	/** Value of the libcamera control that was in force for the frame of a record. */
	float valueIn(const cmacam_frame_meta &record) const
	{
		int32_t code;
		memcpy(&code, reinterpret_cast<const char *>(&record) + field, sizeof(code));

		return code / unit;
	}
};

/*
 * For each row, the handler offers the control to applications, writes the
 * control to the sensor and reports the control's value with each frame.
 * Brightness is an offset that is added to 8-bit codes. Brightness 1.0 adds half
 * of the range of these codes.
 */
inline constexpr CmacamPlainControl kPlainControls[] = {
	{&controls::Brightness, V4L2_CID_BRIGHTNESS, 128, offsetof(cmacam_frame_meta, brightness)},
	{&controls::Contrast, V4L2_CID_CONTRAST, cmacam::ipa::kGainUnit,
	 offsetof(cmacam_frame_meta, contrast)},
	{&controls::Saturation, V4L2_CID_SATURATION, cmacam::ipa::kGainUnit,
	 offsetof(cmacam_frame_meta, saturation)},
	{&controls::Sharpness, V4L2_CID_SHARPNESS, cmacam::ipa::kGainUnit,
	 offsetof(cmacam_frame_meta, sharpness)},
};

} /* namespace libcamera */
