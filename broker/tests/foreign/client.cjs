// Runs scenarios against an AMQP broker with amqplib, and prints one line of JSON for each.
//
//     node client.cjs amqp://guest:guest@127.0.0.1:5672/VHOST [SCENARIO...]
//
// What is printed is comparable: nothing in it depends on time, on names that the broker makes up, or on the
// virtual host. `client.py` does the same with pika, and prints the same.

'use strict';

const assert = require('node:assert');
const { createHash } = require('node:crypto');
const { setTimeout: pause } = require('node:timers/promises');
const amqp = require('amqplib');

const DEADLINE = 20_000;
const CAPABILITIES = [
  'authentication_failure_close',
  'basic.nack',
  'connection.blocked',
  'consumer_cancel_notify',
  'direct_reply_to',
  'per_consumer_qos',
  'publisher_confirms',
];

const URL_ = process.argv[2];
const VIRTUAL_HOST = decodeURIComponent(new URL(URL_).pathname.slice(1)) || '/';
const SCENARIOS = {};

// --- what scenarios are made of ---------------------------------------------------------------------

async function connect(changes = {}, socket = {}) {
  const url = new URL(URL_);
  const { heartbeat, ...rest } = changes;
  if (heartbeat !== undefined) url.searchParams.set('heartbeat', heartbeat);
  Object.assign(url, rest);
  const connection = await amqp.connect(url.href, { noDelay: true, ...socket });
  connection.refusal = new Promise((resolve) => {
    connection.on('error', (error) => resolve(refusal('connection', error)));
  });
  return connection;
}

// A channel that remembers what the broker said when it closed it, or its connection.
async function open(connection, confirming = false) {
  const channel = await (confirming ? connection.createConfirmChannel() : connection.createChannel());
  channel.connection_ = connection;
  const own = new Promise((resolve) => {
    channel.on('error', (error) => resolve(refusal('channel', error)));
  });
  channel.refusal = Promise.race([own, connection.refusal]);
  return channel;
}

function refusal(reach, error) {
  const [, code, text] = /(\d+) \([A-Z-]+\) with message "(.*)"$/s.exec(error.message);
  return { closed: reach, code: Number(code), text: text.replaceAll(`'${VIRTUAL_HOST}'`, "'/'") };
}

// Calls on a fresh channel, or on the one given, expects a refusal, and returns it.
async function refused(on, call) {
  const channel = on.createChannel ? await open(on) : on;
  try {
    await call(channel);
  } catch {
    return within('a refusal', channel.refusal);
  }
  throw new Error('it was not refused');
}

// A refusal without its text, where RabbitMQ 3 and 4 use different words.
const inOtherWords = ({ closed, code }) => ({ closed, code });

async function within(what, promise) {
  const abort = new AbortController();
  const late = pause(DEADLINE, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`waited ${DEADLINE} ms in vain for ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}

// Asks until the state is there.
async function wait(what, state) {
  const until = Date.now() + DEADLINE;
  for (;;) {
    const reached = await state();
    if (reached) return reached;
    if (Date.now() > until) throw new Error(`waited ${DEADLINE} ms in vain for ${what}`);
    await pause(10);
  }
}

const int = (value) => ({ '!': 'int32', value });

function declare(channel, queue, args = {}, options = {}) {
  const typed = Object.entries(args).map(([name, value]) => [name, typeof value === 'number' ? int(value) : value]);
  return channel.assertQueue(queue, { durable: true, ...options, arguments: Object.fromEntries(typed) });
}

async function publish(channel, queue, bodies, { exchange = '', ...properties } = {}) {
  for (const body of bodies) channel.publish(exchange, queue, Buffer.from(body), properties);
  if (channel.waitForConfirms) await channel.waitForConfirms();
}

// How many messages are in the queue and delivered to nobody.
const ready = async (channel, queue) => (await channel.checkQueue(queue)).messageCount;

// Keeps what a consumer is given.
class Consumer {
  static async on(channel, queue, options = {}) {
    const consumer = new Consumer();
    consumer.deliveries = [];
    consumer.cancelled = false;
    const take = (message) => {
      if (message) consumer.deliveries.push(message);
      else consumer.cancelled = true;
    };
    consumer.tag = (await channel.consume(queue, take, options)).consumerTag;
    return consumer;
  }

  // The deliveries, once there are so many.
  async count(count) {
    await wait(`${count} deliveries`, () => this.deliveries.length >= count);
    return this.deliveries;
  }

  async bodies(count) {
    return (await this.count(count)).map(text);
  }
}

const text = (message) => message.content.toString();

// The next message of a queue, acknowledged, once there is one.
const get = (channel, queue) => wait(`a message in ${queue}`, () => channel.get(queue, { noAck: true }));

// The bodies that are in a queue now.
async function drain(channel, queue) {
  const bodies = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (!message) return bodies;
    bodies.push(text(message));
  }
}

const ackUpTo = (channel, deliveryTag) => channel.ack({ fields: { deliveryTag } }, true);
const ackOnly = (channel, deliveryTag) => channel.ack({ fields: { deliveryTag } });

// What the broker says about a queue that is not there; nothing while it is.
async function missing(connection, queue) {
  const channel = await open(connection);
  try {
    await channel.checkQueue(queue);
    await channel.close();
    return null;
  } catch {
    const answer = await channel.refusal;
    return answer.code === 404 && answer;
  }
}

// The entries of x-death without their time.
function deaths(message) {
  return message.properties.headers['x-death'].map(({ time, ...entry }) => {
    assert.equal(time['!'], 'timestamp');
    return Object.fromEntries(Object.entries(entry).sort());
  });
}

const firstDeath = (message) =>
  ['exchange', 'queue', 'reason'].map((what) => message.properties.headers[`x-first-death-${what}`]);

// --- connections ------------------------------------------------------------------------------------

SCENARIOS['connection'] = async () => {
  const clientProperties = { product: 'scenarios', nested: { list: [1, 'two', true] } };
  const client = await connect({ heartbeat: 7 }, { clientProperties });
  const { heartbeat, frameMax, channelMax, serverProperties } = client.connection;
  let closed = false;
  client.on('close', () => {
    closed = true;
  });
  await client.close();
  return {
    heartbeat,
    frame_max: frameMax,
    channel_max: channelMax,
    capabilities: Object.fromEntries(CAPABILITIES.map((name) => [name, serverProperties.capabilities[name]])),
    described: ['product', 'version', 'platform'].every((name) => serverProperties[name]),
    closed: await wait('the end', () => closed),
  };
};

SCENARIOS['no-heartbeats'] = async () => {
  const client = await connect({ heartbeat: 0 });
  const { heartbeat } = client.connection;
  await client.close();
  return { heartbeat };
};

// An idle client that sends heartbeats is kept for more than three of them.
SCENARIOS['heartbeats'] = async () => {
  const client = await connect({ heartbeat: 1 });
  const channel = await open(client);
  await declare(channel, 'idle');
  await pause(3500);
  await publish(channel, 'idle', ['still here']);
  const body = text(await get(channel, 'idle'));
  await client.close();
  return { body };
};

SCENARIOS['refused-passwords'] = async () => {
  const refusals = [];
  for (const changes of [{ password: 'wrong' }, { username: 'nobody' }]) {
    try {
      await connect(changes);
    } catch (error) {
      const { code, text } = refusal('connection', error);
      refusals.push([code, text]);
      continue;
    }
    throw new Error('it was let in');
  }
  return { refusals };
};

SCENARIOS['unknown-virtual-host'] = async () => {
  try {
    await connect({ pathname: '/nowhere' });
    return { let_in: true };
  } catch {
    // amqplib does not tell what the broker said
    return { let_in: false };
  }
};

SCENARIOS['channels'] = async () => {
  const client = await connect();
  const opened = await Promise.all(Array.from({ length: 50 }, () => open(client)));
  await declare(opened[0], 'many-channels');
  await Promise.all(opened.map((channel, number) => publish(channel, 'many-channels', [`${number}`])));
  const bodies = [];
  for (const _ of opened) bodies.push(Number(text(await get(opened[0], 'many-channels'))));
  for (const channel of opened.slice(1)) await channel.close();
  const again = await open(client);
  bodies.sort((one, other) => one - other);
  const result = {
    bodies: bodies.every((body, number) => body === number),
    left: await ready(again, 'many-channels'),
  };
  await client.close();
  return result;
};

SCENARIOS['a-refusal-leaves-other-channels'] = async () => {
  const client = await connect();
  const other = await open(client);
  await declare(other, 'other');
  const first = await refused(client, (channel) => channel.checkQueue('not-there'));
  await publish(other, 'other', ['lives']);
  const result = { refusal: first, body: text(await get(other, 'other')) };
  await client.close();
  return result;
};

// Whoever asks for them is not told without a reason.
SCENARIOS['blocked-notifications'] = async () => {
  const told = [];
  const client = await connect();
  client.on('blocked', () => told.push('blocked'));
  client.on('unblocked', () => told.push('unblocked'));
  const channel = await open(client, true);
  await declare(channel, 'unblocked');
  await publish(channel, 'unblocked', ['a', 'b', 'c']);
  const bodies = await drain(channel, 'unblocked');
  await client.close();
  return { told, bodies };
};

// --- publishing -------------------------------------------------------------------------------------

SCENARIOS['confirms'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'confirmed');
  const bodies = Array.from({ length: 20 }, (_, number) => `${number}`);
  await publish(channel, 'confirmed', bodies, { persistent: true });
  const result = { ready: await ready(channel, 'confirmed') };
  await client.close();
  return result;
};

SCENARIOS['returns'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  const returned = [];
  channel.on('return', (message) => {
    const { replyCode, replyText, exchange, routingKey } = message.fields;
    returned.push([replyCode, replyText, exchange, routingKey, message.properties.messageId, text(message)]);
  });
  for (const exchange of ['', 'amq.direct', 'amq.topic']) {
    // what is returned is confirmed after that
    await publish(channel, 'nowhere', ['lost'], { exchange, messageId: 'm', mandatory: true });
  }
  // what nobody wants and is not mandatory is confirmed
  await publish(channel, 'nowhere', ['lost']);
  await client.close();
  return { returned };
};

SCENARIOS['large-body'] = async () => {
  const parts = Array.from({ length: 32768 }, (_, number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return createHash('sha256').update(bytes).digest();
  });
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'large');
  channel.sendToQueue('large', Buffer.concat(parts));
  channel.sendToQueue('large', Buffer.alloc(0));
  await channel.waitForConfirms();
  const received = (await get(channel, 'large')).content;
  const empty = (await get(channel, 'large')).content;
  await client.close();
  return {
    length: received.length,
    hash: createHash('sha256').update(received).digest('hex'),
    empty: empty.length,
  };
};

// Every property, and headers of every type that the client knows, come back as they were sent.
SCENARIOS['properties'] = async () => {
  const headers = {
    yes: true,
    no: false,
    small: 7,
    short: 300,
    negative: -40000,
    wide: 2 ** 45,
    half: 0.5,
    text: 'grüße, 你好',
    bytes: Buffer.from([0, 255]),
    nothing: null,
    money: { '!': 'decimal', value: { places: 2, digits: 1234 } },
    moment: { '!': 'timestamp', value: 1709209800 },
    list: [1, 'two', [3, null], { four: 4 }],
    table: { a: { b: { c: [true] } } },
    'empty-list': [],
    'empty-table': {},
  };
  // those that come back as plain numbers
  const typed = {
    byte: { '!': 'uint8', value: 200 },
    'unsigned-short': { '!': 'uint16', value: 60000 },
    'unsigned-int': { '!': 'uint32', value: 4000000000 },
    float: { '!': 'float', value: 0.25 },
  };
  const sent = {
    contentType: 'text/plain',
    contentEncoding: 'gzip',
    headers: { ...headers, ...typed },
    deliveryMode: 2,
    priority: 3,
    correlationId: 'correlation',
    replyTo: 'reply',
    expiration: '60000',
    messageId: 'message',
    timestamp: 1700000000,
    type: 'kind',
    userId: 'guest',
    appId: 'scenarios',
  };
  const client = await connect();
  const channel = await open(client);
  await declare(channel, 'properties');
  await publish(channel, 'properties', ['a'], sent);
  await publish(channel, 'properties', ['b']);
  const received = (await get(channel, 'properties')).properties;
  const bare = (await get(channel, 'properties')).properties;
  await client.close();
  const expected = { ...headers };
  for (const [name, { value }] of Object.entries(typed)) expected[name] = value;
  const same = (name) => {
    try {
      assert.deepStrictEqual(received[name], name === 'headers' ? expected : sent[name]);
      return true;
    } catch {
      return false;
    }
  };
  return {
    changed: Object.keys(sent).filter((name) => !same(name)),
    added: Object.keys(received.headers).filter((name) => !(name in expected)),
    // amqplib sends an empty table of headers where there are none
    present_in_bare: Object.keys(sent).filter((name) => name !== 'headers' && bare[name] !== undefined),
  };
};

SCENARIOS['refused-publications'] = async () => {
  const results = {};
  for (const [name, sent] of Object.entries({
    missing_exchange: { exchange: 'no-such-exchange' },
    not_a_number: { expiration: 'soon' },
    wrong_user: { userId: 'somebody' },
  })) {
    const client = await connect();
    const channel = await open(client);
    await publish(channel, 'anywhere', ['a'], sent);
    results[name] = await within('a refusal', channel.refusal);
    await client.close();
  }
  return results;
};

// --- consuming --------------------------------------------------------------------------------------

SCENARIOS['get-from-queue'] = async () => {
  const client = await connect();
  const channel = await open(client);
  await declare(channel, 'gets');
  const empty = (await channel.get('gets')) === false;
  await publish(channel, 'gets', ['a', 'b', 'c']);
  const got = [];
  let last;
  for (let count = 0; count < 2; count++) {
    last = await channel.get('gets');
    const { deliveryTag, redelivered, messageCount, exchange, routingKey } = last.fields;
    got.push([text(last), deliveryTag, redelivered, messageCount, exchange, routingKey]);
  }
  channel.nack(last, false, true);
  const message = await channel.get('gets');
  const { deliveryTag, redelivered, messageCount } = message.fields;
  const again = [text(message), deliveryTag, redelivered, messageCount];
  channel.ackAll();
  const result = { empty, got, again, left: await drain(channel, 'gets') };
  await client.close();
  return result;
};

SCENARIOS['prefetch'] = async () => {
  const client = await connect();
  const channel = await open(client);
  await declare(channel, 'prefetched');
  await publish(channel, 'prefetched', [...'abcde']);
  await channel.prefetch(2);
  const consumer = await Consumer.on(channel, 'prefetched', { consumerTag: 'window' });
  const first = await consumer.bodies(2);
  const waiting = [await ready(channel, 'prefetched')];
  ackOnly(channel, 1);
  const second = await consumer.bodies(3);
  waiting.push(await ready(channel, 'prefetched'));
  ackUpTo(channel, 3);
  const third = await consumer.bodies(5);
  channel.ackAll();
  const tags = [...new Set(consumer.deliveries.map((message) => message.fields.consumerTag))];
  const result = { first, second, third, waiting, tags, left: await ready(channel, 'prefetched') };
  await client.close();
  return result;
};

// Acknowledged, requeued one at a time and many, rejected: each comes again or does not.
SCENARIOS['acknowledgements'] = async () => {
  const client = await connect();
  const channel = await open(client);
  await declare(channel, 'acknowledged');
  await publish(channel, 'acknowledged', [...'abcdef']);
  const got = {};
  for (let count = 0; count < 6; count++) {
    const message = await channel.get('acknowledged');
    got[text(message)] = message;
  }
  channel.ack(got.a);
  channel.nack(got.b, false, false);
  channel.reject(got.c, false);
  channel.reject(got.d, true);
  channel.nack(got.f, true, true);
  const left = [];
  for (let count = 0; count < 3; count++) {
    const message = await channel.get('acknowledged', { noAck: true });
    left.push([text(message), message.fields.redelivered]);
  }
  const result = { left, empty: (await channel.get('acknowledged')) === false };
  const unknown = await open(client);
  ackOnly(unknown, 99);
  result.unknown = await within('a refusal', unknown.refusal);
  await client.close();
  return result;
};

SCENARIOS['recover'] = async () => {
  const client = await connect();
  const channel = await open(client);
  await declare(channel, 'recovered');
  await publish(channel, 'recovered', ['a', 'b']);
  const consumer = await Consumer.on(channel, 'recovered');
  await consumer.count(2);
  await channel.recover();
  const deliveries = (await consumer.count(4)).slice(2);
  const redelivered = deliveries.map((message) => [text(message), message.fields.redelivered]);
  await client.close();
  return { redelivered };
};

SCENARIOS['unacknowledged-messages-of-a-closed-connection-return'] = async () => {
  const [client, holder] = [await connect(), await connect()];
  const [channel, holding] = [await open(client), await open(holder)];
  await declare(channel, 'returning');
  await publish(channel, 'returning', ['a', 'b']);
  await (await Consumer.on(holding, 'returning')).count(2);
  const held = await ready(channel, 'returning');
  await holder.close();
  await wait('both messages', async () => (await ready(channel, 'returning')) === 2);
  const back = [];
  for (let count = 0; count < 2; count++) {
    const message = await channel.get('returning', { noAck: true });
    back.push([text(message), message.fields.redelivered]);
  }
  await client.close();
  return { held, back };
};

SCENARIOS['a-consumer-is-cancelled-when-its-queue-is-deleted'] = async () => {
  const client = await connect();
  const channel = await open(client);
  await declare(channel, 'deleted');
  const consumer = await Consumer.on(channel, 'deleted', { consumerTag: 'bereft' });
  const other = await connect();
  const deleting = await open(other);
  await publish(deleting, 'deleted', ['a']);
  await deleting.deleteQueue('deleted');
  await other.close();
  await wait('the cancellation', () => consumer.cancelled);
  const result = { cancelled: [consumer.tag], usable: (await declare(channel, 'deleted')).queue };
  await client.close();
  return result;
};

SCENARIOS['cancel'] = async () => {
  const client = await connect();
  // without confirms a count may overtake what was published before it
  const channel = await open(client, true);
  await declare(channel, 'cancelled');
  await publish(channel, 'cancelled', ['a']);
  const consumer = await Consumer.on(channel, 'cancelled');
  await consumer.count(1);
  await channel.cancel(consumer.tag);
  await publish(channel, 'cancelled', ['b']);
  // what it holds stays with the channel, and can be acknowledged
  ackOnly(channel, 1);
  const result = {
    left: await ready(channel, 'cancelled'),
    consumers: (await declare(channel, 'cancelled')).consumerCount,
  };
  await client.close();
  return result;
};

SCENARIOS['refused-consumers'] = async () => {
  const nobody = () => {};
  const results = {};
  let client = await connect();
  let channel = await open(client);
  await declare(channel, 'consumers');
  results.missing = await refused(client, (fresh) => fresh.consume('not-there', nobody));
  await Consumer.on(channel, 'consumers', { exclusive: true });
  results.exclusive = await refused(client, (fresh) => fresh.consume('consumers', nobody));
  await client.close();
  client = await connect();
  channel = await open(client);
  await Consumer.on(channel, 'consumers');
  results.second_exclusive = await refused(client, (fresh) => fresh.consume('consumers', nobody, { exclusive: true }));
  await client.close();
  return results;
};

SCENARIOS['single-active-consumer'] = async () => {
  const client = await connect();
  const [one, two] = [await open(client), await open(client)];
  await declare(one, 'single', { 'x-single-active-consumer': true });
  const first = await Consumer.on(one, 'single', { noAck: true });
  const second = await Consumer.on(two, 'single', { noAck: true });
  await publish(one, 'single', ['a', 'b']);
  const before = [await first.bodies(2), second.deliveries.length];
  await one.cancel(first.tag);
  await publish(two, 'single', ['c']);
  const after = await second.bodies(1);
  await client.close();
  return { before, after };
};

// --- exchanges --------------------------------------------------------------------------------------

// Binds a queue for each binding, publishes, and tells what came into which.
async function routed(client, exchange, bindings, messages) {
  const channel = await open(client, true);
  const queues = [];
  for (const [key, args] of bindings) {
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, key, args);
    queues.push(queue);
  }
  for (const [body, key, headers] of messages) await publish(channel, key, [body], { exchange, headers });
  const bodies = [];
  for (const queue of queues) bodies.push(await drain(channel, queue));
  return bodies;
}

const transient = { durable: false };

SCENARIOS['direct-exchange'] = async () => {
  const client = await connect();
  await (await open(client)).assertExchange('direct', 'direct', transient);
  const result = {};
  for (const exchange of ['direct', 'amq.direct']) {
    const bindings = ['a', 'b', 'a'].map((key) => [key, {}]);
    result[exchange] = await routed(client, exchange, bindings, [
      ['1', 'a', {}],
      ['2', 'b', {}],
      ['3', 'c', {}],
    ]);
  }
  await client.close();
  return result;
};

SCENARIOS['topic-exchange'] = async () => {
  const client = await connect();
  await (await open(client)).assertExchange('topic', 'topic');
  const keys = ['stock', 'stock.usd', 'stock.usd.nyse', 'quick.orange.rabbit', '', '.'];
  const patterns = ['#', '*', 'stock.*', 'stock.#', '*.orange.*', '#.nyse', 'stock', '*.*'];
  const result = {};
  for (const exchange of ['topic', 'amq.topic']) {
    const bindings = patterns.map((pattern) => [pattern, {}]);
    const messages = keys.map((key) => [key, key, {}]);
    result[exchange] = await routed(client, exchange, bindings, messages);
  }
  await client.close();
  return result;
};

SCENARIOS['fanout-exchange'] = async () => {
  const client = await connect();
  await (await open(client)).assertExchange('fanout', 'fanout', { durable: false, autoDelete: true });
  const result = {};
  for (const exchange of ['fanout', 'amq.fanout']) {
    const bindings = ['', 'ignored'].map((key) => [key, {}]);
    result[exchange] = await routed(client, exchange, bindings, [['1', 'x', {}]]);
  }
  await client.close();
  return result;
};

SCENARIOS['headers-exchange'] = async () => {
  const client = await connect();
  await (await open(client)).assertExchange('headers', 'headers', transient);
  const bindings = [
    ['', { 'x-match': 'all', kind: 'mail', size: 2 }],
    ['', { 'x-match': 'any', kind: 'mail', size: 2 }],
    ['', { kind: 'mail' }],
    ['', { 'x-match': 'all' }],
    ['', { 'x-match': 'any', kind: null }],
  ];
  const messages = [
    ['both', '', { kind: 'mail', size: 2 }],
    ['one', '', { kind: 'mail' }],
    ['other', '', { kind: 'parcel', size: 2 }],
    ['none', '', {}],
  ];
  const result = {};
  for (const exchange of ['headers', 'amq.headers', 'amq.match']) {
    result[exchange] = await routed(client, exchange, bindings, messages);
  }
  await client.close();
  return result;
};

SCENARIOS['unbind'] = async () => {
  const client = await connect();
  const channel = await open(client);
  await declare(channel, 'unbound');
  await channel.bindQueue('unbound', 'amq.topic', 'a.*');
  await channel.bindQueue('unbound', 'amq.topic', 'a.*');
  await publish(channel, 'a.1', ['before'], { exchange: 'amq.topic' });
  await channel.unbindQueue('unbound', 'amq.topic', 'a.*');
  // a binding that is not there is not missed
  await channel.unbindQueue('unbound', 'amq.topic', 'a.*');
  await publish(channel, 'a.2', ['after'], { exchange: 'amq.topic' });
  const result = { bodies: await drain(channel, 'unbound') };
  await client.close();
  return result;
};

SCENARIOS['refused-exchanges'] = async () => {
  const results = {};
  const client = await connect();
  const channel = await open(client);
  await channel.assertExchange('kept', 'topic');
  await channel.checkExchange('kept');
  await declare(channel, 'bound');
  await channel.bindQueue('bound', 'kept', '#');
  for (const [name, call] of Object.entries({
    missing: (fresh) => fresh.checkExchange('not-there'),
    other_type: (fresh) => fresh.assertExchange('kept', 'direct'),
    not_durable: (fresh) => fresh.assertExchange('kept', 'topic', transient),
    reserved: (fresh) => fresh.assertExchange('amq.mine', 'topic', transient),
    default: (fresh) => fresh.assertExchange('', 'direct', transient),
    in_use: (fresh) => fresh.deleteExchange('kept', { ifUnused: true }),
    delete_default: (fresh) => fresh.deleteExchange(''),
    delete_standard: (fresh) => fresh.deleteExchange('amq.direct'),
    bind_to_default: (fresh) => fresh.bindQueue('bound', '', 'key'),
    bind_missing_queue: (fresh) => fresh.bindQueue('not-there', 'kept', 'key'),
    bind_missing_exchange: (fresh) => fresh.bindQueue('bound', 'not-there', 'key'),
  })) {
    results[name] = await refused(client, call);
  }
  // there is nothing wrong with deleting what is not there
  await channel.deleteExchange('not-there');
  await channel.deleteExchange('kept');
  // RabbitMQ 3 ends the connection, RabbitMQ 4 the channel
  const unknown = await refused(client, (fresh) => fresh.assertExchange('odd', 'no-such-type', transient));
  results.unknown_type = Boolean(unknown);
  return results;
};

// --- queues -----------------------------------------------------------------------------------------

SCENARIOS['exclusive-queue'] = async () => {
  const [owner, other] = [await connect(), await connect()];
  const { queue } = await (await open(owner)).assertQueue('', { exclusive: true });
  // a text of more than 255 bytes is cut, and how long it is depends on the virtual host
  const named = (refusal) => ({ ...refusal, text: refusal.text.split('. ')[0].replace(queue, 'QUEUE') });
  const results = {
    named_by_server: queue.startsWith('amq.gen-'),
    locked: named(await refused(other, (channel) => channel.checkQueue(queue))),
    locked_for_consumers: named(await refused(other, (channel) => channel.consume(queue, () => {}))),
    locked_for_deletion: named(await refused(other, (channel) => channel.deleteQueue(queue))),
  };
  await owner.close();
  results.gone = named(await wait("the queue's end", () => missing(other, queue)));
  await other.close();
  return results;
};

SCENARIOS['auto-delete-queue'] = async () => {
  const client = await connect();
  const channel = await open(client);
  await channel.assertQueue('fleeting', { durable: false, autoDelete: true });
  const consumer = await Consumer.on(channel, 'fleeting');
  await channel.cancel(consumer.tag);
  const gone = await wait("the queue's end", () => missing(client, 'fleeting'));
  await client.close();
  return { gone };
};

SCENARIOS['counts'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'counted');
  await publish(channel, 'counted', ['a', 'b', 'c']);
  const declared = await declare(channel, 'counted');
  const purged = (await channel.purgeQueue('counted')).messageCount;
  await publish(channel, 'counted', ['d']);
  const consumer = await Consumer.on(channel, 'counted');
  const [message] = await consumer.count(1);
  const passive = await channel.checkQueue('counted');
  await channel.cancel(consumer.tag);
  channel.nack(message, false, true);
  const deleted = (await channel.deleteQueue('counted')).messageCount;
  await client.close();
  return {
    declared: [declared.queue, declared.messageCount, declared.consumerCount],
    purged,
    passive: [passive.messageCount, passive.consumerCount],
    deleted,
  };
};

SCENARIOS['refused-queues'] = async () => {
  const results = {};
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'firm');
  await declare(channel, 'limited', { 'x-message-ttl': 60000, 'x-queue-type': 'quorum' });
  await publish(channel, 'firm', ['a']);
  for (const [name, [queue, args, options]] of Object.entries({
    not_durable: ['firm', {}, transient],
    other_type: ['firm', { 'x-queue-type': 'quorum' }],
    argument_added: ['firm', { 'x-max-length': 5 }],
    argument_missing: ['limited', { 'x-queue-type': 'quorum' }],
    argument_differs: ['limited', { 'x-queue-type': 'quorum', 'x-message-ttl': 1 }],
    unknown_type: ['odd', { 'x-queue-type': 'odd' }],
    negative: ['odd', { 'x-message-ttl': -1 }],
    wrong_type: ['odd', { 'x-max-length': 'many' }],
    unknown_overflow: ['odd', { 'x-overflow': 'spill' }],
    routing_key_alone: ['odd', { 'x-dead-letter-routing-key': 'k' }],
    quorum_not_durable: ['odd', { 'x-queue-type': 'quorum' }, transient],
    stream_not_durable: ['odd', { 'x-queue-type': 'stream' }, transient],
    reserved: ['amq.mine', {}],
  })) {
    results[name] = await refused(client, (fresh) => declare(fresh, queue, args, options));
  }
  results.other_type = inOtherWords(results.other_type);
  for (const [name, call] of Object.entries({
    missing: (fresh) => fresh.checkQueue('not-there'),
    purge_missing: (fresh) => fresh.purgeQueue('not-there'),
    get_missing: (fresh) => fresh.get('not-there'),
    not_empty: (fresh) => fresh.deleteQueue('firm', { ifEmpty: true }),
  })) {
    results[name] = await refused(client, call);
  }
  await Consumer.on(channel, 'firm');
  results.in_use = await refused(client, (fresh) => fresh.deleteQueue('firm', { ifUnused: true }));
  // there is nothing wrong with deleting what is not there
  await channel.deleteQueue('not-there');
  await client.close();
  return results;
};

// Messages expire in order, and go where the dead go.
SCENARIOS['queue-ttl'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'dead');
  await declare(channel, 'short-lived', {
    'x-message-ttl': 20,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': 'dead',
  });
  await publish(channel, 'short-lived', ['a', 'b'], { messageId: 'm' });
  const first = await get(channel, 'dead');
  const second = await get(channel, 'dead');
  await client.close();
  return {
    bodies: [text(first), text(second)],
    exchange: first.fields.exchange,
    routing_key: first.fields.routingKey,
    message_id: first.properties.messageId,
    deaths: deaths(first),
    first: firstDeath(first),
  };
};

// A message's own time: it is taken off, so that it does not expire again where the dead go.
SCENARIOS['message-ttl'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'expired');
  await channel.bindQueue('expired', 'amq.fanout', '');
  await declare(channel, 'patient', { 'x-dead-letter-exchange': 'amq.fanout' });
  await publish(channel, 'patient', ['a'], { expiration: '20' });
  await publish(channel, 'patient', ['b']);
  const message = await get(channel, 'expired');
  const result = {
    body: text(message),
    exchange: message.fields.exchange,
    routing_key: message.fields.routingKey,
    expiration: message.properties.expiration ?? null,
    deaths: deaths(message),
    left: await drain(channel, 'patient'),
  };
  await client.close();
  return result;
};

SCENARIOS['a-queue-without-use-expires'] = async () => {
  const client = await connect();
  await declare(await open(client), 'unused', { 'x-expires': 50 });
  const gone = await wait("the queue's end", async () => {
    // asking is a use
    await pause(100);
    return missing(client, 'unused');
  });
  await client.close();
  return { gone };
};

SCENARIOS['max-length'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'overflow');
  await declare(channel, 'bounded', {
    'x-max-length': 2,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': 'overflow',
  });
  await publish(channel, 'bounded', ['a', 'b', 'c']);
  const dropped = await get(channel, 'overflow');
  const result = { dropped: text(dropped), deaths: deaths(dropped), left: await drain(channel, 'bounded') };
  await declare(channel, 'bounded-bytes', { 'x-max-length-bytes': 10 });
  await publish(channel, 'bounded-bytes', ['12345', '67890', 'abcde']);
  await wait('the overflow', async () => (await ready(channel, 'bounded-bytes')) === 2);
  result.left_of_bytes = await drain(channel, 'bounded-bytes');
  await client.close();
  return result;
};

SCENARIOS['reject-publish'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  const result = {};
  for (const kind of ['classic', 'quorum']) {
    const queue = `full-${kind}`;
    await declare(channel, queue, { 'x-queue-type': kind, 'x-max-length': 1, 'x-overflow': 'reject-publish' });
    let taken = 0;
    // a quorum queue tells its publishers a moment later that it is full
    await wait('a refusal', async () => {
      try {
        await publish(channel, queue, [`${taken}`]);
        taken += 1;
        return false;
      } catch {
        return true;
      }
    });
    result[kind] = {
      taken: kind === 'quorum' ? taken > 0 && taken < 3 : taken,
      first: text(await get(channel, queue)),
    };
  }
  await client.close();
  return result;
};

// Rejected twice, on the way through a queue that holds it for a moment: one entry for each queue.
SCENARIOS['dead-letter-cycle'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'work', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'pause' });
  await declare(channel, 'pause', {
    'x-message-ttl': 10,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': 'work',
  });
  await publish(channel, 'work', ['a']);
  const consumer = await Consumer.on(channel, 'work');
  for (const attempt of [1, 2]) {
    await consumer.count(attempt);
    channel.reject(consumer.deliveries[attempt - 1], false);
  }
  const message = (await consumer.count(3))[2];
  const result = {
    body: text(message),
    redelivered: message.fields.redelivered,
    deaths: deaths(message),
    first: firstDeath(message),
  };
  await client.close();
  return result;
};

// A quorum queue gives up on a message after so many attempts.
SCENARIOS['delivery-limit'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'given-up', { 'x-queue-type': 'quorum' });
  await declare(channel, 'stubborn', {
    'x-queue-type': 'quorum',
    'x-delivery-limit': 2,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': 'given-up',
  });
  await publish(channel, 'stubborn', ['a'], { persistent: true });
  const consumer = await Consumer.on(channel, 'stubborn');
  const attempts = [];
  for (const attempt of [1, 2, 3]) {
    const message = (await consumer.count(attempt)).at(-1);
    attempts.push([message.properties.headers['x-delivery-count'] ?? null, message.fields.redelivered]);
    channel.nack(message, false, true);
  }
  const dead = await get(channel, 'given-up');
  const result = {
    attempts,
    body: text(dead),
    deaths: deaths(dead),
    first: firstDeath(dead),
    left: await ready(channel, 'stubborn'),
  };
  await client.close();
  return result;
};

// --- direct reply-to --------------------------------------------------------------------------------

const REPLY_TO = 'amq.rabbitmq.reply-to';

SCENARIOS['direct-reply-to'] = async () => {
  const [asking, answering] = [await connect(), await connect()];
  const [asker, server] = [await open(asking), await open(answering)];
  await declare(server, 'questions');
  const questions = await Consumer.on(server, 'questions', { noAck: true });
  const replies = await Consumer.on(asker, REPLY_TO, { noAck: true });
  for (const correlationId of ['1', '2']) {
    await publish(asker, 'questions', [correlationId], { replyTo: REPLY_TO, correlationId });
  }
  const told = [];
  for (const question of await questions.count(2)) {
    const { replyTo, correlationId } = question.properties;
    told.push(replyTo.startsWith(`${REPLY_TO}.`));
    server.sendToQueue(replyTo, Buffer.from(`reply to ${text(question)}`), { correlationId });
  }
  const received = (await replies.count(2)).map((reply) => [
    text(reply),
    reply.properties.correlationId,
    reply.fields.exchange,
    reply.fields.redelivered,
    reply.fields.routingKey.startsWith(`${REPLY_TO}.`),
  ]);
  const address = questions.deliveries[0].properties.replyTo;
  const present = (await server.checkQueue(address)).queue === address;
  await asker.close();
  const { code: gone } = await wait('the end of the reply queue', () => missing(answering, address));
  // who is gone is not missed
  server.sendToQueue(address, Buffer.from('late'));
  const result = { told, received, present, gone, usable: await ready(server, 'questions') };
  await asking.close();
  await answering.close();
  return result;
};

SCENARIOS['refused-reply-to'] = async () => {
  const nobody = () => {};
  const results = {};
  const client = await connect();
  let channel = await open(client);
  await publish(channel, 'anywhere', ['a'], { replyTo: REPLY_TO });
  results.without_consumer = await within('a refusal', channel.refusal);
  results.with_acknowledgements = await refused(client, (fresh) => fresh.consume(REPLY_TO, nobody));
  channel = await open(client);
  await Consumer.on(channel, REPLY_TO, { noAck: true });
  results.twice = await refused(channel, (same) => same.consume(REPLY_TO, nobody, { noAck: true }));
  await client.close();
  return results;
};

// --- streams ----------------------------------------------------------------------------------------

SCENARIOS['stream'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'log', { 'x-queue-type': 'stream' });
  await publish(
    channel,
    'log',
    Array.from({ length: 10 }, (_, number) => `${number}`),
  );
  const result = {};
  for (const [name, offset] of [
    ['first', 'first'],
    ['number', 7],
    ['past', { '!': 'timestamp', value: 1577836800 }],
    ['default', undefined],
    ['next', 'next'],
  ]) {
    const reader = await open(client);
    await reader.prefetch(100);
    const args = offset === undefined ? {} : { 'x-stream-offset': offset };
    const consumer = await Consumer.on(reader, 'log', { arguments: args });
    let expected = { number: 3, default: 0, next: 0 }[name] ?? 10;
    if (!expected) {
      await publish(channel, 'log', [`for ${name}`]);
      expected = 1;
    }
    const deliveries = (await consumer.count(expected)).slice(0, expected);
    result[name] = deliveries.map((message) => [
      text(message),
      message.properties.headers['x-stream-offset'],
      message.fields.redelivered,
    ]);
    await reader.close();
  }
  await client.close();
  return result;
};

// Acknowledgements move a reader's window, and take nothing from the stream.
SCENARIOS['stream-window'] = async () => {
  const client = await connect();
  const channel = await open(client, true);
  await declare(channel, 'window', { 'x-queue-type': 'stream' });
  await publish(channel, 'window', [...'abcdef']);
  const result = {};
  for (const name of ['one', 'two']) {
    const reader = await open(client);
    await reader.prefetch(2);
    const consumer = await Consumer.on(reader, 'window', { arguments: { 'x-stream-offset': 'first' } });
    for (let count = 1; count < 7; count++) {
      await consumer.count(count);
      ackOnly(reader, count);
    }
    result[name] = await consumer.bodies(6);
    await reader.close();
  }
  await client.close();
  return result;
};

SCENARIOS['refused-streams'] = async () => {
  const nobody = () => {};
  const results = {};
  const client = await connect();
  await declare(await open(client), 'strict', { 'x-queue-type': 'stream' });
  results.without_prefetch = inOtherWords(await refused(client, (fresh) => fresh.consume('strict', nobody)));
  const stream = { durable: true, arguments: { 'x-queue-type': 'stream' } };
  results.exclusive = await refused(client, (fresh) => fresh.assertQueue('mine', { ...stream, exclusive: true }));
  results.auto_delete = await refused(client, (fresh) => fresh.assertQueue('mine', { ...stream, autoDelete: true }));
  await client.close();
  // what a stream cannot do at all ends the connection
  results.get = await refused(await connect(), (fresh) => fresh.get('strict'));
  results.purge = await refused(await connect(), (fresh) => fresh.purgeQueue('strict'));
  const reader = await open(await connect());
  await reader.prefetch(10);
  const deaf = await refused(reader, (same) => same.consume('strict', nobody, { noAck: true }));
  results.without_acknowledgements = inOtherWords(deaf);
  return results;
};

async function main() {
  const wanted = process.argv.slice(3);
  for (const name of wanted.length ? wanted : Object.keys(SCENARIOS)) {
    let outcome;
    try {
      outcome = await SCENARIOS[name]();
    } catch (error) {
      // the others go on
      outcome = { failed: `${error.name}: ${error.message}` };
    }
    process.stdout.write(`${JSON.stringify({ scenario: name, ...outcome })}\n`);
  }
  // a scenario that failed may have left connections behind
  process.exit(0);
}

main();
