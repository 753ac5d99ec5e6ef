-- One row an order. A tombstone (voided before it was authorized) has neither amount nor card.
CREATE TABLE payments_payments (
    order_id      TEXT PRIMARY KEY,
    status        TEXT NOT NULL CHECK (status IN ('authorizing', 'authorized', 'declined', 'capturing',
                      'captured', 'voiding', 'voided', 'refunding', 'refunded')),
    amount        BIGINT CHECK (amount > 0),
    currency      TEXT,
    card          TEXT,
    decline_code  TEXT,
    -- while voiding: whether the ledger has the hold that the void reverses
    hold_posted   BIGINT NOT NULL CHECK (hold_posted IN (0, 1)),
    -- while an intent stands open: from when on the settle pass may finish it
    settle_at     BIGINT,
    version       BIGINT NOT NULL CHECK (version > 0),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    CHECK ((amount IS NULL) = (card IS NULL) AND (amount IS NULL) = (currency IS NULL)),
    CHECK (amount IS NOT NULL OR status = 'voided'),
    CHECK ((status = 'declined') = (decline_code IS NOT NULL)),
    CHECK ((status IN ('authorizing', 'capturing', 'voiding', 'refunding')) = (settle_at IS NOT NULL))
);

CREATE INDEX payments_payments_settle_at ON payments_payments (settle_at) WHERE settle_at IS NOT NULL;

-- The ledger: written once, in the transaction that changes the payment, and never changed. The unique
-- key is what makes a transfer happen once, whatever the code above it does.
CREATE TABLE payments_postings (
    id        TEXT PRIMARY KEY,
    transfer  TEXT NOT NULL,
    line      BIGINT NOT NULL CHECK (line > 0),
    order_id  TEXT NOT NULL REFERENCES payments_payments (order_id),
    account   TEXT NOT NULL CHECK (account IN ('card_receivable', 'customer_holds', 'sales', 'cash')),
    amount    BIGINT NOT NULL CHECK (amount <> 0),
    currency  TEXT NOT NULL,
    posted_at BIGINT NOT NULL,
    UNIQUE (transfer, line)
);
