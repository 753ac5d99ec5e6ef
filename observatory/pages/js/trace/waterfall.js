// The spans as rows under a ruler. Only the rows in sight are in the document, so that a trace of thousands of spans
// scrolls as a small one does.
import { h } from '../dom.js';
import { clamp, rowElement } from './row.js';
import { keyboard } from './keyboard.js';
import { rulerElement } from './ruler.js';
import { splitter } from './splitter.js';

// Rows above and below what is in sight, so that a quick wheel shows no gap.
const SPARE = 12;

export class Waterfall {
  #rows = [];
  #folded = new Set();
  #matching;
  #shown = new Map();
  #rowHeight = 28;
  #scheduled = false;

  /**
   * @param {object} options
   * @param {import('../model/trace.js').Trace} options.trace
   * @param {Map} options.critical
   * @param {import('../model/fault.js').Fault} [options.fault]
   * @param {(span?: object) => void} options.select  told what is selected
   * @param {() => void} options.open                 asked for the details of what is selected
   */
  constructor({ trace, critical, fault, select, open }) {
    Object.assign(this, { trace, critical, fault, open });
    this.onSelect = select;
    this.onZoom = () => {};
    this.from = trace.start;
    this.to = Math.max(trace.end, trace.start + 1);
    this.selected = undefined;
    this.ruler = rulerElement();
    this.body = h('div', { class: 'rows', role: 'tree', tabindex: 0, 'aria-label': 'Spans', id: 'spans' });
    this.element = h('div', { class: 'waterfall' }, h('div', { class: 'ruler-row' }, h('span', { class: 'ruler-title' }, 'Service and operation'), this.ruler.element), this.body);
    this.element.firstChild.append(splitter(this.element));
    this.element.addEventListener('scroll', () => this.#schedule());
    this.body.addEventListener('click', (event) => this.#clicked(event));
    this.body.addEventListener('keydown', (event) => keyboard(this, event));
    this.#list();
  }

  /** The element is in the document: now its size is known. */
  attached() {
    new ResizeObserver(() => this.#measure()).observe(this.element);
    this.#measure();
  }

  get rows() {
    return this.#rows;
  }

  /** Rows that fit, for Page up and Page down. */
  get page() {
    return Math.max(1, Math.floor(this.element.clientHeight / this.#rowHeight) - 2);
  }

  focus() {
    this.body.focus({ preventScroll: true });
  }

  isFolded(span) {
    return this.#folded.has(span);
  }

  /** Makes a span the selected one, and brings it into sight. */
  select(span) {
    this.selected = span;
    if (span) {
      if (!this.#rows.includes(span)) {
        for (let at = span.parent; at; at = at.parent) this.#folded.delete(at);
        if (this.#matching && !this.#matching.has(span)) this.#matching.add(span);
        this.#list();
      }
      // The details take their room first, or the row might end up behind them.
      this.onSelect(span);
      this.#reveal(this.#rows.indexOf(span));
    } else {
      this.onSelect(undefined);
    }
    this.#render(true);
    // The rows scroll, and so does the page round them.
    this.#shown.get(this.#rows.indexOf(span))?.scrollIntoView({ block: 'nearest' });
  }

  toggle(span, folded = !this.#folded.has(span)) {
    if (span.children.length === 0) return;
    if (folded) this.#folded.add(span);
    else this.#folded.delete(span);
    this.#list();
  }

  /** Folds everything below the roots, or nothing. */
  fold(all) {
    this.#folded = new Set(all ? this.trace.spans.filter((span) => span.children.length > 0) : []);
    this.#list();
  }

  /** @param {Set} [matching] shows these only, and their ancestors */
  filter(matching) {
    this.#matching = matching;
    this.#list();
    this.element.scrollTop = 0;
  }

  /** Shows a part of the time. */
  zoom(from, to) {
    this.from = clamp(from, this.trace.start, this.trace.end);
    this.to = Math.max(this.from + 1, clamp(to, this.trace.start, this.trace.end));
    this.ruler.show(this.from - this.trace.start, this.to - this.trace.start);
    this.onZoom(this.from, this.to);
    this.#render(true);
  }

  #list() {
    const wanted = this.#matching && withAncestors(this.#matching);
    const rows = [];
    let hiddenBelow = Infinity;
    for (const span of this.trace.spans) {
      if (span.depth > hiddenBelow) continue;
      hiddenBelow = Infinity;
      if (wanted && !wanted.has(span)) continue;
      rows.push(span);
      // A filter shows what matches, folded or not: that is what it was asked for.
      if (!wanted && this.#folded.has(span)) hiddenBelow = span.depth;
    }
    this.#rows = rows;
    this.#render(true);
  }

  #measure() {
    this.#rowHeight = Number.parseFloat(getComputedStyle(this.element).getPropertyValue('--row')) || 28;
    this.ruler.show(this.from - this.trace.start, this.to - this.trace.start);
    this.#render(true);
  }

  #reveal(index) {
    const top = index * this.#rowHeight;
    const head = this.body.offsetTop;
    const height = this.element.clientHeight - head;
    if (top < this.element.scrollTop) this.element.scrollTop = top - this.#rowHeight;
    else if (top + this.#rowHeight > this.element.scrollTop + height) this.element.scrollTop = top + 2 * this.#rowHeight - height;
  }

  /** Once a frame is enough, however often the wheel turns. */
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#render(false);
    });
  }

  /** @param {boolean} anew whether rows that are shown already may look different now */
  #render(anew) {
    const height = this.#rowHeight;
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - SPARE);
    const last = Math.min(this.#rows.length, Math.ceil((this.element.scrollTop + (this.element.clientHeight || 600)) / height) + SPARE);
    this.body.style.height = `${this.#rows.length * height}px`;
    if (anew) {
      for (const row of this.#shown.values()) row.remove();
      this.#shown.clear();
    }
    for (const [index, row] of this.#shown) {
      if (index >= first && index < last) continue;
      row.remove();
      this.#shown.delete(index);
    }
    for (let index = first; index < last; index++) {
      if (this.#shown.has(index)) continue;
      const row = rowElement(this, this.#rows[index], index);
      row.style.top = `${index * height}px`;
      this.#shown.set(index, row);
      this.body.append(row);
    }
    const active = this.#shown.get(this.#rows.indexOf(this.selected));
    if (active) this.body.setAttribute('aria-activedescendant', active.id);
    else this.body.removeAttribute('aria-activedescendant');
  }

  isMatching(span) {
    return !this.#matching || this.#matching.has(span);
  }

  #clicked(event) {
    const row = event.target.closest('.row');
    if (!row || event.target.closest('a')) return;
    const span = this.#rows[Number(row.dataset.index)];
    if (event.target.closest('.fold')) this.toggle(span);
    else this.select(span);
  }
}

function withAncestors(spans) {
  const all = new Set();
  for (const span of spans) for (let at = span; at && !all.has(at); at = at.parent) all.add(at);
  return all;
}
