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
 * In stops: a search ends when a frame is this near to what it needs. Under lamps
 * that flicker, the frames disagree. So it also ends when this number of frames
 * were exposed as it wanted, and were not far off.
 */
constexpr double kNearStops = 0.05;
constexpr unsigned int kEnoughFrames = 3;

/* In stops: an error below this is not worth a last setting of a search. */
constexpr double kExactStops = 0.02;

/*
 * In stops, of the smoothed error after a search: the exposure follows the light
 * when the error is larger than the first value, until it is smaller than the
 * second. Noise and flicker, which the smoothing leaves a small part of, stay
 * below.
 */
constexpr double kFollowStops = 0.09;
constexpr double kFollowedStops = 0.04;

/*
 * An error that was not followed in this number of frames has become a part of the
 * picture. So it is left alone, in stops, until it is this large. Otherwise the
 * exposure could change long after the light.
 */
constexpr unsigned int kWatchedFrames = 8;
constexpr double kLeftStops = 0.1;

/* In stops: the exposure follows by less than 0.1 with each frame, also after rounding. */
constexpr double kStep = 0.095;

/*
 * In stops: two successive frames that differ this much from the frames before
 * begin a new search. A single one is a flash.
 */
constexpr double kSuddenStops = 0.35;

/* In stops: an error below this needs no second look at the next frame. */
constexpr double kQuietStops = 0.03;

/*
 * Weight of a new frame in the smoothed error. Lamps at 100 Hz flicker in a cycle
 * of three frames at 30 or 60 frames per second; this divides it by four.
 */
constexpr double kSmoothing = 0.35;

/* In stops: a difference that such lamps cannot make has twice the weight. */
constexpr double kBeyondFlicker = 0.22;

/*
 * The number of frames for which a search waits for its last setting. Frames that
 * were exposed before teach nothing new. The limit is for settings that the
 * sensor does not take exactly.
 */
constexpr unsigned int kDeadTime = 4;
constexpr double kArrivedStops = 0.01;

/*
 * How bright a search assumes white pixels to be, as a multiple of white. A picture
 * that comes out too dark gives an exact prediction of the next one, and a picture
 * that stays white does not.
 */
constexpr double kCautiousBrightest = 32;

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
 * The algorithm searches until a frame is well exposed, by setting what the scene
 * needs at once. From then on, it follows the light in small steps, and only if
 * the mean of several frames is off. A sudden change begins a new search.
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
	goodFrames_ = 0;
	settle();
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
	if (!modes_.hasAimOf(before))
		settle();
}

/* Begin with no error, and with nothing to wait for. */
void Agc::settle()
{
	error_ = 0;
	following_ = false;
	watched_ = 0;
	suspects_ = 0;
	deadTime_ = 0;
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
	const double asked = static_cast<double>(shape_.exposure) * gain_ / kGainUnit;

	if (deadTime_ && stops(had / asked) > kArrivedStops) {
		deadTime_--;
		return;
	}
	deadTime_ = 0;

	const double needed = std::clamp(had * histogram.ratioTo(target(), kCautiousBrightest),
					 smallestTotal(), largestTotal());

	recalled_ = false;
	if (converged_)
		follow(needed);
	if (!converged_)
		search(needed, had);

	found_ = Finding{total_, converged_, modes_, target(), had, histogram};
}

/* Set what the scene needs, until a frame has it. */
void Agc::search(double needed, double had)
{
	const double off = stops(needed / total_);

	/*
	 * Near to what was asked for is not enough: the frame has to have it,
	 * or the answer to an earlier setting would be taken for success.
	 */
	const bool obeyed = stops(had / total_) < kNearStops;
	goodFrames_ = obeyed && off < kSuddenStops ? goodFrames_ + 1 : 0;
	converged_ = (obeyed && off < kNearStops) || goodFrames_ == kEnoughFrames;
	settle();
	if (converged_)
		goodFrames_ = 0;

	/* Also when it is near: follow() compares with this. */
	if (off > kExactStops || !converged_) {
		total_ = needed;
		deadTime_ = converged_ ? 0 : kDeadTime;
		divide();
	}
}

/* Leave alone what was found, or change it in steps that nobody sees. */
void Agc::follow(double needed)
{
	const double error = std::log2(needed / total_);

	if (std::abs(error - error_) > kSuddenStops) {
		converged_ = ++suspects_ < 2;
		watched_++;
		return;
	}
	suspects_ = 0;

	const bool flickers = std::abs(error - error_) < kBeyondFlicker;
	error_ += (flickers ? 1 : 2) * kSmoothing * (error - error_);
	const double limit = following_			 ? kFollowedStops
			     : watched_ < kWatchedFrames ? kFollowStops
							 : kLeftStops;
	following_ = std::abs(error_) > limit;
	const bool quiet = std::abs(error) < kQuietStops && std::abs(error_) < kQuietStops;
	watched_ = following_ || !quiet ? watched_ + 1 : 0;
	if (!following_)
		return;

	const double step = std::clamp(error_, -kStep, kStep);
	error_ -= step;
	total_ *= std::exp2(step);
	divide();
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
