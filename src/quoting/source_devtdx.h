/*
 * source_devtdx: quotes on kernels without configfs-tsm (Linux 6.2 to 6.6).
 *
 * /dev/tdx_guest gives a report of this trust domain; the host's quote
 * generation service, asked over vsock, gives a quote for it.  What comes back
 * is checked to be a quote of that very report: a host that answers with
 * another's is told from one that works.
 *
 * Reports hold the measurement registers, so they can be read here, but there
 * is no extending them: that takes Linux 6.16 (source_tsm.h).
 *
 * Source: Linux Documentation/virt/coco/tdx-guest.rst; include/uapi/linux/
 * tdx-guest.h; Intel SGX DCAP, /etc/tdx-attest.conf.
 */
#ifndef POSTERN_QUOTING_SOURCE_DEVTDX_H
#define POSTERN_QUOTING_SOURCE_DEVTDX_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "tee/tdreport.h"

#define DEVTDX_DEVICE "/dev/tdx_guest"
#define DEVTDX_CONFIG "/etc/tdx-attest.conf"

enum {
	DEVTDX_PORT = 4050, /* of the service, where no file says another */
	DEVTDX_TIMEOUT_S = 30, /* as long as the kernel waits for configfs */
};

/*
 * The two things done to the world.  Each returns 0 or an errno.
 * devtdx_kernel does them; tests play a kernel and a host.
 */
struct devtdx_ops {
	/* TDX_CMD_GET_REPORT0 */
	int (*report)(void *world, const char *device,
		      uint8_t report[TDREPORT_LEN],
		      const uint8_t report_data[QUOTE_REPORT_DATA_LEN]);
	/* a connection to the host's vsock port; *fd, -1 before, is the
	 * caller's to close also when it fails */
	int (*dial)(void *world, int *fd, uint32_t port);
};
extern const struct devtdx_ops devtdx_kernel;

struct devtdx {
	const char *device, *config; /* paths */
	const struct devtdx_ops *ops;
	void *world; /* passed to the operations */
};

/* 0: the device makes reports here.  Otherwise an errno: ENOENT, no device;
 * EACCES, EPERM. */
int devtdx_probe(const struct devtdx *d);

/*
 * Which port a tdx-attest.conf names: lines "port=4050", "#" comments, other
 * keys ignored; DEVTDX_PORT without one.  False, *port untouched: a port that
 * is not a number of 1 to 2^32 - 2, or two of them.
 */
bool devtdx_port(uint32_t *port, struct span config);

/*
 * Appends a quote.  RC_CLOSED: the host's service is not there or hung up.
 * RC_LIMIT: larger than out's room.  RC_SYS with errno: ETIMEDOUT;
 * EREMOTEIO, the service refused; EBADMSG, it answered with something else
 * than a quote of our report; EINVAL, the configuration; others as the kernel
 * says.
 */
enum rc devtdx_quote(const struct devtdx *d, struct buf *out,
		     const uint8_t report_data[QUOTE_REPORT_DATA_LEN]);

/* Reads RTMR 'rtmr', below QUOTE_RTMR_COUNT.  RC_SYS with errno. */
enum rc devtdx_rtmr(const struct devtdx *d, unsigned rtmr, struct sha384 *out);

#endif
