/** How sessions begin: from what the caller says, or from a file. */

import { invalidArgument } from '../errors.js';
import { checkChoice, checkOptions, checkPath, readable } from '../option-checks.js';
import type { Message } from '../prompt/messages.js';
import { MULTI_IMAGE } from '../vision/image-plan.js';
import { isOfConversation, restoreKvState } from './kv-state.js';
import { checkReadable, Session, type SessionHost, type SessionOptions } from './session.js';
import { readSession } from './session-file.js';

/** @throws ERR_INVALID_ARGUMENT, ERR_DISPOSED */
export function startSession(given: SessionOptions | undefined, host: SessionHost): Session {
  return readable('options', given, () => newSession(given, host));
}

function newSession(given: SessionOptions | undefined, host: SessionHost): Session {
  const options = checkOptions<SessionOptions>('options', given, [
    'messages',
    'system',
    'multiImage',
  ]);
  const { system, multiImage } = options;
  if (system !== undefined && typeof system !== 'string')
    throw invalidArgument('system', 'a text', system);
  const said: readonly Message[] = options.messages ?? [];
  if (!Array.isArray(said)) throw invalidArgument('messages', 'an array of messages', said);
  if (system !== undefined && said[0]?.role === 'system')
    throw invalidArgument('system', 'no text beside a system message', system);
  const all: Message[] =
    system === undefined ? said : [{ role: 'system', content: system }, ...said];
  return new Session(host, {
    messages: checkHistory(all, host),
    multiImage: checkChoice('multiImage', multiImage, { of: MULTI_IMAGE, fallback: undefined }),
    isRestored: false,
  });
}

/** @throws ERR_SESSION_FILE, ERR_INVALID_ARGUMENT, ERR_DISPOSED, signal.reason */
export async function loadSession(
  path: string,
  host: SessionHost,
  signal: AbortSignal | undefined,
): Promise<Session> {
  checkPath('path', path, 'the path of a file');
  return host.run([signal], async (running) => {
    const { messages, multiImage, kv } = await readSession(path);
    running.throwIfAborted();
    const checked = checkHistory(messages, host);
    const { engine } = host;
    const options = { engine, signal: running, multiImage };
    const isRestored =
      kv !== null &&
      kv.format === engine.kvFormat &&
      (await isOfConversation(kv, checked, options)) &&
      (await restoreKvState(kv, engine, running));
    return new Session(host, { messages: checked, multiImage, isRestored });
  });
}

/** A history may still wait for its first question. */
function checkHistory(messages: readonly Message[], host: SessionHost): Message[] {
  const checked = host.checkMessages([...messages, { role: 'user', content: '' }]).slice(0, -1);
  checkReadable(checked);
  return checked;
}
