/* model_matcher.c -- matchers of labels; declared in model_label.h.
 *
 * Regular expressions are POSIX extended ones until PCRE2 comes.  What the two
 * languages mean differently, and what can make libc's matcher explode, is
 * refused by name before regcomp sees it:
 *   \d \1 and the like (a letter or digit after a backslash), (?...), lazy or
 *   doubled quantifiers, more than one counted repetition, one above 64. */
#include <regex.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "model/model_label.h"

enum { MATCHER_REGEX_MAX = 256, MATCHER_REPEAT_MAX = 64 };

struct model_matcher_regex {
    regex_t regex;
};

/* A counted repetition {m}, {m,}, {m,n} at text[*at]. */
static bool
matcher_repeat_fits(const char *text, size_t *at)
{
    unsigned value = 0;
    for (size_t i = *at + 1; text[i]; i++) {
        if (text[i] == '}') {
            *at = i;
            return true;
        }
        value = text[i] == ',' ? 0 : value * 10 + (unsigned)(text[i] - '0');
        if (value > MATCHER_REPEAT_MAX)
            return false;
    }
    return false;
}

/* The reason to refuse this expression, or NULL. */
static const char *
matcher_refusal(const char *text)
{
    unsigned repeats = 0;
    bool quantified = false; /* the byte before was a quantifier */
    for (size_t i = 0; text[i]; i++) {
        char byte = text[i];
        bool quantifier = strchr("*+?{", byte) != NULL;
        if (quantifier && quantified)
            return "lazy or doubled quantifiers are not supported yet";
        quantified = quantifier;
        if (byte == '\\') {
            byte = text[++i];
            if (byte == 0 || (byte >= '0' && byte <= '9') ||
                ((byte | 32) >= 'a' && (byte | 32) <= 'z'))
                return "a backslash before a letter or a digit is not "
                       "supported yet";
        } else if (byte == '[') { /* to the end of the set */
            i += text[i + 1] == '^' ? 2 : 1;
            i += text[i] == ']' ? 1 : 0;
            while (text[i] && text[i] != ']')
                i++;
            if (!text[i])
                return "[ without ]";
        } else if (byte == '(' && text[i + 1] == '?') {
            return "(?...) is not supported yet";
        } else if (byte == '{') {
            if (++repeats > 1 || !matcher_repeat_fits(text, &i))
                return "only one counted repetition is supported yet, of at "
                       "most 64";
        }
    }
    return NULL;
}

static enum err
matcher_compile(struct model_matcher *matcher, struct base_note *note)
{
    char text[MATCHER_REGEX_MAX + 1], whole[MATCHER_REGEX_MAX + 8];
    if (matcher->value.size > MATCHER_REGEX_MAX ||
        base_bytes_find(matcher->value, 0) < matcher->value.size)
        return base_err_note(note, ERR_SYNTAX,
                             "a regular expression has at most %d bytes",
                             MATCHER_REGEX_MAX);
    base_bytes_string(matcher->value, text, sizeof text);
    const char *refusal = matcher_refusal(text);
    if (refusal)
        return base_err_note(note, ERR_SYNTAX, "the regular expression %s: %s",
                             text, refusal);
    /* An empty group is not portable: () is written ^$. */
    snprintf(whole, sizeof whole, text[0] ? "^(%s)$" : "^%s$", text);
    struct model_matcher_regex *made = base_mem_new(sizeof *made);
    int code = regcomp(&made->regex, whole, REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
        char why[96];
        regerror(code, &made->regex, why, sizeof why);
        base_mem_free(made);
        return base_err_note(note, ERR_SYNTAX, "the regular expression %s: %s",
                             text, why);
    }
    matcher->regex = made;
    return ERR_OK;
}

enum err
model_matcher_ready(struct model_matcher *matchers, unsigned count,
                    struct base_note *note)
{
    for (unsigned i = 0; i < count; i++)
        matchers[i].regex = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (matchers[i].op != MODEL_MATCH_REGEX &&
            matchers[i].op != MODEL_MATCH_NOT_REGEX)
            continue;
        enum err err = matcher_compile(&matchers[i], note);
        if (err != ERR_OK) {
            model_matcher_done(matchers, count);
            return err;
        }
    }
    return ERR_OK;
}

void
model_matcher_done(struct model_matcher *matchers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (matchers[i].regex)
            regfree(&matchers[i].regex->regex);
        base_mem_free(matchers[i].regex);
        matchers[i].regex = NULL;
    }
}

bool
model_matcher_fits(const struct model_matcher *matcher, struct bytes value)
{
    bool negated =
        matcher->op == MODEL_MATCH_NOT || matcher->op == MODEL_MATCH_NOT_REGEX;
    if (!matcher->regex)
        return base_bytes_equal(matcher->value, value) != negated;
    char text[MODEL_LABEL_VALUE + 1];
    base_bytes_string(value, text, sizeof text);
    return (regexec(&matcher->regex->regex, text, 0, NULL, 0) == 0) != negated;
}
