// The bar that says that the server is away. Several feeds may miss it; there is one bar.
import { h } from '../dom.js';
import { clock } from '../format.js';

/** @type {Map<object, {error: Error, next: number}>} */
const missing = new Map();
let since = 0;
let ticking;

/** A feed got no answer, and asks again in `pause` seconds. */
export function away(feed, error, pause) {
  if (missing.size === 0) since = Date.now();
  missing.set(feed, { error, next: Date.now() + pause * 1000 });
  if (!ticking) draw();
  ticking ??= setInterval(count, 500);
}

/** A feed got an answer, or does not ask any more. */
export function back(feed) {
  if (!missing.delete(feed)) return;
  if (missing.size > 0) return;
  clearInterval(ticking);
  ticking = undefined;
  bar().replaceChildren();
}

const bar = () => document.getElementById('connection');

function draw() {
  const [{ error }] = missing.values();
  bar().replaceChildren(
    h('strong', {}, 'The observatory does not answer'),
    h('span', {}, `(${error.message}). What you see is from before ${clock(since * 1000)}.`),
    // The countdown is for the eye: a screen reader would read it out every second.
    h('span', { class: 'countdown', 'aria-hidden': true }),
    h('button', { type: 'button', class: 'small', on: { click: tryNow } }, 'Try now'),
  );
  count();
}

function count() {
  const next = Math.min(...[...missing.values()].map((each) => each.next));
  const left = Math.max(0, Math.ceil((next - Date.now()) / 1000));
  const place = bar().querySelector('.countdown');
  if (place) place.textContent = left > 0 ? `Trying again in ${left} s.` : 'Trying again …';
}

function tryNow() {
  for (const feed of [...missing.keys()]) feed.refresh();
}
