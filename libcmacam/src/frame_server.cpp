/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lends frames to readers in other processes: the side of the camera.
 */

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
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
#include "lending.h"
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

/* How long no reader can connect after accept() has failed for want of something. */
constexpr std::chrono::milliseconds kAcceptPause{100};

/* What the server lacks, and not the reader, and what may be there again later. */
bool isShortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
	       error == ETOOMANYREFS;
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
 * A frame is given back without the lock: that calls into its camera. What readers
 * have sent is received, and their sockets are closed, without the lock: that may close
 * files of theirs, which may wait. The log is called without the lock, always by the
 * thread that listens, so that it may ask the server, and its lines are in order.
 */
class FrameServer::Impl
{
public:
	Impl(const ShareOptions &options, ListeningSocket socket, UniqueFd event)
		: options_(options),
		  socket_(std::move(socket)),
		  event_(std::move(event)),
		  inodes_(options.buffers, 0),
		  lending_(options.buffers - options.reserve),
		  thread_([this](const std::stop_token &stop) { listen(stop); })
	{
	}
	~Impl();

	Result<unsigned int> publish(const cmacam::Frame &frame);
	std::vector<Reader> readers() const;
	void letAllGo(const std::string &reason);
	void stop();

private:
	using Clock = std::chrono::steady_clock;

	struct Loan
	{
		cmacam::Frame frame;
		std::uint32_t serial;
		std::uint64_t published; /* count of frames at that time */
	};

	struct Client
	{
		UniqueFd socket;
		pid_t pid = 0;
		Borrower borrower; /* without credits until it has said hello */
		std::uint32_t serial = 0;
		std::uint64_t missed = 0;
		unsigned int missedInARow = 0;
		std::vector<bool> knows; /* buffers */
		std::vector<Loan> loans;
		bool gone = false;

		bool isReader() const { return !gone && borrower.credits; }
	};

	/* Read-only dma-bufs of a frame, for readers that do not know its buffer. */
	struct Announcement
	{
		share::Buffer message;
		std::vector<UniqueFd> owned;
		std::vector<int> descriptors;
	};

	using Freed = std::vector<Loan>;

	void listen(const std::stop_token &stop);
	void accept();
	void hear(Client *client);
	void understand(Client *client, const share::Any &message, std::size_t size, Freed *freed);
	void hello(Client *client, const share::Hello &hello);
	void takeBack(Client *client, const share::Return &back, Freed *freed);

	void offer(unsigned int buffer);
	Result<Announcement> prepare(unsigned int buffer, const FrameLayout &layout) const;
	Result<void> lend(Client *client, const cmacam::Frame &frame,
			  const Announcement *announcement);
	void miss(Client *client, Freed *freed);
	void letGo(Client *client, int code, const std::string &reason, Freed *freed);
	void updateHold(Client *client, const Loan &loan);

	void log(const Client &client, const std::string &what);
	void log(std::string line);
	void logShortage(const std::string &what);
	static void drain(const Client &client);

	const ShareOptions options_;
	ListeningSocket socket_;
	UniqueFd event_;
	mutable std::mutex mutex_;
	std::vector<ino_t> inodes_; /* of the buffers that were published */
	std::list<Client> clients_;
	Lending lending_;
	std::uint64_t published_ = 0;
	std::vector<bool> lent_;	    /* of offer(), kept for its memory */
	std::vector<Borrower *> borrowers_; /* likewise */
	std::vector<std::string> lines_;    /* for the log */
	bool isShort_ = false;		    /* of file descriptors for buffers; was logged */
	bool isCrowded_ = false;	    /* more readers than buffers; was logged */

	/* Of the thread that listens. */
	Clock::time_point acceptAgain_{};
	bool acceptFails_ = false;

	std::jthread thread_; /* last: it uses all of the above */
};

FrameServer::Impl::~Impl()
{
	stop();
}

void FrameServer::Impl::stop()
{
	if (!thread_.joinable())
		return;
	thread_.request_stop();
	eventfd_write(event_.get(), 1);
	thread_.join();
}

/* Decide who gets a frame in this buffer. */
void FrameServer::Impl::offer(unsigned int buffer)
{
	lent_.assign(options_.buffers, false);
	borrowers_.clear();
	for (Client &client : clients_) {
		if (!client.isReader())
			continue;
		client.borrower.held = static_cast<unsigned int>(client.loans.size());
		borrowers_.push_back(&client.borrower);
		for (const Loan &loan : client.loans)
			lent_[loan.frame.buffer()] = true;
	}

	const auto count = static_cast<unsigned int>(std::ranges::count(lent_, true));
	lending_.offer(borrowers_, count, lent_[buffer]);
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

	Freed freed; /* is destroyed after the lock is free again */
	std::lock_guard lock(mutex_);
	if (inodes_[buffer] && inodes_[buffer] != status.st_ino)
		return Error{EINVAL, "buffer " + std::to_string(buffer) +
					     " has a new dma-buf, but readers have its old one"};
	inodes_[buffer] = status.st_ino;
	published_++;
	offer(buffer);

	std::optional<Announcement> announcement;
	const bool isNew = std::ranges::any_of(clients_, [buffer](const Client &client) {
		return client.isReader() && client.borrower.gets && !client.knows[buffer];
	});
	if (isNew) {
		Result<Announcement> prepared = prepare(buffer, **layout);
		if (prepared) {
			announcement.emplace(*std::move(prepared));
			isShort_ = false;
		} else if (isShortage(prepared.error().code)) {
			logShortage("cannot lend buffer " + std::to_string(buffer) +
				    " to new readers: " + prepared.error().what);
		} else {
			return prepared.error();
		}
	}

	unsigned int count = 0;
	for (Client &client : clients_) {
		if (!client.isReader())
			continue;
		if (!client.borrower.gets || (!client.knows[buffer] && !announcement)) {
			miss(&client, &freed);
			continue;
		}

		const Result<void> lent =
			lend(&client, frame, announcement ? &*announcement : nullptr);
		if (lent) {
			count++;
		} else if (lent.error().code == EPIPE || lent.error().code == ECONNRESET) {
			/* Seen here before the other thread has heard of it. */
			letGo(&client, 0, {}, &freed);
		} else if (isShortage(lent.error().code)) {
			logShortage("cannot lend buffer " + std::to_string(buffer) + ": " +
				    lent.error().what);
			miss(&client, &freed);
		} else {
			letGo(&client, EPIPE, "the reader does not read its messages", &freed);
		}
	}

	return count;
}

Result<void> FrameServer::Impl::lend(Client *client, const cmacam::Frame &frame,
				     const Announcement *announcement)
{
	const unsigned int buffer = frame.buffer();
	if (!client->knows[buffer]) {
		if (Result<void> announced =
			    sendPacket(client->socket.get(), share::bytesOf(announcement->message),
				       announcement->descriptors);
		    !announced)
			return announced;
		client->knows[buffer] = true;
	}

	share::Frame message;
	message.buffer = buffer;
	message.serial = ++client->serial;
	message.setInfo(frame.info());
	message.missed = client->missed;
	if (Result<void> sent = sendPacket(client->socket.get(), share::bytesOf(message)); !sent)
		return sent;

	client->loans.push_back({frame.share(), message.serial, published_});
	client->loans.back().frame.hold("reader " + std::to_string(client->pid));
	client->missedInARow = 0;

	return {};
}

Result<FrameServer::Impl::Announcement> FrameServer::Impl::prepare(unsigned int buffer,
								   const FrameLayout &layout) const
{
	Announcement announcement;
	share::Buffer &message = announcement.message;
	message.buffer = buffer;
	message.format = formatInfo(layout.format).drm;
	message.width = layout.width;
	message.height = layout.height;
	message.planeCount = static_cast<std::uint32_t>(layout.planes.size());
	std::memset(message.planes, 0, sizeof(message.planes));

	std::vector<int> known;
	for (std::size_t i = 0; i < layout.planes.size(); i++) {
		const PlaneLayout &plane = layout.planes[i];
		auto found = std::ranges::find(known, plane.fd);
		if (found == known.end())
			found = known.insert(found, plane.fd);
		message.planes[i] = {plane.offset, plane.length, plane.stride,
				     static_cast<std::uint32_t>(found - known.begin())};
	}
	if (options_.writable) {
		announcement.descriptors = std::move(known);
		return announcement;
	}

	for (int fd : known) {
		Result<UniqueFd> reader = readOnlyDmaBuf(fd);
		if (!reader && reader.error().code == EOPNOTSUPP)
			return Error{EOPNOTSUPP,
				     reader.error().what +
					     "; with ShareOptions::writable, readers get buffers "
					     "that they can write to"};
		if (!reader)
			return reader.error();
		announcement.descriptors.push_back(reader->get());
		announcement.owned.push_back(*std::move(reader));
	}

	return announcement;
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
		if (client.isReader())
			all.push_back({client.pid, client.borrower.credits,
				       static_cast<unsigned int>(client.loans.size()),
				       client.missed});
	}

	return all;
}

void FrameServer::Impl::letAllGo(const std::string &reason)
{
	Freed freed; /* is destroyed after the lock is free again */
	std::lock_guard lock(mutex_);
	for (Client &client : clients_)
		letGo(&client, ESHUTDOWN, reason, &freed);
}

void FrameServer::Impl::listen(const std::stop_token &stop)
{
	std::vector<pollfd> polled;
	std::vector<Client *> order;

	while (true) {
		const bool ends = stop.stop_requested();
		std::list<Client> gone; /* closed after the lock */
		std::vector<std::string> lines;
		{
			std::lock_guard lock(mutex_);
			for (auto client = clients_.begin(); client != clients_.end();) {
				const auto next = std::next(client);
				if (client->gone)
					gone.splice(gone.end(), clients_, client);
				client = next;
			}
			lines.swap(lines_);

			polled = {{event_.get(), POLLIN, 0}, {socket_.fd.get(), POLLIN, 0}};
			order.clear();
			for (Client &client : clients_) {
				polled.push_back({client.socket.get(), POLLIN, 0});
				order.push_back(&client);
			}
		}
		for (const std::string &line : lines)
			options_.log(line);
		for (const Client &client : gone)
			drain(client);
		gone.clear();
		if (ends)
			return;

		int timeout = -1;
		if (Clock::now() < acceptAgain_) {
			polled[1].events = 0;
			timeout = static_cast<int>(kAcceptPause.count());
		}
		if (poll(polled.data(), polled.size(), timeout) < 0)
			continue;

		eventfd_t count;
		if (polled[0].revents)
			eventfd_read(event_.get(), &count);
		if (polled[1].revents)
			accept();
		for (std::size_t i = 0; i < order.size(); i++) {
			if (polled[i + 2].revents)
				hear(order[i]);
		}
	}
}

void FrameServer::Impl::accept()
{
	Client client;
	client.socket =
		UniqueFd(accept4(socket_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
	if (!client.socket.isValid()) {
		/*
		 * The reader goes on waiting, and poll() would return at once. Of a reader
		 * that has gone meanwhile nothing is left, and the next one may follow.
		 */
		const Error error = fromErrno("no reader can connect");
		if (!isShortage(error.code))
			return;
		acceptAgain_ = Clock::now() + kAcceptPause;
		std::lock_guard lock(mutex_);
		if (!std::exchange(acceptFails_, true))
			log(error.what);
		return;
	}
	acceptFails_ = false;
	client.pid = peerOf(client.socket.get());

	std::lock_guard lock(mutex_);
	/* Who does not say hello must not pile up. */
	const auto silent = [](const Client &one) { return !one.gone && !one.borrower.credits; };
	if (std::ranges::count_if(clients_, silent) >= kSilent) {
		Freed none;
		letGo(&*std::ranges::find_if(clients_, silent), ETIMEDOUT,
		      "the reader did not send a hello, and other readers wait", &none);
	}
	clients_.push_back(std::move(client));
}

/* All that the client has said; a client that has gone says an empty packet. */
void FrameServer::Impl::hear(Client *client)
{
	while (true) {
		share::Any message;
		const Result<std::size_t> size = receiveBytes(
			client->socket.get(), std::as_writable_bytes(std::span(&message, 1)));
		if (!size && size.error().code == EAGAIN)
			return;

		Freed freed; /* is destroyed after the lock is free again */
		std::lock_guard lock(mutex_);
		if (!size && (size.error().code == EMSGSIZE || size.error().code == EBADMSG))
			letGo(client, EPROTO, size.error().what, &freed);
		else if (!size || !*size)
			letGo(client, 0, "", &freed);
		else if (!client->gone)
			understand(client, message, *size, &freed);
		if (client->gone)
			return;
	}
}

void FrameServer::Impl::understand(Client *client, const share::Any &message, std::size_t size,
				   Freed *freed)
{
	const share::Header &header = message.header;
	const bool isReader = client->borrower.credits;
	if (size < sizeof(header) || header.magic != share::kMagic) {
		letGo(client, EPROTO, "the reader sent data that is not a message", freed);
	} else if (header.version != share::kVersion) {
		letGo(client, EPROTO,
		      "the server speaks version " + std::to_string(share::kVersion) +
			      ", the reader speaks version " + std::to_string(header.version),
		      freed);
	} else if (!isReader && header.type == share::Type::Hello && size == sizeof(share::Hello)) {
		hello(client, message.hello);
	} else if (isReader && header.type == share::Type::Return &&
		   size == sizeof(share::Return)) {
		takeBack(client, message.back, freed);
	} else {
		letGo(client, EPROTO,
		      "a message of type " +
			      std::to_string(static_cast<unsigned int>(header.type)) + " with " +
			      std::to_string(size) + " bytes is not expected here",
		      freed);
	}
}

void FrameServer::Impl::hello(Client *client, const share::Hello &hello)
{
	Freed none;
	const auto readers =
		std::ranges::count_if(clients_, [](const Client &one) { return one.isReader(); });
	if (std::cmp_greater_equal(readers, options_.readers)) {
		letGo(client, EUSERS,
		      "the server already has its maximum of " + std::to_string(options_.readers) +
			      " readers",
		      &none);
		return;
	}

	client->borrower = lending_.newcomer(std::clamp(hello.credits, 1U, options_.credits));
	client->knows.resize(options_.buffers);

	share::Welcome welcome;
	welcome.credits = client->borrower.credits;
	welcome.buffers = options_.buffers;
	if (Result<void> sent = sendPacket(client->socket.get(), share::bytesOf(welcome)); !sent) {
		letGo(client, sent.error().code, sent.error().what, &none);
		return;
	}

	log(*client,
	    "has connected, with " + std::to_string(client->borrower.credits) + " credits");
	const unsigned int lendable = options_.buffers - options_.reserve;
	if (readers + 1 > lendable && !std::exchange(isCrowded_, true))
		log("there are more readers than buffers that may be lent, " +
		    std::to_string(lendable) + " of " + std::to_string(options_.buffers) +
		    ": readers that keep frames make the others miss frames");
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

	updateHold(client, *loan);
	freed->push_back(std::move(*loan));
	client->loans.erase(loan);
}

void FrameServer::Impl::updateHold(Client *client, const Loan &loan)
{
	client->borrower.hold = static_cast<unsigned int>(published_ - loan.published);
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
	if (!client->loans.empty())
		updateHold(client, client->loans.front());
	lending_.hasLeft(client->borrower);
	std::ranges::move(client->loans, std::back_inserter(*freed));
	client->loans.clear();
	/* Wakes the thread that listens, which closes the socket. */
	shutdown(client->socket.get(), SHUT_RDWR);
}

/* What is closed with something left to hear resets the other's side, farewell and all. */
void FrameServer::Impl::drain(const Client &client)
{
	share::Any rest;
	Result<std::size_t> size = std::size_t{0};
	do {
		size = receiveBytes(client.socket.get(),
				    std::as_writable_bytes(std::span(&rest, 1)));
	} while (size ? *size > 0 : size.error().code == EMSGSIZE || size.error().code == EBADMSG);
}

void FrameServer::Impl::log(const Client &client, const std::string &what)
{
	log("reader " + std::to_string(client.pid) + " " + what);
}

/* The thread that listens logs the line. */
void FrameServer::Impl::log(std::string line)
{
	if (!options_.log)
		return;
	lines_.push_back(std::move(line));
	eventfd_write(event_.get(), 1);
}

void FrameServer::Impl::logShortage(const std::string &what)
{
	if (!std::exchange(isShort_, true))
		log(what);
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
	if (!impl_)
		return;
	impl_->letAllGo(reason);
	/* The log may ask this object for the last time. */
	impl_->stop();
	impl_.reset();
}

} /* namespace cmacam */
