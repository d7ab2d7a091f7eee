// Signs the visitor in from a page, without a server of the site's: the gateway
// returns WeChat's address, and exchanges the code that comes back for a session.

const say = (zh, en) => (document.documentElement.lang === 'en' ? en : zh);
const button = document.querySelector('[data-action="login"]'); // none if signed in
const result = document.getElementById('login-result');

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${body.error}: ${body.message}`);
  return body;
}

async function leave() {
  const page = encodeURIComponent(location.href);
  const login = await ask(`/_wx/config?redirect_uri=${page}`);
  sessionStorage.setItem(login.state, location.href);
  location.assign(login.authorize_url);
}

async function arrive(state, code) {
  // A code works once, so the address of the page becomes the one before the login.
  history.replaceState(null, '', sessionStorage.getItem(state) ?? cleaned());
  if (!code) throw new Error(say('登录已取消', 'You declined'));
  const form = new URLSearchParams({ code, state });
  const visitor = await ask('/_wx/session', { method: 'POST', body: form });
  document.getElementById('openid').textContent = visitor.openid;
  result.textContent = JSON.stringify(visitor, null, 2);
  button?.remove();
}

// The address without what a login leaves there.
function cleaned() {
  const page = new URL(location.href);
  for (const name of ['code', 'state']) page.searchParams.delete(name);
  if (page.hash === '#wechat_redirect') page.hash = '';
  return page;
}

const show = (error) => (result.textContent = error.message);
const query = new URLSearchParams(location.search);
const last = (name) => query.getAll(name).pop(); // WeChat adds its own at the end
if (query.has('state')) arrive(last('state'), last('code')).catch(show);
button?.addEventListener('click', () => leave().catch(show));
