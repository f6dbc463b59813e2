/**
 * A service worker, so that the page can be opened while its server is away: it keeps the page's own files, those of its build and
 * no others. The page itself comes from the server wherever that answers, so that an old one is never shown for a new one; whatever
 * else is asked for, the API above all, does not come by here. Built into a file of its own, `worker.js` beside the page.
 */

/** Of this build, put in when it is made. */
declare const BUILD: { name: string; files: readonly string[] };

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Asking extends Lasting {
  readonly request: Request;
  respondWith(reply: Promise<Response>): void;
}

interface Scope {
  readonly registration: ServiceWorkerRegistration;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', run: (event: Lasting) => void): void;
  addEventListener(type: 'fetch', run: (event: Asking) => void): void;
}

const scope = globalThis as unknown as Scope;
const PREFIX = 'llava-onevision page ';
const CACHE = PREFIX + BUILD.name;
const IN_CACHE = { cacheName: CACHE, ignoreVary: true };
const HOME = new URL('./', location.href).href;
const FILES = new Set(BUILD.files.map((file) => new URL(file, HOME).href));

scope.addEventListener('install', (event) => event.waitUntil(keepFiles()));
scope.addEventListener('activate', (event) => event.waitUntil(takeOver()));
scope.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  if (method !== 'GET') return;
  if (mode === 'navigate' && url.replace(/[?#].*$/, '') === HOME) {
    event.respondWith(page(event.request));
    event.waitUntil(leaveOthers());
  } else if (FILES.has(url)) event.respondWith(file(event.request));
});

/** All of them, or this worker does not come into use. */
async function keepFiles(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([HOME, ...FILES].map((url) => new Request(url, { cache: 'no-cache' })));
  await scope.skipWaiting();
}

async function takeOver(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** Of a proxy whose server does not answer. */
const AWAY = [502, 503, 504];

async function page(request: Request): Promise<Response> {
  const reply = await fetch(request).catch((error: Error) => error);
  if (reply instanceof Response && !AWAY.includes(reply.status)) return reply;
  const kept = await caches.match(HOME, IN_CACHE);
  if (kept) return kept;
  if (reply instanceof Response) return reply;
  throw reply;
}

/** Their names change with what is in them, so a kept one is never an old one. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request, IN_CACHE)) ?? fetch(request);
}

/** Another program may be at this address by now, or a server without the page. */
async function leaveOthers(): Promise<void> {
  const reply = await fetch(location.href, { cache: 'no-cache' }).catch(() => undefined);
  const type = reply?.headers.get('content-type') ?? '';
  const isGone = reply && (reply.status === 404 || (reply.ok && !type.includes('javascript')));
  if (!isGone) return;
  await scope.registration.unregister();
  await caches.delete(CACHE);
}
