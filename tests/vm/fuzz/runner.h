/* SPDX-License-Identifier: MIT */
/* Starts the processes, starts those that die again, and ends all of them. */
#pragma once

#include <array>
#include <chrono>
#include <sys/types.h>

#include "shared.h"
#include "worker.h"

namespace fuzz {

class Runner
{
public:
	/* Finds the nodes and opens them. Throws if one is missing. */
	explicit Runner(const Settings &settings);

	/* Runs the processes to their end. Prints the table. Returns true if nothing went wrong. */
	bool run();

private:
	using Clock = std::chrono::steady_clock;

	Inheritance inheritance() const;
	void start(uint32_t number);
	/* Notes the processes that have ended. Those that died are started again. */
	void reap();
	void noteDeath(uint32_t number, int status);
	bool isRunning() const;
	/* Calls reap() until no process runs. Returns false if the time is over before. */
	bool waitForEnd(std::chrono::seconds limit);
	void killAll();
	void printProgress() const;
	void writeCoverage() const;
	std::string place(uint32_t number) const;

	const Settings &settings_;
	const Nodes nodes_;
	const Offers offers_;
	const SharedFiles files_;
	const SocketPair sockets_;
	const Shared<SharedState> shared_;
	/* It makes no calls, but knows their names. */
	const Worker names_{inheritance(), 0};
	std::array<pid_t, kMaxProcesses> pids_{};
	const Clock::time_point begin_ = Clock::now();
	uint32_t deaths_ = 0;
	uint32_t hangs_ = 0;
};

} /* namespace fuzz */
