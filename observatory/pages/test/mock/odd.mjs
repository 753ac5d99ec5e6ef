// Traces that nobody should have to see, and a viewer must bear: huge, hostile, broken.
import { Recorder, tags } from './recorder.mjs';

/** A replay that handles one event after the other: 5,000 spans. */
export function hugeTrace(dice, start, size = 5000) {
  const r = new Recorder(dice, start);
  r.span('recommendations', 'replay events.log', 'internal', { 'replay.events': 1666 }, () => {
    for (let event = 0; r.spans.length < size; event++) {
      r.span('recommendations', `project event ${event}`, 'consumer', { 'messaging.system': 'rabbitmq', 'messaging.destination.name': 'events.log', 'messaging.offset': event }, () => {
        if (r.spans.length < size) r.span('recommendations', 'UPSERT pairs', 'client', { 'db.system.name': 'sqlite', 'db.operation.name': 'UPSERT' }, () => { r.work(100, 700); return event === 1500 ? { message: 'database is locked' } : undefined; });
        if (r.spans.length < size) r.span('catalog', 'GET /products/{sku}', 'server', { 'http.route': '/products/{sku}' }, () => r.work(50, 300));
      });
    }
  });
  return r.trace;
}

/** What somebody may put into a name or an attribute. Every script in it would set `window.hacked`. */
export const HOSTILE = {
  markup: '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>',
  link: 'javascript:window.hacked=1',
  rightToLeft: 'שלום עולם \u202egnp.exe\u202c مرحبا',
  long: 'x'.repeat(20_000),
  wide: `${'ﷺ'.repeat(40)} ${'W'.repeat(300)}`,
};

export function hostileTrace(dice, start) {
  const r = new Recorder(dice, start);
  r.span(HOSTILE.markup, `${HOSTILE.markup} ${HOSTILE.rightToLeft}`, 'server', { [HOSTILE.markup]: HOSTILE.markup, link: HOSTILE.link, 'right to left': HOSTILE.rightToLeft, long: HOSTILE.long, wide: HOSTILE.wide, 'tradewind.order.id': '"><b>', 'tradewind.wire': HOSTILE.markup }, (span) => {
    r.event(span, HOSTILE.markup, { [HOSTILE.markup]: HOSTILE.wide });
    r.work(4000);
    r.span('gateway', HOSTILE.long, 'client', {}, () => { r.work(3000); return { message: HOSTILE.markup, exception: { type: HOSTILE.markup, message: HOSTILE.wide, stack: HOSTILE.long } }; });
    return { message: HOSTILE.wide };
  });
  return r.trace;
}

/** Parents that never arrived, circles, ids used twice, fields missing or of another type. */
export function brokenTrace(dice, start) {
  const id = dice.hex(32);
  const span = (spanID, parent, rest = {}) => ({ traceID: id, spanID, operationName: `span ${spanID}`, references: parent ? [{ refType: 'CHILD_OF', traceID: id, spanID: parent }] : [], startTime: start, duration: 1500, tags: [], logs: [], processID: 'p1', ...rest });
  return {
    traceID: id,
    processes: { p1: { serviceName: 'shipping', tags: [] } },
    spans: [
      span('a1', 'never'), span('a2', 'never', { startTime: start + 700 }), span('a3', 'a2', { startTime: start - 5000 }),
      span('b1', 'b2', { startTime: start + 2000 }), span('b2', 'b1', { startTime: start + 2100 }), span('c1', 'c1'),
      span('d1', 'a1'), span('d1', 'a1'),
      { spanID: 'e1' }, { spanID: null, startTime: 'soon', duration: -4, tags: 'none', logs: [null, 7, {}], references: [null], processID: 12 },
      span('f1', 'a1', { duration: 'long', tags: [{ key: 'object', value: { a: [1, null] } }, null, { value: true }], logs: [{ timestamp: 'x', fields: null }], warnings: ['clock skew', 3, null] }),
      null, 7,
    ],
  };
}

export const manyServices = (dice, start) => {
  const r = new Recorder(dice, start);
  r.span('gateway', 'GET /api/audit', 'server', { 'http.route': '/api/audit' }, () => {
    for (let i = 0; i < 40; i++) r.span(`sidecar-${i}`, 'report', 'server', {}, () => r.work(200, 600));
  });
  return r.trace;
};
export { tags };
