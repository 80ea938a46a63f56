#include "vm/image.h"

#include <stdio.h>
#include <string.h>

#include "json/jtree.h"

/* What is read so far, and why no more. */
struct reader {
	struct arena *arena;
	const char *folder;
	char *error;
	enum rc rc;
};

static void fail(struct reader *r, enum rc rc, const char *member,
		 const char *expected)
{
	if (r->rc)
		return;
	r->rc = rc;
	(void)snprintf(r->error, VM_ERROR_MAX, "image.json: %s: expected %s",
		       member, expected);
}

static const struct jtree *member(struct reader *r, const struct jtree *from,
				  const char *key, enum jtree_type type,
				  const char *expected)
{
	const struct jtree *t = from ? jtree_get(from, key) : NULL;

	if (t && t->type == type)
		return t;
	fail(r, RC_MALFORMED, key, expected);
	return NULL;
}

static const char *text(struct reader *r, const struct jtree *from,
			const char *key)
{
	const struct jtree *t = member(r, from, key, JTREE_TEXT, "a text");
	const char *copy;

	if (!t)
		return "";
	copy = arena_dup(r->arena, t->text);
	if (copy)
		return copy;
	fail(r, RC_LIMIT, key, "less");
	return "";
}

static uint64_t number(struct reader *r, const struct jtree *from,
		       const char *key)
{
	const struct jtree *t = member(r, from, key, JTREE_NUMBER, "a number");

	return t ? t->number : 0;
}

/* Names of folders and a file below the image's; none of them "..". */
static bool is_below(struct span path)
{
	struct span part;

	if (path.n == 0 || path.n > VM_PATH_MAX || path.p[0] == '/')
		return false;
	while (rd_until(&path, &part, '/')) {
		if (part.n == 0 || span_equal_str(part, ".."))
			return false;
		for (size_t i = 0; i < part.n; i++) {
			if (part.p[i] < ' ' || part.p[i] == 0x7f)
				return false;
		}
	}
	return true;
}

static const char *below(struct reader *r, const struct jtree *t,
			 const char *key)
{
	size_t n = strlen(r->folder);
	char *out;

	if (!t || t->type != JTREE_TEXT || !is_below(t->text)) {
		fail(r, RC_MALFORMED, key, "a path below its folder");
		return "";
	}
	out = arena_new(r->arena, n + 1 + t->text.n + 1, 1);
	if (!out) {
		fail(r, RC_LIMIT, key, "less");
		return "";
	}
	memcpy(out, r->folder, n);
	out[n] = '/';
	memcpy(out + n + 1, t->text.p, t->text.n);
	return out;
}

static struct image_file file(struct reader *r, const struct jtree *files,
			      const char *key)
{
	const struct jtree *t = member(r, files, key, JTREE_OBJECT,
				       "path, sha256 and bytes");

	if (!t)
		return (struct image_file){ .path = "" };
	return (struct image_file){
		.path = below(r, jtree_get(t, "path"), key),
		.bytes = number(r, t, "bytes"),
	};
}

static void read_qemu(struct image *image, struct reader *r,
		      const struct jtree *root)
{
	const struct jtree *qemu = jtree_get(root, "qemu"), *folders, *t;
	size_t i = 0;

	if (!qemu)
		return;
	if (qemu->type != JTREE_OBJECT) {
		fail(r, RC_MALFORMED, "qemu", "an object");
		return;
	}
	image->qemu = below(r, jtree_get(qemu, "program"), "program");
	folders = member(r, qemu, "firmware_folders", JTREE_ARRAY, "a list");
	if (!folders)
		return;
	if (folders->count > VM_FIRMWARE_FOLDERS_MAX) {
		fail(r, RC_MALFORMED, "firmware_folders", "at most 3");
		return;
	}
	for (t = folders->first; t; t = t->next)
		image->firmware_folders[i++] = below(r, t, "firmware_folders");
}

static bool is_name(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-";
	size_t n = strlen(name);

	return n >= 1 && n <= IMAGE_NAME_MAX && strspn(name, allowed) == n;
}

static void read_all(struct image *image, struct reader *r,
		     const struct jtree *root)
{
	const struct jtree *files, *simulated;

	image->name = text(r, root, "name");
	if (!is_name(image->name))
		fail(r, RC_MALFORMED, "name",
		     "1 to 63 letters, digits, '.', '_' and '-'");
	simulated = member(r, root, "simulated", JTREE_BOOL, "true or false");
	image->is_simulated = simulated && simulated->is_true;
	files = member(r, root, "files", JTREE_OBJECT, "an object");
	image->kernel = file(r, files, "kernel");
	image->initrd = file(r, files, "initrd");
	image->root = file(r, files, "root");
	image->firmware = file(r, files, "firmware");
	image->cmdline = text(r, root, "cmdline");
	image->memory_min_mib = number(r, root, "memory_min_mib");
	read_qemu(image, r, root);
}

enum rc image_read(struct image *out, struct arena *arena, const char *folder,
		   struct span json, char error[VM_ERROR_MAX])
{
	struct reader r = { .arena = arena, .folder = folder, .error = error };
	const struct jtree *root = jtree_read(arena, json), *format;
	struct image image = { .folder = folder };

	if (!root || root->type != JTREE_OBJECT) {
		(void)snprintf(error, VM_ERROR_MAX,
			       "image.json: no JSON object");
		return RC_MALFORMED;
	}
	format = jtree_get(root, "format");
	if (!format || format->type != JTREE_TEXT ||
	    !span_equal_str(format->text, "postern-image/1")) {
		(void)snprintf(error, VM_ERROR_MAX,
			       "image.json: another format than "
			       "postern-image/1");
		return RC_UNSUPPORTED;
	}
	read_all(&image, &r, root);
	if (r.rc)
		return r.rc;
	*out = image;
	return RC_OK;
}
