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

namespace {

/* Frames for each look at a scene that the settings are right for. */
constexpr unsigned int kSettledInterval = 4;

} /* namespace */

/**
 * \class Ipa
 * \brief The image processing algorithms of a cmacam camera
 *
 * The class uses neither devices nor the pipeline handler. Its inputs are
 * controls and statistics. Its outputs are settings and metadata. The handler
 * calls the class in the handler's thread. In libcamera's tree, an IPA module
 * wraps the class without changes.
 */

/**
 * \brief Add the controls that the algorithms support, and begin with their defaults
 * \param[in] sensor Capabilities of the sensor
 * \param[inout] controls Map to which the controls are added
 * \return 0, or -EINVAL if the timing of the sensor is not valid or its smallest gain is 0
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
 * All controls get their defaults. The algorithms continue with the results of
 * earlier sessions, unless forget() was called since then.
 *
 * \return 0; the function returns a value only because the start of the IPA module can fail
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
 * \brief Forget the results of the algorithms
 *
 * The handler calls this function when the camera is released, because the next
 * user may have another scene. The function takes effect with start().
 */
void Ipa::forget()
{
	agc_.forget();
	awb_.forget();
}

/**
 * \brief Apply the controls of a request
 * \param[in] request Number of the request, which increases by one with each request
 * \param[in] controls Controls of the request; the list may be empty
 *
 * The caller must call this function when the frame of this request is the next
 * frame to begin. Then the settings take effect on this frame and not earlier.
 *
 * \return The settings for the frame of the request
 */
const Settings &Ipa::queueRequest(uint32_t request, const libcamera::ControlList &controls)
{
	if (!controls.empty()) {
		agc_.queueRequest(controls);
		awb_.queueRequest(controls);
		update();
	}

	contexts_[request % kMaxRequests] = {agc_.modes(), agc_.state(), awb_.isEnabled(),
					     awb_.isLocked()};

	return settings_;
}

/**
 * \brief Run the algorithms on the statistics of a frame
 * \param[in] inForce Exposure and gain that were in force for the same frame
 * \param[in] stats Statistics of the frame
 * \return True if settings() has changed, so that the caller has to write it to the sensor at once
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
 * \brief State how often the algorithms need statistics at present
 * \return 0 if no algorithm is on, 1 if the next frame matters, or a number of frames of which
 * one is enough
 */
unsigned int Ipa::statisticsInterval() const
{
	if (!agc_.modes().isActive() && !awb_.isEnabled())
		return 0;

	return agc_.isSearching() || awb_.isSearching() ? 1 : kSettledInterval;
}

/**
 * \brief Add the modes and states of the algorithms to the metadata of a finished frame
 *
 * The function does not add values that the driver's record of the frame
 * contains. The states are those of the time at which the settings of the frame
 * were determined. So the state "converged" describes the frame itself.
 *
 * \param[in] request Number of the frame's request
 * \param[inout] metadata Metadata of the request
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

	metadata->set(controls::AeState, context.aeState);
	metadata->set(controls::AeExposureMode, modes.exposureMode);
	metadata->set(controls::ExposureValue, modes.exposureValue);
	metadata->set(controls::AeFlickerMode, modes.flickerMode);
	if (modes.flickerPeriod)
		metadata->set(controls::AeFlickerPeriod, modes.flickerPeriod);

	if (!sensor_.colourGain.max)
		return;

	metadata->set(controls::AwbEnable, context.autoColour);
	if (context.autoColour)
		metadata->set(controls::AwbLocked, context.colourLocked);
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
