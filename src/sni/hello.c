#include "sni/hello.h"

/* Numbers of the formats, each from its section. */
enum {
	/* RFC 8446 §5.1 */
	RECORD_HANDSHAKE = 22,
	RECORD_VERSION_MAJOR = 3,
	RECORD_HEADER_LEN = 5,
	RECORD_PAYLOAD_MAX = 16384,
	/* RFC 8446 §4 */
	CLIENT_HELLO = 1,
	MESSAGE_HEADER_LEN = 4,
	/* RFC 8446 §4.1.2 */
	LEGACY_VERSION = 0x0303,
	RANDOM_LEN = 32,
	SESSION_ID_MAX = 32,
	COMPRESSION_NULL = 0,
	/* RFC 8446 §4.2 */
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
	EXT_PRE_SHARED_KEY = 41,
	EXT_SUPPORTED_VERSIONS = 43,
	EXT_TYPES = 65536,
	/* RFC 8446 §4.2.1 */
	VERSION_TLS13 = 0x0304,
	/* RFC 6066 §3 */
	SNI_HOST_NAME = 0,
};

/* Which extension types came: a bit each, so that a hello of thousands of
 * extensions costs no more than one of ten. */
struct type_set {
	uint64_t bits[EXT_TYPES / 64];
};

/* Adds a type; false when it was there. */
static bool type_add(struct type_set *set, uint16_t type)
{
	uint64_t bit = 1ull << (type % 64);
	uint64_t *word = &set->bits[type / 64];

	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

static bool is_host_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
	       c == ':';
}

static bool is_host_name(struct span name)
{
	size_t i;

	if (name.n == 0 || name.n > HELLO_NAME_MAX)
		return false;
	for (i = 0; i < name.n; i++)
		if (!is_host_byte(name.p[i]))
			return false;
	return true;
}

/*
 * server_name_list holds exactly one host_name: the only NameType there is,
 * and no type may come twice (RFC 6066 §3).  Stricter than some stacks; a list
 * we read differently from the backend would be a routing bypass.
 */
static bool read_server_name(struct hello *h, struct span ext)
{
	struct span list, name;
	uint8_t type;

	if (!rd_vec16(&ext, &list) || !rd_end(&ext) ||
	    !rd_u8(&list, &type) || type != SNI_HOST_NAME ||
	    !rd_vec16(&list, &name) || !rd_end(&list) ||
	    !is_host_name(name))
		return false;
	h->sni = name;
	return true;
}

/* ProtocolName protocol_name_list<2..2^16-1>, each 1..255 bytes. */
static bool read_alpn(struct hello *h, struct span ext)
{
	struct span list, name;

	if (!rd_vec16(&ext, &list) || !rd_end(&ext) || rd_end(&list))
		return false;
	while (!rd_end(&list)) {
		if (!rd_vec8(&list, &name) || name.n == 0 ||
		    h->alpn_count == HELLO_ALPN_MAX)
			return false;
		h->alpn[h->alpn_count++] = name;
	}
	return true;
}

/* ProtocolVersion versions<2..254>. */
static bool read_supported_versions(struct hello *h, struct span ext)
{
	struct span list;
	uint16_t version;

	if (!rd_vec8(&ext, &list) || !rd_end(&ext) || rd_end(&list))
		return false;
	while (!rd_end(&list)) {
		if (!rd_be16(&list, &version))
			return false;
		h->offers_tls13 |= version == VERSION_TLS13;
	}
	return true;
}

static bool read_extension(struct hello *h, uint16_t type, struct span ext,
			   bool is_last)
{
	switch (type) {
	case EXT_SERVER_NAME:
		return read_server_name(h, ext);
	case EXT_ALPN:
		return read_alpn(h, ext);
	case EXT_SUPPORTED_VERSIONS:
		return read_supported_versions(h, ext);
	case EXT_PRE_SHARED_KEY:
		/* "MUST be the last extension" (RFC 8446 §4.2.11). */
		return is_last;
	default:
		return true;
	}
}

static bool read_extensions(struct hello *h, struct span list)
{
	struct type_set seen = { 0 };
	struct span ext;
	uint16_t type;

	while (!rd_end(&list)) {
		if (!rd_be16(&list, &type) || !rd_vec16(&list, &ext))
			return false;
		/* "There MUST NOT be more than one extension of the same
		 * type" (RFC 8446 §4.2). */
		if (!type_add(&seen, type) ||
		    !read_extension(h, type, ext, rd_end(&list)))
			return false;
	}
	return true;
}

/* The null method is always offered (RFC 5246 §7.4.1.2). */
static bool offers_no_compression(struct span methods)
{
	uint8_t method;

	while (rd_u8(&methods, &method))
		if (method == COMPRESSION_NULL)
			return true;
	return false;
}

enum rc hello_parse(struct hello *out, struct span body)
{
	struct span session_id, suites, compression, extensions;
	struct hello h = { 0 };
	uint16_t version;

	if (!rd_be16(&body, &version))
		return RC_MALFORMED;
	if (version < LEGACY_VERSION)
		return RC_UNSUPPORTED;
	if (version > LEGACY_VERSION ||
	    !rd_skip(&body, RANDOM_LEN) ||
	    !rd_vec8(&body, &session_id) || session_id.n > SESSION_ID_MAX ||
	    !rd_vec16(&body, &suites) || suites.n < 2 || suites.n % 2 ||
	    !rd_vec8(&body, &compression) ||
	    !offers_no_compression(compression))
		return RC_MALFORMED;
	/* TLS 1.2 allows a hello without extensions (RFC 5246 §7.4.1.2). */
	if (!rd_end(&body) &&
	    (!rd_vec16(&body, &extensions) || !rd_end(&body) ||
	     !read_extensions(&h, extensions)))
		return RC_MALFORMED;
	*out = h;
	return RC_OK;
}

void hello_reader_init(struct hello_reader *r)
{
	*r = (struct hello_reader){ 0 };
	buf_init(&r->message, HELLO_MAX);
}

void hello_reader_fini(struct hello_reader *r)
{
	buf_fini(&r->message);
}

/*
 * Reads a record header at the front of *s, as far as it has come; takes it
 * when it is whole.  What is no handshake record is "not TLS" at the start of
 * the stream and a broken message later (RFC 8446 §5.1 forbids interleaving
 * and empty fragments).
 */
static enum hello_status read_record_header(struct hello_reader *r,
					    struct span *s)
{
	bool is_first = r->consumed == 0;
	enum hello_status bad = is_first ? HELLO_NOT_TLS : HELLO_MALFORMED;
	struct span head = *s;
	uint8_t type, major, minor;
	uint16_t n;

	if (!rd_u8(&head, &type))
		return HELLO_MORE;
	if (type != RECORD_HANDSHAKE)
		return bad;
	if (!rd_u8(&head, &major))
		return HELLO_MORE;
	/* Any {3,x} is allowed here (RFC 5246 §E.1). */
	if (major != RECORD_VERSION_MAJOR)
		return bad;
	if (!rd_u8(&head, &minor) || !rd_be16(&head, &n))
		return HELLO_MORE;
	if (n == 0 || n > RECORD_PAYLOAD_MAX)
		return HELLO_MALFORMED;
	if (r->consumed + RECORD_HEADER_LEN + n > HELLO_STREAM_MAX)
		return HELLO_TOO_LARGE;
	*s = head;
	r->consumed += RECORD_HEADER_LEN;
	r->record_left = n;
	return HELLO_DONE;
}

static enum hello_status parse_message(struct hello *out, struct span body)
{
	switch (hello_parse(out, body)) {
	case RC_OK:
		return HELLO_DONE;
	case RC_UNSUPPORTED:
		return HELLO_OLD;
	case RC_MALFORMED:
	case RC_LIMIT:
	case RC_DENIED:
	case RC_STALE:
	case RC_CLOSED:
	case RC_SYS:
	case RC_CRYPTO:
		break;
	}
	return HELLO_MALFORMED;
}

/* What the message so far amounts to. */
static enum hello_status look_at_message(const struct hello_reader *r,
					 struct hello *out)
{
	struct span s = buf_span(&r->message);
	uint32_t n;
	uint8_t type;

	if (!rd_u8(&s, &type))
		return HELLO_MORE;
	if (type != CLIENT_HELLO)
		return HELLO_MALFORMED;
	if (!rd_be24(&s, &n))
		return HELLO_MORE;
	if (n > HELLO_MAX - MESSAGE_HEADER_LEN)
		return HELLO_TOO_LARGE;
	/* Its record goes on behind it: another message. */
	if (s.n + r->record_left > n)
		return HELLO_MALFORMED;
	return s.n < n ? HELLO_MORE : parse_message(out, s);
}

/* Moves what the current record has of the message. */
static bool take_payload(struct hello_reader *r, struct span *s)
{
	size_t n = s->n < r->record_left ? s->n : r->record_left;
	struct span part;

	if (!rd_n(s, &part, n) || !buf_add(&r->message, part))
		return false;
	r->record_left -= n;
	r->consumed += n;
	return true;
}

enum hello_status hello_feed(struct hello_reader *r, struct hello *out,
			     struct span stream)
{
	enum hello_status status;

	if (!rd_skip(&stream, r->consumed))
		return HELLO_MALFORMED;
	for (;;) {
		if (r->record_left == 0) {
			status = read_record_header(r, &stream);
			if (status != HELLO_DONE)
				break;
		}
		/* Full: the record goes past a message of at most
		 * HELLO_MAX. */
		if (!take_payload(r, &stream))
			return HELLO_MALFORMED;
		status = look_at_message(r, out);
		if (status != HELLO_MORE || rd_end(&stream))
			break;
	}
	return status;
}
