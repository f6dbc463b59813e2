/** Which GPUs, of this and other machines, a load uses, and how it shares the decoder out among them. */
import type { NativeDevice } from '../binding.js';
import { invalidArgument } from '../errors.js';

export interface DeviceOptions {
  /** GPUs to use, by the names that `devices()` and `llava-onevision doctor` show. Default: all of the backend's that have
   *  memory to spare, the one with the most first, without integrated ones where there are others. */
  devices?: readonly string[];
  /** Each device's share of the decoder's layers, in the order of `devices` and in any unit. Default: by the memory that
   *  each has for them. Without `devices`: in the order of `devices()`. */
  tensorSplit?: readonly number[];
  /** The one of them that the vision tower runs on. Default: the first. */
  mainDevice?: string;
  /** Machines that run ggml-rpc-server, `host:port` each, whose devices take layers as GPUs do: docs/scaling.md. They come
   *  after the GPUs of this machine and are called RPC0, RPC1 and so on. There is no encryption and no password, and a server
   *  that is lost ends this process. */
  rpcServers?: readonly string[];
}

export interface DeviceSettings {
  devices?: readonly string[] | undefined;
  tensorSplit?: readonly number[] | undefined;
  mainDevice?: string | undefined;
  rpcServers?: readonly string[] | undefined;
}

/** The main one first. */
export interface ChosenGpus {
  gpus: NativeDevice[];
  tensorSplit: number[] | undefined;
}

/** Less than this is nothing to share out. */
const ROOM = 512 * 2 ** 20;
/** llama_max_devices() of llama.cpp. */
const MAX_DEVICES = 16;

/** @throws ERR_INVALID_ARGUMENT */
export function checkDevices(devices: unknown): readonly string[] | undefined {
  if (devices === undefined) return undefined;
  const isList = Array.isArray(devices) && devices.length > 0 && devices.every(isName);
  if (!isList || new Set(devices).size < devices.length)
    throw invalidArgument('devices', 'a list of different names of GPUs', devices);
  return devices;
}

/** @throws ERR_INVALID_ARGUMENT */
export function checkTensorSplit(tensorSplit: unknown): readonly number[] | undefined {
  if (tensorSplit === undefined) return undefined;
  const isShare = (share: unknown) => Number.isFinite(share) && (share as number) >= 0;
  const isList = Array.isArray(tensorSplit) && tensorSplit.every(isShare);
  if (!isList || !tensorSplit.some((share) => share > 0))
    throw invalidArgument('tensorSplit', 'a list of shares of 0 or more, not all 0', tensorSplit);
  return tensorSplit;
}

/** @throws ERR_INVALID_ARGUMENT */
export function checkMainDevice(mainDevice: unknown): string | undefined {
  if (mainDevice === undefined || isName(mainDevice)) return mainDevice;
  throw invalidArgument('mainDevice', 'the name of a GPU', mainDevice);
}

/** A name or an IPv4 address: ggml knows no other. @throws ERR_INVALID_ARGUMENT */
export function checkRpcServers(servers: unknown): readonly string[] | undefined {
  if (servers === undefined) return undefined;
  const isEndpoint = (server: unknown) => {
    const port = typeof server === 'string' && /^[A-Za-z0-9._-]+:(\d{1,5})$/.exec(server)?.[1];
    return port && Number(port) >= 1 && Number(port) <= 65535;
  };
  const isList = Array.isArray(servers) && servers.every(isEndpoint);
  if (!isList || servers.length > MAX_DEVICES || new Set(servers).size < servers.length) {
    const expected = `up to ${MAX_DEVICES} different 'host:port', names or IPv4 addresses,`;
    const wrong = Array.isArray(servers) && servers.find((server) => !isEndpoint(server));
    throw invalidArgument('rpcServers', expected, wrong || servers);
  }
  return servers;
}

/** @throws ERR_INVALID_ARGUMENT */
export function checkDevicesTogether({ devices, tensorSplit, mainDevice }: DeviceSettings): void {
  if (!devices) return;
  if (tensorSplit) checkShares(tensorSplit, devices.length);
  if (mainDevice !== undefined && !devices.includes(mainDevice))
    throw invalidArgument('mainDevice', `one of ${devices.join(', ')}`, mainDevice);
}

/** The GPUs of this machine that llama.cpp uses: integrated ones only where there is no other. */
export function usableGpus(devices: readonly NativeDevice[]): NativeDevice[] {
  const usable = devices.filter(({ problem }) => problem === undefined);
  const discrete = usable.filter(({ type }) => type === 'gpu');
  return discrete.length > 0 ? discrete : usable.filter(({ type }) => type === 'igpu');
}

/** The GPUs that the settings mean. @throws ERR_INVALID_ARGUMENT when a name is none of them */
export function chooseGpus(
  { devices: names, tensorSplit, mainDevice }: DeviceSettings,
  devices: readonly NativeDevice[],
): ChosenGpus {
  const all = devices.filter(({ type }) => type === 'gpu' || type === 'igpu' || isRemote(type));
  const usable = [...usableGpus(devices), ...all.filter(({ type }) => isRemote(type))];
  const roomy = usable.filter(({ name, memoryFree }) => memoryFree > ROOM || name === mainDevice);
  roomy.sort(
    (a, b) => Number(isRemote(a.type)) - Number(isRemote(b.type)) || b.memoryFree - a.memoryFree,
  );
  const byItself = tensorSplit || roomy.length === 0 ? usable : roomy;
  const gpus = names?.map((name) => findGpu('devices', name, all)) ?? byItself;
  if (tensorSplit) checkShares(tensorSplit, gpus.length);
  const local = gpus.filter(({ type }) => !isRemote(type));
  const main = mainDevice === undefined ? local[0] : findGpu('mainDevice', mainDevice, local);
  const shares = gpus.map((gpu, i) => ({ gpu, share: tensorSplit?.[i] ?? 0 }));
  const ordered = [
    ...shares.filter(({ gpu }) => gpu === main),
    ...shares.filter(({ gpu }) => gpu !== main),
  ];
  return {
    gpus: ordered.map(({ gpu }) => gpu),
    tensorSplit: tensorSplit && ordered.map(({ share }) => share),
  };
}

const isRemote = (type: NativeDevice['type']) => type === 'rpc';

function findGpu(argument: string, name: string, gpus: readonly NativeDevice[]): NativeDevice {
  const found = gpus.find((one) => one.name === name);
  if (found && found.problem === undefined) return found;
  if (found)
    throw invalidArgument(argument, `a GPU that can be used (${name}: ${found.problem})`, name);
  const known =
    gpus.length > 0 ? gpus.map((one) => one.name).join(', ') : 'none, as there is no GPU';
  throw invalidArgument(argument, `names of ${known}`, name);
}

function checkShares(tensorSplit: readonly number[], count: number): void {
  if (tensorSplit.length === count) return;
  throw invalidArgument('tensorSplit', `one share for each of ${count} devices`, tensorSplit);
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name !== '';
}
