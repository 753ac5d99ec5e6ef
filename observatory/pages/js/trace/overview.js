// The whole trace in a strip, however many spans it has: drawn on a canvas, because thousands of elements would only
// be there to be looked past. Dragging over it shows that part of the time in the waterfall.
import { h } from '../dom.js';
import { serviceClass } from '../services.js';
import { clamp } from './row.js';

const HEIGHT = 56;
const LEAST_DRAG_PX = 4;

/** @param {{trace: import('../model/trace.js').Trace, zoom: (from: number, to: number) => void, signal: AbortSignal}} options  `signal`: the view is left */
export function overview({ trace, zoom, signal }) {
  const canvas = h('canvas', { 'aria-hidden': true });
  const frame = h('div', { class: 'zoomed', hidden: true });
  const reset = h('button', { type: 'button', class: 'small zoom-reset', hidden: true, on: { click: () => zoom(trace.start, trace.end) } }, 'All of the time');
  const element = h('div', { class: 'overview', title: 'Drag to look at a part of the time' }, canvas, frame, reset);
  const span = Math.max(1, trace.end - trace.start);

  function draw() {
    const width = canvas.clientWidth;
    if (width === 0) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = HEIGHT * ratio;
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    const colours = readColours(element, trace);
    const line = (HEIGHT - 6) / trace.spans.length;
    trace.spans.forEach((each, index) => {
      context.fillStyle = colours.get(each.service);
      const x = ((each.start - trace.start) / span) * width;
      context.fillRect(x, 3 + index * line, Math.max(1, (each.duration / span) * width), clamp(line - 0.5, 1.2, 5));
    });
    // Errors last, and as marks of a least size: one among thousands is what one looks for.
    context.fillStyle = colours.get('error');
    trace.spans.forEach((each, index) => {
      if (!each.error) return;
      const x = clamp(((each.end - trace.start) / span) * width, 4, width - 4);
      const y = clamp(3 + index * line, 4, HEIGHT - 8);
      context.beginPath();
      context.moveTo(x, y - 3);
      context.lineTo(x + 4, y + 4);
      context.lineTo(x - 4, y + 4);
      context.fill();
    });
  }

  function show(from, to) {
    const all = from <= trace.start && to >= trace.end;
    frame.hidden = all;
    reset.hidden = all;
    frame.style.left = `${((from - trace.start) / span) * 100}%`;
    frame.style.width = `${((to - from) / span) * 100}%`;
  }

  let begun;
  const timeAt = (event) => {
    const box = canvas.getBoundingClientRect();
    return trace.start + clamp((event.clientX - box.left) / box.width, 0, 1) * span;
  };
  canvas.addEventListener('pointerdown', (event) => {
    begun = { x: event.clientX, time: timeAt(event) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (begun) show(Math.min(begun.time, timeAt(event)), Math.max(begun.time, timeAt(event)));
  });
  canvas.addEventListener('pointerup', (event) => {
    if (!begun) return;
    const { x, time } = begun;
    begun = undefined;
    // A click is no drag: it shows everything again.
    if (Math.abs(event.clientX - x) < LEAST_DRAG_PX) zoom(trace.start, trace.end);
    else zoom(Math.min(time, timeAt(event)), Math.max(time, timeAt(event)));
  });

  new ResizeObserver(draw).observe(element);
  addEventListener('themed', draw, { signal });
  return { element, show };
}

/** A canvas knows no custom properties, so the stylesheet is asked what they are now. */
function readColours(element, trace) {
  const probe = h('i');
  element.append(probe);
  const colour = (value) => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const colours = new Map([['error', colour('var(--error)')], ['', colour('var(--line-strong)')]]);
  for (const service of trace.services.keys()) {
    probe.className = serviceClass(service);
    colours.set(service, colour('var(--service)'));
  }
  probe.remove();
  return colours;
}
