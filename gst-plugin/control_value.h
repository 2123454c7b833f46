/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcamera's ControlValue as a GValue and back, for every type a control has.
 */
#pragma once

#include <optional>

#include <glib-object.h>
#include <libcamera/controls.h>

namespace cmacam::gst {

/**
 * The type of one element of @id: a Rectangle, a Size or a Point is a
 * GST_TYPE_ARRAY of its int numbers, in the order libcamera prints them.
 */
GType elementType(const libcamera::ControlId &id);

/** Initialises @out: the value itself, or a GST_TYPE_ARRAY of elements. */
void toGValue(const libcamera::ControlValue &value, GValue *out);

/** Empty if the number of elements is not what @id has, or their type. */
std::optional<libcamera::ControlValue> fromGValue(const libcamera::ControlId &id,
						  const GValue *value);

/** Whether @value, or each of its elements, lies within @info's limits. */
bool isWithin(const libcamera::ControlInfo &info, const libcamera::ControlValue &value);

} /* namespace cmacam::gst */
