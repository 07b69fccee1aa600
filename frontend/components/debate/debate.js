import { getStatistics, getTranscript } from "../../api.js";
import { useTick } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { hasTranscript, hasVideo, isEnded } from "../../jobs.js";
import { createPlayback } from "../../playback.js";
import { useResource } from "../../poll.js";
import { rememberMoment } from "../../router.js";
import { givenNames, looks, withNames } from "../../speakers.js";
import { html, useEffect, useMemo } from "../../view.js";
import { Downloads } from "../downloads/downloads.js";
import { Figures } from "../figures/figures.js";
import { JobFacts } from "../job-facts/job-facts.js";
import { Lanes } from "../lanes/lanes.js";
import { Notice } from "../notice/notice.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { Player } from "../player/player.js";
import { SpeakerPatterns } from "../speaker-mark/speaker-mark.js";
import { Stages } from "../stages/stages.js";
import { Transcript } from "../transcript/transcript.js";
import { Warnings } from "../warnings/warnings.js";

function lookOf(transcript, statistics) {
  return looks([
    ...(transcript?.transcription ?? []).map((segment) => segment.speaker),
    ...(transcript?.turns ?? []).map((turn) => turn.speaker),
    ...(statistics?.speakers ?? []).map((row) => row.speaker),
  ]);
}

/** Transcript, figures and looks by the names that people gave the speakers. */
function byName(transcript, statistics) {
  const names = givenNames(statistics);
  const look = [...lookOf(transcript, statistics)].map(([label, number]) => [names.get(label) ?? label, number]);
  return {
    transcript: transcript && {
      ...transcript,
      transcription: withNames(transcript.transcription, names),
      turns: withNames(transcript.turns, names),
    },
    statistics: statistics && {
      ...statistics,
      speakers: withNames(statistics.speakers, names),
      comparisons: withNames(statistics.comparisons, names, ["more", "less"]),
    },
    look: new Map(look),
  };
}

/** One debate: its progress until it is complete, then recording, transcript and figures. */
export function Debate({ job, time }) {
  const id = job.job_id;
  const readable = hasTranscript(job);
  const video = hasVideo(job);
  const complete = job.status === "COMPLETE";
  const { data: said, error: transcriptError } = useResource(() => getTranscript(id), readable ? id : null);
  const { data: counted, error: statisticsError } = useResource(() => getStatistics(job), complete ? id : null);
  const playback = useMemo(createPlayback, [id]);
  const { transcript, statistics, look } = useMemo(() => byName(said, counted), [said, counted]);
  useTick(!isEnded(job));

  useEffect(() => {
    if (time !== null) playback.seek(time);
  }, [playback, time]);

  /** Every link to a moment of this debate plays it here; opened elsewhere, it is an address. */
  function onClick(event) {
    const link = event.target.closest("a[data-moment]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const seconds = Number(link.dataset.moment);
    playback.seek(seconds, { play: true });
    // The transcript stands beside the recording; from further down it may be out of sight.
    if (!link.closest(".transcript")) playback.show();
    rememberMoment(id, seconds);
  }

  return html`<article class="debate" onClick=${onClick}>
    <${SpeakerPatterns} />
    <header class="debate-header">
      <div>
        <${PageHeading}><bdi>${job.title || job.filename}</bdi><//>
        <${JobFacts} job=${job} />
      </div>
      ${readable && html`<${Downloads} job=${job} />`}
    </header>
    ${!complete && html`<${Stages} job=${job} />`}
    <${Warnings} jobId=${id} warnings=${statistics?.warnings ?? transcript?.warnings ?? []} />
    ${(video || readable) &&
    html`<div class=${readable ? "workbench" : "workbench workbench-alone"}>
      <div class="workbench-recording">
        ${video && html`<${Player} job=${job} playback=${playback} />`}
        ${transcript && html`<${Lanes} transcript=${transcript} look=${look} playback=${playback} />`}
      </div>
      ${transcript && html`<${Transcript} jobId=${id} transcript=${transcript} look=${look} playback=${playback} />`}
      ${readable && !transcript && !transcriptError && html`<p class="fine">${t("transcript.loading")}</p>`}
      ${transcriptError && html`<${Notice} kind="error" title=${t("transcript.failed")} />`}
    </div>`}
    ${complete && !statistics && !statisticsError && html`<p class="fine">${t("figures.loading")}</p>`}
    ${statisticsError && html`<${Notice} kind="error" title=${t("figures.failed")} />`}
    ${statistics &&
    html`<${Figures} jobId=${id} statistics=${statistics} look=${look} />`}
  </article>`;
}
