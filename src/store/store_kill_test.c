/* store_kill_test.c -- a journal and a catalogue on a real disk, below
 * libfault.so, in a process that is killed again and again.
 *
 * The child (this program as "child FOLDER FIRST") commits batches and appends
 * samples, each with its number, and says on its output what became of them.
 * After its death the parent opens the same folder without the shim: all that
 * was acknowledged is there, and nothing that was refused. */
#include "store/store_kv.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "sys/sys_loop.h"
#include "sys/sys_random.h"
#include "sys/sys_thread.h"

enum { T = STORE_TABLE_UNIT, FLIGHT = 64, NUMBERS = 1 << 20, LIVES = 10 };

struct node {
    struct sys_loop *loop;
    struct base_stats stats;
    struct store_journal *journal;
    struct store_kv *kv;
    char *journal_folder, *kv_folder;
};

static enum err
node_open(struct node *node, const char *folder, struct base_note *note)
{
    *node = (struct node){0};
    base_stat_init(&node->stats);
    node->journal_folder = base_mem_format("%s/journal", folder);
    node->kv_folder = base_mem_format("%s/kv", folder);
    enum err err = sys_loop_new("owner", &node->loop);
    const struct store_journal_config journal = {
        .files = sys_file_real(),
        .loop = sys_loop_base(node->loop),
        .random = sys_random(),
        .stats = &node->stats,
        .folder = node->journal_folder,
        .shards = 1,
        .file_bytes = 1 << 20,
        .threads = true,
        .ignore_marks = true,
    };
    if (err == ERR_OK)
        err = store_journal_open(&journal, &node->journal, note);
    const struct store_kv_config kv = {
        .journal = node->journal,
        .loop = sys_loop_base(node->loop),
        .stats = &node->stats,
        .folder = node->kv_folder,
        .owner = STORE_JOURNAL_IDENT,
        .map_bytes = 64 << 20,
    };
    if (err == ERR_OK)
        err = store_kv_open(&kv, &node->kv, note);
    return err;
}

static void
node_shut(struct node *node)
{
    store_kv_shut(node->kv);
    store_journal_shut(node->journal);
    sys_loop_free(node->loop);
    base_stat_done(&node->stats);
    base_mem_free(node->journal_folder);
    base_mem_free(node->kv_folder);
}

/* ---- the child ---- */

/* What it says: kind, err, number. */
struct word {
    char kind; /* b batch, s sample */
    uint8_t err;
    uint32_t number;
};

struct flight {
    struct store_journal_wait wait;
    struct child *child;
    struct word word;
    bool busy;
};

struct child {
    struct node node;
    struct flight flights[FLIGHT];
    uint32_t next;
    struct base_timer timer;
};

static void
flight_told(struct store_journal_wait *wait, enum err err)
{
    struct flight *flight = BASE_OUTER(wait, struct flight, wait);
    flight->word.err = (uint8_t)err;
    flight->busy = false;
    if (write(1, &flight->word, sizeof flight->word) < 0)
        _exit(3);
}

static enum err
child_batch(struct child *child, struct flight *flight)
{
    uint32_t number = child->next;
    static uint8_t padding[3000];
    struct store_kv_batch *batch = store_kv_batch_new(child->node.kv);
    struct bytes value = base_bytes(&number, sizeof number);
    char key[16];
    snprintf(key, sizeof key, "k%u", number % 100);
    store_kv_put(batch, T, base_bytes_text("number"), value);
    store_kv_put(batch, T, base_bytes_text(key), value);
    store_kv_put(batch, T, base_bytes_text("padding"),
                 base_bytes(padding, number * 7 % sizeof padding));
    return store_kv_commit(child->node.kv, batch, &flight->wait, NULL);
}

static enum err
child_sample(struct child *child, struct flight *flight)
{
    uint32_t number = child->next;
    struct bytes body = base_bytes(&number, sizeof number);
    uint64_t sequence;
    enum err err =
        store_journal_append(child->node.journal, STORE_JOURNAL_SAMPLES,
                             STORE_JOURNAL_ROWS, &body, 1, &sequence);
    if (err == ERR_OK)
        store_journal_wait(child->node.journal, STORE_JOURNAL_SAMPLES, sequence,
                           &flight->wait);
    return err;
}

static void
child_turn(struct base_timer *timer)
{
    struct child *child = BASE_OUTER(timer, struct child, timer);
    struct base_loop *loop = sys_loop_base(child->node.loop);
    for (unsigned i = 0; i < FLIGHT; i++) {
        struct flight *flight = &child->flights[i];
        if (flight->busy || child->next == NUMBERS)
            continue;
        bool batch = child->next % 3 > 0;
        flight->wait =
            (struct store_journal_wait){.fn = flight_told, .loop = loop};
        flight->word =
            (struct word){.kind = batch ? 'b' : 's', .number = child->next};
        flight->busy = true;
        enum err err =
            batch ? child_batch(child, flight) : child_sample(child, flight);
        if (err != ERR_OK)
            flight->busy = false;
        else
            child->next++;
    }
    store_journal_close(child->node.journal, STORE_JOURNAL_RECORDS);
    base_loop_timer(loop, &child->timer, 1);
}

static int
child_main(const char *folder, const char *first)
{
    struct child *child = base_mem_zero(sizeof *child);
    struct base_note note = {0};
    enum err err = node_open(&child->node, folder, &note);
    if (err != ERR_OK) {
        fprintf(stderr, "child: %s: %s\n", note.where, note.text);
        return 2;
    }
    child->next = (uint32_t)strtoul(first, NULL, 10);
    if (store_journal_start(child->node.journal) != ERR_OK)
        return 2;
    child->timer.fn = child_turn;
    base_loop_timer(sys_loop_base(child->node.loop), &child->timer, 0);
    sys_loop_run(child->node.loop);
    return 0;
}

/* ---- the parent ---- */

enum fate { FATE_UNKNOWN, FATE_STORED, FATE_REFUSED };

struct parent {
    const char *self;
    char folder[64];
    struct base_rng rng;
    uint8_t *batches, *samples; /* fate by number */
    uint32_t top;               /* the highest number heard of */
    uint64_t told;
};

static void
parent_hear(struct parent *parent, const struct word *word)
{
    uint8_t *fates = word->kind == 'b' ? parent->batches : parent->samples;
    assert_true(word->number < NUMBERS);
    if (word->number > parent->top)
        parent->top = word->number;
    if (word->err == ERR_OK)
        fates[word->number] = FATE_STORED;
    else if (word->err == ERR_FULL)
        fates[word->number] = FATE_REFUSED;
    parent->told++;
}

/* One life: until it is killed by us after so many ms, or by the shim. */
static void
parent_life(struct parent *parent, const char *const *settings,
            unsigned after_ms)
{
    int pipes[2];
    char first[16];
    assert_int_equal(pipe(pipes), 0);
    snprintf(first, sizeof first, "%u", parent->top + FLIGHT + 1);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 1);
        close(pipes[0]);
        close(pipes[1]);
        const char *shim = getenv("FAULT_LIB");
        setenv("LD_PRELOAD", shim ? shim : "", 1);
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
        setenv("FAULT_PATHS", "/journal/:data.mdb", 1);
        for (; *settings; settings++)
            putenv((char *)(uintptr_t)*settings);
        execl(parent->self, parent->self, "child", parent->folder, first, NULL);
        _exit(97);
    }
    close(pipes[1]);
    int64_t until_us = sys_thread_now_us() + after_ms * 1000;
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    struct word word;
    bool alive = true;
    for (;;) {
        ssize_t got = read(pipes[0], &word, sizeof word);
        if (got == sizeof word) {
            parent_hear(parent, &word);
        } else if (got == 0) {
            break;
        } else if (alive && sys_thread_now_us() > until_us) {
            kill(child, SIGKILL);
            alive = false;
        } else {
            usleep(200);
        }
    }
    close(pipes[0]);
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static enum err
parent_sample(void *self, uint64_t sequence, uint8_t type, struct bytes body)
{
    struct parent *parent = self;
    uint32_t number;
    (void)sequence, (void)type;
    assert_int_equal(body.size, sizeof number);
    memcpy(&number, body.at, sizeof number);
    assert_int_not_equal(parent->samples[number], FATE_REFUSED);
    parent->samples[number] |= 0x80; /* found */
    return ERR_OK;
}

static uint32_t
parent_row(struct node *node, const char *key)
{
    struct bytes value;
    uint32_t number = 0;
    if (store_kv_get(store_kv_now(node->kv), T, base_bytes_text(key), &value) ==
        ERR_OK)
        memcpy(&number, value.at, sizeof number);
    return number;
}

static void
parent_check(struct parent *parent)
{
    struct node node;
    struct base_note note = {0};
    struct store_journal_health health;
    enum err err = node_open(&node, parent->folder, &note);
    if (err != ERR_OK)
        fail_msg("%s: %s", note.where, note.text);
    store_journal_health(node.journal, &health);
    if (health.lost_first)
        fail_msg("%s", health.why);
    uint32_t last = parent_row(&node, "number");
    uint32_t row[100] = {0};
    for (uint32_t i = last + 1; i <= parent->top; i++)
        assert_int_not_equal(parent->batches[i], FATE_STORED);
    for (uint32_t i = 1; i <= last; i++)
        if (parent->batches[i] == FATE_STORED)
            row[i % 100] = i;
    for (unsigned i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        uint32_t found = parent_row(&node, key);
        assert_true(found >= row[i] && found <= last);
        assert_int_not_equal(parent->batches[found], FATE_REFUSED);
    }
    assert_int_equal(store_journal_replay(node.journal, STORE_JOURNAL_SAMPLES,
                                          0, parent_sample, parent),
                     ERR_OK);
    for (uint32_t i = 1; i <= parent->top; i++)
        assert_int_not_equal(parent->samples[i], FATE_STORED);
    for (uint32_t i = 1; i < NUMBERS; i++)
        parent->samples[i] &= 0x7f;
    if (last > parent->top)
        parent->top = last;
    node_shut(&node);
}

static void
remove_folder(const char *path)
{
    struct sys_files *files = sys_file_real();
    struct base_arena arena;
    char **names;
    size_t count = 0;
    base_arena_init(&arena, 1 << 20);
    if (files->ops->list(files, path, &arena, &names, &count) != ERR_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        char *inner = base_mem_format("%s/%s", path, names[i]);
        remove_folder(inner);
        base_mem_free(inner);
    }
    files->ops->remove(files, path);
    base_arena_done(&arena);
}

/* Each life has its own fault besides its end. */
static void
parent_lives(struct parent *parent, unsigned lives)
{
    for (unsigned i = 0; i < lives; i++) {
        uint64_t random = base_rng_below(&parent->rng, 1000000);
        char seed[48], fault[48], end[48] = "FAULT_NONE=1";
        snprintf(seed, sizeof seed, "FAULT_SEED=%llu",
                 (unsigned long long)random);
        static const char *const faults[] = {"FAULT_TEAR=3", "FAULT_SCATTER=3",
                                             "FAULT_SYNC_FAIL_AT=%llu",
                                             "FAULT_ENOSPC_AT=%llu"};
        const char *format = faults[i % BASE_COUNT(faults)];
        if (strchr(format, '%')) {
            char *text = base_mem_text(format);
            text[strlen(text) - 4] = 0;
            snprintf(fault, sizeof fault, "%s%llu", text,
                     (unsigned long long)(random % 300 + 10));
            base_mem_free(text);
        } else {
            snprintf(fault, sizeof fault, "%s", format);
        }
        if (base_rng_below(&parent->rng, 2))
            snprintf(end, sizeof end, "FAULT_KILL_AT=%llu",
                     (unsigned long long)(random % 2000 + 1));
        const char *settings[] = {seed, fault, end, NULL};
        unsigned after_ms = 50 + (unsigned)base_rng_below(&parent->rng, 1400);
        print_message("life %u: %s %s %s, at most %u ms\n", i, seed, fault, end,
                      after_ms);
        parent_life(parent, settings, after_ms);
        parent_check(parent);
    }
}

static const char *self_path;

static void
acknowledged_survives_and_refused_does_not(void **state)
{
    (void)state;
    struct parent parent = {.self = self_path};
    const char *text = getenv("STORE_KILLS"); /* "seed-lives" for more */
    unsigned long long seed = 1;
    unsigned lives = LIVES;
    if (text)
        assert_int_equal(sscanf(text, "%llu-%u", &seed, &lives), 2);
    base_rng_seed(&parent.rng, seed);
    parent.batches = base_mem_zero(NUMBERS);
    parent.samples = base_mem_zero(NUMBERS);
    strcpy(parent.folder, "/tmp/store_kill_test.XXXXXX");
    assert_non_null(mkdtemp(parent.folder));
    parent_lives(&parent, lives);
    print_message("%llu answers in %u lives\n", (unsigned long long)parent.told,
                  lives);
    assert_true(parent.told > 1000);
    remove_folder(parent.folder);
    base_mem_free(parent.batches);
    base_mem_free(parent.samples);
}

int
main(int count, char **words)
{
    if (count == 4 && strcmp(words[1], "child") == 0)
        return child_main(words[2], words[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_survives_and_refused_does_not),
    };
    if (!getenv("FAULT_LIB")) {
        fprintf(stderr, "FAULT_LIB is not set\n");
        return 77;
    }
    self_path = words[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
