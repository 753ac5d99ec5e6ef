// Which service is at fault. An error travels up: the callee fails, so the caller fails, so the gateway answers 503.
// The deepest erroneous span is the one that nobody below it can be blamed for.

/** @typedef {import('./span.js').Span} Span */

/**
 * @typedef {object} Fault
 * @property {Span} span       the deepest erroneous span
 * @property {boolean} fatal   whether the error went all the way up to the root
 * @property {boolean} outside whether it is a call whose other side sent no span: a store, or another company
 */

/**
 * @param {import('./trace.js').Trace} trace
 * @returns {Fault | undefined}
 */
export function findFault(trace) {
  let found;
  for (const span of trace.spans) {
    if (!span.error || span.children.some((child) => child.error)) continue;
    const candidate = { span, fatal: reachesRoot(span) };
    if (!found || isWorse(candidate, found)) found = candidate;
  }
  if (!found) return undefined;
  return { ...found, outside: ['client', 'producer'].includes(found.span.kind) && found.span.children.length === 0 };
}

/** An error that made the whole fail outweighs one that somebody dealt with, then the deeper, then the earlier. */
function isWorse(a, b) {
  if (a.fatal !== b.fatal) return a.fatal;
  if (a.span.depth !== b.span.depth) return a.span.depth > b.span.depth;
  return a.span.start < b.span.start;
}

function reachesRoot(span) {
  let at = span;
  while (at.parent && !at.parent.missing) {
    at = at.parent;
    if (!at.error) return false;
  }
  return true;
}
