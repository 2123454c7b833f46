/* SPDX-License-Identifier: MIT */
/*
 * minicam: registers, one ring of descriptors, and the thread that fills the buffers.
 */
#include "minicam/minicam.h"

#include <atomic>
#include <cstddef>
#include <cstring>
#include <format>

#include <cmacam-regs.h>

namespace cmacam::board {

namespace {

constexpr uint32_t kMinicamRate = 30; /* frames per second, unless the operator sets another rate */
constexpr uint64_t kMinicamRingBytes = MINICAM_RING_ENTRIES * sizeof(minicam_desc);
constexpr FrameLayout kMinicamLayout = {
	.width = MINICAM_WIDTH,
	.height = MINICAM_HEIGHT,
	.format = CMACAM_FMT_NV12,
	.stride = MINICAM_WIDTH,
};

static_assert(sizeof(minicam_desc) == 32);

/* Why a frame is lost; these words are in the log. */
constexpr std::string_view kMinicamRingEmpty = "ring-empty";
constexpr std::string_view kMinicamRingError = "ring-error";

constexpr std::chrono::nanoseconds intervalOf(uint32_t fps)
{
	return std::chrono::nanoseconds(1000000000 / fps);
}

} /* namespace */

Minicam::Minicam(const Settings &settings, Source &source, vfio_user::GuestMemory &memory,
		 vfio_user::Interrupts &interrupts, Log &log)
	: memory_(memory),
	  interrupts_(interrupts),
	  log_(log),
	  writer_(source, {MINICAM_WIDTH, MINICAM_HEIGHT}),
	  settings_(settings),
	  thread_([this] { run(); })
{
}

Minicam::~Minicam()
{
	{
		Lock lock(mutex_);
		exiting_ = true;
	}
	wake_.notify_all();
	thread_.join();
}

uint32_t Minicam::read(uint32_t offset)
{
	Lock lock(mutex_);

	switch (offset) {
	case MINICAM_ID:
		return MINICAM_ID_MAGIC;
	case MINICAM_CTRL:
		return enabled_ ? MINICAM_CTRL_EN : 0;
	case MINICAM_STATUS:
		return enabled_ || active_ ? MINICAM_STATUS_BUSY : 0;
	case MINICAM_RING_LO:
		return static_cast<uint32_t>(written_);
	case MINICAM_RING_HI:
		return static_cast<uint32_t>(written_ >> 32);
	default:
		return 0;
	}
}

void Minicam::write(uint32_t offset, uint32_t value)
{
	Lock lock(mutex_);

	switch (offset) {
	case MINICAM_CTRL:
		writeControl(value);
		break;
	case MINICAM_RING_LO:
		written_ = (written_ & ~uint64_t{0xffffffff}) | value;
		break;
	case MINICAM_RING_HI:
		written_ = (written_ & 0xffffffff) | uint64_t{value} << 32;
		break;
	default: /* DOORBELL, which wakes the thread below; read-only or reserved */
		break;
	}

	wake_.notify_all();
}

void Minicam::writeControl(uint32_t value)
{
	if (!(value & MINICAM_CTRL_EN)) {
		if (enabled_)
			log_.write("disable ch=0");
		enabled_ = false;
		return;
	}

	/* The frame in progress still uses the old ring. */
	if (enabled_ || active_ || !ringValid())
		return;

	enabled_ = true;
	ring_ = written_;
	index_ = 0;
	sequence_ = 0;
	lastStart_.reset();
	lastLost_ = false;
	log_.write(std::format("enable ch=0 width={} height={} format=NV12 stride={}",
			       kMinicamLayout.width, kMinicamLayout.height, kMinicamLayout.stride));
}

bool Minicam::ringValid() const
{
	return written_ % MINICAM_RING_ALIGN == 0 && memory_.acquire(written_, kMinicamRingBytes);
}

/* The DMA address of the descriptor for the next frame. */
uint64_t Minicam::descriptor() const
{
	return ring_ + uint64_t{index_} * sizeof(minicam_desc);
}

/* Whether the card owns this descriptor. Acquire: it pairs with the driver's dma_wmb(). */
bool Minicam::owned() const
{
	const auto lease = memory_.acquire(descriptor(), sizeof(minicam_desc));
	if (!lease)
		return false;

	auto *entry = reinterpret_cast<minicam_desc *>(lease.bytes().data());
	return std::atomic_ref(entry->owner).load(std::memory_order_acquire) == MINICAM_OWNER_CARD;
}

void Minicam::reset()
{
	Lock lock(mutex_);

	writeControl(0);
	idle_.wait(lock, [this] { return !active_; });
	written_ = 0;
}

std::optional<std::string> Minicam::set(std::string_view key, std::string_view value)
{
	Lock lock(mutex_);

	auto error = settings_.set(key, value);
	wake_.notify_all();
	return error;
}

std::optional<std::string> Minicam::get(std::string_view key)
{
	Lock lock(mutex_);
	return settings_.get(key);
}

std::optional<std::string> Minicam::fault(std::string_view kind, uint32_t, uint32_t)
{
	return std::format("there is no fault '{}': minicam has no faults", kind);
}

/* The life of a frame, on the thread. */

void Minicam::run()
{
	Lock lock(mutex_);

	/* Whatever woke the thread, all conditions are looked at again. */
	while (!exiting_) {
		if (!enabled_) {
			wake_.wait(lock);
			continue;
		}

		const auto now = Clock::now();
		const auto due = nextStart(now);
		if (now < due) {
			wake_.wait_until(lock, due);
			continue;
		}

		if (settings_.starved == Settings::Starved::Hold && !owned()) {
			wake_.wait(lock);
			continue;
		}

		frame(lock, now);
	}
}

Minicam::Clock::time_point Minicam::nextStart(Clock::time_point now) const
{
	if (!lastStart_)
		return now;

	switch (settings_.pacing) {
	case Settings::Pacing::Fixed:
		return *lastStart_ + intervalOf(settings_.fps);
	case Settings::Pacing::Max:
		/* Losing frames costs no time; without this they would be lost in millions. */
		return lastLost_ ? *lastStart_ + intervalOf(kMinicamRate) : now;
	case Settings::Pacing::Sensor:
		break;
	}

	return *lastStart_ + intervalOf(kMinicamRate);
}

void Minicam::frame(Lock &lock, Clock::time_point start)
{
	const uint32_t sequence = sequence_++;
	const uint64_t place = descriptor();
	const Settings settings = settings_;
	const bool filling = owned();

	lastStart_ = start;
	active_ = true;

	/* The source may have to decode: registers must answer meanwhile. */
	lock.unlock();
	bool filled = false;
	if (filling)
		filled = fill(place, sequence, settings);
	else
		lose(sequence, kMinicamRingEmpty);
	lock.lock();

	active_ = false;
	lastLost_ = !filled;
	if (filled) {
		index_ = (index_ + 1) % MINICAM_RING_ENTRIES;
		interrupts_.trigger(0);
	}
	idle_.notify_all();
}

/* Returns whether the descriptor was given back to the driver. */
bool Minicam::fill(uint64_t place, uint32_t sequence, const Settings &settings)
{
	minicam_desc done;
	FrameTraits traits;

	{
		const auto lease = memory_.acquire(place, sizeof(done));
		if (!lease) {
			lose(sequence, kMinicamRingError);
			return false;
		}
		std::memcpy(&done, lease.bytes().data(), sizeof(done));
	}

	const uint64_t address = done.addr;
	if (const auto lease = memory_.acquire(address, MINICAM_FRAME_SIZE)) {
		FrameDescription frame;
		frame.sequence = sequence;
		frame.picture = sequence;
		frame.values.crop = {0, 0, MINICAM_WIDTH, MINICAM_HEIGHT};
		frame.layout = kMinicamLayout;
		traits = writer_.write(frame, settings, lease.bytes());
		done.bytes = MINICAM_FRAME_SIZE;
		done.flags = 0;
	} else {
		writer_.skip(sequence);
		done.bytes = 0;
		done.flags = MINICAM_DONE_ERROR;
	}
	done.sequence = sequence;

	const auto lease = memory_.acquire(place, sizeof(done));
	if (!lease) {
		logLost(sequence, kMinicamRingError);
		return false;
	}

	/* The line stands in the log before the driver can know of the frame. */
	std::string line =
		std::format("frame ch=0 seq={} addr={:#x} bytes={} flags={:#x} nonce=0x{:016x}",
			    sequence, address, done.bytes, done.flags, traits.nonce);
	if (!traits.sha256.empty())
		line += " sha256=" + traits.sha256;
	log_.write(line);

	/*
	 * Release: pixels and descriptor are visible before the word that tells the driver to
	 * look. It pairs with the driver's dma_rmb().
	 */
	auto *entry = reinterpret_cast<minicam_desc *>(lease.bytes().data());
	std::memcpy(entry, &done, offsetof(minicam_desc, owner));
	std::atomic_ref(entry->owner).store(MINICAM_OWNER_DRIVER, std::memory_order_release);
	return true;
}

void Minicam::lose(uint32_t sequence, std::string_view reason)
{
	writer_.skip(sequence);
	logLost(sequence, reason);
}

void Minicam::logLost(uint32_t sequence, std::string_view reason)
{
	log_.write(std::format("lost ch=0 seq={} reason={}", sequence, reason));
}

} /* namespace cmacam::board */
