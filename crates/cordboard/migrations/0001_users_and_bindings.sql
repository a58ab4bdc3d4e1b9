-- People, with hashes of their passwords instead of passwords.
CREATE TABLE user (
    name           TEXT PRIMARY KEY,
    -- The realm that the hashes were made for; they are of no use in another.
    realm          TEXT NOT NULL,
    display_name   TEXT,
    -- A JSON array of strings.
    groups         TEXT NOT NULL,
    ha1_md5        BLOB,
    ha1_sha256     BLOB,
    ha1_sha512_256 BLOB
) STRICT, WITHOUT ROWID;

-- Where somebody can be reached: what changes rarely.
CREATE TABLE binding (
    number    INTEGER PRIMARY KEY,
    aor       TEXT NOT NULL,
    uri       TEXT NOT NULL,
    call_id   TEXT NOT NULL,
    instance  TEXT NOT NULL,
    reg_id    INTEGER NOT NULL,
    outbound  INTEGER NOT NULL,
    q         INTEGER NOT NULL,
    transport TEXT NOT NULL,
    -- The configured address of the listener that it registered over.
    listener  TEXT NOT NULL,
    remote    TEXT NOT NULL,
    path      TEXT NOT NULL
) STRICT;

-- What every refresh changes. Narrow, so that many refreshes share a page.
CREATE TABLE freshness (
    number  INTEGER PRIMARY KEY,
    cseq    INTEGER NOT NULL,
    -- Milliseconds since 1970.
    expires INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
