// SPDX-License-Identifier: GPL-2.0-only
/*
 * Example of a capture driver on vb2-cma. The card is minicam, on the virtual
 * board. docs/porting.md explains the driver step by step.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "../compat.h"
#include "minicam-regs.h"
#include "vb2-cma.h"

#define MINICAM_NAME		"minicam"
#define MINICAM_STOP_US		(3 * USEC_PER_SEC)

/**
 * struct minicam - a card
 * @pdev: the PCI device
 * @regs: its registers
 * @ring: descriptors, in coherent memory; an entry that the card owns is the
 *	card's to write
 * @ring_dma: where the card sees the ring
 * @v4l2_dev: holds the structure until the last file is closed
 * @vdev: the video node
 * @queue: the queue of the node
 * @lock: serialises ioctls, and the queue
 * @slock: guards @head, @tail, @bufs and the ring
 * @head: number of buffers that were given to the card, since the last stop
 * @tail: number of those that are back
 * @bufs: for each entry of the ring, the buffer that it describes
 */
struct minicam {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct minicam_desc *ring;
	dma_addr_t ring_dma;

	struct v4l2_device v4l2_dev;
	struct video_device vdev;
	struct vb2_queue queue;
	struct mutex lock; /* see the kernel-doc above */

	spinlock_t slock; /* see the kernel-doc above */
	unsigned int head;
	unsigned int tail;
	struct vb2_v4l2_buffer *bufs[MINICAM_RING_ENTRIES];
};

/* -----------------------------------------------------------------------------
 * The ring
 */

/* There are as many entries as a queue can have buffers, so one is free. */
static void minicam_buf_queue(struct vb2_buffer *vb)
{
	struct minicam *mini = vb2_get_drv_priv(vb->vb2_queue);
	struct minicam_desc *desc;
	unsigned int entry;

	guard(spinlock_irqsave)(&mini->slock);

	entry = mini->head++ % MINICAM_RING_ENTRIES;
	mini->bufs[entry] = to_vb2_v4l2_buffer(vb);
	desc = &mini->ring[entry];
	desc->addr = cpu_to_le64(vb2_cma_plane_dma_addr(vb, 0));
	/* The card may read the address as soon as it owns the entry. */
	dma_wmb();
	WRITE_ONCE(desc->owner, cpu_to_le32(MINICAM_OWNER_CARD));
	/* While the card is stopped, it ignores this. */
	writel(1, mini->regs + MINICAM_DOORBELL);
}

static irqreturn_t minicam_irq(int irq, void *data)
{
	struct minicam *mini = data;

	guard(spinlock_irqsave)(&mini->slock);

	for (; mini->tail != mini->head; mini->tail++) {
		unsigned int entry = mini->tail % MINICAM_RING_ENTRIES;
		struct minicam_desc *desc = &mini->ring[entry];
		struct vb2_v4l2_buffer *vbuf = mini->bufs[entry];
		bool error;

		if (le32_to_cpu(READ_ONCE(desc->owner)) == MINICAM_OWNER_CARD)
			break;
		/* The card wrote the pixels and the entry before this word. */
		dma_rmb();
		error = le32_to_cpu(desc->flags) & MINICAM_DONE_ERROR;

		vbuf->sequence = le32_to_cpu(desc->sequence);
		vbuf->field = V4L2_FIELD_NONE;
		vbuf->vb2_buf.timestamp = ktime_get_ns();
		vb2_set_plane_payload(&vbuf->vb2_buf, 0,
				      min(le32_to_cpu(desc->bytes),
					  MINICAM_FRAME_SIZE));
		vb2_buffer_done(&vbuf->vb2_buf, error ? VB2_BUF_STATE_ERROR :
							VB2_BUF_STATE_DONE);
	}

	return IRQ_HANDLED;
}

/* The card is stopped, and begins with the first entry again. */
static void minicam_return_buffers(struct minicam *mini,
				   enum vb2_buffer_state state)
{
	guard(spinlock_irqsave)(&mini->slock);

	for (; mini->tail != mini->head; mini->tail++) {
		unsigned int entry = mini->tail % MINICAM_RING_ENTRIES;

		mini->ring[entry].owner = cpu_to_le32(MINICAM_OWNER_DRIVER);
		vb2_buffer_done(&mini->bufs[entry]->vb2_buf, state);
	}
	mini->head = 0;
	mini->tail = 0;
}

/* -----------------------------------------------------------------------------
 * Operations of the queue
 */

static int minicam_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			       unsigned int *num_planes, unsigned int sizes[],
			       struct device *alloc_devs[])
{
	if (*num_planes)
		return *num_planes != 1 || sizes[0] < MINICAM_FRAME_SIZE ?
		       -EINVAL : 0;

	*num_planes = 1;
	sizes[0] = MINICAM_FRAME_SIZE;

	return 0;
}

static int minicam_buf_prepare(struct vb2_buffer *vb)
{
	return vb2_plane_size(vb, 0) < MINICAM_FRAME_SIZE ? -EINVAL : 0;
}

/* Buffers that were queued before the start are in the ring already. */
static int minicam_start_streaming(struct vb2_queue *q, unsigned int count)
{
	struct minicam *mini = vb2_get_drv_priv(q);

	pci_set_master(mini->pdev);
	writel(lower_32_bits(mini->ring_dma), mini->regs + MINICAM_RING_LO);
	writel(upper_32_bits(mini->ring_dma), mini->regs + MINICAM_RING_HI);
	writel(MINICAM_CTRL_EN, mini->regs + MINICAM_CTRL);
	if (readl(mini->regs + MINICAM_CTRL) == MINICAM_CTRL_EN)
		return 0;

	dev_err(&mini->pdev->dev, "the card does not start\n");
	pci_clear_master(mini->pdev);
	minicam_return_buffers(mini, VB2_BUF_STATE_QUEUED);

	return -EIO;
}

static void minicam_stop_streaming(struct vb2_queue *q)
{
	struct minicam *mini = vb2_get_drv_priv(q);
	u32 status;

	/* A card that was unplugged reads as all ones, and writes nothing. */
	writel(0, mini->regs + MINICAM_CTRL);
	if (readl_poll_timeout(mini->regs + MINICAM_STATUS, status,
			       !(status & MINICAM_STATUS_BUSY) ||
			       status == U32_MAX, 100, MINICAM_STOP_US))
		dev_err(&mini->pdev->dev, "the card does not stop\n");
	/* Whatever the card does, from here on it cannot write to buffers. */
	pci_clear_master(mini->pdev);

	minicam_return_buffers(mini, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops minicam_queue_ops = {
	.queue_setup = minicam_queue_setup,
	.buf_prepare = minicam_buf_prepare,
	.buf_finish = vb2_cma_buf_finish,
	.buf_queue = minicam_buf_queue,
	.start_streaming = minicam_start_streaming,
	.stop_streaming = minicam_stop_streaming,
	COMPAT_VB2_WAIT_OPS
};

static int minicam_queue_init(struct minicam *mini)
{
	struct vb2_queue *q = &mini->queue;

	/* No read(): it would need more care when the card is unplugged. */
	q->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	q->io_modes = VB2_MMAP | VB2_DMABUF;
	q->dev = &mini->pdev->dev;
	q->drv_priv = mini;
	q->ops = &minicam_queue_ops;
	q->mem_ops = &vb2_cma_memops;
	q->buf_struct_size = sizeof(struct vb2_v4l2_buffer);
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	q->max_num_buffers = MINICAM_RING_ENTRIES;
	q->lock = &mini->lock;

	return vb2_queue_init(q);
}

/* -----------------------------------------------------------------------------
 * The node
 */

static int minicam_querycap(struct file *file, void *priv,
			    struct v4l2_capability *cap)
{
	strscpy(cap->driver, MINICAM_NAME, sizeof(cap->driver));
	strscpy(cap->card, MINICAM_NAME, sizeof(cap->card));

	return 0;
}

static int minicam_enum_fmt(struct file *file, void *priv,
			    struct v4l2_fmtdesc *f)
{
	if (f->index)
		return -EINVAL;
	f->pixelformat = V4L2_PIX_FMT_NV12;

	return 0;
}

/* There is only one format, so it is what G_FMT, TRY_FMT and S_FMT return. */
static int minicam_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	f->fmt.pix = (struct v4l2_pix_format) {
		.width = MINICAM_WIDTH,
		.height = MINICAM_HEIGHT,
		.pixelformat = V4L2_PIX_FMT_NV12,
		.field = V4L2_FIELD_NONE,
		.bytesperline = MINICAM_WIDTH,
		.sizeimage = MINICAM_FRAME_SIZE,
		.colorspace = V4L2_COLORSPACE_REC709,
		.ycbcr_enc = V4L2_YCBCR_ENC_709,
		.quantization = V4L2_QUANTIZATION_LIM_RANGE,
		.xfer_func = V4L2_XFER_FUNC_709,
	};

	return 0;
}

static int minicam_enum_input(struct file *file, void *priv,
			      struct v4l2_input *input)
{
	if (input->index)
		return -EINVAL;
	input->type = V4L2_INPUT_TYPE_CAMERA;
	strscpy(input->name, "Camera", sizeof(input->name));

	return 0;
}

static int minicam_g_input(struct file *file, void *priv, unsigned int *index)
{
	*index = 0;

	return 0;
}

static int minicam_s_input(struct file *file, void *priv, unsigned int index)
{
	return index ? -EINVAL : 0;
}

static const struct v4l2_ioctl_ops minicam_ioctl_ops = {
	.vidioc_querycap = minicam_querycap,
	.vidioc_enum_fmt_vid_cap = minicam_enum_fmt,
	.vidioc_g_fmt_vid_cap = minicam_fmt,
	.vidioc_s_fmt_vid_cap = minicam_fmt,
	.vidioc_try_fmt_vid_cap = minicam_fmt,
	.vidioc_enum_input = minicam_enum_input,
	.vidioc_g_input = minicam_g_input,
	.vidioc_s_input = minicam_s_input,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_create_bufs = vb2_ioctl_create_bufs,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations minicam_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.unlocked_ioctl = video_ioctl2,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
};

/* The last file is closed, or there was none. */
static void minicam_release(struct v4l2_device *v4l2_dev)
{
	struct minicam *mini = container_of(v4l2_dev, struct minicam, v4l2_dev);

	v4l2_device_unregister(v4l2_dev);
	mutex_destroy(&mini->lock);
	kfree(mini);
}

static int minicam_register_node(struct minicam *mini)
{
	struct video_device *vdev = &mini->vdev;

	strscpy(vdev->name, MINICAM_NAME, sizeof(vdev->name));
	vdev->fops = &minicam_fops;
	vdev->ioctl_ops = &minicam_ioctl_ops;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	vdev->lock = &mini->lock;
	vdev->queue = &mini->queue;
	vdev->v4l2_dev = &mini->v4l2_dev;
	vdev->release = video_device_release_empty;
	video_set_drvdata(vdev, mini);

	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

/* -----------------------------------------------------------------------------
 * The PCI device
 */

/* What pcim_enable_device() and its like have done ends by itself. */
static int minicam_init_hardware(struct minicam *mini)
{
	struct pci_dev *pdev = mini->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	mini->regs = pcim_iomap_region(pdev, MINICAM_BAR_REGS, MINICAM_NAME);
	if (IS_ERR(mini->regs))
		return PTR_ERR(mini->regs);
	if (readl(mini->regs + MINICAM_ID) != MINICAM_ID_MAGIC)
		return -ENODEV;

	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	/* A frame is one segment. */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	mini->ring = dmam_alloc_coherent(&pdev->dev, MINICAM_RING_ENTRIES *
					 sizeof(*mini->ring), &mini->ring_dma,
					 GFP_KERNEL);
	if (!mini->ring)
		return -ENOMEM;

	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI | PCI_IRQ_MSIX);
	if (ret < 0)
		return ret;
	ret = request_irq(pci_irq_vector(pdev, 0), minicam_irq, 0,
			  dev_name(&pdev->dev), mini);
	if (ret)
		pci_free_irq_vectors(pdev);

	return ret;
}

static int minicam_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct minicam *mini;
	int ret;

	mini = kzalloc_obj(*mini);
	if (!mini)
		return -ENOMEM;
	mini->pdev = pdev;
	mutex_init(&mini->lock);
	spin_lock_init(&mini->slock);
	pci_set_drvdata(pdev, mini);

	ret = v4l2_device_register(&pdev->dev, &mini->v4l2_dev);
	if (ret) {
		mutex_destroy(&mini->lock);
		kfree(mini);
		return ret;
	}
	mini->v4l2_dev.release = minicam_release;

	ret = minicam_init_hardware(mini);
	if (ret)
		goto err_put;
	ret = minicam_queue_init(mini);
	if (ret)
		goto err_irq;
	ret = minicam_register_node(mini);
	if (ret)
		goto err_irq;

	return 0;

err_irq:
	free_irq(pci_irq_vector(pdev, 0), mini);
	pci_free_irq_vectors(pdev);
err_put:
	v4l2_device_put(&mini->v4l2_dev);
	return dev_err_probe(&pdev->dev, ret, "cannot use the card\n");
}

static void minicam_remove(struct pci_dev *pdev)
{
	struct minicam *mini = pci_get_drvdata(pdev);

	/* Ends streaming; files that are still open only get errors. */
	vb2_video_unregister_device(&mini->vdev);
	free_irq(pci_irq_vector(pdev, 0), mini);
	pci_free_irq_vectors(pdev);
	/* Frames that programs still hold live on without the device. */
	vb2_cma_forget_device(&pdev->dev);
	v4l2_device_put(&mini->v4l2_dev);
}

static const struct pci_device_id minicam_ids[] = {
	{ PCI_DEVICE(MINICAM_PCI_VENDOR, MINICAM_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, minicam_ids);

static struct pci_driver minicam_driver = {
	.name = MINICAM_NAME,
	.id_table = minicam_ids,
	.probe = minicam_probe,
	.remove = minicam_remove,
};
module_pci_driver(minicam_driver);

MODULE_DESCRIPTION("minicam, an example of a capture driver on vb2-cma");
MODULE_LICENSE("GPL");
