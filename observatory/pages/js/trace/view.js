// One trace: what failed, where the time went, and every span.
import * as api from '../api.js';
import { orderAddress, traceAddress } from '../addresses.js';
import { data, h } from '../dom.js';
import { Feed } from '../feed.js';
import { short } from '../format.js';
import { criticalPath } from '../model/critical.js';
import { findFault } from '../model/fault.js';
import { readTrace } from '../model/trace.js';
import { go } from '../router.js';
import { empty, errorSign, waiting } from '../ui/parts.js';
import { detailPanel } from './detail.js';
import { filterBar } from './filter.js';
import { keyboardAnywhere } from './keyboard.js';
import { overview } from './overview.js';
import { summary } from './summary.js';
import { Waterfall } from './waterfall.js';

export function openTrace(id, parameters) {
  const element = h('div', { class: 'trace' }, h('h1', { class: 'unseen', tabindex: -1 }, `Trace ${short(id)}`), waiting());
  const leave = new AbortController();
  const view = {
    id,
    title: `Trace ${short(id)}`,
    element,
    query: undefined,
    left: leave.signal,
    close() {
      leave.abort();
      feed.stop();
    },
  };
  const feed = new Feed({
    load: (signal) => api.trace(id, signal),
    show(raw) {
      const trace = readTrace(raw);
      if (trace) draw(view, trace, raw, parameters);
      else element.replaceChildren(missing(id, 'It has no spans.'));
    },
    refuse: (error) => element.replaceChildren(missing(id, error.message)),
  });
  feed.refresh();
  return view;
}

function draw(view, trace, raw, parameters) {
  const critical = criticalPath(trace);
  const fault = findFault(trace);
  const shown = h('div', { class: 'trace-body' });
  const waterfall = new Waterfall({ trace, critical, fault, select, open: () => panel.focus() });
  const panel = detailPanel({ trace, critical, close, select: jump });
  const scope = overview({ trace, zoom: (from, to) => waterfall.zoom(from, to), signal: view.left });
  waterfall.onZoom = scope.show;

  function select(span) {
    panel.show(span);
    shown.classList.toggle('has-detail', Boolean(span));
    // A selection is a state of this page and not a page of its own: the back button leads to where one came from.
    go(traceAddress(view.id, span?.missing ? '' : span?.id), { replace: true });
  }

  function jump(span) {
    waterfall.select(span);
    waterfall.focus();
  }

  function close() {
    waterfall.select(undefined);
    waterfall.focus();
  }

  shown.append(h('div', { class: 'panel waterfall-box' }, filterBar({ trace, critical, waterfall }), scope.element, waterfall.element, legend()), panel.element);
  view.title = `${trace.root.service} ${trace.root.operation}`;
  document.title = `${view.title} · Tradewind observatory`;
  const top = summary({ trace, critical, fault, raw, select: jump });
  const hadFocus = view.element.contains(document.activeElement);
  view.element.replaceChildren(top, shown);
  if (hadFocus) top.querySelector('h1').focus({ preventScroll: true });
  waterfall.attached();

  addEventListener('keydown', (event) => keyboardAnywhere(waterfall, event), { signal: view.left });

  const find = (query) => trace.spans.find((span) => span.id === query.get('span'));
  if (find(parameters)) waterfall.select(find(parameters));
  view.query = (query) => {
    const span = find(query);
    if (span !== waterfall.selected) waterfall.select(span);
  };
}

/** What the signs in the rows mean. */
function legend() {
  return h('ul', { class: 'waterfall-legend', 'aria-label': 'Signs' },
    h('li', {}, h('i', { class: 'critical' }), 'critical path: what the end waited for'),
    h('li', {}, errorSign(), 'error'),
    h('li', {}, h('i', { class: 'event' }), 'event'),
    h('li', {}, h('i', { class: 'link-out' }, '↗'), 'follows from another span'),
    h('li', {}, h('i', { class: 'stand-in' }), 'never arrived'),
    h('li', { class: 'hint' }, h('kbd', {}, '?'), 'shows the keys'));
}

function missing(id, why) {
  // A UUID without its dashes looks like a trace id, and may have been pasted as one.
  const order = /^[0-9a-f]{32}$/.test(id) ? id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : undefined;
  return h('div', { class: 'panel' }, h('h1', { class: 'unseen', tabindex: -1 }, 'Trace not found'),
    empty('This trace is not here', ['The server says: ', data(why), '. It was never received, is still under way, or has been forgotten to make room for newer ones.'],
      ['Asked for: ', data(id, { class: 'mono' })],
      order && [h('a', { href: orderAddress(order) }, 'Look for an order with this id')],
      [h('a', { href: '/' }, 'Search for traces')]));
}
