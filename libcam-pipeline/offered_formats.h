/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The choice of the pixel formats that cameras of this process list.
 */

#pragma once

#include <map>
#include <vector>

#include <libcamera/geometry.h>
#include <libcamera/pixel_format.h>

namespace cmacam {

__attribute__((visibility("default"))) void offerColourOnly();

std::map<libcamera::PixelFormat, std::vector<libcamera::SizeRange>>
offeredFormats(std::map<libcamera::PixelFormat, std::vector<libcamera::SizeRange>> formats);

} /* namespace cmacam */
