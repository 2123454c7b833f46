/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auto exposure and auto white balance, with the calls of a libcamera IPA.
 */

#include "ipa.h"

#include <cerrno>
#include <cstddef>

#include <endian.h>

#include <libcamera/control_ids.h>

namespace controls = libcamera::controls;

namespace cmacam::ipa {

/**
 * \class Ipa
 * \brief The image processing algorithms of a cmacam camera
 *
 * It knows neither devices nor a pipeline handler: controls and statistics
 * come in, settings and metadata go out. The handler calls it in its own
 * thread; inside libcamera's tree an IPA module wraps it as it is.
 */

/**
 * \brief Tell what the camera can do
 * \param[in] sensor What the sensor can do
 * \param[inout] controls Where to add the controls that are handled here
 * \return 0, or -EINVAL for a sensor without timing
 */
int Ipa::init(const SensorInfo &sensor, libcamera::ControlInfoMap::Map *controls)
{
	if (!sensor.timing.isValid() || !sensor.gain.min)
		return -EINVAL;

	Agc::addControls(sensor, controls);
	Awb::addControls(sensor, controls);
	return start(sensor);
}

/**
 * \brief Begin a session
 *
 * All controls have their defaults. What the algorithms have found in earlier
 * sessions is where they begin, until forget().
 *
 * \return 0; where the algorithms are a module, it may fail to start
 */
int Ipa::start(const SensorInfo &sensor)
{
	sensor_ = sensor;
	agc_.configure(sensor);
	awb_.configure(sensor);
	contexts_ = {};
	update();

	return 0;
}

/**
 * \brief The camera has been released: the next user's scene may be another one
 *
 * Takes effect with start().
 */
void Ipa::forget()
{
	agc_.forget();
	awb_.forget();
}

/**
 * \brief Take up the controls of a request
 * \param[in] request Its number, counted up from request to request
 * \param[in] controls Its controls, perhaps none
 *
 * To be called when the frame of this request is the next to begin, so that
 * the settings reach the sensor in time for it and not before.
 *
 * \return The settings for its frame
 */
const Settings &Ipa::queueRequest(uint32_t request, const libcamera::ControlList &controls)
{
	if (!controls.empty()) {
		agc_.queueRequest(controls);
		awb_.queueRequest(controls);
		update();
	}

	contexts_[request % kMaxRequests] = {agc_.modes(), awb_.isEnabled()};

	return settings_;
}

/**
 * \brief Learn from the statistics of a frame
 * \param[in] inForce Exposure and gain of that very frame
 * \param[in] stats The statistics
 * \return Whether there are new settings(), to be given to the sensor at once
 */
bool Ipa::processStats(const InForce &inForce, const cmacam_stats &stats)
{
	if (le32toh(stats.size) < sizeof(stats))
		return false;

	agc_.process(Histogram(stats), inForce);
	awb_.process(stats);

	return update();
}

/**
 * \brief Add what is known of a finished frame
 *
 * Values that are in the frame's own record are not of interest here.
 *
 * \param[in] request The number of its request
 * \param[inout] metadata Of the request
 */
void Ipa::fillMetadata(uint32_t request, libcamera::ControlList *metadata) const
{
	const Context &context = contexts_[request % kMaxRequests];
	const Agc::Modes &modes = context.modes;

	metadata->set(controls::ExposureTimeMode, modes.autoExposure
							  ? controls::ExposureTimeModeAuto
							  : controls::ExposureTimeModeManual);
	metadata->set(controls::AnalogueGainMode, modes.autoGain
							  ? controls::AnalogueGainModeAuto
							  : controls::AnalogueGainModeManual);

	if (!sensor_.statistics)
		return;

	metadata->set(controls::AeState, modes.isActive() ? agc_.state() : controls::AeStateIdle);
	metadata->set(controls::AeExposureMode, modes.exposureMode);
	metadata->set(controls::ExposureValue, modes.exposureValue);

	if (!sensor_.colourGain.max)
		return;

	metadata->set(controls::AwbEnable, context.autoColour);
	if (context.autoColour)
		metadata->set(controls::AwbLocked, awb_.isLocked());
}

bool Ipa::update()
{
	const Settings before = settings_;

	settings_ = {
		.frame = agc_.shape().frame,
		.exposure = agc_.shape().exposure,
		.gain = agc_.gain(),
		.redGain = awb_.redGain(),
		.blueGain = awb_.blueGain(),
	};

	return settings_ != before;
}

} /* namespace cmacam::ipa */
