/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between libcamera's control values and those of the library.
 */

#include "controls.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>

namespace cmacam {

namespace {

/* The elements of an array, or the one of a scalar, as \a To. */
template <typename From, typename To>
std::vector<To> elements(const libcamera::ControlValue &value)
{
	if (!value.isArray())
		return {static_cast<To>(value.get<From>())};

	const auto span = value.get<libcamera::Span<const From>>();
	return std::vector<To>(span.begin(), span.end());
}

template <typename From, typename To>
ControlValue number(const libcamera::ControlValue &value)
{
	std::vector<To> all = elements<From, To>(value);
	if (value.isArray())
		return all;
	return all.front();
}

/* The numbers in a value of the library, or nothing if it is text. */
std::optional<std::vector<double>> numbers(const ControlValue &value)
{
	if (const bool *flag = std::get_if<bool>(&value))
		return std::vector<double>{*flag ? 1.0 : 0.0};
	if (const auto *integer = std::get_if<std::int64_t>(&value))
		return std::vector<double>{static_cast<double>(*integer)};
	if (const double *real = std::get_if<double>(&value))
		return std::vector<double>{*real};
	if (const auto *integers = std::get_if<std::vector<std::int64_t>>(&value))
		return std::vector<double>(integers->begin(), integers->end());
	if (const auto *reals = std::get_if<std::vector<double>>(&value))
		return *reals;

	return std::nullopt;
}

template <typename T>
libcamera::ControlValue made(const libcamera::ControlId &id, const std::vector<double> &from)
{
	std::vector<T> all;
	all.reserve(from.size());
	for (double value : from)
		all.push_back(static_cast<T>(value));
	if (id.isArray())
		return libcamera::ControlValue(libcamera::Span<const T>(all.data(), all.size()));
	return libcamera::ControlValue(all.front());
}

bool isWhole(double value)
{
	return std::isfinite(value) && value == std::trunc(value);
}

/* The limits of all types are powers of two, or one less: a double can tell what fits. */
template <typename T>
bool fits(double value)
{
	using Limits = std::numeric_limits<T>;

	return value >= static_cast<double>(Limits::lowest()) &&
	       value < static_cast<double>(Limits::max()) + 1;
}

/* Whether the number can be converted to the type; the result would be undefined otherwise. */
bool fitsType(double value, libcamera::ControlType type)
{
	switch (type) {
	case libcamera::ControlTypeBool:
		return true;
	case libcamera::ControlTypeByte:
		return fits<std::uint8_t>(value);
	case libcamera::ControlTypeUnsigned16:
		return fits<std::uint16_t>(value);
	case libcamera::ControlTypeUnsigned32:
		return fits<std::uint32_t>(value);
	case libcamera::ControlTypeInteger64:
		return fits<std::int64_t>(value);
	case libcamera::ControlTypeFloat:
		return std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max());
	default:
		return fits<std::int32_t>(value);
	}
}

bool isOfType(const libcamera::ControlId &id, const ControlValue &value)
{
	if (id.type() == libcamera::ControlTypeString)
		return std::holds_alternative<std::string>(value);

	const std::optional<std::vector<double>> all = numbers(value);
	if (!all || all->empty())
		return false;

	std::size_t wanted = id.isArray() ? all->size() : 1;
	if (id.type() == libcamera::ControlTypeRectangle)
		wanted = 4;
	if (id.type() == libcamera::ControlTypeSize || id.type() == libcamera::ControlTypePoint)
		wanted = 2;
	return all->size() == wanted &&
	       (id.type() == libcamera::ControlTypeFloat || std::ranges::all_of(*all, isWhole));
}

/*
 * A value of the control's type, or nothing if there is no such value of that type.
 * The caller has checked isOfType() and isWithin().
 */
std::optional<libcamera::ControlValue> toLibcamera(const libcamera::ControlId &id,
						   const ControlValue &value)
{
	if (id.type() == libcamera::ControlTypeString)
		return libcamera::ControlValue(std::string_view(std::get<std::string>(value)));

	const std::optional<std::vector<double>> all = numbers(value);
	const auto at = [&](std::size_t i) { return static_cast<int>((*all)[i]); };
	switch (id.type()) {
	case libcamera::ControlTypeBool:
		return libcamera::ControlValue(all->front() != 0);
	case libcamera::ControlTypeByte:
		return made<std::uint8_t>(id, *all);
	case libcamera::ControlTypeUnsigned16:
		return made<std::uint16_t>(id, *all);
	case libcamera::ControlTypeUnsigned32:
		return made<std::uint32_t>(id, *all);
	case libcamera::ControlTypeInteger32:
		return made<std::int32_t>(id, *all);
	case libcamera::ControlTypeInteger64:
		return made<std::int64_t>(id, *all);
	case libcamera::ControlTypeFloat:
		return made<float>(id, *all);
	case libcamera::ControlTypeRectangle:
		if (id.isArray() || at(2) < 0 || at(3) < 0)
			return std::nullopt;
		return libcamera::ControlValue(
			libcamera::Rectangle(at(0), at(1), static_cast<unsigned int>(at(2)),
					     static_cast<unsigned int>(at(3))));
	case libcamera::ControlTypeSize:
		if (id.isArray() || at(0) < 0 || at(1) < 0)
			return std::nullopt;
		return libcamera::ControlValue(libcamera::Size(static_cast<unsigned int>(at(0)),
							       static_cast<unsigned int>(at(1))));
	case libcamera::ControlTypePoint:
		if (id.isArray())
			return std::nullopt;
		return libcamera::ControlValue(libcamera::Point(at(0), at(1)));
	default:
		return std::nullopt;
	}
}

/* Whether each of the numbers fits the control's type, and its range as far as it has one. */
bool isWithin(const ControlValue &value, const libcamera::ControlId &id,
	      const libcamera::ControlInfo &info)
{
	const auto all = numbers(value);
	if (all &&
	    !std::ranges::all_of(*all, [&](double number) { return fitsType(number, id.type()); }))
		return false;
	const auto min = numbers(fromLibcamera(info.min()));
	const auto max = numbers(fromLibcamera(info.max()));
	if (!all || !min || !max || min->size() != 1 || max->size() != 1)
		return true;

	return std::ranges::all_of(
		*all, [&](double number) { return number >= (*min)[0] && number <= (*max)[0]; });
}

std::string text(const std::vector<double> &numbers)
{
	std::ostringstream text;

	text.precision(10);
	for (double number : numbers)
		text << (text.tellp() > 0 ? ", " : "") << number;
	return text.str();
}

std::string typeName(const libcamera::ControlId &id)
{
	const char *name = "a whole number";
	switch (id.type()) {
	case libcamera::ControlTypeBool:
		name = "true or false";
		break;
	case libcamera::ControlTypeFloat:
		name = "a number";
		break;
	case libcamera::ControlTypeString:
		name = "text";
		break;
	case libcamera::ControlTypeRectangle:
		name = "four whole numbers: x, y, width, height";
		break;
	case libcamera::ControlTypeSize:
	case libcamera::ControlTypePoint:
		name = "two whole numbers";
		break;
	default:
		break;
	}
	return id.isArray() ? std::string("a list in which each value is ") + name : name;
}

} /* namespace */

ControlValue fromLibcamera(const libcamera::ControlValue &value)
{
	switch (value.type()) {
	case libcamera::ControlTypeBool:
		if (!value.isArray())
			return value.get<bool>();
		break;
	case libcamera::ControlTypeByte:
		return number<std::uint8_t, std::int64_t>(value);
	case libcamera::ControlTypeUnsigned16:
		return number<std::uint16_t, std::int64_t>(value);
	case libcamera::ControlTypeUnsigned32:
		return number<std::uint32_t, std::int64_t>(value);
	case libcamera::ControlTypeInteger32:
		return number<std::int32_t, std::int64_t>(value);
	case libcamera::ControlTypeInteger64:
		return number<std::int64_t, std::int64_t>(value);
	case libcamera::ControlTypeFloat:
		return number<float, double>(value);
	case libcamera::ControlTypeRectangle:
		if (!value.isArray()) {
			const auto r = value.get<libcamera::Rectangle>();
			return std::vector<std::int64_t>{r.x, r.y, r.width, r.height};
		}
		break;
	case libcamera::ControlTypeSize:
		if (!value.isArray()) {
			const auto s = value.get<libcamera::Size>();
			return std::vector<std::int64_t>{s.width, s.height};
		}
		break;
	case libcamera::ControlTypePoint:
		if (!value.isArray()) {
			const auto p = value.get<libcamera::Point>();
			return std::vector<std::int64_t>{p.x, p.y};
		}
		break;
	default:
		break;
	}

	return value.toString();
}

std::vector<NamedValue> fromLibcamera(const libcamera::ControlList &list)
{
	std::vector<NamedValue> values;
	const libcamera::ControlIdMap *names = list.idMap();

	for (const auto &[id, value] : list) {
		const auto entry =
			names ? names->find(id) : libcamera::ControlIdMap::const_iterator();
		if (names && entry != names->end())
			values.push_back({entry->second->name(), fromLibcamera(value)});
	}

	return values;
}

std::optional<ControlValue> findControl(const libcamera::ControlList &list, std::string_view name)
{
	const libcamera::ControlIdMap *names = list.idMap();
	if (!names)
		return std::nullopt;

	for (const auto &[id, value] : list) {
		const auto entry = names->find(id);
		if (entry != names->end() && entry->second->name() == name)
			return fromLibcamera(value);
	}
	return std::nullopt;
}

Result<void> setControl(libcamera::ControlList *list, const libcamera::ControlInfoMap &controls,
			std::string_view name, const ControlValue &value)
{
	for (const auto &[id, info] : controls) {
		if (id->name() != name)
			continue;

		const Error wrongType = {EINVAL, std::string(name) + " takes " + typeName(*id)};
		if (!isOfType(*id, value))
			return wrongType;
		if (!isWithin(value, *id, info))
			return Error{ERANGE, std::string(name) + " of " + text(*numbers(value)) +
						     " is not within " + info.toString()};
		const std::optional<libcamera::ControlValue> converted = toLibcamera(*id, value);
		if (!converted)
			return wrongType;

		list->set(id->id(), *converted);
		return {};
	}

	return Error{ENOENT, "the camera has no control " + std::string(name)};
}

} /* namespace cmacam */
