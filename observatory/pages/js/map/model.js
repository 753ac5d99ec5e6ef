// The map as the server tells it, with what is missing or makes no sense put right.
import { text } from '../model/span.js';

const KINDS = ['service', 'store', 'broker', 'outside'];
const finite = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : null);

const measures = (raw) => ({ rate: finite(raw.rate_per_s) ?? 0, errors: finite(raw.error_share) ?? 0, p50: finite(raw.p50_ms), p95: finite(raw.p95_ms) });

export function readMap(raw) {
  const nodes = new Map();
  for (const node of raw.nodes) {
    const service = text(node?.service);
    if (service) nodes.set(service, { service, kind: KINDS.includes(node.kind) ? node.kind : 'service', ...measures(node) });
  }
  const edges = [];
  for (const edge of raw.edges) {
    const [from, to] = [text(edge?.from), text(edge?.to)];
    if (!from || !to) continue;
    // An edge may name whom nobody described.
    for (const service of [from, to]) if (!nodes.has(service)) nodes.set(service, { service, kind: 'service', ...measures({}) });
    edges.push({ from, to, wire: text(edge.wire) || 'other', ...measures(edge) });
  }
  return { nodes: [...nodes.values()].sort((a, b) => a.service.localeCompare(b.service)), edges };
}

/** The map without databases, which are one a service and double its size. */
export function withoutStores({ nodes, edges }) {
  const stores = new Set(nodes.filter((node) => node.kind === 'store').map((node) => node.service));
  return { nodes: nodes.filter((node) => !stores.has(node.service)), edges: edges.filter((edge) => !stores.has(edge.from) && !stores.has(edge.to)) };
}
