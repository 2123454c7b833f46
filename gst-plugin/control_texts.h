/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libcamera's documentation says of each of its controls. The table is
 * made by gen-control-texts.py when the plugin is built.
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
	/* The property: exposure-time for ExposureTime. */
	const char *property;
	const char *description;
	/* Empty unless the control is an enumeration. */
	std::span<const ControlValueText> values;
};

/** All core and draft controls of libcamera, those of metadata included. */
std::span<const ControlText> controlTexts();

} /* namespace cmacam::gst */
