// An OpenID provider for one test. It reads its settings as JSON from the standard input, prints its port, and ends
// when the standard input does, so that it never outlives the test.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { webcrypto } from 'node:crypto';
import { register } from 'node:module';

if (!URL.parse) { // Debian 12 has Node.js 18, which lacks some of what the package takes for granted
  globalThis.crypto ??= webcrypto;
  globalThis.CryptoKey ??= webcrypto.CryptoKey;
  URL.parse = (text, base) => {
    try {
      return new URL(text, base);
    } catch {
      return null;
    }
  };
  register(`data:text/javascript,${encodeURIComponent(`export const resolve = (name, context, next) =>
    (name === 'node:crypto' && context.parentURL.includes('/oidc-provider/')
      ? { url: ${JSON.stringify(new URL(process.argv[2], import.meta.url))}, shortCircuit: true } : next(name, context));`)}`);
}
const { default: Provider, interactionPolicy } = await import('oidc-provider');

const lines = createInterface({ input: process.stdin });
const [first] = await once(lines, 'line');
const settings = JSON.parse(first);
lines.on('close', () => process.exit(0));

const server = createServer();
server.keepAliveTimeout = 0; // no limit: a connection that ends just when a form is sent over it fails a test
server.listen(settings.port, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

const users = new Map(settings.users.map((user) => [user.sub, user]));
const counts = {};
const count = (what) => { counts[what] = (counts[what] ?? 0) + 1; };
const logins = []; // who is logged in at which client, for ending sessions from here

const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);

const lifeOf = ({ oidc }) => (oidc.params.grant_type === 'refresh_token' ? settings.renewedTokenLife : settings.accessTokenLife);

const claimNames = [...new Set(settings.users.flatMap((user) => Object.keys(user.claims ?? {})))];
const provider = new Provider(issuer, {
  clients: settings.clients.map((client) => ({
    client_id: client.id,
    client_secret: client.secret,
    token_endpoint_auth_method: client.post ? 'client_secret_post' : 'client_secret_basic',
    redirect_uris: client.redirects ?? [],
    response_types: client.redirects ? ['code'] : [],
    post_logout_redirect_uris: client.logoutRedirects ?? [],
    grant_types: [
      ...(client.redirects ? ['authorization_code'] : []),
      ...(settings.refreshTokens ? ['refresh_token'] : []),
      ...(client.machine ? ['client_credentials'] : []),
    ],
    ...(client.backchannelLogout && {
      backchannel_logout_uri: client.backchannelLogout,
      backchannel_logout_session_required: !client.logoutBySubject,
    }),
  })),
  jwks: { keys: [settings.key] },
  // Cookies are not kept apart by port, and a test may run two providers.
  cookies: { keys: ['test'], names: { session: `session_${port}`, interaction: `interaction_${port}`, resume: `resume_${port}` } },
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', ...claimNames],
  },
  scopes: ['openid', 'offline_access'],
  conformIdTokenClaims: settings.thinIDTokens, // else e-mail and groups are in the ID token, as with most providers
  findAccount: (_, sub) => users.has(sub) && {
    accountId: sub,
    claims: () => {
      const { email, verified, claims } = users.get(sub);
      return { sub, ...(email && { email, email_verified: verified }), ...claims };
    },
  },
  extraParams: ['audience'],
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = page('Logging out', `${form.replace('</form>', '<input type="hidden" name="logout" value="yes"><button>Log out</button></form>')}
          <script>document.forms[0].submit()</script>`);
      },
      postLogoutSuccessSource: (ctx) => { ctx.body = page('Logged out', 'You are logged out of the provider.'); },
    },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, audience) => ({
        audience,
        scope: 'openid profile email read',
        accessTokenFormat: 'jwt',
        accessTokenTTL: lifeOf(ctx),
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  // Unlike the standard, and like most providers, no consent page between the login and the app.
  loadExistingGrant: async ({ oidc }) => {
    const id = oidc.result?.consent?.grantId ?? oidc.session.grantIdFor(oidc.client.clientId);
    const grant = (id && await provider.Grant.find(id))
      || new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid profile email offline_access');
    for (const resource of Object.keys(oidc.resourceServers ?? {})) grant.addResourceScope(resource, 'openid profile email read');
    await grant.save();
    return grant;
  },
  ...(settings.refreshTokens && { issueRefreshToken: () => true, rotateRefreshToken: true }),
  interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
  ttl: { AccessToken: lifeOf, IdToken: 3600, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600 },
  // The dispatcher refuses this machine, and the signal gives a client 2.5 seconds, which a busy machine may not have.
  fetch: (url, { dispatcher, signal, ...options }) => globalThis.fetch(url, options),
  renderError: (ctx, out) => {
    count(`error ${out.error}`);
    ctx.type = 'html';
    ctx.body = page('The provider refused', `<pre>${escape(`${out.error}: ${out.error_description}`)}</pre>`);
  },
});
provider.use((ctx, next) => { // Auth0's audience is what the standard calls resource
  if (ctx.path === '/auth' && ctx.query.audience) ctx.query = { ...ctx.query, resource: ctx.query.audience };
  return next();
});
provider.on('server_error', (_, error) => console.error(error));
provider.on('grant.success', (ctx) => count(`grant ${ctx.oidc.params.grant_type}`));
provider.on('grant.error', (ctx, error) => { count(`grant error ${error.error}`); console.error(error.error, error.error_detail); });
provider.on('backchannel.error', (_, error) => { count('backchannel error'); console.error(error.message); });
provider.on('backchannel.success', () => count('backchannel success'));
provider.on('authorization.success', ({ oidc }) => {
  count('login');
  logins.push({ client: oidc.client.clientId, sub: oidc.session.accountId, sid: oidc.session.sidFor(oidc.client.clientId) });
});

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const page = (title, body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const readForm = async (request) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
};

const show = (response, status, title, body) => {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(page(title, body));
};

// interact shows the page for what the provider wants to know, and takes the answer.
const interact = async (request, response) => {
  const { prompt, params } = await provider.interactionDetails(request, response);
  const asked = prompt.name === 'consent'
    ? '<button name="answer" value="allow">Allow</button>'
    : '<label>User <input name="user" autocomplete="username"></label> <label>Password <input name="password" type="password"></label> <button name="answer" value="login">Continue</button>';
  const form = `<p id="client">${escape(params.client_id)}</p><form method="post">${asked} <button name="answer" value="cancel">Cancel</button></form>`;
  if (request.method !== 'POST') return show(response, 200, `Provider: ${prompt.name}`, form);
  const answers = await readForm(request);
  const done = (result) => provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  if (answers.get('answer') === 'cancel') return done({ error: 'access_denied', error_description: 'The person said no.' });
  if (prompt.name === 'consent') {
    const { Grant } = provider;
    const details = await provider.interactionDetails(request, response);
    const grant = (details.grantId && await Grant.find(details.grantId))
      || new Grant({ clientId: params.client_id, accountId: details.session.accountId });
    grant.addOIDCScope(params.scope);
    return done({ consent: { grantId: await grant.save() } });
  }
  const user = users.get(answers.get('user'));
  if (user?.password !== answers.get('password')) {
    return show(response, 403, `Provider: ${prompt.name}`, `<p>Wrong user or password.</p>${form}`);
  }
  return done({ [prompt.name]: {}, login: { accountId: user.sub } });
};

// endSessions tells every client, as a provider does when somebody is locked out or logs out elsewhere.
const endSessions = async (sub) => {
  for (const login of logins.filter((one) => one.sub === sub)) {
    const client = await provider.Client.find(login.client);
    if (client?.backchannelLogoutUri) await client.backchannelLogout(login.sub, login.sid);
  }
};

const fromTests = async (request, response, url) => {
  if (url.pathname === '/-/counts') return response.end(JSON.stringify(counts));
  try {
    await endSessions(url.searchParams.get('sub'));
    return response.end();
  } catch (error) {
    response.writeHead(502);
    return response.end(`${error.message} ${await error.response?.text() ?? ''}`);
  }
};

const standard = provider.callback();
server.on('request', (request, response) => {
  const url = new URL(request.url, issuer);
  const failed = (error) => { console.error(error); show(response, 500, 'Error', escape(String(error))); };
  if (url.pathname.startsWith('/-/')) return fromTests(request, response, url).catch(failed);
  if (url.pathname.startsWith('/interaction/')) return interact(request, response).catch(failed);
  count(`${request.method} ${url.pathname}`);
  return standard(request, response);
});
console.log(port);
