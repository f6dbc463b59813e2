/** The whole page. Files dropped or pasted anywhere on it go to the composer. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { draft } from '../model/draft.js';
import { words } from '../words/words.js';
import { Banner } from './banner.js';
import { Bar } from './bar.js';
import { Composer } from './composer.js';
import { HelpDialog } from './help-dialog.js';
import { KeyDialog } from './key-dialog.js';
import { closeDrawers, hasPanel, hasSidebar, isNarrow } from './layout.js';
import { Notices, Reader } from './notices.js';
import { Panel } from './panel.js';
import { Sidebar } from './sidebar.js';
import { Thread } from './thread.js';

export function App() {
  const isDropping = useDrop();
  const hasDrawer = isNarrow.value && (hasSidebar.value || hasPanel.value);
  useDrawerFocus(hasDrawer);
  return (
    <div class="page" data-sidebar={hasSidebar.value} data-panel={hasPanel.value}>
      {hasSidebar.value && <Sidebar />}
      <main class="main" inert={hasDrawer}>
        <Bar />
        <Banner />
        <Thread />
        <div class="composer-frame">
          <Composer />
        </div>
      </main>
      {hasPanel.value && <Panel />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: Escape and the close button do the same */}
      {hasDrawer && <div class="shade" onClick={closeDrawers} />}
      {isDropping && (
        <div class="drop">
          <span>{words().dropHere}</span>
        </div>
      )}
      <KeyDialog />
      <HelpDialog />
      <Notices />
      <Reader />
    </div>
  );
}

/** The focus goes into a drawer that opens, and back to what opened it. */
function useDrawerFocus(hasDrawer: boolean): void {
  const opener = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (hasDrawer) {
      opener.current = document.activeElement;
      document.querySelector<HTMLElement>('.sidebar button, .panel button')?.focus();
    } else if (document.activeElement === document.body && opener.current instanceof HTMLElement) {
      opener.current.focus();
    }
  }, [hasDrawer]);
}

/** Whether files are held over the page. */
function useDrop(): boolean {
  const [isDropping, setDropping] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDropping(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setDropping(false);
    const drop = (event: DragEvent) => {
      setDropping(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      void draft.add([...(event.dataTransfer?.files ?? [])]);
    };
    const paste = (event: ClipboardEvent) => {
      const { files = [], types = [] } = event.clipboardData ?? {};
      // Office programs add a picture of the text that was copied.
      const isText = types.includes('text/plain') && types.includes('text/html');
      if (files.length === 0 || isText) return;
      event.preventDefault();
      void draft.add(files);
    };
    document.addEventListener('dragover', over);
    document.addEventListener('dragleave', leave);
    document.addEventListener('drop', drop);
    document.addEventListener('paste', paste);
    return () => {
      document.removeEventListener('dragover', over);
      document.removeEventListener('dragleave', leave);
      document.removeEventListener('drop', drop);
      document.removeEventListener('paste', paste);
    };
  }, []);
  return isDropping;
}
