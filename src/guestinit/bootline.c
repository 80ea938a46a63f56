#include "guestinit/bootline.h"

#include "base/text.h"

/* <hash>:<salt>:<blocks> */
static bool read_value(struct bootline *out, struct span value)
{
	struct span root, salt;

	return rd_until(&value, &root, ':') && rd_until(&value, &salt, ':') &&
	       text_hex_decode(out->root.b, sizeof(out->root.b), root) &&
	       text_hex_decode(out->salt.b, sizeof(out->salt.b), salt) &&
	       text_u64(&out->blocks, value, UINT64_C(1) << 32) && out->blocks;
}

enum rc bootline_read(struct bootline *out, struct span cmdline)
{
	const struct span key = span_str("postern.root=");
	struct bootline b = { 0 };
	struct span word;
	unsigned found = 0;

	if (cmdline.n && cmdline.p[cmdline.n - 1] == '\n')
		cmdline.n--;
	while (rd_until(&cmdline, &word, ' ')) {
		if (!span_has_prefix(word, key))
			continue;
		found++;
		if (!rd_skip(&word, key.n) || !read_value(&b, word))
			return RC_MALFORMED;
	}
	if (found != 1)
		return RC_MALFORMED;
	*out = b;
	return RC_OK;
}

void bootline_table(struct wr *w, const struct bootline *b, const char *disk)
{
	wr_printf(w, "1 %s %s %d %d %llu %llu sha256 ", disk, disk,
		  BOOTLINE_BLOCK, BOOTLINE_BLOCK,
		  (unsigned long long)b->blocks, (unsigned long long)b->blocks);
	text_hex(w, SPAN_ARRAY(b->root.b));
	wr_str(w, " ");
	text_hex(w, SPAN_ARRAY(b->salt.b));
	wr_str(w, " 1 panic_on_corruption");
}
