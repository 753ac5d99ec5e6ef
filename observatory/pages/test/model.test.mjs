// What is said of a trace, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookupAddress } from '../js/addresses.js';
import { duration, share } from '../js/format.js';
import { layout } from '../js/map/layout.js';
import { criticalPath, timeByService, timeOf } from '../js/model/critical.js';
import { findFault } from '../js/model/fault.js';
import { readTrace } from '../js/model/trace.js';
import { askFor, parseTags, readQuery, writeQuery, writeTag } from '../js/search/query.js';
import { niceTicks } from '../js/ui/scale.js';
import { makeTraces } from './mock/traces.mjs';

const span = (spanID, parent, startTime, end, { service = 'a', ...tags } = {}) => ({
  traceID: 't', spanID, operationName: spanID, processID: service, startTime, duration: end - startTime,
  references: parent ? [{ refType: 'CHILD_OF', traceID: 't', spanID: parent }] : [],
  tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
});
const trace = (...spans) => readTrace({ traceID: 't', processes: { a: { serviceName: 'a' }, b: { serviceName: 'b' } }, spans });
const named = (path) => Object.fromEntries([...path].map(([each, parts]) => [each.id, timeOf(parts)]));

test('the critical path is what the end waited for', () => {
  const path = criticalPath(trace(span('root', '', 1000, 101_000), span('first', 'root', 11_000, 41_000), span('beside', 'root', 12_000, 30_000), span('second', 'root', 51_000, 91_000, { service: 'b' }), span('inner', 'second', 61_000, 81_000)));
  assert.deepEqual(named(path), { root: 30_000, second: 20_000, inner: 20_000, first: 30_000 });
  assert.deepEqual(timeByService(path), [{ service: 'a', time: 80_000 }, { service: 'b', time: 20_000 }]);
});

test('who outlives its parent was not waited for', () => {
  const path = criticalPath(trace(span('root', '', 1000, 11_000), span('message', 'root', 5000, 90_000), span('answer', 'root', 2000, 11_300)));
  assert.deepEqual(named(path), { answer: 9000, root: 1000 });
});

test('the time of the path is the time of its root, whatever the trace', () => {
  for (const raw of makeTraces(Date.now()).traces) {
    const read = readTrace(raw);
    const path = criticalPath(read);
    const total = timeByService(path).reduce((sum, each) => sum + each.time, 0);
    const longest = Math.max(...read.roots.map((root) => root.duration));
    assert.ok(Math.abs(total - longest) < 1, `${total} of ${longest}`);
  }
});

test('the deepest error that reached the root is at fault', () => {
  const found = findFault(trace(
    span('root', '', 1, 100, { error: true }), span('handled', 'root', 2, 20), span('deep', 'handled', 3, 9, { error: true }), span('deeper', 'deep', 4, 8, { error: true }),
    span('call', 'root', 30, 90, { error: 'true' }), span('cause', 'call', 31, 80, { service: 'b', error: true, 'otel.status_description': 'no answer', 'span.kind': 'client' })));
  assert.equal(found.span.id, 'cause');
  assert.equal(found.span.message, 'no answer');
  assert.deepEqual([found.fatal, found.outside], [true, true]);
  assert.equal(findFault(trace(span('root', '', 1, 9))), undefined);
  assert.equal(findFault(trace(span('root', '', 1, 9), span('dealt with', 'root', 2, 5, { error: true }))).fatal, false);
});

test('every span is in the tree once, whatever its references say', () => {
  const read = trace(span('x', 'y', 5, 9), span('y', 'x', 6, 9), span('self', 'self', 3, 4), span('orphan', 'gone', 2, 8), span('twin', '', 1, 2), span('twin', '', 1, 2));
  assert.equal(read.count, 6);
  assert.equal(read.missing, 1);
  assert.equal(new Set(read.spans).size, 7);
});

test('ten thousand levels are no more than a deep trace', () => {
  const spans = Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i > 0 ? `s${i - 1}` : '', 1 + i, 20_001 - i));
  const read = trace(...spans);
  assert.equal(read.depth, 10_000);
  assert.ok(criticalPath(read).size > 0);
});

test('nonsense is no trace', () => {
  for (const raw of [null, {}, { spans: 'none' }, { spans: [] }, { spans: [null, 3] }]) assert.equal(readTrace(raw), undefined);
  assert.equal(readTrace({ spans: [{}] }).count, 1);
});

test('what is pasted is told apart', () => {
  const id = '0123456789abcdef0123456789ABCDEF';
  assert.equal(lookupAddress(` ${id} `), `/trace/${id.toLowerCase()}`);
  assert.equal(lookupAddress(`00-${id}-0123456789abcdef-01`), `/trace/${id.toLowerCase()}`, 'a traceparent');
  assert.match(lookupAddress('01a20469-fe33-76a0-8b91-ba6d82b0a29f'), /^\/\?tags=tradewind\.order\.id/);
  assert.equal(lookupAddress('<script>'), undefined);
});

test('tags are read as they are written', () => {
  assert.deepEqual(parseTags('a=1  b.c="two words" d="say \\"hi\\""'), { a: '1', 'b.c': 'two words', d: 'say "hi"' });
  for (const value of ['plain', 'two words', '"><b>', 'a\\b']) assert.deepEqual(parseTags(writeTag('key', value)), { key: value });
  assert.throws(() => askFor(readQuery(new URLSearchParams({ tags: 'a="open' }))), /not understood/);
  assert.deepEqual(parseTags(''), {});
  for (const wrong of ['a', '=1', 'a="open', 'a=1 b']) assert.equal(parseTags(wrong), undefined);
});

test('a query survives the address', () => {
  const query = { ...readQuery(new URLSearchParams()), service: 'orders', error: '1', tags: 'a=1', range: '5m' };
  assert.deepEqual(readQuery(new URLSearchParams(writeQuery(query))), query);
  assert.deepEqual(askFor(query, 600_000), { service: 'orders', operation: '', minDuration: '', maxDuration: '', limit: '100', tags: '{"a":"1","error":"true"}', start: 300_000_000, end: 600_000_000 });
});

test('the layout puts callers to the left, and cuts circles', () => {
  const { places, ways } = layout(['a', 'b', 'c', 'alone'], [{ from: 'a', to: 'b' }, { from: 'b', to: 'c' }, { from: 'a', to: 'c' }, { from: 'c', to: 'a' }, { from: 'b', to: 'b' }]);
  assert.deepEqual(['a', 'b', 'c'].map((id) => places.get(id).layer), [0, 1, 2]);
  assert.deepEqual(ways.map((way) => `${way[0].id}${way.at(-1).id}`), ['ab', 'bc', 'ac', 'ca', 'bb']);
  assert.equal(ways[2].length, 3, 'an edge over two layers bends between them');
});

test('numbers are round where they are read', () => {
  assert.deepEqual([0, 1, 1500, 4_330_000, 90e6, NaN].map(duration), ['0 ms', '1 µs', '1.5 ms', '4.33 s', '1.5 min', '0 ms']);
  assert.deepEqual([0, 0.0001, 0.018, 1, null].map(share), ['0 %', '<0.1 %', '1.8 %', '100 %', '–']);
  assert.deepEqual(niceTicks(17), [0, 5, 10, 15, 20]);
  assert.deepEqual(niceTicks(0), [0, 1]);
});
