/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcamera's controls as properties of the element.
 */
#include "controls.h"

#include <algorithm>
#include <limits>
#include <map>

#include <gst/gst.h>
#include <libcamera/control_ids.h>

#include "control_texts.h"
#include "control_value.h"

namespace cmacam::gst {

namespace {

namespace controls = libcamera::controls;

/*
 * Where libcamera's documentation, and not a camera, sets limits and neutral
 * values. What the camera takes is narrower, and is checked when it is known.
 */
struct Range
{
	double min;
	double max;
	double def;
};

const std::map<unsigned int, Range> kRanges = {
	{controls::ANALOGUE_GAIN, {0, G_MAXFLOAT, 1}},
	{controls::BRIGHTNESS, {-1, 1, 0}},
	{controls::COLOUR_TEMPERATURE, {0, G_MAXINT, 0}},
	{controls::CONTRAST, {0, G_MAXFLOAT, 1}},
	{controls::DIGITAL_GAIN, {0, G_MAXFLOAT, 1}},
	{controls::EXPOSURE_TIME, {0, G_MAXINT, 0}},
	{controls::SATURATION, {0, G_MAXFLOAT, 1}},
};

template <typename T>
struct Bounds
{
	T min;
	T max;
	T def;
};

template <typename T>
Bounds<T> bounds(const libcamera::ControlId &id)
{
	const auto it = kRanges.find(id.id());
	if (it != kRanges.end())
		return {static_cast<T>(it->second.min), static_cast<T>(it->second.max),
			static_cast<T>(it->second.def)};
	return {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max(), 0};
}

/* libcamera's enumerations as GObject's; registered once, never freed. */
GType enumType(const ControlText &text)
{
	const std::string name = "GstCmacam" + text.id->name();
	if (const GType known = g_type_from_name(name.c_str()))
		return known;

	auto *values = g_new0(GEnumValue, text.values.size() + 1);
	std::transform(text.values.begin(), text.values.end(), values,
		       [](const ControlValueText &v) {
			       return GEnumValue{v.value, v.description, v.nick};
		       });
	/* GObject keeps the values. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	const GType type = g_enum_register_static(g_intern_string(name.c_str()), values);
	gst_type_mark_as_plugin_api(type, GstPluginAPIFlags(0));
	return type;
}

GParamSpec *elementSpec(const ControlText &text, const char *name, const char *blurb,
			GParamFlags flags)
{
	const libcamera::ControlId &id = *text.id;
	const char *nick = id.name().c_str();

	if (!text.values.empty())
		return g_param_spec_enum(name, nick, blurb, enumType(text),
					 text.values.front().value, flags);

	switch (id.type()) {
	case libcamera::ControlTypeBool:
		return g_param_spec_boolean(name, nick, blurb, FALSE, flags);
	case libcamera::ControlTypeByte:
		return g_param_spec_uchar(name, nick, blurb, 0, G_MAXUINT8, 0, flags);
	case libcamera::ControlTypeUnsigned16:
		return g_param_spec_uint(name, nick, blurb, 0, G_MAXUINT16, 0, flags);
	case libcamera::ControlTypeUnsigned32:
		return g_param_spec_uint(name, nick, blurb, 0, G_MAXUINT, 0, flags);
	case libcamera::ControlTypeInteger32: {
		const auto [min, max, def] = bounds<gint>(id);
		return g_param_spec_int(name, nick, blurb, min, max, def, flags);
	}
	case libcamera::ControlTypeInteger64: {
		const auto [min, max, def] = bounds<gint64>(id);
		return g_param_spec_int64(name, nick, blurb, min, max, def, flags);
	}
	case libcamera::ControlTypeFloat: {
		const auto [min, max, def] = bounds<gfloat>(id);
		return g_param_spec_float(name, nick, blurb, min, max, def, flags);
	}
	case libcamera::ControlTypeRectangle:
	case libcamera::ControlTypeSize:
	case libcamera::ControlTypePoint:
		return gst_param_spec_array(
			name, nick, blurb,
			g_param_spec_int("number", "Number",
					 "A number of the array: x, y, width or height", G_MININT,
					 G_MAXINT, 0,
					 GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)),
			flags);
	case libcamera::ControlTypeString:
	case libcamera::ControlTypeNone:
		break;
	}
	return g_param_spec_string(name, nick, blurb, nullptr, flags);
}

GParamSpec *spec(const ControlText &text)
{
	const libcamera::ControlId &id = *text.id;
	/* Arrays cannot be animated: GstController knows single values. */
	const bool single = !id.isArray() && elementType(id) != GST_TYPE_ARRAY;
	guint flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

	if (id.isInput())
		flags |= G_PARAM_WRITABLE | GST_PARAM_MUTABLE_PLAYING;
	if (id.isInput() && single)
		flags |= GST_PARAM_CONTROLLABLE;

	if (!id.isArray())
		return elementSpec(text, text.property, text.description, GParamFlags(flags));

	return gst_param_spec_array(
		text.property, id.name().c_str(), text.description,
		elementSpec(text, "element", "One element of the array",
			    GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)),
		GParamFlags(flags));
}

std::string howMany(const libcamera::ControlId &id)
{
	if (!id.isArray())
		return {};
	return id.size() == libcamera::dynamic_extent ? "an array of "
						      : std::to_string(id.size()) + " of ";
}

std::string printed(const libcamera::ControlInfo &info)
{
	std::string text;

	if (info.values().empty())
		text = info.min().toString() + " to " + info.max().toString();
	for (const libcamera::ControlValue &value : info.values())
		text += (text.empty() ? "one of " : ", ") + value.toString();

	return info.def().isNone() ? text : text + ", by default " + info.def().toString();
}

} /* namespace */

void installControls(GObjectClass *klass, guint first)
{
	for (const ControlText &text : controlTexts())
		g_object_class_install_property(klass, first++, spec(text));
}

const libcamera::ControlIdMap &Controls::idMap()
{
	return controls::controls;
}

Result<void> Controls::check(size_t index, const libcamera::ControlValue &value) const
{
	const ControlText &text = controlTexts()[index];
	const auto info = limits_.find(text.id);

	if (info == limits_.end())
		return Error{EINVAL,
			     "Camera '" + camera_ + "' has no control '" + text.property + "'"};
	if (!isWithin(info->second, value))
		return Error{EINVAL, std::string(text.property) + "=" + value.toString() +
					     " is not possible: camera '" + camera_ + "' takes " +
					     printed(info->second)};
	return {};
}

Result<void> Controls::set(size_t index, const GValue *value)
{
	const ControlText &text = controlTexts()[index];
	const std::optional<libcamera::ControlValue> converted = fromGValue(*text.id, value);

	if (!converted)
		return Error{EINVAL, std::string(text.property) + " takes " + howMany(*text.id) +
					     g_type_name(elementType(*text.id))};

	std::lock_guard lock(mutex_);
	if (!camera_.empty())
		if (Result<void> result = check(index, *converted); !result)
			return result;

	set_.set(text.id->id(), *converted);
	pending_.set(text.id->id(), *converted);
	return {};
}

void Controls::get(size_t index, GValue *value, GParamSpec *spec) const
{
	const ControlText &text = controlTexts()[index];
	const unsigned int id = text.id->id();
	libcamera::ControlValue now;

	{
		std::lock_guard lock(mutex_);
		const auto seen =
			std::find_if(metadata_.begin(), metadata_.end(),
				     [id](const auto &entry) { return entry.first == id; });
		if (seen != metadata_.end())
			now = seen->second;
		else if (set_.contains(id))
			now = set_.get(id);
		else if (const auto info = limits_.find(text.id); info != limits_.end())
			now = info->second.def();
	}

	/* A default may be one number for all elements of an array. */
	if (now.isNone() || now.isArray() != text.id->isArray()) {
		g_param_value_set_default(spec, value);
		return;
	}

	GValue converted = G_VALUE_INIT;
	toGValue(now, &converted);
	if (G_VALUE_HOLDS_ENUM(value))
		g_value_set_enum(value, g_value_get_int(&converted));
	else
		g_value_transform(&converted, value);
	g_value_unset(&converted);
}

Result<void> Controls::attach(const std::string &id, const libcamera::ControlInfoMap &limits)
{
	std::lock_guard lock(mutex_);

	camera_ = id;
	limits_ = limits;
	metadata_.clear();

	for (size_t i = 0; i < controlTexts().size(); i++) {
		const unsigned int control = controlTexts()[i].id->id();
		if (!set_.contains(control))
			continue;
		if (Result<void> result = check(i, set_.get(control)); !result)
			return result;
	}
	return {};
}

void Controls::detach()
{
	std::lock_guard lock(mutex_);
	camera_.clear();
	limits_ = {};
	metadata_.clear();
}

libcamera::ControlList Controls::all() const
{
	std::lock_guard lock(mutex_);
	pending_.clear();
	return set_;
}

libcamera::ControlList Controls::take() const
{
	std::lock_guard lock(mutex_);
	libcamera::ControlList list(idMap());
	std::swap(list, pending_);
	return list;
}

bool Controls::pending() const
{
	std::lock_guard lock(mutex_);
	return !pending_.empty();
}

std::optional<std::pair<std::chrono::microseconds, std::chrono::microseconds>>
Controls::frameDurations() const
{
	using std::chrono::microseconds;

	std::lock_guard lock(mutex_);
	const auto limits = set_.get(controls::FrameDurationLimits);
	/* libcamera's way to ask for the defaults is 0, 0. */
	if (!limits || (*limits)[1] == 0)
		return {};
	return std::pair(microseconds((*limits)[0]), microseconds((*limits)[1]));
}

void Controls::setMetadata(const libcamera::ControlList &metadata)
{
	std::lock_guard lock(mutex_);

	size_t i = 0;
	metadata_.resize(metadata.size());
	for (const auto &[id, value] : metadata) {
		metadata_[i].first = id;
		metadata_[i].second = value;
		i++;
	}
}

StructurePtr Controls::describe() const
{
	std::lock_guard lock(mutex_);
	if (camera_.empty())
		return nullptr;

	StructurePtr all(gst_structure_new_empty("controls"));
	for (const ControlText &text : controlTexts()) {
		const auto info = limits_.find(text.id);
		if (info == limits_.end())
			continue;

		const std::pair<const char *, const libcamera::ControlValue &> parts[] = {
			{"min", info->second.min()},
			{"max", info->second.max()},
			{"default", info->second.def()},
		};
		StructurePtr one(gst_structure_new_empty("control"));
		for (const auto &[name, value] : parts) {
			if (value.isNone())
				continue;
			GValue converted = G_VALUE_INIT;
			toGValue(value, &converted);
			gst_structure_take_value(one.get(), name, &converted);
		}
		gst_structure_set(all.get(), text.property, GST_TYPE_STRUCTURE, one.get(), nullptr);
	}
	return all;
}

} /* namespace cmacam::gst */
