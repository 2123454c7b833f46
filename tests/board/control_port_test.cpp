/* SPDX-License-Identifier: MIT */
/*
 * The control port: answers, several clients, pieces of lines, reconnection.
 */
#include "control_port.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>

#include "machine.h"

using namespace cmacam::board;

namespace {

class Client
{
public:
	explicit Client(const std::string &path)
		: fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
	{
		sockaddr_un address{};
		address.sun_family = AF_UNIX;
		std::memcpy(address.sun_path, path.c_str(), path.size());
		EXPECT_EQ(
			connect(fd_.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)),
			0);
	}

	void send(std::string_view text)
	{
		EXPECT_EQ(::send(fd_.get(), text.data(), text.size(), 0),
			  static_cast<ssize_t>(text.size()));
	}
	std::string line()
	{
		std::string text;
		char c;
		while (recv(fd_.get(), &c, 1, 0) == 1 && c != '\n')
			text += c;
		return text;
	}
	std::string ask(const std::string &command)
	{
		send(command + "\n");
		return line();
	}

private:
	UniqueFd fd_;
};

class ControlPortTest : public testing::Test
{
protected:
	Machine m;
	const std::string path = testing::TempDir() + "board-ctl-" + std::to_string(getpid());
	ControlPort port{path, *m.engine};
};

} /* namespace */

TEST_F(ControlPortTest, SetsAndGets)
{
	Client client(path);
	EXPECT_EQ(client.ask("get fps"), "ok max");
	EXPECT_EQ(client.ask("set fps 25"), "ok");
	EXPECT_EQ(client.ask("get fps"), "ok 25");
	EXPECT_EQ(client.ask("set fps sensor"), "ok");
	EXPECT_EQ(client.ask("get fps"), "ok sensor");
	EXPECT_EQ(client.ask("set starved drop"), "ok");
	EXPECT_EQ(client.ask("get starved"), "ok drop");
	EXPECT_EQ(client.ask("set mark frame"), "ok");
	EXPECT_EQ(client.ask("get mark"), "ok frame");
	EXPECT_EQ(client.ask("set mark lines"), "ok");
	EXPECT_EQ(client.ask("get mark"), "ok lines");
	EXPECT_EQ(client.ask("set digest sha256"), "ok");
	EXPECT_EQ(client.ask("get digest"), "ok sha256");
	EXPECT_EQ(client.ask("get light"), "ok 0");
	EXPECT_EQ(client.ask("set light -2.5"), "ok");
	EXPECT_EQ(client.ask("get light"), "ok -2.5");
	EXPECT_EQ(client.ask("get light-temperature"), "ok 5500");
	EXPECT_EQ(client.ask("set light-temperature 3000"), "ok");
	EXPECT_EQ(client.ask("get light-temperature"), "ok 3000");
	EXPECT_EQ(client.ask("get flicker"), "ok off");
	EXPECT_EQ(client.ask("set flicker 100,40"), "ok");
	EXPECT_EQ(client.ask("get flicker"), "ok 100,40");
	EXPECT_EQ(client.ask("set flicker off"), "ok");
	EXPECT_EQ(client.ask("get flicker"), "ok off");
}

TEST_F(ControlPortTest, ErrorsNameWhatWouldDo)
{
	Client client(path);
	EXPECT_EQ(client.ask("set starved never"),
		  "error starved must be drop or hold, not 'never'");
	EXPECT_EQ(client.ask("get nothing"), "error there is no key 'nothing'");
	EXPECT_EQ(client.ask("set nothing 1"),
		  "error there is no key 'nothing', only fps, starved, mark, digest, light, "
		  "light-temperature and flicker");
	EXPECT_EQ(client.ask("fault fire"),
		  "error there is no fault 'fire', only bus-error, lose-irq, drop, torn, stuck, "
		  "stuck-reset, read-ones, unreachable");
	EXPECT_EQ(client.ask("fault drop 1 3"), "error there is no channel 3, only 0 to 2");
	EXPECT_EQ(client.ask("fault drop 1 main"), "error a channel is a number, not 'main'");
	EXPECT_EQ(client.ask("fault drop many"),
		  "error the count of frames is a number, not 'many'");
	for (const char *command : {"", "set", "set fps", "get", "get fps now", "fault", "hello"})
		EXPECT_EQ(client.ask(command).substr(0, 20), "error a command is '") << command;
	for (const char *fps : {"0", "-1", "1001", "25x", "1e3", "fast"})
		EXPECT_EQ(client.ask(std::string("set fps ") + fps).substr(0, 18),
			  "error fps must be ")
			<< fps;
	for (const char *light : {"8.1", "-9", "nan", "bright", "1x"})
		EXPECT_EQ(client.ask(std::string("set light ") + light),
			  std::string("error light must be -8 to 8 stops, not '") + light + "'");
	EXPECT_EQ(client.ask("set light-temperature 1999"),
		  "error light-temperature must be 2000 to 10000 K, not '1999'");
	for (const char *flicker : {"100", "0,40", "100,", "100,101", "nan,40", "100,40,1", "on"})
		EXPECT_EQ(client.ask(std::string("set flicker ") + flicker),
			  std::string("error flicker must be off or HZ,PERCENT: 1 to 1000 Hz and 0 "
				      "to 100 percent, not '") +
				  flicker + "'");
	EXPECT_EQ(client.ask("get light"), "ok 0");
	EXPECT_EQ(client.ask("get flicker"), "ok off");
	EXPECT_EQ(client.ask("get fps"), "ok max") << "errors change nothing";
}

TEST_F(ControlPortTest, FaultsSpoilFrames)
{
	Client client(path);
	EXPECT_EQ(client.ask("fault torn"), "ok");
	m.configure();
	m.enable();
	m.commit(Machine::buffer(0));
	EXPECT_EQ(m.next()->flags, CMACAM_DONE_SHORT);
	m.commit(Machine::buffer(0));
	EXPECT_EQ(m.next()->flags, 0u);

	EXPECT_EQ(client.ask("fault bus-error 5"), "ok");
	EXPECT_EQ(client.ask("fault bus-error 0"), "ok");
	m.commit(Machine::buffer(0));
	EXPECT_EQ(m.next()->flags, 0u) << "0 takes a fault back";
}

TEST_F(ControlPortTest, LinesComeInAnyPieces)
{
	Client client(path);
	client.send("get f");
	client.send("ps\nget starved\r\nget ma");
	EXPECT_EQ(client.line(), "ok max");
	EXPECT_EQ(client.line(), "ok hold");
	client.send("rk\n");
	EXPECT_EQ(client.line(), "ok off");
}

TEST_F(ControlPortTest, ClientsComeAndGo)
{
	Client stays(path);
	for (int i = 0; i < 3; i++) {
		Client client(path);
		EXPECT_EQ(client.ask("get fps"), "ok max");
		EXPECT_EQ(stays.ask("get mark"), "ok off");
		client.send("an incomplete li");
	}
}

TEST_F(ControlPortTest, EndlessLinesAreRefused)
{
	Client client(path);
	client.send(std::string(300, 'x'));
	EXPECT_EQ(client.line(), "error a command has at most 256 bytes");
	client.send("\n");
	client.line();
	EXPECT_EQ(client.ask("get fps"), "ok max");
}

class UnixListenerTest : public testing::Test
{
protected:
	~UnixListenerTest() override { unlink(path.c_str()); }

	int refusal() const
	{
		try {
			const UnixListener listener(path);
		} catch (const std::system_error &error) {
			return error.code().value();
		}
		return 0;
	}

	const std::string path = testing::TempDir() + "board-sock-" + std::to_string(getpid());
};

TEST_F(UnixListenerTest, TakesOverADeadSocketButNotALivingOne)
{
	{
		UniqueFd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
		sockaddr_un address{};
		address.sun_family = AF_UNIX;
		std::memcpy(address.sun_path, path.c_str(), path.size());
		ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)),
			  0);
	}
	UnixListener living(path);
	EXPECT_EQ(refusal(), EADDRINUSE);
	EXPECT_NE(access(path.c_str(), F_OK), -1);
	EXPECT_THROW(UnixListener(std::string(108, 'x')), std::invalid_argument);
	EXPECT_THROW(UnixListener("/nowhere/socket"), std::system_error);
}

TEST_F(UnixListenerTest, KeepsAFile)
{
	std::ofstream(path) << "video";
	EXPECT_EQ(refusal(), EEXIST);
	EXPECT_EQ(std::filesystem::file_size(path), 5U);
}

TEST_F(UnixListenerTest, RemovesOnlyItsOwnSocket)
{
	{
		const UnixListener listener(path);
		unlink(path.c_str());
		std::ofstream(path) << "video";
	}
	EXPECT_EQ(std::filesystem::file_size(path), 5U);
}
