/* clock: the two clocks of the program.  Only io and the programs read them. */
#ifndef POSTERN_IO_CLOCK_H
#define POSTERN_IO_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since boot, counting sleep (CLOCK_BOOTTIME): for deadlines. */
uint64_t clock_boot_ms(void);
/* Seconds and milliseconds since 1970 (CLOCK_REALTIME): for certificates,
 * leases that outlive a process, and log lines.  The host can set it. */
int64_t clock_unix_s(void);
int64_t clock_unix_ms(void);

/*
 * What tells this boot of the kernel from every other, as it says itself: times
 * of clock_boot_ms() can be compared within one.  False, *id untouched: it
 * cannot be read.
 */
enum {
	CLOCK_BOOT_ID_LEN = 16,
};
[[nodiscard]] bool clock_boot_id(uint8_t id[CLOCK_BOOT_ID_LEN]);

#endif
