/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auto exposure, which computes exposure time and analogue gain from the histogram of a frame.
 */

#pragma once

#include <cstdint>
#include <optional>

#include <libcamera/control_ids.h>
#include <libcamera/controls.h>

#include "histogram.h"
#include "settings.h"

namespace cmacam::ipa {

class Agc
{
public:
	/** Modes of the auto exposure that the application requested. */
	struct Modes
	{
		bool autoExposure = false;
		bool autoGain = false;
		int32_t exposureMode = libcamera::controls::ExposureNormal;
		float exposureValue = 0;
		int32_t flickerMode = libcamera::controls::FlickerOff;
		int32_t flickerPeriod = 0; /* microseconds; 0 if it was never set */

		bool isActive() const { return autoExposure || autoGain; }

		/* True if a result for the modes \a others is also valid for these modes. */
		bool hasAimOf(const Modes &others) const
		{
			return autoExposure == others.autoExposure && autoGain == others.autoGain &&
			       exposureValue == others.exposureValue;
		}
	};

	static void addControls(const SensorInfo &sensor, libcamera::ControlInfoMap::Map *controls);

	void configure(const SensorInfo &sensor);
	void forget();
	void queueRequest(const libcamera::ControlList &controls);
	void process(const Histogram &histogram, const InForce &inForce);

	const FrameShape &shape() const { return shape_; }
	uint32_t gain() const { return gain_; }
	const Modes &modes() const { return modes_; }
	libcamera::controls::AeStateEnum state() const;

	/** True if the algorithm needs the statistics of the next frame. */
	bool isSearching() const { return modes_.isActive() && (!converged_ || watched_); }

private:
	/* Last result of the algorithm, with which the next session begins */
	struct Finding
	{
		double total;
		bool converged;
		Modes modes;
		double target; /* wanted mean code value in these modes */

		/* The frame that gave the result, which predicts other targets */
		double exposed; /* lines times gain */
		Histogram histogram;
	};

	void setModes(const libcamera::ControlList &controls);
	void setValues(const libcamera::ControlList &controls);
	void recall();
	void settle();
	void search(double needed, double had);
	void follow(double needed);
	void divide();

	uint32_t wholePeriods(uint32_t exposure) const;
	uint32_t longestExposure() const;
	double smallestTotal() const;
	double largestTotal() const;
	double target() const;

	SensorInfo sensor_;
	Modes modes_;
	uint32_t shortestFrame_ = 0;  /* lines, from FrameDurationLimits */
	uint32_t longestFrame_ = 0;   /* lines, from FrameDurationLimits */
	uint32_t manualExposure_ = 0; /* lines */
	uint32_t manualGain_ = kGainUnit;

	/* Exposure that the scene needs, lines times gain */
	double total_ = 0;
	bool converged_ = false;
	std::optional<Finding> found_;
	bool recalled_ = false; /* true if total_ is based on an earlier session */

	/* While converged_ is false */
	unsigned int deadTime_ = 0;   /* number of frames that may have an earlier setting */
	unsigned int goodFrames_ = 0; /* number of successive frames that were nearly right */

	/* While converged_ is true */
	double error_ = 0;	    /* smoothed difference of needed exposure and total_, stops */
	bool following_ = false;    /* true while total_ changes in steps */
	unsigned int watched_ = 0;  /* number of successive frames that were not quiet */
	unsigned int suspects_ = 0; /* number of frames since a sudden change */

	FrameShape shape_;
	uint32_t gain_ = kGainUnit;
};

} /* namespace cmacam::ipa */
