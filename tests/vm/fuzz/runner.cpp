/* SPDX-License-Identifier: MIT */
#include "runner.h"

#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coverage_file.h"

namespace fuzz {

namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 50ms;
constexpr auto kProgress = 10s;
/* For a process to die after SIGKILL. */
constexpr auto kDeath = 30s;

SharedFiles openAll(const Nodes &nodes)
{
	SharedFiles files;
	for (const Kind kind : kAllKinds)
		files[indexOf(kind)] = support::Fd::open(nodes.path(kind), O_RDWR | O_NONBLOCK);
	return files;
}

SocketPair makeSockets()
{
	std::array<int, 2> ends;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()))
		support::fail("socketpair");
	return {support::Fd(ends[0]), support::Fd(ends[1])};
}

void sleepFor(std::chrono::microseconds time)
{
	usleep(time.count());
}

/* What ended a process. */
std::string reasonOf(int status)
{
	if (WIFEXITED(status))
		return "ended with status " + std::to_string(WEXITSTATUS(status));
	if (WTERMSIG(status) == SIGALRM)
		return "hung";
	return "died by signal " + std::to_string(WTERMSIG(status));
}

} /* namespace */

Runner::Runner(const Settings &settings)
	: settings_(settings),
	  nodes_(Nodes::find()),
	  offers_(nodes_),
	  files_(openAll(nodes_)),
	  sockets_(makeSockets())
{
}

Inheritance Runner::inheritance() const
{
	return {settings_, nodes_, offers_, files_, sockets_, *shared_};
}

void Runner::start(uint32_t number)
{
	fflush(nullptr);
	const pid_t pid = fork();
	if (pid < 0)
		support::fail("fork");
	if (pid) {
		pids_[number] = pid;
		return;
	}

	int status = EXIT_FAILURE;
	try {
		Worker(inheritance(), number).run();
		status = EXIT_SUCCESS;
	} catch (const std::exception &error) {
		fprintf(stderr, "process %u: %s\n", number, error.what());
	}
	_exit(status);
}

std::string Runner::place(uint32_t number) const
{
	const Progress &progress = shared_->processes[number];
	return "call " + std::to_string(progress.next - 1) + " (" +
	       names_.calls().all()[progress.call].name + ")";
}

void Runner::noteDeath(uint32_t number, int status)
{
	const bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
	(hung ? hangs_ : deaths_)++;
	fprintf(stderr, "process %u %s in %s\n", number, reasonOf(status).c_str(),
		place(number).c_str());
	if (deaths_ + hangs_ >= kMaxDeaths)
		shared_->stop = true;
	if (!shared_->stop)
		start(number);
}

void Runner::reap()
{
	for (uint32_t number = 0; number < settings_.processes; number++) {
		int status;
		if (!pids_[number] || waitpid(pids_[number], &status, WNOHANG) != pids_[number])
			continue;
		pids_[number] = 0;
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			noteDeath(number, status);
	}
}

bool Runner::isRunning() const
{
	for (const pid_t pid : pids_)
		if (pid)
			return true;
	return false;
}

bool Runner::waitForEnd(std::chrono::seconds limit)
{
	const Clock::time_point end = Clock::now() + limit;
	for (reap(); isRunning(); reap()) {
		if (Clock::now() > end)
			return false;
		sleepFor(kPause);
	}
	return true;
}

/* Only those that do not stop by themselves are left. */
void Runner::killAll()
{
	for (uint32_t number = 0; number < settings_.processes; number++) {
		if (!pids_[number])
			continue;
		hangs_++;
		fprintf(stderr, "process %u does not end: it is in %s\n", number,
			place(number).c_str());
		kill(pids_[number], SIGKILL);
	}
	/* Their deaths are not reported again. */
	for (const Clock::time_point end = Clock::now() + kDeath; Clock::now() < end;) {
		bool left = false;
		for (pid_t &pid : pids_) {
			if (pid && waitpid(pid, nullptr, WNOHANG) == pid)
				pid = 0;
			left |= pid != 0;
		}
		if (!left)
			return;
		sleepFor(kPause);
	}
	fprintf(stderr, "a process does not even end after SIGKILL\n");
}

void Runner::printProgress() const
{
	const auto seconds =
		std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin_);
	fprintf(stderr, "%lld s: %" PRIu64 " calls, %u processes died, %u hung\n",
		static_cast<long long>(seconds.count()), shared_->counters.total(), deaths_,
		hangs_);
}

void Runner::writeCoverage() const
{
	CoverageFile file;
	file.noteSections();
	file.write(settings_.kcov, shared_->coverage);
}

bool Runner::run()
{
	for (uint32_t number = 0; number < settings_.processes; number++)
		start(number);

	Clock::time_point next = begin_ + kProgress;
	for (reap(); isRunning() && !shared_->stop; reap()) {
		const Clock::time_point now = Clock::now();
		if (settings_.seconds && now - begin_ >= std::chrono::seconds(settings_.seconds))
			shared_->stop = true;
		if (now >= next) {
			printProgress();
			next += kProgress;
		}
		sleepFor(kPause);
	}
	/* A process that hangs is ended by its own alarm first. */
	if (!waitForEnd(std::chrono::seconds(settings_.batchSeconds) + kDeath))
		killAll();
	printProgress();

	if (!settings_.kcov.empty())
		writeCoverage();
	names_.calls().print();
	printf("seed=%" PRIu64 " calls=%" PRIu64 " deaths=%u hangs=%u\n", settings_.seed,
	       shared_->counters.total(), deaths_, hangs_);
	return !deaths_ && !hangs_;
}

} /* namespace fuzz */
