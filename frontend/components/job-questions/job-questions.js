import { asked } from "../../desk.js";
import { usePart } from "../../hooks.js";
import { useStore } from "../../store.js";
import { html, useEffect } from "../../view.js";

/** The place of the dialogs about debates, which are loaded when the first is wanted. */
export function JobQuestions() {
  const isAsked = useStore(asked) !== null;
  const JobDialogs = usePart("dialogs", isAsked);
  useEffect(() => () => asked.set(null), []);
  return JobDialogs && html`<${JobDialogs} />`;
}
