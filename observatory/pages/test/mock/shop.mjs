// What an order looks like in traces: the saga of the shop, over its wires, with its outboxes and consumers.
import { Recorder } from './recorder.mjs';

const PORTS = {
  inventory: { reserve: 'PUT /reservations/{order_id}', commit: 'PUT /reservations/{order_id}/commit', release: 'PUT /reservations/{order_id}/release' },
  payments: { authorize: 'PUT /payments/{order_id}', capture: 'PUT /payments/{order_id}/capture', void: 'PUT /payments/{order_id}/void' },
  shipping: { quote: 'POST /quotes', schedule: 'PUT /shipments/{order_id}', cancel: 'PUT /shipments/{order_id}/cancel' },
  catalog: { products: 'GET /products' },
};
const upper = (text) => text[0].toUpperCase() + text.slice(1);

/** A query of a service's own database. */
function sql(r, service, operation, slow = 0) {
  r.span(service, `${operation} ${service}`, 'client', { 'db.system.name': 'sqlite', 'db.operation.name': operation, 'db.namespace': service }, () => r.work(120 + slow, 900 + slow));
}

/** A call of a port over a wire: the caller's span, and the callee's in it. */
function call(r, from, to, operation, order, inside) {
  const wire = { 'orders inventory': 'grpc', 'orders payments': 'grpc', 'orders shipping': 'amqp' }[`${from} ${to}`] ?? 'rest';
  const route = PORTS[to][operation];
  const name = wire === 'grpc' ? `tradewind.${to}.v1.${upper(to)}/${upper(operation)}` : wire === 'amqp' ? `${to}.requests` : route;
  const attributes = {
    'tradewind.wire': wire, 'tradewind.order.id': order, 'server.address': '127.0.0.1', 'peer.service': to,
    ...(wire === 'grpc' ? { 'rpc.system': 'grpc', 'rpc.service': `tradewind.${to}.v1.${upper(to)}`, 'rpc.method': upper(operation) } : {}),
    ...(wire === 'amqp' ? { 'messaging.system': 'rabbitmq', 'messaging.destination.name': `${to}.requests`, 'messaging.operation.type': 'send' } : {}),
    ...(wire === 'rest' ? { 'http.request.method': route.split(' ')[0], 'http.route': route.split(' ')[1] } : {}),
  };
  return r.span(from, name, 'client', attributes, () => {
    r.work(80, 300);
    const failure = r.span(to, name, 'server', { ...attributes, 'server.address': undefined, 'peer.service': undefined, 'tradewind.wire': wire }, () => inside?.());
    r.work(60, 200);
    return failure;
  });
}

/** Payments asks another company, which sends no spans. */
function cardNetwork(r, order, method, path, took, failure) {
  return r.span('payments', `${method} ${path}`, 'client', {
    'http.request.method': method, 'url.full': `http://127.0.0.1:8600${path.replace('{key}', order)}`, 'server.address': 'card-network', 'server.port': 8600, 'tradewind.order.id': order,
    ...(failure ? {} : { 'http.response.status_code': 200 }),
  }, () => {
    r.work(took * 0.9, took * 1.1);
    return failure;
  });
}

const TIMEOUT = {
  message: 'card network: no answer within 4 s',
  type: 'timeout',
  exception: { type: 'payments::card_network::Error', message: 'PUT /holds: operation timed out after 4000 ms; it may have happened, so it is looked up', stack: 'payments::card_network::hold\n  at services/payments/src/card_network/client.rs:118\npayments::service::authorize\n  at services/payments/src/service.rs:74\npayments::grpc::authorize\n  at services/payments/src/grpc.rs:41' },
};
const DECLINED = { message: 'card_declined: the bank declined the card', type: 'card_declined' };
const AWAY = { message: 'dependency_unavailable: shipping has no instance', type: 'dependency_unavailable', exception: { type: 'RemoteFailure', message: 'no instance of shipping is registered', stack: '' } };

/**
 * One order from the gateway to the end, and the traces of the messages that it says.
 * @param {'good'|'declined'|'slow'|'away'} course
 */
export function orderTraces(dice, start, course) {
  const r = new Recorder(dice, start);
  const order = dice.uuid();
  const failure = r.span('gateway', 'POST /api/orders', 'server', { 'http.request.method': 'POST', 'http.route': '/api/orders', 'tradewind.order.id': order, 'user_agent.original': 'tradewind/0.1.0', 'client.address': '127.0.0.1' }, () => {
    r.work(150, 400);
    return r.span('gateway', 'POST /orders', 'client', { 'tradewind.wire': 'rest', 'http.request.method': 'POST', 'server.address': '127.0.0.1', 'peer.service': 'orders' }, () => {
      r.work(100, 250);
      return r.span('orders', 'POST /orders', 'server', { 'tradewind.wire': 'rest', 'http.request.method': 'POST', 'http.route': '/orders', 'tradewind.order.id': order }, (span) => placeOrder(r, span, order, course));
    });
  });
  const placed = r.spans.find((each) => each.operationName === 'saga');
  r.spans[0].tags.push({ key: 'http.response.status_code', type: 'int64', value: failure ? (course === 'slow' ? 504 : 402) : 201 });
  return { order, traces: [r.trace, ...messageTraces(dice, r.now, order, placed, course)] };
}

function placeOrder(r, span, order, course) {
  call(r, 'orders', 'catalog', 'products', order, () => { sql(r, 'catalog', 'SELECT'); });
  call(r, 'orders', 'shipping', 'quote', order, () => r.work(200, 500));
  sql(r, 'orders', 'INSERT');
  r.event(span, 'order placed', { 'tradewind.order.id': order, amount: '41.80 EUR' });
  return r.span('orders', 'saga', 'internal', { 'tradewind.order.id': order, 'saga.coordination': 'sync' }, (saga) => {
    const step = (name) => {
      r.event(saga, name);
      sql(r, 'orders', 'UPDATE');
    };
    step('reserving');
    call(r, 'orders', 'inventory', 'reserve', order, () => { sql(r, 'inventory', 'SELECT'); sql(r, 'inventory', 'UPDATE'); });
    step('authorizing');
    const failure = call(r, 'orders', 'payments', 'authorize', order, () => authorize(r, order, course));
    if (failure) {
      step('compensating');
      call(r, 'orders', 'inventory', 'release', order, () => { sql(r, 'inventory', 'UPDATE'); });
      step('cancelled');
      return failure;
    }
    step('scheduling');
    const away = call(r, 'orders', 'shipping', 'schedule', order, () => { if (course === 'away') { r.work(2000, 9000); return AWAY; } sql(r, 'shipping', 'INSERT'); return undefined; });
    if (away) {
      step('compensating');
      call(r, 'orders', 'payments', 'void', order, () => { cardNetwork(r, order, 'PUT', '/holds/{key}/void', 1800); });
      call(r, 'orders', 'inventory', 'release', order, () => { sql(r, 'inventory', 'UPDATE'); });
      step('cancelled');
      return away;
    }
    step('committing');
    call(r, 'orders', 'inventory', 'commit', order, () => { sql(r, 'inventory', 'UPDATE'); });
    step('capturing');
    call(r, 'orders', 'payments', 'capture', order, () => { cardNetwork(r, order, 'PUT', '/holds/{key}/capture', 1500); sql(r, 'payments', 'INSERT'); });
    step('confirmed');
    return undefined;
  });
}

function authorize(r, order, course) {
  sql(r, 'payments', 'INSERT');
  if (course === 'slow') {
    const failure = cardNetwork(r, order, 'PUT', '/holds/{key}', 4_000_000, TIMEOUT);
    cardNetwork(r, order, 'GET', '/holds/{key}', 2500);
    return { ...failure, message: 'outcome_unknown: the card network did not say whether it holds the money' };
  }
  cardNetwork(r, order, 'PUT', '/holds/{key}', r.dice.chance(0.12) ? 180_000 : 2200);
  if (course === 'declined') return DECLINED;
  sql(r, 'payments', 'INSERT');
  return undefined;
}

/** The relay publishes what the outbox holds; each consumer's work is a trace of its own, which follows from that. */
function messageTraces(dice, start, order, saga, course) {
  const said = course === 'good' ? 'order_confirmed' : 'order_cancelled';
  const relay = new Recorder(dice, start + dice.between(2000, 9000));
  let producer;
  relay.span('orders', 'outbox relay', 'internal', { 'outbox.batch': 1 }, () => {
    sql(relay, 'orders', 'SELECT');
    relay.span('orders', 'send tradewind.events', 'producer', { 'messaging.system': 'rabbitmq', 'messaging.destination.name': 'tradewind.events', 'messaging.operation.type': 'send', 'messaging.rabbitmq.destination.routing_key': `orders.${said}.sync`, 'tradewind.order.id': order, 'tradewind.wire': 'amqp' }, (span) => {
      producer = span;
      relay.work(900, 2600);
    }, { parent: relay.open, links: saga ? [saga] : [] });
    sql(relay, 'orders', 'UPDATE');
  });
  const consumers = ['notifications', 'recommendations'].map((service) => {
    const r = new Recorder(dice, relay.now + dice.between(300, 4000));
    r.span(service, `process ${service}.events`, 'consumer', { 'messaging.system': 'rabbitmq', 'messaging.destination.name': `${service}.events`, 'messaging.operation.type': 'process', 'tradewind.order.id': order, 'tradewind.wire': 'amqp' }, () => {
      sql(r, service, 'INSERT');
      r.span(service, service === 'notifications' ? 'write mail' : 'project', 'internal', {}, () => r.work(300, 1500));
    }, { links: [producer] });
    return r.trace;
  });
  return [relay.trace, ...consumers];
}
