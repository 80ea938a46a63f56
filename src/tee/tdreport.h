/*
 * tdreport: what the TDX module says of a trust domain to the machine it runs
 * on: the quoting enclave's input.
 *
 * Its MAC can be checked on the same machine only, by the CPU; nothing here is
 * verified, and nobody far away should believe a report.
 *
 * Source: Intel TDX Module 1.5 ABI Specification, TDREPORT_STRUCT,
 * REPORTMACSTRUCT, TDINFO_BASE.
 */
#ifndef POSTERN_TEE_TDREPORT_H
#define POSTERN_TEE_TDREPORT_H

#include "tee/quote.h"

enum {
	TDREPORT_LEN = 1024,
};

/* Spans borrow the report. */
struct tdreport {
	uint8_t version; /* 0: TDX 1.0, 1: TDX 1.5 */
	struct span report_data; /* 64 */
	struct span td_attributes, xfam; /* 8 each */
	struct span mr_td, mr_config_id, mr_owner, mr_owner_config; /* 48 */
	struct span rtmr[QUOTE_RTMR_COUNT]; /* 48 each */
};

/*
 * False, *out untouched: not TDREPORT_LEN bytes, or a type or version other
 * than those of a trust domain.
 */
bool tdreport_parse(struct tdreport *out, struct span bytes);

/* A parsed quote is of this report: same report data and measurements. */
bool tdreport_is_quoted(const struct tdreport *r, const struct quote *q);

#endif
