// One service over time: how much it is asked, how often it fails, how long it takes.
import * as api from '../api.js';
import { searchAddress, serviceAddress } from '../addresses.js';
import { data, h } from '../dom.js';
import { Feed } from '../feed.js';
import { digits, millis, rate, share } from '../format.js';
import { go } from '../router.js';
import { serviceClass } from '../services.js';
import { choice, empty, tick, waiting } from '../ui/parts.js';
import { lineChart } from './chart.js';
import { sharedCursor } from './cursor.js';
import { readPanels } from './model.js';
import { operationsTable } from './operations.js';

const EVERY_S = 10;

export function openService(service, parameters) {
  let state = read(parameters);
  const cursor = sharedCursor();
  const charts = {
    rate: lineChart({ title: 'Rate', format: rate, cursor }),
    errors: lineChart({ title: 'Share of errors', format: share, least: 0.01, cursor }),
    latency: lineChart({ title: 'Latency', format: millis, cursor }),
  };
  const gauges = new Map();
  const gaugeBox = h('div', { class: 'charts' });
  const gaugeSection = h('section', { class: 'gauges' }, h('h2', {}, 'Gauges'), gaugeBox);
  const operations = operationsTable(service);
  const picker = h('span', { class: 'picker' });
  const body = h('div', { class: 'service-body' }, waiting());

  const feed = new Feed({
    load: (signal) => api.panels(service, state.minutes, signal),
    show: (raw) => show(readPanels(raw)),
    refuse: (error) => body.replaceChildren(h('div', { class: 'panel' }, empty('Nothing is known of this service', data(error.message), 'Choose another one above.'))),
    every: state.auto ? EVERY_S : 0,
  });

  function show(panels) {
    const { fromUs, stepS } = panels;
    if (!picker.firstChild) pick();
    if (!operations.element.isConnected) {
      body.replaceChildren(h('div', { class: 'charts' }, Object.values(charts).map((chart) => chart.element)), h('div', { class: 'panel' }, operations.element), gaugeSection);
    }
    charts.rate.show({ fromUs, stepS, series: [{ name: 'rate', css: 'series-0', values: panels.rate }] });
    charts.errors.show({ fromUs, stepS, series: [{ name: 'errors', css: 'series-error', values: panels.errors }] });
    charts.latency.show({ fromUs, stepS, series: ['p50', 'p95', 'p99'].map((name, i) => ({ name, css: `series-${i}`, values: panels[name] })) });
    operations.show(panels.operations);
    gaugeSection.hidden = panels.gauges.length === 0;
    for (const { name, unit, lines, left } of panels.gauges) {
      if (!gauges.has(name)) {
        // UCUM writes what is counted in braces: {message}.
        const title = `${name}${unit ? ` (${unit.replace(/[{}]/g, '')})` : ''}`;
        gauges.set(name, lineChart({ title: left > 0 ? `${title}, and ${left} more` : title, format: digits, cursor }));
        gaugeBox.append(gauges.get(name).element);
      }
      gauges.get(name).show({ fromUs, stepS, series: lines.map((line, i) => ({ ...line, css: `series-${i}` })) });
    }
  }

  function change(part) {
    const next = { ...state, ...part };
    go(address(service, next), { replace: true });
    apply(new URLSearchParams(location.search));
  }

  function apply(query) {
    const before = state;
    state = read(query);
    feed.repeat(state.auto ? EVERY_S : 0);
    if (before.minutes !== state.minutes) feed.refresh();
  }

  async function pick() {
    const names = await api.services().catch(() => undefined);
    if (!names) return;
    const all = names.includes(service) ? names : [service, ...names];
    picker.replaceChildren(choice('Service', 'service', all.map((name) => [name, name]), service, (name) => go(address(name, state))));
  }

  pick();
  feed.refresh();
  return {
    title: service,
    element: h('div', { class: 'service' },
      h('div', { class: 'bar-of-tools' },
        h('h1', { class: `grow title-service ${serviceClass(service)}`, tabindex: -1 }, data(service)),
        picker,
        choice('Last', 'minutes', [['15', '15 minutes'], ['60', 'hour'], ['180', '3 hours'], ['720', '12 hours']], state.minutes, (minutes) => change({ minutes })),
        tick(`Refresh every ${EVERY_S} s`, state.auto, (auto) => change({ auto })),
        h('a', { class: 'button', href: searchAddress({ service }) }, 'Its traces')),
      body),
    query: apply,
    close() {
      for (const chart of [...Object.values(charts), ...gauges.values()]) chart.close();
      feed.stop();
    },
  };
}

const read = (query) => ({ minutes: query.get('minutes') ?? '60', auto: query.get('auto') !== '0' });

function address(service, { minutes, auto }) {
  const query = new URLSearchParams();
  if (minutes !== '60') query.set('minutes', minutes);
  if (!auto) query.set('auto', '0');
  return `${serviceAddress(service)}${query.size ? `?${query}` : ''}`;
}
