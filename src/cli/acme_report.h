/*
 * acme_report: the status of postern-cert for people.
 *
 * Texts in it may be a certification authority's or a DNS server's: control
 * characters do not reach the terminal.
 */
#ifndef POSTERN_CLI_ACME_REPORT_H
#define POSTERN_CLI_ACME_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum acme_part {
	ACME_PART_ACCOUNTS = 1,
	ACME_PART_REST = 2,
};

/* 'parts' of it, as lines. */
void acme_report(FILE *to, const json_t *status, unsigned parts, int64_t now);

/* Nothing of these parts is for anybody to look at: each account is ready,
 * each certificate there and not expired, no alarm raised. */
bool acme_is_well(const json_t *status, unsigned parts, int64_t now);

#endif
