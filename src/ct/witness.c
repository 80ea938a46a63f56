#include "ct/witness.h"

#include "base/mem.h"
#include "base/text.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next word of a line; false: there is none. */
static bool rd_word(struct span *line, struct span *word)
{
	size_t n = 0;

	while (line->n && is_blank(line->p[0]))
		(void)rd_skip(line, 1); /* one is there */
	while (n < line->n && !is_blank(line->p[n]))
		n++;
	return n && rd_n(line, word, n);
}

static bool is_at_end(struct span line)
{
	struct span word;

	return !rd_word(&line, &word);
}

static struct witness_name *find(struct witness_policy *p, struct span name)
{
	for (size_t i = 0; i < p->name_count; i++)
		if (span_equal(p->name[i].name, name))
			return &p->name[i];
	return NULL;
}

static bool is_same_key(const struct note_key *a, const struct note_key *b)
{
	return span_equal(SPAN_ARRAY(a->key), SPAN_ARRAY(b->key));
}

/* log <vkey> [<url>] */
static enum rc read_log(struct witness_policy *p, struct span line)
{
	struct span vkey, url;
	struct note_key key;
	enum rc rc;

	if (!rd_word(&line, &vkey))
		return RC_MALFORMED;
	(void)rd_word(&line, &url); /* it may have none */
	if (!is_at_end(line))
		return RC_MALFORMED;
	rc = note_key_read(&key, vkey);
	if (rc)
		return rc;
	if (key.type != NOTE_ED25519)
		return RC_MALFORMED;
	for (size_t i = 0; i < p->log_count; i++)
		if (is_same_key(&p->log[i], &key))
			return RC_MALFORMED;
	if (p->log_count == WITNESS_LOGS_MAX)
		return RC_LIMIT;
	p->log[p->log_count++] = key;
	return RC_OK;
}

/* A new name for a witness or group. */
static enum rc add_name(struct witness_policy *p, struct witness_name *n)
{
	if (find(p, n->name) || span_equal_str(n->name, "none"))
		return RC_MALFORMED;
	if (p->name_count == WITNESS_NAMES_MAX)
		return RC_LIMIT;
	p->name[p->name_count++] = *n;
	return RC_OK;
}

/* witness <name> <vkey> [<url>] */
static enum rc read_witness(struct witness_policy *p, struct span line)
{
	struct witness_name w = { 0 };
	struct span vkey, url;
	enum rc rc;

	if (!rd_word(&line, &w.name) || !rd_word(&line, &vkey))
		return RC_MALFORMED;
	(void)rd_word(&line, &url); /* it may have none */
	if (!is_at_end(line))
		return RC_MALFORMED;
	rc = note_key_read(&w.key, vkey);
	if (rc)
		return rc;
	if (w.key.type != NOTE_COSIGNATURE)
		return RC_MALFORMED;
	for (size_t i = 0; i < p->name_count; i++)
		if (!p->name[i].is_group &&
		    is_same_key(&p->name[i].key, &w.key))
			return RC_MALFORMED;
	return add_name(p, &w);
}

/* "all", "any" or a number of 1..n; n members. */
static bool read_threshold(size_t *out, struct span word, size_t n)
{
	uint64_t k;

	if (span_equal_str(word, "all"))
		k = n;
	else if (span_equal_str(word, "any"))
		k = 1;
	else if (!text_u64(&k, word, n) || !k)
		return false;
	*out = (size_t)k;
	return true;
}

/* group <name> all|any|<k> <name>... */
static enum rc read_group(struct witness_policy *p, struct span line)
{
	struct witness_name group = { .is_group = true };
	struct span threshold, word;
	size_t members = 0;

	if (!rd_word(&line, &group.name) || !rd_word(&line, &threshold))
		return RC_MALFORMED;
	while (rd_word(&line, &word)) {
		struct witness_name *member = find(p, word);

		if (!member || member->is_member)
			return RC_MALFORMED;
		member->is_member = true;
		member->group = p->name_count;
		members++;
	}
	if (!members || !read_threshold(&group.threshold, threshold, members))
		return RC_MALFORMED;
	return add_name(p, &group);
}

/* quorum <name> */
static enum rc read_quorum(struct witness_policy *p, struct span line)
{
	struct witness_name *found;
	struct span name;

	if (p->has_quorum || !rd_word(&line, &name) || !is_at_end(line))
		return RC_MALFORMED;
	p->has_quorum = true;
	if (span_equal_str(name, "none")) {
		p->quorum_is_none = true;
		return RC_OK;
	}
	found = find(p, name);
	if (!found)
		return RC_MALFORMED;
	p->quorum = (size_t)(found - p->name);
	return RC_OK;
}

static enum rc read_line(struct witness_policy *p, struct span line)
{
	static const struct {
		const char *word;
		enum rc (*read)(struct witness_policy *p, struct span line);
	} kinds[] = {
		{ "log", read_log },
		{ "witness", read_witness },
		{ "group", read_group },
		{ "quorum", read_quorum },
	};
	struct span word;

	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] == 0x7f)
			return RC_MALFORMED;
	if (!rd_word(&line, &word) || word.p[0] == '#')
		return RC_OK;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_equal_str(word, kinds[i].word))
			return kinds[i].read(p, line);
	return RC_MALFORMED;
}

enum rc witness_policy_read(struct witness_policy *out, size_t *line,
			    struct span text)
{
	AUTO(mem_auto_free)
	struct witness_policy *p = NULL;
	struct span one;

	*line = 0;
	if (text.n > WITNESS_POLICY_MAX)
		return RC_LIMIT;
	if (text.n && text.p[text.n - 1] != '\n')
		return RC_MALFORMED;
	p = mem_new(sizeof(*p));
	while (rd_until(&text, &one, '\n')) {
		enum rc rc;

		++*line;
		rc = read_line(p, one);
		if (rc)
			return rc;
	}
	if (!p->has_quorum)
		return RC_MALFORMED;
	*out = *p;
	return RC_OK;
}

static const char *const answers[] = {
	[WITNESS_OK] = "ok",
	[WITNESS_MALFORMED] = "malformed",
	[WITNESS_UNKNOWN_LOG] = "unknown_log",
	[WITNESS_BAD_SIGNATURE] = "bad_signature",
	[WITNESS_TOO_FEW] = "too_few_witnesses",
	[WITNESS_FUTURE] = "future_cosignature",
};

const char *witness_answer_name(enum witness_answer answer)
{
	return answers[answer];
}

static enum witness_answer judge_log(const struct note *n,
				     const struct witness_policy *policy,
				     const struct note_key *log,
				     struct span origin)
{
	enum witness_answer answer = WITNESS_UNKNOWN_LOG;

	for (size_t i = 0; i <= policy->log_count; i++) {
		const struct note_key *k =
			i < policy->log_count ? &policy->log[i] : log;
		enum note_answer a;
		uint64_t at;

		/* A log speaks for itself only (tlog-checkpoint). */
		if (!k || !span_equal(k->name, origin))
			continue;
		a = note_verify(&at, n, k);
		if (a == NOTE_BAD_SIGNATURE)
			return WITNESS_BAD_SIGNATURE;
		if (a == NOTE_SIGNED)
			answer = WITNESS_OK;
	}
	return answer;
}

/* Who signed: counted by name, so once each; groups follow their members, which
 * stand before them. */
static enum witness_answer judge_witnesses(struct witness_verdict *v,
					   const struct note *n,
					   const struct witness_policy *policy,
					   int64_t now)
{
	size_t signed_members[WITNESS_NAMES_MAX] = { 0 };
	bool holds[WITNESS_NAMES_MAX] = { false };

	for (size_t i = 0; i < policy->name_count; i++) {
		const struct witness_name *w = &policy->name[i];
		uint64_t at = 0;
		enum note_answer a = NOTE_UNSIGNED;

		if (w->is_group) {
			holds[i] = signed_members[i] >= w->threshold;
		} else {
			a = note_verify(&at, n, &w->key);
			if (a == NOTE_BAD_SIGNATURE)
				return WITNESS_BAD_SIGNATURE;
			holds[i] = a == NOTE_SIGNED;
		}
		if (a == NOTE_SIGNED) {
			if (now < 0 || at > (uint64_t)now)
				return WITNESS_FUTURE;
			v->witnesses++;
			if (!v->seen_at || at < v->seen_at)
				v->seen_at = at;
		}
		if (holds[i] && w->is_member)
			signed_members[w->group]++;
	}
	return policy->quorum_is_none || holds[policy->quorum]
		       ? WITNESS_OK
		       : WITNESS_TOO_FEW;
}

void witness_judge(struct witness_verdict *out, struct span note,
		   const struct witness_policy *policy,
		   const struct note_key *log, int64_t now)
{
	struct witness_verdict v = { .answer = WITNESS_MALFORMED };
	AUTO(mem_auto_free)
	struct note *n = mem_new(sizeof(*n));

	if (!note_parse(n, note) &&
	    !checkpoint_parse(&v.checkpoint, n->text)) {
		v.answer = judge_log(n, policy, log, v.checkpoint.origin);
		if (v.answer == WITNESS_OK)
			v.answer = judge_witnesses(&v, n, policy, now);
	}
	*out = v;
}
