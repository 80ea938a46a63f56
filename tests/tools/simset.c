/*
 * simset STATE OUT EVALUATION ISSUED: the simulated platform of the folder
 * STATE (made when it is not there) writes into the folder OUT, for tests of
 * what fetches collateral:
 *
 *   set/         its collateral, with that TCB evaluation data number, issued
 *                then (seconds since 1970) for 30 days
 *   numbers.json and numbers_chain.pem, the list of evaluation data numbers
 *   root.pem     its root; quote.bin, a quote of it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/file.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_quote.h"

static void check(enum rc rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "simset: %s: %s\n", what, rc_name(rc));
	exit(2);
}

static void put(const char *folder, const char *name, struct span content)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	check(file_replace(path, content, 0644), path);
}

static void write_numbers(const char *out, const struct sim_pki *pki, unsigned evaluation,
			  int64_t issued)
{
	char text[1024], object[512];
	struct wr w = WR_ARRAY(text), o = WR_ARRAY(object);
	struct p256_signature sig;

	wr_str(&o, "{\"id\":\"TDX\",\"version\":1,\"issueDate\":\"");
	text_utc_write(&o, issued);
	wr_str(&o, "\",\"nextUpdate\":\"");
	text_utc_write(&o, issued + SIM_DOCS_VALID_S);
	wr_printf(&o,
		  "\",\"tcbEvalNumbers\":[{\"tcbEvaluationDataNumber\":%u,"
		  "\"tcbRecoveryEventDate\":\"2025-05-13T00:00:00Z\","
		  "\"tcbDate\":\"2025-05-14T00:00:00Z\"}]}",
		  evaluation);
	p256_sign(pki->key[SIM_KEY_SIGNER], &sig, wr_span(&o));
	wr_str(&w, "{\"tcbEvaluationDataNumbers\":");
	wr_bytes(&w, wr_span(&o));
	wr_str(&w, ",\"signature\":\"");
	text_hex(&w, SPAN_ARRAY(sig.rs));
	wr_str(&w, "\"}");
	put(out, "numbers.json", wr_span(&w));
}

static void write_pem(const char *out, const char *name, const struct sim_pki *pki,
		      enum sim_cert first)
{
	struct buf pem;

	buf_init(&pem, 65536);
	check(sim_pki_pem(&pem, pki, first), "pem");
	if (first != SIM_CERT_ROOT)
		check(sim_pki_pem(&pem, pki, SIM_CERT_ROOT), "pem");
	put(out, name, buf_span(&pem));
	buf_fini(&pem);
}

static void write_quote(const char *out, const struct sim_pki *pki)
{
	const uint8_t report_data[QUOTE_REPORT_DATA_LEN] = { 0 };
	struct sim_td td = { 0 };
	struct buf quote;

	buf_init(&quote, QUOTE_MAX);
	sim_td_launch(&td, "base", NULL);
	check(sim_quote(&quote, pki, &td, report_data, NULL), "quote");
	put(out, "quote.bin", buf_span(&quote));
	buf_fini(&quote);
}

static void write_set(const char *out, struct collateral_files *files)
{
	struct span items[COLLATERAL_ITEMS];
	char folder[400];

	snprintf(folder, sizeof(folder), "%s/set", out);
	check(file_make_dirs(folder, 0755), folder);
	collateral_spans(items, files);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		put(folder, collateral_names[i], items[i]);
}

int main(int argc, char *argv[])
{
	struct sim_knobs knobs = { 0 };
	struct collateral_files files;
	struct sim_pki pki;
	char error[256] = "";
	uint64_t evaluation, issued;

	if (argc != 5 || !text_u64(&evaluation, span_str(argv[3]), 1000) ||
	    !text_u64(&issued, span_str(argv[4]), INT32_MAX)) {
		fprintf(stderr, "usage: simset STATE OUT EVALUATION ISSUED\n");
		return 2;
	}
	check(file_make_dirs(argv[1], 0700), argv[1]);
	check(file_make_dirs(argv[2], 0755), argv[2]);
	check(sim_pki_open(&pki, argv[1], (int64_t)issued, error), error);
	knobs.docs.tcb_evaluation = (uint32_t)evaluation;
	check(sim_docs_make(&files, &pki, &knobs, (int64_t)issued), "documents");
	write_set(argv[2], &files);
	write_numbers(argv[2], &pki, (unsigned)evaluation, (int64_t)issued);
	write_pem(argv[2], "numbers_chain.pem", &pki, SIM_CERT_SIGNER);
	write_pem(argv[2], "root.pem", &pki, SIM_CERT_ROOT);
	write_quote(argv[2], &pki);
	collateral_fini(&files);
	sim_pki_fini(&pki);
	return 0;
}
