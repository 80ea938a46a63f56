#include "node/identity.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "channel/session.h"
#include "crypto/rng.h"
#include "io/file.h"
#include "node/error.h"
#include "tee/eventlog.h"
#include "tee/quote.h"

#define OTHER_EVENTS \
	"RTMR3 of this TD holds other events than this manifest and instance " \
	"seed give: the state folder is another instance's, or something " \
	"else extends RTMR3; the TD must be launched anew"
#define OTHER_MANIFEST \
	"the manifest is not the one this TD was launched with: its hash is " \
	"not in MRCONFIGID"

enum {
	PATH_MAX_LEN = 4096,
	SEED_FILE_LEN = 2 * IDENTITY_SEED_LEN + 1,
};

static enum rc read_manifest(struct identity *id, const char *path,
			     char error[NODE_ERROR_MAX])
{
	char why[MANIFEST_ERROR_MAX] = "";
	enum rc rc = file_read(&id->manifest_bytes, path);

	if (rc) {
		error_set(error, "manifest %s: %s", path,
			  file_why(rc));
		return rc;
	}
	rc = manifest_read(&id->manifest, buf_span(&id->manifest_bytes), why);
	if (rc)
		error_set(error, "manifest %s: %s", path, why);
	return rc;
}

void identity_instance_id(uint8_t out[MANIFEST_ID_LEN],
			  const uint8_t seed[IDENTITY_SEED_LEN],
			  const uint8_t app_id[MANIFEST_ID_LEN])
{
	const struct span parts[2] = { span_of(seed, IDENTITY_SEED_LEN),
				       span_of(app_id, MANIFEST_ID_LEN) };
	struct sha256 h;

	sha256_parts(&h, parts, 2);
	memcpy(out, h.b, MANIFEST_ID_LEN);
}

static enum rc make_seed(struct key32 *seed, const char *path,
			 char error[NODE_ERROR_MAX])
{
	char line[SEED_FILE_LEN];
	struct wr w = WR_ARRAY(line);
	enum rc rc;

	rng_bytes(seed->b, sizeof(seed->b));
	text_hex(&w, SPAN_ARRAY(seed->b));
	wr_str(&w, "\n");
	rc = file_replace(path, wr_span(&w), 0600);
	secret_wipe(line, sizeof(line));
	if (rc == RC_OK)
		return RC_OK;
	error_set(error, "instance seed %s: %s", path, strerror(errno));
	return RC_SYS;
}

/* A file that is there but is not a seed is an error, not a reason to become
 * somebody else: the addresses of this instance hang on it. */
static enum rc read_seed(struct key32 *seed, const char *path,
			 char error[NODE_ERROR_MAX])
{
	AUTO(buf_wipe)
	struct buf text;
	struct span rest, hex;
	enum rc rc;

	buf_init(&text, SEED_FILE_LEN);
	rc = file_read(&text, path);
	if (rc == RC_SYS && errno == ENOENT)
		return make_seed(seed, path, error);
	rest = buf_span(&text);
	if (!rc && rd_n(&rest, &hex, 2 * IDENTITY_SEED_LEN) &&
	    span_equal_str(rest, "\n") &&
	    text_hex_decode(seed->b, sizeof(seed->b), hex))
		return RC_OK;
	error_set(error, "instance seed %s: %s", path,
		  rc ? file_why(rc) : "expected 64 hex digits, newline");
	return rc ? rc : RC_MALFORMED;
}

/* Waits: another program of this TD holds it while it makes the seed or
 * extends events, for about as long as a quote takes. */
static enum rc lock_state(int *fd, const char *state,
			  char error[NODE_ERROR_MAX])
{
	char path[PATH_MAX_LEN];
	int got;

	if (file_make_dirs(state, 0700) != RC_OK) {
		error_set(error, "state folder %s: %s", state,
			  strerror(errno));
		return RC_SYS;
	}
	if (snprintf(path, sizeof(path), "%s/instance-lock", state) >=
	    (int)sizeof(path)) {
		error_set(error, "state folder: path too long");
		return RC_LIMIT;
	}
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	do
		got = *fd < 0 ? -1 : flock(*fd, LOCK_EX);
	while (got != 0 && *fd >= 0 && errno == EINTR);
	if (got == 0)
		return RC_OK;
	error_set(error, "%s: %s", path, strerror(errno));
	return RC_SYS;
}

static enum rc find_instance_id(struct identity *id, const char *state,
				char error[NODE_ERROR_MAX])
{
	AUTO(key32_wipe)
	struct key32 seed = { 0 };
	char path[PATH_MAX_LEN];
	enum rc rc;

	static_assert(sizeof(seed.b) == IDENTITY_SEED_LEN);
	if (snprintf(path, sizeof(path), "%s/" IDENTITY_SEED_FILE, state) >=
	    (int)sizeof(path)) {
		error_set(error, "state folder: path too long");
		return RC_LIMIT;
	}
	rc = read_seed(&seed, path, error);
	if (!rc)
		identity_instance_id(id->instance_id, seed.b,
				     id->manifest.lineage);
	return rc;
}

/* What this TD says of itself, from a quote nobody else is shown. */
static enum rc read_own_registers(struct quote_source *source,
				  uint8_t config_id[QUOTE_MR_LEN],
				  struct sha384 *rtmr3,
				  char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf bytes;
	struct sha512 report_data;
	struct quote quote;
	enum tee_reason reason;
	enum rc rc;

	sha512_of(&report_data, span_str("postern/self-check/v1"));
	buf_init(&bytes, QUOTE_MAX);
	rc = quote_source_get(source, &bytes, report_data.b);
	if (rc) {
		error_set(error, "no quote from %s: %s",
			  quote_source_name(source), rc_name(rc));
		return rc;
	}
	reason = quote_parse(&quote, buf_span(&bytes));
	if (!reason && quote.tee != QUOTE_TDX)
		reason = TEE_QUOTE_TEE_TYPE;
	if (reason) {
		error_set(error, "own quote: %s", tee_reason_name(reason));
		return RC_MALFORMED;
	}
	memcpy(config_id, quote.td.mr_config_id.p, QUOTE_MR_LEN);
	memcpy(rtmr3->b, quote.td.rtmr[EVENTLOG_RTMR].p, sizeof(rtmr3->b));
	return RC_OK;
}

static enum rc make_events(struct identity *id,
			   struct sha384 digests[EVENTLOG_BOOT_COUNT])
{
	return eventlog_append_boot(&id->events, digests,
				    SPAN_ARRAY(id->manifest.lineage),
				    SPAN_ARRAY(id->manifest.hash.b),
				    SPAN_ARRAY(id->instance_id));
}

/*
 * What the app extended before a restart of ours: as many of the file's events
 * as lead from 'value' (the platform's) to the register.  The rest was written
 * down and never extended.
 */
static bool find_app_events(struct identity *id, const char *state,
			    struct sha384 *value, const struct sha384 *current)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(APPEVENTS_MAX);
	AUTO(buf_fini)
	struct buf file;
	struct span rest;
	struct sha384 digest;
	struct appevent e;

	buf_init(&file, APPEVENTS_MAX);
	if (appevents_load(&file, state))
		return false;
	rest = buf_span(&file);
	while (!ct_equal(value, current, sizeof(*value))) {
		if (!appevents_next(&e, room, &rest) ||
		    eventlog_append(&id->events, &digest, e.name, e.payload) ||
		    appevents_add(&id->app_events, &e))
			return false;
		eventlog_extend(value, &digest);
	}
	return true;
}

/* Extends those events that RTMR3 does not hold yet. */
static enum rc extend_missing(struct identity *id, struct quote_source *source,
			      const struct sha384 digests[EVENTLOG_BOOT_COUNT],
			      const struct sha384 *current, const char *state,
			      char error[NODE_ERROR_MAX])
{
	struct sha384 value = { 0 };
	size_t done = 0;
	enum rc rc;

	while (done < EVENTLOG_BOOT_COUNT &&
	       !ct_equal(&value, current, sizeof(value)))
		eventlog_extend(&value, &digests[done++]);
	if (done == EVENTLOG_BOOT_COUNT &&
	    !find_app_events(id, state, &value, current)) {
		error_set(error, "%s", OTHER_EVENTS);
		return RC_DENIED;
	}
	for (; done < EVENTLOG_BOOT_COUNT; done++) {
		rc = quote_source_extend(source, EVENTLOG_RTMR, &digests[done]);
		if (rc) {
			error_set(error, "RTMR3 cannot be extended: %s",
				  rc_name(rc));
			return rc;
		}
	}
	return RC_OK;
}

static enum rc measure(struct identity *id, struct quote_source *source,
		       const char *state, char error[NODE_ERROR_MAX])
{
	struct sha384 digests[EVENTLOG_BOOT_COUNT], current;
	uint8_t own[QUOTE_MR_LEN], want[MANIFEST_CONFIG_ID_LEN];
	enum rc rc;

	rc = read_own_registers(source, own, &current, error);
	if (rc)
		return rc;
	manifest_config_id(want, buf_span(&id->manifest_bytes));
	if (!ct_equal(own, want, sizeof(want))) {
		error_set(error, "%s", OTHER_MANIFEST);
		return RC_DENIED;
	}
	rc = make_events(id, digests);
	if (rc) {
		error_set(error, "event log: %s", rc_name(rc));
		return rc;
	}
	rc = extend_missing(id, source, digests, &current, state, error);
	if (!rc)
		rc = eventlog_text(&id->events, &id->eventlog);
	return rc;
}

/* As it was before an event that could not be extended. */
static void take_back(struct buf *b, size_t n)
{
	b->n = n;
}

enum rc identity_extend(struct identity *id, struct quote_source *source,
			const char *state, const char *event,
			struct span payload)
{
	size_t log_n = id->events.json.n, file_n = id->app_events.n;
	struct appevent e = { .payload = payload };
	struct sha384 digest;
	enum rc rc;

	if (strlen(event) < 1 || strlen(event) >= sizeof(e.name))
		return RC_MALFORMED;
	memcpy(e.name, event, strlen(event));
	rc = eventlog_append(&id->events, &digest, event, payload);
	if (!rc)
		rc = appevents_add(&id->app_events, &e);
	if (!rc)
		rc = appevents_save(state, buf_span(&id->app_events));
	if (!rc)
		rc = quote_source_extend(source, EVENTLOG_RTMR, &digest);
	if (rc) {
		take_back(&id->events.json, log_n);
		take_back(&id->app_events, file_n);
		return rc;
	}
	buf_reset(&id->eventlog);
	return eventlog_text(&id->events, &id->eventlog);
}

static enum rc make_claims(struct identity *id, const char *node,
			   char error[NODE_ERROR_MAX])
{
	struct channel_claims c = { 0 };
	enum rc rc;

	memcpy(c.app_id, id->manifest.lineage, sizeof(c.app_id));
	memcpy(c.instance_id, id->instance_id, sizeof(c.instance_id));
	c.manifest_hash = id->manifest.hash;
	snprintf(c.node_id, sizeof(c.node_id), "%s", node);
	snprintf(c.purpose, sizeof(c.purpose), "cvm-tunnel");
	snprintf(c.version, sizeof(c.version), "%s", NODE_VERSION);
	rc = channel_claims_write(&id->claims, &c);
	if (rc)
		error_set(error, "claims: %s", rc_name(rc));
	return rc;
}

enum rc identity_open(struct identity *out, const struct identity_options *o,
		      struct quote_source *source, char error[NODE_ERROR_MAX])
{
	AUTO(identity_fini)
	struct identity id = { 0 };
	AUTO(mem_auto_close)
	int lock = -1;
	enum rc rc;

	buf_init(&id.manifest_bytes, MANIFEST_MAX);
	buf_init(&id.eventlog, EVENTLOG_MAX);
	buf_init(&id.app_events, APPEVENTS_MAX);
	eventlog_init(&id.events);
	buf_init(&id.claims, CHANNEL_CLAIMS_MAX);
	rc = read_manifest(&id, o->manifest, error);
	if (!rc && !o->seed)
		rc = lock_state(&lock, o->state, error);
	if (!rc && !o->seed)
		rc = find_instance_id(&id, o->state, error);
	else if (!rc)
		identity_instance_id(id.instance_id, o->seed,
				     id.manifest.lineage);
	if (!rc)
		rc = measure(&id, source, o->state, error);
	if (!rc)
		rc = make_claims(&id, o->node, error);
	if (rc)
		return rc;
	*out = id;
	id = (struct identity){ 0 };
	return RC_OK;
}

enum rc identity_claims(struct buf *out, const struct identity *id,
			const char *purpose)
{
	struct channel_claims c;
	enum rc rc = channel_claims_read(&c, buf_span(&id->claims));

	if (rc)
		return rc;
	snprintf(c.purpose, sizeof(c.purpose), "%s", purpose);
	return channel_claims_write(out, &c);
}

enum rc identity_show_lineage(struct identity *id, const struct sha256 *mark)
{
	struct channel_claims c;
	enum rc rc = channel_claims_read(&c, buf_span(&id->claims));

	if (rc)
		return rc;
	c.has_lineage = true;
	c.lineage = *mark;
	buf_reset(&id->claims);
	return channel_claims_write(&id->claims, &c);
}

void identity_fini(struct identity *id)
{
	manifest_fini(&id->manifest);
	buf_fini(&id->manifest_bytes);
	buf_fini(&id->eventlog);
	buf_fini(&id->app_events);
	eventlog_fini(&id->events);
	buf_fini(&id->claims);
}
