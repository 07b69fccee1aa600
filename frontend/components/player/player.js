import { getTranscriptFile, getVideo } from "../../api.js";
import { languageName } from "../../format.js";
import { t } from "../../i18n/index.js";
import { hasTranscript } from "../../jobs.js";
import { useResource } from "../../poll.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../view.js";
import { Notice } from "../notice/notice.js";

/**
 * Address of the captions as a blob: a <track> follows no redirect to another origin, and sends no
 * token; fetch does both.
 */
function useCaptions(job) {
  const counted = hasTranscript(job) ? `${job.job_id} ${job.completed_at}` : null; // with new names each time
  const { data: file } = useResource(() => getTranscriptFile(job.job_id, "vtt"), counted);
  const [url, setUrl] = useState(null);
  useEffect(() => {
    if (!file) return undefined;
    const address = URL.createObjectURL(file);
    setUrl(address);
    return () => URL.revokeObjectURL(address);
  }, [file]);
  return url;
}

/** The recording. A presigned address that ran out is asked for anew, at the same moment. */
export function Player({ job, playback }) {
  const element = useRef();
  const [signing, setSigning] = useState(0);
  const [unplayable, setUnplayable] = useState(false);
  const renewed = useRef(false);
  const { data: video, error } = useResource(() => getVideo(job.job_id), `${job.job_id} ${signing}`);
  const captions = useCaptions(job);
  useLayoutEffect(() => playback.attach(element.current), [playback]);

  function onError(event) {
    if (event.target !== element.current) return; // the captions' own errors end here too
    if (renewed.current) {
      setUnplayable(true);
      return;
    }
    renewed.current = true;
    playback.seek(playback.time.get(), { play: !element.current.paused });
    setSigning((count) => count + 1);
  }

  function onPlaying() {
    renewed.current = false;
  }

  const audio = video?.content_type?.startsWith("audio/");
  return html`<div class=${audio ? "player player-audio" : "player"}>
    <video
      ref=${element}
      controls
      playsinline
      preload="metadata"
      src=${video?.url}
      aria-label=${t("player.label", { title: job.title })}
      onError=${onError}
      onPlaying=${onPlaying}
    >
      ${captions &&
      html`<track
        kind="captions"
        src=${captions}
        srclang=${job.language ?? "und"}
        label=${job.language ? languageName(job.language) : t("player.captions")}
      />`}
    </video>
    ${unplayable && html`<${Notice} kind="warning"><p>${t("player.unplayable")}</p><//>`}
    ${error && html`<${Notice} kind="warning"><p>${t("player.missing")}</p><//>`}
  </div>`;
}
