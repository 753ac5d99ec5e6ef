// The waterfall by keys, as trees are walked everywhere (WAI-ARIA's tree pattern), and a few of its own.

/**
 * @param {import('./waterfall.js').Waterfall} waterfall
 * @param {KeyboardEvent} event
 */
export function keyboard(waterfall, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = ACTIONS[event.key];
  if (!act || waterfall.rows.length === 0) return;
  event.preventDefault();
  act(waterfall, waterfall.rows.indexOf(waterfall.selected));
}

/** Some keys are worth having before anybody has gone to the rows. */
export function keyboardAnywhere(waterfall, event) {
  if (event.defaultPrevented || event.target.closest?.('input, select, dialog, .chart')) return;
  if (!['e', 'E', 'z', '0', 'ArrowDown'].includes(event.key)) return;
  if (event.key === 'ArrowDown' && event.target.closest?.('button, a, .detail')) return;
  keyboard(waterfall, event);
  if (event.defaultPrevented) waterfall.focus();
}

const to = (waterfall, index) => waterfall.select(waterfall.rows[Math.min(Math.max(index, 0), waterfall.rows.length - 1)]);

const ACTIONS = {
  ArrowDown: (w, at) => to(w, at + 1),
  ArrowUp: (w, at) => to(w, at - 1),
  PageDown: (w, at) => to(w, at + w.page),
  PageUp: (w, at) => to(w, at - w.page),
  Home: (w) => to(w, 0),
  End: (w) => to(w, w.rows.length - 1),
  ArrowRight(w) {
    const span = w.selected;
    if (!span) to(w, 0);
    else if (w.isFolded(span)) w.toggle(span, false);
    else if (span.children.length > 0) w.select(span.children[0]);
  },
  ArrowLeft(w) {
    const span = w.selected;
    if (span?.children.length > 0 && !w.isFolded(span)) w.toggle(span, true);
    else if (span?.parent) w.select(span.parent);
  },
  Enter: (w) => w.selected && w.open(),
  Escape: (w) => w.select(undefined),
  e: (w) => nextError(w, 1),
  E: (w) => nextError(w, -1),
  z: (w) => w.selected && w.zoom(w.selected.start, w.selected.end),
  0: (w) => w.zoom(w.trace.start, w.trace.end),
};

/** Of all errors, those that are folded away too; after the last comes the first. */
function nextError(waterfall, direction) {
  const { spans } = waterfall.trace;
  const here = waterfall.selected ? spans.indexOf(waterfall.selected) : direction > 0 ? -1 : 0;
  for (let step = 1; step <= spans.length; step++) {
    const span = spans[(here + direction * step + spans.length * 2) % spans.length];
    if (span.error) {
      waterfall.select(span);
      return;
    }
  }
}
