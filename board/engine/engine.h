/* SPDX-License-Identifier: MIT */
/*
 * The board behind its registers: one sensor and the channels that see it, run
 * by one thread that makes the frames.
 */
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
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

namespace cmacam::board {

/*
 * Locks: mutex_ guards every register. The engine's thread lets go of it while
 * it writes the frames of a moment, so that registers answer at once; it never
 * holds a lease on guest memory and mutex_ at the same time, except to look at
 * one ring entry, which waits for nobody. Jobs belong to the thread.
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
	std::optional<std::string> fault(std::string_view kind, uint32_t count, uint32_t channel);

private:
	using Lock = std::unique_lock<std::mutex>;
	using Clock = std::chrono::steady_clock;

	static constexpr unsigned int kFaultKinds = 4;

	/* One sensor frame, the same for all channels. */
	struct Instant
	{
		Clock::time_point start;
		Clock::time_point notBefore; /* the sensor has read its lines out */
		uint64_t picture;	     /* of the source */
		SensorValues values;
		Light light; /* of the live picture */
		Settings settings;
	};

	/* One channel's frame from its start on, cut loose from registers that may change. */
	struct Job
	{
		uint32_t channel = 0;
		ChannelConfig config;
		uint32_t faults = 0;
		uint64_t ringEntry = 0;
		cmacam_completion completion = {};
		FrameTraits traits;
		bool told = false;	/* its ring entry is written */
		bool ringError = false; /* which was out of reach */
	};
	using Jobs = std::array<Job, CMACAM_CH_COUNT>;

	/* The life of a frame, on the thread. */
	void run();
	bool starved() const;
	void frame(Lock &lock, const Instant &now);
	Instant instant(Clock::time_point start);
	bool startGroup(uint32_t members, const Instant &now);
	void begin(uint32_t channel, const Instant &now);
	std::string_view obstacle(uint32_t channel);
	void writePixels(Job &job, const Instant &now);
	void publish(std::span<Job> group, const Instant &now);
	void logFrame(const Job &job, const Instant &now);
	void finish(const Job &job);
	void lose(uint32_t channel, std::string_view reason);
	void logLost(uint32_t channel, uint32_t sequence, std::string_view reason);
	Clock::time_point nextStart(Clock::time_point now) const;
	uint64_t boardTime(Clock::time_point when) const;
	Light lightNow() const;

	/* Registers. */
	bool takesPart(uint32_t channel) const;
	uint32_t groupOf(uint32_t channel) const;
	bool anyActive() const;
	void betweenFrames();
	void stopIfAsked();
	void updateSensor();
	void resetNow();
	uint32_t takeFaults(uint32_t channel, uint32_t mask);
	void event(uint32_t channel, uint32_t bits);
	void sendEvents();
	uint32_t interrupts() const;
	void writeChannel(uint32_t channel, uint32_t offset, uint32_t value);
	void writeBoard(uint32_t offset, uint32_t value);

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
	std::array<Channel, CMACAM_CH_COUNT> channels_;
	uint32_t irqEnable_ = 0;
	bool due_ = false;	/* an interrupt, once all events of the moment are known */
	uint32_t timeHigh_ = 0; /* latched by reading TIME_LO */
	bool resetPending_ = false;
	bool exiting_ = false;
	/* Frames still to spoil, by channel and bit. */
	std::array<std::array<uint32_t, kFaultKinds>, CMACAM_CH_COUNT> faults_{};

	bool sensorRuns_ = false;
	uint64_t picture_ = 0; /* of the next frame */
	Jobs jobs_;	       /* of the frame in progress, the first jobCount_ of them */
	std::size_t jobCount_ = 0;

	/* Of the frame that started last since the sensor began to run. */
	std::optional<Clock::time_point> lastStart_;
	SensorValues lastValues_;
	bool lastLost_ = false;

	std::thread thread_; /* last: it uses all of the above */
};

} /* namespace cmacam::board */
