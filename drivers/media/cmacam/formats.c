// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's table of pixel formats, and what follows from it. The board and
 * libcmacam have tables of their own.
 */
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/dev_printk.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>

#include "cmacam.h"

static char *packed = "pad";
module_param(packed, charp, 0444);
MODULE_PARM_DESC(packed,
		 "If the engine cannot pack lines of the requested width: \"pad\" (default) pads these lines, and \"adjust\" reduces the width until the lines are packed");

static const struct cmacam_colours yuv = {
	.space = V4L2_COLORSPACE_REC709,
	.encoding = V4L2_YCBCR_ENC_709,
	.quantization = V4L2_QUANTIZATION_LIM_RANGE,
	.transfer = V4L2_XFER_FUNC_709,
};

/* What the specification gives for sRGB; the encoding has no meaning. */
static const struct cmacam_colours rgb = {
	.space = V4L2_COLORSPACE_SRGB,
	.encoding = V4L2_YCBCR_ENC_601,
	.quantization = V4L2_QUANTIZATION_FULL_RANGE,
	.transfer = V4L2_XFER_FUNC_SRGB,
};

static const struct cmacam_colours raw = {
	.space = V4L2_COLORSPACE_RAW,
	.encoding = V4L2_YCBCR_ENC_601,
	.quantization = V4L2_QUANTIZATION_FULL_RANGE,
	.transfer = V4L2_XFER_FUNC_NONE,
};

/* The first row that the channel can write is the default. */
static const struct cmacam_format cmacam_formats[] = {
	{ V4L2_PIX_FMT_NV12, CMACAM_FMT_NV12, 1, 2, 3, &yuv },
	{ V4L2_PIX_FMT_YUYV, CMACAM_FMT_YUYV, 2, 4, 2, &yuv },
	{ V4L2_PIX_FMT_YUV420, CMACAM_FMT_YUV420, 1, 2, 3, &yuv },
	{ V4L2_PIX_FMT_GREY, CMACAM_FMT_GREY, 1, 1, 2, &yuv },
	{ V4L2_PIX_FMT_Y10, CMACAM_FMT_Y10, 2, 2, 2, &yuv },
	{ V4L2_PIX_FMT_BGR24, CMACAM_FMT_BGR24, 3, 1, 2, &rgb },
	{ V4L2_PIX_FMT_RGB24, CMACAM_FMT_RGB24, 3, 1, 2, &rgb },
	{ V4L2_PIX_FMT_XBGR32, CMACAM_FMT_XBGR32, 4, 4, 2, &rgb },
	{ V4L2_PIX_FMT_RGBX32, CMACAM_FMT_RGBX32, 4, 4, 2, &rgb },
	{ V4L2_PIX_FMT_SRGGB10, CMACAM_FMT_SRGGB10, 2, 2, 2, &raw },
	{ V4L2_PIX_FMT_SRGGB8, CMACAM_FMT_SRGGB8, 1, 1, 2, &raw },
};

static bool widths_are_adjusted(void)
{
	return !strcmp(packed, "adjust");
}

/**
 * cmacam_formats_check_parameter() - is there such a treatment of lines?
 * @dev: for the message
 *
 * Return: 0 or -EINVAL
 */
int cmacam_formats_check_parameter(struct device *dev)
{
	if (!strcmp(packed, "pad") || widths_are_adjusted())
		return 0;

	return dev_err_probe(dev, -EINVAL,
			     "packed=%s is not a known value; the values are: pad adjust\n",
			     packed);
}

/* Both are powers of two, so a multiple of the larger is one of the other. */
static u32 format_stride_align(const struct cmacam_channel *ch,
			       const struct cmacam_format *format)
{
	return max(ch->caps.stride_align, format->align);
}

/**
 * cmacam_format_width_step() - what widths are a multiple of
 * @ch: the channel
 * @format: the format
 *
 * Return: pixels
 */
u32 cmacam_format_width_step(const struct cmacam_channel *ch,
			     const struct cmacam_format *format)
{
	u32 align = format_stride_align(ch, format);

	if (!widths_are_adjusted())
		return CMACAM_SIZE_STEP;

	/* The factors of two that a pixel's bytes have, the width need not. */
	return max(align >> __ffs(format->bytes), CMACAM_SIZE_STEP);
}

/**
 * cmacam_format_min_width() - narrowest frame
 * @ch: the channel
 * @format: the format
 *
 * Return: pixels
 */
u32 cmacam_format_min_width(const struct cmacam_channel *ch,
			    const struct cmacam_format *format)
{
	return round_up(CMACAM_MIN_SIZE, cmacam_format_width_step(ch, format));
}

/**
 * cmacam_format_by_index() - the n-th format of a channel
 * @ch: the channel
 * @index: n
 *
 * Return: the format, NULL if there are fewer
 */
const struct cmacam_format *
cmacam_format_by_index(const struct cmacam_channel *ch, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cmacam_formats); i++) {
		if (!(ch->caps.formats & BIT(cmacam_formats[i].code)))
			continue;
		if (!index--)
			return &cmacam_formats[i];
	}

	return NULL;
}

/**
 * cmacam_format_by_fourcc() - look a format up
 * @ch: the channel
 * @fourcc: V4L2_PIX_FMT_*
 *
 * Return: the format, NULL if this channel cannot write it
 */
const struct cmacam_format *
cmacam_format_by_fourcc(const struct cmacam_channel *ch, u32 fourcc)
{
	const struct cmacam_format *format;
	unsigned int i;

	for (i = 0; (format = cmacam_format_by_index(ch, i)); i++)
		if (format->fourcc == fourcc)
			return format;

	return NULL;
}

/**
 * cmacam_format_max_width() - widest frame
 * @ch: the channel
 * @array: the sensor's pixels
 * @format: the format
 *
 * Return: pixels; bounded by the sensor and by the engine's stride
 */
u32 cmacam_format_max_width(const struct cmacam_channel *ch,
			    const struct v4l2_rect *array,
			    const struct cmacam_format *format)
{
	u32 stride = ALIGN_DOWN(ch->caps.max_stride,
				format_stride_align(ch, format));

	return round_down(min(array->width, stride / format->bytes),
			  cmacam_format_width_step(ch, format));
}

/**
 * cmacam_format_is_packed() - whether lines follow each other without padding
 * @ch: the channel
 * @format: the format
 * @width: of the frame, pixels
 *
 * Return: true if the shortest stride is that of the pixels
 */
bool cmacam_format_is_packed(const struct cmacam_channel *ch,
			     const struct cmacam_format *format, u32 width)
{
	return IS_ALIGNED(width * format->bytes,
			  format_stride_align(ch, format));
}

/* Sizes of frames are computed in half bytes, in 32 bits. */
static bool frames_fit(const struct cmacam_channel *ch,
		       const struct v4l2_rect *array,
		       const struct cmacam_format *format)
{
	u64 halves = mul_u32_u32(ch->caps.max_stride, array->height) *
		     format->halves;

	if (halves <= U32_MAX)
		return true;

	dev_err(ch->engine->dev,
		"channel %u: a frame of %u lines with up to %u bytes each could have %llu bytes, but a frame can have at most %u bytes\n",
		ch->index, array->height, ch->caps.max_stride, halves / 2,
		U32_MAX / 2);

	return false;
}

/**
 * cmacam_formats_usable() - has the channel something to write?
 * @ch: the channel
 * @array: the sensor's pixels
 *
 * Everything here relies on it: that limits do not cross each other, and that
 * the size of the largest frame fits into 32 bits.
 *
 * Return: false if the board's registers make no sense
 */
bool cmacam_formats_usable(const struct cmacam_channel *ch,
			   const struct v4l2_rect *array)
{
	const struct cmacam_format *format;
	unsigned int i;

	if (ch->index == CMACAM_CH_STATS)
		return ch->caps.formats & BIT(CMACAM_FMT_STATS);

	if (array->height < CMACAM_MIN_SIZE || !cmacam_format_by_index(ch, 0))
		return false;

	for (i = 0; (format = cmacam_format_by_index(ch, i)); i++)
		if (cmacam_format_max_width(ch, array, format) <
			    cmacam_format_min_width(ch, format) ||
		    !frames_fit(ch, array, format))
			return false;

	return true;
}

/**
 * cmacam_format_fill() - the nearest format that the channel can write
 * @ch: the channel
 * @array: the sensor's pixels
 * @pix: in: what is wanted; out: what there is
 *
 * A larger stride than necessary is kept, so that buffers can be shared with
 * a device that needs one.
 */
void cmacam_format_fill(const struct cmacam_channel *ch,
			const struct v4l2_rect *array,
			struct v4l2_pix_format *pix)
{
	const struct cmacam_format *format;
	u32 align, min_stride, max_stride;

	format = cmacam_format_by_fourcc(ch, pix->pixelformat);
	if (!format)
		format = cmacam_format_by_index(ch, 0);

	pix->pixelformat = format->fourcc;
	pix->width = clamp(round_down(pix->width,
				      cmacam_format_width_step(ch, format)),
			   cmacam_format_min_width(ch, format),
			   cmacam_format_max_width(ch, array, format));
	pix->height = clamp(round_down(pix->height, CMACAM_SIZE_STEP),
			    CMACAM_MIN_SIZE,
			    round_down(array->height, CMACAM_SIZE_STEP));

	align = format_stride_align(ch, format);
	min_stride = ALIGN(pix->width * format->bytes, align);
	max_stride = ALIGN_DOWN(ch->caps.max_stride, align);
	pix->bytesperline = clamp(pix->bytesperline, min_stride, max_stride);
	pix->bytesperline = ALIGN(pix->bytesperline, align);
	pix->sizeimage = pix->bytesperline * pix->height * format->halves / 2;

	pix->field = V4L2_FIELD_NONE;
	pix->flags = 0;
	pix->colorspace = format->colours->space;
	pix->ycbcr_enc = format->colours->encoding;
	pix->quantization = format->colours->quantization;
	pix->xfer_func = format->colours->transfer;
}
