// What is searched for. Its state is the page's query string, under these names; the server's API has others.

/**
 * @typedef {object} Query
 * @property {string} service      '' is all
 * @property {string} operation
 * @property {string} tags         `key=value key2="two words"`
 * @property {string} minDuration  `10ms`
 * @property {string} maxDuration
 * @property {string} error        '1' is only traces with errors
 * @property {string} range        a key of RANGES, `all`, or `between` with from and to
 * @property {string} from         `2026-01-31T12:00`, as the reader's clock has it
 * @property {string} to
 * @property {string} limit
 * @property {string} sort         newest, slowest, spans
 * @property {string} auto         '1' searches again by itself
 */

export const RANGES = { '5m': 5, '15m': 15, '1h': 60, '6h': 360, '24h': 1440, '7d': 10080 };
export const SORTS = [['newest', 'Newest first'], ['slowest', 'Slowest first'], ['spans', 'Most spans first']];
export const LIMITS = ['20', '50', '100', '200', '500', '1000'];

const DEFAULTS = { service: '', operation: '', tags: '', minDuration: '', maxDuration: '', error: '', range: '1h', from: '', to: '', limit: '100', sort: 'newest', auto: '' };

/** @returns {Query} */
export function readQuery(parameters) {
  const query = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) query[name] = parameters.get(name) ?? DEFAULTS[name];
  return query;
}

/** Only what differs from the default, so that addresses stay short. */
export function writeQuery(query) {
  return Object.fromEntries(Object.entries(query).filter(([name, value]) => value !== DEFAULTS[name]));
}

/** Whether two queries ask the server the same; how the answer is sorted is our own matter. */
export function asksTheSame(a, b) {
  return Object.keys(DEFAULTS).every((name) => name === 'sort' || name === 'auto' || a[name] === b[name]);
}

/** What the server is asked. */
export function askFor(query, nowMs = Date.now()) {
  const tags = parseTags(query.tags);
  // Leaving them out would find what was not asked for.
  if (!tags) throw new Error(`These tags are not understood: ${query.tags}`);
  if (query.error === '1') tags.error = 'true';
  const asked = {
    service: query.service, operation: query.operation, minDuration: query.minDuration, maxDuration: query.maxDuration, limit: query.limit,
    tags: Object.keys(tags).length > 0 ? JSON.stringify(tags) : '',
  };
  const minutes = RANGES[query.range];
  if (minutes) {
    asked.start = (nowMs - minutes * 60_000) * 1000;
    asked.end = nowMs * 1000;
  } else if (query.range === 'between') {
    asked.start = micros(query.from);
    asked.end = micros(query.to);
  }
  return asked;
}

const micros = (local) => {
  const ms = new Date(local).getTime();
  return Number.isNaN(ms) ? undefined : ms * 1000;
};

/** A tag as parseTags reads it. */
export function writeTag(key, value) {
  return /^[^\s"=]+$/.test(value) ? `${key}=${value}` : `${key}="${value.replace(/["\\]/g, '\\$&')}"`;
}

/**
 * Tags as they are typed: `http.response.status_code=503 customer="Ada Lovelace"`.
 * @returns {Record<string, string> | undefined} nothing where it is not understood
 */
export function parseTags(text) {
  const tags = {};
  let rest = text.trim();
  while (rest !== '') {
    const match = /^([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?:\s+|$)/.exec(rest);
    if (!match) return undefined;
    tags[match[1]] = match[2] !== undefined ? match[2].replace(/\\(.)/g, '$1') : match[3];
    rest = rest.slice(match[0].length);
  }
  return tags;
}
