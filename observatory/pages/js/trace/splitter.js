// The border between names and time, which can be moved by pointer and by keys.
import { h } from '../dom.js';
import { clamp } from './row.js';

const LEAST = 15;
const MOST = 70;
const STEP = 3;

export function splitter(waterfall) {
  const handle = h('div', { class: 'splitter', role: 'separator', tabindex: 0, 'aria-orientation': 'vertical', 'aria-label': 'Width of the names', 'aria-valuemin': LEAST, 'aria-valuemax': MOST });
  let width = 36;

  function set(percent) {
    width = clamp(percent, LEAST, MOST);
    waterfall.style.setProperty('--names', `${width}%`);
    handle.setAttribute('aria-valuenow', Math.round(width));
  }

  handle.addEventListener('pointerdown', (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener('pointermove', (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = waterfall.getBoundingClientRect();
    set(((event.clientX - box.left) / box.width) * 100);
  });
  handle.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (!step) return;
    event.preventDefault();
    set(width + step);
  });
  set(width);
  return handle;
}
