// An address that is nobody's.
import { h } from '../dom.js';
import { empty } from './parts.js';

export function openMissing() {
  return {
    title: 'Not found',
    element: h('div', { class: 'panel' }, h('h1', { class: 'unseen', tabindex: -1 }, 'Not found'), empty('There is no such page', [h('a', { href: '/' }, 'Search for traces'), ' instead.'])),
  };
}
