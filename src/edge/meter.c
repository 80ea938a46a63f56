#include "edge/meter.h"

#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

void meter_init(struct meter *m)
{
	m->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

void meter_fini(struct meter *m)
{
	mem_auto_close(&m->statm_fd);
	*m = METER_NULL;
}

uint64_t meter_rss(const struct meter *m)
{
	struct span s, size, resident;
	uint64_t pages;
	char text[128];
	ssize_t n;

	if (m->statm_fd < 0)
		return 0;
	n = pread(m->statm_fd, text, sizeof(text), 0);
	/* proc(5): size and resident, in pages */
	s = span_of(text, n > 0 ? (size_t)n : 0);
	if (!rd_until(&s, &size, ' ') || !rd_until(&s, &resident, ' ') ||
	    !text_u64(&pages, resident, UINT32_MAX))
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t meter_memory(const struct meter *m, uint64_t from)
{
	uint64_t rss = meter_rss(m);
	struct mallinfo2 heap;

	if (rss < from)
		return rss;
	heap = mallinfo2();
	return heap.uordblks + heap.hblkhd;
}

void meter_queue(int fd, uint64_t *queued, uint64_t *max)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof(info);

	*queued = *max = 0;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return;
	/* Of a listening socket: its queue and its backlog. */
	*queued = info.tcpi_unacked;
	*max = info.tcpi_sacked;
}
