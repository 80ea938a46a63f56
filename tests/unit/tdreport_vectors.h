/* A TDREPORT that a recorded quote could have been made from. */
#ifndef POSTERN_TESTS_TDREPORT_VECTORS_H
#define POSTERN_TESTS_TDREPORT_VECTORS_H

#include <string.h>

#include "base/wr.h"
#include "tee/tdreport.h"

/* The MAC and what only the machine knows are filled with a5. */
static inline void tdreport_of(uint8_t out[TDREPORT_LEN], const struct quote *q)
{
	struct wr w = wr_over(out, TDREPORT_LEN);
	const struct td_report *td = &q->td;

	memset(out, 0xa5, TDREPORT_LEN);
	wr_le32(&w, 0x81); /* type, subtype, version 0 */
	w.n = 128;
	wr_bytes(&w, td->report_data);
	w.n = 512;
	wr_le64(&w, td->td_attributes);
	wr_le64(&w, td->xfam);
	wr_bytes(&w, td->mr_td);
	wr_bytes(&w, td->mr_config_id);
	wr_bytes(&w, td->mr_owner);
	wr_bytes(&w, td->mr_owner_config);
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		wr_bytes(&w, td->rtmr[i]);
}

#endif
