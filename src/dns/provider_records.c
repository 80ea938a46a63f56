/*
 * Providers whose APIs change one record at a time.
 *
 * Source: Cloudflare API v4, "Zones" and "DNS Records"; DigitalOcean API v2,
 *         "Domains" and "Domain Records"; Linode API v4, "Domains".
 */
#include "base/mem.h"
#include "dns/provider_api.h"

enum {
	BODY_MAX = 16 * 1024,
};

static void bearer(const struct provider_job *job, struct web_ask *ask,
		   int64_t now)
{
	(void)now;
	provider_bearer(job, ask, "Bearer");
}

static void full_name(char out[DNS_NAME_TEXT], const struct provider_job *job)
{
	dns_name_text(out, &job->want->name);
}

static bool is_name(struct span text, const struct provider_job *job)
{
	struct dns_name name;

	return dns_name_parse(&name, text) == RC_OK &&
	       dns_name_equal(&name, &job->want->name);
}

/* The relative name that an API gives for the wanted one. */
static bool is_relative(struct span text, const struct provider_job *job,
			const char *apex)
{
	char want[DNS_NAME_TEXT];

	provider_relative(want, job, apex);
	return span_equal_nocase(text, span_str(want));
}

/* Page p of t: another one follows. */
static enum provider_next after_page(uint64_t page, uint64_t pages)
{
	return page < pages ? PROVIDER_NEXT_PAGE : PROVIDER_NEXT_STEP;
}

/* Zones of a list, of which each has a name and an id. */
static bool saw_zones(struct provider_job *job, const struct jtree *list,
		      const char *name_key, const char *id_key)
{
	const struct jtree *one;

	if (!list || list->type != JTREE_ARRAY)
		return false;
	for (one = list->first; one; one = one->next) {
		char id[PROVIDER_ID_MAX];
		struct span name;

		if (!provider_text(&name, jtree_get(one, name_key)) ||
		    !provider_id(id, jtree_get(one, id_key)))
			return false;
		provider_saw_zone(job, name, span_str(id));
	}
	return true;
}

/* Cloudflare. */

static enum rc cloudflare_ask_zones(const struct provider_job *job,
				    struct web_ask *ask)
{
	return provider_begin(job, ask, WEB_GET,
			      "/client/v4/zones?per_page=50&page=%u",
			      job->page);
}

static bool cloudflare_pages(enum provider_next *out, const struct jtree *all)
{
	const struct jtree *info = jtree_get(all, "result_info");
	uint64_t page, pages;

	if (!provider_number(&page, jtree_get(info, "page")) ||
	    !provider_number(&pages, jtree_get(info, "total_pages")))
		return false;
	*out = after_page(page, pages);
	return true;
}

static enum provider_next cloudflare_read_zones(struct provider_job *job,
						struct span body)
{
	const struct jtree *all = provider_json(job, body);
	enum provider_next next;

	if (!saw_zones(job, jtree_get(all, "result"), "name", "id") ||
	    !cloudflare_pages(&next, all))
		return PROVIDER_NEXT_BAD;
	return next;
}

static enum rc cloudflare_ask_read(const struct provider_job *job,
				   struct web_ask *ask)
{
	char name[DNS_NAME_TEXT];

	full_name(name, job);
	return provider_begin(
		job, ask, WEB_GET,
		"/client/v4/zones/%s/dns_records?type=%s&name=%s&per_page=100"
		"&page=%u",
		job->zone_id, provider_type(job), name, job->page);
}

static bool cloudflare_value(struct span *value, struct provider_job *job,
			     const struct jtree *record)
{
	const struct jtree *data = jtree_get(record, "data");
	struct span text, tag;
	uint64_t flags;

	if (job->want->type == DNS_TXT)
		return provider_text(&text, jtree_get(record, "content")) &&
		       provider_read_text(value, job, text);
	return provider_number(&flags, jtree_get(data, "flags")) &&
	       provider_text(&tag, jtree_get(data, "tag")) &&
	       provider_text(&text, jtree_get(data, "value")) &&
	       provider_caa_join(value, job, flags, tag, text);
}

static enum provider_next cloudflare_read_read(struct provider_job *job,
					       struct span body)
{
	const struct jtree *all = provider_json(job, body);
	const struct jtree *list = jtree_get(all, "result"), *one;
	enum provider_next next;

	if (!list || list->type != JTREE_ARRAY || !cloudflare_pages(&next, all))
		return PROVIDER_NEXT_BAD;
	for (one = list->first; one; one = one->next) {
		char id[PROVIDER_ID_MAX];
		struct span name, type, value;

		if (!provider_text(&name, jtree_get(one, "name")) ||
		    !provider_text(&type, jtree_get(one, "type")) ||
		    !provider_id(id, jtree_get(one, "id")))
			return PROVIDER_NEXT_BAD;
		if (!is_name(name, job) ||
		    !span_equal_str(type, provider_type(job)))
			continue;
		if (!cloudflare_value(&value, job, one) ||
		    !provider_saw_record(job, span_str(id), value))
			return PROVIDER_NEXT_BAD;
	}
	return next;
}

static void cloudflare_write(struct jwrite *j, const struct provider_job *job,
			     struct span value)
{
	char name[DNS_NAME_TEXT];
	char text[BODY_MAX / 2];
	struct wr w = WR_ARRAY(text);
	struct provider_caa c;

	full_name(name, job);
	jwrite_object(j, NULL);
	jwrite_str(j, "type", provider_type(job));
	jwrite_str(j, "name", name);
	jwrite_number(j, "ttl", provider_ttl(job, &provider_cloudflare));
	if (job->want->type == DNS_TXT) {
		provider_write_text(&w, job, value);
		jwrite_text(j, "content", wr_span(&w));
	} else if (provider_caa_parts(&c, value)) {
		jwrite_object(j, "data");
		jwrite_number(j, "flags", c.flags);
		jwrite_text(j, "tag", c.tag);
		jwrite_text(j, "value", c.value);
		jwrite_end(j);
	}
	jwrite_end(j);
}

static enum rc cloudflare_ask_make(const struct provider_job *job,
				   struct web_ask *ask, struct span value)
{
	AUTO(buf_fini)
	struct buf body = { 0 };
	struct jwrite j;
	enum rc rc = provider_begin(job, ask, WEB_POST,
				    "/client/v4/zones/%s/dns_records",
				    job->zone_id);

	if (rc)
		return rc;
	buf_init(&body, BODY_MAX);
	j = jwrite_to(&body);
	cloudflare_write(&j, job, value);
	return provider_send(ask, &j);
}

static enum rc cloudflare_ask_take(const struct provider_job *job,
				   struct web_ask *ask,
				   const struct provider_record *record)
{
	return provider_begin(job, ask, WEB_DELETE,
			      "/client/v4/zones/%s/dns_records/%s",
			      job->zone_id, record->id);
}

/* This member of the first of {"errors": [{...}]}. */
static struct span first_error(struct arena *arena, struct span body,
			       const char *member)
{
	const struct jtree *errors =
		jtree_get(jtree_read(arena, body), "errors");
	struct span text = { 0 };

	if (errors && errors->type == JTREE_ARRAY)
		(void)provider_text(&text, jtree_get(errors->first, member));
	return text;
}

static struct span cloudflare_error(struct arena *arena, struct span body)
{
	return first_error(arena, body, "message");
}

const struct provider_api provider_cloudflare = {
	.name = "cloudflare",
	.base = "https://api.cloudflare.com",
	.ttl_min = 60,
	.authorize = bearer,
	.ask_zones = cloudflare_ask_zones,
	.read_zones = cloudflare_read_zones,
	.ask_read = cloudflare_ask_read,
	.read_read = cloudflare_read_read,
	.ask_make = cloudflare_ask_make,
	.ask_take = cloudflare_ask_take,
	.read_error = cloudflare_error,
};

/* DigitalOcean. */

static enum rc digitalocean_ask_zones(const struct provider_job *job,
				      struct web_ask *ask)
{
	return provider_begin(job, ask, WEB_GET,
			      "/v2/domains?per_page=200&page=%u", job->page);
}

/* links.pages.next is there while there is a next page. */
static enum provider_next digitalocean_pages(const struct jtree *all)
{
	const struct jtree *pages =
		jtree_get(jtree_get(all, "links"), "pages");

	return jtree_get(pages, "next") ? PROVIDER_NEXT_PAGE
					: PROVIDER_NEXT_STEP;
}

static enum provider_next digitalocean_read_zones(struct provider_job *job,
						  struct span body)
{
	const struct jtree *all = provider_json(job, body);

	/* A domain's name is its id. */
	if (!saw_zones(job, jtree_get(all, "domains"), "name", "name"))
		return PROVIDER_NEXT_BAD;
	return digitalocean_pages(all);
}

static enum rc digitalocean_ask_read(const struct provider_job *job,
				     struct web_ask *ask)
{
	char name[DNS_NAME_TEXT];

	full_name(name, job);
	return provider_begin(job, ask, WEB_GET,
			      "/v2/domains/%s/records?type=%s&name=%s"
			      "&per_page=200&page=%u",
			      job->zone_id, provider_type(job), name,
			      job->page);
}

static bool digitalocean_value(struct span *value, struct provider_job *job,
			       const struct jtree *record)
{
	struct span text, tag;
	uint64_t flags;

	if (!provider_text(&text, jtree_get(record, "data")))
		return false;
	if (job->want->type == DNS_TXT)
		return provider_read_text(value, job, text);
	return provider_number(&flags, jtree_get(record, "flags")) &&
	       provider_text(&tag, jtree_get(record, "tag")) &&
	       provider_caa_join(value, job, flags, tag, text);
}

static enum provider_next digitalocean_read_read(struct provider_job *job,
						 struct span body)
{
	const struct jtree *all = provider_json(job, body);
	const struct jtree *list = jtree_get(all, "domain_records"), *one;

	if (!list || list->type != JTREE_ARRAY)
		return PROVIDER_NEXT_BAD;
	for (one = list->first; one; one = one->next) {
		char id[PROVIDER_ID_MAX];
		struct span name, type, value;

		if (!provider_text(&name, jtree_get(one, "name")) ||
		    !provider_text(&type, jtree_get(one, "type")) ||
		    !provider_id(id, jtree_get(one, "id")))
			return PROVIDER_NEXT_BAD;
		if (!is_relative(name, job, "@") ||
		    !span_equal_str(type, provider_type(job)))
			continue;
		if (!digitalocean_value(&value, job, one) ||
		    !provider_saw_record(job, span_str(id), value))
			return PROVIDER_NEXT_BAD;
	}
	return digitalocean_pages(all);
}

static void digitalocean_write(struct jwrite *j, const struct provider_job *job,
			       struct span value)
{
	char name[DNS_NAME_TEXT];
	struct provider_caa c;

	provider_relative(name, job, "@");
	jwrite_object(j, NULL);
	jwrite_str(j, "type", provider_type(job));
	jwrite_str(j, "name", name);
	jwrite_number(j, "ttl", provider_ttl(job, &provider_digitalocean));
	if (job->want->type == DNS_TXT) {
		jwrite_text(j, "data", value);
	} else if (provider_caa_parts(&c, value)) {
		jwrite_text(j, "data", c.value);
		jwrite_number(j, "flags", c.flags);
		jwrite_text(j, "tag", c.tag);
	}
	jwrite_end(j);
}

static enum rc digitalocean_ask_make(const struct provider_job *job,
				     struct web_ask *ask, struct span value)
{
	AUTO(buf_fini)
	struct buf body = { 0 };
	struct jwrite j;
	enum rc rc = provider_begin(job, ask, WEB_POST,
				    "/v2/domains/%s/records", job->zone_id);

	if (rc)
		return rc;
	buf_init(&body, BODY_MAX);
	j = jwrite_to(&body);
	digitalocean_write(&j, job, value);
	return provider_send(ask, &j);
}

static enum rc digitalocean_ask_take(const struct provider_job *job,
				     struct web_ask *ask,
				     const struct provider_record *record)
{
	return provider_begin(job, ask, WEB_DELETE, "/v2/domains/%s/records/%s",
			      job->zone_id, record->id);
}

static struct span digitalocean_error(struct arena *arena, struct span body)
{
	struct span text = { 0 };

	(void)provider_text(&text,
			    jtree_get(jtree_read(arena, body), "message"));
	return text;
}

const struct provider_api provider_digitalocean = {
	.name = "digitalocean",
	.base = "https://api.digitalocean.com",
	.ttl_min = 30,
	.authorize = bearer,
	.ask_zones = digitalocean_ask_zones,
	.read_zones = digitalocean_read_zones,
	.ask_read = digitalocean_ask_read,
	.read_read = digitalocean_read_read,
	.ask_make = digitalocean_ask_make,
	.ask_take = digitalocean_ask_take,
	.read_error = digitalocean_error,
};

/* Linode. */

static enum rc linode_ask_zones(const struct provider_job *job,
				struct web_ask *ask)
{
	return provider_begin(job, ask, WEB_GET,
			      "/v4/domains?page=%u&page_size=500", job->page);
}

static bool linode_pages(enum provider_next *out, const struct jtree *all)
{
	uint64_t page, pages;

	if (!provider_number(&page, jtree_get(all, "page")) ||
	    !provider_number(&pages, jtree_get(all, "pages")))
		return false;
	*out = after_page(page, pages);
	return true;
}

static enum provider_next linode_read_zones(struct provider_job *job,
					    struct span body)
{
	const struct jtree *all = provider_json(job, body);
	enum provider_next next;

	if (!saw_zones(job, jtree_get(all, "data"), "domain", "id") ||
	    !linode_pages(&next, all))
		return PROVIDER_NEXT_BAD;
	return next;
}

static enum rc linode_ask_read(const struct provider_job *job,
			       struct web_ask *ask)
{
	return provider_begin(job, ask, WEB_GET,
			      "/v4/domains/%s/records?page=%u&page_size=500",
			      job->zone_id, job->page);
}

static bool linode_value(struct span *value, struct provider_job *job,
			 const struct jtree *record)
{
	struct span text, tag;

	if (!provider_text(&text, jtree_get(record, "target")))
		return false;
	if (job->want->type == DNS_TXT)
		return provider_read_text(value, job, text);
	return provider_text(&tag, jtree_get(record, "tag")) &&
	       provider_caa_join(value, job, 0, tag, text);
}

static enum provider_next linode_read_read(struct provider_job *job,
					   struct span body)
{
	const struct jtree *all = provider_json(job, body);
	const struct jtree *list = jtree_get(all, "data"), *one;
	enum provider_next next;

	if (!list || list->type != JTREE_ARRAY || !linode_pages(&next, all))
		return PROVIDER_NEXT_BAD;
	for (one = list->first; one; one = one->next) {
		char id[PROVIDER_ID_MAX];
		struct span name, type, value;

		if (!provider_text(&name, jtree_get(one, "name")) ||
		    !provider_text(&type, jtree_get(one, "type")) ||
		    !provider_id(id, jtree_get(one, "id")))
			return PROVIDER_NEXT_BAD;
		if (!is_relative(name, job, "") ||
		    !span_equal_str(type, provider_type(job)))
			continue;
		if (!linode_value(&value, job, one) ||
		    !provider_saw_record(job, span_str(id), value))
			return PROVIDER_NEXT_BAD;
	}
	return next;
}

static bool linode_write(struct jwrite *j, const struct provider_job *job,
			 struct span value)
{
	char name[DNS_NAME_TEXT];
	struct provider_caa c = { 0 };

	/* A CAA record of theirs has no flags. */
	if (job->want->type == DNS_CAA &&
	    (!provider_caa_parts(&c, value) || c.flags))
		return false;
	provider_relative(name, job, "");
	jwrite_object(j, NULL);
	jwrite_str(j, "type", provider_type(job));
	jwrite_str(j, "name", name);
	jwrite_number(j, "ttl_sec", provider_ttl(job, &provider_linode));
	jwrite_text(j, "target", job->want->type == DNS_TXT ? value : c.value);
	if (job->want->type == DNS_CAA)
		jwrite_text(j, "tag", c.tag);
	jwrite_end(j);
	return true;
}

static enum rc linode_ask_make(const struct provider_job *job,
			       struct web_ask *ask, struct span value)
{
	AUTO(buf_fini)
	struct buf body = { 0 };
	struct jwrite j;
	enum rc rc = provider_begin(job, ask, WEB_POST,
				    "/v4/domains/%s/records", job->zone_id);

	if (rc)
		return rc;
	buf_init(&body, BODY_MAX);
	j = jwrite_to(&body);
	if (!linode_write(&j, job, value))
		return RC_UNSUPPORTED;
	return provider_send(ask, &j);
}

static enum rc linode_ask_take(const struct provider_job *job,
			       struct web_ask *ask,
			       const struct provider_record *record)
{
	return provider_begin(job, ask, WEB_DELETE, "/v4/domains/%s/records/%s",
			      job->zone_id, record->id);
}

static struct span linode_error(struct arena *arena, struct span body)
{
	return first_error(arena, body, "reason");
}

const struct provider_api provider_linode = {
	.name = "linode",
	.base = "https://api.linode.com",
	.ttl_min = 30,
	.authorize = bearer,
	.ask_zones = linode_ask_zones,
	.read_zones = linode_read_zones,
	.ask_read = linode_ask_read,
	.read_read = linode_read_read,
	.ask_make = linode_ask_make,
	.ask_take = linode_ask_take,
	.read_error = linode_error,
};
