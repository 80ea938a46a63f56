#include "vm/spec.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/sha256.h"

enum {
	CID_MAX = 0x7fffffff, /* VMADDR_CID_ANY is 2^32 - 1 */
	PORT_MAX = 0x7fffffff,
	SIZE_MAX_MIB = 0x7fffffff,
};

static const char *const accel_names[VM_ACCEL_COUNT] = {
	[VM_TDX] = "tdx",
	[VM_KVM] = "kvm",
	[VM_TCG] = "tcg",
};

const char *vm_accel_name(enum vm_accel accel)
{
	return accel_names[accel];
}

bool vm_accel_find(enum vm_accel *out, const char *name)
{
	for (unsigned i = 0; i < VM_ACCEL_COUNT; i++) {
		if (strcmp(accel_names[i], name) != 0)
			continue;
		*out = (enum vm_accel)i;
		return true;
	}
	return false;
}

bool vm_is_name(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= VM_NAME_MAX && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static enum rc bad(char error[VM_ERROR_MAX], const char *field,
		   const char *expected)
{
	(void)snprintf(error, VM_ERROR_MAX, "%s: expected %s", field, expected);
	return RC_MALFORMED;
}

/* Absolute, and nothing in it that could end an argument or a line. */
static bool is_path(const char *path, size_t max)
{
	size_t n = strlen(path);

	if (path[0] != '/' || n > max)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)path[i] < ' ' || path[i] == 0x7f)
			return false;
	}
	return text_is_utf8(span_of(path, n));
}

static bool is_printable(const char *text, size_t max)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return n <= max;
}

static bool is_quote_service(const char *text)
{
	struct span s = span_str(text), cid;
	uint64_t v;

	if (strncmp(text, "unix:", 5) == 0)
		return is_path(text + 5, VM_SOCKET_MAX);
	if (strncmp(text, "vsock:", 6) != 0 || !rd_skip(&s, 6))
		return false;
	return rd_until(&s, &cid, ':') && text_u64(&v, cid, CID_MAX) &&
	       v >= 2 && text_u64(&v, s, PORT_MAX);
}

static enum rc check_paths(const struct vm_spec *s, char error[VM_ERROR_MAX])
{
	const struct {
		const char *field, *path;
		bool is_optional;
		size_t max;
	} rows[] = {
		{ "qemu", s->qemu, false, VM_PATH_MAX },
		{ "kernel", s->kernel, false, VM_PATH_MAX },
		{ "initrd", s->initrd, false, VM_PATH_MAX },
		{ "root", s->root, false, VM_PATH_MAX },
		{ "data", s->data, true, VM_PATH_MAX },
		{ "images", s->images, true, VM_PATH_MAX },
		{ "manifest", s->manifest, false, VM_PATH_MAX },
		{ "config", s->config, false, VM_PATH_MAX },
		{ "env", s->env, true, VM_PATH_MAX },
		{ "collateral", s->collateral, true, VM_PATH_MAX },
		{ "tdvf", s->tdvf, true, VM_PATH_MAX },
		{ "serial", s->serial, false, VM_PATH_MAX },
		{ "manage", s->manage, false, VM_SOCKET_MAX },
		{ "qmp", s->qmp, false, VM_SOCKET_MAX },
		{ "platform", s->platform, true, VM_SOCKET_MAX },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char expected[64];

		if (rows[i].path ? is_path(rows[i].path, rows[i].max)
				 : rows[i].is_optional)
			continue;
		(void)snprintf(expected, sizeof(expected),
			       "an absolute path of at most %zu bytes",
			       rows[i].max);
		return bad(error, rows[i].field, expected);
	}
	for (size_t i = 0; s->firmware_folders[i]; i++) {
		if (i == VM_FIRMWARE_FOLDERS_MAX ||
		    !is_path(s->firmware_folders[i], VM_PATH_MAX))
			return bad(error, "firmware_folders",
				   "up to 3 absolute paths");
	}
	return RC_OK;
}

/* What a trust domain has and a simulated one must not have, and back. */
static enum rc check_accel(const struct vm_spec *s, char error[VM_ERROR_MAX])
{
	if ((unsigned)s->accel >= VM_ACCEL_COUNT)
		return bad(error, "accel", "tdx, kvm or tcg");
	if (s->accel != VM_TDX) {
		if (s->tdvf)
			return bad(error, "tdvf", "none without TDX");
		if (s->quotes)
			return bad(error, "quotes", "none without TDX");
		return RC_OK;
	}
	if (!s->tdvf)
		return bad(error, "tdvf", "a firmware for TDX");
	if (s->platform)
		return bad(error, "platform",
			   "none with TDX: its quotes are real");
	if (span_is_zero(SPAN_ARRAY(s->config_id)))
		return bad(error, "config_id", "the manifest's MRCONFIGID");
	if (s->quotes && !is_quote_service(s->quotes))
		return bad(error, "quotes", "vsock:CID:PORT or unix:/path");
	return RC_OK;
}

enum rc vm_spec_check(const struct vm_spec *s, char error[VM_ERROR_MAX])
{
	enum rc rc;

	if (!s->name || !vm_is_name(s->name))
		return bad(error, "name", "1 to 15 of a-z, 0-9 and '-'");
	if (s->memory_mib < VM_MEMORY_MIN_MIB ||
	    s->memory_mib > VM_MEMORY_MAX_MIB)
		return bad(error, "memory", "128 MiB to 4 TiB");
	if (s->cpus < 1 || s->cpus > VM_CPUS_MAX)
		return bad(error, "cpus", "1 to 255");
	if (!s->cmdline || !is_printable(s->cmdline, VM_CMDLINE_MAX))
		return bad(error, "cmdline",
			   "at most 2047 printable ASCII characters");
	rc = check_paths(s, error);
	if (!rc)
		rc = check_accel(s, error);
	if (rc)
		return rc;
	if ((unsigned)s->net > VM_NET_TAP)
		return bad(error, "net", "none, user or tap");
	if (s->net == VM_NET_TAP && s->tap_fd < 3)
		return bad(error, "tap_fd", "a descriptor from 3 on");
	if (s->net != VM_NET_NONE &&
	    ((s->mac[0] & 1) || span_is_zero(SPAN_ARRAY(s->mac))))
		return bad(error, "mac", "a unicast address");
	return RC_OK;
}

void vm_mac(uint8_t out[6], const char *seed)
{
	struct span parts[] = { span_str("postern/mac/v1\n"), span_str(seed) };
	struct sha256 hash;

	sha256_parts(&hash, parts, 2);
	memcpy(out, hash.b, 6);
	out[0] = (uint8_t)((out[0] & 0xfc) | 0x02); /* local, unicast */
}

bool vm_size(uint64_t *mib, const char *text)
{
	static const struct {
		char suffix;
		uint64_t mib;
	} units[] = { { 'M', 1 }, { 'G', 1024 }, { 'T', 1024 * 1024 } };
	struct span digits = span_str(text);
	uint64_t factor = 1, v;

	for (size_t i = 0; digits.n && i < sizeof(units) / sizeof(units[0]);
	     i++) {
		if (digits.p[digits.n - 1] != (uint8_t)units[i].suffix)
			continue;
		factor = units[i].mib;
		digits.n--;
		break;
	}
	if (!text_u64(&v, digits, SIZE_MAX_MIB / factor) || v == 0)
		return false;
	*mib = v * factor;
	return true;
}
