-- One row a key. A key that was voided before any hold (a tombstone) has no card and no amount.
CREATE TABLE card_network_holds (
    key          TEXT PRIMARY KEY,
    card         TEXT,
    amount       BIGINT CHECK (amount > 0),
    currency     TEXT,
    state        TEXT NOT NULL CHECK (state IN ('held', 'declined', 'captured', 'voided', 'refunded')),
    decline_code TEXT,
    holds        BIGINT NOT NULL CHECK (holds IN (0, 1)),
    captures     BIGINT NOT NULL CHECK (captures >= 0 AND captures <= holds),
    captured     BIGINT NOT NULL CHECK (captured >= 0),
    voided       BIGINT NOT NULL CHECK (voided >= 0),
    refunded     BIGINT NOT NULL CHECK (refunded >= 0 AND refunded <= captured),
    version      BIGINT NOT NULL,
    CHECK ((amount IS NULL) = (card IS NULL) AND (amount IS NULL) = (currency IS NULL)),
    CHECK (amount IS NOT NULL OR state = 'voided'),
    CHECK ((state = 'declined') = (decline_code IS NOT NULL)),
    CHECK (amount IS NULL OR captured + voided <= amount)
);

-- How often each kind of request was tried under a key: what makes the flaky card fail in turn.
CREATE TABLE card_network_attempts (
    key      TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('hold', 'capture', 'void', 'refund')),
    attempts BIGINT NOT NULL CHECK (attempts > 0),
    PRIMARY KEY (key, kind)
);
