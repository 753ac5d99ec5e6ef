// A layered layout: callers on the left of those they call, as few crossings as a few sweeps can do (Sugiyama's method,
// in its simplest form). Pure: nodes and edges in, coordinates out.

export const NODE = { width: 146, height: 48 };
const ROW_GAP = 34;
const BEND_HEIGHT = 22;
const SWEEPS = 12;

/**
 * @typedef {{id: string, layer: number, order: number, y: number, height: number, bend: boolean, before: Place[], after: Place[]}} Place
 *
 * @param {string[]} names
 * @param {{from: string, to: string}[]} edges
 * @returns {{layers: Place[][], places: Map<string, Place>, ways: Place[][], height: number}} `ways` has for each edge the places
 *   it leads through, from `from` to `to`; bends are places of their own, so that an edge does not run behind a node
 */
export function layout(names, edges) {
  const forward = withoutCircles(names, edges);
  const depth = layersOf(names, forward);
  const places = new Map(names.map((id) => [id, place(id, depth.get(id), NODE.height, false)]));
  const layers = [];
  const put = (each) => (layers[each.layer] ??= []).push(each);
  places.forEach(put);

  const ways = forward.map(({ from, to, turned }, index) => {
    const way = [places.get(from)];
    for (let layer = way[0].layer + 1; layer < places.get(to).layer; layer++) {
      const bend = place(`bend-${index}-${layer}`, layer, BEND_HEIGHT, true);
      put(bend);
      way.push(bend);
    }
    if (from !== to) way.push(places.get(to));
    for (let i = 1; i < way.length; i++) connect(way[i - 1], way[i]);
    return turned ? way.reverse() : way;
  });

  order(layers);
  const height = stack(layers);
  return { layers, places, ways, height };
}

const place = (id, layer, height, bend) => ({ id, layer, order: 0, y: 0, height, bend, before: [], after: [] });

function connect(a, b) {
  a.after.push(b);
  b.before.push(a);
}

/** Turns edges that close a circle, for as long as it takes to lay them out. */
function withoutCircles(names, edges) {
  const next = new Map(names.map((name) => [name, edges.filter((edge) => edge.from === name)]));
  const called = new Set(edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to));
  const state = new Map();
  const turned = new Set();
  const visit = (name) => {
    state.set(name, 'open');
    for (const edge of next.get(name)) {
      if (edge.to === name) continue;
      if (state.get(edge.to) === 'open') turned.add(edge);
      else if (!state.has(edge.to)) visit(edge.to);
    }
    state.set(name, 'done');
  };
  // Whom nobody calls is where the calls begin.
  for (const name of [...names].sort((a, b) => called.has(a) - called.has(b))) if (!state.has(name)) visit(name);
  return edges.map((edge) => (turned.has(edge) ? { from: edge.to, to: edge.from, turned: true } : { from: edge.from, to: edge.to, turned: false }));
}

/** A node's layer is one more than that of its farthest caller. */
function layersOf(names, forward) {
  const depth = new Map(names.map((name) => [name, 0]));
  for (let i = 0; i < names.length; i++) {
    let moved = false;
    for (const { from, to } of forward) {
      if (from === to || depth.get(to) > depth.get(from)) continue;
      depth.set(to, depth.get(from) + 1);
      moved = true;
    }
    if (!moved) break;
  }
  return depth;
}

/** Puts each place near the middle of its neighbours, to and fro. */
function order(layers) {
  const number = () => layers.forEach((layer) => layer.forEach((each, i) => { each.order = (i + 0.5) / layer.length; }));
  number();
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const rightwards = sweep % 2 === 0;
    for (const layer of rightwards ? layers : [...layers].reverse()) {
      const wish = new Map(layer.map((each) => [each, middle(rightwards ? each.before : each.after, (other) => other.order) ?? each.order]));
      layer.sort((a, b) => wish.get(a) - wish.get(b));
      layer.forEach((each, i) => { each.order = (i + 0.5) / layer.length; });
    }
  }
}

function middle(places, value) {
  return places.length === 0 ? undefined : places.reduce((sum, each) => sum + value(each), 0) / places.length;
}

/** Gives each place its y: near its neighbours, in the order found, and clear of each other. */
function stack(layers) {
  for (const layer of layers) {
    let y = 0;
    for (const each of layer) {
      each.y = y + each.height / 2;
      y += each.height + ROW_GAP;
    }
    const half = (y - ROW_GAP) / 2;
    layer.forEach((each) => { each.y -= half; });
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const rightwards = sweep % 2 === 0;
    for (const layer of rightwards ? layers : [...layers].reverse()) {
      const wishes = layer.map((each) => middle(sweep > SWEEPS - 3 ? [...each.before, ...each.after] : rightwards ? each.before : each.after, (other) => other.y) ?? each.y);
      spread(layer, wishes);
    }
  }
  const all = layers.flat();
  const top = Math.min(...all.map((each) => each.y - each.height / 2));
  all.forEach((each) => { each.y -= top; });
  return Math.max(...all.map((each) => each.y + each.height / 2));
}

/** As near to the wishes as it goes without two places touching: those that would are moved as a block to its mean. */
function spread(layer, wishes) {
  const blocks = [];
  layer.forEach((each, i) => {
    blocks.push({ places: [each], offsets: [0], wish: wishes[i], size: 1 });
    while (blocks.length > 1 && touches(blocks.at(-2), blocks.at(-1))) merge(blocks);
  });
  for (const { places, offsets, wish } of blocks) places.forEach((each, i) => { each.y = wish + offsets[i]; });
}

const least = (a, b) => (a.height + b.height) / 2 + ROW_GAP;

function touches(a, b) {
  return b.wish + b.offsets[0] - (a.wish + a.offsets.at(-1)) < least(a.places.at(-1), b.places[0]);
}

function merge(blocks) {
  const b = blocks.pop();
  const a = blocks.at(-1);
  const shift = a.offsets.at(-1) + least(a.places.at(-1), b.places[0]) - b.offsets[0];
  a.wish = (a.wish * a.size + (b.wish - shift) * b.size) / (a.size + b.size);
  a.size += b.size;
  a.places.push(...b.places);
  a.offsets.push(...b.offsets.map((offset) => offset + shift));
}
