/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libcamera controls of the cmacam sensor and the per-frame metadata.
 */

#include "sensor_controls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <optional>
#include <vector>

#include <linux/v4l2-controls.h>

#include <libcamera/base/log.h>

#include <libcamera/control_ids.h>

#include <libcamera/ipa/core_ipa_interface.h>

#include "libcamera/internal/camera_sensor.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/* Analogue gain is a fixed point number in V4L2 and in the record. */
constexpr float kGainUnit = 256.0f;

/*
 * By index of the sensor's V4L2_CID_TEST_PATTERN menu: off, 75 % colour bars,
 * grey ramp, mid grey. CameraSensor has no entry for this sensor.
 */
constexpr std::array kTestPatterns{
	controls::draft::TestPatternModeOff,
	controls::draft::TestPatternModeColorBars,
	controls::draft::TestPatternModeCustom1,
	controls::draft::TestPatternModeSolidColor,
};

std::optional<int32_t> testPatternIndex(int32_t mode)
{
	auto it = std::find(kTestPatterns.begin(), kTestPatterns.end(), mode);
	if (it == kTestPatterns.end())
		return std::nullopt;

	return std::distance(kTestPatterns.begin(), it);
}

} /* namespace */

CmacamSensorControls::CmacamSensorControls(CameraSensor *sensor)
	: sensor_(sensor), activeLines_(0), minGain_(0), maxGain_(0), defaults_{}, current_{}
{
}

/**
 * \brief Read what the sensor can do from its V4L2 controls
 *
 * To be called again whenever the sensor's format has changed.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamSensorControls::readLimits()
{
	IPACameraSensorInfo sensorInfo{};
	int ret = sensor_->sensorInfo(&sensorInfo);
	if (ret)
		return ret;

	const ControlInfoMap &v4l2 = sensor_->controls();
	const ControlInfo &exposure = v4l2.at(V4L2_CID_EXPOSURE);
	const ControlInfo &gain = v4l2.at(V4L2_CID_ANALOGUE_GAIN);
	const ControlInfo &vblank = v4l2.at(V4L2_CID_VBLANK);

	static constexpr uint32_t ids[] = {V4L2_CID_VBLANK};
	ControlList now = sensor_->getControls(ids);
	if (!now.contains(V4L2_CID_VBLANK))
		return -EIO;

	timing_ = {sensorInfo.pixelRate, sensorInfo.minLineLength};
	if (!timing_.isValid())
		return -EINVAL;

	activeLines_ = sensorInfo.outputSize.height;
	limits_.minFrame = sensorInfo.minFrameLength;
	limits_.maxFrame = sensorInfo.maxFrameLength;
	limits_.minExposure = exposure.min().get<int32_t>();

	/*
	 * V4L2 gives no margin, but the largest exposure of the frame length
	 * that is set right now.
	 */
	int32_t frameNow = activeLines_ + now.get(V4L2_CID_VBLANK).get<int32_t>();
	limits_.margin = std::max(0, frameNow - exposure.max().get<int32_t>());

	minGain_ = gain.min().get<int32_t>();
	maxGain_ = gain.max().get<int32_t>();

	defaults_.shortestFrame = activeLines_ + vblank.def().get<int32_t>();
	defaults_.longestFrame = limits_.maxFrame;
	defaults_.exposure = exposure.def().get<int32_t>();
	defaults_.gain = gain.def().get<int32_t>();
	defaults_.pattern = 0;
	current_ = defaults_;

	return 0;
}

/**
 * \brief The controls an application can set, with their limits
 */
ControlInfoMap::Map CmacamSensorControls::info() const
{
	auto us = [this](uint32_t lines) { return timing_.microseconds(lines); };
	auto us32 = [&us](uint32_t lines) { return static_cast<int32_t>(us(lines)); };

	ControlInfoMap::Map map;
	map[&controls::ExposureTime] =
		ControlInfo(us32(limits_.minExposure), us32(limits_.maxFrame - limits_.margin),
			    us32(defaults_.exposure));
	map[&controls::AnalogueGain] =
		ControlInfo(minGain_ / kGainUnit, maxGain_ / kGainUnit, defaults_.gain / kGainUnit);

	const std::array<int64_t, 2> defaultDurations{us(defaults_.shortestFrame),
						      us(defaults_.longestFrame)};
	/*
	 * The shortest duration is rounded down, as applications round theirs:
	 * libcamerasrc makes 16666 us of 60 frames per second.
	 */
	map[&controls::FrameDurationLimits] =
		ControlInfo(timing_.microsecondsDown(limits_.minFrame), us(limits_.maxFrame),
			    Span<const int64_t, 2>(defaultDurations));

	const ControlInfoMap &v4l2 = sensor_->controls();
	auto patterns = v4l2.find(V4L2_CID_TEST_PATTERN);
	if (patterns != v4l2.end()) {
		std::vector<ControlValue> modes;
		for (const ControlValue &index : patterns->second.values()) {
			size_t i = index.get<int32_t>();
			if (i < kTestPatterns.size())
				modes.emplace_back(static_cast<int32_t>(kTestPatterns[i]));
		}

		if (!modes.empty())
			map[&controls::draft::TestPatternMode] = ControlInfo(modes, modes.front());
	}

	return map;
}

/**
 * \brief Give the sensor its default settings
 *
 * A session starts from a known state, whatever the last one left behind.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamSensorControls::reset()
{
	return write(defaults_);
}

/**
 * \brief Apply the controls of a request
 * \param[in] requested The controls; those out of range are clamped
 * \return 0 on success or a negative error code otherwise
 */
int CmacamSensorControls::apply(const ControlList &requested)
{
	Settings settings = current_;

	if (requested.empty())
		return 0;

	if (auto us = requested.get(controls::ExposureTime))
		settings.exposure = std::clamp(timing_.lines(*us), limits_.minExposure,
					       limits_.maxFrame - limits_.margin);

	if (auto gain = requested.get(controls::AnalogueGain)) {
		float code = std::clamp<float>(*gain * kGainUnit, minGain_, maxGain_);
		settings.gain = std::lround(code);
	}

	if (auto limits = requested.get(controls::FrameDurationLimits)) {
		/* libcamera's way to ask for the defaults. */
		const bool none = (*limits)[0] == 0 && (*limits)[1] == 0;
		settings.shortestFrame =
			none ? defaults_.shortestFrame : timing_.lines((*limits)[0]);
		settings.longestFrame = none ? defaults_.longestFrame : timing_.lines((*limits)[1]);
	}

	if (auto mode = requested.get(controls::draft::TestPatternMode)) {
		std::optional<int32_t> index = testPatternIndex(*mode);
		if (!index)
			LOG(Cmacam, Warning)
				<< "Test pattern mode " << *mode << " is not supported";
		else
			settings.pattern = *index;
	}

	return write(settings);
}

int CmacamSensorControls::write(const Settings &settings)
{
	const cmacam::FrameShape shape = cmacam::fitFrame(limits_, settings.shortestFrame,
							  settings.longestFrame, settings.exposure);
	const ControlInfoMap &v4l2 = sensor_->controls();

	/*
	 * Vertical blanking first, on its own: the kernel derives the range of
	 * the exposure from it and would clamp a longer exposure that arrives
	 * in the same call.
	 */
	ControlList blanking(v4l2);
	blanking.set(V4L2_CID_VBLANK, static_cast<int32_t>(shape.frame - activeLines_));
	int ret = sensor_->setControls(&blanking);
	if (ret)
		return ret;

	ControlList list(v4l2);
	list.set(V4L2_CID_EXPOSURE, static_cast<int32_t>(shape.exposure));
	list.set(V4L2_CID_ANALOGUE_GAIN, settings.gain);
	if (v4l2.find(V4L2_CID_TEST_PATTERN) != v4l2.end())
		list.set(V4L2_CID_TEST_PATTERN, settings.pattern);
	ret = sensor_->setControls(&list);
	if (ret)
		return ret;

	current_ = settings;

	return 0;
}

/**
 * \brief Turn the record of a frame into libcamera metadata
 * \param[in] record What the hardware says was in force for the frame
 * \param[out] metadata The request's metadata
 */
void CmacamSensorControls::fillMetadata(const cmacam_frame_meta &record, ControlList *metadata)
{
	const cmacam::LineTiming timing{record.pixel_rate, record.line_length};

	metadata->set(controls::SensorTimestamp, static_cast<int64_t>(record.timestamp));
	metadata->set(controls::AnalogueGain, record.gain / kGainUnit);

	if (timing.isValid()) {
		metadata->set(controls::ExposureTime,
			      static_cast<int32_t>(timing.microseconds(record.exposure)));
		metadata->set(controls::FrameDuration, timing.microseconds(record.frame_length));
	}

	if (record.pattern < kTestPatterns.size())
		metadata->set(controls::draft::TestPatternMode,
			      static_cast<int32_t>(kTestPatterns[record.pattern]));
}

} /* namespace libcamera */
