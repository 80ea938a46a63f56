/*
 * prediction: what a boot was predicted to measure, and the three ways to say
 * it: a table for people, JSON for machines, an image of a policy.
 *
 * Each says which registers rest on digests that were given rather than
 * computed, and why one was not predicted at all.
 */
#ifndef POSTERN_CLI_PREDICTION_H
#define POSTERN_CLI_PREDICTION_H

#include <stdint.h>
#include <stdio.h>

#include "measure/bootlog.h"
#include "tee/policy.h"

enum {
	/* POLICY_MR_TD to POLICY_MR_CONFIG_ID */
	PREDICTION_COUNT = POLICY_MR_CONFIG_ID + 1,
};

/* Zeroed: nothing predicted. */
struct prediction {
	/* why a register is not there; NULL: it is */
	const char *missing[PREDICTION_COUNT];
	uint8_t value[PREDICTION_COUNT][QUOTE_MR_LEN];
	struct bootlog log;
	const char *layout; /* of RTMR0 and RTMR1; NULL: neither is asked for */
	bool has_pages, is_two_pass; /* of MRTD */
	uint64_t memory_mib, cpus; /* 0: not said */
};

void prediction_set(struct prediction *p, enum policy_register r,
		    struct span value);
/* The register after the log's events. */
void prediction_replay(struct prediction *p, unsigned rtmr);

void prediction_print(FILE *to, const struct prediction *p);
void prediction_print_json(FILE *to, const struct prediction *p);
/* 'name' is one for prediction_is_name(). */
void prediction_print_policy(FILE *to, const struct prediction *p,
			     const char *name);
/* 1..63 letters, digits, '-', '_' and '.'. */
bool prediction_is_name(const char *name);

#endif
