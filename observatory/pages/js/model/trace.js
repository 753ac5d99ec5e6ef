// A trace: its spans as a tree, and what can be said of the whole.
import { readSpan, tag } from './span.js';
import { growTree } from './tree.js';

/**
 * @typedef {import('./span.js').Span} Span
 * @typedef {object} Trace
 * @property {string} id
 * @property {Span[]} spans     in the order of the tree: parents before their children
 * @property {Span[]} roots
 * @property {Span} root        the one that names the trace
 * @property {number} start     microseconds
 * @property {number} end
 * @property {number} duration
 * @property {Map<string, number>} services  how many spans each has, the busiest first
 * @property {number} count     spans that arrived
 * @property {number} errors
 * @property {number} missing   spans that others name as their parent, and that never arrived
 * @property {number} depth
 * @property {string} order     the order that it is about, '' if none
 */

/**
 * @param {any} raw one trace of Jaeger's API
 * @returns {Trace | undefined} nothing where there is no span
 */
export function readTrace(raw) {
  const id = String(raw?.traceID ?? '');
  const listed = (Array.isArray(raw?.spans) ? raw.spans : []).filter((each) => each && typeof each === 'object');
  const spans = listed.map((each) => readSpan(each, id, raw.processes));
  if (spans.length === 0) return undefined;
  settleTimes(spans);

  const roots = growTree(spans);
  const all = flatten(roots);
  const arrived = all.filter((span) => !span.missing);
  const [start, end] = bounds(arrived);
  const services = new Map();
  for (const { service } of arrived) services.set(service, (services.get(service) ?? 0) + 1);
  return {
    id,
    spans: all,
    roots,
    root: roots.find((span) => !span.missing) ?? arrived[0],
    start,
    end,
    duration: end - start,
    services: new Map([...services].sort(([, a], [, b]) => b - a)),
    count: arrived.length,
    errors: arrived.filter((span) => span.error).length,
    missing: all.length - arrived.length,
    depth: all.reduce((deepest, span) => Math.max(deepest, span.depth + 1), 0),
    order: arrived.map((span) => tag(span, 'tradewind.order.id')).find(Boolean) ?? '',
  };
}

/** A span without a time is put where its trace begins: one zero would stretch the ruler to 1970. */
function settleTimes(spans) {
  const known = spans.filter((span) => span.start > 0);
  const [earliest] = known.length > 0 ? bounds(known) : [0];
  for (const span of spans) {
    if (!(span.start > 0)) {
      span.start = earliest;
      span.warnings.push('It has no start time; it is shown where its trace begins.');
    }
    span.end = span.start + span.duration;
  }
}

/** Loops, because Math.min(...spans) would put thousands of arguments on the stack. */
function bounds(spans) {
  let start = Infinity;
  let end = 0;
  for (const span of spans) {
    start = Math.min(start, span.start);
    end = Math.max(end, span.end ?? span.start + span.duration);
  }
  return [start, end];
}

/** Parents before children, without recursion: a trace may be thousands deep. */
function flatten(roots) {
  const all = [];
  const open = [...roots].reverse();
  while (open.length > 0) {
    const span = open.pop();
    span.depth = span.parent ? span.parent.depth + 1 : 0;
    all.push(span);
    for (let i = span.children.length - 1; i >= 0; i--) open.push(span.children[i]);
  }
  return all;
}
