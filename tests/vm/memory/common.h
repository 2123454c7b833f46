/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the tests of frame memory: settings, bytes, child processes, and text files of the
 * kernel.
 */
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "support/fd.h"
#include "support/mapping.h"

using support::Fd;
using support::Mapping;

inline const size_t kPage = sysconf(_SC_PAGESIZE);

inline size_t wholePages(size_t bytes)
{
	return (bytes + kPage - 1) / kPage * kPage;
}

/* A setting that test_memory.py passes in the environment. */
inline std::string setting(const char *name)
{
	const char *value = getenv(name);
	if (!value)
		throw std::runtime_error(std::string(name) + " is not set");
	return value;
}

inline std::string because()
{
	return strerror(errno);
}

/* Throws if a necessary step failed. gtest reports the exception as a failure of the test. */
inline void must(bool done, const std::string &what)
{
	if (!done)
		support::fail(what);
}

using Bytes = std::vector<std::byte>;

inline Bytes copyOf(std::span<const std::byte> bytes)
{
	return {bytes.begin(), bytes.end()};
}

inline bool same(std::span<const std::byte> a, std::span<const std::byte> b)
{
	return a.size() == b.size() && memcmp(a.data(), b.data(), a.size()) == 0;
}

inline bool allAre(std::span<const std::byte> bytes, std::byte value)
{
	return bytes.empty() || (bytes.front() == value &&
				 memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/*
 * Runs `body` in a child process and returns the child's exit status. If a signal killed the
 * child, the test fails and the status is 127.
 */
inline int inChild(const std::function<int()> &body)
{
	fflush(nullptr);
	const pid_t child = fork();
	if (child == 0) {
		int status = 126;
		try {
			status = body();
		} catch (const std::exception &error) {
			fprintf(stderr, "child: %s\n", error.what());
		}
		fflush(nullptr);
		/* If an expectation failed in the child, the status is not 0. */
		_exit(status ? status : testing::Test::HasFailure());
	}
	int status = 0;
	EXPECT_EQ(waitpid(child, &status, 0), child) << because();
	EXPECT_TRUE(WIFEXITED(status)) << "the child died by signal " << WTERMSIG(status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/* By how much every limit grows in this machine, as in lib.py. */
inline unsigned int slower()
{
	const char *value = getenv("CMACAM_SLOWER");
	return value ? std::stoul(value) : 1;
}

/* Polls a condition for at most `seconds`. Returns its last value. */
template <typename Condition>
bool within(unsigned int seconds, Condition condition)
{
	for (unsigned int tries = seconds * slower() * 100; tries; tries--) {
		if (condition())
			return true;
		usleep(10'000);
	}
	return condition();
}

inline std::string contents(const std::string &path)
{
	std::ifstream file(path);
	EXPECT_TRUE(file) << path << ": " << because();
	std::ostringstream text;
	text << file.rdbuf();
	return text.str();
}

/* The value of `key` in a text of key=value pairs, or nothing. */
inline std::optional<uint64_t> word(std::string_view text, std::string_view key)
{
	const std::string wanted = std::string(key) + "=";
	for (size_t at = 0; (at = text.find(wanted, at)) != text.npos; at++)
		if (at == 0 || isspace(text[at - 1]))
			return strtoull(text.data() + at + wanted.size(), nullptr, 0);
	return {};
}
