/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pixel formats the cameras of this process list.
 */

#include "offered_formats.h"

#include <atomic>

#include <libcamera/formats.h>

namespace cmacam {

namespace {

std::atomic<bool> colourOnly = false;

bool isGrey(const libcamera::PixelFormat &format)
{
	namespace formats = libcamera::formats;

	return format == formats::R8 || format == formats::R10 || format == formats::R12 ||
	       format == formats::R16;
}

} /* namespace */

/**
 * \brief Let the cameras of this process list no grey formats from now on
 *
 * libcamera lists formats in the order of their codes, and R8 is the first. A
 * program of a desktop that has no wish gets the first format of the list, and
 * its users would see a grey picture. A configuration with a grey format remains
 * valid.
 */
void offerColourOnly()
{
	colourOnly = true;
}

/**
 * \brief Select the formats that a camera lists
 * \param[in] formats All formats of the camera, with their sizes
 * \return All formats, or those with colour if offerColourOnly() was called
 */
std::map<libcamera::PixelFormat, std::vector<libcamera::SizeRange>>
offeredFormats(std::map<libcamera::PixelFormat, std::vector<libcamera::SizeRange>> formats)
{
	if (colourOnly)
		std::erase_if(formats, [](const auto &entry) { return isGrey(entry.first); });

	return formats;
}

} /* namespace cmacam */
