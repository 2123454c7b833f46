/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcamera's ControlValue as a GValue and back.
 */
#include "control_value.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gst/gst.h>
#include <libcamera/geometry.h>

namespace cmacam::gst {

namespace {

using libcamera::ControlType;
using libcamera::ControlValue;

/* What GObject calls a C++ type, and how a value goes in and out. */
template <typename T>
struct Traits;

#define CMACAM_SCALAR(T, GTYPE, name)                                                              \
	template <>                                                                                \
	struct Traits<T>                                                                           \
	{                                                                                          \
		static GType type() { return GTYPE; }                                              \
		static void set(GValue *value, const T &v) { g_value_set_##name(value, v); }       \
		static T get(const GValue *value)                                                  \
		{                                                                                  \
			return static_cast<T>(g_value_get_##name(value));                          \
		}                                                                                  \
	}

CMACAM_SCALAR(bool, G_TYPE_BOOLEAN, boolean);
CMACAM_SCALAR(uint8_t, G_TYPE_UCHAR, uchar);
CMACAM_SCALAR(uint16_t, G_TYPE_UINT, uint);
CMACAM_SCALAR(uint32_t, G_TYPE_UINT, uint);
CMACAM_SCALAR(int32_t, G_TYPE_INT, int);
CMACAM_SCALAR(int64_t, G_TYPE_INT64, int64);
CMACAM_SCALAR(float, G_TYPE_FLOAT, float);

#undef CMACAM_SCALAR

std::array<int, 4> numbers(const libcamera::Rectangle &r)
{
	return {r.x, r.y, static_cast<int>(r.width), static_cast<int>(r.height)};
}

std::array<int, 2> numbers(const libcamera::Size &s)
{
	return {static_cast<int>(s.width), static_cast<int>(s.height)};
}

std::array<int, 2> numbers(const libcamera::Point &p)
{
	return {p.x, p.y};
}

void assign(libcamera::Rectangle &r, const std::array<int, 4> &n)
{
	r = {n[0], n[1], static_cast<unsigned int>(n[2]), static_cast<unsigned int>(n[3])};
}

void assign(libcamera::Size &s, const std::array<int, 2> &n)
{
	s = {static_cast<unsigned int>(n[0]), static_cast<unsigned int>(n[1])};
}

void assign(libcamera::Point &p, const std::array<int, 2> &n)
{
	p = {n[0], n[1]};
}

template <typename T>
concept Geometric = requires(const T &value) { numbers(value); };

template <typename T>
bool read(const GValue *value, T &out)
{
	if constexpr (Geometric<T>) {
		decltype(numbers(out)) n{};
		if (!GST_VALUE_HOLDS_ARRAY(value) || gst_value_array_get_size(value) != n.size())
			return false;
		for (size_t i = 0; i < n.size(); i++)
			if (!read(gst_value_array_get_value(value, i), n[i]))
				return false;
		/* Width and height, the last two of a rectangle and all of a size. */
		if constexpr (!std::is_same_v<T, libcamera::Point>)
			if (n[n.size() - 2] < 0 || n[n.size() - 1] < 0)
				return false;
		assign(out, n);
		return true;
	} else {
		GValue converted = G_VALUE_INIT;
		g_value_init(&converted, Traits<T>::type());
		const bool good = g_value_transform(value, &converted);
		if (good)
			out = Traits<T>::get(&converted);
		g_value_unset(&converted);
		return good;
	}
}

template <typename T>
void write(const T &in, GValue *value)
{
	if constexpr (Geometric<T>) {
		g_value_init(value, GST_TYPE_ARRAY);
		for (int n : numbers(in)) {
			GValue element = G_VALUE_INIT;
			write(n, &element);
			gst_value_array_append_and_take_value(value, &element);
		}
	} else {
		g_value_init(value, Traits<T>::type());
		Traits<T>::set(value, in);
	}
}

/* Calls @visitor for the C++ type of @type; @otherwise where there is none. */
template <typename Result, typename Visitor>
Result dispatch(ControlType type, Result otherwise, Visitor visitor)
{
	switch (type) {
	case libcamera::ControlTypeBool:
		return visitor.template operator()<bool>();
	case libcamera::ControlTypeByte:
		return visitor.template operator()<uint8_t>();
	case libcamera::ControlTypeUnsigned16:
		return visitor.template operator()<uint16_t>();
	case libcamera::ControlTypeUnsigned32:
		return visitor.template operator()<uint32_t>();
	case libcamera::ControlTypeInteger32:
		return visitor.template operator()<int32_t>();
	case libcamera::ControlTypeInteger64:
		return visitor.template operator()<int64_t>();
	case libcamera::ControlTypeFloat:
		return visitor.template operator()<float>();
	case libcamera::ControlTypeRectangle:
		return visitor.template operator()<libcamera::Rectangle>();
	case libcamera::ControlTypeSize:
		return visitor.template operator()<libcamera::Size>();
	case libcamera::ControlTypePoint:
		return visitor.template operator()<libcamera::Point>();
	case libcamera::ControlTypeNone:
	case libcamera::ControlTypeString:
		break;
	}
	return otherwise;
}

template <typename T>
std::span<const T> elements(const ControlValue &value)
{
	return {reinterpret_cast<const T *>(value.data().data()), value.numElements()};
}

template <typename T>
bool notLess(const T &value, const T &limit)
{
	if constexpr (std::is_same_v<T, libcamera::Rectangle> || std::is_same_v<T, libcamera::Size>)
		return value.width >= limit.width && value.height >= limit.height;
	else if constexpr (std::is_same_v<T, libcamera::Point>)
		return value.x >= limit.x && value.y >= limit.y;
	else
		return value >= limit;
}

/* A limit is one value for all elements, or one for each. */
template <typename T>
const T *limitFor(const ControlValue &limit, ControlType type, size_t element)
{
	if (limit.type() != type)
		return nullptr;
	const std::span<const T> all = elements<T>(limit);
	if (all.size() == 1)
		return &all[0];
	return element < all.size() ? &all[element] : nullptr;
}

} /* namespace */

GType elementType(const libcamera::ControlId &id)
{
	return dispatch(id.type(), G_TYPE_STRING, []<typename T>() -> GType {
		if constexpr (Geometric<T>)
			return GST_TYPE_ARRAY;
		else
			return Traits<T>::type();
	});
}

void toGValue(const ControlValue &value, GValue *out)
{
	if (value.type() == libcamera::ControlTypeString) {
		const auto text = value.get<std::string_view>();
		g_value_init(out, G_TYPE_STRING);
		g_value_take_string(out, g_strndup(text.data(), text.size()));
		return;
	}

	dispatch(value.type(), false, [&]<typename T>() {
		if (!value.isArray()) {
			write(elements<T>(value)[0], out);
			return true;
		}

		g_value_init(out, GST_TYPE_ARRAY);
		for (const T &v : elements<T>(value)) {
			GValue element = G_VALUE_INIT;
			write(v, &element);
			gst_value_array_append_and_take_value(out, &element);
		}
		return true;
	});
}

std::optional<ControlValue> fromGValue(const libcamera::ControlId &id, const GValue *value)
{
	using Result = std::optional<ControlValue>;

	if (id.type() == libcamera::ControlTypeString) {
		const gchar *text = g_value_get_string(value);
		return ControlValue(std::string_view(text ? text : ""));
	}

	return dispatch(id.type(), Result(), [&]<typename T>() -> Result {
		if (!id.isArray()) {
			T v{};
			return read(value, v) ? Result(ControlValue(v)) : Result();
		}

		/* libcamera's size of an array of any length is the largest there is. */
		const size_t count = gst_value_array_get_size(value);
		if (id.size() != libcamera::dynamic_extent && count != id.size())
			return {};

		/* Not a vector, whose bools are no bools. */
		const auto values = std::make_unique<T[]>(count);
		for (size_t i = 0; i < count; i++)
			if (!read(gst_value_array_get_value(value, i), values[i]))
				return {};
		return ControlValue(libcamera::Span<const T>(values.get(), count));
	});
}

bool isWithin(const libcamera::ControlInfo &info, const ControlValue &value)
{
	const std::vector<ControlValue> &allowed = info.values();
	if (!allowed.empty())
		return std::find(allowed.begin(), allowed.end(), value) != allowed.end();

	return dispatch(value.type(), true, [&]<typename T>() {
		const std::span<const T> all = elements<T>(value);
		for (size_t i = 0; i < all.size(); i++) {
			const T *min = limitFor<T>(info.min(), value.type(), i);
			const T *max = limitFor<T>(info.max(), value.type(), i);
			if ((min && !notLess(all[i], *min)) || (max && !notLess(*max, all[i])))
				return false;
		}
		return true;
	});
}

} /* namespace cmacam::gst */
