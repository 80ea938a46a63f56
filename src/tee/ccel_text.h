/*
 * ccel_text: events of a firmware's log for people to read.
 *
 * Texts are printable ASCII whatever the log holds.  They are claims of the
 * log, see ccel.h.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, §10.4.1 (event types),
 * §10.2 (their data).
 */
#ifndef POSTERN_TEE_CCEL_TEXT_H
#define POSTERN_TEE_CCEL_TEXT_H

#include "base/wr.h"

enum {
	CCEL_TEXT_MAX = 128, /* what ccel_describe writes at most */
};

/* "EV_SEPARATOR"; NULL: not a type of the specification. */
const char *ccel_type_name(uint32_t type);

/*
 * What an event's data says, shortened: an EFI variable's name, the text that
 * it is or begins with (ASCII or UTF-16), otherwise its first bytes in hex.
 */
void ccel_describe(struct wr *w, uint32_t type, struct span data);

#endif
