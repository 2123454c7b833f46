/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auto exposure: exposure time and analogue gain from the histogram.
 */

#include "agc.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <libcamera/control_ids.h>

namespace controls = libcamera::controls;

namespace cmacam::ipa {

namespace {

/* Mean code value of a well exposed picture, and the highest to ask for. */
constexpr double kTarget = 110;
constexpr double kHighestTarget = 215;

/*
 * In stops. What is this near is good enough; what was good enough is left
 * alone until it is that far off. In between lies what noise and moving
 * things may do without the exposure following them.
 */
constexpr double kNearStops = 0.05;
constexpr double kFarStops = 0.15;

constexpr float kLargestExposureValue = 3;

/* Of a flickering light, microseconds. */
constexpr int32_t kShortestPeriod = 100;
constexpr int32_t kLongestPeriod = 1000000;

/* ExposureShort: this part of what ExposureNormal allows. */
constexpr uint32_t kShortDivisor = 4;

double stops(double ratio)
{
	return std::abs(std::log2(ratio));
}

libcamera::ControlInfo modeInfo(bool hasAuto, int32_t autoMode, int32_t manualMode)
{
	std::vector<libcamera::ControlValue> values;
	if (hasAuto)
		values.emplace_back(autoMode);
	values.emplace_back(manualMode);

	return libcamera::ControlInfo(values, values.front());
}

} /* namespace */

/**
 * \class Agc
 * \brief Controls exposure and gain so that the mean of the picture reaches its target
 *
 * The algorithm combines each histogram with the exposure that was in force for
 * the same frame. The result is the absolute exposure that the scene needs. This
 * result does not depend on the delay of settings and statistics. So no feedback
 * loop exists that a delay could make oscillate.
 *
 * The algorithm first raises the exposure up to the limit of the mode, and then
 * the gain. ExposureNormal keeps the frame rate. ExposureShort uses at most a
 * quarter of the exposure that ExposureNormal allows. ExposureLong lowers the
 * frame rate as far as FrameDurationLimits allow.
 *
 * With FlickerManual, the exposure is a whole number of periods of the light, and
 * the gain makes up for the rest. So each frame gets the mean of the light. This
 * is not possible if the scene needs less than one period, if the application
 * sets the gain, or if the gain cannot make up for the rest. In these cases, the
 * brightness is right, and the frames flicker.
 */

/**
 * \brief Add the controls that this algorithm supports
 */
void Agc::addControls(const SensorInfo &sensor, libcamera::ControlInfoMap::Map *map)
{
	const LineTiming &timing = sensor.timing;
	const FrameLimits &limits = sensor.limits;
	auto us = [&timing](uint32_t lines) { return timing.microseconds(lines); };
	auto us32 = [&us](uint32_t lines) { return static_cast<int32_t>(us(lines)); };
	auto factor = [](uint32_t code) { return static_cast<float>(code) / kGainUnit; };

	(*map)[&controls::ExposureTime] = libcamera::ControlInfo(
		us32(limits.minExposure), us32(limits.maxFrame - limits.margin),
		us32(sensor.defaultExposure));
	(*map)[&controls::AnalogueGain] = libcamera::ControlInfo(
		factor(sensor.gain.min), factor(sensor.gain.max), factor(sensor.gain.def));
	(*map)[&controls::ExposureTimeMode] =
		modeInfo(sensor.statistics, controls::ExposureTimeModeAuto,
			 controls::ExposureTimeModeManual);
	(*map)[&controls::AnalogueGainMode] =
		modeInfo(sensor.statistics, controls::AnalogueGainModeAuto,
			 controls::AnalogueGainModeManual);

	/*
	 * The shortest duration is rounded down, as applications round theirs:
	 * libcamerasrc makes 16666 us of 60 frames per second.
	 */
	const std::array<int64_t, 2> durations{us(sensor.defaultFrame), us(limits.maxFrame)};
	(*map)[&controls::FrameDurationLimits] = libcamera::ControlInfo(
		timing.microsecondsDown(limits.minFrame), us(limits.maxFrame),
		libcamera::Span<const int64_t, 2>(durations));

	if (!sensor.statistics)
		return;

	static const std::vector<libcamera::ControlValue> modes{
		static_cast<int32_t>(controls::ExposureNormal),
		static_cast<int32_t>(controls::ExposureShort),
		static_cast<int32_t>(controls::ExposureLong),
	};
	(*map)[&controls::AeEnable] = libcamera::ControlInfo(false, true, true);
	static const std::vector<libcamera::ControlValue> flickerModes{
		static_cast<int32_t>(controls::FlickerOff),
		static_cast<int32_t>(controls::FlickerManual),
	};
	(*map)[&controls::AeExposureMode] = libcamera::ControlInfo(modes, modes.front());
	(*map)[&controls::AeFlickerMode] =
		libcamera::ControlInfo(flickerModes, flickerModes.front());
	(*map)[&controls::AeFlickerPeriod] =
		libcamera::ControlInfo(kShortestPeriod, kLongestPeriod);
	(*map)[&controls::ExposureValue] =
		libcamera::ControlInfo(-kLargestExposureValue, kLargestExposureValue, 0.0f);
}

/**
 * \brief Begin a session with the default modes and the last result of the algorithm
 */
void Agc::configure(const SensorInfo &sensor)
{
	sensor_ = sensor;
	modes_ = {};
	modes_.autoExposure = sensor.statistics;
	modes_.autoGain = sensor.statistics;
	shortestFrame_ = sensor.defaultFrame;
	longestFrame_ = sensor.limits.maxFrame;
	manualExposure_ = sensor.defaultExposure;
	manualGain_ = sensor.gain.def;
	total_ = static_cast<double>(manualExposure_) * manualGain_ / kGainUnit;
	converged_ = false;
	recalled_ = found_.has_value();
	if (recalled_)
		recall();

	divide();
}

/**
 * \brief Forget the last result, so that the next session begins with the defaults
 */
void Agc::forget()
{
	found_.reset();
	recalled_ = false;
}

/**
 * \brief Apply the controls of a request
 */
void Agc::queueRequest(const libcamera::ControlList &requested)
{
	setModes(requested);
	setValues(requested);
	divide();
}

void Agc::setModes(const libcamera::ControlList &requested)
{
	const Modes before = modes_;

	if (sensor_.statistics) {
		if (auto mode = requested.get(controls::ExposureTimeMode))
			modes_.autoExposure = *mode == controls::ExposureTimeModeAuto;
		if (auto mode = requested.get(controls::AnalogueGainMode))
			modes_.autoGain = *mode == controls::AnalogueGainModeAuto;
		if (auto mode = requested.get(controls::AeExposureMode))
			modes_.exposureMode = *mode;
		if (auto mode = requested.get(controls::AeFlickerMode);
		    mode == controls::FlickerOff || mode == controls::FlickerManual)
			modes_.flickerMode = *mode;
		if (auto period = requested.get(controls::AeFlickerPeriod))
			modes_.flickerPeriod = std::clamp(*period, kShortestPeriod, kLongestPeriod);
		if (auto value = requested.get(controls::ExposureValue);
		    value && std::isfinite(*value))
			modes_.exposureValue =
				std::clamp(*value, -kLargestExposureValue, kLargestExposureValue);
	}

	/* What the algorithm has found stays, and is where it begins again. */
	if (before.autoExposure && !modes_.autoExposure)
		manualExposure_ = shape_.exposure;
	if (before.autoGain && !modes_.autoGain)
		manualGain_ = gain_;
	if (!before.isActive() && modes_.isActive()) {
		total_ = static_cast<double>(shape_.exposure) * gain_ / kGainUnit;
		recalled_ = false;
	}

	/* The light may change while the algorithm is off. */
	if (found_ && !modes_.isActive())
		found_->converged = false;

	if (recalled_)
		recall();
	else
		converged_ = converged_ && modes_.hasAimOf(before);
}

/*
 * Before the first statistics of a session, only its controls differ from the
 * session of the finding. With the same target and the same modes, the finding
 * is the result. For another target, its frame predicts the result.
 */
void Agc::recall()
{
	total_ = target() == found_->target ? found_->total
					    : found_->exposed * found_->histogram.ratioTo(target());
	converged_ = found_->converged && modes_.hasAimOf(found_->modes);
}

void Agc::setValues(const libcamera::ControlList &requested)
{
	const FrameLimits &limits = sensor_.limits;

	/* Values set in auto mode are ignored and not kept, libcamera says. */
	if (auto us = requested.get(controls::ExposureTime); us && !modes_.autoExposure)
		manualExposure_ = std::clamp(sensor_.timing.lines(*us), limits.minExposure,
					     limits.maxFrame - limits.margin);

	if (auto gain = requested.get(controls::AnalogueGain); gain && !modes_.autoGain) {
		const double code = std::clamp<double>(static_cast<double>(*gain) * kGainUnit,
						       sensor_.gain.min, sensor_.gain.max);
		manualGain_ = std::lround(code);
	}

	if (auto durations = requested.get(controls::FrameDurationLimits)) {
		/* libcamera's way to ask for the defaults. */
		const bool none = (*durations)[0] == 0 && (*durations)[1] == 0;
		shortestFrame_ =
			none ? sensor_.defaultFrame : sensor_.timing.lines((*durations)[0]);
		longestFrame_ = none ? limits.maxFrame : sensor_.timing.lines((*durations)[1]);
	}
}

uint32_t Agc::longestExposure() const
{
	const FrameLimits &limits = sensor_.limits;
	const uint32_t frame =
		modes_.exposureMode == controls::ExposureLong ? longestFrame_ : shortestFrame_;
	const uint32_t room = fitFrame(limits, frame, frame, limits.maxFrame).exposure;

	return modes_.exposureMode == controls::ExposureShort
		       ? std::max(room / kShortDivisor, limits.minExposure)
		       : room;
}

double Agc::smallestTotal() const
{
	const uint32_t exposure =
		modes_.autoExposure ? sensor_.limits.minExposure : shape_.exposure;
	const uint32_t gain = modes_.autoGain ? sensor_.gain.min : manualGain_;

	return static_cast<double>(exposure) * gain / kGainUnit;
}

double Agc::largestTotal() const
{
	const uint32_t exposure = modes_.autoExposure ? longestExposure() : shape_.exposure;
	const uint32_t gain = modes_.autoGain ? sensor_.gain.max : manualGain_;

	return static_cast<double>(exposure) * gain / kGainUnit;
}

double Agc::target() const
{
	return std::min(kTarget * std::exp2(modes_.exposureValue), kHighestTarget);
}

/**
 * \brief Compute the exposure that the scene needs
 * \param[in] histogram Histogram of a frame
 * \param[in] inForce Exposure and gain that were in force for the same frame
 */
void Agc::process(const Histogram &histogram, const InForce &inForce)
{
	if (!modes_.isActive() || histogram.isEmpty() || !inForce.exposure || !inForce.gain)
		return;

	const double had = static_cast<double>(inForce.exposure) * inForce.gain / kGainUnit;
	const double needed =
		std::clamp(had * histogram.ratioTo(target()), smallestTotal(), largestTotal());
	const double off = stops(needed / total_);

	recalled_ = false;
	if (converged_ && off < kFarStops)
		return;

	/*
	 * Near to what was asked for is not enough: the frame has to have it,
	 * or the answer to an earlier setting would be taken for success.
	 */
	converged_ = off < kNearStops && stops(had / total_) < kNearStops;
	if (!converged_) {
		total_ = needed;
		divide();
	}
	found_ = Finding{total_, converged_, modes_, target(), had, histogram};
}

/* Whole periods of a light that flickers, where gain can make up for the rest. */
uint32_t Agc::wholePeriods(uint32_t exposure) const
{
	if (modes_.flickerMode != controls::FlickerManual || !modes_.autoGain)
		return exposure;

	const uint32_t period = sensor_.timing.lines(modes_.flickerPeriod);
	if (!period || exposure < period)
		return exposure;

	const uint32_t whole = exposure / period * period;
	const double most = static_cast<double>(whole) * sensor_.gain.max / kGainUnit;
	return total_ <= most ? whole : exposure;
}

/* Make frame length, exposure and gain of what the scene needs. */
void Agc::divide()
{
	const FrameLimits &limits = sensor_.limits;
	uint32_t exposure = manualExposure_;

	if (modes_.autoExposure) {
		/* Rounded down where gain can make up for it. */
		const double lines = modes_.autoGain ? std::floor(total_)
						     : std::round(total_ * kGainUnit / manualGain_);
		exposure = wholePeriods(
			std::clamp<double>(lines, limits.minExposure, longestExposure()));
	}

	shape_ = fitFrame(limits, shortestFrame_, longestFrame_, exposure);

	gain_ = manualGain_;
	if (modes_.autoGain && shape_.exposure)
		gain_ = std::clamp<double>(std::round(total_ * kGainUnit / shape_.exposure),
					   sensor_.gain.min, sensor_.gain.max);
}

controls::AeStateEnum Agc::state() const
{
	if (!modes_.isActive())
		return controls::AeStateIdle;

	return converged_ ? controls::AeStateConverged : controls::AeStateSearching;
}

} /* namespace cmacam::ipa */
