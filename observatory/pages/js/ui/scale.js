// Where the marks of an axis go: at round numbers.

/** Round values from 0 to at least `max`. */
export function niceTicks(max, wanted = 4) {
  if (!(max > 0)) return [0, 1];
  const rough = max / wanted;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * size).find((n) => n >= rough);
  const ticks = [];
  for (let i = 0; i === 0 || ticks[i - 1] < max; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

/** Round times between two moments in microseconds, at most about `wanted` of them. */
export function timeTicks(start, end, wanted) {
  const rough = (end - start) / 1e6 / Math.max(1, wanted);
  const step = (STEPS_S.find((s) => s >= rough) ?? Math.ceil(rough / 86400) * 86400) * 1e6;
  if (!Number.isFinite(step) || step <= 0) return [];
  const ticks = [];
  for (let at = Math.ceil(start / step) * step; at <= end && ticks.length < 50; at += step) ticks.push(at);
  return ticks;
}
