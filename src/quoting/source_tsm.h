/*
 * source_tsm: quotes and measurement registers from the kernel of a real trust
 * domain, through configfs and sysfs.
 *
 * Each quote is made in an entry of its own, so callers do not disturb each
 * other; the driver serialises them.  The entry's generation is checked all the
 * same: a number that moved means that the quote is over somebody else's bytes.
 *
 * Source: Linux Documentation/ABI/testing/configfs-tsm-report (since 6.7);
 * Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest (6.16).
 */
#ifndef POSTERN_QUOTING_SOURCE_TSM_H
#define POSTERN_QUOTING_SOURCE_TSM_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "tee/quote.h"

#define TSM_REPORT_PATH "/sys/kernel/config/tsm/report"
#define TSM_MEASUREMENTS_PATH "/sys/class/misc/tdx_guest/measurements"
#define TSM_PROVIDER_TDX "tdx_guest"

enum {
	TSM_ATTEMPTS = 4,
	TSM_PAUSE_MS = 20, /* before the second attempt; doubles */
	TSM_PROVIDER_MAX = 64,
};

/*
 * The four things done to the kernel's files.  Each returns 0 or an errno.
 * tsm_kernel does them; tests play a kernel that refuses and races.
 */
struct tsm_ops {
	/* mkdir, rmdir of an entry */
	int (*make)(void *world, const char *folder);
	int (*drop)(void *world, const char *folder);
	/* the whole content in one write(2) */
	int (*put)(void *world, const char *file, struct span content);
	/* appends all content to *out; EFBIG beyond its bound */
	int (*get)(void *world, const char *file, struct buf *out);
};
extern const struct tsm_ops tsm_kernel;

struct tsm {
	const char *report_path, *measurements_path;
	const struct tsm_ops *ops;
	void *world; /* passed to the operations */
};

/*
 * Which provider makes reports here: *provider is its name.  Otherwise an
 * errno: ENOENT, no configfs-tsm; ENXIO, no provider; EACCES, EPERM.
 */
int tsm_probe(const struct tsm *t, char provider[TSM_PROVIDER_MAX]);

/*
 * Appends a quote.  RC_SYS with errno, after some attempts where trying again
 * may help; RC_LIMIT when it is larger than QUOTE_MAX or than out's room.
 */
enum rc tsm_quote(const struct tsm *t, struct buf *out,
		  const uint8_t report_data[QUOTE_REPORT_DATA_LEN]);

/*
 * RC_UNSUPPORTED: this kernel shows no measurement registers (Linux before
 * 6.16).  RC_SYS with errno.
 */
enum rc tsm_extend(const struct tsm *t, unsigned rtmr,
		   const struct sha384 *digest);
enum rc tsm_rtmr(const struct tsm *t, unsigned rtmr, struct sha384 *out);

#endif
