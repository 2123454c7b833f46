/* SPDX-License-Identifier: MIT */
/*
 * Fills the memory of one frame: pixels, then the mark, then the digest of it.
 */
#include "engine/frame_writer.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <cmacam-regs.h>
#include <glib.h>

#include "pixel/statistics.h"
#include "source/test_pattern.h"

namespace cmacam::board {

namespace {

std::string sha256Of(std::span<const std::byte> memory)
{
	const std::unique_ptr<gchar, void (*)(gpointer)> digest(
		g_compute_checksum_for_data(G_CHECKSUM_SHA256,
					    reinterpret_cast<const guchar *>(memory.data()),
					    memory.size()),
		g_free);
	return digest.get();
}

/* A last line that is cut before the end of its stamp has none. */
void stampLines(uint32_t sequence, std::span<std::byte> memory)
{
	constexpr std::size_t kEnd = CMACAM_MARK_LINE_SEQUENCE + sizeof(sequence);

	for (std::size_t line = 0; line + kEnd <= memory.size(); line += CMACAM_MARK_LINE)
		std::memcpy(&memory[line + CMACAM_MARK_LINE_SEQUENCE], &sequence, sizeof(sequence));
}

/* So a reader of stamps need not know that the first line holds the mark. */
static_assert(offsetof(cmacam_mark, sequence) == CMACAM_MARK_LINE_SEQUENCE);

} /* namespace */

FrameTraits FrameWriter::write(const FrameDescription &frame, const Settings &settings,
			       std::span<std::byte> memory)
{
	const bool statistics = frame.layout.format == CMACAM_FMT_STATS;
	FrameTraits traits;

	if (statistics)
		writeStatistics(frame, memory);
	else
		writePixels(frame, memory);

	/* Over statistics a mark would spoil numbers. */
	if (settings.mark == Settings::Mark::Lines && !statistics)
		stampLines(frame.sequence, memory);
	if (settings.mark != Settings::Mark::Off && !statistics)
		traits.nonce = mark(frame, memory);
	if (settings.digest == Settings::Digest::Sha256)
		traits.sha256 = sha256Of(memory);

	return traits;
}

void FrameWriter::writePixels(const FrameDescription &frame, std::span<std::byte> memory)
{
	const Subject subject = subjectOf(frame, {frame.layout.width, frame.layout.height});

	renderers_[frame.channel].render(*subject.picture, subject.view, subject.processing,
					 frame.layout, memory);
}

void FrameWriter::writeStatistics(const FrameDescription &frame, std::span<std::byte> memory)
{
	const Subject subject = subjectOf(frame, kStatisticsSize);
	cmacam_stats_data data;

	measure(*subject.picture, subject.view, subject.processing.light, data);
	data.sequence = frame.sequence;
	std::memcpy(memory.data(), &data, std::min(sizeof(data), memory.size()));
}

FrameWriter::Subject FrameWriter::subjectOf(const FrameDescription &frame, Size size)
{
	const SensorValues &values = frame.values;

	if (values.pattern != CMACAM_PATTERN_OFF)
		return {testPicture(frame, size), View::whole(size), {}};

	/* As large as makes one pixel of it one of the output, up to the array's. */
	const Size wanted = {
		std::min(size.width * array_.width / values.crop.width, array_.width),
		std::min(size.height * array_.height / values.crop.height, array_.height),
	};
	Subject subject = {
		.picture = source_.picture(frame.picture, wanted),
		.view = {array_, values.crop, values.flip},
		.processing = {.light = frame.light},
	};
	if (!formatOf(frame.layout.format).bayer)
		subject.processing.adjustments = values.adjustments;
	return subject;
}

PicturePtr FrameWriter::testPicture(const FrameDescription &frame, Size size)
{
	const uint32_t pattern = frame.values.pattern;
	TestPicture &test = testPictures_[frame.channel];

	source_.skip(frame.picture);
	if (!test.picture || test.pattern != pattern || test.picture->size() != size)
		test = {pattern, drawTestPattern(pattern, size)};
	return test.picture;
}

uint64_t FrameWriter::mark(const FrameDescription &frame, std::span<std::byte> memory)
{
	const cmacam_mark mark = {
		.magic = CMACAM_MARK_MAGIC,
		.sequence = frame.sequence,
		.nonce = random_(),
		.channel = frame.channel,
		.exposure = frame.values.exposure,
		.gain = frame.values.gain,
		.pattern = frame.values.pattern,
	};

	std::memcpy(memory.data(), &mark, std::min(sizeof(mark), memory.size()));
	return mark.nonce;
}

} /* namespace cmacam::board */
