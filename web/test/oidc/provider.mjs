// A certified OpenID Connect provider (the package oidc-provider) for tests/it/oidc.rs, on a free port of this machine.
//
// Says `listening URL`; then takes lines on standard input: `serve REDIRECT_URI` begins to answer, `rotate` replaces
// every key. Answers each line with `done`. Ends with standard input. Any password signs in; groups go by name.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const groups = { ann: ['ops', 'staff'], bob: ['staff'], eve: ['guests'] };
let generation = 0;

function keys() {
  generation += 1;
  const kinds = [
    ['rsa', { modulusLength: 2048 }, 'RS256'],
    ['ec', { namedCurve: 'P-256' }, 'ES256'],
    ['ed25519', {}, 'EdDSA'],
  ];
  return kinds.map(([kind, options, alg]) => ({
    ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
    kid: `${alg}-${generation}`,
    use: 'sig',
  }));
}

function client(id, method, alg, redirectUri) {
  return {
    client_id: id,
    ...(method === 'none' ? {} : { client_secret: 'a secret: with & odd letters' }),
    token_endpoint_auth_method: method,
    id_token_signed_response_alg: alg,
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [new URL('/login', redirectUri).href],
    response_types: ['code'],
    grant_types: ['authorization_code'],
  };
}

function provider(issuer, redirectUri) {
  return new Provider(issuer, {
    clients: [
      client('basic', 'client_secret_basic', 'RS256', redirectUri),
      client('post', 'client_secret_post', 'ES256', redirectUri),
      client('public', 'none', 'EdDSA', redirectUri),
    ],
    jwks: { keys: keys() },
    cookies: { keys: ['only for tests'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email', 'email_verified'], groups: ['groups'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: `subject-of-${id}`,
        preferred_username: id,
        name: id,
        email: `${id}@example.com`,
        email_verified: true,
        groups: groups[id] ?? [],
      }),
    }),
    // The library's own way to say more about a failure.
    renderError: (ctx, out) => {
      ctx.type = 'json';
      ctx.body = JSON.stringify(out);
    },
  });
}

let answer = (_, response) => response.writeHead(503).end();
const server = createServer((request, response) => answer(request, response));
// A kept connection that ends at the moment in which it is used again is no answer.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let redirectUri = '';
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const [word, uri] = line.split(' ');
      if (word === 'serve') redirectUri = uri;
      answer = provider(issuer, redirectUri).callback();
      console.log('done');
    })
    .on('close', () => process.exit(0));
  console.log(`listening ${issuer}`);
});
