// Nodes without a framework: `h` makes them, `morph` brings what is shown in line with what was made, and leaves alone
// what is the same, so that focus, scrolling and half-typed text survive.

const SVG = 'http://www.w3.org/2000/svg';
const DRAWN = new Set(['svg', 'use', 'path', 'rect', 'line', 'text', 'title', 'circle']);

/** A node: `act` and `ui` in the attributes are what a click asks the world or the page for. */
export function h(tag, attributes, ...children) {
  const node = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'act' || name === 'ui') node.setAttribute(`data-${name}`, JSON.stringify(value));
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

export const icon = (name, more = '') => h('svg', { class: `i ${more}`.trim(), 'aria-hidden': 'true' }, h('use', { href: `#i-${name}` }));

export const button = (label, attributes) => h('button', { type: 'button', class: 'btn', ...attributes }, label);

/** Makes `shown`'s children those of `made`. */
export function morph(shown, made) {
  const keyed = new Map();
  for (const child of shown.children) if (child.dataset?.key) keyed.set(child.dataset.key, child);
  let next = shown.firstChild;
  for (const child of [...made.childNodes]) {
    const key = child.dataset?.key;
    const same = key ? keyed.get(key) : next && !next.dataset?.key && next.nodeName === child.nodeName ? next : undefined;
    if (!same) {
      shown.insertBefore(child, next);
      continue;
    }
    if (same === next) next = next.nextSibling;
    else shown.insertBefore(same, next);
    patch(same, child);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

function patch(shown, made) {
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.nodeValue !== made.nodeValue) shown.nodeValue = made.nodeValue;
    return;
  }
  for (const { name } of [...shown.attributes]) {
    if (!made.hasAttribute(name) && name !== 'open') shown.removeAttribute(name);
  }
  for (const { name, value } of made.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  morph(shown, made);
}
