/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The element cmacamsrc, which delivers the frames of a cmacam camera as dma-bufs.
 */
#pragma once

#include <gst/base/gstpushsrc.h>

G_BEGIN_DECLS

#define GST_TYPE_CMACAM_SRC (gst_cmacam_src_get_type())
G_DECLARE_FINAL_TYPE(GstCmacamSrc, gst_cmacam_src, GST, CMACAM_SRC, GstPushSrc)

GST_ELEMENT_REGISTER_DECLARE(cmacamsrc)

G_END_DECLS
