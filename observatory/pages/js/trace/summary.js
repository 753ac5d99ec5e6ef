// The top of a trace: what it is, what failed and who is at fault, where the time went.
import { orderAddress, traceAddress } from '../addresses.js';
import { brief, data, h } from '../dom.js';
import { counted, duration, moment, share, short } from '../format.js';
import { slowest, timeByService } from '../model/critical.js';
import { tag } from '../model/span.js';
import { serviceClass } from '../services.js';
import { chip, copyButton, errorSign } from '../ui/parts.js';

const LINKS = 6;

export function summary({ trace, critical, fault, raw, select }) {
  return h('header', { class: 'summary' },
    h('div', { class: 'title-row' },
      h('h1', { tabindex: -1 }, brief(trace.root.service, { class: `title-service ${serviceClass(trace.root.service)}` }), ' ', brief(trace.root.operation, {}, 200)),
      h('div', { class: 'title-actions' },
        copyButton(trace.id, 'Copy trace id'),
        h('button', { type: 'button', class: 'small', on: { click: () => save(trace.id, raw) } }, 'Download JSON'))),
    facts(trace),
    h('div', { class: 'findings' }, verdict(fault, select), time(trace, critical, select)),
    h('div', { class: 'chips', 'aria-label': 'Services', role: 'group' }, [...trace.services].map(([name, count]) => chip(name, count))),
    links(trace));
}

function facts(trace) {
  const fact = (name, ...value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
  return h('dl', { class: 'fact-row' },
    fact('Took', h('strong', {}, duration(trace.duration))),
    fact('Began', moment(trace.start)),
    fact('Spans', counted(trace.count, 'span'), `, ${trace.depth} deep`),
    trace.order && fact('Order', h('a', { href: orderAddress(trace.order), class: 'mono', title: 'All traces of this order' }, brief(trace.order))),
    fact('Trace', h('span', { class: 'mono' }, data(trace.id))),
    trace.missing > 0 && fact('Incomplete', h('span', { class: 'warned' }, `${counted(trace.missing, 'parent')} never arrived`)));
}

/** The sentence that most people came for. */
function verdict(fault, select) {
  if (!fault) return h('p', { class: 'verdict fine' }, 'No span failed.');
  const { span, fatal, outside } = fault;
  const whom = tag(span, 'peer.service') || span.peer;
  return h('section', { class: `verdict ${fatal ? 'failed' : 'mended'}`, 'aria-label': 'What failed' },
    h('h2', {}, errorSign('Error'), h('span', { id: 'at-fault' }, brief(span.service, { class: 'service-name' }), fatal ? ' is at fault' : ' failed, the whole did not')),
    h('p', { class: 'verdict-message' }, data(span.message)),
    h('p', { class: 'verdict-where' },
      outside ? 'Its call ' : 'In ', brief(span.operation, { class: 'mono' }),
      outside && whom ? [' to ', brief(whom, { class: 'service-name' })] : '', ` failed after ${duration(span.duration)}. `,
      outside ? 'The other side sent no span of its own. ' : '',
      fatal ? '' : 'The error did not reach the root: somebody above dealt with it. ',
      h('button', { type: 'button', class: 'plain', on: { click: () => select(span) } }, 'Show this span')));
}

function time(trace, critical, select) {
  const services = timeByService(critical);
  const total = services.reduce((sum, each) => sum + each.time, 0);
  const most = slowest(critical);
  if (total === 0 || !most) return null;
  return h('section', { class: 'time-spent', 'aria-label': 'Where the time went' },
    h('p', {}, 'Most of the critical path: ', brief(most.span.service, { class: 'service-name' }), ' ',
      h('button', { type: 'button', class: 'plain', on: { click: () => select(most.span) } }, brief(most.span.operation)), ', ',
      h('strong', {}, `${duration(most.time)}, ${share(most.time / total)} of the time`), most.spans > 1 && ` in ${counted(most.spans, 'span')}`),
    h('div', { class: 'time-bar', 'aria-hidden': true }, services.map(({ service, time }) =>
      h('div', { class: serviceClass(service), style: { 'flex-grow': time / total }, title: `${service}: ${duration(time)}` }))),
    h('ul', { class: 'time-legend' }, services.slice(0, 8).map(({ service, time }) =>
      h('li', { class: serviceClass(service) }, brief(service, {}, 40), h('span', {}, ` ${duration(time)}, ${share(time / total)}`)))));
}

/** Traces that this one follows from. The spans that follow from this one are in traces of their own. */
function links(trace) {
  const linked = [...new Map(trace.spans.flatMap((span) => span.links).filter((link) => link.traceId !== trace.id).map((link) => [link.traceId, link])).values()];
  if (linked.length === 0) return null;
  return h('p', { class: 'linked' }, 'Follows from ', linked.slice(0, LINKS).map((link, i) => [i > 0 && ', ', h('a', { href: traceAddress(link.traceId, link.spanId), class: 'mono' }, 'trace ', data(short(link.traceId)))]).flat(),
    linked.length > LINKS && ` and ${linked.length - LINKS} more`);
}

/** What is saved is what is shown: the server may have forgotten it by now. */
function save(id, raw) {
  const address = URL.createObjectURL(new Blob([JSON.stringify({ data: [raw] }, null, 2)], { type: 'application/json' }));
  h('a', { href: address, download: `trace-${id}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
