-- How servers are set up at run time, and in which groups users of the configuration file are, as JSON; both count more than what
-- the file says.
CREATE TABLE setups (
    server TEXT PRIMARY KEY,
    setup  TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE memberships (
    user   TEXT PRIMARY KEY,
    groups TEXT NOT NULL
) WITHOUT ROWID, STRICT;
