-- Every change ever made, the files' changes too. A version is one change set, which may have several rows.
CREATE TABLE config_changes (
    version     BIGINT NOT NULL,
    application TEXT   NOT NULL, -- '*' for a file
    profile     TEXT   NOT NULL,
    name        TEXT   NOT NULL, -- the key, or the file's name
    kind        TEXT   NOT NULL CHECK (kind IN ('set', 'unset', 'rollback', 'file')),
    who         TEXT   NOT NULL,
    at          BIGINT NOT NULL, -- microseconds since 1970
    old_value   TEXT,            -- JSON; NULL where nothing was set
    new_value   TEXT,            -- JSON; NULL where nothing is set any more
    PRIMARY KEY (version, application, profile, name)
);

CREATE INDEX config_changes_of ON config_changes (application, version);

-- What all those changes add up to.
CREATE TABLE config_values (
    application TEXT   NOT NULL,
    profile     TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    value       TEXT   NOT NULL, -- JSON
    version     BIGINT NOT NULL, -- which change set it
    PRIMARY KEY (application, profile, name)
);

-- What each application accepts, as its instances last published it.
CREATE TABLE config_schemas (
    application TEXT PRIMARY KEY,
    body        TEXT   NOT NULL, -- JSON
    at          BIGINT NOT NULL  -- microseconds since 1970
);
