// Listens to the world, draws it, and asks it for what was clicked.

import { button, h, icon, morph } from './dom.js';
import * as draw from './draw.js';
import { LANGUAGES } from './words.js';

const ui = { lang: undefined, client: undefined, phone: undefined, said: null };
const part = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search).get('lang');
let snap;
let receivedAt = 0;
let saidTimer;

function show() {
  if (!snap) return;
  const lang = ui.lang || (asked in LANGUAGES ? asked : snap.language);
  const words = LANGUAGES[lang];
  const now = snap.now + (snap.running ? Math.round(performance.now() - receivedAt) : 0);
  const chosen = { ...ui, lang, client: ui.client ?? snap.clients[0]?.id, phone: ui.phone ?? snap.phones[0]?.id };
  const context = { snap, ui: chosen, words, now, width: Math.max(240, part('life').clientWidth - 48) };
  document.documentElement.lang = lang;
  for (const node of document.querySelectorAll('[data-word]')) node.textContent = words[node.dataset.word];
  for (const id of ['bar', 'life', 'jump', 'vpn', 'phone', 'router']) morph(part(id), draw[id](context));
  reveal(part('router').querySelector('[data-key="w3"] tr.hit'));
}

let revealed;

/** Brings the rule that decided into sight, once. */
function reveal(row) {
  const box = row?.closest('.scroll');
  if (box && revealed !== row.dataset.key) box.scrollTop = row.offsetTop - box.clientHeight / 2;
  revealed = row?.dataset.key;
}

function listen() {
  const events = new EventSource('/demo/events');
  events.onmessage = (event) => {
    snap = JSON.parse(event.data);
    receivedAt = performance.now();
    part('lost')?.remove();
    show();
  };
  events.onerror = () => {
    if (!part('lost')) toast(LANGUAGES[document.documentElement.lang || 'en'].lost, 'lost');
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
  };
}

function toast(text, id) {
  const node = h('div', { class: 'toast is-bad', id }, icon('stop'), h('p', {}, text), !id && button(icon('close'), { class: 'btn tiny bare', 'aria-label': 'OK', ui: {} }));
  part('toasts').append(node);
  if (id) return;
  node.lastChild.addEventListener('click', () => node.remove());
  setTimeout(() => node.remove(), 8000);
}

/** At most one of a kind at a time: a double click is one act. */
const underway = new Set();

async function act(body) {
  const text = JSON.stringify(body);
  if (underway.has(text)) return;
  underway.add(text);
  follow(body);
  try {
    const response = await fetch('/demo/act', { method: 'POST', headers: { 'content-type': 'application/json' }, body: text });
    const answer = await response.json();
    if (response.ok) say(answer.said);
    else toast(answer.detail || answer.title);
  } catch (error) {
    toast(String(error.message || error));
  } finally {
    underway.delete(text);
  }
}

/** Looks where something is about to happen. */
function follow(body) {
  if (body.do === 'play' || body.do === 'start_over') Object.assign(ui, { client: undefined, phone: undefined, said: null });
  if (body.do === 'play' && ['not_me', 'second_caller'].includes(body.scene)) ui.client = snap.clients.find(({ kind }) => kind === 'thief')?.id;
  if (body.do === 'play' && body.scene === 'address_reuse') choose(snap.clients.find(({ person }) => person !== snap.clients[0].person)?.id);
  if (body.do === 'dial') choose(body.client);
}

/** A client, and the phone of whoever owns its account. */
function choose(id) {
  const client = snap.clients.find((one) => one.id === id);
  const phone = snap.phones.find(({ person }) => person === client?.person);
  Object.assign(ui, { client: id, phone: phone?.id ?? ui.phone });
}

function say(said) {
  if (!said?.text) return; // an answer without words only stops the button spinning
  clearTimeout(saidTimer);
  ui.said = said;
  if (!said.popup) saidTimer = setTimeout(() => { ui.said = null; show(); }, 4000);
  show();
}

document.addEventListener('click', (event) => {
  const target = event.target.closest('[data-act], [data-ui]');
  for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(event.target) || target) menu.open = false;
  if (!target) return;
  if (target.dataset.act) act(JSON.parse(target.dataset.act));
  if (target.dataset.ui) {
    const wanted = JSON.parse(target.dataset.ui);
    if (wanted.client) choose(wanted.client);
    else Object.assign(ui, wanted);
  }
  show();
});

document.addEventListener('submit', (event) => {
  event.preventDefault();
  const input = event.target.elements.text;
  if (!input.value.trim()) return;
  act({ do: 'send', phone: event.target.dataset.phone, text: input.value });
  input.value = '';
});

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false;
});

setInterval(show, 1000);
addEventListener('resize', show);
listen();
