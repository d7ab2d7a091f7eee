// The page shows the visitor without this script, which adds the hash routes
// and the calls. Texts from a server go to textContent only, never to HTML.

// The address to sign for wx.config: an iPhone checks the signature against the
// address at which the page was opened, even after a router has changed it.
const landing = location.href;

const say = (zh, en) => (document.documentElement.lang === 'en' ? en : zh);
const byId = (id) => document.getElementById(id);
const onAction = (name, handler) =>
  document.querySelector(`[data-action="${name}"]`).addEventListener('click', handler);

// Routes: the section whose id follows the #, else the first. The ids are removed,
// or the browser would scroll to the section and past the header.

const views = new Map();
for (const view of document.querySelectorAll('main > section')) {
  views.set('#' + view.id, view);
  view.removeAttribute('id');
}

function route() {
  const current = views.has(location.hash) ? location.hash : '#/';
  for (const [hash, view] of views) view.hidden = hash !== current;
  for (const tab of document.querySelectorAll('nav a')) {
    if (tab.hash === current) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
  byId('switch').hash = location.hash;
  scrollTo(0, 0);
}

addEventListener('hashchange', route);
route();

// Calls: if the session has ended, the gateway answers 401 with the address of
// the login.

async function call(path, options, id = 'fetch-result') {
  const result = byId(id);
  result.textContent = '';
  let response, text;
  try {
    response = await fetch(path, options);
    text = await response.text();
  } catch (error) {
    result.textContent = `${path}: ${error.message}`;
    return;
  }
  let body = null;
  try {
    body = JSON.parse(text);
    text = JSON.stringify(body, null, 2);
  } catch {
    // Not JSON: shown as it is.
  }
  result.textContent = `${response.status} ${path}\n${text}`;
  byId('signed-out').hidden = response.status !== 401;
  if (response.status === 401 && body && body.login_url) offerLogin(body.login_url);
}

function offerLogin(address) {
  const login = new URL(address, location.href);
  if (!/^https?:$/.test(login.protocol)) return;
  login.searchParams.set('return_to', location.pathname + location.search + location.hash);
  byId('login-again').href = login.href;
}

// The visitor may open another view after the 401.
addEventListener('hashchange', () => {
  if (!byId('signed-out').hidden) offerLogin(byId('login-again').href);
});

const whoAmI = () => call('/api/me');
const order = (item) =>
  call('/api/orders', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ item, quantity: 1 }),
  });

onAction('fetch', whoAmI);
onAction('jssdk', () => call(`/_wx/jssdk?url=${encodeURIComponent(landing)}`, {}, 'jssdk-result'));
onAction('order', () => order('tea'));
for (const button of document.querySelectorAll('[data-buy]')) {
  button.addEventListener('click', () => {
    order(button.dataset.buy);
    location.hash = '#/api';
  });
}

// Live: neither WebSocket nor EventSource gives a script the status of a refusal,
// so an ordinary call finds out whether the session has ended.

function append(id, line) {
  const lines = byId(id).textContent.split('\n').slice(-8);
  byId(id).textContent = [...lines, line].join('\n').trim();
}

let socket = null;

onAction('ws', () => {
  const message = byId('ws-message').value;
  if (socket) {
    if (socket.readyState === WebSocket.OPEN) socket.send(message);
    return;
  }
  let opened = false;
  socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws`);
  socket.onopen = () => {
    opened = true;
    socket.send(message);
  };
  socket.onmessage = (event) => append('ws-result', event.data);
  socket.onclose = () => {
    socket = null;
    append('ws-result', say('连接已关闭', 'closed'));
    if (!opened) whoAmI();
  };
});

let source = null;

function stopEvents(line) {
  source.close();
  source = null;
  append('sse-result', line);
}

onAction('sse', () => {
  if (source) {
    stopEvents(say('已停止', 'stopped'));
    return;
  }
  source = new EventSource('/events');
  source.onmessage = (event) => append('sse-result', event.data);
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return; // the browser reconnects
    stopEvents(say('已断开', 'disconnected'));
    whoAmI();
  };
});
