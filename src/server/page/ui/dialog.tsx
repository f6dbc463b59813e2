/** A modal dialog of the browser's own: it holds the focus, gives it back, and Escape or a press outside closes it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Close } from './icons.js';

interface Props {
  title: string;
  onClose: () => void;
  look?: string;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, look, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the browser's own
    <dialog
      ref={dialog}
      class={`dialog ${look ?? ''}`}
      aria-labelledby={name}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={name}>{title}</h2>
          <Button name={words().close} icon={Close} onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
