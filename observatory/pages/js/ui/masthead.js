// The head of every page: where one can go, the field for an id, theme and keys.
import * as api from '../api.js';
import { lookupAddress, serviceAddress } from '../addresses.js';
import { h } from '../dom.js';
import { go, path } from '../router.js';
import { showKeys } from './keys.js';
import { themeButton } from './theme.js';

export function startMasthead(element) {
  const links = [
    { link: h('a', { href: '/' }, 'Search'), here: () => path() === '/' || path().startsWith('/trace/') },
    { link: h('a', { href: '/map' }, 'Map'), here: () => path() === '/map' },
    { link: h('a', { href: serviceAddress('gateway') }, 'Services'), here: () => path().startsWith('/services/') },
  ];
  element.append(
    h('a', { class: 'brand', href: '/' }, h('img', { src: '/icon.svg', alt: '' }), 'Tradewind', h('span', {}, 'observatory')),
    h('nav', { 'aria-label': 'Views' }, links.map(({ link }) => link)),
    lookup(),
    h('div', { class: 'tools' },
      themeButton(),
      h('button', { type: 'button', class: 'square', 'aria-label': 'Keys', title: 'Keys (?)', on: { click: showKeys } }, '?')),
  );

  const mark = () => {
    for (const { link, here } of links) {
      if (here()) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  };
  addEventListener('moved', mark);
  startAtKnown(links[2].link);
}

/** A shop without a gateway has a first service too. Nobody is told if this fails: the link stays what it is. */
async function startAtKnown(link) {
  const known = await api.services().catch(() => []);
  if (known.length > 0 && !known.includes('gateway')) link.setAttribute('href', serviceAddress(known[0]));
}

/** The field that takes what somebody pasted out of a log or an answer. */
function lookup() {
  const input = h('input', {
    id: 'lookup', type: 'search', placeholder: 'Trace id or order id', 'aria-label': 'Trace id or order id',
    autocomplete: 'off', spellcheck: 'false', on: { input: () => input.setCustomValidity('') },
  });
  const submit = (event) => {
    event.preventDefault();
    if (input.value.trim() === '') return;
    const address = lookupAddress(input.value);
    if (address) {
      input.value = '';
      go(address);
    } else {
      input.setCustomValidity('A trace id is 32 hexadecimal digits, an order id is a UUID with dashes.');
      input.reportValidity();
    }
  };
  return h('form', { class: 'lookup', role: 'search', on: { submit } }, input, h('kbd', { 'aria-hidden': true }, '/'));
}
