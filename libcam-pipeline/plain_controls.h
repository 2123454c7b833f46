/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The controls that are one number each: of an application, of the sensor, and
 * in the record of a frame.
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

/** A control that no algorithm and no other control depends on. */
struct CmacamPlainControl
{
	const Control<float> *control;
	uint32_t v4l2;	   /* V4L2_CID_* of the sensor, a 32-bit integer */
	float unit;	   /* steps of the sensor's control to 1.0 */
	std::size_t field; /* offset in the record, of 32 bits */

	/** Whether a record has it; drivers of earlier versions write shorter records. */
	bool isIn(const cmacam_frame_meta &record) const
	{
		return record.size >= field + sizeof(int32_t);
	}

	/** The application's number that was in force for a frame. */
	float valueIn(const cmacam_frame_meta &record) const
	{
		int32_t code;
		memcpy(&code, reinterpret_cast<const char *>(&record) + field, sizeof(code));

		return code / unit;
	}
};

/*
 * Offering the control to applications, writing it to the sensor and reporting
 * it with each frame follow from its row. Brightness is added to codes of 8
 * bits: 1.0 stands for half of their range.
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
