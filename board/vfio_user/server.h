/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user server. It serves one client on a Unix stream socket.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "unique_fd.h"
#include "vfio_user/device.h"
#include "vfio_user/guest_memory.h"
#include "vfio_user/interrupts.h"
#include "vfio_user/protocol.h"

namespace cmacam::board::vfio_user {

class Server
{
public:
	Server(Device &device, GuestMemory &memory, Interrupts &interrupts)
		: device_(device), memory_(memory), interrupts_(interrupts)
	{
	}

	/*
	 * Serves a client until the connection ends, a message has a wrong length, or the
	 * descriptor `stop` becomes readable. After that, the function removes all mappings of
	 * guest memory and switches all interrupts off.
	 */
	void serve(UniqueFd connection, int stop);

private:
	using Payload = std::span<const std::byte>;

	bool receive();
	bool readFully(std::span<std::byte> data, bool withFds);
	bool dispatch();
	int handle(Payload payload);

	int version(Payload payload);
	int dmaMap(Payload payload);
	int dmaUnmap(Payload payload);
	int deviceInfo(Payload payload);
	int regionInfo(Payload payload);
	int irqInfo(Payload payload);
	int setIrqs(Payload payload);
	int setIrqEventfds(const IrqSetPayload &request);
	int regionRead(Payload payload);
	int regionWrite(Payload payload);

	/* Appends `data` to the reply to the message in progress. */
	void reply(std::span<const std::byte> data);
	bool sendReply(int error);

	std::size_t irqCount(uint32_t index) const;
	bool accessible(const RegionAccessPayload &access) const;

	Device &device_;
	GuestMemory &memory_;
	Interrupts &interrupts_;

	UniqueFd connection_;
	int stop_ = -1;
	bool versionAgreed_ = false;

	/* The message that is being served, and the reply to it. */
	Header header_{};
	std::vector<std::byte> request_;
	std::vector<UniqueFd> fds_;
	std::vector<std::byte> reply_;
};

} /* namespace cmacam::board::vfio_user */
