-- The shipment of each order as it stands. A cancellation that came before its order was ever scheduled
-- leaves a row too, a tombstone: no carrier, no address, no weight.
CREATE TABLE shipping_shipments (
    order_id        TEXT   NOT NULL PRIMARY KEY,
    status          TEXT   NOT NULL CHECK (status IN ('scheduled', 'shipped', 'delivered', 'cancelled')),
    carrier         TEXT   NOT NULL,
    tracking_number TEXT   NOT NULL,
    recipient       TEXT   NOT NULL,
    street          TEXT   NOT NULL,
    city            TEXT   NOT NULL,
    postal_code     TEXT   NOT NULL,
    country         TEXT   NOT NULL,
    weight_grams    BIGINT NOT NULL CHECK (weight_grams >= 0),
    scheduled_at    BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    -- the number of its latest tracking event, which counts its changes: writers compare and set it
    sequence        BIGINT NOT NULL CHECK (sequence > 0),
    CHECK (carrier <> '' OR status = 'cancelled')
);

-- for the carrier: what has been where it is for long enough
CREATE INDEX shipping_shipments_by_age ON shipping_shipments (status, updated_at);

-- Every station of every shipment, never changed.
CREATE TABLE shipping_events (
    order_id    TEXT   NOT NULL REFERENCES shipping_shipments (order_id),
    sequence    BIGINT NOT NULL CHECK (sequence > 0),
    status      TEXT   NOT NULL,
    note        TEXT   NOT NULL,
    happened_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, sequence)
);
