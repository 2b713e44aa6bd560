// Telegram's HTML (Bot API, "HTML style") to DOM nodes. What is not on the list stays text: nothing is ever handed to
// the browser's own HTML parser.

const TAGS = {
  b: 'b', strong: 'b', i: 'i', em: 'i', u: 'u', ins: 'u', s: 's', strike: 's', del: 's',
  code: 'code', pre: 'pre', blockquote: 'blockquote', 'tg-spoiler': 'span', span: 'span', a: 'span',
};
const NAMES = { lt: '<', gt: '>', amp: '&', quot: '"' };

const unescape = (text) => text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot));/gi, (whole, dec, hex, name) => {
  if (name) return NAMES[name.toLowerCase()];
  const code = dec ? Number(dec) : parseInt(hex, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
});

/** The nodes of one message's text. */
export function markup(html) {
  const root = document.createDocumentFragment();
  const open = [{ name: '', node: root }];
  const top = () => open[open.length - 1];
  let at = 0;
  for (const tag of html.matchAll(/<(\/?)([a-z][a-z-]*)(?:\s[^<>]*)?>/gi)) {
    const name = tag[2].toLowerCase();
    if (!Object.hasOwn(TAGS, name)) continue;
    top().node.append(unescape(html.slice(at, tag.index)));
    at = tag.index + tag[0].length;
    if (!tag[1] && open.length < 16) {
      const node = document.createElement(TAGS[name]);
      top().node.append(node);
      open.push({ name, node });
    } else if (tag[1] && top().name === name) {
      open.pop();
    }
  }
  top().node.append(unescape(html.slice(at)));
  return root;
}
