/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of the board, in the process of the test: memory, an
 * interrupt to wait for, a completion ring, and a driver's register accesses.
 */
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <cmacam-regs.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "engine/engine.h"
#include "source/pattern_source.h"
#include "unique_fd.h"
#include "vfio_user/protocol.h"

namespace cmacam::board {

/* Waits until the condition is true. Returns false after one minute, so that the test does not
 * hang. */
template <typename Condition>
bool becomes(Condition condition)
{
	const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
	while (!condition()) {
		if (std::chrono::steady_clock::now() > limit)
			return false;
		std::this_thread::yield();
	}
	return true;
}

/* Guest memory in a memfd. The test accesses it at bytes(), and the board through a mapping. */
class Ram
{
public:
	explicit Ram(std::size_t size) : fd_(memfd_create("ram", MFD_CLOEXEC)), size_(size)
	{
		EXPECT_EQ(ftruncate(fd_.get(), static_cast<off_t>(size)), 0);
		memory_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
		EXPECT_NE(memory_, MAP_FAILED);
	}
	~Ram() { munmap(memory_, size_); }
	Ram(const Ram &) = delete;
	Ram &operator=(const Ram &) = delete;

	std::span<uint8_t> bytes() { return {static_cast<uint8_t *>(memory_), size_}; }
	std::size_t size() const { return size_; }
	int fd() const { return fd_.get(); }
	UniqueFd duplicate() const { return UniqueFd(dup(fd_.get())); }

private:
	UniqueFd fd_;
	std::size_t size_;
	void *memory_;
};

/* A source that holds the frame in progress until the test calls open(). */
class Gate : public Source
{
public:
	PicturePtr picture(uint64_t, Size wanted) override
	{
		entered_.release();
		opened_.acquire();
		return std::make_shared<Picture>(wanted);
	}
	void skip(uint64_t) override {}

	void awaitFrame() { entered_.acquire(); }
	void open() { opened_.release(); }

private:
	std::counting_semaphore<> entered_{0};
	std::counting_semaphore<> opened_{0};
};

class Machine
{
public:
	static constexpr uint64_t kBase = 0x100000;
	static constexpr std::size_t kSize = 16 << 20;
	static constexpr uint64_t kRing = kBase;
	static constexpr uint32_t kEntries = 4;
	static constexpr uint32_t kWidth = 64, kHeight = 32, kStride = 64;
	static constexpr uint32_t kBytes = kStride * kHeight;

	explicit Machine(Settings settings = unpaced(), Capabilities caps = {},
			 std::unique_ptr<Source> source = std::make_unique<PatternSource>())
		: logPath_(testing::TempDir() + "board-test-" + std::to_string(getpid()) + ".log"),
		  log_(logPath_),
		  source_(std::move(source))
	{
		memory.map(kBase, kSize, vfio_user::kDmaRead | vfio_user::kDmaWrite,
			   ram.duplicate(), 0);
		memory.setMaster(true);
		interrupts.set(0, UniqueFd(dup(eventfd_.get())));
		engine.emplace(caps, settings, *source_, memory, interrupts, log_);
	}
	~Machine() { unlink(logPath_.c_str()); }

	/* Settings without pauses between frames. A frame does not start without an address. */
	static Settings unpaced()
	{
		Settings settings;
		settings.pacing = Settings::Pacing::Max;
		settings.starved = Settings::Starved::Hold;
		return settings;
	}

	static uint64_t buffer(unsigned int index) { return kBase + 0x10000 * (index + 1); }
	std::span<uint8_t> at(uint64_t address, std::size_t size)
	{
		return ram.bytes().subspan(address - kBase, size);
	}

	uint32_t read(uint32_t offset) { return engine->read(offset); }
	void write(uint32_t offset, uint32_t value) { engine->write(offset, value); }
	/* Selects the channel that the functions below use. */
	Machine &select(uint32_t channel)
	{
		channel_ = channel;
		return *this;
	}
	uint32_t ch(uint32_t offset) { return read(CMACAM_CH(channel_) + offset); }
	void setCh(uint32_t offset, uint32_t value) { write(CMACAM_CH(channel_) + offset, value); }

	void configure(uint32_t format = CMACAM_FMT_GREY, uint32_t limit = kBytes)
	{
		setCh(CMACAM_CH_WIDTH, kWidth);
		setCh(CMACAM_CH_HEIGHT, kHeight);
		setCh(CMACAM_CH_FORMAT, format);
		setCh(CMACAM_CH_STRIDE, kStride);
		setCh(CMACAM_CH_SIZE_LIMIT, limit);
		setCh(CMACAM_CH_RING_LO, static_cast<uint32_t>(ring()));
		setCh(CMACAM_CH_RING_HI, 0);
		setCh(CMACAM_CH_RING_ENTRIES, kEntries);
		setCh(CMACAM_CH_INT_ENABLE, CMACAM_CH_INT_FRAME_DONE | CMACAM_CH_INT_DROP);
		write(CMACAM_IRQ_ENABLE, read(CMACAM_IRQ_ENABLE) | 1u << channel_);
	}
	void commit(uint64_t address)
	{
		setCh(CMACAM_CH_ADDR_HI, static_cast<uint32_t>(address >> 32));
		setCh(CMACAM_CH_ADDR_LO, static_cast<uint32_t>(address));
	}
	void enable(bool linked = false)
	{
		setCh(CMACAM_CH_CTRL, CMACAM_CH_CTRL_EN | (linked ? CMACAM_CH_CTRL_LINK : 0));
	}
	void disable()
	{
		setCh(CMACAM_CH_CTRL, 0);
		while (!(ch(CMACAM_CH_STATUS) & CMACAM_CH_STATUS_IDLE))
			std::this_thread::yield();
	}

	/*
	 * Waits for an interrupt. Reads its causes on the selected channel into `causes`, and
	 * clears them. Returns false if no interrupt came in time.
	 */
	bool waitInterrupt(int milliseconds = 5000)
	{
		pollfd poll = {eventfd_.get(), POLLIN, 0};
		if (::poll(&poll, 1, milliseconds) <= 0)
			return false;
		eventfd_t count;
		eventfd_read(eventfd_.get(), &count);
		causes = ch(CMACAM_CH_INT_STATUS);
		setCh(CMACAM_CH_INT_STATUS, causes);
		return true;
	}

	/*
	 * Waits for the next completion entry and returns a copy of it. With giveBack, the
	 * entry belongs to the board again.
	 */
	std::optional<cmacam_completion> next(bool giveBack = true)
	{
		auto *entry = reinterpret_cast<cmacam_completion *>(
			at(ring() + ringIndex_[channel_] * sizeof(cmacam_completion),
			   sizeof(cmacam_completion))
				.data());
		std::atomic_ref owner(entry->owner);
		while (!(owner.load(std::memory_order_acquire) & CMACAM_DONE_OWNER)) {
			if (!waitInterrupt())
				return std::nullopt;
		}

		cmacam_completion completion = *entry;
		ringIndex_[channel_] = (ringIndex_[channel_] + 1) % kEntries;
		if (giveBack)
			owner.store(0, std::memory_order_release);
		return completion;
	}
	void restartRing() { ringIndex_[channel_] = 0; }

	std::vector<std::string> log() const
	{
		std::ifstream file(logPath_);
		std::vector<std::string> lines;
		for (std::string line; std::getline(file, line);)
			lines.push_back(line);
		return lines;
	}

	Ram ram{kSize};
	vfio_user::GuestMemory memory;
	vfio_user::Interrupts interrupts{CMACAM_MSIX_VECTORS};
	uint32_t causes = 0;

private:
	UniqueFd eventfd_{::eventfd(0, EFD_CLOEXEC)};
	std::string logPath_;
	Log log_;
	std::unique_ptr<Source> source_;
	uint64_t ring() const { return kRing + 0x1000 * channel_; }

	uint32_t channel_ = CMACAM_CH_MAIN;
	std::array<unsigned int, CMACAM_CH_COUNT> ringIndex_{};

public:
	std::optional<Engine> engine; /* last, because it uses all other members */
};

} /* namespace cmacam::board */
