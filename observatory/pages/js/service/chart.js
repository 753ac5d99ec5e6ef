// A small line chart of values over time. Where nothing happened there is a gap and not a zero.
import { h, svg } from '../dom.js';
import { clock } from '../format.js';
import { niceTicks, timeTicks } from '../ui/scale.js';

const HEIGHT = 168;
const LEFT = 58;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 24;

/**
 * @typedef {{name: string, css: string, values: (number|null)[]}} Series
 *
 * @param {object} options
 * @param {string} options.title
 * @param {(value: number) => string} options.format
 * @param {number} [options.least]  the axis reaches at least this far: without it a share of a per mille looks like a disaster
 * @param {ReturnType<import('./cursor.js').sharedCursor>} options.cursor
 */
export function lineChart({ title, format, least = 0, cursor }) {
  const plot = svg('svg', { class: 'chart', height: HEIGHT, tabindex: 0, role: 'slider', 'aria-label': title, 'aria-orientation': 'horizontal' });
  const legend = h('ul', { class: 'chart-legend' });
  const readout = h('span', { class: 'chart-readout' });
  const element = h('figure', { class: 'panel chart-box' }, h('figcaption', {}, h('h3', {}, title), legend, readout), plot);
  let shown = { fromUs: 0, stepS: 1, series: [] };
  let scale;

  function draw() {
    const { series, fromUs, stepS } = shown;
    const width = Math.max(240, plot.clientWidth);
    const length = Math.max(1, ...series.map((each) => each.values.length));
    const ticks = niceTicks(Math.max(least, ...series.flatMap((each) => each.values.map((v) => v ?? 0))));
    const top = ticks.at(-1);
    const x = (index) => LEFT + (length === 1 ? 0.5 : index / (length - 1)) * (width - LEFT - RIGHT);
    const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
    const timeAt = (index) => fromUs + index * stepS * 1e6;
    const end = timeAt(length - 1);
    const xOf = (us) => x((us - fromUs) / (stepS * 1e6));
    scale = { x, y, length, timeAt, width };
    plot.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    plot.setAttribute('aria-valuemin', 0);
    plot.setAttribute('aria-valuemax', length - 1);
    plot.replaceChildren(
      ...ticks.map((value) => svg('g', {}, svg('line', { class: value === 0 ? 'axis' : 'grid', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }), svg('text', { x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, format(value)))),
      ...timeTicks(fromUs, end, width / 100).map((us) => svg('text', { x: Math.min(xOf(us), width - 18), y: HEIGHT - 7, 'text-anchor': 'middle' }, clock(us, { seconds: stepS * length < 300 }))),
      ...series.map((each) => drawSeries(each, x, y)),
      svg('line', { class: 'cursor', y1: TOP, y2: HEIGHT - BOTTOM }),
      ...series.map(({ css }) => svg('circle', { class: `cursor-dot ${css}`, r: 4 })));
    legend.replaceChildren(...(series.length > 1 ? series : []).map(({ name, css }) =>
      h('li', {}, svg('svg', { width: 22, height: 8, 'aria-hidden': true, class: css }, svg('path', { class: 'line', d: 'M1 4h20' })), name)));
    point(cursor.index);
  }

  /** @param {number | undefined} index */
  function point(index) {
    const { series } = shown;
    const line = plot.querySelector('.cursor');
    if (!line || !scale) return;
    const on = index !== undefined && index < scale.length;
    plot.classList.toggle('pointed', on);
    const at = on ? index : lastKnown(series);
    const values = series.map(({ name, values }) => `${series.length > 1 ? `${name} ` : ''}${values[at] === null || values[at] === undefined ? '–' : format(values[at])}`).join(' · ');
    const words = at === undefined ? 'nothing happened' : `${clock(scale.timeAt(at))} · ${values}`;
    readout.textContent = words;
    plot.setAttribute('aria-valuenow', at ?? 0);
    plot.setAttribute('aria-valuetext', words);
    if (!on) return;
    line.setAttribute('x1', scale.x(index));
    line.setAttribute('x2', scale.x(index));
    plot.querySelectorAll('.cursor-dot').forEach((dot, i) => {
      const value = series[i].values[index];
      dot.classList.toggle('absent', value === null || value === undefined);
      dot.setAttribute('cx', scale.x(index));
      dot.setAttribute('cy', scale.y(value ?? 0));
    });
  }

  plot.addEventListener('pointermove', (event) => {
    const box = plot.getBoundingClientRect();
    const inner = ((event.clientX - box.left) * (scale.width / box.width) - LEFT) / (scale.width - LEFT - RIGHT);
    cursor.move(Math.min(scale.length - 1, Math.max(0, Math.round(inner * (scale.length - 1)))));
  });
  plot.addEventListener('pointerleave', () => cursor.move(undefined));
  plot.addEventListener('blur', () => cursor.move(undefined));
  plot.addEventListener('keydown', (event) => {
    const last = scale.length - 1;
    const at = cursor.index ?? lastKnown(shown.series) ?? last;
    const next = { ArrowRight: Math.min(last, at + 1), ArrowLeft: Math.max(0, at - 1), PageUp: Math.min(last, at + 10), PageDown: Math.max(0, at - 10), Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    cursor.move(next);
  });
  cursor.listen(point);
  const watch = new ResizeObserver(draw);
  watch.observe(element);
  return { element, show(next) { shown = next; draw(); }, close: () => watch.disconnect() };
}

function drawSeries({ css, values }, x, y) {
  const runs = runsOf(values);
  return svg('g', { class: css },
    runs.filter((run) => run.length > 1).map((run) => svg('path', { class: 'area', d: `M${x(run[0])} ${y(0)}${run.map((i) => `L${x(i)} ${y(values[i])}`).join('')}L${x(run.at(-1))} ${y(0)}z` })),
    svg('path', { class: 'line', d: runs.filter((run) => run.length > 1).map((run) => `M${run.map((i) => `${x(i)} ${y(values[i])}`).join('L')}`).join('') || 'M0 0' }),
    // A value with gaps on both sides would be a line without length.
    runs.filter((run) => run.length === 1).map(([i]) => svg('circle', { class: 'lone', cx: x(i), cy: y(values[i]), r: 2.2 })));
}

/** Indexes of values that follow on each other without a gap. */
function runsOf(values) {
  const runs = [];
  let open = [];
  values.forEach((value, index) => {
    if (value === null) open = [];
    else {
      if (open.length === 0) runs.push(open);
      open.push(index);
    }
  });
  return runs;
}

function lastKnown(series) {
  const last = Math.max(-1, ...series.map(({ values }) => values.findLastIndex((value) => value !== null)));
  return last < 0 ? undefined : last;
}
