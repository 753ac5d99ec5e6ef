// Writes traces in Jaeger's JSON. Time is a cursor that the scenario moves.

const tag = (key, value) => ({ key, type: typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? 'int64' : 'string', value });
export const tags = (object) => Object.entries(object).map(([key, value]) => tag(key, value));

export class Recorder {
  constructor(dice, start) {
    this.dice = dice;
    this.now = start;
    this.id = dice.hex(32);
    this.spans = [];
    this.processes = {};
  }

  /** A span round what `inside` does. What `inside` returns may say how it failed. */
  span(service, operation, kind, attributes, inside = () => {}, { parent = this.open, links = [] } = {}) {
    const key = `p-${service}`;
    this.processes[key] ??= { serviceName: service, tags: tags({ 'service.instance.id': `${service}-1`, 'service.version': '0.1.0', 'process.pid': 4000 + Object.keys(this.processes).length, 'telemetry.sdk.language': 'rust' }) };
    const span = {
      traceID: this.id, spanID: this.dice.hex(16), operationName: operation, startTime: this.now, duration: 0, processID: key, warnings: null, logs: [],
      references: [...(parent ? [{ refType: 'CHILD_OF', traceID: this.id, spanID: parent.spanID }] : []), ...links.map((to) => ({ refType: 'FOLLOWS_FROM', traceID: to.traceID, spanID: to.spanID }))],
      tags: tags({ 'span.kind': kind, ...attributes }),
    };
    this.spans.push(span);
    const outer = this.open;
    this.open = span;
    const failure = inside(span);
    this.open = outer;
    span.duration = this.now - span.startTime;
    if (failure) this.fail(span, failure);
    return failure ? { ...failure, exception: undefined } : undefined;
  }

  fail(span, { message, exception, type }) {
    span.tags.push(tag('error', true), tag('otel.status_code', 'ERROR'), tag('otel.status_description', message));
    if (type) span.tags.push(tag('error.type', type));
    if (exception) span.logs.push({ timestamp: this.now - 50, fields: tags({ event: 'exception', 'exception.type': exception.type, 'exception.message': exception.message, 'exception.stacktrace': exception.stack }) });
  }

  event(span, name, attributes = {}) {
    span.logs.push({ timestamp: this.now, fields: tags({ event: name, ...attributes }) });
  }

  /** Time goes by. */
  work(low, high = low) {
    this.now += this.dice.between(low, high);
  }

  get trace() {
    return { traceID: this.id, spans: this.spans, processes: this.processes, warnings: null };
  }
}
