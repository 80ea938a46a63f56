/*
 * provider_api: what each provider's file gives to the job of provider.h, and
 * what they share.
 */
#ifndef POSTERN_DNS_PROVIDER_API_H
#define POSTERN_DNS_PROVIDER_API_H

#include "dns/provider.h"
#include "json/jtree.h"
#include "json/jwrite.h"

/* What an answer led to. */
enum provider_next {
	PROVIDER_NEXT_STEP, /* this step is complete */
	PROVIDER_NEXT_PAGE, /* the same again, from job->page or marker */
	PROVIDER_NEXT_BAD, /* not of the API's form */
};

/*
 * One provider.  The ask_* functions make a request for the job's step; each
 * reader takes an answer with a good status.  NULL: the API has no such step.
 */
struct provider_api {
	const char *name, *base;
	uint32_t ttl_min;
	bool by_set; /* a set is written whole */
	/* What the API gives with 404: an empty set, no failure. */
	bool missing_is_empty;
	void (*authorize)(const struct provider_job *job, struct web_ask *ask,
			  int64_t now);
	enum rc (*ask_zones)(const struct provider_job *job,
			     struct web_ask *ask);
	enum provider_next (*read_zones)(struct provider_job *job,
					 struct span body);
	enum rc (*ask_read)(const struct provider_job *job,
			    struct web_ask *ask);
	enum provider_next (*read_read)(struct provider_job *job,
					struct span body);
	/* One record, by records; the whole set, by sets. */
	enum rc (*ask_make)(const struct provider_job *job, struct web_ask *ask,
			    struct span value);
	enum rc (*ask_take)(const struct provider_job *job, struct web_ask *ask,
			    const struct provider_record *record);
	/* Of what was written: what to poll for, in job->change_id. */
	enum provider_next (*read_write)(struct provider_job *job,
					 struct span body);
	enum rc (*ask_poll)(const struct provider_job *job,
			    struct web_ask *ask);
	/* NEXT_PAGE: not yet. */
	enum provider_next (*read_poll)(struct provider_job *job,
					struct span body);
	/* The API's words for a failure; NULL: none. */
	struct span (*read_error)(struct arena *arena, struct span body);
	/* Of a failure: the API says so in another way than by 429 or 503. */
	bool (*is_busy)(struct span body);
};

extern const struct provider_api provider_cloudflare, provider_digitalocean,
	provider_linode, provider_hetzner, provider_desec, provider_route53;

/* For them. */

/* A request for base URL and 'path' (printf). */
enum rc provider_begin(const struct provider_job *job, struct web_ask *ask,
		       enum web_method method, const char *path, ...)
	__attribute__((format(printf, 4, 5)));
/* "<scheme> <token>" as Authorization. */
void provider_bearer(const struct provider_job *job, struct web_ask *ask,
		     const char *scheme);
/* Keeps a zone if it holds the name and is the longest so far. */
void provider_saw_zone(struct provider_job *job, struct span name,
		       struct span id);
/* Keeps a record of the set.  False: too many, or no room. */
bool provider_saw_record(struct provider_job *job, struct span id,
			 struct span value);
/* "TXT", "CAA". */
const char *provider_type(const struct provider_job *job);
/* The name relative to the zone; 'apex' for the zone itself. */
void provider_relative(char out[DNS_NAME_TEXT], const struct provider_job *job,
		       const char *apex);
uint32_t provider_ttl(const struct provider_job *job,
		      const struct provider_api *api);

/* Text of a value as zone files have it: "..." in strings of 255, or CAA. */
void provider_write_text(struct wr *w, const struct provider_job *job,
			 struct span value);
/* The value of such a text; TXT also without quotes.  In the arena. */
bool provider_read_text(struct span *value, struct provider_job *job,
			struct span text);
/* CAA RDATA in its parts. */
struct provider_caa {
	uint8_t flags;
	struct span tag, value;
};
bool provider_caa_parts(struct provider_caa *out, struct span rdata);
/* And made of its parts, in the arena. */
bool provider_caa_join(struct span *rdata, struct provider_job *job,
		       uint64_t flags, struct span tag, struct span value);

/* JSON: a tree of the answer, a member as number, and as an id. */
const struct jtree *provider_json(struct provider_job *job, struct span body);
bool provider_number(uint64_t *out, const struct jtree *value);
bool provider_text(struct span *out, const struct jtree *value);
/* A number or a text, as the text of an id. */
bool provider_id(char out[PROVIDER_ID_MAX], const struct jtree *value);
/* Gives the request what was written, as its body. */
enum rc provider_send(struct web_ask *ask, const struct jwrite *j);

#endif
