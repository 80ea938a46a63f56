#include "disk/luks.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"

enum {
	/* LUKS2 §2.1: where the fields of the binary header stand */
	MAGIC_LEN = 6,
	LABEL_LEN = 48,
	ALGORITHM_LEN = 32,
	SALT_LEN = 64,
	UUID_LEN = 40,
	SUBSYSTEM_LEN = 48,
	PADDING_LEN = 184,
	CHECKSUM_AT = 448,
	CHECKSUM_LEN = 64,
	SHA256_LEN = 32,
	ARENA_MAX = 256 * 1024,
	SECRET_LEN = 32, /* of salts and the digest */
};

/* ---- the binary header ---- */

struct binary {
	uint64_t sequence;
	struct span uuid, json;
};

/* The text, and zeros to the end of its field. */
static bool is_text(struct span field, const char *want)
{
	struct span text;

	return rd_n(&field, &text, strlen(want)) &&
	       span_equal_str(text, want) && span_is_zero(field);
}

static bool is_uuid(struct span field)
{
	struct span text;

	if (!rd_n(&field, &text, LUKS_UUID_TEXT_LEN) || !span_is_zero(field))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text.p[i] != '-'
			    : !strchr("0123456789abcdef", text.p[i]) ||
				      !text.p[i])
			return false;
	}
	return true;
}

/* SHA-256 over the copy, the checksum's own bytes taken as zeros. */
static bool is_summed(struct span copy)
{
	static const uint8_t zeros[CHECKSUM_LEN];
	const struct span parts[3] = {
		span_of(copy.p, CHECKSUM_AT),
		SPAN_ARRAY(zeros),
		span_of(copy.p + CHECKSUM_AT + CHECKSUM_LEN,
			copy.n - CHECKSUM_AT - CHECKSUM_LEN),
	};
	struct span sum = span_of(copy.p + CHECKSUM_AT, CHECKSUM_LEN), front;
	struct sha256 want;

	sha256_parts(&want, parts, 3);
	return rd_n(&sum, &front, SHA256_LEN) &&
	       span_equal(front, SPAN_ARRAY(want.b)) && span_is_zero(sum);
}

static const char *read_binary(struct binary *out, struct span copy,
			       const char *magic, uint64_t at)
{
	struct span s = copy, text, label, algorithm, subsystem, rest;
	struct binary b = { 0 };
	uint64_t len, offset;
	uint16_t version;

	if (!rd_n(&s, &text, MAGIC_LEN) || !span_equal_str(text, magic))
		return "magic";
	if (!rd_be16(&s, &version) || version != 2)
		return "version";
	if (!rd_be64(&s, &len) || len != LUKS_COPY_LEN)
		return "hdr_size";
	if (!rd_be64(&s, &b.sequence) || !rd_n(&s, &label, LABEL_LEN) ||
	    !span_is_zero(label))
		return "label";
	if (!rd_n(&s, &algorithm, ALGORITHM_LEN) ||
	    !is_text(algorithm, "sha256"))
		return "checksum_alg";
	if (!rd_skip(&s, SALT_LEN) || !rd_n(&s, &b.uuid, UUID_LEN) ||
	    !is_uuid(b.uuid))
		return "uuid";
	if (!rd_n(&s, &subsystem, SUBSYSTEM_LEN) || !span_is_zero(subsystem))
		return "subsystem";
	if (!rd_be64(&s, &offset) || offset != at)
		return "hdr_offset";
	if (!rd_n(&s, &rest, PADDING_LEN) || !span_is_zero(rest) ||
	    !rd_skip(&s, CHECKSUM_LEN) ||
	    !rd_n(&s, &rest, LUKS_BINARY_LEN - CHECKSUM_AT - CHECKSUM_LEN) ||
	    !span_is_zero(rest))
		return "padding";
	if (!is_summed(copy))
		return "checksum";
	b.json = s;
	*out = b;
	return NULL;
}

/* ---- the JSON ---- */

/* What a member must be. */
enum kind {
	OBJECT, /* with 'n' members */
	TEXT, /* 'text' */
	NUMBER, /* 'n' */
	BASE64, /* of SECRET_LEN bytes */
	LIST, /* of one text, "0" */
};

struct rule {
	const char *path;
	enum kind kind;
	const char *text;
	uint64_t n;
};

/* clang-format off */
#define AREA_ENCRYPTION { "keyslots.0.area.encryption", TEXT, LUKS_ENCRYPTION, 0 }

/* LUKS2 §3.  Of both kinds of disk: */
static const struct rule common[] = {
	{ "", OBJECT, NULL, 5 },
	{ "keyslots", OBJECT, NULL, 1 },
	{ "keyslots.0", OBJECT, NULL, 5 },
	{ "keyslots.0.type", TEXT, "luks2", 0 },
	{ "keyslots.0.af", OBJECT, NULL, 3 },
	{ "keyslots.0.af.type", TEXT, "luks1", 0 },
	{ "keyslots.0.af.stripes", NUMBER, NULL, 4000 },
	{ "keyslots.0.af.hash", TEXT, "sha256", 0 },
	{ "keyslots.0.area", OBJECT, NULL, 5 },
	{ "keyslots.0.area.type", TEXT, "raw", 0 },
	{ "keyslots.0.area.offset", TEXT, "32768", 0 },
	AREA_ENCRYPTION,
	{ "keyslots.0.area.key_size", NUMBER, NULL, LUKS_XTS_KEY_LEN },
	{ "keyslots.0.kdf", OBJECT, NULL, 4 },
	{ "keyslots.0.kdf.type", TEXT, "pbkdf2", 0 },
	{ "keyslots.0.kdf.hash", TEXT, "sha256", 0 },
	{ "keyslots.0.kdf.iterations", NUMBER, NULL, LUKS_PBKDF_ROUNDS },
	{ "keyslots.0.kdf.salt", BASE64, NULL, 0 },
	{ "tokens", OBJECT, NULL, 0 },
	{ "segments", OBJECT, NULL, 1 },
	{ "segments.0.type", TEXT, "crypt", 0 },
	{ "segments.0.offset", TEXT, "1048576", 0 },
	{ "segments.0.size", TEXT, "dynamic", 0 },
	{ "segments.0.iv_tweak", TEXT, "0", 0 },
	{ "segments.0.encryption", TEXT, LUKS_ENCRYPTION, 0 },
	{ "segments.0.sector_size", NUMBER, NULL, LUKS_SECTOR_LEN },
	{ "digests", OBJECT, NULL, 1 },
	{ "digests.0", OBJECT, NULL, 7 },
	{ "digests.0.type", TEXT, "pbkdf2", 0 },
	{ "digests.0.keyslots", LIST, NULL, 0 },
	{ "digests.0.segments", LIST, NULL, 0 },
	{ "digests.0.hash", TEXT, "sha256", 0 },
	{ "digests.0.iterations", NUMBER, NULL, LUKS_PBKDF_ROUNDS },
	{ "digests.0.salt", BASE64, NULL, 0 },
	{ "digests.0.digest", BASE64, NULL, 0 },
	{ "config", OBJECT, NULL, 2 },
	{ "config.json_size", TEXT, "12288", 0 },
	{ "config.keyslots_size", TEXT, "524288", 0 },
	{ 0 },
};
static_assert(LUKS_JSON_LEN == 12288 && LUKS_KEYSLOTS_LEN == 524288 &&
	      2 * LUKS_COPY_LEN == 32768 && RECORD_DATA_AT == 1048576);

/* 4000 stripes of the volume key, to whole 4096 bytes */
static const struct rule plain[] = {
	{ "keyslots.0.key_size", NUMBER, NULL, LUKS_XTS_KEY_LEN },
	{ "keyslots.0.area.size", TEXT, "258048", 0 },
	{ "segments.0", OBJECT, NULL, 6 },
	{ 0 },
};
static const struct rule hmac[] = {
	{ "keyslots.0.key_size", NUMBER, NULL,
	  LUKS_XTS_KEY_LEN + LUKS_HMAC_KEY_LEN },
	{ "keyslots.0.area.size", TEXT, "385024", 0 },
	{ "segments.0", OBJECT, NULL, 7 },
	{ "segments.0.integrity", OBJECT, NULL, 3 },
	{ "segments.0.integrity.type", TEXT, LUKS_INTEGRITY, 0 },
	{ "segments.0.integrity.journal_encryption", TEXT, "none", 0 },
	{ "segments.0.integrity.journal_integrity", TEXT, "none", 0 },
	{ 0 },
};
/* clang-format on */

/* The member at 'path', names joined by dots; "": the tree itself. */
static const struct jtree *find(const struct jtree *t, const char *path)
{
	struct span rest = span_str(path), name;
	char key[32];

	while (t && rd_until(&rest, &name, '.')) {
		if (name.n >= sizeof(key))
			return NULL;
		memcpy(key, name.p, name.n);
		key[name.n] = '\0';
		t = jtree_get(t, key);
	}
	return t;
}

static bool is_secret(struct span text)
{
	uint8_t bytes[SECRET_LEN];
	size_t n;

	return text_base64_decode(bytes, sizeof(bytes), &n, text) &&
	       n == sizeof(bytes);
}

static bool holds(const struct rule *r, const struct jtree *t)
{
	if (!t)
		return false;
	switch (r->kind) {
	case OBJECT:
		return t->type == JTREE_OBJECT && t->count == r->n;
	case TEXT:
		return t->type == JTREE_TEXT &&
		       span_equal_str(t->text, r->text);
	case NUMBER:
		return t->type == JTREE_NUMBER && t->number == r->n;
	case BASE64:
		return t->type == JTREE_TEXT && is_secret(t->text);
	case LIST:
		return t->type == JTREE_ARRAY && t->count == 1 &&
		       t->first->type == JTREE_TEXT &&
		       span_equal_str(t->first->text, "0");
	}
	return false;
}

static const char *broken(const struct rule *rules, const struct jtree *t)
{
	for (; rules->path; rules++)
		if (!holds(rules, find(t, rules->path)))
			return rules->path[0] ? rules->path : "json";
	return NULL;
}

static const char *check_json(struct span area, enum record_integrity integrity)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	const struct jtree *t;
	struct span text;
	const char *what;

	/* Text, then zeros: one reading ends at the first, another may not. */
	if (!rd_until(&area, &text, '\0') || !span_is_zero(area))
		return "json";
	arena_init(&arena, ARENA_MAX);
	t = jtree_read(&arena, text);
	if (!t)
		return "json";
	/* The more telling one first: of a changed cipher, not of the number
	 * of members. */
	what = broken(integrity == RECORD_HMAC ? hmac : plain, t);
	return what ? what : broken(common, t);
}

const char *luks_check(struct span header, enum record_integrity integrity)
{
	struct binary first, second;
	struct span copies[2];
	const char *what;

	if (header.n != RECORD_HEADER_LEN ||
	    !rd_n(&header, &copies[0], LUKS_COPY_LEN) ||
	    !rd_n(&header, &copies[1], LUKS_COPY_LEN))
		return "length";
	what = read_binary(&first, copies[0], "LUKS\xba\xbe", 0);
	if (!what)
		what = read_binary(&second, copies[1], "SKUL\xba\xbe",
				   LUKS_COPY_LEN);
	if (what)
		return what;
	if (first.sequence != second.sequence ||
	    !span_equal(first.uuid, second.uuid) ||
	    !span_equal(first.json, second.json))
		return "copies";
	return check_json(first.json, integrity);
}
