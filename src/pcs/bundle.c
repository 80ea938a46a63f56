#include "pcs/bundle.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const char format_name[] = "postern-collateral/1";

static void auto_json(json_t **tree)
{
	json_decref(*tree);
}

static enum rc complain(char error[BUNDLE_ERROR_MAX], enum rc rc,
			const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum rc complain(char error[BUNDLE_ERROR_MAX], enum rc rc,
			const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error, BUNDLE_ERROR_MAX, format, args);
	va_end(args);
	return rc;
}

static bool is_text(size_t item)
{
	return !strstr(collateral_names[item], ".der");
}

/* The member that is being read. */
struct member {
	const char *name;
	const json_t *value;
};

static struct member member_of(const json_t *object, const char *name)
{
	return (struct member){ name, json_object_get(object, name) };
}

static bool is_nothing(const json_t *value)
{
	return !value || json_is_null(value) ||
	       (json_is_string(value) && !json_string_length(value));
}

/* What is wrong with a member that could not be read. */
static const char *fault_of(const struct member *m, enum rc rc)
{
	if (rc == RC_LIMIT)
		return "too large";
	return is_nothing(m->value) ? "missing" : "not of its form";
}

/* ---- reading values */

static struct span string_of(const json_t *value)
{
	return span_of(json_string_value(value), json_string_length(value));
}

static enum rc add_text(struct buf *out, const json_t *value)
{
	if (!json_is_string(value) || !json_string_length(value))
		return RC_MALFORMED;
	return buf_add(out, string_of(value)) ? RC_OK : RC_LIMIT;
}

static enum rc add_base64(struct buf *out, const json_t *value)
{
	struct span text;
	size_t room, n;
	uint8_t *at;

	if (!json_is_string(value))
		return RC_MALFORMED;
	text = string_of(value);
	if (text.n / 4 * 3 > buf_room(out))
		return RC_LIMIT;
	at = buf_space(out, text.n / 4 * 3 + 1, &room);
	if (!text_base64_decode(at, room, &n, text) || !n)
		return RC_MALFORMED;
	buf_commit(out, n);
	return RC_OK;
}

static enum rc add_numbers(struct buf *out, const json_t *array)
{
	if (json_array_size(array) > buf_room(out))
		return RC_LIMIT;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *number = json_array_get(array, i);
		json_int_t v = json_integer_value(number);
		uint8_t byte = (uint8_t)v;

		if (!json_is_integer(number) || v < 0 || v > UINT8_MAX)
			return RC_MALFORMED;
		if (!buf_add(out, span_of(&byte, 1)))
			return RC_LIMIT;
	}
	return RC_OK;
}

/* dcap-qvl's bytes: hex, or an array of numbers. */
static enum rc add_bytes(struct buf *out, const json_t *value)
{
	struct span text;
	size_t room, n;
	uint8_t *at;

	if (json_is_array(value))
		return json_array_size(value) ? add_numbers(out, value)
					      : RC_MALFORMED;
	if (!json_is_string(value) || !json_string_length(value))
		return RC_MALFORMED;
	text = string_of(value);
	if (text.n / 2 > buf_room(out))
		return RC_LIMIT;
	at = buf_space(out, text.n / 2 + 1, &room);
	if (!text_hex_decode_any(at, room, &n, text))
		return RC_MALFORMED;
	buf_commit(out, n);
	return RC_OK;
}

/* ---- ours */

static enum rc read_ours(struct collateral_files *set, const json_t *object,
			 struct member *m)
{
	struct buf *items[COLLATERAL_ITEMS];
	size_t found = 0;

	collateral_items(items, set);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++) {
		enum rc rc;

		*m = member_of(object, collateral_names[i]);
		if (!m->value && i >= COLLATERAL_NEEDED)
			continue;
		found++;
		rc = is_text(i) ? add_text(items[i], m->value)
				: add_base64(items[i], m->value);
		if (rc)
			return rc;
	}
	*m = (struct member){ "an unknown member", object };
	return json_object_size(object) == found ? RC_OK : RC_MALFORMED;
}

static enum rc read_sets(struct bundle *b, const json_t *root,
			 char error[BUNDLE_ERROR_MAX])
{
	const json_t *sets = json_object_get(root, "sets");
	const char *format =
		json_string_value(json_object_get(root, "format"));

	if (!format || strcmp(format, format_name) != 0)
		return complain(error, RC_MALFORMED,
				"format: expected \"%s\"", format_name);
	if (!json_is_array(sets) || json_object_size(root) != 2)
		return complain(error, RC_MALFORMED,
				"expected format and sets, nothing else");
	if (json_array_size(sets) > BUNDLE_SETS_MAX)
		return complain(error, RC_LIMIT, "more than %d sets",
				BUNDLE_SETS_MAX);
	b->sets = mem_new_array(json_array_size(sets) + 1, sizeof(*b->sets));
	for (size_t i = 0; i < json_array_size(sets); i++) {
		struct collateral_files *set = &b->sets[b->count++];
		struct member m = { 0 };
		enum rc rc;

		collateral_init(set);
		rc = read_ours(set, json_array_get(sets, i), &m);
		if (rc)
			return complain(error, rc, "sets[%zu]: %s: %s", i,
					m.name, fault_of(&m, rc));
	}
	return RC_OK;
}

/* ---- dcap-qvl's */

/* {"<name>":<object>,"signature":"<hex>"}: the bytes of the object, which the
 * signature covers, stay as they are. */
static enum rc add_document(struct buf *out, const json_t *root,
			    const char *name, const char *object_key,
			    const char *signature_key, struct member *m)
{
	AUTO(buf_fini)
	struct buf signature;
	char hex[128 + 1];
	struct wr w = wr_over(hex, sizeof(hex));
	struct wr before = WR_ARRAY((char[64]){ 0 });
	enum rc rc;

	buf_init(&signature, 64);
	*m = member_of(root, signature_key);
	if (add_bytes(&signature, m->value) || signature.n != 64)
		return RC_MALFORMED;
	text_hex(&w, buf_span(&signature));
	wr_printf(&before, "{\"%s\":", name);
	if (!buf_add(out, wr_span(&before)))
		return RC_LIMIT;
	*m = member_of(root, object_key);
	rc = add_text(out, m->value);
	if (rc)
		return rc;
	return buf_add(out, span_str(",\"signature\":\"")) &&
			       buf_add(out, wr_span(&w)) &&
			       buf_add(out, span_str("\"}"))
		       ? RC_OK
		       : RC_LIMIT;
}

static enum rc read_qvl_set(struct collateral_files *set, const json_t *root,
			    struct member *m)
{
	const struct {
		const char *key;
		struct buf *out;
		bool is_text, is_optional;
	} plain[] = {
		{ "root_ca_crl", &set->root_crl, false, false },
		{ "pck_crl", &set->pck_crl, false, false },
		{ "tcb_info_issuer_chain", &set->tcb_info_chain, true, false },
		{ "qe_identity_issuer_chain", &set->qe_identity_chain, true,
		  false },
		{ "pck_crl_issuer_chain", &set->pck_crl_chain, true, true },
		{ "pck_certificate_chain", &set->pck_chain, true, true },
	};
	enum rc rc;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		*m = member_of(root, plain[i].key);
		if (plain[i].is_optional && is_nothing(m->value))
			continue;
		rc = plain[i].is_text ? add_text(plain[i].out, m->value)
				      : add_bytes(plain[i].out, m->value);
		if (rc)
			return rc;
	}
	rc = add_document(&set->tcb_info, root, "tcbInfo", "tcb_info",
			  "tcb_info_signature", m);
	if (rc)
		return rc;
	return add_document(&set->qe_identity, root, "enclaveIdentity",
			    "qe_identity", "qe_identity_signature", m);
}

static enum rc read_qvl(struct bundle *b, const json_t *root,
			char error[BUNDLE_ERROR_MAX])
{
	struct member m = { 0 };
	enum rc rc;

	b->sets = mem_new_array(1, sizeof(*b->sets));
	b->count = 1;
	collateral_init(&b->sets[0]);
	rc = read_qvl_set(&b->sets[0], root, &m);
	return rc ? complain(error, rc, "%s: %s", m.name, fault_of(&m, rc))
		  : RC_OK;
}

/* ---- both */

void bundle_fini(struct bundle *b)
{
	for (size_t i = 0; i < b->count; i++)
		collateral_fini(&b->sets[i]);
	free(b->sets);
	*b = (struct bundle){ 0 };
}

enum rc bundle_read(struct bundle *out, struct span text,
		    char error[BUNDLE_ERROR_MAX])
{
	AUTO(bundle_fini)
	struct bundle b = { 0 };
	AUTO(auto_json)
	json_t *root = NULL;
	enum rc rc;

	if (text.n > BUNDLE_MAX)
		return complain(error, RC_LIMIT, "larger than %d bytes",
				BUNDLE_MAX);
	root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES,
			  NULL);
	if (!json_is_object(root))
		return complain(error, RC_MALFORMED, "not a JSON object");
	rc = json_object_get(root, "format") ? read_sets(&b, root, error)
					     : read_qvl(&b, root, error);
	if (rc)
		return rc;
	*out = b;
	b = (struct bundle){ 0 };
	return RC_OK;
}

/* ---- writing */

static json_t *value_of(struct span s, bool is_text)
{
	AUTO(mem_auto_free)
	char *base64 = NULL;
	struct wr w;

	if (is_text)
		return json_stringn((const char *)s.p, s.n);
	base64 = mem_new((s.n + 2) / 3 * 4 + 1);
	w = wr_over(base64, (s.n + 2) / 3 * 4);
	text_base64(&w, s);
	return json_string(base64);
}

static enum rc set_tree(json_t *object, const struct collateral_files *set)
{
	struct span items[COLLATERAL_ITEMS];

	collateral_spans(items, set);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++) {
		json_t *value;

		if (!items[i].n)
			continue;
		value = value_of(items[i], is_text(i));
		if (!value)
			return RC_MALFORMED;
		if (json_object_set_new(object, collateral_names[i], value))
			abort(); /* out of memory */
	}
	return RC_OK;
}

static int add_piece(const char *piece, size_t n, void *arg)
{
	return buf_add(arg, span_of(piece, n)) ? 0 : -1;
}

enum rc bundle_write(struct buf *out, const struct collateral_files *sets,
		     size_t count)
{
	AUTO(auto_json)
	json_t *root = json_object();
	json_t *array = json_array();

	if (json_object_set_new(root, "format", json_string(format_name)) ||
	    json_object_set_new(root, "sets", array))
		abort(); /* out of memory */
	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();
		enum rc rc;

		if (json_array_append_new(array, object))
			abort(); /* out of memory */
		rc = set_tree(object, &sets[i]);
		if (rc)
			return rc;
	}
	return json_dump_callback(root, add_piece, out, JSON_INDENT(2)) == 0 &&
			       buf_add(out, span_str("\n"))
		       ? RC_OK
		       : RC_LIMIT;
}
