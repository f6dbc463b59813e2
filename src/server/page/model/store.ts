/** Where conversations are kept: in the browser's database, or in memory where it gives none. */
import { KeptStore } from './kept-store.js';
import { MemoryStore } from './memory-store.js';
import { SpillingStore } from './spilling-store.js';
import type { Store } from './store-contract.js';

export { StorageFull, type Store } from './store-contract.js';

export async function openStore(): Promise<Store> {
  try {
    const store = await KeptStore.open();
    store.sweep().catch(() => {});
    return new SpillingStore(store);
  } catch {
    return new MemoryStore();
  }
}
