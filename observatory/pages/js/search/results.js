// The traces that were found, as a list.
import { traceAddress } from '../addresses.js';
import { brief, h } from '../dom.js';
import { ago, counted, duration, moment, short } from '../format.js';
import { serviceClass } from '../services.js';
import { chip, errorCount, errorSign } from '../ui/parts.js';

const ORDERS = {
  newest: (a, b) => b.trace.start - a.trace.start,
  slowest: (a, b) => b.trace.duration - a.trace.duration,
  spans: (a, b) => b.trace.count - a.trace.count,
};
const CHIPS = 12;

/**
 * @typedef {{trace: import('../model/trace.js').Trace, fault?: import('../model/fault.js').Fault, times: {service: string, time: number}[]}} Found
 * @param {Found[]} found
 */
export function resultList(found, sort) {
  const longest = Math.max(1, ...found.map(({ trace }) => trace.duration));
  return h('ol', { class: 'results' }, [...found].sort(ORDERS[sort] ?? ORDERS.newest).map((each) => result(each, longest)));
}

function result({ trace, fault, times }, longest) {
  const { root } = trace;
  const services = [...trace.services];
  const rest = services.length - CHIPS;
  return h('li', { class: `result ${serviceClass(root.service)}${trace.errors > 0 ? ' has-errors' : ''}` },
    h('div', { class: 'result-head' },
      h('h3', {},
        // The link covers the whole row (search.css), and is one stop for the keyboard.
        h('a', { href: traceAddress(trace.id) }, brief(root.service, { class: 'service-name' }), ' ', brief(root.operation, {}, 240))),
      h('span', { class: 'mono trace-id' }, short(trace.id)),
      h('span', { class: 'took' }, duration(trace.duration))),
    // As long as it took, in the colours of those in whom the time went.
    h('div', { class: 'took-bar', 'aria-hidden': true }, h('div', { style: { width: `${Math.max(0.4, (trace.duration / longest) * 100)}%` } },
      times.map(({ service, time }) => h('i', { class: serviceClass(service), style: { 'flex-grow': time } })))),
    h('div', { class: 'result-foot' },
      h('div', { class: 'chips' }, services.slice(0, CHIPS).map(([name, count]) => chip(name, count)), rest > 0 && h('span', { class: 'more' }, `and ${rest} more`)),
      h('div', { class: 'facts' },
        errorCount(trace.errors),
        trace.missing > 0 && h('span', { class: 'warned' }, `${counted(trace.missing, 'parent')} missing`),
        h('span', {}, counted(trace.count, 'span')),
        h('time', { datetime: new Date(trace.start / 1000).toISOString(), title: moment(trace.start) }, ago(trace.start)))),
    fault && h('p', { class: 'result-fault' }, errorSign(), h('span', {}, brief(fault.span.service, { class: 'service-name' }), ' ', brief(fault.span.message, {}, 240))));
}
