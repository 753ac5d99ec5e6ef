// Draws the map as SVG: nodes in their layers, edges as curves whose width is the rate, whose colour and dashes are the
// kind of wire.
import { serviceAddress } from '../addresses.js';
import { printable, svg } from '../dom.js';
import { millis, rate, share } from '../format.js';
import { serviceClass } from '../services.js';
import { curve, labelPlace } from './curve.js';
import { NODE, layout } from './layout.js';
import { WIRES } from './wires.js';

const MARGIN = 12;
const LEAST_GAP = 94;
const MOST_GAP = 240;
const LABEL = { width: 100, height: 31 };
const FAILING = 0.001;

/**
 * @param {{nodes: object[], edges: object[]}} map see model.js
 * @param {number} room  pixels that there are
 * @param {(about?: object) => void} tell  hears what is pointed at
 */
export function drawMap(map, room, tell) {
  const { layers, places, ways, height } = layout(map.nodes.map((node) => node.service), map.edges);
  const gap = Math.min(MOST_GAP, Math.max(LEAST_GAP, (room - 2 * MARGIN - layers.length * NODE.width) / Math.max(1, layers.length - 1)));
  const width = layers.length * NODE.width + (layers.length - 1) * gap + 2 * MARGIN;
  const x = (place) => MARGIN + place.layer * (NODE.width + gap) + NODE.width / 2;
  const top = MARGIN + 16;
  const element = svg('svg', { class: 'map-drawing', width, height: height + top + MARGIN, viewBox: `0 0 ${width} ${height + top + MARGIN}`, role: 'group', 'aria-label': 'Services and their calls' });

  const busiest = Math.max(0.001, ...map.edges.map((edge) => edge.rate));
  const ends = portsOf(ways);
  const taken = map.nodes.map((node) => ({ x: x(places.get(node.service)), y: places.get(node.service).y + top, width: NODE.width, height: NODE.height }));
  const edges = map.edges.map((edge, index) => {
    const way = ways[index];
    const line = way.length < 2 ? loop(x(way[0]), way[0].y + top) : curve(points(way, ends[index], x, top));
    // Where fewer lines meet there is more room.
    const wish = { '-1': 0.36, 0: 0.5, 1: 0.64 }[Math.sign(ends[index].startCount - ends[index].endCount)];
    return { edge, line, wish, group: drawEdge(edge, line, 1.4 + 6 * Math.sqrt(edge.rate / busiest), way) };
  });
  // Labels after all lines, so that no line runs through a number.
  // A store has one line, and its node says the same as that line's label would.
  const stores = new Set(map.nodes.filter((node) => node.kind === 'store').map((node) => node.service));
  const labels = edges.map(({ edge, line, wish, group }) => (stores.has(edge.to) ? svg('g') : drawLabel(edge, labelPlace(line, LABEL, wish, taken), group)));
  const nodes = map.nodes.map((node) => ({ node, group: drawNode(node, x(places.get(node.service)), places.get(node.service).y + top) }));
  element.append(...edges.map((each) => each.group), ...nodes.map((each) => each.group), ...labels);

  const light = (lit, about) => {
    element.classList.toggle('pointed', lit.length > 0);
    element.querySelectorAll('.lit').forEach((each) => each.classList.remove('lit'));
    lit.forEach((each) => each.classList.add('lit'));
    tell(about);
  };
  const groupOf = (name) => nodes.find(({ node }) => node.service === name)?.group;
  const listen = (group, lit, about) => {
    for (const event of ['pointerenter', 'focus']) group.addEventListener(event, () => light(lit, about));
    for (const event of ['pointerleave', 'blur']) group.addEventListener(event, () => light([]));
  };
  edges.forEach(({ edge, group }, i) => {
    const lit = [group, labels[i], groupOf(edge.from), groupOf(edge.to)];
    listen(group, lit, edge);
    listen(labels[i], lit, edge);
  });
  for (const { node, group } of nodes) {
    const touching = edges.map(({ edge }, i) => [edge, i]).filter(([edge]) => edge.from === node.service || edge.to === node.service);
    listen(group, [group, ...touching.flatMap(([edge, i]) => [edges[i].group, labels[i], groupOf(edge.from), groupOf(edge.to)])], node);
  }
  return element;
}

/** Where on a node's side each edge begins and ends: side by side, in the order in which they come. */
function portsOf(ways) {
  const sides = new Map();
  const add = (place, side, index, end, other) => {
    const key = `${side} ${place.id}`;
    if (!sides.has(key)) sides.set(key, []);
    sides.get(key).push({ index, end, y: other.y });
  };
  ways.forEach((way, index) => {
    if (way.length < 2) return;
    const rightwards = way[1].layer > way[0].layer;
    add(way[0], rightwards ? 'right' : 'left', index, 'start', way[1]);
    add(way.at(-1), rightwards ? 'left' : 'right', index, 'end', way.at(-2));
  });
  const ports = ways.map(() => ({ start: 0, end: 0, startCount: 1, endCount: 1 }));
  for (const side of sides.values()) {
    side.sort((a, b) => a.y - b.y || a.index - b.index);
    const step = Math.min(13, (NODE.height - 12) / side.length);
    side.forEach(({ index, end }, i) => {
      ports[index][end] = (i - (side.length - 1) / 2) * step;
      ports[index][`${end}Count`] = side.length;
    });
  }
  return ports;
}

function points(way, ports, x, top) {
  const direction = way[1].layer > way[0].layer ? 1 : -1;
  return way.map((place, i) => {
    const first = i === 0;
    const last = i === way.length - 1;
    const side = first ? direction : last ? -direction : 0;
    return { x: x(place) + (side * NODE.width) / 2 - (last ? direction * 7 : 0), y: place.y + top + (first ? ports.start : last ? ports.end : 0) };
  });
}

/** A service that calls itself. */
function loop(x, y) {
  const above = y - NODE.height / 2;
  return {
    d: `M${x + 24} ${above}C${x + 24} ${above - 26} ${x - 24} ${above - 26} ${x - 24} ${above - 2}`,
    at: () => ({ x, y: above - 20 }),
  };
}

function drawEdge(edge, line, width, way) {
  const failing = edge.errors >= FAILING;
  const wire = WIRES[edge.wire] ?? WIRES.other;
  const end = line.at(1);
  const direction = way.length > 1 && way[1].layer < way[0].layer ? -1 : 1;
  const head = 5 + width / 2;
  return svg('g', { class: `edge ${wire.css}`, tabindex: 0, role: 'img', 'aria-label': edgeInWords(edge), 'data-key': `edge ${edge.from} ${edge.to} ${edge.wire}` },
    failing && svg('path', { class: 'failing', d: line.d, 'stroke-width': width + 6 }),
    svg('path', { class: 'line', d: line.d, 'stroke-width': width }),
    svg('path', { class: 'reach', d: line.d }),
    way.length > 1 && svg('path', { class: 'head', d: `M${end.x + direction * 7} ${end.y}l${-direction * (head + 4)} ${-head}v${2 * head}z` }));
}

function drawLabel(edge, at, group) {
  const failing = edge.errors >= FAILING;
  const left = at.x - LABEL.width / 2;
  return svg('g', { class: `edge-label ${failing ? 'failed' : ''}`, 'aria-hidden': true, on: { click: () => group.focus() } },
    svg('rect', { x: left, y: at.y - LABEL.height / 2, width: LABEL.width, height: LABEL.height, rx: 5 }),
    svg('text', { x: at.x, y: at.y - 3 }, rate(edge.rate), failing && svg('tspan', { class: 'bad' }, ` ▲ ${share(edge.errors)}`)),
    svg('text', { class: 'quiet', x: at.x, y: at.y + 10.5 }, `${millis(edge.p50)} / ${millis(edge.p95)}`));
}

function drawNode(node, x, y) {
  const left = x - NODE.width / 2;
  const above = y - NODE.height / 2;
  const isService = node.kind === 'service';
  const failing = node.errors >= FAILING;
  const props = { class: `node kind-${isService ? 'service' : node.kind} ${isService ? serviceClass(node.service) : ''} ${failing ? 'failed' : ''}`, 'data-key': `node ${node.service}`, 'aria-label': nodeInWords(node) };
  const name = printable(node.service);
  const parts = [
    svg('rect', { class: 'box', x: left, y: above, width: NODE.width, height: NODE.height, rx: node.kind === 'store' ? 16 : 8 }),
    isService && svg('rect', { class: 'stripe', x: left, y: above + 8, width: 5, height: NODE.height - 16, rx: 2 }),
    svg('text', { class: 'name', x: left + 14, y: y - 4 }, svg('title', {}, name), name.length > 18 ? `${name.slice(0, 17)}…` : name),
    svg('text', { class: 'quiet', x: left + 14, y: y + 13 }, node.rate > 0 ? rate(node.rate) : node.kind,
      node.kind === 'store' && node.p50 !== null && ` · ${millis(node.p50)} / ${millis(node.p95)}`,
      failing && svg('tspan', { class: 'bad' }, `  ▲ ${share(node.errors)}`)),
  ];
  return isService ? svg('a', { href: serviceAddress(node.service), ...props }, parts) : svg('g', { tabindex: 0, role: 'img', ...props }, parts);
}

export function edgeInWords(edge) {
  return `${edge.from} calls ${edge.to} over ${edge.wire}: ${rate(edge.rate)}, ${share(edge.errors)} errors, p50 ${millis(edge.p50)}, p95 ${millis(edge.p95)}`;
}

export function nodeInWords(node) {
  return `${node.service} (${node.kind}): ${rate(node.rate)}, ${share(node.errors)} errors, p50 ${millis(node.p50)}, p95 ${millis(node.p95)}`;
}
