/** Where a question is written, with its pictures and clips. The same serves to ask an earlier question otherwise. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { liveIn } from '../model/answering.js';
import { ask, canAsk, stop } from '../model/asking.js';
import { type Draft, draft as mainDraft } from '../model/draft.js';
import { current } from '../model/state.js';
import { words } from '../words/words.js';
import { Attachments } from './attachments.js';
import { Button } from './button.js';
import { CameraButton } from './camera.js';
import { Picture, Send, Stop } from './icons.js';
import { isTouched } from './layout.js';

interface Props {
  draft?: Draft;
  /** What happens in place of asking after the newest turn. */
  onSend?: (draft: Draft) => void;
  onCancel?: () => void;
}

export function Composer({ draft = mainDraft, onSend, onCancel }: Props) {
  const t = words();
  const isMain = draft === mainDraft;
  const send = () => {
    if (!canAsk() || draft.isEmpty) return;
    if (onSend) onSend(draft);
    else void ask(draft);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && onCancel) {
      event.stopPropagation();
      onCancel();
    }
    // While a Chinese word is being composed, Enter belongs to the input method; on a phone it is the only way to a new line.
    if (!(event.target instanceof HTMLTextAreaElement) || isTouched.matches) return;
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => event.preventDefault()}
      onKeyDown={onKeyDown}
      data-main={isMain || undefined}
    >
      <Attachments draft={draft} />
      <TextField draft={draft} isFocused={!isMain} />
      <div class="composer-row">
        <FileButton draft={draft} isMain={isMain} />
        <CameraButton draft={draft} />
        <span class="spring" />
        {onCancel && (
          <button type="button" class="button is-plain" onClick={onCancel}>
            {t.cancel}
          </button>
        )}
        <SendButton draft={draft} onSend={send} name={isMain ? t.send : t.sendEdited} />
      </div>
    </form>
  );
}

function SendButton({ draft, onSend, name }: { draft: Draft; onSend: () => void; name: string }) {
  if (liveIn(current.value.id) && draft === mainDraft)
    return <Button name={words().stop} icon={Stop} look="is-round is-stop" onClick={stop} />;
  const isReady = canAsk() && !draft.isEmpty;
  return (
    <Button name={name} icon={Send} look="is-round is-main" onClick={onSend} disabled={!isReady} />
  );
}

/** Longer, and Chrome's own way of pasting stops the page: for two megabytes most of a minute. */
const LONG_PASTE = 100_000;

function TextField({ draft, isFocused }: { draft: Draft; isFocused: boolean }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = draft.text.value;
  const t = words();
  useLayoutEffect(() => {
    const element = field.current;
    if (!element || CSS.supports('field-sizing', 'content')) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  useLayoutEffect(() => {
    if (isFocused || !isTouched.matches) field.current?.focus();
  }, [isFocused]);
  const onPaste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData?.getData('text/plain') ?? '';
    const element = field.current;
    if (!element || pasted.length < LONG_PASTE) return;
    event.preventDefault();
    event.stopPropagation();
    element.setRangeText(pasted, element.selectionStart, element.selectionEnd, 'end');
    draft.text.value = element.value;
  };
  return (
    <textarea
      ref={field}
      onPaste={onPaste}
      class="composer-text"
      id={isFocused ? undefined : 'message'}
      rows={1}
      value={text}
      placeholder={t.ask}
      aria-label={t.askLabel}
      onInput={(event) => {
        draft.text.value = event.currentTarget.value;
      }}
    />
  );
}

function FileButton({ draft, isMain }: { draft: Draft; isMain: boolean }) {
  const picker = useRef<HTMLInputElement>(null);
  const take = (input: HTMLInputElement) => {
    void draft.add([...(input.files ?? [])]);
    // The same file may be chosen again.
    input.value = '';
  };
  return (
    <>
      <Button name={words().addFiles} icon={Picture} onClick={() => picker.current?.click()} />
      <input
        ref={picker}
        type="file"
        id={isMain ? 'files' : undefined}
        multiple
        hidden
        accept="image/*,video/*"
        aria-label={words().addFiles}
        onChange={(event) => take(event.currentTarget)}
      />
    </>
  );
}
