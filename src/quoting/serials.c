#include "quoting/serials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"

static const char first_line[] = "postern-platform-serials 1";

static struct serial *find(struct serials *s, const char *name,
			   enum platform_use use, const struct p256_point *key)
{
	for (size_t i = 0; i < s->count; i++) {
		struct serial *e = &s->entries[i];

		if (strcmp(e->name, name) == 0 && e->use == use &&
		    span_equal(SPAN_ARRAY(e->key.xy), SPAN_ARRAY(key->xy)))
			return e;
	}
	return NULL;
}

static bool read_entry(struct serial *e, struct span line)
{
	struct span use, serial, key;
	uint64_t number;

	if (!rd_until(&line, &use, ' ') || !rd_until(&line, &serial, ' ') ||
	    !rd_until(&line, &key, ' ') ||
	    !text_u64(&number, serial, UINT32_MAX) ||
	    !text_hex_decode(e->key.xy, sizeof(e->key.xy), key) ||
	    !platform_is_name(line))
		return false;
	if (span_equal_str(use, platform_use_name(PLATFORM_DENY)))
		e->use = PLATFORM_DENY;
	else if (!span_equal_str(use, platform_use_name(PLATFORM_ALLOW)))
		return false;
	e->serial = (uint32_t)number;
	memcpy(e->name, line.p, line.n); /* zeroed before, and it fits */
	return true;
}

enum rc serials_parse(struct serials *out, struct span text)
{
	AUTO(mem_auto_free)
	struct serials *s = mem_new(sizeof(*s));
	struct span line;

	if (!text.n || text.p[text.n - 1] != '\n' ||
	    !rd_until(&text, &line, '\n') || !span_equal_str(line, first_line))
		return RC_MALFORMED;
	while (!rd_end(&text)) {
		struct serial e = { 0 };

		if (s->count == SERIALS_MAX || !rd_until(&text, &line, '\n') ||
		    !read_entry(&e, line) || find(s, e.name, e.use, &e.key))
			return RC_MALFORMED;
		s->entries[s->count++] = e;
	}
	*out = *s;
	return RC_OK;
}

void serials_write(struct wr *w, const struct serials *s)
{
	wr_printf(w, "%s\n", first_line);
	for (size_t i = 0; i < s->count; i++) {
		const struct serial *e = &s->entries[i];

		wr_printf(w, "%s %u ", platform_use_name(e->use),
			  (unsigned)e->serial);
		text_hex(w, SPAN_ARRAY(e->key.xy));
		wr_printf(w, " %s\n", e->name);
	}
}

enum rc serials_learn(struct serials *s, bool *is_new,
		      const struct tee_policy *policy)
{
	AUTO(mem_auto_free)
	struct serials *next = mem_new(sizeof(*next));
	bool has_new = false;

	*next = *s;
	for (size_t i = 0; i < policy->list_count; i++) {
		const struct policy_list *l = &policy->lists[i];
		struct serial *e = find(next, l->name, l->use, &l->key);

		if (l->state || (e && e->serial >= l->list.serial))
			continue;
		if (!e && next->count == SERIALS_MAX)
			return RC_LIMIT;
		if (!e) {
			e = &next->entries[next->count++];
			e->use = l->use;
			e->key = l->key;
			/* the reader of policies bounds names */
			strncpy(e->name, l->name, sizeof(e->name) - 1);
		}
		e->serial = l->list.serial;
		has_new = true;
	}
	*s = *next;
	*is_new = has_new;
	return RC_OK;
}

struct tee_policy serials_as_policy(const struct serials *s,
				    struct policy_list lists[SERIALS_MAX])
{
	for (size_t i = 0; i < s->count; i++)
		lists[i] = (struct policy_list){
			.name = s->entries[i].name,
			.use = s->entries[i].use,
			.key = s->entries[i].key,
			.min_serial = s->entries[i].serial,
			.state = TEE_LIST_MISSING,
		};
	return (struct tee_policy){ .lists = lists, .list_count = s->count };
}

enum rc serials_load(struct serials *out, const char *path)
{
	AUTO(buf_fini)
	struct buf text;
	enum rc rc;

	buf_init(&text, SERIALS_TEXT_MAX);
	rc = file_read(&text, path);
	if (rc == RC_SYS && errno == ENOENT) {
		*out = (struct serials){ 0 };
		return RC_OK;
	}
	return rc ? rc : serials_parse(out, buf_span(&text));
}

enum rc serials_save(const struct serials *s, const char *path)
{
	AUTO(mem_auto_free)
	uint8_t *text = mem_new(SERIALS_TEXT_MAX);
	struct wr w = wr_over(text, SERIALS_TEXT_MAX);

	serials_write(&w, s);
	return file_replace(path, wr_span(&w), 0644);
}
