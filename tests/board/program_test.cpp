/* SPDX-License-Identifier: MIT */
/*
 * The program as a whole: what it says and with which status it ends.
 */
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unique_fd.h"

using namespace cmacam::board;

namespace {

/* The board as a child, with what it writes to each stream. */
class Program
{
public:
	explicit Program(const std::vector<std::string> &arguments)
	{
		int out[2], err[2];
		EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
		EXPECT_EQ(pipe2(err, O_CLOEXEC), 0);

		std::vector<char *> argv = {const_cast<char *>(BOARD_PROGRAM)};
		for (const std::string &argument : arguments)
			argv.push_back(const_cast<char *>(argument.c_str()));
		argv.push_back(nullptr);

		child_ = fork();
		if (!child_) {
			dup2(out[1], STDOUT_FILENO);
			dup2(err[1], STDERR_FILENO);
			execv(BOARD_PROGRAM, argv.data());
			_exit(127);
		}
		close(out[1]);
		close(err[1]);
		out_.reset(out[0]);
		err_.reset(err[0]);
	}
	~Program()
	{
		if (child_ > 0) {
			kill(child_, SIGKILL);
			waitpid(child_, nullptr, 0);
		}
	}
	Program(const Program &) = delete;
	Program &operator=(const Program &) = delete;

	std::string line() { return readUntil(out_.get(), '\n'); }
	std::string output() { return readUntil(out_.get(), '\0'); }
	std::string errors() { return readUntil(err_.get(), '\0'); }
	void signal(int number) { kill(child_, number); }
	/* The exit status, or -1 if a signal ended it. */
	int wait()
	{
		int status = 0;
		waitpid(child_, &status, 0);
		child_ = 0;
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}

private:
	static std::string readUntil(int fd, char end)
	{
		std::string text;
		char c;
		while (read(fd, &c, 1) == 1 && c != end)
			text += c;
		return text;
	}

	pid_t child_;
	UniqueFd out_, err_;
};

class ProgramTest : public testing::Test
{
protected:
	static void SetUpTestSuite() { std::ofstream(broken_) << "\x89PNG and nothing more"; }
	static void TearDownTestSuite() { unlink(broken_.c_str()); }
	static inline const std::string broken_ =
		testing::TempDir() + "board-prog-png-" + std::to_string(getpid());

	~ProgramTest() override
	{
		EXPECT_NE(access(socket.c_str(), F_OK), 0) << "the socket was left behind";
		unlink(socket.c_str());
	}

	const std::string socket = testing::TempDir() + "board-prog-" + std::to_string(getpid());
};

} /* namespace */

TEST_F(ProgramTest, BadInputIsOneSentenceAndStatus2)
{
	const std::vector<std::vector<std::string>> bad = {
		{},
		{"--socket"},
		{"--socket", std::string(200, 'x')},
		{"--socket", socket, "extra"},
		{"--socket", socket, "--bogus"},
		{"--socket", socket, "--fps", "0"},
		{"--socket", socket, "--fps", "fast"},
		{"--socket", socket, "--starved", "never"},
		{"--socket", socket, "--mark", "words"},
		{"--socket", socket, "--digest", "md5"},
		{"--socket", socket, "--light", "9"},
		{"--socket", socket, "--light-temperature", "warm"},
		{"--socket", socket, "--flicker", "100"},
		{"--socket", socket, "--channels", "0"},
		{"--socket", socket, "--channels", "4"},
		{"--socket", socket, "--fifo", "0"},
		{"--socket", socket, "--fifo", "256"},
		{"--socket", socket, "--sensor", "3841x2160"},
		{"--socket", socket, "--sensor", "3840"},
		{"--socket", socket, "--sensor", "65534x65534"},
		{"--socket", socket, "--address-bits", "33"},
		{"--socket", socket, "--stride-align", "0"},
		{"--socket", socket, "--stride-align", "48"},
		{"--socket", socket, "--stride-align", "8192"},
		{"--socket", socket, "--register-version", "1"},
		{"--socket", socket, "--register-version", "65536.0"},
		{"--socket", socket, "--loop", "--once"},
		{"--socket", socket, "--minicam", "--fifo", "4"},
		{"--socket", socket, "--minicam", "--light", "1"},
		{"--socket", socket, "--source", "/nowhere/video.avi"},
		{"--socket", socket, "--source", BOARD_PROGRAM},
		{"--socket", socket, "--source", broken_},
	};

	for (const auto &arguments : bad) {
		Program program(arguments);
		const std::string said = program.errors();
		EXPECT_EQ(program.wait(), 2) << said;
		EXPECT_TRUE(said.starts_with("cmacam-board: ")) << said;
		EXPECT_EQ(said.find('\n'), said.size() - 1) << said;
	}
}

TEST_F(ProgramTest, WhatTheHostRefusesIsStatus1)
{
	for (const std::vector<std::string> &arguments :
	     {std::vector<std::string>{"--socket", "/nowhere/socket"},
	      {"--socket", socket, "--control", "/nowhere/socket"},
	      {"--socket", socket, "--log", "/nowhere/log"}}) {
		Program program(arguments);
		const std::string said = program.errors();
		EXPECT_EQ(program.wait(), 1) << said;
		EXPECT_NE(said.find("/nowhere/"), std::string::npos) << said;
	}
}

TEST_F(ProgramTest, FilesAtItsPathsAreKept)
{
	const std::string file = socket + ".mp4";
	for (const std::vector<std::string> &arguments :
	     {std::vector<std::string>{"--socket", file},
	      {"--socket", socket, "--control", file}}) {
		std::ofstream(file) << "video";
		Program program(arguments);
		EXPECT_EQ(program.line(), "") << "it listens";
		program.signal(SIGTERM);
		EXPECT_NE(program.errors().find(file + ": an ordinary file is there"),
			  std::string::npos);
		EXPECT_EQ(program.wait(), 1);
		EXPECT_EQ(std::filesystem::file_size(file), 5U);
	}

	/* A log goes on where the last one ended. */
	{
		Program program({"--socket", socket, "--log", file});
		EXPECT_EQ(program.line(), "listening on " + socket);
		program.signal(SIGTERM);
		EXPECT_EQ(program.wait(), 0);
	}
	EXPECT_EQ(std::filesystem::file_size(file), 5U);
	unlink(file.c_str());
}

TEST_F(ProgramTest, HelpNamesEveryOption)
{
	Program program({"--help"});
	const std::string help = program.output();
	EXPECT_EQ(program.wait(), 0);
	for (const char *option : {"--socket",
				   "--control",
				   "--log",
				   "--source",
				   "--once",
				   "--loop",
				   "--fps",
				   "--starved",
				   "--mark",
				   "--digest",
				   "--light",
				   "--light-temperature",
				   "--flicker",
				   "--channels",
				   "--fifo",
				   "--sensor",
				   "--address-bits",
				   "--stride-align",
				   "--register-version",
				   "--minicam"})
		EXPECT_NE(help.find(option), std::string::npos) << option;
}

TEST_F(ProgramTest, SignalsEndIt)
{
	for (int number : {SIGTERM, SIGINT}) {
		std::vector<std::string> arguments = {"--socket", socket, "--control",
						      socket + ".control"};
		if (number == SIGINT)
			arguments.push_back("--minicam");
		Program program(arguments);
		EXPECT_EQ(program.line(), "listening on " + socket);
		EXPECT_EQ(access((socket + ".control").c_str(), F_OK), 0);
		program.signal(number);
		EXPECT_EQ(program.wait(), 0);
		EXPECT_NE(access((socket + ".control").c_str(), F_OK), 0);
	}
}

TEST_F(ProgramTest, EndsWithItsClient)
{
	Program program({"--socket", socket});
	EXPECT_EQ(program.line(), "listening on " + socket);

	UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	sockaddr_un address{};
	address.sun_family = AF_UNIX;
	std::memcpy(address.sun_path, socket.c_str(), socket.size());
	ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)),
		  0);
	client.reset();
	EXPECT_EQ(program.wait(), 0);
}
