/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The algorithms of the cmacam handler as libcamera's IPA module.
 */

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <linux/cmacam.h>

#include <libcamera/control_ids.h>

#include <libcamera/ipa/cmacam_ipa_interface.h>
#include <libcamera/ipa/ipa_interface.h>
#include <libcamera/ipa/ipa_module_info.h>

#include "ipa.h"
#include "ipa_values.h"

namespace libcamera {

class IPACmacam : public ipa::cmacam::IPACmacamInterface
{
public:
	int32_t init([[maybe_unused]] const IPASettings &settings) override { return 0; }
	int32_t start() override { return 0; }
	void stop() override { ipa_.stop(); }
	void forget() override { ipa_.forget(); }

	int32_t describe(const ipa::cmacam::SensorInfo &sensor, ControlInfoMap *controls) override;
	int32_t configure(const ipa::cmacam::SensorInfo &sensor,
			  ipa::cmacam::Settings *settings) override;
	void queueRequest(uint32_t request, const ControlList &controls,
			  ipa::cmacam::Settings *settings) override;
	void processStats(uint32_t exposure, uint32_t gain,
			  const std::vector<uint8_t> &stats) override;
	void fillMetadata(uint32_t request, ControlList *metadata) override;

private:
	ipa::cmacam::Settings settings() const;

	::cmacam::ipa::Ipa ipa_;
};

int32_t IPACmacam::describe(const ipa::cmacam::SensorInfo &sensor, ControlInfoMap *controls)
{
	ControlInfoMap::Map map;
	const int ret = ipa_.init(unpacked(sensor), &map);
	*controls = ControlInfoMap(std::move(map), controls::controls);

	return ret;
}

int32_t IPACmacam::configure(const ipa::cmacam::SensorInfo &sensor, ipa::cmacam::Settings *settings)
{
	const int ret = ipa_.start(unpacked(sensor));
	*settings = this->settings();

	return ret;
}

void IPACmacam::queueRequest(uint32_t request, const ControlList &controls,
			     ipa::cmacam::Settings *settings)
{
	ipa_.queueRequest(request, controls);
	*settings = this->settings();
}

void IPACmacam::processStats(uint32_t exposure, uint32_t gain, const std::vector<uint8_t> &stats)
{
	cmacam_stats copy{};
	if (stats.size() != sizeof(copy))
		return;

	memcpy(&copy, stats.data(), sizeof(copy));
	ipa_.processStats({exposure, gain}, copy);
	settingsFound.emit(settings());
}

void IPACmacam::fillMetadata(uint32_t request, ControlList *metadata)
{
	*metadata = ControlList(controls::controls);
	ipa_.fillMetadata(request, metadata);
}

ipa::cmacam::Settings IPACmacam::settings() const
{
	return packed(ipa_.settings(), ipa_.statisticsInterval());
}

extern "C" {

const struct IPAModuleInfo ipaModuleInfo = {
	IPA_MODULE_API_VERSION,
	0,
	"cmacam",
	"cmacam",
};

IPAInterface *ipaCreate()
{
	return new IPACmacam();
}
}

} /* namespace libcamera */
