/** What stands above everything while it holds: the server is away, it wants a key, nothing is kept. */
import { link, look, wantsKey } from '../model/link.js';
import { parts } from '../model/state.js';
import { words } from '../words/words.js';
import { Warning } from './icons.js';
import { isKeyDialogOpen } from './key-dialog.js';

export function Banner() {
  const t = words();
  if (link.value === 'down')
    return (
      <Line text={t.down}>
        <button type="button" class="button is-plain" onClick={() => void look()}>
          {t.tryNow}
        </button>
      </Line>
    );
  if (wantsKey.value && !isKeyDialogOpen.value)
    return (
      <Line text={t.needsKeyNote}>
        <button
          type="button"
          class="button is-plain"
          onClick={() => {
            isKeyDialogOpen.value = true;
          }}
        >
          {t.keyEnter}
        </button>
      </Line>
    );
  return parts.store && !parts.store.isKept ? <Line text={t.notKept} /> : null;
}

function Line({ text, children }: { text: string; children?: preact.ComponentChildren }) {
  return (
    <div class="banner" role="status">
      <Warning />
      <span>{text}</span>
      {children}
    </div>
  );
}
