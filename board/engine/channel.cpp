/* SPDX-License-Identifier: MIT */
/*
 * Registers and state of one DMA channel: geometry, address FIFO, completion
 * ring, counters and interrupt bits.
 */
#include "engine/channel.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cmacam::board {

namespace {

constexpr uint32_t kAllInterrupts = CMACAM_CH_INT_FRAME_START | CMACAM_CH_INT_FRAME_DONE |
				    CMACAM_CH_INT_DROP | CMACAM_CH_INT_FIFO_OVERFLOW |
				    CMACAM_CH_INT_CONFIG;
constexpr uint32_t kAllFaults =
	CMACAM_FAULT_BUS_ERROR | CMACAM_FAULT_LOSE_IRQ | CMACAM_FAULT_DROP | CMACAM_FAULT_TORN;

static_assert(sizeof(cmacam_completion) == 128);

constexpr uint32_t bit(uint32_t code)
{
	return 1u << code;
}

/* By channel. */
constexpr uint32_t kNoBayer = bit(CMACAM_FMT_GREY) | bit(CMACAM_FMT_NV12) | bit(CMACAM_FMT_Y10) |
			      bit(CMACAM_FMT_YUYV) | bit(CMACAM_FMT_BGR24) |
			      bit(CMACAM_FMT_YUV420) | bit(CMACAM_FMT_RGB24) |
			      bit(CMACAM_FMT_XBGR32) | bit(CMACAM_FMT_RGBX32);
constexpr std::array<uint32_t, CMACAM_CH_COUNT> kFormats = {
	kNoBayer | bit(CMACAM_FMT_SRGGB10) | bit(CMACAM_FMT_SRGGB8),
	kNoBayer,
	bit(CMACAM_FMT_STATS),
};

constexpr bool aligned(uint64_t value, uint32_t log2)
{
	return (value & ((uint64_t{1} << log2) - 1)) == 0;
}

constexpr bool sizeValid(uint32_t value, uint32_t max)
{
	return value % 2 == 0 && value >= Channel::kMinSize && value <= max;
}

constexpr void setLow(uint64_t &value, uint32_t low)
{
	value = (value & ~uint64_t{0xffffffff}) | low;
}

constexpr void setHigh(uint64_t &value, uint32_t high)
{
	value = (value & 0xffffffff) | uint64_t{high} << 32;
}

} /* namespace */

Channel::Channel(uint32_t number, const Capabilities &caps, Reachable reachable)
	: number_(number), caps_(caps), reachable_(std::move(reachable))
{
}

void Channel::reset()
{
	written_ = {};
	addressHigh_ = 0;
	intStatus_ = 0;
	intEnable_ = 0;
	faults_ = 0;
	config_ = {};
	enabled_ = false;
	running_ = false;
	active_ = false;
	fifo_.clear();
	ringIndex_ = 0;
	sequence_ = 0;
	dropped_ = 0;
	errors_ = 0;
}

uint32_t Channel::read(uint32_t offset) const
{
	switch (offset) {
	case CMACAM_CH_CTRL:
		return enabled_ ? CMACAM_CH_CTRL_EN | (config_.linked ? CMACAM_CH_CTRL_LINK : 0)
				: 0;
	case CMACAM_CH_STATUS:
		return (active_ ? CMACAM_CH_STATUS_ACTIVE : 0) |
		       (running_ ? 0 : CMACAM_CH_STATUS_IDLE);
	case CMACAM_CH_INT_STATUS:
		return intStatus_;
	case CMACAM_CH_INT_ENABLE:
		return intEnable_;
	case CMACAM_CH_WIDTH:
		return written_.layout.width;
	case CMACAM_CH_HEIGHT:
		return written_.layout.height;
	case CMACAM_CH_FORMAT:
		return written_.layout.format;
	case CMACAM_CH_STRIDE:
		return written_.layout.stride;
	case CMACAM_CH_SIZE_LIMIT:
		return written_.limit;
	case CMACAM_CH_ADDR_HI:
		return addressHigh_;
	case CMACAM_CH_FIFO_SPACE:
		return caps_.fifoDepth - static_cast<uint32_t>(fifo_.size());
	case CMACAM_CH_RING_LO:
		return static_cast<uint32_t>(written_.ring);
	case CMACAM_CH_RING_HI:
		return static_cast<uint32_t>(written_.ring >> 32);
	case CMACAM_CH_RING_ENTRIES:
		return written_.ringEntries;
	case CMACAM_CH_SEQUENCE:
		return sequence_;
	case CMACAM_CH_DROPPED:
		return dropped_;
	case CMACAM_CH_ERRORS:
		return errors_;
	case CMACAM_CH_FORMATS:
		return kFormats[number_];
	case CMACAM_CH_FAULT:
		return faults_;
	default:
		return 0;
	}
}

void Channel::write(uint32_t offset, uint32_t value)
{
	switch (offset) {
	case CMACAM_CH_CTRL:
		writeControl(value);
		break;
	case CMACAM_CH_INT_STATUS:
		intStatus_ &= ~value;
		break;
	case CMACAM_CH_INT_ENABLE:
		intEnable_ = value & kAllInterrupts;
		break;
	case CMACAM_CH_WIDTH:
		written_.layout.width = value;
		break;
	case CMACAM_CH_HEIGHT:
		written_.layout.height = value;
		break;
	case CMACAM_CH_FORMAT:
		written_.layout.format = value;
		break;
	case CMACAM_CH_STRIDE:
		written_.layout.stride = value;
		break;
	case CMACAM_CH_SIZE_LIMIT:
		written_.limit = value;
		break;
	case CMACAM_CH_ADDR_LO:
		commitAddress(value);
		break;
	case CMACAM_CH_ADDR_HI:
		addressHigh_ = value;
		break;
	case CMACAM_CH_RING_LO:
		setLow(written_.ring, value);
		break;
	case CMACAM_CH_RING_HI:
		setHigh(written_.ring, value);
		break;
	case CMACAM_CH_RING_ENTRIES:
		written_.ringEntries = value;
		break;
	case CMACAM_CH_FAULT:
		faults_ = value & kAllFaults;
		break;
	default: /* read-only or reserved */
		break;
	}
}

void Channel::writeControl(uint32_t value)
{
	if (!(value & CMACAM_CH_CTRL_EN)) {
		enabled_ = false;
		return;
	}

	if (enabled_)
		return;

	/* Not before IDLE: the frame in flight still uses what EN latched. */
	const ChannelConfig config = latched(value);
	if (running_ || !configValid(config)) {
		intStatus_ |= CMACAM_CH_INT_CONFIG;
		return;
	}

	config_ = config;
	enabled_ = true;
	running_ = true;
	ringIndex_ = 0;
	sequence_ = 0;
	dropped_ = 0;
	errors_ = 0;
}

ChannelConfig Channel::latched(uint32_t control) const
{
	ChannelConfig config = written_;

	config.linked = number_ != CMACAM_CH_MAIN && (control & CMACAM_CH_CTRL_LINK);
	/* Statistics are no lines of pixels. */
	if (config.layout.format == CMACAM_FMT_STATS)
		config.layout = {.format = CMACAM_FMT_STATS};
	return config;
}

bool Channel::configValid(const ChannelConfig &config) const
{
	const uint64_t ringBytes = uint64_t{config.ringEntries} * sizeof(cmacam_completion);

	return layoutValid(config.layout) && config.limit && config.ringEntries >= kMinRing &&
	       config.ringEntries <= kMaxRing && addressValid(config.ring, ringBytes) &&
	       reachable_(config.ring, ringBytes);
}

bool Channel::layoutValid(const FrameLayout &layout) const
{
	if (layout.format >= CMACAM_FMT_COUNT || !(kFormats[number_] & bit(layout.format)))
		return false;
	if (layout.format == CMACAM_FMT_STATS)
		return true;

	const uint32_t align = std::max(caps_.strideAlign, formatOf(layout.format).strideAlign);

	return sizeValid(layout.width, caps_.sensorWidth) &&
	       sizeValid(layout.height, caps_.sensorHeight) && layout.stride >= lineBytes(layout) &&
	       layout.stride <= kMaxStride && layout.stride % align == 0;
}

bool Channel::addressValid(uint64_t address, uint64_t size) const
{
	const uint64_t last =
		caps_.addressBits == 64 ? ~uint64_t{0} : (uint64_t{1} << caps_.addressBits) - 1;

	return aligned(address, kAlignAddress) && address <= last && size - 1 <= last - address;
}

void Channel::commitAddress(uint32_t low)
{
	if (fifo_.size() >= caps_.fifoDepth) {
		intStatus_ |= CMACAM_CH_INT_FIFO_OVERFLOW;
		return;
	}

	fifo_.push_back(uint64_t{addressHigh_} << 32 | low);
}

uint64_t Channel::ringEntry() const
{
	return config_.ring + uint64_t{ringIndex_} * sizeof(cmacam_completion);
}

uint32_t Channel::takeFaults(uint32_t mask)
{
	const uint32_t taken = faults_ & mask;

	faults_ &= ~taken;
	return taken;
}

uint64_t Channel::beginFrame()
{
	const uint64_t address = fifo_.front();

	fifo_.pop_front();
	active_ = true;
	intStatus_ |= CMACAM_CH_INT_FRAME_START;
	return address;
}

void Channel::endFrame(bool error)
{
	active_ = false;
	sequence_++;
	errors_ += error;
	ringIndex_ = (ringIndex_ + 1) % config_.ringEntries;
	intStatus_ |= CMACAM_CH_INT_FRAME_DONE;
}

void Channel::loseFrame(bool error)
{
	active_ = false;
	sequence_++;
	dropped_++;
	errors_ += error;
	intStatus_ |= CMACAM_CH_INT_DROP;
}

void Channel::becomeIdle()
{
	running_ = false;
	fifo_.clear();
}

} /* namespace cmacam::board */
