/** What the model saw, which is read from the server when it is first wanted, or when the page has nothing else to do. */
import { signal } from '@preact/signals';
import type { ComponentProps } from 'preact';
import { useEffect } from 'preact/hooks';
import type { SeenDetails } from './seen-details.js';

const details = signal<typeof SeenDetails | null>(null);

export async function readSeenDetails(): Promise<void> {
  details.value = (await import('./seen-details.js')).SeenDetails;
}

export function SeenLater(props: ComponentProps<typeof SeenDetails>) {
  useEffect(() => {
    if (!details.value) readSeenDetails().catch(() => {});
  }, []);
  const Details = details.value;
  return Details ? <Details {...props} /> : <div class="seen-body" id={props.id} />;
}
