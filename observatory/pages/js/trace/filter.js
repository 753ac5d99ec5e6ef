// Finding spans within a trace. Spans that match stay, with the way that leads to them.
import { h } from '../dom.js';
import { count } from '../format.js';
import { tick } from '../ui/parts.js';

const PAUSE_MS = 120;

export function filterBar({ trace, critical, waterfall }) {
  let text = '';
  let errors = false;
  let path = false;
  let timer;
  const found = h('span', { class: 'filter-count', role: 'status' });
  const input = h('input', {
    id: 'filter', type: 'search', placeholder: 'Filter spans: service, operation, key=value', 'aria-label': 'Filter spans', autocomplete: 'off', spellcheck: 'false',
    on: {
      input() {
        text = input.value.trim().toLowerCase();
        clearTimeout(timer);
        timer = setTimeout(apply, PAUSE_MS);
      },
      keydown(event) {
        if (event.key !== 'Enter') return;
        clearTimeout(timer);
        apply();
        waterfall.focus();
      },
    },
  });

  function apply() {
    if (!text && !errors && !path) {
      found.textContent = '';
      waterfall.filter(undefined);
      return;
    }
    const matching = new Set(trace.spans.filter((span) => (!errors || span.error) && (!path || critical.has(span)) && (!text || matches(span, text))));
    found.textContent = `${count(matching.size)} of ${count(trace.count)}`;
    waterfall.filter(matching);
  }

  return h('div', { class: 'bar-of-tools filter-bar' }, h('div', { class: 'filter-field' }, input, found),
    tick('Errors', false, (on) => { errors = on; apply(); }),
    tick('Critical path', false, (on) => { path = on; apply(); }),
    h('span', { class: 'folds' },
      h('button', { type: 'button', class: 'small', on: { click: () => waterfall.fold(true) } }, 'Fold all'),
      h('button', { type: 'button', class: 'small', on: { click: () => waterfall.fold(false) } }, 'Unfold all')));
}

function matches(span, text) {
  return `${span.service} ${span.operation} ${span.id} ${span.message}`.toLowerCase().includes(text)
    || span.tags.some(({ key, value }) => `${key}=${value}`.toLowerCase().includes(text));
}
