/* SPDX-License-Identifier: MIT */
/*
 * minicam, the small capture card of docs/porting.md: a second register block on the
 * virtual board. It has one ring of descriptors, one picture size, and no sensor.
 */
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <minicam-regs.h>

#include "engine/frame_writer.h"
#include "engine/settings.h"
#include "hardware.h"
#include "log.h"
#include "source/source.h"
#include "vfio_user/guest_memory.h"
#include "vfio_user/interrupts.h"

namespace cmacam::board {

/*
 * Locks: mutex_ guards every register. The card's thread releases mutex_ while the thread
 * writes a frame, so that a register access need not wait for a frame.
 */
class Minicam : public Hardware
{
public:
	/* The source, the memory, the interrupts and the log must outlive the card. */
	Minicam(const Settings &settings, Source &source, vfio_user::GuestMemory &memory,
		vfio_user::Interrupts &interrupts, Log &log);
	/* Waits until the frame in progress has ended. */
	~Minicam() override;

	uint16_t pciDevice() const override { return MINICAM_PCI_DEVICE; }
	uint32_t read(uint32_t offset) override;
	void write(uint32_t offset, uint32_t value) override;
	void reset() override;
	/* The card uses the settings of pacing, starvation, mark and digest. */
	std::optional<std::string> set(std::string_view key, std::string_view value) override;
	std::optional<std::string> get(std::string_view key) override;
	/* The card has no faults, so this is always an error. */
	std::optional<std::string> fault(std::string_view kind, uint32_t count,
					 uint32_t channel) override;

private:
	using Lock = std::unique_lock<std::mutex>;
	using Clock = std::chrono::steady_clock;

	/* These functions serve the registers. Their caller has locked mutex_. */
	void writeControl(uint32_t value);
	bool ringValid() const;
	uint64_t descriptor() const;
	bool owned() const;

	/* The card's thread calls these functions to make the frames. */
	void run();
	Clock::time_point nextStart(Clock::time_point now) const;
	void frame(Lock &lock, Clock::time_point start);
	bool fill(uint64_t place, uint32_t sequence, const Settings &settings);
	void lose(uint32_t sequence, std::string_view reason);
	void logLost(uint32_t sequence, std::string_view reason);

	vfio_user::GuestMemory &memory_;
	vfio_user::Interrupts &interrupts_;
	Log &log_;
	FrameWriter writer_; /* only the card's thread uses it */

	std::mutex mutex_;
	std::condition_variable wake_; /* after each change that the thread may wait for */
	std::condition_variable idle_; /* after each frame */
	Settings settings_;
	uint64_t written_ = 0; /* the address of the ring, as software wrote it */
	uint64_t ring_ = 0;    /* the same, as it was when EN was set */
	bool enabled_ = false;
	bool active_ = false; /* a frame is in progress */
	bool exiting_ = false;
	uint32_t index_ = 0; /* of the descriptor for the next frame */
	uint32_t sequence_ = 0;
	std::optional<Clock::time_point> lastStart_; /* empty: no frame since EN was set */
	bool lastLost_ = false;

	std::thread thread_; /* the last member, because the thread uses all other members */
};

} /* namespace cmacam::board */
