/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver's record of a frame as libcamera metadata.
 */

#include "frame_metadata.h"

#include <cstdint>

#include <libcamera/control_ids.h>
#include <libcamera/geometry.h>

#include "ipa/colour_temperature.h"
#include "ipa/sensor_timing.h"
#include "plain_controls.h"
#include "sensor_controls.h"

namespace libcamera {

namespace {

float factor(uint32_t code)
{
	return static_cast<float>(code) / cmacam::ipa::kGainUnit;
}

} /* namespace */

/**
 * \brief Convert the record of a frame to libcamera metadata
 * \param[in] record Values that were in force for the frame, from the hardware
 * \param[inout] metadata The request's metadata
 */
void fillFrameMetadata(const cmacam_frame_meta &record, ControlList *metadata)
{
	const cmacam::LineTiming timing{record.pixel_rate, record.line_length};

	metadata->set(controls::SensorTimestamp, static_cast<int64_t>(record.timestamp));
	metadata->set(controls::FrameWallClock, static_cast<int64_t>(record.realtime));
	metadata->set(controls::AnalogueGain, factor(record.gain));

	if (timing.isValid()) {
		metadata->set(controls::ExposureTime,
			      static_cast<int32_t>(timing.microseconds(record.exposure)));
		metadata->set(controls::FrameDuration, timing.microseconds(record.frame_length));
	}

	if (auto mode = testPatternMode(record.pattern))
		metadata->set(controls::draft::TestPatternMode, static_cast<int32_t>(*mode));

	for (const CmacamPlainControl &plain : kPlainControls)
		metadata->set(*plain.control, plain.valueIn(record));

	const float gains[] = {factor(record.red_gain), factor(record.blue_gain)};
	metadata->set(controls::ColourGains, gains);
	metadata->set(controls::ColourTemperature,
		      cmacam::ipa::temperatureOfGains({gains[0], gains[1]}));
	metadata->set(controls::ScalerCrop, Rectangle(record.crop_left, record.crop_top,
						      record.crop_width, record.crop_height));
}

} /* namespace libcamera */
