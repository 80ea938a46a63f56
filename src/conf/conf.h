/*
 * conf: one YAML file read once into one struct, by a table.
 *
 * Every mistake is reported as "file:line: key: what is expected": unknown and
 * repeated keys, missing ones, wrong types, values out of range, texts that a
 * field's own check refuses.  The whole file is checked, the first mistake is
 * the one reported.  libyaml rather than libcyaml, because the latter forgets
 * the lines after loading and so cannot say where a wrong value stands.
 *
 * Pure: bytes in, struct out.  YAML anchors, aliases, tags and several
 * documents are refused.
 */
#ifndef POSTERN_CONF_CONF_H
#define POSTERN_CONF_CONF_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

enum {
	CONF_FILE_MAX = 1024 * 1024,
	CONF_ERROR_MAX = 512,
};

enum conf_type {
	CONF_STRING, /* const char *: arena-owned, NUL-terminated, no NUL inside */
	CONF_U64, /* uint64_t, between min and max */
	CONF_BOOL, /* bool: true or false only */
	CONF_MS, /* uint64_t milliseconds: "250ms", "10s", "5m", "1h", "7d";
		         min and max are in milliseconds */
	CONF_HEX, /* uint8_t[size]: exactly size bytes of hex */
	CONF_ENUM, /* int: one of 'names', by its place */
	CONF_CUSTOM, /* 'check' writes the field from the text */
	CONF_STRUCT, /* a mapping, described by 'fields', embedded */
	CONF_LIST, /* struct conf_list of elements described by 'element' */
};

/* Elements stand one after another, each 'element->size' bytes. */
struct conf_list {
	void *items;
	size_t count;
};

/*
 * Checks and converts a text.  False: the text is not what 'expected' of the
 * field says.  'out' points at the field; memory comes from the arena.
 */
typedef bool conf_check_fn(void *out, const char *text, struct arena *arena);

struct conf_field {
	const char *key; /* NULL ends a table */
	enum conf_type type;
	size_t offset; /* in the struct */
	size_t size; /* HEX: bytes; LIST elements: size of one */
	bool is_required; /* else an absent key leaves the field as it was */
	uint64_t min, max; /* U64, MS; LIST: count (max 0: 1024); STRING: length (max 0: 4096) */
	const char *const *names; /* ENUM, NULL-terminated */
	const struct conf_field *fields; /* STRUCT */
	const struct conf_field *element; /* LIST: key NULL is not the end here, offset 0 */
	conf_check_fn *check; /* CUSTOM; for STRING an extra check, may be NULL */
	const char *expected; /* CUSTOM and checked STRING: "an address such as 192.0.2.1:443" */
};

/*
 * Reads 'text' into *out, which the caller has filled with defaults.
 *
 * RC_OK         *out is filled; strings and lists live in 'arena'
 * RC_MALFORMED  error[CONF_ERROR_MAX] holds "name:line: ..." ; *out may be
 *               half filled and must not be used
 */
enum rc conf_read(void *out, const struct conf_field *fields,
		  struct arena *arena, const char *name, struct span text,
		  char error[CONF_ERROR_MAX]);

#endif
