// The line of an edge: from the side of a node, through its bends, to the side of another; and where on it a label
// has room.

/**
 * @param {{x: number, y: number}[]} points
 * @returns {{d: string, at: (t: number) => {x: number, y: number}}} `at` from 0, the beginning, to 1
 */
export function curve(points) {
  const parts = [];
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    // Level at both ends, so that parts join smoothly.
    const reach = (b.x - a.x) / 2;
    parts.push([a, { x: a.x + reach, y: a.y }, { x: b.x - reach, y: b.y }, b]);
  }
  const d = `M${points[0].x} ${points[0].y}${parts.map(([, p, q, b]) => `C${p.x} ${p.y} ${q.x} ${q.y} ${b.x} ${b.y}`).join('')}`;
  return { d, at: (t) => pointAt(parts, t) };
}

function pointAt(parts, t) {
  const scaled = Math.min(Math.max(t, 0), 1) * parts.length;
  const index = Math.min(parts.length - 1, Math.floor(scaled));
  const u = scaled - index;
  const v = 1 - u;
  const mix = (axis) => {
    const [a, p, q, b] = parts[index].map((point) => point[axis]);
    return v * v * v * a + 3 * v * v * u * p + 3 * v * u * u * q + u * u * u * b;
  };
  return { x: mix('x'), y: mix('y') };
}

const STOPS = [0.24, 0.3, 0.36, 0.42, 0.5, 0.58, 0.64, 0.7, 0.76];
const ASIDE = [0, -14, 14, -26, 26];

/**
 * The place on a curve where a box covers the least of what is there already.
 * @param {number} wish  where on it it had best be: lines that leave one node are apart where they end
 * @param {{x: number, y: number, width: number, height: number}[]} taken  boxes by their middle; the new one is added
 */
export function labelPlace(way, size, wish, taken) {
  let best;
  const stops = [...STOPS].sort((a, b) => Math.abs(a - wish) - Math.abs(b - wish));
  // On the line if there is room, else a little above or below it.
  for (const { t, aside } of ASIDE.flatMap((aside) => stops.map((t) => ({ t, aside })))) {
    const { x, y } = way.at(t);
    const box = { x, y: y + aside, ...size };
    const cost = taken.reduce((sum, other) => sum + overlap(box, other), 0);
    if (!best || cost < best.cost) best = { box, cost };
    if (cost === 0) break;
  }
  taken.push(best.box);
  return best.box;
}

function overlap(a, b) {
  const along = (axis, size) => Math.max(0, (a[size] + b[size]) / 2 - Math.abs(a[axis] - b[axis]));
  return along('x', 'width') * along('y', 'height');
}
