/*
 * wg_text: amounts and ages as wg(8) says them.
 */
#ifndef POSTERN_CLI_WG_TEXT_H
#define POSTERN_CLI_WG_TEXT_H

#include "base/wr.h"

/* "512 B", "1.50 KiB", ... "3.20 TiB". */
void wg_text_bytes(struct wr *w, uint64_t n);
/* "2 minutes, 5 seconds ago", "Now"; a time yet to come is one too: the clock
 * was set back. */
void wg_text_age(struct wr *w, int64_t seconds);

#endif
