#include "certd/watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/pulse.h"
#include "io/clock.h"
#include "json/jwrite.h"

enum {
	ARENA_MAX = 16 * 1024 * 1024,
	STATUS_MAX = 256 * 1024,
};

/* What was seen of one name. */
struct seen {
	struct pins_view view;
	char differs[PINS_WHY_MAX]; /* "": it is what we wrote */
	struct sha256 set; /* of the records that govern it */
	int64_t at; /* 0: not yet */
};

struct watch {
	struct watch_options o;
	struct pulse pulse;
	pthread_t thread;
	bool is_running;
	struct vantage vantage;
	struct pins pins;
	struct seen seen[PINS_NAMES_MAX];
};

enum rc watch_new(struct watch **out, const struct watch_options *o,
		  char error[NODE_ERROR_MAX])
{
	struct watch *w = mem_new(sizeof(*w));
	enum rc rc;

	w->o = *o;
	pulse_init(&w->pulse);
	rc = vantage_open(&w->vantage, &o->config->dns, error);
	if (rc) {
		watch_free(w);
		return rc;
	}
	*out = w;
	return RC_OK;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	if (w->is_running) {
		pulse_stop(&w->pulse);
		(void)pthread_join(w->thread, NULL);
	}
	vantage_close(&w->vantage);
	pulse_fini(&w->pulse);
	free(w);
}

/* ---- one name ---- */

static void say_drift(char out[PINS_WHY_MAX], const struct wanted_drift *d)
{
	char text[256] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	if (d->extra_count)
		caa_write_text(&w, d->extra[0]);
	else if (d->missing_count)
		wanted_text(&w, d->missing[0]);
	text[w.over ? 0 : w.n] = '\0';
	(void)snprintf(out, PINS_WHY_MAX,
		       "%zu records are missing and %zu are not ours%s%s",
		       d->missing_count, d->extra_count, text[0] ? ": " : "",
		       text);
}

/* How the set at the name itself differs from what was written. */
static void compare(struct watch *w, struct seen *s,
		    const struct pins_name *name, struct arena *arena)
{
	AUTO(mem_auto_free)
	struct climbing_views *views = mem_new(sizeof(*views));
	struct wanted_drift drift;
	struct wanted wanted;
	struct dns_name n;
	size_t unknown;

	s->differs[0] = '\0';
	/* What cannot be looked up is the view's to say. */
	if (dns_name_parse(&n, span_str(name->text)) ||
	    pins_wanted(&wanted, arena, &w->pins, name) ||
	    climbing_views(views, w->vantage.of, w->vantage.count, arena, &n))
		return;
	s->view.disagree = s->view.disagree || views->disagree;
	if (climbing_drift(&drift, &unknown, views, &wanted))
		say_drift(s->differs, &drift);
}

static void raise(struct watch *w, const char *name, const struct seen *s)
{
	const struct pins_view *v = &s->view;
	struct alarm *a = w->o.alarm;

	alarm_set(a, v->state == PINS_DRIFTED || v->state == PINS_BLOCKED,
		  "caa_drifted", name, v->why);
	alarm_set(a, v->state == PINS_UNKNOWN, "caa_not_seen", name, v->why);
	alarm_set(a, v->state == PINS_ABOVE, "caa_above_open", name, v->why);
	alarm_set(a, s->differs[0], "caa_changed", name, s->differs);
	alarm_set(a, v->disagree, "caa_disagree", name,
		  "resolvers see different CAA records");
}

/* True: it is not as it was at the look before. */
static bool look_at(struct watch *w, size_t k)
{
	const struct pins_name *name = &w->pins.names[k];
	struct seen *s = &w->seen[k], before = *s;
	struct climb climb = { 0 };
	AUTO(arena_fini)
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	pins_look(&s->view, &climb, &w->pins, name, &w->vantage, &arena);
	compare(w, s, name, &arena);
	pins_hash(&s->set, &climb, name, &arena);
	s->at = clock_unix_s();
	since_saw(w->o.since, name->text, s->view.state, s->at);
	raise(w, name->text, s);
	return before.at &&
	       (before.view.state != s->view.state ||
		!span_equal(SPAN_ARRAY(before.set.b), SPAN_ARRAY(s->set.b)));
}

/* ---- all of them ---- */

static void write_ascii(struct jwrite *j, const char *key, const char *text)
{
	char safe[PINS_WHY_MAX];
	size_t n = 0;

	for (; *text && n < sizeof(safe); text++)
		safe[n++] = *text < ' ' || *text > '~' ? '?' : *text;
	jwrite_text(j, key, span_of(safe, n));
}

static void report(struct watch *w)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct jwrite j;

	buf_init(&json, STATUS_MAX);
	j = jwrite_to(&json);
	jwrite_array(&j, NULL);
	for (size_t k = 0; k < w->pins.name_count; k++) {
		const struct seen *s = &w->seen[k];

		jwrite_object(&j, NULL);
		jwrite_str(&j, "name", w->pins.names[k].text);
		jwrite_str(&j, "state", pins_state_name(s->view.state));
		jwrite_str(&j, "trust", dns_trust_name(s->view.trust));
		jwrite_bool(&j, "disagree", s->view.disagree);
		write_ascii(&j, "why", s->view.why);
		write_ascii(&j, "differs", s->differs);
		jwrite_hex(&j, "set_sha256", SPAN_ARRAY(s->set.b));
		jwrite_utc(&j, "at", s->at);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	if (jwrite_done(&j))
		shelf_put_status(w->o.shelf, "caa_watch", buf_span(&json));
}

/* What evidence has to say of all names now. */
static bool is_news(struct watch *w)
{
	AUTO(mem_auto_free)
	struct sighting_caa *all = mem_new_array(PINS_NAMES_MAX, sizeof(*all));

	for (size_t k = 0; k < w->pins.name_count; k++) {
		const struct seen *s = &w->seen[k];

		(void)snprintf(all[k].name, sizeof(all[k].name), "%s",
			       w->pins.names[k].text);
		all[k].set = s->set;
		all[k].is_exclusive = s->view.state == PINS_HELD;
	}
	return sightings_caa_seen(w->o.sightings, all, w->pins.name_count);
}

static void look(struct watch *w)
{
	char error[NODE_ERROR_MAX] = "";

	/* Before they are written they are not as we want them. */
	if (!issuer_pins(w->o.issuer, &w->pins) ||
	    !issuer_is_pinned(w->o.issuer))
		return;
	if (vantage_refresh(&w->vantage, error)) {
		log_event(w->o.log, LOG_ERROR, "caa_not_watched",
			  LSTR("why", error));
		return;
	}
	for (size_t k = 0; k < w->pins.name_count; k++) {
		if (pulse_is_stopping(&w->pulse))
			return;
		if (look_at(w, k))
			audit_event(w->o.audit, "caa_seen_changed",
				    { "name",
				      span_str(w->pins.names[k].text) });
	}
	report(w);
	if (is_news(w))
		issuer_ask(w->o.issuer, ISSUER_ROUND);
}

static void *run(void *arg)
{
	struct watch *w = arg;
	int64_t every = (int64_t)w->o.config->caa.watch_ms;

	while (pulse_wait(&w->pulse, clock_unix_ms() + every))
		look(w);
	return NULL;
}

enum rc watch_start(struct watch *w)
{
	if (!w->o.config->caa.pin)
		return RC_OK;
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		return RC_SYS;
	w->is_running = true;
	return RC_OK;
}
