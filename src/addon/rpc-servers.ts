/**
 * The devices of other machines: endpoints of ggml-rpc-server in, devices with their memory out.
 *
 * ggml ends the process when it cannot connect, or when what answers is something else (GGML_ABORT in ggml-rpc.cpp, llama.cpp
 * v0.5.0). So each server is asked for its version first, as ggml does it, with a time limit. What happens to a server later
 * is not seen here.
 */
import { connect } from 'node:net';
import type { NativeBinding, NativeDevice } from '../binding.js';
import { LlavaError } from '../errors.js';
import type { BackendInfo } from './backend.js';

export interface RpcAddon {
  binding: Pick<NativeBinding, 'buildInfo' | 'isRpcInUse' | 'rpcDevices' | 'rpcProtocol'>;
  info: Pick<BackendInfo, 'package' | 'file'>;
}

const TIMEOUT_MS = 10_000;

/** RPC_CMD_HELLO and its request: the size, then what the transport could do beside TCP, which is nothing. */
const HELLO = Buffer.alloc(1 + 8 + 24);
HELLO.writeUInt8(14);
HELLO.writeUInt8(24, 1);
/** The size; major, minor, patch, padding, and the same of the server. */
const ANSWER_BYTES = 8 + 28;

/** @throws ERR_BACKEND_UNAVAILABLE, signal.reason */
export async function rpcDevices(
  { binding, info }: RpcAddon,
  endpoints: readonly string[],
  { signal, timeoutMs = TIMEOUT_MS }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<NativeDevice[]> {
  if (endpoints.length === 0) return [];
  const file = info.package ?? info.file;
  if (!binding.buildInfo().backends.includes('RPC'))
    throw unavailable(
      'package',
      file,
      `rpcServers need an addon that was compiled with --rpc, \
and ${file} was not: \`npx llava-onevision build --rpc\`, or \`npm run build:native -- --rpc\` in a clone`,
    );
  for (const endpoint of endpoints) {
    // A server that has our model answers nobody else, and is there.
    if (binding.isRpcInUse(endpoint)) continue;
    const problem = await problemOf(endpoint, binding.rpcProtocol, { signal, timeoutMs });
    if (problem) throw unavailable('device', endpoint, `The RPC server ${endpoint} ${problem}`);
  }
  return binding.rpcDevices([...endpoints]);
}

function unavailable(missing: 'package' | 'device', tried: string, message: string): LlavaError {
  const { platform, arch } = process;
  return new LlavaError('ERR_BACKEND_UNAVAILABLE', `${message}.`, {
    ...{ backend: 'rpc', missing, tried: [tried], platform: `${platform}-${arch}` },
  });
}

/** In words, or nothing. @throws signal.reason */
async function problemOf(
  endpoint: string,
  { major, minor }: NativeBinding['rpcProtocol'],
  { signal, timeoutMs }: { signal: AbortSignal | undefined; timeoutMs: number },
): Promise<string | undefined> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  let answer: Buffer;
  try {
    answer = await greet(endpoint, signal ? AbortSignal.any([signal, timeout]) : timeout);
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted)
      return `does not answer within ${timeoutMs / 1000} s: it is busy with another client, of which it has one at a time, or is none`;
    return `cannot be reached: ${(error as Error).message}`;
  }
  const ours = `${major}.${minor}`;
  if (answer.length < ANSWER_BYTES || answer.readBigUInt64LE() !== BigInt(ANSWER_BYTES - 8))
    return `is no ggml-rpc-server, or one of another protocol than ${ours}`;
  const [theirMajor, theirMinor] = [answer[8]!, answer[9]!];
  if (theirMajor === major && theirMinor <= minor) return undefined;
  return `speaks version ${theirMajor}.${theirMinor} of the protocol, and the addon ${ours}: build both from one version`;
}

/** The answer's first bytes; fewer where the server closes before. As ggml: over IPv4. */
async function greet(endpoint: string, signal: AbortSignal): Promise<Buffer> {
  const [host, port] = endpoint.split(':') as [string, string];
  const socket = connect({ host, port: Number(port), family: 4, signal });
  socket.write(HELLO);
  let answer = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= ANSWER_BYTES) break;
    }
  } catch (error) {
    // A reset is one way to close.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  } finally {
    socket.destroy();
  }
  return answer;
}
