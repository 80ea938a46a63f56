#include "node/quoter.h"

#include <time.h>

#include "io/clock.h"

enum rc quoter_quote(void *arg, struct buf *out,
		     const uint8_t report_data[QUOTE_REPORT_DATA_LEN])
{
	return quote_source_get(arg, out, report_data);
}

enum rc quoter_open(struct quote_source **out, const char *simulator,
		    uint64_t wait_ms, char error[256])
{
	const struct quote_source_options options = {
		.tsm_path = "/sys/kernel/config/tsm/report",
		.measurements_path = "/sys/class/misc/tdx_guest/measurements",
		.simulator = simulator,
	};
	const struct timespec pause = { .tv_nsec = 50000000 };
	uint64_t until = clock_boot_ms() + wait_ms;
	enum rc rc;

	for (;;) {
		rc = quote_source_open(out, &options, error);
		if (rc == RC_OK || clock_boot_ms() >= until)
			return rc;
		nanosleep(&pause, NULL); /* cut short: one more try */
	}
}
