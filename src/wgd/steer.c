#include "wgd/steer.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	V4_DESTINATION_AT = 16, /* RFC 791 §3.1 */
	V6_DESTINATION_AT = 24, /* RFC 8200 §3 */
	/* where the program keeps a key, from the end of its stack */
	KEY_AT = -24,
};

/* As a trie wants it: the length, then as many bytes as the address has. */
struct key {
	uint32_t len;
	uint8_t ip[16];
};

struct steer {
	int v4, v6, program; /* -1: none */
};

static long call(enum bpf_cmd command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int trie_new(size_t ip_len, unsigned entries_max)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_LPM_TRIE,
		.key_size = (uint32_t)(offsetof(struct key, ip) + ip_len),
		.value_size = sizeof(uint32_t),
		.max_entries = entries_max,
		.map_flags = BPF_F_NO_PREALLOC,
	};

	return (int)call(BPF_MAP_CREATE, &attr);
}

/* One instruction; the two of BPF_LD_IMM64 are TRIE(). */
#define OP(op, to, from, offset, value) \
	{ \
		.code = (op), .dst_reg = (to), .src_reg = (from), \
		.off = (offset), .imm = (value) \
	}
#define SET(to, value) OP(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define COPY(to, from) OP(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD(to, value) OP(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define SHIFT(to, value) OP(BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, value)
#define LOAD8(to, from, offset) \
	OP(BPF_LDX | BPF_MEM | BPF_B, to, from, offset, 0)
#define LOAD32(to, from, offset) \
	OP(BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0)
#define STORE32(to, offset, value) \
	OP(BPF_ST | BPF_MEM | BPF_W, to, 0, offset, value)
#define CALL(helper) OP(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define IF_NOT(reg, value, skip) \
	OP(BPF_JMP | BPF_JNE | BPF_K, reg, 0, skip, value)
#define IF(reg, value, skip) \
	OP(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, skip, value)
#define GO(skip) OP(BPF_JMP | BPF_JA, 0, 0, skip, 0)
#define END OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define TRIE(to, fd) \
	OP(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd), \
		OP(0, 0, 0, 0, 0)
/* Copies n bytes from there in the packet to this place on the stack. */
#define FETCH(from, offset, n) \
	COPY(1, 6), SET(2, from), COPY(3, 10), ADD(3, offset), SET(4, n), \
		CALL(BPF_FUNC_skb_load_bytes)

static int program_new(int v4, int v6)
{
	enum {
		IP_AT = KEY_AT + (int)offsetof(struct key, ip),
		/* where things are in the program; a jump counts from behind
		 * itself */
		VERSION_6 = 23,
		LOOK_UP = 33,
		MISS = 39,
		LENGTH = 41,
	};
	static const char licence[] = "Apache-2.0";
	/* clang-format off */
	const struct bpf_insn code[] = {
		COPY(6, 1),
		FETCH(0, IP_AT, 1),
		IF_NOT(0, 0, MISS - 8), /* no packet */
		LOAD8(7, 10, IP_AT),
		SHIFT(7, 4),
		IF(7, 6, VERSION_6 - 11),
		IF_NOT(7, 4, MISS - 12),
		FETCH(V4_DESTINATION_AT, IP_AT, 4),
		IF_NOT(0, 0, MISS - 19),
		STORE32(10, KEY_AT, 32),
		TRIE(1, v4),
		GO(LOOK_UP - 23),
		/* VERSION_6 */
		FETCH(V6_DESTINATION_AT, IP_AT, 16),
		IF_NOT(0, 0, MISS - 30),
		STORE32(10, KEY_AT, 128),
		TRIE(1, v6),
		/* LOOK_UP */
		COPY(2, 10),
		ADD(2, KEY_AT),
		CALL(BPF_FUNC_map_lookup_elem),
		IF(0, 0, MISS - 37),
		LOAD32(0, 0, 0),
		END,
		/* MISS */
		SET(0, 0),
		END,
	};
	/* clang-format on */
	static_assert(sizeof(code) / sizeof(*code) == LENGTH);
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uint64_t)(uintptr_t)code,
		.insn_cnt = LENGTH,
		.license = (uint64_t)(uintptr_t)licence,
	};

	return (int)call(BPF_PROG_LOAD, &attr);
}

static enum rc change(enum bpf_cmd command, struct steer *s,
		      const struct allowedips_prefix *p, const uint32_t *queue)
{
	struct key key = { .len = p->len };
	union bpf_attr attr = {
		.map_fd = (uint32_t)(p->is_v6 ? s->v6 : s->v4),
		.key = (uint64_t)(uintptr_t)&key,
		.value = (uint64_t)(uintptr_t)queue,
	};

	memcpy(key.ip, p->ip, p->is_v6 ? 16 : 4);
	return call(command, &attr) == 0 ? RC_OK : RC_SYS;
}

enum rc steer_set(struct steer *s, const struct allowedips_prefix *p,
		  unsigned queue)
{
	return change(BPF_MAP_UPDATE_ELEM, s, p, &queue);
}

enum rc steer_unset(struct steer *s, const struct allowedips_prefix *p)
{
	enum rc rc = change(BPF_MAP_DELETE_ELEM, s, p, NULL);

	return rc && errno == ENOENT ? RC_OK : rc;
}

/* Whether the tries may be changed by somebody without any capability. */
static void *try_unprivileged(void *arg)
{
	static const struct allowedips_prefix any = { .len = 0 };
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
		{ 0 },
	};
	struct steer *s = arg;

	/* Of this thread only, which then ends. */
	if (syscall(SYS_capset, &header, none) != 0 ||
	    steer_set(s, &any, 0) || steer_unset(s, &any))
		return s;
	return NULL;
}

static enum rc check_unprivileged(struct steer *s)
{
	pthread_t thread;
	void *failed;

	errno = pthread_create(&thread, NULL, try_unprivileged, s);
	if (errno)
		return RC_SYS;
	errno = pthread_join(thread, &failed);
	if (!errno && failed)
		errno = EPERM;
	return errno ? RC_SYS : RC_OK;
}

static enum rc start(struct steer *s, unsigned prefixes_max)
{
	s->v4 = trie_new(4, prefixes_max);
	s->v6 = s->v4 < 0 ? -1 : trie_new(16, prefixes_max);
	if (s->v6 >= 0)
		s->program = program_new(s->v4, s->v6);
	return s->program < 0 ? RC_SYS : check_unprivileged(s);
}

enum rc steer_new(struct steer **out, unsigned prefixes_max)
{
	struct steer *s = mem_new(sizeof(*s));
	enum rc rc;

	*s = (struct steer){ -1, -1, -1 };
	rc = start(s, prefixes_max);
	if (rc) {
		steer_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void steer_free(struct steer *s)
{
	int error = errno;

	if (!s)
		return;
	mem_auto_close(&s->v4);
	mem_auto_close(&s->v6);
	mem_auto_close(&s->program);
	free(s);
	errno = error;
}

enum rc steer_attach(const struct steer *s, int tun_fd)
{
	return ioctl(tun_fd, TUNSETSTEERINGEBPF, &s->program) == 0 ? RC_OK
								   : RC_SYS;
}

int steer_program(const struct steer *s)
{
	return s->program;
}
