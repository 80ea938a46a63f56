#include "certd/alarm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/runner.h"
#include "io/clock.h"
#include "json/jwrite.h"

/* Has a place of its own, the last. */
static const char TOO_MANY[] = "alarm_too_many";

struct raised {
	const char *kind;
	char about[ALARM_ABOUT_MAX], text[ALARM_TEXT_MAX];
	int64_t since;
};

struct alarm {
	pthread_mutex_t lock;
	const struct log *log;
	struct audit *audit;
	struct runner *runner;
	struct raised at[ALARM_MAX];
	size_t count;
};

struct alarm *alarm_new(const struct log *log, struct audit *audit,
			struct runner *runner)
{
	struct alarm *a = mem_new(sizeof(*a));

	(void)pthread_mutex_init(&a->lock, NULL); /* cannot fail here */
	a->log = log;
	a->audit = audit;
	a->runner = runner;
	return a;
}

void alarm_free(struct alarm *a)
{
	if (!a)
		return;
	(void)pthread_mutex_destroy(&a->lock); /* nobody holds it */
	free(a);
}

static struct raised *find(struct alarm *a, const char *kind, const char *about)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i].kind, kind) == 0 &&
		    strcmp(a->at[i].about, about) == 0)
			return &a->at[i];
	return NULL;
}

static bool has_room(const struct alarm *a, const char *kind)
{
	return a->count < (kind == TOO_MANY ? ALARM_MAX : ALARM_MAX - 1);
}

static void write_line(struct alarm *a, enum log_level level,
		       const char *moment, const char *kind, const char *about,
		       const char *text)
{
	log_event(a->log, level, "alarm", LSTR("moment", moment),
		  LSTR("kind", kind), LSTR("about", about),
		  LSTR("why", text));
}

static void tell(struct alarm *a, enum log_level level, const char *moment,
		 const char *kind, const char *about, const char *text)
{
	write_line(a, level, moment, kind, about, text);
	audit_event(a->audit, "alarm", { "moment", span_str(moment) },
		    { "kind", span_str(kind) }, { "about", span_str(about) },
		    { "why", span_str(text) });
	if (a->runner) {
		const char *const words[] = { moment, kind, about, text, NULL };

		runner_start(a->runner, RUNNER_ALARM, words);
	}
}

/* It is not remembered, and so comes again each round: nobody is called. */
static void turn_away(struct alarm *a, const char *kind, const char *about,
		      const char *text)
{
	write_line(a, LOG_ERROR, "no_room", kind, about, text);
	if (kind != TOO_MANY) /* raised twice is raised once */
		alarm_raise(a, TOO_MANY, "", "the others are in the log alone");
}

void alarm_raise(struct alarm *a, const char *kind, const char *about,
		 const char *text)
{
	struct raised *r;
	bool is_new;

	(void)pthread_mutex_lock(&a->lock); /* cannot fail: not recursive */
	r = find(a, kind, about);
	is_new = !r && has_room(a, kind);
	if (is_new) {
		r = &a->at[a->count++];
		*r = (struct raised){ .kind = kind, .since = clock_unix_s() };
		(void)snprintf(r->about, sizeof(r->about), "%s", about);
	}
	if (r)
		(void)snprintf(r->text, sizeof(r->text), "%s", text);
	(void)pthread_mutex_unlock(&a->lock); /* we hold it */
	if (is_new)
		tell(a, LOG_ERROR, "raised", kind, about, text);
	else if (!r)
		turn_away(a, kind, about, text);
}

void alarm_over(struct alarm *a, const char *kind, const char *about)
{
	struct raised *r;

	(void)pthread_mutex_lock(&a->lock);
	r = find(a, kind, about);
	if (r)
		*r = a->at[--a->count];
	(void)pthread_mutex_unlock(&a->lock);
	if (!r)
		return;
	tell(a, LOG_INFO, "over", kind, about, "");
	if (kind != TOO_MANY) /* there is room now */
		alarm_over(a, TOO_MANY, "");
}

void alarm_set(struct alarm *a, bool is_raised, const char *kind,
	       const char *about, const char *text)
{
	if (is_raised)
		alarm_raise(a, kind, about, text);
	else
		alarm_over(a, kind, about);
}

size_t alarm_count(struct alarm *a)
{
	size_t n;

	(void)pthread_mutex_lock(&a->lock);
	n = a->count;
	(void)pthread_mutex_unlock(&a->lock);
	return n;
}

size_t alarm_count_of(struct alarm *a, const char *kind)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->count; i++)
		n += strcmp(a->at[i].kind, kind) == 0;
	(void)pthread_mutex_unlock(&a->lock);
	return n;
}

static void write_ascii(struct jwrite *j, const char *key, const char *text)
{
	char safe[ALARM_TEXT_MAX];
	size_t n = 0;

	for (; *text && n < sizeof(safe) - 1; text++)
		safe[n++] = *text < ' ' || *text > '~' ? '?' : *text;
	jwrite_text(j, key, span_of(safe, n));
}

enum rc alarm_write(struct alarm *a, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	(void)pthread_mutex_lock(&a->lock);
	jwrite_array(&j, NULL);
	for (size_t i = 0; i < a->count; i++) {
		jwrite_object(&j, NULL);
		jwrite_str(&j, "kind", a->at[i].kind);
		write_ascii(&j, "about", a->at[i].about);
		write_ascii(&j, "text", a->at[i].text);
		jwrite_utc(&j, "since", a->at[i].since);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	(void)pthread_mutex_unlock(&a->lock);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}
