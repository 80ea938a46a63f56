#include "node/door.h"

#include <sys/epoll.h>
#include <unistd.h>

enum {
	ACCEPTS_PER_TURN = 64,
	UNVERIFIED_SHARE = 4, /* of all channels, strangers' at most */
	UNVERIFIED_MIN = 16,
	LINES_BURST = 8,
	LINES_INTERVAL_MS = 1000,
};

/* ---- who is inside ---- */

static void name_source(char name[DOOR_NAME_MAX], const struct sock_addr *from)
{
	struct wr w = wr_over(name, DOOR_NAME_MAX - 1);

	if (door_source(from).n)
		sock_addr_write(&w, from);
	else
		wr_str(&w, "unix");
	name[wr_span(&w).n] = '\0';
}

void door_visit_init(struct door_visit *v, void *owner,
		     const struct sock_addr *from)
{
	*v = (struct door_visit){ .owner = owner, .from = *from };
	name_source(v->name, from);
}

void door_enter(struct door *d, struct door_visit *v)
{
	v->prev = NULL;
	v->next = d->visits;
	if (v->next)
		v->next->prev = v;
	d->visits = v;
	d->counts.channels++;
	d->counts.unverified += !v->is_verified;
	d->counts.accepted++;
}

void door_verified(struct door *d, struct door_visit *v)
{
	d->counts.unverified -= !v->is_verified;
	v->is_verified = true;
}

void door_leave(struct door *d, struct door_visit *v)
{
	if (v->prev)
		v->prev->next = v->next;
	else
		d->visits = v->next;
	if (v->next)
		v->next->prev = v->prev;
	v->next = v->prev = NULL;
	d->counts.channels--;
	d->counts.unverified -= !v->is_verified;
}

void door_end_all(struct door *d, const char *why)
{
	struct door_visit *next;

	for (struct door_visit *v = d->visits; v; v = next) {
		next = v->next;
		if (link_channel(v->link))
			channel_refuse(link_channel(v->link), CHANNEL_SHUTDOWN,
				       "");
		link_close(v->link, why);
	}
}

/* ---- coming in ---- */

struct span door_source(const struct sock_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return span_of(&a->in.sin_addr, 4);
	if (a->sa.sa_family == AF_INET6)
		return span_of(&a->in6.sin6_addr, 8);
	return (struct span){ 0 };
}

static bool is_same_source(const struct sock_addr *a, const struct sock_addr *b)
{
	struct span source = door_source(a);

	return source.n && span_equal(source, door_source(b));
}

const char *door_limit(const struct door *d, const struct sock_addr *from)
{
	const struct door_limits *max = &d->o.limits;
	size_t unverified_max = max->channels / UNVERIFIED_SHARE;
	size_t same = 0, same_unverified = 0;

	if (unverified_max < UNVERIFIED_MIN)
		unverified_max = UNVERIFIED_MIN;
	if (d->counts.channels >= max->channels)
		return "max_channels";
	if (d->counts.unverified >= unverified_max)
		return "unverified";
	for (const struct door_visit *v = d->visits; v; v = v->next) {
		if (!is_same_source(&v->from, from))
			continue;
		same++;
		same_unverified += !v->is_verified;
	}
	if (same_unverified >= max->source_unverified ||
	    (max->source && same >= max->source))
		return "source";
	return NULL;
}

static void turn_away(struct door *d, int fd, const struct sock_addr *from,
		      const char *why)
{
	char name[DOOR_NAME_MAX];
	uint64_t dropped = 0;

	close(fd);
	d->counts.turned_away++;
	name_source(name, from);
	if (log_limit_pass(&d->lines, loop_now_ms(d->o.loop), &dropped))
		log_event(d->o.log, LOG_WARN, "channel_turned_away",
			  LSTR("peer", name), LSTR("limit", why),
			  LU64("dropped_lines", dropped));
}

static void on_listen(void *arg, uint32_t events)
{
	struct door *d = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sock_addr from = { 0 };
		const char *why;
		enum rc rc;
		int fd;

		rc = sock_accept(&fd, &from, d->fd);
		if (rc == RC_SYS)
			pause_begin(&d->pause, d->o.loop, &d->watch);
		if (rc)
			return;
		why = door_limit(d, &from);
		if (why)
			turn_away(d, fd, &from, why);
		else if (!d->o.welcome(d->o.arg, fd, &from))
			close(fd);
	}
}

enum rc door_open(struct door *d, const struct door_options *options)
{
	enum rc rc;

	*d = (struct door){ .o = *options };
	d->lines.burst = LINES_BURST;
	d->lines.interval_ms = LINES_INTERVAL_MS;
	rc = sock_listen(&d->fd, &d->o.listen, d->o.backlog);
	if (!rc)
		rc = loop_watch_add(d->o.loop, &d->watch, d->fd, EPOLLIN,
				    on_listen, d);
	if (rc)
		door_close(d);
	return rc;
}

void door_close(struct door *d)
{
	pause_end(&d->pause);
	loop_watch_del(d->o.loop, &d->watch);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}
