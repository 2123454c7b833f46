/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caps that follow from the table of formats and from what a camera offers.
 */
#pragma once

#include <optional>
#include <string>

#include "camera_offer.h"
#include "formats.h"
#include "gst_ptr.h"

namespace cmacam::gst {

/* All the element can ever produce. */
CapsPtr templateCaps();
/* All that this camera can produce: plain caps, its default first, then DMA_DRM. */
CapsPtr offerCaps(const CameraOffer &offer);
/* The same in words, for an error message. */
std::string describeOffer(const CameraOffer &offer);
/* Fixes what the consumer left open: the camera's default size, 30 frames/s. */
CapsPtr fixateCaps(CapsPtr caps, const CameraOffer &offer);
/* Of fixed caps; empty if they are not ours. */
std::optional<StreamSettings> settingsFromCaps(const GstCaps *caps);
/* Whether fixed caps are of memory:DMABuf, whose peer goes by GstVideoMeta. */
bool wantsDmabufs(const GstCaps *caps);

} /* namespace cmacam::gst */
