#include "guest/reportdata.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/keccak.h"

enum hash {
	SHA2_256,
	SHA2_384,
	SHA2_512,
	SHA3,
	KECCAK,
};

static const struct {
	const char *name;
	enum hash is;
	size_t len;
} hashes[] = {
	{ "sha256", SHA2_256, 32 },
	{ "sha384", SHA2_384, 48 },
	{ "sha512", SHA2_512, 64 },
	{ "sha3-256", SHA3, 32 },
	{ "sha3-384", SHA3, 48 },
	{ "sha3-512", SHA3, 64 },
	{ "keccak256", KECCAK, 32 },
	{ "keccak384", KECCAK, 48 },
	{ "keccak512", KECCAK, 64 },
};

enum {
	HASH_COUNT = sizeof(hashes) / sizeof(hashes[0]),
};

struct reportdata_form reportdata_form(const struct call *c)
{
	struct reportdata_form f = { c->hash_algorithm, c->prefix };

	if (c->dialect != CALL_TAPPD || c->op == CALL_RAW_QUOTE)
		f.hash = span_str("raw");
	if (f.hash.n == 0)
		f.hash = span_str("sha512");
	if (f.prefix.n == 0)
		f.prefix = span_str("app-data");
	if (span_equal_str(f.hash, "raw"))
		f.prefix = (struct span){ 0 };
	return f;
}

union room {
	struct sha256 sha256;
	struct sha384 sha384;
	struct sha512 sha512;
	uint8_t b[REPORTDATA_LEN];
};

static void hash_into(union room *out, size_t which, const struct span parts[3])
{
	size_t n = hashes[which].len;

	switch (hashes[which].is) {
	case SHA2_256:
		sha256_parts(&out->sha256, parts, 3);
		return;
	case SHA2_384:
		sha384_parts(&out->sha384, parts, 3);
		return;
	case SHA2_512:
		sha512_parts(&out->sha512, parts, 3);
		return;
	case SHA3:
		keccak_parts(out->b, n, KECCAK_SHA3, parts, 3);
		return;
	case KECCAK:
		keccak_parts(out->b, n, KECCAK_PLAIN, parts, 3);
		return;
	}
}

static const char *take_bytes(uint8_t out[REPORTDATA_LEN], struct span data)
{
	if (data.n > REPORTDATA_LEN)
		return "report_data: expected at most 64 bytes";
	memset(out, 0, REPORTDATA_LEN);
	if (data.n)
		memcpy(out, data.p, data.n);
	return NULL;
}

const char *reportdata_of(uint8_t out[REPORTDATA_LEN], const struct call *c)
{
	const struct reportdata_form f = reportdata_form(c);
	const struct span parts[3] = { f.prefix, span_str(":"), c->data };
	union room hash;

	if (span_equal_str(f.hash, "raw"))
		return take_bytes(out, c->data);
	for (size_t i = 0; i < HASH_COUNT; i++) {
		if (!span_equal_str(f.hash, hashes[i].name))
			continue;
		hash_into(&hash, i, parts);
		return take_bytes(out, span_of(hash.b, hashes[i].len));
	}
	return "hash_algorithm: expected raw, or sha, sha3- or keccak and "
	       "then 256, 384 or 512";
}
