/** Above the thread: what is open, and the two sides of the page. */
import { useEffect } from 'preact/hooks';
import { setSettings } from '../model/conversations.js';
import { models } from '../model/link.js';
import { current } from '../model/state.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Menu, Sliders } from './icons.js';
import { hasPanel, hasSidebar, togglePanel, toggleSidebar } from './layout.js';

export function Bar() {
  const t = words();
  const { title } = current.value;
  useEffect(() => {
    document.title = title ? `${title} · LLaVA-OneVision` : 'LLaVA-OneVision';
  }, [title]);
  return (
    <header class="bar">
      <Button
        name={hasSidebar.value ? t.closeSidebar : t.openSidebar}
        icon={Menu}
        aria-expanded={hasSidebar.value}
        aria-controls="sidebar"
        onClick={toggleSidebar}
      />
      <div class="bar-title">
        <h1>{title || 'LLaVA-OneVision'}</h1>
        <Model />
      </div>
      <Button
        name={hasPanel.value ? t.closePanel : t.openPanel}
        icon={Sliders}
        aria-expanded={hasPanel.value}
        aria-controls="panel"
        onClick={togglePanel}
      />
    </header>
  );
}

/** Who answers; where the server has several, chosen here as in the settings. */
function Model() {
  const chosen = current.value.settings.model || models.value[0]?.id;
  if (chosen === undefined) return null;
  if (models.value.length < 2) return <p>{chosen}</p>;
  const isKnown = models.value.some(({ id }) => id === chosen);
  return (
    <select
      class="bar-model"
      aria-label={words().model}
      value={chosen}
      onChange={(event) => setSettings({ model: event.currentTarget.value })}
    >
      {!isKnown && <option value={chosen}>{chosen}</option>}
      {models.value.map(({ id }) => (
        <option key={id} value={id}>
          {id}
        </option>
      ))}
    </select>
  );
}
