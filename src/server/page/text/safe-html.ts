/**
 * HTML that Markdown became, to nodes that can do nothing: no style, form, frame, script or picture. An answer is a stranger's
 * text: a picture's address could carry away what was said.
 */
import createDOMPurify from 'dompurify';

const purify = createDOMPurify(window);

const TAGS =
  'a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i input kbd li mark ol p pre s span strong sub sup table tbody td th thead tr ul';

purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') mendLink(node);
  if (node.tagName === 'INPUT') {
    if (node.getAttribute('type') === 'checkbox') node.setAttribute('disabled', '');
    else node.remove();
  }
});

export function safeFragment(html: string): DocumentFragment {
  return purify.sanitize(html, {
    ALLOWED_TAGS: TAGS.split(' '),
    ALLOWED_ATTR: ['href', 'title', 'class', 'start', 'align', 'type', 'checked', 'disabled'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
}

function mendLink(link: Element): void {
  const href = link.getAttribute('href');
  if (href === null) return;
  link.setAttribute('target', '_blank');
  link.setAttribute('rel', 'noopener noreferrer nofollow');
}
