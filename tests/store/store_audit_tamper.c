/* store_audit_tamper.c -- what somebody with the disk in his hands can do: flip
 * one bit of a stored audit entry, behind the program's back.
 *
 * usage: store_audit_tamper FOLDER INDEX   (the node is down; FOLDER is
 * DATA/kv/node).  Prints the entry as it was. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_out.h"
#include "store/store_table.h"

static void
need(int code, const char *what)
{
    if (code == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, mdb_strerror(code));
    exit(1);
}

int
main(int argc, char **argv)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val value;
    uint8_t key[10];
    struct base_out out;
    if (argc != 3)
        return 2;
    base_out_fixed(&out, key, sizeof key);
    base_out_u16be(&out, STORE_TABLE_AUDIT_ENTRY);
    base_out_u64be(&out, strtoull(argv[2], NULL, 10));
    MDB_val at = {out.size, key};
    need(mdb_env_create(&env), "create");
    need(mdb_env_set_mapsize(env, (size_t)1 << 30), "map");
    need(mdb_env_open(env, argv[1], 0, 0600), argv[1]);
    need(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    need(mdb_dbi_open(txn, NULL, 0, &dbi), "open");
    need(mdb_get(txn, dbi, &at, &value), "the entry");
    printf("%.*s\n", (int)value.mv_size, (const char *)value.mv_data);
    uint8_t *copy = malloc(value.mv_size);
    if (copy == NULL)
        return 1;
    memcpy(copy, value.mv_data, value.mv_size);
    copy[value.mv_size / 2] ^= 1;
    value.mv_data = copy;
    need(mdb_put(txn, dbi, &at, &value, 0), "put");
    need(mdb_txn_commit(txn), "commit");
    mdb_env_close(env);
    free(copy);
    return 0;
}
