/* SPDX-License-Identifier: MIT */
/*
 * Runs one program, such as insmod, and writes the kernel code that its system calls reached. Of a
 * script, this is only the shell's part, because KCOV does not follow a fork.
 */

#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include "coverage_file.h"
#include "kcov.h"
#include "shared.h"

namespace {

/* Returns the exit status of the program. */
int runUnder(const fuzz::Kcov &kcov, char **command)
{
	const pid_t child = fork();
	if (child < 0)
		support::fail("fork");
	if (child == 0) {
		kcov.enable();
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	int status = 0;
	if (waitpid(child, &status, 0) != child)
		support::fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} /* namespace */

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: kcov_run FOLDER PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	try {
		/* The program may load a module, or unload one. */
		fuzz::CoverageFile file;
		file.noteSections();
		const fuzz::Kcov kcov;
		const int status = runUnder(kcov, argv + 2);
		file.noteSections();
		const fuzz::Shared<fuzz::PcSet> reached;
		kcov.collect(*reached);
		file.write(argv[1], *reached);
		return status;
	} catch (const std::exception &error) {
		fprintf(stderr, "kcov_run: %s\n", error.what());
		return EXIT_FAILURE;
	}
}
