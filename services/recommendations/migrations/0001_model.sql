-- The generations of the model: the one that answers, one that a replay is building, and those that are
-- being dropped. How far a generation has read the log is written in the transaction that changes it.
CREATE TABLE recommendations_generations (
    generation        BIGINT NOT NULL PRIMARY KEY CHECK (generation > 0),
    role              TEXT   NOT NULL CHECK (role IN ('serving', 'building', 'retired')),
    -- the offset of the event that it reads next
    next_offset       BIGINT NOT NULL CHECK (next_offset >= 0),
    -- the offset of the first event that it was given: above 0 where the log's beginning was cut off
    first_offset      BIGINT CHECK (first_offset >= 0),
    -- how many orders it knows
    orders            BIGINT NOT NULL CHECK (orders >= 0),
    -- the replay that built it; nothing of these for the first generation
    started_at        BIGINT,
    finished_at       BIGINT,
    compared_at       BIGINT,
    differing_orders    BIGINT,
    differing_pairs     BIGINT,
    differing_purchases BIGINT,
    CHECK ((finished_at IS NULL) = (compared_at IS NULL)),
    CHECK (finished_at IS NULL OR started_at IS NOT NULL)
);

-- One answers, and at most one is being built.
CREATE UNIQUE INDEX recommendations_generations_by_role ON recommendations_generations (role)
    WHERE role <> 'retired';

INSERT INTO recommendations_generations (generation, role, next_offset, orders) VALUES (1, 'serving', 0, 0);

-- Every order that was confirmed or refunded, as its latest version says.
CREATE TABLE recommendations_orders (
    generation  BIGINT NOT NULL,
    order_id    TEXT   NOT NULL,
    customer_id TEXT   NOT NULL,
    version     BIGINT NOT NULL CHECK (version >= 0),
    standing    TEXT   NOT NULL CHECK (standing IN ('counts', 'withdrawn')),
    -- a JSON array, sorted, each SKU once: what a withdrawal takes back
    skus        TEXT   NOT NULL,
    PRIMARY KEY (generation, order_id)
);

-- In how many orders that count two products stand together. Each pair once: sku_a comes before sku_b.
CREATE TABLE recommendations_pairs (
    generation BIGINT NOT NULL,
    sku_a      TEXT   NOT NULL,
    sku_b      TEXT   NOT NULL,
    together   BIGINT NOT NULL CHECK (together >= 0),
    PRIMARY KEY (generation, sku_a, sku_b),
    CHECK (sku_a <> sku_b)
);

CREATE INDEX recommendations_pairs_by_second ON recommendations_pairs (generation, sku_b);

-- In how many orders that count a customer has bought a product.
CREATE TABLE recommendations_purchases (
    generation  BIGINT NOT NULL,
    customer_id TEXT   NOT NULL,
    sku         TEXT   NOT NULL,
    orders      BIGINT NOT NULL CHECK (orders >= 0),
    PRIMARY KEY (generation, customer_id, sku)
);
