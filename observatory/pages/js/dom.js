// Elements, made without markup. Whatever comes from a span is hostile until shown otherwise: strings become
// text nodes, and there is no way from data to markup in these pages.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An HTML element.
 * @param {string} tag
 * @param {object} [props]  attributes; `on` has listeners, `style` properties (set one by one, which the
 *                          Content-Security-Policy allows, where an attribute is forbidden). null, undefined and false are left out.
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined) continue;
    // To ARIA, false and nothing are two different things: a leaf of a tree is not folded, and cannot be.
    if (name.startsWith('aria-')) element.setAttribute(name, String(value));
    else if (value === false) continue;
    else if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === 'style') for (const [property, v] of Object.entries(value)) element.style.setProperty(property, v);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...given(children));
  return element;
}

/** Shows these children in the place of those that were there. */
export function put(element, ...children) {
  element.replaceChildren(...given(children));
}

/** Leaves out what a condition left out. */
function given(children) {
  return children.flat(3).filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : String(child)));
}

/** Text that came with a span: shown as it is, and kept from turning the words round it about. */
export function data(text, props) {
  return h('span', { ...props, class: `data ${props?.class ?? ''}`.trim(), dir: 'auto' }, printable(text));
}

/** The same, where there is room for a few words only. */
export function brief(text, props, most = 90) {
  const whole = String(text);
  return whole.length <= most ? data(whole, props) : data(`${whole.slice(0, most)}…`, props);
}

/** A long name breaks after a dot, a slash or an underscore, where it has parts, rather than within a word. */
export function parted(text, most = 120) {
  const whole = String(text);
  const parts = printable(whole.length <= most ? whole : `${whole.slice(0, most)}…`).split(/(?<=[._/])/);
  return h('span', { class: 'data parted', dir: 'auto' }, parts.map((part, i) => (i === 0 ? [part] : [h('wbr'), part])));
}

// Control characters, and those that reorder or hide text.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Makes visible what would be invisible, and could make one value look like another. */
export function printable(text) {
  return String(text).replace(UNSEEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}
