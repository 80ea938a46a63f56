/*
 * A CT log in memory that answers the requests of a follower: RFC 6962 or
 * tiles, honest or misbehaving in one way. Its entries are small, made when
 * they are asked for.
 */
#ifndef POSTERN_TESTS_LOG_SERVER_H
#define POSTERN_TESTS_LOG_SERVER_H

#include <stdio.h>
#include <zlib.h>

#include "base/text.h"
#include "ct/follow.h"
#include "ct/tile.h"
#include "stupid_tree.h"
#include "web_pki.h"

#define LOG_URL "https://log.example/2026"
#define LOG_ORIGIN "log.example/2026"

enum misbehaviour {
	HONEST,
	BAD_HEAD_SIGNATURE,
	FORK, /* another tree of the same size */
	OTHER_HISTORY, /* a larger tree that does not begin with the old one */
	MISSING_LEAF, /* entries that do not make the signed tree */
	STALE_HEAD,
	FUTURE_HEAD,
	ERROR_503,
	ERROR_PAGE, /* HTML with status 200 */
	TRUNCATED,
	NO_ANSWER,
	NO_PARTIAL_TILES, /* only full ones are left */
	UNREADABLE_ENTRY,
	EMPTY_ENTRIES,
	TRAILING, /* a byte behind the entries of a data tile */
	GZIP,
	GZIP_CUT, /* without its last byte */
	OTHER_CODING,
};

struct log_server {
	struct web_log log;
	bool is_tiled;
	size_t size; /* what it signs now */
	struct merkle_hash *leaf; /* of all there will ever be */
	struct merkle_hash *fork; /* the same with leaf 0 changed */
	size_t max;
	enum misbehaviour how;
	size_t batch; /* entries an answer at most */
	int64_t now;
	const char *retry_after; /* of ERROR_503; NULL: "77" */
	size_t asked, bytes;
};

/* Leaf n as the tree has it: an X.509 entry of a few bytes. */
static inline size_t log_leaf(uint8_t out[32], size_t n, bool is_readable)
{
	struct wr w = wr_over(out, 32);

	wr_u8(&w, 0);
	wr_u8(&w, is_readable ? 0 : 9);
	wr_be64(&w, 1000 + n);
	wr_be16(&w, 0);
	wr_be24(&w, 5);
	wr_u8(&w, 0x30);
	wr_be32(&w, (uint32_t)n);
	wr_be16(&w, 0);
	return w.n;
}

static inline void log_server_init(struct log_server *s, bool is_tiled, size_t max)
{
	*s = (struct log_server){ .is_tiled = is_tiled,
				  .max = max,
				  .batch = 1000,
				  .now = WEB_PKI_T0 };
	web_log_init(&s->log, NULL);
	s->leaf = malloc((max + 1) * sizeof(*s->leaf));
	s->fork = malloc((max + 1) * sizeof(*s->fork));
	for (size_t i = 0; i < max; i++) {
		uint8_t bytes[32];
		size_t n = log_leaf(bytes, i, true);

		s->leaf[i] = stupid_leaf(bytes, n);
		s->fork[i] = s->leaf[i];
	}
	s->fork[0] = stupid_leaf("x", 1);
}

static inline void log_server_fini(struct log_server *s)
{
	web_log_fini(&s->log);
	free(s->leaf);
	free(s->fork);
}

/* A head of the tree of these leaves, signed. */
static inline struct sth log_head(struct log_server *s, const struct merkle_hash *leaf, size_t size,
				  int64_t at)
{
	struct sth h = { .head.size = size, .timestamp_ms = (uint64_t)at * 1000 };
	uint8_t room[64], sig[RFC6962_SIGNATURE_MAX];
	struct wr w = WR_ARRAY(room), d = WR_ARRAY(sig);

	h.head.root = stupid_root(leaf, size);
	wr_u8(&w, 0);
	wr_u8(&w, 1);
	wr_be64(&w, h.timestamp_ms);
	wr_be64(&w, size);
	wr_bytes(&w, SPAN_ARRAY(h.head.root.b));
	web_log_sign(&d, &s->log, wr_span(&w));
	h.signature_len = d.n;
	memcpy(h.signature, sig, d.n);
	return h;
}

static inline void log_add(struct web_answer *a, struct span bytes)
{
	web_need(buf_add(&a->body, bytes), "answer");
}

static inline void log_add_text(struct web_answer *a, const char *text)
{
	log_add(a, span_str(text));
}

static inline void log_add_base64(struct web_answer *a, struct span bytes)
{
	uint8_t room[1400];
	struct wr w = WR_ARRAY(room);

	text_base64(&w, bytes);
	log_add(a, wr_span(&w));
}

static inline void log_answer_head(struct log_server *s, struct web_answer *a)
{
	int64_t at = s->now;
	const struct merkle_hash *leaf = s->leaf;
	char text[256];
	struct sth h;

	if (s->how == STALE_HEAD)
		at -= 2 * DAY;
	if (s->how == FUTURE_HEAD)
		at += DAY;
	if (s->how == FORK || s->how == OTHER_HISTORY)
		leaf = s->fork;
	h = log_head(s, leaf, s->size, at);
	if (s->how == BAD_HEAD_SIGNATURE)
		h.signature[h.signature_len - 1] ^= 1;
	if (!s->is_tiled) {
		snprintf(text, sizeof(text), "{\"tree_size\":%zu,\"timestamp\":%llu,"
					     "\"sha256_root_hash\":\"",
			 s->size, (unsigned long long)h.timestamp_ms);
		log_add_text(a, text);
		log_add_base64(a, SPAN_ARRAY(h.head.root.b));
		log_add_text(a, "\",\"tree_head_signature\":\"");
		log_add_base64(a, span_of(h.signature, h.signature_len));
		log_add_text(a, "\"}");
		return;
	}
	uint8_t blob[1024], id[128];
	struct wr w = WR_ARRAY(blob), k = WR_ARRAY(id);
	uint8_t hash[32];

	wr_str(&k, LOG_ORIGIN "\n");
	wr_u8(&k, 5);
	wr_bytes(&k, SPAN_ARRAY(s->log.id));
	SHA256(id, k.n, hash);
	wr_bytes(&w, span_of(hash, 4));
	wr_be64(&w, h.timestamp_ms);
	wr_bytes(&w, span_of(h.signature, h.signature_len));
	snprintf(text, sizeof(text), LOG_ORIGIN "\n%zu\n", s->size);
	log_add_text(a, text);
	log_add_base64(a, SPAN_ARRAY(h.head.root.b));
	log_add_text(a, "\n\n\xe2\x80\x94 " LOG_ORIGIN " ");
	log_add_base64(a, wr_span(&w));
	log_add_text(a, "\n");
}

static inline void log_answer_entries(struct log_server *s, struct web_answer *a, size_t first,
				      size_t last)
{
	if (last >= s->size)
		last = s->size - 1;
	if (last - first >= s->batch)
		last = first + s->batch - 1;
	log_add_text(a, "{\"entries\":[");
	for (size_t i = first; s->how != EMPTY_ENTRIES && i <= last; i++) {
		size_t at = s->how == MISSING_LEAF && i == 603 ? 604 : i;
		uint8_t bytes[32];
		size_t n = log_leaf(bytes, at, s->how != UNREADABLE_ENTRY || i != 3);

		log_add_text(a, i == first ? "{\"leaf_input\":\"" : ",{\"leaf_input\":\"");
		log_add_base64(a, span_of(bytes, n));
		log_add_text(a, "\",\"extra_data\":\"AAAA\"}");
	}
	log_add_text(a, "]}");
}

static inline void log_answer_proof(struct web_answer *a, const struct treeproof *p,
				    const char *key)
{
	log_add_text(a, key);
	for (size_t i = 0; i < p->count; i++) {
		log_add_text(a, i ? ",\"" : "\"");
		log_add_base64(a, SPAN_ARRAY(p->hash[i].b));
		log_add_text(a, "\"");
	}
	log_add_text(a, "]}");
}

static inline void log_answer_6962(struct log_server *s, struct web_answer *a, const char *what)
{
	struct treeproof p = { .count = 0 };
	size_t first, last;

	if (strcmp(what, "get-sth") == 0) {
		log_answer_head(s, a);
	} else if (sscanf(what, "get-entries?start=%zu&end=%zu", &first, &last) == 2) {
		web_need(first <= last && first < s->size, "entries beyond the head");
		log_answer_entries(s, a, first, last);
	} else if (sscanf(what, "get-sth-consistency?first=%zu&second=%zu", &first, &last) == 2) {
		stupid_subproof(&p, first, s->how == OTHER_HISTORY ? s->fork : s->leaf, last, true);
		log_answer_proof(a, &p, "{\"consistency\":[");
	} else if (strncmp(what, "get-proof-by-hash?hash=", 23) == 0) {
		char text[64];

		web_need(sscanf(strstr(what, "&tree_size="), "&tree_size=%zu", &last) == 1, what);
		stupid_path(&p, last - 1, s->leaf, last);
		snprintf(text, sizeof(text), "{\"leaf_index\":%zu,\"audit_path\":[", last - 1);
		log_answer_proof(a, &p, text);
	} else {
		web_need(false, what);
	}
}

/* "x001/234" or "234", with ".p/7" perhaps: index and width. */
static inline void log_tile_index(const char *text, size_t *index, size_t *width)
{
	*index = 0;
	*width = TILE_WIDTH;
	for (; *text; text++) {
		if (*text == '.') {
			web_need(sscanf(text, ".p/%zu", width) == 1, text);
			return;
		}
		if (*text >= '0' && *text <= '9')
			*index = *index * 10 + (size_t)(*text - '0');
	}
}

static inline void log_answer_tile(struct log_server *s, struct web_answer *a, const char *what)
{
	size_t index, width, level;
	char level_text[16];

	if (strcmp(what, "checkpoint") == 0) {
		log_answer_head(s, a);
		return;
	}
	web_need(sscanf(what, "tile/%15[^/]/", level_text) == 1, what);
	log_tile_index(what + 6 + strlen(level_text), &index, &width);
	if (s->how == NO_PARTIAL_TILES && width < TILE_WIDTH) {
		a->status = 404;
		return;
	}
	if (strcmp(level_text, "data") != 0) {
		level = (size_t)atoi(level_text);
		size_t each = (size_t)1 << (8 * level);

		for (size_t i = index * 256; i < index * 256 + width; i++) {
			struct merkle_hash h;

			web_need((i + 1) * each <= s->max, "tile beyond the tree");
			h = stupid_root(s->leaf + i * each, each);
			log_add(a, SPAN_ARRAY(h.b));
		}
		return;
	}
	for (size_t i = index * 256; i < index * 256 + width; i++) {
		size_t at = s->how == MISSING_LEAF && i == 603 ? 604 : i;
		uint8_t bytes[32];
		size_t n = log_leaf(bytes, at, true);

		web_need(i < s->max, "data beyond the tree");
		if (s->how == UNREADABLE_ENTRY && i == 3)
			bytes[10] = 7;
		log_add(a, span_of(bytes + 2, n - 2));
		log_add(a, span_of("\0\0", 2));
	}
	if (s->how == TRAILING)
		log_add(a, span_of("", 1));
}

/* As a server compresses. */
static inline void log_compress(struct web_answer *a, bool is_cut)
{
	struct span whole = buf_span(&a->body);
	size_t cap = whole.n + 1024;
	uint8_t *room = malloc(cap);
	z_stream z = { .avail_in = (unsigned)whole.n,
		       .avail_out = (unsigned)cap,
		       .next_out = room };

	z.next_in = (uint8_t *)(uintptr_t)whole.p;
	web_need(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
			 deflate(&z, Z_FINISH) == Z_STREAM_END,
		 "deflate");
	buf_reset(&a->body);
	web_need(buf_add(&a->body, span_of(room, z.total_out - is_cut)), "answer");
	deflateEnd(&z);
	free(room);
	web_need(web_answer_field(a, span_str("Content-Encoding"), span_str("gzip")) == RC_OK,
		 "field");
}

/* The answer to a request; false: there is none. */
static inline bool log_serve(struct log_server *s, struct web_answer *a, const struct web_ask *ask)
{
	const char *prefix = s->is_tiled ? LOG_URL "/" : LOG_URL "/ct/v1/";

	s->asked++;
	web_answer_init(a, 200, 64 * 1024 * 1024);
	web_need(strncmp(ask->url, prefix, strlen(prefix)) == 0, ask->url);
	if (s->how == NO_ANSWER)
		return false;
	if (s->how == ERROR_503) {
		const char *after = s->retry_after ? s->retry_after : "77";

		a->status = 503;
		web_need(web_answer_field(a, span_str("Retry-After"), span_str(after)) == RC_OK,
			 "field");
		return true;
	}
	if (s->how == ERROR_PAGE) {
		log_add_text(a, "<html>Sorry</html>");
		return true;
	}
	if (s->is_tiled)
		log_answer_tile(s, a, ask->url + strlen(prefix));
	else
		log_answer_6962(s, a, ask->url + strlen(prefix));
	if (s->how == TRUNCATED && a->body.n > 3) {
		struct span whole = buf_span(&a->body);
		struct buf cut;

		buf_init(&cut, whole.n);
		web_need(buf_add(&cut, span_of(whole.p, whole.n - 3)), "cut");
		buf_fini(&a->body);
		a->body = cut;
	}
	if (s->how == GZIP || s->how == GZIP_CUT)
		log_compress(a, s->how == GZIP_CUT);
	if (s->how == OTHER_CODING)
		web_need(web_answer_field(a, span_str("Content-Encoding"), span_str("br")) == RC_OK,
			 "field");
	s->bytes += a->body.n;
	web_need(a->body.n <= ask->answer_max, "answer longer than was asked for");
	return true;
}

#endif
