// From a snapshot to nodes. Nothing here remembers anything or talks to anybody.

import { button, h, icon } from './dom.js';
import { markup } from './markup.js';
import { clock, day, left, routerTime, took } from './time.js';

const FIRST_SCENES = ['confirm', 'not_me', 'no_answer', 'unrequested'];
const MORE_SCENES = ['line_drop', 'second_caller', 'address_reuse', 'router_away', 'reboot', 'lease_lapse'];

// ---- the bar ----------------------------------------------------------------------------------------------------------

export function bar({ snap, ui, words, now }) {
  const scene = (name) => h('button', { type: 'button', act: { do: 'play', scene: name }, 'aria-current': snap.scene === name && 'true' }, words.scene[name]);
  const go = (moment, at) => at > now && h('li', {}, h('button', { type: 'button', act: { do: 'advance_to', moment } }, words[moment]));
  const life = snap.life || {};
  const moments = [go('deadline', life.answer_by), go('reminder', life.remind_at), go('end', life.ends_at)].filter(Boolean);
  const language = (code, name) => h('button', { type: 'button', lang: code, ui: { lang: code }, 'aria-current': ui.lang === code && 'true' }, name);
  return h('header', {},
    h('span', { class: 'brand' }, icon('brand'), h('span', {}, 'mikro', h('em', {}, '2fa'))), h('span', { class: 'muted hide' }, words.demo),
    h('div', { class: 'seg', role: 'group', 'aria-label': words.scenes }, FIRST_SCENES.map(scene)),
    menu(words.more, MORE_SCENES.map((name) => h('li', {}, scene(name)))),
    h('div', { class: 'right' },
      h('span', { class: 'nowrap', title: 'UTC' }, icon('clock'), ' ', h('b', {}, clock(now, true))),
      h('div', { class: 'seg', role: 'group', 'aria-label': words.advance },
        h('button', { type: 'button', act: { do: 'advance', seconds: 60 } }, words.min),
        h('button', { type: 'button', act: { do: 'advance', seconds: 3600 } }, words.hour)),
      moments.length > 0 && menu(words.to, moments),
      h('div', { class: 'seg tiny', role: 'group', 'aria-label': words.language }, language('en', 'EN'), language('ru', 'RU')),
      h('button', { type: 'button', class: 'btn bare', act: { do: 'start_over' } }, words.startOver)));
}

const menu = (label, items) => h('details', { class: 'menu', 'data-key': `menu-${label}` },
  h('summary', { class: 'btn' }, label, ' ', icon('down')), h('ul', {}, items));

// ---- the life line ----------------------------------------------------------------------------------------------------

export function life({ snap, words, now, width }) {
  const done = ['confirm', 'not_me', 'no_answer', 'router_away'].includes(snap.scene) ? snap.life && !['requested', 'challenged'].includes(snap.life.state) : snap.life?.state === 'ended';
  const hint = snap.scene && !done && h('p', { class: 'muted' }, words.hint[snap.scene]);
  if (!snap.life) return h('section', {}, h('div', { class: 'top' }, h('h1', { id: 'life-t' }, words.noLife), hint));
  const it = snap.life;
  const headline = words.headline[it.state](it, words.reason[it.reason] || it.reason || '');
  return h('section', {},
    h('div', { class: 'top' }, h('h1', { id: 'life-t', 'aria-live': 'polite' }, headline), chip(it.state, words.state[it.state]), hint),
    line(it, words, now, width));
}

const AFTER = { requested: 'before', up: 'held', asked: 'held', confirmed: 'held', denied: 'over', opened: 'through', closed: 'held', dropped: 'gone', ended: 'over' };
const FILL = { before: 'f-line', held: 'url(#h-ask)', through: 'f-ok', gone: 'url(#h-gone)', over: 'f-line' };

/** Stretches of time, each as wide as the logarithm of its length, so that milliseconds and days fit on one line. */
function stretches(it, now) {
  const list = [];
  let phase = 'before';
  it.steps.forEach((step, i) => {
    phase = AFTER[step.what] || phase;
    const until = it.steps[i + 1]?.at ?? (it.state === 'ended' ? step.at : Math.max(now, step.at));
    list.push({ from: step.at, until, phase });
  });
  const end = it.state === 'ended' ? undefined : it.ends_at ?? it.answer_by;
  if (end > now) list.push({ from: now, until: end, phase: 'later' });
  const weight = ({ from, until }) => 0.4 + Math.log2(1 + (until - from) / 1000);
  const all = list.reduce((sum, part) => sum + weight(part), 0);
  let x = 0;
  return list.map((part) => {
    const wide = (100 * weight(part)) / all;
    x += wide;
    return { ...part, x: x - wide, wide };
  });
}

function line(it, words, now, width) {
  const parts = stretches(it, now);
  const percent = (x) => `${Math.round(x * 100) / 100}%`;
  const bars = parts.filter(({ wide }) => wide > 0).map(({ x, wide, phase }) => {
    const fill = FILL[phase];
    const paint = !fill ? { class: 'f-line', 'fill-opacity': '.45' } : fill.startsWith('url') ? { fill } : { class: fill };
    return h('rect', { x: percent(x), y: 6, width: percent(wide), height: 12, ...paint });
  });
  const marks = it.steps.map((step, i) => ({ x: parts[i].x, at: step.at, text: words.step[step.what] + (step.took_us ? ` +${took(step.took_us, words)}` : '') }));
  const last = parts[parts.length - 1];
  const labels = together(marks, width);
  if (last.phase === 'later') {
    const text = it.ends_at ? `${words.endsAt} ${clock(it.ends_at)}` : `${words.answerBy} ${clock(it.answer_by)}`;
    labels.push({ x: 100, text: `${text} (${left(last.until - now, words)})` });
    marks.push({ x: last.x }, { x: 100 });
  }
  const told = labels.map(({ text }) => text).join('; ');
  return h('svg', { class: 'chart', height: 60, role: 'img', 'aria-label': told }, bars,
    marks.map(({ x }) => h('line', { x1: percent(x), x2: percent(x), y1: 2, y2: 22, class: 'now' })),
    place(labels, width).map(({ x, y, anchor, text }) => h('text', { x: percent(x), y, class: `strong ${anchor}`.trim() }, text)));
}

/** What happened within two seconds is one label; what does not fit the whole width loses its oldest parts. */
function together(marks, width) {
  const list = [];
  for (const { x, at, text } of marks) {
    const before = list[list.length - 1];
    if (before && at - before.at < 2000) before.parts.push(text);
    else list.push({ x, at, parts: [text] });
  }
  return list.map(({ x, parts }) => {
    while (parts.length > 1 && wide(parts.join(', ')) > width) parts.shift();
    return { x, text: parts.join(', ') };
  });
}

const wide = (text) => text.length * 6.6 + 14;

/** Puts labels on two rows; what fits on neither is left out, the newest last. */
function place(labels, width) {
  const free = [0, 0];
  const placed = [];
  for (const { x, text } of labels) {
    const from = Math.max(0, Math.min((x / 100) * width, width - wide(text)));
    const row = free.findIndex((taken) => taken <= from);
    if (row < 0) continue;
    free[row] = from + wide(text);
    const atEnd = from < (x / 100) * width - 1;
    placed.push({ x: atEnd ? (100 * (from + wide(text))) / width : x, y: 36 + row * 17, anchor: atEnd ? 'fin' : '', text });
  }
  return placed;
}

const chip = (state, word) => h('span', { class: `chip is-${state}` }, icon(state), h('span', {}, word));

// ---- VPN client -------------------------------------------------------------------------------------------------------

export function vpn({ snap, ui, words, now }) {
  const client = snap.clients.find(({ id }) => id === ui.client) || snap.clients[0];
  if (!client) return h('section', {});
  return h('section', {},
    h('header', {}, h('h2', { id: 'vpn-t' }, words.vpn), h('p', {}, whose(client, words))),
    dial(client, words, now), reach(client, snap.router, words), others(snap.clients.filter((other) => other !== client), words));
}

const whose = (client, words) => client.kind === 'thief' ? `${words.thief} ${words.thiefOf(client.person)}` : `${words.of(client.person)} ${words.laptop}`;

const standing = (client) => client.tunnel ? (client.tunnel.through ? 'through' : 'held') : client.line === 'up' ? 'down' : client.line;

function dial(client, words, now) {
  const state = standing(client);
  const tone = { held: 't-ask', through: 't-ok', cut: 't-bad', refused: 't-bad', down: 'muted' }[state];
  const { tunnel } = client;
  return h('div', { class: 'panel' }, h('div', { class: 'dial' },
    picture(state),
    h('div', {}, h('p', {}, h('b', {}, words.office)), h('p', { class: 'muted' }, `${client.service.toUpperCase()} · ${client.account} · ${client.caller}`)),
    h('p', { role: 'status' }, h('b', { class: tone }, words.line[state], tunnel && `, ${left(now - tunnel.since, words)}`), h('br'), h('span', { class: 'muted' }, tunnel ? tunnel.address : '\u00a0')),
    tunnel
      ? h('div', { class: 'pair' }, button(words.hangUp, { act: { do: 'hang_up', client: client.id } }), button(words.dropLine, { act: { do: 'drop_line', client: client.id } }))
      : h('div', { class: 'pair' }, button(client.line === 'down' ? words.dial : words.redial, { class: 'btn main', act: { do: 'dial', client: client.id } }))));
}

/** Laptop, line, gate, office: hatched is held, solid is let through. */
function picture(state) {
  const up = state === 'held' || state === 'through';
  return h('svg', { class: 'big', viewBox: '0 0 240 88', 'aria-hidden': 'true' },
    h('rect', { x: 18, y: 22, width: 52, height: 34, rx: 4, class: 'g-line' }), h('path', { d: 'M8 64h72', class: 'g-line' }),
    up && h('rect', { x: 80, y: 38, width: 62, height: 9, ...(state === 'held' ? { fill: 'url(#h-ask)' } : { class: 'f-ok' }) }),
    !up && h('path', { d: 'M84 43h54', class: state === 'down' ? 'g-dash' : 'g-dash bad' }),
    h('path', { d: 'M150 66V42a20 20 0 0 1 40 0v24', class: 'g-line' }),
    state === 'through'
      ? [h('path', { d: 'M160 26v6M170 22v10M180 26v6', class: 'g-bars thin ok' }), h('rect', { x: 142, y: 38, width: 66, height: 9, class: 'f-ok' })]
      : [h('path', { d: 'M160 30v36M170 24v42M180 30v36', class: 'g-bars thin' }), h('path', { d: 'M196 42h12', class: 'g-dash' })],
    h('path', { d: 'M212 66V30h20v36M217 38h4M217 46h4M217 54h4M225 38h3M225 46h3M225 54h3', class: 'g-line' }));
}

function reach(client, router, words) {
  const number = (id) => 1 + router.rules.findIndex((rule) => rule.id === id);
  const row = ({ target, address, verdict, rule }) => {
    const good = verdict === 'passed';
    const why = verdict === 'no_way' ? '' : number(rule) ? words.byRule(number(rule)) : words.byNone;
    return h('li', { class: good ? 'is-good' : verdict === 'dropped' ? 'is-bad' : 'is-calm', 'data-key': target }, icon(good ? 'tick' : 'ban'),
      h('span', {}, words.target[target], h('span', { class: 'under muted small mono' }, address), h('span', { class: 'under muted small' }, why)), h('b', {}, words.verdict[verdict]));
  };
  return h('div', { class: 'panel' },
    h('header', {}, h('h3', { id: 'reach-t' }, words.reach), button(client.reach.length ? words.tryAgain : words.tryNow, { class: 'btn tiny', act: { do: 'reach', client: client.id } })),
    client.reach.length ? h('ul', { class: 'reach', 'aria-labelledby': 'reach-t' }, client.reach.map(row)) : h('p', { class: 'body muted' }, words.notTried));
}

function others(clients, words) {
  const row = (client) => {
    const state = standing(client);
    return h('li', { 'data-key': client.id },
      h('button', { type: 'button', class: 'link', ui: { client: client.id } }, client.kind === 'thief' ? words.thief : client.person),
      h('span', { class: 'under muted small' }, client.kind === 'thief' ? `${words.thiefOf(client.person)}, ${client.caller}` : `${client.account}, ${client.caller}`),
      client.tunnel
        ? [h('b', { class: `small ${state === 'held' ? 't-ask' : 't-ok'}` }, words[state]), button(words.hangUp, { class: 'btn tiny', act: { do: 'hang_up', client: client.id } })]
        : button(words.dial, { class: 'btn tiny', act: { do: 'dial', client: client.id } }));
  };
  return clients.length > 0 && h('div', { class: 'panel' }, h('ul', { class: 'others', 'aria-label': words.people }, clients.map(row)));
}

// ---- phone ------------------------------------------------------------------------------------------------------------

export function phone({ snap, ui, words, now }) {
  const it = snap.phones.find(({ id }) => id === ui.phone) || snap.phones[0];
  if (!it) return h('section', {});
  const tab = ({ id, person }) => h('button', { type: 'button', ui: { phone: id }, 'aria-current': id === it.id && 'true' }, person);
  return h('section', {},
    h('header', {}, h('h2', { id: 'phone-t' }, words.phone), h('p', {}, words.stand),
      snap.phones.length > 1 && h('div', { class: 'seg tiny push', role: 'group', 'aria-label': words.people }, snap.phones.map(tab))),
    h('div', { class: 'phone' },
      h('p', { class: 'status', 'aria-hidden': 'true' }, h('span', {}, clock(now)), h('span', {}, '84 %')),
      h('div', { class: 'peer' }, h('span', { class: 'face', 'aria-hidden': 'true' }, icon('brand', 'l')), h('p', {}, h('b', {}, it.bot), h('br'), h('span', { class: 'muted small' }, words.bot))),
      h('div', { class: 'chatbox', tabindex: 0, role: 'region', 'aria-label': words.chat, 'data-key': `chat-${it.id}` }, chat(it, words, now)),
      ui.said && said(ui.said, words),
      it.board.length > 0 && h('div', { class: 'keys board' }, it.board.map((row) => h('div', { class: 'row' }, row.map((label) => button(label, { class: false, act: { do: 'send', phone: it.id, text: label } }))))),
      h('form', { class: 'write', 'data-phone': it.id, 'data-key': `write-${it.id}` },
        h('input', { name: 'text', maxlength: 4096, autocomplete: 'off', placeholder: words.write, 'aria-label': words.write }),
        h('button', { class: 'btn', 'aria-label': words.send }, icon('send')))));
}

const said = ({ text, popup }, words) => h('div', { class: popup ? 'said popup' : 'said', role: 'status', 'data-key': 'said' }, h('p', {}, text), popup && button(words.close, { class: 'btn tiny', ui: { said: null } }));

function chat(it, words, now) {
  if (!it.messages.length) return h('ol', { class: 'chat' }, h('li', { class: 'day' }, words.noMessages));
  let shown = '';
  return h('ol', { class: 'chat' }, it.messages.map((message) => {
    const date = day(message.at, now, words);
    const head = date !== shown && h('li', { class: 'day', 'data-key': `day-${date}` }, date);
    shown = date;
    return [head, bubble(it, message, words)];
  }));
}

function bubble(it, message, words) {
  const own = message.from === 'person';
  const note = [message.edited && words.edited, message.silent && !own && words.silent, clock(message.at)].filter(Boolean).join(' · ');
  const time = h('time', {}, note);
  const keys = message.keys.map((row) => h('div', { class: 'row' }, row.map(({ label, data }) => button(label, { class: false, act: { do: 'tap', phone: it.id, message: message.id, data } }))));
  return h('li', { class: own ? 'msg out' : 'msg', 'data-key': `m${message.id}` },
    h('div', { class: 'bubble' }, h('div', { class: 'text' }, own ? message.text : markup(message.text)), time),
    keys.length > 0 && h('div', { class: 'keys' }, keys));
}

// ---- router -----------------------------------------------------------------------------------------------------------

export function router({ snap, ui, words, now }) {
  const it = snap.router;
  const off = it.power !== 'up';
  const dead = snap.engine === 'dead';
  return h('section', {},
    h('header', {}, h('h2', { id: 'router-t' }, words.router), h('p', {}, words.simulated(it))),
    h('div', { class: 'panel power' },
      h('div', {}, h('p', { class: off ? 'is-unreachable' : 'is-active' }, icon(off ? 'unreachable' : 'router'), h('b', {}, it.name), h('span', { class: 'muted' }, it.power === 'unplugged' ? words.unplugged : off ? words.cut : `${words.uptime} ${routerTime(now - it.up_since)}`)),
        off ? button(words.plug, { class: 'btn tiny main', act: { do: 'plug' } }) : [button(words.unplug, { class: 'btn tiny', act: { do: 'unplug' } }), button(words.cutOff, { class: 'btn tiny', act: { do: 'cut_off' } }), button(words.restart, { class: 'btn tiny', act: { do: 'reboot' } })]),
      h('div', {}, h('p', { class: dead ? 'is-bad' : 'is-active' }, icon(dead ? 'stop' : 'active'), h('b', {}, 'mikro2fa'), h('span', { class: 'muted' }, dead ? words.dead : words.alive)),
        dead ? button(words.start, { class: 'btn tiny main', act: { do: 'start_engine' } }) : button(words.kill, { class: 'btn tiny', act: { do: 'kill_engine' } }))),
    tunnels(it, words, now, snap, ui), lists(it, words, now), rules(it, words, snap, ui), wire(snap.wire, words));
}

function win(id, path, note, columns, rows, empty) {
  const head = ([label, number]) => h('th', { scope: 'col', class: number && 'num' }, label);
  return h('div', { class: 'panel win', 'data-key': id },
    h('header', {}, h('h3', { class: 'path', id }, path), h('span', { class: 'muted small' }, note)),
    h('div', { class: 'scroll', role: 'region', 'aria-labelledby': id, tabindex: 0 },
      h('table', {}, h('thead', {}, h('tr', {}, columns.map(head))), h('tbody', {}, rows.length ? rows : h('tr', {}, h('td', { colspan: columns.length, class: 'muted' }, empty))))));
}

function tunnels(it, words, now, snap, ui) {
  const own = snap.clients.find(({ id }) => id === ui.client)?.tunnel?.address;
  const rows = it.tunnels.map((tunnel) => {
    const state = tunnel.through ? (tunnel.session === 'expiring' ? 'expiring' : 'active') : 'challenged';
    return h('tr', { class: tunnel.address && tunnel.address === own && `hit is-${state}`, 'data-key': tunnel.id },
      [tunnel.name, tunnel.service, tunnel.caller, tunnel.address, routerTime(now - tunnel.since)].map((text) => h('td', {}, text)),
      h('td', {}, chip(state, tunnel.through ? words.through : words.held)));
  });
  const c = words.col;
  return win('w1', '/ppp active', `${words.tunnels}: ${rows.length}`, [[c.name], [c.service], [c.caller], [c.address], [c.uptime], [c.gate]], rows, words.noTunnels);
}

function lists(it, words, now) {
  const permitted = new Set(it.lists.filter(({ list }) => list.includes('permit')).map(({ address }) => address));
  const without = it.tunnels.filter(({ address, through }) => address && !through && !permitted.has(address));
  const order = (entry) => (entry.until ? 0 : 1);
  const rows = [...it.lists].sort((a, b) => order(a) - order(b)).map(({ list, address, until, comment }) => h('tr', { 'data-key': `${list} ${address}` }, [list, address, until ? routerTime(until - now) : '', comment].map((text) => h('td', {}, text))));
  const missing = without.map(({ address }) => h('tr', { class: 'is-challenged', 'data-key': `no ${address}` }, h('td', { colspan: 4, class: 'muted' }, words.noPermit(address))));
  const c = words.col;
  return win('w2', '/ip firewall address-list', words.lists, [[c.list], [c.address], [c.timeout], [c.comment]], [...missing, ...rows], '');
}

function rules(it, words, snap, ui) {
  const tries = snap.clients.find(({ id }) => id === ui.client)?.reach || [];
  const office = tries.find(({ target }) => target !== 'telegram');
  const rows = it.rules.map((rule, i) => {
    const hit = office?.rule === rule.id && office.verdict !== 'no_way';
    const tone = office?.verdict === 'passed' ? 'good' : 'bad';
    return h('tr', { class: [hit && `hit is-${tone}`, rule.disabled && 'muted'].filter(Boolean).join(' ') || false, 'data-key': rule.id },
      h('td', { class: 'num' }, String(i + 1)), h('td', {}, h('b', { class: hit && `t-${tone === 'good' ? 'ok' : 'bad'}` }, rule.action.split(' ')[0]), ` ${rule.action.split(' ').slice(1).join(' ')}`,
        rule.disabled && ` (${words.off})`, h('span', { class: 'under' }, rule.chain)),
      h('td', { class: 'matches' }, rule.comment && h('span', { class: 'under' }, rule.comment), matches(rule)), h('td', { class: 'num' }, String(rule.packets)));
  });
  const c = words.col;
  return win('w3', '/ip firewall filter', words.rules, [['#', true], [`${c.action}, ${c.chain}`], [c.matches], [c.packets, true]], rows, words.noRules);
}

/** Broken between words only: a hyphen in a name is no place to break. */
const matches = (rule) => (rule.matches || '*').split(' ').flatMap((word) => [h('span', { class: 'nowrap' }, word), ' ']);

const ARROWS = { to_router: ['→', ''], from_router: ['←', 't-ok'], to_chat: ['⇢', 't-ask'], from_chat: ['⇠', 't-open'] };

function wire(lines, words) {
  const row = ({ at, direction, text }) => h('li', {}, h('span', {}, clock(at, true)), h('span', { class: ARROWS[direction][1] || false }, `${ARROWS[direction][0]} ${text}`));
  return h('div', { class: 'panel win grow', 'data-key': 'w4' },
    h('header', {}, h('h3', { class: 'path', id: 'w4' }, words.wire), h('span', { class: 'muted small' }, words.newest)),
    h('div', { class: 'wirebox', tabindex: 0, role: 'region', 'aria-labelledby': 'w4' }, h('ol', { class: 'wire' }, lines.length ? lines.map(row) : h('li', { class: 'muted' }, words.quiet))));
}

export function jump({ words }) {
  const go = (id) => h('a', { href: `#${id}` }, words[id]);
  return h('nav', { 'aria-label': words.panes }, h('div', { class: 'seg' }, go('vpn'), go('phone'), go('router')));
}
