/**
 * What people say of one debate: the log as the server last told it, and what it has not been told
 * yet. That is kept in this browser until it has arrived or is dropped, each batch by itself, so
 * that no window loses what another has kept. What came twice is told by the log and goes.
 */
import { ApiError, getEdits, postEdits } from "./api.js";
import { linkOf } from "./links.js";
import { poll } from "./poll.js";
import { keptSettings, removeSetting, saveSetting } from "./settings.js";
import { createStore } from "./store.js";

/** As the server writes it: without what is not said, and text in one form. */
function plain(value) {
  if (typeof value === "string") return value.normalize("NFC").trim();
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const said = Object.entries(value).filter(([, each]) => each != null);
  return Object.fromEntries(said.sort().map(([name, each]) => [name, plain(each)]));
}

const inOneForm = (operation) => JSON.stringify(plain(operation));

/** Whether a batch is in the log already: the answer to it was lost. */
function hasArrived({ base, operations }, entries) {
  const wanted = operations.map(inOneForm);
  const log = entries.slice(base).map((entry) => inOneForm(entry.operation));
  return log.some((_, at) => wanted.every((one, n) => log[at + n] === one));
}

const keyOf = (jobId, batch = { id: "" }) => `edits.${jobId}.${batch.id}`;

const keptBatches = (jobId) =>
  keptSettings(keyOf(jobId))
    .map(([, text]) => JSON.parse(text))
    .sort((a, b) => a.at - b.at);

/** All that is said, in order; what is not sent yet, too. */
export const allEntries = ({ log, unsent }, etag) => [
  ...(log?.entries ?? []),
  ...unsent.flatMap(({ id, operations }) =>
    operations.map((operation, n) => ({ id: `${id} ${n}`, transcript: etag, operation })),
  ),
];

/**
 * `state` is a store:
 *
 *     log       {version, entries}; null until the server first told it
 *     unsent    [{id, at, base, operations, undoes}…]: what the server has not taken yet, oldest first
 *     phase     loading, closed (may not be edited), ready, sending, waiting (for the server),
 *               conflict (others were faster), refused
 *     news      the entries of others that came meanwhile
 *     error     the ApiError of a refusal
 *     canUndo, canRedo   of what was said here
 *
 * `onArrival()` is called when the server has taken something.
 */
export function createEditDesk(jobId, { onArrival }) {
  const state = createStore({
    log: null,
    unsent: linkOf(jobId) ? [] : keptBatches(jobId),
    phase: "loading",
    news: [],
    error: null,
    canUndo: false,
    canRedo: false,
  });
  const steps = new Map(); // what a batch of this window does to the two stacks below, when it has arrived
  const done = []; // lists of ids that are in force
  const undone = []; // {ids, undos}; the undos null until they have arrived
  let sender = null;

  const set = (changes) =>
    state.update((before) => {
      const next = { ...before, ...changes };
      const canUndo = done.length > 0 || next.unsent.some((batch) => !batch.undoes);
      return { ...next, canUndo, canRedo: undone.length > 0 };
    });

  function forget(batch) {
    removeSetting(keyOf(jobId, batch));
    set({ unsent: state.get().unsent.filter((each) => each !== batch) });
  }

  function arrived(batch, log) {
    const ids = log.entries.slice(-batch.operations.length).map((entry) => entry.id);
    const step = steps.get(batch.id);
    steps.delete(batch.id);
    set({ log });
    forget(batch);
    step?.(ids);
    set({});
    onArrival();
  }

  /** Looks at the log again. Returns what others have said since the last look. */
  async function look() {
    const log = await getEdits(jobId);
    const { log: before, unsent } = state.get();
    const there = unsent.filter((batch) => hasArrived(batch, log.entries));
    set({ log });
    there.forEach(forget);
    if (there.length) onArrival();
    return before && !there.length ? log.entries.slice(before.entries.length) : [];
  }

  async function sendAll() {
    while (state.get().unsent.length) {
      const { log, unsent } = state.get();
      set({ phase: "sending" });
      try {
        arrived(unsent[0], await postEdits(jobId, log.version, unsent[0].operations));
      } catch (error) {
        if (error.code !== "conflict") throw error;
        const news = await look();
        if (news.length && state.get().unsent.length) {
          set({ phase: "conflict", news });
          return null;
        }
      }
    }
    set({ phase: "ready" });
    return null;
  }

  function onError(error) {
    if (error.transient) {
      set({ phase: "waiting" });
      return;
    }
    sender.stop();
    set({ phase: "refused", error });
  }

  function send() {
    sender?.stop();
    sender = poll(sendAll, { onError });
  }

  function add(operations, step) {
    const id = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    const undoes = operations.every(({ op }) => op === "undo");
    const batch = { id, at: Date.now(), base: state.get().log.entries.length, operations, undoes };
    steps.set(batch.id, step);
    saveSetting(keyOf(jobId, batch), JSON.stringify(batch));
    set({ unsent: [...state.get().unsent, batch] });
    if (state.get().phase === "ready") send();
  }

  function drop() {
    for (const batch of state.get().unsent) forget(batch);
    steps.clear();
    const lost = undone.filter((last) => !last.undos);
    undone.splice(0, undone.length, ...undone.filter((last) => last.undos));
    done.push(...lost.map((last) => last.ids).reverse());
    sender?.stop();
    set({ phase: "ready", news: [], error: null });
  }

  /** Takes back what was said last in this window. */
  function undo() {
    const { unsent, phase } = state.get();
    const last = unsent.findLast((batch) => !batch.undoes);
    if (last && last === unsent[0] && phase === "sending") {
      const step = steps.get(last.id);
      steps.set(last.id, (ids) => {
        step?.(ids);
        undo();
      });
    } else if (last && unsent.length === 1) drop();
    else if (last) forget(last);
    else if (done.length) {
      const taken = { ids: done.pop(), undos: null };
      undone.push(taken);
      add(undoing(taken.ids), (undos) => {
        taken.undos = undos;
        taken.then?.();
      });
    }
  }

  const undoing = (ids) => ids.toReversed().map((entry) => ({ op: "undo", entry }));

  return {
    state,
    /** Starts; returns the function that ends it. */
    open() {
      const opening = poll(
        async () => {
          await look();
          const { unsent } = state.get();
          set({ phase: linkOf(jobId) ? "closed" : "ready" });
          if (unsent.length) send();
          return null;
        },
        { onError: () => set({ phase: "closed" }) },
      );
      const onVisible = async () => {
        if (document.hidden || state.get().phase !== "ready") return;
        try {
          const news = await look();
          if (news.length) {
            set({ news });
            onArrival();
          }
        } catch (error) {
          if (!(error instanceof ApiError)) throw error; // it is only a look: sending will tell
        }
      };
      document.addEventListener("visibilitychange", onVisible);
      return () => {
        opening.stop();
        sender?.stop();
        document.removeEventListener("visibilitychange", onVisible);
      };
    },
    /** Says it: at once here, and to the server as soon as it answers. */
    say(operations) {
      if (!operations.length) return;
      undone.length = 0;
      add(operations, (ids) => done.push(ids));
    },
    undo,
    redo() {
      const last = undone.pop();
      if (!last) return;
      const again = () => add(undoing(last.undos), () => done.push(last.ids));
      if (last.undos) again();
      else last.then = again; // the server has not taken the undo yet
    },
    /** Asks the server now; after a conflict, on top of what others said. */
    retry() {
      set({ news: [], error: null });
      send();
    },
    /** What the server does not have is forgotten. */
    drop,
    /** The news was read. */
    dismiss: () => set({ news: [] }),
  };
}
