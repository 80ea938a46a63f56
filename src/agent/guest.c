#include "agent/guest.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "guest/desk.h"
#include "http/server.h"
#include "io/clock.h"
#include "io/file.h"
#include "json/jwrite.h"

enum {
	PATH_TEXT_MAX = 400,
	EVENT_NAME_MAX = 129, /* with a NUL */
	SOCKET_MODE = 0666, /* a container's users are whoever they are */
	CONNECTIONS_MAX = 32,
	WAITING_MAX = 4, /* quotes and events of one container */
	RATE_PER_S = 50,
	RATE_BURST = 100,
	SLOW_PER_S = 2, /* quotes and events */
	SLOW_BURST = 20,
};

static const char *const mounts[] = {
	"/run/postern.sock",
	"/var/run/dstack.sock",
	"/var/run/tappd.sock",
};

/* A bucket of tokens, in thousandths. */
struct rate {
	uint64_t at_ms, tokens;
};

/* One container's way in. */
struct door {
	struct guest *guest;
	const struct guest_container *who;
	char folder[PATH_TEXT_MAX], path[PATH_TEXT_MAX];
	struct http_server *server;
	struct rate all, slow;
	unsigned waiting;
};

/* A quote or an event that is asked for. */
struct job {
	struct job *next; /* of those there are */
	struct job *next_todo;
	struct door *door;
	struct desk *desk;
	enum desk_step step;
	struct http_answer *answer; /* NULL: nobody waits any more */
	/* by the thread */
	enum rc rc;
	struct buf quote, log;
	struct sha384 rtmr3;
};

struct guest {
	struct guest_options o;
	char folder[PATH_TEXT_MAX];
	struct door doors[GUEST_CONTAINERS_MAX];
	size_t door_count;
	struct key32 root;
	bool has_root;
	struct desk_registers registers;
	struct buf log; /* of the loop's thread */
	struct guest_counts counts;
	struct job *jobs;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	struct job *todo;
	bool is_ending;
};

/* ---- limits ---- */

static bool take_token(struct rate *r, uint64_t now_ms, unsigned per_s,
		       unsigned burst)
{
	uint64_t max = (uint64_t)burst * 1000;
	uint64_t passed = now_ms - r->at_ms;

	if (!r->at_ms || passed >= max)
		r->tokens = max;
	else
		r->tokens += passed * per_s;
	if (r->tokens > max)
		r->tokens = max;
	r->at_ms = now_ms;
	if (r->tokens < 1000)
		return false;
	r->tokens -= 1000;
	return true;
}

static bool is_too_much(struct door *d, bool is_slow)
{
	uint64_t now_ms = loop_now_ms(d->guest->o.loop);

	if (!is_slow)
		return !take_token(&d->all, now_ms, RATE_PER_S, RATE_BURST);
	return d->waiting >= WAITING_MAX ||
	       !take_token(&d->slow, now_ms, SLOW_PER_S, SLOW_BURST);
}

static void say_too_much(struct door *d, struct desk_answer *a,
			 struct http_answer *answer)
{
	d->guest->counts.too_many++;
	desk_refuse(a, 429, "too many requests: try again in a second");
	answer->retry_after_s = 1;
}

static void answer_wipe(struct desk_answer *a)
{
	buf_wipe(&a->body); /* it may hold a key */
}

/* ---- the thread ---- */

static void do_job(struct guest *g, struct job *j)
{
	struct span name, payload;
	char event[EVENT_NAME_MAX] = "";

	if (j->step == DESK_QUOTE) {
		j->rc = measured_quote_with_log(g->o.measured, &j->quote,
						&j->log,
						desk_report_data(j->desk));
		return;
	}
	desk_event(j->desk, &name, &payload);
	if (name.n >= sizeof(event)) {
		j->rc = RC_MALFORMED;
		return;
	}
	memcpy(event, name.p, name.n);
	j->rc = measured_extend(g->o.measured, event, payload, &j->rtmr3,
				&j->log);
}

static void finish(void *arg);

/* The first job there is; NULL: the end. */
static struct job *next_job(struct guest *g)
{
	struct job *j = NULL;

	pthread_mutex_lock(&g->lock);
	while (!g->todo && !g->is_ending)
		pthread_cond_wait(&g->changed, &g->lock);
	if (!g->is_ending) {
		j = g->todo;
		g->todo = j->next_todo;
	}
	pthread_mutex_unlock(&g->lock);
	return j;
}

static void *work(void *arg)
{
	struct guest *g = arg;
	struct job *j;

	while ((j = next_job(g))) {
		do_job(g, j);
		loop_post(g->o.loop, finish, j);
	}
	return NULL;
}

/* ---- jobs, in the loop's thread ---- */

static void free_job(struct job *j)
{
	desk_free(j->desk);
	buf_fini(&j->quote);
	buf_fini(&j->log);
	free(j);
}

static void forget_job(struct guest *g, struct job *j)
{
	for (struct job **at = &g->jobs; *at; at = &(*at)->next) {
		if (*at != j)
			continue;
		*at = j->next;
		break;
	}
	free_job(j);
}

static struct desk_world world_of(const struct guest *g, struct span log)
{
	const struct identity *id = g->o.identity;
	struct desk_world w = {
		.manifest = &id->manifest,
		.manifest_bytes = buf_span(&id->manifest_bytes),
		.root = g->has_root ? &g->root : NULL,
		.provider = g->has_root ? g->o.keys->name : "none",
		.registers = &g->registers,
		.event_log = log,
		.now_s = clock_unix_ms() / 1000,
		.version = NODE_VERSION,
		.is_simulated = g->o.is_simulated,
	};

	memcpy(w.instance_id, id->instance_id, sizeof(w.instance_id));
	return w;
}

/* What info says from now on. */
static void note_event(struct guest *g, const struct job *j)
{
	memcpy(g->registers.rtmr[EVENTLOG_RTMR], j->rtmr3.b,
	       sizeof(j->rtmr3.b));
	buf_reset(&g->log);
	/* Both have the same bound. */
	(void)!buf_add(&g->log, buf_span(&j->log));
}

static void put(struct guest *g, struct http_answer *to,
		const struct desk_answer *a)
{
	to->status = a->status;
	if (!buf_add(&to->body, buf_span(&a->body)))
		to->status = 500;
	g->counts.answered++;
	g->counts.not_allowed += a->status == 403;
}

static void finish(void *arg)
{
	struct job *j = arg;
	struct guest *g = j->door->guest;
	AUTO(answer_wipe)
	struct desk_answer a = { .status = 200 };
	const struct desk_world w = world_of(g, buf_span(&j->log));

	j->door->waiting--;
	if (j->step == DESK_EVENT && !j->rc)
		note_event(g, j);
	if (j->answer) {
		buf_init(&a.body, HTTP_ANSWER_MAX);
		desk_end(j->desk, &a, &w, j->rc, buf_span(&j->quote));
		put(g, j->answer, &a);
		http_answer_send(j->answer);
	}
	if (j->rc)
		log_event(g->o.log, LOG_WARN, "guest_failed",
			  LSTR("container", j->door->who->name),
			  LSTR("what",
			       j->step == DESK_QUOTE ? "quote" : "event"),
			  LSTR("why", rc_name(j->rc)));
	forget_job(g, j);
}

static void on_gone(void *arg)
{
	struct job *j = arg;

	j->answer = NULL;
}

static void add_job(struct door *d, struct desk *desk, enum desk_step step,
		    const struct http_request *request)
{
	struct guest *g = d->guest;
	struct job *j = mem_new(sizeof(*j));
	struct job **last;

	*j = (struct job){ .door = d, .desk = desk, .step = step };
	buf_init(&j->quote, QUOTE_MAX);
	buf_init(&j->log, EVENTLOG_MAX);
	j->answer = http_answer_later(request, on_gone, j);
	j->next = g->jobs;
	g->jobs = j;
	d->waiting++;
	pthread_mutex_lock(&g->lock);
	for (last = &g->todo; *last; last = &(*last)->next_todo)
		;
	*last = j;
	pthread_cond_signal(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static void handle(void *arg, const struct http_request *request,
		   struct http_answer *answer)
{
	struct door *d = arg;
	struct guest *g = d->guest;
	const struct desk_request r = { request->method, request->path,
					request->body };
	const struct desk_world w = world_of(g, buf_span(&g->log));
	AUTO(answer_wipe)
	struct desk_answer a = { .status = 200 };
	struct desk *desk = NULL;
	enum desk_step step;

	buf_init(&a.body, HTTP_ANSWER_MAX);
	if (is_too_much(d, false)) {
		say_too_much(d, &a, answer);
		put(g, answer, &a);
		return;
	}
	step = desk_ask(&desk, &a, &w, d->who, &r);
	if (step != DESK_ANSWERED && !is_too_much(d, true)) {
		add_job(d, desk, step, request);
		return;
	}
	if (step != DESK_ANSWERED) {
		desk_free(desk);
		say_too_much(d, &a, answer);
	}
	put(g, answer, &a);
}

/* ---- the start ---- */

static enum rc make_folder(struct guest *g, char error[NODE_ERROR_MAX])
{
	char parent[PATH_TEXT_MAX];
	char *slash;
	int n = snprintf(parent, sizeof(parent), "%s", g->o.status);

	slash = n < (int)sizeof(parent) ? strrchr(parent, '/') : NULL;
	if (slash)
		*slash = '\0';
	n = snprintf(g->folder, sizeof(g->folder), "%.340s/guest.XXXXXX",
		     slash ? parent : ".");
	if (n >= (int)sizeof(g->folder) ||
	    (slash && slash > parent && file_make_dirs(parent, 0755)) ||
	    !mkdtemp(g->folder)) {
		error_set(error, "folder of the guest API %s: %s", g->folder,
			  strerror(errno));
		g->folder[0] = '\0';
		return RC_SYS;
	}
	return RC_OK;
}

static enum rc open_door(struct guest *g, const struct guest_container *who,
			 char error[NODE_ERROR_MAX])
{
	struct door *d = &g->doors[g->door_count];
	char folder[PATH_TEXT_MAX], path[PATH_TEXT_MAX];
	enum rc rc;

	(void)snprintf(folder, sizeof(folder), "%.330s/%.63s", g->folder,
		       who->name);
	(void)snprintf(path, sizeof(path), "%.390s/s", folder);
	*d = (struct door){ .guest = g, .who = who };
	memcpy(d->folder, folder, sizeof(folder));
	memcpy(d->path, path, sizeof(path));
	rc = file_make_dirs(folder, 0700);
	if (!rc)
		rc = http_server_new_hostless(&d->server, g->o.loop, path,
					      SOCKET_MODE, handle, d);
	if (!rc) {
		g->door_count++;
		rc = http_server_limit(d->server, CONNECTIONS_MAX);
	}
	if (rc)
		error_set(error, "guest API of %s: %s: %s", who->name, path,
			  strerror(errno));
	return rc;
}

static enum rc learn_registers(struct guest *g, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf quote = { 0 };
	struct sha512 report_data;
	enum rc rc;

	buf_init(&quote, QUOTE_MAX);
	sha512_of(&report_data, span_str("postern/self-check/v1"));
	rc = measured_quote_with_log(g->o.measured, &quote, &g->log,
				     report_data.b);
	if (!rc && !desk_registers_of(&g->registers, buf_span(&quote)))
		rc = RC_MALFORMED;
	if (rc)
		error_set(error, "guest API: own quote: %s", rc_name(rc));
	return rc;
}

/*
 * Where there is no key for this app the rest of the API is still of use.  A
 * provider that is away is another matter: it is asked at the start alone, so
 * the app would be without keys long after it came back.
 */
static enum rc get_root(struct guest *g, char error[NODE_ERROR_MAX])
{
	char why[NODE_ERROR_MAX] = "";
	enum rc rc = g->o.keys->get(g->o.keys->arg, &g->root, "app/guest",
				    why);

	g->has_root = rc == RC_OK;
	if (rc == RC_CLOSED || rc == RC_LIMIT) {
		error_set(error, "guest API: %s", why);
		return rc;
	}
	if (rc)
		log_event(g->o.log, LOG_WARN, "guest_without_keys",
			  LSTR("why", why));
	return RC_OK;
}

static enum rc open_all(struct guest *g, char error[NODE_ERROR_MAX])
{
	const struct manifest_guest *m = g->o.identity->manifest.guest;
	enum rc rc = make_folder(g, error);

	if (!rc)
		rc = learn_registers(g, error);
	if (!rc)
		rc = get_root(g, error);
	for (size_t i = 0; !rc && i < m->container_count; i++)
		rc = open_door(g, &m->containers[i], error);
	if (!rc && pthread_create(&g->thread, NULL, work, g)) {
		error_set(error, "guest API: no thread");
		rc = RC_SYS;
	}
	g->has_thread = !rc;
	return rc;
}

enum rc guest_new(struct guest **out, const struct guest_options *options,
		  char error[NODE_ERROR_MAX])
{
	struct guest *g = mem_new(sizeof(*g));
	enum rc rc;

	g->o = *options;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	buf_init(&g->log, EVENTLOG_MAX);
	rc = open_all(g, error);
	if (rc) {
		guest_free(g);
		return rc;
	}
	log_event(g->o.log, LOG_INFO, "guest_api",
		  LU64("containers", g->door_count),
		  LSTR("keys", g->has_root ? g->o.keys->name : "none"));
	*out = g;
	return RC_OK;
}

static void end_thread(struct guest *g)
{
	pthread_mutex_lock(&g->lock);
	g->is_ending = true;
	pthread_cond_signal(&g->changed);
	pthread_mutex_unlock(&g->lock);
	if (g->has_thread)
		pthread_join(g->thread, NULL);
}

void guest_free(struct guest *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->door_count; i++)
		http_server_free(g->doors[i].server);
	end_thread(g);
	while (g->jobs)
		forget_job(g, g->jobs);
	/* A container may have been given a place in it; that stays. */
	for (size_t i = 0; i < g->door_count; i++)
		(void)rmdir(g->doors[i].folder);
	if (g->folder[0])
		(void)rmdir(g->folder);
	buf_fini(&g->log);
	key32_wipe(&g->root);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static void add_volume(struct jwrite *j, const char *from, const char *to)
{
	char text[PATH_TEXT_MAX + 64];

	(void)snprintf(text, sizeof(text), "%s:%s", from, to);
	jwrite_str(j, NULL, text);
}

enum rc guest_override(const struct guest *g, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	/* JSON is YAML too. */
	jwrite_object(&j, NULL);
	jwrite_object(&j, "services");
	for (size_t i = 0; i < g->door_count; i++) {
		jwrite_object(&j, g->doors[i].who->name);
		jwrite_array(&j, "volumes");
		for (size_t k = 0; k < sizeof(mounts) / sizeof(mounts[0]); k++)
			add_volume(&j, g->doors[i].path, mounts[k]);
		jwrite_end(&j);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

void guest_counts(const struct guest *g, struct guest_counts *out)
{
	*out = g->counts;
	out->container_count = g->door_count;
}
