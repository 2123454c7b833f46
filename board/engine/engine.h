/* SPDX-License-Identifier: MIT */
/*
 * The board behind its registers: sensor and channel, run by one thread that
 * makes the frames.
 */
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <cmacam-regs.h>

#include "engine/channel.h"
#include "engine/frame_writer.h"
#include "engine/sensor.h"
#include "engine/settings.h"
#include "log.h"
#include "source/source.h"
#include "vfio_user/guest_memory.h"
#include "vfio_user/interrupts.h"

namespace cmacam {

/*
 * Locks: mutex_ guards every register. The engine's thread lets go of it while
 * it writes a frame, so that registers answer at once; it never holds a lease
 * on guest memory and mutex_ at the same time, except to look at one ring
 * entry, which waits for nobody.
 */
class Engine
{
public:
	/* The references must outlive the engine. */
	Engine(const Capabilities &caps, const Settings &settings, Source &source,
	       vfio_user::GuestMemory &memory, vfio_user::Interrupts &interrupts, Log &log);
	/* Waits for the frame in flight. */
	~Engine();

	/* 32-bit registers; `offset` is a multiple of 4. */
	uint32_t read(uint32_t offset);
	void write(uint32_t offset, uint32_t value);

	/* Returns when no DMA is in flight and every register has its reset value. */
	void reset();

	/* The operator's side. Errors come back as one sentence. */
	std::optional<std::string> set(std::string_view key, std::string_view value);
	std::optional<std::string> get(std::string_view key);
	std::optional<std::string> fault(std::string_view kind, uint32_t count);

private:
	using Lock = std::unique_lock<std::mutex>;
	using Clock = std::chrono::steady_clock;

	static constexpr unsigned int kFaultKinds = 4;

	enum class RingEntry { Free, Full, OutOfReach };

	/* One frame from its start on, cut loose from registers that may change. */
	struct Job
	{
		ChannelConfig config;
		Settings settings;
		uint32_t faults;
		uint64_t ringEntry;
		uint32_t brightness;
		Clock::time_point notBefore; /* the sensor has read its lines out */
		cmacam_completion completion;
	};

	/* The life of a frame, on the thread. */
	void run();
	void frame(Lock &lock, Clock::time_point start);
	RingEntry ringEntryState();
	Job begin(Clock::time_point start);
	bool perform(Job &job);
	FrameTraits writeFrame(Job &job);
	void lose(Lock &lock, std::string_view reason, bool error = false);
	void logLost(uint32_t sequence, std::string_view reason);
	void betweenFrames();

	Clock::time_point nextStart(Clock::time_point now) const;
	void stopIfAsked();
	void resetNow();
	uint32_t takeFaults(uint32_t mask);
	void interrupt(uint32_t bits);
	void writeBoard(uint32_t offset, uint32_t value);
	uint64_t boardTime(Clock::time_point when) const;

	const Capabilities caps_;
	const Clock::time_point powerOn_ = Clock::now();
	vfio_user::GuestMemory &memory_;
	vfio_user::Interrupts &interrupts_;
	Log &log_;
	FrameWriter writer_; /* of the thread alone */

	std::mutex mutex_;
	/* Something changed that the thread may wait for. */
	std::condition_variable wake_;
	std::condition_variable resetDone_;
	Settings settings_;
	Sensor sensor_;
	Channel channel_;
	uint32_t irqEnable_ = 0;
	uint32_t timeHigh_ = 0; /* latched by reading TIME_LO */
	bool resetPending_ = false;
	bool exiting_ = false;
	std::array<uint32_t, kFaultKinds> faults_{}; /* frames still to spoil, by bit */

	/* Of the frame that started last since EN. */
	std::optional<Clock::time_point> lastStart_;
	SensorValues lastValues_;
	bool lastLost_ = false;

	std::thread thread_; /* last: it uses all of the above */
};

} /* namespace cmacam */
