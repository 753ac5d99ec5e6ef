-- Under what circumstances an order was first touched here: who drives it, in which trace, and what is
-- passed on from event to event (JSON). Every fact about its payment is said under the same coordination.
-- Nothing for payments that are older than messages.
ALTER TABLE payments_payments ADD COLUMN origin TEXT;
