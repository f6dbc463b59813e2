/** A short clip that differs from frame to frame, made by ffmpeg where there is one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { skipUnless } from './skip-unless.js';

/** Options of a test of clips. */
export const clipTests = skipUnless(spawnSync('ffmpeg', ['-version']).status === 0, 'needs ffmpeg');

/** @returns six frames, as an MP4 file's bytes */
export function movingClip(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'llava-onevision-clip-'));
  const path = join(folder, 'moving.mp4');
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=96x72:rate=10:duration=0.6'];
  try {
    execFileSync('ffmpeg', ['-v', 'error', ...source, '-c:v', 'mpeg4', path]);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
