/*
 * judge: verdicts on cases, one line in, one line out; for comparing verifiers.
 *
 * In, separated by tabs: name, unix seconds, PEM of the root ("-": Intel's),
 * quote file, folder of collateral, and one change: "-" none, "quote:AT:MASK"
 * or "<document>:AT:MASK" (xor, decimal), "cut:N" the quote's first N bytes.
 *
 * Out: name, then "ok", status and advisories with commas between, or
 * "refused" and the reason.  Every status but Revoked is accepted here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/file.h"
#include "quoting/collateral_dir.h"
#include "tee/policy.h"
#include "tee/verify.h"

enum {
	FIELDS = 6,
	FILE_MAX = 1024 * 1024,
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "judge: %s: %s\n", what, why);
	exit(2);
}

/* Every status, bar the one that no policy accepts. */
static struct tee_policy lenient(void)
{
	struct tee_policy p = tee_policy_default;

	p.clock_skew_s = 0; /* peers make no allowance */
	for (int s = TCB_UP_TO_DATE; s < TCB_REVOKED; s++)
		p.accepts_status[s] = true;
	return p;
}

static uint64_t number(struct span text)
{
	uint64_t v = 0;

	if (!text_u64(&v, text, INT64_MAX))
		die("not a number", "in a change");
	return v;
}

/* The change, when it is of this target. */
static void change(struct buf *b, const char *target, struct span op)
{
	struct span name, at, mask;

	if (!rd_until(&op, &name, ':') || !span_equal_str(name, target) ||
	    !rd_until(&op, &at, ':'))
		return;
	if (number(at) > b->n)
		die(target, "a change behind its end");
	if (rd_until(&op, &mask, ':'))
		b->p[b->at + number(at)] ^= (uint8_t)number(mask);
	else
		b->n = number(at);
}

static void change_documents(struct collateral_files *c, struct span op)
{
	struct buf *const items[COLLATERAL_ITEMS] = {
		&c->root_crl,
		&c->pck_crl,
		&c->tcb_info,
		&c->tcb_info_chain,
		&c->qe_identity,
		&c->qe_identity_chain,
		&c->pck_crl_chain,
	};

	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		change(items[i], collateral_names[i], op);
}

static void print(const char *name, const struct tee_verdict *v)
{
	if (v->reason) {
		printf("%s\trefused\t%s\t\n", name, tee_reason_name(v->reason));
		return;
	}
	printf("%s\tok\t%s\t", name, tee_tcb_status_name(v->tcb_status));
	for (size_t i = 0; i < v->advisory_count; i++)
		printf("%s%s", i ? "," : "", v->advisories[i]);
	printf("\n");
}

static void judge(char *field[FIELDS])
{
	const char *const root = field[2], *const folder = field[4];
	const struct tee_policy policy = lenient();
	struct tee_anchor anchor = tee_anchor_intel;
	struct span op = span_str(field[5]);
	struct collateral_files c;
	struct tee_verdict v;
	char error[256] = "", path[4096];
	struct buf quote, chain;

	buf_init(&quote, FILE_MAX);
	buf_init(&chain, FILE_MAX);
	if (strcmp(root, "-") != 0 && collateral_simulated_anchor(&anchor, root, error))
		die(root, error);
	if (file_read(&quote, field[3]))
		die(field[3], "cannot be read");
	if (collateral_load(&c, folder, NULL, error))
		die(folder, error);
	change(&quote, "quote", op);
	change(&quote, "cut", op);
	change_documents(&c, op);
	struct tee_collateral view = collateral_view(&c);

	snprintf(path, sizeof(path), "%s/pck_chain.pem", folder);
	if (file_read(&chain, path) == RC_OK)
		view.pck_chain = buf_span(&chain);
	tee_verify(&v, &(struct tee_input){
			       .quote = buf_span(&quote),
			       .collateral = &view,
			       .anchors = &anchor,
			       .anchor_count = 1,
			       .policy = &policy,
			       .at = (int64_t)number(span_str(field[1])),
		       });
	print(field[0], &v);
	collateral_fini(&c);
	buf_fini(&quote);
	buf_fini(&chain);
}

int main(void)
{
	char *line = NULL, *rest;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		char *field[FIELDS];

		line[strcspn(line, "\n")] = 0;
		rest = line;
		for (size_t i = 0; i < FIELDS; i++)
			if (!(field[i] = strsep(&rest, "\t")))
				die(line, "too few fields");
		judge(field);
	}
	free(line);
	return 0;
}
