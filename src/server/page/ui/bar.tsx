/** Above the thread: what is open, and the two sides of the page. */
import { useEffect } from 'preact/hooks';
import { models } from '../model/link.js';
import { current } from '../model/state.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Menu, Sliders } from './icons.js';
import { hasPanel, hasSidebar, togglePanel, toggleSidebar } from './layout.js';

export function Bar() {
  const t = words();
  const { title, settings } = current.value;
  const model = settings.model || models.value[0]?.id;
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
        {model && <p>{model}</p>}
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
