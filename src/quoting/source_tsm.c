#include "quoting/source_tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"
#include "io/file.h"
#include "quoting/say.h"

static int kernel_make(void *world, const char *folder)
{
	(void)world;
	return mkdir(folder, 0700) == 0 ? 0 : errno;
}

static int kernel_drop(void *world, const char *folder)
{
	(void)world;
	return rmdir(folder) == 0 ? 0 : errno;
}

/* One write(2): the kernel takes an attribute whole or not at all. */
static int kernel_put(void *world, const char *file, struct span content)
{
	AUTO(mem_auto_close)
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	(void)world;
	if (fd < 0)
		return errno;
	n = write(fd, content.p, content.n);
	if (n < 0)
		return errno;
	return (size_t)n == content.n ? 0 : EIO;
}

static int kernel_get(void *world, const char *file, struct buf *out)
{
	(void)world;
	switch (file_read(out, file)) {
	case RC_OK:
		return 0;
	case RC_LIMIT:
		return EFBIG;
	case RC_SYS:
		return errno;
	case RC_MALFORMED:
	case RC_UNSUPPORTED:
	case RC_DENIED:
	case RC_STALE:
	case RC_CLOSED:
	case RC_CRYPTO:
		break;
	}
	return EIO;
}

const struct tsm_ops tsm_kernel = {
	.make = kernel_make,
	.drop = kernel_drop,
	.put = kernel_put,
	.get = kernel_get,
};

/* An entry's name that nobody else uses, in this or another namespace. */
static int entry_make(const struct tsm *t, char path[PATH_MAX])
{
	char name[64] = { 0 };
	struct wr w = wr_over(name, sizeof(name) - 1);
	uint8_t random[8];

	rng_bytes(random, sizeof(random));
	wr_str(&w, "postern-");
	text_hex(&w, SPAN_ARRAY(random));
	if (say_path(path, t->report_path, NULL, name))
		return errno;
	return t->ops->make(t->world, path);
}

/* A short text attribute without its line end. */
static int entry_text(const struct tsm *t, const char *entry, const char *name,
		      char text[TSM_PROVIDER_MAX])
{
	AUTO(buf_fini)
	struct buf b = { 0 };
	char path[PATH_MAX];
	struct span all;
	int error;

	buf_init(&b, TSM_PROVIDER_MAX - 1);
	if (say_path(path, entry, NULL, name))
		return errno;
	error = t->ops->get(t->world, path, &b);
	if (error)
		return error;
	all = buf_span(&b);
	if (all.n && all.p[all.n - 1] == '\n')
		all.n--;
	if (all.n)
		memcpy(text, all.p, all.n);
	text[all.n] = '\0';
	return 0;
}

static int entry_generation(const struct tsm *t, const char *entry,
			    uint64_t *out)
{
	char text[TSM_PROVIDER_MAX];
	int error = entry_text(t, entry, "generation", text);

	if (error)
		return error;
	return text_u64(out, span_str(text), UINT64_MAX - 1) ? 0 : EIO;
}

int tsm_probe(const struct tsm *t, char provider[TSM_PROVIDER_MAX])
{
	char entry[PATH_MAX];
	int error = entry_make(t, entry);

	if (error)
		return error;
	error = entry_text(t, entry, "provider", provider);
	/* An entry that stays behind costs the kernel a few bytes. */
	(void)t->ops->drop(t->world, entry);
	return error;
}

/* EAGAIN: the generation is not the one our write gave. */
static int check_generation(const struct tsm *t, const char *entry,
			    uint64_t want)
{
	uint64_t now;
	int error = entry_generation(t, entry, &now);

	if (error)
		return error;
	return now == want ? 0 : EAGAIN;
}

static int quote_in(const struct tsm *t, const char *entry, struct buf *quote,
		    struct span report_data)
{
	char path[PATH_MAX];
	uint64_t before;
	int error = entry_generation(t, entry, &before);

	if (!error && say_path(path, entry, NULL, "inblob"))
		error = errno;
	if (!error)
		error = t->ops->put(t->world, path, report_data);
	if (!error)
		error = check_generation(t, entry, before + 1);
	if (!error && say_path(path, entry, NULL, "outblob"))
		error = errno;
	if (!error)
		error = t->ops->get(t->world, path, quote);
	if (!error)
		error = check_generation(t, entry, before + 1);
	return error || quote->n ? error : EIO;
}

static int attempt(const struct tsm *t, struct buf *quote,
		   struct span report_data)
{
	char entry[PATH_MAX];
	int error = entry_make(t, entry);

	if (error)
		return error;
	buf_reset(quote);
	error = quote_in(t, entry, quote, report_data);
	(void)t->ops->drop(t->world, entry); /* as in tsm_probe */
	return error;
}

/* Whether trying again may help. */
static bool is_passing(int error)
{
	return error == EBUSY || error == EINTR || error == ETIMEDOUT ||
	       error == EAGAIN;
}

static void pause_ms(unsigned ms)
{
	const struct timespec t = { .tv_nsec = (long)ms * 1'000'000 };

	(void)nanosleep(&t, NULL); /* cut short by a signal: tried earlier */
}

enum rc tsm_quote(const struct tsm *t, struct buf *out,
		  const uint8_t report_data[QUOTE_REPORT_DATA_LEN])
{
	AUTO(buf_fini)
	struct buf quote = { 0 };
	unsigned pause = TSM_PAUSE_MS;
	int error = 0;

	buf_init(&quote, QUOTE_MAX);
	for (int i = 0; i < TSM_ATTEMPTS; i++) {
		error = attempt(t, &quote,
				span_of(report_data, QUOTE_REPORT_DATA_LEN));
		if (!is_passing(error))
			break;
		pause_ms(pause);
		pause *= 2;
	}
	if (error == EFBIG)
		return RC_LIMIT;
	errno = error;
	if (error)
		return RC_SYS;
	return buf_add(out, buf_span(&quote)) ? RC_OK : RC_LIMIT;
}

static enum rc rtmr_path(const struct tsm *t, unsigned rtmr,
			 char path[PATH_MAX])
{
	char name[32] = { 0 };
	struct wr w = wr_over(name, sizeof(name) - 1);

	wr_printf(&w, "rtmr%u:sha384", rtmr);
	return say_path(path, t->measurements_path, NULL, name);
}

static enum rc measured(int error)
{
	if (!error)
		return RC_OK;
	errno = error;
	return error == ENOENT ? RC_UNSUPPORTED : RC_SYS;
}

enum rc tsm_extend(const struct tsm *t, unsigned rtmr,
		   const struct sha384 *digest)
{
	char path[PATH_MAX];
	enum rc rc = rtmr_path(t, rtmr, path);

	if (rc)
		return rc;
	return measured(t->ops->put(t->world, path, SPAN_ARRAY(digest->b)));
}

enum rc tsm_rtmr(const struct tsm *t, unsigned rtmr, struct sha384 *out)
{
	AUTO(buf_fini)
	struct buf value = { 0 };
	char path[PATH_MAX];
	struct span all;
	enum rc rc = rtmr_path(t, rtmr, path);

	buf_init(&value, sizeof(out->b));
	if (!rc)
		rc = measured(t->ops->get(t->world, path, &value));
	if (rc)
		return rc;
	all = buf_span(&value);
	if (all.n == sizeof(out->b) && rd_copy(&all, out->b, sizeof(out->b)))
		return RC_OK;
	errno = EIO;
	return RC_SYS;
}
