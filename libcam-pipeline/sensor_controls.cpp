/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and writes the V4L2 controls of the cmacam sensor. Those that are one
 * number each are rows of plain_controls.h.
 */

#include "sensor_controls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <vector>

#include <linux/v4l2-controls.h>
#include <linux/v4l2-subdev.h>

#include <libcamera/base/log.h>

#include <libcamera/ipa/core_ipa_interface.h>

#include "libcamera/internal/camera_sensor.h"

#include "capture_device.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/* The smallest part of the array that the board can show. */
constexpr Size kSmallestCrop{16, 16};

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

/* An application's number, of which nothing is known, as a V4L2 control's value. */
int32_t fixedPoint(float value, float unit, const ControlInfo &info)
{
	const float min = info.min().get<int32_t>();
	const float max = info.max().get<int32_t>();
	const float code = value * unit;

	/* Written so that what is not a number becomes the minimum. */
	return code > min ? std::lround(std::min(code, max)) : min;
}

} /* namespace */

/**
 * \brief Return the test pattern mode for an index of the sensor's menu
 */
std::optional<controls::draft::TestPatternModeEnum> testPatternMode(uint32_t index)
{
	if (index >= kTestPatterns.size())
		return std::nullopt;

	return kTestPatterns[index];
}

CmacamSensorControls::CmacamSensorControls(CameraSensor *sensor) : sensor_(sensor), activeLines_(0)
{
}

bool CmacamSensorControls::has(uint32_t id) const
{
	const ControlInfoMap &v4l2 = sensor_->controls();

	return v4l2.find(id) != v4l2.end();
}

/**
 * \brief Read the capabilities of the sensor from its V4L2 controls
 *
 * The caller must call this function again whenever the sensor's format has
 * changed.
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
	const ControlInfo &vblank = v4l2.at(V4L2_CID_VBLANK);

	static constexpr uint32_t ids[] = {V4L2_CID_VBLANK};
	const std::optional<int32_t> now = intControl(sensor_->getControls(ids), V4L2_CID_VBLANK);
	if (!now)
		return -EIO;

	info_.timing = {sensorInfo.pixelRate, sensorInfo.minLineLength};
	if (!info_.timing.isValid())
		return -EINVAL;

	activeLines_ = sensorInfo.outputSize.height;
	info_.limits.minFrame = sensorInfo.minFrameLength;
	info_.limits.maxFrame = sensorInfo.maxFrameLength;
	info_.limits.minExposure = exposure.min().get<int32_t>();

	/*
	 * V4L2 gives no margin, but the largest exposure of the frame length
	 * that is set right now.
	 */
	int32_t frameNow = activeLines_ + *now;
	info_.limits.margin = std::max(0, frameNow - exposure.max().get<int32_t>());

	info_.defaultFrame = activeLines_ + vblank.def().get<int32_t>();
	info_.defaultExposure = exposure.def().get<int32_t>();

	auto range = [&v4l2](uint32_t id) {
		const ControlInfo &control = v4l2.at(id);
		return cmacam::ipa::Range{
			static_cast<uint32_t>(control.min().get<int32_t>()),
			static_cast<uint32_t>(control.max().get<int32_t>()),
			static_cast<uint32_t>(control.def().get<int32_t>()),
		};
	};
	info_.gain = range(V4L2_CID_ANALOGUE_GAIN);
	info_.colourGain = {};
	if (has(V4L2_CID_RED_BALANCE) && has(V4L2_CID_BLUE_BALANCE))
		info_.colourGain = range(V4L2_CID_RED_BALANCE);

	/* Drivers learnt to crop when they learnt white balance. */
	array_ = info_.colourGain.max ? Rectangle(sensorInfo.activeAreaSize) : Rectangle();

	return 0;
}

/**
 * \brief Add the controls that this class handles
 * \param[inout] map The controls of the camera
 */
void CmacamSensorControls::addControls(ControlInfoMap::Map *map) const
{
	const ControlInfoMap &v4l2 = sensor_->controls();

	for (const CmacamPlainControl &plain : kPlainControls) {
		auto it = v4l2.find(plain.v4l2);
		if (it == v4l2.end())
			continue;

		auto value = [&plain](const ControlValue &code) {
			return code.get<int32_t>() / plain.unit;
		};
		const ControlInfo &code = it->second;
		(*map)[plain.control] =
			ControlInfo(value(code.min()), value(code.max()), value(code.def()));
	}

	if (!array_.isNull())
		(*map)[&controls::ScalerCrop] =
			ControlInfo(Rectangle(kSmallestCrop), array_, array_);

	auto patterns = v4l2.find(V4L2_CID_TEST_PATTERN);
	if (patterns == v4l2.end())
		return;

	std::vector<ControlValue> modes;
	for (const ControlValue &index : patterns->second.values()) {
		if (auto mode = testPatternMode(index.get<int32_t>()))
			modes.emplace_back(static_cast<int32_t>(*mode));
	}

	if (!modes.empty())
		(*map)[&controls::draft::TestPatternMode] = ControlInfo(modes, modes.front());
}

/**
 * \brief Set all controls that no algorithm changes to their defaults
 *
 * The function takes effect with the next write(), which writes all values.
 */
void CmacamSensorControls::reset()
{
	const ControlInfoMap &v4l2 = sensor_->controls();

	picture_ = {};
	picture_.crop = array_;
	for (std::size_t i = 0; i < std::size(kPlainControls); i++) {
		if (auto info = v4l2.find(kPlainControls[i].v4l2); info != v4l2.end())
			picture_.plain[i] = info->second.def().get<int32_t>();
	}
	writtenSettings_.reset();
	writtenPicture_.reset();
}

/**
 * \brief Apply the controls of a request
 *
 * The function takes effect with the next write().
 *
 * \param[in] requested Controls of the request; values out of range are clamped
 */
void CmacamSensorControls::queueRequest(const ControlList &requested)
{
	const ControlInfoMap &v4l2 = sensor_->controls();

	for (std::size_t i = 0; i < std::size(kPlainControls); i++) {
		const CmacamPlainControl &plain = kPlainControls[i];
		auto info = v4l2.find(plain.v4l2);
		if (auto value = requested.get(*plain.control); value && info != v4l2.end())
			picture_.plain[i] = fixedPoint(*value, plain.unit, info->second);
	}

	if (auto crop = requested.get(controls::ScalerCrop); crop && !array_.isNull())
		picture_.crop = Rectangle(crop->x, crop->y, crop->size().expandedTo(kSmallestCrop))
					.enclosedIn(array_);

	if (auto mode = requested.get(controls::draft::TestPatternMode)) {
		auto it = std::find(kTestPatterns.begin(), kTestPatterns.end(), *mode);
		if (it == kTestPatterns.end())
			LOG(Cmacam, Warning)
				<< "Test pattern mode " << *mode << " is not supported";
		else
			picture_.pattern = std::distance(kTestPatterns.begin(), it);
	}
}

/**
 * \brief Write the values that differ from those of the sensor
 * \param[in] settings Settings of the algorithms
 * \return 0 on success or a negative error code otherwise
 */
int CmacamSensorControls::write(const cmacam::ipa::Settings &settings)
{
	if (writtenSettings_ == settings && writtenPicture_ == picture_)
		return 0;

	bool timingChanged = false;
	int ret = writeTiming(settings, &timingChanged);
	if (!ret)
		ret = writeCluster(settings, timingChanged);
	if (!ret)
		ret = writeCrop();

	/* After a failure nobody knows what the sensor has. */
	if (ret) {
		writtenSettings_.reset();
		writtenPicture_.reset();
		return ret;
	}

	writtenSettings_ = settings;
	writtenPicture_ = picture_;

	return 0;
}

/*
 * Vertical blanking first, on its own: the kernel derives the range of the
 * exposure from it and would clamp a longer exposure that arrives in the same
 * call.
 */
int CmacamSensorControls::writeTiming(const cmacam::ipa::Settings &settings, bool *changed)
{
	if (writtenSettings_ && writtenSettings_->frame == settings.frame)
		return 0;

	ControlList list(sensor_->controls());
	set(&list, V4L2_CID_VBLANK, static_cast<int32_t>(settings.frame - activeLines_));
	*changed = true;

	return sensor_->setControls(&list);
}

/* All in one call, which the driver gives to one and the same frame. */
int CmacamSensorControls::writeCluster(const cmacam::ipa::Settings &settings, bool timingChanged)
{
	using cmacam::ipa::Settings;

	ControlList list(sensor_->controls());

	auto setting = [&](uint32_t id, uint32_t Settings::*member, bool always = false) {
		if (always || !writtenSettings_ || *writtenSettings_.*member != settings.*member)
			set(&list, id, settings.*member);
	};
	/* The new range may have cut the exposure that was set. */
	setting(V4L2_CID_EXPOSURE, &Settings::exposure, timingChanged);
	setting(V4L2_CID_ANALOGUE_GAIN, &Settings::gain);
	setting(V4L2_CID_RED_BALANCE, &Settings::redGain);
	setting(V4L2_CID_BLUE_BALANCE, &Settings::blueGain);

	if (!writtenPicture_ || writtenPicture_->pattern != picture_.pattern)
		set(&list, V4L2_CID_TEST_PATTERN, picture_.pattern);
	for (std::size_t i = 0; i < std::size(kPlainControls); i++) {
		if (!writtenPicture_ || writtenPicture_->plain[i] != picture_.plain[i])
			set(&list, kPlainControls[i].v4l2, picture_.plain[i]);
	}

	LOG(Cmacam, Debug) << "Writing " << list.size() << " controls of the sensor";

	return sensor_->setControls(&list);
}

int CmacamSensorControls::writeCrop()
{
	if (array_.isNull() || (writtenPicture_ && writtenPicture_->crop == picture_.crop))
		return 0;

	Rectangle crop = picture_.crop;

	return sensor_->device()->setSelection(0, V4L2_SEL_TGT_CROP, &crop);
}

void CmacamSensorControls::set(ControlList *list, uint32_t id, int32_t value) const
{
	if (has(id))
		list->set(id, value);
}

} /* namespace libcamera */
