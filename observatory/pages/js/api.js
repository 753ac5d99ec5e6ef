// The server's two APIs. What they answer is checked for shape here, once, so that views get lists where
// they expect lists; single fields are looked at where they are used.

/** Nobody answered, or not with what was asked for. Trying again may help. */
export class Away extends Error {}

/** The server answered, and its answer is no. Trying again does not help. */
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const PATIENCE_MS = 20_000;

async function get(path, { query = {}, signal } = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, value);
  }
  const address = parameters.size ? `${path}?${parameters}` : path;
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  let response;
  let body;
  try {
    response = await fetch(address, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    body = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    if (response && response.status >= 400 && response.status < 500) throw new Refused(response.status, `the server answers ${response.status}`);
    throw new Away(response ? `the answer (${response.status}) is not JSON` : 'no answer', { cause: error });
  }
  if (response.status >= 500) throw new Away(reason(body) ?? `the server answers ${response.status}`);
  if (!response.ok) throw new Refused(response.status, reason(body) ?? `the server answers ${response.status}`);
  return body;
}

/** What an error says, in Jaeger's envelope or the observatory's own. */
function reason(body) {
  const said = body?.errors?.[0]?.msg ?? body?.error;
  return typeof said === 'string' ? said : undefined;
}

const list = (value) => (Array.isArray(value) ? value : []);
const names = (value) => list(value).filter((name) => typeof name === 'string');
const part = encodeURIComponent;

export const services = async (signal) => names((await get('/api/services', { signal }))?.data).sort();

export const operations = async (service, signal) =>
  names((await get(`/api/services/${part(service)}/operations`, { signal }))?.data).sort();

/** What was found, and a word on what is not told of it. */
export const traces = async (query, signal) => {
  const body = await get('/api/traces', { query, signal });
  return { traces: list(body?.data), note: reason(body) };
};

export const trace = async (id, signal) => {
  const found = list((await get(`/api/traces/${part(id)}`, { signal }))?.data)[0];
  if (!found) throw new Refused(404, 'trace not found');
  return found;
};

export const status = async (signal) => (await get('/api/observatory/status', { signal })) ?? {};

export const map = async (minutes, signal) => {
  const body = await get('/api/observatory/map', { query: { minutes }, signal });
  return { nodes: list(body?.nodes), edges: list(body?.edges) };
};

export const panels = async (service, minutes, signal) =>
  (await get(`/api/observatory/services/${part(service)}`, { query: { minutes }, signal })) ?? {};
