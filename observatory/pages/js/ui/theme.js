// Light and dark: the system's preference, until somebody chooses. What was chosen is remembered.
import { h, svg } from '../dom.js';

const dark = matchMedia('(prefers-color-scheme: dark)');

const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? 'dark' : 'light')) === 'dark';

/** A button that changes to the other of the two. */
export function themeButton() {
  const button = h('button', { type: 'button', class: 'square', id: 'theme', on: { click: toggle } });
  const draw = () => {
    const next = isDark() ? 'light' : 'dark';
    button.setAttribute('aria-label', `Change to ${next} colours`);
    button.title = `Change to ${next} colours (t)`;
    button.replaceChildren(icon(isDark()));
  };
  dark.addEventListener('change', draw);
  addEventListener('themed', draw);
  draw();
  return button;
}

export function toggle() {
  const next = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem('theme', next);
  } catch {
    // It holds for this page, then.
  }
  dispatchEvent(new Event('themed'));
}

dark.addEventListener('change', () => dispatchEvent(new Event('themed')));

function icon(isNight) {
  const path = isNight
    ? 'M12 7a5 5 0 100 10 5 5 0 000-10zM12 1.5v3M12 19.5v3M1.5 12h3M19.5 12h3M4.6 4.6l2.1 2.1M17.3 17.3l2.1 2.1M4.6 19.4l2.1-2.1M17.3 6.7l2.1-2.1'
    : 'M20 14.5A8.5 8.5 0 019.5 4a8.5 8.5 0 1010.5 10.5z';
  return svg('svg', { viewBox: '0 0 24 24', width: 18, height: 18, 'aria-hidden': true, fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }, svg('path', { d: path }));
}
