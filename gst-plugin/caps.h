/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the caps of cmacamsrc from the table of formats and from the offer of a camera.
 */
#pragma once

#include <optional>
#include <string>

#include "camera_offer.h"
#include "formats.h"
#include "gst_ptr.h"

namespace cmacam::gst {

/* Returns the caps of the pad template: all formats of the table, in any size and rate. */
CapsPtr templateCaps();
/*
 * Returns the caps that one camera can produce. Plain caps come before DMA_DRM
 * caps. In both groups the default format of the camera comes first.
 */
CapsPtr offerCaps(const CameraOffer &offer);
/* Describes the formats, sizes and highest frame rate of @offer for an error message. */
std::string describeOffer(const CameraOffer &offer);
/*
 * Fixates the fields that the consumer left open. The function chooses the
 * camera's default format, and the values nearest to the camera's default size
 * and to 30 frames per second.
 */
CapsPtr fixateCaps(CapsPtr caps, const CameraOffer &offer);
/*
 * Chooses the caps of stills from @wanted and from the formats and sizes of @offer. Where
 * @wanted leaves a choice, the function chooses the camera's default format and the
 * largest size. The framerate is 0/1. Returns nullptr if @offer has no such caps.
 */
CapsPtr fixateStillCaps(const GstCaps *wanted, CameraOffer offer);
/*
 * Converts fixed caps to the settings of a stream. The result is empty if the
 * table of formats does not have the format, or if the caps have no valid size.
 */
std::optional<StreamSettings> settingsFromCaps(const GstCaps *caps);
/*
 * Whether fixed caps have the feature memory:DMABuf. A peer that accepts such
 * caps must read the layout of each frame from GstVideoMeta.
 */
bool wantsDmabufs(const GstCaps *caps);

} /* namespace cmacam::gst */
