/* store_ts_job.h -- one piece of work for the worker: a seal, or a retention.
 *
 * Memory   the job has copies of what the owner may change meanwhile: chunk
 *          pointers, metric numbers, hides.
 * Threads  owner and worker in turn, by posting; `left` is the only thing that
 *          both touch at one time. */
#ifndef STORE_TS_JOB_H
#define STORE_TS_JOB_H

#include <stdatomic.h>

#include "store/store_ts_private.h"

struct store_ts_job_group {
    uint32_t group, column_count;
    size_t first_metric; /* in job->metrics */
    struct store_ts_head head;
    const struct store_ts_hide *hides; /* copies, in one piece */
};

struct store_ts_job {
    struct store_ts *ts;                  /* the owner's only */
    void (*back)(struct base_task *task); /* on the owner's loop, with err */
    _Atomic bool left;                    /* the owner has gone */
    struct store_ts_config config;
    char *folder;
    struct base_task task;
    struct store_journal_wait wait;
    enum store_ts_job_step {
        STORE_TS_JOB_SYNC,   /* waits for the journal */
        STORE_TS_JOB_WORK,   /* with the worker, or on its way there or back */
        STORE_TS_JOB_FAILED, /* rests, to be tried again */
    } step;                  /* the owner's only */
    uint64_t gen, sequence, next_gen;
    struct store_ts_job_group *groups;
    size_t group_count;
    uint32_t *metrics;
    struct base_out rows; /* kv rows: {varint size, key, varint size, value} */
    struct base_task *done;
    uint32_t metrics_kept; /* when it is done */
    enum err err;
    struct store_ts_file file; /* the segment; id 0: no rows, no file */
    uint64_t *old;             /* retention: segments to remove instead */
    size_t old_count;
};

struct store_ts_job *store_ts_job_new(struct store_ts *ts);
void store_ts_job_free(struct store_ts_job *job);
/* The owner hands it over; it comes back by job->back. */
void store_ts_job_post(struct store_ts_job *job);
/* One {varint size, bytes} of job->rows. */
struct bytes store_ts_job_piece(struct base_cur *cur);

#endif
