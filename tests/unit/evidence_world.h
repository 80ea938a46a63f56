/*
 * An honest world for the relying party's tests: a simulated platform, a CA,
 * two CT logs, DNS, two sources of history, and a service that shows good
 * evidence to a visitor.  A hook bends one thing of it on the way.
 */
#ifndef POSTERN_TESTS_EVIDENCE_WORLD_H
#define POSTERN_TESTS_EVIDENCE_WORLD_H

#include "evidence/checks.h"
#include "evidence_web.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_quote.h"

#define EV_HOST "www.example.org"
#define EV_APP "{\"name\":\"app\"}"
#define EV_ACCOUNT "https://ca.example/acct/1"
#define EV_S(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

enum {
	EV_ARENA = 64 * 1024 * 1024,
	EV_LEVELS = 3,
	EV_RECORDS = 6,
	EV_TEXT = 64 * 1024,
};

/* When a hook is called: before ... is made. */
enum ev_stage {
	EV_START, /* anything */
	EV_CORE, /* the core is filled in, not signed */
	EV_SIGNED, /* signed, not written */
	EV_FILES, /* core, account file and chain are texts; no list yet */
	EV_SUMS, /* the list is a text */
	EV_QUOTE, /* report_data and td are what the quote will say */
	EV_BUNDLE, /* the parts of the bundle are there */
	EV_ANSWER, /* the answer's quote is to be made */
	EV_ANSWERED, /* the answer is filled in */
	EV_DNS, /* the zone is filled in */
	EV_AFTER, /* the material is whole */
};

/* One level of DNS; records in the form of zone files. */
struct ev_level {
	const char *name, *at; /* at: where its alias leads, or NULL */
	enum dns_trust trust;
	const char *records[EV_RECORDS];
};

/* What all worlds share: keys and certificates cost time. */
struct ev_base {
	struct sim_pki pki;
	struct tee_anchor anchor;
	struct web_ca ca;
	struct path_roots *roots;
	struct web_key leaf_key, next_key, stranger;
	struct p256_private *account, *thief;
	struct web_log logs[2];
	struct web_witness log_key, witness[2];
};

struct ev {
	struct ev_base *base;
	struct arena arena;
	bool is_ingress, is_gateway; /* dstack's evidence instead of ours */

	/* the platform */
	struct sim_knobs knobs; /* of documents, and of the first quote */
	struct sim_td td;
	struct buf log;
	struct collateral_files docs;
	uint8_t app_id[20], report_data[64];
	struct buf quote, fresh;

	/* certificate */
	struct web_leaf_want want;
	struct web_promises promises;
	const struct web_log *promising[2];
	const struct web_key *key;
	struct web_der leaf, other, crl, made_up; /* other, crl: a hook's */

	/* documents */
	struct evidence_core core;
	struct core_cert cert;
	struct core_sct scts[2];
	struct core_key keys[2];
	struct sha256 spki[2], tbs;
	struct core_caa caa;
	struct core_head heads[2]; /* the second: a hook's */
	struct core_legacy legacy[1];
	struct sha256 proof[2][8];
	struct buf core_text, account_text, chain, sums, acme_info, key_quote, account_quote,
		bundle_text, answer_text;
	const char *account_uri; /* of acme-account.json */
	struct evidence_bundle bundle;
	struct attest_answer answer;
	struct attest_nonce nonce; /* that the instance was asked with */
	uint8_t exporter[32]; /* of the session that ends in the instance */

	/* DNS */
	struct ev_level zone[EV_LEVELS];
	struct climb live, proved;

	/* the visitor */
	struct rules rules;
	struct rules_app app;
	struct span word[4];
	uint8_t key_list[1][32];
	struct tee_policy policy;
	struct policy_image image;
	struct loglist list;
	struct loglist_log list_logs[2];
	struct span chain_der[2];
	struct material_cert certs[2][3];
	struct material_source sources[2];
	struct material_growth growth[2];
	struct material_head remembered;
	struct witness_policy witnesses;
	struct buf audit;
	struct span texts[1];
	struct material m;
};
typedef void ev_hook(struct ev *e, enum ev_stage at);

static inline void ev_base_make(struct ev_base *b)
{
	assert_int_equal(sim_pki_generate(&b->pki, NULL, WEB_NOW - 3600), RC_OK);
	sim_pki_anchor(&b->anchor, &b->pki);
	web_ca_make(&b->ca);
	b->roots = path_roots_new();
	assert_int_equal(path_roots_add_der(b->roots, web_span(&b->ca.der)), RC_OK);
	web_key_make(&b->leaf_key);
	web_key_make(&b->next_key);
	web_key_make(&b->stranger);
	b->account = p256_private_generate();
	b->thief = p256_private_generate();
	web_log_make(&b->logs[0], "a.log.example");
	web_log_make(&b->logs[1], "b.log.example/2027");
	web_witness_make(&b->log_key, "audit.example", NOTE_ED25519);
	web_witness_make(&b->witness[0], "witness-a.example", NOTE_COSIGNATURE);
	web_witness_make(&b->witness[1], "witness-b.example", NOTE_COSIGNATURE);
}

static inline void ev_base_free(struct ev_base *b)
{
	sim_pki_fini(&b->pki);
	path_roots_free(b->roots);
	web_ca_free(&b->ca);
	web_key_free(&b->leaf_key);
	web_key_free(&b->next_key);
	web_key_free(&b->stranger);
	p256_private_free(b->account);
	p256_private_free(b->thief);
	for (int i = 0; i < 2; i++) {
		web_key_free(&b->logs[i].key);
		EVP_PKEY_free(b->witness[i].key);
	}
	EVP_PKEY_free(b->log_key.key);
}

/* ---- the platform */

static inline void ev_boot_as(struct ev *e, const char *app, uint8_t id)
{
	struct sha384 digests[EVENTLOG_BOOT_COUNT];
	struct sha256 manifest;
	uint8_t instance[20] = { id };
	struct eventlog log;

	eventlog_init(&log);
	sha256_of(&manifest, span_str(app));
	memcpy(e->app_id, manifest.b, 20);
	sim_td_launch(&e->td, "base", NULL);
	assert_int_equal(eventlog_append_boot(&log, digests, SPAN_ARRAY(e->app_id),
					      SPAN_ARRAY(manifest.b), SPAN_ARRAY(instance)),
			 RC_OK);
	for (size_t i = 0; i < EVENTLOG_BOOT_COUNT; i++)
		assert_true(sim_td_extend(&e->td, EVENTLOG_RTMR, &digests[i]));
	buf_init(&e->log, EVENTLOG_MAX);
	assert_int_equal(eventlog_text(&log, &e->log), RC_OK);
	eventlog_fini(&log);
}

static inline void ev_boot(struct ev *e, const char *app)
{
	ev_boot_as(e, app, 7);
}

static inline void ev_quote(struct buf *out, const struct ev *e, const uint8_t report_data[64],
			    const struct sim_knobs *knobs)
{
	buf_init(out, SIM_QUOTE_MAX);
	assert_int_equal(sim_quote(out, &e->base->pki, &e->td, report_data, knobs), RC_OK);
}

/* ---- the certificate, and its place in both logs */

static inline void ev_certify(struct ev *e)
{
	struct ev_base *b = e->base;
	struct web_cert leaf, issuer;
	struct sct scts[SCT_COUNT_MAX];
	struct sct_entry entry;
	size_t count = 0;

	web_leaf_make(&e->leaf, &b->ca, e->key, &e->want, &e->promises);
	assert_int_equal(web_parse(&leaf, web_span(&e->leaf)), RC_OK);
	assert_int_equal(web_parse(&issuer, web_span(&b->ca.der)), RC_OK);
	webtbs_sha256(&e->tbs, &leaf);
	entry = sct_entry_embedded(&leaf, &issuer);
	if (leaf.scts.n)
		assert_int_equal(sct_list_parse(scts, &count, leaf.scts), RC_OK);
	for (size_t i = 0; i < count; i++) {
		struct web_log *log = &b->logs[i];
		struct merkle_hash path[MERKLE_PATH_MAX];

		sct_leaf_hash(&log->leaves[WEB_LEAVES - 1], &scts[i], &entry);
		e->scts[i] = (struct core_sct){
			.timestamp_ms = scts[i].timestamp_ms,
			.is_proved = true,
			.index = WEB_LEAVES - 1,
			.proof = e->proof[i],
		};
		memcpy(e->scts[i].log_id.b, scts[i].log_id, 32);
		e->scts[i].proof_count = merkle_path(path, hash_merkle_sha256, log->leaves,
						     WEB_LEAVES, WEB_LEAVES - 1);
		memcpy(e->proof[i], path, e->scts[i].proof_count * 32);
	}
}

static inline struct span ev_keep(struct ev *e, struct wr *w)
{
	const char *copy = arena_dup(&e->arena, wr_span(w));

	assert_false(w->over);
	return span_of(copy, w->n);
}

static inline void ev_heads(struct ev *e)
{
	char text[2048];

	for (int i = 0; i < 2; i++) {
		const struct web_log *log = &e->base->logs[i];
		struct tree_head head = web_log_head(log, WEB_LEAVES);
		struct wr w = WR_ARRAY(text);

		if (i == 0)
			web_wr_sth(&w, log, &head);
		else
			web_wr_checkpoint(&w, log, &head);
		e->scts[i].checkpoint = ev_keep(e, &w);
	}
}

/* ---- the core */

static const struct span ev_names[] = { EV_S(EV_HOST), EV_S("*.shop.example.org") };
static const struct span ev_sources[] = { EV_S("one"), EV_S("two") };

static inline void ev_fill_core(struct ev *e)
{
	const struct web_log *log = &e->base->logs[0];
	struct tree_head older = web_log_head(log, WEB_LEAVES - 1);
	struct sha256 chain;

	sha256_of(&chain, buf_span(&e->chain));
	e->spki[0] = e->base->leaf_key.hash;
	e->spki[1] = e->base->next_key.hash;
	e->cert = (struct core_cert){ .file = EV_S("cert-www.example.org.pem"),
				      .chain = chain,
				      .spki = e->spki[0],
				      .tbs = e->tbs,
				      .not_before = e->want.from,
				      .not_after = e->want.to,
				      .scts = e->scts,
				      .sct_count = e->promises.count };
	e->keys[0] = (struct core_key){ .spki = e->spki[0],
					.tbs = &e->tbs,
					.tbs_count = 1,
					.made_at = WEB_NOW - 90000,
					.has_quote = true };
	e->keys[1] = (struct core_key){ .spki = e->spki[1],
					.made_at = WEB_NOW - 5000,
					.has_quote = true };
	e->caa = (struct core_caa){ .name = EV_S(EV_HOST),
				    .found_at = EV_S("example.org"),
				    .is_exclusive = true,
				    .at = WEB_NOW - 700 };
	e->heads[0] = (struct core_head){ .log_id = log->key.hash,
					  .size = older.size,
					  .timestamp_ms = log->time_ms };
	memcpy(e->heads[0].root.b, older.root.b, 32);
	e->core = (struct evidence_core){
		.issued_at = WEB_NOW - 600,
		.expires_at = WEB_NOW + 86400,
		.names = ev_names,
		.name_count = 2,
		.spki = e->spki,
		.spki_count = 2,
		.account = { .directory = EV_S("https://ca.example/directory"),
			     .uri = EV_S(EV_ACCOUNT),
			     .challenges = EV_S("dns-01") },
		.certs = &e->cert,
		.cert_count = 1,
		.keys = e->keys,
		.key_count = 2,
		.caa = &e->caa,
		.caa_count = 1,
		.timeline = { .t0 = WEB_NOW - 200000,
			      .t1 = WEB_NOW - 150000,
			      .safe_at = WEB_NOW - 140000,
			      .sources = ev_sources,
			      .source_count = 2,
			      .legacy = e->legacy },
		.heads = e->heads,
		.head_count = 1,
	};
	p256_private_point(e->base->account, &e->core.account.key);
	holder_thumbprint(&e->core.account.thumbprint, &e->core.account.key);
}

static inline void ev_sign_core(struct ev *e)
{
	const struct holder_context context = { e->core.issued_at, e->core.expires_at, e->core.spki,
						e->core.spki_count };
	struct buf text;

	buf_init(&text, HOLDER_STATEMENT_MAX);
	assert_int_equal(holder_statement(&text, &e->core.account, &context), RC_OK);
	p256_sign(e->base->account, &e->core.account.signature, buf_span(&text));
	buf_fini(&text);
}

/* ---- documents */

static inline void ev_set(struct buf *out, struct span text)
{
	buf_fini(out);
	buf_init(out, EV_TEXT);
	assert_true(buf_add(out, text));
}

static inline void ev_files(struct ev *e)
{
	ev_set(&e->account_text, span_of(NULL, 0));
	assert_int_equal(legacy_account_write(&e->account_text, span_str(e->account_uri)), RC_OK);
}

static inline void ev_sums(struct ev *e)
{
	struct legacy_sums sums = { .count = 2 };

	sums.files[0].name = span_str(LEGACY_ACCOUNT);
	sha256_of(&sums.files[0].hash, buf_span(&e->account_text));
	sums.files[1].name = span_str("cert-www.example.org.pem");
	sha256_of(&sums.files[1].hash, buf_span(&e->chain));
	ev_set(&e->sums, span_of(NULL, 0));
	assert_int_equal(legacy_sums_write(&e->sums, &sums), RC_OK);
}

static inline void ev_get_quote(struct buf *out, const struct ev *e, const uint8_t report_data[64])
{
	struct buf quote;
	struct legacy_quote q;

	ev_quote(&quote, e, report_data, NULL);
	q = (struct legacy_quote){ .quote = buf_span(&quote),
				   .event_log = buf_span(&e->log),
				   .report_data = span_of(report_data, 64) };
	ev_set(out, span_of(NULL, 0));
	assert_int_equal(legacy_quote_write(out, &q), RC_OK);
	buf_fini(&quote);
}

static inline void ev_acme_info(struct ev *e)
{
	struct dotdstack_key key = { .spki = SPAN_ARRAY(e->base->leaf_key.spki),
				     .quote = buf_span(&e->key_quote) };
	struct dotdstack_acme acme = { .account_uri = EV_S(EV_ACCOUNT),
				       .account_quote = buf_span(&e->account_quote),
				       .keys = &key,
				       .key_count = 1 };

	ev_set(&e->acme_info, span_of(NULL, 0));
	assert_int_equal(dotdstack_acme_write(&e->acme_info, &acme), RC_OK);
}

static inline void ev_key_quotes(struct ev *e)
{
	uint8_t data[64];

	dotdstack_report_data(data, DOTDSTACK_CERT, SPAN_ARRAY(e->base->leaf_key.spki));
	ev_get_quote(&e->key_quote, e, data);
	dotdstack_report_data(data, DOTDSTACK_ACCOUNT, span_str(EV_ACCOUNT));
	ev_get_quote(&e->account_quote, e, data);
}

static inline void ev_item(struct bundle_items *items, const char *name, struct span bytes)
{
	items->item[items->count++] = (struct bundle_item){ span_str(name), bytes };
}

/* The tree of the operator's log: one entry, our core. */
static inline void ev_audit(struct ev *e, size_t witness_count)
{
	struct merkle_hash root;
	char text[512], all[4096];
	struct wr t = WR_ARRAY(text), w = WR_ARRAY(all);

	merkle_leaf(&root, hash_merkle_sha256, buf_span(&e->core_text));
	wr_printf(&t, "%s\n1\n", e->base->log_key.name);
	text_base64(&t, SPAN_ARRAY(root.b));
	wr_str(&t, "\n");
	wr_str(&w, "c2sp.org/tlog-proof@v1\nindex 0\n\n");
	wr_bytes(&w, wr_span(&t));
	wr_str(&w, "\n");
	web_wr_note_signature(&w, &e->base->log_key, wr_span(&t), 0);
	for (size_t i = 0; i < witness_count; i++) /* the first one again, beyond two */
		web_wr_note_signature(&w, &e->base->witness[i % 2], wr_span(&t), WEB_NOW - 60);
	ev_set(&e->audit, wr_span(&w));
	e->bundle.audit = buf_span(&e->audit);
}

static inline void ev_witnesses(struct ev *e)
{
	char text[1024];
	struct wr w = WR_ARRAY(text);
	size_t line = 0;

	wr_str(&w, "log ");
	web_wr_vkey(&w, &e->base->log_key);
	wr_str(&w, "\nwitness a ");
	web_wr_vkey(&w, &e->base->witness[0]);
	wr_str(&w, "\nwitness b ");
	web_wr_vkey(&w, &e->base->witness[1]);
	wr_str(&w, "\ngroup both 2 a b\nquorum both\n");
	if (witness_policy_read(&e->witnesses, &line, ev_keep(e, &w)))
		fail_msg("witness policy, line %zu", line);
	e->m.witnesses = &e->witnesses;
}

static inline void ev_bundle(struct ev *e)
{
	struct span items[COLLATERAL_ITEMS];

	e->bundle = (struct evidence_bundle){
		.core = buf_span(&e->core_text),
		.quote = buf_span(&e->quote),
		.event_log = buf_span(&e->log),
		.acme_info = buf_span(&e->acme_info),
		.manifest = EV_S(EV_APP),
	};
	ev_item(&e->bundle.files, LEGACY_ACCOUNT, buf_span(&e->account_text));
	ev_item(&e->bundle.files, "cert-www.example.org.pem", buf_span(&e->chain));
	ev_item(&e->bundle.files, LEGACY_SUMS, buf_span(&e->sums));
	collateral_spans(items, &e->docs);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		if (items[i].n)
			ev_item(&e->bundle.collateral, collateral_names[i], items[i]);
	ev_audit(e, 2);
}

/* One of three who ask at this moment. */
static inline void ev_answer(struct ev *e)
{
	struct merkle_hash leaves[3], root;
	struct sha512 binder;
	struct sha256 core;
	uint8_t data[64];

	sha256_of(&core, buf_span(&e->core_text));
	attest_binder(&binder, &core, e->exporter, &e->nonce);
	memset(leaves, 1, sizeof(leaves));
	merkle_leaf(&leaves[1], hash_merkle_sha256, SPAN_ARRAY(binder.b));
	merkle_root(&root, hash_merkle_sha256, leaves, 3);
	attest_report_data(data, &root);
	ev_quote(&e->fresh, e, data, NULL);
	e->answer = (struct attest_answer){ .core = core,
					    .nonce = e->nonce,
					    .index = 1,
					    .count = 3,
					    .quote = buf_span(&e->fresh),
					    .event_log = buf_span(&e->log) };
	e->answer.path_count = merkle_path(e->answer.path, hash_merkle_sha256, leaves, 3, 1);
}

/* ---- DNS */

#define EV_PIN "ca.example; accounturi=" EV_ACCOUNT "; validationmethods=dns-01"
#define EV_ISSUE "0 issue \"" EV_PIN "\""
#define EV_WILD "0 issuewild \"" EV_PIN "\""

static inline void ev_climb(struct climb *out, struct ev *e)
{
	struct dns_name name;
	size_t i = 0;

	assert_int_equal(dns_name_parse(&name, span_str(EV_HOST)), RC_OK);
	assert_int_equal(climb_init(out, &e->arena, &name, CLIMB_ALL), RC_OK);
	for (const struct dns_name *ask; (ask = climb_next(out)); i++) {
		const struct ev_level *level = &e->zone[i];
		struct climb_found found = { .trust = level->trust };
		struct span rdatas[EV_RECORDS];
		uint8_t room[EV_RECORDS][256];

		assert_int_equal(
			dns_name_parse(&found.at, span_str(level->at ? level->at : level->name)),
			RC_OK);
		for (; found.count < EV_RECORDS && level->records[found.count]; found.count++) {
			struct wr w = WR_ARRAY(room[found.count]);

			assert_int_equal(caa_text_rdata(&w, span_str(level->records[found.count])),
					 RC_OK);
			rdatas[found.count] = wr_span(&w);
		}
		found.rdatas = rdatas;
		assert_int_equal(climb_answer(out, &found), RC_OK);
	}
}

/* ---- the visitor */

static inline void ev_fill_list(struct ev *e)
{
	for (int i = 0; i < 2; i++) {
		struct web_log *log = &e->base->logs[i];

		e->list_logs[i] = (struct loglist_log){
			.spki = SPAN_ARRAY(log->key.spki),
			.description = span_str(log->origin),
			.operator_name = span_str(i ? "Operator B" : "Operator A"),
			.mmd_s = 3600,
			.state = LOGLIST_USABLE,
			.state_at = WEB_NOW - 86400 * 100,
			.is_tiled = i == 1,
		};
		memcpy(e->list_logs[i].id, log->key.hash.b, 32);
	}
	e->list = (struct loglist){ .made_at = WEB_NOW - 86400, .logs = e->list_logs, .count = 2 };
}

static inline void ev_fill_rules(struct ev *e)
{
	e->rules = rules_default;
	e->word[0] = span_str("ca.example");
	e->word[1] = span_str("dns-01");
	e->rules.directories = e->rules.issuers = &e->word[0];
	e->rules.directory_count = e->rules.issuer_count = 1;
	e->rules.methods = &e->word[1];
	e->rules.method_count = 1;
	memcpy(e->app.app_id, e->app_id, 20);
	e->rules.apps = &e->app;
	e->rules.app_count = 1;
	e->policy = tee_policy_default;
	e->image = (struct policy_image){ .name = "base" };
	e->image.is_pinned[POLICY_MR_TD] = true;
	memcpy(e->image.value[POLICY_MR_TD], e->td.mr_td.b, 48);
	e->policy.images = &e->image;
	e->policy.image_count = 1;
	e->policy.has_images = true;
}

static inline void ev_fill_history(struct ev *e)
{
	for (int i = 0; i < 2; i++) {
		e->certs[i][0] =
			(struct material_cert){ web_span(&e->leaf), web_span(&e->base->ca.der) };
		e->sources[i] = (struct material_source){ .name = ev_sources[i],
							  .certs = e->certs[i],
							  .count = 1 };
	}
}

static inline void ev_fill_growth(struct ev *e)
{
	const struct web_log *log = &e->base->logs[0];

	e->growth[0] = (struct material_growth){ .log_id = log->key.hash,
						 .now = web_log_head(log, WEB_LEAVES),
						 .from = WEB_LEAVES - 1 };
	/* RFC 6962 §2.1.2: four leaves are a whole subtree, the fifth is left */
	e->growth[0].proof.hash[0] = log->leaves[WEB_LEAVES - 1];
	e->growth[0].proof.count = 1;
	e->remembered = (struct material_head){ .log_id = log->key.hash,
						.head = web_log_head(log, WEB_LEAVES - 1) };
}

static inline void ev_fill_material(struct ev *e)
{
	e->chain_der[0] = web_span(&e->leaf);
	e->chain_der[1] = web_span(&e->base->ca.der);
	e->m = (struct material){
		.host = EV_S(EV_HOST),
		.at = WEB_NOW,
		.rules = &e->rules,
		.tls = { .is_there = true,
			 .is_tls13 = true,
			 .has_exporter = true,
			 .chain = e->chain_der,
			 .chain_count = 2 },
		.nonce = e->nonce,
		.policy = &e->policy,
		.anchors = &e->base->anchor,
		.anchor_count = 1,
		.collateral = collateral_view(&e->docs),
		.roots = e->base->roots,
		.log_list = &e->list,
		.is_log_list_signed = true,
		.sources = e->sources,
		.source_count = 2,
		.growth = e->growth,
		.growth_count = 1,
		.dns = { .live = &e->live, .persist = { .was_asked = true, .trust = DNS_SECURE } },
		.memory = { .is_there = true,
			    .account_uri = EV_S(EV_ACCOUNT),
			    .thumbprint = e->core.account.thumbprint,
			    .heads = &e->remembered,
			    .head_count = 1 },
	};
	memcpy(e->m.tls.exporter, e->exporter, 32);
	if (e->is_gateway) {
		e->m.acme_info = buf_span(&e->acme_info);
	} else if (e->is_ingress) {
		e->m.files = e->bundle.files;
		ev_get_quote(&e->key_quote, e, e->report_data);
		ev_item(&e->m.files, LEGACY_QUOTE, buf_span(&e->key_quote));
	} else {
		e->m.bundle = buf_span(&e->bundle_text);
		e->m.answer = buf_span(&e->answer_text);
		e->m.dns.proved = &e->proved;
		ev_witnesses(e);
	}
}

/* Builds the world; 'hook' may be NULL. */
static inline void ev_make(struct ev *e, struct ev_base *base, ev_hook *hook)
{
	char pem[8192];
	struct wr w = WR_ARRAY(pem);
	struct sha256 core;

#define EV_AT(stage) \
	do { \
		if (hook) \
			hook(e, stage); \
	} while (0)
	memset(e, 0, sizeof(*e));
	e->base = base;
	arena_init(&e->arena, EV_ARENA);
	ev_boot(e, EV_APP);
	e->want = (struct web_leaf_want){
		.san = "DNS:" EV_HOST, .serial = 77, .from = WEB_NOW - 80000, .to = WEB_NOW + 500000
	};
	e->key = &base->leaf_key;
	e->promising[0] = &base->logs[0];
	e->promising[1] = &base->logs[1];
	e->promises = (struct web_promises){ e->promising, 2, (WEB_NOW - 79000) * UINT64_C(1000),
					     &base->ca.key };
	e->account_uri = EV_ACCOUNT;
	e->nonce = (struct attest_nonce){ .b = { 5 }, .n = 32 };
	memset(e->exporter, 6, 32);
	ev_fill_list(e);
	ev_fill_rules(e);
	EV_AT(EV_START);
	assert_int_equal(sim_docs_make(&e->docs, &base->pki, &e->knobs, WEB_NOW - 1800), RC_OK);
	ev_certify(e);
	ev_heads(e);
	web_wr_pem(&w, &e->leaf, &base->ca.der);
	ev_set(&e->chain, wr_span(&w));
	ev_fill_core(e);
	EV_AT(EV_CORE);
	ev_sign_core(e);
	EV_AT(EV_SIGNED);
	buf_init(&e->core_text, CORE_MAX);
	assert_int_equal(evidence_core_write(&e->core_text, &e->core), RC_OK);
	ev_files(e);
	EV_AT(EV_FILES);
	ev_sums(e);
	EV_AT(EV_SUMS);
	sha256_of(&core, buf_span(&e->core_text));
	legacy_report_data(e->report_data, buf_span(&e->sums), e->is_ingress ? NULL : &core);
	ev_key_quotes(e);
	ev_acme_info(e);
	{
		const struct sim_td td = e->td;

		EV_AT(EV_QUOTE);
		ev_quote(&e->quote, e, e->report_data, &e->knobs);
		e->td = e->is_ingress ? e->td : td;
	}
	ev_bundle(e);
	EV_AT(EV_BUNDLE);
	buf_init(&e->bundle_text, CMW_MAX);
	assert_int_equal(evidence_bundle_write(&e->bundle_text, &e->bundle), RC_OK);
	EV_AT(EV_ANSWER);
	ev_answer(e);
	EV_AT(EV_ANSWERED);
	buf_init(&e->answer_text, ATTEST_ANSWER_MAX);
	assert_int_equal(attest_answer_write(&e->answer_text, &e->answer), RC_OK);
	e->zone[0] = (struct ev_level){ .name = EV_HOST, .trust = DNS_SECURE };
	e->zone[1] = (struct ev_level){ "example.org", NULL, DNS_SECURE, { EV_ISSUE, EV_WILD } };
	e->zone[2] = (struct ev_level){ .name = "org", .trust = DNS_SECURE };
	ev_climb(&e->proved, e);
	EV_AT(EV_DNS);
	ev_climb(&e->live, e);
	ev_fill_history(e);
	ev_fill_growth(e);
	ev_fill_material(e);
	EV_AT(EV_AFTER);
#undef EV_AT
}

static inline void ev_free(struct ev *e)
{
	struct buf *all[] = { &e->log, &e->quote, &e->fresh, &e->core_text,
			      &e->account_text, &e->chain, &e->sums, &e->acme_info,
			      &e->key_quote, &e->account_quote, &e->bundle_text, &e->answer_text,
			      &e->audit };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_fini(all[i]);
	collateral_fini(&e->docs);
	arena_fini(&e->arena);
}

#endif
