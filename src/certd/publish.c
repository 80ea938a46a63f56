#include "certd/publish.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "certd/making.h"
#include "evidence/dotdstack.h"
#include "io/clock.h"
#include "io/file.h"
#include "json/jwrite.h"
#include "quoting/collateral_dir.h"

enum {
	FILES_MAX_COUNT = 80,
	RETRY_S = 60,
	FOLDERS_KEPT = 2,
};

struct publish {
	struct publish_options o;
	struct issuer *issuer;
	struct sha256 inputs; /* of what was published last */
	int64_t again_at; /* its half-life */
	uint64_t serial; /* of the folder */
};

struct publish *publish_new(const struct publish_options *o)
{
	struct publish *p = mem_new(sizeof(*p));

	p->o = *o;
	return p;
}

void publish_free(struct publish *p)
{
	free(p);
}

void publish_of(struct publish *p, struct issuer *issuer)
{
	p->issuer = issuer;
}

/* ---- what is served ---- */

struct set {
	struct shelf_file *files;
	size_t count;
	bool failed;
};

static void add(struct set *s, const char *folder, struct span name,
		const char *type, struct span body)
{
	struct shelf_file *f = &s->files[s->count];
	struct buf copy;

	if (s->count == FILES_MAX_COUNT) {
		s->failed = true;
		return;
	}
	s->count++;
	f->content_type = type;
	buf_init(&copy, body.n);
	if (snprintf(f->path, sizeof(f->path), "%s%.*s", folder, (int)name.n,
		     (const char *)name.p) >= (int)sizeof(f->path) ||
	    !buf_add(&copy, body))
		s->failed = true;
	f->body = shared_of(&copy);
}

static void add_str(struct set *s, const char *path, const char *type,
		    struct span body)
{
	add(s, path, span_of(NULL, 0), type, body);
}

static const char *type_of(struct span name)
{
	if (name.n > 4 && span_equal_str(span_of(name.p + name.n - 4, 4),
					 ".pem"))
		return "application/x-pem-file";
	if (name.n > 4 && span_equal_str(span_of(name.p + name.n - 4, 4),
					 ".txt"))
		return "text/plain";
	return "application/json";
}

/* ---- /.dstack/ ---- */

static enum rc write_acme(struct buf *out, struct publish *p,
			  struct making *m)
{
	struct dotdstack_acme a = { .account_uri = span_str(m->account.url) };
	struct dotdstack_key *keys =
		arena_new(&m->arena, m->history_count + 1, sizeof(*keys));
	AUTO(buf_fini)
	struct buf reply = { 0 };

	buf_init(&reply, LEGACY_QUOTE_MAX);
	if (!keys)
		return RC_LIMIT;
	if (custody_account_quote_get(p->o.custody, &reply, m->account.url))
		a.account_quote = span_str(
			arena_dup(&m->arena, buf_span(&reply)));
	for (size_t i = 0; i < m->history_count; i++) {
		uint8_t spki[SPKI_LEN];

		buf_reset(&reply);
		if (!custody_quote(p->o.custody, &reply, &m->history[i].spki))
			continue;
		spki_of(spki, &m->history[i].point);
		keys[a.key_count].spki =
			span_of(arena_dup(&m->arena, SPAN_ARRAY(spki)),
				SPKI_LEN);
		keys[a.key_count++].quote = span_str(
			arena_dup(&m->arena, buf_span(&reply)));
	}
	a.keys = keys;
	return dotdstack_acme_write(out, &a);
}

static enum rc write_app(struct buf *out, const struct publish *p)
{
	const struct identity *id = p->o.identity;

	return dotdstack_app_write(
		out, &(struct dotdstack_app){
			     .app_id = SPAN_ARRAY(id->manifest.lineage),
			     .instance_id = SPAN_ARRAY(id->instance_id),
			     .compose_hash = SPAN_ARRAY(id->manifest.hash.b),
			     .app_name = span_str(id->manifest.name),
		     });
}

/* ---- the bundle ---- */

static void take_collateral(struct publish *p, struct making *m,
			    struct bundle_items *out)
{
	struct collateral_files files = { 0 };
	struct span items[COLLATERAL_ITEMS];
	char error[256];

	if (!p->o.config->collateral ||
	    collateral_load(&files, p->o.config->collateral, NULL, error))
		return;
	collateral_spans(items, &files);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		if (items[i].n)
			out->item[out->count++] = (struct bundle_item){
				.name = span_str(collateral_names[i]),
				.bytes = span_of(arena_dup(&m->arena, items[i]),
						 items[i].n),
			};
	collateral_fini(&files);
}

/* Everything that one core needs beside it, on its way to a set. */
struct parts {
	struct buf core, quote, reply, acme, app, index, bundle;
};

static void parts_init(struct parts *x)
{
	buf_init(&x->core, CORE_MAX);
	buf_init(&x->quote, QUOTE_MAX);
	buf_init(&x->reply, LEGACY_QUOTE_MAX);
	buf_init(&x->acme, DOTDSTACK_MAX);
	buf_init(&x->app, DOTDSTACK_MAX);
	buf_init(&x->index, DOTDSTACK_MAX);
	buf_init(&x->bundle, CMW_MAX);
}

static void parts_fini(struct parts *x)
{
	buf_fini(&x->core);
	buf_fini(&x->quote);
	buf_fini(&x->reply);
	buf_fini(&x->acme);
	buf_fini(&x->app);
	buf_fini(&x->index);
	buf_fini(&x->bundle);
}

static enum rc quote_it(struct publish *p, struct making *m, struct parts *x,
			struct sha256 *hash)
{
	uint8_t data[QUOTE_REPORT_DATA_LEN];
	enum rc rc;

	sha256_of(hash, buf_span(&x->core));
	legacy_report_data(data, m->sums,
			   p->o.config->evidence.strict ? NULL : hash);
	rc = quote_source_get(p->o.source, &x->quote, data);
	if (rc)
		return rc;
	return legacy_quote_write(
		&x->reply,
		&(struct legacy_quote){
			.quote = buf_span(&x->quote),
			.event_log = buf_span(&p->o.identity->eventlog),
			.report_data = SPAN_ARRAY(data),
		});
}

static enum rc write_bundle(struct publish *p, struct making *m,
			    struct parts *x)
{
	struct evidence_bundle b = {
		.core = buf_span(&x->core),
		.quote = buf_span(&x->quote),
		.event_log = buf_span(&p->o.identity->eventlog),
		.acme_info = buf_span(&x->acme),
		.manifest = buf_span(&p->o.identity->manifest_bytes),
		.files = m->files,
		.dnssec = m->dnssec,
	};

	take_collateral(p, m, &b.collateral);
	return evidence_bundle_write(&x->bundle, &b);
}

static enum rc write_parts(struct publish *p, struct making *m,
			   struct parts *x, struct sha256 *hash,
			   char error[NODE_ERROR_MAX])
{
	const char *what = "core";
	enum rc rc = evidence_core_write(&x->core, &m->core);

	if (!rc) {
		what = "quote";
		rc = quote_it(p, m, x, hash);
	}
	if (!rc) {
		what = "acme-info";
		rc = write_acme(&x->acme, p, m);
	}
	if (!rc) {
		what = "app-info";
		rc = write_app(&x->app, p);
	}
	if (!rc) {
		what = "index";
		rc = dotdstack_index_write(&x->index);
	}
	if (!rc) {
		what = "bundle";
		rc = write_bundle(p, m, x);
	}
	if (rc)
		error_set(error, "%s: %s", what, rc_name(rc));
	return rc;
}

/* ---- the folder ---- */

static bool write_files(const char *folder, const struct set *s)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < s->count; i++) {
		const char *name = strrchr(s->files[i].path, '/') + 1;

		if (strncmp(s->files[i].path, "/evidences/", 11) != 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
			    (int)sizeof(path) ||
		    file_replace(path, shared_span(s->files[i].body), 0644))
			return false;
	}
	return true;
}

static void remove_old(struct publish *p, struct set *s)
{
	char path[PATH_MAX], file[PATH_MAX];

	if (p->serial <= FOLDERS_KEPT)
		return;
	(void)snprintf(path, sizeof(path), "%s/evidence.%llu",
		       p->o.config->state,
		       (unsigned long long)(p->serial - FOLDERS_KEPT));
	for (size_t i = 0; i < s->count; i++)
		if (snprintf(file, sizeof(file), "%s/%s", path,
			     strrchr(s->files[i].path, '/') + 1) <
		    (int)sizeof(file))
			(void)unlink(file); /* what is left stays */
	(void)rmdir(path);
}

/* A folder whole, then a link to it in the place of the link before. */
static bool write_folder(struct publish *p, struct set *s)
{
	const char *state = p->o.config->state;
	char folder[PATH_MAX], name[64], link[PATH_MAX], next[PATH_MAX];

	p->serial = p->serial ? p->serial + 1 : (uint64_t)clock_unix_s();
	(void)snprintf(name, sizeof(name), "evidence.%llu",
		       (unsigned long long)p->serial);
	if (snprintf(folder, sizeof(folder), "%s/%s", state, name) >=
		    (int)sizeof(folder) ||
	    snprintf(link, sizeof(link), "%s/evidence", state) >=
		    (int)sizeof(link) ||
	    snprintf(next, sizeof(next), "%s/evidence.next", state) >=
		    (int)sizeof(next))
		return false;
	if (file_make_dirs(folder, 0755) || !write_files(folder, s))
		return false;
	(void)unlink(next); /* of a crash */
	if (symlink(name, next) != 0 || rename(next, link) != 0)
		return false;
	remove_old(p, s);
	return true;
}

/* ---- all of it ---- */

static void fill(struct set *s, const struct making *m, const struct parts *x)
{
	for (size_t i = 0; i < m->files.count; i++)
		add(s, "/evidences/", m->files.item[i].name,
		    type_of(m->files.item[i].name), m->files.item[i].bytes);
	add_str(s, "/evidences/" LEGACY_QUOTE, "application/json",
		buf_span(&x->reply));
	add_str(s, BUNDLE_PATH, BUNDLE_MEDIA_TYPE, buf_span(&x->bundle));
	add_str(s, BUNDLE_CORE_PATH, "application/json", buf_span(&x->core));
	add_str(s, "/.dstack/index", "application/json", buf_span(&x->index));
	add_str(s, "/.dstack/app-info", "application/json", buf_span(&x->app));
	add_str(s, "/.dstack/acme-info", "application/json",
		buf_span(&x->acme));
}

static void put_status(struct publish *p, const struct making *m,
		       const struct sha256 *core)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct jwrite j;

	buf_init(&json, 4096);
	j = jwrite_to(&json);
	jwrite_object(&j, NULL);
	jwrite_hex(&j, "core_sha256", SPAN_ARRAY(core->b));
	jwrite_utc(&j, "issued_at", m->core.issued_at);
	jwrite_utc(&j, "expires_at", m->core.expires_at);
	jwrite_end(&j);
	if (jwrite_done(&j))
		shelf_put_status(p->o.shelf, "evidence", buf_span(&json));
}

static enum rc publish_made(struct publish *p, struct making *m,
			    char error[NODE_ERROR_MAX])
{
	struct parts x;
	struct set s = { .files = mem_new_array(FILES_MAX_COUNT,
						sizeof(struct shelf_file)) };
	struct sha256 core;
	enum rc rc;

	parts_init(&x);
	rc = write_parts(p, m, &x, &core, error);
	if (!rc) {
		fill(&s, m, &x);
		if (s.failed || !write_folder(p, &s)) {
			error_set(error, "%s/evidence: %s", p->o.config->state,
				  strerror(errno));
			rc = RC_SYS;
		}
	}
	parts_fini(&x);
	if (rc) {
		for (size_t i = 0; i < s.count; i++)
			shared_unref(s.files[i].body);
		free(s.files);
		return rc;
	}
	sightings_caa_shown(p->o.sightings, m->caa, m->caa_count);
	put_status(p, m, &core);
	shelf_publish(p->o.shelf, s.files, s.count, &core);
	return RC_OK;
}

/* ---- whether ---- */

/* What evidence tells of, in one hash.  Of CAA, which is looked up anew, the
 * watch says when it is not what was published (a new version). */
static void hash_inputs(struct publish *p, struct sha256 *out)
{
	struct issuer_account account = { 0 };
	uint64_t seen = sightings_version(p->o.sightings);
	struct sha256 parts[CONFIG_CERTIFICATES_MAX + 1] = { 0 };
	struct span all[4];

	(void)issuer_account(p->issuer, &account); /* zeros: none */
	for (size_t i = 0; i < p->o.config->certificates.count; i++) {
		struct issuer_certificate c;

		if (!issuer_certificate(p->issuer, i, &c))
			continue;
		sha256_of(&parts[i], buf_span(&c.chain));
		buf_fini(&c.chain);
	}
	all[0] = span_str(account.url);
	all[1] = SPAN_ARRAY(account.key.xy);
	all[2] = SPAN_ARRAY(parts);
	all[3] = span_of(&seen, sizeof(seen));
	sha256_parts(out, all, 4);
}

int64_t publish_now(void *arg)
{
	struct publish *p = arg;
	struct making *m = mem_new(sizeof(*m));
	char error[NODE_ERROR_MAX] = "";
	int64_t now = clock_unix_s();
	struct sha256 inputs;
	enum rc rc;

	hash_inputs(p, &inputs);
	if (now < p->again_at &&
	    span_equal(SPAN_ARRAY(inputs.b), SPAN_ARRAY(p->inputs.b))) {
		free(m);
		return p->again_at;
	}
	rc = making_make(m, &p->o, p->issuer, now, error);
	if (!rc)
		rc = publish_made(p, m, error);
	if (!rc) {
		p->inputs = inputs;
		p->again_at = now + (int64_t)(p->o.config->evidence.life_ms /
					      2000);
		audit_event(p->o.audit, "evidence_published",
			    { "names", m->core.names[0] });
	} else if (rc != RC_UNSUPPORTED) {
		p->again_at = now + RETRY_S;
		log_event(p->o.log, LOG_ERROR, "evidence_not_published",
			  LSTR("why", error));
	}
	alarm_set(p->o.alarm, rc != RC_OK && rc != RC_UNSUPPORTED,
		  "evidence_not_published", "", error);
	making_fini(m);
	free(m);
	/* Before there is a certificate there is nothing to do again. */
	return rc == RC_UNSUPPORTED ? 0 : p->again_at;
}
