'use strict';
// `node-routeros` and `routeros-client`, which stands on it, against the simulated router.
//
// node-routeros 1.6.9 does not know the reply `!empty` of RouterOS 7.18 and later: it throws where nobody can catch it. So
// nothing empty is asked for there, but once, to see that it is still so.

const crypto = require('node:crypto');

const { RouterOSAPI } = require('node-routeros');
const { RouterOSClient } = require('routeros-client');

const { assert, refused, router, run, sample } = require('./router');

const knowsEmpty = !router.atLeast(7, 18);
// Kept open, so that nothing has to be sent that a router does not know, as the client does by itself to hold a connection.
const options = (more) => ({ host: router.host, port: router.port, user: router.user, password: router.password, timeout: 60, ...more });

async function connect(more) {
  const api = new RouterOSAPI(options(more));
  api.on('error', (error) => {
    throw error;
  });
  await api.connect();
  return api;
}

const one = async (api, path, id) => {
  const rows = await api.write(`${path}/print`, [`?.id=${id}`]);
  assert.equal(rows.length, 1, path);
  return rows[0];
};

const checks = {
  async 'a wrong password is refused'() {
    for (const [user, password] of [['admin', 'wrong'], ['nobody', 'x']]) {
      const api = new RouterOSAPI(options({ user, password }));
      const error = await api.connect().then(() => null, (error) => error);
      assert.equal(error?.errno ?? error?.name, 'CANTLOGIN', String(error));
    }
  },

  async 'TLS, with the certificate that was announced'() {
    const api = await connect({ port: router.tlsPort, tls: { rejectUnauthorized: false } });
    assert.deepEqual(await api.write('/system/identity/print'), [{ name: router.about.identity }]);
    await api.close();
    const announced = router.about.fingerprint.replaceAll(':', '').toLowerCase();
    const seen = await new Promise((resolve, reject) => {
      const socket = require('node:tls').connect({ host: router.host, port: router.tlsPort, rejectUnauthorized: false }, () => {
        resolve(crypto.createHash('sha256').update(socket.getPeerCertificate().raw).digest('hex'));
        socket.destroy();
      });
      socket.on('error', reject);
    });
    assert.equal(seen, announced);
  },

  async 'every menu can be read'() {
    await router.post('/dial', { account: 'ann', password: 'pw' });
    const api = await connect();
    for (const menu of await router.get('/catalogue')) {
      const known = new Set(menu.properties.map((it) => it.name));
      const [{ ret }] = menu.single ? [{ ret: '1' }] : await api.write(`${menu.path}/print`, ['=count-only=']);
      if (ret === '0' && !knowsEmpty) continue;
      const rows = await api.write(`${menu.path}/print`);
      if (menu.path !== '/log') assert.equal(rows.length, Number(ret), menu.path);
      for (const row of rows) {
        for (const name of Object.keys(row)) assert.ok(name === '.id' || known.has(name), `${menu.path} has ${name}`);
        assert.equal('.id' in row, !menu.single, menu.path);
      }
      const listed = await api.write(`${menu.path}/getall`, [`=.proplist=.id,${[...known].join(',')}`]);
      assert.ok(listed.length >= rows.length, menu.path);
      if (rows.length && !menu.single) assert.deepEqual((await one(api, menu.path, rows[0]['.id']))['.id'], rows[0]['.id']);
    }
    await router.post('/hang-up', { account: 'ann' });
    await api.close();
  },

  async 'every menu can be written'() {
    const api = await connect();
    let number = 0;
    for (const menu of await router.get('/catalogue')) {
      number += 1;
      if (!menu.commands.includes('add')) continue;
      const words = sample(menu, `node${number}`);
      const [{ ret }] = await api.write(`${menu.path}/add`, words);
      assert.match(ret, /^\*[0-9A-F]+$/, menu.path);
      const sets = menu.commands.includes('set');
      if (sets && menu.properties.some((it) => it.name === 'comment' && it.writable)) {
        await api.write(`${menu.path}/set`, [`=.id=${ret}`, '=comment=of a stranger']);
        assert.equal((await one(api, menu.path, ret)).comment, 'of a stranger', menu.path);
      }
      if (menu.commands.includes('disable')) {
        await api.write(`${menu.path}/disable`, [`=numbers=${ret}`]);
        assert.equal((await one(api, menu.path, ret)).disabled, 'true', menu.path);
        await api.write(`${menu.path}/enable`, [`=.id=${ret}`]);
        assert.equal((await one(api, menu.path, ret)).disabled, 'false', menu.path);
      }
      if (sets) {
        const unknown = await refused(api.write(`${menu.path}/set`, [`=.id=${ret}`, '=no-such-thing=1']));
        assert.match(unknown, /^unknown parameter/, menu.path);
      }
      await api.write(`${menu.path}/remove`, [`=.id=${ret}`]);
      assert.match(await refused(api.write(`${menu.path}/remove`, [`=.id=${ret}`])), /^no such item/, menu.path);
    }
    await api.close();
  },

  async 'several commands at once, each with its own answer'() {
    const api = await connect();
    const answers = await Promise.all([
      api.write('/system/identity/print'),
      refused(api.write('/no/such/menu/print')),
      api.write('/ip/service/print', ['?name=api']),
      api.write('/ppp/secret/print', ['?name=ann', '=.proplist=name']),
    ]);
    assert.equal(answers[0][0].name, router.about.identity);
    assert.match(answers[1], /^no such command/);
    assert.equal(answers[2][0].port, String(router.port));
    assert.deepEqual(answers[3], [{ name: 'ann' }]);
    await api.close();
  },

  async 'queries'() {
    const api = await connect();
    const names = async (...words) => (await api.write('/ip/service/print', ['=.proplist=name', ...words])).map((row) => row.name);
    assert.deepEqual(await names('?name=ftp'), ['ftp']);
    assert.deepEqual((await names('?name=ftp', '?name=ssh', '?#|')).sort(), ['ftp', 'ssh']);
    assert.deepEqual(await names('?>port=20', '?<port=22'), ['ftp']);
    assert.ok(!(await names('?name=ftp', '?#!')).includes('ftp'));
    await api.close();
  },

  async 'a stream tells of what comes and goes, rests and goes on'() {
    const api = await connect();
    const heard = [];
    let wake = () => {};
    const next = async (count) => {
      while (heard.length < count) await new Promise((resolve) => (wake = resolve));
    };
    const stream = api.stream('/ppp/active/listen', (error, packet) => {
      if (error || Array.isArray(packet)) return;
      heard.push(packet);
      wake();
    });
    await api.write('/system/identity/print');
    const tunnel = await router.post('/dial', { account: 'ann', password: 'pw' });
    await next(1);
    assert.equal(heard[0]['.id'], tunnel.active_id);
    assert.equal(heard[0].name, 'ann');
    await stream.pause();
    await router.post('/hang-up', { account: 'ann' });
    await api.write('/system/identity/print');
    assert.equal(heard.length, 1, 'it heard something while it rested');
    await stream.resume();
    await api.write('/system/identity/print');
    await router.post('/dial', { account: 'ann', password: 'pw' });
    await next(2);
    await router.post('/hang-up', { account: 'ann' });
    // After a rest this client tells everything twice.
    while (!heard.at(-1)['.dead']) await next(heard.length + 1);
    assert.deepEqual(Object.keys(heard.at(-1)).sort(), ['.dead', '.id']);
    assert.equal(heard.at(-1)['.dead'], 'true');
    await stream.stop();
    await api.close();
  },

  async 'a stream of what is not there ends with its trap'() {
    const api = await connect();
    const error = await new Promise((resolve) => api.stream('/no/such/listen', (error) => error && resolve(error)));
    assert.match(error.message, /^no such command/);
    // Closing would cancel what has ended, and stumble over the trap that a router answers that with.
    api.registeredStreams = [];
    await api.close();
  },

  async 'text of other code pages goes through as it is'() {
    const api = await connect();
    const [{ ret }] = await api.write('/ppp/secret/add', ['=name=node-cp', '=comment=né à Málaga']);
    assert.equal((await one(api, '/ppp/secret', ret)).comment, 'né à Málaga');
    await api.write('/ppp/secret/remove', [`=.id=${ret}`]);
    await api.close();
  },

  async 'long words and long answers'() {
    const api = await connect();
    const comment = 'x'.repeat(20_000);
    const ids = [];
    for (let at = 0; at < 500; at += 50) {
      const adds = Array.from({ length: 50 }, (_, n) => {
        const address = `10.98.${Math.floor((at + n) / 250)}.${((at + n) % 250) + 1}`;
        return api.write('/ip/firewall/address-list/add', ['=list=node', `=address=${address}`, `=comment=${comment}`]);
      });
      for (const [{ ret }] of await Promise.all(adds)) ids.push(ret);
    }
    const rows = await api.write('/ip/firewall/address-list/print', ['?list=node']);
    assert.equal(rows.length, 500);
    assert.ok(rows.every((row) => row.comment === comment));
    await api.write('/ip/firewall/address-list/remove', [`=.id=${ids.join(',')}`]);
    await api.close();
  },

  async 'a reply that this client does not know ends it, as on a real router'() {
    const child = require('node:child_process').spawnSync(process.execPath, ['-e', `
      const { RouterOSAPI } = require('node-routeros');
      const api = new RouterOSAPI(${JSON.stringify(options())});
      api.connect().then(() => api.write('/ppp/active/print')).then((rows) => { console.log(rows.length); process.exit(0); });
    `], { encoding: 'utf8', timeout: 30_000 });
    if (knowsEmpty) assert.equal(child.stdout.trim(), '0');
    else assert.match(child.stderr, /UNKNOWNREPLY|!empty/);
  },

  async 'routeros-client: menus as objects'() {
    const client = new RouterOSClient(options());
    const api = await client.connect();
    const secrets = api.menu('/ppp secret');
    const made = await secrets.add({ name: 'object', password: 'x', service: 'l2tp', comment: 'first' });
    assert.equal(made.name, 'object');
    assert.equal((await secrets.where('name', 'object').get()).length, 1);
    assert.equal((await secrets.where('service', 'l2tp').whereNotEmpty('comment').getOne()).name, 'object');
    assert.ok((await secrets.whereEmpty('comment').get()).every((row) => row.name !== 'object'));
    const model = (await secrets.where('name', 'object').getModel())[0];
    await model.update({ comment: 'second' });
    assert.equal(model.comment, 'second');
    await model.disable();
    assert.equal(model.disabled, true);
    await model.enable();
    assert.equal(model.disabled, false);
    await model.update({ remoteAddress: '10.9.9.9' });
    assert.equal(model.remoteAddress, '10.9.9.9');
    await model.unset('remoteAddress');
    assert.equal(model.remoteAddress, undefined);
    await model.remove();
    assert.ok((await secrets.get()).every((row) => row.name !== 'object'));
    const rules = api.menu('/ip firewall filter');
    const first = await rules.add({ chain: 'objects', action: 'accept', comment: 'a' });
    const second = await rules.add({ chain: 'objects', action: 'drop', comment: 'b' });
    await rules.move(second.id, first.id);
    const order = (await rules.where('chain', 'objects').get()).map((row) => row.comment);
    assert.deepEqual(order, ['b', 'a']);
    await rules.remove([first.id, second.id].join(','));
    await client.close();
  },
};

run(`node-routeros on ${router.version}`, checks);
