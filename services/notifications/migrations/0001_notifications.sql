-- Whose each order is, from the first event of that order that came: what shipping says of its parcels
-- names the order only.
CREATE TABLE notifications_orders (
    order_id    TEXT NOT NULL PRIMARY KEY,
    customer_id TEXT NOT NULL
);

-- How many mails each customer was written. The row is locked until the mail is committed, so that the
-- numbers of a customer's mails become visible in their order: who has seen number 7 misses no number 6.
CREATE TABLE notifications_customers (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    mails       BIGINT NOT NULL CHECK (mails > 0)
);

-- Every mail. Its id is that of the event that it tells of: one event, one mail.
CREATE TABLE notifications_mails (
    id          TEXT   NOT NULL PRIMARY KEY,
    event       TEXT   NOT NULL,
    order_id    TEXT   NOT NULL,
    customer_id TEXT   NOT NULL REFERENCES notifications_customers (customer_id),
    -- counts the customer's mails from 1
    sequence    BIGINT NOT NULL CHECK (sequence > 0),
    address     TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    body        TEXT   NOT NULL,
    written_at  BIGINT NOT NULL,
    delivery    TEXT   NOT NULL CHECK (delivery IN ('pending', 'sent', 'refused')),
    -- how often a worker has claimed it: workers compare and set it
    attempts    BIGINT NOT NULL CHECK (attempts >= 0),
    -- when it may be claimed (again): the end of a claim, or of the rest after a failure
    due_at      BIGINT NOT NULL,
    -- what went wrong last; empty where nothing did
    trouble     TEXT   NOT NULL,
    UNIQUE (customer_id, sequence)
);

-- for the workers: what is to be sent
CREATE INDEX notifications_mails_due ON notifications_mails (due_at, id) WHERE delivery = 'pending';
