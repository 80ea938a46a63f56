/*
 * source: where this machine's quotes come from.
 *
 * Tried in order: configfs-tsm (/sys/kernel/config/tsm/report); /dev/tdx_guest
 * with the host's quote service over vsock, for kernels before 6.7; then the
 * simulated platform, only if a socket for it is configured, and refused when
 * real TDX is present.  Making a quote blocks, for up to a second on real
 * hardware, and 30 seconds when the host is silent: callers on a loop do it in
 * a thread.
 *
 * Source: Linux Documentation/ABI/testing/configfs-tsm-report; Linux
 * Documentation/virt/coco/tdx-guest.rst; Linux
 * Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest.
 */
#ifndef POSTERN_QUOTING_SOURCE_H
#define POSTERN_QUOTING_SOURCE_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "tee/quote.h"

struct quote_source;
struct tsm_ops;
struct devtdx_ops;

/* Copied.  A program sets 'simulator'; the rest is for tests. */
struct quote_source_options {
	/* the simulated platform's socket; NULL: none is configured */
	const char *simulator;
	/* NULL: "/sys/kernel/config/tsm/report" */
	const char *tsm_path;
	/* NULL: "/sys/class/misc/tdx_guest/measurements" */
	const char *measurements_path;
	/* files that only a TDX machine has, NULL-ended; NULL: the usual */
	const char *const *tdx_marks;
	/* who plays the kernel (source_tsm.h); NULL: the kernel */
	const struct tsm_ops *tsm_ops;
	void *tsm_world;
	/* NULL: "/dev/tdx_guest", "/etc/tdx-attest.conf" */
	const char *device_path, *device_config_path;
	/* who plays the device and the host (source_devtdx.h) */
	const struct devtdx_ops *device_ops;
	void *device_world;
};

/*
 * RC_OK           *out is owned: quote_source_free()
 * RC_UNSUPPORTED  no source; error says what was tried and what was found
 */
enum rc quote_source_open(struct quote_source **out,
			  const struct quote_source_options *options,
			  char error[256]);
void quote_source_free(struct quote_source *s);

/* "tdx_guest", "tdx_guest_vsock" or "simulator". */
const char *quote_source_name(const struct quote_source *s);
bool quote_source_is_simulated(const struct quote_source *s);

/*
 * Appends a quote over report_data to *out.  Thread-safe.  RC_SYS with errno,
 * RC_LIMIT when it does not fit, RC_CLOSED when the platform went away (the
 * next call tries again).
 */
enum rc quote_source_get(struct quote_source *s, struct buf *out,
			 const uint8_t report_data[QUOTE_REPORT_DATA_LEN]);

/*
 * Extends RTMR 2 or 3; RC_DENIED for another.  RC_UNSUPPORTED: a kernel before
 * 6.16, which has no way to, whatever its source of quotes.  Otherwise as
 * quote_source_get.
 */
enum rc quote_source_extend(struct quote_source *s, unsigned rtmr,
			    const struct sha384 *digest);
/*
 * Thirty-two bytes that follow from this machine, the TD's measurement (all
 * but RTMR3) and the label, and from nothing else: the same after a restart,
 * other ones for other code.
 *
 * RC_UNSUPPORTED  TDX has no such key: another service must release it.
 * Otherwise as quote_source_get.  On failure *out is untouched.
 */
enum rc quote_source_key(struct quote_source *s, struct key32 *out,
			 const struct sha256 *label);
/* Reads an RTMR's value; failures as quote_source_extend. */
enum rc quote_source_rtmr(struct quote_source *s, unsigned rtmr,
			  struct sha384 *out);

#endif
