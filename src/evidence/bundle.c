#include "evidence/bundle.h"

#define JSON_TYPE "application/json"

/* ITU-T X.667: an identifier that needs no registration. */
static const char collection_type[] =
	"2.25.214996118928484339226540397997355506743";

struct span bundle_item_get(const struct bundle_items *items, struct span name)
{
	for (size_t i = 0; i < items->count; i++)
		if (span_equal(items->item[i].name, name))
			return items->item[i].bytes;
	return span_of(NULL, 0);
}

/* A collection of records and nothing else; one that is not there is empty. */
static enum rc read_items(struct bundle_items *out, const struct cmw *top,
			  const char *label)
{
	const struct cmw *in = cmw_get(top, label);

	out->count = 0;
	if (!in)
		return RC_OK;
	if (!in->is_collection)
		return RC_MALFORMED;
	for (const struct cmw *m = in->first; m; m = m->next) {
		if (m->is_collection)
			return RC_MALFORMED;
		if (out->count == BUNDLE_ITEMS_MAX)
			return RC_LIMIT;
		out->item[out->count++] = (struct bundle_item){
			.name = m->label,
			.bytes = m->value,
		};
	}
	return RC_OK;
}

enum rc evidence_bundle_read(struct evidence_bundle *out, struct arena *arena,
			     struct span text)
{
	struct evidence_bundle *b = arena_new(arena, 1, sizeof(*b));
	const struct cmw *top;
	enum rc rc = b ? cmw_read(&top, arena, text) : RC_LIMIT;

	if (!rc)
		rc = read_items(&b->files, top, "files");
	if (!rc)
		rc = read_items(&b->collateral, top, "collateral");
	if (!rc)
		rc = read_items(&b->dnssec, top, "dnssec");
	if (rc)
		return rc;
	b->core = cmw_value(top, "core");
	b->quote = cmw_value(top, "quote");
	b->event_log = cmw_value(top, "event-log");
	b->acme_info = cmw_value(top, "acme-info");
	b->manifest = cmw_value(top, "manifest");
	b->audit = cmw_value(top, "audit");
	if (!b->core.n || !b->quote.n || !b->files.count)
		return RC_MALFORMED;
	*out = *b;
	return RC_OK;
}

/* ---- writing */

enum {
	MEMBERS_MAX = 10,
};

/* The members at hand; those that are there are chained. */
struct members {
	struct cmw at[MEMBERS_MAX];
	size_t count;
};

static void add_member(struct members *m, struct cmw member)
{
	m->at[m->count] = member;
	if (m->count)
		m->at[m->count - 1].next = &m->at[m->count];
	m->count++;
}

static void add_record(struct members *m, const char *label, const char *type,
		       struct span value, unsigned indicator)
{
	if (value.n)
		add_member(m, (struct cmw){
				      .label = span_str(label),
				      .type = span_str(type),
				      .value = value,
				      .indicator = indicator,
			      });
}

static bool ends_with(struct span s, const char *tail)
{
	struct span t = span_str(tail);

	return s.n >= t.n && span_equal(span_of(s.p + s.n - t.n, t.n), t);
}

static const char *type_of(struct span name)
{
	if (ends_with(name, ".json"))
		return JSON_TYPE;
	if (ends_with(name, ".pem"))
		return "application/pem-certificate-chain";
	if (ends_with(name, ".txt"))
		return "text/plain";
	if (ends_with(name, ".crl.der"))
		return "application/pkix-crl";
	return "application/octet-stream";
}

/* 'room' holds the members until they are written. */
static void add_items(struct members *m, struct cmw room[BUNDLE_ITEMS_MAX],
		      const char *label, const struct bundle_items *items,
		      unsigned indicator)
{
	for (size_t i = 0; i < items->count; i++)
		room[i] = (struct cmw){
			.label = items->item[i].name,
			.type = span_str(type_of(items->item[i].name)),
			.value = items->item[i].bytes,
			.indicator = indicator,
			.next = i + 1 < items->count ? &room[i + 1] : NULL,
		};
	if (items->count)
		add_member(m, (struct cmw){
				      .label = span_str(label),
				      .is_collection = true,
				      .first = room,
			      });
}

enum rc evidence_bundle_write(struct buf *out, const struct evidence_bundle *b)
{
	struct cmw files[BUNDLE_ITEMS_MAX], collateral[BUNDLE_ITEMS_MAX],
		dnssec[BUNDLE_ITEMS_MAX];
	struct members m = { .count = 0 };

	if (!b->core.n || !b->quote.n || !b->files.count)
		return RC_MALFORMED;
	add_record(&m, "core", "application/vnd.postern.core+json", b->core,
		   CMW_EVIDENCE);
	add_record(&m, "quote", "application/vnd.intel.tdx-quote", b->quote,
		   CMW_EVIDENCE);
	add_record(&m, "event-log", JSON_TYPE, b->event_log, CMW_EVIDENCE);
	add_items(&m, files, "files", &b->files, CMW_EVIDENCE);
	add_items(&m, collateral, "collateral", &b->collateral,
		  CMW_ENDORSEMENTS);
	add_record(&m, "acme-info", JSON_TYPE, b->acme_info, CMW_EVIDENCE);
	add_record(&m, "manifest", JSON_TYPE, b->manifest, CMW_EVIDENCE);
	add_items(&m, dnssec, "dnssec", &b->dnssec, CMW_ENDORSEMENTS);
	add_record(&m, "audit", "text/plain", b->audit, CMW_ENDORSEMENTS);
	return cmw_write(out, &(struct cmw){
				      .is_collection = true,
				      .collection_type =
					      span_str(collection_type),
				      .first = m.at,
			      });
}

void evidence_bundle_collateral(struct tee_collateral *out,
				const struct bundle_items *items)
{
	const struct {
		const char *name;
		struct span *at;
	} table[] = {
		{ "root_ca.crl.der", &out->root_crl },
		{ "pck.crl.der", &out->pck_crl },
		{ "tcb_info.json", &out->tcb_info },
		{ "tcb_info_issuer_chain.pem", &out->tcb_info_chain },
		{ "qe_identity.json", &out->qe_identity },
		{ "qe_identity_issuer_chain.pem", &out->qe_identity_chain },
		{ "pck_crl_issuer_chain.pem", &out->pck_crl_chain },
	};

	*out = (struct tee_collateral){ 0 };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		*table[i].at = bundle_item_get(items, span_str(table[i].name));
}
