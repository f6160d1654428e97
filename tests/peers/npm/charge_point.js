// A charge point on `ocpp-rpc`, played over standard input and output: one JSON object a line, both ways.
//
// The first line says how to connect: {endpoint, identity, password}. Each line after it is an order {n, do, ...} that is
// answered by {n, result} or {n, error}. What happens unasked is told as {event, ...}.

'use strict';

const readline = require('readline');
const { RPCClient, createRPCError } = require('ocpp-rpc');

const BACK_OFF = { initialDelay: 100, maxDelay: 2000, factor: 2, randomisationFactor: 0.25 };
const CALL_TIMEOUT_MS = 20000;

const answers = new Map();
const numbers = new Map(); // what a transaction is called here → its transactionId
const queue = [];
let client;
let delivering = false;

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const plain = (error) => ({
  message: String(error.message),
  ocppCode: error.rpcErrorCode ?? null,
  httpStatus: typeof error.code === 'number' ? error.code : null,
});

function open({ endpoint, identity, password }) {
  client = new RPCClient({
    endpoint,
    identity,
    password,
    protocols: ['ocpp1.6'],
    strictMode: true,
    callTimeoutMs: CALL_TIMEOUT_MS,
    backoff: BACK_OFF,
  });
  client.on('open', () => {
    say({ event: 'open' });
    deliver();
  });
  client.on('disconnect', ({ code, reason }) => say({ event: 'disconnect', code, reason: String(reason) }));
  client.on('strictValidationFailure', ({ method, outbound, isCall, error }) =>
    say({ event: 'complaint', method, outbound, isCall, message: String(error.message), details: error.details }));
  client.on('badMessage', ({ buffer, error }) =>
    say({ event: 'complaint', method: buffer.toString(), message: String(error.message) }));
  client.handle(({ method, params }) => {
    say({ event: 'asked', action: method, payload: params });
    if (!answers.has(method)) throw createRPCError('NotSupported', 'this test expects no such call');
    return answers.get(method);
  });
}

// The offline queue of OCPP 1.6 ed. 2 §3.7: in order, again after each reconnect, under a new message id each time.
async function deliver() {
  if (delivering) return;
  delivering = true;
  try {
    while (queue.length && client.state === RPCClient.OPEN) {
      const { n, action, payload, begins, within } = queue[0];
      const result = await client.call(action, within ? { ...payload, transactionId: numbers.get(within) } : payload);
      if (begins) numbers.set(begins, result.transactionId);
      queue.shift();
      say({ n, result });
    }
  } catch (error) {
    const { n } = queue[0];
    if (error.rpcErrorCode) {
      queue.shift();
      say({ n, error: plain(error) });
    }
    setTimeout(deliver, BACK_OFF.initialDelay);
  } finally {
    delivering = false;
  }
}

const orders = {
  connect: async () => {
    await client.connect();
    return {};
  },
  call: ({ action, payload }) => client.call(action, payload),
  answer: async ({ action, payload }) => {
    answers.set(action, payload);
    return {};
  },
  cut: async () => {
    client._ws.terminate(); // the cable, not the protocol: the library offers no such thing
    return {};
  },
  close: async () => {
    await client.close();
    return {};
  },
};

async function obey(order) {
  if (order.do === 'record') {
    queue.push(order);
    deliver();
    return;
  }
  try {
    say({ n: order.n, result: await orders[order.do](order) });
  } catch (error) {
    say({ n: order.n, error: plain(error) });
  }
}

readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    if (client === undefined) open(order);
    else obey(order);
  })
  .on('close', () => process.exit(0));
