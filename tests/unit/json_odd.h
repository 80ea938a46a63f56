/*
 * A JSON document with one thing odd at a time: each value left out, of each
 * other type, empty, twice; and in each object one member more.  A reader is
 * told all of them; what it takes must be on a list of what may be odd.
 */
#ifndef POSTERN_TESTS_JSON_ODD_H
#define POSTERN_TESTS_JSON_ODD_H

#include "unit.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rc.h"

#define ODD_NAME "@odd@"

struct odd {
	/* True: it was read.  Its memory is its own, for ASan. */
	bool (*read)(void *arg, struct span text);
	void *arg;
	/* NULL-ended patterns of fnmatch() for ".logs.0.key null": the way to
	 * a value and what became of it: gone, null, true, 7, text, array,
	 * object, more, or, of an array's, twice */
	const char *const *may;
	size_t tried, taken, wrong;
	json_t *root;
};

static inline bool odd_may(const struct odd *o, const char *what, const char *how, bool is_member)
{
	/* The reader of JSON has neither. */
	if (strcmp(how, "-1") == 0 || (is_member && strcmp(how, "twice") == 0))
		return false;
	for (size_t i = 0; o->may && o->may[i]; i++)
		if (fnmatch(o->may[i], what, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

/* 'name' stands where ODD_NAME does in the text. */
static inline void odd_try(struct odd *o, const char *path, const char *how, const char *name)
{
	char *text = json_dumps(o->root, JSON_COMPACT);
	char *at = name ? strstr(text, "\"" ODD_NAME "\"") : NULL, what[512];
	size_t n = strlen(text);
	uint8_t *own;
	bool is_read, may;

	assert_true(!name || at);
	if (at) {
		size_t before = (size_t)(at - text);
		char *with = malloc(n + strlen(name) + 1);

		sprintf(with, "%.*s\"%s\"%s", (int)before, text, name,
			at + sizeof("\"" ODD_NAME "\"") - 1);
		free(text);
		text = with;
		n = strlen(text);
	}
	own = malloc(n);
	memcpy(own, text, n);
	is_read = o->read(o->arg, span_of(own, n));
	snprintf(what, sizeof(what), "%s %s", path, how);
	may = odd_may(o, what, how, name != NULL);
	if (is_read != may)
		print_message("%s: %s\n", what, is_read ? "read" : "refused");
	o->wrong += is_read != may;
	o->tried++;
	o->taken += is_read;
	free(own);
	free(text);
}

static inline json_t *odd_value(size_t i, const char **how)
{
	*how = ((const char *const[]){ "null", "true", "7", "-1", "text", "array", "object" })[i];
	switch (i) {
	case 0:
		return json_null();
	case 1:
		return json_true();
	case 2:
		return json_integer(7);
	case 3:
		return json_integer(-1);
	case 4:
		return json_string("odd");
	case 5:
		return json_array();
	}
	return json_object();
}

static inline void odd_walk(struct odd *o, json_t *parent, const char *path);

static inline void odd_member(struct odd *o, json_t *parent, const char *key, const char *path)
{
	json_t *was = json_incref(json_object_get(parent, key));
	const char *how;

	json_object_del(parent, key);
	odd_try(o, path, "gone", NULL);
	for (size_t i = 0; i < 7; i++) {
		json_object_set_new(parent, key, odd_value(i, &how));
		odd_try(o, path, how, NULL);
	}
	json_object_set(parent, key, was);
	json_object_set(parent, ODD_NAME, was);
	odd_try(o, path, "twice", key);
	json_object_del(parent, ODD_NAME);
	odd_walk(o, was, path);
	json_decref(was);
}

static inline void odd_item(struct odd *o, json_t *parent, size_t index, const char *path)
{
	json_t *was = json_incref(json_array_get(parent, index));
	const char *how;

	json_array_remove(parent, index);
	odd_try(o, path, "gone", NULL);
	json_array_insert(parent, index, was);
	json_array_insert(parent, index, was);
	odd_try(o, path, "twice", NULL);
	json_array_remove(parent, index);
	for (size_t i = 0; i < 7; i++) {
		json_array_set_new(parent, index, odd_value(i, &how));
		odd_try(o, path, how, NULL);
	}
	json_array_set(parent, index, was);
	odd_walk(o, was, path);
	json_decref(was);
}

static inline void odd_walk(struct odd *o, json_t *parent, const char *path)
{
	char below[256];

	if (json_is_object(parent)) {
		size_t n = 0, count = json_object_size(parent);
		char **keys = calloc(count + 1, sizeof(*keys));
		const char *key;
		json_t *value;

		json_object_foreach(parent, key, value)
			keys[n++] = strdup(key);
		for (size_t i = 0; i < n; i++) {
			snprintf(below, sizeof(below), "%s.%s", path, keys[i]);
			odd_member(o, parent, keys[i], below);
			free(keys[i]);
		}
		free(keys);
		json_object_set_new(parent, ODD_NAME, json_null());
		odd_try(o, path, "more", "more");
		json_object_del(parent, ODD_NAME);
	}
	for (size_t i = 0; i < json_array_size(parent); i++) {
		snprintf(below, sizeof(below), "%s.%zu", path, i);
		odd_item(o, parent, i, below);
	}
}

/* The document itself must be read. */
static inline void odd_each(struct odd *o, const char *json)
{
	json_error_t error;

	o->root = json_loads(json, 0, &error);
	if (!o->root)
		fail_msg("%s in %s", error.text, json);
	o->may = o->may ? o->may : (const char *const[]){ NULL };
	assert_true(o->read(o->arg, span_str(json)));
	odd_walk(o, o->root, "");
	json_decref(o->root);
	print_message("%zu odd, %zu of them taken\n", o->tried, o->taken);
	assert_int_equal(o->wrong, 0);
}

/* ---- readers with an arena */

/* In a bad case: nothing is written to what the reader fills. */
typedef enum rc odd_reader(struct arena *arena, struct span text);

static inline bool odd_read_in_arena(void *arg, struct span text)
{
	odd_reader *const *read = arg;
	struct arena arena;
	enum rc rc;

	arena_init(&arena, 16 * 1024 * 1024);
	rc = (*read)(&arena, text);
	arena_fini(&arena);
	if (rc != RC_OK && rc != RC_MALFORMED && rc != RC_UNSUPPORTED)
		fail_msg("%s: %.*s", rc_name(rc), (int)text.n, (const char *)text.p);
	return rc == RC_OK;
}

/* Arenas of every size that is too small: a limit, or no JSON. */
static inline void odd_arenas(odd_reader *read, struct span text)
{
	enum rc rc = RC_LIMIT;

	for (size_t room = 0; rc != RC_OK; room += 48) {
		struct arena arena;

		arena_init(&arena, room);
		rc = read(&arena, text);
		arena_fini(&arena);
		assert_true(rc == RC_OK || rc == RC_LIMIT || rc == RC_MALFORMED);
		assert_true(room < 16 * 1024 * 1024);
	}
}

/* Both, of a document as its writer makes it. */
static inline void odd_in_arena(odd_reader *read, struct span text, const char *const *may)
{
	struct odd o = { .read = odd_read_in_arena, .arg = (void *)&read, .may = may };
	char *copy = strndup((const char *)text.p, text.n);

	odd_each(&o, copy);
	odd_arenas(read, text);
	free(copy);
}

#endif
