/** The message that is shown for a while, and what only screen readers are told. */
import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { lives } from '../model/answering.js';
import { notice, say, spoken } from '../model/notices.js';
import { finishedSentences } from '../model/sentences.js';
import { currentId } from '../model/state.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Close } from './icons.js';

const SHOWN_MS = 10_000;

export function Notices() {
  const shown = notice.value;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useSignalEffect(() => {
    const now = notice.value;
    clearTimeout(timer.current);
    if (now && !now.isUrgent)
      timer.current = setTimeout(() => {
        if (notice.value === now) notice.value = null;
      }, SHOWN_MS);
  });
  const close = () => {
    notice.value = null;
  };
  const act = () => {
    shown?.action?.run();
    close();
  };
  return (
    <>
      <div class="notices" role={shown?.isUrgent ? 'alert' : 'status'}>
        {shown && (
          <div class="notice" data-urgent={shown.isUrgent || undefined}>
            <span>{shown.text}</span>
            {shown.action && (
              <button type="button" class="button is-plain" onClick={act}>
                {shown.action.label}
              </button>
            )}
            <Button name={words().close} icon={Close} onClick={close} />
          </div>
        )}
      </div>
      <div class="unseen" aria-live="polite">
        {spoken.value}
      </div>
    </>
  );
}

/** Reads out an answer as it grows, whole sentences at a time; then that it is complete. */
export function Reader() {
  const read = useRef({ id: '', upTo: 0 });
  useSignalEffect(() => {
    const live = [...lives.value.values()].find(
      ({ turn }) => turn.conversation === currentId.value,
    );
    if (!live) {
      if (read.current.id !== '') say(words().done);
      read.current = { id: '', upTo: 0 };
      return;
    }
    if (read.current.id !== live.turn.id)
      read.current = { id: live.turn.id, upTo: live.turn.text.length };
    const { said, upTo } = finishedSentences(live.text.value, read.current.upTo);
    if (said === '') return;
    read.current.upTo = upTo;
    say(said);
  });
  return null;
}
