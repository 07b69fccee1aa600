import { announce } from "../../announce.js";
import { clock } from "../../format.js";
import { t } from "../../i18n/index.js";
import { debateHref } from "../../router.js";
import { copy } from "../../save.js";
import { html, useEffect, useState } from "../../view.js";

/** A link to the moment, or to the segments that are chosen: to copy, to play, to leave out. */
export function ClipBar({ jobId, clip, playback, onClear, onLeaveOut }) {
  const [copied, setCopied] = useState(false);
  const [shown, setShown] = useState(null); // an address that the clipboard did not take
  useEffect(() => {
    setCopied(false);
    setShown(null);
  }, [clip]);

  async function onCopy() {
    const href = clip ? debateHref(jobId, clip.start, clip.end) : debateHref(jobId, playback.time.get());
    const address = new URL(href, location.href).href;
    const done = await copy(new Blob([address], { type: "text/plain" }));
    if (done) announce(t("clip.copied"));
    setCopied(done);
    setShown(done ? null : address);
  }

  const times = clip && `${clock(clip.start)}–${clock(clip.end)}`;
  return html`<div class="clip-bar">
    ${clip &&
    html`<a href=${debateHref(jobId, clip.start, clip.end)} data-moment=${clip.start} data-end=${clip.end}>
      ${t("clip.play", { times })}
    </a>`}
    <button type="button" class="button button-quiet" onClick=${onCopy}>${t(clip ? "clip.copy" : "clip.copy_moment")}</button>
    ${clip && onLeaveOut && html`<button type="button" class="button button-quiet" onClick=${onLeaveOut}>${t("clip.leave_out")}</button>`}
    ${clip && html`<button type="button" class="button button-quiet" onClick=${onClear}>${t("clip.clear")}</button>`}
    ${copied && html`<span class="fine">${t("clip.copied")}</span>`}
    ${shown &&
    html`<label class="clip-address">${t("clip.by_hand")}
      <input readonly value=${shown} onFocus=${(event) => event.target.select()} />
    </label>`}
  </div>`;
}
