/** What is shown before the first question: three questions with pictures that the page draws itself. */
import { useMemo } from 'preact/hooks';
import { ask, canAsk, isDemo } from '../model/asking.js';
import { draft } from '../model/draft.js';
import { drawExample, type ExampleName, exampleNames } from '../model/examples.js';
import { en } from '../words/en.js';
import { words } from '../words/words.js';
import { isTouched } from './layout.js';

export function Empty() {
  const t = words();
  return (
    <div class="empty">
      <h2>{t.emptyTitle}</h2>
      <p>{isTouched.matches ? t.emptyTouched : t.emptyText}</p>
      <ul class="examples">
        {exampleNames.map((name) => (
          <Example key={name} name={name} />
        ))}
      </ul>
    </div>
  );
}

function Example({ name }: { name: ExampleName }) {
  // The demonstration's model knows English alone.
  const question = (isDemo() ? en : words()).examples[name];
  const pictures = useMemo(() => drawExample(name), [name]);
  const run = async () => {
    const files = pictures.map(async (canvas, index) => {
      const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
      return new File(blob ? [blob] : [], `${name}-${index + 1}.png`, { type: 'image/png' });
    });
    draft.discard();
    await draft.add(await Promise.all(files));
    draft.text.value = question;
    if (canAsk()) await ask(draft);
  };
  return (
    <li>
      <button type="button" class="example" onClick={() => void run()}>
        <span class="example-pictures">
          {pictures.map((canvas, index) => (
            <span
              key={index}
              ref={(place) => {
                place?.replaceChildren(canvas);
              }}
            />
          ))}
        </span>
        <span>{question}</span>
      </button>
    </li>
  );
}
