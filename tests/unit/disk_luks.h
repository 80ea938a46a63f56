/* A LUKS2 header as we write it, and as others would change it. */
#ifndef POSTERN_TESTS_DISK_LUKS_H
#define POSTERN_TESTS_DISK_LUKS_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "disk/luks.h"

/* Both copies' checksums, right again. */
static inline void luks_sum(uint8_t *header)
{
	struct sha256 sum;

	for (size_t at = 0; at <= LUKS_COPY_LEN; at += LUKS_COPY_LEN) {
		memset(header + at + 448, 0, 64);
		sha256_of(&sum, span_of(header + at, LUKS_COPY_LEN));
		memcpy(header + at + 448, sum.b, sizeof(sum.b));
	}
}

/* In both copies 'from', which must be there, is replaced by 'to'. */
static inline void luks_replace(uint8_t *header, const char *from, const char *to)
{
	for (size_t at = LUKS_BINARY_LEN; at < 2 * LUKS_COPY_LEN; at += LUKS_COPY_LEN) {
		char *json = (char *)header + at, *found = strstr(json, from);
		char rest[LUKS_JSON_LEN];

		if (!found) {
			fail_msg("no %s in %s", from, json);
			return;
		}
		snprintf(rest, sizeof(rest), "%s", found + strlen(from));
		memset(found, 0, LUKS_JSON_LEN - (size_t)(found - json));
		snprintf(found, LUKS_JSON_LEN - (size_t)(found - json), "%s%s", to, rest);
	}
	luks_sum(header);
}

#endif
