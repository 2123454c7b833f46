/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user server behind a real socket: each message, errors, streaming.
 */
#include "vfio_user/server.h"

#include <array>
#include <cerrno>
#include <thread>

#include <linux/pci_regs.h>
#include <sys/socket.h>

#include "board.h"
#include "machine.h"
#include "vfio_user_client.h"

using namespace cmacam::board;
using namespace cmacam::board::vfio_user;

namespace {

class ServerTest : public testing::Test
{
protected:
	static constexpr uint64_t kRam = 0x40000000;

	ServerTest()
	{
		int fds[2];
		EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		client.emplace(UniqueFd(fds[0]));
		/* The machine's own mapping makes way for those of the client. */
		m.memory.unmapAll();
		m.memory.setMaster(false);
		m.interrupts.clear();
		thread_ = std::thread([this, fd = fds[1]] {
			Server(board_, m.memory, m.interrupts).serve(UniqueFd(fd), stop.get());
		});
	}
	~ServerTest() override
	{
		client->hangUp();
		if (thread_.joinable())
			thread_.join();
	}

	void agree()
	{
		const Reply reply = client->ask(Command::Version, bytes(VersionPayload{0, 1}));
		ASSERT_EQ(reply.error(), 0u);
	}
	uint32_t map(uint64_t address, uint64_t size, uint32_t flags = 3)
	{
		return client
			->ask(Command::DmaMap, bytes(DmaMapPayload{32, flags, 0, address, size}),
			      {ram.fd()})
			.error();
	}
	uint32_t unmap(uint64_t address, uint64_t size, uint32_t flags = 0)
	{
		return client
			->ask(Command::DmaUnmap, bytes(DmaUnmapPayload{24, flags, address, size}))
			.error();
	}
	uint32_t setIrqs(uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
			 std::vector<int> fds = {})
	{
		return client
			->ask(Command::SetIrqs,
			      bytes(IrqSetPayload{20, flags, index, start, count}), std::move(fds))
			.error();
	}
	uint32_t read32(uint32_t region, uint64_t offset)
	{
		const Reply reply = client->ask(Command::RegionRead,
						bytes(RegionAccessPayload{offset, region, 4}));
		EXPECT_EQ(reply.error(), 0u);
		uint32_t value = 0;
		EXPECT_EQ(reply.payload.size(), sizeof(RegionAccessPayload) + 4);
		std::memcpy(&value, &reply.payload[sizeof(RegionAccessPayload)], 4);
		return value;
	}
	template <typename T>
	uint32_t write(uint32_t region, uint64_t offset, T value)
	{
		const RegionAccessPayload access = {offset, region, sizeof(T)};
		return client->ask(Command::RegionWrite, bytes(access, value)).error();
	}
	/* Whether serve() has returned, within the test's patience. */
	void expectEnd()
	{
		EXPECT_FALSE(client->receive()) << "the connection should be closed";
		thread_.join();
		EXPECT_EQ(m.memory.count(), 0u);
	}

	Machine m;
	Ram ram{0x100000};
	std::optional<Client> client;
	UniqueFd stop{eventfd(0, EFD_CLOEXEC)};

private:
	Board board_{*m.engine, m.memory};
	std::thread thread_;
};

} /* namespace */

TEST_F(ServerTest, VersionIsAgreedOn)
{
	const char json[] = "{\"capabilities\":{\"max_msg_fds\":1}}";
	auto payload = bytes(VersionPayload{0, 3}, json);
	const Reply reply = client->ask(Command::Version, payload);
	EXPECT_EQ(reply.error(), 0u);
	EXPECT_EQ(reply.as<VersionPayload>().major, 0);
	EXPECT_EQ(reply.as<VersionPayload>().minor, 1) << "not more than the server knows";
	EXPECT_EQ(reply.payload.back(), std::byte{0}) << "the text ends with its NUL";

	EXPECT_EQ(client->ask(Command::Version, bytes(VersionPayload{0, 0}))
			  .as<VersionPayload>()
			  .minor,
		  0);
}

TEST_F(ServerTest, NothingWorksBeforeTheVersion)
{
	EXPECT_EQ(client->ask(Command::GetInfo, bytes(DeviceInfoPayload{})).error(),
		  uint32_t{EINVAL});
	EXPECT_EQ(client->ask(Command::Version, bytes(VersionPayload{1, 0})).error(),
		  uint32_t{EINVAL});
	EXPECT_EQ(client->ask(Command::GetInfo, bytes(DeviceInfoPayload{})).error(),
		  uint32_t{EINVAL});
	agree();
	EXPECT_EQ(client->ask(Command::GetInfo, bytes(DeviceInfoPayload{})).error(), 0u);
}

TEST_F(ServerTest, DescribesADevice)
{
	agree();
	const auto info = client->ask(Command::GetInfo, bytes(DeviceInfoPayload{16, 0, 0, 0}))
				  .as<DeviceInfoPayload>();
	EXPECT_EQ(info.flags, uint32_t{kDevicePci | kDeviceReset});
	EXPECT_EQ(info.regions, 9u);
	EXPECT_EQ(info.irqs, 5u);

	const std::array<uint64_t, 9> sizes = {4096, 0, 4096, 0, 0, 0, 0, 256, 0};
	for (uint32_t i = 0; i < sizes.size(); i++) {
		const auto region = client->ask(Command::GetRegionInfo,
						bytes(RegionInfoPayload{32, 0, i, 0, 0, 0}))
					    .as<RegionInfoPayload>();
		EXPECT_EQ(region.index, i);
		EXPECT_EQ(region.size, sizes[i]);
		EXPECT_EQ(region.flags, sizes[i] ? 3u : 0u);
	}
	EXPECT_EQ(client->ask(Command::GetRegionInfo, bytes(RegionInfoPayload{32, 0, 9, 0, 0, 0}))
			  .error(),
		  uint32_t{EINVAL});

	const std::array<uint32_t, 5> counts = {0, 0, 1, 1, 0};
	for (uint32_t i = 0; i < counts.size(); i++) {
		const auto irq =
			client->ask(Command::GetIrqInfo, bytes(IrqInfoPayload{16, 0, i, 0}))
				.as<IrqInfoPayload>();
		EXPECT_EQ(irq.count, counts[i]);
	}
	EXPECT_EQ(client->ask(Command::GetIrqInfo, bytes(IrqInfoPayload{16, 0, 5, 0})).error(),
		  uint32_t{EINVAL});
}

TEST_F(ServerTest, ConfigurationSpace)
{
	agree();
	EXPECT_EQ(read32(kRegionConfig, PCI_VENDOR_ID), 0xca3a1234);
	EXPECT_EQ(read32(kRegionConfig, PCI_CLASS_REVISION) >> 8, 0x048000u);

	/* A driver sizes a BAR by writing ones; identity stays what it is. */
	EXPECT_EQ(write(kRegionConfig, PCI_BASE_ADDRESS_0, ~0u), 0u);
	EXPECT_EQ(read32(kRegionConfig, PCI_BASE_ADDRESS_0), 0xfffff000u);
	EXPECT_EQ(write(kRegionConfig, PCI_BASE_ADDRESS_1, ~0u), 0u);
	EXPECT_EQ(read32(kRegionConfig, PCI_BASE_ADDRESS_1), 0u);
	EXPECT_EQ(write(kRegionConfig, PCI_VENDOR_ID, 0u), 0u);
	EXPECT_EQ(read32(kRegionConfig, PCI_VENDOR_ID), 0xca3a1234);

	/* The capability list ends, and MSI-X is in it. */
	uint32_t at = read32(kRegionConfig, PCI_CAPABILITY_LIST) & 0xff;
	bool msix = false;
	for (int guard = 0; at && guard < 10; guard++) {
		const uint32_t capability = read32(kRegionConfig, at);
		if ((capability & 0xff) == PCI_CAP_ID_MSIX) {
			msix = true;
			EXPECT_EQ(capability >> 16 & PCI_MSIX_FLAGS_QSIZE, 0u) << "one vector";
			EXPECT_EQ(read32(kRegionConfig, at + PCI_MSIX_TABLE), 2u);
			EXPECT_EQ(read32(kRegionConfig, at + PCI_MSIX_PBA), 0x802u);
		}
		at = capability >> 8 & 0xff;
	}
	EXPECT_EQ(at, 0u);
	EXPECT_TRUE(msix);
}

TEST_F(ServerTest, RegionAccessIsChecked)
{
	agree();
	EXPECT_EQ(read32(kRegionBar0, CMACAM_ID), CMACAM_ID_MAGIC);
	EXPECT_EQ(read32(kRegionBar0, 4092), 0u);
	for (const RegionAccessPayload &access :
	     {RegionAccessPayload{4096, 0, 4}, RegionAccessPayload{4094, 0, 4},
	      RegionAccessPayload{~uint64_t{0}, 0, 4}, RegionAccessPayload{0, 1, 4},
	      RegionAccessPayload{0, 9, 4}, RegionAccessPayload{0, 0, 0x40000000},
	      RegionAccessPayload{254, 7, 4}}) {
		EXPECT_EQ(client->ask(Command::RegionRead, bytes(access)).error(),
			  uint32_t{EINVAL});
		EXPECT_EQ(client->ask(Command::RegionWrite, bytes(access, uint32_t{0})).error(),
			  uint32_t{EINVAL});
	}
	EXPECT_EQ(client->ask(Command::RegionWrite, bytes(RegionAccessPayload{0, 0, 4})).error(),
		  uint32_t{EINVAL})
		<< "no data came with it";
	EXPECT_EQ(client->ask(Command::RegionRead).error(), uint32_t{EINVAL});

	/* Registers are 32 bits: two of them at once, but no part of one. */
	const Reply wide = client->ask(Command::RegionRead, bytes(RegionAccessPayload{0, 0, 8}));
	EXPECT_EQ(wide.payload.size(), 24u);
	EXPECT_EQ(std::to_integer<uint32_t>(wide.payload[22]), CMACAM_VERSION_MAJOR);
	write(kRegionBar0, CMACAM_SENSOR_GAIN, uint16_t{512});
	EXPECT_EQ(read32(kRegionBar0, CMACAM_SENSOR_GAIN), 256u);

	EXPECT_EQ(write(kRegionBar2, 4, 0x12345678u), 0u);
	EXPECT_EQ(read32(kRegionBar2, 4), 0x12345678u);
}

TEST_F(ServerTest, MapsAndUnmapsMemory)
{
	agree();
	EXPECT_EQ(map(kRam, 0x10000), 0u);
	EXPECT_EQ(map(kRam, 0x10000), uint32_t{EEXIST});
	EXPECT_EQ(unmap(kRam, 0x8000), uint32_t{ENOENT});
	const Reply reply =
		client->ask(Command::DmaUnmap, bytes(DmaUnmapPayload{24, 0, kRam, 0x10000}));
	EXPECT_EQ(reply.error(), 0u);
	EXPECT_EQ(reply.as<DmaUnmapPayload>().address, kRam);
	EXPECT_EQ(m.memory.count(), 0u);

	EXPECT_EQ(
		client->ask(Command::DmaMap, bytes(DmaMapPayload{32, 1, 0, kRam, 0x1000})).error(),
		0u)
		<< "ROM comes without a descriptor";
	EXPECT_EQ(map(kRam + 0x1000, 0x1000), 0u);
	EXPECT_EQ(unmap(0, 0, kUnmapAll), 0u);
	EXPECT_EQ(m.memory.count(), 0u);
	EXPECT_EQ(unmap(kRam, 0x1000, 1), uint32_t{EINVAL});
}

TEST_F(ServerTest, InterruptsAreSetAndCleared)
{
	agree();
	UniqueFd event(eventfd(0, EFD_NONBLOCK));
	eventfd_t count = 0;

	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, kIrqMsix, 0, 1, {event.get()}), 0u);
	m.interrupts.trigger(0);
	EXPECT_EQ(eventfd_read(event.get(), &count), 0);

	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataNone, kIrqMsix, 0, 1), 0u)
		<< "a test interrupt";
	EXPECT_EQ(eventfd_read(event.get(), &count), 0);

	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataNone, kIrqMsix, 0, 0), 0u);
	m.interrupts.trigger(0);
	EXPECT_NE(eventfd_read(event.get(), &count), 0) << "switched off";

	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, kIrqMsix, 0, 1, {event.get()}), 0u);
	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, kIrqMsix, 0, 1), 0u);
	m.interrupts.trigger(0);
	EXPECT_NE(eventfd_read(event.get(), &count), 0) << "no descriptor: off";

	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, kIrqError, 0, 1, {event.get()}), 0u);
	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, kIrqMsix, 1, 1, {event.get()}),
		  uint32_t{EINVAL});
	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, 0, 0, 1, {event.get()}),
		  uint32_t{EINVAL});
	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, kIrqMsix, 0, 1,
			  {event.get(), event.get()}),
		  uint32_t{EINVAL});
	EXPECT_EQ(setIrqs(kIrqActionMask | kIrqDataNone, kIrqMsix, 0, 1), uint32_t{ENOTSUP});
}

TEST_F(ServerTest, UnknownMessagesGetAnError)
{
	agree();
	for (uint16_t command : {0, 6, 11, 12, 14, 15, 99})
		EXPECT_EQ(client->askCode(command, bytes(uint64_t{0})).error(), uint32_t{ENOTSUP})
			<< command;
	EXPECT_EQ(read32(kRegionBar0, CMACAM_ID), CMACAM_ID_MAGIC);
}

TEST_F(ServerTest, PostedWritesGetNoReply)
{
	agree();
	const auto code = static_cast<uint16_t>(Command::RegionWrite);
	client->send(code, bytes(RegionAccessPayload{CMACAM_SENSOR_GAIN, 0, 4}, uint32_t{512}), {},
		     kNoReply);
	client->send(code, bytes(RegionAccessPayload{5000, 0, 4}, uint32_t{0}), {}, kNoReply);
	EXPECT_EQ(read32(kRegionBar0, CMACAM_SENSOR_GAIN), 512u) << "ids would not match";
}

TEST_F(ServerTest, MessagesComeInAnyPieces)
{
	agree();
	const auto message = bytes(Header{7, static_cast<uint16_t>(Command::RegionRead), 32, 0, 0},
				   RegionAccessPayload{CMACAM_ID, 0, 4});
	for (const std::byte &byte : message)
		client->sendRaw({&byte, 1});
	const auto reply = client->receive();
	ASSERT_TRUE(reply);
	EXPECT_EQ(reply->header.id, 7);
	EXPECT_EQ(reply->payload.size(), 20u);
}

TEST_F(ServerTest, BrokenFramingEndsIt)
{
	agree();
	EXPECT_EQ(map(kRam, 0x10000), 0u);
	client->sendRaw(bytes(Header{1, 1, 15, 0, 0}));
	expectEnd();
}

TEST_F(ServerTest, HugeMessagesEndIt)
{
	client->sendRaw(bytes(Header{1, 1, 0x7fffffff, 0, 0}));
	expectEnd();
}

TEST_F(ServerTest, StopEndsItWithinAMessage)
{
	agree();
	client->sendRaw(bytes(uint32_t{0}));
	eventfd_write(stop.get(), 1);
	expectEnd();
}

TEST_F(ServerTest, ResetClearsRegistersAndBusMastering)
{
	agree();
	EXPECT_EQ(map(kRam, 0x100000), 0u);
	write(kRegionConfig, PCI_COMMAND, uint16_t{PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY});
	write(kRegionBar0, CMACAM_SENSOR_GAIN, 512u);
	EXPECT_TRUE(m.memory.acquire(kRam, 4));
	EXPECT_EQ(client->ask(Command::Reset).error(), 0u);
	EXPECT_EQ(read32(kRegionBar0, CMACAM_SENSOR_GAIN), 256u);
	EXPECT_EQ(read32(kRegionConfig, PCI_COMMAND) & 0xffff, 0u);
	EXPECT_FALSE(m.memory.acquire(kRam, 4));
}

/* All of it together, as a driver does it: memory, interrupt, frames. */
TEST_F(ServerTest, StreamsUntilTheClientHangsUp)
{
	agree();
	EXPECT_EQ(map(kRam, 0x100000), 0u);
	UniqueFd event(eventfd(0, 0));
	EXPECT_EQ(setIrqs(kIrqActionTrigger | kIrqDataEventfd, kIrqMsix, 0, 1, {event.get()}), 0u);
	write(kRegionConfig, PCI_COMMAND, uint16_t{PCI_COMMAND_MASTER});

	const auto ch = [this](uint32_t offset, uint32_t value) {
		EXPECT_EQ(write(kRegionBar0, CMACAM_CH(0) + offset, value), 0u);
	};
	ch(CMACAM_CH_WIDTH, 64);
	ch(CMACAM_CH_HEIGHT, 64);
	ch(CMACAM_CH_STRIDE, 64);
	ch(CMACAM_CH_SIZE_LIMIT, 4096);
	ch(CMACAM_CH_RING_LO, kRam);
	ch(CMACAM_CH_RING_ENTRIES, 2);
	ch(CMACAM_CH_INT_ENABLE, CMACAM_CH_INT_FRAME_DONE);
	write(kRegionBar0, CMACAM_IRQ_ENABLE, 1u);
	ch(CMACAM_CH_CTRL, CMACAM_CH_CTRL_EN);

	for (uint32_t i = 0; i < 20; i++) {
		ch(CMACAM_CH_ADDR_LO, kRam + 0x1000);
		pollfd poll = {event.get(), POLLIN, 0};
		ASSERT_EQ(::poll(&poll, 1, 5000), 1);
		eventfd_t count;
		eventfd_read(event.get(), &count);
		auto *entry = reinterpret_cast<cmacam_completion *>(ram.bytes().data()) + i % 2;
		ASSERT_EQ(std::atomic_ref(entry->owner).load(std::memory_order_acquire),
			  CMACAM_DONE_OWNER);
		EXPECT_EQ(entry->sequence, i);
		EXPECT_EQ(entry->bytes, 4096u);
		entry->owner = 0;
		ch(CMACAM_CH_INT_STATUS, read32(kRegionBar0, CMACAM_CH(0) + CMACAM_CH_INT_STATUS));
	}
	for (uint32_t i = 0; i < 4; i++)
		ch(CMACAM_CH_ADDR_LO, kRam + 0x1000);
	client->hangUp();
}
