/* store_table.h -- the one registry of kv tables.
 *
 * A number is never used again.  The key and value of each are drawn in the
 * header of the module named beside it.  Owners: RULINGS 25. */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

enum store_table {
    /* any environment: store_kv */
    STORE_TABLE_META = 1, /* "version", "applied", "store" */
    /* any environment that owns a channel: tier_log */
    STORE_TABLE_TIER_OUT = 2, /* log u32 BE, seq u64 BE -> message */
    STORE_TABLE_TIER_CUR = 3, /* link, channel -> issued, acked, applied, h */
    /* node: app, tier */
    STORE_TABLE_NODE = 16,  /* name -> value: epoch, lineage, ... */
    STORE_TABLE_PEER = 17,  /* child prefix -> store id, lineage, epoch, ... */
    STORE_TABLE_ALERT = 18, /* id -> alert raised by the node itself */
    /* node: people (people_row.h) */
    STORE_TABLE_USER = 19,       /* folded name -> roles, scope, password */
    STORE_TABLE_SESSION = 20,    /* SHA-256 of its text -> user, times */
    STORE_TABLE_CREDENTIAL = 21, /* kind, hash or device -> roles, scope */
    /* node: store_audit, store_audit_keep */
    STORE_TABLE_AUDIT_ENTRY = 22, /* index u64 BE -> entry */
    STORE_TABLE_AUDIT_TREE = 23,  /* level u8, index u64 BE -> hash */
    STORE_TABLE_AUDIT_LEAF = 24,  /* leaf hash -> index u64 BE */
    STORE_TABLE_AUDIT_HEAD = 25,  /* size u64 BE -> own head sent up */
    STORE_TABLE_AUDIT_KEPT = 26,  /* child, 0, number u64 BE -> head */
    /* node: store_once */
    STORE_TABLE_ONCE = 27, /* id of a request -> its answer; slots */
    /* ident */
    STORE_TABLE_PREFIX = 32, /* folded prefix -> id, state, epoch, owner, ... */
    STORE_TABLE_ID = 33,     /* prefix id u32 BE, folded suffix -> record */
    STORE_TABLE_TOKEN = 34,  /* SHA-256 of the secret -> prefix, expiry, used */
    STORE_TABLE_CERT = 35,   /* serial -> prefix, expiry, state */
    STORE_TABLE_NAMES = 36,  /* name -> what the engine remembers of itself */
    STORE_TABLE_APPLY = 37,  /* folded prefix -> application, its steps */
    STORE_TABLE_KEY = 38,    /* folded hosted prefix -> its private key */
    /* stream */
    STORE_TABLE_SEGMENT = 48,  /* segment id -> manifest row: store_ts */
    STORE_TABLE_TS_STATE = 49, /* name -> next id, replay sequence: store_ts */
    STORE_TABLE_RETAINED = 50, /* topic -> retained message: door/mqtt */
    /* rollup */
    STORE_TABLE_CONTRIB = 64,     /* pack, freq, window, child, cell|unit */
    STORE_TABLE_TOTAL = 65,       /* pack, freq, window, cell */
    STORE_TABLE_DIRTY = 66,       /* to, pack, window, cell */
    STORE_TABLE_VINTAGE = 67,     /* pack, window, version */
    STORE_TABLE_UNIT = 68,        /* unit -> attributes, state */
    STORE_TABLE_FOLDED = 69,      /* shard -> sample sequence folded so far */
    STORE_TABLE_CHILD = 70,       /* child -> epoch, seq, last expected, ... */
    STORE_TABLE_WINDOW = 71,      /* pack, window -> state, complete children */
    STORE_TABLE_PAST = 72,        /* contribution, until -> what it was */
    STORE_TABLE_PAST_TOTAL = 73,  /* total, until -> what it was */
    STORE_TABLE_BATCH = 74,       /* pack, window, child, seq -> as it came */
    STORE_TABLE_RETURN = 80,      /* pack, window, unit -> the newest return */
    STORE_TABLE_RETURN_PAST = 81, /* and revision -> superseded ones */
    STORE_TABLE_RETURN_KEY = 82,  /* key id -> public key of a former host */
};

#endif
