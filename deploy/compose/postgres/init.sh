#!/usr/bin/env bash
# Makes a role and a database for everybody in the shop who keeps one, each with the name that TRADEWIND_STORE gives
# it: tradewind_orders, tradewind_card_network. PostgreSQL's image runs this once, when it finds its data folder empty.
# It may be run again at any time: it makes what is missing, and sets every password to TRADEWIND_DB_PASSWORD.
set -euo pipefail
: "${TRADEWIND_DB_PASSWORD:?must be set: it is the password of the roles of the shop}"

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
-- out of the environment, so that it stands in no list of processes
\getenv password TRADEWIND_DB_PASSWORD

CREATE TEMPORARY TABLE wanted (name text);
INSERT INTO wanted SELECT 'tradewind_' || owner FROM unnest(ARRAY[
  'catalog', 'inventory', 'payments', 'shipping', 'orders', 'notifications', 'recommendations',
  'config_server', 'card_network',
  -- what modules share whose placement is `shared`
  'shop'
]) AS owner;

SELECT format('CREATE ROLE %I LOGIN', name) FROM wanted WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', name, :'password') FROM wanted \gexec

-- The order of texts is that of their bytes: it stays the same when the image gets another C library, and no index has
-- to be built anew.
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C''', name, name)
FROM wanted WHERE name NOT IN (SELECT datname FROM pg_database) \gexec

-- an owner may connect by being one; nobody else may
SELECT format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', name) FROM wanted \gexec
SQL
