/** A turn of the model, while it is written and after. Only the one that is written is drawn as its text grows. */
import { useId, useState } from 'preact/hooks';
import { type Live, lives } from '../model/answering.js';
import { askAgain, canAsk, goOn } from '../model/asking.js';
import type { Turn } from '../model/types.js';
import { SeenDetails, SeenToggle } from '../seen/seen-details.js';
import { Markdown } from '../text/markdown.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Again, Onward, Warning } from './icons.js';
import { JsonAnswer } from './json-answer.js';
import { ProgressLine } from './progress-line.js';
import { CopyButton, TurnActions } from './turn-actions.js';
import type { TurnProps } from './turn-props.js';

export function Answer({ turn, at, of, isLast }: TurnProps) {
  const live = turn.state === 'writing' ? lives.value.get(turn.id) : undefined;
  return (
    <article
      class="turn answer"
      aria-label={turn.model ?? 'LLaVA-OneVision'}
      tabIndex={-1}
      aria-busy={live ? true : undefined}
    >
      {turn.model && (
        <p class="answerer" aria-hidden="true">
          {turn.model}
        </p>
      )}
      {live ? <LiveBody live={live} /> : <Finished turn={turn} at={at} of={of} isLast={isLast} />}
    </article>
  );
}

function LiveBody({ live }: { live: Live }) {
  const text = live.text.value;
  return (
    <>
      {text !== '' && !live.turn.isJson && <Markdown text={text} isWriting />}
      {text !== '' && live.turn.isJson && <pre class="raw-json">{text}</pre>}
      <ProgressLine progress={live.progress.value} />
    </>
  );
}

function Finished({ turn, at, of, isLast }: TurnProps) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const t = words();
  const isCut = turn.state === 'length' || turn.state === 'stopped' || turn.state === 'writing';
  return (
    <>
      {turn.text !== '' &&
        (turn.isJson ? (
          <JsonAnswer text={turn.text} />
        ) : (
          <Markdown text={turn.text} isWriting={false} />
        ))}
      <Ending turn={turn} />
      <TurnActions turn={turn} at={at} of={of}>
        {turn.text !== '' && <CopyButton text={turn.text} />}
        <Button
          name={t.again}
          icon={Again}
          disabled={!canAsk()}
          onClick={() => void askAgain(turn)}
        />
        {isLast && isCut && turn.text !== '' && !turn.isJson && (
          <Button
            name={t.goOn}
            icon={Onward}
            hasText
            look="is-plain"
            disabled={!canAsk()}
            onClick={() => void goOn(turn)}
          />
        )}
        {turn.seen && (
          <SeenToggle
            seen={turn.seen}
            isOpen={isOpen}
            controls={id}
            onToggle={() => setOpen(!isOpen)}
          />
        )}
      </TurnActions>
      {turn.seen && isOpen && <SeenDetails turn={turn} seen={turn.seen} id={id} />}
    </>
  );
}

/** Why it ends where it ends, unless the model ended it. */
function Ending({ turn }: { turn: Turn }) {
  const t = words();
  if (turn.state === 'failed')
    return (
      <p class="ending is-failed" role="alert">
        <Warning />
        <span>
          {t.failedNote} {turn.error}
        </span>
        <button
          type="button"
          class="button is-plain"
          disabled={!canAsk()}
          onClick={() => void askAgain(turn)}
        >
          {t.retry}
        </button>
      </p>
    );
  const notes = {
    stopped: t.stoppedNote,
    length: t.lengthNote,
    writing: t.interruptedNote,
    done: '',
  };
  const note = notes[turn.state ?? 'done'];
  return note ? <p class="ending">{note}</p> : null;
}
