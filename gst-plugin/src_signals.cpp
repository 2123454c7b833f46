/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The element cmacamsrc: its action signals.
 */
#include <algorithm>
#include <cerrno>
#include <chrono>

#include "src_state.h"

namespace cmacam::gst {

namespace {

/* A longer timeout has the same effect, and does not overflow. */
constexpr std::chrono::hours kYear{24 * 365};

Result<BufferPtr> takeStill(GstCmacamSrc *self, Stills *stills, std::chrono::nanoseconds timeout)
{
	if (stills)
		return stills->take(std::chrono::ceil<std::chrono::milliseconds>(timeout),
				    GST_ELEMENT(self));

	std::lock_guard lock(self->state.mutex);
	if (self->state.stillCaps)
		return Error{ECANCELED, "the camera is not open"};
	return Error{EINVAL, "the camera was opened without stills: set still-caps=video/x-raw, or "
			     "smaller caps, before the state PAUSED"};
}

/* Runs in the thread of the application that emits the signal. */
GstSample *snapshot(GstCmacamSrc *self, guint64 timeout)
{
	const std::shared_ptr<Stills> stills = stillsOf(self);
	const std::chrono::nanoseconds year = kYear;
	const std::chrono::nanoseconds limit(static_cast<std::chrono::nanoseconds::rep>(
		std::min(timeout, static_cast<guint64>(year.count()))));
	GstSegment segment;

	Result<BufferPtr> still = takeStill(self, stills.get(), limit);
	if (!still) {
		postWarning(self, {still.error().code, "No snapshot: " + still.error().what});
		return nullptr;
	}

	GST_OBJECT_LOCK(self);
	gst_segment_copy_into(&GST_BASE_SRC(self)->segment, &segment);
	GST_OBJECT_UNLOCK(self);
	return gst_sample_new((*still).get(), stills->caps(), &segment, nullptr);
}

} /* namespace */

void installSignals(GObjectClass *object)
{
	/**
	 * GstCmacamSrc::snapshot:
	 * @src: the element
	 * @timeout: the longest time to wait, ns; GST_CLOCK_TIME_NONE for no limit
	 *
	 * Takes one picture with the caps of #GstCmacamSrc:still-caps, while the frames of the
	 * pad continue. No frame is lost for it: the frame of the same exposure has the
	 * same PTS and offset. The buffer is the camera's dma-buf, with the same metas and
	 * fields as the frames of the pad. Its lines have the stride of the #GstVideoMeta.
	 * The camera has two buffers for pictures, so the application should drop each sample
	 * soon.
	 *
	 * The call waits for the picture, which takes about as many frames as the camera
	 * has buffers. Controls that were set before apply to it as soon as they apply to
	 * the frames. If there is no picture, the element posts a warning with the reason, and
	 * the result is %NULL: if the element is not in PLAYING, if it is paused, flushed or
	 * stopped meanwhile, if the camera is unplugged, if the application holds both
	 * buffers, or if the time is over.
	 *
	 * Returns: (transfer full) (nullable): the picture
	 *
	 * Since: 0.3
	 */
	g_signal_new_class_handler("snapshot", G_OBJECT_CLASS_TYPE(object),
				   GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
				   G_CALLBACK(snapshot), nullptr, nullptr, nullptr, GST_TYPE_SAMPLE,
				   1, G_TYPE_UINT64);
}

} /* namespace cmacam::gst */
