/** Fields of the settings: a label, what is typed, a line that explains. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  hint?: string;
  /** Says that what is typed is not taken, and why. */
  problem?: string;
  /** With what is typed beside the label. */
  isShort?: boolean;
  children: (ids: { id: string; 'aria-describedby': string | undefined }) => ComponentChildren;
}

export function Field({ label, hint, problem, isShort, children }: FieldProps) {
  const id = useId();
  const said = problem ?? hint;
  return (
    <div class={isShort ? 'field is-short' : 'field'} data-bad={problem ? true : undefined}>
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': said ? `${id}-hint` : undefined })}
      {said && (
        <p id={`${id}-hint`} class="hint">
          {said}
        </p>
      )}
    </div>
  );
}

interface NumberProps {
  label: string;
  hint?: string;
  value: number | null;
  min: number;
  max: number;
  step?: number | 'any';
  /** Null where nothing is typed, which only a field that may be empty gives. */
  onChange: (value: number | null) => void;
  mayBeEmpty?: boolean;
  /** What empty stands for. */
  placeholder?: string;
}

/** What is out of bounds stays where it was typed and is not taken. */
export function NumberField({ label, hint, value, onChange, mayBeEmpty, ...bounds }: NumberProps) {
  const take = (input: HTMLInputElement) => {
    if (input.value === '' && mayBeEmpty && input.validity.valid) onChange(null);
    else if (input.validity.valid && input.value !== '') onChange(input.valueAsNumber);
  };
  return (
    <Field label={label} hint={hint} isShort>
      {(ids) => (
        <input
          {...ids}
          {...bounds}
          type="number"
          inputMode="decimal"
          value={value ?? ''}
          required={!mayBeEmpty}
          onInput={(event) => take(event.currentTarget)}
        />
      )}
    </Field>
  );
}

/** With a slider beside the number, where the range is short. */
export function RangeField(props: NumberProps) {
  const { label, hint, value, min, max, step, onChange } = props;
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <div class="range">
          <input
            {...ids}
            type="range"
            min={min}
            max={max}
            step={step}
            value={value ?? min}
            onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
          />
          <output for={ids.id}>{value}</output>
        </div>
      )}
    </Field>
  );
}
