/** A button with a drawing alone. Its name is what screen readers say and what is shown beside the pointer. */
import type { ButtonHTMLAttributes, ComponentType } from 'preact';

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'name'> {
  name: string;
  icon: ComponentType;
  /** Shows the name, too. */
  hasText?: boolean;
  look?: string;
}

export function Button({ name, icon: Icon, hasText, look, ...rest }: Props) {
  return (
    <button
      type="button"
      class={`button ${look ?? ''}`}
      title={hasText ? undefined : name}
      aria-label={hasText ? undefined : name}
      {...rest}
    >
      <Icon />
      {hasText && <span>{name}</span>}
    </button>
  );
}
