/* SPDX-License-Identifier: MIT */
/* One of the processes that make calls. */
#pragma once

#include <optional>

#include "all_calls.h"
#include "kcov.h"
#include "settings.h"

namespace fuzz {

/* What a process inherits. */
struct Inheritance
{
	const Settings &settings;
	const Nodes &nodes;
	const Offers &offers;
	const SharedFiles &files;
	const SocketPair &sockets;
	SharedState &shared;
};

class Worker
{
public:
	Worker(const Inheritance &inheritance, uint32_t number);

	/* The calls that a process makes. */
	const CallList &calls() const { return calls_; }
	/* Makes calls until there are enough, or until all processes must stop. */
	void run();

private:
	void beginBatch(uint64_t call);

	const Settings &settings_;
	SharedState &shared_;
	const uint32_t number_;
	Descriptors descriptors_;
	Arena arena_;
	Plumbing plumbing_;
	Scratch scratch_;
	Ioctls ioctls_;
	CallList calls_;
	AllCalls groups_;
	std::optional<Kcov> kcov_;
};

} /* namespace fuzz */
