// The service map: a drawing, and tables that say the same.
import * as api from '../api.js';
import { serviceAddress } from '../addresses.js';
import { data, h, parted, svg } from '../dom.js';
import { Feed } from '../feed.js';
import { millis, rate, share } from '../format.js';
import { go } from '../router.js';
import { choice, empty, errorSign, nothingYet, tick, waiting } from '../ui/parts.js';
import { sortedTable } from '../ui/table.js';
import { drawMap, edgeInWords, nodeInWords } from './draw.js';
import { readMap, withoutStores } from './model.js';
import { WIRES } from './wires.js';

const EVERY_S = 10;
const HINT = 'Point at a node or a line, or go there with Tab. A node leads to its service.';

export function openMap(_, parameters) {
  let state = read(parameters);
  let map;
  const drawing = h('div', { class: 'map-box', tabindex: 0, role: 'region', 'aria-label': 'Service map' });
  const told = h('p', { class: 'map-told' }, HINT);
  const calls = sortedTable({ caption: 'Calls', columns: CALLS, sortBy: 3 });
  const services = sortedTable({ caption: 'Services, stores and others', columns: NODES, sortBy: 2 });
  const body = h('div', { class: 'map-body' }, waiting());
  const tools = h('div', { class: 'bar-of-tools' });

  const feed = new Feed({
    load: (signal) => api.map(state.minutes, signal),
    show(raw) {
      map = readMap(raw);
      show();
    },
    refuse: (error) => body.replaceChildren(h('div', { class: 'panel' }, empty('There is no map', data(error.message)))),
    every: state.auto ? EVERY_S : 0,
  });

  function show() {
    if (map.nodes.length === 0) {
      body.replaceChildren(h('div', { class: 'panel' }, nothingYet()));
      return;
    }
    const first = !drawing.isConnected;
    if (first) body.replaceChildren(h('div', { class: 'panel' }, legend(), drawing, told), h('div', { class: 'panel' }, calls.element), h('div', { class: 'panel' }, services.element));
    draw();
    // Where only a part of it is seen at a time, the calls begin half-way down.
    if (first) drawing.scrollTop = (drawing.scrollHeight - drawing.clientHeight) / 2;
    calls.show(map.edges);
    services.show(map.nodes);
  }

  function draw() {
    const shown = state.stores ? map : withoutStores(map);
    // Whoever has the focus on a line keeps it when new numbers come.
    const key = drawing.contains(document.activeElement) && document.activeElement.dataset.key;
    drawing.replaceChildren(drawMap(shown, drawing.clientWidth, (about) => {
      told.textContent = about ? (about.from ? edgeInWords(about) : nodeInWords(about)) : HINT;
    }));
    if (key) [...drawing.querySelectorAll('[data-key]')].find((each) => each.dataset.key === key)?.focus({ preventScroll: true });
  }

  function change(part) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(part)) query.set(name, typeof value === 'boolean' ? Number(value) : value);
    go(`/map${query.size ? `?${query}` : ''}`, { replace: true });
    apply(query);
  }

  function apply(query) {
    const before = state;
    state = read(query);
    feed.repeat(state.auto ? EVERY_S : 0);
    if (before.minutes !== state.minutes) feed.refresh();
    else if (map) show();
  }

  tools.append(
    h('h1', { class: 'grow', tabindex: -1 }, 'Service map'),
    choice('Last', 'minutes', [['5', '5 minutes'], ['15', '15 minutes'], ['60', 'hour']], state.minutes, (minutes) => change({ minutes })),
    tick('Stores', state.stores, (stores) => change({ stores })),
    tick(`Refresh every ${EVERY_S} s`, state.auto, (auto) => change({ auto })));
  const watch = new ResizeObserver(() => map && drawing.isConnected && map.nodes.length > 0 && draw());
  watch.observe(body);
  feed.refresh();

  return {
    title: 'Map',
    element: h('div', { class: 'map' }, tools, body),
    query: apply,
    close() {
      watch.disconnect();
      feed.stop();
    },
  };
}

function read(query) {
  // On a telephone the map is looked at through a keyhole: better a small one, unless somebody asks for more.
  const stores = query.get('stores') ?? (matchMedia('(min-width: 700px)').matches ? '1' : '0');
  return { minutes: query.get('minutes') ?? '15', stores: stores === '1', auto: query.get('auto') !== '0' };
}

function legend() {
  return h('ul', { class: 'map-legend', 'aria-label': 'Kinds of wire' },
    Object.values(WIRES).slice(0, -1).map(({ css, name }) =>
      h('li', {}, svg('svg', { class: `edge ${css}`, width: 34, height: 10, 'aria-hidden': true }, svg('path', { class: 'line', d: 'M1 5h32', 'stroke-width': 3 })), name)),
    h('li', {}, errorSign(), 'errors'),
    h('li', { class: 'note' }, 'wider is more calls; numbers are calls per second, then p50 / p95'));
}

const numbers = [
  { title: 'Rate', number: true, value: (row) => row.rate, cell: (row) => rate(row.rate) },
  { title: 'Errors', number: true, value: (row) => row.errors, cell: (row) => (row.errors > 0 ? h('span', { class: 'errors' }, errorSign(), share(row.errors)) : share(row.errors)) },
  { title: 'p50', number: true, value: (row) => row.p50, cell: (row) => millis(row.p50) },
  { title: 'p95', number: true, value: (row) => row.p95, cell: (row) => millis(row.p95) },
];
const CALLS = [
  { title: 'From', value: (row) => row.from, cell: (row) => parted(row.from) },
  { title: 'To', value: (row) => row.to, cell: (row) => parted(row.to) },
  { title: 'Wire', value: (row) => row.wire, cell: (row) => data(row.wire) },
  ...numbers,
];
const NODES = [
  { title: 'Name', value: (row) => row.service, cell: (row) => (row.kind === 'service' ? h('a', { href: serviceAddress(row.service) }, parted(row.service)) : parted(row.service)) },
  { title: 'Kind', value: (row) => row.kind },
  ...numbers,
];
