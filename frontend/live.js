/** Whether this window records: told on every page, without what records. */
import { createStore } from "./store.js";

export const isLive = createStore(false);
