// A service's panels as the server tells them, with what is missing or makes no sense put right.
import { number } from '../format.js';
import { text } from '../model/span.js';

const list = (value) => (Array.isArray(value) ? value : []);
const finite = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const values = (value) => list(value).map(finite);
const SERIES = 6;

export function readPanels(raw) {
  return {
    fromUs: number(raw.from_us),
    stepS: Math.max(0.001, number(raw.step_s, 10)),
    rate: values(raw.rate_per_s),
    errors: values(raw.error_share),
    p50: values(raw.p50_ms),
    p95: values(raw.p95_ms),
    p99: values(raw.p99_ms),
    operations: list(raw.operations).filter((each) => each && typeof each === 'object').map((each) => ({
      operation: text(each.operation) || 'unnamed', kind: text(each.kind), calls: number(each.calls), errors: finite(each.error_share) ?? 0,
      p50: finite(each.p50_ms), p95: finite(each.p95_ms), p99: finite(each.p99_ms),
    })),
    gauges: groups(list(raw.gauges).filter((each) => each && typeof each === 'object')),
  };
}

/** Gauges of one name are lines of one chart, told apart by their labels. */
function groups(gauges) {
  const byName = new Map();
  for (const gauge of gauges) {
    const name = text(gauge.name);
    if (!byName.has(name)) byName.set(name, { name, unit: text(gauge.unit), lines: [], left: 0 });
    const group = byName.get(name);
    if (group.lines.length === SERIES) group.left += 1;
    else group.lines.push({ name: labels(gauge.labels), values: values(gauge.points) });
  }
  return [...byName.values()];
}

function labels(value) {
  const pairs = value && typeof value === 'object' ? Object.entries(value) : [];
  return pairs.map(([key, v]) => `${key}=${text(v)}`).join(', ') || 'all';
}
