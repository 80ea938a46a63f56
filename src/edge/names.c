#include "edge/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sni/name.h"

void names_fini(struct names *n)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		free(n->entries[i].pattern);
	free(n->entries);
	*n = (struct names){ 0 };
}

bool names_is_pattern(struct span pattern)
{
	const struct span star = span_str("*.");

	if (span_has_prefix(pattern, star) && !rd_skip(&pattern, star.n))
		return false;
	return name_is_base(pattern);
}

bool names_add(struct names *n, struct span pattern, size_t number)
{
	struct names_entry e = { .number = number };
	char *c;

	e.pattern = mem_dup_n(pattern.p, pattern.n);
	for (c = e.pattern; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	/* The bytes as they came: one of them may be NUL. */
	if (strlen(e.pattern) != pattern.n ||
	    !names_is_pattern(span_str(e.pattern))) {
		free(e.pattern);
		return false;
	}
	n->entries = mem_grow(n->entries, n->count + 1, sizeof(e));
	n->entries[n->count++] = e;
	n->is_sorted = false;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct names_entry *x = a, *y = b;
	int order = strcmp(x->pattern, y->pattern);

	if (order != 0)
		return order;
	return (x->number > y->number) - (x->number < y->number);
}

bool names_sort(struct names *n, const struct names_entry **first,
		const struct names_entry **again)
{
	size_t i;

	if (n->count)
		qsort(n->entries, n->count, sizeof(*n->entries), compare);
	n->is_sorted = true;
	for (i = 1; i < n->count; i++) {
		*first = &n->entries[i - 1];
		*again = &n->entries[i];
		if ((*first)->number != (*again)->number &&
		    strcmp((*first)->pattern, (*again)->pattern) == 0)
			return false;
	}
	return true;
}

static int match(const void *pattern, const void *entry)
{
	const struct names_entry *e = entry;

	return strcmp(pattern, e->pattern);
}

static bool find(const struct names *n, size_t *number, const char *pattern)
{
	const struct names_entry *e;

	if (n->count == 0)
		return false;
	assert(n->is_sorted);
	e = bsearch(pattern, n->entries, n->count, sizeof(*e), match);
	if (e)
		*number = e->number;
	return e != NULL;
}

bool names_find(const struct names *n, size_t *number, const char *name)
{
	char pattern[NAME_MAX_LEN + 2] = "*";
	const char *parent = strchr(name, '.');

	if (find(n, number, name))
		return true;
	if (!parent || parent == name || strlen(parent) > NAME_MAX_LEN)
		return false;
	memcpy(pattern + 1, parent, strlen(parent) + 1);
	return find(n, number, pattern);
}
