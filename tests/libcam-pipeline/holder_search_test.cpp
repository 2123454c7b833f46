/* SPDX-License-Identifier: MIT */
/*
 * The holders of buffers are looked for beside the thread that asks, which gets
 * the answer by its event loop.
 */

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include <libcamera/base/event_dispatcher.h>
#include <libcamera/base/thread.h>
#include <libcamera/base/timer.h>

#include "holder_search.h"

using libcamera::CmacamHolderSearch;
using libcamera::DmaBufHolder;
using libcamera::DmaBufId;
using libcamera::Thread;

namespace {

constexpr std::chrono::seconds kPatience{20};

class HolderSearchTest : public testing::Test
{
protected:
	HolderSearchTest()
	{
		search.found.connect(&search, [this](const std::vector<DmaBufHolder> &) {
			answers++;
			answeredIn = std::this_thread::get_id();
			/* processEvents() waits for an event after it has dispatched this one. */
			Thread::current()->eventDispatcher()->interrupt();
		});
	}

	void waitForAnswers(unsigned int count)
	{
		libcamera::Timer limit;
		limit.start(kPatience);
		while (answers < count && limit.isRunning())
			Thread::current()->eventDispatcher()->processEvents();
	}

	CmacamHolderSearch search;
	unsigned int answers = 0;
	std::thread::id answeredIn;

	const std::vector<DmaBufId> buffers{{1, 1}};
	const std::vector<DmaBufId> others{{1, 2}};
};

} /* namespace */

TEST_F(HolderSearchTest, TheAnswerComesLaterInTheThreadThatAsks)
{
	search.search(buffers);
	EXPECT_EQ(answers, 0U) << "the search has run in the thread that asks";
	waitForAnswers(1);
	EXPECT_EQ(answers, 1U);
	EXPECT_EQ(answeredIn, std::this_thread::get_id());
}

TEST_F(HolderSearchTest, AFreshAnswerIsGivenAgainAtOnce)
{
	search.search(buffers);
	waitForAnswers(1);
	search.search(buffers);
	EXPECT_EQ(answers, 2U);

	search.search(others);
	EXPECT_EQ(answers, 2U) << "an answer of other buffers";
	waitForAnswers(3);
	std::this_thread::sleep_for(CmacamHolderSearch::kFresh);
	search.search(others);
	EXPECT_EQ(answers, 3U) << "an answer that is not fresh";
}

TEST_F(HolderSearchTest, OneAnswerOfAllQuestionsMeanwhile)
{
	search.search(buffers);
	search.search(others);
	search.search(others);
	waitForAnswers(1);
	EXPECT_EQ(answers, 1U);

	/* It was that of the last one: the same question needs no look. */
	search.search(others);
	EXPECT_EQ(answers, 2U);
}

TEST(HolderSearch, EndsWhileALookIsUnderWay)
{
	CmacamHolderSearch search;
	search.search({{1, 1}});
}
