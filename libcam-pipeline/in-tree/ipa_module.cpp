/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The algorithms, where they are libcamera's IPA module.
 */

#include "ipa_module.h"

#include <cerrno>

#include <libcamera/base/log.h>

#include "libcamera/internal/camera_manager.h"
#include "libcamera/internal/ipa_manager.h"
#include "libcamera/internal/pipeline_handler.h"

#include "ipa_values.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

int CmacamIpaModule::load()
{
	if (proxy_)
		return 0;

	proxy_ = pipe_->createIPA<ipa::cmacam::IPAProxyCmacam>(0, 0);
	if (!proxy_) {
		LOG(Cmacam, Error) << "The IPA module cannot be loaded";
		return -ENOENT;
	}

	proxy_->settingsFound.connect(
		proxy_.get(), [this](const ipa::cmacam::Settings &settings) { take(settings); });

	return proxy_->init({});
}

int CmacamIpaModule::init(const ::cmacam::ipa::SensorInfo &sensor, ControlInfoMap::Map *controls)
{
	int ret = load();
	if (ret)
		return ret;

	ControlInfoMap described;
	ret = proxy_->describe(packed(sensor), &described);
	for (const auto &[id, info] : described)
		(*controls)[id] = info;

	return ret;
}

int CmacamIpaModule::start(const ::cmacam::ipa::SensorInfo &sensor)
{
	ipa::cmacam::Settings settings;
	int ret = proxy_->configure(packed(sensor), &settings);
	if (!ret)
		ret = proxy_->start();
	running_ = !ret;
	take(settings);

	return ret;
}

void CmacamIpaModule::stop()
{
	if (running_)
		proxy_->stop();
	running_ = false;
}

void CmacamIpaModule::forget()
{
	if (proxy_)
		proxy_->forget();
}

void CmacamIpaModule::queueRequest(uint32_t request, const ControlList &controls)
{
	ipa::cmacam::Settings settings;
	proxy_->queueRequest(request, controls, &settings);
	take(settings);
}

bool CmacamIpaModule::processStats(const ::cmacam::ipa::InForce &inForce, const cmacam_stats &stats)
{
	const ::cmacam::ipa::Settings before = settings_;
	const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&stats);
	stats_.assign(bytes, bytes + sizeof(stats));
	proxy_->processStats(inForce.exposure, inForce.gain, stats_);

	return !(settings_ == before);
}

void CmacamIpaModule::fillMetadata(uint32_t request, ControlList *metadata) const
{
	ControlList filled;
	proxy_->fillMetadata(request, &filled);
	metadata->merge(filled);
}

void CmacamIpaModule::take(const ipa::cmacam::Settings &settings)
{
	settings_ = unpacked(settings);
	statisticsInterval_ = settings.statisticsInterval;
}

} /* namespace libcamera */
