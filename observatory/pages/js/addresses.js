// The addresses of the pages, so that no view writes those of another by hand.
import { writeTag } from './search/query.js';

const part = encodeURIComponent;

export const traceAddress = (id, span) => `/trace/${part(id)}${span ? `?span=${part(span)}` : ''}`;
export const serviceAddress = (name) => `/services/${part(name)}`;

/** @param {Record<string, string | undefined>} query see search/query.js */
export function searchAddress(query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) parameters.set(name, value);
  return parameters.size ? `/?${parameters}` : '/';
}

/** All traces that tell of one order, however long ago. */
export const orderAddress = (order) => searchAddress({ tags: writeTag('tradewind.order.id', order), range: 'all' });

/** What somebody pasted: an order's id has dashes, a trace's has none. */
export function lookupAddress(pasted) {
  const text = pasted.trim();
  const inTrace = /^(?:00-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/i.exec(text) ?? /^([0-9a-f]{16})$/i.exec(text);
  if (inTrace) return traceAddress(inTrace[1].toLowerCase());
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return orderAddress(text.toLowerCase());
  return undefined;
}
