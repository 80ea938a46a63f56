#include "disk/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "disk/luks.h"

enum {
	SECTOR_LEN = 512, /* libcryptsetup's unit of offsets */
	WIPE_BLOCK_LEN = 1024 * 1024,
	PATH_LEN = 64,
	MESSAGE_MAX = 256,
};

/* The library, looking at a header in memory and the data on the disk. */
struct session {
	struct crypt_device *cd;
	int header; /* memfd */
	char message[MESSAGE_MAX]; /* the last one of its errors */
};

static void session_fini(struct session *s)
{
	crypt_free(s->cd);
	mem_auto_close(&s->header);
}

static void on_message(int level, const char *text, void *arg)
{
	struct session *s = arg;

	if (level == CRYPT_LOG_ERROR)
		(void)snprintf(s->message, sizeof(s->message), "%.*s",
			       (int)strcspn(text, "\n"), text);
}

/* Of what is said without a device: it would go to our standard error. */
static void ignore_message(int level, const char *text, void *arg)
{
	(void)level;
	(void)text;
	(void)arg;
}

static enum rc refuse(char error[VOLUME_ERROR_MAX], const struct session *s,
		      const char *what, int result)
{
	(void)snprintf(error, VOLUME_ERROR_MAX, "%s: %s%s%s", what,
		       strerror(-result), s->message[0] ? ": " : "",
		       s->message);
	return RC_CRYPTO;
}

/* ---- a header in memory ---- */

static bool put(int fd, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
	}
	return true;
}

/* An empty header that can be written, or this one, sealed. */
static enum rc open_header(struct session *s, const struct span *header,
			   char error[VOLUME_ERROR_MAX])
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
			  F_SEAL_SEAL;

	s->header = memfd_create("luks2", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->header >= 0 &&
	    (header ? put(s->header, *header) &&
			      fcntl(s->header, F_ADD_SEALS, seals) == 0
		    : ftruncate(s->header, RECORD_HEADER_LEN) == 0))
		return RC_OK;
	(void)snprintf(error, VOLUME_ERROR_MAX, "header in memory: %s",
		       strerror(errno));
	return RC_SYS;
}

static enum rc session_open(struct session *s, const struct span *header,
			    const char *data, char error[VOLUME_ERROR_MAX])
{
	char path[PATH_LEN];
	enum rc rc = open_header(s, header, error);
	int r;

	if (rc)
		return rc;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->header);
	crypt_set_log_callback(NULL, ignore_message, NULL);
	r = crypt_init_data_device(&s->cd, path, data);
	if (r < 0)
		return refuse(error, s, data, r);
	crypt_set_log_callback(s->cd, on_message, s);
	/* Nobody else can reach the header; and there may be no folder for
	 * locks. */
	r = crypt_metadata_locking(s->cd, 0);
	if (r >= 0 && header)
		r = crypt_load(s->cd, CRYPT_LUKS2, NULL);
	return r < 0 ? refuse(error, s, "LUKS2 header", r) : RC_OK;
}

/* ---- making one ---- */

static int format(struct session *s, enum record_integrity integrity,
		  const struct crypt_pbkdf_type *pbkdf)
{
	/* Zero: the library's usual journal and tags. */
	const struct crypt_params_integrity tags = { 0 };
	struct crypt_params_luks2 luks = {
		.pbkdf = pbkdf,
		.sector_size = LUKS_SECTOR_LEN,
	};
	size_t key_len = LUKS_XTS_KEY_LEN;
	int r = crypt_set_metadata_size(s->cd, LUKS_COPY_LEN,
					LUKS_KEYSLOTS_LEN);

	if (integrity == RECORD_HMAC) {
		luks.integrity = LUKS_INTEGRITY;
		luks.integrity_params = &tags;
		key_len += LUKS_HMAC_KEY_LEN;
	}
	if (r >= 0)
		r = crypt_set_data_offset(s->cd, RECORD_DATA_AT / SECTOR_LEN);
	if (r >= 0)
		r = crypt_set_pbkdf_type(s->cd, pbkdf);
	/* No volume key is given: the library draws one. */
	if (r >= 0)
		r = crypt_format(s->cd, CRYPT_LUKS2, LUKS_CIPHER, LUKS_MODE,
				 NULL, NULL, key_len, &luks);
	return r;
}

static int add_keyslot(struct session *s, enum record_integrity integrity,
		       const struct key32 *passphrase)
{
	size_t key_len = LUKS_XTS_KEY_LEN +
			 (integrity == RECORD_HMAC ? LUKS_HMAC_KEY_LEN : 0);

	/* Its own cipher is the library's choice; luks_check() looks at it. */
	return crypt_keyslot_add_by_volume_key(s->cd, 0, NULL, key_len,
					       (const char *)passphrase->b,
					       sizeof(passphrase->b));
}

static enum rc read_header(struct buf *out, const struct session *s,
			   char error[VOLUME_ERROR_MAX])
{
	size_t n;
	uint8_t *at = buf_space(out, RECORD_HEADER_LEN, &n);

	if (n == RECORD_HEADER_LEN &&
	    pread(s->header, at, n, 0) == RECORD_HEADER_LEN) {
		buf_commit(out, n);
		return RC_OK;
	}
	(void)snprintf(error, VOLUME_ERROR_MAX, "header in memory: too short");
	return RC_LIMIT;
}

enum rc volume_make(struct buf *out, const char *data,
		    enum record_integrity integrity,
		    const struct key32 *passphrase,
		    char error[VOLUME_ERROR_MAX])
{
	/* The passphrase is a random key: there is nothing to stretch. */
	static const struct crypt_pbkdf_type pbkdf = {
		.type = CRYPT_KDF_PBKDF2,
		.hash = "sha256",
		.iterations = LUKS_PBKDF_ROUNDS,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	};
	AUTO(session_fini)
	struct session s = { .header = -1 };
	enum rc rc = session_open(&s, NULL, data, error);
	int r;

	if (rc)
		return rc;
	r = format(&s, integrity, &pbkdf);
	if (r >= 0)
		r = add_keyslot(&s, integrity, passphrase);
	if (r < 0)
		return refuse(error, &s, "LUKS2 header", r);
	return read_header(out, &s, error);
}

/* ---- using one ---- */

static uint32_t flags_of(enum volume_use use)
{
	switch (use) {
	case VOLUME_READ_ONLY:
		return CRYPT_ACTIVATE_READONLY;
	case VOLUME_TRY:
	case VOLUME_READ_WRITE:
		break;
	}
	return 0;
}

static enum rc activate(struct session *s, const char *name,
			const struct key32 *passphrase, uint32_t flags,
			char error[VOLUME_ERROR_MAX])
{
	int r = crypt_activate_by_passphrase(s->cd, name, 0,
					     (const char *)passphrase->b,
					     sizeof(passphrase->b), flags);

	if (r == -EPERM) {
		(void)refuse(error, s, "keyslot", r);
		return RC_DENIED;
	}
	return r < 0 ? refuse(error, s, "mapping", r) : RC_OK;
}

enum rc volume_map(const char *name, struct span header, const char *data,
		   const struct key32 *passphrase, enum volume_use use,
		   char error[VOLUME_ERROR_MAX])
{
	AUTO(session_fini)
	struct session s = { .header = -1 };
	enum rc rc = session_open(&s, &header, data, error);

	if (rc)
		return rc;
	return activate(&s, use == VOLUME_TRY ? NULL : name, passphrase,
			flags_of(use), error);
}

enum rc volume_fill(struct span header, const char *data,
		    const struct key32 *passphrase,
		    char error[VOLUME_ERROR_MAX])
{
	const uint32_t flags = CRYPT_ACTIVATE_PRIVATE |
			       CRYPT_ACTIVATE_NO_JOURNAL;
	AUTO(session_fini)
	struct session s = { .header = -1 };
	char name[VOLUME_NAME_MAX], path[VOLUME_NAME_MAX + 16];
	enum rc rc = session_open(&s, &header, data, error);
	int r, end;

	if (rc)
		return rc;
	(void)snprintf(name, sizeof(name), "postern-fill-%ld", (long)getpid());
	(void)snprintf(path, sizeof(path), "%s/%s", crypt_get_dir(), name);
	rc = activate(&s, name, passphrase, flags, error);
	if (rc)
		return rc;
	r = crypt_wipe(s.cd, path, CRYPT_WIPE_ZERO, 0, 0, WIPE_BLOCK_LEN, 0,
		       NULL, NULL);
	end = crypt_deactivate(s.cd, name);
	if (r >= 0)
		r = end;
	return r < 0 ? refuse(error, &s, "tags", r) : RC_OK;
}

bool volume_is_mapped(const char *name)
{
	crypt_status_info status;

	crypt_set_log_callback(NULL, ignore_message, NULL);
	status = crypt_status(NULL, name);

	return status == CRYPT_ACTIVE || status == CRYPT_BUSY;
}

enum rc volume_unmap(const char *name, char error[VOLUME_ERROR_MAX])
{
	AUTO(session_fini)
	struct session s = { .header = -1 };
	int r;

	if (!volume_is_mapped(name)) {
		(void)snprintf(error, VOLUME_ERROR_MAX, "%s: not mapped", name);
		return RC_CLOSED;
	}
	r = crypt_init_by_name(&s.cd, name);
	if (r >= 0) {
		crypt_set_log_callback(s.cd, on_message, &s);
		r = crypt_deactivate(s.cd, name);
	}
	return r < 0 ? refuse(error, &s, name, r) : RC_OK;
}
