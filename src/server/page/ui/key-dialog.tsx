/** Asks for the server's key. It is kept for the session, or in this browser if that is wanted; it goes into a header alone. */
import { effect, signal } from '@preact/signals';
import { useRef, useState } from 'preact/hooks';
import { giveKey, wantsKey } from '../model/link.js';
import { words } from '../words/words.js';
import { Dialog } from './dialog.js';
import { focusMessage } from './layout.js';

export const isKeyDialogOpen = signal(false);

effect(() => {
  isKeyDialogOpen.value = wantsKey.value !== false;
});

export function KeyDialog() {
  const field = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLInputElement>(null);
  const [isAsking, setAsking] = useState(false);
  if (!isKeyDialogOpen.value) return null;
  const t = words();
  const close = () => {
    isKeyDialogOpen.value = false;
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setAsking(true);
    const isKnown = await giveKey(field.current?.value.trim() ?? '', box.current?.checked ?? false);
    setAsking(false);
    if (isKnown) focusMessage();
    else field.current?.select();
  };
  const isWrong = wantsKey.value === 'wrong';
  return (
    <Dialog title={t.keyTitle} onClose={close} look="is-small">
      <form onSubmit={(event) => void submit(event)}>
        <p>{t.keyText}</p>
        <label class="field">
          <span>{t.keyLabel}</span>
          <input
            ref={field}
            type="password"
            autocomplete="off"
            required
            autofocus
            aria-invalid={isWrong || undefined}
            aria-describedby={isWrong ? 'key-wrong' : undefined}
          />
        </label>
        {isWrong && (
          <p id="key-wrong" class="problem" role="alert">
            {t.keyWrong}
          </p>
        )}
        <label class="check">
          <input ref={box} type="checkbox" /> {t.keyRemember}
        </label>
        <div class="dialog-row">
          <button type="submit" class="button is-main" disabled={isAsking}>
            {t.keyUse}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
