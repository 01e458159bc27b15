/* ident_cache_test.c -- names held elsewhere: asked once, kept, told of. */
#include "engine/ident/ident_cache.h"
#include "engine/ident/ident_hint.h"
#include "engine/ident/ident_inner.h"
#include "engine/ident/ident_world_test.h"

enum { CALLS = 1003 };

struct asking { /* what the port was asked */
    unsigned count, hints;
    char to[64];
    struct model_ask *last;
};

static struct asking *asking_of_port;

static void
far_ask(struct model_port *port, enum model_channel channel, unsigned kind,
        struct bytes to, struct bytes body, unsigned deadline_ms,
        struct model_ask *ask)
{
    struct wire_names_question question;
    (void)port;
    assert_int_equal(channel, MODEL_CHANNEL_NAME_CALL);
    assert_int_equal(kind, MODEL_KIND_NAME_CALL_RESOLVE);
    assert_int_equal(wire_names_question_read(body, &question), ERR_OK);
    assert_int_equal(question.count, 1);
    assert_true(deadline_ms > 0);
    base_bytes_string(to, asking_of_port->to, sizeof asking_of_port->to);
    asking_of_port->count++;
    asking_of_port->last = ask;
}

static void
far_forget(struct model_port *port, struct model_ask *ask)
{
    (void)port;
    (void)ask;
}

static struct bytes
far_parent(struct model_port *port)
{
    (void)port;
    return base_bytes_text("88");
}

static void
far_hint(struct model_port *port, enum model_channel channel, unsigned kind,
         struct bytes to, struct bytes body)
{
    struct wire_names_hint hint;
    (void)port;
    (void)to;
    assert_int_equal(channel, MODEL_CHANNEL_HINT);
    assert_int_equal(kind, MODEL_KIND_HINT_INVALIDATE);
    assert_int_equal(wire_names_hint_read(body, &hint), ERR_OK);
    asking_of_port->hints += hint.count;
}

static const struct model_port_ops far_ops = {
    .post = port_post,
    .tell = port_tell,
    .ask = far_ask,
    .forget = far_forget,
    .parent = far_parent,
    .hint = far_hint,
};

static int
far_setup(void **state)
{
    static struct asking asking;
    assert_int_equal(setup(state), 0);
    struct world *world = *state;
    struct base_note note = {0};
    struct ident_config config = world->ident->config;
    asking = (struct asking){0};
    asking_of_port = &asking;
    world->port.ops = &far_ops;
    ident_free(world->ident);
    config.cache_bytes = 1 << 20;
    assert_int_equal(ident_new(&config, &world->ident, &note), ERR_OK);
    return 0;
}

/* --- askers --- */

struct asked {
    struct ident_resolve call;
    unsigned done;
};

static void
asked_done(struct ident_resolve *call)
{
    BASE_OUTER(call, struct asked, call)->done++;
}

static void
ask(struct world *world, struct asked *asked, const char *name)
{
    asked->call.done = asked_done;
    asked->call.loop = world->loop;
    asked->call.handle = text(name);
    asked->done = 0;
    ident_resolve(world->ident, &asked->call);
}

static enum ident_code
answered(struct world *world, struct asked *asked)
{
    for (int i = 0; i < 50 && asked->done == 0; i++)
        settle(world);
    assert_int_equal(asked->done, 1);
    return asked->call.code;
}

static enum ident_code
ask_code(struct world *world, const char *name)
{
    static struct asked asked;
    asked = (struct asked){.call = {.recurse = true}};
    ask(world, &asked, name);
    enum ident_code code = answered(world, &asked);
    ident_resolve_done(&asked.call);
    return code;
}

/* The node that was asked says that it is so. */
static void
say(enum ident_code code, const char *url)
{
    uint8_t room[512], value_room[256];
    struct base_out out, value;
    struct wire_names_answer answer = {
        .authoritative = true,
        .code = (uint16_t)code,
        .registered = text("88.44/X"),
        .hops = {{text("88.44"), text("held"), 1}},
        .hop_count = 1};
    base_out_fixed(&value, value_room, sizeof value_room);
    if (code == IDENT_CODE_OK) {
        wire_hs_write_value(&value, &(struct wire_hs_value){.index = 1,
                                                            .ttl_s = 3600,
                                                            .permissions = 14,
                                                            .type = text("URL"),
                                                            .data = text(url)});
        answer.values = (struct wire_hs_list){1, base_out_bytes(&value)};
    }
    base_out_fixed(&out, room, sizeof room);
    wire_names_answer_write(&out, &answer);
    asking_of_port->last->done(asking_of_port->last, ERR_OK,
                               base_out_bytes(&out));
}

static void
lose(void)
{
    asking_of_port->last->done(asking_of_port->last, ERR_LOST,
                               (struct bytes){0});
}

/* A hint: the n-th of this boot. */
static void
hear_from(struct world *world, const char *from, uint64_t boot, uint64_t seq,
          const char *changed)
{
    uint8_t room[256], change_room[128];
    struct base_out out, change;
    base_out_fixed(&change, change_room, sizeof change_room);
    if (changed != NULL)
        wire_names_change_write(
            &change, &(struct wire_names_change){
                         text("88.44"), ident_cache_hash(text(changed))});
    base_out_fixed(&out, room, sizeof room);
    wire_names_hint_write(
        &out, &(struct wire_names_hint){boot, seq, changed != NULL ? 1 : 0,
                                        base_out_bytes(&change)});
    ident_take_hint(world->ident,
                    &(struct model_message){.channel = MODEL_CHANNEL_HINT,
                                            .kind = MODEL_KIND_HINT_INVALIDATE,
                                            .from = text(from),
                                            .body = base_out_bytes(&out)});
}

static void
hear(struct world *world, uint64_t boot, uint64_t seq, const char *changed)
{
    hear_from(world, "88", boot, seq, changed);
}

/* --- the tests --- */

static void
many_askers_of_a_name_make_one_question_and_it_is_kept(void **state)
{
    struct world *world = *state;
    struct asked *all = base_mem_zero(CALLS * sizeof *all);
    unsigned busy = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        all[i].call.recurse = true;
        ask(world, &all[i], i % 2 ? "88.44/x" : "88.44/X");
    }
    settle(world);
    assert_int_equal(asking_of_port->count, 1);
    assert_string_equal(asking_of_port->to, "");
    say(IDENT_CODE_OK, "u");
    for (unsigned i = 0; i < CALLS; i++) {
        enum ident_code code = answered(world, &all[i]);
        busy += code == IDENT_CODE_BUSY;
        if (code == IDENT_CODE_OK) {
            assert_int_equal(all[i].call.values.count, 1);
            assert_false(all[i].call.authoritative);
            assert_int_equal(all[i].call.hop_count, 2);
        }
        ident_resolve_done(&all[i].call);
    }
    assert_int_equal(busy, 3); /* at most a thousand wait */
    assert_int_equal(ask_code(world, "88.44/x"), IDENT_CODE_OK);
    assert_int_equal(asking_of_port->count, 1);
    base_mem_free(all);
}

static void
kept(struct world *world, const char *name, enum ident_code code)
{
    static struct asked asked;
    asked = (struct asked){.call = {.recurse = true}};
    unsigned before = asking_of_port->count;
    ask(world, &asked, name);
    settle(world);
    assert_int_equal(asking_of_port->count, before + 1);
    say(code, "u");
    assert_int_equal(answered(world, &asked), code);
    ident_resolve_done(&asked.call);
}

static void
a_change_is_fetched_before_it_is_answered(void **state)
{
    struct world *world = *state;
    static struct asked asked;
    hear(world, 7, 1, NULL);
    kept(world, "88.44/X", IDENT_CODE_OK);
    kept(world, "88.44/ABSENT", IDENT_CODE_ABSENT);
    assert_int_equal(ask_code(world, "88.44/absent"), IDENT_CODE_ABSENT);
    hear(world, 7, 2, "88.44/X");
    asked = (struct asked){.call = {.recurse = true}};
    ask(world, &asked, "88.44/x");
    settle(world);
    assert_int_equal(asked.done, 0); /* what is kept must not be given */
    lose();
    assert_int_equal(answered(world, &asked), IDENT_CODE_BUSY);
    ident_resolve_done(&asked.call);
    kept(world, "88.44/X", IDENT_CODE_OK);
    assert_int_equal(ask_code(world, "88.44/absent"), IDENT_CODE_ABSENT);
    hear(world, 7, 4, NULL); /* the third was lost */
    kept(world, "88.44/ABSENT", IDENT_CODE_ABSENT);
    kept(world, "88.44/X", IDENT_CODE_OK);
    hear(world, 8, 1, NULL); /* the node above began anew */
    kept(world, "88.44/X", IDENT_CODE_OK);
}

static void
a_child_tells_of_its_own_names_only(void **state)
{
    struct world *world = *state;
    hear(world, 7, 1, NULL);
    kept(world, "88.44/X", IDENT_CODE_OK);
    unsigned before = asking_of_port->count;
    hear_from(world, "88.31.1001", 5, 1, "88.44/X");
    hear_from(world, "88.31.1001.9", 5, 1, "88.44/X");
    assert_int_equal(ask_code(world, "88.44/x"), IDENT_CODE_OK);
    assert_int_equal(asking_of_port->count, before);
    assert_int_equal(world->ident->hint->below.count, 1);
}

static void
with_the_parent_away_the_own_names_answer_and_the_rest_says_why(void **state)
{
    struct world *world = *state;
    static struct asked asked;
    assert_int_equal(
        ident_register(world->ident, text("88.31/own"), text("pump"), NULL),
        ERR_OK);
    asked = (struct asked){.call = {.recurse = true}};
    ask(world, &asked, "88.44/x");
    settle(world);
    lose();
    assert_int_equal(answered(world, &asked), IDENT_CODE_BUSY);
    assert_string_equal(asked.call.message,
                        "the node above cannot be asked now: the link was lost "
                        "before an answer came");
    ident_resolve_done(&asked.call);
    assert_int_equal(ask_code(world, "88.31/OWN"), IDENT_CODE_OK);
    assert_int_equal(ask_code(world, "88.31.7/x"), IDENT_CODE_ELSEWHERE);
    assert_int_equal(asking_of_port->count, 1); /* ours to know */
}

static void
known(struct world *world, const char *name, uint8_t prefix_state)
{
    uint8_t room[512], value_room[128];
    struct base_out out, value;
    enum err code = ERR_OK;
    base_out_fixed(&value, value_room, sizeof value_room);
    wire_hs_write_value(&value, &(struct wire_hs_value){.index = 1,
                                                        .permissions = 14,
                                                        .type = text("HS_SITE"),
                                                        .data = text("site")});
    base_out_fixed(&out, room, sizeof room);
    wire_names_prefix_write(&out, &(struct wire_names_prefix){
                                      .state = prefix_state,
                                      .name = text(name),
                                      .values = {1, base_out_bytes(&value)}});
    struct store_kv_batch *batch = store_kv_batch_new(world->kv);
    assert_int_equal(
        ident_take_prefix(world->ident,
                          &(struct model_message){.from = text("88.31.1001"),
                                                  .body = base_out_bytes(&out)},
                          batch, &code),
        MODEL_TOOK_OK);
    assert_int_equal(store_kv_commit(world->kv, batch, NULL, NULL), ERR_OK);
}

static void
what_is_known_below_is_asked_there_or_referred_to(void **state)
{
    struct world *world = *state;
    static struct asked asked;
    static const struct {
        bool recurse, no_referral;
        unsigned count;
        enum ident_code code;
        unsigned values;
    } rows[] = {
        {false, false, 0, IDENT_CODE_REFERRAL, 1},
        {false, true, 0, IDENT_CODE_ELSEWHERE, 0},
        {true, false, 11, IDENT_CODE_LOOP, 0},
    };
    known(world, "88.31.1001.5", IDENT_PREFIX_ACTIVE);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        asked = (struct asked){.call = {.recurse = rows[i].recurse,
                                        .no_referral = rows[i].no_referral,
                                        .count = rows[i].count}};
        ask(world, &asked, "88.31.1001.5/x");
        assert_int_equal(answered(world, &asked), rows[i].code);
        assert_int_equal(asked.call.values.count, rows[i].values);
        ident_resolve_done(&asked.call);
    }
    kept(world, "88.31.1001.5/x", IDENT_CODE_OK);
    assert_string_equal(asking_of_port->to, "88.31.1001.5");
    assert_int_equal(ask_code(world, "0.NA/88.31.1001.5"), IDENT_CODE_OK);
    known(world, "88.31.1001.5", IDENT_PREFIX_REVOKED);
    assert_int_equal(ask_code(world, "88.31.1001.5/x"), IDENT_CODE_ELSEWHERE);
}

static void
what_changes_here_is_told_upward_in_one_hint(void **state)
{
    struct world *world = *state;
    char id[32];
    for (unsigned i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "88.31/h-%u", i);
        assert_int_equal(ident_register(world->ident, text(id), text(""), NULL),
                         ERR_OK);
    }
    assert_int_equal(asking_of_port->hints, 0); /* they are gathered */
    for (unsigned i = 0; i < 20 && asking_of_port->hints < 5; i++)
        settle(world);
    assert_int_equal(asking_of_port->hints, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            many_askers_of_a_name_make_one_question_and_it_is_kept, far_setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            a_change_is_fetched_before_it_is_answered, far_setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_tells_of_its_own_names_only,
                                        far_setup, teardown),
        cmocka_unit_test_setup_teardown(
            with_the_parent_away_the_own_names_answer_and_the_rest_says_why,
            far_setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_known_below_is_asked_there_or_referred_to, far_setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            what_changes_here_is_told_upward_in_one_hint, far_setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
