/* store_kv_snap.c -- views of what LMDB has committed, for other threads.
 *
 * An old view keeps LMDB from using freed pages again, so the file grows.
 * After 10 ticks of the owner (one a second) a view answers STALE; after 12 the
 * owner takes its pages, unless a call is under way in it. */
#include "store/store_kv_private.h"

#include "base/base_mem.h"
#include "base/base_must.h"

enum { SNAP_STALE = 10, SNAP_CUT = 12 };

enum err
store_kv_snap_begin(struct store_kv *kv, struct store_kv_snap **ret_snap)
{
    struct store_kv_snap *snap = base_mem_zero(sizeof *snap);
    snap->kv = kv;
    must(pthread_mutex_init(&snap->lock, NULL) == 0);
    pthread_mutex_lock(&kv->snaps_lock);
    enum err err = ERR_LIMIT;
    if (kv->snap_count < STORE_KV_SNAPS)
        err = store_kv_env_error(
            mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &snap->txn));
    if (err == ERR_OK) {
        base_list_add(&kv->snaps, &snap->link);
        kv->snap_count++;
    }
    pthread_mutex_unlock(&kv->snaps_lock);
    if (err != ERR_OK) {
        pthread_mutex_destroy(&snap->lock);
        base_mem_free(snap);
        return err;
    }
    *ret_snap = snap;
    return ERR_OK;
}

void
store_kv_snap_end(struct store_kv_snap *snap)
{
    if (!snap || snap->is_now)
        return;
    struct store_kv *kv = snap->kv;
    pthread_mutex_lock(&kv->snaps_lock);
    base_list_remove(&snap->link);
    kv->snap_count--;
    pthread_mutex_unlock(&kv->snaps_lock);
    must(snap->users == 0);
    if (snap->txn)
        mdb_txn_abort(snap->txn);
    pthread_mutex_destroy(&snap->lock);
    base_mem_free(snap);
}

enum err
store_kv_snap_enter(struct store_kv_snap *snap, MDB_txn **ret_txn)
{
    if (snap->is_now) {
        enum err err = store_kv_env_begin(snap->kv);
        *ret_txn = snap->kv->txn;
        return err;
    }
    pthread_mutex_lock(&snap->lock);
    bool stale = snap->ticks >= SNAP_STALE;
    snap->users += !stale;
    *ret_txn = snap->txn;
    pthread_mutex_unlock(&snap->lock);
    return stale ? ERR_STALE : ERR_OK;
}

void
store_kv_snap_leave(struct store_kv_snap *snap)
{
    if (snap->is_now)
        return;
    pthread_mutex_lock(&snap->lock);
    snap->users--;
    pthread_mutex_unlock(&snap->lock);
}

void
store_kv_snap_tick(struct store_kv *kv)
{
    pthread_mutex_lock(&kv->snaps_lock);
    struct base_link *link = kv->snaps.next;
    for (; link != &kv->snaps; link = link->next) {
        struct store_kv_snap *snap =
            BASE_OUTER(link, struct store_kv_snap, link);
        pthread_mutex_lock(&snap->lock);
        snap->ticks++;
        if (snap->ticks >= SNAP_CUT && snap->users == 0 && snap->txn) {
            mdb_txn_abort(snap->txn);
            snap->txn = NULL;
        }
        pthread_mutex_unlock(&snap->lock);
    }
    pthread_mutex_unlock(&kv->snaps_lock);
}
