#include "evidence/check_list.h"
#include "pki/webname.h"

static const char nothing[] = "the server shows no evidence";

void check_reach(struct finding *f, const struct reading *r)
{
	const struct material_tls *tls = &r->m->tls;

	if (tls->is_plain)
		finding_say(f, CHECK_FAIL,
			    "the documents came over plain HTTP: whoever is on "
			    "the way wrote them");
	else if (tls->redirect.n)
		finding_say(f, CHECK_FAIL,
			    "the host points to %s: that is another one",
			    finding_text(tls->redirect).text);
	else if (!tls->is_there)
		finding_say(f, CHECK_UNKNOWN, "no connection was made");
	else
		finding_say(f, CHECK_PASS, "from %s, no redirect",
			    finding_text(r->m->host).text);
}

void check_session(struct finding *f, const struct reading *r)
{
	const struct material_tls *tls = &r->m->tls;

	if (!tls->is_there)
		finding_say(f, CHECK_UNKNOWN, "no connection was made");
	else if (!tls->is_tls13)
		finding_say(f, CHECK_FAIL,
			    "older than TLS 1.3: its exporter may be that of "
			    "another session, too");
	else if (!tls->has_exporter)
		finding_say(f, CHECK_UNKNOWN, "the session has no exporter");
	else
		finding_say(f, CHECK_PASS, "TLS 1.3");
}

void check_bundle(struct finding *f, const struct reading *r)
{
	if (r->kind == READING_NONE)
		finding_say(f, CHECK_NOT_SHOWN, "%s", nothing);
	else if (r->kind != READING_CORE)
		finding_say(f, CHECK_NOT_SHOWN,
			    "%s shows no evidence of version 2",
			    reading_kind_name(r->kind));
	else if (r->bundle_rc)
		finding_say(f, CHECK_FAIL, "the bundle is refused: %s",
			    rc_name(r->bundle_rc));
	else
		finding_say(f, CHECK_PASS, "%s, %zu bytes",
			    reading_kind_name(r->kind), r->m->bundle.n);
}

/* ---- the files and their list */

static bool is_listed(const struct legacy_sums *sums, struct span name)
{
	for (size_t i = 0; i < sums->count; i++)
		if (span_equal(sums->files[i].name, name))
			return true;
	return span_equal_str(name, LEGACY_SUMS) ||
	       span_equal_str(name, LEGACY_QUOTE);
}

static bool chain_is_good(const struct reading *r, struct span name,
			  struct span pem)
{
	struct span chain[READING_CHAIN_MAX];
	size_t count;

	return span_equal_str(name, LEGACY_ACCOUNT) ||
	       reading_chain(chain, &count, r->arena, pem) == RC_OK;
}

/* One file of the list. */
static bool file_is_good(struct finding *f, const struct reading *r,
			 const struct legacy_file *file)
{
	struct span bytes = bundle_item_get(&r->files, file->name);
	struct sha256 hash;

	sha256_of(&hash, bytes);
	if (!bytes.n)
		finding_say(f, CHECK_FAIL, "%s is listed and not there",
			    finding_text(file->name).text);
	else if (!span_equal(SPAN_ARRAY(hash.b), SPAN_ARRAY(file->hash.b)))
		finding_say(f, CHECK_FAIL, "%s is not the file that is listed",
			    finding_text(file->name).text);
	else if (!chain_is_good(r, file->name, bytes))
		finding_say(f, CHECK_FAIL,
			    "%s is no chain of certificates and nothing else",
			    finding_text(file->name).text);
	else
		return true;
	return false;
}

static bool files_are_good(struct finding *f, const struct reading *r)
{
	for (size_t i = 0; i < r->sums.count; i++)
		if (!file_is_good(f, r, &r->sums.files[i]))
			return false;
	for (size_t i = 0; i < r->files.count; i++) {
		if (is_listed(&r->sums, r->files.item[i].name))
			continue;
		finding_say(f, CHECK_FAIL, "%s is there and not listed",
			    finding_text(r->files.item[i].name).text);
		return false;
	}
	return true;
}

static void judge_files(struct finding *f, const struct reading *r)
{
	if (r->sums_rc)
		finding_say(f, CHECK_FAIL, LEGACY_SUMS " is refused: %s",
			    rc_name(r->sums_rc));
	else if (r->account_rc)
		finding_say(f, CHECK_FAIL, LEGACY_ACCOUNT " is refused: %s",
			    rc_name(r->account_rc));
	else if (r->quote_rc)
		finding_say(f, CHECK_FAIL, LEGACY_QUOTE " is refused: %s",
			    rc_name(r->quote_rc));
	else if (files_are_good(f, r))
		finding_say(f, CHECK_PASS, "%zu files, each with its hash",
			    r->sums.count);
}

void check_files(struct finding *f, const struct reading *r)
{
	switch (r->kind) {
	case READING_NONE:
		finding_say(f, CHECK_NOT_SHOWN, "%s", nothing);
		break;
	case READING_CORE:
		if (r->bundle_rc) {
			finding_say(f, CHECK_UNKNOWN, "there is no bundle");
			break;
		}
		[[fallthrough]];
	case READING_INGRESS:
		judge_files(f, r);
		break;
	case READING_GATEWAY:
		if (r->acme_rc)
			finding_say(f, CHECK_FAIL, "acme-info is refused: %s",
				    rc_name(r->acme_rc));
		else
			finding_say(f, CHECK_PASS, "acme-info, %zu keys",
				    r->acme.key_count);
		break;
	}
}

void check_core(struct finding *f, const struct reading *r)
{
	if (r->kind != READING_CORE)
		finding_say(f, CHECK_NOT_SHOWN, "there is no core");
	else if (r->bundle_rc)
		finding_say(f, CHECK_UNKNOWN, "there is no bundle");
	else if (r->core_rc)
		finding_say(f, CHECK_FAIL, "the core is refused: %s",
			    rc_name(r->core_rc));
	else
		finding_say(f, CHECK_PASS, "version %d, SHA-256 %s",
			    CORE_VERSION, finding_hash(&r->core.hash).text);
}

/* ---- names */

static void judge_core_names(struct finding *f, const struct reading *r)
{
	bool covers = false;

	for (size_t i = 0; i < r->core.name_count; i++) {
		struct span name = r->core.names[i];

		if (!webname_is_pattern(name)) {
			finding_say(f, CHECK_FAIL, "\"%s\" is no host name",
				    finding_text(name).text);
			return;
		}
		covers = covers || webname_matches(name, r->m->host);
	}
	if (covers)
		finding_say(f, CHECK_PASS, "%zu names, this among them",
			    r->core.name_count);
	else
		finding_say(f, CHECK_FAIL, "%s is none of its names",
			    finding_text(r->m->host).text);
}

static void judge_file_names(struct finding *f, const struct reading *r)
{
	struct span host;

	for (size_t i = 1; i < r->sums.count; i++) {
		if (!legacy_cert_host(&host, r->sums.files[i].name))
			continue;
		if (!host.n || webname_matches(host, r->m->host)) {
			finding_say(f, CHECK_PASS, "%s",
				    finding_text(r->sums.files[i].name).text);
			return;
		}
	}
	finding_say(f, CHECK_FAIL, "no certificate's file is for %s",
		    finding_text(r->m->host).text);
}

void check_names(struct finding *f, const struct reading *r)
{
	if (!webname_is_host(r->m->host))
		finding_say(f, CHECK_FAIL, "\"%s\" is no host name",
			    finding_text(r->m->host).text);
	else if (r->has_core)
		judge_core_names(f, r);
	else if (r->kind == READING_INGRESS && !r->sums_rc)
		judge_file_names(f, r);
	else if (r->kind == READING_CORE || r->kind == READING_INGRESS)
		finding_say(f, CHECK_UNKNOWN, "the names cannot be read");
	else
		finding_say(f, CHECK_NOT_SHOWN, "no names are shown");
}

void check_answer_form(struct finding *f, const struct reading *r)
{
	if (r->answer_rc)
		finding_say(f, CHECK_FAIL, "the answer is refused: %s",
			    rc_name(r->answer_rc));
	else if (r->has_answer)
		finding_say(f, CHECK_PASS, "one of %llu under one quote",
			    (unsigned long long)r->answer.count);
	else if (r->kind == READING_CORE)
		finding_say(f, CHECK_UNKNOWN, "no answer to our nonce");
	else
		finding_say(f, CHECK_NOT_SHOWN,
			    "%s takes no nonce: old evidence stays good",
			    reading_kind_name(r->kind));
}
