/*
 * A host name under a fixed base.  Promised: what is accepted is canonical
 * (reading its own full form again gives the same), has a good port, and an
 * id that is read back as itself.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sni/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char BASE[] = "b.net";

static void check_app(const struct name *a)
{
	struct span id = span_str(a->id);
	struct name again;
	char host[128];

	assert(a->port > 0);
	assert(a->id_is_hex != name_is_alias(id));
	/* The longest way to write it means the same. */
	snprintf(host, sizeof(host), "%s-%u%s.%s", a->id, a->port,
		 a->mode == NAME_PASSTHROUGH ? "s" : a->mode == NAME_H2 ? "g"
									: "",
		 BASE);
	if (strchr(host, '.') - host > NAME_LABEL_MAX)
		return;
	assert(name_parse(&again, span_str(host), span_str(BASE)) == RC_OK);
	assert(again.kind == NAME_APP && again.mode == a->mode &&
	       again.port == a->port && strcmp(again.id, a->id) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct name a, b;

	if (name_parse(&a, span_of(data, n), span_str(BASE)) != RC_OK)
		return 0;
	assert(strlen(a.full) <= n);
	assert(name_parse(&b, span_str(a.full), span_str(BASE)) == RC_OK);
	assert(a.kind == b.kind && a.mode == b.mode && a.port == b.port &&
	       a.id_is_hex == b.id_is_hex && strcmp(a.id, b.id) == 0 &&
	       strcmp(a.full, b.full) == 0);
	if (a.kind == NAME_APP)
		check_app(&a);
	return 0;
}
