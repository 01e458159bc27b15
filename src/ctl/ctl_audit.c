/* ctl_audit.c -- `dougong audit list|head|proof|verify`.
 *
 * verify believes nobody: it reads every entry, hashes the tree again, and
 * compares the roots with the signed head, with every head that the node has
 * sent, and with those that its parent has kept (--against).  Entries and heads
 * are all that it needs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_b64.h"
#include "base/base_mem.h"
#include "base/base_time.h"
#include "crypt/crypt_key.h"
#include "crypt/crypt_merkle.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_page.h"
#include "wire/audit/wire_head.h"

enum { AUDIT_PATH = 512, AUDIT_PUBLIC = 512, AUDIT_PAGE = 256 };

/* --- reading answers --- */

static const char *
audit_text(const json_t *from, const char *name)
{
    const char *text = json_string_value(json_object_get(from, name));
    return text ? text : "";
}

static uint64_t
audit_number(const json_t *from, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(from, name));
}

/* Exactly size bytes of base64. */
static bool
audit_bytes(const char *text, uint8_t *to, size_t size)
{
    struct base_out out;
    base_out_fixed(&out, to, size);
    return base_b64_read(base_bytes_text(text), BASE_B64_STANDARD, &out) ==
               ERR_OK &&
           out.size == size;
}

static bool
audit_head_read(const json_t *from, struct wire_head *ret_head)
{
    ret_head->size = audit_number(from, "tree_size");
    ret_head->time_ms = (int64_t)audit_number(from, "timestamp");
    return audit_bytes(audit_text(from, "sha256_root_hash"), ret_head->root,
                       sizeof ret_head->root) &&
           audit_bytes(audit_text(from, "tree_head_signature"),
                       ret_head->signature, sizeof ret_head->signature);
}

static bool
audit_signed(const struct wire_head *head, const char *public_key)
{
    uint8_t room[AUDIT_PUBLIC], text[WIRE_HEAD_SIGNED];
    struct base_out public_der;
    base_out_fixed(&public_der, room, sizeof room);
    wire_head_signed(head, text);
    return base_b64_read(base_bytes_text(public_key), BASE_B64_STANDARD,
                         &public_der) == ERR_OK &&
           crypt_key_verify(
               base_out_bytes(&public_der), base_bytes(text, sizeof text),
               base_bytes(head->signature, sizeof head->signature)) == ERR_OK;
}

/* --- list, head, proof --- */

static void
audit_print(const json_t *row)
{
    char when[BASE_TIME_TEXT];
    const json_t *entry = json_object_get(row, "entry");
    const json_t *actor = json_object_get(entry, "actor");
    struct wall time = {(int64_t)audit_number(entry, "time_ms")};
    printf("%6" PRIu64 "  %s  %s %s  %s  %s  %s\n", audit_number(row, "index"),
           base_time_text(time, 0, when), audit_text(actor, "kind"),
           audit_text(actor, "name"), audit_text(entry, "action"),
           audit_text(entry, "object"), audit_text(entry, "reason"));
}

static enum ctl_exit
audit_list(struct ctl *ctl)
{
    json_t *answer = NULL, *row;
    struct base_out path;
    size_t i;
    base_out_grow(&path, AUDIT_PATH);
    base_out_text(&path, "/api/audit/entries?");
    enum ctl_exit bad = ctl_page_get(ctl, &path, &answer);
    base_out_done(&path);
    if (bad != CTL_OK)
        return bad;
    if (ctl->json) {
        ctl_print_json(answer);
    } else {
        json_array_foreach(json_object_get(answer, "entries"), i, row)
            audit_print(row);
        ctl_page_more(answer);
    }
    json_decref(answer);
    return CTL_OK;
}

/* The signed head, its signature checked. */
static enum ctl_exit
audit_ask_head(struct ctl *ctl, json_t **ret_json, struct wire_head *ret_head)
{
    enum ctl_exit bad = ctl_http_get(ctl, "/api/audit/head", ret_json);
    if (bad != CTL_OK)
        return bad;
    if (audit_head_read(*ret_json, ret_head) &&
        audit_signed(ret_head, audit_text(*ret_json, "public_key")))
        return CTL_OK;
    json_decref(*ret_json);
    ctl_say("the head's signature is wrong");
    return CTL_NO;
}

static enum ctl_exit
audit_head(struct ctl *ctl)
{
    struct wire_head head;
    char when[BASE_TIME_TEXT];
    json_t *answer = NULL;
    enum ctl_exit bad = audit_ask_head(ctl, &answer, &head);
    if (bad != CTL_OK)
        return bad;
    if (ctl->json)
        ctl_print_json(answer);
    else
        printf("%s: %" PRIu64 " entries at %s, root %s, signed by key %s\n",
               audit_text(answer, "node"), head.size,
               base_time_text((struct wall){head.time_ms}, 0, when),
               audit_text(answer, "sha256_root_hash"),
               audit_text(answer, "key_id"));
    json_decref(answer);
    return CTL_OK;
}

static bool
audit_path_read(const json_t *list, struct base_out *out)
{
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        uint8_t hash[CRYPT_MERKLE_HASH];
        const char *text = json_string_value(one);
        if (text == NULL || !audit_bytes(text, hash, sizeof hash))
            return false;
        base_out_bytes_add(out, base_bytes(hash, sizeof hash));
    }
    return base_out_ok(out);
}

/* The leaf as its argument spells it: hex or base64. */
static bool
audit_leaf(const char *text, uint8_t to[CRYPT_MERKLE_HASH])
{
    return base_b64_unhex(base_bytes_text(text), to, CRYPT_MERKLE_HASH) ==
               ERR_OK ||
           audit_bytes(text, to, CRYPT_MERKLE_HASH);
}

static enum ctl_exit
audit_ask_proof(struct ctl *ctl, const char *hash, uint64_t size,
                json_t **ret_json)
{
    struct base_out path;
    base_out_grow(&path, AUDIT_PATH);
    base_out_text(&path, "/api/audit/proof?hash=");
    ctl_http_escape(&path, hash);
    base_out_format(&path, "&tree_size=%" PRIu64, size);
    base_out_u8(&path, 0);
    enum ctl_exit bad = base_out_ok(&path)
                            ? ctl_http_get(ctl, (const char *)path.at, ret_json)
                            : CTL_USAGE;
    base_out_done(&path);
    return bad;
}

static enum ctl_exit
audit_proof(struct ctl *ctl)
{
    struct wire_head head;
    struct base_out path;
    uint8_t leaf[CRYPT_MERKLE_HASH], room[WIRE_HEAD_PATH_MAX];
    json_t *answer = NULL, *proof = NULL;
    if (!audit_leaf(ctl->args[0], leaf)) {
        ctl_say("give a leaf's SHA-256 as 64 hex digits or base64");
        return CTL_USAGE;
    }
    enum ctl_exit bad = audit_ask_head(ctl, &answer, &head);
    if (bad != CTL_OK)
        return bad;
    bad = audit_ask_proof(ctl, ctl->args[0], head.size, &proof);
    if (bad == CTL_OK) {
        uint64_t index = audit_number(proof, "leaf_index");
        base_out_fixed(&path, room, sizeof room);
        bool good =
            audit_path_read(json_object_get(proof, "audit_path"), &path) &&
            crypt_merkle_included(index, head.size, leaf, base_out_bytes(&path),
                                  head.root);
        if (ctl->json)
            ctl_print_json(proof);
        else if (good)
            printf("entry %" PRIu64 " of %s is in the log of %" PRIu64
                   " entries that its key %s signed\n",
                   index, audit_text(answer, "node"), head.size,
                   audit_text(answer, "key_id"));
        if (!good)
            ctl_say("the proof does not hold");
        bad = good ? CTL_OK : CTL_NO;
        json_decref(proof);
    }
    json_decref(answer);
    return bad;
}

/* --- verify --- */

struct audit_want {
    uint64_t size;
    uint8_t root[CRYPT_MERKLE_HASH];
    bool kept; /* by the parent; else sent by the node itself */
};

struct audit_verify {
    struct ctl *ctl;
    json_t *answer; /* the node's own head */
    struct wire_head head;
    struct audit_want *wants;
    size_t count, room, at, kept;
    struct crypt_merkle tree;
    uint64_t good; /* size of the last root that was right */
    unsigned wrong;
    bool said[2]; /* by `kept`: the first wrong one has been told */
    enum ctl_exit bad;
};

static void
verify_want(struct audit_verify *verify, const struct wire_head *head,
            bool kept)
{
    if (verify->count == verify->room) {
        verify->room = verify->room * 2 + 64;
        verify->wants = base_mem_resize(verify->wants,
                                        verify->room * sizeof *verify->wants);
    }
    struct audit_want *want = &verify->wants[verify->count++];
    *want = (struct audit_want){.size = head->size, .kept = kept};
    memcpy(want->root, head->root, sizeof want->root);
    verify->kept += kept;
}

/* Heads of another life of the log say nothing of this one. */
static void
verify_restart(struct audit_verify *verify)
{
    size_t left = 0;
    for (size_t i = 0; i < verify->count; i++)
        if (!verify->wants[i].kept)
            verify->wants[left++] = verify->wants[i];
    verify->count = left;
    verify->kept = 0;
}

static void
verify_head(struct audit_verify *verify, const json_t *row, bool kept)
{
    struct wire_head head;
    const char *state = audit_text(row, "state");
    const char *key = audit_text(kept ? row : verify->answer, "public_key");
    if (strcmp(state, "restarted") == 0)
        verify_restart(verify);
    if (!audit_head_read(row, &head) || !audit_signed(&head, key)) {
        ctl_say("a head of %" PRIu64 " entries is not signed with its key",
                audit_number(row, "tree_size"));
        verify->wrong++;
    } else if (strcmp(state, "fork") == 0) {
        ctl_say("the parent has refused a head of %" PRIu64
                " entries: it does not continue the one before",
                head.size);
        verify->wrong++;
    } else {
        verify_want(verify, &head, kept);
    }
}

static void
verify_heads(struct audit_verify *verify, const char *node, bool kept)
{
    struct ctl ask = *verify->ctl;
    char next[32] = "";
    bool more = true;
    ask.node = node;
    if (kept) /* another node has no business with our key */
        ask.key[0] = ask.cookie[0] = '\0';
    while (more && verify->bad == CTL_OK) {
        char path[AUDIT_PATH];
        json_t *answer = NULL, *row;
        size_t i;
        snprintf(path, sizeof path, "/api/audit/heads?next=%s&limit=1000%s%s",
                 next, kept ? "&node=" : "",
                 kept ? audit_text(verify->answer, "node") : "");
        verify->bad = ctl_http_get(&ask, path, &answer);
        if (verify->bad != CTL_OK)
            return;
        json_array_foreach(json_object_get(answer, "heads"), i, row)
            verify_head(verify, row, kept);
        snprintf(next, sizeof next, "%s", audit_text(answer, "next"));
        more = next[0] != '\0';
        json_decref(answer);
    }
}

static int
verify_order(const void *a, const void *b)
{
    const struct audit_want *left = a, *right = b;
    return left->size < right->size ? -1 : left->size > right->size;
}

/* Whatever is wanted of the tree as it is now. */
static void
verify_compare(struct audit_verify *verify)
{
    for (; verify->at < verify->count &&
           verify->wants[verify->at].size == verify->tree.count;
         verify->at++) {
        const struct audit_want *want = &verify->wants[verify->at];
        uint8_t root[CRYPT_MERKLE_HASH];
        crypt_merkle_root(&verify->tree, root);
        if (memcmp(root, want->root, sizeof root) == 0) {
            verify->good = want->size;
            continue;
        }
        verify->wrong++;
        if (!verify->said[want->kept])
            ctl_say("the first %" PRIu64 " entries are not those whose head "
                    "the %s",
                    want->size,
                    want->kept ? "parent keeps" : "node has signed");
        verify->said[want->kept] = true;
    }
}

static void
verify_entry(struct audit_verify *verify, const json_t *row)
{
    struct base_out entry;
    uint8_t leaf[CRYPT_MERKLE_HASH];
    if (verify->tree.count >= verify->head.size)
        return;
    base_out_grow(&entry, 1 << 20);
    if (audit_number(row, "index") != verify->tree.count ||
        base_b64_read(base_bytes_text(audit_text(row, "leaf_input")),
                      BASE_B64_STANDARD, &entry) != ERR_OK) {
        ctl_say("entry %" PRIu64 " is missing", verify->tree.count);
        verify->bad = CTL_NO;
    } else {
        crypt_merkle_leaf(base_out_bytes(&entry), leaf);
        crypt_merkle_add(&verify->tree, leaf);
        verify_compare(verify);
    }
    base_out_done(&entry);
}

static void
verify_entries(struct audit_verify *verify)
{
    verify_compare(verify);
    while (verify->tree.count < verify->head.size && verify->bad == CTL_OK) {
        char path[AUDIT_PATH];
        json_t *answer = NULL, *row;
        size_t i;
        uint64_t before = verify->tree.count;
        size_t size = (size_t)snprintf(path, sizeof path, "/api/audit/entries");
        if (before > 0)
            snprintf(path + size, sizeof path - size, "?next=%" PRIu64,
                     before - 1);
        verify->bad = ctl_http_get(verify->ctl, path, &answer);
        if (verify->bad != CTL_OK)
            return;
        json_array_foreach(json_object_get(answer, "entries"), i, row)
        {
            if (verify->bad == CTL_OK)
                verify_entry(verify, row);
        }
        json_decref(answer);
        if (verify->tree.count == before && verify->bad == CTL_OK) {
            ctl_say("entry %" PRIu64 " is missing", before);
            verify->bad = CTL_NO;
        }
    }
}

/* More was once signed than there is now. */
static void
verify_beyond(struct audit_verify *verify)
{
    for (; verify->bad == CTL_OK && verify->at < verify->count; verify->at++) {
        if (verify->wants[verify->at].size <= verify->head.size)
            continue;
        ctl_say("the log has %" PRIu64 " entries, but a head of %" PRIu64
                " was signed before: it has been cut",
                verify->head.size, verify->wants[verify->at].size);
        verify->wrong++;
    }
}

static enum ctl_exit
verify_tell(struct audit_verify *verify)
{
    const char *node = audit_text(verify->answer, "node");
    bool good = verify->bad == CTL_OK && verify->wrong == 0;
    if (verify->bad != CTL_OK && verify->bad != CTL_NO)
        return verify->bad;
    if (verify->ctl->json) {
        json_t *out = json_pack(
            "{s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "node", node, "verified",
            good ? 1 : 0, "entries", (json_int_t)verify->tree.count, "heads",
            (json_int_t)verify->count, "kept", (json_int_t)verify->kept,
            "right_up_to", (json_int_t)verify->good, "wrong",
            (json_int_t)verify->wrong);
        ctl_print_json(out);
        json_decref(out);
    } else if (good) {
        printf("%s: %" PRIu64 " entries hash to the signed head and to %zu "
               "earlier ones, %zu of them kept by the parent\n",
               node, verify->head.size, verify->count - 1, verify->kept);
    } else {
        printf("%s: NOT verified; the first %" PRIu64 " entries are right\n",
               node, verify->good);
    }
    return good ? CTL_OK : CTL_NO;
}

static enum ctl_exit
audit_verify(struct ctl *ctl)
{
    struct audit_verify verify = {.ctl = ctl};
    const char *against = ctl_value(ctl, "against");
    verify.bad = audit_ask_head(ctl, &verify.answer, &verify.head);
    if (verify.bad != CTL_OK)
        return verify.bad;
    verify_heads(&verify, ctl->node, false);
    if (against != NULL)
        verify_heads(&verify, against, true);
    if (verify.bad == CTL_OK) {
        verify_want(&verify, &verify.head, false);
        qsort(verify.wants, verify.count, sizeof *verify.wants, verify_order);
        verify_entries(&verify);
        verify_beyond(&verify);
    }
    enum ctl_exit end = verify_tell(&verify);
    base_mem_free(verify.wants);
    json_decref(verify.answer);
    return end;
}

enum ctl_exit
ctl_audit(struct ctl *ctl)
{
    static const struct {
        const char *verb;
        enum ctl_exit (*run)(struct ctl *ctl);
    } verbs[] = {{"list", audit_list},
                 {"head", audit_head},
                 {"proof", audit_proof},
                 {"verify", audit_verify}};
    for (size_t i = 0; i < BASE_COUNT(verbs); i++)
        if (strcmp(ctl->command->verb, verbs[i].verb) == 0)
            return verbs[i].run(ctl);
    return CTL_USAGE;
}
