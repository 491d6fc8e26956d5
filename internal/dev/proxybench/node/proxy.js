// The login of express-openid-connect in front of http-proxy: node proxy.js PORT PORT_OF_THE_PROVIDER PORT_OF_THE_APP
import http from 'node:http';
import express from 'express';
import oidc from 'express-openid-connect';
import httpProxy from 'http-proxy';

const [port, provider, app] = process.argv.slice(2);
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${app}`,
  xfwd: true,
  agent: new http.Agent({ keepAlive: true }),
});
const server = express();
server.use(oidc.auth({
  issuerBaseURL: `http://127.0.0.1:${provider}`,
  baseURL: `http://127.0.0.1:${port}`,
  clientID: 'bench',
  clientSecret: 'bench',
  secret: 'of the benchmark alone, and no secret at all',
  discoveryCacheMaxAge: 24 * 60 * 60 * 1000, // ms: the provider runs for the login alone
  authorizationParams: { response_type: 'code', scope: 'openid profile email' },
}));
server.use((request, response) => proxy.web(request, response, {}, () => response.destroy()));
server.listen(Number(port), '127.0.0.1');
