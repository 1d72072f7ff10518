-- One append-only table is the truth; everything else can be rebuilt from it.
-- 'SAPH': tells a Sapphire journal from another program's database.
PRAGMA application_id = 1396789320;

CREATE TABLE journal (
    id       INTEGER PRIMARY KEY,
    run      TEXT    NOT NULL, -- 16 hexadecimal digits
    sequence INTEGER NOT NULL, -- from 1 in each run
    at       INTEGER NOT NULL, -- event time, nanoseconds since 1970 UTC
    hash     BLOB    NOT NULL, -- SHA-256 over the hash before, sequence, at and payload
    payload  BLOB    NOT NULL, -- the record as JSON, the very bytes that were hashed
    UNIQUE (run, sequence)
) STRICT;

CREATE TRIGGER journal_refuses_update BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER journal_refuses_delete BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
