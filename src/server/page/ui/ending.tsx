/** Why an answer ends where it ends, unless the model ended it. */
import { useEffect, useState } from 'preact/hooks';
import { askAgain, canAsk } from '../model/asking.js';
import type { Turn } from '../model/types.js';
import { isWrittenElsewhere } from '../model/writing-lock.js';
import { words } from '../words/words.js';
import { Warning } from './icons.js';
import { focusMessage } from './layout.js';

/** Of an answer that nobody writes in this window. */
export function useWrittenElsewhere(turn: Turn): boolean {
  const [isElsewhere, setElsewhere] = useState(false);
  useEffect(() => {
    if (turn.state !== 'writing') setElsewhere(false);
    else isWrittenElsewhere(turn.id).then(setElsewhere, () => {});
  }, [turn]);
  return isElsewhere;
}

export function Ending({ turn, isElsewhere }: { turn: Turn; isElsewhere: boolean }) {
  const t = words();
  if (turn.state === 'failed') return <Failure turn={turn} />;
  const notes = {
    stopped: t.stoppedNote,
    length: t.lengthNote,
    writing: isElsewhere ? t.elsewhereNote : t.interruptedNote,
    done: turn.text === '' ? t.emptyNote : '',
  };
  const note = notes[turn.state ?? 'done'];
  return note ? <p class="ending">{note}</p> : null;
}

function Failure({ turn }: { turn: Turn }) {
  const t = words();
  return (
    <p class="ending is-failed">
      <Warning />
      <span>
        {turn.text === '' && t.failedNote} {turn.error}
      </span>
      <button
        type="button"
        class="button is-plain"
        disabled={!canAsk()}
        onClick={() => {
          focusMessage();
          void askAgain(turn);
        }}
      >
        {t.retry}
      </button>
    </p>
  );
}
