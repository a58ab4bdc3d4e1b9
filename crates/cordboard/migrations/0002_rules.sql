-- What users set up for their calls at run time, as JSON; it counts more than what the configuration file says.
CREATE TABLE rules (
    user  TEXT PRIMARY KEY,
    rules TEXT NOT NULL
) WITHOUT ROWID, STRICT;
