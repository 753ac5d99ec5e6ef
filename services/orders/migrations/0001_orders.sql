-- An order as it stands. `state` is the saga's, as JSON; `status` and `resting` are derived from it, for
-- queries. `version` rises by one with each step, and every step is conditional on it.
CREATE TABLE orders_orders (
    id            TEXT PRIMARY KEY,
    customer_id   TEXT NOT NULL,
    state         TEXT NOT NULL,
    status        TEXT NOT NULL,
    resting       INTEGER NOT NULL CHECK (resting IN (0, 1)),
    coordination  TEXT NOT NULL,
    lines         TEXT NOT NULL,
    card          TEXT NOT NULL,
    address       TEXT NOT NULL,
    currency      TEXT NOT NULL,
    shipping      BIGINT NOT NULL CHECK (shipping >= 0),
    total         BIGINT NOT NULL CHECK (total > 0),
    reason        TEXT,
    placed_at     BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    version       BIGINT NOT NULL CHECK (version >= 1),
    -- who drives the order, and until when nobody else does
    lease_owner   TEXT NOT NULL,
    lease_until   BIGINT NOT NULL
);

CREATE INDEX orders_by_customer ON orders_orders (customer_id, id);
CREATE INDEX orders_overdue ON orders_orders (resting, lease_until);

-- The event log: one row a step, never changed, never pruned.
CREATE TABLE orders_timeline (
    order_id   TEXT NOT NULL,
    version    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    from_state TEXT,
    to_state   TEXT NOT NULL,
    cause      TEXT NOT NULL,
    detail     TEXT NOT NULL,
    direction  TEXT NOT NULL,
    trace_id   TEXT NOT NULL,
    PRIMARY KEY (order_id, version)
);

-- What a customer asked for under a key, and what was answered. Written with the order.
CREATE TABLE orders_keys (
    customer_id TEXT NOT NULL,
    operation   TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    order_id    TEXT NOT NULL,
    answer      TEXT,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, operation, key)
);

CREATE INDEX orders_keys_by_order ON orders_keys (order_id);
CREATE INDEX orders_keys_by_age ON orders_keys (created_at);
