// The ruler over the waterfall: time since the trace began.
import { h } from '../dom.js';
import { duration } from '../format.js';

export function rulerElement() {
  const element = h('div', { class: 'ruler', 'aria-hidden': true });
  return {
    element,
    /** @param {number} from @param {number} to microseconds since the trace began */
    show(from, to) {
      // As many marks as there is room for; the lines in the rows follow by --marks.
      const marks = element.clientWidth < 360 ? 2 : 4;
      element.parentElement.parentElement.style.setProperty('--marks', marks);
      element.replaceChildren(...Array.from({ length: marks + 1 }, (_, i) =>
        h('span', { class: i === marks ? 'last' : '', style: { left: `${(i / marks) * 100}%` } }, duration(from + ((to - from) * i) / marks))));
    },
  };
}
