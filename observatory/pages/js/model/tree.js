// Makes a tree of spans that name their parents. Parents may be missing, ids may be used twice, and references may
// go in circles: every span that arrived is in the tree exactly once, whatever they say.

/** @typedef {import('./span.js').Span} Span */

/**
 * Sets `parent` and `children`.
 * @param {Span[]} spans
 * @returns {Span[]} the roots, earliest first; among them those that stand for parents that never arrived
 */
export function growTree(spans) {
  const byId = new Map();
  for (const span of spans) {
    if (byId.has(span.id)) span.warnings.push('Another span of this trace has the same id.');
    else byId.set(span.id, span);
  }

  const roots = [];
  const absent = new Map();
  for (const span of spans) {
    const parent = byId.get(span.parentId);
    if (span.parentId === '' || /^0+$/.test(span.parentId)) {
      roots.push(span);
    } else if (parent) {
      attach(span, parent);
    } else {
      if (!absent.has(span.parentId)) absent.set(span.parentId, standIn(span.parentId));
      attach(span, absent.get(span.parentId));
    }
  }
  for (const span of absent.values()) settle(span);
  roots.push(...absent.values());
  roots.push(...cutCircles(spans, roots));

  const byStart = (a, b) => a.start - b.start || b.duration - a.duration;
  for (const span of [...spans, ...absent.values()]) {
    span.children.sort(byStart);
    warnOfClock(span);
  }
  return roots.sort(byStart);
}

function attach(span, parent) {
  span.parent = parent;
  parent.children.push(span);
}

/** What is drawn in the place of a span that never arrived. */
function standIn(id) {
  return {
    id, service: '', operation: 'A span that never arrived', kind: '', wire: '', peer: '', error: false, message: '',
    tags: [], process: [], logs: [], links: [], parentId: '', parent: undefined, children: [], depth: 0, missing: true,
    warnings: ['Its children name it as their parent, and it is not among the spans of this trace: it was dropped, is not sampled, or is still under way.'],
  };
}

/** It took at least as long as what is known of it. */
function settle(span) {
  span.start = Math.min(...span.children.map((child) => child.start));
  span.end = Math.max(...span.children.map((child) => child.end));
  span.duration = span.end - span.start;
}

/** Spans that no root leads to hang in circles: each circle is cut at its earliest span. */
function cutCircles(spans, roots) {
  const reached = new Set();
  const reach = (from) => {
    const open = [from];
    while (open.length > 0) {
      const span = open.pop();
      if (reached.has(span)) continue;
      reached.add(span);
      open.push(...span.children);
    }
  };
  roots.forEach(reach);
  const cut = [];
  for (const span of spans.filter((each) => !reached.has(each)).sort((a, b) => a.start - b.start)) {
    if (reached.has(span)) continue;
    span.parent.children = span.parent.children.filter((child) => child !== span);
    span.parent = undefined;
    span.warnings.push('Its parents form a circle, which is cut here.');
    cut.push(span);
    reach(span);
  }
  return cut;
}

/** Clocks of two machines differ; less than a millisecond is nothing to speak of. */
function warnOfClock(span) {
  for (const child of span.children) {
    if (!span.missing && child.start < span.start - 1000) child.warnings.push('It starts before its parent does: their clocks differ.');
  }
}
