/** Where the page begins: it is drawn at once, then filled with what is kept and with what the server has. */
import { render } from 'preact';
import { keepAtEnd } from './model/answering.js';
import { startConversations } from './model/conversations.js';
import { keptKey, watchServer } from './model/link.js';
import { parts } from './model/state.js';
import { openStore } from './model/store.js';
import './styles/index.css';
import { App } from './ui/app.js';
import { listenToKeys } from './ui/shortcuts.js';
import { Client } from './wire/client.js';

parts.client = new Client('');
parts.client.key = keptKey();
parts.store = await openStore();

const place = document.getElementById('app');
if (place) render(<App />, place);
listenToKeys();
keepAtEnd();
watchServer();
await startConversations();
