#include "offload/vnet.h"

bool vnet_read(struct vnet *out, struct span *from)
{
	struct span s = *from;
	struct vnet h;

	if (!rd_u8(&s, &h.flags) ||
	    !rd_u8(&s, &h.gso_type) ||
	    !rd_le16(&s, &h.header_len) ||
	    !rd_le16(&s, &h.gso_size) ||
	    !rd_le16(&s, &h.checksum_start) ||
	    !rd_le16(&s, &h.checksum_offset))
		return false;
	*out = h;
	*from = s;
	return true;
}

void vnet_write(struct wr *to, const struct vnet *h)
{
	wr_u8(to, h->flags);
	wr_u8(to, h->gso_type);
	wr_le16(to, h->header_len);
	wr_le16(to, h->gso_size);
	wr_le16(to, h->checksum_start);
	wr_le16(to, h->checksum_offset);
}
