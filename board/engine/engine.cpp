/* SPDX-License-Identifier: MIT */
/*
 * The board behind its registers: what a driver and the operator read and write.
 */
#include "engine/engine.h"

#include <algorithm>
#include <bit>
#include <format>

#include <cmacam-regs.h>

namespace cmacam::board {

namespace {

constexpr uint32_t kSensorBegin = CMACAM_SENSOR_ARRAY;
constexpr uint32_t kSensorEnd = CMACAM_CH(0);
constexpr uint32_t kChannelsBegin = CMACAM_CH(0);
constexpr uint32_t kChannelsEnd = CMACAM_CH(CMACAM_CH_COUNT);
constexpr uint32_t kChannelSize = CMACAM_CH(1) - CMACAM_CH(0);

struct FaultKind
{
	std::string_view name;
	uint32_t bit;
};

constexpr std::array kFaults = {
	FaultKind{"bus-error", CMACAM_FAULT_BUS_ERROR},
	FaultKind{"lose-irq", CMACAM_FAULT_LOSE_IRQ},
	FaultKind{"drop", CMACAM_FAULT_DROP},
	FaultKind{"torn", CMACAM_FAULT_TORN},
};

Channel::Reachable reachable(vfio_user::GuestMemory &memory)
{
	return [&memory](uint64_t address, uint64_t size) {
		return static_cast<bool>(memory.acquire(address, size));
	};
}

} /* namespace */

Engine::Engine(const Capabilities &caps, const Settings &settings, Source &source,
	       vfio_user::GuestMemory &memory, vfio_user::Interrupts &interrupts, Log &log)
	: caps_(caps),
	  memory_(memory),
	  interrupts_(interrupts),
	  log_(log),
	  writer_(source, {caps.sensorWidth, caps.sensorHeight}),
	  settings_(settings),
	  sensor_(caps.sensorWidth, caps.sensorHeight),
	  channels_{Channel(CMACAM_CH_MAIN, caps, reachable(memory)),
		    Channel(CMACAM_CH_LORES, caps, reachable(memory)),
		    Channel(CMACAM_CH_STATS, caps, reachable(memory))},
	  thread_([this] { run(); })
{
	static_assert(kFaults.size() == kFaultKinds);
}

Engine::~Engine()
{
	{
		Lock lock(mutex_);
		exiting_ = true;
	}
	wake_.notify_all();
	thread_.join();
}

uint32_t Engine::read(uint32_t offset)
{
	Lock lock(mutex_);

	if (offset >= kSensorBegin && offset < kSensorEnd)
		return sensor_.read(offset);
	if (offset >= kChannelsBegin && offset < kChannelsEnd) {
		const uint32_t channel = (offset - kChannelsBegin) / kChannelSize;
		return channel < caps_.channels ? channels_[channel].read(offset % kChannelSize)
						: 0;
	}

	switch (offset) {
	case CMACAM_ID:
		return CMACAM_ID_MAGIC;
	case CMACAM_VERSION:
		return caps_.versionMajor << 16 | caps_.versionMinor;
	case CMACAM_CAPS:
		return caps_.channels | caps_.fifoDepth << CMACAM_CAPS_FIFO_SHIFT |
		       caps_.addressBits << CMACAM_CAPS_ADDR_BITS_SHIFT | CMACAM_CAPS_FAULTS;
	case CMACAM_CTRL:
		return resetPending_ ? CMACAM_CTRL_RESET : 0;
	case CMACAM_IRQ_STATUS:
		return interrupts();
	case CMACAM_IRQ_ENABLE:
		return irqEnable_;
	case CMACAM_ALIGN:
		return Channel::kAlignAddress |
		       static_cast<uint32_t>(std::countr_zero(caps_.strideAlign))
			       << CMACAM_ALIGN_STRIDE_SHIFT;
	case CMACAM_TIME_LO: {
		const uint64_t time = boardTime(Clock::now());
		timeHigh_ = static_cast<uint32_t>(time >> 32);
		return static_cast<uint32_t>(time);
	}
	case CMACAM_TIME_HI:
		return timeHigh_;
	case CMACAM_MAX_STRIDE:
		return Channel::kMaxStride;
	default:
		return 0;
	}
}

void Engine::write(uint32_t offset, uint32_t value)
{
	Lock lock(mutex_);

	/* What was written before must not outlive the reset, nor what is now. */
	if (resetPending_)
		return;

	if (offset >= kSensorBegin && offset < kSensorEnd)
		sensor_.write(offset, value);
	else if (offset >= kChannelsBegin && offset < kChannelsEnd)
		writeChannel((offset - kChannelsBegin) / kChannelSize, offset % kChannelSize,
			     value);
	else
		writeBoard(offset, value);

	wake_.notify_all();
}

void Engine::writeChannel(uint32_t number, uint32_t offset, uint32_t value)
{
	if (number >= caps_.channels)
		return;

	Channel &channel = channels_[number];
	const uint32_t before = channel.interrupts();
	const bool wasRunning = channel.running();

	channel.write(offset, value);
	if (channel.running() && !wasRunning) {
		const ChannelConfig &config = channel.config();
		log_.write(std::format("enable ch={} width={} height={} format={} stride={} "
				       "limit={} link={:d}",
				       number, config.layout.width, config.layout.height,
				       formatOf(config.layout.format).name, config.layout.stride,
				       config.limit, config.linked));
	}
	stopIfAsked();
	event(number, channel.interrupts() & ~before);
	sendEvents();
}

void Engine::writeBoard(uint32_t offset, uint32_t value)
{
	constexpr uint32_t kAllChannels = (1u << CMACAM_CH_COUNT) - 1;

	switch (offset) {
	case CMACAM_CTRL:
		if (value & CMACAM_CTRL_RESET) {
			resetPending_ = true;
			if (!anyActive())
				resetNow();
		}
		break;
	case CMACAM_IRQ_ENABLE:
		/* An interrupt that was held back is due as soon as it is allowed. */
		if (value & ~irqEnable_ & interrupts())
			interrupts_.trigger(0);
		irqEnable_ = value & kAllChannels;
		break;
	default: /* read-only or reserved */
		break;
	}
}

void Engine::reset()
{
	Lock lock(mutex_);

	resetPending_ = true;
	if (!anyActive())
		resetNow();
	resetDone_.wait(lock, [this] { return !resetPending_; });
}

void Engine::resetNow()
{
	for (uint32_t i = 0; i < channels_.size(); i++) {
		if (channels_[i].running())
			log_.write(std::format("disable ch={}", i));
		channels_[i].reset();
	}

	sensor_.reset();
	updateSensor();
	irqEnable_ = 0;
	resetPending_ = false;
	resetDone_.notify_all();
}

bool Engine::anyActive() const
{
	return std::ranges::any_of(channels_, &Channel::active);
}

void Engine::betweenFrames()
{
	if (resetPending_)
		resetNow();
	stopIfAsked();
}

void Engine::stopIfAsked()
{
	for (uint32_t i = 0; i < channels_.size(); i++) {
		Channel &channel = channels_[i];
		if (channel.stopping() && !channel.active()) {
			channel.becomeIdle();
			log_.write(std::format("disable ch={}", i));
		}
	}

	updateSensor();
}

/* The sensor runs as long as somebody takes part, and starts over with the next one. */
void Engine::updateSensor()
{
	bool wanted = false;
	for (uint32_t i = 0; i < channels_.size(); i++)
		wanted |= takesPart(i);

	if (wanted && !sensorRuns_) {
		lastStart_.reset();
		picture_ = 0;
	}
	sensorRuns_ = wanted;
}

/* Whether the channel sees the next start of frame: a linked one waits for channel 0. */
bool Engine::takesPart(uint32_t channel) const
{
	const Channel &main = channels_[CMACAM_CH_MAIN];

	return channels_[channel].running() &&
	       (!channels_[channel].config().linked || main.running());
}

/* The channels, as bits, that start a frame together with this one, or not at all. */
uint32_t Engine::groupOf(uint32_t channel) const
{
	uint32_t members = 0;

	for (uint32_t i = 0; i < channels_.size(); i++) {
		const bool linked = i == CMACAM_CH_MAIN || channels_[i].config().linked;
		if (i == channel || (channel == CMACAM_CH_MAIN && linked && takesPart(i)))
			members |= 1u << i;
	}

	return members;
}

std::optional<std::string> Engine::set(std::string_view key, std::string_view value)
{
	Lock lock(mutex_);

	auto error = settings_.set(key, value);
	wake_.notify_all();
	return error;
}

std::optional<std::string> Engine::get(std::string_view key)
{
	Lock lock(mutex_);
	return settings_.get(key);
}

std::optional<std::string> Engine::fault(std::string_view kind, uint32_t count, uint32_t channel)
{
	Lock lock(mutex_);
	std::string names;

	if (channel >= caps_.channels)
		return std::format("there is no channel {}, only 0 to {}", channel,
				   caps_.channels - 1);

	for (unsigned int i = 0; i < kFaults.size(); i++) {
		if (kFaults[i].name == kind) {
			faults_[channel][i] = count;
			return std::nullopt;
		}
		names += std::format("{}{}", i ? ", " : "", kFaults[i].name);
	}

	return std::format("there is no fault '{}', only {}", kind, names);
}

uint32_t Engine::takeFaults(uint32_t channel, uint32_t mask)
{
	uint32_t taken = channels_[channel].takeFaults(mask);

	for (unsigned int i = 0; i < kFaults.size(); i++) {
		uint32_t &left = faults_[channel][i];
		if ((kFaults[i].bit & mask) && left) {
			left--;
			taken |= kFaults[i].bit;
		}
	}

	return taken;
}

uint32_t Engine::interrupts() const
{
	uint32_t pending = 0;

	for (uint32_t i = 0; i < channels_.size(); i++)
		pending |= channels_[i].interrupts() ? 1u << i : 0;
	return pending;
}

void Engine::event(uint32_t channel, uint32_t bits)
{
	due_ |= (irqEnable_ & 1u << channel) && channels_[channel].interruptEnabled(bits);
}

/* One message for all events of the moment: each costs the guest an interrupt. */
void Engine::sendEvents()
{
	if (due_)
		interrupts_.trigger(0);
	due_ = false;
}

} /* namespace cmacam::board */
