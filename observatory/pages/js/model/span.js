// One span, read from Jaeger's JSON. Any program may have written it, so every field may be missing or nonsense:
// it is read as far as it makes sense, and what does not is said in its warnings.
import { number } from '../format.js';

/**
 * @typedef {{key: string, value: string}} Tag
 * @typedef {{time: number, name: string, fields: Tag[], exception?: {type: string, message: string, stack: string}}} Log
 * @typedef {{traceId: string, spanId: string}} Link
 *
 * @typedef {object} Span
 * @property {string} id
 * @property {string} service
 * @property {string} operation
 * @property {string} kind      server, client, producer, consumer, internal, or ''
 * @property {string} wire      what carried it: rest, grpc, amqp, sql, http, local, or ''
 * @property {number} start     microseconds
 * @property {number} duration  microseconds
 * @property {number} end       microseconds
 * @property {boolean} error
 * @property {string} message   what went wrong, if something did
 * @property {string} peer      whom it called, as far as it says
 * @property {Tag[]} tags
 * @property {Tag[]} process
 * @property {Log[]} logs
 * @property {string[]} warnings
 * @property {string} parentId  '' for none
 * @property {Link[]} links     spans that it follows from, of other traces or of this one (an earlier attempt, say)
 * @property {boolean} missing  stands for a span that others name as their parent, and that never arrived
 * Set by tree.js:
 * @property {Span | undefined} parent
 * @property {Span[]} children
 * @property {number} depth
 */

const list = (value) => (Array.isArray(value) ? value.filter((each) => each && typeof each === 'object') : []);

/** Text of anything. */
export function text(value) {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const tags = (value) => list(value).map((tag) => ({ key: text(tag.key), value: text(tag.value) }));

/** The value of a tag, '' where there is none. */
export const tag = (span, key) => span.tags.find((each) => each.key === key)?.value ?? '';

/** @returns {Span} */
export function readSpan(raw, traceId, processes) {
  const process = processes?.[raw.processID];
  const references = list(raw.references).map((r) => ({ type: text(r.refType), traceId: text(r.traceID), spanId: text(r.spanID) }));
  const isOurs = (reference) => reference.traceId === traceId || reference.traceId === '';
  const parent = references.find((r) => r.type === 'CHILD_OF' && isOurs(r)) ?? references.find(isOurs);
  const span = {
    id: text(raw.spanID),
    service: text(process?.serviceName) || 'unknown service',
    operation: text(raw.operationName) || 'unnamed',
    start: number(raw.startTime, NaN),
    duration: Math.max(0, number(raw.duration)),
    tags: tags(raw.tags),
    process: tags(process?.tags),
    logs: list(raw.logs).map(readLog),
    warnings: (Array.isArray(raw.warnings) ? raw.warnings : []).map(text).filter(Boolean),
    parentId: parent?.spanId ?? text(raw.parentSpanID),
    links: references.filter((r) => r !== parent).map((r) => ({ traceId: r.traceId || traceId, spanId: r.spanId })),
    missing: false,
    parent: undefined,
    children: [],
    depth: 0,
  };
  if (number(raw.duration, -1) < 0) span.warnings.push('The duration is missing or makes no sense; it is taken for 0.');
  span.kind = tag(span, 'span.kind').toLowerCase();
  span.error = tag(span, 'error') === 'true' || tag(span, 'otel.status_code').toUpperCase() === 'ERROR';
  span.message = span.error ? failure(span) : '';
  span.wire = wire(span);
  span.peer = ['peer.service', 'rpc.service', 'server.address', 'messaging.destination.name', 'db.system.name']
    .map((key) => tag(span, key)).find(Boolean) ?? '';
  return span;
}

/** @returns {Log} */
function readLog(raw) {
  const fields = tags(raw.fields);
  const of = (key) => fields.find((field) => field.key === key)?.value ?? '';
  const log = { time: number(raw.timestamp), name: of('event') || of('message') || 'event', fields };
  if (log.name === 'exception' || of('exception.type') || of('exception.message')) {
    log.exception = { type: of('exception.type'), message: of('exception.message'), stack: of('exception.stacktrace') };
  }
  return log;
}

/** The best words that an erroneous span has for what went wrong. */
function failure(span) {
  const said = tag(span, 'otel.status_description');
  if (said) return said;
  const thrown = span.logs.find((log) => log.exception)?.exception;
  if (thrown) return [thrown.type, thrown.message].filter(Boolean).join(': ');
  const status = tag(span, 'http.response.status_code');
  return tag(span, 'error.type') || tag(span, 'error.message') || (status && `HTTP ${status}`) || 'no message';
}

function wire(span) {
  const said = tag(span, 'tradewind.wire');
  if (said) return said;
  if (tag(span, 'messaging.system')) return 'amqp';
  if (tag(span, 'rpc.system')) return 'grpc';
  if (tag(span, 'db.system.name') || tag(span, 'db.system')) return 'sql';
  return tag(span, 'http.request.method') ? 'http' : '';
}
