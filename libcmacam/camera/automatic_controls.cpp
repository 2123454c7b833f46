/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AutomaticControls: which controls the camera ignores because it sets them itself.
 */

#include "automatic_controls.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <libcamera/control_ids.h>

namespace cmacam {

namespace {

using libcamera::ControlId;
using libcamera::ControlInfoMap;
using libcamera::ControlList;
namespace controls = libcamera::controls;

struct Rule
{
	/* The switch, and the mode that overrides it; nullptr if there is no mode. */
	const ControlId *enable;
	const ControlId *mode;
	std::array<const ControlId *, 2> ignored;
	std::string_view reason;
};

const std::array<Rule, 3> kRules = {{
	{&controls::AeEnable,
	 &controls::ExposureTimeMode,
	 {&controls::ExposureTime, nullptr},
	 " has no effect while automatic exposure is on: set AeEnable to false, or "
	 "ExposureTimeMode to 1"},
	{&controls::AeEnable,
	 &controls::AnalogueGainMode,
	 {&controls::AnalogueGain, nullptr},
	 " has no effect while automatic exposure is on: set AeEnable to false, or "
	 "AnalogueGainMode to 1"},
	{&controls::AwbEnable,
	 nullptr,
	 {&controls::ColourGains, &controls::ColourTemperature},
	 " has no effect while automatic white balance is on: set AwbEnable to false"},
}};

/* Whether a value of the rule's mode or of its switch, the mode first, means automatic. */
template <typename Find>
std::optional<bool> isAutomatic(const Rule &rule, const Find &find)
{
	static_assert(controls::ExposureTimeModeAuto == 0 && controls::AnalogueGainModeAuto == 0);

	if (const libcamera::ControlValue value = find(rule.mode);
	    value.type() == libcamera::ControlTypeInteger32)
		return value.get<int32_t>() == 0;
	if (const libcamera::ControlValue value = find(rule.enable);
	    value.type() == libcamera::ControlTypeBool)
		return value.get<bool>();
	return std::nullopt;
}

} /* namespace */

AutomaticControls::AutomaticControls(const ControlInfoMap &known)
{
	const auto find = [&](const ControlId *id) {
		const auto found = id ? known.find(id) : known.end();
		return found == known.end() ? libcamera::ControlValue() : found->second.def();
	};

	for (std::size_t i = 0; i < kRules.size(); i++)
		automatic_[i] = isAutomatic(kRules[i], find).value_or(false);
}

std::string AutomaticControls::follow(const ControlList &set)
{
	const auto find = [&](const ControlId *id) {
		return id && set.contains(id->id()) ? set.get(id->id()) : libcamera::ControlValue();
	};
	std::string told;

	for (std::size_t i = 0; i < kRules.size(); i++) {
		automatic_[i] = isAutomatic(kRules[i], find).value_or(automatic_[i]);
		if (!automatic_[i])
			continue;
		for (const ControlId *id : kRules[i].ignored)
			if (id && set.contains(id->id()))
				told += (told.empty() ? "" : "; ") + id->name() +
					std::string(kRules[i].reason);
	}
	return told;
}

} /* namespace cmacam */
