/* SPDX-License-Identifier: MIT */
/*
 * Registers and state of one DMA channel: geometry, address FIFO, completion
 * ring, counters and interrupt bits.
 */
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include <cmacam-regs.h>

#include "pixel/format.h"

namespace cmacam::board {

/* What the board can do, set on the command line. */
struct Capabilities
{
	uint32_t versionMajor = CMACAM_VERSION_MAJOR;
	uint32_t versionMinor = CMACAM_VERSION_MINOR;
	uint32_t channels = CMACAM_CH_COUNT;
	uint32_t fifoDepth = 4; /* entries */
	uint32_t addressBits = 64;
	uint32_t strideAlign = 1;     /* bytes, a power of two; a format may need more */
	uint32_t sensorWidth = 3840;  /* pixels */
	uint32_t sensorHeight = 2160; /* lines */
};

inline constexpr uint32_t kMaxFifoDepth = 255;

/* What EN latches. */
struct ChannelConfig
{
	FrameLayout layout;
	uint32_t limit = 0; /* bytes */
	uint64_t ring = 0;
	uint32_t ringEntries = 0;
	bool linked = false; /* with channel 0 */
};

/*
 * Holds no thread and no lock: the engine's lock guards it, the engine's thread
 * runs frames through it.
 */
class Channel
{
public:
	static constexpr uint32_t kAlignAddress = 6;  /* log2 bytes */
	static constexpr uint32_t kMaxStride = 32768; /* bytes */
	static constexpr uint32_t kMinSize = 16;      /* pixels or lines */
	static constexpr uint32_t kMinRing = 2;	      /* entries */
	static constexpr uint32_t kMaxRing = 1024;

	/* `reachable` says whether a range of DMA addresses can be written now. */
	using Reachable = std::function<bool(uint64_t address, uint64_t size)>;

	/* `number` is one of CMACAM_CH_MAIN, _LORES, _STATS. */
	Channel(uint32_t number, const Capabilities &caps, Reachable reachable);

	void reset();

	/* `offset` counts from the channel's first register. */
	uint32_t read(uint32_t offset) const;
	void write(uint32_t offset, uint32_t value);

	/* Between an accepted EN and IDLE. */
	bool running() const { return running_; }
	/* EN was cleared: no further frame may start. */
	bool stopping() const { return running_ && !enabled_; }
	bool active() const { return active_; }
	const ChannelConfig &config() const { return config_; }

	uint32_t interrupts() const { return intStatus_ & intEnable_; }
	bool interruptEnabled(uint32_t bits) const { return intEnable_ & bits; }

	/* The frame in progress. */
	uint32_t sequence() const { return sequence_; }
	uint32_t dropped() const { return dropped_; }
	bool starved() const { return fifo_.empty(); }
	uint64_t ringEntry() const;
	/* Of a linked channel: its next frame has this number. */
	void follow(uint32_t sequence) { sequence_ = sequence; }
	/* Clears the fault bits that it returns. */
	uint32_t takeFaults(uint32_t mask);
	/* Takes the oldest address; the channel must not be starved. */
	uint64_t beginFrame();
	void endFrame(bool error);
	/* `error`: because the ring was out of reach. */
	void loseFrame(bool error);

	/* From stopping to IDLE, between frames: forgets addresses not used. */
	void becomeIdle();

	bool addressValid(uint64_t address, uint64_t size) const;

private:
	void writeControl(uint32_t value);
	void commitAddress(uint32_t low);
	ChannelConfig latched(uint32_t control) const;
	bool configValid(const ChannelConfig &config) const;
	bool layoutValid(const FrameLayout &layout) const;

	const uint32_t number_;
	const Capabilities caps_;
	const Reachable reachable_;

	/* As written; the next EN latches them. */
	ChannelConfig written_;
	uint32_t addressHigh_ = 0;
	uint32_t intStatus_ = 0;
	uint32_t intEnable_ = 0;
	uint32_t faults_ = 0;

	/* As latched. */
	ChannelConfig config_;
	bool enabled_ = false;
	bool running_ = false;
	bool active_ = false;
	std::deque<uint64_t> fifo_;
	uint32_t ringIndex_ = 0;
	uint32_t sequence_ = 0;
	uint32_t dropped_ = 0;
	uint32_t errors_ = 0;
};

} /* namespace cmacam::board */
