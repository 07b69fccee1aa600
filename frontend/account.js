/**
 * Who is signed in. Whether anybody has to is what `config.json` says, which a deployment writes;
 * what is said to the issuer is `sign-in.js`'s, which is loaded once there is something to say.
 */
import { getConfig, setCredentials } from "./api.js";
import { HOME } from "./router.js";
import { readSetting, saveSetting } from "./settings.js";
import { createStore } from "./store.js";

/**
 * Null where nobody signs in; else `{name, problem}`: name null while nobody is signed in, problem
 * the key of the sentence that says why, or null.
 */
export const account = createStore(null);

let issuer = null;
let session = null;

const signing = () => import("./sign-in.js");

/** Whether this browser was signed in when it was last here: a guess, and no secret. */
const isExpected = () => readSetting("signed-in") === "yes";

function expect(yes) {
  saveSetting("signed-in", yes ? "yes" : "no");
}

function signedIn(opened) {
  session = opened;
  setCredentials({ token: () => session?.token(), renew });
  expect(true);
  account.set({ name: session.name, problem: null });
}

function signedOut(problem = null) {
  session = null;
  expect(false);
  account.set({ name: null, problem });
}

async function renew(refused) {
  if (await session?.renew(refused)) return true;
  if (session) signedOut("account.over");
  return false;
}

/** Signed out in another tab, and so here: not by a reload, which would break an upload off. */
function onStorage({ key, newValue }) {
  if (key === "signed-in" && newValue === "no" && session) signedOut("account.over");
}

/** Takes the issuer's answer out of the address and goes back to where we were. Null without one. */
function takeAnswer() {
  const query = new URLSearchParams(location.search);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
  const begun = JSON.parse(readSetting("sign-in", "sessionStorage") || "null");
  saveSetting("sign-in", "", "sessionStorage"); // an answer is taken once
  history.replaceState(null, "", begun?.place || HOME);
  return { query, begun };
}

async function trying(task) {
  try {
    await task();
  } catch (error) {
    if (error.code === "needed") signedOut();
    else signedOut(error.code === "refused" ? "account.refused" : "account.unreachable");
  }
}

/** Goes to the issuer, who sends us back here; `silent`: without asking anything. */
async function leave({ silent }) {
  const { authorization } = await signing();
  const { href, begun } = await authorization(issuer, { silent });
  const place = location.search + location.hash;
  saveSetting("sign-in", JSON.stringify({ ...begun, place }), "sessionStorage");
  if (silent) location.replace(href);
  else location.assign(href);
  await new Promise(() => {}); // this page ends
}

export const signIn = () => trying(() => leave({ silent: false }));

export async function signOut() {
  const ended = session;
  signedOut();
  location.assign((await ended?.end()) ?? HOME);
}

/**
 * To be called before the address is read: an answer of the issuer is not there any more when this
 * has returned its promise. Who was signed in before is so again, without being asked.
 */
export async function enter() {
  const answer = takeAnswer();
  ({ signIn: issuer } = await getConfig());
  if (!issuer) return;
  account.set({ name: null, problem: null });
  addEventListener("storage", onStorage);
  const isShared = new URLSearchParams(location.search).has("share"); // anybody may read it
  if (answer) await trying(async () => signedIn(await (await signing()).redeem(issuer, answer)));
  else if (isExpected() && !isShared) await trying(() => leave({ silent: true }));
}
