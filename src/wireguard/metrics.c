#include "wireguard/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

enum {
	KEY_TEXT_LEN = 44, /* 32 bytes in base64 */
};

/* Where lines go; full once one did not fit. */
struct lines {
	struct buf *out;
	bool is_full;
};

__attribute__((format(printf, 2, 3))) static void
line(struct lines *l, const char *format, ...)
{
	char text[METRICS_LINE_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (l->is_full || n < 0 || (size_t)n >= sizeof(text) ||
	    !buf_add(l->out, span_of(text, (size_t)n)))
		l->is_full = true;
}

static void head(struct lines *l, const char *name, const char *type,
		 const char *help)
{
	line(l, "# HELP postern_wg_%s %s\n# TYPE postern_wg_%s %s\n", name,
	     help, name, type);
}

static void write_drops(struct lines *l, const struct device *d)
{
	uint64_t drops[DEVICE_DROP_COUNT] = { 0 };

	for (unsigned i = 0; i < device_shard_count(d); i++)
		for (unsigned why = 0; why < DEVICE_DROP_COUNT; why++)
			drops[why] += device_drops(device_shard(d, i))[why];
	head(l, "dropped_total", "counter", "Packets and messages refused.");
	for (unsigned i = 0; i < DEVICE_DROP_COUNT; i++)
		line(l, "postern_wg_dropped_total{reason=\"%s\"} %" PRIu64 "\n",
		     device_drop_name(i), drops[i]);
}

static struct device_batches all_batches(const struct device *d,
					 enum device_direction direction)
{
	struct device_batches sum = { 0 };

	for (unsigned i = 0; i < device_shard_count(d); i++) {
		const struct device_batches *b =
			device_batches(device_shard(d, i), direction);

		for (unsigned size = 0; size < DEVICE_BATCH_SIZES; size++)
			sum.of[size] += b->of[size];
		sum.packets += b->packets;
	}
	return sum;
}

static void write_batches(struct lines *l, const struct device *d,
			  const char *name, enum device_direction direction)
{
	struct device_batches b = all_batches(d, direction);
	uint64_t count = 0;

	for (unsigned i = 0; i < DEVICE_BATCH_SIZES; i++) {
		count += b.of[i];
		line(l,
		     "postern_wg_batch_packets_bucket"
		     "{direction=\"%s\",le=\"%u\"} %" PRIu64 "\n",
		     name, 1u << i, count);
	}
	line(l,
	     "postern_wg_batch_packets_bucket{direction=\"%s\",le=\"+Inf\"} "
	     "%" PRIu64 "\n"
	     "postern_wg_batch_packets_sum{direction=\"%s\"} %" PRIu64 "\n"
	     "postern_wg_batch_packets_count{direction=\"%s\"} %" PRIu64 "\n",
	     name, count, name, b.packets, name, count);
}

/* How the peers are spread. */
static void write_workers(struct lines *l, const struct device *d)
{
	uint64_t handed = 0;

	head(l, "worker_peers", "gauge", "Peers at home in each worker.");
	for (unsigned i = 0; i < device_shard_count(d); i++)
		line(l, "postern_wg_worker_peers{worker=\"%u\"} %zu\n", i,
		     device_own_count(device_shard(d, i)));
	for (unsigned i = 0; i < device_shard_count(d); i++)
		handed += device_handed(device_shard(d, i));
	head(l, "handed_over_total", "counter",
	     "What came to another worker than its peer's.");
	line(l, "postern_wg_handed_over_total %" PRIu64 "\n", handed);
}

typedef uint64_t value_fn(const struct device_peer_view *v,
			  struct device_time now);

static uint64_t received(const struct device_peer_view *v,
			 struct device_time now)
{
	(void)now;
	return v->rx_bytes;
}

static uint64_t sent(const struct device_peer_view *v, struct device_time now)
{
	(void)now;
	return v->tx_bytes;
}

/* A clock set back makes no negative ages. */
static uint64_t handshake_age_s(const struct device_peer_view *v,
				struct device_time now)
{
	const int64_t second = 1'000'000'000;
	int64_t age = now.unix_ns - v->handshake_unix_ns;

	return age > 0 ? (uint64_t)(age / second) : 0;
}

/* One metric of every peer; peers that never had a handshake have no age. */
static void write_peers(struct lines *l, const struct device *d,
			const char *name, value_fn *value,
			struct device_time now)
{
	const struct peer *p = NULL;

	while (!l->is_full && (p = device_peer_next(d, p))) {
		struct device_peer_view v = device_peer_view(p);
		uint8_t key[KEY_TEXT_LEN];
		struct wr w = WR_ARRAY(key);

		if (value == handshake_age_s && !v.handshake_unix_ns)
			continue;
		text_base64(&w, span_of(v.public_key, DEVICE_KEY_LEN));
		line(l, "postern_wg_%s{peer=\"%.*s\"} %" PRIu64 "\n", name,
		     KEY_TEXT_LEN, (const char *)key, value(&v, now));
	}
}

enum rc metrics_write(struct buf *out, const struct device *d,
		      struct device_time now)
{
	struct lines l = { .out = out };

	head(&l, "peers", "gauge", "Peers configured.");
	line(&l, "postern_wg_peers %zu\n", device_peer_count(d));
	write_workers(&l, d);
	write_drops(&l, d);
	head(&l, "batch_packets", "histogram",
	     "Data messages encrypted or decrypted at once.");
	write_batches(&l, d, "sent", DEVICE_SENT);
	write_batches(&l, d, "received", DEVICE_RECEIVED);
	head(&l, "peer_received_bytes_total", "counter",
	     "Bytes of authentic messages from the peer.");
	write_peers(&l, d, "peer_received_bytes_total", received, now);
	head(&l, "peer_sent_bytes_total", "counter",
	     "Bytes of messages to the peer.");
	write_peers(&l, d, "peer_sent_bytes_total", sent, now);
	head(&l, "peer_handshake_age_seconds", "gauge",
	     "Time since the last handshake; none: there was none.");
	write_peers(&l, d, "peer_handshake_age_seconds", handshake_age_s, now);
	return l.is_full ? RC_LIMIT : RC_OK;
}
