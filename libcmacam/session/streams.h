/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The streams of a camera, and a container with one element for each of them.
 */
#pragma once

#include <array>
#include <cstddef>

#include <cmacam/stream.h>

namespace cmacam {

inline constexpr std::array kStreams = {Stream::Main, Stream::Lores};

constexpr Stream other(Stream which)
{
	return which == Stream::Main ? Stream::Lores : Stream::Main;
}

/* An array with one T for each stream. */
template <typename T>
class PerStream : public std::array<T, kStreams.size()>
{
public:
	T &operator[](Stream which) { return this->at(static_cast<std::size_t>(which)); }
	const T &operator[](Stream which) const
	{
		return this->at(static_cast<std::size_t>(which));
	}
};

} /* namespace cmacam */
