import { announce } from "../../announce.js";
import { t } from "../../i18n/index.js";
import { importRecording, readAddress } from "../../imports.js";
import { refreshJobs } from "../../jobs.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { Refusal } from "../refusal/refusal.js";

const IS_FIELD = "input, textarea, select, [contenteditable]";

/** An address that is pasted anywhere but into a field is meant for this one. */
function usePagePaste(onAddress) {
  const latest = useRef();
  latest.current = onAddress;
  useEffect(() => {
    const onPaste = (event) => {
      if (event.target.closest?.(IS_FIELD)) return;
      const address = readAddress(event.clipboardData.getData("text/plain"));
      if (!address) return;
      event.preventDefault();
      latest.current(address);
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, []);
}

/** A recording that lies elsewhere; `options` as of uploads. */
export function ImportLink({ options }) {
  const [text, setText] = useState("");
  const [state, setState] = useState({}); // {isNone, error, isSending}
  const key = useRef();
  const input = useRef();

  function write(address) {
    setText(address);
    setState({});
    key.current = crypto.randomUUID?.(); // of this wish, however often it is sent
  }

  usePagePaste((address) => {
    write(address);
    input.current.focus();
  });

  async function submit(event) {
    event.preventDefault();
    if (state.isSending) return;
    const address = readAddress(text);
    if (!address) return setState({ isNone: true });
    setState({ isSending: true });
    try {
      const job = await importRecording(address, options, key.current);
      write("");
      announce(t("import.said_started", { title: job.title }));
      refreshJobs();
    } catch (error) {
      setState({ error });
    }
  }

  const { isNone, isSending, error } = state;
  return html`<form class="import-link" novalidate onSubmit=${submit}>
    <label for="import-address">${t("import.label")}</label>
    <div class="import-link-row">
      <input
        ref=${input}
        id="import-address"
        type="url"
        autocomplete="off"
        spellcheck="false"
        maxlength="2048"
        placeholder=${t("import.placeholder")}
        aria-describedby="import-why"
        aria-invalid=${isNone ? "true" : null}
        value=${text}
        onInput=${(event) => write(event.target.value)}
      />
      <button type="submit" class="button" aria-disabled=${isSending ? "true" : null}>${t("import.fetch")}</button>
    </div>
    <p id="import-why" class=${isNone ? "problem" : "fine"} role=${isNone ? "alert" : null}>
      ${isNone ? t("import.none") : t("import.why")}
    </p>
    <${Refusal} error=${error} />
  </form>`;
}
