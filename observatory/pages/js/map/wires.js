// Kinds of wire: each has a colour and a pattern of dashes (css/map.css), so that neither is needed alone.
export const WIRES = {
  rest: { css: 'wire-rest', name: 'rest' },
  grpc: { css: 'wire-grpc', name: 'grpc' },
  amqp: { css: 'wire-amqp', name: 'amqp' },
  events: { css: 'wire-events', name: 'events' },
  http: { css: 'wire-http', name: 'http, to the outside' },
  sql: { css: 'wire-sql', name: 'sql' },
  local: { css: 'wire-local', name: 'local, in the process' },
  other: { css: 'wire-local', name: 'other' },
};
