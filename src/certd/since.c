#include "certd/since.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

#define PURPOSE "pinned-since"

struct since {
	const struct log *log;
	struct custody *custody;
	pthread_mutex_t lock;
	struct pinbook book;
	bool is_unsealed;
};

/* Where it fails, the next look tries again. */
static void keep(struct since *s)
{
	AUTO(buf_fini)
	struct buf json = { 0 };

	buf_init(&json, PINBOOK_STATE_MAX);
	s->is_unsealed = pinbook_write(&json, &s->book) ||
			 custody_put(s->custody, PURPOSE, buf_span(&json));
	if (s->is_unsealed)
		log_event(s->log, LOG_ERROR, "pinned_since_not_sealed");
}

static enum rc name_names(struct pins *p, const struct config *config,
			  char error[NODE_ERROR_MAX])
{
	const struct config_certificate *all = config->certificates.items;

	for (size_t i = 0; i < config->certificates.count; i++)
		if (pins_add_names(p, &all[i].names)) {
			error_set(error, "too many names");
			return RC_LIMIT;
		}
	return RC_OK;
}

static enum rc load(struct since *s, bool *is_there,
		    char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	enum seal_reason reason;

	buf_init(&json, PINBOOK_STATE_MAX);
	reason = custody_get(s->custody, PURPOSE, &json);
	if (!reason && pinbook_read(&s->book, buf_span(&json)))
		reason = (enum seal_reason)FORM_MALFORMED;
	*is_there = reason != SEAL_ABSENT;
	if (!reason || reason == SEAL_ABSENT)
		return RC_OK;
	error_set(error, PURPOSE ": %s", seal_reason_name(reason));
	return RC_DENIED;
}

enum rc since_open(struct since **out, const struct config *config,
		   const struct log *log, struct custody *custody,
		   char error[NODE_ERROR_MAX])
{
	AUTO(mem_auto_free)
	struct pins *p = mem_new(sizeof(*p));
	struct since *s = mem_new(sizeof(*s));
	bool is_there = false;
	enum rc rc;

	s->log = log;
	s->custody = custody;
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail here */
	rc = name_names(p, config, error);
	if (!rc)
		rc = load(s, &is_there, error);
	if (rc) {
		since_close(s);
		return rc;
	}
	pinbook_begin(&s->book, p, is_there ? 0 : custody_begun_at(custody));
	*out = s;
	return RC_OK;
}

void since_close(struct since *s)
{
	if (!s)
		return;
	(void)pthread_mutex_destroy(&s->lock); /* nobody holds it */
	free(s);
}

void since_saw(struct since *s, const char *name, enum pins_state state,
	       int64_t now)
{
	(void)pthread_mutex_lock(&s->lock); /* cannot fail: not recursive */
	if (pinbook_saw(&s->book, name, state, now) || s->is_unsealed)
		keep(s);
	(void)pthread_mutex_unlock(&s->lock); /* we hold it */
}

void since_book(struct since *s, struct pinbook *out)
{
	(void)pthread_mutex_lock(&s->lock);
	*out = s->book;
	(void)pthread_mutex_unlock(&s->lock);
}
