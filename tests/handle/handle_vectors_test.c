/* handle_vectors_test.c -- exchanges with a deployed server, replayed.
 *
 * The door holds what that server held, has its key, and a clock that gives the
 * reply's expiration: then every byte of the reply follows, signatures too, but
 * for what is random.  Replayed are the rows that need no proof and no session:
 * operations 1 and 2, everything malformed, and administration where our site
 * does not offer it.  The rest is counted, and named when it is not
 * administration: it is for who builds proof.
 *
 * Where we answer otherwise on purpose stands in `ours`. */
#include <stdio.h>

#include "handle_world.h"

enum how {
    SAME,    /* as that server answers */
    CODE,    /* our code; operation and request id echoed */
    SILENCE, /* no answer */
    ANY,     /* some answer */
    LEFT,    /* not at this door yet */
};

static const struct {
    const char *name;
    enum how how;
    uint32_t code;
} ours[] = {
    {"res-heartbeat", ANY, 0},
    {"cn-bare-prefix", ANY, 0},     /* its value is a stand-in */
    {"res-version-2-0", CODE, 1},   /* 2.0 is read as 2.1: SHA-1 */
    {"res-certified-2-6", CODE, 1}, /* unsigned below 2.7 */
    /* That server gives values as they were stored: we, by index. */
    {"res-seckey-po", CODE, 1},
    {"bad-opcode", CODE, 5},
    {"bad-opcode-zero", CODE, 4},
    {"bad-garbage", SILENCE, 0},
    {"bad-short", SILENCE, 0},
    {"bad-short-message", CODE, 4},
    {"bad-length-huge", CODE, 4},
    {"bad-length-negative", CODE, 4},
    {"bad-bodylen", CODE, 4},
    {"bad-handle-length", CODE, 4},
    {"bad-index-count", CODE, 4},
    {"bad-type-count", CODE, 4},
    {"bad-response-as-request", SILENCE, 0},
    {"bad-handle-2049", CODE, 4},
    {"res-fragmented-request-lost", SILENCE, 0},
    /* That server forgets whom it answers: we echo the request id. */
    {"udp-create", CODE, 4},
    {"udp-list", CODE, 4},
    {"tcp-short", CODE, 4},
    {"tcp-bad-length", CODE, 4},
    {"udp-challenge-answer", CODE, 405},
    {"answer-late", CODE, 405},
    {"tcp-bad-opcode", CODE, 5},
    {"op-106", CODE, 5},
    {"op-2001", CODE, 5},
    {"top-referral-2-4", CODE, 303},
    {"session-dh-e-encrypted-after", CODE, 500},
    {"top-not-mine", LEFT, 0}, /* what is known elsewhere: ident's tests */
    {"create-pubkey-3-resolve", LEFT, 0}, /* what administration has left */
    {"create-no-values-3-resolve", LEFT, 0},
    {"session-dh-9-read-encrypted", LEFT, 0},
    {"session-dh-9b-read-plain-private", LEFT, 0},
};

static enum how
how_of(const struct vector *v, uint32_t *ret_code)
{
    uint32_t op = 0;
    for (size_t i = 0; i < BASE_COUNT(ours); i++)
        if (strcmp(ours[i].name, v->name) == 0) {
            *ret_code = ours[i].code;
            return ours[i].how;
        }
    if (v->request[0].size >= 24)
        op = (uint32_t)v->request[0].at[22] << 8 | v->request[0].at[23];
    bool whole = op == 1 || op == 2;
    return whole || v->request_count > 1 ? SAME : LEFT;
}

/* --- comparing --- */

static bool
is_volatile(const struct vector *v, unsigned packet, size_t at)
{
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(v->json, "volatile"), i, row)
    {
        json_int_t offset = json_integer_value(json_array_get(row, 1));
        json_int_t size = json_integer_value(json_array_get(row, 2));
        const char *why = json_string_value(json_array_get(row, 3));
        if (strncmp(why, "credential", 10) == 0 ||
            strncmp(why, "expiration", 10) == 0)
            continue; /* they follow from the key and the clock */
        if (json_integer_value(json_array_get(row, 0)) == (json_int_t)packet &&
            (json_int_t)at >= offset && (json_int_t)at < offset + size)
            return true;
    }
    return false;
}

/* Envelope but for its size, header but for the size of the body. */
static bool
is_text(const struct vector *v, size_t at)
{
    return v->header_only &&
           ((at >= 16 && at < 20) || (at >= 36 && at < 44) || at >= 44);
}

static void
compare(const struct vector *v, unsigned packet, const uint8_t *got,
        size_t size)
{
    struct bytes want = v->response[packet];
    if (!v->header_only && size != want.size)
        fail_msg("%s: packet %u has %zu bytes, not %zu", v->name, packet, size,
                 want.size);
    for (size_t i = 0; i < want.size && i < size; i++)
        if (got[i] != want.at[i] && !is_volatile(v, packet, i) &&
            !is_text(v, i))
            fail_msg("%s: packet %u differs at %zu: %02x, not %02x", v->name,
                     packet, i, got[i], want.at[i]);
}

static void
compare_code(const struct vector *v, const uint8_t *got, size_t size,
             uint32_t code)
{
    struct wire_handle_message message;
    const uint8_t *asked = v->request[0].at;
    world_parse(got, size, &message);
    if (message.header.code != code)
        fail_msg("%s: code %u, not %u", v->name, message.header.code, code);
    assert_memory_equal(got + 8, asked + 8, 4); /* request id */
    if (v->request[0].size >= 44 && code != 500)
        assert_memory_equal(got + 20, asked + 20, 4); /* operation */
    if (strcmp(v->name, "res-version-2-0") == 0)
        assert_memory_equal(got, "\x02\x01\x02\x0b", 4);
    if (strcmp(v->name, "res-certified-2-6") == 0) {
        assert_int_equal(message.header.flags & WIRE_HANDLE_CT, 0);
        assert_int_equal(message.credential.size, 0);
    }
}

/* --- asking --- */

static void
set_clock(struct world *w, const struct vector *v)
{
    if (v->response_count == 0 || v->response[0].size < 40)
        return;
    const uint8_t *at = v->response[0].at + 36;
    int64_t expiration =
        (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
    atomic_store(&w->clock.wall_ms, (expiration - 43200) * 1000);
}

/* Nothing came before this: a question that is surely answered. */
static void
nothing_came(int fd)
{
    uint8_t room[2048];
    struct wire_handle_message message;
    size_t size = world_query(room, sizeof room, "0", 0xABCDEF, 0);
    world_send(fd, base_bytes(room, size));
    size = world_packet(fd, room, sizeof room);
    world_parse(room, size, &message);
    assert_int_equal(message.envelope.request, 0xABCDEF);
}

static void
replay_udp(struct world *w, const struct vector *v, enum how how, uint32_t code)
{
    uint8_t room[2048];
    int fd = world_socket(w, SOCK_DGRAM);
    for (unsigned i = 0; i < v->request_count; i++)
        world_send(fd, v->request[i]);
    if (how == SILENCE)
        nothing_came(fd);
    for (unsigned i = 0; how != SILENCE && i < v->response_count; i++) {
        size_t size = world_packet(fd, room, sizeof room);
        if (how == SAME)
            compare(v, i, room, size);
        else if (how == CODE && i == 0)
            compare_code(v, room, size, code);
        if (how != SAME)
            break;
    }
    close(fd);
}

static void
replay_tcp(struct world *w, const struct vector *v, enum how how, uint32_t code)
{
    uint8_t room[4096];
    int fd = world_socket(w, SOCK_STREAM);
    world_send(fd, v->request[0]);
    if (strcmp(v->name, "tcp-short") == 0)
        shutdown(fd, SHUT_WR);
    size_t size = world_message(fd, room, sizeof room);
    assert_true(size > 0);
    if (how == SAME)
        compare(v, 0, room, size);
    else if (how == CODE)
        compare_code(v, room, size, code);
    close(fd);
}

/* What the constructed replies give is put in first. */
static void
construct(struct world *w, const struct vector *v)
{
    struct wire_handle_message message;
    struct wire_handle_values values;
    char name[256];
    world_parse(v->response[0].at, v->response[0].size, &message);
    if (message.header.op != WIRE_HANDLE_RESOLUTION)
        return;
    assert_int_equal(wire_handle_read_values(message.body, &values), ERR_OK);
    base_bytes_string(values.handle, name, sizeof name);
    handle_fake_put(&w->ident, name, values.values.raw, values.values.count);
}

/* --- the three servers --- */

static struct world *
server_new(struct vectors *vectors, const char *name, const char *homed)
{
    struct world *w = world_new();
    char path[4096];
    struct bytes pem;
    snprintf(path, sizeof path, "%s/keys/server.pem", getenv("VECTORS"));
    FILE *file = fopen(path, "rb");
    static uint8_t room[8192];
    assert_non_null(file);
    pem = base_bytes(room, fread(room, 1, sizeof room, file));
    fclose(file);
    assert_int_equal(crypt_key_read(pem, CRYPT_KEY_RSA, &w->key), ERR_OK);
    bool constructed = strcmp(name, "constructed") == 0;
    json_t *state =
        json_object_get(vectors->state, constructed ? "enterprise" : name);
    struct bytes site =
        vectors_unhex(json_string_value(json_object_get(state, "site_hex")));
    world_site(w, site);
    base_mem_free((void *)(uintptr_t)site.at);
    w->ident.homed = homed;
    if (!constructed)
        handle_fake_load(&w->ident, state);
    w->config.key = w->key;
    w->config.china = constructed;
    return w;
}

struct tally {
    unsigned replayed, left_admin, left;
};

static void
replay(struct world *w, const struct vector *v, struct tally *tally)
{
    uint32_t code = 0;
    enum how how = how_of(v, &code);
    if (how == LEFT) {
        bool asks = v->op == 1 || v->op == 2;
        tally->left_admin += !asks;
        tally->left += asks;
        if (asks)
            printf("left: %s\n", v->name);
        return;
    }
    set_clock(w, v);
    if (v->udp)
        replay_udp(w, v, how, code);
    else
        replay_tcp(w, v, how, code);
    tally->replayed++;
}

static void
the_door_answers_as_the_deployed_server_does(void **state)
{
    (void)state;
    static const char *const servers[][2] = {
        {"enterprise", "88.31.1001"}, {"top", "0.NA"}, {"constructed", ""}};
    struct tally tally = {0};
    struct vectors *vectors = vectors_open();
    if (!vectors)
        return;
    for (size_t s = 0; s < BASE_COUNT(servers); s++) {
        struct world *w = server_new(vectors, servers[s][0], servers[s][1]);
        world_start(w);
        for (unsigned i = 0; i < vectors->count; i++) {
            const struct vector *v = &vectors->at[i];
            if (strcmp(v->server, servers[s][0]) != 0)
                continue;
            if (s == 2)
                construct(w, v);
            replay(w, v, &tally);
        }
        world_free(w);
    }
    printf("%u replayed; left for proof: %u of administration and sessions, "
           "%u others\n",
           tally.replayed, tally.left_admin, tally.left);
    assert_int_equal(tally.replayed + tally.left_admin + tally.left, 216);
    assert_true(tally.replayed >= 90);
    vectors_shut(vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_door_answers_as_the_deployed_server_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
