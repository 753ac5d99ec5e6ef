-- What the shop sells.
CREATE TABLE catalog_products (
    sku          TEXT   NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL,
    description  TEXT   NOT NULL,
    category     TEXT   NOT NULL,
    price_amount BIGINT NOT NULL CHECK (price_amount > 0),
    currency     TEXT   NOT NULL,
    weight_grams BIGINT NOT NULL CHECK (weight_grams > 0),
    version      BIGINT NOT NULL CHECK (version > 0),
    -- Name, and name with description and category, in lower case: what a search looks through. Kept
    -- by the program, because the engines do not agree on the lower case of all letters.
    name_folded  TEXT   NOT NULL,
    text_folded  TEXT   NOT NULL
);

CREATE INDEX catalog_products_by_category ON catalog_products (category, sku);
