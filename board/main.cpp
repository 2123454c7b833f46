/* SPDX-License-Identifier: MIT */
/*
 * cmacam-board: the camera board as a process beside QEMU.
 */
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <gst/gst.h>
#include <poll.h>
#include <sys/signalfd.h>

#include "board.h"
#include "control_port.h"
#include "engine/engine.h"
#include "log.h"
#include "minicam/minicam.h"
#include "options.h"
#include "source/image_source.h"
#include "source/pattern_source.h"
#include "source/video_source.h"
#include "unix_socket.h"
#include "vfio_user/server.h"

using namespace cmacam::board;

namespace {

constexpr int kFailed = 1;
constexpr int kBadInput = 2;

/* Blocked in every thread started later, so only the descriptor sees them. */
UniqueFd stopSignals()
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, nullptr);

	UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC));
	if (!fd.isValid())
		throw std::system_error(errno, std::generic_category(), "cannot make a signalfd");
	return fd;
}

std::unique_ptr<Source> makeSource(const Options &options)
{
	if (options.source == "pattern")
		return std::make_unique<PatternSource>();

	std::error_code ignored;
	if (!std::filesystem::is_regular_file(options.source, ignored))
		throw std::invalid_argument("the source '" + options.source +
					    "' is neither 'pattern' nor a file");

	if (ImageSource::recognises(options.source))
		return std::make_unique<ImageSource>(options.source);

	const auto atEnd = options.once ? VideoSource::AtEnd::KeepLast : VideoSource::AtEnd::Loop;
	return std::make_unique<VideoSource>(options.source, atEnd);
}

std::unique_ptr<Hardware> makeHardware(const Options &options, Source &source,
				       vfio_user::GuestMemory &memory,
				       vfio_user::Interrupts &interrupts, Log &log)
{
	if (options.minicam)
		return std::make_unique<Minicam>(options.settings, source, memory, interrupts, log);

	return std::make_unique<Engine>(options.caps, options.settings, source, memory, interrupts,
					log);
}

/* Invalid if a signal came first. */
UniqueFd waitForClient(UnixListener &listener, int stop)
{
	for (;;) {
		pollfd polls[] = {{listener.fd(), POLLIN, 0}, {stop, POLLIN, 0}};
		if (poll(polls, std::size(polls), -1) < 0 && errno != EINTR)
			throw std::system_error(errno, std::generic_category(), "cannot wait");
		if (polls[1].revents)
			return {};
		if (polls[0].revents) {
			UniqueFd client = listener.accept();
			if (client.isValid())
				return client;
		}
	}
}

void run(const Options &options)
{
	const UniqueFd stop = stopSignals();
	Log log = options.log.empty() ? Log() : Log(options.log);
	const std::unique_ptr<Source> source = makeSource(options);

	vfio_user::GuestMemory memory;
	vfio_user::Interrupts interrupts(CMACAM_MSIX_VECTORS);
	const std::unique_ptr<Hardware> hardware =
		makeHardware(options, *source, memory, interrupts, log);
	Board board(*hardware, memory);

	UnixListener listener(options.socket);
	std::optional<ControlPort> control;
	if (!options.control.empty())
		control.emplace(options.control, *hardware);

	std::cout << "listening on " << options.socket << std::endl;

	UniqueFd client = waitForClient(listener, stop.get());
	if (client.isValid())
		vfio_user::Server(board, memory, interrupts).serve(std::move(client), stop.get());
}

} /* namespace */

int main(int argc, char **argv)
{
	int status = 0;
	const std::optional<Options> options = parseOptions(argc, argv, status);
	if (!options)
		return status;

	gst_init(nullptr, nullptr);

	try {
		run(*options);
	} catch (const std::invalid_argument &error) {
		std::cerr << "cmacam-board: " << error.what() << "\n";
		return kBadInput;
	} catch (const std::exception &error) {
		std::cerr << "cmacam-board: " << error.what() << "\n";
		return kFailed;
	}

	return 0;
}
