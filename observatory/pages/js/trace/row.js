// One row of the waterfall: who did what on the left, when and how long on the right.
import { traceAddress } from '../addresses.js';
import { brief, data, h, printable } from '../dom.js';
import { count, duration, short } from '../format.js';
import { serviceClass } from '../services.js';
import { errorSign } from '../ui/parts.js';

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * @param {import('./waterfall.js').Waterfall} waterfall
 * @param {import('../model/span.js').Span} span
 */
export function rowElement(waterfall, span, index) {
  const folded = waterfall.isFolded(span);
  const selected = span === waterfall.selected;
  // Said outright, because most of its siblings may not be in the document.
  const siblings = span.parent?.children ?? waterfall.trace.roots;
  const classes = ['row', serviceClass(span.service)];
  if (selected) classes.push('selected');
  if (span.error) classes.push('failed');
  if (span.missing) classes.push('missing');
  if (span === waterfall.fault?.span) classes.push('at-fault');
  if (!waterfall.isMatching(span)) classes.push('only-on-the-way');
  return h('div', {
    class: classes.join(' '), role: 'treeitem', id: `row-${index}`, 'data-index': index, 'aria-level': span.depth + 1,
    'aria-posinset': siblings.indexOf(span) + 1, 'aria-setsize': siblings.length, 'aria-selected': selected,
    'aria-expanded': span.children.length > 0 ? !folded : null, 'aria-label': inWords(waterfall, span),
  }, name(span, folded), timeline(waterfall, span));
}

function name(span, folded) {
  return h('div', { class: 'row-name' },
    h('span', { class: 'indent', style: { '--depth': span.depth } }),
    h('span', { class: span.children.length > 0 ? 'fold' : 'leaf' }, span.children.length > 0 && (folded ? '▸' : '▾')),
    h('span', { class: 'stripe' }),
    span.error && errorSign(),
    span.missing
      ? h('span', { class: 'row-text' }, h('em', {}, `${span.operation} (${short(span.id)})`))
      : h('span', { class: 'row-text', title: printable(`${span.service} ${span.operation}`.slice(0, 300)) }, brief(span.service, { class: 'service-name' }, 60), ' ', brief(briefOperation(span.operation), { class: 'operation' }, 160)),
    folded && h('span', { class: 'inside' }, `+${count(inside(span))}`),
    span.links[0] && h('a', { class: 'link-out', tabindex: -1, href: traceAddress(span.links[0].traceId, span.links[0].spanId), title: `Follows from span ${short(span.links[0].spanId)} of trace ${short(span.links[0].traceId)}` }, '↗'),
    span.wire && span.kind !== 'server' && h('span', { class: 'wire-tag' }, data(span.wire)));
}

/** gRPC names its methods with their package, which says the service a second time. */
const briefOperation = (name) => name.replace(/^[\w.]+\.(\w+\/\w+)$/, '$1');

function timeline(waterfall, span) {
  const { from, to } = waterfall;
  const at = (time) => ((time - from) / (to - from)) * 100;
  const left = clamp(at(span.start), 0, 100);
  const right = clamp(at(span.end), 0, 100);
  const outOfSight = at(span.end) < 0 || at(span.start) > 100;
  const bar = h('div', { class: 'bar', style: { left: `${left}%`, width: `${right - left}%` } });
  return h('div', { class: 'row-time' },
    !outOfSight && bar,
    (waterfall.critical.get(span) ?? []).map(([a, b]) => stretch(clamp(at(a), 0, 100), clamp(at(b), 0, 100))),
    span.logs.map((log) => at(log.time)).filter((x) => x >= 0 && x <= 100).map((x) => h('i', { class: 'event', style: { left: `${x}%` } })),
    !outOfSight && h('span', { class: `took ${side(left, right)}`, style: place(left, right) }, duration(span.duration)));
}

const stretch = (left, right) => right > left && h('div', { class: 'critical', style: { left: `${left}%`, width: `${right - left}%` } });

/** The duration stands where there is room: after the bar, before it, or upon it. */
function side(left, right) {
  if (right < 80) return 'after';
  return left > 20 ? 'before' : 'upon';
}

function place(left, right) {
  const where = side(left, right);
  if (where === 'after') return { left: `${right}%` };
  return where === 'before' ? { right: `${100 - left}%` } : { left: `${left}%` };
}

function inside(span) {
  let all = 0;
  const open = [...span.children];
  while (open.length > 0) {
    all += 1;
    open.push(...open.pop().children);
  }
  return all;
}

/** The row for those who hear it. */
function inWords(waterfall, span) {
  const parts = [span.service, span.operation, duration(span.duration), `after ${duration(span.start - waterfall.trace.start)}`];
  if (span.error) parts.push(`error: ${span.message}`);
  if (waterfall.critical.has(span)) parts.push('on the critical path');
  if (span.links.length > 0) parts.push('follows from another span');
  return parts.filter(Boolean).join(', ');
}
