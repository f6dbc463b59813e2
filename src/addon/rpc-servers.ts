/**
 * The devices of other machines: endpoints of ggml-rpc-server in, devices with their memory out.
 *
 * ggml ends the process when it cannot connect, or when what answers is something else (GGML_ABORT in ggml-rpc.cpp, llama.cpp
 * v0.5.0). So each server is asked for its version and devices first, as ggml does it, with a time limit. What happens to a server later
 * is not seen here.
 */
import { connect } from 'node:net';
import type { NativeBinding, NativeDevice } from '../binding.js';
import { LlavaError } from '../errors.js';
import type { BackendInfo } from './backend.js';

export interface RpcAddon {
  binding: Pick<NativeBinding, 'buildInfo' | 'rpcServerState' | 'rpcDevices' | 'rpcProtocol'>;
  info: Pick<BackendInfo, 'package' | 'file'>;
}

const TIMEOUT_MS = 10_000;

/** RPC_CMD_HELLO and its request: the size, then what the transport could do beside TCP, which is nothing.
 *  RPC_CMD_DEVICE_COUNT, whose request is empty. */
const QUESTIONS = Buffer.alloc(1 + 8 + 24 + 1 + 8);
QUESTIONS.writeUInt8(14);
QUESTIONS.writeUInt8(24, 1);
QUESTIONS.writeUInt8(15, 33);
/** The size; major, minor, patch, padding, and the same of the server. Then the size and the count. */
const HELLO_BYTES = 8 + 28;
const ANSWER_BYTES = HELLO_BYTES + 8 + 4;

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
    const problem = await problemOf(endpoint, binding, { signal, timeoutMs });
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
  binding: RpcAddon['binding'],
  { signal, timeoutMs }: { signal: AbortSignal | undefined; timeoutMs: number },
): Promise<string | undefined> {
  const { isInUse, devices } = binding.rpcServerState(endpoint);
  // A server that has our model answers nobody else, and is there.
  if (isInUse) return undefined;
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  let answer: Buffer;
  try {
    answer = await ask(endpoint, signal ? AbortSignal.any([signal, timeout]) : timeout);
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted)
      return `does not answer within ${timeoutMs / 1000} s: it is busy with another client, of which it has one at a time, or is none`;
    return `cannot be reached: ${(error as Error).message}`;
  }
  signal?.throwIfAborted();
  return wrongIn(answer, binding.rpcProtocol) ?? changed(answer, devices);
}

function wrongIn(
  answer: Buffer,
  { major, minor }: NativeBinding['rpcProtocol'],
): string | undefined {
  const ours = `${major}.${minor}`;
  if (!isHello(answer)) return `is no ggml-rpc-server, or one of another protocol than ${ours}`;
  const [theirMajor, theirMinor] = [answer[8]!, answer[9]!];
  if (theirMajor !== major || theirMinor > minor)
    return `speaks version ${theirMajor}.${theirMinor} of the protocol, and the addon ${ours}: build both from one version`;
  return answer.length < ANSWER_BYTES ? 'hangs up when it is asked for its devices' : undefined;
}

/** ggml does not ask again, and a device that is no longer there would end the process. */
function changed(answer: Buffer, before: number): string | undefined {
  const now = answer.readUInt32LE(ANSWER_BYTES - 4);
  if (now === 0) return 'has no devices';
  if (before === 0 || now === before) return undefined;
  return `has ${now} devices and had ${before} when this process met it: start this process again`;
}

const isHello = (answer: Buffer) =>
  answer.length >= HELLO_BYTES && answer.readBigUInt64LE() === BigInt(HELLO_BYTES - 8);

/** The answers' first bytes; fewer where the server closes before. As ggml: over IPv4. */
async function ask(endpoint: string, signal: AbortSignal): Promise<Buffer> {
  const [host, port] = endpoint.split(':') as [string, string];
  const socket = connect({ host, port: Number(port), family: 4, signal });
  socket.write(QUESTIONS);
  let answer = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      answer = Buffer.concat([answer, chunk]);
      const isOther = answer.length >= HELLO_BYTES && !isHello(answer);
      if (isOther || answer.length >= ANSWER_BYTES) break;
    }
  } catch (error) {
    // A reset is one way to close; and a server of another version may not know the second question.
    if (!isHello(answer) && (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  } finally {
    socket.destroy();
  }
  return answer;
}
