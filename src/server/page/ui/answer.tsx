/** A turn of the model, while it is written and after. Only the one that is written is drawn as its text grows. */
import { useId, useRef, useState } from 'preact/hooks';
import { type Live, lives } from '../model/answering.js';
import { askAgain, canAsk, goOn } from '../model/asking.js';
import type { Turn } from '../model/types.js';
import { SeenLater } from '../seen/seen-later.js';
import { SeenToggle } from '../seen/seen-toggle.js';
import { Markdown } from '../text/markdown.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Ending, useWrittenElsewhere } from './ending.js';
import { Again, Onward } from './icons.js';
import { JsonAnswer } from './json-answer.js';
import { focusMessage } from './layout.js';
import { useNear } from './near.js';
import { ProgressLine } from './progress-line.js';
import { CopyButton, TurnActions } from './turn-actions.js';
import type { TurnProps } from './turn-props.js';

export function Answer({ turn, at, of, isLast, isNearEnd }: TurnProps) {
  const place = useRef<HTMLElement>(null);
  const isNear = useNear(place, isNearEnd);
  const live = turn.state === 'writing' ? lives.value.get(turn.id) : undefined;
  return (
    <article
      ref={place}
      class="turn answer"
      aria-label={turn.model ?? 'LLaVA-OneVision'}
      tabIndex={-1}
      aria-busy={live ? true : undefined}
    >
      {turn.model && <h2 class="answerer">{turn.model}</h2>}
      <Body turn={turn} live={live} isNear={isNear} />
      {live ? (
        <ProgressLine progress={live.progress.value} />
      ) : (
        <Finished turn={turn} at={at} of={of} isLast={isLast} />
      )}
    </article>
  );
}

interface BodyProps {
  turn: Turn;
  live: Live | undefined;
  isNear: boolean;
}

/** Far from the window it stays the text that it was made of: a long conversation opens at once, and is found by the browser. */
function Body({ turn, live, isNear }: BodyProps) {
  const wasNear = useRef(false);
  wasNear.current ||= isNear || live !== undefined;
  const text = live ? live.text.value : turn.text;
  if (text === '') return null;
  if (turn.isJson)
    return live ? <pre class="raw-json">{text}</pre> : <JsonAnswer key={turn.id} text={text} />;
  if (!wasNear.current) return <div class="source">{text}</div>;
  return <Markdown key={turn.id} text={text} isWriting={live !== undefined} />;
}

function Finished({ turn, at, of, isLast }: Omit<TurnProps, 'isNearEnd'>) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const t = words();
  // The button goes, and the focus with it.
  const begin = (how: (turn: Turn) => Promise<void>) => {
    focusMessage();
    void how(turn);
  };
  const isElsewhere = useWrittenElsewhere(turn);
  const isCut = turn.state !== undefined && turn.state !== 'done' && !isElsewhere;
  return (
    <>
      <Ending turn={turn} isElsewhere={isElsewhere} />
      <TurnActions turn={turn} at={at} of={of}>
        {turn.text !== '' && <CopyButton text={turn.text} />}
        <Button name={t.again} icon={Again} disabled={!canAsk()} onClick={() => begin(askAgain)} />
        {isLast && isCut && turn.text !== '' && !turn.isJson && (
          <Button
            name={t.goOn}
            icon={Onward}
            hasText
            look="is-plain"
            disabled={!canAsk()}
            onClick={() => begin(goOn)}
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
      {turn.seen && isOpen && <SeenLater turn={turn} seen={turn.seen} id={id} />}
    </>
  );
}
