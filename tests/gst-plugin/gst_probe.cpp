/* SPDX-License-Identifier: MIT */
/*
 * Runs a pipeline that ends in an appsink and prints what can be proven about
 * each buffer that arrives there.
 */
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <gst/allocators/gstdmabuf.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "heap_pool.h"
#include "witness.h"

namespace {

constexpr GstClockTime kFrameLimit = 60 * GST_SECOND;
constexpr GstClockTime kPoll = 20 * GST_MSECOND;

struct Options
{
	std::string pipeline;
	bool digest = false;
	bool noVideoMeta = false;
	uint32_t minBuffers = 0;
	std::string heap;
	/* Of the heap; ours to compare with, the query has a reference. */
	mutable const GstBufferPool *pool = nullptr;
	bool outlive = false;
	uint32_t withholdAfter = 0;
	std::string releaseFile;
	std::string dump;
};

struct Unref
{
	void operator()(GstElement *element) const
	{
		gst_element_set_state(element, GST_STATE_NULL);
		gst_object_unref(element);
	}
	void operator()(GstAppSink *sink) const { gst_object_unref(sink); }
	void operator()(GstPad *pad) const { gst_object_unref(pad); }
	void operator()(GstBus *bus) const { gst_object_unref(bus); }
	void operator()(GstMessage *message) const { gst_message_unref(message); }
	void operator()(GstSample *sample) const { gst_sample_unref(sample); }
	void operator()(GstQuery *query) const { gst_query_unref(query); }
	void operator()(GError *error) const { g_error_free(error); }
	void operator()(gchar *text) const { g_free(text); }
	void operator()(FILE *file) const { fclose(file); }
};

template <typename T>
using Ptr = std::unique_ptr<T, Unref>;

/* Rows of pixels of one plane, without what lies between them. */
struct Rows
{
	size_t offset;
	size_t stride;
	size_t bytes;
	size_t count;
};

/* Where the pixels are: from the GstVideoMeta, else from the caps. */
std::vector<Rows> pixelRows(GstBuffer *buffer, GstCaps *caps)
{
	const GstStructure *structure = gst_caps_get_structure(caps, 0);
	const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
	GstVideoInfo info;
	std::vector<Rows> rows;

	if (gst_structure_has_name(structure, "video/x-bayer")) {
		gint width = 0, height = 0;
		gst_structure_get_int(structure, "width", &width);
		gst_structure_get_int(structure, "height", &height);
		const bool wide = strstr(gst_structure_get_string(structure, "format"), "10");
		const size_t bytes = wide ? width * 2 : width;
		rows.push_back({0, meta ? meta->stride[0] : bytes, bytes, size_t(height)});
		return rows;
	}

	GstVideoInfoDmaDrm drm;
	const bool known = gst_video_is_dma_drm_caps(caps)
				   ? gst_video_info_dma_drm_from_caps(&drm, caps) &&
					     gst_video_info_dma_drm_to_video_info(&drm, &info)
				   : gst_video_info_from_caps(&info, caps);
	if (!known)
		return rows;
	for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info); i++) {
		const gsize offset = meta ? meta->offset[i] : info.offset[i];
		const gint stride = meta ? meta->stride[i] : info.stride[i];
		/* The first component of a plane has the samples of all: one pixel stride each. */
		guint component = 0;
		while (GST_VIDEO_INFO_COMP_PLANE(&info, component) != i)
			component++;
		const guint samples = GST_VIDEO_INFO_COMP_WIDTH(&info, component);
		rows.push_back({offset, size_t(stride),
				size_t(samples * GST_VIDEO_INFO_COMP_PSTRIDE(&info, component)),
				size_t(GST_VIDEO_INFO_COMP_HEIGHT(&info, component))});
	}
	return rows;
}

std::vector<std::byte> tight(std::span<const std::byte> frame, const std::vector<Rows> &planes)
{
	std::vector<std::byte> pixels;

	for (const Rows &plane : planes)
		for (size_t row = 0; row < plane.count; row++) {
			const auto line =
				frame.subspan(plane.offset + row * plane.stride, plane.bytes);
			pixels.insert(pixels.end(), line.begin(), line.end());
		}
	return pixels;
}

std::string flagNames(GstBuffer *buffer)
{
	std::string names;

	if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT))
		names += "discont,";
	if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED))
		names += "corrupted,";
	if (!names.empty())
		names.pop_back();
	return names.empty() ? "-" : names;
}

class Probe
{
public:
	explicit Probe(const Options &options) : options_(options)
	{
		GError *error = nullptr;
		const std::string text = options.pipeline + " ! appsink name=probe sync=false";

		pipeline_.reset(gst_parse_launch(text.c_str(), &error));
		const Ptr<GError> owner(error);
		if (error)
			throw std::runtime_error(error->message);

		sink_.reset(GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "probe")));
		bus_.reset(gst_element_get_bus(pipeline_.get()));
		g_object_set(sink_.get(), "emit-signals", TRUE, nullptr);
		g_signal_connect(sink_.get(), "propose-allocation", G_CALLBACK(proposeAllocation),
				 const_cast<Options *>(&options));
	}

	/* Whether the stream ended without an error. */
	bool run()
	{
		gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);

		GstClockTime idle = 0;
		while (!ended_ && !failed_) {
			drainBus();
			Ptr<GstSample> sample(gst_app_sink_try_pull_sample(sink_.get(), kPoll));
			if (sample) {
				idle = 0;
				take(std::move(sample));
				continue;
			}
			releaseIfTold();
			ended_ = gst_app_sink_is_eos(sink_.get());
			idle += kPoll;
			if (!ended_ && !failed_ && held_.empty() && idle > kFrameLimit)
				throw std::runtime_error("no frame within 60 s");
		}
		drainBus();
		held_.clear();
		return !failed_;
	}

	/* Stop and destroy the pipeline, then look at the last frame again. */
	void outlive()
	{
		sink_.reset();
		bus_.reset();
		pipeline_.reset();
		if (last_)
			report("outlived", last_.get());
	}

private:
	static gboolean proposeAllocation(GstAppSink *, GstQuery *query, const Options *options)
	{
		if (!options->noVideoMeta)
			gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
		if (!options->heap.empty())
			offerHeap(query, *options);
		if (options->minBuffers)
			gst_query_add_allocation_pool(query, nullptr, 1, options->minBuffers, 0);
		return TRUE;
	}

	static void offerHeap(GstQuery *query, const Options &options)
	{
		GstCaps *caps;
		GstVideoInfo info;

		gst_query_parse_allocation(query, &caps, nullptr);
		gst_video_info_from_caps(&info, caps);
		GstBufferPool *pool =
			heapPool(options.heap.c_str(), caps, GST_VIDEO_INFO_SIZE(&info));
		gst_query_add_allocation_pool(query, pool, GST_VIDEO_INFO_SIZE(&info), 4, 0);
		options.pool = pool;
		gst_object_unref(pool);
	}

	void take(Ptr<GstSample> sample)
	{
		if (count_++ == 0)
			reportStart(sample.get());
		report("frame", sample.get());

		if (options_.withholdAfter && count_ >= options_.withholdAfter && !released_)
			held_.push_back(std::move(sample));
		else if (options_.outlive)
			last_ = std::move(sample);
	}

	void releaseIfTold()
	{
		if (held_.empty() || access(options_.releaseFile.c_str(), F_OK))
			return;
		held_.clear();
		released_ = true;
	}

	void reportStart(GstSample *sample)
	{
		const Ptr<gchar> caps(gst_caps_to_string(gst_sample_get_caps(sample)));
		const Ptr<GstQuery> query(gst_query_new_latency());
		const Ptr<GstPad> pad(gst_element_get_static_pad(GST_ELEMENT(sink_.get()), "sink"));
		gboolean live;
		GstClockTime min, max;

		printf("caps %s\n", caps.get());
		if (gst_pad_peer_query(pad.get(), query.get())) {
			gst_query_parse_latency(query.get(), &live, &min, &max);
			printf("latency live=%d min=%" G_GUINT64_FORMAT " max=%" G_GUINT64_FORMAT
			       "\n",
			       live, min, max);
		}
	}

	void report(const char *what, GstSample *sample)
	{
		GstBuffer *buffer = gst_sample_get_buffer(sample);
		GstMemory *memory = gst_buffer_peek_memory(buffer, 0);
		const std::vector<Rows> rows = pixelRows(buffer, gst_sample_get_caps(sample));
		GstMapInfo map;

		printf("%s seq=%" G_GUINT64_FORMAT " pts=%" G_GUINT64_FORMAT
		       " duration=%" G_GUINT64_FORMAT " flags=%s dmabuf=%d memories=%u",
		       what, GST_BUFFER_OFFSET(buffer), GST_BUFFER_PTS(buffer),
		       GST_BUFFER_DURATION(buffer), flagNames(buffer).c_str(),
		       gst_is_dmabuf_memory(memory), gst_buffer_n_memory(buffer));
		printf(" peer=%d", buffer->pool && buffer->pool == options_.pool);
		for (size_t i = 0; i < rows.size(); i++)
			printf(" offset%zu=%zu stride%zu=%zu", i, rows[i].offset, i,
			       rows[i].stride);

		if (!gst_memory_map(memory, &map, GST_MAP_READ))
			throw std::runtime_error("a frame cannot be mapped");
		const std::span frame(reinterpret_cast<const std::byte *>(map.data), map.size);
		witness::printEvidence(frame, frame, options_.digest);
		if (options_.digest)
			printf(" bytes=%zu pixels=%s", frame.size(),
			       witness::sha256(tight(frame, rows)).c_str());
		putchar('\n');
		fflush(stdout);
		dump(frame);
		gst_memory_unmap(memory, &map);
	}

	void dump(std::span<const std::byte> frame)
	{
		if (options_.dump.empty())
			return;
		const Ptr<FILE> file(fopen(options_.dump.c_str(), "ab"));
		if (!file || fwrite(frame.data(), frame.size(), 1, file.get()) != 1)
			throw std::runtime_error(options_.dump + ": " + g_strerror(errno));
	}

	void drainBus()
	{
		while (const Ptr<GstMessage> message{gst_bus_pop(bus_.get())}) {
			switch (GST_MESSAGE_TYPE(message.get())) {
			case GST_MESSAGE_ERROR:
				failed_ = true;
				reportProblem("error", message.get(), gst_message_parse_error);
				break;
			case GST_MESSAGE_WARNING:
				reportProblem("warning", message.get(), gst_message_parse_warning);
				break;
			case GST_MESSAGE_INFO:
				reportProblem("info", message.get(), gst_message_parse_info);
				break;
			case GST_MESSAGE_QOS:
				reportQos(message.get());
				break;
			case GST_MESSAGE_LATENCY:
				gst_bin_recalculate_latency(GST_BIN(pipeline_.get()));
				break;
			default:
				break;
			}
		}
	}

	void reportProblem(const char *what, GstMessage *message,
			   void (*parse)(GstMessage *, GError **, gchar **))
	{
		GError *error;
		gchar *debug;

		parse(message, &error, &debug);
		const Ptr<GError> errorOwner(error);
		const Ptr<gchar> debugOwner(debug);
		printf("%s domain=%s code=%d text=%s\n", what, g_quark_to_string(error->domain),
		       error->code, error->message);
		fflush(stdout);
	}

	void reportQos(GstMessage *message)
	{
		GstFormat format;
		guint64 processed, dropped;

		gst_message_parse_qos_stats(message, &format, &processed, &dropped);
		printf("qos processed=%" G_GUINT64_FORMAT " dropped=%" G_GUINT64_FORMAT "\n",
		       processed, dropped);
		fflush(stdout);
	}

	const Options &options_;
	Ptr<GstElement> pipeline_;
	Ptr<GstAppSink> sink_;
	Ptr<GstBus> bus_;
	std::vector<Ptr<GstSample>> held_;
	Ptr<GstSample> last_;
	uint32_t count_ = 0;
	bool released_ = false;
	bool ended_ = false;
	bool failed_ = false;
};

} /* namespace */

int main(int argc, char **argv)
{
	Options options;
	std::vector<std::string> words;
	std::vector<std::string> more;
	CLI::App app{"Run 'PIPELINE ! appsink' and print what can be proven about each buffer"};

	app.add_option("pipeline", words, "pipeline description, as for gst-launch-1.0")
		->required();
	app.add_option("--then", more, "another one after it, in the same process")
		->allow_extra_args(false);
	app.add_flag("--digest", options.digest,
		     "SHA-256 of all bytes and of the pixels without padding");
	app.add_flag("--no-video-meta", options.noVideoMeta,
		     "be a sink that does not understand GstVideoMeta");
	app.add_option("--min-buffers", options.minBuffers,
		       "be a sink that asks for this many buffers");
	app.add_option("--heap", options.heap,
		       "be a sink that offers a pool of this dma-heap's memory");
	app.add_flag("--outlive", options.outlive,
		     "look at the last frame again after the pipeline is gone");
	app.add_option("--withhold-after", options.withholdAfter,
		       "from this many frames on keep every buffer ...");
	app.add_option("--release-file", options.releaseFile, "... until this file exists");
	app.add_option("--dump", options.dump, "append the frames to this file");
	app.positionals_at_end();
	CLI11_PARSE(app, argc, argv);
	for (const std::string &word : words)
		options.pipeline += word + " ";

	gst_init(nullptr, nullptr);
	try {
		more.insert(more.begin(), options.pipeline);
		bool good = true;
		for (const std::string &pipeline : more) {
			options.pipeline = pipeline;
			puts("pipeline");
			Probe probe(options);
			good = probe.run() && good;
			if (options.outlive)
				probe.outlive();
		}
		return good ? EXIT_SUCCESS : EXIT_FAILURE;
	} catch (const std::exception &error) {
		fflush(stdout);
		fprintf(stderr, "gst_probe: %s\n", error.what());
		return EXIT_FAILURE;
	}
}
