/** The name of a picture or clip, and what is to be said of it; empty facts are left out. */
import type { Media } from '../model/types.js';

export const Caption = ({ media, facts }: { media: Media; facts: readonly string[] }) => (
  <figcaption>
    <strong>{media.name}</strong>
    <span>{facts.filter(Boolean).join(' · ')}</span>
  </figcaption>
);
