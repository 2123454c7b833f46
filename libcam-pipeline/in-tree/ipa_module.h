/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access to the algorithms in a build in which the algorithms are a libcamera IPA module.
 */

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <linux/cmacam.h>

#include <libcamera/controls.h>

#include <libcamera/ipa/cmacam_ipa_proxy.h>

#include "../ipa/settings.h"

namespace libcamera {

class PipelineHandler;

/**
 * \brief Offers the functions of cmacam::ipa::Ipa, and forwards each call to the IPA module
 */
class CmacamIpaModule
{
public:
	explicit CmacamIpaModule(PipelineHandler *pipe) : pipe_(pipe) {}
	~CmacamIpaModule() { stop(); }

	int init(const ::cmacam::ipa::SensorInfo &sensor, ControlInfoMap::Map *controls);
	int start(const ::cmacam::ipa::SensorInfo &sensor);
	void stop();
	void forget();
	void queueRequest(uint32_t request, const ControlList &controls);
	bool processStats(const ::cmacam::ipa::InForce &inForce, const cmacam_stats &stats);
	void fillMetadata(uint32_t request, ControlList *metadata) const;

	const ::cmacam::ipa::Settings &settings() const { return settings_; }
	unsigned int statisticsInterval() const { return statisticsInterval_; }

private:
	int load();
	void take(const ipa::cmacam::Settings &settings);

	PipelineHandler *pipe_;
	std::unique_ptr<ipa::cmacam::IPAProxyCmacam> proxy_;

	::cmacam::ipa::Settings settings_;
	unsigned int statisticsInterval_ = 0;
	bool running_ = false;
	std::vector<uint8_t> stats_;
};

} /* namespace libcamera */
