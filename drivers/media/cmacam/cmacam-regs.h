/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Register block and completion ring of the cmacam camera board.
 *
 * This header and docs/registers.md are the contract between the hardware (the
 * virtual board, or an FPGA) and the driver. docs/registers.md explains the
 * meaning of the names. C and C++ sources inside and outside of the kernel
 * include this header, so this header contains only constants and plain
 * structures.
 */
#ifndef CMACAM_REGS_H
#define CMACAM_REGS_H

#include <linux/types.h>

/*
 * PCI identity. BAR 0 has the registers. BAR 2 has the MSI-X table and the PBA.
 */
#define CMACAM_PCI_VENDOR		0x1234
#define CMACAM_PCI_DEVICE		0xca3a
#define CMACAM_BAR_REGS			0
#define CMACAM_BAR_MSIX			2
#define CMACAM_BAR_SIZE			0x1000
#define CMACAM_MSIX_VECTORS		1
#define CMACAM_MSIX_PBA			0x800

/* Board */
#define CMACAM_ID			0x000	/* RO: CMACAM_ID_MAGIC */
#define CMACAM_ID_MAGIC			0x434d4143u
#define CMACAM_VERSION			0x004	/* RO: major << 16 | minor */
#define CMACAM_VERSION_MAJOR		2u
#define CMACAM_VERSION_MINOR		2u
#define CMACAM_CAPS			0x008	/* RO */
#define CMACAM_CAPS_CHANNELS		0x0000000fu
#define CMACAM_CAPS_FIFO_SHIFT		8 /* depth of address FIFO, entries */
#define CMACAM_CAPS_FIFO		0x0000ff00u
#define CMACAM_CAPS_ADDR_BITS_SHIFT	16	/* width of a DMA address */
#define CMACAM_CAPS_ADDR_BITS		0x007f0000u
#define CMACAM_CAPS_SG			0x04000000u	/* reserved: SG lists */
#define CMACAM_CAPS_FAULTS		0x08000000u /* FAULT register present */
#define CMACAM_CTRL			0x00c	/* RW */
#define CMACAM_CTRL_RESET		0x00000001u	/* self-clearing */
#define CMACAM_IRQ_STATUS		0x010	/* RO: bit n = channel n */
#define CMACAM_IRQ_ENABLE		0x014	/* RW: bit n = channel n */
/* Alignment of addresses and strides. A format may need a larger alignment. */
#define CMACAM_ALIGN			0x01c	/* RO */
#define CMACAM_ALIGN_ADDR		0x000000ffu	/* log2 bytes */
#define CMACAM_ALIGN_STRIDE_SHIFT	8
#define CMACAM_ALIGN_STRIDE		0x0000ff00u	/* log2 bytes */
/* Time of the board's clock, ns. A read of TIME_LO latches TIME_HI. */
#define CMACAM_TIME_LO			0x020	/* RO */
#define CMACAM_TIME_HI			0x024	/* RO */
#define CMACAM_MAX_STRIDE		0x028	/* RO: bytes */

/* Sensor. The board samples all written values at the next start of frame. */
#define CMACAM_SENSOR_ARRAY		0x080	/* RO: height << 16 | width */
#define CMACAM_SENSOR_PIXEL_RATE	0x084	/* RO: pixels per second */
#define CMACAM_SENSOR_HBLANK		0x088	/* RO: pixels per line */
#define CMACAM_SENSOR_VBLANK		0x08c	/* RW: lines per frame */
#define CMACAM_SENSOR_VBLANK_MIN	0x090	/* RO: lines */
#define CMACAM_SENSOR_VBLANK_MAX	0x094	/* RO: lines */
#define CMACAM_SENSOR_EXPOSURE		0x098	/* RW: lines */
#define CMACAM_SENSOR_EXPOSURE_MIN	0x09c	/* RO: lines */
/* Minimum difference between the frame length and the exposure */
#define CMACAM_SENSOR_EXPOSURE_MARGIN	0x0a0	/* RO: lines */
#define CMACAM_SENSOR_GAIN		0x0a4	/* RW: 1/256 */
#define CMACAM_SENSOR_GAIN_MIN		0x0a8	/* RO: 1/256 */
#define CMACAM_SENSOR_GAIN_MAX		0x0ac	/* RO: 1/256 */
#define CMACAM_SENSOR_PATTERN		0x0b0	/* RW: CMACAM_PATTERN_* */
#define CMACAM_SENSOR_HOLD		0x0b4	/* RW: bit 0: defer sampling */
#define CMACAM_SENSOR_FLIP		0x0b8	/* RW: CMACAM_FLIP_* */
#define CMACAM_FLIP_HORIZONTAL		0x00000001u
#define CMACAM_FLIP_VERTICAL		0x00000002u
#define CMACAM_SENSOR_CROP_POS		0x0bc	/* RW: top << 16 | left */
#define CMACAM_SENSOR_CROP_SIZE		0x0c0	/* RW: height << 16 | width */

/*
 * Image processing, which the board does not apply to Bayer formats. The board
 * samples these registers together with the sensor registers.
 */
#define CMACAM_ISP_RED_GAIN		0x0c4	/* RW: 1/256 */
#define CMACAM_ISP_BLUE_GAIN		0x0c8	/* RW: 1/256 */
#define CMACAM_ISP_COLOUR_GAIN_MIN	64u
#define CMACAM_ISP_COLOUR_GAIN_MAX	2048u
#define CMACAM_ISP_BRIGHTNESS		0x0cc	/* RW: signed, 8-bit codes */
#define CMACAM_ISP_BRIGHTNESS_MIN	(-128)
#define CMACAM_ISP_BRIGHTNESS_MAX	127
#define CMACAM_ISP_CONTRAST		0x0d0	/* RW: 1/256, around code 128 */
#define CMACAM_ISP_SATURATION		0x0d4	/* RW: 1/256 */
#define CMACAM_ISP_SHARPNESS		0x0d8	/* RW: 1/256; 0: off */
/* Maximum of CONTRAST, SATURATION and SHARPNESS */
#define CMACAM_ISP_FACTOR_MAX		1024u
#define CMACAM_ISP_UNITY		256u	/* 1.0 in 1/256 */

#define CMACAM_PATTERN_OFF		0u	/* live picture */
#define CMACAM_PATTERN_BARS		1u	/* 75 % colour bars */
#define CMACAM_PATTERN_RAMP		2u	/* horizontal grey ramp */
#define CMACAM_PATTERN_SOLID		3u	/* mid grey */
#define CMACAM_PATTERN_COUNT		4u

/* Channels: 0 main, 1 lores, 2 statistics */
#define CMACAM_CH_MAIN			0u
#define CMACAM_CH_LORES			1u
#define CMACAM_CH_STATS			2u
#define CMACAM_CH_COUNT			3u
#define CMACAM_CH(n)			(0x100u + 0x80u * (n))
#define CMACAM_CH_CTRL			0x00	/* RW */
#define CMACAM_CH_CTRL_EN		0x00000001u /* 0: stop after frame */
#define CMACAM_CH_CTRL_LINK		0x00000002u /* link to channel 0 */
#define CMACAM_CH_STATUS		0x04	/* RO */
#define CMACAM_CH_STATUS_ACTIVE		0x00000001u /* frame in progress */
#define CMACAM_CH_STATUS_IDLE		0x00000002u /* EN is 0, no DMA runs */
#define CMACAM_CH_INT_STATUS		0x08	/* W1C: CMACAM_CH_INT_* */
#define CMACAM_CH_INT_ENABLE		0x0c	/* RW */
#define CMACAM_CH_INT_FRAME_START	0x00000001u
#define CMACAM_CH_INT_FRAME_DONE	0x00000002u /* ring entry ready */
#define CMACAM_CH_INT_DROP		0x00000004u /* a frame was lost */
#define CMACAM_CH_INT_FIFO_OVERFLOW	0x00000008u /* address refused */
#define CMACAM_CH_INT_CONFIG		0x00000010u /* configuration refused */
/* The board latches the values from WIDTH to SIZE_LIMIT when EN is set. */
#define CMACAM_CH_WIDTH			0x10	/* RW: pixels */
#define CMACAM_CH_HEIGHT		0x14	/* RW: lines */
#define CMACAM_CH_FORMAT		0x18	/* RW: CMACAM_FMT_* */
#define CMACAM_CH_STRIDE		0x1c	/* RW: bytes */
#define CMACAM_CH_SIZE_LIMIT		0x20	/* RW: bytes */
#define CMACAM_CH_ADDR_LO		0x24 /* WO: commits address to FIFO */
#define CMACAM_CH_ADDR_HI		0x28	/* RW: write before ADDR_LO */
#define CMACAM_CH_FIFO_SPACE		0x2c	/* RO: free entries */
/* The board latches the values from RING_LO to RING_ENTRIES when EN is set. */
#define CMACAM_CH_RING_LO		0x30	/* RW */
#define CMACAM_CH_RING_HI		0x34	/* RW */
#define CMACAM_CH_RING_ENTRIES		0x38	/* RW */
/* Sequence number of the frame in progress, or of the next frame */
#define CMACAM_CH_SEQUENCE		0x3c	/* RO */
#define CMACAM_CH_DROPPED		0x40	/* RO: frames lost since EN */
#define CMACAM_CH_ERRORS		0x44 /* RO: corrupted frames since EN */
#define CMACAM_CH_FORMATS		0x4c /* RO: bit n = format code n */
#define CMACAM_CH_LIST_LO		0x58	/* reserved for SG lists */
#define CMACAM_CH_LIST_HI		0x5c
#define CMACAM_CH_FAULT			0x60 /* RW: CMACAM_FAULT_* */
#define CMACAM_FAULT_BUS_ERROR		0x00000001u /* next frame: bus error */
#define CMACAM_FAULT_LOSE_IRQ		0x00000002u /* next frame: no IRQ */
#define CMACAM_FAULT_DROP		0x00000004u	/* next frame: lost */
#define CMACAM_FAULT_TORN		0x00000008u /* next frame: torn */

/* Pixel formats. The planes of a frame follow each other in one buffer. */
#define CMACAM_FMT_GREY			0u	/* 8-bit luma */
#define CMACAM_FMT_NV12			1u /* Y, then CbCr at stride * height */
#define CMACAM_FMT_SRGGB10		2u /* 10 bits in 16, little endian */
#define CMACAM_FMT_Y10			3u /* 10 bits in 16, little endian */
#define CMACAM_FMT_YUYV			4u	/* Y Cb Y Cr */
#define CMACAM_FMT_BGR24		5u	/* B first */
#define CMACAM_FMT_SRGGB8		6u
#define CMACAM_FMT_STATS		7u	/* struct cmacam_stats */
#define CMACAM_FMT_YUV420		8u /* Y, Cb, Cr; chroma: stride / 2 */
#define CMACAM_FMT_RGB24		9u	/* R first */
#define CMACAM_FMT_XBGR32		10u	/* B G R and a byte of 255 */
#define CMACAM_FMT_RGBX32		11u	/* R G B and a byte of 255 */
#define CMACAM_FMT_COUNT		12u

/*
 * Entry of the completion ring: one finished frame. The ring is in coherent
 * memory. The board writes the owner word last. The driver clears this word to
 * return the entry to the board.
 */
struct cmacam_completion {
	__le64 addr;		/* value written to ADDR_HI/LO */
	__le64 time;		/* start of frame, board time, ns */
	__le32 sequence;	/* from 0; lost frames are counted */
	__le32 bytes;		/* number of bytes written */
	__le32 flags;		/* CMACAM_DONE_* */
	__le32 exposure;	/* lines, in force for this frame */
	__le32 gain;		/* 1/256, in force for this frame */
	__le32 pattern;		/* in force for this frame */
	__le32 line_length;	/* pixels, blanking included */
	__le32 frame_length;	/* lines, blanking included */
	__le32 dropped;		/* frames lost between EN and this frame */
	__le32 flip;		/* CMACAM_FLIP_*, in force */
	__le32 crop_pos;	/* in force: top << 16 | left */
	__le32 crop_size;	/* in force: height << 16 | width */
	__le32 red_gain;	/* 1/256, in force */
	__le32 blue_gain;	/* 1/256, in force */
	__le32 brightness;	/* signed, in force */
	__le32 contrast;	/* 1/256, in force */
	__le32 saturation;	/* 1/256, in force */
	__le32 sharpness;	/* 1/256, in force */
	__le32 reserved[9];
	__le32 owner;		/* CMACAM_DONE_OWNER */
};

#define CMACAM_DONE_OWNER		0x80000000u	/* driver may read */
#define CMACAM_DONE_BUS_ERROR		0x00000001u	/* nothing written */
#define CMACAM_DONE_LIMIT		0x00000002u	/* cut at SIZE_LIMIT */
#define CMACAM_DONE_SHORT		0x00000004u	/* source ended early */

/*
 * Statistics of one frame, which the statistics channel writes. The statistics
 * include the effects of light, exposure, gain and crop. White balance and the
 * later steps of image processing do not affect the statistics. All fields are
 * little endian. The layout equals that of struct cmacam_stats in
 * linux/cmacam.h, which user space uses.
 */
#define CMACAM_STATS_BINS		256u
#define CMACAM_STATS_COLUMNS		16u
#define CMACAM_STATS_ROWS		12u
struct cmacam_zone_data {
	__le16 red;		/* mean, 8-bit code * 256 */
	__le16 green;
	__le16 blue;
	__le16 saturated;	/* share of samples at 255, unit 1/65535 */
};

struct cmacam_stats_data {
	__le32 size;		/* bytes of this structure */
	__le32 sequence;	/* number of the frame */
	__le32 samples;		/* sum of the histogram */
	__le32 reserved[5];
	__le32 histogram[CMACAM_STATS_BINS];	/* BT.709 luma, full range */
	struct cmacam_zone_data zones[CMACAM_STATS_ROWS][CMACAM_STATS_COLUMNS];
};

/*
 * Mark of a frame. In the board's mark modes `frame` and `lines`, the board
 * writes this structure over the first bytes of each frame. A consumer can then
 * prove which frame a buffer contains.
 */
#define CMACAM_MARK_MAGIC		0x4b52414du	/* "MARK" */
struct cmacam_mark {
	__le32 magic;
	__le32 sequence;
	__le64 nonce;		/* random for each frame; in the board's log */
	__le32 channel;
	__le32 exposure;
	__le32 gain;
	__le32 pattern;
};

/*
 * Layout of the mark mode `lines`. The board divides the frame from its start
 * into lines of 64 bytes. The board writes the frame's sequence number (__le32)
 * into each line. With these numbers, a test can detect a single stale cache
 * line. In the first line, the sequence number is a member of
 * struct cmacam_mark.
 */
#define CMACAM_MARK_LINE		64u	/* bytes */
#define CMACAM_MARK_LINE_SEQUENCE	4u	/* offset in a line, bytes */

#endif
