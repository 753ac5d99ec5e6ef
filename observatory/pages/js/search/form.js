// The form of the search. It fills itself from a query, and gives one back; it asks the server only for names.
import * as api from '../api.js';
import { h } from '../dom.js';
import { tick } from '../ui/parts.js';
import { LIMITS, RANGES, parseTags } from './query.js';

const DURATION = '\\d+(\\.\\d+)?(us|µs|ms|s|m|h)';

/**
 * @param {import('./query.js').Query} first
 * @param {(query: object) => void} search
 */
export function searchForm(first, search) {
  const field = (label, control) => h('label', { class: 'field' }, h('span', {}, label), control);
  const input = (name, props) => h('input', { name, autocomplete: 'off', spellcheck: 'false', ...props });
  const options = (select, pairs, value) => select.replaceChildren(...pairs.map(([v, text]) => h('option', { value: v, selected: v === value }, text)));

  const service = h('select', { name: 'service', on: { change: () => loadOperations('') } });
  const operation = h('select', { name: 'operation' });
  const tags = input('tags', { placeholder: 'tradewind.wire=grpc', on: { input: () => tags.setCustomValidity(parseTags(tags.value) ? '' : 'Write key=value, and quotes round a value with spaces: key="two words".') } });
  const duration = (name, placeholder) => input(name, { placeholder, pattern: DURATION, title: 'A number and a unit: 500us, 10ms, 1.5s' });
  const min = duration('minDuration', '10ms');
  const max = duration('maxDuration', '2s');
  const range = h('select', { name: 'range', on: { change: showBetween } });
  const from = input('from', { type: 'datetime-local', step: 1 });
  const to = input('to', { type: 'datetime-local', step: 1 });
  const limit = h('select', { name: 'limit' });
  const errors = tick('Only with errors', false, () => {});
  const between = h('div', { class: 'pair between' }, field('From', from), field('To', to));

  const element = h('form', { class: 'search-form', 'aria-label': 'Search for traces', on: { submit } },
    field('Service', service), field('Operation', operation), field('Tags', tags),
    h('div', { class: 'pair' }, field('Takes at least', min), field('at most', max)),
    h('div', { class: 'pair' }, field('Time', range), field('At most', limit)), between,
    errors,
    h('div', { class: 'actions' },
      h('button', { class: 'primary', type: 'submit' }, 'Find traces'),
      h('button', { type: 'button', on: { click: () => search({}) } }, 'Reset')));

  function showBetween() {
    between.hidden = range.value !== 'between';
  }

  function submit(event) {
    event.preventDefault();
    const fields = [service, operation, tags, min, max, range, limit];
    const query = Object.fromEntries(fields.map((each) => [each.name, each.value.trim()]));
    query.error = errors.querySelector('input').checked ? '1' : '';
    if (range.value === 'between') Object.assign(query, { from: from.value, to: to.value });
    search(query);
  }

  // A name from the address may be one that the server does not know (any more): it stays, and finds nothing.
  const withKnown = (names, value) => (value && !names.includes(value) ? [...names, value] : names).map((name) => [name, name]);

  let known = [];
  const offerServices = (value) => options(service, [['', 'All services'], ...withKnown(known, value)], value);

  /** Asks which services there are: at first, and again later, since a service is known from its first span on. */
  async function learn() {
    const names = await api.services().catch(() => known);
    // A list that is open must not be touched without need.
    if (names.join() === known.join()) return;
    known = names;
    offerServices(service.value);
  }

  async function loadOperations(value) {
    const of = service.value;
    options(operation, [['', of ? 'All operations' : 'Choose a service first'], ...withKnown([], value)], value);
    operation.disabled = !of && !value;
    if (!of) return;
    const names = await api.operations(of).catch(() => []);
    if (of === service.value) options(operation, [['', 'All operations'], ...withKnown(names, operation.value)], operation.value);
  }

  function fill(query) {
    offerServices(query.service);
    loadOperations(query.operation);
    tags.value = query.tags;
    min.value = query.minDuration;
    max.value = query.maxDuration;
    from.value = query.from;
    to.value = query.to;
    errors.querySelector('input').checked = query.error === '1';
    options(range, [...Object.keys(RANGES).map((key) => [key, `Last ${words(key)}`]), ['all', 'All that is kept'], ['between', 'Between …']], query.range);
    options(limit, [...new Set([...LIMITS, query.limit])].map((n) => [n, `${n} traces`]), query.limit);
    showBetween();
  }

  fill(first);
  learn();
  return { element, fill, learn };
}

function words(key) {
  const unit = { m: 'minutes', h: 'hours', d: 'days' }[key.at(-1)];
  const n = key.slice(0, -1);
  return n === '1' ? unit.slice(0, -1) : `${n} ${unit}`;
}
