// The map and the panels of a shop that is at work.
import { random } from './random.mjs';

const SERVICES = ['gateway', 'orders', 'catalog', 'inventory', 'payments', 'shipping', 'notifications', 'recommendations'];
const OWN_STORE = SERVICES.slice(1);
const node = (service, kind, rate, errors, p50, p95) => ({ service, kind, rate_per_s: rate, error_share: errors, p50_ms: p50, p95_ms: p95 });
const edge = (from, to, wire, rate, errors, p50, p95) => ({ from, to, wire, rate_per_s: rate, error_share: errors, p50_ms: p50, p95_ms: p95 });

export function map() {
  return {
    nodes: [
      node('gateway', 'service', 26.4, 0.021, 14, 62), node('orders', 'service', 12.2, 0.034, 19, 210), node('catalog', 'service', 21.7, 0, 1.2, 3.9),
      node('inventory', 'service', 30.1, 0, 1.8, 5.2), node('payments', 'service', 22.9, 0.018, 4.1, 190), node('shipping', 'service', 24.4, 0.004, 1.5, 6.1),
      node('notifications', 'service', 11.8, 0, 2.2, 5.9), node('recommendations', 'service', 11.9, 0, 2.9, 8.4),
      ...OWN_STORE.map((name, i) => node(`${name} db`, 'store', 20 + i * 9, 0, 0.3, 1.1)),
      node('broker', 'broker', 44.1, 0, 1.3, 2.8), node('card-network', 'outside', 22.1, 0.017, 2.3, 181),
    ],
    edges: [
      edge('gateway', 'orders', 'rest', 12.2, 0.034, 19, 211), edge('gateway', 'catalog', 'rest', 9.4, 0, 1.4, 4.4), edge('gateway', 'recommendations', 'rest', 2.1, 0, 1.9, 5),
      edge('orders', 'catalog', 'rest', 12.2, 0, 1.6, 4.2), edge('orders', 'inventory', 'grpc', 28.1, 0, 2.1, 5.6), edge('orders', 'inventory', 'rest', 2, 0, 2.6, 7),
      edge('orders', 'payments', 'grpc', 22.9, 0.018, 4.6, 192), edge('orders', 'shipping', 'amqp', 24.4, 0.004, 2.7, 8.8), edge('payments', 'card-network', 'http', 22.1, 0.017, 2.3, 181),
      edge('orders', 'broker', 'events', 22, 0, 1.3, 2.7), edge('inventory', 'broker', 'events', 11, 0, 1.2, 2.5), edge('payments', 'broker', 'events', 11, 0, 1.4, 2.9), edge('shipping', 'broker', 'events', 11, 0, 1.3, 2.8),
      edge('broker', 'notifications', 'events', 11.8, 0, 3.1, 9), edge('broker', 'recommendations', 'events', 11.9, 0, 3.4, 11), edge('broker', 'orders', 'events', 3.2, 0, 2.2, 7.7),
      ...OWN_STORE.map((name, i) => edge(name, `${name} db`, 'sql', 20 + i * 9, 0, 0.3, 1.1)),
    ],
  };
}

export function panels(service, minutes, nowMs) {
  const dice = random([...service].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7));
  const step = minutes * 60 / 120;
  const quiet = (i) => i > 30 && i < 37;
  const series = (base, noise, wave = 0) => Array.from({ length: 120 }, (_, i) => Math.max(0, base * (1 + wave * Math.sin(i / 14)) + (dice.next() - 0.5) * noise * base));
  const gaps = (values) => values.map((value, i) => (quiet(i) ? null : value));
  const rate = series(12, 0.25, 0.4).map((value, i) => (quiet(i) ? 0 : value));
  const p50 = series(4.2, 0.3, 0.1);
  const bad = (i) => i > 78 && i < 92;
  const p95 = p50.map((value, i) => value * (bad(i) ? 21 : 3.2 + dice.next()));
  return {
    service, step_s: step, from_us: (nowMs - minutes * 60_000) * 1000, rate_per_s: rate,
    error_share: gaps(rate.map((_, i) => (bad(i) ? 0.06 + dice.next() * 0.05 : dice.chance(0.08) ? 0.01 : 0))),
    p50_ms: gaps(p50), p95_ms: gaps(p95), p99_ms: gaps(p95.map((value) => value * (1.3 + dice.next() * 0.5))),
    operations: operations(service, dice),
    gauges: [
      { name: 'outbox.waiting', unit: '{message}', labels: {}, points: series(6, 1.2) },
      { name: 'db.client.connections', unit: '{connection}', labels: { state: 'idle' }, points: series(3, 0.4) },
      { name: 'db.client.connections', unit: '{connection}', labels: { state: 'used' }, points: series(1.4, 0.9) },
      { name: 'process.memory.usage', unit: 'MiB', labels: {}, points: series(38, 0.02, 0.05) },
    ],
  };
}

const OPERATIONS = {
  gateway: ['POST /api/orders', 'GET /api/products', 'GET /api/products/search', 'GET /api/stock/{sku}', 'GET /api/orders/{order_id}'],
  payments: ['tradewind.payments.v1.Payments/Authorize', 'tradewind.payments.v1.Payments/Capture', 'tradewind.payments.v1.Payments/Void', 'PUT /holds/{key}', 'GET /holds/{key}'],
};

function operations(service, dice) {
  return (OPERATIONS[service] ?? [`GET /${service}`, `PUT /${service}/{order_id}`, `process ${service}.events`]).map((operation, i) => ({
    operation, kind: i > 2 ? 'client' : 'server', calls: Math.round(40_000 / (i + 1) ** 1.6), error_share: i % 3 === 0 ? 0.018 / (i + 1) : 0,
    p50_ms: 1.2 + i * dice.next() * 3, p95_ms: 6 + i * dice.next() * 30, p99_ms: 40 + i * 60 * dice.next(),
  }));
}

export function status(traces, nowMs) {
  const spans = traces.reduce((sum, trace) => sum + trace.spans.length, 0);
  return {
    spans_received: spans + 1204, spans_dropped: { full: 0, late: 12, malformed: 3 }, traces_kept: traces.length, traces_forgotten: 118, spans_kept: spans,
    bytes_kept: spans * 900, bytes_limit: 256 << 20, oldest_trace_us: (nowMs - 1_700_000) * 1000, metrics_series: 412, series_refused: 0,
  };
}
