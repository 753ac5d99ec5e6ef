// The critical path: at each moment the one span that the end of the trace waited for. Making any other span
// faster would not have ended it sooner.

/** @typedef {import('./span.js').Span} Span */

// A server's span often ends a moment after its caller has the answer. A child that outlives its parent by more than
// this was not waited for: a message, or work that goes on by itself.
const TOLERANCE_US = 1000;

/**
 * Walks from the end to the start: what was waited for last is the child that ended last; before it began, the child that
 * ended last before then; between them, the span itself.
 * @param {import('./trace.js').Trace} trace
 * @returns {Map<Span, [number, number][]>} the parts of each span on the path, latest first
 */
export function criticalPath(trace) {
  const path = new Map();
  const add = (span, from, to) => {
    if (to <= from) return;
    if (!path.has(span)) path.set(span, []);
    path.get(span).push([from, to]);
  };

  const longest = trace.roots.reduce((a, b) => (b.duration > a.duration ? b : a));
  const open = [visit(longest, longest.end)];
  while (open.length > 0) {
    const at = open[open.length - 1];
    // What does not fit before `now` never will: now only gets earlier.
    while (at.next < at.waits.length && !isBefore(at.waits[at.next], at.now)) at.next++;
    const child = at.waits[at.next++];
    if (!child) {
      add(at.span, at.span.start, at.now);
      open.pop();
      continue;
    }
    const end = Math.min(child.end, at.now);
    add(at.span, end, at.now);
    at.now = Math.max(child.start, at.span.start);
    open.push(visit(child, end));
  }
  return path;
}

function visit(span, now) {
  const waits = span.children
    .filter((child) => child.end > span.start && child.end <= span.end + TOLERANCE_US)
    .sort((a, b) => b.end - a.end);
  return { span, now, waits, next: 0 };
}

const isBefore = (child, now) => child.start < now && child.end <= now + TOLERANCE_US;

/**
 * Where the time of the path went.
 * @returns {{service: string, time: number}[]} the most first
 */
export function timeByService(path) {
  const times = new Map();
  for (const [span, parts] of path) {
    const service = span.missing ? 'never arrived' : span.service;
    times.set(service, (times.get(service) ?? 0) + timeOf(parts));
  }
  return [...times].map(([service, time]) => ({ service, time })).sort((a, b) => b.time - a.time);
}

export const timeOf = (parts = []) => parts.reduce((sum, [from, to]) => sum + to - from, 0);

/**
 * The operation in which most of the path's time went, by itself and not by its children. One that is called a thousand
 * times is found too, however short each call is.
 * @returns {{span: Span, time: number, spans: number} | undefined} `span` is the longest of them
 */
export function slowest(path) {
  const operations = new Map();
  for (const [span, parts] of path) {
    if (span.missing) continue;
    const key = `${span.service} ${span.operation}`;
    const all = operations.get(key) ?? { span, longest: 0, time: 0, spans: 0 };
    const time = timeOf(parts);
    if (time > all.longest) Object.assign(all, { span, longest: time });
    all.time += time;
    all.spans += 1;
    operations.set(key, all);
  }
  return [...operations.values()].sort((a, b) => b.time - a.time)[0];
}
