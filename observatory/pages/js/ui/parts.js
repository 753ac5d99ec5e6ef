// Small parts that more than one view is made of.
import { brief, h, printable, svg } from '../dom.js';
import { counted } from '../format.js';
import { serviceClass } from '../services.js';

/** The sign of an error: a shape of its own, because red alone is no sign to everybody. */
export function errorSign(label) {
  return svg('svg', { class: 'sign', viewBox: '0 0 16 16', ...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true }) },
    svg('path', { class: 'shape', d: 'M8 1.2c.5 0 1 .3 1.2.7l6 11c.5.9-.1 1.9-1.2 1.9H2c-1.1 0-1.7-1-1.2-1.9l6-11c.2-.4.7-.7 1.2-.7z' }),
    svg('path', { class: 'stroke', d: 'M8 5.6v4M8 12.2v.1' }));
}

export function errorCount(errors) {
  return errors > 0 && h('span', { class: 'errors' }, errorSign(), counted(errors, 'error'));
}

/** A service by name and colour, with a number if there is one. */
export function chip(service, count) {
  return h('span', { class: `chip ${serviceClass(service)}` },
    brief(service, { class: 'name', title: printable(String(service).slice(0, 200)) }, 60),
    count !== undefined && h('span', { class: 'count' }, h('span', { 'aria-hidden': true }, count.toLocaleString('en')), h('span', { class: 'unseen' }, counted(count, 'span'))));
}

/** What to say where there is nothing, and what to do about it. */
export function empty(title, ...lines) {
  return h('div', { class: 'empty' }, h('h2', {}, title), lines.filter(Boolean).map((line) => h('p', {}, line)));
}

export function waiting() {
  return h('p', { class: 'waiting' }, 'Loading …');
}

/** What newcomers are told: how to get something to look at. */
export function nothingYet(more) {
  return empty('No spans yet', ['Place an order with ', h('code', {}, 'tradewind order'), ', and look again: it takes a few seconds to arrive.'], more);
}

/** A button that copies a text, and says that it did. */
export function copyButton(text, label) {
  const button = h('button', { type: 'button', class: 'small', on: { click: copy } }, label);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      // Browsers allow it on localhost and over https only.
      button.textContent = 'Cannot copy here';
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  }
  return button;
}

/** A labelled select; options are `[value, label]`. */
export function choice(label, name, options, value, change) {
  const select = h('select', { name, on: change ? { change: () => change(select.value) } : {} },
    options.map(([v, text]) => h('option', { value: v, selected: v === value }, text)));
  return h('label', { class: 'inline' }, h('span', {}, label), select);
}

/** A labelled tick box. */
export function tick(label, checked, change) {
  const box = h('input', { type: 'checkbox', checked, on: { change: () => change(box.checked) } });
  return h('label', { class: 'check' }, box, h('span', {}, label));
}
