/**
 * HTML that Markdown became, to nodes that can do nothing: no style, form, frame, script or picture. The second wall: the first is
 * that nothing of an answer's own markup gets here.
 */
import createDOMPurify from 'dompurify';

const TAGS =
  'a b blockquote br code del em h3 h4 h5 h6 hr i ins kbd li mark ol p pre s span strong sub sup table tbody td th thead tr u ul';
const ATTRIBUTES = 'href title class start align';

const purify = createDOMPurify(window);

purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return;
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer nofollow');
});

purify.setConfig({
  ALLOWED_TAGS: TAGS.split(' '),
  ALLOWED_ATTR: ATTRIBUTES.split(' '),
  // What follows is asked of the values of all other attributes.
  ADD_URI_SAFE_ATTR: ['align', 'start'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  RETURN_DOM_FRAGMENT: true,
});

export function safeFragment(html: string): DocumentFragment {
  return purify.sanitize(html) as unknown as DocumentFragment;
}
