'use strict';
// `mikronode-ng`, which knows only the login by challenge, against routers from before 6.43.

const MikroNode = require('mikronode-ng');

const { assert, router, run, sample } = require('./router');

const connect = (password = router.password) =>
  MikroNode.getConnection(router.host, router.user, password, { port: router.port }).getConnectPromise();

// The rows of an answer.
async function say(connection, command, words = []) {
  const channel = await connection.getCommandPromise([command, ...words]);
  return channel;
}

const checks = {
  async 'a wrong password is refused'() {
    const error = await connect('wrong').then(() => null, (error) => error);
    assert.ok(error, 'it was let in');
  },

  async 'every menu can be read'() {
    const connection = await connect();
    for (const menu of await router.get('/catalogue')) {
      const rows = await say(connection, `${menu.path}/print`);
      assert.ok(Array.isArray(rows), menu.path);
      if (menu.single) assert.equal(rows.length, 1, menu.path);
    }
    connection.close();
  },

  async 'every menu can be written'() {
    const connection = await connect();
    let number = 0;
    for (const menu of await router.get('/catalogue')) {
      number += 1;
      if (!menu.commands.includes('add')) continue;
      const [{ ret }] = await say(connection, `${menu.path}/add`, sample(menu, `old${number}`));
      assert.match(ret, /^\*/, menu.path);
      await say(connection, `${menu.path}/remove`, [`=.id=${ret}`]);
    }
    connection.close();
  },

  async 'a trap is told in the words of the router'() {
    const connection = await connect();
    const trap = await say(connection, '/ppp/secret/add', ['=name=ann']).then(() => null, (trap) => trap);
    assert.match(JSON.stringify(trap?.errors ?? String(trap)), /secret with the same name already exists/);
    connection.close();
  },
};

run(`mikronode-ng on ${router.version}`, checks);
