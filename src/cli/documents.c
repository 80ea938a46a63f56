#include "cli/documents.h"

#include <stdio.h>
#include <string.h>

#include "pcs/request.h"

void documents_fini(struct documents *d)
{
	collateral_fini(&d->quotes);
	snp_files_fini(&d->snp);
}

static bool open_snp(struct documents *d, struct tee_collateral *view,
		     const struct collateral_want *want,
		     char error[COLLATERAL_ERROR_MAX])
{
	struct snp_report report;
	char why[256];

	if (snp_parse(&report, want->quote))
		return true;
	if (pcs_is_url(span_str(want->from))) {
		(void)snprintf(error, COLLATERAL_ERROR_MAX,
			       "%.256s: AMD's documents are looked for in a "
			       "folder",
			       want->from);
		return false;
	}
	if (snp_files_load(&d->snp, want->from, report.signing_key, why)) {
		(void)snprintf(error, COLLATERAL_ERROR_MAX, "%s", why);
		return false;
	}
	view->snp = snp_files_view(&d->snp);
	return true;
}

bool documents_open(struct documents *d, struct tee_collateral *view,
		    const struct collateral_want *want,
		    char error[COLLATERAL_ERROR_MAX])
{
	struct quote q;

	*view = (struct tee_collateral){ 0 };
	error[0] = '\0';
	if (tee_kind_of(want->quote) == TEE_KIND_SNP)
		return open_snp(d, view, want, error);
	if (quote_parse(&q, want->quote))
		return true;
	if (!collateral_open(&d->quotes, want, error))
		return false;
	*view = collateral_view_for(&d->quotes, want->quote);
	return true;
}

size_t documents_anchors(struct tee_anchor anchors[DOCUMENTS_ANCHORS_MAX])
{
	anchors[0] = tee_anchor_intel;
	memcpy(anchors + 1, tee_anchors_amd, sizeof(tee_anchors_amd));
	return DOCUMENTS_ANCHORS_MAX;
}

bool documents_root(struct tee_anchor *out, const char *path, char error[256])
{
	enum rc rc = collateral_simulated_anchor(out, path, error);

	if (rc == RC_MALFORMED)
		rc = snp_files_simulated_anchor(out, path, error);
	if (rc == RC_MALFORMED)
		(void)snprintf(error, 256,
			       "%.128s: neither a root of the form of Intel's "
			       "(P-256) nor of AMD's (RSA-4096 with PSS)",
			       path);
	return rc == RC_OK;
}
