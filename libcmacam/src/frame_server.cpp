/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lends frames to readers in other processes: the side of the camera.
 */

#include "frame_server.h"

#include <algorithm>
#include <cerrno>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "errno_error.h"

namespace cmacam {

namespace {

/* Wakes the thread that waits in poll(). */
Result<UniqueFd> newEvent()
{
	UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (!fd.isValid())
		return fromErrno("cannot make an event");
	return fd;
}

} /* namespace */

FrameServer::Impl::~Impl()
{
	thread_.request_stop();
	eventfd_write(event_.get(), 1);
	thread_.join();
}

/* Whether the camera keeps its reserve if this buffer is lent. */
bool FrameServer::Impl::mayLend(unsigned int buffer)
{
	lent_.assign(options_.buffers, false);
	for (const Client &client : clients_) {
		for (const Loan &loan : client.loans)
			lent_[loan.frame.buffer()] = true;
	}

	const auto count = static_cast<unsigned int>(std::ranges::count(lent_, true));
	return lent_[buffer] || count < options_.buffers - options_.reserve;
}

Result<unsigned int> FrameServer::Impl::publish(const cmacam::Frame &frame)
{
	const Result<const FrameLayout *> layout = frame.layout(options_.stream);
	if (!layout)
		return layout.error();

	const unsigned int buffer = frame.buffer();
	if (buffer >= options_.buffers)
		return Error{EINVAL, "buffer " + std::to_string(buffer) + " of " +
					     std::to_string(options_.buffers) + " that are shared"};

	struct stat status{};
	if (fstat((*layout)->planes[0].fd, &status) < 0)
		return fromErrno("no dma-buf to share");

	Freed freed; /* let go of after the lock */
	std::lock_guard lock(mutex_);
	if (inodes_[buffer] && inodes_[buffer] != status.st_ino)
		return Error{EINVAL, "buffer " + std::to_string(buffer) +
					     " is another one than before: readers know the old"};
	inodes_[buffer] = status.st_ino;

	const bool lendable = mayLend(buffer);
	unsigned int count = 0;
	for (Client &client : clients_) {
		if (client.gone || !client.credits)
			continue;
		if (!lendable || client.loans.size() >= client.credits)
			miss(&client, &freed);
		else if (const Result<void> lent = lend(&client, frame, **layout); lent)
			count++;
		else if (lent.error().code == EPIPE || lent.error().code == ECONNRESET)
			/* Seen here before the other thread has heard of it. */
			letGo(&client, 0, {}, &freed);
		else
			letGo(&client, EPIPE, "it does not read what it is sent", &freed);
	}

	return count;
}

Result<void> FrameServer::Impl::lend(Client *client, const cmacam::Frame &frame,
				     const FrameLayout &layout)
{
	const unsigned int buffer = frame.buffer();
	if (!client->knows[buffer]) {
		if (Result<void> announced = announce(client, buffer, layout); !announced)
			return announced;
		client->knows[buffer] = true;
	}

	share::Frame message;
	message.buffer = buffer;
	message.serial = ++client->serial;
	message.sequence = frame.sequence();
	message.timestamp = frame.timestamp();
	message.missed = client->missed;
	if (Result<void> sent = sendPacket(client->socket.get(), share::bytesOf(message)); !sent)
		return sent;

	client->loans.push_back({frame.share(), message.serial});
	client->loans.back().frame.hold("reader " + std::to_string(client->pid));
	client->missedInARow = 0;

	return {};
}

Result<void> FrameServer::Impl::announce(Client *client, unsigned int buffer,
					 const FrameLayout &layout)
{
	share::Buffer message;
	message.buffer = buffer;
	message.format = formatInfo(layout.format).drm;
	message.width = layout.width;
	message.height = layout.height;
	message.planeCount = static_cast<std::uint32_t>(layout.planes.size());
	std::memset(message.planes, 0, sizeof(message.planes));

	std::vector<int> descriptors;
	for (std::size_t i = 0; i < layout.planes.size(); i++) {
		const PlaneLayout &plane = layout.planes[i];
		auto known = std::ranges::find(descriptors, plane.fd);
		if (known == descriptors.end())
			known = descriptors.insert(known, plane.fd);
		message.planes[i] = {plane.offset, plane.length, plane.stride,
				     static_cast<std::uint32_t>(known - descriptors.begin())};
	}

	return sendPacket(client->socket.get(), share::bytesOf(message), descriptors);
}

void FrameServer::Impl::miss(Client *client, Freed *freed)
{
	client->missed++;
	client->missedInARow++;
	if (options_.patience && !client->loans.empty() &&
	    client->missedInARow >= options_.patience)
		letGo(client, ETIMEDOUT,
		      "it held " + std::to_string(client->loans.size()) + " frames while " +
			      std::to_string(client->missedInARow) + " went by",
		      freed);
}

std::vector<Reader> FrameServer::Impl::readers() const
{
	std::lock_guard lock(mutex_);
	std::vector<Reader> all;
	for (const Client &client : clients_) {
		if (!client.gone && client.credits)
			all.push_back({client.pid, client.credits,
				       static_cast<unsigned int>(client.loans.size()),
				       client.missed});
	}

	return all;
}

Result<FrameServer> FrameServer::listen(const ShareOptions &options)
{
	if (options.buffers <= options.reserve || !options.credits || !options.readers)
		return Error{EINVAL, "of " + std::to_string(options.buffers) + " buffers " +
					     std::to_string(options.reserve) +
					     " are never lent, a reader may hold " +
					     std::to_string(options.credits) +
					     " and there may be " +
					     std::to_string(options.readers) +
					     " readers: none gets a frame"};

	Result<UniqueFd> event = newEvent();
	if (!event)
		return event.error();
	Result<ListeningSocket> socket = listenAt(options.path, options.mode);
	if (!socket)
		return socket.error();

	return FrameServer(std::make_unique<Impl>(options, *std::move(socket), *std::move(event)));
}

void FrameServer::Impl::letAllGo(const std::string &reason)
{
	Freed freed; /* let go of after the lock */
	std::lock_guard lock(mutex_);
	for (Client &client : clients_)
		letGo(&client, ESHUTDOWN, reason, &freed);
}

FrameServer::FrameServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl))
{
}
FrameServer::FrameServer(FrameServer &&) noexcept = default;
FrameServer &FrameServer::operator=(FrameServer &&) noexcept = default;
FrameServer::~FrameServer() = default;

Result<unsigned int> FrameServer::publish(const Frame &frame)
{
	if (!impl_)
		return Error{EPERM, "the server was closed"};

	return impl_->publish(frame);
}

std::vector<Reader> FrameServer::readers() const
{
	return impl_ ? impl_->readers() : std::vector<Reader>();
}

void FrameServer::close(const std::string &reason)
{
	if (impl_)
		impl_->letAllGo(reason);
	impl_.reset();
}

} /* namespace cmacam */
