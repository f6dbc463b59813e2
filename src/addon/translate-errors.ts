/**
 * The one place where the addon's errors become `LlavaError`s: its functions, and the methods of the handles that they give,
 * are replaced by ones that translate. An error keeps its fields, with the original as `cause`, and gets the stack of whoever awaits it.
 */
import type { NativeBinding } from '../binding.js';
import { LlavaError, type LlavaErrorCode } from '../errors.js';

type Call = (...args: unknown[]) => unknown;

/** Prototypes of handles that translate. */
const done = new WeakSet<object>();

export function translateErrors(addon: NativeBinding): NativeBinding {
  const members = Object.entries(addon).map(([name, value]) => [name, translating(value)]);
  return Object.fromEntries(members);
}

/** The same function or class; anything else is returned as it is. */
function translating<T>(call: T): T {
  if (typeof call !== 'function') return call;
  return new Proxy(call as T & Call, {
    apply: (target, self, args) => guarded(() => Reflect.apply(target, self, args)),
    construct: (target, args) => guarded(() => Reflect.construct(target, args)) as object,
  });
}

function guarded(work: () => unknown): unknown {
  try {
    const result = work();
    return result instanceof Promise ? settled(result) : translatingHandle(result);
  } catch (error) {
    throw fromNative(error);
  }
}

async function settled(pending: Promise<unknown>): Promise<unknown> {
  try {
    return translatingHandle(await pending);
  } catch (error) {
    throw fromNative(error);
  }
}

/** Replaces the methods of a kind of handle when the first of that kind is seen. */
function translatingHandle(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('dispose' in value)) return value;
  const prototype = Object.getPrototypeOf(value);
  if (done.has(prototype)) return value;
  done.add(prototype);
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors<object>(prototype);
  for (const [name, { value: method, get, ...rest }] of Object.entries(members)) {
    const replaced = get ? { get: translating(get) } : { value: translating(method) };
    Object.defineProperty(prototype, name, { ...rest, ...replaced });
  }
  return value;
}

function fromNative(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LlavaError) return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string' || !code.startsWith('ERR_')) return error;
  return new LlavaError(code as LlavaErrorCode, error.message, { ...error }, { cause: error });
}
