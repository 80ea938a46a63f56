#include "ct/note.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "ct/sct.h"

enum {
	KEY_ID_LEN = 4,
	ED25519_PLAIN = WEBKEY_ED25519_SIGNATURE_LEN,
	TIME_LEN = 8,
	HASH_BASE64_LEN = 44,
	/* of signatures we check: RSA 8192 and what stands before it */
	CHECKED_MAX = KEY_ID_LEN + TIME_LEN + 4 + 1024,
	COSIGNED_HEAD_MAX = 64,
	TREE_HEAD_V1 = 0,
	SIGNATURE_TREE_HASH = 1, /* RFC 6962 §3.2 SignatureType */
};

/* "em dash, space" before each signature line. */
static const uint8_t dash[] = { 0xe2, 0x80, 0x94, ' ' };

/* Unicode's spaces beyond ASCII in UTF-8 (property White_Space). */
static bool has_wide_space(struct span s)
{
	static const char *const spaces[] = {
		"\xc2\x85",
		"\xc2\xa0",
		"\xe1\x9a\x80",
		"\xe2\x80\xa8",
		"\xe2\x80\xa9",
		"\xe2\x80\xaf",
		"\xe2\x81\x9f",
		"\xe3\x80\x80",
	};

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (memmem(s.p, s.n, spaces[i], strlen(spaces[i])))
			return true;
	for (size_t i = 0; i + 2 < s.n; i++) /* U+2000 .. U+200A */
		if (s.p[i] == 0xe2 && s.p[i + 1] == 0x80 &&
		    s.p[i + 2] >= 0x80 && s.p[i + 2] <= 0x8a)
			return true;
	return false;
}

bool note_is_name(struct span name)
{
	if (!name.n || name.n > NOTE_NAME_MAX || has_wide_space(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] == '+' || name.p[i] == 0x7f)
			return false;
	return true;
}

/* SHA-256(name LF type material)[:4] */
static uint32_t key_id(struct span name, uint8_t type, struct span material)
{
	const uint8_t between[] = { '\n', type };
	const struct span parts[] = { name, SPAN_ARRAY(between), material };
	struct sha256 hash;
	struct span s = SPAN_ARRAY(hash.b);
	uint32_t id = 0;

	sha256_parts(&hash, parts, 3);
	(void)rd_be32(&s, &id); /* 32 bytes are there */
	return id;
}

enum rc note_key_read(struct note_key *out, struct span text)
{
	uint8_t id[KEY_ID_LEN], blob[1 + WEBKEY_ED25519_LEN];
	struct span name, hex, at = SPAN_ARRAY(id);
	struct note_key k = { 0 };
	size_t n;

	if (!rd_until(&text, &name, '+') || !rd_until(&text, &hex, '+') ||
	    !note_is_name(name) || !text_hex_decode(id, sizeof(id), hex) ||
	    text.n < 4)
		return RC_MALFORMED;
	if (!text_base64_decode(blob, sizeof(blob), &n, text))
		return text.n > HASH_BASE64_LEN ? RC_UNSUPPORTED
						: RC_MALFORMED;
	if (n < 1 || (blob[0] != NOTE_ED25519 && blob[0] != NOTE_COSIGNATURE))
		return RC_UNSUPPORTED;
	if (n != sizeof(blob))
		return RC_MALFORMED;
	k.type = (enum note_type)blob[0];
	k.name = name;
	memcpy(k.key, blob + 1, sizeof(k.key));
	(void)rd_be32(&at, &k.id); /* 4 bytes are there */
	if (k.id != key_id(name, blob[0], SPAN_ARRAY(k.key)))
		return RC_MALFORMED;
	*out = k;
	return RC_OK;
}

void note_key_of_log(struct note_key *out, struct span origin,
		     struct span spki)
{
	struct sha256 log_id;

	sha256_of(&log_id, spki);
	*out = (struct note_key){
		.type = NOTE_TREE_HEAD,
		.name = origin,
		.id = key_id(origin, NOTE_TREE_HEAD, SPAN_ARRAY(log_id.b)),
		.spki = spki,
	};
}

/* RFC 3629, without control characters but newline. */
static bool is_note_text(struct span s)
{
	while (!rd_end(&s)) {
		uint8_t c = s.p[0];
		size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2
				  : c < 0xf0	   ? 3
						   : 4;
		uint32_t v = n == 1 ? c : c & (0x7fU >> n);
		static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

		if ((c < ' ' && c != '\n') || (c >= 0x80 && c < 0xc2) ||
		    c > 0xf4 || s.n < n)
			return false;
		for (size_t i = 1; i < n; i++) {
			if ((s.p[i] & 0xc0) != 0x80)
				return false;
			v = v << 6 | (s.p[i] & 0x3f);
		}
		if (v < least[n] || v > 0x10ffff ||
		    (v >= 0xd800 && v <= 0xdfff))
			return false;
		(void)rd_skip(&s, n); /* n <= s.n was checked */
	}
	return true;
}

static bool read_signature(struct note_signature *out, struct span line)
{
	uint8_t blob[NOTE_SIGNATURE_MAX];
	struct note_signature s = { 0 };
	struct span at = SPAN_ARRAY(blob);
	size_t n;

	if (!span_has_prefix(line, SPAN_ARRAY(dash)) ||
	    !rd_skip(&line, sizeof(dash)) || !rd_until(&line, &s.name, ' ') ||
	    !note_is_name(s.name) ||
	    !text_base64_decode(blob, sizeof(blob), &n, line) ||
	    n <= KEY_ID_LEN || !rd_be32(&at, &s.key_id))
		return false;
	s.base64 = line;
	*out = s;
	return true;
}

/* Where the last empty line is: the text ends before it. */
static bool cut_text(struct span *text, struct span *rest, struct span bytes)
{
	const uint8_t *at = memrchr(bytes.p, '\n', bytes.n);

	while (at && at > bytes.p && at[-1] != '\n')
		at = memrchr(bytes.p, '\n', (size_t)(at - bytes.p));
	if (!at || at == bytes.p)
		return false;
	*text = span_of(bytes.p, (size_t)(at - bytes.p));
	*rest = span_of(at + 1, bytes.n - text->n - 1);
	return true;
}

enum rc note_parse(struct note *out, struct span bytes)
{
	AUTO(mem_auto_free)
	struct note *n = NULL;
	struct span rest, line;

	if (bytes.n > NOTE_MAX)
		return RC_LIMIT;
	if (!bytes.n || bytes.p[bytes.n - 1] != '\n' || !is_note_text(bytes))
		return RC_MALFORMED;
	n = mem_new(sizeof(*n));
	if (!cut_text(&n->text, &rest, bytes) || rd_end(&rest))
		return RC_MALFORMED;
	while (rd_until(&rest, &line, '\n')) {
		if (n->count == NOTE_SIGNATURES_MAX)
			return RC_LIMIT;
		if (!read_signature(&n->signature[n->count++], line))
			return RC_MALFORMED;
	}
	*out = *n;
	return RC_OK;
}

static bool verify_cosignature(uint64_t *at, struct span text,
			       const struct note_key *key, struct span s)
{
	uint8_t room[COSIGNED_HEAD_MAX];
	struct wr w = WR_ARRAY(room);
	AUTO(mem_auto_free)
	uint8_t *message = NULL;

	if (!rd_be64(&s, at) || *at > INT64_MAX)
		return false;
	wr_printf(&w, "cosignature/v1\ntime %llu\n", (unsigned long long)*at);
	message = mem_new(w.n + text.n);
	memcpy(message, room, w.n);
	memcpy(message + w.n, text.p, text.n);
	return webkey_ed25519(key->key, span_of(message, w.n + text.n), s);
}

/* RFC 6962 §3.5 TreeHeadSignature, over the checkpoint's size and root. */
static bool verify_tree_head(uint64_t *at, struct span text,
			     const struct note_key *key, struct span s)
{
	uint8_t room[2 + 8 + 8 + MERKLE_HASH_LEN];
	struct wr w = WR_ARRAY(room);
	struct sct_signature signature;
	struct checkpoint c;
	struct span message;

	/* The origin is not under this signature: who the note says it is from
	 * is who the key says it is (static-ct-api). */
	if (checkpoint_parse(&c, text) || c.extensions.n ||
	    !span_equal(c.origin, key->name) || !rd_be64(&s, at) ||
	    sct_signature_read(&signature, &s) || !rd_end(&s))
		return false;
	wr_u8(&w, TREE_HEAD_V1);
	wr_u8(&w, SIGNATURE_TREE_HASH);
	wr_be64(&w, *at);
	wr_be64(&w, c.head.size);
	wr_bytes(&w, SPAN_ARRAY(c.head.root.b));
	message = wr_span(&w);
	return webkey_verify(key->spki, signature.kind, &message, 1,
			     signature.bytes);
}

static bool verify_one(uint64_t *at, struct span text,
		       const struct note_key *key,
		       const struct note_signature *signature)
{
	uint8_t blob[CHECKED_MAX];
	struct span s;
	size_t n;

	*at = 0;
	if (!text_base64_decode(blob, sizeof(blob), &n, signature->base64))
		return false;
	s = span_of(blob + KEY_ID_LEN, n - KEY_ID_LEN);
	switch (key->type) {
	case NOTE_ED25519:
		return webkey_ed25519(key->key, text, s);
	case NOTE_COSIGNATURE:
		return verify_cosignature(at, text, key, s);
	case NOTE_TREE_HEAD:
		return verify_tree_head(at, text, key, s);
	}
	return false;
}

enum note_answer note_verify(uint64_t *at, const struct note *n,
			     const struct note_key *key)
{
	enum note_answer answer = NOTE_UNSIGNED;
	uint64_t when = 0, latest = 0;

	for (size_t i = 0; i < n->count; i++) {
		const struct note_signature *s = &n->signature[i];

		if (s->key_id != key->id || !span_equal(s->name, key->name))
			continue;
		if (!verify_one(&when, n->text, key, s))
			return NOTE_BAD_SIGNATURE;
		if (when > latest)
			latest = when;
		answer = NOTE_SIGNED;
	}
	if (answer == NOTE_SIGNED)
		*at = latest;
	return answer;
}

bool note_signature_bytes(void *out, size_t cap, size_t *len,
			  const struct note *n, const struct note_key *key)
{
	uint8_t blob[CHECKED_MAX];
	size_t got;

	for (size_t i = 0; i < n->count; i++) {
		const struct note_signature *s = &n->signature[i];

		if (s->key_id != key->id || !span_equal(s->name, key->name))
			continue;
		if (!text_base64_decode(blob, sizeof(blob), &got, s->base64) ||
		    got - KEY_ID_LEN > cap)
			return false;
		*len = got - KEY_ID_LEN;
		memcpy(out, blob + KEY_ID_LEN, *len);
		return true;
	}
	return false;
}

enum rc checkpoint_parse(struct checkpoint *out, struct span text)
{
	struct checkpoint c = { 0 };
	struct span size, root, left, line;
	size_t n;

	if (!text.n || text.p[text.n - 1] != '\n')
		return RC_MALFORMED;
	if (!rd_until(&text, &c.origin, '\n') || !c.origin.n ||
	    !rd_until(&text, &size, '\n') ||
	    !text_u64(&c.head.size, size, UINT64_MAX) ||
	    !rd_until(&text, &root, '\n') || root.n != HASH_BASE64_LEN ||
	    !text_base64_decode(c.head.root.b, MERKLE_HASH_LEN, &n, root) ||
	    n != MERKLE_HASH_LEN)
		return RC_MALFORMED;
	c.extensions = text;
	for (left = text; rd_until(&left, &line, '\n');)
		if (!line.n)
			return RC_MALFORMED;
	*out = c;
	return RC_OK;
}
