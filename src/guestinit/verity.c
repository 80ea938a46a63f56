/* kernel_verity(): Linux uapi/linux/dm-ioctl.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "guestinit/kernel.h"

enum {
	MESSAGE_MAX = 2048,
	SECTOR = 512,
};

static const char CONTROL[] = "/dev/mapper/control";
static const char NAME[] = "root";

/* A device-mapper call about our one device. */
struct message {
	alignas(struct dm_ioctl) uint8_t bytes[MESSAGE_MAX];
};

static struct dm_ioctl *message_init(struct message *m, uint32_t flags)
{
	struct dm_ioctl head = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = MESSAGE_MAX,
		.data_start = sizeof(head),
		.flags = flags,
	};

	memset(m, 0, sizeof(*m));
	memcpy(head.name, NAME, sizeof(NAME));
	memcpy(m->bytes, &head, sizeof(head));
	return (void *)m->bytes;
}

static enum rc send_message(int fd, unsigned long request, uint32_t flags)
{
	struct message m;

	message_init(&m, flags);
	return ioctl(fd, request, m.bytes) == 0 ? RC_OK : RC_SYS;
}

static enum rc load_table(int fd, const struct bootline *root,
			  const char *disk)
{
	struct dm_target_spec target = {
		.length = root->blocks * (BOOTLINE_BLOCK / SECTOR),
		.target_type = "verity",
	};
	const size_t at = sizeof(struct dm_ioctl) + sizeof(target);
	struct message m;
	struct dm_ioctl *head = message_init(&m, DM_READONLY_FLAG);
	struct wr w = wr_over(m.bytes + at, MESSAGE_MAX - at - 1);

	head->target_count = 1;
	bootline_table(&w, root, disk);
	if (w.over)
		return RC_LIMIT;
	target.next = (uint32_t)(sizeof(target) + w.n + 1 + 7) & ~7U;
	memcpy(m.bytes + sizeof(struct dm_ioctl), &target, sizeof(target));
	return ioctl(fd, DM_TABLE_LOAD, m.bytes) == 0 ? RC_OK : RC_SYS;
}

enum rc kernel_verity(const struct bootline *root, const char *disk,
		      char *error)
{
	AUTO(mem_auto_close)
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	char path[KERNEL_PATH_MAX];
	enum rc rc = fd < 0 ? RC_SYS : RC_OK;

	(void)snprintf(path, sizeof(path), "/dev/%s", disk);
	if (!rc)
		rc = send_message(fd, DM_DEV_CREATE, 0);
	if (!rc)
		rc = load_table(fd, root, path);
	/* "Resume" is a suspend without its flag. */
	if (!rc)
		rc = send_message(fd, DM_DEV_SUSPEND, DM_READONLY_FLAG);
	if (rc)
		kernel_say(error, "verity: %s", strerror(errno));
	return rc;
}
