/* SPDX-License-Identifier: MIT */
/*
 * minicam: its registers, its ring of descriptors, and its frames in guest memory.
 */
#include "minicam/minicam.h"

#include <algorithm>

#include <linux/pci_regs.h>

#include "board.h"
#include "control_port.h"
#include "machine.h"

using namespace cmacam::board;

namespace {

class MinicamTest : public testing::Test
{
protected:
	static constexpr uint64_t kBase = 0x100000;
	static constexpr uint64_t kRing = kBase;
	static constexpr std::size_t kSize = 4 << 20;
	static constexpr uint8_t kUntouched = 0xa5;

	MinicamTest()
	{
		std::ranges::fill(ram.bytes().subspan(0x10000), kUntouched);
		memory.map(kBase, kSize, vfio_user::kDmaRead | vfio_user::kDmaWrite,
			   ram.duplicate(), 0);
		memory.setMaster(true);
		interrupts.set(0, UniqueFd(dup(eventfd_.get())));
		start(Machine::unpaced());
	}
	~MinicamTest() override
	{
		card.reset();
		unlink(logPath_.c_str());
	}

	/* Replaces the card by one with these settings. */
	void start(const Settings &settings)
	{
		card.reset();
		card.emplace(settings, source_, memory, interrupts, log_);
		card->write(MINICAM_RING_LO, static_cast<uint32_t>(kRing));
		card->write(MINICAM_RING_HI, static_cast<uint32_t>(kRing >> 32));
	}

	static uint64_t buffer(uint32_t index) { return kBase + 0x10000 + 0x80000 * index; }
	std::span<uint8_t> at(uint64_t address, std::size_t size)
	{
		return ram.bytes().subspan(address - kBase, size);
	}
	minicam_desc &descriptor(uint32_t index)
	{
		const uint64_t place = kRing + index * sizeof(minicam_desc);
		return *reinterpret_cast<minicam_desc *>(at(place, sizeof(minicam_desc)).data());
	}
	/* Gives a buffer to the card, as a driver does. */
	void give(uint32_t index, uint64_t address)
	{
		descriptor(index).addr = address;
		std::atomic_ref(descriptor(index).owner)
			.store(MINICAM_OWNER_CARD, std::memory_order_release);
		card->write(MINICAM_DOORBELL, 1);
	}
	bool given(uint32_t index)
	{
		return std::atomic_ref(descriptor(index).owner).load(std::memory_order_acquire) ==
		       MINICAM_OWNER_CARD;
	}
	void enable() { card->write(MINICAM_CTRL, MINICAM_CTRL_EN); }
	bool enabled() { return card->read(MINICAM_CTRL) & MINICAM_CTRL_EN; }
	bool busy() { return card->read(MINICAM_STATUS) & MINICAM_STATUS_BUSY; }

	/* Waits for the interrupt of a descriptor that the card has returned. */
	bool returned(uint32_t index)
	{
		while (given(index)) {
			pollfd poll = {eventfd_.get(), POLLIN, 0};
			if (::poll(&poll, 1, 60000) <= 0)
				return false;
			eventfd_t count;
			eventfd_read(eventfd_.get(), &count);
		}
		return true;
	}
	std::size_t logged(std::string_view part) const
	{
		std::ifstream file(logPath_);
		std::size_t lines = 0;
		for (std::string line; std::getline(file, line);)
			lines += line.find(part) != std::string::npos;
		return lines;
	}

	Ram ram{kSize};
	vfio_user::GuestMemory memory;
	vfio_user::Interrupts interrupts{CMACAM_MSIX_VECTORS};

private:
	UniqueFd eventfd_{::eventfd(0, EFD_CLOEXEC)};
	std::string logPath_ =
		testing::TempDir() + "minicam-test-" + std::to_string(getpid()) + ".log";
	Log log_{logPath_};
	PatternSource source_;

public:
	std::optional<Minicam> card; /* last, because it uses all other members */
};

} /* namespace */

TEST_F(MinicamTest, PciFunctionHasItsOwnDeviceId)
{
	Board board(*card, memory);
	std::array<std::byte, 4> id;
	const auto expectId = [&] {
		board.readRegion(vfio_user::kRegionConfig, PCI_VENDOR_ID, id);
		uint32_t value;
		std::memcpy(&value, id.data(), sizeof(value));
		EXPECT_EQ(value, uint32_t{MINICAM_PCI_DEVICE} << 16 | MINICAM_PCI_VENDOR);
	};

	expectId();
	board.reset();
	expectId();

	board.readRegion(vfio_user::kRegionBar0, MINICAM_ID, id);
	EXPECT_EQ(std::memcmp(id.data(), "MINI", sizeof(id)), 0);
}

TEST_F(MinicamTest, WritesAFrameIntoEachBufferOfTheRing)
{
	card->set("mark", "lines");
	for (uint32_t i = 0; i < 3; i++)
		give(i, buffer(i));
	enable();

	for (uint32_t i = 0; i < 3; i++) {
		ASSERT_TRUE(returned(i));
		EXPECT_EQ(descriptor(i).sequence, i);
		EXPECT_EQ(descriptor(i).bytes, MINICAM_FRAME_SIZE);
		EXPECT_EQ(descriptor(i).flags, 0u);

		const auto frame = at(buffer(i), MINICAM_FRAME_SIZE);
		std::size_t stamped = 0;
		for (std::size_t line = 0; line < frame.size(); line += CMACAM_MARK_LINE)
			stamped += !std::memcmp(&frame[line + CMACAM_MARK_LINE_SEQUENCE], &i,
						sizeof(i));
		EXPECT_EQ(stamped, MINICAM_FRAME_SIZE / CMACAM_MARK_LINE);
		EXPECT_EQ(at(buffer(i) + MINICAM_FRAME_SIZE, 1)[0], kUntouched)
			<< "the card wrote behind the frame";
	}
	EXPECT_EQ(logged("frame ch=0 "), 3u);
}

TEST_F(MinicamTest, RingStartsAgainAfterItsLastEntry)
{
	enable();
	for (uint32_t i = 0; i < MINICAM_RING_ENTRIES + 2; i++) {
		const uint32_t index = i % MINICAM_RING_ENTRIES;
		give(index, buffer(0));
		ASSERT_TRUE(returned(index));
		EXPECT_EQ(descriptor(index).sequence, i);
	}
}

TEST_F(MinicamTest, BufferOutOfReachIsAnError)
{
	give(0, kBase + kSize - MINICAM_FRAME_SIZE + 1);
	give(1, buffer(1));
	enable();

	ASSERT_TRUE(returned(0));
	EXPECT_EQ(descriptor(0).flags, MINICAM_DONE_ERROR);
	EXPECT_EQ(descriptor(0).bytes, 0u);
	ASSERT_TRUE(returned(1));
	EXPECT_EQ(descriptor(1).flags, 0u);
}

TEST_F(MinicamTest, RingOutOfReachIsNotEnabled)
{
	for (const uint64_t ring : {kBase + 4, kBase + kSize - 64, uint64_t{0}}) {
		card->write(MINICAM_RING_LO, static_cast<uint32_t>(ring));
		enable();
		EXPECT_FALSE(enabled()) << ring;
		EXPECT_FALSE(busy());
	}
}

TEST_F(MinicamTest, WithoutADescriptorFramesAreLostAndCounted)
{
	Settings settings;
	settings.pacing = Settings::Pacing::Fixed;
	settings.fps = 1000;
	start(settings);
	enable();
	ASSERT_TRUE(becomes([&] { return logged("reason=ring-empty") >= 2; }));

	give(0, buffer(0));
	ASSERT_TRUE(returned(0));
	EXPECT_GE(descriptor(0).sequence, 2u);
}

TEST_F(MinicamTest, StopsWithoutDmaAndBeginsAgainAtTheFirstEntry)
{
	give(0, buffer(0));
	enable();
	ASSERT_TRUE(returned(0));
	card->write(MINICAM_CTRL, 0);
	ASSERT_TRUE(becomes([&] { return !busy(); }));

	give(1, buffer(1));
	give(0, buffer(0));
	EXPECT_TRUE(given(0));
	EXPECT_TRUE(given(1));

	enable();
	ASSERT_TRUE(returned(0));
	EXPECT_EQ(descriptor(0).sequence, 0u);
	EXPECT_EQ(logged("enable ch=0 "), 2u);
	EXPECT_EQ(logged("disable ch=0"), 1u);
}

TEST_F(MinicamTest, ResetStopsTheCard)
{
	give(0, buffer(0));
	enable();
	ASSERT_TRUE(returned(0));

	card->reset();
	EXPECT_FALSE(busy());
	EXPECT_EQ(card->read(MINICAM_RING_LO), 0u);
	give(1, buffer(1));
	EXPECT_TRUE(given(1));
}

TEST_F(MinicamTest, TakesSettingsButNoFaults)
{
	EXPECT_EQ(ControlPort::execute(*card, "set mark frame"), "ok");
	EXPECT_EQ(ControlPort::execute(*card, "get mark"), "ok frame");
	EXPECT_EQ(ControlPort::execute(*card, "fault drop"),
		  "error there is no fault 'drop': minicam has no faults");
}
