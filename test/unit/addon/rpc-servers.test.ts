import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type RpcAddon, rpcDevices } from '../../../src/addon/rpc-servers.js';

/** As an addon with RPC, which must hear of servers that answer only. */
function fakeAddon({ backends = ['RPC', 'CPU'], isInUse = false, devices = 0 } = {}) {
  const connected = vi.fn(async () => []);
  const binding = {
    buildInfo: () => ({ backends }),
    rpcServerState: () => ({ isInUse, devices }),
    rpcDevices: connected,
    rpcProtocol: { major: 7, minor: 1 },
  } as unknown as RpcAddon['binding'];
  return { addon: { binding, info: { package: null, file: 'a.node' } }, connected };
}

async function serve(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Of a server with this version and so many devices. */
const answers = (major: number, minor: number, devices = 2) => {
  const answer = Buffer.alloc(36 + 12);
  answer.writeBigUInt64LE(28n);
  answer.set([major, minor], 8);
  answer.writeBigUInt64LE(4n, 36);
  answer.writeUInt32LE(devices, 44);
  return answer;
};

it('greets as ggml does, reads an answer in pieces, hangs up, then connects', async () => {
  const received: Buffer[] = [];
  let hungUp: Promise<unknown> | undefined;
  const endpoint = await serve((socket) => {
    hungUp = once(socket, 'close');
    socket.on('data', (chunk) => received.push(chunk));
    socket.write(answers(7, 1).subarray(0, 5));
    setTimeout(() => socket.write(answers(7, 1).subarray(5)), 20);
  });
  const { addon, connected } = fakeAddon();
  await rpcDevices(addon, [endpoint]);
  await hungUp;
  expect(Buffer.concat(received)).toEqual(
    Buffer.from([
      14,
      24,
      ...new Array<number>(7 + 24).fill(0),
      15,
      ...new Array<number>(8).fill(0),
    ]),
  );
  expect(connected).toHaveBeenCalledExactlyOnceWith([endpoint]);
});

it.each<[string, (socket: Socket) => void, RegExp]>([
  ['is silent', () => {}, /within 0.1 s.*busy/],
  ['closes', (socket) => socket.end(), /no ggml-rpc-server/],
  ['resets', (socket) => socket.once('data', () => socket.resetAndDestroy()), /no ggml-rpc-/],
  ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n'.repeat(9)), /no ggml-rpc-/],
  ['is older', (socket) => socket.write(answers(6, 0)), /version 6\.0.*7\.1/],
  ['is newer', (socket) => socket.write(answers(7, 2)), /version 7\.2.*7\.1/],
  ['knows HELLO only', (socket) => socket.write(answers(8, 0).subarray(0, 36)), /version 8\.0/],
  ['hangs up', (socket) => socket.end(answers(7, 0).subarray(0, 40)), /hangs up/],
  ['has nothing', (socket) => socket.write(answers(7, 0, 0)), /no devices/],
])('refuses a server that %s', async (_, onSocket, message) => {
  const endpoint = await serve(onSocket);
  const { addon, connected } = fakeAddon();
  await expect(rpcDevices(addon, [endpoint], { timeoutMs: 100 })).rejects.toMatchObject({
    ...{ code: 'ERR_BACKEND_UNAVAILABLE', backend: 'rpc', missing: 'device', tried: [endpoint] },
    message: expect.stringMatching(message),
  });
  expect(connected).not.toHaveBeenCalled();
});

it('names a server that cannot be reached', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  await once(server, 'close');
  await expect(rpcDevices(fakeAddon().addon, [endpoint])).rejects.toMatchObject({
    ...{ code: 'ERR_BACKEND_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') },
  });
});

it('notices a server that was started again with other devices', async () => {
  const endpoint = await serve((socket) => socket.write(answers(7, 0, 2)));
  await rpcDevices(fakeAddon({ devices: 2 }).addon, [endpoint]);
  const { addon, connected } = fakeAddon({ devices: 1 });
  await expect(rpcDevices(addon, [endpoint])).rejects.toThrow(/has 2 devices and had 1/);
  expect(connected).not.toHaveBeenCalled();
});

it('does not ask a server that has a model of this process, as it would not answer', async () => {
  const { addon, connected } = fakeAddon({ isInUse: true });
  await rpcDevices(addon, ['127.0.0.1:1']);
  expect(connected).toHaveBeenCalledOnce();
});

it('stops for a signal', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const endpoint = await serve(() => controller.abort(reason));
  const { signal } = controller;
  await expect(rpcDevices(fakeAddon().addon, [endpoint], { signal })).rejects.toBe(reason);
  await expect(rpcDevices(fakeAddon().addon, [endpoint], { signal })).rejects.toBe(reason);
});

it('says how to build an addon that has the backend', async () => {
  const { addon } = fakeAddon({ backends: ['CPU'] });
  await expect(rpcDevices(addon, ['127.0.0.1:1'])).rejects.toMatchObject({
    ...{ code: 'ERR_BACKEND_UNAVAILABLE', missing: 'package' },
    message: expect.stringContaining('build --rpc'),
  });
  expect(await rpcDevices(addon, [])).toEqual([]);
});
