/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: frames and their pixels.
 */

#include "bindings.h"

#include <vector>

namespace {

using cmacam::Frame;
using cmacam::FrameLayout;
using cmacam::FrameView;
using cmacam::MappedFrame;
using cmacam::MappedPlane;
using cmacam::PixelFormat;
using cmacam::PlaneLayout;

/*
 * One period of access and the lease that it needs; the access ends first. A
 * numpy array cannot be taken back, so each keeps this alive: what it shows stays
 * what it was, and the report of a starved camera names it.
 */
struct Pixels
{
	Frame frame;
	MappedFrame mapped;
	bool writable;
};

using SharedPixels = std::shared_ptr<Owned<Pixels>>;

/* What Frame.map() returns. */
class Mapping
{
public:
	explicit Mapping(SharedPixels pixels) : pixels_(std::move(pixels)) {}

	/* The pixels, for a call that another end() must not disturb. */
	SharedPixels pixels() const
	{
		if (!pixels_)
			throw py::value_error("the mapping has ended");
		return pixels_;
	}

	const FrameView &view() const { return pixels()->get()->mapped; }

	/*
	 * The access ends now, unless there are arrays that show the pixels. A forked process
	 * must not end the access of its parent.
	 */
	void end()
	{
		const SharedPixels pixels = std::exchange(pixels_, nullptr);
		if (!pixels || pixels.use_count() != 1 || !pixels->isHere())
			return;

		const std::shared_ptr<Pixels> last = pixels->get();
		cmacam::Result<void> ended;
		{
			py::gil_scoped_release unlocked;
			ended = last->mapped.end();
		}
		valueOf(std::move(ended));
	}

	/* A view of a plane; shape and strides without the dimensions that every plane has. */
	py::array array(const MappedPlane &plane, const py::dtype &type,
			std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides) const
	{
		shape.insert(shape.begin(), static_cast<py::ssize_t>(plane.height));
		strides.insert(strides.begin(), static_cast<py::ssize_t>(plane.stride));

		const py::capsule owner(new SharedPixels(pixels_), [](void *pixels) {
			delete static_cast<SharedPixels *>(pixels);
		});
		py::array view(type, std::move(shape), std::move(strides), plane.data.data(),
			       owner);
		if (!pixels_->get()->writable)
			view.attr("flags").attr("writeable") = false;

		return view;
	}

	py::array bytes(const MappedPlane &plane) const
	{
		return array(plane, py::dtype::of<std::uint8_t>(), {plane.width}, {1});
	}

	py::array words(const MappedPlane &plane) const
	{
		return array(plane, py::dtype::of<std::uint16_t>(), {plane.width}, {2});
	}

	/* Components of one byte each. */
	py::array components(const MappedPlane &plane, py::ssize_t columns, py::ssize_t count) const
	{
		return array(plane, py::dtype::of<std::uint8_t>(), {columns, count}, {count, 1});
	}

private:
	SharedPixels pixels_;
};

[[noreturn]] void hasNo(const FrameView &view, const char *what)
{
	throw py::value_error(std::string(cmacam::formatInfo(view.format()).name) + " has no " +
			      what);
}

py::array gray(const Mapping &mapping)
{
	const FrameView &view = mapping.view();
	if (const auto plane = view.gray())
		return mapping.bytes(*plane);
	if (view.format() == PixelFormat::Gray10)
		return mapping.words(view.planes()[0]);
	hasNo(view, "luma plane");
}

py::tuple nv12(const Mapping &mapping)
{
	const auto planes = mapping.view().nv12();
	if (!planes)
		hasNo(mapping.view(), "planes of NV12");

	return py::make_tuple(mapping.bytes(planes->luma),
			      mapping.components(planes->chroma, planes->chroma.width, 2));
}

py::tuple yuv420(const Mapping &mapping)
{
	const auto planes = mapping.view().yuv420();
	if (!planes)
		hasNo(mapping.view(), "planes of YUV420");

	return py::make_tuple(mapping.bytes(planes->luma), mapping.bytes(planes->cb),
			      mapping.bytes(planes->cr));
}

py::array yuyv(const Mapping &mapping)
{
	const FrameView &view = mapping.view();
	if (view.format() != PixelFormat::Yuyv)
		hasNo(view, "pixels of YUYV");

	const MappedPlane &plane = view.planes()[0];
	return mapping.components(plane, py::ssize_t{2} * plane.width, 2);
}

py::array raw(const Mapping &mapping)
{
	const FrameView &view = mapping.view();
	if (!cmacam::formatInfo(view.format()).bayer)
		hasNo(view, "Bayer mosaic");

	const MappedPlane &plane = view.planes()[0];
	return plane.sampleSize == 1 ? mapping.bytes(plane) : mapping.words(plane);
}

/* Pixels of whole bytes that stand together, as they are. */
template <PixelFormat kFormat>
py::array pixels(const Mapping &mapping)
{
	const FrameView &view = mapping.view();
	if (view.format() != kFormat)
		hasNo(view, "pixels in this order; call bgr() for a copy in BGR");

	const MappedPlane &plane = view.planes()[0];
	return mapping.components(plane, plane.width, plane.sampleSize);
}

py::array bgr(const Mapping &mapping)
{
	const SharedPixels pixels = mapping.pixels();
	const FrameView &view = pixels->get()->mapped;
	py::array_t<std::uint8_t> copy({view.height(), view.width(), 3U});
	auto *bytes = reinterpret_cast<std::byte *>(copy.mutable_data());
	const std::span to(bytes, static_cast<std::size_t>(copy.nbytes()));
	{
		py::gil_scoped_release unlocked;
		const cmacam::Result<void> done = view.bgr(to, std::size_t{3} * view.width());
		if (!done) {
			py::gil_scoped_acquire locked;
			raise(done.error());
		}
	}

	return copy;
}

Mapping map(const FrameHandle &frame, const std::string &stream, bool write,
	    const std::optional<std::array<unsigned int, 4>> &roi)
{
	const auto access = write ? cmacam::Access::ReadWrite : cmacam::Access::Read;
	const cmacam::Stream which = streamOf(stream);
	Frame lease = frame.get()->share();
	std::optional<cmacam::Result<MappedFrame>> mapped;
	{
		/* The caches are maintained here, and the writes of devices waited for. */
		py::gil_scoped_release unlocked;
		lease.hold("a mapping in Python");
		mapped.emplace(
			roi ? lease.roi({(*roi)[0], (*roi)[1], (*roi)[2], (*roi)[3]}, which, access)
			    : lease.map(which, access));
	}

	MappedFrame pixels = valueOf(*std::move(mapped));
	return Mapping(std::make_shared<Owned<Pixels>>(
		Pixels{std::move(lease), std::move(pixels), write}, "the frame"));
}

FrameHandle copy(const FrameHandle &frame)
{
	const Frame lease = frame.get()->share();
	std::optional<cmacam::Result<Frame>> made;
	{
		py::gil_scoped_release unlocked;
		made.emplace(lease.copy());
	}
	return handleOf(valueOf(*std::move(made)));
}

/* Another thread may look at the frame meanwhile, so it loses its lease under Python's lock. */
void release(const FrameHandle &frame)
{
	if (!frame.isHere())
		return;

	Frame lease = std::move(*frame.get());
	py::gil_scoped_release unlocked;
	lease.release();
}

py::dict metadata(const FrameHandle &frame)
{
	py::dict all;
	for (const cmacam::NamedValue &entry : frame.get()->metadata())
		all[py::str(entry.name)] = entry.value;
	return all;
}

/* Whole numbers, as in the metadata: a float has too few digits for a time of day in ns. */
template <typename Time>
std::optional<std::int64_t> countOf(const std::optional<Time> &time)
{
	return time ? std::optional<std::int64_t>(time->count()) : std::nullopt;
}

const FrameLayout &layoutOf(const FrameHandle &frame, const std::string &stream)
{
	return *valueOf(frame.get()->layout(streamOf(stream)));
}

FrameHandle fromDmaBuf(int fd, const std::string &format,
		       std::pair<unsigned int, unsigned int> size, unsigned int stride,
		       std::uint32_t sequence, std::int64_t timestamp)
{
	const auto layout = valueOf(
		cmacam::contiguousLayout(fd, formatOf(format), size.first, size.second, stride));
	return handleOf(valueOf(Frame::fromDmaBuf(layout, {sequence, timestamp})));
}

void bindPlane(py::module_ &module)
{
	py::class_<PlaneLayout>(module, "Plane", "Where a plane of a frame lies in its dma-buf.")
		.def_readonly("fd", &PlaneLayout::fd,
			      "File descriptor of the dma-buf, which the frame owns; -1 in a copy.")
		.def_readonly("offset", &PlaneLayout::offset,
			      "Bytes from the start of the dma-buf to the plane.")
		.def_readonly("length", &PlaneLayout::length, "Size of the plane in bytes.")
		.def_readonly("stride", &PlaneLayout::stride, "Bytes from one line to the next.")
		.def_readonly("width", &PlaneLayout::width, "Samples per line.")
		.def_readonly("height", &PlaneLayout::height, "Number of lines.");
}

void bindMapping(py::module_ &module)
{
	py::class_<Mapping>(
		module, "MappedFrame",
		"CPU access to the pixels of a frame. The access ends when a 'with' block ends.\n\n"
		"The arrays are views of the camera's memory. The arrays are read-only unless\n"
		"map() was called with write=True. As long as an array exists, the frame stays\n"
		"leased and the access continues, even after the 'with' block. To keep pixels,\n"
		"copy the array.")
		.def("__enter__", [](py::object self) { return self; })
		.def("__exit__", [](Mapping &mapping, const py::args &) { mapping.end(); })
		.def("end", &Mapping::end, "End the access. The end of a 'with' block calls end().")
		.def_property_readonly(
			"format",
			[](const Mapping &m) { return cmacam::formatInfo(m.view().format()).name; },
			"libcamera's name of the format.")
		.def_property_readonly(
			"width", [](const Mapping &m) { return m.view().width(); },
			"Pixels per line.")
		.def_property_readonly(
			"height", [](const Mapping &m) { return m.view().height(); },
			"Number of lines.")
		.def_property_readonly(
			"gray", gray,
			"Luma as (height, width): uint8 for R8, NV12 and YUV420; uint16 for R10.")
		.def_property_readonly(
			"nv12", nv12,
			"Tuple of luma (height, width) and CbCr (height/2, width/2, 2), uint8.")
		.def_property_readonly(
			"yuv420", yuv420,
			"Tuple of luma (height, width), Cb and Cr (height/2, width/2 each), uint8.")
		.def_property_readonly("yuyv", yuyv,
				       "YUYV pixels as (height, width, 2), uint8, with luma first.")
		.def_property_readonly(
			"raw", raw,
			"Bayer mosaic as (height, width): uint8 for SRGGB8, uint16 for SRGGB10.\n"
			"The first pixel of a whole frame is red.")
		.def_property_readonly("bgr_view", pixels<PixelFormat::Bgr24>,
				       "RGB888 (BGR in memory) as (height, width, 3).")
		.def_property_readonly("rgb_view", pixels<PixelFormat::Rgb24>,
				       "BGR888 (RGB in memory) as (height, width, 3).")
		.def_property_readonly("bgrx_view", pixels<PixelFormat::Bgrx32>,
				       "XRGB8888 (BGRX in memory) as (height, width, 4); "
				       "X has no meaning.")
		.def_property_readonly("rgbx_view", pixels<PixelFormat::Rgbx32>,
				       "XBGR8888 (RGBX in memory) as (height, width, 4); "
				       "X has no meaning.")
		.def("bgr", bgr, "Make a copy in BGR as (height, width, 3), uint8, full range.");
}

} /* namespace */

py::dict dictOf(const FrameLayout &layout)
{
	py::dict told;
	told["format"] = cmacam::formatInfo(layout.format).name;
	told["width"] = layout.width;
	told["height"] = layout.height;
	told["stride"] = layout.planes[0].stride;
	return told;
}

void bindFrame(py::module_ &module)
{
	bindMapping(module);
	bindPlane(module);

	py::class_<FrameHandle>(
		module, "Frame",
		"A frame and a lease on its buffer. The lease ends when the frame is deleted,\n"
		"when release() is called, or at the end of a 'with' block. When the last lease\n"
		"on a buffer ends, the buffer goes back to the camera.")
		.def("__enter__", [](py::object self) { return self; })
		.def("__exit__", [](const FrameHandle &frame, const py::args &) { release(frame); })
		.def_property_readonly(
			"sequence",
			[](const FrameHandle &frame) { return frame.get()->sequence(); },
			"Number of the frame, with gaps for lost frames.")
		.def_property_readonly(
			"timestamp",
			[](const FrameHandle &frame) { return frame.get()->timestamp(); },
			"Start of exposure on CLOCK_MONOTONIC, in nanoseconds.")
		.def_property_readonly(
			"buffer", [](const FrameHandle &frame) { return frame.get()->buffer(); },
			"Index of the buffer among the buffers of its source.")
		.def_property_readonly(
			"lost", [](const FrameHandle &frame) { return frame.get()->info().lost; },
			"Number of frames that the camera lost directly before this frame.")
		.def_property_readonly(
			"bracket",
			[](const FrameHandle &frame) {
				const std::int32_t index = frame.get()->info().bracket;
				return index < 0 ? std::nullopt : std::optional(index);
			},
			"Index of the frame's controls in Camera.bracket(); None for other frames.")
		.def_property_readonly(
			"metadata", metadata,
			"Metadata that the camera reported for this frame, as a dictionary\n"
			"{libcamera's name: value}. A frame of a FrameClient has SensorTimestamp,\n"
			"FrameWallClock, ExposureTime, FrameDuration, AnalogueGain, DigitalGain "
			"and\n"
			"AeState, as far as the camera reported them.")
		.def_property_readonly(
			"exposure",
			[](const FrameHandle &frame) { return countOf(frame.get()->exposure()); },
			"Exposure time in microseconds; None if the camera did not report it.")
		.def_property_readonly(
			"gain", [](const FrameHandle &frame) { return frame.get()->gain(); },
			"Analogue gain of the sensor; None if the camera did not report it.")
		.def_property_readonly(
			"duration",
			[](const FrameHandle &frame) { return countOf(frame.get()->duration()); },
			"Time from the start of this frame to the start of the next frame, in\n"
			"microseconds; None if the camera did not report it.")
		.def_property_readonly(
			"wall_clock",
			[](const FrameHandle &frame) { return countOf(frame.get()->wallClock()); },
			"Start of exposure on CLOCK_REALTIME, in nanoseconds since 1970; None if "
			"the\n"
			"camera did not report it.")
		.def_property_readonly(
			"fd",
			[](const FrameHandle &frame) {
				return layoutOf(frame, "main").planes[0].fd;
			},
			"File descriptor of the dma-buf with the first plane of the main stream;\n"
			"-1 in a copy. The frame owns it: os.dup() makes one that outlives the "
			"frame.")
		.def_property_readonly(
			"planes",
			[](const FrameHandle &frame) { return layoutOf(frame, "main").planes; },
			"Planes of the main stream, a list of Plane.")
		.def_property_readonly(
			"modifier",
			[](const FrameHandle &frame) {
				static_cast<void>(layoutOf(frame, "main"));
				/* DRM_FORMAT_MOD_LINEAR: the only one that a FrameLayout can
				 * describe. */
				return std::uint64_t{0};
			},
			"DRM format modifier of the planes: always 0, which is linear.")
		.def(
			"layout",
			[](const FrameHandle &frame, const std::string &stream) {
				const FrameLayout &layout = layoutOf(frame, stream);
				py::dict told = dictOf(layout);
				told["planes"] = layout.planes;
				return told;
			},
			py::arg("stream") = "main",
			"Get format, width, height, stride (in bytes) and planes (a list of Plane) "
			"of\n"
			"stream 'main' or 'lores'.")
		.def("map", map, py::arg("stream") = "main", py::kw_only(),
		     py::arg("write") = false, py::arg("roi") = py::none(),
		     "Begin CPU access to the pixels.\n\n"
		     "- stream: 'main' or 'lores'.\n"
		     "- write: whether the program is going to write pixels.\n"
		     "- roi: (x, y, width, height) in pixels of the part to access; None: the\n"
		     "  whole frame. If the buffer is from vb2-cma, a call with roi maintains the\n"
		     "  CPU caches for the part only.")
		.def(
			"hold",
			[](py::object self, const std::string &holder) {
				self.cast<FrameHandle &>().get()->hold(holder);
				return self;
			},
			py::arg("holder"),
			"Set the name of this lease's holder for reports. Returns the frame.")
		.def(
			"share",
			[](const FrameHandle &frame) { return handleOf(frame.get()->share()); },
			"Take a second lease on the same frame.")
		.def("copy", copy,
		     "Copy the frame into ordinary memory. The copy leases no buffer.")
		.def("release", release, "End the lease now.");

	module.def("from_dmabuf", fromDmaBuf, py::arg("fd"), py::arg("format"), py::arg("size"),
		   py::arg("stride"), py::arg("sequence") = 0, py::arg("timestamp") = 0,
		   "Make a frame from a dma-buf in which the planes follow each other.\n\n"
		   "- fd: file descriptor of the dma-buf, which is duplicated.\n"
		   "- format: libcamera's name of the format.\n"
		   "- size: (width, height) in pixels.\n"
		   "- stride: bytes from one line of the first plane to the next.\n"
		   "- sequence: number of the frame.\n"
		   "- timestamp: start of exposure on CLOCK_MONOTONIC, in nanoseconds.");
}
