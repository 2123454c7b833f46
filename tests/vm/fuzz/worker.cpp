/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <csignal>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace fuzz {

namespace {

void setLimit(__rlimit_resource_t resource, rlim_t limit)
{
	const rlimit both{limit, limit};
	if (setrlimit(resource, &both))
		support::fail("setrlimit");
}

} /* namespace */

Worker::Worker(const Inheritance &inheritance, uint32_t number)
	: settings_(inheritance.settings),
	  shared_(inheritance.shared),
	  number_(number),
	  descriptors_(inheritance.nodes, inheritance.files),
	  plumbing_(descriptors_, inheritance.sockets),
	  ioctls_(descriptors_),
	  calls_(inheritance.shared.counters),
	  groups_({inheritance.offers, descriptors_, arena_, plumbing_, scratch_, ioctls_,
		   inheritance.shared},
		  calls_)
{
	descriptors_.keep(arena_.file());
}

void Worker::beginBatch(uint64_t call)
{
	/* The default action of the signal ends a process that hangs in a call. */
	alarm(settings_.batchSeconds);
	descriptors_.closeUnknown();
	if (call % kMappingCalls == 0)
		arena_.clear();
}

void Worker::run()
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	setLimit(RLIMIT_NOFILE, kMaxDescriptors);
	/* A child that touches memory without access would write a core file. */
	setLimit(RLIMIT_CORE, 0);
	if (!settings_.kcov.empty()) {
		kcov_.emplace();
		descriptors_.keep(kcov_->file());
		kcov_->enable();
	}

	Progress &progress = shared_.processes[number_];
	const uint64_t enough =
		settings_.calls ? settings_.calls / settings_.processes : UINT64_MAX;
	bool begun = false;
	for (uint64_t call; (call = progress.next) < enough && !shared_.stop;) {
		if (!begun || call % kBatchCalls == 0)
			beginBatch(call);
		begun = true;
		/* If this call kills the process, the next one goes on behind it. */
		progress.next = call + 1;
		Random random = Random::forCall(settings_.seed, number_, call);
		const CallId chosen = calls_.choose(random);
		progress.call = chosen;
		calls_.make(chosen, random);
		if (kcov_)
			kcov_->collect(shared_.coverage);
	}
}

} /* namespace fuzz */
