/* keys_policy: administrators and signed release policies, for tests of the room keys. */
#ifndef POSTERN_TESTS_KEYS_POLICY_H
#define POSTERN_TESTS_KEYS_POLICY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "keys/document.h"
#include "keys/policy_read.h"

#define ID_A "aa00000000000000000000000000000000000000"
#define ID_B "bb00000000000000000000000000000000000000"
#define NODE_1 "0100000000000000000000000000000000000000"
#define NODE_2 "0200000000000000000000000000000000000000"
#define NODE_3 "0300000000000000000000000000000000000000"
#define R16 "11111111111111111111111111111111"
#define R96 R16 R16 R16

struct admins {
	struct p256_private *keys[3];
	struct keys_authority authority;
};

static inline void admins_init(struct admins *a)
{
	*a = (struct admins){ .authority = { .admin_count = 3, .quorum = 2 } };
	for (size_t i = 0; i < 3; i++) {
		a->keys[i] = p256_private_generate();
		p256_private_point(a->keys[i], &a->authority.admins[i]);
	}
}

static inline void admins_fini(struct admins *a)
{
	for (size_t i = 0; i < 3; i++)
		p256_private_free(a->keys[i]);
}

/* The object signed by those whose bits are set in 'who'. */
static inline struct span sign_policy(char *room, size_t cap, const struct admins *a,
				      const char *object, unsigned who)
{
	struct keys_signature s[3];
	struct wr w = wr_over(room, cap);
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		if (!(who >> i & 1))
			continue;
		s[n].key = a->authority.admins[i];
		p256_sign(a->keys[i], &s[n++].signature, span_str(object));
	}
	keys_document_join(&w, span_str(object), s, n);
	return wr_span(&w);
}

#define HEAD(serial) \
	"{\"type\":\"postern/kms-policy/v1\",\"serial\":" #serial \
	",\"issued\":\"2026-11-28T00:00:00Z\",\"nodes\":[\"" NODE_1 "\",\"" NODE_2 "\",\"" NODE_3 \
	"\"]"
#define IMAGES \
	",\"images\":[{\"name\":\"base\",\"mr_td\":\"" R96 "\",\"rtmr0\":\"" R96 \
	"\",\"rtmr1\":\"" R96 "\",\"rtmr2\":\"" R96 "\"},{\"name\":\"any-size\",\"mr_td\":\"" R96 \
	"\",\"rtmr1\":\"" R96 "\",\"rtmr2\":\"" R96 "\"}]"

#endif
