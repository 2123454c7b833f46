/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user server: one client on one Unix stream socket.
 */
#include "vfio_user/server.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace cmacam::board::vfio_user {

namespace {

/* The structure at the start of a payload, if the payload is long enough. */
template <typename T>
std::optional<T> parse(std::span<const std::byte> payload)
{
	if (payload.size() < sizeof(T))
		return std::nullopt;

	T value;
	std::memcpy(&value, payload.data(), sizeof(T));
	return value;
}

template <typename T>
std::span<const std::byte> bytesOf(const T &value)
{
	return std::as_bytes(std::span(&value, 1));
}

/* A string with its terminating NUL, as JSON travels in VERSION. */
constexpr std::string_view kCapabilities{
	"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}\0", 64};
static_assert(kCapabilities.back() == '\0' && kMaxFds == 8 && kMaxTransfer == 1048576);

} /* namespace */

void Server::serve(UniqueFd connection, int stop)
{
	connection_ = std::move(connection);
	stop_ = stop;
	versionAgreed_ = false;

	while (receive() && dispatch())
		;

	interrupts_.clear();
	memory_.unmapAll();
	fds_.clear();
	connection_.reset();
}

bool Server::receive()
{
	fds_.clear();
	if (!readFully(std::as_writable_bytes(std::span(&header_, 1)), true))
		return false;

	/* Behind a wrong length no next header can be found. */
	if (header_.size < sizeof(header_) || header_.size > kMaxMessage)
		return false;

	request_.resize(header_.size - sizeof(header_));
	return readFully(request_, false);
}

bool Server::readFully(std::span<std::byte> data, bool withFds)
{
	while (!data.empty()) {
		pollfd polls[] = {{connection_.get(), POLLIN, 0}, {stop_, POLLIN, 0}};
		if (poll(polls, std::size(polls), -1) < 0) {
			if (errno == EINTR)
				continue;
			return false;
		}
		if (polls[1].revents)
			return false;

		alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))];
		iovec vector = {data.data(), data.size()};
		msghdr message{};
		message.msg_iov = &vector;
		message.msg_iovlen = 1;
		if (withFds) {
			message.msg_control = control;
			message.msg_controllen = sizeof(control);
		}

		const ssize_t received = recvmsg(connection_.get(), &message, MSG_CMSG_CLOEXEC);
		if (received < 0 && errno == EINTR)
			continue;
		if (received <= 0)
			return false;

		for (cmsghdr *cmsg = CMSG_FIRSTHDR(&message); cmsg;
		     cmsg = CMSG_NXTHDR(&message, cmsg)) {
			if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
				continue;
			const std::size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (std::size_t i = 0; i < count; i++) {
				int fd;
				std::memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
				fds_.emplace_back(fd);
			}
		}

		data = data.subspan(static_cast<std::size_t>(received));
	}

	return true;
}

bool Server::dispatch()
{
	/* The board sends no requests, so a reply answers nothing. */
	if ((header_.flags & kTypeMask) != kTypeRequest)
		return true;

	reply_.clear();
	const int error = handle(request_);
	return (header_.flags & kNoReply) || sendReply(error);
}

int Server::handle(Payload payload)
{
	const auto command = static_cast<Command>(header_.command);

	if (!versionAgreed_ && command != Command::Version)
		return EINVAL;

	switch (command) {
	case Command::Version:
		return version(payload);
	case Command::DmaMap:
		return dmaMap(payload);
	case Command::DmaUnmap:
		return dmaUnmap(payload);
	case Command::GetInfo:
		return deviceInfo(payload);
	case Command::GetRegionInfo:
		return regionInfo(payload);
	case Command::GetIrqInfo:
		return irqInfo(payload);
	case Command::SetIrqs:
		return setIrqs(payload);
	case Command::RegionRead:
		return regionRead(payload);
	case Command::RegionWrite:
		return regionWrite(payload);
	case Command::Reset:
		device_.reset();
		return 0;
	}

	return ENOTSUP;
}

void Server::reply(std::span<const std::byte> data)
{
	reply_.insert(reply_.end(), data.begin(), data.end());
}

bool Server::sendReply(int error)
{
	if (error)
		reply_.clear();

	Header header = {
		.id = header_.id,
		.command = header_.command,
		.size = static_cast<uint32_t>(sizeof(Header) + reply_.size()),
		.flags = kTypeReply | (error ? uint32_t{kError} : 0u),
		.error = static_cast<uint32_t>(error),
	};

	iovec vectors[] = {{&header, sizeof(header)}, {reply_.data(), reply_.size()}};
	msghdr message{};
	message.msg_iov = vectors;
	message.msg_iovlen = std::size(vectors);

	std::size_t left = header.size;
	while (left) {
		const ssize_t sent = sendmsg(connection_.get(), &message, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;

		left -= static_cast<std::size_t>(sent);
		std::size_t skip = static_cast<std::size_t>(sent);
		for (iovec &vector : vectors) {
			const std::size_t part = std::min(skip, vector.iov_len);
			vector.iov_base = static_cast<char *>(vector.iov_base) + part;
			vector.iov_len -= part;
			skip -= part;
		}
	}

	return true;
}

int Server::version(Payload payload)
{
	const auto request = parse<VersionPayload>(payload);
	if (!request || request->major != kVersionMajor)
		return EINVAL;

	versionAgreed_ = true;
	const VersionPayload agreed = {kVersionMajor, std::min(request->minor, kVersionMinor)};
	reply(bytesOf(agreed));
	reply(std::as_bytes(std::span(kCapabilities)));
	return 0;
}

int Server::dmaMap(Payload payload)
{
	const auto request = parse<DmaMapPayload>(payload);
	if (!request || fds_.size() > 1)
		return EINVAL;

	UniqueFd fd;
	if (!fds_.empty())
		fd = std::move(fds_.front());
	return memory_.map(request->address, request->size, request->flags, std::move(fd),
			   request->offset);
}

int Server::dmaUnmap(Payload payload)
{
	const auto request = parse<DmaUnmapPayload>(payload);
	if (!request)
		return EINVAL;

	switch (request->flags) {
	case 0:
		if (int error = memory_.unmap(request->address, request->size))
			return error;
		break;
	case kUnmapAll:
		if (request->address || request->size)
			return EINVAL;
		memory_.unmapAll();
		break;
	default:
		return EINVAL;
	}

	reply(bytesOf(*request));
	return 0;
}

int Server::deviceInfo(Payload payload)
{
	if (payload.size() < sizeof(uint32_t))
		return EINVAL;

	const DeviceInfoPayload info = {
		.argsz = sizeof(DeviceInfoPayload),
		.flags = kDeviceReset | kDevicePci,
		.regions = kRegionCount,
		.irqs = kIrqCount,
	};
	reply(bytesOf(info));
	return 0;
}

int Server::regionInfo(Payload payload)
{
	const auto request = parse<RegionInfoPayload>(payload);
	if (!request || request->index >= kRegionCount)
		return EINVAL;

	const uint64_t size = device_.regionSize(request->index);
	const RegionInfoPayload info = {
		.argsz = sizeof(RegionInfoPayload),
		.flags = size ? uint32_t{kRegionRead | kRegionWrite} : 0u,
		.index = request->index,
		.capOffset = 0,
		.size = size,
		.offset = 0,
	};
	reply(bytesOf(info));
	return 0;
}

std::size_t Server::irqCount(uint32_t index) const
{
	switch (index) {
	case kIrqMsix:
		return interrupts_.count();
	case kIrqError:
		/* Never raised; QEMU warns about a device that cannot. */
		return 1;
	default:
		return 0;
	}
}

int Server::irqInfo(Payload payload)
{
	const auto request = parse<IrqInfoPayload>(payload);
	if (!request || request->index >= kIrqCount)
		return EINVAL;

	const std::size_t count = irqCount(request->index);
	const IrqInfoPayload info = {
		.argsz = sizeof(IrqInfoPayload),
		.flags = count ? uint32_t{kIrqEventfd | kIrqNoResize} : 0u,
		.index = request->index,
		.count = static_cast<uint32_t>(count),
	};
	reply(bytesOf(info));
	return 0;
}

int Server::setIrqs(Payload payload)
{
	const auto request = parse<IrqSetPayload>(payload);
	if (!request || request->index >= kIrqCount)
		return EINVAL;

	const std::size_t available = irqCount(request->index);
	if (request->start > available || request->count > available - request->start)
		return EINVAL;

	switch (request->flags) {
	case kIrqActionTrigger | kIrqDataEventfd:
		return setIrqEventfds(*request);

	case kIrqActionTrigger | kIrqDataNone:
		if (request->index != kIrqMsix)
			return 0;
		/* No vector at all means: switch the whole index off. */
		if (!request->count)
			interrupts_.clear();
		for (uint32_t i = 0; i < request->count; i++)
			interrupts_.trigger(request->start + i);
		return 0;

	default:
		/* The client masks by itself: no vector is reported as maskable. */
		return ENOTSUP;
	}
}

int Server::setIrqEventfds(const IrqSetPayload &request)
{
	/* Descriptors for all vectors of the range, or none to switch them off. */
	if (!fds_.empty() && fds_.size() != request.count)
		return EINVAL;
	if (request.index != kIrqMsix)
		return 0;

	for (uint32_t i = 0; i < request.count; i++)
		interrupts_.set(request.start + i, fds_.empty() ? UniqueFd() : std::move(fds_[i]));
	return 0;
}

bool Server::accessible(const RegionAccessPayload &access) const
{
	if (access.region >= kRegionCount || access.count > kMaxTransfer)
		return false;

	const uint64_t size = device_.regionSize(access.region);
	return access.count <= size && access.offset <= size - access.count;
}

int Server::regionRead(Payload payload)
{
	const auto request = parse<RegionAccessPayload>(payload);
	if (!request || !accessible(*request))
		return EINVAL;

	reply(bytesOf(*request));
	reply_.resize(reply_.size() + request->count);
	device_.readRegion(request->region, request->offset,
			   std::span(reply_).subspan(sizeof(*request)));
	return 0;
}

int Server::regionWrite(Payload payload)
{
	const auto request = parse<RegionAccessPayload>(payload);
	if (!request || !accessible(*request) || payload.size() - sizeof(*request) < request->count)
		return EINVAL;

	device_.writeRegion(request->region, request->offset,
			    payload.subspan(sizeof(*request), request->count));
	reply(bytesOf(*request));
	return 0;
}

} /* namespace cmacam::board::vfio_user */
