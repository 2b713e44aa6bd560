'use strict';
// The router under test, and checks that are counted. ROUTER is what `mikro2fa simulate` said when it started, as JSON.

const assert = require('node:assert/strict');

const about = JSON.parse(process.env.ROUTER);
const port = (address) => Number(address.slice(address.lastIndexOf(':') + 1));

const router = {
  about,
  version: about.version,
  host: about.api.slice(0, about.api.lastIndexOf(':')),
  port: port(about.api),
  tlsPort: port(about.api_tls),
  user: 'admin',
  password: about.users.admin,
  atLeast(major, minor) {
    const [ours, after] = about.version.split('.').map(Number);
    return ours > major || (ours === major && after >= minor);
  },
  async ask(method, path, body) {
    const answer = await fetch(about.control + path, { method, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  },
  get(path) {
    return this.ask('GET', path);
  },
  post(path, body) {
    return this.ask('POST', path, body);
  },
};

const samples = require('./samples.json');

// A row that is there on every router, for properties that name one.
const of = {
  '/interface': 'ether1',
  '/interface/bridge': 'bridge',
  '/interface/list': 'LAN',
  '/ip/pool': 'vpn',
  '/ppp/profile': 'default',
  '/user': 'admin',
  '/user-manager/profile': 'default',
  '/user-manager/user': 'mia',
  '/user/group': 'read',
};

const plain = {
  bool: 'yes',
  number: '1',
  duration: '1m',
  policy: 'read',
  address: '10.99.0.1',
  prefix: '10.99.0.0/24',
  'address-with-mask': '10.99.0.1/24',
  'list-entry': '10.99.0.1',
  ranges: '10.99.0.2-10.99.0.9',
  'address-or-pool': '10.99.0.1',
  matcher: '10.99.0.1',
};

function example(known, name) {
  if (known.of) return of[known.of];
  if (known.values) return known.values[0];
  return known.kind === 'text' ? name : plain[known.kind];
}

// Words that `add` takes in this menu: what it requires, and what makes the row one of ours.
function sample(menu, name) {
  const own = samples[menu.path] ?? {};
  const words = [];
  for (const known of menu.properties) {
    if (known.name in own) words.push(`=${known.name}=${own[known.name].replace('{name}', name)}`);
    else if (known.required || known.name === 'name') words.push(`=${known.name}=${example(known, name)}`);
  }
  return words;
}

const patience = 60_000;

// Runs the checks one after the other; leaves with 1 if one of them failed.
async function run(title, checks) {
  let passed = 0;
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('nothing came of it')), patience);
    });
    try {
      await Promise.race([check(), late]);
      passed += 1;
    } catch (error) {
      failed += 1;
      console.error(`FAILED ${title}: ${name}`);
      console.error(error);
    }
    clearTimeout(timer);
  }
  console.log(`${title}: ${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

// The text of what this is refused with.
async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error.message;
  }
  throw new assert.AssertionError({ message: 'it was not refused' });
}

module.exports = { assert, refused, router, run, sample };
