-- Under what circumstances an order was first touched here: who drives it, in which trace, and what is
-- passed on from event to event (JSON). Every fact about its shipment is said under the same coordination.
-- Nothing for shipments that are older than messages.
ALTER TABLE shipping_shipments ADD COLUMN origin TEXT;
