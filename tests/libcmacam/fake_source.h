/* SPDX-License-Identifier: MIT */
/*
 * A frame source with three buffers, which counts how often each buffer is
 * given back.
 */

#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <vector>

#include <cmacam/frame.h>
#include <cmacam/mapping_pair.h>

#include "fake_dma_buf.h"

class FakeSource : public cmacam::FrameSource
{
public:
	static constexpr unsigned int kWidth = 60;
	static constexpr unsigned int kHeight = 40;
	static constexpr unsigned int kStride = 64;
	static constexpr unsigned int kBuffers = 3;

	static cmacam::FrameLayout layoutOf(int fd)
	{
		return *cmacam::contiguousLayout(fd, cmacam::PixelFormat::Nv12, kWidth, kHeight,
						 kStride);
	}

	FakeSource()
	{
		for (unsigned int i = 0; i < kBuffers; i++) {
			auto fd = FakeDmaBufs::create(kStride * kHeight * 3 / 2);
			buffers_.push_back(*cmacam::MappingPair::map(layoutOf(fd.get())));
		}
	}
	~FakeSource() override { destroyed++; }

	cmacam::Result<const cmacam::FrameMapping *>
	mapping(unsigned int buffer, cmacam::Stream stream, cmacam::Access access) override
	{
		if (stream != cmacam::Stream::Main)
			return cmacam::Error{ENOENT, "no such stream"};
		return buffers_.at(buffer).get(access);
	}

	void giveBack(unsigned int buffer) noexcept override { returned.at(buffer)++; }

	std::vector<cmacam::NamedValue> metadata(unsigned int buffer) const override
	{
		return {{"Buffer", std::int64_t{buffer}}, {"AnalogueGain", 1.5}};
	}

	std::array<std::atomic<unsigned int>, kBuffers> returned{};
	static inline unsigned int destroyed;

private:
	std::vector<cmacam::MappingPair> buffers_;
};
