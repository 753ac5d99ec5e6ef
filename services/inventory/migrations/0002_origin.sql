-- Under what circumstances an order was first touched here: who drives it, in which trace, and what is
-- passed on from event to event (JSON). Every fact about its claim is said under the same coordination.
-- Nothing for claims that are older than messages.
ALTER TABLE inventory_claims ADD COLUMN origin TEXT;
