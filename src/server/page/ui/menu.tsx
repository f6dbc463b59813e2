/** A button that opens a list of actions in the top layer. Arrow keys go through it; Escape and a press outside close it. */
import type { ComponentChildren, ComponentType } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { Button } from './button.js';
import { Dots } from './icons.js';

export interface Action {
  label: string;
  icon: ComponentType;
  run: () => void;
  isDangerous?: boolean;
}

interface Props {
  name: string;
  actions: readonly Action[];
  look?: string;
  icon?: ComponentType;
  children?: ComponentChildren;
}

export function ActionMenu({ name, actions, look, icon }: Props) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  // Its items are drawn before it is shown; focused, after.
  const onBeforeToggle = (event: { newState: string }) => setOpen(event.newState === 'open');
  const onToggle = (event: { newState: string }) => {
    if (event.newState !== 'open' || !list.current || !opener.current) return;
    place(list.current, opener.current.getBoundingClientRect());
    list.current.querySelector('button')?.focus();
  };
  const run = (action: Action) => {
    list.current?.hidePopover();
    action.run();
  };
  return (
    <div class="menu" ref={opener}>
      <Button
        name={name}
        icon={icon ?? Dots}
        look={look}
        popovertarget={id}
        aria-haspopup="menu"
        aria-expanded={isOpen}
      />
      <div
        id={id}
        ref={list}
        role="menu"
        aria-label={name}
        class="menu-list"
        popover="auto"
        onBeforeToggle={onBeforeToggle}
        onToggle={onToggle}
        onKeyDown={walk}
      >
        {isOpen &&
          actions.map((action) => (
            <button
              key={action.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={action.isDangerous ? 'menu-item is-dangerous' : 'menu-item'}
              onClick={() => run(action)}
            >
              <action.icon />
              {action.label}
            </button>
          ))}
      </div>
    </div>
  );
}

/** Below the opener, or above it where there is no room; within the window. */
function place(list: HTMLElement, opener: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = list;
  const below = opener.bottom + 4;
  const top = below + height < innerHeight ? below : opener.top - 4 - height;
  list.style.top = `${Math.max(8, top)}px`;
  list.style.left = `${Math.max(8, Math.min(opener.left, innerWidth - width - 8))}px`;
}

function walk(event: KeyboardEvent): void {
  const list = event.currentTarget as HTMLElement;
  const items = [...list.querySelectorAll('button')];
  const at = items.indexOf(document.activeElement as HTMLButtonElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === 'Tab') list.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length)?.focus();
}
