/** Which GPUs a load uses, and how it shares the decoder out among them. */
import type { NativeDevice } from './binding.js';
import { invalidArgument } from './errors.js';
import { usableGpus } from './memory.js';

export interface DeviceOptions {
  /** GPUs to use, by the names that `llava-onevision doctor` shows; the vision tower runs on the first. Default: all of the
   *  backend's, without integrated ones where there are others. */
  devices?: readonly string[];
  /** Each device's share of the decoder's layers, in the order of `devices` and in any unit. Default: by free memory. */
  tensorSplit?: readonly number[];
}

export interface DeviceSettings {
  devices: readonly string[] | undefined;
  tensorSplit: readonly number[] | undefined;
}

/** @throws ERR_INVALID_ARGUMENT */
export function resolveDevices({ devices, tensorSplit }: DeviceOptions): DeviceSettings {
  const isName = (name: unknown) => typeof name === 'string' && name !== '';
  if (devices !== undefined) {
    const isList = Array.isArray(devices) && devices.length > 0 && devices.every(isName);
    if (!isList || new Set(devices).size < devices.length)
      throw invalidArgument('devices', 'a list of different names of GPUs', devices);
  }
  if (tensorSplit !== undefined) {
    const isShare = (share: unknown) => Number.isFinite(share) && (share as number) >= 0;
    const isList = Array.isArray(tensorSplit) && tensorSplit.every(isShare);
    if (!isList || !tensorSplit.some((share) => share > 0))
      throw invalidArgument('tensorSplit', 'a list of shares of 0 or more, not all 0', tensorSplit);
    if (devices && tensorSplit.length !== devices.length)
      throw invalidArgument(
        'tensorSplit',
        `one share for each of ${devices.length} devices`,
        tensorSplit,
      );
  }
  return { devices, tensorSplit };
}

/** The GPUs that the settings mean. @throws ERR_INVALID_ARGUMENT when a name is none of them */
export function chooseGpus(
  { devices: names, tensorSplit }: DeviceSettings,
  devices: readonly NativeDevice[],
): NativeDevice[] {
  const all = devices.filter(({ type }) => type === 'gpu' || type === 'igpu');
  const chosen = names?.map((name) => {
    const device = all.find((one) => one.name === name);
    if (device) return device;
    const known =
      all.length > 0 ? all.map((one) => one.name).join(', ') : 'none, as there is no GPU';
    throw invalidArgument('devices', `names of ${known}`, name);
  });
  const gpus = chosen ?? usableGpus(devices);
  if (tensorSplit && tensorSplit.length !== gpus.length)
    throw invalidArgument(
      'tensorSplit',
      `one share for each of ${gpus.length} devices`,
      tensorSplit,
    );
  return gpus;
}
