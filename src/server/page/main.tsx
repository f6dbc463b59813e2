/** Where the page begins: it is drawn at once, then filled with what is kept and with what the server has. */
import { render } from 'preact';
import { keepAtEnd } from './model/answering.js';
import { startConversations, transfer } from './model/conversations.js';
import { keptKey, watchServer } from './model/link.js';
import { parts } from './model/state.js';
import { openStore } from './model/store.js';
import { startWorker } from './offline/start-worker.js';
import { readSeenDetails } from './seen/seen-later.js';
import './styles/index.css';
import { App } from './ui/app.js';
import { listenToKeys } from './ui/shortcuts.js';
import { Client } from './wire/client.js';
import { startLanguage } from './words/words.js';

const LATER_MS = 2000;

async function start(): Promise<void> {
  parts.client = new Client('');
  parts.client.key = keptKey();
  [parts.store] = await Promise.all([openStore(), startLanguage()]);
  const place = document.getElementById('app');
  if (place) render(<App />, place);
  listenToKeys();
  keepAtEnd();
  watchServer();
  await startConversations();
  // So that all of the page is here when the server is not.
  setTimeout(() => {
    void Promise.allSettled([readSeenDetails(), transfer()]);
    startWorker();
  }, LATER_MS);
}

void start();
