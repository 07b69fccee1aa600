/**
 * What is said to the issuer: OpenID Connect, authorization code with PKCE. Tokens are in this
 * module and, while a request is sent, in its header; nowhere that outlives the page.
 */
import { ApiError } from "./api.js";
import * as oauth from "./vendor/oauth4webapi/oauth4webapi.js";

const TIMEOUT_MS = 30_000;
const options = { signal: () => AbortSignal.timeout(TIMEOUT_MS) };

/** What an issuer answers to `prompt=none` when it would have to ask. */
const NEEDED = ["login_required", "interaction_required", "consent_required", "account_selection_required"];

/** `unreachable`: the issuer is away. `needed`: somebody has to sign in. `refused`: not to be trusted. */
function toError(error) {
  const status = error.status ?? error.cause?.status;
  const isLost = (error instanceof TypeError && !error.code) || error.name === "TimeoutError";
  if (isLost || status >= 500) return new ApiError("unreachable");
  return new ApiError(NEEDED.includes(error.error) ? "needed" : "refused");
}

const explained =
  (task) =>
  async (...values) => {
    try {
      return await task(...values);
    } catch (error) {
      throw toError(error);
    }
  };

const page = () => new URL("./", location).href;

async function discover({ issuer, clientId }) {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, options);
  const client = {
    client_id: clientId,
    // Tokens come straight from the issuer, bound to this sign-in: a clock that is wrong changes nothing.
    [oauth.clockTolerance]: 86_400,
  };
  return { server: await oauth.processDiscoveryResponse(url, response), client };
}

/** An address of the issuer's to go to. */
function address(text, values) {
  const url = new URL(text);
  if (url.protocol !== "https:") throw new ApiError("refused");
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  return url.href;
}

/** `{href, begun}`: where to go, and what its answer is to be redeemed with. */
export const authorization = explained(async (issuer, { silent }) => {
  const { server } = await discover(issuer);
  const begun = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
  };
  const href = address(server.authorization_endpoint, {
    response_type: "code",
    client_id: issuer.clientId,
    redirect_uri: page(),
    scope: issuer.scope,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: "S256",
    ...(silent && { prompt: "none" }),
  });
  return { href, begun };
});

/** The session that the answer is good for. */
export const redeem = explained(async (issuer, { query, begun }) => {
  if (!begun) throw new ApiError("refused"); // not begun in this tab, or redeemed before
  const { server, client } = await discover(issuer);
  const code = oauth.validateAuthResponse(server, client, query, begun.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, oauth.None(), code, page(), begun.verifier, options,
  );
  const expected = { expectedNonce: begun.nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
  return open(server, client, tokens);
});

function open(server, client, tokens) {
  const { sub, email, name } = oauth.getValidatedIdTokenClaims(tokens);
  let access = tokens.access_token;
  let refresh = tokens.refresh_token;
  let renewal = null;

  const ask = explained(async () => {
    const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, options);
    const next = await oauth.processRefreshTokenResponse(server, client, response);
    const claims = oauth.getValidatedIdTokenClaims(next);
    if (claims && claims.sub !== sub) throw new ApiError("refused");
    access = next.access_token;
    refresh = next.refresh_token ?? refresh;
  });

  async function renewed() {
    if (!refresh) return false;
    try {
      await ask();
      return true;
    } catch (error) {
      if (error.code === "unreachable") throw error; // may be back
      return false;
    }
  }

  return {
    name: email ?? name ?? sub,
    token: () => access,

    /** Whether there is another token now than the one that was refused. Asked for once at a time. */
    async renew(refused) {
      if (access !== refused) return true;
      renewal ??= renewed().finally(() => {
        renewal = null;
      });
      return renewal;
    },

    /** Where to go to be signed out at the issuer as well; null where it has no such place. */
    async end() {
      try {
        if (refresh && server.revocation_endpoint) {
          await oauth.revocationRequest(server, client, oauth.None(), refresh, options);
        }
      } catch {
        // It ends by itself.
      }
      if (!server.end_session_endpoint) return null;
      // Cognito calls it logout_uri. No id_token_hint: tokens are in no address.
      return address(server.end_session_endpoint, {
        client_id: client.client_id,
        post_logout_redirect_uri: page(),
        logout_uri: page(),
      });
    },
  };
}
