/* SPDX-License-Identifier: MIT */
/*
 * GstCmacamFrame: what the meta says, and where it goes with a frame.
 */
#include "frame_meta.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

#include "control_texts.h"
#include "frame_buffer.h"

namespace cmacam::gst {
namespace {

using std::chrono::microseconds;

constexpr FrameInfo kKnown = {
	.sequence = 7,
	.timestamp = 5'000'000'001,
	.lost = 2,
	.aeState = AeState::Converged,
	.wallClock = 1'700'000'000'000'000'003,
	.exposure = microseconds(9999),
	.duration = microseconds(33333),
	.analogueGain = 1.5,
	.digitalGain = 2,
};

const GstStructure *fieldsOf(GstBuffer *buffer)
{
	GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, kFrameMeta);

	return meta ? gst_custom_meta_get_structure(meta) : nullptr;
}

std::string textOf(GstBuffer *buffer)
{
	const GstStructure *fields = fieldsOf(buffer);

	return fields ? StringPtr(gst_structure_to_string(fields)).get() : "no meta";
}

const std::string kText =
	"GstCmacamFrame, sequence=(uint)7, lost=(uint)2, timestamp=(guint64)5000000001, "
	"wall-clock=(guint64)1700000000000000003, exposure-time=(gint64)9999, "
	"frame-duration=(gint64)33333, analogue-gain=(double)1.5, digital-gain=(double)2, "
	"ae-state=(string)converged;";

class FrameMetaTest : public testing::Test
{
protected:
	BufferPtr wrap()
	{
		return writer_.wrap(MemoryPtr(gst_allocator_alloc(nullptr, 8 * 6, nullptr)));
	}

	FrameWriter writer_{*contiguousLayout(-1, PixelFormat::Nv12, 8, 4, 8)};
};

TEST_F(FrameMetaTest, EachFieldIsSet)
{
	const BufferPtr wrapped = wrap();
	const MemoryPtr memory(gst_allocator_alloc(nullptr, 8 * 6, nullptr));
	const BufferPtr copied = writer_.copy(memory.get());

	for (GstBuffer *buffer : {wrapped.get(), copied.get()}) {
		setFrameMeta(buffer, kKnown);
		EXPECT_EQ(textOf(buffer), kText);
	}
}

TEST_F(FrameMetaTest, CopiesHaveItWhateverIsCopied)
{
	const BufferPtr buffer = wrap();
	setFrameMeta(buffer.get(), kKnown);

	const BufferPtr shallow(gst_buffer_copy(buffer.get()));
	const BufferPtr deep(gst_buffer_copy_deep(buffer.get()));
	const BufferPtr part(gst_buffer_copy_region(buffer.get(), GST_BUFFER_COPY_ALL, 8, 8));
	const BufferPtr encoded(gst_buffer_new());
	gst_buffer_copy_into(encoded.get(), buffer.get(), GST_BUFFER_COPY_METADATA, 0, -1);
	for (GstBuffer *copy : {shallow.get(), deep.get(), part.get(), encoded.get()})
		EXPECT_EQ(textOf(copy), kText);
}

TEST_F(FrameMetaTest, ItHasNoTagsByWhichElementsDropMetas)
{
	const BufferPtr buffer = wrap();
	const GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer.get(), kFrameMeta);

	ASSERT_NE(meta, nullptr);
	EXPECT_EQ(gst_meta_api_type_get_tags(meta->meta.info->api), nullptr);
}

/* The next frame in a shell changes neither a copy nor the memory of meta and fields. */
TEST_F(FrameMetaTest, AShellKeepsItsMetaAndCopiesKeepTheirs)
{
	BufferPtr buffer = wrap();
	setFrameMeta(buffer.get(), kKnown);
	const GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer.get(), kFrameMeta);
	const GstStructure *fields = fieldsOf(buffer.get());
	/* A shallow copy would keep the shell from its pool. */
	const BufferPtr copy(gst_buffer_copy_deep(buffer.get()));
	buffer.reset();

	buffer = wrap();
	setFrameMeta(buffer.get(), {.sequence = 8});
	EXPECT_EQ(gst_buffer_get_custom_meta(buffer.get(), kFrameMeta), meta);
	EXPECT_EQ(fieldsOf(buffer.get()), fields);
	guint sequence = 0;
	ASSERT_TRUE(gst_structure_get_uint(fields, "sequence", &sequence));
	EXPECT_EQ(sequence, 8u);
	EXPECT_EQ(textOf(copy.get()), kText);
}

TEST_F(FrameMetaTest, WhatAConsumerDidToItIsMended)
{
	BufferPtr buffer = wrap();
	GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer.get(), kFrameMeta);
	gst_structure_remove_all_fields(gst_custom_meta_get_structure(meta));
	buffer.reset();

	buffer = wrap();
	setFrameMeta(buffer.get(), kKnown);
	EXPECT_EQ(textOf(buffer.get()), kText);
}

TEST_F(FrameMetaTest, AShellOfWhichThereIsAShallowCopyIsNotUsedAgain)
{
	BufferPtr buffer = wrap();
	setFrameMeta(buffer.get(), kKnown);
	const GstStructure *fields = fieldsOf(buffer.get());
	const BufferPtr copy(gst_buffer_copy(buffer.get()));
	buffer.reset();

	buffer = wrap();
	setFrameMeta(buffer.get(), {.sequence = 8});
	EXPECT_NE(fieldsOf(buffer.get()), fields);
	EXPECT_EQ(textOf(copy.get()), kText);
}

/* GStreamer allocates memory for longer names, each time that the field is set. */
TEST_F(FrameMetaTest, NamesAreShort)
{
	const BufferPtr buffer = wrap();
	const GstStructure *fields = fieldsOf(buffer.get());

	ASSERT_NE(fields, nullptr);
	for (gint i = 0; i < gst_structure_n_fields(fields); i++)
		EXPECT_LE(strlen(gst_structure_nth_field_name(fields, i)), 14u);
}

TEST_F(FrameMetaTest, TheStateIsNamedAsThePropertyNamesIt)
{
	const auto texts = controlTexts();
	const auto control =
		std::ranges::find(texts, &libcamera::controls::AeState, &ControlText::id);
	ASSERT_NE(control, texts.end());
	ASSERT_EQ(control->values.size(), 3u);

	for (const ControlValueText &value : control->values) {
		const BufferPtr buffer = wrap();
		setFrameMeta(buffer.get(), {.aeState = AeState(value.value)});
		EXPECT_STREQ(gst_structure_get_string(fieldsOf(buffer.get()), "ae-state"),
			     value.nick);
	}
}

} /* namespace */
} /* namespace cmacam::gst */
