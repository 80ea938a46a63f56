#include "cli/wg_text.h"

#include <inttypes.h>

void wg_text_bytes(struct wr *w, uint64_t n)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double amount = (double)n / 1024;
	size_t unit = 0;

	if (n < 1024) {
		wr_printf(w, "%" PRIu64 " B", n);
		return;
	}
	for (; amount >= 1024 && unit < 3; unit++)
		amount /= 1024;
	wr_printf(w, "%.2f %s", amount, units[unit]);
}

void wg_text_age(struct wr *w, int64_t seconds)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {
		{ "day", 86400 },
		{ "hour", 3600 },
		{ "minute", 60 },
		{ "second", 1 },
	};
	const char *before = "";

	if (seconds <= 0) {
		wr_str(w, "Now");
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t n = seconds / units[i].seconds;

		if (!n)
			continue;
		wr_printf(w, "%s%" PRId64 " %s%s", before, n, units[i].name,
			  n == 1 ? "" : "s");
		before = ", ";
		seconds %= units[i].seconds;
	}
	wr_str(w, " ago");
}
