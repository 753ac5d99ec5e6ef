// Orders as the shop tells of them: spans in OTLP's JSON, under the names that the shop gives them.
import { random } from '../mock/random.mjs';

const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const CARD_MS = 6;

/** Spans of many orders, of which one waits for the card network, and a few are declined. */
export function orders(count, slowOne, nowMs) {
  const dice = random(7);
  const told = new Map();
  const made = [];
  for (let i = 0; i < count; i++) {
    const start = nowMs - (count - i) * 3000;
    const declined = i % 20 === 13;
    const order = new Order(dice, told, start);
    order.place(i === slowOne ? 1400 : CARD_MS + dice.between(0, 9), declined);
    made.push({ id: order.id, trace: order.trace, declined });
  }
  const resourceSpans = [...told].map(([service, spans]) => ({
    resource: { attributes: attributes({ 'service.name': service, 'service.namespace': 'tradewind', 'service.version': '0.1.0', 'service.instance.id': `${service}-1` }) },
    scopeSpans: [{ spans }],
  }));
  return { resourceSpans, made };
}

class Order {
  constructor(dice, told, start) {
    Object.assign(this, { dice, told, now: start, trace: dice.hex(32), id: dice.uuid() });
  }

  place(cardMs, declined) {
    const failure = declined ? 'card_declined: the bank declined the card' : undefined;
    this.span('gateway', 'POST /api/orders', 'server', { ...http('/api/orders', declined ? 402 : 201), 'tradewind.order.id': this.id }, () => {
      this.span('gateway', 'POST', 'client', { 'http.request.method': 'POST', 'peer.service': 'orders', 'server.address': '127.0.0.1', 'server.port': 41001 }, () => {
        this.span('orders', 'orders.place', 'server', { ...rpc('orders', 'orders.place', 'rest'), ...http('/orders', declined ? 402 : 201) }, () => {
          this.statement('orders', 'INSERT', 'orders_orders');
          this.call('inventory', 'inventory.reserve', 'grpc', () => this.statement('inventory', 'UPDATE', 'inventory_stock'));
          this.call('payments', 'payments.authorize', 'grpc', () => this.card(cardMs), failure);
          if (declined) return this.call('inventory', 'inventory.release', 'grpc', () => this.statement('inventory', 'UPDATE', 'inventory_stock'));
          this.call('shipping', 'shipping.schedule', 'amqp', () => this.statement('shipping', 'INSERT', 'shipping_shipments'));
          this.call('inventory', 'inventory.commit', 'grpc', () => this.statement('inventory', 'UPDATE', 'inventory_stock'));
          return this.say();
        });
      });
    });
  }

  call(service, operation, wire, inside, failure) {
    this.span('orders', operation, 'client', { ...rpc(service, operation, wire), 'peer.service': service }, () => {
      this.span(service, operation, 'server', rpc(service, operation, wire), inside, failure);
    }, failure);
  }

  card(tookMs) {
    this.statement('payments', 'INSERT', 'payments_payments');
    this.span('payments', 'POST', 'client', { 'http.request.method': 'POST', 'peer.service': 'card-network', 'server.address': '127.0.0.1' }, () => {
      this.span('card-network', 'POST /holds', 'server', http('/holds', 200), () => this.work(tookMs));
    });
  }

  /** What is said of the order, and who hears it. */
  say() {
    const message = { 'messaging.system': 'rabbitmq', 'messaging.destination.name': 'tradewind.events', 'messaging.message.id': this.dice.uuid() };
    this.span('orders', 'publish tradewind.events', 'producer', { ...message, 'messaging.operation.type': 'send' }, () => {
      for (const service of ['notifications', 'recommendations']) {
        this.span(service, `process ${service}.events`, 'consumer', { ...message, 'messaging.operation.type': 'process' }, () => this.statement(service, 'INSERT', `${service}_inbox`));
      }
    });
  }

  statement(service, operation, table) {
    this.span(service, `${operation} ${table}`, 'client', { 'db.system.name': 'sqlite', 'db.operation.name': operation, 'db.collection.name': table, 'db.query.text': `${operation} … ${table} … $1` }, () => this.work(0.3));
  }

  span(service, name, kind, facts, inside, failure) {
    const span = {
      traceId: this.trace, spanId: this.dice.hex(16), parentSpanId: this.open?.spanId ?? '', name, kind: KINDS[kind],
      startTimeUnixNano: nanos(this.now), attributes: attributes(facts), status: failure ? { code: 2, message: failure } : {},
      events: kind === 'server' ? [{ timeUnixNano: nanos(this.now), name: `${name} begins`, attributes: attributes({ level: 'INFO' }) }] : [],
    };
    const outer = this.open;
    this.open = span;
    this.work(0.2);
    inside();
    this.work(0.1);
    this.open = outer;
    span.endTimeUnixNano = nanos(this.now);
    if (!this.told.has(service)) this.told.set(service, []);
    this.told.get(service).push(span);
  }

  work(ms) {
    this.now += ms * (0.8 + this.dice.next() * 0.4);
  }
}

const nanos = (ms) => `${Math.round(ms * 1000)}000`;
const http = (route, status) => ({ 'http.request.method': 'POST', 'http.route': route, 'url.path': route, 'http.response.status_code': status });
const rpc = (service, method, wire) => ({ 'tradewind.wire': wire, 'rpc.service': service, 'rpc.method': method });

function attributes(object) {
  return Object.entries(object).map(([key, value]) => ({ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }));
}
