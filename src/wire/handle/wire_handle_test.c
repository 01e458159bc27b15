/* wire_handle_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/handle/wire_handle.h"
#include "wire/handle/wire_handle_vectors_test.h"
#include "wire/handle/wire_hs_admin.h"
#include "wire/handle/wire_hs_key.h"
#include "wire/handle/wire_hs_site.h"

/* --- the rules, one by one --- */

static void
a_reply_has_the_lower_of_two_versions(void **state)
{
    (void)state;
    static const struct {
        uint8_t major, minor, suggested_major, suggested_minor;
        uint8_t reply_major, reply_minor;
    } cases[] = {
        {2, 11, 2, 11, 2, 11}, {2, 3, 2, 11, 2, 11}, {2, 1, 0, 0, 2, 1},
        {3, 0, 3, 0, 2, 11},   {2, 0, 2, 0, 2, 1},   {2, 6, 2, 6, 2, 6},
        {0, 0, 0, 0, 2, 1},    {9, 9, 1, 200, 2, 1},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct wire_handle_envelope envelope = {
            .major = cases[i].major,
            .minor = cases[i].minor,
            .suggested_major = cases[i].suggested_major,
            .suggested_minor = cases[i].suggested_minor,
        };
        uint8_t major, minor;
        wire_handle_version(&envelope, &major, &minor);
        assert_int_equal(major, cases[i].reply_major);
        assert_int_equal(minor, cases[i].reply_minor);
    }
}

static void
a_session_is_a_number_above_zero(void **state)
{
    (void)state;
    struct wire_handle_envelope envelope = {0};
    assert_false(wire_handle_has_session(&envelope));
    envelope.session = 1;
    assert_true(wire_handle_has_session(&envelope));
    envelope.session = 0x7FFFFFFF;
    assert_true(wire_handle_has_session(&envelope));
    envelope.session = 0x80000000;
    assert_false(wire_handle_has_session(&envelope));
}

/* A query of this many indexes, all there. */
static enum err
query_of(uint32_t indexes, uint32_t types, struct wire_handle_query *ret_query)
{
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    wire_hs_write_str(&out, base_bytes_text("88/a"));
    base_out_u32be(&out, indexes);
    for (uint32_t i = 0; i < indexes; i++)
        base_out_u32be(&out, i);
    base_out_u32be(&out, types);
    for (uint32_t i = 0; i < types; i++)
        wire_hs_write_str(&out, base_bytes_text(""));
    enum err err = wire_handle_read_query(base_out_bytes(&out), ret_query);
    base_out_done(&out);
    return err;
}

static void
a_query_that_asks_for_too_much_is_refused(void **state)
{
    (void)state;
    struct wire_handle_query query;
    assert_int_equal(query_of(1024, 1024, &query), ERR_OK);
    assert_int_equal(query_of(1025, 0, &query), ERR_BIG);
    assert_int_equal(query_of(0, 1025, &query), ERR_BIG);
}

static void
a_count_beyond_a_quarter_of_the_rest_is_refused(void **state)
{
    (void)state;
    static const uint8_t body[] = {0, 0, 0, 1, 'x', 0, 0, 0, 3,
                                   0, 0, 0, 1, 0,   0, 0, 2};
    struct wire_handle_query query;
    assert_int_equal(
        wire_handle_read_query(base_bytes(body, sizeof body), &query),
        ERR_SHORT);
}

/* A message of this size behind the envelope, cut and put together. */
static void
in_parts(size_t size, unsigned parts, size_t last)
{
    uint8_t body[2000] = {0};
    struct wire_handle_envelope envelope = {.major = 2, .request = 9};
    struct wire_handle_header header = {.op = 1};
    struct base_out out, part;
    base_out_grow(&out, 4096);
    wire_handle_begin(&out, &envelope, &header);
    base_out_bytes_add(&out, base_bytes(body, size - 28));
    wire_handle_end(&out, base_bytes(NULL, 0));
    struct bytes message = base_out_bytes(&out);
    assert_int_equal(message.size, 20 + size);
    assert_int_equal(wire_handle_parts(message), parts);
    for (unsigned i = 0; i < parts; i++) {
        uint8_t packet[WIRE_HANDLE_PACKET];
        base_out_fixed(&part, packet, sizeof packet);
        wire_handle_part(&part, message, i);
        assert_true(base_out_ok(&part));
        assert_int_equal(part.size, i + 1 < parts ? 512 : 20 + last);
        assert_int_equal(
            wire_handle_read_envelope(base_out_bytes(&part), &envelope),
            ERR_OK);
        assert_int_equal(envelope.sequence, i);
        assert_int_equal(envelope.size, size);
        assert_memory_equal(packet + 20, message.at + 20 + i * 492,
                            part.size - 20);
    }
    base_out_done(&out);
}

static void
a_message_is_cut_at_492_bytes(void **state)
{
    (void)state;
    in_parts(491, 1, 491);
    in_parts(492, 1, 492);
    in_parts(493, 2, 1);
    in_parts(984, 2, 492);
    in_parts(985, 3, 1);
}

static void
what_is_compressed_or_encrypted_is_told_apart(void **state)
{
    (void)state;
    uint8_t payload[24] = {0};
    struct wire_handle_message message;
    struct wire_handle_envelope envelope = {.size = 24,
                                            .flags = WIRE_HANDLE_COMPRESSED};
    assert_int_equal(
        wire_handle_read(&envelope, base_bytes(payload, 24), &message),
        ERR_UNSUPPORTED);
    envelope.flags = WIRE_HANDLE_ENCRYPTED;
    assert_int_equal(
        wire_handle_read(&envelope, base_bytes(payload, 24), &message),
        ERR_UNSUPPORTED);
    assert_false(message.has_header);
    envelope.flags = WIRE_HANDLE_IN_PARTS;
    assert_int_equal(
        wire_handle_read(&envelope, base_bytes(payload, 24), &message), ERR_OK);
    assert_false(message.has_credential);
    assert_int_equal(
        wire_handle_read(&envelope, base_bytes(payload, 23), &message),
        ERR_SHORT);
    envelope.size = 23;
    assert_int_equal(
        wire_handle_read(&envelope, base_bytes(payload, 24), &message),
        ERR_SYNTAX);
    assert_true(message.has_header); /* a refusal can name the operation */
}

/* --- the deployed server's bytes --- */

struct walk {
    const struct vector *vector;
    unsigned messages, values, sites, keys, admins, lists, credentials;
    unsigned malformed, unread;
};

static void
same(struct base_out *out, struct bytes was, const struct walk *walk)
{
    if (!base_out_ok(out) || !base_bytes_equal(base_out_bytes(out), was))
        fail_msg("%s: not written as it was read", walk->vector->name);
    base_out_done(out);
}

static void
walk_site(struct walk *walk, struct bytes data)
{
    struct wire_hs_site site;
    struct wire_hs_site_server server;
    struct wire_hs_site_interface interface;
    struct base_out out, servers, interfaces;
    assert_int_equal(wire_hs_site_read(data, &site), ERR_OK);
    struct wire_hs_site_run run = site.servers;
    base_out_grow(&out, 1 << 16);
    base_out_grow(&servers, 1 << 16);
    while (wire_hs_site_server(&run, &server)) {
        struct wire_hs_site_run each = server.interfaces;
        base_out_grow(&interfaces, 1 << 16);
        while (wire_hs_site_interface(&each, &interface))
            wire_hs_site_write_interface(&interfaces, &interface);
        server.interfaces.raw = base_out_bytes(&interfaces);
        wire_hs_site_write_server(&servers, &server);
        base_out_done(&interfaces);
    }
    site.servers.raw = base_out_bytes(&servers);
    wire_hs_site_write(&out, &site);
    same(&out, data, walk);
    base_out_done(&servers);
    walk->sites++;
}

static void
walk_typed(struct walk *walk, const struct wire_hs_value *value)
{
    struct wire_hs_admin admin;
    struct wire_hs_key key;
    struct wire_hs_refs refs;
    struct wire_hs_ref ref;
    struct base_out out;
    base_out_grow(&out, 1 << 16);
    if (base_bytes_is(value->type, "HS_ADMIN")) {
        assert_int_equal(wire_hs_admin_read(value->data, &admin), ERR_OK);
        wire_hs_admin_write(&out, &admin);
        same(&out, value->data, walk);
        walk->admins++;
    } else if (base_bytes_is(value->type, "HS_VLIST")) {
        assert_int_equal(wire_hs_admin_list(value->data, &refs), ERR_OK);
        base_out_u32be(&out, refs.count);
        while (wire_hs_admin_next(&refs, &ref))
            wire_hs_write_ref(&out, &ref);
        same(&out, value->data, walk);
        walk->lists++;
    } else if (base_bytes_is(value->type, "HS_PUBKEY")) {
        assert_int_equal(wire_hs_key_read(value->data, &key), ERR_OK);
        wire_hs_key_write(&out, &key);
        same(&out, value->data, walk);
        walk->keys++;
    } else if (base_bytes_is(value->type, "HS_SITE") ||
               base_bytes_is(value->type, "HS_SITE.PREFIX")) {
        walk_site(walk, value->data);
    }
}

static void
walk_list(struct walk *walk, const struct wire_hs_list *list)
{
    struct wire_hs_list rest = *list;
    struct wire_hs_value value;
    while (wire_hs_next(&rest, &value)) {
        walk->values++;
        walk_typed(walk, &value);
    }
    assert_int_equal(rest.count, 0);
}

static void
walk_values(struct walk *walk, struct bytes body)
{
    struct wire_handle_values values;
    struct base_out out;
    if (wire_handle_read_values(body, &values) != ERR_OK)
        fail_msg("%s: values", walk->vector->name);
    walk_list(walk, &values.values);
    base_out_grow(&out, 1 << 18);
    wire_handle_write_values(&out, &values);
    same(&out, body, walk);
}

static void
walk_query(struct walk *walk, struct bytes body)
{
    struct wire_handle_query query;
    struct base_out out;
    assert_int_equal(wire_handle_read_query(body, &query), ERR_OK);
    base_out_grow(&out, 1 << 18);
    wire_handle_write_query(&out, &query);
    same(&out, body, walk);
}

static void
walk_credential(struct walk *walk, struct bytes raw)
{
    struct wire_handle_credential credential;
    struct base_out out;
    assert_int_equal(wire_handle_read_credential(raw, &credential), ERR_OK);
    base_out_grow(&out, 1 << 16);
    wire_handle_write_credential(&out, &credential);
    same(&out, raw, walk);
    walk->credentials++;
}

static void
walk_body(struct walk *walk, const struct wire_handle_message *message,
          bool request)
{
    const struct wire_handle_header *header = &message->header;
    struct bytes body = message->body, text, digest;
    uint8_t kind;
    /* In 2.0, which we do not speak, a digest has another layout. */
    if (message->envelope.major == 2 && message->envelope.minor == 0)
        return;
    if (request) {
        if (header->op == WIRE_HANDLE_RESOLUTION)
            walk_query(walk, body); /* one of them says it is a reply */
        if (header->op == WIRE_HANDLE_CREATE || header->op == WIRE_HANDLE_ADD ||
            header->op == WIRE_HANDLE_MODIFY)
            walk_values(walk, body);
        return;
    }
    if (header->flags & WIRE_HANDLE_RD)
        assert_int_equal(wire_handle_read_digest(&body, &kind, &digest),
                         ERR_OK);
    if (header->code == WIRE_HANDLE_REFERRAL ||
        header->code == WIRE_HANDLE_PREFIX_REFERRAL ||
        (header->code == WIRE_HANDLE_OK &&
         header->op == WIRE_HANDLE_RESOLUTION))
        walk_values(walk, body);
    else if (header->code != WIRE_HANDLE_OK)
        assert_int_equal(wire_handle_read_text(body, &text), ERR_OK);
    else if (header->op == WIRE_HANDLE_SITEINFO)
        walk_site(walk, body);
}

/* Vectors whose requests are malformed on purpose, and how. */
static const struct {
    const char *name;
    enum err err;
} broken[] = {
    {"bad-bodylen", ERR_SHORT},
    {"bad-garbage", ERR_BIG},
    {"bad-length-huge", ERR_BIG},
    {"bad-length-negative", ERR_BIG},
    {"bad-short-message", ERR_SHORT},
    {"tcp-bad-length", ERR_BIG},
    {"tcp-short", ERR_SHORT},
    {"res-fragmented-request-lost", ERR_SHORT},
    {"bad-handle-length", ERR_SHORT},
    {"bad-index-count", ERR_SHORT},
    {"bad-type-count", ERR_SHORT},
};

static enum err
broken_how(const struct vector *vector)
{
    for (size_t i = 0; i < BASE_COUNT(broken); i++)
        if (strcmp(vector->name, broken[i].name) == 0)
            return broken[i].err;
    return ERR_OK;
}

/* A message and its payload: everything written again, from the parts. */
static void
walk_message(struct walk *walk, const struct wire_handle_envelope *envelope,
             struct bytes payload, bool request)
{
    struct wire_handle_message message;
    struct wire_handle_query query;
    struct base_out out, whole;
    enum err expected = request ? broken_how(walk->vector) : ERR_OK;
    enum err err = wire_handle_read(envelope, payload, &message);
    /* That server's answer to garbage repeats the garbage's flags. */
    if (err == ERR_UNSUPPORTED) {
        assert_true(envelope->flags & WIRE_HANDLE_ENCRYPTED ||
                    strcmp(walk->vector->name, "bad-garbage") == 0);
        walk->unread++;
        return;
    }
    if (err == ERR_OK && expected != ERR_OK)
        err = wire_handle_read_query(message.body, &query);
    assert_int_equal(err, expected);
    if (err != ERR_OK) {
        walk->malformed++;
        return;
    }
    base_out_grow(&out, 1 << 19);
    base_out_grow(&whole, 1 << 19);
    wire_handle_begin(&out, &message.envelope, &message.header);
    base_out_bytes_add(&out, message.body);
    if (message.has_credential)
        wire_handle_end(&out, message.credential);
    else
        wire_handle_end_bare(&out);
    wire_handle_write_envelope(&whole, envelope);
    base_out_bytes_add(&whole, payload);
    same(&out, base_out_bytes(&whole), walk);
    base_out_done(&whole);
    if (message.credential.size > 0)
        walk_credential(walk, message.credential);
    walk_body(walk, &message, request);
    walk->messages++;
}

/* Packets of one message, put together by their sequence. */
static void
walk_packets(struct walk *walk, const struct bytes *at, unsigned count,
             bool request)
{
    static uint8_t payload[VECTORS_PARTS * 4096];
    struct wire_handle_envelope first = {0}, envelope;
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        if (wire_handle_read_envelope(at[i], &envelope) != ERR_OK) {
            assert_string_equal(walk->vector->name, "bad-short");
            walk->malformed++;
            return;
        }
        size_t offset = count == 1 ? 0 : envelope.sequence * 492u;
        assert_true(offset + at[i].size < sizeof payload);
        memcpy(payload + offset, at[i].at + 20, at[i].size - 20);
        if (offset == 0)
            first = envelope;
        if (offset + at[i].size - 20 > size)
            size = offset + at[i].size - 20;
    }
    walk_message(walk, &first, base_bytes(payload, size), request);
}

static void
every_exchange_is_written_as_it_was_read(void **state)
{
    (void)state;
    struct walk walk = {0};
    struct vectors *vectors = vectors_open();
    if (!vectors)
        return;
    assert_int_equal(vectors->count, 216);
    for (unsigned i = 0; i < vectors->count; i++) {
        const struct vector *v = walk.vector = &vectors->at[i];
        if (v->udp) {
            walk_packets(&walk, v->request, v->request_count, true);
            if (v->response_count > 0)
                walk_packets(&walk, v->response, v->response_count, false);
            continue;
        }
        for (unsigned k = 0; k < v->request_count; k++)
            walk_packets(&walk, &v->request[k], 1, true);
        for (unsigned k = 0; k < v->response_count; k++)
            walk_packets(&walk, &v->response[k], 1, false);
    }
    printf("%u messages, %u values, %u sites, %u keys, %u admins, %u lists, "
           "%u credentials; %u malformed, %u unread\n",
           walk.messages, walk.values, walk.sites, walk.keys, walk.admins,
           walk.lists, walk.credentials, walk.malformed, walk.unread);
    assert_true(walk.messages > 400 && walk.values > 60 && walk.sites > 5);
    assert_int_equal(walk.malformed, BASE_COUNT(broken) + 1);
    vectors_shut(vectors);
}

static void
typed_values_of_the_servers_are_written_as_they_were_read(void **state)
{
    (void)state;
    struct vector none = {.name = "state"};
    struct walk walk = {.vector = &none};
    struct vectors *vectors = vectors_open();
    const char *server;
    json_t *of, *row, *hex;
    size_t i, k;
    if (!vectors)
        return;
    json_object_foreach(vectors->state, server, of)
    {
        struct bytes site =
            vectors_unhex(json_string_value(json_object_get(of, "site_hex")));
        walk_site(&walk, site);
        base_mem_free((void *)(uintptr_t)site.at);
        json_array_foreach(json_object_get(of, "handles"), i, row)
            json_array_foreach(json_object_get(row, "values_hex"), k, hex)
        {
            struct bytes raw = vectors_unhex(json_string_value(hex));
            struct wire_hs_list list = {1, raw};
            walk_list(&walk, &list);
            base_mem_free((void *)(uintptr_t)raw.at);
        }
    }
    assert_true(walk.admins > 3 && walk.lists > 0 && walk.keys > 1);
    assert_true(walk.sites > 2);
    vectors_shut(vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_has_the_lower_of_two_versions),
        cmocka_unit_test(a_session_is_a_number_above_zero),
        cmocka_unit_test(a_query_that_asks_for_too_much_is_refused),
        cmocka_unit_test(a_count_beyond_a_quarter_of_the_rest_is_refused),
        cmocka_unit_test(a_message_is_cut_at_492_bytes),
        cmocka_unit_test(what_is_compressed_or_encrypted_is_told_apart),
        cmocka_unit_test(every_exchange_is_written_as_it_was_read),
        cmocka_unit_test(
            typed_values_of_the_servers_are_written_as_they_were_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
