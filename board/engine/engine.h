/* SPDX-License-Identifier: MIT */
/*
 * The engine of the board: its registers, one sensor, the channels that take frames
 * from the sensor, and one thread that makes the frames.
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
#include "hardware.h"
#include "log.h"
#include "source/source.h"
#include "vfio_user/guest_memory.h"
#include "vfio_user/interrupts.h"

namespace cmacam::board {

/*
 * Locks: mutex_ guards every register. The engine's thread releases mutex_ while the
 * thread writes frames, so that a register access need not wait for a frame. The thread
 * holds a lease on guest memory together with mutex_ only while the thread reads the
 * owner bit of a ring entry. Reading this bit does not block. Only the engine's thread
 * uses jobs_.
 */
class Engine : public Hardware
{
public:
	/* The source, the memory, the interrupts and the log must outlive the engine. */
	Engine(const Capabilities &caps, const Settings &settings, Source &source,
	       vfio_user::GuestMemory &memory, vfio_user::Interrupts &interrupts, Log &log);
	/* Waits until the frame in progress has ended. */
	~Engine() override;

	uint16_t pciDevice() const override { return CMACAM_PCI_DEVICE; }
	uint32_t read(uint32_t offset) override;
	void write(uint32_t offset, uint32_t value) override;
	void reset() override;
	std::optional<std::string> set(std::string_view key, std::string_view value) override;
	std::optional<std::string> get(std::string_view key) override;
	std::optional<std::string> fault(std::string_view kind, uint32_t count,
					 uint32_t channel) override;

private:
	using Lock = std::unique_lock<std::mutex>;
	using Clock = std::chrono::steady_clock;

	static constexpr unsigned int kFaultKinds = 8;

	/* One frame of the sensor. Each channel that takes part makes a frame from this frame. */
	struct Instant
	{
		Clock::time_point start;
		Clock::time_point notBefore; /* when the sensor has read out all lines */
		uint64_t picture;	     /* number of the source's picture */
		SensorValues values;
		Light light; /* light on the live picture */
		Settings settings;
	};

	/*
	 * One frame of one channel. The job has copies of the registers, because software may
	 * change the registers while the engine's thread makes the frame.
	 */
	struct Job
	{
		uint32_t channel = 0;
		ChannelConfig config;
		uint32_t faults = 0;
		uint64_t ringEntry = 0;
		cmacam_completion completion = {};
		FrameTraits traits;
		bool told = false;	/* the ring entry is written */
		bool ringError = false; /* the ring entry could not be reached */
	};
	using Jobs = std::array<Job, CMACAM_CH_COUNT>;

	/* The engine's thread calls these functions to make the frames. */
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

	/* These functions serve the registers. Their caller has locked mutex_. */
	bool takesPart(uint32_t channel) const;
	uint32_t groupOf(uint32_t channel) const;
	bool anyActive() const;
	void betweenFrames();
	void stopIfAsked();
	void updateSensor();
	void beginReset();
	void resetNow();
	uint32_t takeFaults(uint32_t channel, uint32_t mask);
	bool faultPending(uint32_t bit) const;
	void endFault(uint32_t channel, uint32_t bit);
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
	FrameWriter writer_; /* only the engine's thread uses it */

	std::mutex mutex_;
	/* Notified after each change that the engine's thread may wait for. */
	std::condition_variable wake_;
	std::condition_variable resetDone_;
	Settings settings_;
	Sensor sensor_;
	std::array<Channel, CMACAM_CH_COUNT> channels_;
	uint32_t irqEnable_ = 0;
	bool due_ = false;	/* the next sendEvents() must trigger an interrupt */
	uint32_t timeHigh_ = 0; /* latched when software reads TIME_LO */
	bool resetPending_ = false;
	bool exiting_ = false;
	/*
	 * Number of times that a fault still happens, by channel and kind of fault. Faults of
	 * the whole board are under CMACAM_CH_MAIN.
	 */
	std::array<std::array<uint32_t, kFaultKinds>, CMACAM_CH_COUNT> faults_{};
	std::array<bool, CMACAM_CH_COUNT> stuck_{}; /* the channel goes on although EN is 0 */
	bool resetStuck_ = false;		    /* RESET was written and does not end */

	bool sensorRuns_ = false;
	uint64_t picture_ = 0; /* number of the picture of the next frame */
	Jobs jobs_;	       /* the first jobCount_ jobs belong to the frame in progress */
	std::size_t jobCount_ = 0;

	/*
	 * Start, values and loss of the sensor's latest frame. lastStart_ is empty until the
	 * running sensor has made a frame.
	 */
	std::optional<Clock::time_point> lastStart_;
	SensorValues lastValues_;
	bool lastLost_ = false;
	/* Start of this frame by the sensor's registers, whatever the pacing: for the flicker. */
	std::chrono::nanoseconds sensorTime_{};

	std::thread thread_; /* the last member, because the thread uses all other members */
};

} /* namespace cmacam::board */
