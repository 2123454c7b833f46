/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver's record of a frame as libcamera metadata.
 */

#include "frame_metadata.h"

#include <cstddef>
#include <ctime>

#include <libcamera/control_ids.h>
#include <libcamera/geometry.h>

#include "ipa/colour_temperature.h"
#include "ipa/sensor_timing.h"
#include "plain_controls.h"
#include "sensor_controls.h"

namespace libcamera {

namespace {

/* Of records that have crop and white balance. */
constexpr std::size_t kColourRecord =
	offsetof(cmacam_frame_meta, blue_gain) + sizeof(cmacam_frame_meta::blue_gain);

int64_t nanoseconds(clockid_t clock)
{
	timespec now{};
	clock_gettime(clock, &now);

	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/*
 * What to add to a stamp of the monotonic clock. Measured each time: the wall
 * clock may be set while the camera runs.
 */
int64_t wallClockOffset()
{
	const int64_t before = nanoseconds(CLOCK_MONOTONIC);
	const int64_t wall = nanoseconds(CLOCK_REALTIME);
	const int64_t after = nanoseconds(CLOCK_MONOTONIC);

	return wall - before - (after - before) / 2;
}

float factor(uint32_t code)
{
	return static_cast<float>(code) / cmacam::ipa::kGainUnit;
}

} /* namespace */

/**
 * \brief Add the time of a frame on the monotonic clock and on the wall clock
 * \param[in] timestamp Time on the monotonic clock, nanoseconds
 * \param[inout] metadata The request's metadata
 */
void fillTimestamps(uint64_t timestamp, ControlList *metadata)
{
	const int64_t stamp = timestamp;

	metadata->set(controls::SensorTimestamp, stamp);
	metadata->set(controls::FrameWallClock, stamp + wallClockOffset());
}

/**
 * \brief Convert the record of a frame to libcamera metadata
 * \param[in] record Values that were in force for the frame, from the hardware
 * \param[inout] metadata The request's metadata
 */
void fillFrameMetadata(const cmacam_frame_meta &record, ControlList *metadata)
{
	const cmacam::LineTiming timing{record.pixel_rate, record.line_length};

	fillTimestamps(record.timestamp, metadata);
	metadata->set(controls::AnalogueGain, factor(record.gain));

	if (timing.isValid()) {
		metadata->set(controls::ExposureTime,
			      static_cast<int32_t>(timing.microseconds(record.exposure)));
		metadata->set(controls::FrameDuration, timing.microseconds(record.frame_length));
	}

	if (auto mode = testPatternMode(record.pattern))
		metadata->set(controls::draft::TestPatternMode, static_cast<int32_t>(*mode));

	for (const CmacamPlainControl &plain : kPlainControls) {
		if (plain.isIn(record))
			metadata->set(*plain.control, plain.valueIn(record));
	}

	if (record.size < kColourRecord)
		return;

	const float gains[] = {factor(record.red_gain), factor(record.blue_gain)};
	metadata->set(controls::ColourGains, gains);
	metadata->set(controls::ColourTemperature,
		      cmacam::ipa::temperatureOfGains({gains[0], gains[1]}));
	metadata->set(controls::ScalerCrop, Rectangle(record.crop_left, record.crop_top,
						      record.crop_width, record.crop_height));
}

} /* namespace libcamera */
