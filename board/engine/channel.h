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

/* Capabilities of the board. The command line sets these values. */
struct Capabilities
{
	uint32_t versionMajor = CMACAM_VERSION_MAJOR;
	uint32_t versionMinor = CMACAM_VERSION_MINOR;
	uint32_t channels = CMACAM_CH_COUNT;
	uint32_t fifoDepth = 4; /* addresses in the FIFO of a channel */
	uint32_t addressBits = 64;
	/* Alignment of a stride, bytes, a power of two. Some formats need a larger alignment. */
	uint32_t strideAlign = 1;
	uint32_t sensorWidth = 3840;  /* pixels */
	uint32_t sensorHeight = 2160; /* lines */
};

inline constexpr uint32_t kMaxFifoDepth = 255;

/* The configuration of a channel. The channel latches these values when EN is set. */
struct ChannelConfig
{
	FrameLayout layout;
	uint32_t limit = 0; /* bytes of a frame that may be written to memory */
	uint64_t ring = 0;  /* DMA address of the completion ring */
	uint32_t ringEntries = 0;
	bool linked = false; /* each frame starts together with a frame of channel 0 */
};

/*
 * One DMA channel. The class has neither a thread nor a lock: the engine's lock guards
 * the channel, and the engine's thread makes the channel's frames.
 */
class Channel
{
public:
	static constexpr uint32_t kAlignAddress = 6;  /* log2 bytes */
	static constexpr uint32_t kMaxStride = 32768; /* bytes */
	static constexpr uint32_t kMinSize = 16;      /* pixels or lines */
	static constexpr uint32_t kMinRing = 2;	      /* entries */
	static constexpr uint32_t kMaxRing = 1024;

	/* Returns whether the board can write to a range of DMA addresses now. */
	using Reachable = std::function<bool(uint64_t address, uint64_t size)>;

	/* `number` is CMACAM_CH_MAIN, CMACAM_CH_LORES or CMACAM_CH_STATS. */
	Channel(uint32_t number, const Capabilities &caps, Reachable reachable);

	void reset();

	/* `offset` is in bytes from the channel's first register. */
	uint32_t read(uint32_t offset) const;
	void write(uint32_t offset, uint32_t value);

	/* Whether the channel has accepted the bit EN and is not IDLE yet. */
	bool running() const { return running_; }
	/* Whether EN is cleared but the channel still runs. No further frame may start then. */
	bool stopping() const { return running_ && !enabled_; }
	/* Whether a frame is in progress. */
	bool active() const { return active_; }
	const ChannelConfig &config() const { return config_; }

	uint32_t interrupts() const { return intStatus_ & intEnable_; }
	bool interruptEnabled(uint32_t bits) const { return intEnable_ & bits; }

	/*
	 * Sequence number of the frame in progress. If no frame is in progress, the sequence
	 * number of the next frame.
	 */
	uint32_t sequence() const { return sequence_; }
	/* Number of frames that were lost since EN was set. */
	uint32_t dropped() const { return dropped_; }
	/* Whether the address FIFO is empty. */
	bool starved() const { return fifo_.empty(); }
	/*
	 * DMA address of the ring entry of the frame in progress. If no frame is in progress,
	 * the address of the ring entry of the next frame.
	 */
	uint64_t ringEntry() const;
	/* Sets the sequence number of the next frame of a linked channel. */
	void follow(uint32_t sequence) { sequence_ = sequence; }
	/* Clears the bits of `mask` in the FAULT register. Returns the bits that were set. */
	uint32_t takeFaults(uint32_t mask);
	/*
	 * Starts a frame. Takes the oldest address out of the FIFO and returns this address.
	 * The FIFO must not be empty.
	 */
	uint64_t beginFrame();
	/* Ends a frame. `error`: whether the completion entry of the frame reports an error. */
	void endFrame(bool error);
	/*
	 * Counts a frame as lost. `error`: whether the frame was lost because its ring entry
	 * could not be reached.
	 */
	void loseFrame(bool error);

	/*
	 * Completes the stop of a channel: sets IDLE, and removes the unused addresses from
	 * the FIFO. No frame may be in progress.
	 */
	void becomeIdle();

	/*
	 * Whether `address` is aligned, and no address of the range needs more bits than the
	 * board has for an address.
	 */
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

	/* The values that software wrote last. When EN is set, the channel latches written_. */
	ChannelConfig written_;
	uint32_t addressHigh_ = 0;
	uint32_t intStatus_ = 0;
	uint32_t intEnable_ = 0;
	uint32_t faults_ = 0;

	/* The configuration that was latched when EN was set, and the state since that time. */
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
