#include "edge/backends.h"

#include <stdio.h>

#include "sni/name.h"

void backends_fini(struct backends *b)
{
	names_fini(&b->names);
	*b = (struct backends){ 0 };
}

/* Of a wildcard any name of it will do. */
static bool is_custom(const char *pattern, const char *base)
{
	char text[NAME_MAX_LEN + 1];
	struct name name;

	(void)snprintf(text, sizeof(text), "%s", pattern);
	if (text[0] == '*')
		text[0] = 'x';
	return name_parse(&name, span_str(text), span_str(base)) == RC_OK &&
	       name.kind == NAME_CUSTOM;
}

static bool add(struct backends *b, const struct edge_config *config, size_t i,
		const char **wrong)
{
	const struct conf_list *names = &b->at[i].names;
	const char *const *name = names->items;

	for (size_t k = 0; k < names->count; k++) {
		*wrong = name[k];
		if (!is_custom(name[k], config->base) ||
		    !names_add(&b->names, span_str(name[k]), i))
			return false;
	}
	return true;
}

enum rc backends_load(struct backends *out, const struct edge_config *config,
		      const char *config_path, char error[EDGE_ERROR_MAX])
{
	struct edge_place place = { .path = config_path, .key = "backends" };
	struct backends b = { .at = config->backends.items };
	const struct names_entry *first, *again;
	const char *wrong = NULL, *why = NULL;

	for (size_t i = 0; i < config->backends.count && !why; i++) {
		place.line = b.at[i].line;
		if (!add(&b, config, i, &wrong))
			why = "expected a name outside the base";
	}
	if (!why && !names_sort(&b.names, &first, &again)) {
		place.line = b.at[again->number].line;
		wrong = again->pattern;
		why = "expected once, given twice";
	}
	if (why) {
		edge_config_complain(error, &place, wrong, why);
		backends_fini(&b);
		return RC_MALFORMED;
	}
	*out = b;
	return RC_OK;
}

const struct edge_backend *backends_find(const struct backends *b,
					 const char *name)
{
	size_t i;

	return b && names_find(&b->names, &i, name) ? &b->at[i] : NULL;
}
