/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Table of the controls that are one number each: as a libcamera control, as a
 * V4L2 control of the sensor, and as a member of the record of a frame.
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

/** A control on which neither an algorithm nor another control depends. */
struct CmacamPlainControl
{
	const Control<float> *control;
	uint32_t v4l2;	   /* V4L2_CID_* of the sensor, a 32-bit integer */
	float unit;	   /* value of the V4L2 control that stands for 1.0 */
	std::size_t field; /* offset of the 32-bit member in the record */

	/** Whether a record has this member; earlier driver versions write shorter records. */
	bool isIn(const cmacam_frame_meta &record) const
	{
		return record.size >= field + sizeof(int32_t);
	}

	/** Value of the libcamera control that was in force for a frame. */
	float valueIn(const cmacam_frame_meta &record) const
	{
		int32_t code;
		memcpy(&code, reinterpret_cast<const char *>(&record) + field, sizeof(code));

		return code / unit;
	}
};

/*
 * One row makes the handler offer a control to applications, write it to the
 * sensor and report it with each frame. Brightness is added to 8-bit codes: 1.0
 * stands for half of their range.
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
