/* SPDX-License-Identifier: MIT */
/*
 * Counts how often a thread of libcamera wakes itself up, and checks that no
 * message waits for ever. For patches/libcamera/0002.
 */

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include <libcamera/base/event_dispatcher.h>
#include <libcamera/base/message.h>
#include <libcamera/base/object.h>
#include <libcamera/base/thread.h>
#include <libcamera/base/timer.h>

#include <sys/syscall.h>
#include <unistd.h>

using namespace libcamera;
using namespace std::chrono_literals;

namespace {

constexpr unsigned int kMessages = 100;
constexpr unsigned int kRounds = 10;
constexpr auto kLimit = 20s;

/* A write of this size wakes up an event loop: it goes to an eventfd. */
thread_local unsigned int wakeUps;

/* Posts a number of messages to itself, each from the handler of the one before. */
class Talker : public Object
{
public:
	std::future<unsigned int> done() { return done_.get_future(); }

protected:
	void message(Message *msg) override
	{
		if (msg->type() != Message::None) {
			Object::message(msg);
			return;
		}
		if (left_ == kMessages)
			wakeUps = 0;
		if (left_-- > 0)
			postMessage(std::make_unique<Message>(Message::None));
		else
			done_.set_value(wakeUps);
	}

private:
	int left_ = kMessages;
	std::promise<unsigned int> done_;
};

/* Posts a message to itself while no message is handled: from a timer. */
class Sleeper : public Object
{
public:
	Sleeper() : timer_(this) { timer_.timeout.connect(this, &Sleeper::timeout); }

	std::future<void> done() { return done_.get_future(); }

protected:
	void message(Message *msg) override
	{
		if (msg->type() != Message::None)
			Object::message(msg);
		else if (slept_)
			done_.set_value();
		else
			timer_.start(1ms);
	}

private:
	void timeout()
	{
		slept_ = true;
		postMessage(std::make_unique<Message>(Message::None));
	}

	Timer timer_;
	bool slept_ = false;
	std::promise<void> done_;
};

/* Lives in the main thread, and ends the wait of this thread. */
class Listener : public Object
{
public:
	bool heard() const { return heard_; }

protected:
	void message(Message *msg) override
	{
		if (msg->type() != Message::None) {
			Object::message(msg);
			return;
		}
		heard_ = true;
		Thread::current()->eventDispatcher()->interrupt();
	}

private:
	bool heard_ = false;
};

/*
 * Move an object to a thread, and post it a message. Returns false if it
 * needs longer than the limit.
 */
template <typename Receiver, typename Future>
bool run(Thread &thread, Receiver *receiver, const Future &done)
{
	receiver->moveToThread(&thread);
	receiver->postMessage(std::make_unique<Message>(Message::None));
	const bool inTime = done.wait_for(kLimit) == std::future_status::ready;
	receiver->deleteLater();
	return inTime;
}

bool sleeps(pid_t thread)
{
	std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
	const std::string text(std::istreambuf_iterator<char>(stat), {});
	const std::size_t name = text.rfind(") ");
	return name != std::string::npos && text[name + 2] == 'S';
}

/* A thread that libcamera does not know wakes up the main thread, which waits for events. */
bool wakeMain()
{
	Listener listener;
	Timer guard;
	guard.start(kLimit);
	std::atomic<bool> heard = false;
	std::thread poster([&listener, &heard, main = gettid()] {
		/* From its first question on, libcamera takes this thread for the main thread. */
		Thread::current();
		/* What counts is a message that comes while the main thread waits. */
		while (!sleeps(main) && !heard)
			std::this_thread::yield();
		listener.postMessage(std::make_unique<Message>(Message::None));
	});
	while (!listener.heard() && guard.isRunning())
		Thread::current()->eventDispatcher()->processEvents();
	heard = true;
	poster.join();
	return listener.heard() && guard.isRunning();
}

} /* namespace */

/* Takes the place of the C library's function, also for libcamera. */
extern "C" ssize_t write(int fd, const void *data, std::size_t size)
{
	if (size == sizeof(std::uint64_t))
		wakeUps++;
	return syscall(SYS_write, fd, data, size);
}

int main()
{
	Thread thread("probe");
	thread.start();

	auto talker = std::make_unique<Talker>();
	auto said = talker->done();
	const bool talked = run(thread, talker.release(), said);
	std::cout << "own messages=" << kMessages << " delivered=" << talked
		  << " wake_ups=" << (talked ? said.get() : 0) << std::endl;

	auto sleeper = std::make_unique<Sleeper>();
	auto woken = sleeper->done();
	std::cout << "timer delivered=" << run(thread, sleeper.release(), woken) << std::endl;

	unsigned int delivered = 0;
	while (delivered < kRounds && wakeMain())
		delivered++;
	std::cout << "main messages=" << kRounds << " delivered=" << delivered << std::endl;

	thread.exit();
	return thread.wait(kLimit) ? 0 : 1;
}
