/** The message that is shown for a while, and what only screen readers are told. */
import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { type Live, liveIn } from '../model/answering.js';
import { notice, say, spoken } from '../model/notices.js';
import { finishedSentences, spokenText } from '../model/sentences.js';
import { currentId, turns } from '../model/state.js';
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

/** Reads out an answer as it grows, whole sentences at a time; then the rest of it and how it ended. */
export function Reader() {
  const read = useRef<{ live: Live; upTo: number }>(undefined);
  useSignalEffect(() => {
    const live = liveIn(currentId.value);
    const last = read.current;
    if (last && last.live !== live) {
      read.current = undefined;
      if (last.live.turn.conversation === currentId.value) say(ending(last.live, last.upTo));
    }
    if (!live) return;
    read.current ??= { live, upTo: live.turn.text.length };
    const { said, upTo } = finishedSentences(live.text.value, read.current.upTo);
    if (said === '') return;
    read.current.upTo = upTo;
    say(said);
  });
  return null;
}

function ending({ text, turn, abort }: Live, from: number): string {
  const { stoppedNote, done, failedNote } = words();
  const now = turns.value.find(({ id }) => id === turn.id);
  const failure = now?.state === 'failed' ? `${failedNote} ${now.error}` : undefined;
  const rest = spokenText(text.value.slice(from));
  return `${rest} ${failure ?? (abort.signal.aborted ? stoppedNote : done)}`.trim();
}
