/* SPDX-License-Identifier: MIT */
/*
 * Calls all nodes of the board, /dev/vb2-cma, the dma-heap and their dma-bufs in random order, from
 * several processes that share descriptors. Most arguments are valid. The seed decides the order:
 * with the same seed, process n makes the same kinds of calls in the same order. The results, and
 * the arguments that depend on earlier results, may differ, because the processes run at the same
 * time.
 */

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "runner.h"

namespace {

void list()
{
	const fuzz::Settings settings;
	const fuzz::Nodes nodes;
	const fuzz::Offers offers;
	const fuzz::SharedFiles files;
	const fuzz::SocketPair sockets;
	const fuzz::Shared<fuzz::SharedState> shared;
	const fuzz::Worker worker({settings, nodes, offers, files, sockets, *shared}, 0);
	for (const fuzz::Call &call : worker.calls().all())
		printf("%-5s %s\n", call.isIoctl ? "ioctl" : "call", call.name.c_str());
}

} /* namespace */

int main(int argc, char **argv)
{
	fuzz::Settings settings;
	bool onlyList = false;
	CLI::App app{"Call all nodes of the board in random order, with mostly valid arguments"};
	app.add_option("--seed", settings.seed, "decides the calls and their arguments")
		->capture_default_str();
	app.add_option("--seconds", settings.seconds, "stop after this time");
	app.add_option("--calls", settings.calls,
		       "stop after this number of calls, of all processes together");
	app.add_option("--processes", settings.processes, "number of processes")
		->check(CLI::Range(1u, fuzz::kMaxProcesses))
		->capture_default_str();
	app.add_option("--batch-seconds", settings.batchSeconds,
		       "end a process that needs more seconds for 64 calls")
		->check(CLI::PositiveNumber)
		->capture_default_str();
	app.add_option("--kcov", settings.kcov,
		       "write the code that the calls reached into this folder, for "
		       "tests/vm/coverage.py");
	app.add_flag("--list", onlyList, "list the calls");
	CLI11_PARSE(app, argc, argv);

	try {
		if (onlyList) {
			list();
			return EXIT_SUCCESS;
		}
		if (!settings.seconds && !settings.calls)
			throw std::invalid_argument("give --seconds or --calls");
		return fuzz::Runner(settings).run() ? EXIT_SUCCESS : EXIT_FAILURE;
	} catch (const std::exception &error) {
		fprintf(stderr, "fuzz_nodes: %s\n", error.what());
		return EXIT_FAILURE;
	}
}
