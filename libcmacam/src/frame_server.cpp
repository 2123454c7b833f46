/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lends frames to readers in other processes: the side of the camera.
 */

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <poll.h>
#include <span>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <utility>
#include <vector>

#include <cmacam/sharing.h>

#include "errno_error.h"
#include "packet_socket.h"
#include "share_protocol.h"

namespace cmacam {

namespace {

/* Connections that have not said hello yet. */
constexpr std::ptrdiff_t kSilent = 8;

pid_t peerOf(int socket)
{
	ucred credentials{};
	socklen_t size = sizeof(credentials);
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return 0;
	return credentials.pid;
}

/* Wakes the thread that waits in poll(). */
Result<UniqueFd> newEvent()
{
	UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (!fd.isValid())
		return fromErrno("cannot make an event");
	return fd;
}

} /* namespace */

/*
 * publish() runs in the thread of the camera and sends; a thread of its own
 * listens, hears what readers say and closes their sockets. Only that thread
 * removes a reader, so that no descriptor is closed under a poll().
 *
 * A frame is given back without the lock: that calls into its camera.
 */
class FrameServer::Impl
{
public:
	Impl(const ShareOptions &options, ListeningSocket socket, UniqueFd event)
		: options_(options),
		  socket_(std::move(socket)),
		  event_(std::move(event)),
		  inodes_(options.buffers, 0),
		  thread_([this](const std::stop_token &stop) { listen(stop); })
	{
	}
	~Impl();

	Result<unsigned int> publish(const cmacam::Frame &frame);
	std::vector<Reader> readers() const;
	void letAllGo(const std::string &reason);

private:
	struct Loan
	{
		cmacam::Frame frame;
		std::uint32_t serial;
	};

	struct Client
	{
		UniqueFd socket;
		pid_t pid = 0;
		unsigned int credits = 0; /* 0: it did not say hello yet */
		std::uint32_t serial = 0;
		std::uint64_t missed = 0;
		unsigned int missedInARow = 0;
		std::vector<bool> knows; /* buffers */
		std::vector<Loan> loans;
		bool gone = false;
	};

	using Freed = std::vector<Loan>;

	void listen(const std::stop_token &stop);
	void accept();
	void hear(Client *client, Freed *freed);
	void hello(Client *client, const share::Hello &hello);
	void takeBack(Client *client, const share::Return &back, Freed *freed);

	bool mayLend(unsigned int buffer);
	Result<void> lend(Client *client, const cmacam::Frame &frame, const FrameLayout &layout);
	Result<void> announce(Client *client, unsigned int buffer, const FrameLayout &layout);
	void miss(Client *client, Freed *freed);
	void letGo(Client *client, int code, const std::string &reason, Freed *freed);
	void log(const Client &client, const std::string &what) const;

	const ShareOptions options_;
	ListeningSocket socket_;
	UniqueFd event_;
	mutable std::mutex mutex_;
	std::vector<ino_t> inodes_; /* of the buffers that were published */
	std::list<Client> clients_;
	std::vector<bool> lent_; /* of mayLend(), kept for its memory */
	std::jthread thread_;	 /* last: it uses all of the above */
};

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
		return Error{EINVAL, "buffer " + std::to_string(buffer) +
					     " does not exist: the number of shared buffers is " +
					     std::to_string(options_.buffers)};

	struct stat status{};
	if (fstat((*layout)->planes[0].fd, &status) < 0)
		return fromErrno("the frame has no dma-buf to share");

	Freed freed; /* let go of after the lock */
	std::lock_guard lock(mutex_);
	if (inodes_[buffer] && inodes_[buffer] != status.st_ino)
		return Error{EINVAL, "buffer " + std::to_string(buffer) +
					     " has a new dma-buf, but readers have its old one"};
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
			letGo(&client, EPIPE, "the reader does not read its messages", &freed);
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
		      "it held " + std::to_string(client->loans.size()) + " frames and missed " +
			      std::to_string(client->missedInARow) + " in a row",
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

void FrameServer::Impl::letAllGo(const std::string &reason)
{
	Freed freed; /* let go of after the lock */
	std::lock_guard lock(mutex_);
	for (Client &client : clients_)
		letGo(&client, ESHUTDOWN, reason, &freed);
}

void FrameServer::Impl::listen(const std::stop_token &stop)
{
	std::vector<pollfd> polled;
	std::vector<Client *> order;

	while (!stop.stop_requested()) {
		Freed freed;
		{
			std::lock_guard lock(mutex_);
			clients_.remove_if([](const Client &client) { return client.gone; });

			polled = {{event_.get(), POLLIN, 0}, {socket_.fd.get(), POLLIN, 0}};
			order.clear();
			for (Client &client : clients_) {
				polled.push_back({client.socket.get(), POLLIN, 0});
				order.push_back(&client);
			}
		}

		if (poll(polled.data(), polled.size(), -1) < 0)
			continue;

		std::lock_guard lock(mutex_);
		if (polled[1].revents)
			accept();
		for (std::size_t i = 0; i < order.size(); i++) {
			if (polled[i + 2].revents)
				hear(order[i], &freed);
		}
	}
}

void FrameServer::Impl::accept()
{
	Client client;
	client.socket =
		UniqueFd(accept4(socket_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
	if (!client.socket.isValid())
		return;
	client.pid = peerOf(client.socket.get());

	/* Who does not say hello must not pile up. */
	const auto silent = [](const Client &one) { return !one.gone && !one.credits; };
	if (std::ranges::count_if(clients_, silent) >= kSilent) {
		Freed none;
		letGo(&*std::ranges::find_if(clients_, silent), ETIMEDOUT,
		      "the reader did not send a hello, and other readers wait", &none);
	}
	clients_.push_back(std::move(client));
}

/* All that the client has said; a client that has gone says an empty packet. */
void FrameServer::Impl::hear(Client *client, Freed *freed)
{
	while (!client->gone) {
		share::Any message;
		const Result<Packet> packet = receivePacket(
			client->socket.get(), std::as_writable_bytes(std::span(&message, 1)));
		if (!packet && packet.error().code == EAGAIN)
			return;
		if (!packet && packet.error().code == EMSGSIZE) {
			letGo(client, EPROTO, packet.error().what, freed);
			return;
		}
		if (!packet || packet->size == 0) {
			letGo(client, 0, "", freed);
			return;
		}

		const share::Header &header = message.header;
		if (packet->size < sizeof(header) || header.magic != share::kMagic) {
			letGo(client, EPROTO, "the reader sent data that is not a message", freed);
		} else if (header.version != share::kVersion) {
			letGo(client, EPROTO,
			      "the server speaks version " + std::to_string(share::kVersion) +
				      ", the reader speaks version " +
				      std::to_string(header.version),
			      freed);
		} else if (!client->credits && header.type == share::Type::Hello &&
			   packet->size == sizeof(share::Hello)) {
			hello(client, message.hello);
		} else if (client->credits && header.type == share::Type::Return &&
			   packet->size == sizeof(share::Return)) {
			takeBack(client, message.back, freed);
		} else {
			letGo(client, EPROTO,
			      "a message of type " +
				      std::to_string(static_cast<unsigned int>(header.type)) +
				      " with " + std::to_string(packet->size) +
				      " bytes is not expected here",
			      freed);
		}
	}
}

void FrameServer::Impl::hello(Client *client, const share::Hello &hello)
{
	Freed none;
	const auto readers = std::ranges::count_if(
		clients_, [](const Client &one) { return !one.gone && one.credits; });
	if (std::cmp_greater_equal(readers, options_.readers)) {
		letGo(client, EUSERS,
		      "the server already has its maximum of " + std::to_string(options_.readers) +
			      " readers",
		      &none);
		return;
	}

	client->credits = std::clamp(hello.credits, 1U, options_.credits);
	client->knows.resize(options_.buffers);

	share::Welcome welcome;
	welcome.credits = client->credits;
	welcome.buffers = options_.buffers;
	if (Result<void> sent = sendPacket(client->socket.get(), share::bytesOf(welcome)); !sent)
		letGo(client, sent.error().code, sent.error().what, &none);
	else
		log(*client, "has connected, with " + std::to_string(client->credits) + " credits");
}

void FrameServer::Impl::takeBack(Client *client, const share::Return &back, Freed *freed)
{
	const auto loan = std::ranges::find_if(client->loans, [&](const Loan &one) {
		return one.frame.buffer() == back.buffer && one.serial == back.serial;
	});
	if (loan == client->loans.end()) {
		letGo(client, EPROTO,
		      "the reader returned buffer " + std::to_string(back.buffer) +
			      ", which it does not hold",
		      freed);
		return;
	}

	freed->push_back(std::move(*loan));
	client->loans.erase(loan);
}

/* A reader's end, for a reason or, with 0, because it has gone by itself. */
void FrameServer::Impl::letGo(Client *client, int code, const std::string &reason, Freed *freed)
{
	if (client->gone)
		return;

	if (code) {
		share::Farewell farewell;
		farewell.code = code;
		std::memset(farewell.text, 0, sizeof(farewell.text));
		reason.copy(farewell.text, sizeof(farewell.text) - 1);
		/* If there is no room for it, the end of the connection has to do. */
		static_cast<void>(sendPacket(client->socket.get(), share::bytesOf(farewell)));
	}
	log(*client, code ? "was disconnected: " + reason : "has disconnected");

	client->gone = true;
	std::ranges::move(client->loans, std::back_inserter(*freed));
	client->loans.clear();
	shutdown(client->socket.get(), SHUT_RDWR);

	/* What is closed with something left to hear resets the other's side, farewell and all. */
	share::Any rest;
	Result<Packet> packet = Packet();
	do {
		packet = receivePacket(client->socket.get(),
				       std::as_writable_bytes(std::span(&rest, 1)));
	} while (packet ? packet->size > 0 : packet.error().code == EMSGSIZE);
}

void FrameServer::Impl::log(const Client &client, const std::string &what) const
{
	if (options_.log)
		options_.log("reader " + std::to_string(client.pid) + " " + what);
}

Result<FrameServer> FrameServer::listen(const ShareOptions &options)
{
	if (options.buffers <= options.reserve || !options.credits || !options.readers)
		return Error{
			EINVAL,
			"no reader can get a frame: buffers=" + std::to_string(options.buffers) +
				" must be more than reserve=" + std::to_string(options.reserve) +
				", and credits=" + std::to_string(options.credits) +
				" and readers=" + std::to_string(options.readers) +
				" must not be 0"};

	Result<UniqueFd> event = newEvent();
	if (!event)
		return event.error();
	Result<ListeningSocket> socket = listenAt(options.path, options.mode);
	if (!socket)
		return socket.error();

	return FrameServer(std::make_unique<Impl>(options, *std::move(socket), *std::move(event)));
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
