/*
 * collateral_report: what collateral says of itself, for a person or a machine.
 */
#ifndef POSTERN_CLI_COLLATERAL_REPORT_H
#define POSTERN_CLI_COLLATERAL_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "pcs/cache.h"

/* Sets, one after another.  Zeroed: dead. */
struct collateral_report {
	json_t *sets;
	size_t bad_count; /* that do not verify, or are not valid */
};

void collateral_report_init(struct collateral_report *r);
void collateral_report_fini(struct collateral_report *r);

/* Judges a set and adds what it says; fmspc NULL: not known beside it. */
void collateral_report_set(struct collateral_report *r, const uint8_t *fmspc,
			   const struct collateral_files *files,
			   const struct cache_terms *terms);
/* Adds one that cannot be read. */
void collateral_report_broken(struct collateral_report *r,
			      const uint8_t *fmspc, const char *why);
/* There are some, and all of them verify and are valid. */
bool collateral_report_is_good(const struct collateral_report *r);
void collateral_report_print(FILE *to, const struct collateral_report *r,
			     bool is_json);

/* One line about a set that was stored. */
void collateral_report_line(FILE *to, const struct tee_prepared_info *info);

/*
 * The evaluation data numbers in a signed object.  False, nothing printed: not
 * of their form, of another TEE, or not valid at that time.
 */
bool collateral_report_numbers(FILE *to, struct span object, enum quote_tee tee,
			       int64_t at, bool is_json);

#endif
