// Keys that work on every page, and the list of all keys.
import { h } from '../dom.js';
import { go } from '../router.js';
import { toggle } from './theme.js';

const LIST = [
  ['Everywhere', [
    [['/'], 'to the field for a trace id or an order id'],
    [['?'], 'these keys'],
    [['g', 's'], 'to the search'],
    [['g', 'm'], 'to the map'],
    [['t'], 'light or dark'],
  ]],
  ['In a waterfall', [
    [['↑', '↓'], 'span by span; Page up and down, Home and End go further'],
    [['→'], 'opens a span that is folded, or goes to its first child'],
    [['←'], 'folds a span, or goes to its parent'],
    [['Enter'], 'to the details of the span'],
    [['e', 'E'], 'to the next error, to the one before'],
    [['z', '0'], 'time of this span only, all of the time'],
    [['f'], 'to the filter'],
    [['Esc'], 'closes the details, leaves a field'],
  ]],
  ['In a chart', [
    [['←', '→'], 'from point to point; Home and End go to the ends'],
    [['Enter'], 'in the search: opens the trace'],
  ]],
];

let dialog;
let pending = '';

export function startKeys() {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog?.open) return;
    if (isTyping(event.target)) {
      if (event.key === 'Escape') event.target.blur();
      return;
    }
    const key = pending + event.key;
    pending = '';
    if (key === '/') focus(event, 'lookup');
    else if (key === 'f') focus(event, 'filter');
    else if (key === '?') showKeys();
    else if (key === 't') toggle();
    else if (key === 'g') pending = 'g';
    else if (key === 'gs') go('/');
    else if (key === 'gm') go('/map');
  });
}

const isTyping = (target) => target.matches?.('input:not([type="checkbox"]), select, textarea');

/** The key itself must not end up in the field. */
function focus(event, id) {
  const field = document.getElementById(id);
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

export function showKeys() {
  if (!dialog) {
    dialog = h('dialog', { 'aria-labelledby': 'keys-title' },
      h('header', {},
        h('h2', { id: 'keys-title' }, 'Keys'),
        h('button', { type: 'button', class: 'small', on: { click: () => dialog.close() } }, 'Close')),
      h('dl', { class: 'keys' }, LIST.map(([title, keys]) => [
        h('h3', {}, title),
        keys.map(([names, does]) => [h('dt', {}, names.map((name) => h('kbd', {}, name))), h('dd', {}, does)]),
      ]).flat(3)));
    document.body.append(dialog);
  }
  dialog.showModal();
}
