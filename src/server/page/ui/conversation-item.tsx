/** One conversation in the list: opens it; its menu renames, exports and deletes it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { liveIn } from '../model/answering.js';
import { open, remove, rename, saveAsJson, saveAsMarkdown } from '../model/conversations.js';
import { currentId } from '../model/state.js';
import type { Conversation, Id } from '../model/types.js';
import { words } from '../words/words.js';
import { Bin, Out, Pen } from './icons.js';
import { closeDrawers } from './layout.js';
import { ActionMenu } from './menu.js';

export function ConversationItem({ conversation }: { conversation: Conversation }) {
  const [isNaming, setNaming] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const t = words();
  const title = conversation.title || t.untitled;
  const isOpen = conversation.id === currentId.value;
  const done = (isByKey: boolean) => {
    setNaming(false);
    if (isByKey) requestAnimationFrame(() => opener.current?.focus());
  };
  const actions = [
    { label: t.rename, icon: Pen, run: () => setNaming(true) },
    { label: t.exportMarkdown, icon: Out, run: () => void saveAsMarkdown(conversation) },
    { label: t.exportJson, icon: Out, run: () => void saveAsJson([conversation]) },
    { label: t.remove, icon: Bin, run: () => removeIt(conversation), isDangerous: true },
  ];
  if (isNaming)
    return (
      <li class="conversation">
        <Naming conversation={conversation} onDone={done} />
      </li>
    );
  return (
    <li class="conversation" data-open={isOpen || undefined}>
      <button
        ref={opener}
        type="button"
        class="conversation-open"
        aria-current={isOpen ? 'page' : undefined}
        onClick={() => show(conversation.id)}
        title={title}
      >
        <span class="conversation-title">{title}</span>
        {liveIn(conversation.id) && <span class="pulse" role="img" aria-label={t.answering} />}
      </button>
      <ActionMenu name={t.more(title)} actions={actions} look="conversation-more" />
    </li>
  );
}

function removeIt(conversation: Conversation): void {
  remove(conversation);
  document.getElementById('search')?.focus();
}

function show(id: Id): void {
  closeDrawers();
  void open(id);
}

interface NamingProps {
  conversation: Conversation;
  onDone: (isByKey: boolean) => void;
}

function Naming({ conversation, onDone }: NamingProps) {
  const field = useRef<HTMLInputElement>(null);
  const isByKey = useRef(false);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const done = () => {
    rename(conversation, field.current?.value ?? '');
    onDone(isByKey.current);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
    event.stopPropagation();
    isByKey.current = true;
    if (event.key === 'Escape' && field.current) field.current.value = conversation.title;
    field.current?.blur();
  };
  return (
    <input
      ref={field}
      class="conversation-name"
      defaultValue={conversation.title}
      aria-label={words().newTitle}
      onBlur={done}
      onKeyDown={onKeyDown}
    />
  );
}
