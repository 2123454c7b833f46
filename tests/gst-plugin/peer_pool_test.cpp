/* SPDX-License-Identifier: MIT */
/*
 * PeerPool with pools that round, that refuse, and whose buffers lose their memory.
 */
#include "peer_pool.h"

#include <array>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include <gst/allocators/gstdmabuf.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

namespace {

constexpr guint kWidth = 100;
constexpr guint kHeight = 30;
constexpr gsize kFrame = gsize(kWidth) * kHeight;
constexpr gsize kPage = 4096;

/*
 * A pool whose buffers are plain shared memory, which GStreamer takes for dma-bufs. It
 * changes a configuration that it does not like, and refuses it, as the rules of
 * GStreamer want it.
 */
struct PagePool
{
	GstBufferPool parent;
	/* The number of buffers that a configuration must have; 0: any. */
	guint count;
	/* The size is never enough. */
	gboolean tiny;
};

struct PagePoolClass
{
	GstBufferPoolClass parent;
};

G_DEFINE_TYPE(PagePool, page_pool, GST_TYPE_BUFFER_POOL)

gboolean setConfig(GstBufferPool *pool, GstStructure *config)
{
	auto *self = reinterpret_cast<PagePool *>(pool);
	GstCaps *caps;
	guint size, min, max;

	gst_buffer_pool_config_get_params(config, &caps, &size, &min, &max);
	const guint rounded = self->tiny ? kPage / 4 : GST_ROUND_UP_N(size, guint(kPage));
	const guint count = self->count ? self->count : min;
	const bool same = size == rounded && min == count;
	gst_buffer_pool_config_set_params(config, caps, rounded, count, self->count ?: max);
	return GST_BUFFER_POOL_CLASS(page_pool_parent_class)->set_config(pool, config) && same;
}

GstFlowReturn allocBuffer(GstBufferPool *pool, GstBuffer **buffer, GstBufferPoolAcquireParams *)
{
	guint size;
	GstStructure *config = gst_buffer_pool_get_config(pool);
	gst_buffer_pool_config_get_params(config, nullptr, &size, nullptr, nullptr);
	gst_structure_free(config);

	const int fd = memfd_create("frame", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, size) < 0)
		return GST_FLOW_ERROR;
	GstAllocator *allocator = gst_dmabuf_allocator_new();
	*buffer = gst_buffer_new();
	gst_buffer_append_memory(*buffer, gst_dmabuf_allocator_alloc(allocator, fd, size));
	gst_object_unref(allocator);
	return GST_FLOW_OK;
}

void page_pool_class_init(PagePoolClass *klass)
{
	GST_BUFFER_POOL_CLASS(klass)->set_config = setConfig;
	GST_BUFFER_POOL_CLASS(klass)->alloc_buffer = allocBuffer;
}

void page_pool_init(PagePool *)
{
}

} /* namespace */

namespace cmacam::gst {
namespace {

class PeerPoolTest : public testing::Test
{
protected:
	PeerPoolTest()
		: caps_(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "GRAY8",
					    "width", G_TYPE_INT, int(kWidth), "height", G_TYPE_INT,
					    int(kHeight), nullptr))
	{
		offered_.pool.reset(GST_BUFFER_POOL(
			gst_object_ref_sink(g_object_new(page_pool_get_type(), nullptr))));
	}

	PagePool &pool() { return *reinterpret_cast<PagePool *>(offered_.pool.get()); }

	std::shared_ptr<PeerPool> create(size_t count)
	{
		const std::array planes = {PlaneLayout{-1, 0, kFrame, kWidth, kHeight, kWidth, 1}};
		return PeerPool::create(offered_, caps_.get(), planes, true, count, why_);
	}

	/* The user of the frame replaces the memory of the buffer, and frees the buffer. */
	static void replaceMemory(BufferPtr buffer)
	{
		gst_buffer_replace_all_memory(buffer.get(),
					      gst_allocator_alloc(nullptr, kFrame, nullptr));
	}

	CapsPtr caps_;
	OfferedPool offered_;
	std::string why_;
};

TEST_F(PeerPoolTest, ABufferComesBackByItsIndex)
{
	const auto peer = create(3);
	ASSERT_TRUE(peer) << why_;
	EXPECT_EQ(peer->fds().size(), 3U);
	EXPECT_FALSE(peer->acquire(false)) << "the camera has all";

	BufferPtr second = peer->take(1);
	EXPECT_FALSE(peer->acquire(false));
	second.reset();
	EXPECT_EQ(peer->acquire(false), 1U);
}

TEST_F(PeerPoolTest, APoolMayRoundTheSize)
{
	const auto peer = create(4);
	ASSERT_TRUE(peer) << why_;
	EXPECT_EQ(gst_buffer_get_size(peer->take(0).get()), kPage);
}

TEST_F(PeerPoolTest, APoolMayHaveMoreBuffers)
{
	pool().count = 6;
	const auto peer = create(4);
	ASSERT_TRUE(peer) << why_;
	EXPECT_EQ(peer->fds().size(), 6U);
	EXPECT_FALSE(peer->acquire(false)) << "the camera has all";
}

TEST_F(PeerPoolTest, AProposalThatIsTooSmallIsRefused)
{
	pool().tiny = TRUE;
	EXPECT_FALSE(create(4));
	EXPECT_EQ(why_, "the pool cannot be activated");

	pool().tiny = FALSE;
	pool().count = 2;
	EXPECT_FALSE(create(4));
	EXPECT_EQ(why_, "the pool cannot be activated");
}

TEST_F(PeerPoolTest, ABufferThatLostItsMemoryIsPassedOver)
{
	const auto peer = create(2);
	ASSERT_TRUE(peer) << why_;
	BufferPtr first = peer->take(0), second = peer->take(1);
	replaceMemory(std::move(first));
	second.reset();

	EXPECT_EQ(peer->acquire(true), 1U);
	EXPECT_FALSE(peer->acquire(false));
}

/* Before, this waited for ever. */
TEST_F(PeerPoolTest, NobodyWaitsForAPoolWhoseBuffersAllLostTheirMemory)
{
	const auto peer = create(2);
	ASSERT_TRUE(peer) << why_;
	replaceMemory(peer->take(0));
	replaceMemory(peer->take(1));

	EXPECT_FALSE(peer->acquire(true));
	EXPECT_FALSE(peer->acquire(true));
}

} /* namespace */
} /* namespace cmacam::gst */
