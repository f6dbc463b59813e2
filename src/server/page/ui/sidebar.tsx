/** The conversations by their day, their search, and what belongs to the page as a whole. */
import { useRef } from 'preact/hooks';
import { importFrom, listed, openNew, query, saveAsJson, search } from '../model/conversations.js';
import { conversations } from '../model/state.js';
import type { Conversation } from '../model/types.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { LanguageChoice, ThemeChoice } from './choices.js';
import { ConversationItem } from './conversation-item.js';
import { Close, In, Keyboard, Out, Plus, Search } from './icons.js';
import { closeDrawers, focusMessage, isNarrow, overlay, toggleSidebar } from './layout.js';
import { ActionMenu } from './menu.js';

export function Sidebar() {
  const t = words();
  const begin = () => {
    closeDrawers();
    void openNew().then(focusMessage);
  };
  return (
    <nav class="sidebar" aria-label={t.conversations} id="sidebar">
      <div class="sidebar-head">
        <Button name={t.newChat} icon={Plus} hasText look="is-wide" onClick={begin} />
        {isNarrow.value && <Button name={t.closeSidebar} icon={Close} onClick={toggleSidebar} />}
      </div>
      <label class="search">
        <Search />
        <input
          id="search"
          type="search"
          value={query.value}
          placeholder={t.search}
          aria-label={t.search}
          onInput={(event) => void search(event.currentTarget.value)}
        />
      </label>
      <List />
      <Foot />
    </nav>
  );
}

function List() {
  const t = words();
  const list = listed.value;
  if (list.length === 0)
    return <p class="sidebar-empty">{query.value ? t.noneFound : t.noConversations}</p>;
  return (
    <div class="conversations">
      {byDay(list).map(([day, ones]) => (
        <section key={day}>
          <h2>{day}</h2>
          <ul>
            {ones.map((one) => (
              <ConversationItem key={one.id} conversation={one} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

const DAY_MS = 86_400_000;

function byDay(list: readonly Conversation[]): [string, Conversation[]][] {
  const t = words();
  const midnight = new Date().setHours(0, 0, 0, 0);
  const days: [string, number, Conversation[]][] = [
    [t.today, midnight, []],
    [t.yesterday, midnight - DAY_MS, []],
    [t.thisWeek, midnight - 6 * DAY_MS, []],
    [t.earlier, Number.NEGATIVE_INFINITY, []],
  ];
  for (const one of list) days.find(([, since]) => one.changed >= since)?.[2].push(one);
  return days.flatMap(([day, , ones]) => (ones.length > 0 ? [[day, ones]] : []));
}

function Foot() {
  const file = useRef<HTMLInputElement>(null);
  const t = words();
  const actions = [
    { label: t.importFile, icon: In, run: () => file.current?.click() },
    { label: t.exportAll, icon: Out, run: () => void saveAsJson(conversations.value) },
    {
      label: t.shortcuts,
      icon: Keyboard,
      run: () => {
        overlay.value = 'help';
      },
    },
  ];
  return (
    <footer class="sidebar-foot">
      <ThemeChoice />
      <LanguageChoice />
      <ActionMenu name={t.options} actions={actions} />
      <input
        ref={file}
        type="file"
        accept=".json,.md,.markdown,application/json,text/markdown"
        hidden
        aria-label={t.importFile}
        onChange={({ currentTarget }) => {
          const chosen = currentTarget.files?.[0];
          if (chosen) void importFrom(chosen);
          currentTarget.value = '';
        }}
      />
    </footer>
  );
}
