// A colour for each service, the same on every page and on every visit. A name is always shown beside it:
// colour helps the eye, and says nothing on its own.

// The services of the shop have one each; others share, by their name's hash.
const OWN = ['gateway', 'orders', 'catalog', 'inventory', 'payments', 'shipping', 'notifications', 'recommendations', 'card-network'];
const COLOURS = 12;

/** The class that gives an element the colour of a service (css/tokens.css). */
export function serviceClass(name) {
  const own = OWN.indexOf(name);
  if (own >= 0) return `service-${own}`;
  let hash = 0;
  for (const c of String(name)) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
  return `service-${hash % COLOURS}`;
}
