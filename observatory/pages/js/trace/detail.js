// All that is known of one span.
import { searchAddress, serviceAddress, traceAddress } from '../addresses.js';
import { brief, data, h, parted, put } from '../dom.js';
import { duration, moment, short } from '../format.js';
import { timeOf } from '../model/critical.js';
import { serviceClass } from '../services.js';
import { copyButton, errorSign } from '../ui/parts.js';

// Longer values are cut, and shown whole on demand: one of a megabyte would bury all others.
const LONG = 400;

export function detailPanel({ trace, critical, close, select }) {
  const element = h('aside', { class: 'panel detail', 'aria-label': 'Span', hidden: true });
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });

  function show(span) {
    element.hidden = !span;
    if (!span) return;
    element.scrollTop = 0;
    element.className = `panel detail ${serviceClass(span.service)}`;
    put(element,
      h('header', { class: 'detail-head' },
        h('h2', { tabindex: -1 }, span.missing ? '' : h('a', { href: serviceAddress(span.service) }, data(span.service)), ' ', brief(span.operation, {}, LONG)),
        h('button', { type: 'button', class: 'small', on: { click: close }, 'aria-label': 'Close the details' }, 'Close')),
      span.error && h('p', { class: 'detail-error' }, errorSign('Error'), data(span.message)),
      span.warnings.length > 0 && h('ul', { class: 'warnings' }, span.warnings.map((warning) => h('li', {}, data(warning)))),
      facts(span),
      links(span),
      section('Attributes', tagTable(span.tags), span.tags.length),
      events(span),
      section('Process', tagTable(span.process), span.process.length));
  }

  function facts(span) {
    const fact = (name, ...value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
    const alone = timeOf(critical.get(span));
    return h('dl', { class: 'detail-facts' },
      fact('Took', h('strong', {}, duration(span.duration))),
      fact('Began', `${duration(span.start - trace.start)} in`),
      fact('Critical', critical.has(span) ? duration(alone) : 'not on the path'),
      fact('Kind', data([span.kind, span.wire].filter(Boolean).join(', ') || 'not said')),
      fact('At', moment(span.start)),
      fact('Span', h('span', { class: 'mono' }, data(span.id)), ' ', copyButton(span.id, 'Copy')),
      span.parent && fact('Parent', h('button', { type: 'button', class: 'plain', on: { click: () => select(span.parent) } }, brief(`${span.parent.service} ${span.parent.operation}`))),
      !span.missing && fact('Alike', h('a', { href: searchAddress({ service: span.service, operation: span.operation }) }, 'traces with this operation')));
  }

  function events(span) {
    if (span.logs.length === 0) return null;
    return section('Events', h('ol', { class: 'events' }, span.logs.map((log) =>
      h('li', { class: log.exception && 'exception' },
        h('h4', {}, h('span', { class: 'mono at' }, `+${duration(log.time - span.start)}`), ' ', log.exception ? [errorSign(), data(log.exception.type || 'exception')] : data(log.name)),
        log.exception && h('p', { class: 'exception-message' }, cut(log.exception.message)),
        log.exception?.stack && h('details', {}, h('summary', {}, 'Stack trace'), h('pre', {}, data(log.exception.stack))),
        tagTable(log.fields.filter(({ key }) => key !== 'event' && !(log.exception && key.startsWith('exception.'))))))), span.logs.length);
  }

  return { element, show, focus: () => element.querySelector('h2')?.focus() };
}

function links(span) {
  if (span.links.length === 0) return null;
  return section('Follows from', h('ul', { class: 'links' }, span.links.map(({ traceId, spanId }) =>
    h('li', {}, h('a', { href: traceAddress(traceId, spanId) }, 'trace ', data(short(traceId), { class: 'mono' }), ', span ', data(short(spanId), { class: 'mono' }))))), span.links.length);
}

function section(title, content, count) {
  return count > 0 && h('section', {}, h('h3', {}, title, ' ', h('span', { class: 'count' }, count)), content);
}

function tagTable(tags) {
  if (tags.length === 0) return null;
  return h('dl', { class: 'tags' }, [...tags].sort((a, b) => a.key.localeCompare(b.key)).map(({ key, value }) =>
    h('div', {}, h('dt', {}, parted(key)), h('dd', {}, cut(value)))));
}

function cut(value) {
  if (value.length <= LONG) return data(value || '(empty)');
  const text = data(`${value.slice(0, LONG)} …`);
  const more = h('button', { type: 'button', class: 'plain', on: { click: () => whole.replaceChildren(data(value)) } }, `Show all ${value.length.toLocaleString('en')} characters`);
  const whole = h('span', {}, text, ' ', more);
  return whole;
}
