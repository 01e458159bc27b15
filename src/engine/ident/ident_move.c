/* ident_move.c -- see ident_move.h. */
#include "engine/ident/ident_move.h"

#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "engine/ident/ident_inner.h"
#include "wire/names/wire_move.h"

enum { MOVE_DER = 256, MOVE_SIGNATURE = 128, MOVE_ARENA = 1 << 20 };

static void
move_audit(struct ident *ident, const struct model_grant_principal *actor,
           const char *action, struct bytes prefix)
{
    struct model_grant_principal self = {.kind = MODEL_GRANT_NODE,
                                         .name = ident->prefix};
    (void)model_audit_append(ident->config.audit,
                             &(struct model_audit_event){
                                 .actor = actor != NULL ? actor : &self,
                                 .action = action,
                                 .object = prefix,
                             });
}

/* --- out --- */

struct move_out {
    struct base_out *out;
    uint32_t count;
    bool counting;
};

static bool
move_out_row(void *self, const struct ident_record *record)
{
    struct move_out *move = self;
    move->count++;
    if (move->counting)
        return true;
    struct base_out row;
    base_out_grow(&row, IDENT_ROW_ID_MAX);
    ident_row_id_write(&row, record);
    wire_move_write_row(move->out, base_out_bytes(&row));
    base_out_done(&row);
    return base_out_ok(move->out);
}

static enum err
move_sign(struct ident *ident, struct base_out *out)
{
    uint8_t room[MOVE_SIGNATURE];
    struct base_out signature;
    base_out_fixed(&signature, room, sizeof room);
    enum err err = crypt_key_sign(ident->config.site.keys[IDENT_SITE_SIGN],
                                  base_out_bytes(out), &signature);
    if (err == ERR_OK)
        wire_move_write_signature(out, base_out_bytes(&signature));
    return err == ERR_OK ? out->failed : err;
}

static enum err
move_write(struct ident *ident, const struct ident_served *served,
           struct bytes key, struct bytes figures, struct bytes samples,
           struct base_out *out)
{
    uint8_t der_room[MOVE_DER];
    struct base_out der;
    struct bytes prefix = base_bytes_text(served->name);
    struct move_out move = {out, 0, true};
    base_out_fixed(&der, der_room, sizeof der_room);
    enum err err =
        crypt_key_public(ident->config.site.keys[IDENT_SITE_SIGN], &der);
    if (err == ERR_OK)
        err = ident_walk(ident, prefix, move_out_row, &move);
    struct wire_move bundle = {
        .prefix = prefix,
        .from = ident->prefix,
        .codes = base_bytes_text(served->attributes),
        .made_ms = ident_now(ident),
        .key = key,
        .figures = figures,
        .samples = samples,
        .row_count = move.count,
        .signer = base_out_bytes(&der),
    };
    wire_move_write_head(out, &bundle);
    move.counting = false;
    if (err == ERR_OK)
        err = ident_walk(ident, prefix, move_out_row, &move);
    wire_move_write_tail(out, &bundle);
    if (err == ERR_OK)
        err = out->failed;
    return err == ERR_OK ? move_sign(ident, out) : err;
}

enum err
ident_move_begin(struct ident *ident, struct bytes prefix,
                 const struct model_grant_principal *actor,
                 struct base_note *note)
{
    struct ident_step step = {
        .verb = IDENT_VERB_EXPORT, .prefix = prefix, .actor = actor};
    enum err err = ident_step(ident, &step, NULL);
    if (err != ERR_OK)
        *note = step.note;
    return err;
}

enum err
ident_move_export(struct ident *ident, struct bytes prefix,
                  const struct ident_move_figures *figures,
                  struct bytes samples, struct base_out *ret_bundle,
                  struct base_note *note)
{
    struct base_out part;
    uint8_t folded[MODEL_PREFIX_MAX];
    struct bytes key = {0};
    const struct ident_served *served = ident_id_served(ident, prefix);
    if (served == NULL || !served->moving)
        return base_err_note(note, ERR_CONFLICT,
                             "the export was taken back meanwhile");
    base_bytes_fold(prefix, folded);
    enum err err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_KEY,
                                base_bytes(folded, prefix.size), &key);
    if (err != ERR_OK)
        return base_err_note(note, err, "its key: %s", base_err_text(err));
    base_out_grow(&part, WIRE_MOVE_MAX);
    if (figures)
        err = figures->take(figures->self, prefix, &part, note);
    if (err == ERR_OK) {
        err = move_write(ident, served, key, base_out_bytes(&part), samples,
                         ret_bundle);
        if (err != ERR_OK)
            base_err_note(note, err, "the bundle: %s", base_err_text(err));
    }
    base_out_done(&part);
    return err;
}

/* --- in --- */

static enum err
move_row_in(struct ident *ident, struct bytes row, struct base_arena *arena,
            bool *ret_made)
{
    struct ident_record record, old;
    struct ident_key key;
    struct bytes value;
    uint8_t room[MODEL_ATTR_MAX];
    struct base_out codes;
    enum err err = ident_row_id_read(row, &record);
    if (err == ERR_OK)
        err = ident_id_key(ident, record.id, &key);
    if (err != ERR_OK)
        return err;
    err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID, key.key,
                       &value);
    *ret_made = err == ERR_ABSENT ||
                (err == ERR_OK && ident_row_id_read(value, &old) == ERR_OK &&
                 old.revision < record.revision);
    if (!*ret_made)
        return err;
    base_out_fixed(&codes, room, sizeof room);
    base_out_text(&codes, key.served->attributes);
    record.values = ident_record_values(&record, arena);
    ident_record_unit(record.values, &record.class_name, &codes);
    return ident_id_write(ident, &key, &record, false, base_out_bytes(&codes),
                          NULL);
}

static enum err
move_rows_in(struct ident *ident, struct wire_move *move,
             struct ident_moved *moved, struct base_note *note)
{
    struct bytes row;
    struct base_arena arena;
    enum err err = ERR_OK;
    base_arena_init(&arena, MOVE_ARENA);
    while (err == ERR_OK && wire_move_next(move, &row)) {
        bool made = false;
        base_arena_reset(&arena);
        err = move_row_in(ident, row, &arena, &made);
        moved->rows++;
        moved->made += made;
    }
    base_arena_done(&arena);
    return err == ERR_OK ? ERR_OK
                         : base_err_note(note, err, "row %u of the bundle: %s",
                                         moved->rows, base_err_text(err));
}

static enum err
move_key_in(struct ident *ident, const struct wire_move *move)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    struct store_kv_batch *batch = store_kv_batch_new(ident->config.kv);
    base_bytes_fold(move->prefix, folded);
    store_kv_put(batch, STORE_TABLE_KEY, base_bytes(folded, move->prefix.size),
                 move->key);
    return store_kv_commit(ident->config.kv, batch, NULL, NULL);
}

/* What the prefix was granted with decides where its units count; at its own
 * node that stands in node.yaml. */
static enum err
move_codes(struct ident *ident, struct bytes codes, struct base_note *note)
{
    struct bytes key, value;
    if (model_attr_check(codes) != ERR_OK)
        return base_err_note(note, ERR_SYNTAX, "the codes of the bundle");
    for (size_t at = 0; model_attr_next(codes, &at, &key, &value);)
        if (!base_bytes_equal(model_attr_get(ident->config.attributes, key),
                              value))
            return base_err_note(note, ERR_CONFLICT,
                                 "it was granted with %.*s: write that into "
                                 "node.yaml (codes) first",
                                 (int)codes.size, (const char *)codes.at);
    return ERR_OK;
}

static enum err
move_check(struct ident *ident, struct bytes prefix, struct bytes bundle,
           struct wire_move *ret_move, struct base_note *note)
{
    enum err err = bundle.size > WIRE_MOVE_MAX
                       ? ERR_BIG
                       : wire_move_read(bundle, ret_move);
    if (err != ERR_OK)
        return base_err_note(note, err,
                             "not a whole bundle of `dougong prefix "
                             "export`");
    err = crypt_key_verify(ret_move->signer, ret_move->covered,
                           ret_move->signature);
    if (err != ERR_OK)
        return base_err_note(note, ERR_DENIED,
                             "the bundle was changed since it was signed");
    if (!base_bytes_equal_folded(ret_move->prefix, ident->prefix) ||
        !base_bytes_equal_folded(prefix, ident->prefix))
        return base_err_note(note, ERR_CONFLICT,
                             "a bundle of %.*s is for a node of this name; "
                             "this is %s",
                             (int)ret_move->prefix.size,
                             (const char *)ret_move->prefix.at,
                             ident->config.prefix);
    return move_codes(ident, ret_move->codes, note);
}

enum err
ident_move_look(struct ident *ident, struct bytes prefix, struct bytes bundle,
                struct bytes *ret_samples, struct base_note *note)
{
    struct wire_move move;
    enum err err = move_check(ident, prefix, bundle, &move, note);
    if (err == ERR_OK)
        *ret_samples = move.samples;
    return err;
}

enum err
ident_move_import(struct ident *ident, struct bytes prefix, struct bytes bundle,
                  const struct model_grant_principal *actor,
                  const struct ident_move_figures *figures,
                  struct ident_moved *ret_moved, struct base_note *note)
{
    struct wire_move move;
    uint8_t hash[32];
    *ret_moved = (struct ident_moved){0};
    enum err err = move_check(ident, prefix, bundle, &move, note);
    if (err != ERR_OK)
        return err;
    crypt_hash_sha256(move.signer, hash);
    for (unsigned i = 0; i < 8; i++)
        ret_moved->signer = ret_moved->signer << 8 | hash[i];
    if (figures && move.figures.size > 0)
        err = figures->put(figures->self, move.figures, move.signer, note);
    if (err == ERR_OK)
        err = move_rows_in(ident, &move, ret_moved, note);
    if (err == ERR_OK)
        err = move_key_in(ident, &move);
    if (err == ERR_OK)
        move_audit(ident, actor, "prefix.import", move.prefix);
    return err;
}
