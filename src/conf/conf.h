/*
 * conf: one YAML file read once into one struct, by a table.
 *
 * Every mistake is reported as "file:line: key: expected ...": unknown and
 * repeated keys, missing ones, wrong types, values out of range, texts that a
 * field's own check refuses.  A key stands with the way to it, as in
 * tds[1].socket.  The file is read from top to bottom and the first mistake is
 * the one reported; a missing key is noticed where its mapping ends and
 * reported with the line where the mapping begins.
 *
 * libyaml rather than libcyaml, because the latter forgets the lines after
 * loading and so cannot say where a wrong value stands; its events rather than
 * its documents, because a document no longer shows its aliases.  Nesting is
 * bounded by the table: what it does not foresee is refused when it opens.
 *
 * Pure: bytes in, struct out.  UTF-8 only.  YAML anchors, aliases, tags,
 * directives and several documents are refused, and so is null.  A file that
 * holds nothing is an empty mapping.
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
	/* const char *: arena-owned, NUL-terminated, no NUL inside */
	CONF_STRING,
	CONF_U64, /* uint64_t, decimal, not quoted */
	CONF_BOOL, /* bool: true or false only, not quoted */
	/* uint64_t milliseconds: "250ms", "10s", "5m", "1h", "7d" */
	CONF_MS,
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
 * Checks and converts a text.  False: it is not what 'expected' of the field
 * says.  'out' points at the field; memory comes from the arena.
 */
typedef bool conf_check_fn(void *out, const char *text, struct arena *arena);

struct conf_field {
	const char *key; /* NULL ends a table, of at most 64 fields */
	enum conf_type type;
	/* Else an absent key leaves the field as it was; then the required
	 * keys inside an absent STRUCT are not missed. */
	bool is_required;
	bool has_line; /* STRUCT */
	size_t offset; /* in the struct */
	size_t size; /* HEX: bytes; LIST elements: size of one */
	/*
	 * Both inclusive.  U64, MS (in milliseconds): the value, max 0: no
	 * bound.  LIST: the count, max 0: 1024.  STRING: the length, max 0:
	 * 4096.
	 */
	uint64_t min, max;
	const char *const *names; /* ENUM, NULL-terminated */
	const struct conf_field *fields; /* STRUCT */
	/* STRUCT with has_line: a uint64_t there in it gets the line where the
	 * value begins, for mistakes that show later. */
	size_t line_offset;
	/* LIST: one field; its key is not looked at, its offset is 0.  An
	 * element starts zeroed. */
	const struct conf_field *element;
	/*
	 * CUSTOM: writes the field.  STRING, STRUCT, LIST: a check more once it
	 * is read, may be NULL; of STRUCT and LIST the text is NULL, and the
	 * line reported is where the value begins.
	 */
	conf_check_fn *check;
	/* CUSTOM and what has a check: "an address such as 192.0.2.1:443" */
	const char *expected;
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
