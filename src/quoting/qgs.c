#include "quoting/qgs.h"

enum {
	MAJOR = 1,
	MINOR = 0,
	TYPE_GET_QUOTE = 0,
	TYPE_QUOTE = 1,
	MESSAGE_HEADER_LEN = 16,
};

void qgs_request_write(struct wr *w, const uint8_t report[TDREPORT_LEN])
{
	const uint32_t size = QGS_REQUEST_LEN - 4;

	wr_be32(w, size);
	wr_le16(w, MAJOR);
	wr_le16(w, MINOR);
	wr_le32(w, TYPE_GET_QUOTE);
	wr_le32(w, size);
	wr_le32(w, 0); /* error: none in a request */
	wr_le32(w, TDREPORT_LEN);
	wr_le32(w, 0); /* any quoting enclave will do */
	wr_bytes(w, span_of(report, TDREPORT_LEN));
}

static enum qgs_reading read_quote(struct span *quote, struct span message)
{
	uint32_t id_len, quote_len;
	struct span id, found;

	if (!rd_le32(&message, &id_len) || id_len > QGS_ID_MAX ||
	    !rd_le32(&message, &quote_len) || !quote_len ||
	    quote_len > QUOTE_MAX || !rd_n(&message, &id, id_len) ||
	    !rd_n(&message, &found, quote_len) || !rd_end(&message))
		return QGS_MALFORMED;
	*quote = found;
	return QGS_QUOTE;
}

static enum qgs_reading read_message(struct span *quote, uint32_t *error,
				     struct span message)
{
	const size_t whole = message.n;
	uint32_t type, size, refusal;
	uint16_t major, minor;

	if (!rd_le16(&message, &major) || major != MAJOR ||
	    !rd_le16(&message, &minor) || !rd_le32(&message, &type) ||
	    type != TYPE_QUOTE || !rd_le32(&message, &size) ||
	    size != whole || !rd_le32(&message, &refusal))
		return QGS_MALFORMED;
	/* A refusal carries no quote; services differ in what else it has. */
	if (refusal) {
		*error = refusal;
		return QGS_REFUSED;
	}
	return read_quote(quote, message);
}

enum qgs_reading qgs_reply_read(struct span *quote, uint32_t *error,
				struct span received)
{
	struct span message;
	uint32_t n;

	if (!rd_be32(&received, &n))
		return QGS_MORE;
	if (n < MESSAGE_HEADER_LEN || n > QGS_REPLY_MAX - 4)
		return QGS_MALFORMED;
	if (!rd_n(&received, &message, n))
		return QGS_MORE;
	if (!rd_end(&received))
		return QGS_MALFORMED;
	return read_message(quote, error, message);
}
