-- What was heard of an order before its time, as JSON: a list of inputs, tried again after each step.
ALTER TABLE orders_orders ADD COLUMN early TEXT NOT NULL DEFAULT '[]';
