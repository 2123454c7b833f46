/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: frames and their pixels.
 */

#include "bindings.h"

#include <vector>

namespace {

using cmacam::Frame;
using cmacam::FrameView;
using cmacam::MappedFrame;
using cmacam::MappedPlane;
using cmacam::PixelFormat;

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

/* What Frame.map() returns. */
class Mapping
{
public:
	explicit Mapping(std::shared_ptr<Pixels> pixels) : pixels_(std::move(pixels)) {}

	const FrameView &view() const
	{
		if (!pixels_)
			throw py::value_error("the mapping has ended");
		return pixels_->mapped;
	}

	/* The access ends now, unless there are arrays that show the pixels. */
	void end()
	{
		const std::shared_ptr<Pixels> pixels = std::exchange(pixels_, nullptr);
		if (pixels && pixels.use_count() == 1)
			valueOf(pixels->mapped.end());
	}

	/* A view of a plane; shape and strides without the dimensions that every plane has. */
	py::array array(const MappedPlane &plane, const py::dtype &type,
			std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides) const
	{
		shape.insert(shape.begin(), static_cast<py::ssize_t>(plane.height));
		strides.insert(strides.begin(), static_cast<py::ssize_t>(plane.stride));

		const py::capsule owner(new std::shared_ptr<Pixels>(pixels_), [](void *pixels) {
			delete static_cast<std::shared_ptr<Pixels> *>(pixels);
		});
		py::array view(type, std::move(shape), std::move(strides), plane.data.data(),
			       owner);
		if (!pixels_->writable)
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
	std::shared_ptr<Pixels> pixels_;
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
	const FrameView &view = mapping.view();
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

Mapping map(const Frame &frame, const std::string &stream, bool write,
	    const std::optional<std::array<unsigned int, 4>> &roi)
{
	const auto access = write ? cmacam::Access::ReadWrite : cmacam::Access::Read;
	Frame lease = frame.share();
	lease.hold("a mapping in Python");

	MappedFrame mapped = roi ? valueOf(lease.roi({(*roi)[0], (*roi)[1], (*roi)[2], (*roi)[3]},
						     streamOf(stream), access))
				 : valueOf(lease.map(streamOf(stream), access));

	return Mapping(
		std::make_shared<Pixels>(Pixels{std::move(lease), std::move(mapped), write}));
}

py::dict metadata(const Frame &frame)
{
	py::dict all;
	for (const cmacam::NamedValue &entry : frame.metadata())
		all[py::str(entry.name)] = entry.value;
	return all;
}

Frame fromDmaBuf(int fd, const std::string &format, std::pair<unsigned int, unsigned int> size,
		 unsigned int stride, std::uint32_t sequence, std::int64_t timestamp)
{
	const auto layout = valueOf(
		cmacam::contiguousLayout(fd, formatOf(format), size.first, size.second, stride));
	return valueOf(Frame::fromDmaBuf(layout, {sequence, timestamp}));
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

void bindFrame(py::module_ &module)
{
	bindMapping(module);

	py::class_<Frame>(
		module, "Frame",
		"A frame and a lease on its buffer. The lease ends when the frame is deleted,\n"
		"when release() is called, or at the end of a 'with' block. When the last lease\n"
		"on a buffer ends, the buffer goes back to the camera.")
		.def("__enter__", [](py::object self) { return self; })
		.def("__exit__", [](Frame &frame, const py::args &) { frame.release(); })
		.def_property_readonly("sequence", &Frame::sequence,
				       "Number of the frame, with gaps for lost frames.")
		.def_property_readonly("timestamp", &Frame::timestamp,
				       "Start of exposure on CLOCK_MONOTONIC, in nanoseconds.")
		.def_property_readonly("buffer", &Frame::buffer,
				       "Index of the buffer among the buffers of its source.")
		.def_property_readonly(
			"metadata", metadata,
			"Metadata that the camera reported for this frame, as a dictionary\n"
			"{libcamera's name: value}.")
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
				self.cast<Frame &>().hold(holder);
				return self;
			},
			py::arg("holder"),
			"Set the name of this lease's holder for reports. Returns the frame.")
		.def("share", &Frame::share, "Take a second lease on the same frame.")
		.def(
			"copy", [](const Frame &frame) { return valueOf(frame.copy()); },
			"Copy the frame into ordinary memory. The copy leases no buffer.")
		.def("release", &Frame::release, "End the lease now.");

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
