-- What is to be there after a restart of the calls and promises of each server, as JSON with a version (service::kept).
CREATE TABLE kept (
    server TEXT NOT NULL,
    name   TEXT NOT NULL,
    record TEXT NOT NULL,
    due    INTEGER,
    PRIMARY KEY (server, name)
) WITHOUT ROWID, STRICT;
