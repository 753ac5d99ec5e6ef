// Stands in for the observatory: the pages, and the two APIs that they are given, about a shop that never was.
//
//   npm start
//
// `POST /mock/away` makes the APIs answer 503, `POST /mock/empty` makes them know nothing, `POST /mock/usual` ends both.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as measures from './measures.mjs';
import { makeTraces, operationsOf, search, servicesOf } from './traces.mjs';

const PAGES = fileURLToPath(new URL('../..', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const VIEW = /^\/(|map|trace\/[^/]+|services\/[^/]+)$/;
const POLICY = "default-src 'self'; report-uri /mock/violation";

export async function startServer(port = 0) {
  const { traces, named } = makeTraces(Date.now());
  const state = { mode: 'usual', violations: [], requests: [] };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://mock');
    state.requests.push(url.pathname + url.search);
    const json = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    try {
      if (url.pathname === '/mock/violation') {
        let report = '';
        for await (const chunk of request) report += chunk;
        state.violations.push(report);
        response.writeHead(204).end();
      } else if (url.pathname.startsWith('/mock/')) {
        state.mode = url.pathname.slice('/mock/'.length);
        response.writeHead(204).end();
      } else if (url.pathname.startsWith('/api/')) {
        if (state.mode === 'away') json(503, { data: null, errors: [{ code: 503, msg: 'going down' }] });
        else json(...answer(url, state.mode === 'empty' ? [] : traces));
      } else {
        const path = VIEW.test(url.pathname) ? 'index.html' : normalize(url.pathname);
        const body = await readFile(join(PAGES, path));
        response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' }).end(body);
      }
    } catch (error) {
      json(error.code === 'ENOENT' ? 404 : 500, { errors: [{ code: 404, msg: String(error.message) }] });
    }
  });
  await new Promise((ready) => server.listen(port, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${server.address().port}`, named, state, traces, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
}

function answer(url, traces) {
  const parts = url.pathname.split('/').slice(2).map(decodeURIComponent);
  const envelope = (data) => [200, { data, total: 0, limit: 0, offset: 0, errors: null }];
  const minutes = Number(url.searchParams.get('minutes') ?? 15);
  if (parts[0] === 'services') return envelope(parts.length === 1 ? servicesOf(traces) : operationsOf(traces, parts[1]));
  if (parts[0] === 'traces' && parts.length === 1) return envelope(search(traces, url.searchParams));
  if (parts[0] === 'traces') {
    const found = traces.find((trace) => trace.traceID === parts[1]);
    return found ? envelope([found]) : [404, { data: null, errors: [{ code: 404, msg: 'trace not found' }] }];
  }
  if (parts[1] === 'status') return [200, measures.status(traces, Date.now())];
  if (parts[1] === 'map') return [200, traces.length > 0 ? measures.map() : { nodes: [], edges: [] }];
  if (parts[1] === 'services' && servicesOf(traces).includes(parts[2])) return [200, measures.panels(parts[2], minutes, Date.now())];
  return [404, { errors: [{ code: 404, msg: 'not known' }] }];
}

/** For those who want to look at the pages by themselves. */
export async function serve(port = 16686) {
  const { url, named } = await startServer(port);
  console.log(`${url}\n${Object.entries(named).map(([name, id]) => `  ${name}: ${id}`).join('\n')}`);
}
