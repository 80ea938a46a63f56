#include "edge/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

void files_fini(struct files *f)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		free(f->entries[i].path);
		buf_wipe(&f->entries[i].bytes);
	}
	free(f->entries);
	*f = (struct files){ 0 };
}

static struct files_entry *find(const struct files *f, const char *path)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (strcmp(f->entries[i].path, path) == 0)
			return &f->entries[i];
	return NULL;
}

enum rc files_keep(struct files *f, const char *name, struct span bytes)
{
	struct files_entry e = { 0 }, *old = find(f, name);

	if (!old && f->count >= FILES_MAX)
		return RC_LIMIT;
	buf_init(&e.bytes, bytes.n);
	if (!buf_add(&e.bytes, bytes))
		return RC_LIMIT;
	if (old) {
		buf_wipe(&old->bytes);
		old->bytes = e.bytes;
		return RC_OK;
	}
	e.path = mem_dup(name);
	f->entries = mem_grow(f->entries, f->count + 1, sizeof(e));
	f->entries[f->count++] = e;
	return RC_OK;
}

bool files_find(const struct files *f, struct span *out, const char *name)
{
	const struct files_entry *e = find(f, name);

	if (e)
		*out = buf_span(&e->bytes);
	return e != NULL;
}

enum rc files_read(struct files *f, struct buf *out, const char *path)
{
	const struct files_entry *e = find(f, path);
	size_t had = buf_span(out).n;
	struct span all;
	enum rc rc;

	if (e)
		return buf_add(out, buf_span(&e->bytes)) ? RC_OK : RC_LIMIT;
	if (f->is_packed) {
		errno = ENOENT;
		return RC_SYS;
	}
	rc = file_read(out, path);
	if (rc)
		return rc;
	all = buf_span(out);
	(void)rd_skip(&all, had); /* that much was there before */
	return files_keep(f, path, all);
}

static bool write_all(int fd, struct span s)
{
	ssize_t n;

	while (s.n) {
		n = write(fd, s.p, s.n);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			(void)rd_skip(&s, (size_t)n); /* n <= s.n */
	}
	return true;
}

/* Length and name, length and bytes. */
static bool write_entry(int fd, const struct files_entry *e)
{
	uint8_t head[8];
	struct wr w = WR_ARRAY(head);

	wr_be32(&w, (uint32_t)strlen(e->path));
	wr_be32(&w, (uint32_t)e->bytes.n);
	return write_all(fd, wr_span(&w)) && write_all(fd, span_str(e->path)) &&
	       write_all(fd, buf_span(&e->bytes));
}

enum rc files_pack(const struct files *f, int *fd)
{
	int memory = memfd_create("postern-edge-files",
				  MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool is_good = memory >= 0;
	size_t i;

	for (i = 0; i < f->count && is_good; i++)
		is_good = write_entry(memory, &f->entries[i]);
	if (!is_good || fcntl(memory, F_ADD_SEALS, SEALS) != 0) {
		mem_auto_close(&memory);
		return RC_SYS;
	}
	*fd = memory;
	return RC_OK;
}

static enum rc read_entries(struct files *out, struct span s)
{
	AUTO(files_fini)
	struct files f = { .is_packed = true };
	struct span path, bytes;
	uint32_t path_len, len;
	enum rc rc = RC_OK;

	while (!rd_end(&s) && !rc) {
		AUTO(mem_auto_free)
		char *name = NULL;

		if (!rd_be32(&s, &path_len) || !rd_be32(&s, &len) ||
		    !rd_n(&s, &path, path_len) || !rd_n(&s, &bytes, len))
			return RC_MALFORMED;
		name = mem_dup_n(path.p, path.n);
		rc = files_keep(&f, name, bytes);
	}
	if (rc)
		return rc;
	*out = f;
	f = (struct files){ 0 };
	return RC_OK;
}

enum rc files_unpack(struct files *out, int fd)
{
	struct stat st;
	enum rc rc;
	void *p;

	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &st) != 0 ||
	    st.st_size > FILES_TOTAL_MAX)
		return RC_MALFORMED;
	if (st.st_size == 0) {
		*out = (struct files){ .is_packed = true };
		return RC_OK;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return RC_SYS;
	rc = read_entries(out, span_of(p, (size_t)st.st_size));
	(void)munmap(p, (size_t)st.st_size);
	return rc;
}
