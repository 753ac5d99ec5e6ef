// Time and duration of each trace found. Slow ones stand out at the top; errors are triangles. One stop for the
// keyboard: a hundred links would be a hundred presses of Tab.
import { traceAddress } from '../addresses.js';
import { h, svg } from '../dom.js';
import { clock, counted, duration } from '../format.js';
import { go } from '../router.js';
import { timeTicks } from '../ui/scale.js';

const HEIGHT = 150;
const LEFT = 62;
const RIGHT = 18;
const TOP = 12;
const BOTTOM = 24;

export function scatterPlot() {
  const plot = svg('svg', { class: 'chart scatter', height: HEIGHT, tabindex: 0, role: 'application', 'aria-roledescription': 'scatter plot' });
  const readout = h('p', { class: 'readout', 'aria-live': 'polite' });
  const element = h('figure', { class: 'panel scatter-box' }, plot, readout);
  let points = [];
  let active = -1;
  let found = [];

  function draw() {
    const width = Math.max(280, plot.clientWidth || element.clientWidth);
    plot.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    const x = timeScale(found, LEFT, width - RIGHT);
    const y = durationScale(found);
    points = found.map(({ trace }) => ({ trace, x: x.at(trace.start), y: y.at(trace.duration) })).sort((a, b) => a.x - b.x);
    plot.replaceChildren(
      ...y.ticks.map((us) => svg('g', {}, svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y.at(us), y2: y.at(us) }), svg('text', { x: LEFT - 8, y: y.at(us) + 4, 'text-anchor': 'end' }, duration(us)))),
      ...timeTicks(x.start, x.end, width / 130).map((us) => svg('text', { x: x.at(us), y: HEIGHT - 6, 'text-anchor': 'middle' }, clock(us, { seconds: x.end - x.start < 600e6 }))),
      svg('line', { class: 'axis', x1: LEFT, x2: width - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
      ...points.map(mark));
    plot.setAttribute('aria-label', `Duration of ${counted(found.length, 'trace')} over time. Arrow keys go from trace to trace, Enter opens one.`);
    active = -1;
    say();
  }

  function mark({ trace, x, y }, index) {
    const shape = trace.errors > 0
      ? svg('path', { class: 'dot failed', d: `M${x} ${y - 6.5}l6 11h-12z` })
      : svg('circle', { class: 'dot', cx: x, cy: y, r: 4.5 });
    return svg('a', { href: traceAddress(trace.id), tabindex: -1, 'aria-hidden': true, on: { pointerenter: () => point(index), pointerleave: () => point(-1) } },
      svg('circle', { class: 'target', cx: x, cy: y, r: 10 }), shape);
  }

  function point(index) {
    plot.querySelector('.active')?.classList.remove('active');
    active = index;
    const at = points[index];
    if (at) plot.querySelectorAll('a')[index].classList.add('active');
    say();
  }

  function say() {
    const trace = points[active]?.trace;
    readout.textContent = trace
      ? `${clock(trace.start)} · ${duration(trace.duration)} · ${trace.root.service} ${trace.root.operation} · ${counted(trace.count, 'span')}${trace.errors ? ` · ${counted(trace.errors, 'error')}` : ''}`
      : 'Each dot is a trace, a triangle is one with errors.';
  }

  plot.addEventListener('keydown', (event) => {
    const last = points.length - 1;
    const next = { ArrowRight: Math.min(last, active + 1), ArrowLeft: Math.max(0, active - 1), Home: 0, End: last }[event.key];
    if (event.key === 'Enter' && points[active]) go(traceAddress(points[active].trace.id));
    else if (next !== undefined) point(next);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(element);
  return { element, show(next) { found = next; draw(); } };
}

function timeScale(found, left, right) {
  let start = Math.min(...found.map(({ trace }) => trace.start));
  let end = Math.max(...found.map(({ trace }) => trace.start));
  if (end - start < 1e6) [start, end] = [start - 5e5, end + 5e5];
  return { start, end, at: (us) => left + 6 + ((us - start) / (end - start)) * (right - left - 12) };
}

/** Logarithmic, because durations of one shop differ by a factor of a thousand. */
function durationScale(found) {
  const all = found.map(({ trace }) => Math.max(1, trace.duration));
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const at = (us) => HEIGHT - BOTTOM - 8 - ((Math.log10(Math.max(1, us)) - low) / (high - low)) * (HEIGHT - TOP - BOTTOM - 8);
  return { ticks, at };
}
