#include "io/clock.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"

static int64_t clock_ms(clockid_t id)
{
	struct timespec t = { 0 };

	/* Fails for an unknown clock only; these two exist everywhere. */
	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_boot_ms(void)
{
	return (uint64_t)clock_ms(CLOCK_BOOTTIME);
}

int64_t clock_unix_s(void)
{
	return clock_unix_ms() / 1000;
}

int64_t clock_unix_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

/* "01234567-89ab-cdef-0123-456789abcdef\n" (random(4)). */
bool clock_boot_id(uint8_t id[CLOCK_BOOT_ID_LEN])
{
	AUTO(buf_fini)
	struct buf text;
	char hex[2 * CLOCK_BOOT_ID_LEN];
	struct wr w = WR_ARRAY(hex);
	struct span rest, done;
	uint8_t c;

	buf_init(&text, 64);
	if (file_read(&text, "/proc/sys/kernel/random/boot_id") != RC_OK)
		return false;
	rest = buf_span(&text);
	while (rd_u8(&rest, &c) && c != '\n')
		if (c != '-')
			wr_u8(&w, c);
	return wr_done(&w, &done) &&
	       text_hex_decode(id, CLOCK_BOOT_ID_LEN, done);
}
