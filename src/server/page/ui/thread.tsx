/** The open conversation's branch. It keeps to its end while an answer grows, unless the reader scrolled away from there. */
import { computed, useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { liveIn } from '../model/answering.js';
import { currentId, isStarted, shown, turns } from '../model/state.js';
import type { Id } from '../model/types.js';
import { words } from '../words/words.js';
import { Answer } from './answer.js';
import { Button } from './button.js';
import { Empty } from './empty.js';
import { Down } from './icons.js';
import { Question } from './question.js';

/** Nearer than this to its end, it is kept there. */
const SLACK_PX = 60;

/** For each turn the ids of all versions of it, by age. */
const versions = computed(() => {
  const byParent = new Map<Id | null, Id[]>();
  for (const { id, parent } of [...turns.value].sort((a, b) => a.created - b.created)) {
    const others = byParent.get(parent);
    if (others) others.push(id);
    else byParent.set(parent, [id]);
  }
  return byParent;
});

export function Thread() {
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const toEnd = useStuck(scroller, content, setAtEnd);
  const list = shown.value;
  const t = words();
  return (
    <div class="thread-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys */}
      <section ref={scroller} class="thread" aria-label={t.thread} tabIndex={0}>
        <div ref={content} class="thread-content">
          {list.length === 0 && isStarted.value && <Empty />}
          {list.map((turn, index) => {
            const all = versions.value.get(turn.parent) ?? [];
            const Kind = turn.role === 'user' ? Question : Answer;
            const at = all.indexOf(turn.id) + 1;
            return (
              <Kind
                // Versions of a turn take each other's place, and the focus stays.
                key={turn.parent ?? turn.conversation}
                turn={turn}
                at={at}
                of={all.length}
                isLast={index === list.length - 1}
                isNearEnd={index > list.length - 5}
              />
            );
          })}
        </div>
      </section>
      {!isAtEnd && <Button name={t.toEnd} icon={Down} look="is-round to-end" onClick={toEnd} />}
    </div>
  );
}

type Ref = { readonly current: HTMLElement | null };

function useStuck(scroller: Ref, content: Ref, setAtEnd: (is: boolean) => void): () => void {
  const isStuck = useRef(true);
  const id = currentId.value;
  const toEnd = () => {
    isStuck.current = true;
    setAtEnd(true);
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(toEnd, [id]);
  useSignalEffect(() => {
    if (liveIn(currentId.value)) toEnd();
  });
  useEffect(() => {
    const element = scroller.current;
    if (!element || !content.current) return;
    const onScroll = () => {
      const left = element.scrollHeight - element.scrollTop - element.clientHeight;
      isStuck.current = left < SLACK_PX;
      setAtEnd(isStuck.current);
    };
    const watcher = new ResizeObserver(() => isStuck.current && toEnd());
    watcher.observe(content.current);
    watcher.observe(element);
    // What the reader opens within it shall not run away.
    const onClick = () => {
      isStuck.current &&= liveIn(currentId.value) !== undefined;
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    element.addEventListener('click', onClick);
    return () => {
      watcher.disconnect();
      element.removeEventListener('scroll', onScroll);
      element.removeEventListener('click', onClick);
    };
  }, []);
  return toEnd;
}
