#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/json.h"
#include "cli/kms.h"
#include "keys/audit.h"

static void auto_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static void report(const struct kms_options *o, enum keys_audit_verdict v,
		   const struct keys_audit_walk *w)
{
	json_t *j;

	if (!o->is_json) {
		char head[65] = "";
		struct wr hex = wr_over(head, sizeof(head) - 1);

		text_hex(&hex, SPAN_ARRAY(w->chain.head.b));
		if (v)
			printf("BROKEN: after line %llu: %s\n",
			       (unsigned long long)w->chain.seq,
			       keys_audit_verdict_name(v));
		printf("lines      %llu\nsigned     up to %llu, by %llu "
		       "signatures\nhead       %s\n",
		       (unsigned long long)w->chain.seq,
		       (unsigned long long)w->signed_seq,
		       (unsigned long long)w->signatures, head);
		return;
	}
	j = json_object();
	jset(j, "in_order", json_boolean(!v));
	jset_text(j, "reason", keys_audit_verdict_name(v));
	jset(j, "lines", json_integer((json_int_t)w->chain.seq));
	jset(j, "signed", json_integer((json_int_t)w->signed_seq));
	jset_hex(j, "head", SPAN_ARRAY(w->chain.head.b));
	if (w->has_key)
		jset_hex(j, "key", SPAN_ARRAY(w->key.xy));
	jprint(stdout, j);
	json_decref(j);
}

static enum keys_audit_verdict walk(struct keys_audit_walk *w, FILE *f)
{
	AUTO(mem_auto_free)
	char *line = NULL;
	enum keys_audit_verdict v = KEYS_AUDIT_OK;
	size_t cap = 0;
	ssize_t n;

	while (!v && (n = getline(&line, &cap, f)) > 0)
		v = line[n - 1] != '\n'
			    ? KEYS_AUDIT_MALFORMED
			    : keys_audit_check(w, span_of(line,
							  (size_t)n - 1));
	return v;
}

int kms_audit(const struct kms_options *o)
{
	struct keys_audit_walk w = { 0 };
	enum keys_audit_verdict v;
	AUTO(auto_file)
	FILE *f = NULL;

	if (o->key &&
	    !text_hex_decode(w.key.xy, sizeof(w.key.xy), span_str(o->key)))
		return complain_usage(&o->say,
				      "--key: expected 128 hex digits");
	w.has_key = o->key != NULL;
	f = fopen(o->file, "re");
	if (!f)
		return complain(&o->say, CLI_USAGE, COMPLAINT_UNREADABLE,
				o->file, "%s: %s", o->file, strerror(errno));
	v = walk(&w, f);
	if (!v && ferror(f))
		return complain(&o->say, CLI_USAGE, COMPLAINT_UNREADABLE,
				o->file, "%s: %s", o->file, strerror(errno));
	report(o, v, &w);
	/* What no signature covers may be anybody's. */
	return v || w.signed_seq != w.chain.seq ? CLI_REFUSED : CLI_OK;
}
