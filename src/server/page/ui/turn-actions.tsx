/** The row below a turn: its versions, and what can be done with it. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { showBranch } from '../model/asking.js';
import { say, tell } from '../model/notices.js';
import { turns } from '../model/state.js';
import { siblings } from '../model/tree.js';
import type { Turn } from '../model/types.js';
import { copyText } from '../text/copy.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Check, Copy, Left, Right } from './icons.js';

interface Props {
  turn: Turn;
  at: number;
  of: number;
  children: ComponentChildren;
}

export function TurnActions({ turn, at, of, children }: Props) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div class="turn-actions" role="group" aria-label={words().turnActions}>
      {of > 1 && <Versions turn={turn} at={at} of={of} />}
      {children}
    </div>
  );
}

function Versions({ turn, at, of }: Omit<Props, 'children'>) {
  const t = words();
  const go = (to: number) => {
    const other = siblings(turns.value, turn)[to - 1];
    if (!other) return;
    showBranch(other);
    say(t.answerOf(to, of));
  };
  return (
    <span class="versions">
      <Button
        name={t.previousVersion}
        icon={Left}
        aria-disabled={at <= 1}
        onClick={() => go(at - 1)}
      />
      <span role="img" aria-label={t.answerOf(at, of)}>{`${at}/${of}`}</span>
      <Button
        name={t.nextVersion}
        icon={Right}
        aria-disabled={at >= of}
        onClick={() => go(at + 1)}
      />
    </span>
  );
}

const SHOWN_MS = 1500;

export function CopyButton({ text }: { text: string }) {
  const [isDone, setDone] = useState(false);
  const t = words();
  const copy = async () => {
    if (!(await copyText(text))) return tell(t.copyFailed, { isUrgent: true });
    setDone(true);
    say(t.copied);
    setTimeout(() => setDone(false), SHOWN_MS);
  };
  return <Button name={t.copy} icon={isDone ? Check : Copy} onClick={() => void copy()} />;
}
