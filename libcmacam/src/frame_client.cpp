/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the frames that another process lends.
 */

#include <cmacam/sharing.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <utility>

#include <cmacam/mapping_pair.h>

#include "errno_error.h"
#include "packet_socket.h"
#include "share_protocol.h"

namespace cmacam {

namespace {

using Clock = std::chrono::steady_clock;

const Error kClientClosed = {EPERM, "the client was closed"};

Error brokenProtocol(const std::string &what)
{
	return {EPROTO, "the server broke the protocol: " + what};
}

Result<void> waitFor(int socket, int closing, Clock::time_point end)
{
	while (true) {
		const auto left =
			std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
		std::array<pollfd, 2> polled{pollfd{socket, POLLIN, 0}, pollfd{closing, POLLIN, 0}};
		const int ret = poll(polled.data(), polled.size(),
				     static_cast<int>(std::clamp<long long>(left, 0, INT_MAX)));
		if (ret > 0 && polled[1].revents)
			return kClientClosed;
		if (ret > 0)
			return {};
		if (ret == 0)
			return Error{ETIMEDOUT, "the server does not answer"};
		if (errno != EINTR)
			return fromErrno("poll");
	}
}

Result<FrameLayout> layoutOf(const share::Buffer &message, const Packet &packet)
{
	const FormatInfo *info = findDrmFormat(message.format);
	if (!info || message.planeCount != info->planeCount)
		return brokenProtocol("a buffer has an unknown format");

	FrameLayout layout{info->format, message.width, message.height, {}};
	for (std::size_t i = 0; i < info->planeCount; i++) {
		const share::Plane &plane = message.planes[i];
		const PlaneFormat &format = info->planes[i];
		if (plane.descriptor >= packet.descriptorCount)
			return brokenProtocol("a plane has no file descriptor");
		/* A process of 32 bits may receive frames from one of 64 bits. */
		if (!std::in_range<std::size_t>(plane.offset) ||
		    !std::in_range<std::size_t>(plane.length))
			return brokenProtocol("a plane does not fit into this process");
		layout.planes.push_back(
			{packet.descriptors[plane.descriptor].get(),
			 static_cast<std::size_t>(plane.offset),
			 static_cast<std::size_t>(plane.length), message.width / format.horizontal,
			 message.height / format.vertical, plane.stride, format.sampleSize});
	}

	return layout;
}

} /* namespace */

/* The connection and the buffers that were announced; the source of the frames. */
class FrameClient::Session final : public FrameSource, public std::enable_shared_from_this<Session>
{
public:
	Session(UniqueFd socket, UniqueFd closing)
		: socket_(std::move(socket)), closing_(std::move(closing))
	{
	}

	Result<void> greet(unsigned int credits, std::chrono::milliseconds timeout);
	Result<cmacam::Frame> next(std::chrono::milliseconds timeout);
	void close();
	Result<int> fd();

	unsigned int credits() const { return credits_; }
	std::uint64_t missed() const { return missed_; }

	Result<const FrameMapping *> mapping(unsigned int buffer, Stream stream,
					     Access access) override;
	void giveBack(unsigned int buffer) noexcept override;
	std::vector<NamedValue> metadata(unsigned int buffer) const override;

private:
	struct Slot
	{
		std::optional<MappingPair> pixels;
		FrameInfo info; /* of the frame that is held */
		std::uint32_t serial = 0;
		bool held = false;
	};

	Result<std::size_t> receive(share::Any *message, Packet *packet, Clock::time_point end);
	Result<void> learn(const share::Buffer &message, const Packet &packet);
	std::size_t countHeld();

	Result<cmacam::Frame> nextInTurn(std::chrono::milliseconds timeout, Clock::time_point end);
	Error noFrame(std::chrono::milliseconds timeout);

	UniqueFd socket_;
	/* An eventfd, which is readable after close(). */
	UniqueFd closing_;
	/* Both of them in an epoll, since the first fd(). mutex_ guards this member. */
	UniqueFd loop_;
	/* Of the threads in next(), the one that reads from the socket holds this lock. */
	std::timed_mutex turn_;
	unsigned int credits_ = 0;
	std::atomic<std::uint64_t> missed_ = 0;
	std::vector<Slot> slots_;
	std::optional<Error> broken_; /* a buffer was lost, and the server sends it only once */
	std::mutex mutex_;	      /* of what giveBack() shares with next(): serial, held */
};

/* One message that is not a farewell, and its size. */
Result<std::size_t> FrameClient::Session::receive(share::Any *message, Packet *packet,
						  Clock::time_point end)
{
	if (Result<void> ready = waitFor(socket_.get(), closing_.get(), end); !ready)
		return ready.error();

	Result<Packet> received =
		receivePacket(socket_.get(), std::as_writable_bytes(std::span(message, 1)));
	if (!received)
		return received.error();
	*packet = *std::move(received);
	if (!packet->size)
		return Error{ECONNRESET, "the frame server has ended"};

	if (packet->size < sizeof(share::Header) || message->header.magic != share::kMagic)
		return brokenProtocol("it sent data that is not a message");
	if (message->header.type == share::Type::Farewell &&
	    packet->size == sizeof(share::Farewell)) {
		message->farewell.text[sizeof(message->farewell.text) - 1] = '\0';
		const std::string reason(message->farewell.text);
		if (credits_)
			return Error{ECONNRESET, "the server disconnected this reader: " + reason};
		return Error{message->farewell.code > 0 ? message->farewell.code : EPROTO,
			     "the server refused this reader: " + reason};
	}
	if (message->header.version != share::kVersion)
		return Error{EPROTO, "the server speaks version " +
					     std::to_string(message->header.version) +
					     ", this reader speaks version " +
					     std::to_string(share::kVersion)};

	return packet->size;
}

Result<void> FrameClient::Session::greet(unsigned int credits, std::chrono::milliseconds timeout)
{
	share::Hello hello;
	hello.credits = credits;
	/* A server that refuses at once may have said so and gone. */
	const Result<void> sent = sendPacket(socket_.get(), share::bytesOf(hello));
	if (!sent && sent.error().code != EPIPE)
		return sent.error();

	share::Any message;
	Packet packet;
	const Result<std::size_t> size = receive(&message, &packet, Clock::now() + timeout);
	if (!size)
		return size.error();
	if (message.header.type != share::Type::Welcome || *size != sizeof(share::Welcome) ||
	    !message.welcome.credits)
		return brokenProtocol("its first message is not a welcome");

	credits_ = message.welcome.credits;
	slots_.resize(std::min(message.welcome.buffers, 1024U));

	return {};
}

Result<void> FrameClient::Session::learn(const share::Buffer &message, const Packet &packet)
{
	if (message.buffer >= slots_.size() || slots_[message.buffer].pixels)
		return brokenProtocol(
			"it announced a buffer that does not exist or was announced before");

	const Result<FrameLayout> layout = layoutOf(message, packet);
	if (!layout)
		return layout.error();
	Result<MappingPair> pixels = MappingPair::map(*layout);
	if (!pixels)
		return pixels.error();
	slots_[message.buffer].pixels.emplace(*std::move(pixels));

	return {};
}

/* Frames, which may have several leases each. */
std::size_t FrameClient::Session::countHeld()
{
	std::lock_guard lock(mutex_);
	return static_cast<std::size_t>(std::ranges::count(slots_, true, &Slot::held));
}

Error FrameClient::Session::noFrame(std::chrono::milliseconds timeout)
{
	const std::string within = "no frame within " + std::to_string(timeout.count()) + " ms";

	if (countHeld() >= credits_)
		return {EBUSY, within + ", this reader already holds " + std::to_string(credits_) +
				       " frames, its maximum: " + leases.describe()};
	return {ETIMEDOUT, within};
}

/* Once for all: a program that polls the epoll sees the end, whichever thread reads. */
void FrameClient::Session::close()
{
	static_cast<void>(eventfd_write(closing_.get(), 1));
}

Result<int> FrameClient::Session::fd()
{
	std::lock_guard lock(mutex_);
	if (loop_.isValid())
		return loop_.get();

	UniqueFd loop(epoll_create1(EPOLL_CLOEXEC));
	if (!loop.isValid())
		return fromErrno("epoll_create1");
	for (const int fd : {socket_.get(), closing_.get()}) {
		epoll_event event{};
		event.events = EPOLLIN;
		if (epoll_ctl(loop.get(), EPOLL_CTL_ADD, fd, &event) < 0)
			return fromErrno("epoll_ctl");
	}
	loop_ = std::move(loop);
	return loop_.get();
}

Result<Frame> FrameClient::Session::next(std::chrono::milliseconds timeout)
{
	const Clock::time_point end = Clock::now() + timeout;
	const std::unique_lock turn(turn_, end);

	return turn ? nextInTurn(timeout, end) : noFrame(timeout);
}

Result<Frame> FrameClient::Session::nextInTurn(std::chrono::milliseconds timeout,
					       Clock::time_point end)
{
	if (broken_)
		return *broken_;

	while (true) {
		share::Any message;
		Packet packet;
		const Result<std::size_t> size = receive(&message, &packet, end);
		if (!size && size.error().code == ETIMEDOUT)
			return noFrame(timeout);
		if (!size) {
			if (size.error().code == EMFILE)
				broken_ = size.error();
			return size.error();
		}

		if (message.header.type == share::Type::Buffer && *size == sizeof(share::Buffer)) {
			if (Result<void> learnt = learn(message.buffer, packet); !learnt) {
				broken_ = learnt.error();
				return *broken_;
			}
			continue;
		}
		if (message.header.type != share::Type::Frame || *size != sizeof(share::Frame))
			return brokenProtocol("it sent a message of the wrong type or size");

		const share::Frame &frame = message.frame;
		std::lock_guard lock(mutex_);
		if (frame.buffer >= slots_.size() || !slots_[frame.buffer].pixels ||
		    slots_[frame.buffer].held)
			return brokenProtocol(
				"it sent a frame in a buffer that is unknown or in use");
		slots_[frame.buffer].serial = frame.serial;
		slots_[frame.buffer].held = true;
		missed_ = frame.missed;

		slots_[frame.buffer].info = frame.info();

		return cmacam::Frame(shared_from_this(), frame.buffer, slots_[frame.buffer].info);
	}
}

Result<const FrameMapping *> FrameClient::Session::mapping(unsigned int buffer, Stream stream,
							   Access access)
{
	if (stream != Stream::Main)
		return Error{ENOENT, "a shared frame has only the main stream"};

	return slots_[buffer].pixels->get(access);
}

/*
 * With the names that the camera's process has for them. The buffer is the reader's, so
 * next() does not change what is known of its frame.
 */
std::vector<NamedValue> FrameClient::Session::metadata(unsigned int buffer) const
{
	return metadataOf(slots_[buffer].info);
}

void FrameClient::Session::giveBack(unsigned int buffer) noexcept
{
	std::lock_guard lock(mutex_);
	slots_[buffer].held = false;

	/*
	 * Cannot be refused for want of room: there are fewer on their way than
	 * there are credits. If the server has gone, next() says so.
	 */
	share::Return message;
	message.buffer = buffer;
	message.serial = slots_[buffer].serial;
	static_cast<void>(sendPacket(socket_.get(), share::bytesOf(message)));
}

Result<FrameClient> FrameClient::connect(const std::string &path, unsigned int credits,
					 std::chrono::milliseconds timeout)
{
	Result<UniqueFd> socket = connectTo(path);
	if (!socket)
		return socket.error();

	UniqueFd closing(eventfd(0, EFD_CLOEXEC));
	if (!closing.isValid())
		return fromErrno("eventfd");

	auto session = std::make_shared<Session>(*std::move(socket), std::move(closing));
	if (Result<void> result = session->greet(credits, timeout); !result)
		return result.error();

	return FrameClient(std::move(session));
}

FrameClient::FrameClient(std::shared_ptr<Session> session) : session_(std::move(session))
{
}
FrameClient::FrameClient(FrameClient &&) noexcept = default;
FrameClient &FrameClient::operator=(FrameClient &&) noexcept = default;
FrameClient::~FrameClient() = default;

void FrameClient::close()
{
	session_->close();
}

Result<int> FrameClient::fd()
{
	return session_->fd();
}

Result<Frame> FrameClient::next(std::chrono::milliseconds timeout)
{
	return session_->next(timeout);
}

unsigned int FrameClient::credits() const
{
	return session_->credits();
}

std::uint64_t FrameClient::missed() const
{
	return session_->missed();
}

std::vector<Holder> FrameClient::holders() const
{
	return session_->leases.holders();
}

} /* namespace cmacam */
