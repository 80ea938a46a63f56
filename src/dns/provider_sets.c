/*
 * Providers whose APIs change a whole set in one JSON request.
 *
 * Source: Hetzner Cloud API, "Zones" and "Zone RRSets"; deSEC API,
 *         "Retrieving Domains" and "Bulk Creation, Modification, Deletion of
 *         RRsets".
 */
#include "base/mem.h"
#include "dns/provider_api.h"

enum {
	BODY_MAX = 256 * 1024,
	TEXT_MAX = 16 * 1024,
};

/* Values as texts of zone files, of a list of texts or of objects. */
static bool saw_texts(struct provider_job *job, const struct jtree *list,
		      const char *key)
{
	const struct jtree *one;

	if (!list || list->type != JTREE_ARRAY)
		return false;
	for (one = list->first; one; one = one->next) {
		struct span text, value;

		if (!provider_text(&text, key ? jtree_get(one, key) : one) ||
		    !provider_read_text(&value, job, text) ||
		    !provider_saw_record(job, (struct span){ 0 }, value))
			return false;
	}
	return true;
}

/* The values that are wanted, as texts. */
static void write_texts(struct jwrite *j, const struct provider_job *job,
			const char *key)
{
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(TEXT_MAX);
	size_t i;

	for (i = 0; i < job->make_count; i++) {
		struct wr w = wr_over(p, TEXT_MAX);
		struct span text;

		provider_write_text(&w, job, job->make[i]);
		if (!wr_done(&w, &text)) {
			j->failed = true;
			return;
		}
		if (key)
			jwrite_object(j, NULL);
		jwrite_text(j, key, text);
		if (key)
			jwrite_end(j);
	}
}

/* Hetzner. */

static void hetzner_authorize(const struct provider_job *job,
			      struct web_ask *ask, int64_t now)
{
	(void)now;
	provider_bearer(job, ask, "Bearer");
}

static enum rc hetzner_ask_zones(const struct provider_job *job,
				 struct web_ask *ask)
{
	return provider_begin(job, ask, WEB_GET,
			      "/v1/zones?per_page=50&page=%u", job->page);
}

static enum provider_next hetzner_read_zones(struct provider_job *job,
					     struct span body)
{
	const struct jtree *all = provider_json(job, body), *one;
	const struct jtree *list = jtree_get(all, "zones");
	uint64_t next;

	if (!list || list->type != JTREE_ARRAY)
		return PROVIDER_NEXT_BAD;
	for (one = list->first; one; one = one->next) {
		char id[PROVIDER_ID_MAX];
		struct span name;

		if (!provider_text(&name, jtree_get(one, "name")) ||
		    !provider_id(id, jtree_get(one, "id")))
			return PROVIDER_NEXT_BAD;
		provider_saw_zone(job, name, span_str(id));
	}
	/* A number while there is one, then null. */
	return provider_number(&next,
			       jtree_get(jtree_get(jtree_get(all, "meta"),
						   "pagination"),
					 "next_page"))
		       ? PROVIDER_NEXT_PAGE
		       : PROVIDER_NEXT_STEP;
}

static enum rc hetzner_ask_read(const struct provider_job *job,
				struct web_ask *ask)
{
	char name[DNS_NAME_TEXT];

	provider_relative(name, job, "@");
	return provider_begin(job, ask, WEB_GET, "/v1/zones/%s/rrsets/%s/%s",
			      job->zone_id, name, provider_type(job));
}

static enum provider_next hetzner_read_read(struct provider_job *job,
					    struct span body)
{
	const struct jtree *set =
		jtree_get(provider_json(job, body), "rrset");

	job->set_exists = true;
	if (!saw_texts(job, jtree_get(set, "records"), "value"))
		return PROVIDER_NEXT_BAD;
	return PROVIDER_NEXT_STEP;
}

static enum rc hetzner_begin(const struct provider_job *job,
			     struct web_ask *ask)
{
	char name[DNS_NAME_TEXT];

	provider_relative(name, job, "@");
	if (!job->set_exists)
		return provider_begin(job, ask, WEB_POST, "/v1/zones/%s/rrsets",
				      job->zone_id);
	if (job->make_count == 0)
		return provider_begin(job, ask, WEB_DELETE,
				      "/v1/zones/%s/rrsets/%s/%s", job->zone_id,
				      name, provider_type(job));
	return provider_begin(job, ask, WEB_POST,
			      "/v1/zones/%s/rrsets/%s/%s/actions/set_records",
			      job->zone_id, name, provider_type(job));
}

static enum rc hetzner_ask_make(const struct provider_job *job,
				struct web_ask *ask, struct span value)
{
	AUTO(buf_fini)
	struct buf body = { 0 };
	char name[DNS_NAME_TEXT];
	struct jwrite j;
	enum rc rc = hetzner_begin(job, ask);

	(void)value; /* the set is written whole */
	if (rc || job->make_count == 0)
		return rc;
	buf_init(&body, BODY_MAX);
	j = jwrite_to(&body);
	jwrite_object(&j, NULL);
	if (!job->set_exists) {
		provider_relative(name, job, "@");
		jwrite_str(&j, "name", name);
		jwrite_str(&j, "type", provider_type(job));
		jwrite_number(&j, "ttl", provider_ttl(job, &provider_hetzner));
	}
	jwrite_array(&j, "records");
	write_texts(&j, job, "value");
	jwrite_end(&j);
	jwrite_end(&j);
	return provider_send(ask, &j);
}

static struct span hetzner_error(struct arena *arena, struct span body)
{
	const struct jtree *error = jtree_get(jtree_read(arena, body), "error");
	struct span text = { 0 };

	(void)provider_text(&text, jtree_get(error, "message"));
	return text;
}

const struct provider_api provider_hetzner = {
	.name = "hetzner",
	.base = "https://api.hetzner.cloud",
	.ttl_min = 60,
	.by_set = true,
	.missing_is_empty = true,
	.authorize = hetzner_authorize,
	.ask_zones = hetzner_ask_zones,
	.read_zones = hetzner_read_zones,
	.ask_read = hetzner_ask_read,
	.read_read = hetzner_read_read,
	.ask_make = hetzner_ask_make,
	.read_error = hetzner_error,
};

/* deSEC. */

static void desec_authorize(const struct provider_job *job, struct web_ask *ask,
			    int64_t now)
{
	(void)now;
	provider_bearer(job, ask, "Token");
}

/* The API finds the zone that holds a name: one, or none. */
static enum rc desec_ask_zones(const struct provider_job *job,
			       struct web_ask *ask)
{
	char name[DNS_NAME_TEXT];

	dns_name_text(name, &job->want->name);
	return provider_begin(job, ask, WEB_GET,
			      "/api/v1/domains/?owns_qname=%s", name);
}

static enum provider_next desec_read_zones(struct provider_job *job,
					   struct span body)
{
	const struct jtree *list = provider_json(job, body), *one;

	if (!list || list->type != JTREE_ARRAY)
		return PROVIDER_NEXT_BAD;
	for (one = list->first; one; one = one->next) {
		char id[PROVIDER_ID_MAX];

		/* Its name is its id. */
		if (!provider_id(id, jtree_get(one, "name")))
			return PROVIDER_NEXT_BAD;
		provider_saw_zone(job, span_str(id), span_str(id));
	}
	return PROVIDER_NEXT_STEP;
}

static enum rc desec_ask_read(const struct provider_job *job,
			      struct web_ask *ask)
{
	char name[DNS_NAME_TEXT];

	provider_relative(name, job, "@");
	return provider_begin(job, ask, WEB_GET,
			      "/api/v1/domains/%s/rrsets/%s/%s/", job->zone_id,
			      name, provider_type(job));
}

static enum provider_next desec_read_read(struct provider_job *job,
					  struct span body)
{
	const struct jtree *set = provider_json(job, body);

	job->set_exists = true;
	if (!saw_texts(job, jtree_get(set, "records"), NULL))
		return PROVIDER_NEXT_BAD;
	return PROVIDER_NEXT_STEP;
}

static enum rc desec_ask_make(const struct provider_job *job,
			      struct web_ask *ask, struct span value)
{
	AUTO(buf_fini)
	struct buf body = { 0 };
	char name[DNS_NAME_TEXT];
	struct jwrite j;
	enum rc rc = provider_begin(job, ask, WEB_PUT,
				    "/api/v1/domains/%s/rrsets/", job->zone_id);

	(void)value; /* the set is written whole; an empty one is deleted */
	if (rc)
		return rc;
	provider_relative(name, job, "");
	buf_init(&body, BODY_MAX);
	j = jwrite_to(&body);
	jwrite_array(&j, NULL);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "subname", name);
	jwrite_str(&j, "type", provider_type(job));
	jwrite_number(&j, "ttl", provider_ttl(job, &provider_desec));
	jwrite_array(&j, "records");
	write_texts(&j, job, NULL);
	jwrite_end(&j);
	jwrite_end(&j);
	jwrite_end(&j);
	return provider_send(ask, &j);
}

static struct span desec_error(struct arena *arena, struct span body)
{
	struct span text = { 0 };

	(void)provider_text(&text,
			    jtree_get(jtree_read(arena, body), "detail"));
	return text;
}

const struct provider_api provider_desec = {
	.name = "desec",
	.base = "https://desec.io",
	.ttl_min = 3600,
	.by_set = true,
	.missing_is_empty = true,
	.authorize = desec_authorize,
	.ask_zones = desec_ask_zones,
	.read_zones = desec_read_zones,
	.ask_read = desec_ask_read,
	.read_read = desec_read_read,
	.ask_make = desec_ask_make,
	.read_error = desec_error,
};
