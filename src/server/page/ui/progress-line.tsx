/** Where an answer stands before its first word: its place in the queue, the stage, how far that is. */
import type { Progress } from '../model/answering.js';
import { words } from '../words/words.js';

export function ProgressLine({ progress }: { progress: Progress | undefined }) {
  if (!progress) return null;
  return (
    <div class="progress">
      <span class="progress-dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>{textOf(progress)}</span>
      {progress.kind === 'stage' && progress.of !== undefined && progress.of > 1 && (
        <progress max={progress.of} value={progress.done ?? 0} aria-label={textOf(progress)} />
      )}
    </div>
  );
}

function textOf(progress: Progress): string {
  const t = words();
  if (progress.kind === 'queued') return t.queued(progress.place);
  const stage = t.stages[progress.stage] ?? progress.stage;
  const { done, of } = progress;
  return of === undefined || of < 2 ? `${stage}…` : `${stage}, ${t.stageOf(done ?? 0, of)}`;
}
