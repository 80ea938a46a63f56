#include "guest/call.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "json/jtree.h"

/* Which members a method has. */
enum member {
	M_DATA = 1 << 0, /* "data" */
	M_REPORT_DATA = 1 << 1,
	M_NONCE = 1 << 2,
	M_PAYLOAD = 1 << 3,
	M_PATH = 1 << 4,
	M_PURPOSE = 1 << 5,
	M_ALGORITHM = 1 << 6,
	M_SIGNATURE = 1 << 7,
	M_PUBLIC_KEY = 1 << 8,
	M_EVENT = 1 << 9,
	M_SUBJECT = 1 << 10,
	M_TLS = 1 << 11, /* alt_names, usages, dates */
	M_HASH = 1 << 12, /* hash_algorithm, prefix */
	M_APP_INFO = 1 << 13, /* with_app_info */
	M_RANDOM = 1 << 14, /* random_seed */
	M_DOMAIN = 1 << 15,
	M_GPU = 1 << 16, /* include_boottime_gpu_evidence */

	M_NAMED = M_PATH | M_PURPOSE | M_ALGORITHM,
	M_CHECK = M_ALGORITHM | M_DATA | M_SIGNATURE | M_PUBLIC_KEY,
	M_CERTIFICATE = M_SUBJECT | M_TLS,
};

struct method {
	const char *name;
	enum call_op op;
	unsigned members, needs;
};

static const struct method ours[] = {
	{ "version", CALL_VERSION, 0, 0 },
	{ "info", CALL_INFO, 0, 0 },
	{ "quote", CALL_QUOTE, M_DATA, M_DATA },
	{ "evidence", CALL_EVIDENCE, M_NONCE, 0 },
	{ "key", CALL_KEY, M_NAMED, M_PATH },
	{ "sign", CALL_SIGN, M_NAMED | M_DATA, M_PATH | M_DATA },
	{ "verify", CALL_VERIFY, M_CHECK, M_CHECK & ~(unsigned)M_ALGORITHM },
	{ "tls-key", CALL_TLS_KEY, M_CERTIFICATE, 0 },
	{ "event", CALL_EVENT, M_EVENT | M_PAYLOAD, M_EVENT },
	{ 0 },
};

static const struct method dstack[] = {
	{ "Version", CALL_VERSION, 0, 0 },
	{ "Info", CALL_INFO, 0, 0 },
	{ "GetQuote", CALL_QUOTE, M_REPORT_DATA, M_REPORT_DATA },
	{ "Attest", CALL_ATTEST, M_REPORT_DATA, M_REPORT_DATA },
	{ "GetKey", CALL_KEY, M_NAMED, 0 },
	{ "Sign", CALL_SIGN, M_ALGORITHM | M_DATA, M_DATA },
	{ "Verify", CALL_VERIFY, M_CHECK, M_CHECK & ~(unsigned)M_ALGORITHM },
	{ "GetTlsKey", CALL_TLS_KEY, M_CERTIFICATE | M_APP_INFO, 0 },
	{ "EmitEvent", CALL_EVENT, M_EVENT | M_PAYLOAD, M_EVENT },
	{ "GpuInfo", CALL_GPU_INFO, 0, 0 },
	{ 0 },
};

static const struct method dstack_v1[] = {
	{ "Version", CALL_VERSION, 0, 0 },
	{ "Info", CALL_INFO, 0, 0 },
	{ "GetKey", CALL_KEY, M_DOMAIN | M_ALGORITHM, M_ALGORITHM },
	{ "Attest", CALL_ATTEST, M_REPORT_DATA | M_GPU, M_REPORT_DATA },
	{ "AttestGpu", CALL_GPU_ATTEST, M_NONCE, M_NONCE },
	{ "IssueCert", CALL_TLS_KEY, M_CERTIFICATE | M_APP_INFO, 0 },
	{ 0 },
};

static const struct method tappd[] = {
	{ "Version", CALL_VERSION, 0, 0 },
	{ "Info", CALL_INFO, 0, 0 },
	{ "TdxQuote", CALL_QUOTE, M_REPORT_DATA | M_HASH, M_REPORT_DATA },
	{ "RawQuote", CALL_RAW_QUOTE, M_REPORT_DATA, M_REPORT_DATA },
	{ "DeriveKey", CALL_TLS_KEY, M_PATH | M_CERTIFICATE | M_RANDOM, 0 },
	{ "DeriveK256Key", CALL_KEY, M_NAMED, 0 },
	{ 0 },
};

enum kind {
	HEX,
	TEXT,
	BOOL,
	NUMBER,
	NAMES,
	ALGORITHM,
};

static const struct {
	const char *key;
	enum member of;
	enum kind kind;
	size_t at;
} members[] = {
	{ "data", M_DATA, HEX, offsetof(struct call, data) },
	{ "report_data", M_REPORT_DATA, HEX, offsetof(struct call, data) },
	{ "nonce", M_NONCE, HEX, offsetof(struct call, data) },
	{ "payload", M_PAYLOAD, HEX, offsetof(struct call, data) },
	{ "signature", M_SIGNATURE, HEX, offsetof(struct call, signature) },
	{ "public_key", M_PUBLIC_KEY, HEX, offsetof(struct call, public_key) },
	{ "path", M_PATH, TEXT, offsetof(struct call, path) },
	{ "domain", M_DOMAIN, TEXT, offsetof(struct call, path) },
	{ "purpose", M_PURPOSE, TEXT, offsetof(struct call, purpose) },
	{ "event", M_EVENT, TEXT, offsetof(struct call, event) },
	{ "subject", M_SUBJECT, TEXT, offsetof(struct call, subject) },
	{ "hash_algorithm", M_HASH, TEXT,
	  offsetof(struct call, hash_algorithm) },
	{ "prefix", M_HASH, TEXT, offsetof(struct call, prefix) },
	{ "algorithm", M_ALGORITHM, ALGORITHM, 0 },
	{ "alt_names", M_TLS, NAMES, 0 },
	{ "usage_server_auth", M_TLS, BOOL, offsetof(struct call, is_server) },
	{ "usage_client_auth", M_TLS, BOOL, offsetof(struct call, is_client) },
	{ "usage_ra_tls", M_TLS, BOOL, offsetof(struct call, has_quote) },
	{ "with_app_info", M_APP_INFO, BOOL,
	  offsetof(struct call, has_app_info) },
	{ "random_seed", M_RANDOM, BOOL, offsetof(struct call, is_random) },
	{ "include_boottime_gpu_evidence", M_GPU, BOOL,
	  offsetof(struct call, wants_gpu) },
	{ "not_before", M_TLS, NUMBER, offsetof(struct call, not_before) },
	{ "not_after", M_TLS, NUMBER, offsetof(struct call, not_after) },
};

enum {
	MEMBER_COUNT = sizeof(members) / sizeof(members[0]),
};

static bool refuse(struct call_fault *fault, unsigned status, const char *why)
{
	*fault = (struct call_fault){ .status = status, .why = why };
	return false;
}

static const struct method *find(const struct method *table, struct span name)
{
	for (; table->name; table++)
		if (span_equal_str(name, table->name))
			return table;
	return NULL;
}

static bool take_prefix(struct span *s, const char *prefix)
{
	return span_has_prefix(*s, span_str(prefix)) &&
	       rd_skip(s, strlen(prefix));
}

static const struct method *route_v1(enum call_dialect *dialect,
				     struct span rest)
{
	const struct method *m = find(ours, rest);

	*dialect = m ? CALL_POSTERN : CALL_DSTACK_V1;
	(void)take_prefix(&rest, "DstackGuest."); /* or not */
	return m ? m : find(dstack_v1, rest);
}

/* "/v1/quote"; "/v1/Attest", "/v1/DstackGuest.Attest"; "/GetQuote",
 * "/v0/GetQuote", "/prpc/GetQuote", "/prpc/DstackGuest.GetQuote";
 * "/prpc/Tappd.TdxQuote". */
static const struct method *route(enum call_dialect *dialect, const char *path)
{
	struct span rest = span_str(path);

	if (take_prefix(&rest, "/v1/"))
		return route_v1(dialect, rest);
	if (!take_prefix(&rest, "/prpc/") && !take_prefix(&rest, "/v0/") &&
	    !take_prefix(&rest, "/"))
		return NULL;
	if (take_prefix(&rest, "Tappd.")) {
		*dialect = CALL_TAPPD;
		return find(tappd, rest);
	}
	(void)take_prefix(&rest, "DstackGuest."); /* or not */
	*dialect = CALL_DSTACK;
	return find(dstack, rest);
}

/* ---- members ---- */

static bool read_hex(struct span *out, const struct call *c,
		     struct arena *arena, const struct jtree *v)
{
	struct span text = v->text;
	size_t n = 0;
	uint8_t *room;

	if (v->type == JTREE_TEXT && c->dialect != CALL_POSTERN)
		(void)take_prefix(&text, "0x"); /* or not */
	if (v->type != JTREE_TEXT || text.n > 2 * CALL_DATA_MAX)
		return false;
	room = arena_new(arena, 1, text.n / 2 + 1);
	if (!room || !text_hex_decode_any(room, text.n / 2, &n, text))
		return false;
	*out = span_of(room, n);
	return true;
}

static bool read_text(struct span *out, const struct jtree *v)
{
	if (v->type != JTREE_TEXT || v->text.n > CALL_TEXT_MAX)
		return false;
	*out = v->text;
	return true;
}

static bool read_names(struct call *c, const struct jtree *v)
{
	if (v->type != JTREE_ARRAY || v->count > CALL_NAMES_MAX)
		return false;
	for (const struct jtree *at = v->first; at; at = at->next)
		if (!read_text(&c->names[c->name_count++], at))
			return false;
	return true;
}

static bool read_algorithm(struct call *c, const struct jtree *v)
{
	static const struct {
		const char *name;
		enum call_algorithm is;
		bool is_in_v1; /* of dstack, where each key has one name */
	} table[] = {
		{ "secp256k1", CALL_SECP256K1, true },
		{ "k256", CALL_SECP256K1, false },
		{ "", CALL_SECP256K1, false },
		{ "secp256k1_prehashed", CALL_SECP256K1_PREHASHED, false },
		{ "ed25519", CALL_ED25519, true },
		{ "raw", CALL_RAW, false },
	};

	if (v->type != JTREE_TEXT)
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!span_equal_str(v->text, table[i].name) ||
		    (c->dialect == CALL_DSTACK_V1 && !table[i].is_in_v1))
			continue;
		c->algorithm = table[i].is;
		return true;
	}
	return false;
}

static bool read_value(struct call *c, size_t which, struct arena *arena,
		       const struct jtree *v)
{
	char *at = (char *)c + members[which].at;

	switch (members[which].kind) {
	case HEX:
		return read_hex((struct span *)(void *)at, c, arena, v);
	case TEXT:
		return read_text((struct span *)(void *)at, v);
	case BOOL:
		memcpy(at, &v->is_true, sizeof(v->is_true));
		return v->type == JTREE_BOOL;
	case NUMBER:
		memcpy(at, &v->number, sizeof(v->number));
		return v->type == JTREE_NUMBER;
	case NAMES:
		return read_names(c, v);
	case ALGORITHM:
		return read_algorithm(c, v);
	}
	return false;
}

static const char *const expected[] = {
	[HEX] = "a member: expected bytes in hex, at most 16 KiB",
	[TEXT] = "a member: expected text of at most 1024 bytes",
	[BOOL] = "a member: expected true or false",
	[NUMBER] = "a member: expected a number",
	[NAMES] = "alt_names: expected at most 32 texts",
	[ALGORITHM] = "algorithm: expected secp256k1 or ed25519",
};

/* Null says as much as nothing: the JSON of some clients' absent options. */
static bool read_member(struct call *c, struct call_fault *fault,
			unsigned *seen, struct arena *arena,
			const struct method *m, const struct jtree *v)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		if (!(m->members & members[i].of) ||
		    !span_equal_str(v->key, members[i].key))
			continue;
		if (v->type == JTREE_NULL && c->dialect != CALL_POSTERN)
			return true;
		*seen |= members[i].of;
		return read_value(c, i, arena, v) ||
		       refuse(fault, 400, expected[members[i].kind]);
	}
	return c->dialect != CALL_POSTERN ||
	       refuse(fault, 400, "this call has no member of that name");
}

static bool read_body(struct call *c, struct call_fault *fault,
		      struct arena *arena, const struct method *m,
		      struct span body)
{
	const struct jtree *root = NULL;
	unsigned seen = 0;

	if (body.n > 0) {
		root = body.n <= CALL_BODY_MAX ? jtree_read(arena, body)
					       : NULL;
		if (!root || root->type != JTREE_OBJECT)
			return refuse(fault, 400, "expected a JSON object");
	}
	for (const struct jtree *v = root ? root->first : NULL; v; v = v->next)
		if (!read_member(c, fault, &seen, arena, m, v))
			return false;
	if ((seen & m->needs) != m->needs)
		return refuse(fault, 400, "a member is missing");
	return true;
}

bool call_read(struct call *out, struct call_fault *fault, struct arena *arena,
	       const char *method, const char *path, struct span body)
{
	struct call c = { 0 };
	const struct method *m = route(&c.dialect, path);
	bool is_get = strcmp(method, "GET") == 0;

	if (!m)
		return refuse(fault, 404,
			      "Service not found: there is no such method");
	if ((!is_get || m->needs) && strcmp(method, "POST") != 0)
		return refuse(fault, 405, "expected POST");
	c.op = m->op;
	if (!read_body(&c, fault, arena, m, body))
		return false;
	*out = c;
	return true;
}
