// The hundred-odd traces that the tests look at.
import { brokenTrace, hostileTrace, hugeTrace, manyServices } from './odd.mjs';
import { random } from './random.mjs';
import { orderTraces } from './shop.mjs';

const ORDERS = 30;

export function makeTraces(nowMs) {
  const dice = random(20);
  const now = nowMs * 1000;
  const traces = [];
  const named = {};
  for (let i = 0; i < ORDERS; i++) {
    const start = now - (ORDERS - i) * 55e6 - dice.between(0, 30e6);
    const course = i === 11 ? 'slow' : i % 9 === 4 ? 'declined' : i === 22 ? 'away' : 'good';
    const made = orderTraces(dice, start, course);
    traces.push(...made.traces);
    if (course === 'slow') Object.assign(named, { slow: made.traces[0].traceID, slowOrder: made.order });
    if (course === 'good') Object.assign(named, { good: made.traces[0].traceID, relay: made.traces[1].traceID, consumer: made.traces[2].traceID });
  }
  const add = (name, trace) => {
    named[name] = trace.traceID;
    traces.push(trace);
  };
  add('huge', hugeTrace(dice, now - 400e6));
  add('hostile', hostileTrace(dice, now - 70e6));
  add('broken', brokenTrace(dice, now - 50e6));
  add('many', manyServices(dice, now - 130e6));
  return { traces, named };
}

const text = (tag) => String(tag?.value);

/** The answer to a search, as Jaeger's API defines it. */
export function search(traces, query) {
  const wanted = Object.entries(JSON.parse(query.get('tags') || '{}'));
  const [min, max] = [micros(query.get('minDuration')), micros(query.get('maxDuration'))];
  const found = traces.filter((trace) => {
    const spans = trace.spans.filter((span) => span && typeof span === 'object');
    const start = Math.min(...spans.map((span) => Number(span.startTime)).filter(Boolean));
    if (query.has('start') && start < Number(query.get('start'))) return false;
    if (query.has('end') && start > Number(query.get('end'))) return false;
    return spans.some((span) =>
      (!query.get('service') || trace.processes[span.processID]?.serviceName === query.get('service'))
      && (!query.get('operation') || span.operationName === query.get('operation'))
      && (min === undefined || span.duration >= min) && (max === undefined || span.duration <= max)
      && wanted.every(([key, value]) => Array.isArray(span.tags) && span.tags.some((tag) => tag?.key === key && text(tag) === value)));
  });
  const startOf = (trace) => Number(trace.spans[0].startTime);
  return found.sort((a, b) => startOf(b) - startOf(a)).slice(0, Number(query.get('limit') ?? 20));
}

function micros(text) {
  const match = /^([\d.]+)(us|µs|ms|s|m|h)$/.exec(text ?? '');
  return match ? Number(match[1]) * { us: 1, µs: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 }[match[2]] : undefined;
}

export function servicesOf(traces) {
  return [...new Set(traces.flatMap((trace) => Object.values(trace.processes).map((process) => process.serviceName)))];
}

export function operationsOf(traces, service) {
  return [...new Set(traces.flatMap((trace) => trace.spans.filter((span) => trace.processes[span?.processID]?.serviceName === service).map((span) => span.operationName)))];
}
