// A table that is sorted by any of its columns.
import { h } from '../dom.js';

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => (string|number|null)} value  what it is sorted by
 * @property {(row: any) => (Node|string)} [cell]         what it shows, if that is something else
 * @property {boolean} [number]                           to the right, and the largest first
 */

/**
 * @param {object} options
 * @param {string} options.caption
 * @param {string} [options.note]
 * @param {Column[]} options.columns
 * @param {number} options.sortBy  index of a column
 */
export function sortedTable({ caption, note, columns, sortBy }) {
  let rows = [];
  let by = sortBy;
  let descending = Boolean(columns[sortBy].number);
  const body = h('tbody');
  const heads = columns.map((column, index) => {
    const arrow = h('span', { class: 'arrow', 'aria-hidden': true });
    const button = h('button', { type: 'button', on: { click: () => choose(index) } }, column.title, arrow);
    return { th: h('th', { scope: 'col', class: column.number && 'number' }, button), arrow };
  });

  function choose(index) {
    descending = index === by ? !descending : Boolean(columns[index].number);
    by = index;
    draw();
  }

  function draw() {
    heads.forEach(({ th, arrow }, index) => {
      if (index === by) th.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
      arrow.textContent = index === by ? (descending ? '▼' : '▲') : '';
    });
    const { value } = columns[by];
    const sorted = [...rows].sort((a, b) => compare(value(a), value(b), descending));
    body.replaceChildren(...sorted.map((row) => h('tr', {}, columns.map(({ value: plain, cell, number }, index) =>
      h(index === 0 ? 'th' : 'td', { scope: index === 0 && 'row', class: number && 'number' }, cell ? cell(row) : String(plain(row) ?? '–'))))));
  }

  // Where the table is wider than the page, its box scrolls, and must be reachable to be scrolled by keys.
  const element = h('div', { class: 'table-box', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', {},
      h('caption', {}, caption, note && h('span', { class: 'note' }, ` ${note}`)),
      h('thead', {}, h('tr', {}, heads.map(({ th }) => th))), body));
  return { element, show(next) { rows = next; draw(); } };
}

/** What is missing comes last, whichever way. */
function compare(a, b, descending) {
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  return descending ? -order : order;
}
