/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The descriptions of all controls in libcamera's documentation. The script
 * gen-control-texts.py makes the table when the plugin is built.
 */
#pragma once

#include <cstdint>
#include <span>

#include <libcamera/controls.h>

namespace cmacam::gst {

struct ControlValueText
{
	int32_t value;
	const char *nick;
	const char *description;
};

struct ControlText
{
	const libcamera::ControlId *id;
	/* Name of the property: "exposure-time" for ExposureTime. */
	const char *property;
	const char *description;
	/* The values of a control that is an enumeration; empty for any other control. */
	std::span<const ControlValueText> values;
};

/** Returns all core and draft controls of libcamera, including metadata-only controls. */
std::span<const ControlText> controlTexts();

} /* namespace cmacam::gst */
