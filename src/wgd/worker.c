#include "wgd/worker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/vault.h"
#include "wgd/outer.h"
#include "wgd/ring.h"

enum {
	REPORT_MS = 10'000, /* between two reports of what was dropped */
	NS_PER_MS = 1'000'000,
	STRAYS_MAX = 256, /* that wait to be taken */
	STRAYS_A_TURN = 64,
};

struct worker {
	struct worker_setup setup;
	struct loop *loop;
	struct vault *vault; /* of the device: every key that stays */
	struct device *device;
	struct inner *inner;
	struct outer *outer;
	struct loop_timer timer, report;
	struct span stable; /* memory outputs may stay in until the flush */
	uint64_t floor_ms;
	uint64_t reported[DEVICE_DROP_COUNT];

	/* The one part that other threads touch. */
	struct ring *strays;
	atomic_bool is_woken; /* and has not looked since */
	int wake_fd;
	struct loop_watch wake_watch;
};

static struct device_time now(const struct worker *w)
{
	uint64_t ms = loop_now_ms(w->loop);

	return (struct device_time){
		.ms = ms > w->floor_ms ? ms : w->floor_ms,
		.unix_ns = clock_unix_ms() * NS_PER_MS,
	};
}

void worker_settle(struct worker *w)
{
	uint64_t at = device_deadline(w->device);

	outer_flush(w->outer);
	w->stable = span_of(NULL, 0);
	if (at == UINT64_MAX)
		loop_timer_disarm(w->loop, &w->timer);
	else if (!loop_timer_is_armed(&w->timer) || w->timer.at_ms != at)
		loop_timer_arm(w->loop, &w->timer, at);
	if (!loop_timer_is_armed(&w->report))
		loop_timer_arm(w->loop, &w->report,
			       loop_now_ms(w->loop) + REPORT_MS);
}

static void on_timer(void *arg)
{
	struct worker *w = arg;

	device_expire(w->device, now(w));
	worker_settle(w);
}

static void report(const struct worker *w, const char *why, uint64_t count)
{
	if (device_shard_count(w->device) == 1)
		log_event(w->setup.log, LOG_INFO, "dropped", LSTR("why", why),
			  LU64("count", count));
	else
		log_event(w->setup.log, LOG_INFO, "dropped", LSTR("why", why),
			  LU64("count", count),
			  LU64("worker", w->setup.number));
}

/* Armed by activity only: an idle device does not wake. */
static void on_report(void *arg)
{
	struct worker *w = arg;
	const uint64_t *drops = device_drops(w->device);

	for (unsigned i = 0; i < DEVICE_DROP_COUNT; i++) {
		if (drops[i] != w->reported[i])
			report(w, device_drop_name(i),
			       drops[i] - w->reported[i]);
		w->reported[i] = drops[i];
	}
}

static void on_datagrams(void *arg, const struct device_datagram *in,
			 size_t count)
{
	struct worker *w = arg;

	device_receive(w->device, in, count, now(w));
	inner_flush(w->inner);
	worker_settle(w);
}

static void on_packets(void *arg, const struct device_packet *in, size_t count,
		       struct span memory)
{
	struct worker *w = arg;

	w->stable = memory;
	device_send(w->device, in, count, now(w));
	worker_settle(w);
}

static void sink_datagram(void *arg, const struct endpoint *to,
			  struct span bytes, unsigned ecn)
{
	struct worker *w = arg;

	outer_send(w->outer, to, bytes, ecn, w->stable);
}

static void sink_packet(void *arg, struct span packet)
{
	struct worker *w = arg;

	inner_write(w->inner, packet);
}

static void sink_event(void *arg, const struct device_event *e)
{
	static const char *const names[] = {
		[DEVICE_HANDSHAKE] = "handshake",
		[DEVICE_MOVED] = "moved",
		[DEVICE_GAVE_UP] = "gave_up",
		[DEVICE_STRAYED] = "strayed",
	};
	struct device_peer_view v = device_peer_view(e->peer);
	const struct worker *w = arg;
	uint8_t text[64];
	struct wr at = WR_ARRAY(text);

	if (v.endpoint)
		endpoint_write(&at, v.endpoint);
	log_event(w->setup.log, LOG_DEBUG, names[e->kind],
		  LHEX("peer", span_of(v.public_key, 8)),
		  LSPAN("endpoint", wr_span(&at)));
}

static void wake(struct worker *w)
{
	const uint64_t one = 1;

	/* Fails only when the counter is full: that wakes it anyway. */
	if (!atomic_exchange(&w->is_woken, true))
		(void)!write(w->wake_fd, &one, sizeof(one));
}

static bool sink_stray(void *arg, unsigned shard, struct device_stray *s)
{
	const struct worker *w = arg;
	struct worker *to = w->setup.all[shard];

	if (!ring_push(to->strays, s))
		return false;
	wake(to);
	return true;
}

static void sink_route(void *arg, const struct allowedips_prefix *p, int shard)
{
	const struct worker *w = arg;

	w->setup.route(w->setup.arg, p, shard);
}

static void on_mtu(void *arg, size_t mtu)
{
	const struct worker *w = arg;

	w->setup.mtu(w->setup.arg, mtu);
}

static void on_gone(void *arg)
{
	const struct worker *w = arg;

	w->setup.gone(w->setup.arg);
}

/* What others handed over. */
static void on_strays(void *arg, uint32_t events)
{
	struct device_stray *taken[STRAYS_A_TURN];
	struct worker *w = arg;
	size_t n = 0;
	uint64_t count;

	(void)events;
	(void)!read(w->wake_fd, &count, sizeof(count)); /* only resets it */
	/* Before looking: what comes from now on wakes again. */
	atomic_store(&w->is_woken, false);
	while (n < STRAYS_A_TURN && (taken[n] = ring_pop(w->strays)))
		n++;
	if (n == STRAYS_A_TURN)
		wake(w); /* there may be more */
	device_take(w->device, taken, n, now(w));
	inner_flush(w->inner);
	worker_settle(w);
	for (size_t i = 0; i < n; i++)
		device_stray_free(taken[i]);
}

static struct device *make_device(struct worker *w)
{
	const struct secret_memory *memory = vault_memory(w->vault);
	const struct device_sink sink = {
		.datagram = sink_datagram,
		.packet = sink_packet,
		.event = sink_event,
		.stray = sink_stray,
		.route = sink_route,
		.arg = w,
	};

	if (w->setup.number == 0)
		return device_new_in(&sink, memory);
	return device_new_beside(w->setup.all[0]->device, &sink, memory);
}

enum rc worker_new(struct worker **out, struct loop *loop,
		   const struct worker_setup *setup)
{
	struct worker *w = mem_new(sizeof(*w));
	enum rc rc = RC_SYS;

	w->setup = *setup;
	w->loop = loop;
	w->timer = (struct loop_timer){ .fn = on_timer, .arg = w };
	w->report = (struct loop_timer){ .fn = on_report, .arg = w };
	w->vault = vault_new();
	w->device = make_device(w);
	w->outer = outer_new(loop, on_datagrams, w);
	w->strays = ring_new(STRAYS_MAX);
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd >= 0)
		rc = loop_watch_add(loop, &w->wake_watch, w->wake_fd, EPOLLIN,
				    on_strays, w);
	if (rc) {
		worker_free(w);
		return rc;
	}
	*out = w;
	return RC_OK;
}

void worker_free(struct worker *w)
{
	struct device_stray *s;
	int error = errno;

	if (!w)
		return;
	while ((s = ring_pop(w->strays)))
		device_stray_free(s);
	ring_free(w->strays);
	inner_free(w->inner);
	outer_free(w->outer);
	device_free(w->device);
	vault_free(w->vault);
	loop_watch_del(w->loop, &w->wake_watch);
	mem_auto_close(&w->wake_fd);
	loop_free(w->loop);
	free(w);
	errno = error;
}

enum rc worker_open(struct worker *w, const struct inner_queue *queue)
{
	const struct inner_events events = { on_packets, on_mtu, on_gone, w };

	return inner_new(&w->inner, w->loop, queue, &events);
}

struct loop *worker_loop(const struct worker *w)
{
	return w->loop;
}

struct device *worker_device(const struct worker *w)
{
	return w->device;
}

unsigned worker_guards(const struct worker *w)
{
	return vault_guards(w->vault);
}

void worker_use_sockets(struct worker *w, const struct ports_pair *sockets)
{
	outer_use(w->outer, sockets);
}

int worker_set_mark(struct worker *w, uint32_t mark)
{
	return outer_set_mark(w->outer, mark);
}

void worker_set_mtu(struct worker *w, size_t mtu)
{
	inner_set_mtu(w->inner, mtu);
}

void worker_set_floor(struct worker *w, uint64_t ms)
{
	w->floor_ms = ms;
}
