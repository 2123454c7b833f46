/* SPDX-License-Identifier: MIT */
/* The seed decides the calls, and their results are counted. */

#include "call_list.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <gtest/gtest.h>
#include <memory>

#include "mutation.h"
#include "pc_set.h"

using namespace fuzz;

namespace {

constexpr uint32_t kCalls = 10'000;

class Calls : public testing::Test
{
protected:
	Calls()
	{
		calls_.add({"rare", true, 1, [](Random &) { return 0L; }});
		calls_.add({"frequent", true, 9, [](Random &random) {
				    errno = random.percent(50) ? EINVAL : EBUSY;
				    return -1L;
			    }});
	}

	std::vector<CallId> chosen(uint64_t seed, uint32_t process) const
	{
		std::vector<CallId> found;
		for (uint64_t number = 0; number < kCalls; number++) {
			Random random = Random::forCall(seed, process, number);
			found.push_back(calls_.choose(random));
		}
		return found;
	}

	const std::unique_ptr<Counters> counters_ = std::make_unique<Counters>();
	CallList calls_{*counters_};
};

TEST_F(Calls, TheSameSeedChoosesTheSameCalls)
{
	EXPECT_EQ(chosen(7, 1), chosen(7, 1));
	EXPECT_NE(chosen(7, 1), chosen(8, 1));
	EXPECT_NE(chosen(7, 1), chosen(7, 2));
}

TEST_F(Calls, TheWeightIsTheShareOfACall)
{
	const auto rare = std::ranges::count(chosen(7, 0), CallId{0});
	EXPECT_NEAR(rare, kCalls / 10, kCalls / 100);
}

TEST_F(Calls, ResultsAreCountedWithTheirErrors)
{
	Random random(1);
	for (int i = 0; i < 100; i++)
		calls_.make(1, random);
	calls_.make(0, random);
	EXPECT_EQ(counters_->succeeded(0), 1u);
	EXPECT_EQ(counters_->failed(0), 0u);
	EXPECT_EQ(counters_->succeeded(1), 0u);
	EXPECT_EQ(counters_->failed(1), 100u);
	EXPECT_EQ(counters_->total(), 101u);
	const std::string errors = counters_->errors(1);
	EXPECT_NE(errors.find("EINVAL:"), errors.npos) << errors;
	EXPECT_NE(errors.find("EBUSY:"), errors.npos) << errors;
}

TEST(Numbers, StayBelowTheirLimitAndReachIt)
{
	Random random(1);
	std::array<int, 3> seen{};
	for (uint32_t i = 0; i < kCalls; i++)
		seen.at(random.between(5, 7) - 5)++;
	EXPECT_TRUE(std::ranges::all_of(seen, [](int count) { return count > 3000; }));
	EXPECT_EQ(random.below(0), 0u);
}

TEST(Mutation, ChangesAnArgumentOfAnySize)
{
	Random random(1);
	for (size_t size = 1; size < 300; size++) {
		std::vector<std::byte> argument(size);
		const std::vector<std::byte> before = argument;
		for (int tries = 0; argument == before && tries < 100; tries++)
			mutate(random, argument);
		EXPECT_NE(argument, before) << size;
	}
}

TEST(Addresses, AreKeptOnceAndSorted)
{
	const auto set = std::make_unique<PcSet>();
	for (const uint64_t pc : {3, 1, 3, 2, 1})
		set->insert(pc);
	EXPECT_EQ(set->all(), (std::vector<uint64_t>{1, 2, 3}));
}

} /* namespace */
