/*
 * The cases that tests judge, written down for comparisons of verifiers: with
 * POSTERN_CASES=DIR in the environment each quote and collateral of the
 * simulated platform becomes a folder there and a line of DIR/cases.tsv, in the
 * form of tests/tools/judge.c.  tools/differential does that.
 */
#ifndef POSTERN_TESTS_CASE_DUMP_H
#define POSTERN_TESTS_CASE_DUMP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "quoting/sim_pki.h"

static inline void case_write(const char *dir, const char *name, struct span bytes)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wbe");
	if (!f || fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fclose(f)) {
		perror(path);
		exit(2);
	}
}

/* How many cases this program has judged. */
static inline unsigned *case_count(void)
{
	static unsigned count;

	return &count;
}

static inline void case_dump(const struct sim_pki *pki, struct span quote,
			     const struct tee_collateral *c, int64_t at)
{
	const unsigned number = ++*case_count();
	const char *all = getenv("POSTERN_CASES");
	char dir[512], line[4096];
	struct buf root;
	FILE *list;

	/* A set that lacks a document is no folder of collateral. */
	if (!all || !c->root_crl.n || !c->pck_crl.n || !c->tcb_info.n || !c->tcb_info_chain.n ||
	    !c->qe_identity.n || !c->qe_identity_chain.n)
		return;
	snprintf(dir, sizeof(dir), "%s/%s-%u", all, program_invocation_short_name, number);
	if (mkdir(dir, 0777) && errno != EEXIST) {
		perror(dir);
		exit(2);
	}
	buf_init(&root, 8192);
	if (sim_pki_pem(&root, pki, SIM_CERT_ROOT))
		exit(2);
	case_write(dir, "root.pem", buf_span(&root));
	case_write(dir, "root.der", buf_span(&pki->cert[SIM_CERT_ROOT]));
	case_write(dir, "quote.bin", quote);
	case_write(dir, "root_ca.crl.der", c->root_crl);
	case_write(dir, "pck.crl.der", c->pck_crl);
	case_write(dir, "tcb_info.json", c->tcb_info);
	case_write(dir, "tcb_info_issuer_chain.pem", c->tcb_info_chain);
	case_write(dir, "qe_identity.json", c->qe_identity);
	case_write(dir, "qe_identity_issuer_chain.pem", c->qe_identity_chain);
	case_write(dir, "pck_crl_issuer_chain.pem", c->pck_crl_chain);
	if (c->pck_chain.n)
		case_write(dir, "pck_chain.pem", c->pck_chain);
	buf_fini(&root);
	snprintf(line, sizeof(line), "%s/cases.tsv", all);
	list = fopen(line, "ae");
	if (!list) {
		perror(line);
		exit(2);
	}
	fprintf(list, "%s-%u\t%lld\t%s/root.pem\t%s/quote.bin\t%s\t-\n",
		program_invocation_short_name, number, (long long)at, dir, dir, dir);
	fclose(list);
}

/* What the last case of this program was called. */
static inline void case_name(const char *name)
{
	const unsigned number = *case_count();
	const char *all = getenv("POSTERN_CASES");
	char path[1024];
	FILE *list;

	if (!all)
		return;
	snprintf(path, sizeof(path), "%s/names.tsv", all);
	list = fopen(path, "ae");
	if (!list) {
		perror(path);
		exit(2);
	}
	fprintf(list, "%s-%u\t%s\n", program_invocation_short_name, number, name);
	fclose(list);
}

#endif
