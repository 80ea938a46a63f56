#include "vm/qemu.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "json/jwrite.h"

enum {
	TEXT_MAX = 16 * 1024, /* of one argument */
};

/* Arguments as they come; is_full once the arena had no room. */
struct list {
	struct qemu_args args;
	struct arena *arena;
	bool is_full;
};

static void put_text(struct list *l, const char *text)
{
	if (!text)
		l->is_full = true;
	if (l->is_full)
		return;
	/* A bound of ours, which no spec reaches. */
	assert(l->args.count < QEMU_ARGS_MAX);
	l->args.argv[l->args.count++] = text;
}

__attribute__((format(printf, 2, 3))) static void put(struct list *l,
						      const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	assert(n >= 0 && n < TEXT_MAX);
	put_text(l, arena_dup(l->arena, span_of(text, (size_t)n)));
}

/* A path inside an option: its commas are doubled. */
static const char *escaped(struct list *l, const char *path)
{
	size_t n = strlen(path), at = 0;
	char *out = arena_new(l->arena, 2 * n + 1, 1);

	if (!out) {
		l->is_full = true;
		return "";
	}
	for (size_t i = 0; i < n; i++) {
		out[at++] = path[i];
		if (path[i] == ',')
			out[at++] = ',';
	}
	return out;
}

static void put_json(struct list *l, const struct buf *json, bool is_whole)
{
	put_text(l, is_whole ? arena_dup(l->arena, buf_span(json)) : NULL);
}

static void put_start(struct list *l, const struct vm_spec *s)
{
	put(l, "%s", s->qemu);
	put(l, "-name");
	put(l, "%s", s->name);
	for (size_t i = 0; s->firmware_folders[i]; i++) {
		put(l, "-L");
		put(l, "%s", s->firmware_folders[i]);
	}
	put(l, "-no-user-config");
	put(l, "-nodefaults");
	put(l, "-no-reboot");
	put(l, "-display");
	put(l, "none");
	put(l, "-sandbox");
	put(l, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
	       "resourcecontrol=deny");
}

/* The service that signs quotes, as a SocketAddress of QEMU. */
static void write_quotes(struct jwrite *j, const char *at)
{
	const char *colon;

	jwrite_object(j, "quote-generation-socket");
	if (strncmp(at, "unix:", 5) == 0) {
		jwrite_str(j, "type", "unix");
		jwrite_str(j, "path", at + 5);
	} else {
		at += strlen("vsock:");
		colon = strchr(at, ':'); /* vm_spec_check() saw it */
		jwrite_str(j, "type", "vsock");
		jwrite_text(j, "cid", span_of(at, (size_t)(colon - at)));
		jwrite_str(j, "port", colon + 1);
	}
	jwrite_end(j);
}

/* Not even its owner may debug it, and pages cannot be taken from it and given
 * back without a fault. */
static void put_tdx(struct list *l, const struct vm_spec *s)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct jwrite j = jwrite_to(&json);

	buf_init(&json, TEXT_MAX);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "qom-type", "tdx-guest");
	jwrite_str(&j, "id", "tdx");
	jwrite_base64(&j, "mrconfigid", SPAN_ARRAY(s->config_id));
	jwrite_bool(&j, "sept-ve-disable", true);
	if (s->quotes)
		write_quotes(&j, s->quotes);
	jwrite_end(&j);
	put(l, "-object");
	put_json(l, &json, jwrite_done(&j));
}

static void put_machine(struct list *l, const struct vm_spec *s)
{
	static const char common[] = "q35,vmport=off,dump-guest-core=off,"
				     "mem-merge=off,memory-backend=ram";

	put(l, "-accel");
	put(l, "%s",
	    s->accel == VM_TCG ? "tcg,thread=multi,tb-size=1024" : "kvm");
	put(l, "-cpu");
	put(l, "%s", s->accel == VM_TCG ? "Haswell" : "host");
	if (s->accel == VM_TDX)
		put_tdx(l, s);
	put(l, "-object");
	put(l, "memory-backend-ram,id=ram,size=%lluM",
	    (unsigned long long)s->memory_mib);
	put(l, "-machine");
	put(l, "%s%s", common,
	    s->accel == VM_TDX ? ",hpet=off,kernel-irqchip=split,"
				 "confidential-guest-support=tdx"
			       : "");
	put(l, "-m");
	put(l, "size=%lluM", (unsigned long long)s->memory_mib);
	put(l, "-smp");
	put(l, "%llu", (unsigned long long)s->cpus);
}

static void put_boot(struct list *l, const struct vm_spec *s)
{
	if (s->tdvf) {
		put(l, "-bios");
		put(l, "%s", s->tdvf);
	}
	put(l, "-kernel");
	put(l, "%s", s->kernel);
	put(l, "-initrd");
	put(l, "%s", s->initrd);
	put(l, "-append");
	put(l, "%s", s->cmdline);
}

static void put_file(struct list *l, const char *name, const char *path)
{
	if (!path)
		return;
	put(l, "-fw_cfg");
	put(l, "name=" QEMU_FW_CFG "%s,file=%s", name, escaped(l, path));
}

/* The guest finds a disk by its serial number, whatever the order. */
static void put_disk(struct list *l, const char *name, const char *path,
		     bool is_read_only)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct jwrite j = jwrite_to(&json);

	if (!path)
		return;
	buf_init(&json, TEXT_MAX);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "driver", "raw");
	jwrite_str(&j, "node-name", name);
	jwrite_bool(&j, "read-only", is_read_only);
	if (!is_read_only)
		jwrite_str(&j, "discard", "unmap");
	jwrite_object(&j, "file");
	jwrite_str(&j, "driver", "file");
	jwrite_str(&j, "filename", path);
	jwrite_end(&j);
	jwrite_end(&j);
	put(l, "-blockdev");
	put_json(l, &json, jwrite_done(&j));
	put(l, "-device");
	put(l, "virtio-blk-pci,drive=%s,serial=%s", name, name);
}

static void put_net(struct list *l, const struct vm_spec *s)
{
	if (s->net == VM_NET_NONE)
		return;
	put(l, "-netdev");
	if (s->net == VM_NET_TAP)
		put(l, "tap,id=net,fd=%d,vhost=off", s->tap_fd);
	else
		put(l, "user,id=net");
	put(l, "-device");
	put(l,
	    "virtio-net-pci,netdev=net,romfile=,"
	    "mac=%02x:%02x:%02x:%02x:%02x:%02x",
	    s->mac[0], s->mac[1], s->mac[2], s->mac[3], s->mac[4], s->mac[5]);
}

static void put_port(struct list *l, const char *id, const char *name,
		     const char *path, const char *more)
{
	put(l, "-chardev");
	put(l, "socket,id=%s,path=%s,%s", id, escaped(l, path), more);
	put(l, "-device");
	put(l, "virtserialport,chardev=%s,name=%s", id, name);
}

static void put_channels(struct list *l, const struct vm_spec *s)
{
	static const char server[] = "server=on,wait=off";

	put(l, "-chardev");
	put(l, "file,id=serial,path=%s,append=on", escaped(l, s->serial));
	put(l, "-serial");
	put(l, "chardev:serial");
	put(l, "-device");
	put(l, "virtio-serial-pci,max_ports=%d", s->platform ? 3 : 2);
	put_port(l, "manage", QEMU_PORT_MANAGE, s->manage, server);
	/* The platform closes what is quiet for long, and may start anew. */
	if (s->platform)
		put_port(l, "platform", QEMU_PORT_PLATFORM, s->platform,
			 "server=off,reconnect-ms=50");
	put(l, "-chardev");
	put(l, "socket,id=qmp,path=%s,%s", escaped(l, s->qmp), server);
	put(l, "-mon");
	put(l, "chardev=qmp,mode=control");
	/* A trust domain gets its entropy from the CPU: the host's would be
	 * the host's choice. */
	if (s->accel != VM_TDX) {
		put(l, "-device");
		put(l, "virtio-rng-pci");
	}
}

enum rc qemu_args(struct qemu_args *out, const struct vm_spec *spec,
		  struct arena *arena, char error[VM_ERROR_MAX])
{
	struct list l = { .arena = arena };
	enum rc rc = vm_spec_check(spec, error);

	if (rc)
		return rc;
	put_start(&l, spec);
	put_machine(&l, spec);
	put_boot(&l, spec);
	put_file(&l, "manifest", spec->manifest);
	put_file(&l, "config", spec->config);
	put_file(&l, "env", spec->env);
	put_file(&l, "collateral", spec->collateral);
	put_disk(&l, "root", spec->root, true);
	put_disk(&l, "data", spec->data, false);
	put_disk(&l, "images", spec->images, true);
	put_net(&l, spec);
	put_channels(&l, spec);
	if (l.is_full) {
		(void)snprintf(error, VM_ERROR_MAX, "no room for arguments");
		return RC_LIMIT;
	}
	*out = l.args;
	return RC_OK;
}
