/** What people have in place of a model's file when a download went wrong, told by how it begins. */

/** How many bytes tell. */
export const FOREIGN_BYTES = 512;

/** @param head the first bytes of a file @returns a sentence about what it is and what to do; undefined for anything else */
export function describeForeign(head: Uint8Array): string | undefined {
  if (head.length === 0) return 'it is empty: the download did not even begin. Download it again.';
  const text = Buffer.from(head.subarray(0, FOREIGN_BYTES)).toString('latin1');
  if (text.startsWith('version https://git-lfs'))
    return (
      'it is a Git LFS pointer, not the file itself: run `git lfs pull` in that repository, ' +
      'or download it with `llava-onevision pull`.'
    );
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml|!--)/i.test(text))
    return (
      'it is a web page (HTML), not the file itself: an address with /blob/ shows a page, one with /resolve/ is the file. ' +
      'Download it with `llava-onevision pull`.'
    );
  return undefined;
}
