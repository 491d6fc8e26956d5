// An OpenID provider that logs everybody in without a question: node provider.js PORT BASE_URL_OF_THE_CLIENT
import Provider from 'oidc-provider';

const [port, baseURL] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'bench', client_secret: 'bench', redirect_uris: [`${baseURL}/callback`] }],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: 'Ann', email: 'ann@example.com', email_verified: true }),
  }),
  async loadExistingGrant(ctx) { // consent to whatever is asked for
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  ctx.respond = false;
  return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'ann' } });
});
provider.listen(Number(port), '127.0.0.1');
