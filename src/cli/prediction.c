#include "cli/prediction.h"

#include <string.h>

#include "base/text.h"
#include "cli/json.h"

enum {
	HEX_LEN = 2 * QUOTE_MR_LEN + 1,
	NAME_MAX_LEN = 63,
};

void prediction_set(struct prediction *p, enum policy_register r,
		    struct span value)
{
	memcpy(p->value[r], value.p, QUOTE_MR_LEN);
	p->missing[r] = NULL;
}

void prediction_replay(struct prediction *p, unsigned rtmr)
{
	struct sha384 value;

	bootlog_replay(&value, &p->log, rtmr);
	prediction_set(p, (enum policy_register)(POLICY_RTMR0 + rtmr),
		       SPAN_ARRAY(value.b));
}

static const char *hex_of(char hex[HEX_LEN], const uint8_t value[QUOTE_MR_LEN])
{
	struct wr w = wr_over(hex, HEX_LEN - 1);

	text_hex(&w, span_of(value, QUOTE_MR_LEN));
	hex[HEX_LEN - 1] = '\0';
	return hex;
}

static const char *name_of(size_t r)
{
	return policy_register_name((enum policy_register)r);
}

static void print_given(FILE *to, const struct prediction *p, const char *mark)
{
	const char *comma = "";

	if (p->missing[POLICY_RTMR0])
		return;
	fprintf(to, "%srtmr0 rests on digests that were given: ", mark);
	for (size_t i = 0; i < p->log.count; i++) {
		if (!p->log.event[i].is_given)
			continue;
		fprintf(to, "%s%s", comma, p->log.event[i].name);
		comma = ", ";
	}
	if (p->cpus)
		fprintf(to, "; the number of CPUs is in them only");
	fputc('\n', to);
}

/* Each line begins with 'mark': in a policy they are comments. */
static void print_notes(FILE *to, const struct prediction *p, const char *mark)
{
	if (p->layout)
		fprintf(to, "%slayout %s\n", mark, p->layout);
	if (p->has_pages)
		fprintf(to, "%spages added %s\n", mark,
			p->is_two_pass ? "in two passes" : "one by one");
	print_given(to, p, mark);
	for (size_t r = 0; r < PREDICTION_COUNT; r++)
		if (p->missing[r])
			fprintf(to, "%s%s is not predicted: %s\n", mark,
				name_of(r), p->missing[r]);
}

void prediction_print(FILE *to, const struct prediction *p)
{
	char hex[HEX_LEN];

	for (size_t r = 0; r < PREDICTION_COUNT; r++)
		if (!p->missing[r])
			fprintf(to, "%-12s %s\n", name_of(r),
				hex_of(hex, p->value[r]));
	fputc('\n', to);
	print_notes(to, p, "");
}

static json_t *events_of(const struct prediction *p)
{
	json_t *events = json_array();
	char hex[HEX_LEN];

	for (size_t i = 0; i < p->log.count; i++) {
		const struct bootlog_event *e = &p->log.event[i];
		json_t *o = json_object();

		jset(o, "register",
		     json_string(name_of(POLICY_RTMR0 + e->rtmr)));
		jset(o, "name", json_string(e->name));
		jset(o, "digest", json_string(hex_of(hex, e->digest.b)));
		jset(o, "given", json_boolean(e->is_given));
		jadd(events, o);
	}
	return events;
}

void prediction_print_json(FILE *to, const struct prediction *p)
{
	json_t *root = json_object(), *missing = json_object();
	char hex[HEX_LEN];

	for (size_t r = 0; r < PREDICTION_COUNT; r++)
		if (p->missing[r])
			jset(missing, name_of(r), json_string(p->missing[r]));
		else
			jset(root, name_of(r),
			     json_string(hex_of(hex, p->value[r])));
	jset(root, "not_predicted", missing);
	if (p->layout)
		jset(root, "layout", json_string(p->layout));
	if (p->has_pages)
		jset(root, "two_pass", json_boolean(p->is_two_pass));
	if (p->memory_mib)
		jset(root, "memory_mib",
		     json_integer((json_int_t)p->memory_mib));
	if (p->cpus)
		jset(root, "cpus", json_integer((json_int_t)p->cpus));
	jset(root, "events", events_of(p));
	jprint(to, root);
	json_decref(root);
}

bool prediction_is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return n > 0 && n <= NAME_MAX_LEN && name[n] == '\0';
}

void prediction_print_policy(FILE *to, const struct prediction *p,
			     const char *name)
{
	char hex[HEX_LEN];

	print_notes(to, p, "# ");
	fprintf(to, "images:\n  - name: \"%s\"\n", name);
	for (size_t r = 0; r < PREDICTION_COUNT; r++)
		if (!p->missing[r])
			fprintf(to, "    %s: %s\n", name_of(r),
				hex_of(hex, p->value[r]));
}
