/* A core with everything in it, for the tests of this room and its fuzzers. */
#ifndef POSTERN_TESTS_EVIDENCE_MADE_H
#define POSTERN_TESTS_EVIDENCE_MADE_H

#include <string.h>

#include "evidence/core.h"

#define S(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

enum {
	MADE_AT = 1'800'000'000,
};

static const struct span made_names[] = { S("www.example.org"), S("*.shop.example.org") };
static const struct span made_sources[] = { S("crt.sh"), S("certspotter") };
static const struct span made_records[] = { S("\x00\x05issueca.example"), S("\x00\x09issuewild;") };
static const struct sha256 made_hashes[] = { { { 1 } }, { { 2 } }, { { 3 } } };
static const struct core_sct made_scts[] = {
	{ .log_id = { { 9 } }, .timestamp_ms = 1'799'999'000'000 },
	{
		.log_id = { { 10 } },
		.timestamp_ms = 1'799'999'000'001,
		.is_proved = true,
		.index = 7,
		.checkpoint =
			S("log.example/2027\n8\nAAAA\n\n\xe2\x80\x94 log.example/2027 AAAA\n"),
		.proof = made_hashes,
		.proof_count = 3,
	},
};
static const struct core_cert made_certs[] = {
	{
		.file = S("cert-www.example.org.pem"),
		.chain = { { 4 } },
		.spki = { { 1 } },
		.tbs = { { 5 } },
		.not_before = MADE_AT - 3600,
		.not_after = MADE_AT + 500000,
		.scts = made_scts,
		.sct_count = 2,
	},
};
static const struct core_key made_keys[] = {
	{ .spki = { { 1 } },
	  .tbs = made_hashes,
	  .tbs_count = 2,
	  .made_at = MADE_AT - 7200,
	  .has_quote = true },
	{ .spki = { { 2 } }, .made_at = MADE_AT - 90000, .retired_at = MADE_AT - 7000 },
};
static const struct core_caa made_caa[] = {
	{
		.name = S("www.example.org"),
		.found_at = S("example.org"),
		.records = made_records,
		.record_count = 2,
		.proof = { { 6 } },
		.has_proof = true,
		.is_exclusive = true,
		.at = MADE_AT - 60,
		.since = MADE_AT - 90000,
	},
	{ .name = S("*.shop.example.org"), .at = MADE_AT - 50 },
};
static const struct core_legacy made_legacy[] = {
	{ .tbs = { { 7 } }, .not_after = MADE_AT + 100, .is_revoked = true },
};
static const struct core_head made_heads[] = {
	{ .log_id = { { 9 } }, .size = 8, .timestamp_ms = 1'799'999'999'000, .root = { { 8 } } },
};

/* Signed with 'key', or with a signature of zeros where it is NULL. */
static inline void made_core(struct evidence_core *out, const struct p256_private *key)
{
	struct holder_context context;
	struct buf statement;

	*out = (struct evidence_core){
		.issued_at = MADE_AT - 60,
		.expires_at = MADE_AT + 86400,
		.names = made_names,
		.name_count = 2,
		.spki = made_hashes,
		.spki_count = 2,
		.account = {
			.directory = S("https://ca.example/directory"),
			.uri = S("https://ca.example/acct/1"),
			.profile = S("shortlived"),
			.challenges = S("dns-01"),
		},
		.certs = made_certs,
		.cert_count = 1,
		.keys = made_keys,
		.key_count = 2,
		.caa = made_caa,
		.caa_count = 2,
		.timeline = {
			.t0 = MADE_AT - 100000,
			.t1 = MADE_AT - 60000,
			.safe_at = MADE_AT - 50000,
			.sources = made_sources,
			.source_count = 2,
			.legacy = made_legacy,
			.legacy_count = 1,
		},
		.log_list = { { 11 } },
		.has_log_list = true,
		.heads = made_heads,
		.head_count = 1,
		.unknown = made_hashes,
		.unknown_count = 1,
	};
	context = (struct holder_context){ out->issued_at, out->expires_at, out->spki,
					   out->spki_count };
	if (!key)
		return;
	p256_private_point(key, &out->account.key);
	holder_thumbprint(&out->account.thumbprint, &out->account.key);
	buf_init(&statement, HOLDER_STATEMENT_MAX);
	if (holder_statement(&statement, &out->account, &context) == RC_OK)
		p256_sign(key, &out->account.signature, buf_span(&statement));
	buf_fini(&statement);
}

#endif
