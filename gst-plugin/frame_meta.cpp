/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The GstCustomMeta of a buffer: what is known of the frame in it.
 */
#include "frame_meta.h"

namespace cmacam::gst {

namespace {

const GstMetaInfo *frameMetaInfo()
{
	static const GstMetaInfo *const info = gst_meta_register_custom_simple(kFrameMeta);
	return info;
}

/* The nicks of the property ae-state. */
const char *nameOf(AeState state)
{
	switch (state) {
	case AeState::Searching:
		return "searching";
	case AeState::Converged:
		return "converged";
	default:
		return "idle";
	}
}

/* gst_structure_set() copies a string each time; an interned one is never copied. */
void setInterned(GstStructure *fields, const char *name, const char *text)
{
	GValue value = G_VALUE_INIT;

	g_value_init(&value, G_TYPE_STRING);
	g_value_set_interned_string(&value, g_intern_static_string(text));
	gst_structure_take_value(fields, name, &value);
}

} /* namespace */

void registerFrameMeta()
{
	frameMetaInfo();
}

void setFrameMeta(GstBuffer *buffer, const FrameInfo &frame)
{
	const GstMetaInfo *info = frameMetaInfo();
	GstMeta *meta = gst_buffer_get_meta(buffer, info->api);
	if (!meta)
		meta = gst_buffer_add_meta(buffer, info, nullptr);

	/* Fields that are there are overwritten in place. */
	GstStructure *fields =
		gst_custom_meta_get_structure(reinterpret_cast<GstCustomMeta *>(meta));
	gst_structure_set(fields, "sequence", G_TYPE_UINT, guint(frame.sequence), "lost",
			  G_TYPE_UINT, guint(frame.lost), "timestamp", G_TYPE_UINT64,
			  guint64(frame.timestamp), "wall-clock", G_TYPE_UINT64,
			  guint64(frame.wallClock), "exposure-time", G_TYPE_INT64,
			  gint64(frame.exposure.count()), "frame-duration", G_TYPE_INT64,
			  gint64(frame.duration.count()), "analogue-gain", G_TYPE_DOUBLE,
			  gdouble(frame.analogueGain), "digital-gain", G_TYPE_DOUBLE,
			  gdouble(frame.digitalGain), nullptr);
	setInterned(fields, "ae-state", nameOf(frame.aeState));
}

} /* namespace cmacam::gst */
