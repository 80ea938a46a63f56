/*
 * provider: TXT and CAA records changed through the web APIs of DNS providers,
 * as one kind of job for all of them.  Pure: it makes requests and reads their
 * answers (web/exchange.h), somebody else performs them:
 *
 *	provider_job_init(&job, &arena, &settings, &want);
 *	while (provider_job_ask(&job, &ask, now) == PROVIDER_ASK)
 *		... perform 'ask' ...
 *		provider_job_answer(&job, &answer);
 *
 * A job finds the zone (the longest one that holds the name, label by label,
 * over all pages), reads what is there, and makes the changes that are missing;
 * run again it makes none.  What a provider says it wrote is not what it
 * serves: check that at its name servers (resolve/authority.h).
 *
 * A set is replaced in one request where the API can (Route 53, Hetzner,
 * deSEC); where it cannot (Cloudflare, DigitalOcean, Linode) new records come
 * before old ones go, so that there is no moment without any.  None of them
 * compares and swaps, as RFC 2136 does (update.h).
 *
 * Source: each provider's API reference, named in its file.
 */
#ifndef POSTERN_DNS_PROVIDER_H
#define POSTERN_DNS_PROVIDER_H

#include "base/arena.h"
#include "dns/message.h"
#include "web/exchange.h"

enum {
	PROVIDER_ID_MAX = 128,
	PROVIDER_VALUES_MAX = 64, /* records of one set */
	PROVIDER_PAGES_MAX = 200,
	PROVIDER_POLLS_MAX = 60,
	PROVIDER_TEXT_MAX = 256, /* of what an API says of a failure */
	PROVIDER_ANSWER_MAX = 4 * 1024 * 1024,
};

enum provider_kind {
	PROVIDER_CLOUDFLARE,
	PROVIDER_ROUTE53,
	PROVIDER_DIGITALOCEAN,
	PROVIDER_LINODE,
	PROVIDER_HETZNER,
	PROVIDER_DESEC,
	PROVIDER_KINDS,
};
/* "cloudflare", "route53", ... */
const char *provider_name(enum provider_kind k);
bool provider_by_name(enum provider_kind *out, struct span name);

/* Borrowed while a job runs.  Secrets are the caller's to wipe, and so are the
 * requests, which hold them. */
struct provider_settings {
	enum provider_kind kind;
	struct span base_url; /* empty: the provider's own */
	struct span token; /* all but Route 53 */
	struct span key_id, secret, session; /* Route 53; session or none */
};

enum provider_change {
	PROVIDER_ADD, /* these values, beside others */
	PROVIDER_REMOVE, /* these values, others stay */
	PROVIDER_REPLACE, /* the set is these values and no other */
};

/* What is wanted.  Values: of TXT the text, of CAA the RDATA. */
struct provider_want {
	enum provider_change change;
	struct dns_name name;
	uint16_t type; /* DNS_TXT or DNS_CAA */
	uint32_t ttl_s; /* raised to what the provider allows */
	const struct span *values;
	size_t count;
};

enum provider_state {
	PROVIDER_ASK, /* perform the request */
	PROVIDER_DONE,
	PROVIDER_FAILED,
};

enum provider_fault {
	PROVIDER_NO_FAULT,
	PROVIDER_CREDENTIALS, /* 401, 403 */
	PROVIDER_NO_ZONE, /* no zone of the account holds the name */
	PROVIDER_BUSY, /* 429 or 503: retry_after_s, 0 if it does not say */
	PROVIDER_REFUSED, /* another 4xx */
	PROVIDER_ERROR, /* another status */
	PROVIDER_FORM, /* the answer is not of its form, or too much */
	PROVIDER_CANNOT, /* not with this API: flags of a CAA record, ... */
	PROVIDER_SLOW, /* not in effect after PROVIDER_POLLS_MAX looks */
};
const char *provider_fault_name(enum provider_fault f);

struct provider_failure {
	enum provider_fault fault;
	unsigned status; /* of HTTP, 0: none */
	uint32_t retry_after_s;
	char text[PROVIDER_TEXT_MAX]; /* the API's words, printable ASCII */
};

/* A record that is there: its value as in provider_want. */
struct provider_record {
	char id[PROVIDER_ID_MAX];
	struct span value;
};

enum provider_step {
	PROVIDER_STEP_ZONES,
	PROVIDER_STEP_READ,
	PROVIDER_STEP_WRITE,
	PROVIDER_STEP_POLL,
	PROVIDER_STEP_END,
};

/* Its fields are for the providers' files. */
struct provider_job {
	struct arena *arena;
	const struct provider_settings *settings;
	const struct provider_want *want;
	enum provider_step step;
	unsigned page; /* 1.. */
	char marker[PROVIDER_ID_MAX]; /* where an API pages by a word */
	bool has_zone;
	struct dns_name zone;
	char zone_id[PROVIDER_ID_MAX];
	struct provider_record there[PROVIDER_VALUES_MAX];
	size_t there_count;
	bool set_exists;
	uint32_t set_ttl;
	/* What is to be done: values to make, then records to take away; for
	 * APIs of sets 'make' is the whole set. */
	struct span make[PROVIDER_VALUES_MAX];
	const struct provider_record *take[PROVIDER_VALUES_MAX];
	size_t make_count, take_count, done;
	char change_id[PROVIDER_ID_MAX];
	struct provider_failure failure;
};

/*
 * RC_UNSUPPORTED  a type other than TXT and CAA
 * RC_MALFORMED    CAA RDATA that is none, a base URL that is none, no
 *                 credentials
 * RC_LIMIT        over PROVIDER_VALUES_MAX
 *
 * The arena, settings and want outlive the job.
 */
enum rc provider_job_init(struct provider_job *job, struct arena *arena,
			  const struct provider_settings *settings,
			  const struct provider_want *want);
/* Makes the next request, when it is PROVIDER_ASK.  'now' in seconds. */
enum provider_state provider_job_ask(struct provider_job *job,
				     struct web_ask *ask, int64_t now);
/* Reads the answer to the last one. */
void provider_job_answer(struct provider_job *job,
			 const struct web_answer *answer);

#endif
