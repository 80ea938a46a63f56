#include "http1/filter.h"

/* The lines we add: X-Forwarded-For, -Proto, -Client-Cert, X-Request-Id. */
enum {
	ADDED_MAX = 320 + VOUCH_CERTIFICATE_MAX, /* bytes */
	/* Postern-Name, -Exporter and -Tls. */
	OWN_ADDED_MAX = 512,
};

void filter_init(struct filter *f, const struct vouch *vouch)
{
	*f = (struct filter){ .vouch = vouch };
	buf_init(&f->head, HEAD_MAX);
	buf_init(&f->down_head, HEAD_MAX);
	buf_init(&f->out, HEAD_MAX);
}

void filter_fini(struct filter *f)
{
	buf_fini(&f->head);
	buf_fini(&f->down_head);
	buf_fini(&f->out);
}

bool filter_may_answer(const struct filter *f)
{
	return f->waiting == 0 && f->down == FILTER_DOWN_HEAD &&
	       f->down_head.n == 0;
}

bool filter_is_idle(const struct filter *f)
{
	return filter_may_answer(f) && f->up == FILTER_UP_HEAD &&
	       f->head.n == 0 && !f->is_closing;
}

static enum filter_step refuse(struct filter *f, unsigned status,
			       const char *reason)
{
	f->up = FILTER_UP_REFUSED;
	f->why = (struct head_refusal){ .status = status, .reason = reason };
	return FILTER_REFUSE;
}

static void add_lines(struct wr *w, const struct filter *f)
{
	wr_str(w, "X-Forwarded-For: ");
	wr_bytes(w, f->vouch->client);
	if (f->vouch->certificate.n) {
		wr_str(w, "\r\nX-Forwarded-Client-Cert: ");
		wr_bytes(w, f->vouch->certificate);
	}
	wr_str(w, "\r\nX-Forwarded-Proto: https\r\nX-Request-Id: ");
	vouch_request_id(w, f->vouch, f->requests);
	wr_str(w, "\r\n\r\n");
}

/* The head without what is ours to say, and what we say.  False: it would be
 * longer than a head of a client's may be. */
static bool write_head(struct filter *f, const struct head_request *r,
		       size_t head_len)
{
	size_t added_count = f->vouch->certificate.n ? 4 : 3, space;
	uint8_t room[ADDED_MAX];
	struct wr added = WR_ARRAY(room);
	struct span lines, rest = r->fields;
	struct head_field field;

	add_lines(&added, f);
	buf_reset(&f->out);
	/* One allocation for all that follows. */
	(void)buf_space(&f->out, head_len + ADDED_MAX, &space);
	if (!wr_done(&added, &lines) || !buf_add(&f->out, r->line))
		return false;
	while (head_next(&rest, &field))
		if (!vouch_is_ours(field.name) && !buf_add(&f->out, field.line))
			return false;
	return r->field_count + added_count < HEAD_FIELDS_MAX &&
	       buf_add(&f->out, lines);
}

/* The head of a request to the edge's own service. */
static bool write_own(struct filter *f, const struct head_request *r,
		      size_t head_len)
{
	const struct vouch_own *own = f->vouch->own;
	uint8_t room[OWN_ADDED_MAX];
	struct wr added = WR_ARRAY(room);
	struct span lines, rest = r->fields;
	struct head_field field;
	size_t space;

	wr_str(&added, "Postern-Name: ");
	wr_bytes(&added, f->vouch->own_name);
	if (own->binding.n) {
		wr_str(&added, "\r\nPostern-Exporter: ");
		wr_bytes(&added, own->binding);
	}
	wr_str(&added, "\r\nPostern-Tls: ");
	wr_bytes(&added, own->tls);
	wr_str(&added, "\r\n\r\n");
	buf_reset(&f->out);
	(void)buf_space(&f->out, head_len + OWN_ADDED_MAX, &space);
	if (!wr_done(&added, &lines) || !buf_add(&f->out, r->line))
		return false;
	while (head_next(&rest, &field))
		if (!vouch_is_postern(field.name) &&
		    !buf_add(&f->out, field.line))
			return false;
	return buf_add(&f->out, lines);
}

/* What is asked of the edge's own service, and how. */
static enum filter_step take_own(struct filter *f,
				 const struct head_request *r, size_t head_len,
				 struct span *piece)
{
	if (!span_equal_str(r->method, "GET") &&
	    !span_equal_str(r->method, "HEAD") &&
	    !span_equal_str(r->method, "POST"))
		return refuse(f, 405, "own_method");
	if (r->has_upgrade)
		return refuse(f, 400, "own_upgrade");
	if (r->framing == HEAD_CHUNKED || r->length > FILTER_OWN_BODY_MAX)
		return refuse(f, 413, "own_body");
	if (!write_own(f, r, head_len))
		return refuse(f, 431, "head_long");
	f->is_closing = r->is_last;
	*piece = buf_span(&f->out);
	return FILTER_SEND;
}

static void set_bit(uint64_t *bits, unsigned at, bool is_set)
{
	*bits = (*bits & ~(1ull << at)) | (uint64_t)is_set << at;
}

/* Notes what its response will need to be understood. */
static void expect_response(struct filter *f, const struct head_request *r)
{
	f->requests++;
	body_init(&f->body, BODY_REQUEST, r->framing, r->length);
	f->up = FILTER_UP_BODY;
	if (body_is_done(&f->body))
		f->up = r->has_upgrade ? FILTER_UP_ASKED : FILTER_UP_HEAD;
	if (f->down == FILTER_DOWN_LOST)
		return;
	set_bit(&f->is_head, f->waiting, r->is_head);
	set_bit(&f->is_upgrade, f->waiting, r->has_upgrade);
	f->waiting++;
}

/* False: it is for another service than the last, whose answer is not whole. */
static bool choose_service(struct filter *f, const struct head_request *r)
{
	bool is_own = f->vouch->own && vouch_is_own_path(r->target);

	if (is_own != f->is_own && f->requests > 0) {
		if (!filter_may_answer(f))
			return false;
		f->has_switched = true;
	}
	f->is_own = is_own;
	return true;
}

/* Reads a whole head; *piece becomes it, or what is written in its place. */
static enum filter_step take_whole(struct filter *f, struct span head,
				   struct span *piece)
{
	struct head_request r;

	if (!head_request(&r, head, &f->why)) {
		f->up = FILTER_UP_REFUSED;
		return FILTER_REFUSE;
	}
	if (r.host.n && !vouch_is_name(f->vouch, r.host))
		return refuse(f, 421, "misdirected");
	if (r.has_upgrade && f->down == FILTER_DOWN_LOST)
		return refuse(f, 502, "response_lost");
	if (!choose_service(f, &r))
		return refuse(f, 421, "other_service");
	*piece = head;
	if (f->is_own) {
		if (take_own(f, &r, head.n, piece) == FILTER_REFUSE)
			return FILTER_REFUSE;
	} else if (f->vouch->is_forwarding) {
		if (!write_head(f, &r, head.n))
			return refuse(f, 431, "head_long");
		*piece = buf_span(&f->out);
	}
	expect_response(f, &r);
	return FILTER_SEND;
}

/* Adds to the head that is not whole yet what of 'in' may belong to it. */
static enum head_found gather(struct filter *f, struct span *in, size_t *n)
{
	size_t had = f->head.n, more = in->n;
	enum head_found found;

	if (more > HEAD_MAX - had)
		more = HEAD_MAX - had;
	(void)buf_add(&f->head, span_of(in->p, more)); /* there is room */
	found = head_scan(&f->scan, buf_span(&f->head), n);
	if (found == HEAD_WHOLE)
		more = *n - had; /* it was not whole before */
	(void)rd_skip(in, more);
	return found;
}

static enum filter_step take_head(struct filter *f, struct span *in,
				  struct span *piece)
{
	enum filter_step step;
	enum head_found found;
	struct span head = { NULL, 0 };
	size_t n = 0;

	if (f->head.n == 0) {
		f->scan = (struct head_scan){ 0 };
		/* Most heads come in one piece and need no copy. */
		found = head_scan(&f->scan, *in, &n);
		if (found == HEAD_WHOLE && n <= HEAD_MAX) {
			(void)rd_n(in, &head, n); /* it is there */
			return take_whole(f, head, piece);
		}
		f->scan = (struct head_scan){ 0 };
	}
	found = gather(f, in, &n);
	if (found == HEAD_BARE_LF)
		return refuse(f, 400, "bare_lf");
	if (found == HEAD_MORE && f->head.n == HEAD_MAX)
		return refuse(f, 431, "head_long");
	if (found == HEAD_MORE)
		return FILTER_MORE;
	/* What is sent outlives the head: into 'out' with it. */
	step = take_whole(f, span_of(buf_span(&f->head).p, n), piece);
	if (step == FILTER_SEND && piece->p != buf_span(&f->out).p) {
		buf_reset(&f->out);
		(void)buf_add(&f->out, *piece); /* at most HEAD_MAX */
		*piece = buf_span(&f->out);
	}
	buf_fini(&f->head);
	return step;
}

static enum filter_step take_body(struct filter *f, struct span *in,
				  struct span *piece)
{
	size_t n;

	if (!body_take(&f->body, *in, &n)) {
		(void)refuse(f, 400, "chunk");
		if (n == 0)
			return FILTER_REFUSE;
	}
	/* What is right before what is wrong goes, however both were cut. */
	(void)rd_n(in, piece, n); /* n <= in->n */
	if (f->up == FILTER_UP_BODY && body_is_done(&f->body))
		f->up = FILTER_UP_HEAD;
	return FILTER_SEND;
}

enum filter_step filter_up(struct filter *f, struct span *in,
			   struct span *piece)
{
	if (f->out.n)
		buf_fini(&f->out);
	if (f->up == FILTER_UP_REFUSED)
		return FILTER_REFUSE;
	if (in->n == 0)
		return FILTER_MORE;
	switch (f->up) {
	case FILTER_UP_HEAD:
		if (f->waiting == FILTER_PIPELINE_MAX)
			return FILTER_HOLD;
		return take_head(f, in, piece);
	case FILTER_UP_BODY:
		return take_body(f, in, piece);
	case FILTER_UP_ASKED:
		if (f->down == FILTER_DOWN_LOST)
			return refuse(f, 502, "response_lost");
		return FILTER_HOLD;
	case FILTER_UP_RAW:
		(void)rd_n(in, piece, in->n);
		return FILTER_SEND;
	case FILTER_UP_REFUSED:
		break;
	}
	return FILTER_REFUSE;
}

static void lose(struct filter *f)
{
	f->down = FILTER_DOWN_LOST;
	f->waiting = 0;
	buf_fini(&f->down_head);
}

/* The first request that waits has its answer: 'granted' when it changes
 * protocols. */
static void answered(struct filter *f, bool is_granted)
{
	if (f->is_upgrade & 1)
		f->up = is_granted ? FILTER_UP_RAW : FILTER_UP_HEAD;
	f->is_head >>= 1;
	f->is_upgrade >>= 1;
	f->waiting--;
}

static void take_response(struct filter *f, struct span head)
{
	struct head_response r;
	bool is_to_head = f->is_head & 1;

	if (!head_response(&r, head)) {
		lose(f);
		return;
	}
	if (r.status == 101) {
		if (!(f->is_upgrade & 1)) {
			lose(f);
			return;
		}
		answered(f, true);
		f->down = FILTER_DOWN_RAW;
		return;
	}
	if (r.status < 200) /* another follows */
		return;
	answered(f, false);
	body_init(&f->down_body, BODY_RESPONSE,
		  is_to_head ? HEAD_NO_BODY : r.framing, r.length);
	if (!body_is_done(&f->down_body))
		f->down = FILTER_DOWN_BODY;
}

static void follow_head(struct filter *f, struct span *bytes)
{
	enum head_found found;
	size_t n = 0, had = f->down_head.n, more = bytes->n;
	struct span head;

	if (f->waiting == 0) { /* a word nobody asked for */
		lose(f);
		return;
	}
	if (had == 0) {
		f->down_scan = (struct head_scan){ 0 };
		/* As take_head(). */
		if (head_scan(&f->down_scan, *bytes, &n) == HEAD_WHOLE &&
		    n <= HEAD_MAX && rd_n(bytes, &head, n)) {
			take_response(f, head);
			return;
		}
		f->down_scan = (struct head_scan){ 0 };
	}
	if (more > HEAD_MAX - had)
		more = HEAD_MAX - had;
	(void)buf_add(&f->down_head, span_of(bytes->p, more)); /* has room */
	found = head_scan(&f->down_scan, buf_span(&f->down_head), &n);
	if (found == HEAD_BARE_LF ||
	    (found == HEAD_MORE && f->down_head.n == HEAD_MAX)) {
		lose(f);
		return;
	}
	if (found == HEAD_WHOLE) {
		more = n - had;
		take_response(f, span_of(buf_span(&f->down_head).p, n));
		buf_fini(&f->down_head);
	}
	(void)rd_skip(bytes, more);
}

static void follow_body(struct filter *f, struct span *bytes)
{
	size_t n;

	if (!body_take(&f->down_body, *bytes, &n)) {
		lose(f);
		return;
	}
	(void)rd_skip(bytes, n); /* n <= bytes->n */
	if (body_is_done(&f->down_body))
		f->down = FILTER_DOWN_HEAD;
}

void filter_down(struct filter *f, struct span bytes)
{
	while (bytes.n) {
		switch (f->down) {
		case FILTER_DOWN_HEAD:
			follow_head(f, &bytes);
			break;
		case FILTER_DOWN_BODY:
			follow_body(f, &bytes);
			break;
		case FILTER_DOWN_RAW:
		case FILTER_DOWN_LOST:
			return;
		}
	}
}
