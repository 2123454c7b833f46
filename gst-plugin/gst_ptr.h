/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owning pointers for GStreamer's reference-counted objects.
 */
#pragma once

#include <memory>

#include <gst/gst.h>

namespace cmacam::gst {

struct GstUnref
{
	void operator()(GstBuffer *buffer) const { gst_buffer_unref(buffer); }
	void operator()(GstCaps *caps) const { gst_caps_unref(caps); }
	void operator()(GstMemory *memory) const { gst_memory_unref(memory); }
	void operator()(GstPlugin *plugin) const { gst_object_unref(plugin); }
	void operator()(GstAllocator *allocator) const { gst_object_unref(allocator); }
	void operator()(GstClock *clock) const { gst_object_unref(clock); }
	void operator()(GstStructure *structure) const { gst_structure_free(structure); }
	void operator()(GstBufferPool *pool) const { gst_object_unref(pool); }
	void operator()(GstMessage *message) const { gst_message_unref(message); }
	void operator()(gchar *text) const { g_free(text); }
};

using BufferPtr = std::unique_ptr<GstBuffer, GstUnref>;
using CapsPtr = std::unique_ptr<GstCaps, GstUnref>;
using MemoryPtr = std::unique_ptr<GstMemory, GstUnref>;
using AllocatorPtr = std::unique_ptr<GstAllocator, GstUnref>;
using ClockPtr = std::unique_ptr<GstClock, GstUnref>;
using PluginPtr = std::unique_ptr<GstPlugin, GstUnref>;
using StructurePtr = std::unique_ptr<GstStructure, GstUnref>;
using BufferPoolPtr = std::unique_ptr<GstBufferPool, GstUnref>;
using StringPtr = std::unique_ptr<gchar, GstUnref>;

} /* namespace cmacam::gst */
