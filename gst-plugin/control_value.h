/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converts a ControlValue of libcamera to a GValue, and a GValue to a ControlValue.
 * All types of controls are supported.
 */
#pragma once

#include <optional>

#include <glib-object.h>
#include <libcamera/controls.h>

namespace cmacam::gst {

/**
 * Returns the GType of one element of the control @id. A Rectangle, a Size and a
 * Point are each a GST_TYPE_ARRAY of int. The order is (x, y, width, height) for a
 * Rectangle, (width, height) for a Size, and (x, y) for a Point.
 */
GType elementType(const libcamera::ControlId &id);

/**
 * Converts @value and initialises @out with the result. An array becomes a
 * GST_TYPE_ARRAY of its elements. @out stays uninitialised if @value has no type.
 */
void toGValue(const libcamera::ControlValue &value, GValue *out);

/**
 * Converts @value to a value of the control @id. The result is empty if @value has
 * the wrong type or the wrong number of elements.
 */
std::optional<libcamera::ControlValue> fromGValue(const libcamera::ControlId &id,
						  const GValue *value);

/**
 * Whether @info permits @value. If @info lists values, @value must be one of these
 * values. If @info lists no values, @value must lie within the limits of @info. If
 * @value is an array, each element must lie within these limits.
 */
bool isWithin(const libcamera::ControlInfo &info, const libcamera::ControlValue &value);

} /* namespace cmacam::gst */
