/**
 * Whether the server is there, which models it has, whether it wants a key. While it is away it is asked again, ever more seldom,
 * and at once when the network or the reader comes back. The key goes into a header alone.
 */
import { signal } from '@preact/signals';
import { NeedsKey, type ServedModel } from '../wire/client.js';
import { readLocal, writeLocal } from './local.js';
import { parts } from './state.js';

export const link = signal<'starting' | 'up' | 'down'>('starting');
export const models = signal<readonly ServedModel[]>([]);
/** 'wrong': one was given, and the server does not know it. */
export const wantsKey = signal<false | 'missing' | 'wrong'>(false);

const KEPT_AS = 'key';
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;
const WHILE_UP_MS = 20_000;

let timer: ReturnType<typeof setTimeout> | undefined;
let wait = FIRST_WAIT_MS;

/** Asks now, and from then on. */
export async function look(): Promise<void> {
  clearTimeout(timer);
  const isUp = await parts.client.isReady();
  if (isUp) await greet();
  else link.value = 'down';
  wait = isUp ? FIRST_WAIT_MS : Math.min(wait * 2, LONGEST_WAIT_MS);
  clearTimeout(timer);
  timer = setTimeout(() => void look(), isUp ? WHILE_UP_MS : wait);
}

/** The server answers: what it has, unless that is known. */
async function greet(): Promise<void> {
  const isNew = link.value !== 'up' || models.value.length === 0;
  if (isNew && !wantsKey.value) {
    try {
      models.value = await parts.client.models();
    } catch (error) {
      if (error instanceof NeedsKey) askForKey();
      else {
        link.value = 'down';
        return;
      }
    }
  }
  link.value = 'up';
}

export function askForKey(): void {
  wantsKey.value = parts.client.key === undefined ? 'missing' : 'wrong';
}

/** Something that was sent did not arrive. */
export function lostServer(): void {
  link.value = 'down';
  wait = FIRST_WAIT_MS;
  clearTimeout(timer);
  timer = setTimeout(() => void look(), wait);
}

/** What a header can hold. */
const KEY = /^[\x21-\x7e]{1,512}$/;

/** @returns whether the server knows the key */
export async function giveKey(key: string, isRemembered: boolean): Promise<boolean> {
  if (!KEY.test(key)) {
    wantsKey.value = 'wrong';
    return false;
  }
  parts.client.key = key;
  try {
    models.value = await parts.client.models();
  } catch (error) {
    if (error instanceof NeedsKey) askForKey();
    else lostServer();
    return false;
  }
  keepKey(key, isRemembered);
  wantsKey.value = false;
  return true;
}

function keepKey(key: string, isRemembered: boolean): void {
  writeLocal(KEPT_AS, isRemembered ? key : null);
  try {
    sessionStorage.setItem(KEPT_AS, key);
  } catch {
    // Without storage it is asked for again.
  }
}

export function keptKey(): string | undefined {
  try {
    return sessionStorage.getItem(KEPT_AS) ?? readLocal(KEPT_AS) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Looks at the server for as long as the page is open. */
export function watchServer(): void {
  const soon = () => {
    if (document.visibilityState === 'visible') void look();
  };
  addEventListener('online', soon);
  addEventListener('offline', soon);
  document.addEventListener('visibilitychange', soon);
  void look();
}
