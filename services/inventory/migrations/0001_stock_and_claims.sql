-- One account a product. The checks are the last line of defence: whatever races, no statement that
-- would make a number negative, or lose a piece, goes through. 4294967295 is what a u32 holds.
CREATE TABLE inventory_stock (
    sku       TEXT   NOT NULL PRIMARY KEY,
    initial   BIGINT NOT NULL CHECK (initial BETWEEN 0 AND 4294967295),
    available BIGINT NOT NULL CHECK (available >= 0),
    reserved  BIGINT NOT NULL CHECK (reserved >= 0),
    sold      BIGINT NOT NULL CHECK (sold >= 0),
    version   BIGINT NOT NULL,
    CHECK (initial = available + reserved + sold)
);

-- One claim an order, or the tombstone of one. Rows are never removed: they are what makes every
-- operation repeatable. The lines are JSON, because a claim is always read and written whole.
CREATE TABLE inventory_claims (
    order_id   TEXT   NOT NULL PRIMARY KEY,
    status     TEXT   NOT NULL CHECK (status IN ('reserved', 'committed', 'released', 'expired')),
    lines      TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- What the sweep asks: only claims that can lapse are in it.
CREATE INDEX inventory_claims_due ON inventory_claims (expires_at) WHERE status = 'reserved';
