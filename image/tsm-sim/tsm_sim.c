// SPDX-License-Identifier: GPL-2.0
/*
 * tsm_sim: what the TDX guest driver offers, on a machine that is no TD.
 *
 * SIMULATED: nothing here is protected by anything.  The module stands behind
 * the kernel's own interfaces, so that programs run as they do in a TD:
 *
 *   configfs-tsm    a report provider named "tdx_guest"
 *   /dev/tdx_guest  a misc device, whose sysfs folder has "measurements" with
 *                   rtmr0:sha384 to rtmr3:sha384; a write of 48 bytes to the
 *                   last two extends, as from Linux 6.16 on
 *
 * Each request goes through /dev/tsm_sim to a program that relays it to the
 * simulated platform: read() gives a frame (big-endian length and content,
 * Postern's docs/PROTOCOL.teesim.md) and write() takes the frame that answers
 * it.  One request is under way at a time.
 *
 * Source: Linux Documentation/ABI/testing/configfs-tsm-report,
 * sysfs-devices-virtual-misc-tdx_guest.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sysfs.h>
#include <linux/tsm.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include <linux/wait.h>

#define REPORT_DATA_LEN 64
#define RTMR_LEN 48
#define HEADER_LEN 4
#define REQUEST_MAX (HEADER_LEN + 1 + REPORT_DATA_LEN)
#define REPLY_MAX (HEADER_LEN + 1 + TSM_OUTBLOB_MAX)
#define WAIT_MS (30 * 1000)

/* The first byte of a request, and of a reply. */
enum { OP_QUOTE = 1, OP_EXTEND = 2, OP_READ = 3 };
enum { STATUS_OK = 0, STATUS_MALFORMED = 1, STATUS_DENIED = 2, STATUS_FAILED = 3 };

enum state {
	IDLE,
	POSTED, /* the relay has not read it yet */
	TAKEN, /* the relay has it */
	ANSWERED,
};

static DEFINE_MUTEX(one_at_a_time);
/* Guards what is below. */
static DEFINE_MUTEX(lock);
static DECLARE_WAIT_QUEUE_HEAD(changed);
static enum state state;
static u8 request[REQUEST_MAX];
static size_t request_len;
static u8 *reply; /* the content of its frame; kvfree() */
static size_t reply_len;
static atomic_t relays = ATOMIC_INIT(0);

static enum state state_now(void)
{
	return READ_ONCE(state);
}

static void post(const u8 *content, size_t len)
{
	mutex_lock(&lock);
	put_unaligned_be32(len, request);
	memcpy(request + HEADER_LEN, content, len);
	request_len = HEADER_LEN + len;
	WRITE_ONCE(state, POSTED);
	mutex_unlock(&lock);
	wake_up_all(&changed);
}

/* The reply's content, for the caller to kvfree(); NULL: none came. */
static u8 *take(size_t *len)
{
	u8 *taken = NULL;

	mutex_lock(&lock);
	if (state == ANSWERED) {
		taken = reply;
		*len = reply_len;
		reply = NULL;
	}
	WRITE_ONCE(state, IDLE);
	mutex_unlock(&lock);
	return taken;
}

static int status_error(u8 status)
{
	switch (status) {
	case STATUS_OK:
		return 0;
	case STATUS_MALFORMED:
		return -EINVAL;
	case STATUS_DENIED:
		return -EPERM;
	case STATUS_FAILED: /* try again */
		return -EBUSY;
	default:
		return -EIO;
	}
}

/*
 * Asks the platform and waits for its answer.  On success *body, which begins
 * one byte into the allocation *owned, is what follows the status.
 */
static int ask(const u8 *content, size_t len, u8 **owned, const u8 **body,
	       size_t *body_len)
{
	size_t n = 0;
	long left;
	u8 *got;
	int error;

	if (mutex_lock_killable(&one_at_a_time))
		return -EINTR;
	post(content, len);
	left = wait_event_killable_timeout(changed, state_now() == ANSWERED,
					   msecs_to_jiffies(WAIT_MS));
	got = take(&n);
	mutex_unlock(&one_at_a_time);
	if (!got)
		return left < 0 ? -EINTR : -ETIMEDOUT;
	error = status_error(got[0]);
	if (error) {
		kvfree(got);
		return error;
	}
	*owned = got;
	*body = got + 1;
	*body_len = n - 1;
	return 0;
}

/* ---- configfs-tsm ---- */

static int report_new(struct tsm_report *report, void *data)
{
	u8 content[1 + REPORT_DATA_LEN] = { OP_QUOTE };
	const u8 *body;
	size_t len;
	u8 *owned;
	int error;

	/* As the TDX driver: no padding is made up. */
	if (report->desc.inblob_len != REPORT_DATA_LEN)
		return -EINVAL;
	memcpy(content + 1, report->desc.inblob, REPORT_DATA_LEN);
	error = ask(content, sizeof(content), &owned, &body, &len);
	if (error)
		return error;
	report->outblob = len ? kvmemdup(body, len, GFP_KERNEL) : NULL;
	kvfree(owned);
	if (!report->outblob)
		return len ? -ENOMEM : -EIO;
	report->outblob_len = len;
	return 0;
}

static bool report_attr_visible(int n)
{
	return n == TSM_REPORT_GENERATION || n == TSM_REPORT_PROVIDER;
}

static bool report_bin_attr_visible(int n)
{
	return n == TSM_REPORT_INBLOB || n == TSM_REPORT_OUTBLOB;
}

static const struct tsm_ops ops = {
	.name = "tdx_guest",
	.report_new = report_new,
	.report_attr_visible = report_attr_visible,
	.report_bin_attr_visible = report_bin_attr_visible,
};

/* ---- /sys/class/misc/tdx_guest/measurements ---- */

static ssize_t rtmr_read(struct file *file, struct kobject *kobj,
			 struct bin_attribute *attr, char *buf, loff_t offset,
			 size_t count)
{
	u8 content[2] = { OP_READ, (u8)(uintptr_t)attr->private };
	const u8 *body;
	size_t len;
	u8 *owned;
	int error = ask(content, sizeof(content), &owned, &body, &len);

	if (error)
		return error;
	error = len == RTMR_LEN ? 0 : -EIO;
	if (!error)
		memcpy(buf, body + offset, count); /* sysfs has cut both */
	kvfree(owned);
	return error ? error : count;
}

static ssize_t rtmr_write(struct file *file, struct kobject *kobj,
			  struct bin_attribute *attr, char *buf, loff_t offset,
			  size_t count)
{
	u8 content[2 + RTMR_LEN] = { OP_EXTEND, (u8)(uintptr_t)attr->private };
	const u8 *body;
	size_t len;
	u8 *owned;
	int error;

	if (offset || count != RTMR_LEN)
		return -EINVAL;
	memcpy(content + 2, buf, RTMR_LEN);
	error = ask(content, sizeof(content), &owned, &body, &len);
	if (error)
		return error;
	kvfree(owned);
	return count;
}

#define RTMR(n, mode_, write_) \
	static struct bin_attribute rtmr##n = { \
		.attr = { .name = "rtmr" #n ":sha384", .mode = (mode_) }, \
		.size = RTMR_LEN, \
		.private = (void *)(uintptr_t)(n), \
		.read = rtmr_read, \
		.write = (write_), \
	}
RTMR(0, 0444, NULL);
RTMR(1, 0444, NULL);
RTMR(2, 0644, rtmr_write);
RTMR(3, 0644, rtmr_write);

static struct bin_attribute *measurements[] = { &rtmr0, &rtmr1, &rtmr2, &rtmr3,
						NULL };
static const struct attribute_group measurements_group = {
	.name = "measurements",
	.bin_attrs = measurements,
};
static const struct attribute_group *guest_groups[] = { &measurements_group,
							NULL };

/* Its ioctl, which gives a report without a quote, has no user here. */
static const struct file_operations guest_operations = {
	.owner = THIS_MODULE,
};
static struct miscdevice guest_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tdx_guest",
	.fops = &guest_operations,
	.mode = 0600,
	.groups = guest_groups,
};

/* ---- /dev/tsm_sim ---- */

static int relay_open(struct inode *inode, struct file *file)
{
	if (atomic_cmpxchg(&relays, 0, 1))
		return -EBUSY;
	return nonseekable_open(inode, file);
}

static int relay_release(struct inode *inode, struct file *file)
{
	mutex_lock(&lock);
	/* The next relay is asked what this one took along. */
	if (state == TAKEN)
		WRITE_ONCE(state, POSTED);
	mutex_unlock(&lock);
	atomic_set(&relays, 0);
	return 0;
}

static ssize_t relay_read(struct file *file, char __user *to, size_t count,
			  loff_t *offset)
{
	ssize_t n = 0;

	do {
		if (wait_event_interruptible(changed, state_now() == POSTED))
			return -ERESTARTSYS;
		mutex_lock(&lock);
		if (state == POSTED) {
			n = request_len;
			if (count < request_len)
				n = -EMSGSIZE;
			else if (copy_to_user(to, request, request_len))
				n = -EFAULT;
			else
				WRITE_ONCE(state, TAKEN);
		}
		mutex_unlock(&lock);
	} while (!n); /* it was withdrawn in between */
	return n;
}

/* The frame's content, checked for its length alone; kvfree(). */
static u8 *frame_content(const char __user *from, size_t count, size_t *len)
{
	u8 header[HEADER_LEN];
	u8 *content;

	if (count <= HEADER_LEN || count > REPLY_MAX)
		return ERR_PTR(-EINVAL);
	if (copy_from_user(header, from, HEADER_LEN))
		return ERR_PTR(-EFAULT);
	*len = count - HEADER_LEN;
	if (get_unaligned_be32(header) != *len)
		return ERR_PTR(-EINVAL);
	content = kvmalloc(*len, GFP_KERNEL);
	if (!content)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(content, from + HEADER_LEN, *len)) {
		kvfree(content);
		return ERR_PTR(-EFAULT);
	}
	return content;
}

static ssize_t relay_write(struct file *file, const char __user *from,
			   size_t count, loff_t *offset)
{
	size_t len;
	u8 *content = frame_content(from, count, &len);
	ssize_t n = count;

	if (IS_ERR(content))
		return PTR_ERR(content);
	mutex_lock(&lock);
	if (state == TAKEN) {
		kvfree(reply);
		reply = content;
		reply_len = len;
		WRITE_ONCE(state, ANSWERED);
		content = NULL;
	} else {
		n = -ESTALE; /* who asked has given up */
	}
	mutex_unlock(&lock);
	kvfree(content);
	wake_up_all(&changed);
	return n;
}

static const struct file_operations relay_operations = {
	.owner = THIS_MODULE,
	.open = relay_open,
	.release = relay_release,
	.read = relay_read,
	.write = relay_write,
};
static struct miscdevice relay_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tsm_sim",
	.fops = &relay_operations,
	.mode = 0600,
};

static int __init tsm_sim_init(void)
{
	int error = misc_register(&relay_device);

	if (error)
		return error;
	error = misc_register(&guest_device);
	if (error)
		goto no_guest;
	error = tsm_register(&ops, NULL);
	if (error)
		goto no_tsm;
	pr_warn("SIMULATED TDX: quotes come from a simulated platform and protect nothing\n");
	return 0;
no_tsm:
	misc_deregister(&guest_device);
no_guest:
	misc_deregister(&relay_device);
	return error;
}

static void __exit tsm_sim_exit(void)
{
	tsm_unregister(&ops);
	misc_deregister(&guest_device);
	misc_deregister(&relay_device);
	kvfree(reply);
}

module_init(tsm_sim_init);
module_exit(tsm_sim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("SIMULATED TDX guest: configfs-tsm and RTMRs from a simulated platform");
