/* SPDX-License-Identifier: MIT */
/*
 * The control port: commands for a running board, one line each.
 */
#include "control_port.h"

#include <cerrno>
#include <charconv>
#include <optional>
#include <sstream>
#include <system_error>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace cmacam::board {

namespace {

/* Longer than any command: the client speaks something else. */
constexpr std::size_t kMaxLine = 256;

std::vector<std::string> wordsOf(std::string_view line)
{
	std::istringstream stream{std::string(line)};
	std::vector<std::string> words;

	for (std::string word; stream >> word;)
		words.push_back(std::move(word));
	return words;
}

bool parseCount(const std::string &text, uint32_t &count)
{
	const char *end = text.data() + text.size();
	const auto parsed = std::from_chars(text.data(), end, count);
	return parsed.ec == std::errc() && parsed.ptr == end;
}

std::string answer(const std::optional<std::string> &error)
{
	return error ? "error " + *error : "ok";
}

bool sendAll(int fd, std::string_view text)
{
	while (!text.empty()) {
		const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		text.remove_prefix(static_cast<std::size_t>(sent));
	}

	return true;
}

} /* namespace */

ControlPort::ControlPort(const std::string &path, Hardware &hardware)
	: hardware_(hardware), listener_(path), stop_(eventfd(0, EFD_CLOEXEC))
{
	if (!stop_.isValid())
		throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
	thread_ = std::thread([this] { run(); });
}

ControlPort::~ControlPort()
{
	eventfd_write(stop_.get(), 1);
	thread_.join();
}

std::string ControlPort::execute(Hardware &hardware, std::string_view command)
{
	const std::vector<std::string> words = wordsOf(command);
	const std::size_t count = words.size();

	if (count == 3 && words[0] == "set")
		return answer(hardware.set(words[1], words[2]));

	if (count == 2 && words[0] == "get") {
		if (const auto value = hardware.get(words[1]))
			return "ok " + *value;
		return "error there is no key '" + words[1] + "'";
	}

	if (count >= 2 && count <= 4 && words[0] == "fault") {
		uint32_t frames = 1;
		uint32_t channel = 0;
		if (count >= 3 && !parseCount(words[2], frames))
			return "error the count of frames is a number, not '" + words[2] + "'";
		if (count == 4 && !parseCount(words[3], channel))
			return "error a channel is a number, not '" + words[3] + "'";
		return answer(hardware.fault(words[1], frames, channel));
	}

	return "error a command is 'set KEY VALUE', 'get KEY' or 'fault KIND [COUNT [CHANNEL]]'";
}

void ControlPort::run()
{
	for (;;) {
		std::vector<pollfd> polls = {{stop_.get(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
		for (const Client &client : clients_)
			polls.push_back({client.fd.get(), POLLIN, 0});

		if (poll(polls.data(), polls.size(), -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (polls[0].revents)
			return;

		/* In the order of `polls`; who comes next is asked next time. */
		auto poll = polls.begin() + 2;
		for (auto client = clients_.begin(); client != clients_.end(); ++poll) {
			if (poll->revents && !serve(*client))
				client = clients_.erase(client);
			else
				++client;
		}

		if (polls[1].revents) {
			UniqueFd fd = listener_.accept();
			if (fd.isValid())
				clients_.push_back({std::move(fd), {}});
		}
	}
}

bool ControlPort::serve(Client &client)
{
	char buffer[kMaxLine];
	const ssize_t received = recv(client.fd.get(), buffer, sizeof(buffer), 0);
	if (received <= 0)
		return received < 0 && errno == EINTR;

	client.input.append(buffer, static_cast<std::size_t>(received));

	std::size_t end;
	while ((end = client.input.find('\n')) != std::string::npos) {
		const std::string reply = execute(hardware_, client.input.substr(0, end)) + "\n";
		client.input.erase(0, end + 1);
		if (!sendAll(client.fd.get(), reply))
			return false;
	}

	if (client.input.size() > kMaxLine) {
		client.input.clear();
		return sendAll(client.fd.get(), "error a command has at most 256 bytes\n");
	}

	return true;
}

} /* namespace cmacam::board */
