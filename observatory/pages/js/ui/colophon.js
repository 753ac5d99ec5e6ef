// The foot of every page: what the observatory keeps, and what it had to let go. Whoever misses a span looks here.
import * as api from '../api.js';
import { h } from '../dom.js';
import { Feed } from '../feed.js';
import { ago, bytes, count, counted, number } from '../format.js';

const EVERY_S = 10;

export function startColophon(element) {
  new Feed({ load: api.status, show: (status) => element.replaceChildren(...lines(status)), every: EVERY_S }).refresh();
}

function lines(status) {
  const dropped = Object.entries(status.spans_dropped ?? {}).filter(([, n]) => number(n) > 0);
  const total = dropped.reduce((sum, [, n]) => sum + number(n), 0);
  return [
    h('span', {}, `${counted(status.spans_kept, 'span')} of ${counted(status.traces_kept, 'trace')} kept`),
    h('span', {}, `${bytes(status.bytes_kept)} of ${bytes(status.bytes_limit)}`),
    number(status.oldest_trace_us) > 0 && h('span', {}, `oldest trace ${ago(status.oldest_trace_us)}`),
    number(status.traces_forgotten) > 0 && h('span', {}, `${counted(status.traces_forgotten, 'older trace')} forgotten`),
    total > 0 && h('span', { class: 'dropped' }, `${counted(total, 'span')} dropped: ${dropped.map(([why, n]) => `${count(n)} ${why}`).join(', ')}`),
    number(status.series_refused) > 0 && h('span', { class: 'dropped' }, `${count(status.series_refused)} series of metrics refused`),
  ].filter(Boolean);
}
