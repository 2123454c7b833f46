/* SPDX-License-Identifier: MIT */
/*
 * Sends raw frames over TCP with MSG_ZEROCOPY: the network device reads the
 * camera's own pages. A frame is kept until the kernel says that its pages have
 * been sent and acknowledged.
 */

#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>

namespace {

constexpr int kLimit = 30000; /* ms */

int fail(const std::string &what)
{
	std::fprintf(stderr, "sender: %s\n", what.c_str());
	return 1;
}

int failErrno(const std::string &what)
{
	return fail(what + ": " + std::strerror(errno));
}

/* A frame whose pages the kernel still needs. */
struct InFlight
{
	cmacam::Frame frame;
	std::uint32_t last; /* number of its last send */
};

/* Counts the sends as the kernel does, and lets go of frames that are through. */
class Connection
{
public:
	explicit Connection(int fd) : fd_(fd) {}

	int fd() const { return fd_.get(); }
	std::uint64_t copied() const { return copied_; }
	std::size_t inFlight() const { return frames_.size(); }

	bool send(cmacam::Frame frame, std::span<const std::byte> bytes)
	{
		while (!bytes.empty()) {
			const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(),
						    MSG_ZEROCOPY | MSG_NOSIGNAL);
			/* Too much is pinned: some of it has to come back first. */
			if (sent < 0 && errno == ENOBUFS && !frames_.empty() && reap())
				continue;
			if (sent < 0)
				return false;
			sends_++;
			bytes = bytes.subspan(static_cast<std::size_t>(sent));
		}
		frame.hold("network");
		frames_.push_back({std::move(frame), sends_ - 1});
		return true;
	}

	/* Wait for news of sends that are through (networking/msg_zerocopy.rst). */
	bool reap()
	{
		pollfd polled{fd(), 0, 0}; /* errors are always asked for */
		if (poll(&polled, 1, kLimit) <= 0)
			return false;

		alignas(cmsghdr) char control[128];
		msghdr message{};
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		if (recvmsg(fd(), &message, MSG_ERRQUEUE) < 0)
			return errno == EAGAIN && !(polled.revents & POLLHUP);

		for (cmsghdr *header = CMSG_FIRSTHDR(&message); header;
		     header = CMSG_NXTHDR(&message, header)) {
			sock_extended_err news{};
			std::memcpy(&news, CMSG_DATA(header), sizeof(news));
			if (news.ee_origin != SO_EE_ORIGIN_ZEROCOPY)
				continue;
			/* Sends ee_info to ee_data, which TCP finishes in order. */
			if (news.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
				copied_ += news.ee_data - news.ee_info + 1;
			while (!frames_.empty() && frames_.front().last <= news.ee_data)
				frames_.pop_front();
		}
		return true;
	}

private:
	const cmacam::UniqueFd fd_;
	std::deque<InFlight> frames_;
	std::uint32_t sends_ = 0;
	std::uint64_t copied_ = 0;
};

/* From the first byte of the first plane to the last byte of the last. */
std::span<const std::byte> wholeFrame(const cmacam::FrameView &frame)
{
	const std::byte *begin = frame.planes().front().data.data();
	const auto last = frame.planes().back().data;
	return {begin, last.data() + last.size()};
}

} /* namespace */

int main(int argc, char **argv)
{
	cmacam::CameraOptions options;
	options.main = {"NV12", 1280, 720};
	options.policy = cmacam::Policy::Block;
	std::string host = "127.0.0.1";
	std::uint16_t port = 5000;
	unsigned int frames = 30;

	CLI::App app("Sends raw frames over TCP without copying them.");
	app.add_option("--host", host, "IPv4 address to connect to")->capture_default_str();
	app.add_option("--port", port, "TCP port")->capture_default_str();
	app.add_option("--camera", options.id, "libcamera id; default: the first camera");
	app.add_option("--width", options.main.width, "pixels")->capture_default_str();
	app.add_option("--height", options.main.height, "lines")->capture_default_str();
	app.add_option("--frames", frames, "number of frames")->capture_default_str();
	CLI11_PARSE(app, argc, argv);

	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
		return fail("'" + host + "' is not an IPv4 address");

	Connection connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	const int on = 1;
	if (setsockopt(connection.fd(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) < 0)
		return failErrno("the socket does not support MSG_ZEROCOPY");
	if (connect(connection.fd(), reinterpret_cast<const sockaddr *>(&address),
		    sizeof(address)) < 0)
		return failErrno(host);

	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return fail(camera.error().what);
	if (auto started = camera->start(); !started)
		return fail(started.error().what);

	for (unsigned int i = 0; i < frames; i++) {
		/* Two for the camera; the rest may be on their way. */
		while (connection.inFlight() + 2 > camera->buffers()) {
			if (!connection.reap())
				return fail("the network is stuck");
		}
		auto frame = camera->next();
		if (!frame)
			return fail(frame.error().what);
		auto pixels = frame->map();
		if (!pixels)
			return fail(pixels.error().what);
		const auto bytes = wholeFrame(*pixels);
		std::printf("frame sequence=%u bytes=%zu\n", frame->sequence(), bytes.size());

		/* The mapping of the buffer stays; what ends here is the CPU's look at it. */
		if (auto ended = pixels->end(); !ended)
			return fail(ended.error().what);
		if (!connection.send(*std::move(frame), bytes))
			return failErrno("send");
	}
	while (connection.inFlight()) {
		if (!connection.reap())
			return fail("the network is stuck");
	}
	std::printf("sends that the kernel copied: %llu\n",
		    static_cast<unsigned long long>(connection.copied()));

	return 0;
}
